/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ring/ring.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "hawd/ring/ring_private.h"

#define PIECE_MAX ((size_t)64 << 10) /* smaller ones let heartbeats of other hosts in between */
#define LEAVE_USEC (USEC_PER_SEC)
#define RETRY_USEC (50 * USEC_PER_MSEC)

/* ---- errors ---------------------------------------------------------------------------------- */

void ring_error(char *err, const char *what, cs_error_t e) {
        switch (e) {
        case CS_ERR_LIBRARY:
        case CS_ERR_NOT_EXIST:
        case CS_ERR_BAD_HANDLE:
                text_fmt(err, TEXT_LEN,
                         "%s: corosync does not run on this host: systemctl start corosync", what);
                break;
        case CS_ERR_ACCESS:
        case CS_ERR_SECURITY:
                text_fmt(err, TEXT_LEN,
                         "%s: corosync refuses this user: run hawd as root, or allow it in "
                         "uidgid.d",
                         what);
                break;
        case CS_ERR_TRY_AGAIN:
        case CS_ERR_INTERRUPT:
        case CS_ERR_TIMEOUT:
                text_fmt(err, TEXT_LEN,
                         "%s: corosync is still busy after %d s; corosync-quorumtool -s says "
                         "with what",
                         what, RING_OPEN_SEC);
                break;
        default:
                text_fmt(err, TEXT_LEN, "%s: %s (corosync error %d)", what, cs_strerror(e), (int)e);
                break;
        }
}

static int error_errno(cs_error_t e) {
        switch (e) {
        case CS_ERR_LIBRARY:
        case CS_ERR_NOT_EXIST:
        case CS_ERR_BAD_HANDLE:
                return -ENOTCONN;
        case CS_ERR_ACCESS:
        case CS_ERR_SECURITY:
                return -EACCES;
        case CS_ERR_TRY_AGAIN:
        case CS_ERR_INTERRUPT:
        case CS_ERR_TIMEOUT:
                return -ETIMEDOUT;
        default:
                return -EIO;
        }
}

static usec_t now_usec(void) {
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

/** pause_before() - wait a little; false when @deadline has come or @e is final. */
static bool pause_before(usec_t deadline, cs_error_t e) {
        const struct timespec t = {.tv_nsec = RETRY_USEC * 1000};

        if ((e != CS_ERR_TRY_AGAIN && e != CS_ERR_INTERRUPT) || now_usec() >= deadline)
                return false;
        (void)nanosleep(&t, NULL); /* shorter is as good */
        return true;
}

/* Evaluates @call until it ends, and gives its last result. */
#define PATIENT(deadline, call)                                                                    \
        ({                                                                                         \
                cs_error_t patient_;                                                               \
                do                                                                                 \
                        patient_ = (call);                                                         \
                while (pause_before((deadline), patient_));                                        \
                patient_;                                                                          \
        })

static void unwatch(struct ring *r) {
        if (r->phase != RING_ATTACHED)
                return;
        /* They may be gone already when attaching failed half-way. */
        (void)qb_loop_poll_del(r->loop, r->cpg_fd);
        (void)qb_loop_poll_del(r->loop, r->quorum_fd);
        (void)qb_loop_poll_del(r->loop, r->cmap_fd);
}

void ring_down(struct ring *r, const char *fmt, ...) {
        char why[TEXT_LEN];
        va_list ap;

        if (r->phase == RING_DOWN || r->phase == RING_LEFT)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(why, sizeof(why), fmt, ap); /* cut is good enough */
        va_end(ap);
        unwatch(r);
        r->phase = RING_DOWN;
        ring_queue_clear(r);
        r->callbacks->down(r->userdata, why);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_cmap(struct ring *r, usec_t deadline, char *err) {
        cs_error_t e = PATIENT(deadline, cmap_initialize(&r->cmap));

        if (e == CS_OK) {
                r->cmap_open = true;
                e = PATIENT(deadline, cmap_fd_get(r->cmap, &r->cmap_fd));
        }
        if (e != CS_OK) {
                ring_error(err, "corosync's configuration (cmap)", e);
                return error_errno(e);
        }
        return ring_nodelist_track(r, err);
}

static int first_nodelist(struct ring *r, usec_t deadline, char *err) {
        int rc;

        do
                rc = ring_nodelist_read(r, r->nodes, &r->n_nodes, err);
        while (rc == -EAGAIN && pause_before(deadline, CS_ERR_TRY_AGAIN));
        if (rc != -EAGAIN)
                return rc;
        ring_error(err, "reload of corosync's configuration", CS_ERR_TRY_AGAIN);
        return -ETIMEDOUT;
}

static int open_quorum(struct ring *r, usec_t deadline, char *err) {
        quorum_model_v1_data_t model = ring_quorum_model;
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
                return 0;
        ring_error(err, "corosync's quorum", e);
        return error_errno(e);
}

static int open_cpg(struct ring *r, usec_t deadline, char *err) {
        cpg_model_v1_data_t model = ring_cpg_model;
        unsigned nodeid = 0;
        uint32_t atomic = 0;
        cs_error_t e = PATIENT(deadline, cpg_model_initialize(&r->cpg, CPG_MODEL_V1,
                                                              (cpg_model_data_t *)&model, r));

        if (e == CS_OK) {
                r->cpg_open = true;
                e = PATIENT(deadline, cpg_fd_get(r->cpg, &r->cpg_fd));
        }
        if (e == CS_OK)
                e = PATIENT(deadline, cpg_local_get(r->cpg, &nodeid));
        if (e == CS_OK)
                e = PATIENT(deadline, cpg_max_atomic_msgsize_get(r->cpg, &atomic));
        r->self = (struct ring_member){.nodeid = nodeid, .pid = (uint32_t)getpid()};
        r->piece_max = MIN(PIECE_MAX, (size_t)atomic);
        if (e == CS_OK)
                e = PATIENT(deadline, cpg_join(r->cpg, &r->group));
        if (e == CS_OK)
                return 0;
        ring_error(err, "corosync's process groups (cpg)", e);
        return error_errno(e);
}

int ring_open(const char *group_name, const struct ring_callbacks *callbacks, void *userdata,
              struct ring **ret, char *err) {
        usec_t deadline = now_usec() + RING_OPEN_SEC * USEC_PER_SEC;
        struct ring *r;
        int rc;

        assert(strlen(group_name) < CPG_MAX_NAME_LENGTH);
        r = xcalloc(1, sizeof(*r));
        r->callbacks = callbacks;
        r->userdata = userdata;
        r->last = &r->first;
        r->joiner = frag_joiner_new();
        r->group.length = (uint32_t)strlen(group_name);
        memcpy(r->group.value, group_name, r->group.length);

        rc = open_cmap(r, deadline, err);
        if (rc == 0)
                rc = first_nodelist(r, deadline, err);
        if (rc == 0)
                rc = open_quorum(r, deadline, err);
        if (rc == 0)
                rc = open_cpg(r, deadline, err);
        if (rc < 0) {
                ring_close(r);
                return rc;
        }
        *ret = r;
        return 0;
}

struct ring *ring_close(struct ring *r) {
        if (!r)
                return NULL;
        unwatch(r);
        ring_queue_clear(r);
        /* The connection ends with the process at the latest. */
        if (r->cpg_open)
                (void)cpg_finalize(r->cpg);
        if (r->quorum_open)
                (void)quorum_finalize(r->quorum);
        if (r->cmap_open)
                (void)cmap_finalize(r->cmap);
        frag_joiner_free(r->joiner);
        free(r);
        return NULL;
}

int ring_attach(struct ring *r, qb_loop_t *loop, char *err) {
        int rc;

        assert(r->phase == RING_OPEN);
        rc = qb_loop_poll_add(loop, QB_LOOP_HIGH, r->cpg_fd, POLLIN, r, ring_cpg_ready);
        if (rc == 0)
                rc = qb_loop_poll_add(loop, QB_LOOP_HIGH, r->quorum_fd, POLLIN, r,
                                      ring_quorum_ready);
        if (rc == 0)
                rc = qb_loop_poll_add(loop, QB_LOOP_LOW, r->cmap_fd, POLLIN, r, ring_cmap_ready);
        r->loop = loop;
        r->phase = RING_ATTACHED;
        if (rc < 0) {
                text_fmt(err, TEXT_LEN, "the main loop does not take a descriptor: %s",
                         strerror(-rc));
                return rc;
        }
        r->callbacks->nodelist(r->userdata, r->nodes, r->n_nodes);
        ring_queue_flush(r);
        return 0;
}

void ring_leave(struct ring *r) {
        if (r->phase == RING_LEFT || r->phase == RING_DOWN)
                return;
        /* When it does not work, the end of the process is the same to the others, only later. */
        (void)PATIENT(now_usec() + LEAVE_USEC, cpg_leave(r->cpg, &r->group));
        unwatch(r);
        r->phase = RING_LEFT;
        ring_queue_clear(r);
}

uint32_t ring_nodeid(const struct ring *r) {
        return r->self.nodeid;
}
