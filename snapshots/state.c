/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots/state.h"

struct guest_snaps *snaps_new(void) {
        struct guest_snaps *s = xcalloc(1, sizeof(*s));

        snap_first(s->list, &s->n);
        s->next = 2;
        return s;
}

struct guest_snaps *snaps_copy(const struct guest_snaps *s) {
        struct guest_snaps *copy;

        if (!s)
                return NULL;
        copy = xcalloc(1, sizeof(*copy));
        *copy = *s;
        return copy;
}

bool snaps_many(const struct guest_snaps *s) {
        return s && s->n > 1;
}

bool snaps_any(const struct guest_snaps *s) {
        return snaps_many(s) || (s && s->wish.act != SNAP_ACT_NONE);
}

int snaps_due(const struct guest_snaps *s, enum snap_way *ret_way) {
        char why[TEXT_LEN];
        uint32_t over;

        for (size_t i = 0; i < s->n; i++) {
                if (!s->list[i].deleting)
                        continue;
                *ret_way = snap_delete_way(s->list, s->n, i, &over, why);
                if (*ret_way != SNAP_WAY_NONE)
                        return (int)i;
        }
        return -1;
}

bool snaps_inside(const struct guest_snaps *s) {
        return s && s->list[snap_current(s->list, s->n)].inside;
}

int snaps_start_inside(const struct guest_snaps *s, struct snap_inside *ret, char *err) {
        const struct snapshot *now = &s->list[snap_current(s->list, s->n)], *kept = NULL;
        int back = snap_find(s->list, s->n, now->parent);

        *ret = (struct snap_inside){0};
        if (!s->unmade)
                return 0;
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i].kind != SNAP_CURRENT && s->list[i].file == now->id)
                        kept = &s->list[i];
        if (!kept || back < 0) {
                text_set(err, TEXT_LEN, "what its disks are to be is not in its snapshots");
                return -EUCLEAN;
        }
        snap_inside(kept->file, kept->wall, false, ret->keep);
        if (kept == &s->list[back])
                return 0;
        snap_inside(s->list[back].file, s->list[back].wall, false, ret->back);
        snap_inside(kept->file, kept->wall, true, ret->done);
        return 0;
}

/* The file of the one with @id, and its format. */
static int path_of(const struct guest_snaps *s, uint32_t id, const char *given, const char *format,
                   char ret[DISK_PATH_LEN], const char **ret_format, char *err) {
        int i = snap_find(s->list, s->n, id);
        int r = i < 0 ? -EINVAL : snap_file(given, s->list[i].file, ret, DISK_PATH_LEN);

        if (r < 0) {
                text_fmt(err, TEXT_LEN, "%.120s: no overlay can be named after it%s", given,
                         r == -ENAMETOOLONG ? ": it is too long" : "");
                return r;
        }
        *ret_format = s->list[i].file == 0 ? format : "qcow2";
        return 0;
}

int snaps_paths(const struct guest_snaps *s, const char *given, const char *format,
                struct snap_paths *ret, char *err) {
        int i = snap_current(s->list, s->n), p, below;
        const char *ignored;
        int r;

        *ret = (struct snap_paths){0};
        r = path_of(s, s->list[i].id, given, format, ret->current, &ignored, err);
        p = snap_find(s->list, s->n, s->list[i].parent);
        if (r < 0 || p < 0)
                return r;
        r = path_of(s, s->list[p].id, given, format, ret->base, &ret->base_format, err);
        below = snap_find(s->list, s->n, s->list[p].parent);
        if (r < 0 || below < 0 || !s->list[below].deleting)
                return r;
        return path_of(s, s->list[below].id, given, format, ret->under, &ret->under_format, err);
}

struct disk_want snaps_want(const struct guest_snaps *s, const struct snap_paths *p,
                            bool base_gone) {
        bool went = base_gone && p->under[0];

        if (s->unmade)
                return (struct disk_want){.act = DISK_ROLLBACK,
                                          .overlay = p->current,
                                          .base = went ? p->under : p->base};
        if (p->under[0])
                return (struct disk_want){.act = DISK_COMMIT,
                                          .current = p->current,
                                          .top = p->base,
                                          .base = p->under};
        return (struct disk_want){.act = DISK_REST, .current = p->current, .current_base = p->base};
}
