/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The event connection: one attempt to connect, list and listen, in a thread of its own. Internal.
 *
 * Reports, with its number: HOST, UP, then LIFECYCLE and HEALTHY as they come, then DOWN, once,
 * also when the connect failed. A new attempt is a new session; the loop decides when. One that
 * hangs (a stopped libvirtd answers no open) is abandoned by the loop and ends by itself later.
 */
#pragma once

#include "hawd/guest/shared.h"

struct session;

/** session_start() - NULL: errno; else a reference that session_stop() ends. */
struct session *session_start(struct shared *shared, uint32_t number);
/** session_stop() - let go: its thread closes the connection and ends. Returns NULL. */
struct session *session_stop(struct session *s);

/** sessions_alive() - of the whole process: threads that have not ended, hung ones included. */
unsigned sessions_alive(void);
