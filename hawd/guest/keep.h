/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domains that hawd keeps, and what somebody else does to them behind its back: autostart switched
 * on, the definition changed or removed. Internal; the loop's side, job_keep.c has the calls.
 *
 * A definition is known by the hash of what libvirt made of it: of hawd's own at a START, of
 * somebody's when it was told of. libvirt's event says only that it was defined, also by hawd.
 */
#pragma once

#include "hawd/guest/jobs.h"

/** struct keep - owned by the adapter; the queue is borrowed from it */
struct keep {
        struct job_queue *jobs;
        usec_t look_at; /* USEC_INFINITY: not connected */
        struct keep_definition {
                char uuid[UUID_LEN];
                uint64_t hash;
        } * known;
        size_t n_known, cap_known;
};

/** keep_up() - connected at @now, or (USEC_INFINITY) not. */
void keep_up(struct keep *k, usec_t now);
/** keep_tick() - the regular look for autostart. */
void keep_tick(struct keep *k, usec_t now);
/** keep_autostart() - it was found switched on. */
void keep_autostart(struct keep *k, const char *uuid);
/** keep_defined() - an event: it was defined, or undefined. */
void keep_defined(struct keep *k, const char *uuid);
/** keep_job_ended() - of any job, before the queue takes it; runs callbacks. */
void keep_job_ended(struct keep *k, const struct job *j);
void keep_clear(struct keep *k);
