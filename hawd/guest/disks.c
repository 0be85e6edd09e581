/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/guest/disks.h"

static bool go_on(void *userdata, const char *step) {
        (void)step; /* each of them */
        return job_wanted(userdata);
}

struct disk_driver disks_driver(struct job *j) {
        return (struct disk_driver){.deadline = j->deadline, .go_on = go_on, .userdata = j};
}

int disks_given(const struct job *j, struct guest_disks *ret, char *err) {
        int n = domxml_disks(j->xml, j->xml_len, ret->given, DISKS_MAX, err);

        ret->n = n < 0 ? 0 : (size_t)n;
        if (n == 0)
                text_set(err, TEXT_LEN, "it has no disk that could be in a snapshot");
        return n < 0 ? n : n == 0 ? -ENOENT : 0;
}

int disks_inside(const struct guest_disks *disks, char *err) {
        for (size_t i = 0; i < disks->n; i++)
                if (strcmp(disks->given[i].format, "qcow2") != 0) {
                        text_fmt(err, TEXT_LEN,
                                 "disk %s is %s: only a qcow2 one has snapshots inside "
                                 "(snapshot-kind = external)",
                                 disks->given[i].target, disks->given[i].format);
                        return -EOPNOTSUPP;
                }
        return 0;
}

static int look(const struct disk_driver *d, const char *path, const char *format,
                struct file_seen *ret, char *err) {
        struct disk_image im;
        int r = path && path[0] ? disk_look(d, path, format, &im, err) : 1;

        if (r == 0)
                *ret = im.seen;
        return r < 0 ? r : 0;
}

/* The file that one disk starts from, which is there afterwards. */
static int one(struct job *j, const struct dom_disk *given, char ret[DISK_PATH_LEN], char *err) {
        struct disk_driver d = disks_driver(j);
        struct disk_seen seen = {0};
        struct disk_resume what;
        struct snap_paths p;
        struct disk_want want;
        struct file_seen base = {0};
        bool went;
        int r = snaps_paths(j->snaps, given->path, given->format, &p, err);

        if (r == 0 && !p.base[0])
                text_set(ret, DISK_PATH_LEN, p.current);
        if (r < 0 || !p.base[0])
                return r;
        r = look(&d, p.base, p.base_format, &base, err);
        if (r < 0)
                return r;
        want = snaps_want(j->snaps, &p, base.state == FILE_ABSENT);
        went = want.base == p.under;
        if (want.act == DISK_COMMIT)
                seen.top = base;
        else if (!went)
                seen.base = base;
        r = want.overlay ? look(&d, want.overlay, "qcow2", &seen.overlay, err)
                         : look(&d, want.current, "qcow2", &seen.current, err);
        if (r == 0 && went)
                r = look(&d, p.under, p.under_format, &seen.base, err);
        if (r == 0)
                r = disk_resume(&want, &seen, &what, err);
        if (r == 0 && what.then == DISK_THEN_MAKE)
                r = disk_make_overlay(&d, what.start, want.base,
                                      went ? p.under_format : p.base_format, err);
        if (r == 0)
                text_set(ret, DISK_PATH_LEN, what.start);
        return r;
}

/*
 * Below an overlay nothing is to be written (S8), and the ledger may not know of one: it was lost,
 * or the guest was removed and added again. Numbers that were never given are of such a time.
 */
static int all_known(const struct job *j, const struct dom_disk *given, char *err) {
        char path[DISK_PATH_LEN];
        uint32_t newest;
        int r = disk_newest_overlay(given->path, &newest, err);

        if (r < 0 || newest == 0 || (j->snaps && newest < j->snaps->next))
                return r;
        (void)snap_file(given->path, newest, path, sizeof(path)); /* it is there */
        text_fmt(err, TEXT_LEN,
                 "%.40s is unknown to the ledger: name it as disk %.8s, or move it away; it may "
                 "have what the guest wrote last",
                 strrchr(path, '/') + 1, given->target);
        return -EEXIST;
}

/* What a rollback that came to its end needs no more; it does no harm. */
static void tidy(const struct disk_driver *d, const char *path) {
        char err[TEXT_LEN];

        (void)disk_internal_tidy(d, path, err);
}

/* The disks as given, which hold afterwards what the guest is to start from. */
static int start_inside(struct job *j, const struct guest_disks *disks, char *err) {
        struct disk_driver d = disks_driver(j);
        struct snap_inside want;
        int r = disks_inside(disks, err);

        if (r == 0)
                r = snaps_start_inside(j->snaps, &want, err);
        for (size_t i = 0; r == 0 && i < disks->n; i++) {
                const char *path = disks->given[i].path;

                if (want.back[0])
                        r = disk_internal(&d, DISK_INTERNAL_REVERT, path, want.back, want.keep,
                                          want.done, err);
                else if (want.keep[0])
                        r = disk_internal(&d, DISK_INTERNAL_TAKE, path, want.keep, NULL, NULL, err);
                else
                        tidy(&d, path);
        }
        return r;
}

int disks_for_start(struct job *j, struct blob **xml, char *err) {
        struct guest_disks disks;
        int r = disks_given(j, &disks, err);

        if (r < 0 && !snaps_many(j->snaps))
                return 0; /* it has no disks to take one of */
        for (size_t i = 0; r == 0 && i < disks.n; i++)
                r = all_known(j, &disks.given[i], err);
        if (!snaps_many(j->snaps))
                return r;
        if (r == 0 && snaps_inside(j->snaps))
                return start_inside(j, &disks, err);
        for (size_t i = 0; r == 0 && i < disks.n; i++) {
                char path[DISK_PATH_LEN];
                struct blob *changed;

                r = one(j, &disks.given[i], path, err);
                if (r == 0)
                        r = domxml_set_disk((*xml)->data, (*xml)->len, disks.given[i].target, path,
                                            "qcow2", &changed, err);
                if (r < 0)
                        break;
                blob_unref(*xml);
                *xml = changed;
        }
        return r;
}

int disks_files(const struct guest_snaps *s, const struct dom_disk *given, struct disk_files *ret,
                char *err) {
        ret->n = 0;
        for (size_t i = 0; i < s->n; i++) {
                if (s->list[i].file == 0) /* rests on nothing of hawd's */
                        continue;
                if (snap_file(given->path, s->list[i].file, ret->path[ret->n], DISK_PATH_LEN) < 0) {
                        text_fmt(err, TEXT_LEN, "%.120s: no overlay can be named after it",
                                 given->path);
                        return -EINVAL;
                }
                ret->list[ret->n] = ret->path[ret->n];
                ret->n++;
        }
        return 0;
}
