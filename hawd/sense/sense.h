/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this host can see of its own health: storage paths, uplinks, memory pressure.
 *
 * Called from the loop, and never waits: /sys and /proc answer at once. Storage may hang for ever:
 * each path has at most one thread at a time that looks at it, and no other one is begun before
 * that one is back; what hangs is lost after storage-timeout, and found again when it returns.
 */
#pragma once

#include "hawd/core/health.h"

#define SENSE_EVERY (2 * USEC_PER_SEC) /* between two looks at a path */
#define SENSE_PATHS_MAX 16             /* more are not looked at, and said to be lost */

struct sense;

/** struct sense_wants - by the configuration; borrowed for the call */
struct sense_wants {
        const char *storage_paths, *uplink; /* blank-separated */
        usec_t storage_timeout_usec;
};

/** sense_new() - @root: of /sys and /proc; "" but in tests. Borrowed. */
struct sense *sense_new(const char *root);
/** sense_free() - a thread that hangs ends by itself. Takes NULL, returns NULL. */
struct sense *sense_free(struct sense *s);

/** sense_read() - as it is now; @now: CLOCK_BOOTTIME */
void sense_read(struct sense *s, const struct sense_wants *wants, usec_t now,
                struct health_sample *ret);

/* Pieces, for their tests. */

/** sense_links() - the first one of @list that has no carrier. Return: false, with it in @text. */
bool sense_links(const char *root, const char *list, char text[ILL_TEXT]);
/**
 * sense_storage() - one look; may hang
 *
 * A folder is listed; of a file, or a device, the beginning is read, past the cache where that
 * goes. Nor may the file system have become read-only, as some do when their device fails. Return:
 * false, with what is wrong in @text.
 */
bool sense_storage(const char *path, char text[ILL_TEXT]);
/** sense_pressure() - "full avg60" of /proc/pressure/memory, as in struct health_sample */
uint32_t sense_pressure(const char *text);
