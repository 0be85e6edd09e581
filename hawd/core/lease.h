/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lease of S7: for how long a host may still believe that nobody has given it up. Pure.
 *
 * A host renews it by hearing, in heartbeats of others, of a heartbeat of its own. What counts is
 * when it *sent* that one: messages that waited in a queue while it, or its corosync, stood still
 * tell of old ones, and its own words tell nothing. Whoever decides without it holds a majority of
 * the votes; that and the majority it heard have a member in common, which had not left it yet when
 * the heartbeat was sent. So nobody has given the host up before lease_renewed of core_status().
 */
#pragma once

#include "hawd/core/model.h"

/** lease_held() - at @now, a lease of @length that was renewed at @renewed has not run out. */
bool lease_held(usec_t renewed, usec_t now, usec_t length);

/**
 * lease_gone_after() - how long after the others' membership change a host is off, by its watchdog
 * @length: of its lease
 * @timeout: of its armed watchdog
 *
 * Twice the timeout, since the kernel itself pings on open, on SETTIMEOUT and on a close without
 * the magic 'V'; a tenth of all for clocks that drift apart.
 *
 * Return: length + 2 * timeout + 10 %; USEC_INFINITY where that is no number, or @timeout is 0
 * (not armed: never).
 */
usec_t lease_gone_after(usec_t length, usec_t timeout);

/** lease_gone_text() - the same for people, in whole seconds; false: @h has no watchdog that counts
 */
bool lease_gone_text(const struct host *h, char *buf, size_t size);
