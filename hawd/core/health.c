/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/health.h"

static const char *const names[] = {
        [ILL_LIBVIRT] = "libvirt", [ILL_STORAGE] = "storage", [ILL_UPLINK] = "uplink",
        [ILL_MEMORY] = "memory",   [ILL_SENSORS] = "sensors",
};
_Static_assert(ARRAY_SIZE(names) == ILL_MAX_, "every ill has its name");

const char *ill_name(enum ill i) {
        return (size_t)i < ARRAY_SIZE(names) ? names[i] : NULL;
}

const char *ills_text(uint32_t ills, char *buf, size_t size) {
        buf[0] = '\0';
        for (size_t i = 0; i < ILL_MAX_; i++) {
                size_t n = strlen(buf);

                if (ills & ILL_BIT(i))
                        text_fmt(buf + n, size - n, "%s%s", n ? ", " : "", names[i]);
        }
        return buf;
}

/* The ledger has changed its word since the last sample, whoever made it do so. */
static void watch_ledger(struct ill_watch *w, bool degraded, usec_t now, usec_t well_after) {
        if (w->was == degraded)
                return;
        w->was = degraded;
        if (!degraded) {
                w->well_at = MAX(now, 1);
        } else if (w->well_at && now < usec_add(w->well_at, HEALTH_RELAPSE * well_after)) {
                w->relapses = MIN(w->relapses + 1, HEALTH_DOUBLINGS);
        } else {
                w->relapses = 0;
        }
}

bool health_judge(struct ill_watch *w, bool degraded, bool bad, usec_t now, usec_t gap,
                  const struct config *config) {
        usec_t after;

        watch_ledger(w, degraded, now, config->well_after_usec);
        if (w->n == 0 || w->bad != bad || usec_sub(now, w->latest) > gap) {
                w->bad = bad;
                w->since = now;
                w->n = 0;
        }
        w->n = MIN(w->n + 1, HEALTH_SAMPLES);
        w->latest = now;
        if (bad == degraded || w->n < HEALTH_SAMPLES)
                return degraded;
        after = bad ? config->degraded_after_usec : config->well_after_usec << w->relapses;
        return usec_sub(now, w->since) >= after ? bad : degraded;
}

bool health_memory(uint32_t full, uint32_t bound_pct, bool degraded) {
        if (full == HEALTH_NO_PRESSURE || bound_pct == 0)
                return false;
        return full >= bound_pct * (degraded ? 50u : 100u);
}
