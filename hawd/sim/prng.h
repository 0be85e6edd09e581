/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random numbers of the simulator: splitmix64, a stream per purpose, the same on every machine.
 * Pure. The caller owns the stream; nothing is global.
 */
#pragma once

#include "hawd/base/base.h"

struct prng {
        uint64_t s;
};

/** prng_init() - stream @purpose of @seed; different purposes do not disturb each other. */
void prng_init(struct prng *p, uint64_t seed, uint64_t purpose);
uint64_t prng_next(struct prng *p);
/** prng_below() - uniform in [0, n); 0 when @n is 0. */
uint64_t prng_below(struct prng *p, uint64_t n);
/** prng_range() - uniform in [lo, hi]. */
uint64_t prng_range(struct prng *p, uint64_t lo, uint64_t hi);
/** prng_chance() - true @pct times of 100. */
bool prng_chance(struct prng *p, uint32_t pct);
