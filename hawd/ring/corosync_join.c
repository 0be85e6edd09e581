/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to corosync, joining the group, leaving it, and joining it anew. */
#include <poll.h>
#include <unistd.h>

#include "hawd/ring/corosync.h"

#define LEAVE_USEC (USEC_PER_SEC)
#define OPEN_USEC (RING_OPEN_SEC * USEC_PER_SEC)
#define MARGIN_USEC (USEC_PER_SEC) /* for calls that give up by themselves to do so */

/* ---- connections ----------------------------------------------------------------------------- */

static int open_cmap(struct corosync *r, usec_t deadline, char *err) {
        cs_error_t e = PATIENT(deadline, cmap_initialize(&r->cmap));

        if (e == CS_OK) {
                r->cmap_open = true;
                e = PATIENT(deadline, cmap_fd_get(r->cmap, &r->cmap_fd));
        }
        if (e != CS_OK) {
                cs_explain(err, "corosync's configuration (cmap)", e);
                return cs_errno(e);
        }
        return corosync_nodelist_track(r, err);
}

static int first_nodelist(struct corosync *r, usec_t deadline, char *err) {
        int rc;

        do
                rc = corosync_nodelist_read(r, r->ring.nodes, &r->ring.n_nodes, err);
        while (rc == -EAGAIN && cs_pause(deadline, CS_ERR_TRY_AGAIN));
        if (rc != -EAGAIN)
                return rc;
        cs_explain(err, "reload of corosync's configuration", CS_ERR_TRY_AGAIN);
        return -ETIMEDOUT;
}

static int open_votes(struct corosync *r, usec_t deadline, char *err) {
        votequorum_callbacks_t none = {0};
        cs_error_t e = PATIENT(deadline, votequorum_initialize(&r->votes, &none));

        if (e != CS_OK) {
                cs_explain(err, "corosync's votequorum", e);
                return cs_errno(e);
        }
        r->votes_open = true;
        return corosync_votes_track(r, err);
}

static int open_quorum(struct corosync *r, usec_t deadline, char *err) {
        quorum_model_v1_data_t model = corosync_quorum_model;
        uint32_t type = QUORUM_FREE;
        cs_error_t e =
                PATIENT(deadline, quorum_model_initialize(&r->quorum, QUORUM_MODEL_V1,
                                                          (quorum_model_data_t *)&model, &type, r));

        if (e == CS_OK) {
                r->quorum_open = true;
                e = PATIENT(deadline, quorum_fd_get(r->quorum, &r->quorum_fd));
        }
        if (e == CS_OK && type != QUORUM_SET) {
                text_fmt(err, TEXT_LEN,
                         "corosync has no quorum: set \"provider: corosync_votequorum\" in the "
                         "section quorum of corosync.conf");
                return -EINVAL;
        }
        if (e == CS_OK)
                e = PATIENT(deadline,
                            quorum_trackstart(r->quorum, CS_TRACK_CURRENT | CS_TRACK_CHANGES));
        if (e == CS_OK)
                return open_votes(r, deadline, err);
        cs_explain(err, "corosync's quorum", e);
        return cs_errno(e);
}

int member_open(struct member *m, struct corosync *context, usec_t deadline, char *err) {
        cpg_model_v1_data_t model = corosync_cpg_model;
        cs_error_t e = PATIENT(deadline, cpg_model_initialize(&m->cpg, CPG_MODEL_V1,
                                                              (cpg_model_data_t *)&model, context));

        if (e == CS_OK) {
                m->open = true;
                e = PATIENT(deadline, cpg_fd_get(m->cpg, &m->fd));
        }
        if (e == CS_OK)
                e = PATIENT(deadline, cpg_local_get(m->cpg, &m->nodeid));
        if (e == CS_OK)
                e = PATIENT(deadline, cpg_max_atomic_msgsize_get(m->cpg, &m->atomic));
        if (e == CS_OK)
                e = PATIENT(deadline, cpg_join(m->cpg, &m->group));
        if (e == CS_OK)
                return 0;
        cs_explain(err, "corosync's process groups (cpg)", e);
        return cs_errno(e);
}

struct connecting {
        struct corosync *r; /* NULL: taken */
        int rc;
        char err[TEXT_LEN];
};

static void connect_all(void *arg) {
        struct connecting *c = arg;
        struct corosync *r = c->r;
        usec_t deadline = cs_now() + OPEN_USEC;

        c->rc = open_cmap(r, deadline, c->err);
        if (c->rc == 0)
                c->rc = first_nodelist(r, deadline, c->err);
        if (c->rc == 0)
                c->rc = open_quorum(r, deadline, c->err);
        if (c->rc == 0)
                c->rc = member_open(&r->member, r, deadline, c->err);
        if (c->rc == 0)
                corosync_address_read(r);
        r->ring.self = (struct ring_member){r->member.nodeid, (uint32_t)getpid()};
        r->piece_max = MIN(PIECE_MAX, (size_t)r->member.atomic);
}

static void drop_connecting(void *arg) {
        struct connecting *c = arg;

        if (c->r)
                frag_joiner_free(c->r->joiner); /* connections end with the process */
        free(c->r);
        free(c);
}

static int no_answer(char *err) {
        text_fmt(err, TEXT_LEN,
                 "corosync runs, but does not answer for %d s: is it stopped? systemctl restart "
                 "corosync",
                 RING_OPEN_SEC);
        return -ETIMEDOUT;
}

static int no_thread(char *err, int rc) {
        text_fmt(err, TEXT_LEN, "no thread to talk to corosync: %s", strerror(-rc));
        return rc;
}

int corosync_connect(struct corosync **r, char *err) {
        struct connecting *c = xcalloc(1, sizeof(*c));
        struct task *t;
        int rc;

        c->r = TAKE_PTR(*r);
        rc = task_start(connect_all, drop_connecting, c, &t);
        if (rc < 0) {
                drop_connecting(c);
                return no_thread(err, rc);
        }
        if (task_wait(t, OPEN_USEC + MARGIN_USEC)) {
                *r = TAKE_PTR(c->r);
                rc = c->rc;
                if (rc < 0)
                        text_set(err, TEXT_LEN, c->err);
        } else {
                rc = no_answer(err);
        }
        task_free(t);
        return rc;
}

/* ---- leaving --------------------------------------------------------------------------------- */

static void leave(void *arg) {
        struct member *m = arg;

        /* When it does not work, the end of the process is the same to the others, only later. */
        (void)PATIENT(cs_now() + LEAVE_USEC, cpg_leave(m->cpg, &m->group));
        (void)cpg_finalize(m->cpg);
}

void corosync_say_leave(struct corosync *r) {
        struct member *m = xcalloc(1, sizeof(*m));
        struct task *t;

        *m = r->member;
        if (task_start(leave, free, m, &t) < 0) {
                free(m);
                return;
        }
        r->member.open = false;
        r->hangs = !task_wait(t, LEAVE_USEC + MARGIN_USEC);
        task_free(t);
}

/* ---- joining anew ---------------------------------------------------------------------------- */

struct rejoin {
        struct corosync *context; /* given to the library only */
        cpg_handle_t old;
        struct member fresh;
        int rc;
        char err[TEXT_LEN];
};

static void leave_and_join(void *arg) {
        struct rejoin *j = arg;

        /* What corosync still has for the old connection goes with it. */
        (void)cpg_finalize(j->old);
        j->rc = member_open(&j->fresh, j->context, cs_now() + OPEN_USEC, j->err);
}

static void begin_rejoin(void *data);

void corosync_rejoin_end(struct corosync *r) {
        if (!r->rejoining)
                return;
        r->rejoining = false;
        if (!r->task) {
                (void)qb_loop_job_del(r->ring.loop, QB_LOOP_HIGH, r, begin_rejoin);
                return;
        }
        (void)qb_loop_poll_del(r->ring.loop, task_fd(r->task));
        (void)qb_loop_timer_del(r->ring.loop, r->rejoin_limit); /* fired: no matter */
        r->hangs = !task_wait(r->task, 0);
        r->task = task_free(r->task);
}

static int32_t rejoined(int32_t fd, int32_t revents, void *data) {
        struct rejoin *j = data;
        struct corosync *r = j->context;
        char err[TEXT_LEN];
        int rc = j->rc;

        (void)fd;
        (void)revents;
        r->member = j->fresh;
        text_set(err, sizeof(err), j->err);
        corosync_rejoin_end(r); /* frees @j */
        if (rc == 0)
                rc = qb_loop_poll_add(r->ring.loop, QB_LOOP_HIGH, r->member.fd, POLLIN, r,
                                      corosync_cpg_ready);
        if (rc < 0)
                ring_down(&r->ring, "the group cannot be joined again: %s",
                          err[0] ? err : strerror(-rc));
        return 0; /* taken from the loop already */
}

static void rejoin_is_late(void *data) {
        struct corosync *r = data;
        char err[TEXT_LEN];

        (void)no_answer(err);
        ring_down(&r->ring, "the group cannot be joined again: %s", err);
}

static int begin_task(struct corosync *r) {
        struct rejoin *j = xcalloc(1, sizeof(*j));
        int rc;

        *j = (struct rejoin){.context = r, .old = r->member.cpg, .fresh.group = r->member.group};
        rc = task_start(leave_and_join, free, j, &r->task);
        if (rc < 0) {
                free(j);
                return rc;
        }
        r->member.open = false; /* the thread's now */
        rc = qb_loop_poll_add(r->ring.loop, QB_LOOP_HIGH, task_fd(r->task), POLLIN, j, rejoined);
        if (rc == 0)
                rc = qb_loop_timer_add(r->ring.loop, QB_LOOP_HIGH, (OPEN_USEC + MARGIN_USEC) * 1000,
                                       r, rejoin_is_late, &r->rejoin_limit);
        return rc;
}

/* From the loop, not from whoever asked: a callback may have. */
static void begin_rejoin(void *data) {
        struct corosync *r = data;
        char err[TEXT_LEN];
        int rc;

        if (r->ring.phase != RING_ATTACHED || !r->rejoining || r->task)
                return;
        (void)qb_loop_poll_del(r->ring.loop, r->member.fd); /* watched until now */
        corosync_queue_clear(r);
        r->in_flight = 0;
        r->n_refused = 0;
        frag_reset(r->joiner);
        rc = begin_task(r);
        if (rc < 0) {
                (void)no_thread(err, rc);
                ring_down(&r->ring, "the group cannot be joined again: %s", err);
                return;
        }
        r->ring.callbacks->group(r->ring.userdata, NULL, 0);
}

void corosync_rejoin(struct ring *ring) {
        struct corosync *r = (struct corosync *)ring;

        if (r->rejoining)
                return;
        r->rejoining = true;
        if (qb_loop_job_add(ring->loop, QB_LOOP_HIGH, r, begin_rejoin) < 0)
                ring_down(ring, "the main loop takes no job");
}
