/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots/calendar.h"

#include "hawd/base/config.h"

#define USEC_PER_DAY (24 * 60 * USEC_PER_MINUTE)
#define DAYS_AHEAD (8 * 366) /* 29 February may stay away for eight years */
#define FIELD_LEN 96

static const char *const weekday_names[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* Day of the month, 1 to 31, of day @day since 1970-01-01 (Hinnant's days_from_civil, backwards).
 */
static uint32_t day_of_month(uint64_t day) {
        uint64_t doe = (day + 719468) % 146097;
        uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        uint64_t month = (5 * doy + 2) / 153; /* from March */

        return (uint32_t)(doy - (153 * month + 2) / 5 + 1);
}

uint32_t calendar_weekday(uint64_t day) {
        return (uint32_t)((day + 3) % 7); /* 1970-01-01 was a Thursday */
}

/* ---- reading ------------------------------------------------------------------------------------
 */

/* "7" or, where @names, "Mon": up to @end. */
static int read_one(const char *s, size_t len, uint32_t min, uint32_t max, bool names,
                    uint32_t *ret) {
        char word[8], err[TEXT_LEN];

        if (len == 0 || len >= sizeof(word))
                return -EINVAL;
        memcpy(word, s, len);
        word[len] = '\0';
        for (uint32_t i = 0; names && i < ARRAY_SIZE(weekday_names); i++)
                if (strcmp(word, weekday_names[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return names ? -EINVAL : parse_u32(word, min, max, ret, err);
}

/* One part of a list: "*", "a", "a..b", each with "/n" where it is no weekday. */
static int read_part(const char *s, size_t len, uint32_t min, uint32_t max, bool names,
                     uint64_t *mask) {
        const char *slash = memchr(s, '/', len), *dots;
        size_t head = slash ? (size_t)(slash - s) : len;
        uint32_t from = min, to = max, step = 1;

        if (slash && (names || read_one(slash + 1, len - head - 1, 1, max, false, &step) < 0))
                return -EINVAL;
        dots = memmem(s, head, "..", 2);
        if (head == 1 && *s == '*' && !names) {
                /* all of them */
        } else if (dots) {
                if (read_one(s, (size_t)(dots - s), min, max, names, &from) < 0 ||
                    read_one(dots + 2, head - (size_t)(dots + 2 - s), min, max, names, &to) < 0 ||
                    to < from)
                        return -EINVAL;
        } else {
                if (read_one(s, head, min, max, names, &from) < 0)
                        return -EINVAL;
                to = slash ? max : from;
        }
        for (uint32_t i = from; i <= to; i += step)
                *mask |= UINT64_C(1) << i;
        return 0;
}

static int read_list(const char *s, size_t len, uint32_t min, uint32_t max, bool names,
                     uint64_t *ret) {
        uint64_t mask = 0;

        for (;;) {
                const char *comma = memchr(s, ',', len);
                size_t part = comma ? (size_t)(comma - s) : len;

                if (read_part(s, part, min, max, names, &mask) < 0)
                        return -EINVAL;
                if (!comma)
                        break;
                s += part + 1;
                len -= part + 1;
        }
        *ret = mask;
        return 0;
}

/* "HOURS:MINUTES" or with ":00". */
static int read_time(const char *s, size_t len, struct schedule *c) {
        const char *colon = memchr(s, ':', len);
        const char *second = colon ? memchr(colon + 1, ':', len - (size_t)(colon + 1 - s)) : NULL;
        size_t minutes;
        uint64_t hours;

        if (!colon)
                return -EINVAL;
        if (second && (s + len - second != 3 || strncmp(second, ":00", 3) != 0))
                return -EINVAL;
        minutes = (size_t)((second ? second : s + len) - (colon + 1));
        if (read_list(s, (size_t)(colon - s), 0, 23, false, &hours) < 0)
                return -EINVAL;
        c->hours = (uint32_t)hours;
        return read_list(colon + 1, minutes, 0, 59, false, &c->minutes);
}

static int read_date(const char *s, size_t len, struct schedule *c) {
        uint64_t days;

        if (len < 5 || strncmp(s, "*-*-", 4) != 0 ||
            read_list(s + 4, len - 4, 1, 31, false, &days) < 0)
                return -EINVAL;
        c->days = (uint32_t)days;
        return 0;
}

int calendar_parse(const char *s, struct schedule *ret, char *err) {
        struct schedule c = CALENDAR_AT(CALENDAR_WEEKDAYS, CALENDAR_DAYS, 0, 0);
        enum { WEEKDAYS, DATE, TIME, END } at = WEEKDAYS;
        const char *p = s + strspn(s, " ");
        uint64_t weekdays;

        for (size_t len; *p; p += len + strspn(p + len, " ")) {
                len = strcspn(p, " ");
                if (at == WEEKDAYS && read_list(p, len, 0, 6, true, &weekdays) == 0) {
                        c.weekdays = (uint32_t)weekdays;
                        at = DATE;
                } else if (at <= DATE && read_date(p, len, &c) == 0) {
                        at = TIME;
                } else if (at <= TIME && read_time(p, len, &c) == 0) {
                        at = END;
                } else {
                        at = WEEKDAYS;
                        break;
                }
        }
        if (at != END) {
                text_fmt(err, TEXT_LEN,
                         "'%.60s' is no time of the calendar: use [Mon,Wed or Mon..Fri] [*-*-DAY] "
                         "HOUR:MINUTE, as in Sat *-*-* 02:30 or *:00/15, in UTC",
                         s);
                return -EINVAL;
        }
        *ret = c;
        return 0;
}

/* ---- writing ------------------------------------------------------------------------------------
 */

static void write_list(uint64_t mask, uint64_t all, uint32_t min, uint32_t max, bool names,
                       char *buf) {
        size_t len = 0;

        text_set(buf, FIELD_LEN, mask == all ? "*" : "");
        for (uint32_t i = min; mask != all && i <= max; i++) {
                uint32_t end = i;
                char sep[2] = "";

                if (!(mask >> i & 1))
                        continue;
                while (end < max && (mask >> (end + 1) & 1))
                        end++;
                text_set(sep, sizeof(sep), len > 0 ? "," : "");
                if (names && end > i)
                        text_fmt(buf + len, FIELD_LEN - len, "%s%s..%s", sep, weekday_names[i],
                                 weekday_names[end]);
                else if (names)
                        text_fmt(buf + len, FIELD_LEN - len, "%s%s", sep, weekday_names[i]);
                else if (end > i)
                        text_fmt(buf + len, FIELD_LEN - len, "%s%02u..%02u", sep, i, end);
                else
                        text_fmt(buf + len, FIELD_LEN - len, "%s%02u", sep, i);
                len = strlen(buf);
                i = end;
        }
}

void calendar_format(const struct schedule *s, char *buf, size_t size) {
        char w[FIELD_LEN] = "", d[FIELD_LEN], h[FIELD_LEN], m[FIELD_LEN];

        if (s->weekdays != CALENDAR_WEEKDAYS)
                write_list(s->weekdays, CALENDAR_WEEKDAYS, 0, 6, true, w);
        write_list(s->days, CALENDAR_DAYS, 1, 31, false, d);
        write_list(s->hours, CALENDAR_HOURS, 0, 23, false, h);
        write_list(s->minutes, CALENDAR_MINUTES, 0, 59, false, m);
        text_fmt(buf, size, "%s%s*-*-%s %s:%s", w, w[0] ? " " : "", d, h, m);
}

/* ---- the next one -------------------------------------------------------------------------------
 */

usec_t calendar_next(const struct schedule *s, usec_t after) {
        uint64_t minute, day;

        if (after >= USEC_INFINITY - (DAYS_AHEAD + 1) * USEC_PER_DAY)
                return USEC_INFINITY;
        minute = after / USEC_PER_MINUTE + 1;
        day = minute / (24 * 60);
        for (uint64_t end = day + DAYS_AHEAD; day <= end; day++) {
                uint32_t from = 0;

                if (!(s->weekdays >> calendar_weekday(day) & 1) ||
                    !(s->days >> day_of_month(day) & 1))
                        continue;
                if (day == minute / (24 * 60))
                        from = (uint32_t)(minute % (24 * 60));
                for (uint32_t m = from; m < 24 * 60; m++)
                        if ((s->hours >> (m / 60) & 1) && (s->minutes >> (m % 60) & 1))
                                return day * USEC_PER_DAY + m * USEC_PER_MINUTE;
        }
        return USEC_INFINITY;
}
