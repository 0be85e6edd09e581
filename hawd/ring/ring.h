/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ring: messages in one order for all, who is there, quorum, and the configured hosts. Two
 * kinds: corosync, and solo for one host without it. Owned by main.c; it runs in main's qb_loop,
 * whose only thread calls it.
 *
 * Logs nothing: what the caller should know comes as a return value with a text, or by a callback.
 * Callbacks come in the order in which they happened, never before ring_attach() and, but for the
 * nodelist, not within a call. Group, ring and messages have one order; that of quorum and nodelist
 * among them is not defined: compare ring ids. A callback may call ring_send(), ring_rejoin() and
 * ring_leave(), but not ring_close().
 *
 *   OPEN -attach-> ATTACHED -leave-> LEFT;  ATTACHED -the ring fails-> DOWN (by the callback)
 */
#pragma once

#include <qb/qbloop.h>

#include "hawd/core/event.h"

#define RING_QUEUE_MAX ((size_t)256 << 20) /* bytes that wait to be sent */
#define RING_OPEN_SEC 15                   /* for corosync to take this process in */

struct ring;

struct ring_quorum {
        struct ring_id id; /* of the ring that it is about */
        bool quorate;
        bool waiting;           /* not quorate only because wait_for_all has not seen all yet */
        bool two_node;          /* each of two lone halves is quorate */
        bool last_man_standing; /* expected votes follow the members */
};

/** struct ring_callbacks - all are required; what they are given is borrowed for the call */
struct ring_callbacks {
        /** The hawd group, by node id and pid. Without this process: it is joining anew. */
        void (*group)(void *userdata, const struct ring_member *members, size_t n);
        /** Totem membership: hosts whose corosync is there. */
        void (*ring)(void *userdata, struct ring_id id, const uint32_t *nodeids, size_t n);
        /** Said again when anything of it changes. */
        void (*quorum)(void *userdata, const struct ring_quorum *quorum);
        /** The configured hosts: once in ring_attach(), then when they change. */
        void (*nodelist)(void *userdata, const struct conf_node *nodes, size_t n);
        /** A whole message, own ones too. */
        void (*message)(void *userdata, struct ring_member from, const uint8_t *bytes, size_t len);
        /** A member that is not understood (another major version, broken pieces): once for each
         * until it leaves. */
        void (*peer_refused)(void *userdata, struct ring_member from, const char *why);
        /** A change that cannot be followed, and what mends it: the ring goes on as it was. */
        void (*complain)(void *userdata, const char *why);
        /** The ring is gone: nothing comes any more and nothing is sent. End, and be restarted. */
        void (*down)(void *userdata, const char *why);
};

/**
 * ring_open_corosync() - connect to corosync and join the group
 * @callbacks: borrowed, outlive the ring
 * @err: of TEXT_LEN bytes: cause and mend; written only on failure
 *
 * Tries for at most RING_OPEN_SEC while corosync is busy (starting, forming a ring) or hangs.
 *
 * Return: 0; -ENOTCONN corosync does not run; -EACCES not allowed; -ETIMEDOUT still busy; -EINVAL
 * its configuration does not do; -EIO otherwise.
 */
int ring_open_corosync(const char *group_name, const struct ring_callbacks *callbacks,
                       void *userdata, struct ring **ret, char *err);
/** ring_open_solo() - a ring of this host alone; @name is valid, @nodeid is not 0. */
struct ring *ring_open_solo(uint32_t nodeid, const char *name,
                            const struct ring_callbacks *callbacks, void *userdata);
/** ring_close() - leave without a word, as a crash would; NULL-safe, returns NULL. */
struct ring *ring_close(struct ring *r);

/**
 * ring_attach() - have @loop, which outlives the ring, watch it
 * Calls back the nodelist.
 *
 * Return: 0, or negative errno with @err.
 */
int ring_attach(struct ring *r, qb_loop_t *loop, char *err);

/**
 * ring_send() - queue a message, behind all that were queued before, and send what can be sent
 * While the group is joined anew it is dropped: it belongs to a group of which we are no member.
 *
 * Return: 0; -EINVAL empty; -EMSGSIZE beyond FRAG_TOTAL_MAX; -ENOBUFS beyond RING_QUEUE_MAX (the
 * message is not queued); -ENOTCONN when the ring is down or was left.
 */
int ring_send(struct ring *r, const uint8_t *bytes, size_t len);

/**
 * ring_rejoin() - leave the group and join it anew, as a new process would; what is queued, and
 * what was sent to this member and has not been delivered yet, is dropped
 *
 * The callback group says that nobody is there, soon but not within this call, and again when this
 * process is back.
 */
void ring_rejoin(struct ring *r);

/** ring_leave() - leave the group in order; what is queued is dropped, no more callbacks. */
void ring_leave(struct ring *r);

uint32_t ring_nodeid(const struct ring *r);
/** ring_address() - of this host on ring 0, as corosync.conf has it; "" without one. Borrowed. */
const char *ring_address(const struct ring *r);
/** ring_nodes() - the configured hosts, as last told. Borrowed. */
const struct conf_node *ring_nodes(const struct ring *r, size_t *ret_n);
