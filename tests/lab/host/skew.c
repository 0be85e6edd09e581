/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into a hawd: its time of day is as many milliseconds ahead as /run/hawd-lab/skew says,
 * now. All lab hosts share one kernel, and with it one clock; time namespaces move only the clocks
 * that count since the boot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long skew_msec(void) {
        char text[32] = "";
        int saved = errno, fd = open("/run/hawd-lab/skew", O_RDONLY | O_CLOEXEC);

        if (fd >= 0) {
                if (read(fd, text, sizeof(text) - 1) < 0)
                        text[0] = '\0';
                (void)close(fd);
        }
        errno = saved;
        return atoll(text);
}

int clock_gettime(clockid_t id, struct timespec *ts) {
        int r = (int)syscall(SYS_clock_gettime, id, ts);
        long long msec, nsec;

        if (r != 0 || id != CLOCK_REALTIME)
                return r;
        msec = skew_msec();
        nsec = ts->tv_nsec + msec % 1000 * 1000000;
        ts->tv_sec += (time_t)(msec / 1000 + nsec / 1000000000);
        ts->tv_nsec = (long)(nsec % 1000000000);
        if (ts->tv_nsec < 0) {
                ts->tv_nsec += 1000000000;
                ts->tv_sec--;
        }
        return 0;
}
