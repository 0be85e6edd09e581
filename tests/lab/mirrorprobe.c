/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * mirrorprobe [--die-at STEP | --kill PID STEP] VERB ARGUMENT...: the mirror driver by itself,
 * which can be cut off at each step. Disks are TARGET FORMAT PATH; FOLDER is where the replica's
 * host keeps its records; PROBE_TLS the folder of certificates, for serve and mirror.
 *
 *   serve FOLDER ADDRESS UUID SERIAL DISK...    says "where PLACE", later "serving"
 *   lives FOLDER UUID SERIAL                    veto FOLDER UUID SERIAL TEXT
 *   end FOLDER UUID SERIAL                      promote SERIAL DISK...
 *   mirror DOMAIN PLACE SERIAL SECONDS DISK...  a write waits so long for the replica
 *   look DOMAIN                                 says "SERIAL copying|ready|ended N LAG TEXT"
 *   cancel DOMAIN SERIAL                        final DOMAIN: says "final SERIAL"
 */
#include <stdio.h>

#include "hawd/base/clock.h"
#include "replication/mirror.h"
#include "tests/lab/probe.h"

static uint32_t number(const char *arg) {
        return (uint32_t)strtoul(arg, NULL, 10);
}

static struct mirror_disks disks_of(char **argv) {
        struct mirror_disks d = {0};

        for (; argv[0] && argv[1] && argv[2] && d.n < MIRROR_DISKS_MAX; argv += 3, d.n++) {
                text_set(d.disks[d.n].target, MIRROR_TARGET_LEN, argv[0]);
                text_set(d.disks[d.n].format, sizeof(d.disks[0].format), argv[1]);
                text_set(d.disks[d.n].path, MIRROR_PATH_LEN, argv[2]);
        }
        return d;
}

static int serve(const struct mirror_work *w, const struct export_place *p, char **argv) {
        struct mirror_disks disks = disks_of(argv + 4);
        struct export *x = xcalloc(1, sizeof(*x));
        char where[MIRROR_WHERE_LEN];
        int fd = export_listen(argv[1], p->tls_dir != NULL, where, err), r;

        if (fd < 0)
                return fd;
        printf("where %s\n", where);
        (void)fflush(stdout);
        text_set(x->uuid, sizeof(x->uuid), argv[2]);
        x->serial = number(argv[3]);
        r = export_serve(w, p, fd, where, &disks, x, err);
        if (r == 0)
                printf("serving\n");
        free(x);
        return r;
}

static int kept(const struct mirror_work *w, const char *verb, char **argv) {
        struct export_place p = {.folder = argv[0]};
        struct export *x = xcalloc(1, sizeof(*x));
        int r = export_read(&p, argv[1], number(argv[2]), x, err);

        if (r == 0 && strcmp(verb, "lives") == 0)
                r = export_lives(&p, x, err) ? 0 : -EPIPE;
        else if (r == 0 && strcmp(verb, "veto") == 0)
                r = export_veto(&p, x, argv[3], err);
        else if (r == 0)
                r = export_end(&p, x, w->deadline, err);
        free(x);
        return r;
}

static int mirror(const struct mirror_work *w, virDomainPtr dom, char **argv) {
        struct mirror_disks disks = disks_of(argv + 4);
        uint32_t serial = number(argv[2]);
        struct mirror_ports ports;
        int r = mirror_sizes(dom, &disks, err);

        if (r == 0)
                r = hello_ask(w, argv[1], &disks, serial, &ports, err);
        if (r == 0)
                r = mirror_begin(w, dom, &disks, &ports, 1, serial, number(argv[3]) * USEC_PER_SEC,
                                 getenv("PROBE_TLS"), err);
        return r;
}

static int live(const struct mirror_work *w, const char *verb, int argc, char **argv) {
        virConnectPtr conn = virConnectOpen("qemu:///system");
        virDomainPtr dom = conn ? virDomainLookupByName(conn, argv[0]) : NULL;
        struct mirror_seen seen;
        uint32_t serial;
        int r = -EINVAL;

        if (!dom)
                return -ESRCH;
        if (strcmp(verb, "mirror") == 0 && argc >= 7)
                return mirror(w, dom, argv);
        if (strcmp(verb, "cancel") == 0 && argc == 2)
                return mirror_cancel(w, dom, number(argv[1]), err);
        if (strcmp(verb, "look") == 0) {
                r = mirror_look(dom, &seen, err);
                if (r == 0)
                        printf("%u %s %zu %" PRIu64 " %s\n", seen.serial,
                               seen.ended   ? "ended"
                               : seen.ready ? "ready"
                                            : "copying",
                               seen.n, seen.lag_bytes, seen.error);
        } else if (strcmp(verb, "final") == 0) {
                r = mirror_final(w, dom, &serial, err);
                if (r == 0)
                        printf("final %u\n", serial);
        }
        return r;
}

static int run(const struct mirror_work *w, const char *verb, int argc, char **argv) {
        struct export_place p = {.folder = argc > 0 ? argv[0] : "",
                                 .tls_dir = getenv("PROBE_TLS"),
                                 .hold_usec = USEC_PER_MINUTE};
        struct mirror_disks disks;

        if (strcmp(verb, "serve") == 0 && argc >= 7)
                return serve(w, &p, argv);
        if (strcmp(verb, "promote") == 0 && argc >= 4) {
                disks = disks_of(argv + 1);
                return copy_promote(w, &disks, number(argv[0]), err);
        }
        if (((strcmp(verb, "lives") == 0 || strcmp(verb, "end") == 0) && argc == 3) ||
            (strcmp(verb, "veto") == 0 && argc == 4))
                return kept(w, verb, argv);
        return argc > 0 ? live(w, verb, argc, argv) : -EINVAL;
}

int main(int argc, char **argv) {
        struct mirror_work w = {.go_on = go_on};
        int r;

        w.deadline = now_boottime() + 120 * USEC_PER_SEC;
        probe_options(&argc, &argv);
        r = argc > 0 ? run(&w, argv[0], argc - 1, argv + 1) : -EINVAL;
        return probe_end("mirrorprobe", r);
}
