/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/clock.h"

static usec_t read_clock(clockid_t id) {
        struct timespec ts;

        if (clock_gettime(id, &ts) < 0)
                abort(); /* both are there since Linux 2.6.39 */
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

usec_t now_boottime(void) {
        return read_clock(CLOCK_BOOTTIME);
}

usec_t now_wall(void) {
        return read_clock(CLOCK_REALTIME);
}

struct timespec monotonic_in(usec_t wait) {
        usec_t t = usec_add(read_clock(CLOCK_MONOTONIC), wait);

        return (struct timespec){.tv_sec = (time_t)(t / USEC_PER_SEC),
                                 .tv_nsec = (long)(t % USEC_PER_SEC) * 1000};
}

void wall_format(usec_t wall, char *buf) {
        time_t seconds = (time_t)(wall / USEC_PER_SEC);
        char day[32];
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(day, sizeof(day), "%F %T", &tm) == 0)
                text_set(day, sizeof(day), "?");
        text_fmt(buf, WALL_TEXT_LEN, "%s.%03u", day,
                 (unsigned)(wall % USEC_PER_SEC / USEC_PER_MSEC));
}
