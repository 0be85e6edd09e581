/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Calls of a library that may never return (a stopped corosync answers nothing), on a thread of
 * their own. What the calls work on belongs to the task: whoever gives up waiting leaves it to the
 * thread, and neither touches it again.
 *
 *   start -> RUNNING -end-> readable descriptor -> task_free();  RUNNING -task_free()-> abandoned
 */
#pragma once

#include "hawd/base/base.h"

struct task;

/**
 * task_start() - have a thread call @run with @arg
 * @drop: frees @arg, on whichever side is the last to have it
 *
 * Return: 0, or negative errno (@arg is still the caller's).
 */
int task_start(void (*run)(void *arg), void (*drop)(void *arg), void *arg, struct task **ret);
/** task_fd() - readable once the calls have returned. */
int task_fd(const struct task *t);
/** task_wait() - Return: true when they have returned within @timeout. */
bool task_wait(struct task *t, usec_t timeout);
/** task_free() - NULL-safe, returns NULL. */
struct task *task_free(struct task *t);
