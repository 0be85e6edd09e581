/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which guests have a QEMU on which host: also paused ones, and those of a frozen host.
 */
#pragma once
#include <stdio.h>

/**
 * qemus_scan() - look once, report what changed since the last look
 * @dir: the lab's state
 * @out: gets "MSEC HOST GUEST QEMU+ PID start|incoming" and "MSEC HOST GUEST QEMU- PID"; ends come
 *       first, so that a start after an end within one look is no overlap
 */
void qemus_scan(const char *dir, FILE *out);
