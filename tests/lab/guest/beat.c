/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The work a lab guest does: count, on disk and aloud.
 *
 *   beat DISK MSEC
 *
 * Every MSEC: read sector 0 back, write counter + 1 with O_DIRECT and O_DSYNC, then say so
 * on standard output. What was said was on disk before. Lines:
 *
 *   BOOT <counter read, or 0> <boot id>
 *   HB <counter written> <boot id> <CLOCK_MONOTONIC ms> <CLOCK_REALTIME ms>
 *   CLASH <own counter> <boot id> <what sector 0 holds instead>      another copy wrote: S1 broken
 *   EIO <read or write> <boot id> <errno>
 *
 * The guest's CLOCK_REALTIME is the emulated RTC's (base=utc): up to 1 s behind the host's, and it
 * stands still while the guest is paused. So it dates a line, but the lab's watcher, with one clock
 * for all hosts, judges gaps and overlaps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, ALIGN = 4096, PERIOD_MSEC_MAX = 1000 };

static uint64_t now_nsec(clockid_t clock) {
        struct timespec t;

        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static uint64_t mix(uint64_t h, uint64_t v) {
        h = (h ^ v) * 0x9e3779b97f4a7c15U;
        return h ^ (h >> 29);
}

/* An early guest has little entropy; the time of day tells two boots apart in any case. */
static uint32_t new_boot_id(void) {
        uint64_t random = 0, h;

        (void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
        h = mix(mix(random, now_nsec(CLOCK_REALTIME)), now_nsec(CLOCK_MONOTONIC));
        return (uint32_t)(h >> 32);
}

/* One write per line, so that lines of the kernel do not split it. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
        char line[256];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        (void)!write(STDOUT_FILENO, line, (size_t)n);
}

static void sleep_until(uint64_t nsec) {
        struct timespec t = {.tv_sec = (time_t)(nsec / 1000000000U),
                             .tv_nsec = (long)(nsec % 1000000000U)};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
                ;
}

int main(int argc, char **argv) {
        char *sector, mine[SECTOR] = "";
        uint64_t counter = 0, next;
        uint32_t boot = new_boot_id();
        long period_msec = argc == 3 ? atol(argv[2]) : 0;
        int fd, unsure = 0; /* unsure: a write failed, either text may be there */

        if (period_msec < 1 || period_msec > PERIOD_MSEC_MAX)
                return 2;
        fd = open(argv[1], O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC);
        sector = aligned_alloc(ALIGN, ALIGN);
        if (fd < 0 || sector == NULL || pread(fd, sector, SECTOR, 0) != SECTOR) {
                say("EIO open %08" PRIx32 " %d\n", boot, errno);
                return 1;
        }
        sector[SECTOR - 1] = '\0';
        (void)sscanf(sector, "beat %" SCNu64, &counter);
        say("BOOT %" PRIu64 " %08" PRIx32 "\n", counter, boot);
        memcpy(mine, sector, SECTOR);

        for (next = now_nsec(CLOCK_MONOTONIC);; next += (uint64_t)period_msec * 1000000U) {
                uint64_t now = now_nsec(CLOCK_MONOTONIC);

                if (next < now)
                        next = now; /* late beats are missed, not made up for */
                sleep_until(next);
                if (pread(fd, sector, SECTOR, 0) != SECTOR) {
                        say("EIO read %08" PRIx32 " %d\n", boot, errno);
                        continue;
                }
                sector[SECTOR - 1] = '\0';
                if (!unsure && memcmp(sector, mine, SECTOR) != 0)
                        say("CLASH %" PRIu64 " %08" PRIx32 " %.40s\n", counter, boot, sector);
                memset(sector, 0, SECTOR);
                snprintf(sector, SECTOR, "beat %" PRIu64 " %08" PRIx32, counter + 1, boot);
                if (pwrite(fd, sector, SECTOR, 0) != SECTOR) {
                        say("EIO write %08" PRIx32 " %d\n", boot, errno);
                        unsure = 1;
                        continue;
                }
                unsure = 0;
                counter++;
                memcpy(mine, sector, SECTOR);
                say("HB %" PRIu64 " %08" PRIx32 " %" PRIu64 " %" PRIu64 "\n", counter, boot,
                    now_nsec(CLOCK_MONOTONIC) / 1000000U, now_nsec(CLOCK_REALTIME) / 1000000U);
        }
}
