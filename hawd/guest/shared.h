/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the adapter's threads and the loop share, above all a box of reports. Internal.
 * Counted: the adapter holds one reference, each thread and session one; the last one frees it,
 * so that a thread that hangs in libvirt may outlive the adapter.
 */
#pragma once

#include <stdatomic.h>

#include "hawd/base/clock.h"
#include "hawd/base/mailbox.h"
#include "hawd/core/event.h"
#include "hawd/guest/hang.h"
#include "hawd/guest/lifecycle.h"

enum report_kind {
        REPORT_HOST,      /* vcpus, memory_mib */
        REPORT_UP,        /* domains, n_domains */
        REPORT_DOWN,      /* text; the session has ended */
        REPORT_LIFECYCLE, /* raw */
        REPORT_HEALTHY,   /* uuid, text */
        REPORT_AUTOSTART, /* uuid: it is switched on */
        REPORT_JOB,       /* job: its thread ends */
        REPORT_SAMPLE,    /* uuid, serial, sample */
};

struct job;

struct report {
        struct letter letter;
        enum report_kind kind;
        uint32_t session; /* number of the session it came from; jobs: 0 */
        uint32_t vcpus;
        uint64_t memory_mib;
        struct domain_seen *domains; /* owned */
        size_t n_domains;
        struct lifecycle_raw raw;
        char uuid[UUID_LEN];
        char text[TEXT_LEN];
        struct job *job; /* owned */
        uint64_t serial;
        struct hang_sample sample;
};

struct shared {
        atomic_uint refs;
        struct mailbox box; /* of reports */
        char uri[256];
        char replicas[256]; /* folder of what is kept of copies that this host receives */
};

struct shared *shared_new(const char *uri); /* NULL: errno */
struct shared *shared_ref(struct shared *s);
struct shared *shared_unref(struct shared *s); /* returns NULL */
struct report *report_new(enum report_kind kind);
void report_free(struct report *r);
/** shared_post() - hand @r to the loop, or free it when the adapter is closed. */
void shared_post(struct shared *s, struct report *r);
