/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens next: a heap of timed calls. Those of one time run in the order they were added.
 * Pure. Calls carry numbers only, so that nothing needs freeing when they are dropped.
 */
#pragma once

#include "hawd/base/base.h"

struct sim;

/** Whose death makes a call void: a call of a process that is gone is dropped unseen. */
enum owner {
        OWNER_WORLD, /* goes on whatever happens, also when its host is frozen */
        OWNER_HOST,  /* ends with the power of its host */
        OWNER_COROSYNC,
        OWNER_HAWD,
        OWNER_LIBVIRTD,
        OWNER_MAX_,
};

struct call {
        usec_t at;
        uint64_t seq;
        void (*fn)(struct sim *s, const struct call *c);
        enum owner owner;
        int host;      /* index, or -1 */
        uint32_t life; /* of the owner when the call was made */
        uint64_t a, b;
};

struct queue {
        struct call *heap;
        size_t n, cap;
        uint64_t next_seq;
};

void queue_add(struct queue *q, struct call c); /* gives it the next seq */
bool queue_pop(struct queue *q, struct call *ret);
usec_t queue_next(const struct queue *q); /* USEC_INFINITY: empty */
void queue_free(struct queue *q);
