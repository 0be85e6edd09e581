/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calendar expressions of schedule.h, and days of the calendar (proleptic Gregorian, UTC). Pure. */
#pragma once

#include "snapshots/schedule.h"

#define CALENDAR_WEEKDAYS 0x7fU
#define CALENDAR_DAYS 0xfffffffeU
#define CALENDAR_HOURS 0xffffffU
#define CALENDAR_MINUTES ((UINT64_C(1) << 60) - 1)
#define CALENDAR_AT(w, d, h, m)                                                                    \
        { .kind = SCHEDULE_CALENDAR, .weekdays = (w), .days = (d), .hours = (h), .minutes = (m) }

/** calendar_parse() - "[DAYS] [DATE] HOURS:MINUTES[:00]". As schedule_parse(). */
int calendar_parse(const char *s, struct schedule *ret, char *err);
void calendar_format(const struct schedule *s, char *buf, size_t size);

/** calendar_next() - the first match later than @after; USEC_INFINITY: none within eight years. */
usec_t calendar_next(const struct schedule *s, usec_t after);

/** calendar_weekday() - of day @day since 1970-01-01; 0 is Monday. */
uint32_t calendar_weekday(uint64_t day);
