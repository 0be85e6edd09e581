/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the ring adapter: its parts ring.c (life), ring_events.c (what comes), ring_queue.c (what
 * goes), ring_nodelist.c (cmap).
 */
#pragma once

#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>

#include "hawd/ring/ring.h"
#include "hawd/wire/frag.h"

enum ring_phase { RING_OPEN, RING_ATTACHED, RING_LEFT, RING_DOWN };

/** struct ring_out - a message in the queue */
struct ring_out {
        struct ring_out *next;
        struct frag_cut cut;
        uint32_t sent;     /* pieces that corosync took */
        uint32_t returned; /* of them, pieces that came back */
        uint8_t bytes[];
};

struct ring {
        const struct ring_callbacks *callbacks; /* borrowed from the caller */
        void *userdata;
        qb_loop_t *loop; /* borrowed from the caller */
        enum ring_phase phase;
        bool cpg_open, quorum_open, cmap_open;
        cpg_handle_t cpg;
        quorum_handle_t quorum;
        cmap_handle_t cmap;
        int cpg_fd, quorum_fd, cmap_fd; /* the libraries own them */
        struct cpg_name group;
        struct ring_member self;

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

        struct conf_node nodes[HOSTS_MAX]; /* as last told */
        size_t n_nodes;
        bool nodelist_dirty;
};

/** ring_down() - the first time: stops watching corosync and tells the caller why. */
void ring_down(struct ring *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** ring_error() - a corosync error for people, with the mend where there is one. */
void ring_error(char *err, const char *what, cs_error_t e);

/* ring_events.c */
extern const cpg_model_v1_data_t ring_cpg_model;
extern const quorum_model_v1_data_t ring_quorum_model;
int32_t ring_cpg_ready(int32_t fd, int32_t revents, void *data);
int32_t ring_quorum_ready(int32_t fd, int32_t revents, void *data);
int32_t ring_cmap_ready(int32_t fd, int32_t revents, void *data);

/* ring_queue.c */
void ring_queue_flush(struct ring *r);
void ring_queue_returned(struct ring *r, const uint8_t *piece, size_t len);
/** ring_queue_joined() - somebody joined: what came back in part is begun anew. */
void ring_queue_joined(struct ring *r);
void ring_queue_clear(struct ring *r);

/* ring_nodelist.c */
/** ring_nodelist_track() - be told of changes. Return: 0, or -EIO with @err. */
int ring_nodelist_track(struct ring *r, char *err);
/** ring_nodelist_read() - Return: 0, -EAGAIN during a reload, -EINVAL or -EIO with @err. */
int ring_nodelist_read(struct ring *r, struct conf_node nodes[HOSTS_MAX], size_t *ret_n, char *err);
/** ring_nodelist_changed() - read again what is marked dirty, tell when it differs. */
void ring_nodelist_changed(struct ring *r);
