/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the ring of corosync: its parts corosync.c (life), corosync_join.c (connections),
 * corosync_events.c (what comes), corosync_queue.c (what goes), corosync_nodelist.c (cmap),
 * corosync_votes.c (votequorum).
 *
 * Messages of any length up to FRAG_TOTAL_MAX travel in pieces. One of several pieces is followed
 * by another of its sender only when it has come back whole, and is begun anew when somebody
 * joined meanwhile: so all members of a group deliver the same messages, in the same order, and
 * those of one sender in the order in which they were sent.
 *
 * A corosync that is stopped answers nothing, and its libraries then wait for ever. So connecting,
 * joining and leaving are done on a thread (task.h), dispatch and sending never wait, and the few
 * questions that are asked on the loop (nodelist, votes) are asked when corosync has just spoken.
 */
#pragma once

#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>

#include "hawd/ring/driver.h"
#include "hawd/ring/task.h"
#include "hawd/wire/frag.h"

#define PIECE_MAX ((size_t)64 << 10) /* smaller ones let heartbeats of other hosts in between */

/** struct member - this process in the group */
struct member {
        struct cpg_name group;
        cpg_handle_t cpg;
        bool open;
        int fd; /* the library owns it */
        uint32_t nodeid;
        uint32_t atomic; /* longest message */
};

/** struct ring_out - a message in the queue */
struct ring_out {
        struct ring_out *next;
        struct frag_cut cut;
        uint32_t sent;     /* pieces that corosync took */
        uint32_t returned; /* of them, pieces that came back */
        uint8_t bytes[];
};

struct corosync {
        struct ring ring;
        struct member member;
        bool quorum_open, votes_open, cmap_open;
        quorum_handle_t quorum;
        votequorum_handle_t votes;
        cmap_handle_t cmap;
        int quorum_fd, cmap_fd; /* the libraries own them */
        bool hangs;             /* no more calls that wait for an answer */

        /* joining anew */
        bool rejoining;
        struct task *task; /* NULL: not begun */
        qb_loop_timer_handle rejoin_limit;

        struct frag_joiner *joiner;
        struct ring_member refused[CPG_MEMBERS_MAX]; /* told about already */
        size_t n_refused;

        struct ring_out *first, **last; /* queue; *last is NULL */
        size_t queued;                  /* bytes */
        size_t piece_max;
        size_t in_flight; /* own pieces that have not come back */
        uint32_t counter; /* of own messages, never 0 */
        qb_loop_timer_handle retry;
        bool retrying;

        bool nodelist_dirty;

        bool votes_known; /* corosync has spoken of quorum */
        bool votes_dirty;
        struct ring_quorum votes_now;
};

/** cs_explain() - a corosync error for people, with the mend where there is one. */
void cs_explain(char *err, const char *what, cs_error_t e);
int cs_errno(cs_error_t e);

usec_t cs_now(void);
/** cs_pause() - wait a little; false when @deadline has come or @e is final. */
bool cs_pause(usec_t deadline, cs_error_t e);

/* Evaluates @call until it ends, and gives its last result. Not on the loop. */
#define PATIENT(deadline, call)                                                                    \
        ({                                                                                         \
                cs_error_t patient_;                                                               \
                do                                                                                 \
                        patient_ = (call);                                                         \
                while (cs_pause((deadline), patient_));                                            \
                patient_;                                                                          \
        })

/* corosync_join.c */
/** member_open() - connect and join, as @context. Return: 0, or -errno with @err. */
int member_open(struct member *m, struct corosync *context, usec_t deadline, char *err);
/** corosync_connect() - all connections, with a time-out. Return: as ring_open_corosync(). */
int corosync_connect(struct corosync **r, char *err);
void corosync_rejoin(struct ring *ring);
/** corosync_rejoin_end() - the ring goes down or is closed meanwhile. */
void corosync_rejoin_end(struct corosync *r);
/** corosync_say_leave() - in order, if corosync answers soon. */
void corosync_say_leave(struct corosync *r);

/* corosync_events.c */
extern const cpg_model_v1_data_t corosync_cpg_model;
extern const quorum_model_v1_data_t corosync_quorum_model;
int32_t corosync_cpg_ready(int32_t fd, int32_t revents, void *data);
int32_t corosync_quorum_ready(int32_t fd, int32_t revents, void *data);
int32_t corosync_cmap_ready(int32_t fd, int32_t revents, void *data);

/* corosync_queue.c */
int corosync_send(struct ring *ring, const uint8_t *bytes, size_t len);
void corosync_queue_flush(struct corosync *r);
void corosync_queue_returned(struct corosync *r, const uint8_t *piece, size_t len);
/** corosync_queue_joined() - somebody joined: what came back in part is begun anew. */
void corosync_queue_joined(struct corosync *r);
void corosync_queue_clear(struct corosync *r);

/* corosync_nodelist.c */
/** corosync_nodelist_track() - be told of changes. Return: 0, or -EIO with @err. */
int corosync_nodelist_track(struct corosync *r, char *err);
/** corosync_nodelist_read() - Return: 0, -EAGAIN during a reload, -EINVAL or -EIO with @err. */
int corosync_nodelist_read(struct corosync *r, struct conf_node nodes[HOSTS_MAX], size_t *ret_n,
                           char *err);
/** corosync_address_read() - of this host on ring 0; what is not there stays as it was */
void corosync_address_read(struct corosync *r);
/** corosync_nodelist_changed() - read again what is marked dirty, tell when it differs. */
void corosync_nodelist_changed(struct corosync *r);

/* corosync_votes.c */
/** corosync_votes_track() - be told of changes. Return: 0, or -EIO with @err. */
int corosync_votes_track(struct corosync *r, char *err);
/** corosync_votes_said() - what corosync says of a ring's quorum. */
void corosync_votes_said(struct corosync *r, struct ring_id id, bool quorate);
/** corosync_votes_changed() - ask again for what is marked dirty, tell when it differs. */
void corosync_votes_changed(struct corosync *r);
