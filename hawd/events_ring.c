/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the ring tells, as events for the core; history goes to the ledger's adapter, past the core.
 */
#include "hawd/base/clock.h"
#include "hawd/base/log.h"
#include "hawd/hawd.h"
#include "hawd/wire/wire.h"

#define REFUSED_EVERY USEC_PER_MINUTE

static void on_group(void *ud, const struct ring_member *members, size_t n) {
        struct event ev = {.kind = EV_GROUP, .group = {.members = members, .n_members = n}};
        struct hawd *d = ud;
        uint32_t nodeids[HOSTS_MAX];

        for (size_t i = 0; i < n && i < HOSTS_MAX; i++)
                nodeids[i] = members[i].nodeid;
        hawd_step(d, &ev);
        ledger_store_peers(d->store, ring_nodeid(d->ring), nodeids, MIN(n, HOSTS_MAX));
        hawd_say_status(d);
}

static void on_ring(void *ud, struct ring_id id, const uint32_t *nodeids, size_t n) {
        struct event ev = {.kind = EV_RING, .ring = {id, nodeids, n}};

        hawd_step(ud, &ev);
}

static void on_quorum(void *ud, const struct ring_quorum *q) {
        struct event ev = {.kind = EV_QUORUM,
                           .quorum = {.id = q->id,
                                      .quorate = q->quorate,
                                      .waiting = q->waiting,
                                      .two_node = q->two_node,
                                      .last_man_standing = q->last_man_standing}};

        hawd_step(ud, &ev);
}

static void on_nodelist(void *ud, const struct conf_node *nodes, size_t n) {
        struct event ev = {.kind = EV_NODELIST, .nodelist = {nodes, n}};

        hawd_step(ud, &ev);
}

static const char *node_name(struct hawd *d, uint32_t nodeid) {
        size_t n;
        const struct conf_node *nodes = ring_nodes(d->ring, &n);

        for (size_t i = 0; i < n; i++)
                if (nodes[i].nodeid == nodeid)
                        return nodes[i].name;
        return model_host_name(core_model(d->core), nodeid);
}

/* A peer of another kind may say so with every heartbeat. */
static void message_refused(struct hawd *d, struct ring_member from, const char *why) {
        size_t n, i = 0;
        const struct conf_node *nodes = ring_nodes(d->ring, &n);

        while (i < n && nodes[i].nodeid != from.nodeid)
                i++;
        if (i < n) {
                usec_t said = d->refused_said[i], now = now_boottime();

                if (said && now < usec_add(said, REFUSED_EVERY))
                        return;
                d->refused_said[i] = now;
        }
        log_line(LOG_ERR, "a message of %s is refused: %s", node_name(d, from.nodeid), why);
}

static void on_message(void *ud, struct ring_member from, const uint8_t *bytes, size_t len) {
        struct hawd *d = ud;
        struct event ev = {.kind = EV_MESSAGE, .message = {.from = from}};
        char err[TEXT_LEN];

        if (wire_msg_decode(bytes, len, &ev.message.msg, err) < 0) {
                message_refused(d, from, err);
                return;
        }
        if (ev.message.msg->kind == MSG_HISTORY)
                ledger_store_message(d->store, from.nodeid, ev.message.msg);
        else
                hawd_step(d, &ev);
        msg_unref(ev.message.msg);
}

static void on_peer_refused(void *ud, struct ring_member from, const char *why) {
        log_line(LOG_ERR, "%s is refused: %s", node_name(ud, from.nodeid), why);
}

static void on_ring_complaint(void *ud, const char *why) {
        (void)ud;
        log_line(LOG_ERR, "a change of the ring is not followed: %s", why);
}

static void on_ring_down(void *ud, const char *why) {
        log_line(LOG_CRIT, "the ring is gone: %s; hawd ends, guests run on", why);
        hawd_stop(ud, EXIT_FAILURE);
}

const struct ring_callbacks hawd_ring_callbacks = {
        .group = on_group,
        .ring = on_ring,
        .quorum = on_quorum,
        .nodelist = on_nodelist,
        .message = on_message,
        .peer_refused = on_peer_refused,
        .complain = on_ring_complaint,
        .down = on_ring_down,
};
