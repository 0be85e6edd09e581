/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a kind of ring consists of. ring.c checks phase and arguments before it calls one of these.
 */
#pragma once

#include "hawd/ring/ring.h"

enum ring_phase { RING_OPEN, RING_ATTACHED, RING_LEFT, RING_DOWN };

struct ring_driver {
        int (*attach)(struct ring *r, char *err);
        int (*send)(struct ring *r, const uint8_t *bytes, size_t len);
        void (*rejoin)(struct ring *r);
        /** Watch nothing any more, drop what is queued; @say: leave the group in order first. */
        void (*detach)(struct ring *r, bool say);
        void (*close)(struct ring *r); /* frees @r */
};

/** struct ring - the first member of every kind */
struct ring {
        const struct ring_driver *driver;
        const struct ring_callbacks *callbacks; /* borrowed from the caller */
        void *userdata;
        qb_loop_t *loop; /* borrowed from the caller */
        enum ring_phase phase;
        struct ring_member self;
        struct conf_node nodes[HOSTS_MAX]; /* as last told */
        size_t n_nodes;
        char address[128]; /* of this host on ring 0 */
};

void ring_init(struct ring *r, const struct ring_driver *driver,
               const struct ring_callbacks *callbacks, void *userdata);
/** ring_down() - the first time: stops watching and tells the caller why. */
void ring_down(struct ring *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
