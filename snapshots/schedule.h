/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the next snapshot of a guest is due. Pure: all times are wall clock times given by the
 * caller.
 *
 *   off                        never
 *   1h, 90min                  so long after the last one
 *   hourly daily weekly monthly
 *   [DAYS] [DATE] HOURS:MINUTES    as in systemd.time(7), in UTC, so that no hour comes twice or
 * never: DAYS Mon,Wed or Mon..Fri; DATE *-*-* or *-*-01,15; HOURS and MINUTES
 *                              *, 2, 2,14, 8..18, 2/6; from 0 each six: 0/6
 *   auto                       Daly's interval from the guest's own MTBF and the cost of a snapshot
 */
#pragma once

#include "hawd/base/base.h"

#define SCHEDULE_EVERY_MIN USEC_PER_MINUTE
#define SCHEDULE_EVERY_MAX (365 * 24 * 60 * USEC_PER_MINUTE)
#define SCHEDULE_AUTO_MIN                                                                          \
        (5 * USEC_PER_MINUTE) /* auto is never more often, nor less often than:                    \
                               */
#define SCHEDULE_AUTO_MAX (24 * 60 * USEC_PER_MINUTE)

enum schedule_kind { SCHEDULE_OFF, SCHEDULE_EVERY, SCHEDULE_CALENDAR, SCHEDULE_AUTO };

struct schedule {
        enum schedule_kind kind;
        usec_t every;      /* EVERY */
        uint32_t weekdays; /* CALENDAR: bit 0 Monday .. bit 6 Sunday */
        uint32_t days;     /* bit 1 .. bit 31 of the month */
        uint32_t hours;    /* bit 0 .. bit 23 */
        uint64_t minutes;  /* bit 0 .. bit 59 */
};

/** struct schedule_past - what "auto" reckons with; of incidents and of earlier snapshots */
struct schedule_past {
        usec_t up;           /* time in which the guest ran, all together */
        uint32_t n_failures; /* in that time */
        usec_t cost;         /* pause and extra time of a snapshot, measured */
};

/**
 * schedule_parse() - @s as above
 * @ret: written only on 0
 * @err: TEXT_LEN bytes, filled on failure
 *
 * Return: 0, -EINVAL.
 */
int schedule_parse(const char *s, struct schedule *ret, char *err);

/** schedule_format() - the text that schedule_parse() reads back to the same. */
void schedule_format(const struct schedule *s, char *buf, size_t size);

/**
 * schedule_auto() - Daly's interval, within SCHEDULE_AUTO_MIN and SCHEDULE_AUTO_MAX
 *
 * MTBF is up / n_failures; with no failure yet the bound that it exceeds as likely as not, up /
 * ln 2.
 *
 * Return: 0, -EINVAL: never ran, or no snapshot was measured yet.
 */
int schedule_auto(const struct schedule_past *p, usec_t *ret);

/**
 * schedule_next() - when the next one is due; in the past or now: it is
 * @last:  wall time of the last one by schedule, or of the guest's first start when there was none
 * @past:  for SCHEDULE_AUTO; where that cannot be reckoned it is SCHEDULE_AUTO_MAX
 *
 * Many that were missed are due once. A @last in the future, by a clock that was set back, counts
 * as
 * @now.
 *
 * Return: USEC_INFINITY when off, or when no such day comes within eight years.
 */
usec_t schedule_next(const struct schedule *s, usec_t last, usec_t now,
                     const struct schedule_past *past);
