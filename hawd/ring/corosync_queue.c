/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes to corosync: one queue, in order, as fast as own pieces come back. */
#include <sys/uio.h>

#include "hawd/ring/corosync.h"

#define IN_FLIGHT_MAX 64 /* pieces; corosync queues without bound for who does not read */
#define RETRY_NSEC (5 * 1000000ull)

int corosync_send(struct ring *ring, const uint8_t *bytes, size_t len) {
        struct corosync *r = (struct corosync *)ring;
        struct frag_cut cut;
        struct ring_out *out;
        int rc;

        if (r->rejoining)
                return 0;
        rc = frag_cut(bytes, len, r->piece_max, 0, &cut);
        if (rc < 0)
                return rc;
        if (r->queued + len > RING_QUEUE_MAX)
                return -ENOBUFS;
        out = xcalloc(1, sizeof(*out) + len);
        memcpy(out->bytes, bytes, len);
        out->cut = cut;
        out->cut.bytes = out->bytes;
        *r->last = out;
        r->last = &out->next;
        r->queued += len;
        corosync_queue_flush(r);
        return 0;
}

static void pop(struct corosync *r) {
        struct ring_out *out = r->first;

        r->first = out->next;
        if (!r->first)
                r->last = &r->first;
        r->queued -= out->cut.len;
        free(out);
}

void corosync_queue_clear(struct corosync *r) {
        while (r->first)
                pop(r);
        if (r->retrying)
                (void)qb_loop_timer_del(r->ring.loop, r->retry);
        r->retrying = false;
}

/* Other counters for what is begun anew, so that pieces on their way do not count for it. */
static void begin(struct corosync *r, struct ring_out *out) {
        if (++r->counter == 0)
                r->counter = 1;
        out->cut.counter = r->counter;
        out->sent = 0;
        out->returned = 0;
}

static cs_error_t send_piece(struct corosync *r, struct ring_out *out) {
        uint8_t header[FRAG_HEADER_LEN];
        const uint8_t *data;
        struct iovec iov[2];

        if (out->sent == 0)
                begin(r, out);
        iov[1].iov_len = frag_piece(&out->cut, out->sent, header, &data);
        iov[1].iov_base = (void *)(uintptr_t)data; /* only read */
        iov[0] = (struct iovec){.iov_base = header, .iov_len = sizeof(header)};
        return cpg_mcast_joined(r->member.cpg, CPG_TYPE_AGREED, iov, ARRAY_SIZE(iov));
}

static void retry(void *data) {
        struct corosync *r = data;

        r->retrying = false;
        corosync_queue_flush(r);
}

static void retry_soon(struct corosync *r) {
        if (r->retrying)
                return;
        if (qb_loop_timer_add(r->ring.loop, QB_LOOP_HIGH, RETRY_NSEC, r, retry, &r->retry) == 0)
                r->retrying = true;
        else
                ring_down(&r->ring, "the main loop takes no timer");
}

void corosync_queue_flush(struct corosync *r) {
        if (r->ring.phase != RING_ATTACHED || r->rejoining)
                return;
        while (r->first && r->in_flight < IN_FLIGHT_MAX) {
                struct ring_out *out = r->first;
                cs_error_t e;

                if (out->sent == out->cut.count)
                        return; /* goes on when it has come back whole */
                e = send_piece(r, out);
                if (e == CS_ERR_TRY_AGAIN || e == CS_ERR_INTERRUPT) {
                        retry_soon(r);
                        return;
                }
                if (e != CS_OK) {
                        ring_down(&r->ring,
                                  "corosync takes no message (%s): it ended or was restarted",
                                  cs_strerror(e));
                        return;
                }
                r->in_flight++;
                out->sent++;
                if (out->cut.count == 1)
                        pop(r);
        }
}

void corosync_queue_returned(struct corosync *r, const uint8_t *piece, size_t len) {
        struct ring_out *out = r->first;

        if (r->in_flight > 0)
                r->in_flight--;
        if (out && out->sent > 0 && frag_counter(piece, len) == out->cut.counter &&
            ++out->returned == out->cut.count)
                pop(r);
        corosync_queue_flush(r);
}

void corosync_queue_joined(struct corosync *r) {
        if (r->first && r->first->returned > 0)
                r->first->sent = r->first->returned = 0;
}
