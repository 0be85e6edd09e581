/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * pullprobe [--die-at STEP | --kill PID STEP] VERB SERIAL DISK... [-- ARGUMENT...]: the driver of
 * asynchronous replicas by itself, which can be cut off at each step. DISK: TARGET:FORMAT:MIB:PATH
 *
 *   serve SERIAL DISK... -- ADDRESS   R: "where WHERE", then a line for each cycle, for ever
 *   cycle SERIAL DISK... -- DOMAIN GEN WHERE [quiesce]   P: "AS-OF full|incremental BYTES"
 *   clear SERIAL DISK... -- DOMAIN thaw|-                settle SERIAL DISK...   "CYCLE AS-OF"
 *   take-over SERIAL DISK... -- OLDER                    remove SERIAL DISK...
 *   forget SERIAL DISK... -- DOMAIN
 *
 * --die-at: ends itself by SIGKILL right before STEP; --kill: PID, and goes on.
 */
#include <libvirt/virterror.h>
#include <stdio.h>

#include "hawd/base/clock.h"
#include "replication/driver_pull.h"
#include "tests/lab/probe.h"

static bool parse_disk(const char *arg, struct pull_disk *ret) {
        unsigned long mib;

        if (sscanf(arg, "%31[^:]:%15[^:]:%lu:%511s", ret->target, ret->format, &mib, ret->path) !=
            4)
                return false;
        ret->size = (uint64_t)mib << 20;
        return true;
}

static int serve(const struct disk_driver *d, const struct pull_guest *g, const char *address) {
        char where[PULL_WHERE_LEN];
        struct pull_servers s;
        struct pull_mark m;
        int r = pull_listen(address, g->n, &s, err);

        if (r < 0)
                return r;
        pull_where_put(&s.where, where);
        printf("where %s\n", where);
        do {
                (void)fflush(stdout);
                r = pull_serve(d, g, NULL, &s, &m, err);
                if (r == 0)
                        printf("whole %" PRIu64 " %" PRIu64 "\n", m.cycle, m.as_of);
                else if (r == -EAGAIN)
                        printf("broken-off %s\n", err);
        } while (r == 0 || r == -EAGAIN);
        pull_unlisten(&s);
        return r;
}

static int with_domain(const struct disk_driver *d, const char *verb, const struct pull_guest *g,
                       int argc, char **argv) {
        virConnectPtr conn = virConnectOpen("qemu:///system");
        virDomainPtr dom = conn && argc > 0 ? virDomainLookupByName(conn, argv[0]) : NULL;
        struct pull_source p = {.guest = *g, .socket = "/var/lib/libvirt/qemu/hawd-pull.sock"};
        struct pull_where where;
        struct pull_done done;
        int r;

        if (!dom)
                return -ESRCH;
        if (strcmp(verb, "forget") == 0)
                return pull_forget(d, dom, &p, err);
        if (strcmp(verb, "clear") == 0 && argc == 2)
                return pull_clear(d, dom, &p, strcmp(argv[1], "thaw") == 0, err);
        if (strcmp(verb, "cycle") != 0 || argc < 3 || pull_where_get(argv[2], &where) < 0)
                return -EINVAL;
        p.gen = strtoull(argv[1], NULL, 10);
        p.to = &where;
        p.quiesce = argc > 3;
        r = pull_cycle(d, dom, &p, &done, err);
        if (r == 0)
                printf("%" PRIu64 " %s %" PRIu64 "\n", done.as_of,
                       done.full ? "full" : "incremental", done.bytes);
        return r;
}

static int run(const struct disk_driver *d, int argc, char **argv) {
        static struct pull_disk disks[PULL_DISKS_MAX];
        struct pull_guest g = {.disks = disks};
        struct pull_mark m;
        const char *verb = argc > 2 ? argv[0] : "";
        int i, r;

        if (argc < 3)
                return -EINVAL;
        g.serial = (uint32_t)strtoul(argv[1], NULL, 10);
        for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (g.n == PULL_DISKS_MAX || !parse_disk(argv[i], &disks[g.n++]))
                        return -EINVAL;
        i += i < argc;
        if (g.n == 0)
                return -EINVAL;
        if (strcmp(verb, "settle") == 0) {
                r = pull_settle(d, &g, &m, err);
                if (r == 0)
                        printf("%" PRIu64 " %" PRIu64 "\n", m.cycle, m.as_of);
                return r;
        }
        if (strcmp(verb, "remove") == 0)
                return pull_remove(d, &g, err);
        if (strcmp(verb, "serve") == 0 && i < argc)
                return serve(d, &g, argv[i]);
        if (strcmp(verb, "take-over") == 0 && i < argc)
                return pull_take_over(d, &g, (uint32_t)strtoul(argv[i], NULL, 10), err);
        return with_domain(d, verb, &g, argc - i, argv + i);
}

static void quiet(void *userdata, virErrorPtr error) {
        (void)userdata;
        (void)error;
}

int main(int argc, char **argv) {
        struct disk_driver d = {.go_on = go_on};
        int r;

        virSetErrorFunc(NULL, quiet);
        probe_options(&argc, &argv);
        d.deadline = argc > 0 && strcmp(argv[0], "serve") == 0
                             ? USEC_INFINITY
                             : now_boottime() + 120 * USEC_PER_SEC;
        r = run(&d, argc, argv);
        return probe_end("pullprobe", r);
}
