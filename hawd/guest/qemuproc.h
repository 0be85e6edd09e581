/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * QEMU processes of this host, seen without libvirt: by "-uuid UUID" on their command line.
 *
 * "libvirt shows it not running" is not "it does not run" (DESIGN 3, 5): a process that storage
 * holds in the kernel outlives its destroy, and libvirt can lose one. Reads /proc only.
 */
#pragma once

#include <sys/types.h>

#include "hawd/base/base.h"

#define QEMU_PROCS_MAX 8

struct qemu_proc {
        pid_t pid;
        uint64_t start; /* of the process, in ticks since boot: tells a reused pid */
};

/** qemuproc_find() - processes of the guest. Return: how many (at most QEMU_PROCS_MAX). */
size_t qemuproc_find(const char *uuid, struct qemu_proc ret[QEMU_PROCS_MAX]);

/**
 * qemuproc_alive() - does it, or any thread of it, still exist?
 *
 * A zombie whose threads are all gone holds nothing any more and counts as gone.
 */
bool qemuproc_alive(const struct qemu_proc *p);

/** qemulog_mark() - where its log ends now, for qemulog_tail(). */
off_t qemulog_mark(const char *name);
/**
 * qemulog_tail() - what QEMU said last, of its latest run; empty when nothing helps
 * @from: only what came after that mark; 0: any
 * @text: TEXT_LEN bytes; lines joined by "; ", the newest kept when they are too many
 */
void qemulog_tail(const char *name, off_t from, char *text);
/** qemulog_pick() - the same from the log's last bytes, NUL-terminated; changes @log. */
void qemulog_pick(char *log, char *text);
