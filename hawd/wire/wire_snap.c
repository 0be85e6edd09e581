/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/wire/wire.h"
#include "hawd/wire/wire_pb.h"

static void put_one(struct wire_out *o, const struct snapshot *s, Hawd__Snapshot *p) {
        hawd__snapshot__init(p);
        p->id = s->id;
        p->parent = s->parent;
        p->file = s->file;
        p->kind = wire_put_enum(o, &wire_snap_kind, s->kind);
        p->inside = s->inside;
        p->deleting = s->deleting;
        p->by_hand = s->by_hand;
        p->good = s->good;
        p->failed = s->failed;
        p->wall = s->wall;
        p->mib = s->mib;
        p->name = wire_put_name(o, s->name, WIRE_MAY_BE_EMPTY);
}

Hawd__GuestSnaps *wire_put_snaps(struct wire_out *o, const struct guest_snaps *s) {
        Hawd__GuestSnaps *p;

        if (!s)
                return NULL;
        p = wire_alloc(o, 1, sizeof(*p));
        hawd__guest_snaps__init(p);
        p->n_list = wire_put_count(o, s->n, SNAPSHOTS_MAX);
        p->list = (Hawd__Snapshot **)wire_array(o, p->n_list, sizeof(Hawd__Snapshot));
        for (size_t i = 0; i < p->n_list; i++)
                put_one(o, &s->list[i], p->list[i]);
        p->next = s->next;
        p->unmade = s->unmade;
        p->deleted = s->deleted;
        p->taken_wall = s->taken_wall;
        p->pause_usec = s->pause_usec;
        p->error = WIRE_PUT_TEXT(s->error);
        p->trial = s->trial;
        p->incident = s->incident;
        p->left = wire_put_name(o, s->left, WIRE_MAY_BE_EMPTY);
        p->act = wire_put_enum(o, &wire_snap_act, s->wish.act);
        p->act_id = s->wish.id;
        p->act_target = s->wish.target;
        p->act_by_hand = s->wish.by_hand;
        p->act_good = s->wish.good;
        p->act_wall = s->wish.wall;
        p->act_no_quiesce = s->wish.no_quiesce;
        p->act_name = wire_put_name(o, s->wish.name, WIRE_MAY_BE_EMPTY);
        return p;
}

static void get_one(struct wire_in *in, const Hawd__Snapshot *p, struct snapshot *s) {
        s->id = p->id;
        s->parent = p->parent;
        s->file = p->file;
        s->kind = wire_get_enum(in, &wire_snap_kind, p->kind);
        s->inside = p->inside;
        s->deleting = p->deleting;
        s->by_hand = p->by_hand;
        s->good = p->good;
        s->failed = p->failed;
        s->wall = p->wall;
        s->mib = p->mib;
        wire_get_name(in, "snapshot", WIRE_MAY_BE_EMPTY, p->name, s->name);
}

/* An id that was given once would name the files of two. */
static void check(struct wire_in *in, const struct guest_snaps *s) {
        char err[TEXT_LEN];

        if (in->failed)
                return;
        if (snap_check(s->list, s->n, err) < 0)
                wire_refuse(in, "snapshots of a guest: %s", err);
        for (size_t i = 0; i < s->n; i++)
                if (s->list[i].id >= s->next || s->list[i].file >= s->next)
                        wire_refuse(in, "a guest's snapshot %u, next one %u", s->list[i].id,
                                    s->next);
        if (s->wish.act == SNAP_ACT_TAKE &&
            (s->n >= SNAPSHOTS_MAX || s->wish.id >= s->next || !s->wish.name[0] ||
             snap_find(s->list, s->n, s->wish.id) >= 0 ||
             snap_find_name(s->list, s->n, s->wish.name) >= 0))
                wire_refuse(in, "a snapshot is wanted that cannot be");
        if (s->wish.act == SNAP_ACT_ROLLBACK) {
                int i = snap_find(s->list, s->n, s->wish.target);

                if (i < 0 || !snap_rollback_ok(s->list, s->n, (size_t)i, err))
                        wire_refuse(in, "a guest is to go back to a snapshot that it has not");
        }
}

struct guest_snaps *wire_get_snaps(struct wire_in *in, const Hawd__GuestSnaps *p) {
        struct guest_snaps *s;

        if (!p)
                return NULL;
        s = xcalloc(1, sizeof(*s));
        s->n = wire_get_count(in, "snapshots", p->n_list, SNAPSHOTS_MAX);
        for (size_t i = 0; i < s->n; i++)
                get_one(in, p->list[i], &s->list[i]);
        s->next = p->next;
        s->unmade = p->unmade;
        s->deleted = p->deleted;
        s->taken_wall = p->taken_wall;
        s->pause_usec = p->pause_usec;
        WIRE_GET_TEXT(in, "error of a snapshot", p->error, s->error);
        s->trial = p->trial;
        s->incident = p->incident;
        wire_get_name(in, "kept disk", WIRE_MAY_BE_EMPTY, p->left, s->left);
        s->wish.act = wire_get_enum(in, &wire_snap_act, p->act);
        s->wish.id = p->act_id;
        s->wish.target = p->act_target;
        s->wish.by_hand = p->act_by_hand;
        s->wish.good = p->act_good;
        s->wish.wall = p->act_wall;
        s->wish.no_quiesce = p->act_no_quiesce;
        wire_get_name(in, "wanted snapshot", WIRE_MAY_BE_EMPTY, p->act_name, s->wish.name);
        check(in, s);
        return s;
}
