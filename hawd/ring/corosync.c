/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ring/corosync.h"

#include <poll.h>
#include <time.h>

#define PAUSE_NSEC (50 * 1000000L)

void cs_explain(char *err, const char *what, cs_error_t e) {
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

int cs_errno(cs_error_t e) {
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

usec_t cs_now(void) {
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

bool cs_pause(usec_t deadline, cs_error_t e) {
        const struct timespec t = {.tv_nsec = PAUSE_NSEC};

        if ((e != CS_ERR_TRY_AGAIN && e != CS_ERR_INTERRUPT) || cs_now() >= deadline)
                return false;
        (void)nanosleep(&t, NULL); /* shorter is as good */
        return true;
}

/* ---- the driver ------------------------------------------------------------------------------ */

static int attach(struct ring *ring, char *err) {
        struct corosync *r = (struct corosync *)ring;
        int rc = qb_loop_poll_add(ring->loop, QB_LOOP_HIGH, r->member.fd, POLLIN, r,
                                  corosync_cpg_ready);

        if (rc == 0)
                rc = qb_loop_poll_add(ring->loop, QB_LOOP_HIGH, r->quorum_fd, POLLIN, r,
                                      corosync_quorum_ready);
        if (rc == 0)
                rc = qb_loop_poll_add(ring->loop, QB_LOOP_LOW, r->cmap_fd, POLLIN, r,
                                      corosync_cmap_ready);
        if (rc < 0)
                text_fmt(err, TEXT_LEN, "the main loop does not take a descriptor: %s",
                         strerror(-rc));
        else
                corosync_queue_flush(r);
        return rc;
}

static void detach(struct ring *ring, bool say) {
        struct corosync *r = (struct corosync *)ring;

        /* They may be gone already when attaching failed half-way. */
        (void)qb_loop_poll_del(ring->loop, r->quorum_fd);
        (void)qb_loop_poll_del(ring->loop, r->cmap_fd);
        if (r->member.open)
                (void)qb_loop_poll_del(ring->loop, r->member.fd);
        corosync_rejoin_end(r);
        corosync_queue_clear(r);
        if (say && r->member.open)
                corosync_say_leave(r);
}

static void close_ring(struct ring *ring) {
        struct corosync *r = (struct corosync *)ring;

        corosync_queue_clear(r);
        /* The connections end with the process at the latest. */
        if (!r->hangs) {
                if (r->member.open)
                        (void)cpg_finalize(r->member.cpg);
                if (r->quorum_open)
                        (void)quorum_finalize(r->quorum);
                if (r->votes_open)
                        (void)votequorum_finalize(r->votes);
                if (r->cmap_open)
                        (void)cmap_finalize(r->cmap);
        }
        frag_joiner_free(r->joiner);
        free(r);
}

static const struct ring_driver driver = {
        .attach = attach,
        .detach = detach,
        .send = corosync_send,
        .rejoin = corosync_rejoin,
        .close = close_ring,
};

int ring_open_corosync(const char *group_name, const struct ring_callbacks *callbacks,
                       void *userdata, struct ring **ret, char *err) {
        struct corosync *r = xcalloc(1, sizeof(*r));
        int rc;

        assert(strlen(group_name) < CPG_MAX_NAME_LENGTH);
        ring_init(&r->ring, &driver, callbacks, userdata);
        r->last = &r->first;
        r->joiner = frag_joiner_new();
        r->member.group.length = (uint32_t)strlen(group_name);
        memcpy(r->member.group.value, group_name, r->member.group.length);
        rc = corosync_connect(&r, err);
        if (rc < 0) {
                ring_close(r ? &r->ring : NULL);
                return rc;
        }
        *ret = &r->ring;
        return 0;
}
