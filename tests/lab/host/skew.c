/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into a hawd: its time of day is LAB_SKEW_MSEC ahead. All lab hosts share one kernel,
 * and with it one clock; time namespaces move only the clocks that count since the boot.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *ts) {
        int r = (int)syscall(SYS_clock_gettime, id, ts);
        const char *skew = getenv("LAB_SKEW_MSEC");
        long long nsec;

        if (r != 0 || id != CLOCK_REALTIME || skew == NULL)
                return r;
        nsec = ts->tv_nsec + atoll(skew) * 1000000;
        ts->tv_sec += (time_t)(nsec / 1000000000);
        ts->tv_nsec = (long)(nsec % 1000000000);
        if (ts->tv_nsec < 0) {
                ts->tv_nsec += 1000000000;
                ts->tv_sec--;
        }
        return 0;
}
