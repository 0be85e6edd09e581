/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What corosync's word on quorum rests on. Quorum itself comes by the quorum library; why there is
 * none, and what changes expected votes, is asked of votequorum and cmap when they report a change.
 */
#include "hawd/ring/corosync.h"

#define WAITING "runtime.votequorum.wait_for_all_status"
#define OPTIONS "quorum."

static void changed(cmap_handle_t handle, cmap_track_handle_t track, int32_t event, const char *key,
                    struct cmap_notify_value now, struct cmap_notify_value before, void *data) {
        struct corosync *r = data;

        (void)handle;
        (void)track;
        (void)event;
        (void)key;
        (void)now;
        (void)before;
        r->votes_dirty = true;
}

int corosync_votes_track(struct corosync *r, char *err) {
        const int32_t all = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY;
        cmap_track_handle_t waiting, options; /* end with the connection */
        cs_error_t e = cmap_track_add(r->cmap, WAITING, all, changed, r, &waiting);

        if (e == CS_OK)
                e = cmap_track_add(r->cmap, OPTIONS, all | CMAP_TRACK_PREFIX, changed, r, &options);
        if (e == CS_OK)
                return 0;
        cs_explain(err, "changes of corosync's quorum", e);
        return -EIO;
}

/* What cannot be asked now stays as it was, and is asked with the next change. */
static void ask(struct corosync *r, struct ring_quorum *q) {
        struct votequorum_info info;
        uint8_t status = 0;

        r->votes_dirty = true;
        if (votequorum_getinfo(r->votes, r->ring.self.nodeid, &info) != CS_OK)
                return;
        /* The key is there once wait_for_all has been asked for. */
        (void)cmap_get_uint8(r->cmap, WAITING, &status);
        q->last_man_standing = (info.flags & VOTEQUORUM_INFO_LAST_MAN_STANDING) != 0;
        q->two_node = (info.flags & VOTEQUORUM_INFO_TWONODE) != 0;
        q->waiting = !q->quorate && status != 0 && info.total_votes >= info.quorum;
        r->votes_dirty = false;
}

void corosync_votes_said(struct corosync *r, struct ring_id id, bool quorate) {
        struct ring_quorum *q = &r->votes_now;

        q->id = id;
        q->quorate = quorate;
        q->waiting = false;
        r->votes_known = true;
        ask(r, q);
        r->ring.callbacks->quorum(r->ring.userdata, q);
}

void corosync_votes_changed(struct corosync *r) {
        struct ring_quorum q = r->votes_now;

        if (!r->votes_known || !r->votes_dirty)
                return;
        ask(r, &q);
        if (q.waiting == r->votes_now.waiting && q.two_node == r->votes_now.two_node &&
            q.last_man_standing == r->votes_now.last_man_standing)
                return;
        r->votes_now = q;
        r->ring.callbacks->quorum(r->ring.userdata, &r->votes_now);
}
