/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fence agent in a cage: all that it starts ends with it, and at its time, stopped or not (S3).
 *
 *   hawd-fence -> keeper -> init of a PID namespace -> agent -> whatever it starts
 *
 * The kernel kills the keeper at the time-out by a timer that needs nobody to run, or when
 * hawd-fence ends; init goes with the keeper, and everything in the namespace with init. Where no
 * namespace can be made (not root), init is an ordinary process, and what leaves the process group
 * is not reached.
 */
#pragma once

#include "hawd/base/base.h"

#include <sys/types.h>

/**
 * cage_start() - run @path with @stdio (0 to 2; the caller closes them), killed at @until
 *
 * The process group of that number is everything but the keeper itself: kill it, and then wait for
 * the keeper, which ends when nothing is left, with the agent's exit status, 128 + N for signal N.
 *
 * Return: the keeper's pid, a child of this process, or -errno.
 */
pid_t cage_start(const char *path, const int stdio[3], usec_t until);
