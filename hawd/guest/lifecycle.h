/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From libvirt's lifecycle events to what a guest came to; the table of ends is in guest.h.
 *
 * A SHUTDOWN event only says who asked; it is kept until the STOPPED that follows. A CRASHED is
 * kept for CRASH_SETTLE_USEC: with on_crash destroy the STOPPED follows at once, with restart the
 * guest goes on, and only what stays (preserve) is a crashed guest. An I/O error only says which
 * disk; it is kept for the SUSPENDED that follows. Works on memory only.
 */
#pragma once

#include "hawd/core/event.h"

#define CRASH_SETTLE_USEC USEC_PER_SEC

/* Events of libvirt beside virDomainEventType, which its own end does not reach. */
enum lifecycle_more {
        LIFECYCLE_WATCHDOG = 1000, /* detail: virDomainEventWatchdogAction */
        LIFECYCLE_IO_ERROR,        /* detail: virDomainEventIOErrorAction; text: disk and reason */
        LIFECYCLE_REBOOT,          /* nothing begins or ends */
};

/** struct lifecycle_raw - one event as libvirt gave it */
struct lifecycle_raw {
        char uuid[UUID_LEN];
        char name[NAME_LEN];
        int event;  /* virDomainEventType, enum lifecycle_more */
        int detail; /* of that event */
        usec_t wall;
        char text[TEXT_LEN]; /* last lines of the QEMU log, or as above; may be empty */
};

/** struct lifecycle - what is still to come of each domain; zero: nothing */
struct lifecycle {
        struct lifecycle_note {
                struct lifecycle_raw raw; /* SHUTDOWN, CRASHED, or of the others */
                usec_t due;               /* CRASHED: report it then */
        } * notes;
        size_t n, cap;
};

/**
 * lifecycle_take() - one event
 * @now: CLOCK_BOOTTIME
 * @ret: written only when true is returned
 *
 * Return: whether there is something to report.
 */
bool lifecycle_take(struct lifecycle *l, const struct lifecycle_raw *raw, usec_t now,
                    struct domain_seen *ret);
/** lifecycle_due() - a crash that nothing followed. Return: whether @ret was written; ask again. */
bool lifecycle_due(struct lifecycle *l, usec_t now, struct domain_seen *ret);
usec_t lifecycle_deadline(const struct lifecycle *l);
/** lifecycle_clear() - the connection is gone: what was half seen is not seen. */
void lifecycle_clear(struct lifecycle *l);

/** seen_from_state() - virDomainState and its reason into state, end_why and text of @d. */
void seen_from_state(int state, int reason, struct domain_seen *d);
