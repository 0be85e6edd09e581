/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ring: corosync as the core needs it. CPG for messages and membership, quorum, cmap for the
 * configured nodelist. Owned by main.c; it runs in main's qb_loop, whose only thread calls it.
 *
 * Logs nothing: what the caller should know comes as a return value with a text, or by a callback.
 * Callbacks come in the order in which a library gives them, and never before ring_attach(). CPG
 * (group, ring, message) and quorum have a descriptor each, so the order between those two is not
 * defined: compare ring ids. A callback may call ring_send(), but not ring_close().
 *
 * Messages of any length up to FRAG_TOTAL_MAX travel in pieces. One of several pieces is followed
 * by another of its sender only when it has come back whole, and is begun anew when somebody
 * joined meanwhile: so all members of a group deliver the same messages, in the same order, and
 * those of one sender in the order in which they were sent.
 *
 *   OPEN -attach-> ATTACHED -leave-> LEFT;  ATTACHED -corosync fails-> DOWN (by the callback)
 */
#pragma once

#include <qb/qbloop.h>

#include "hawd/core/event.h"

#define RING_QUEUE_MAX ((size_t)256 << 20) /* bytes that wait to be sent */

struct ring;

/** struct ring_callbacks - all are required; what they are given is borrowed for the call */
struct ring_callbacks {
        /** The hawd group, by node id and pid. This process is in it, or it is being left. */
        void (*group)(void *userdata, const struct ring_member *members, size_t n);
        /** Totem membership: hosts whose corosync is there. */
        void (*ring)(void *userdata, struct ring_id id, const uint32_t *nodeids, size_t n);
        void (*quorum)(void *userdata, struct ring_id id, bool quorate);
        /** The configured hosts: once in ring_attach(), then when corosync reloads them. */
        void (*nodelist)(void *userdata, const struct conf_node *nodes, size_t n);
        /** A whole message, own ones too. */
        void (*message)(void *userdata, struct ring_member from, const uint8_t *bytes, size_t len);
        /** A member that is not understood (another major version, broken pieces): once for each
         * until it leaves. */
        void (*peer_refused)(void *userdata, struct ring_member from, const char *why);
        /** Corosync is gone: nothing comes any more and nothing is sent. End, and be restarted. */
        void (*down)(void *userdata, const char *why);
};

/**
 * ring_open() - connect to corosync and join the group
 * @callbacks: borrowed, outlive the ring
 * @err: of TEXT_LEN bytes: cause and mend; written only on failure
 *
 * Tries for at most RING_OPEN_SEC while corosync is busy (starting, forming a ring).
 *
 * Return: 0; -ENOTCONN corosync does not run; -EACCES not allowed; -ETIMEDOUT still busy; -EINVAL
 * its configuration does not do; -EIO otherwise.
 */
#define RING_OPEN_SEC 15
int ring_open(const char *group_name, const struct ring_callbacks *callbacks, void *userdata,
              struct ring **ret, char *err);
/** ring_close() - leave without a word, as a crash would; NULL-safe, returns NULL. */
struct ring *ring_close(struct ring *r);

/**
 * ring_attach() - have @loop, which outlives the ring, watch its descriptors
 * Calls back the nodelist.
 *
 * Return: 0, or negative errno with @err.
 */
int ring_attach(struct ring *r, qb_loop_t *loop, char *err);

/**
 * ring_send() - queue a message, behind all that were queued before, and send what can be sent
 *
 * Return: 0; -EINVAL empty; -EMSGSIZE beyond FRAG_TOTAL_MAX; -ENOBUFS beyond RING_QUEUE_MAX (the
 * message is not queued); -ENOTCONN when the ring is down or was left.
 */
int ring_send(struct ring *r, const uint8_t *bytes, size_t len);

/** ring_leave() - leave the group in order; what is queued is dropped, no more callbacks. */
void ring_leave(struct ring *r);

uint32_t ring_nodeid(const struct ring *r);
/** ring_queued() - bytes in the queue, and what is on its way in pieces. */
size_t ring_queued(const struct ring *r);
