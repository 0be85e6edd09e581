/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program that a worker thread runs and waits for: qemu-img, drbdadm. It has a deadline, its
 * output is taken, bounded, and it ends with the thread. (The loop's children are hawd/runner's.)
 */
#pragma once

#include <sys/types.h>

#include "hawd/base/base.h"

#define TOOL_ARGS_MAX 24
#define TOOL_OUTPUT_MAX ((size_t)256 * 1024)

/** struct tool - what is run; all borrowed */
struct tool {
        const char *name;        /* for messages: "qemu-img" */
        const char *const *argv; /* up to TOOL_ARGS_MAX, then NULL; argv[0] is looked for in PATH */
        const char *noise;       /* NULL, or how lines begin that say nothing of a cause */
        usec_t deadline;         /* CLOCK_BOOTTIME: killed then */
        /* Asked now and then: false, and it is killed. NULL: nobody minds. */
        bool (*go_on)(void *userdata);
        void *userdata;
};

/**
 * tool_run() - run it to its end
 * @ret_status: NULL, or its exit status; written on 0 and -EIO
 * @ret_out:    NULL, or its standard output, malloc'ed, NUL-terminated, cut at TOOL_OUTPUT_MAX;
 *              written only on 0
 * @err:        TEXT_LEN bytes, filled on failure: the last line that it said
 *
 * Return: 0 it ended with 0; -EIO otherwise; -ETIMEDOUT, -ECANCELED it was killed, and may have had
 * its effect; -errno it could not be started.
 */
int tool_run(const struct tool *t, int *ret_status, char **ret_out, char *err);

#define TOOL_KILLED_USEC (5 * USEC_PER_SEC) /* one that was killed is waited for */

/**
 * tool_reap() - wait for a child
 * @until: CLOCK_BOOTTIME, or USEC_INFINITY. One that was killed may be held up in the kernel for
 *         ever: it is left there, a thread is not.
 * @ret_status: as waitpid()'s; written only on true
 *
 * Return: whether it is gone.
 */
bool tool_reap(pid_t pid, usec_t until, int *ret_status);
