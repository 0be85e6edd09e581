/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads that look at guests for signs of life. Internal; pulse.c is the loop's side.
 *
 * Each has a connection of its own and looks at one guest at a time, so that a QEMU or a libvirtd
 * that hangs holds one of them; beyond SAMPLE_THREADS_MAX guests wait in a queue, come late, and
 * nothing counts. Statistics are asked for with NOWAIT: what another call holds is not waited for.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "hawd/guest/hang.h"
#include "hawd/guest/shared.h"

#define SAMPLE_THREADS_MAX 6 /* fewer than a third of what libvirtd has for all */

struct sampler;

/** struct sample_order - what to look at; a REPORT_SAMPLE answers it */
struct sample_order {
        struct sample_order *next;
        char uuid[UUID_LEN];
        uint64_t serial; /* of the run that is meant; comes back */
        usec_t planned;
        struct hang before; /* one that moved since need not be asked */
};

/** sampler_new() - no thread yet; NULL: errno. */
struct sampler *sampler_new(struct shared *shared);
/** sampler_ask() - takes @o. */
void sampler_ask(struct sampler *s, struct sample_order *o);
/** sampler_close() - what is not begun is dropped, threads end by themselves. NULL in and out. */
struct sampler *sampler_close(struct sampler *s);

/** sample_read() - of virDomainListGetStats(); also those that the driver does not have. Pure. */
void sample_read(const virTypedParameter *params, int n, struct hang_sample *ret);
