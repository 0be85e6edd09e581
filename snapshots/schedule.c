/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots/schedule.h"

#include <math.h>

#include "hawd/base/config.h"
#include "policy/checkpoint.h"
#include "snapshots/calendar.h"

int schedule_parse(const char *s, struct schedule *ret, char *err) {
        static const struct {
                const char *name;
                struct schedule value;
        } words[] = {
                {"off", {.kind = SCHEDULE_OFF}},
                {"auto", {.kind = SCHEDULE_AUTO}},
                {"hourly", CALENDAR_AT(CALENDAR_WEEKDAYS, CALENDAR_DAYS, CALENDAR_HOURS, 1)},
                {"daily", CALENDAR_AT(CALENDAR_WEEKDAYS, CALENDAR_DAYS, 1, 1)},
                {"weekly", CALENDAR_AT(1, CALENDAR_DAYS, 1, 1)},
                {"monthly", CALENDAR_AT(CALENDAR_WEEKDAYS, 2, 1, 1)},
        };
        usec_t every;

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcmp(s, words[i].name) == 0) {
                        *ret = words[i].value;
                        return 0;
                }
        if (strchr(s, ':'))
                return calendar_parse(s, ret, err);
        if (parse_duration(s, &every, err) < 0) {
                text_fmt(err, TEXT_LEN,
                         "'%.60s' is no schedule: use off, auto, an interval as 1h, hourly, daily, "
                         "weekly, monthly, or as *-*-* 02:00",
                         s);
                return -EINVAL;
        }
        if (every < SCHEDULE_EVERY_MIN || every > SCHEDULE_EVERY_MAX) {
                text_fmt(err, TEXT_LEN, "'%.60s': a snapshot is taken every 1min to every 365d", s);
                return -EINVAL;
        }
        *ret = (struct schedule){.kind = SCHEDULE_EVERY, .every = every};
        return 0;
}

void schedule_format(const struct schedule *s, char *buf, size_t size) {
        switch (s->kind) {
        case SCHEDULE_OFF:
                text_set(buf, size, "off");
                break;
        case SCHEDULE_AUTO:
                text_set(buf, size, "auto");
                break;
        case SCHEDULE_EVERY:
                format_duration(s->every, buf, size);
                break;
        case SCHEDULE_CALENDAR:
                calendar_format(s, buf, size);
                break;
        }
}

int schedule_auto(const struct schedule_past *p, usec_t *ret) {
        double mtbf, interval;

        if (p->up == 0 || p->up == USEC_INFINITY || p->cost == USEC_INFINITY)
                return -EINVAL;
        mtbf = (double)p->up / (p->n_failures > 0 ? (double)p->n_failures : log(2));
        if (checkpoint_daly((double)p->cost, mtbf, &interval) < 0)
                return -EINVAL;
        interval = fmin(fmax(interval, (double)SCHEDULE_AUTO_MIN), (double)SCHEDULE_AUTO_MAX);
        *ret = (usec_t)interval;
        return 0;
}

usec_t schedule_next(const struct schedule *s, usec_t last, usec_t now,
                     const struct schedule_past *past) {
        usec_t every = s->every;

        last = MIN(last, now);
        switch (s->kind) {
        case SCHEDULE_AUTO:
                if (schedule_auto(past, &every) < 0)
                        every = SCHEDULE_AUTO_MAX;
                return usec_add(last, every);
        case SCHEDULE_EVERY:
                return usec_add(last, every);
        case SCHEDULE_CALENDAR:
                return calendar_next(s, last);
        case SCHEDULE_OFF:
                break;
        }
        return USEC_INFINITY;
}
