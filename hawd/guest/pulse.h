/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which guests hang: samples asked for in time, judged by hang.c, told as the adapter's `domain`.
 * Internal; the loop's side.
 *
 * Every running domain is remembered from its first sight to its end; whether it is looked at, and
 * for how long it may be silent, is asked of the owner (`hang_after`) each time.
 */
#pragma once

#include "hawd/guest/guest.h"
#include "hawd/guest/sample.h"

#define PULSE_STUCK (30 * USEC_PER_SEC) /* a sample that is not back by then is told of */

/** struct pulse - owned by the adapter; the rest is borrowed from it */
struct pulse {
        struct sampler *sampler; /* owned */
        const struct guest_callbacks *callbacks;
        void *userdata;
        uint64_t serial; /* of the latest run */
        struct pulse_guest {
                char uuid[UUID_LEN], name[NAME_LEN];
                uint64_t serial;
                struct hang hang;
                usec_t due;   /* of the next sample, or of being told that it is stuck */
                usec_t after; /* `hang-after` as it was asked for */
                bool alone;
                bool asked;
        } * guests;
        size_t n, cap;
};

void pulse_open(struct pulse *p, struct shared *shared, const struct guest_callbacks *callbacks,
                void *userdata);
/** pulse_up() - connected: these are there, and nothing is known of them. */
void pulse_up(struct pulse *p, const struct domain_seen *domains, size_t n, usec_t now);
void pulse_down(struct pulse *p);
/** pulse_seen() - one has begun, goes on, or has ended. */
void pulse_seen(struct pulse *p, const struct domain_seen *d, usec_t now);
/** pulse_spoke() - its agent is connected. */
void pulse_spoke(struct pulse *p, const char *uuid);
/** pulse_reboot() - it boots in the same QEMU: its agent is to be heard again. */
void pulse_reboot(struct pulse *p, const char *uuid);
/** pulse_sample() - of a REPORT_SAMPLE; runs callbacks. */
void pulse_sample(struct pulse *p, const struct report *r);
/** pulse_tick() - ask for what is due; runs callbacks. */
void pulse_tick(struct pulse *p, usec_t now);
usec_t pulse_deadline(const struct pulse *p);
void pulse_close(struct pulse *p);
