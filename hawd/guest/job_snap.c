/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GJOB_SNAPSHOT and GJOB_SNAP_DELETE: of a guest that runs here. Both may be repeated. */
#include "hawd/guest/disks.h"

#define COMMIT_WHILE (5 * USEC_PER_SEC) /* of one job: the guest's other jobs wait for it */
#define COMMIT_MIB_S 100
#define MIB ((uint64_t)1 << 20)

struct snap_work {
        struct job *j;
        struct disk_driver d;
        struct guest_disks disks;
        virDomainPtr dom;
        usec_t until; /* SNAP_DELETE: no longer in one go */
        char err[TEXT_LEN];
};

/* libvirt's answer, or none. */
static enum job_result result_of(int r) {
        if (r == 0)
                return RESULT_DONE;
        return r == -ENOTCONN || r == -ETIMEDOUT || r == -EINPROGRESS ? RESULT_UNSETTLED
                                                                      : RESULT_FAILED;
}

/* Return: 1 it runs here, 0 not, -errno. */
static int find(struct snap_work *w) {
        enum virt_error e = virt_find(w->j->conn, w->j->uuid, &w->dom, w->err);
        struct virt_state st;

        if (e == VIRT_OK)
                e = virt_look(w->dom, &st, w->err);
        if (e == VIRT_NONE)
                return 0;
        if (e != VIRT_OK)
                return e == VIRT_LOST ? -ENOTCONN : -EIO;
        return st.active && (st.seen == SEEN_RUNNING || st.seen == SEEN_PAUSED);
}

static int prepare(struct snap_work *w, struct job *j) {
        int r;

        *w = (struct snap_work){.j = j, .d = disks_driver(j)};
        r = disks_given(j, &w->disks, w->err);
        if (r == 0)
                r = find(w);
        if (r == 0)
                text_set(w->err, sizeof(w->err), "it does not run here");
        return r > 0 ? 0 : r == 0 ? -ESRCH : r;
}

static uint64_t used_mib(const struct snap_work *w, const char *path, const char *format) {
        struct disk_image im;
        char err[TEXT_LEN];

        return disk_look(&w->d, path, format, &im, err) == 0 && im.seen.state == FILE_GOOD
                       ? (im.used + MIB - 1) / MIB
                       : 0;
}

/* ---- taking ------------------------------------------------------------------------------------
 */

/* The overlay of one disk, over what its guest writes; one of an earlier try is taken. */
static int make(struct snap_work *w, const struct dom_disk *given, struct disk_switch *s) {
        char source[DISK_PATH_LEN];
        struct snap_paths p;
        int r = snaps_paths(w->j->snaps, given->path, given->format, &p, w->err);

        if (r == 0 && snap_file(given->path, w->j->snaps->wish.id, s->overlay, DISK_PATH_LEN) < 0) {
                text_fmt(w->err, sizeof(w->err), "%.120s: its path is too long", given->path);
                r = -ENAMETOOLONG;
        }
        if (r == 0)
                r = disk_live_source(w->dom, given->target, source, w->err);
        if (r < 0)
                return r;
        text_set(s->target, sizeof(s->target), given->target);
        if (strcmp(source, s->overlay) == 0)
                return 0; /* switched to already */
        if (strcmp(source, p.current) != 0) {
                text_fmt(w->err, sizeof(w->err), "its disk %s is %.80s, not %.80s", given->target,
                         source, p.current);
                return -EUCLEAN;
        }
        w->j->out.figures.mib += used_mib(w, p.current, p.base[0] ? "qcow2" : given->format);
        r = disk_make_overlay(&w->d, s->overlay, p.current, p.base[0] ? "qcow2" : given->format,
                              w->err);
        return r == -EEXIST ? 0 : r;
}

/*
 * It was not switched, and will not be: the overlays go, if its QEMU is there to say so. One that
 * has ended may have been switched in its last moment: then what it wrote last is in them.
 *
 * Return: 0, -ENOTCONN; *ret_seen.
 */
static int unmake(struct snap_work *w, const struct disk_switch *s, size_t n,
                  enum seen_state *ret_seen) {
        char err[TEXT_LEN], why[TEXT_LEN];
        int there;

        text_set(why, sizeof(why), w->err);
        if (w->dom)
                virDomainFree(w->dom);
        w->dom = NULL;
        there = find(w);
        text_set(w->err, sizeof(w->err), why);
        if (there <= 0) {
                *ret_seen = SEEN_GONE;
                return there < 0 ? -ENOTCONN : 0;
        }
        for (size_t i = 0; i < n && !job_stopped(w->j); i++)
                if (s[i].overlay[0])
                        (void)disk_remove(&w->d, s[i].overlay, NULL, 0,
                                          err); /* is in nobody's way */
        return 0;
}

/* Inside of the disks as given, which have to be what the guest writes. */
static int inside(struct snap_work *w, bool quiesce) {
        struct disk_inside disks[DISKS_MAX] = {0};
        char name[NAME_LEN], source[DISK_PATH_LEN];
        int r = disks_inside(&w->disks, w->err);

        for (size_t i = 0; r == 0 && i < w->disks.n; i++) {
                const struct dom_disk *given = &w->disks.given[i];

                r = disk_live_source(w->dom, given->target, source, w->err);
                if (r == 0 && strcmp(source, given->path) != 0) {
                        text_fmt(w->err, sizeof(w->err), "its disk %s is %.80s, not %.80s",
                                 given->target, source, given->path);
                        r = -EUCLEAN;
                }
                text_set(disks[i].target, sizeof(disks[i].target), given->target);
        }
        snap_inside(w->j->snaps->wish.id, w->j->snaps->wish.wall, false, name);
        return r == 0 ? disk_inside_take(&w->d, w->dom, disks, w->disks.n, name, quiesce, w->err)
                      : r;
}

void job_snapshot(struct job *j) {
        struct disk_switch s[DISKS_MAX] = {0};
        enum seen_state seen = SEEN_RUNNING;
        struct snap_work w;
        usec_t began;
        int r = prepare(&w, j);
        bool quiesce = r == 0 && j->quiesce != QUIESCE_NEVER && virt_agent(w.dom);

        if (r == 0 && j->quiesce == QUIESCE_ALWAYS && !quiesce) {
                text_set(w.err, sizeof(w.err),
                         "its agent is not connected, and snapshot-quiesce is always");
                r = -ENOTSUP;
        }
        for (size_t i = 0; r == 0 && i < w.disks.n && !snaps_inside(j->snaps); i++)
                r = make(&w, &w.disks.given[i], &s[i]);
        if (r == 0) {
                began = now_boottime();
                r = snaps_inside(j->snaps) ? inside(&w, quiesce)
                                           : disk_switch(&w.d, w.dom, s, w.disks.n, quiesce, w.err);
                j->out.figures.pause_usec = usec_sub(now_boottime(), began);
        }
        if (result_of(r) == RESULT_FAILED && unmake(&w, s, w.disks.n, &seen) < 0)
                r = -ENOTCONN;
        job_end(j, result_of(r), seen, "%s", r == 0 ? "taken" : w.err);
        if (w.dom)
                virDomainFree(w.dom);
}

/* ---- deleting ----------------------------------------------------------------------------------
 */

static bool a_while(void *userdata, const char *step) {
        struct snap_work *w = userdata;

        return job_wanted(w->j) && (strcmp(step, "commit-wait") != 0 || now_boottime() < w->until);
}

static bool is_under(const struct guest_snaps *s, uint32_t id, uint32_t of) {
        for (size_t depth = 0; of && depth <= s->n; depth++) {
                int i = snap_find(s->list, s->n, of);

                if (of == id)
                        return true;
                of = i < 0 ? 0 : s->list[i].parent;
        }
        return false;
}

/* struct del - the files of one disk: top goes into base, over rests on it */
struct del {
        char base[DISK_PATH_LEN], top[DISK_PATH_LEN], over[DISK_PATH_LEN];
        const char *base_format;
        bool live;
};

static int file_of(struct snap_work *w, const struct dom_disk *given, uint32_t id,
                   char ret[DISK_PATH_LEN]) {
        const struct guest_snaps *s = w->j->snaps;
        int i = snap_find(s->list, s->n, id);

        if (i >= 0 && snap_file(given->path, s->list[i].file, ret, DISK_PATH_LEN) == 0)
                return 0;
        text_fmt(w->err, sizeof(w->err), "%.120s: a snapshot is not as it was", given->path);
        return -EUCLEAN;
}

static uint32_t child_of(const struct guest_snaps *s, uint32_t id) {
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i].parent == id)
                        return s->list[i].id;
        return 0;
}

static int commit(struct snap_work *w, const struct dom_disk *given, const struct del *del,
                  const struct disk_files *files) {
        const struct disk_want want = {
                .act = DISK_COMMIT, .current = del->over, .top = del->top, .base = del->base};
        struct disk_image over, top, base;
        struct disk_resume what;
        struct disk_seen seen;
        int r = disk_look(&w->d, del->over, "qcow2", &over, w->err);

        if (r == 0)
                r = disk_look(&w->d, del->top, "qcow2", &top, w->err);
        if (r == 0)
                r = disk_look(&w->d, del->base, del->base_format, &base, w->err);
        if (r < 0)
                return r;
        seen = (struct disk_seen){.current = over.seen, .top = top.seen, .base = base.seen};
        r = disk_resume(&want, &seen, &what, w->err);
        if (r == 0 && what.then == DISK_THEN_COMMIT)
                r = del->live ? disk_commit_live(&w->d, w->dom, given->target, del->over, del->top,
                                                 del->base, w->err)
                              : disk_commit_offline(&w->d, del->over, del->top, del->base,
                                                    del->base_format, w->err);
        if (r == 0)
                r = disk_remove(&w->d, del->top, files->list, files->n, w->err);
        return r;
}

static int delete_one(struct snap_work *w, const struct dom_disk *given, enum snap_way way,
                      uint32_t id, uint32_t top) {
        const struct guest_snaps *s = w->j->snaps;
        int i = snap_find(s->list, s->n, id), current = snap_current(s->list, s->n);
        struct disk_files files;
        struct del del = {0};
        char name[NAME_LEN];
        int r;

        if (way == SNAP_WAY_INSIDE) {
                snap_inside(s->list[i].file, s->list[i].wall, false, name);
                return disk_inside_delete(&w->d, w->dom, given->target, name, w->err);
        }
        r = disks_files(s, given, &files, w->err);
        if (r == 0)
                r = file_of(w, given, id, del.base);
        if (r == 0 && way == SNAP_WAY_UNLINK)
                return disk_remove(&w->d, del.base, files.list, files.n, w->err);
        if (r == 0)
                r = file_of(w, given, top, del.top);
        if (r == 0)
                r = file_of(w, given, child_of(s, top), del.over);
        if (r < 0)
                return r;
        del.base_format = s->list[i].file == 0 ? given->format : "qcow2";
        del.live = is_under(s, id, s->list[current].id);
        r = commit(w, given, &del, &files);
        w->j->out.figures.mib += used_mib(w, del.base, del.base_format);
        return r;
}

void job_snap_delete(struct job *j) {
        const struct guest_snaps *s = j->snaps;
        int i = s ? snap_find(s->list, s->n, s->deleted) : -1;
        enum snap_way way = SNAP_WAY_NONE;
        struct snap_work w;
        uint32_t top = 0;
        int r = prepare(&w, j);

        w.d.go_on = a_while;
        w.d.userdata = &w;
        w.d.leave_commit = true;
        w.d.commit_mib_s = COMMIT_MIB_S;
        w.until = usec_add(now_boottime(), COMMIT_WHILE);
        if (r == 0 && i >= 0)
                way = snap_delete_way(s->list, s->n, (size_t)i, &top, w.err);
        if (r == 0 && way != SNAP_WAY_UNLINK && way != SNAP_WAY_COMMIT && way != SNAP_WAY_INSIDE) {
                text_set(w.err, sizeof(w.err), "it cannot be deleted now");
                r = -EBUSY;
        }
        for (size_t k = 0; r == 0 && k < w.disks.n; k++)
                r = delete_one(&w, &w.disks.given[k], way, s->deleted, top);
        job_end(j, result_of(r), SEEN_RUNNING, "%s", r == 0 ? "deleted" : w.err);
        if (w.dom)
                virDomainFree(w.dom);
}
