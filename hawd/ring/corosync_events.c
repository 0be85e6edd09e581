/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes from corosync: dispatch, and the callbacks of cpg and quorum. */
#include <poll.h>

#include "hawd/ring/corosync.h"

/* ---- members that are not understood --------------------------------------------------------- */

static size_t refused_find(const struct corosync *r, struct ring_member m) {
        size_t i = 0;

        while (i < r->n_refused && (r->refused[i].nodeid != m.nodeid || r->refused[i].pid != m.pid))
                i++;
        return i;
}

static void refused_add(struct corosync *r, struct ring_member m, const char *why) {
        if (refused_find(r, m) < r->n_refused || r->n_refused == ARRAY_SIZE(r->refused))
                return;
        r->refused[r->n_refused++] = m;
        r->ring.callbacks->peer_refused(r->ring.userdata, m, why);
}

static void refused_drop(struct corosync *r, struct ring_member m) {
        size_t i = refused_find(r, m);

        if (i < r->n_refused)
                r->refused[i] = r->refused[--r->n_refused];
}

/* ---- cpg ------------------------------------------------------------------------------------- */

/* NULL once the ring was left or failed: the rest of a dispatch says nothing any more. */
static struct corosync *of_cpg(cpg_handle_t handle) {
        void *context = NULL;
        struct corosync *r;

        if (cpg_context_get(handle, &context) != CS_OK)
                return NULL;
        r = context;
        return r && r->ring.phase == RING_ATTACHED ? r : NULL;
}

static void delivered(cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid,
                      uint32_t pid, void *msg, size_t len) {
        struct corosync *r = of_cpg(handle);
        struct ring_member from = {.nodeid = nodeid, .pid = pid};
        const uint8_t *whole;
        size_t whole_len;
        char err[TEXT_LEN];
        int rc;

        (void)group; /* the only one */
        if (!r)
                return;
        rc = frag_take(r->joiner, nodeid, pid, msg, len, &whole, &whole_len, err);
        if (rc == FRAG_WHOLE)
                r->ring.callbacks->message(r->ring.userdata, from, whole, whole_len);
        else if (rc != FRAG_NOTHING)
                refused_add(r, from, err);
        if (nodeid == r->ring.self.nodeid && pid == r->ring.self.pid &&
            r->ring.phase == RING_ATTACHED)
                corosync_queue_returned(r, msg, len);
}

static int by_member(const void *a, const void *b) {
        const struct ring_member *x = a, *y = b;

        if (x->nodeid != y->nodeid)
                return x->nodeid < y->nodeid ? -1 : 1;
        return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void group_changed(cpg_handle_t handle, const struct cpg_name *group,
                          const struct cpg_address *member_list, size_t n_members,
                          const struct cpg_address *left_list, size_t n_left,
                          const struct cpg_address *joined_list, size_t n_joined) {
        struct corosync *r = of_cpg(handle);
        struct ring_member members[CPG_MEMBERS_MAX];
        size_t n = MIN(n_members, ARRAY_SIZE(members));

        (void)group; /* the only one */
        (void)joined_list;
        if (!r)
                return;
        for (size_t i = 0; i < n_left; i++) {
                frag_forget(r->joiner, left_list[i].nodeid, left_list[i].pid);
                refused_drop(r, (struct ring_member){left_list[i].nodeid, left_list[i].pid});
        }
        if (n_joined > 0) {
                frag_reset(r->joiner);
                corosync_queue_joined(r);
        }
        for (size_t i = 0; i < n; i++)
                members[i] = (struct ring_member){member_list[i].nodeid, member_list[i].pid};
        qsort(members, n, sizeof(members[0]), by_member);
        r->ring.callbacks->group(r->ring.userdata, members, n);
}

static void ring_changed(cpg_handle_t handle, struct cpg_ring_id id, uint32_t n,
                         const uint32_t *nodeids) {
        struct corosync *r = of_cpg(handle);

        if (r)
                r->ring.callbacks->ring(r->ring.userdata, (struct ring_id){id.nodeid, id.seq},
                                        nodeids, n);
}

const cpg_model_v1_data_t corosync_cpg_model = {
        .model = CPG_MODEL_V1,
        .cpg_deliver_fn = delivered,
        .cpg_confchg_fn = group_changed,
        .cpg_totem_confchg_fn = ring_changed,
        .flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF,
};

/* ---- quorum ---------------------------------------------------------------------------------- */

static void quorum_changed(quorum_handle_t handle, uint32_t quorate, struct quorum_ring_id id,
                           uint32_t n, const uint32_t *nodeids) {
        const void *context = NULL;
        struct corosync *r;

        (void)n; /* the ring id says which membership it is */
        (void)nodeids;
        if (quorum_context_get(handle, &context) != CS_OK || !context)
                return;
        r = (struct corosync *)(uintptr_t)context;
        if (r->ring.phase == RING_ATTACHED)
                corosync_votes_said(r, (struct ring_id){id.nodeid, id.seq}, quorate != 0);
}

const quorum_model_v1_data_t corosync_quorum_model = {
        .model = QUORUM_MODEL_V1,
        .quorum_notify_fn = quorum_changed,
};

/* ---- dispatch -------------------------------------------------------------------------------- */

/* Always 0: what is no longer to be watched has been taken from the loop already. */
static int32_t after_dispatch(struct corosync *r, const char *what, cs_error_t e) {
        if (e != CS_OK && e != CS_ERR_TRY_AGAIN && e != CS_ERR_INTERRUPT)
                ring_down(&r->ring, "%s broke off (%s): corosync ended or was restarted", what,
                          cs_strerror(e));
        corosync_queue_flush(r);
        return 0;
}

/* What was delivered before corosync ended is still in shared memory, so dispatch also then. */
int32_t corosync_cpg_ready(int32_t fd, int32_t revents, void *data) {
        struct corosync *r = data;

        (void)fd;
        (void)revents; /* dispatch finds out what is the matter */
        return after_dispatch(r, "cpg", cpg_dispatch(r->member.cpg, CS_DISPATCH_ALL));
}

int32_t corosync_quorum_ready(int32_t fd, int32_t revents, void *data) {
        struct corosync *r = data;

        (void)fd;
        (void)revents;
        return after_dispatch(r, "quorum", quorum_dispatch(r->quorum, CS_DISPATCH_ALL));
}

int32_t corosync_cmap_ready(int32_t fd, int32_t revents, void *data) {
        struct corosync *r = data;
        cs_error_t e;

        (void)fd;
        (void)revents;
        e = cmap_dispatch(r->cmap, CS_DISPATCH_ALL);
        if (e == CS_OK && r->ring.phase == RING_ATTACHED) {
                corosync_nodelist_changed(r);
                corosync_votes_changed(r);
        }
        return after_dispatch(r, "cmap", e);
}
