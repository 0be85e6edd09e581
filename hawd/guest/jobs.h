/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop's side of the jobs: queues, time-outs, abandoned threads. Internal; job.h has the
 * states. Works without libvirt until a job begins.
 */
#pragma once

#include "hawd/guest/guest.h"
#include "hawd/guest/job.h"

/** struct job_queue - owned by the adapter; callbacks and shared are borrowed from it */
struct job_queue {
        struct shared *shared;
        const struct guest_callbacks *callbacks;
        void *userdata;
        struct job *waiting; /* in the order they came */
        struct job *active;  /* running, held, abandoned */
        unsigned n_running, n_abandoned;
};

/** jobs_add() - queue a job and begin what can begin; takes @j. */
void jobs_add(struct job_queue *q, struct job *j);
/** jobs_have() - is there one, waiting, under way or abandoned? */
bool jobs_have(const struct job_queue *q, int op, const char *uuid);
void jobs_cancel(struct job_queue *q, uint64_t id);
/** jobs_ended() - a thread has reported @j; takes it. */
void jobs_ended(struct job_queue *q, struct job *j);
/** jobs_expire() - report and abandon what is out of time. */
void jobs_expire(struct job_queue *q, usec_t now);
usec_t jobs_deadline(const struct job_queue *q);
/** jobs_close() - forget all; threads free their own jobs once shared is closed. */
void jobs_close(struct job_queue *q);
