/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/sim/prng.h"

void prng_init(struct prng *p, uint64_t seed, uint64_t purpose) {
        /* Mixed, not only multiplied: neighbours would else be the same stream, shifted by one. */
        p->s = seed;
        p->s = prng_next(p) + purpose;
        p->s = prng_next(p);
}

uint64_t prng_next(struct prng *p) {
        uint64_t z = (p->s += 0x9e3779b97f4a7c15ULL);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
}

uint64_t prng_below(struct prng *p, uint64_t n) {
        return n ? prng_next(p) % n : 0;
}

uint64_t prng_range(struct prng *p, uint64_t lo, uint64_t hi) {
        return hi > lo ? lo + prng_below(p, hi - lo + 1) : lo;
}

bool prng_chance(struct prng *p, uint32_t pct) {
        return prng_below(p, 100) < pct;
}
