/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tsc: prints this processor's time stamp counter's frequency, in kHz, for the kernels of guests.
 *
 * QEMU's TCG hands the counter through. A guest that measures it by emulated timers, while the
 * machine is busy, finds it up to ten times too slow, and its clock then runs so much too fast for
 * all its life.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

enum { TRIES = 50, SPAN_MSEC = 60 };

struct reading {
        uint64_t ticks, nsec;
};

static uint64_t now_nsec(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC_RAW, &t);
        return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* The one of several that was interrupted least. */
static struct reading read_both(void) {
        struct reading best = {0};
        uint64_t least = UINT64_MAX;

        for (int i = 0; i < TRIES; i++) {
                uint64_t before = __rdtsc(), nsec = now_nsec(), after = __rdtsc();

                if (after - before < least) {
                        least = after - before;
                        best = (struct reading){before + least / 2, nsec};
                }
        }
        return best;
}

int main(void) {
        const struct timespec span = {.tv_nsec = SPAN_MSEC * 1000000L};
        struct reading a = read_both(), b;

        nanosleep(&span, NULL);
        b = read_both();
        printf("%" PRIu64 "\n", (b.ticks - a.ticks) * 1000000U / (b.nsec - a.nsec));
        return 0;
}
