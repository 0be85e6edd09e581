/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clocks. Not for the pure parts: there time is an input. */
#pragma once

#include <time.h>

#include "hawd/base/base.h"

/** now_boottime() - CLOCK_BOOTTIME: runs on while the machine is suspended, never set back */
usec_t now_boottime(void);
/** now_wall() - CLOCK_REALTIME, since 1970 */
usec_t now_wall(void);

/** monotonic_in() - CLOCK_MONOTONIC @wait from now: waiting until then does not mind a clock that
 *  is set */
struct timespec monotonic_in(usec_t wait);

#define WALL_TEXT_LEN 40

/** wall_format() - "2026-11-23 01:22:37.123", local time, into @buf of WALL_TEXT_LEN bytes */
void wall_format(usec_t wall, char *buf);
