/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The clocks of a host: CLOCK_BOOTTIME runs a little too fast or too slow, the wall clock is wrong
 * from the start and may be set by somebody.
 */
#include "hawd/sim/sim.h"

#define MILLION 1000000

static usec_t rate(const struct sim_host *h) {
        return (usec_t)(MILLION + h->conf->drift_ppm);
}

/* Two steps, as a day in microseconds times a million is more than 64 bits hold. */
static usec_t scale(usec_t t, usec_t mul, usec_t div) {
        return t / div * mul + t % div * mul / div;
}

usec_t sim_boottime(const struct sim *s, const struct sim_host *h) {
        return scale(s->now - h->booted_at, rate(h), MILLION) + USEC_PER_SEC;
}

usec_t sim_virtual(const struct sim_host *h, usec_t boottime) {
        usec_t since = usec_sub(boottime, USEC_PER_SEC);

        if (boottime == USEC_INFINITY)
                return boottime;
        /* Both divisions round down: two more are surely enough. */
        return h->booted_at + (h->conf->drift_ppm ? scale(since, MILLION, rate(h)) + 2 : since);
}

usec_t sim_wall(const struct sim *s, const struct sim_host *h) {
        return (usec_t)((int64_t)(SIM_EPOCH_WALL + s->now) + h->conf->wall_offset + h->wall_step);
}
