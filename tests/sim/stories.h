/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario files that say what must come of them, in comments:
 *
 *   ;expect exit 0
 *   ;expect event host-lost node3        in the timeline, of that host or guest
 *   ;expect no event fence-start node3
 *   ;expect order host-lost node3, host-off node3, guest-started db
 *   ;expect within 1000 fence-confirmed node3, guest-placed db      milliseconds between the two
 *   ;expect says fence-wait node3: hawctl fence confirm             the text of such an event
 *   ;expect guest db state running host node1 starts 1
 *   ;expect host node3 state online
 *   ;expect reason db: not proven off
 */
#pragma once

#include <stddef.h>

/** stories_run() - every *.ini in @dir; returns how many expectations held, adds the others. */
size_t stories_run(const char *dir, size_t *failed);
