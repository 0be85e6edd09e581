/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/ladder.h"

/* The levels of @host, ascending, each once. */
static uint32_t levels_of(const struct config *c, const char *host, uint32_t *levels) {
        uint32_t n = 0;

        for (size_t i = 0; i < c->n_devices; i++) {
                uint32_t level = c->devices[i].level, k;

                if (strcmp(c->devices[i].host, host) != 0)
                        continue;
                for (k = n; k > 0 && levels[k - 1] > level; k--)
                        ;
                if (k > 0 && levels[k - 1] == level)
                        continue;
                memmove(&levels[k + 1], &levels[k], (n - k) * sizeof(*levels));
                levels[k] = level;
                n++;
        }
        return n;
}

static usec_t pause_before(const struct config *c, uint32_t round) {
        usec_t t = c->fence_retry_min_usec;

        if (round == 0)
                return 0;
        while (--round > 0 && t < c->fence_retry_max_usec)
                t *= 2;
        return MIN(t, c->fence_retry_max_usec);
}

int ladder_next(const struct config *c, const char *host, uint32_t tries, struct ladder_step *ret) {
        uint32_t levels[DEVICES_MAX + 1];
        uint32_t n = levels_of(c, host, levels);
        struct ladder_step s = {0};

        if (n == 0)
                return -ENOENT;
        s.level = levels[tries % n];
        s.round = tries / n;
        s.pause_usec = tries % n == 0 ? pause_before(c, s.round) : 0;
        for (size_t i = 0; i < c->n_devices && s.n_devices < LEVEL_DEVICES_MAX; i++)
                if (c->devices[i].level == s.level && strcmp(c->devices[i].host, host) == 0)
                        s.devices[s.n_devices++] = &c->devices[i];
        *ret = s;
        return 0;
}
