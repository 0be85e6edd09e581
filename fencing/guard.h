/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of hawd-fence, whatever the main thread is doing: a thread answers and exits on time-out,
 * and on SIGTERM or SIGINT; a signal to the main thread does so when the deadline passes with an
 * order on the wire, or about to be (a library would repeat it). Exactly one line is written, by
 * whoever comes first.
 *
 * One per process: state is static, because the process exits through it.
 */
#pragma once

#include "fencing/result.h"

/**
 * guard_start() - block the signals, start the thread
 * @hard:     CLOCK_BOOTTIME; the process is gone then
 * @deadline: CLOCK_BOOTTIME or USEC_INFINITY; it is gone then if guard_sending(true)
 *
 * Return: 0 or -errno. Call it before any other thread exists, on the one that sends.
 */
int guard_start(usec_t hard, usec_t deadline, const struct fence_result *initial);

void guard_publish(const struct fence_result *r); /* what to build on when ending early */

/**
 * guard_sending() - an order may leave from here on, until it is called with false
 *
 * Look at the clock after it, before the order leaves: between the two, a process that was stopped
 * past the deadline ends at once. Publishes nothing: call guard_publish() before.
 */
void guard_sending(bool in_flight);
void guard_group(pid_t pg); /* killed with us; 0: none */

/**
 * guard_settle() - @r is the answer, whatever happens from here on
 *
 * Between this and guard_finish() sessions are closed; a device that hangs then costs time, but
 * not the result.
 */
void guard_settle(const struct fence_result *r, int status);

/** guard_finish() - write @r and exit */
void guard_finish(const struct fence_result *r, int status) __attribute__((noreturn));

usec_t guard_now(void);         /* CLOCK_BOOTTIME */
void guard_stopwatch(usec_t t); /* when elapsed_ms began */
