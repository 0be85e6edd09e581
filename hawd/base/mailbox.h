/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From threads to the loop: letters in order, and a descriptor that is readable once there are any.
 * Owned by what both sides share, which is counted: a thread that hangs may outlive the loop's
 * side.
 */
#pragma once

#include <pthread.h>

#include "hawd/base/base.h"

/** struct letter - the first member of what is sent */
struct letter {
        struct letter *next;
};

struct mailbox {
        pthread_mutex_t lock;
        struct letter *first, **last; /* under lock */
        bool closed;                  /* under lock: what comes is dropped */
        int fd;
        void (*drop)(struct letter *l);
};

/** mailbox_open() - @drop frees a letter. Return: 0, -errno: there is nothing to free. */
int mailbox_open(struct mailbox *m, void (*drop)(struct letter *l));
/** mailbox_free() - by the last one who has it, with what is in it */
void mailbox_free(struct mailbox *m);

/** mailbox_post() - from any thread; takes @l */
void mailbox_post(struct mailbox *m, struct letter *l);
/** mailbox_take() - all so far, in order; the caller's. NULL: none. */
struct letter *mailbox_take(struct mailbox *m);
/** mailbox_close() - nobody takes any more: what is in it and what comes is dropped */
void mailbox_close(struct mailbox *m);
