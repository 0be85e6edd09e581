/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking at what may hang or crash: each part is a child with a time limit of its own, so that one
 * that hangs costs only its own facts.
 *
 *   RUNNING -> its JSON is read     RUNNING -> KILL -> {"error": no answer, and where it was}
 */
#pragma once

#include "hawd/facts/facts.h"

struct part {
        const char *name; /* key in the answer */
        json_t *(*look)(const void *arg);
        const void *arg;
        usec_t limit_usec;
};

/** parts_run() - all at the same time; @into gets an object under each one's name. */
void parts_run(const struct part *parts, size_t n, json_t *into);

/** part_at() - for the message, should it hang now; does nothing outside of a part. */
void part_at(const char *fmt, ...) PRINTF_LIKE(1, 2);
