/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guests' disks, on a storage that all hosts share: files that rest on each other, each with
 * the version that its guest wrote last. What hawd's adapter does with them is done here by the
 * same rules (disk_resume()), and may be cut off in the middle.
 *
 * Snapshots inside of the disk are kept states of file 0, by their numbers.
 *
 * Held against it (S8): a guest starts from what it wrote last, or from the snapshot that it goes
 * back to; and what the ledger has as a snapshot or as a kept disk never changes, and never goes.
 */
#include "hawd/sim/truth.h"

#define GIVEN "/g"
#define NOWHERE UINT32_MAX

struct sim_file {
        bool exists, ever, wrote;
        bool done;     /* inside: it was gone back, and this is not done again */
        uint64_t data; /* wrote: what */
        uint32_t base; /* file that it rests on, when it is not the given one */
        uint64_t seen; /* by its number as a snapshot: what it held when the ledger had it first */
};

struct sim_snaps {
        struct sim_file *files;
        size_t cap;
        uint64_t clock, live; /* what the guest wrote last */
        uint32_t going, back; /* CURRENT as of the last start that went back; that has run */
        bool spoiled;         /* two copies ran at once: nothing can be said any more */
};

void snaps_free(struct sim_guest *g) {
        if (g->snaps)
                free(g->snaps->files);
        free(g->snaps);
        g->snaps = NULL;
}

static struct sim_file *file(struct sim_snaps *d, uint32_t f) {
        if (f >= d->cap) {
                size_t cap = MAX(2 * d->cap, (size_t)f + 16);

                d->files = xreallocarray(d->files, cap, sizeof(*d->files));
                memset(d->files + d->cap, 0, (cap - d->cap) * sizeof(*d->files));
                d->cap = cap;
        }
        return &d->files[f];
}

static struct sim_snaps *disk_of(struct sim_guest *g) {
        if (!g->snaps) {
                g->snaps = xcalloc(1, sizeof(*g->snaps));
                *file(g->snaps, 0) = (struct sim_file){.exists = true, .ever = true, .wrote = true};
        }
        return g->snaps;
}

static uint64_t content(struct sim_snaps *d, uint32_t f) {
        while (f && !file(d, f)->wrote)
                f = file(d, f)->base;
        return file(d, f)->data;
}

static void make(struct sim_snaps *d, uint32_t f, uint32_t base) {
        struct sim_file *x = file(d, f);
        uint64_t seen = x->seen;

        *x = (struct sim_file){.exists = true, .ever = true, .base = base, .seen = seen};
}

static void writes(struct sim_snaps *d, uint32_t f) {
        if (f == NOWHERE)
                return;
        file(d, f)->wrote = true;
        file(d, f)->data = d->live = ++d->clock;
}

/* ---- as the driver sees it ---- */

static uint32_t number(const char *path) {
        const char *n = strstr(path, ".hawd-");

        return n ? (uint32_t)strtoul(n + strlen(".hawd-"), NULL, 10) : 0;
}

static struct file_seen look(struct sim_snaps *d, const char *path) {
        struct file_seen seen = {.state = FILE_ABSENT};
        struct sim_file *x;

        if (!path || !path[0])
                return seen;
        x = file(d, number(path));
        if (!x->exists)
                return seen;
        seen.state = FILE_GOOD;
        if (number(path))
                (void)snap_file(GIVEN, x->base, seen.backing, sizeof(seen.backing));
        return seen;
}

static void keep_inside(struct sim_snaps *d, uint32_t f) {
        if (!file(d, f)->exists) {
                make(d, f, 0);
                file(d, f)->data = content(d, 0);
                file(d, f)->wrote = true;
        }
}

static bool cut_off(struct sim *s) {
        return !s->conf->calm && prng_chance(&s->rng, 10);
}

/* As disk_internal(). Return: false: cut off, or it cannot be, with the reason. */
static bool start_inside(struct sim *sim, struct sim_snaps *d, const struct guest_snaps *s,
                         char *err) {
        const struct snapshot *now = &s->list[snap_current(s->list, s->n)];
        struct snap_inside want;

        if (snaps_start_inside(s, &want, err) < 0)
                return false;
        err[0] = '\0';
        if (!want.keep[0] || (want.back[0] && file(d, now->id)->done))
                return true;
        keep_inside(d, now->id);
        if (!want.back[0])
                return !cut_off(sim);
        if (cut_off(sim))
                return false;
        file(d, 0)->data = content(d, s->list[snap_find(s->list, s->n, now->parent)].file);
        if (cut_off(sim))
                return false;
        file(d, now->id)->done = true;
        return !cut_off(sim);
}

/* The file that a START takes. Return: false with the reason; "": it was cut off. */
static bool start_file(struct sim *sim, struct sim_snaps *d, const struct guest_snaps *s,
                       uint32_t *ret, char *err) {
        struct snap_paths p;
        struct disk_want want;
        struct disk_seen seen;
        struct disk_resume what;

        *ret = 0;
        if (s->n <= 1)
                return true;
        if (snaps_inside(s))
                return start_inside(sim, d, s, err);
        if (snaps_paths(s, GIVEN, "raw", &p, err) < 0)
                return false;
        *ret = number(p.current);
        if (!p.base[0])
                return true;
        want = snaps_want(s, &p, look(d, p.base).state == FILE_ABSENT);
        seen = (struct disk_seen){.current = look(d, want.current),
                                  .overlay = look(d, want.overlay),
                                  .base = look(d, want.base),
                                  .top = look(d, want.top)};
        if (disk_resume(&want, &seen, &what, err) < 0)
                return false;
        if (what.then == DISK_THEN_MAKE)
                make(d, number(what.start), number(want.base));
        *ret = number(what.start);
        return true;
}

/* Where a snapshot's state is: its file, or the one below that it went into. */
static uint32_t where(struct sim_snaps *d, const struct guest_snaps *s, size_t i) {
        int below = snap_find(s->list, s->n, s->list[i].parent);

        if (!s->list[i].inside && !file(d, s->list[i].file)->exists && below >= 0 &&
            s->list[below].deleting)
                return s->list[below].file;
        return s->list[i].file;
}

/* ---- held against it ---- */

static bool excused(const struct sim *s, const struct sim_snaps *d) {
        return d->spoiled || s->truth->given_up;
}

void snaps_check(struct sim *s, int g, const struct guest *mg) {
        const struct guest_snaps *snaps = mg->snaps;
        struct sim_snaps *d = s->guests[g].snaps;

        if (!snaps || !d || excused(s, d))
                return;
        for (size_t i = 0; i < snaps->n; i++) {
                const struct snapshot *x = &snaps->list[i];
                uint32_t f = where(d, snaps, i);
                uint64_t is;

                if (x->kind == SNAP_CURRENT || x->deleting || !file(d, x->file)->ever)
                        continue;
                if (!file(d, f)->exists) {
                        sim_violate(s, "S8", "%s %s of guest %s is gone",
                                    x->kind == SNAP_LEFT ? "kept disk" : "snapshot", x->name,
                                    mg->spec->name);
                        return;
                }
                is = content(d, f) + 1;
                if (file(d, x->id)->seen && file(d, x->id)->seen != is)
                        sim_violate(s, "S8", "%s %s of guest %s has changed",
                                    x->kind == SNAP_LEFT ? "kept disk" : "snapshot", x->name,
                                    mg->spec->name);
                file(d, x->id)->seen = is;
        }
}

static void check_start(struct sim *s, const struct sim_host *h, int g, uint32_t f,
                        const struct guest_snaps *snaps) {
        struct sim_snaps *d = s->guests[g].snaps;
        const struct snapshot *c = snaps ? &snaps->list[snap_current(snaps->list, snaps->n)] : NULL;
        char left[NAME_LEN] = "";

        if (excused(s, d) || content(d, f) == d->live)
                return;
        if (c)
                text_fmt(left, sizeof(left), "left-%" PRIu32, c->id);
        if (snaps && snaps->unmade && strcmp(snaps->left, left) == 0 && d->back != c->id) {
                s->stats.rollbacks++;
                d->going = c->id;
                return;
        }
        sim_violate(s, "S8",
                    "guest %s starts on %s from version %" PRIu64 " of its disk, not %" PRIu64,
                    s->guests[g].conf->name, h->name, content(d, f), d->live);
}

/* ---- jobs ---- */

bool snaps_start(struct sim *s, struct sim_host *h, const struct lv_job *j) {
        struct sim_snaps *d = disk_of(&s->guests[j->guest]);
        char err[TEXT_LEN];
        uint32_t f = 0;

        if (j->has_snaps && !start_file(s, d, &j->snaps, &f, err)) {
                if (!excused(s, d) && err[0])
                        sim_violate(s, "S8", "guest %s cannot start: %s",
                                    s->guests[j->guest].conf->name, err);
                return false;
        }
        check_start(s, h, j->guest, f, j->has_snaps ? &j->snaps : NULL);
        h->lv.dom[j->guest].file = f;
        return true;
}

void snaps_runs(struct sim *s, struct sim_host *h, int g, bool by_person) {
        struct sim_snaps *d = disk_of(&s->guests[g]);

        for (int i = qemu_where(s, g, 0); i >= 0; i = qemu_where(s, g, i + 1))
                d->spoiled |= i != h->index;
        if (by_person) /* a copy that is stopped at once has not come to write */
                h->lv.dom[g].file = NOWHERE;
        else
                d->back = d->going;
        writes(d, h->lv.dom[g].file);
}

void snaps_ends(struct sim *s, struct sim_host *h, int g) {
        if (h->lv.dom[g].state == SEEN_RUNNING)
                writes(disk_of(&s->guests[g]), h->lv.dom[g].file);
}

enum job_result snaps_take(struct sim *s, struct sim_host *h, const struct lv_job *j) {
        struct sim_snaps *d = disk_of(&s->guests[j->guest]);
        struct domain *dom = &h->lv.dom[j->guest];
        uint32_t was = j->snaps.list[snap_current(j->snaps.list, j->snaps.n)].file;
        uint32_t id = j->snaps.wish.id;

        if (dom->state != SEEN_RUNNING && dom->state != SEEN_PAUSED)
                return RESULT_FAILED;
        if (snaps_inside(&j->snaps)) {
                if (dom->file != 0 || (j->reported && !file(d, id)->exists))
                        return RESULT_FAILED;
                if (!file(d, id)->exists && cut_off(s))
                        return RESULT_UNSETTLED;
                s->stats.snapshots += !file(d, id)->exists;
                keep_inside(d, id);
                if (dom->state == SEEN_RUNNING)
                        writes(d, 0);
                return cut_off(s) ? RESULT_UNSETTLED : RESULT_DONE;
        }
        if (dom->file == id)
                return RESULT_DONE; /* by a call that was cut off */
        if (dom->file != was)
                return RESULT_FAILED;
        /* Given up, its overlay is there only when it had come so far. */
        if (j->reported && !file(d, id)->exists)
                return RESULT_FAILED;
        if (!file(d, id)->exists)
                make(d, id, was);
        if (!s->conf->calm && prng_chance(&s->rng, 15)) /* cut off before the switch */
                return RESULT_UNSETTLED;
        dom->file = id;
        s->stats.snapshots++;
        if (dom->state == SEEN_RUNNING)
                writes(d, id);
        return !s->conf->calm && prng_chance(&s->rng, 10) ? RESULT_UNSETTLED : RESULT_DONE;
}

static uint32_t child(const struct guest_snaps *s, uint32_t id) {
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i].parent == id)
                        return s->list[i].file;
        return 0;
}

enum job_result snaps_delete(struct sim *s, struct sim_host *h, const struct lv_job *j) {
        struct sim_snaps *d = disk_of(&s->guests[j->guest]);
        const struct domain *dom = &h->lv.dom[j->guest];
        const struct guest_snaps *sn = &j->snaps;
        int i = snap_find(sn->list, sn->n, sn->deleted);
        uint32_t top_id = 0, base, top, over;
        enum snap_way way;
        char why[TEXT_LEN];

        if (i < 0 || (dom->state != SEEN_RUNNING && dom->state != SEEN_PAUSED) ||
            dom->file != sn->list[snap_current(sn->list, sn->n)].file)
                return RESULT_FAILED;
        way = snap_delete_way(sn->list, sn->n, (size_t)i, &top_id, why);
        base = sn->list[i].file;
        if (way == SNAP_WAY_INSIDE && cut_off(s))
                return RESULT_UNSETTLED;
        if (way == SNAP_WAY_UNLINK || way == SNAP_WAY_INSIDE) {
                file(d, base)->exists = false;
                return RESULT_DONE;
        }
        if (way != SNAP_WAY_COMMIT)
                return RESULT_FAILED;
        top = sn->list[snap_find(sn->list, sn->n, top_id)].file;
        over = child(sn, top_id);
        if (file(d, over)->base != base) {
                if (!s->conf->calm && prng_chance(&s->rng, 30)) { /* cut off in the middle */
                        if (file(d, top)->wrote) {
                                file(d, base)->wrote = true;
                                file(d, base)->data = UINT64_MAX / 2;
                        }
                        return RESULT_UNSETTLED;
                }
                file(d, base)->data = content(d, top);
                file(d, base)->wrote = true;
                file(d, over)->base = base;
                s->stats.commits++;
        }
        if (!s->conf->calm && prng_chance(&s->rng, 15))
                return RESULT_UNSETTLED; /* before its file is removed */
        file(d, top)->exists = false;
        return !s->conf->calm && prng_chance(&s->rng, 15) ? RESULT_UNSETTLED : RESULT_DONE;
}
