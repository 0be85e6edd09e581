/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One short-lived child: its standard output is taken, bounded, its end is seen by pidfd, and it is
 * killed when it outlives its time. Runs in a qb_loop, whose only thread calls it and which must be
 * the process's main thread (a child dies with the thread that started it).
 *
 *   RUNNING -> its output at its end and it ended -> told     RUNNING -> (TERM ->) KILL -> told
 *   could not be started -> told from the loop
 */
#pragma once

#include <qb/qbloop.h>

#include "hawd/base/base.h"

enum child_end {
        CHILD_ENDED,       /* by itself, or by a signal of somebody else */
        CHILD_NOT_STARTED, /* @status: -errno */
        CHILD_TOO_LONG,    /* it was killed */
        CHILD_TOO_MUCH,    /* it said more than output_max */
};

/**
 * child_end_fn() - exactly once, from the loop, unless child_free() came first; the child is gone
 * @status:  exit status, or 128 + the signal that ended it; -errno when it was not started
 * @output:  NUL after @len; borrowed for the call
 */
typedef void (*child_end_fn)(void *userdata, enum child_end end, int status, const char *output,
                             size_t len);

struct child_spec {
        const char *const *argv; /* argv[0]: path of the program; ends with NULL */
        usec_t limit_usec;       /* then SIGKILL */
        size_t output_max;
        bool ordinary; /* killed by the kernel before hawd is, when memory runs out */
        child_end_fn end;
        void *userdata;
};

struct child;

/** child_new() - start it; never NULL: a failure is told by the callback, as every end is. */
struct child *child_new(qb_loop_t *loop, const struct child_spec *spec);
/** child_free() - kill it if it runs, tell nobody. NULL-safe, returns NULL. */
struct child *child_free(struct child *c);

/** child_started() - is or was there a process? */
bool child_started(const struct child *c);

/** child_cancel() - SIGTERM, and SIGKILL after @grace_usec; the end is CHILD_ENDED when it ends by
 * itself meanwhile. */
void child_cancel(struct child *c, usec_t grace_usec);
