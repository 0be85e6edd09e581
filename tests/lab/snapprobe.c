/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * snapprobe [--die-at STEP | --kill PID STEP] VERB ARGUMENT...: the driver of snapshots by itself,
 * which can be cut off at each step. "-" stands for no file.
 *
 *   make OVERLAY BASE FORMAT                   switch DOMAIN [quiesce] {TARGET OVERLAY}...
 *   commit DOMAIN TARGET TOP BASE [MIB/S]      commit-offline CURRENT TOP BASE FORMAT
 *   remove FILE OTHER...                       chain FILE GIVEN
 *   take CURRENT ITS-BASE OVERLAY              rollback BASE OVERLAY             deleting CURRENT
 * TOP BASE
 *
 *   inside-take DOMAIN NAME TARGET...          inside-delete DOMAIN TARGET NAME
 *   inside-back FILE NAME LEFT DONE
 *
 * Take, rollback and deleting say what the disk starts from, and what is to be done: "START-FILE
 * WORD".
 * --die-at: ends itself by SIGKILL right before STEP; --kill: PID, and goes on.
 */
#include <stdio.h>

#include "hawd/base/clock.h"
#include "snapshots/driver.h"
#include "tests/lab/probe.h"

static const char *file(const char *arg) {
        return strcmp(arg, "-") == 0 ? NULL : arg;
}

static int look(const struct disk_driver *d, const char *path, struct file_seen *ret) {
        struct disk_image im;
        int r;

        if (!path)
                return 0;
        r = disk_look(d, path, "qcow2", &im, err);
        *ret = im.seen;
        return r;
}

static int resume(const struct disk_driver *d, const struct disk_want *w) {
        static const char *const words[DISK_THEN_MAX_] = {
                "nothing", "taken", "not-taken", "make", "rolled-back", "commit", "remove-top"};
        struct disk_seen seen = {0};
        struct disk_resume to;
        int r = look(d, w->current, &seen.current);

        if (r == 0)
                r = look(d, w->overlay, &seen.overlay);
        if (r == 0)
                r = look(d, w->base, &seen.base);
        if (r == 0)
                r = look(d, w->top, &seen.top);
        if (r == 0)
                r = disk_resume(w, &seen, &to, err);
        if (r == 0)
                printf("%s %s\n", to.start, words[to.then]);
        return r;
}

static int chain(const struct disk_driver *d, const char *path, const char *given) {
        struct disk_chain *c = xcalloc(1, sizeof(*c));
        int r = disk_read_chain(d, path, "qcow2", given, c, err);

        for (size_t i = 0; r == 0 && i < c->n; i++)
                printf("%s %s\n", c->layers[i].path, c->layers[i].format);
        free(c);
        return r;
}

static int live(const struct disk_driver *d, int argc, char **argv) {
        virConnectPtr conn = virConnectOpen("qemu:///system");
        virDomainPtr dom = conn ? virDomainLookupByName(conn, argv[1]) : NULL;
        struct disk_switch s[DISKS_MAX] = {0};
        struct disk_driver slow = *d;
        bool quiesce = strcmp(argv[2], "quiesce") == 0;
        size_t n = 0;

        if (!dom)
                return -ESRCH;
        if (strcmp(argv[0], "commit") == 0 && argc > 5)
                slow.commit_mib_s = (uint32_t)atol(argv[5]);
        if (strcmp(argv[0], "commit") == 0)
                return disk_commit_live(&slow, dom, argv[2], NULL, argv[3], argv[4], err);
        for (int i = quiesce ? 3 : 2; i + 1 < argc && n < DISKS_MAX; i += 2) {
                text_set(s[n].target, sizeof(s[n].target), argv[i]);
                text_set(s[n++].overlay, sizeof(s[0].overlay), argv[i + 1]);
        }
        return disk_switch(d, dom, s, n, quiesce, err);
}

static int inside(const struct disk_driver *d, int argc, char **argv) {
        virConnectPtr conn = virConnectOpen("qemu:///system");
        virDomainPtr dom = conn ? virDomainLookupByName(conn, argv[1]) : NULL;
        struct disk_inside disks[DISKS_MAX] = {0};
        size_t n = 0;

        if (!dom)
                return -ESRCH;
        if (strcmp(argv[0], "inside-delete") == 0)
                return disk_inside_delete(d, dom, argv[2], argv[3], err);
        for (int i = 3; i < argc && n < DISKS_MAX; i++)
                text_set(disks[n++].target, sizeof(disks[0].target), argv[i]);
        return disk_inside_take(d, dom, disks, n, argv[2], true, err);
}

static int run(const struct disk_driver *d, int argc, char **argv) {
        const char *verb = argc > 0 ? argv[0] : "";
        struct disk_want w = {0};

        if (strcmp(verb, "make") == 0 && argc == 4)
                return disk_make_overlay(d, argv[1], argv[2], argv[3], err);
        if ((strcmp(verb, "switch") == 0 && argc >= 4) ||
            (strcmp(verb, "commit") == 0 && (argc == 5 || argc == 6)))
                return live(d, argc, argv);
        if ((strcmp(verb, "inside-take") == 0 && argc >= 4) ||
            (strcmp(verb, "inside-delete") == 0 && argc == 4))
                return inside(d, argc, argv);
        if (strcmp(verb, "inside-back") == 0 && argc == 5)
                return disk_internal(d, DISK_INTERNAL_REVERT, argv[1], argv[2], argv[3], argv[4],
                                     err);
        if (strcmp(verb, "commit-offline") == 0 && argc == 5)
                return disk_commit_offline(d, argv[1], argv[2], argv[3], argv[4], err);
        if (strcmp(verb, "remove") == 0 && argc >= 2)
                return disk_remove(d, argv[1], (const char *const *)argv + 2, (size_t)argc - 2,
                                   err);
        if (strcmp(verb, "chain") == 0 && argc == 3)
                return chain(d, argv[1], argv[2]);
        if (strcmp(verb, "take") == 0 && argc == 4)
                w = (struct disk_want){.act = DISK_TAKE,
                                       .current = argv[1],
                                       .current_base = file(argv[2]),
                                       .overlay = argv[3]};
        else if (strcmp(verb, "rollback") == 0 && argc == 3)
                w = (struct disk_want){.act = DISK_ROLLBACK, .base = argv[1], .overlay = argv[2]};
        else if (strcmp(verb, "deleting") == 0 && argc == 4)
                w = (struct disk_want){
                        .act = DISK_COMMIT, .current = argv[1], .top = argv[2], .base = argv[3]};
        else
                return -EINVAL;
        return resume(d, &w);
}

int main(int argc, char **argv) {
        struct disk_driver d = {.go_on = go_on};
        int r;

        d.deadline = now_boottime() + 120 * USEC_PER_SEC;
        probe_options(&argc, &argv);
        r = run(&d, argc, argv);
        return probe_end("snapprobe", r);
}
