/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One time of day for the cluster, as far as it can be had: that of the middle one of the clocks in
 * the group. Incidents are made of times that several hosts stamped; where a clock is wrong, so
 * would be their parts, and with them MTTR and SLA. Pure.
 *
 * Offsets come of heartbeats, and are a little wrong by the time that those travel. So what is near
 * the middle is left as it is: doctor asks for clocks that agree.
 */
#include "hawd/core/priv.h"

#define CLOCK_NEAR_USEC ((int64_t)USEC_PER_SEC)
#define WALL_MAX ((usec_t)INT64_MAX / 8) /* no time of day; differences of such fit an int64_t */

static int64_t distance(int64_t a, int64_t b) {
        return a > b ? a - b : b - a;
}

/* A clock that was set: what was measured before is of another time. */
void wall_heard(struct core *c, struct peer *p, usec_t wall) {
        int64_t offset;

        if (wall > WALL_MAX)
                return;
        offset = (int64_t)wall - (int64_t)c->own_wall;
        if (p->n_clocks > 0 &&
            distance(offset, p->clocks[(p->n_clocks - 1) % CLOCK_SAMPLES]) > CLOCK_NEAR_USEC)
                p->n_clocks = 0;
        p->clocks[p->n_clocks++ % CLOCK_SAMPLES] = offset;
}

/* Two are in the middle of an even number: the one that it was when there were more, and all had
 * the same; else the lower one, which is the same for all, too. */
static int64_t middle_of(struct core *c, const int64_t *offsets, size_t n) {
        int64_t low = n > 0 ? offsets[(n - 1) / 2] : 0, high = n > 0 ? offsets[n / 2] : 0;

        if (n >= 3 && low == high)
                c->wall_sure = true;
        return c->wall_sure && distance(high, c->wall_shift) < distance(low, c->wall_shift) ? high
                                                                                            : low;
}

/* This host's clock was set, by @jump: all that was measured against it is off by so much. */
static void own_clock_set(struct core *c, int64_t jump) {
        for (size_t i = 0; i < c->n_peers; i++)
                for (size_t k = 0; k < CLOCK_SAMPLES; k++)
                        c->peers[i].clocks[k] -= jump;
        c->wall_shift -= jump;
        if (distance(c->wall_shift, 0) <= CLOCK_NEAR_USEC)
                c->wall_shift = 0;
}

void wall_measure(struct core *c, usec_t own) {
        int64_t offsets[HOSTS_MAX], middle, began = (int64_t)own - (int64_t)c->now;
        size_t n = 0;

        if (c->own_wall && distance(began, c->own_began) > CLOCK_NEAR_USEC)
                own_clock_set(c, began - c->own_began);
        c->own_began = began;
        c->own_wall = own;
        for (size_t i = 0; i < c->n_peers; i++) {
                uint32_t id = c->peers[i].id.nodeid;
                int64_t offset = 0;
                size_t k;

                if (id != c->nodeid && !core_clock_offset(c, id, &offset))
                        continue;
                for (k = n++; k > 0 && offsets[k - 1] > offset; k--)
                        offsets[k] = offsets[k - 1];
                offsets[k] = offset;
        }
        if (n == c->n_peers) { /* else not heard of all yet */
                middle = middle_of(c, offsets, n);
                c->wall_shift = distance(middle, 0) > CLOCK_NEAR_USEC ? middle : 0;
        }
        c->wall = wall_of(c, own);
}

usec_t wall_of(const struct core *c, usec_t own) {
        if (own == 0 || c->wall_shift == 0)
                return own;
        return c->wall_shift > 0 ? usec_add(own, (usec_t)c->wall_shift)
                                 : MAX(usec_sub(own, (usec_t)-c->wall_shift), 1);
}
