/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that nobody waits for: what they call may never return (libvirt, a disk, corosync). What
 * they work on is counted, or theirs.
 */
#pragma once

#include "hawd/base/base.h"

#define THREAD_STACK ((size_t)512 * 1024)

/** thread_spawn() - one of its own, with a small stack; signals are the main thread's. 0, -errno.
 */
int thread_spawn(void *(*fn)(void *), void *arg);
