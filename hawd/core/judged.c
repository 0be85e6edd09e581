/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/judged.h"
#include "hawd/core/byhand.h"

usec_t judged_hang_after(const struct model *m, uint32_t nodeid, const char *uuid,
                         bool *ret_alone) {
        const struct guest *g = byhand_kept(m, uuid);
        int index = model_host_index(m, nodeid);

        if (!g || index < 0 || !(g->claims & (1u << index)) || g->job_kind != JOB_NONE ||
            g->desired != DESIRED_RUNNING || g->state != GUEST_RUNNING ||
            g->health != HEALTH_HEALTHY)
                return 0;
        if (g->spec->conf.health_by == HEALTH_BY_WATCHDOG ||
            g->spec->conf.health_by == HEALTH_BY_NONE)
                return 0;
        *ret_alone = g->spec->conf.health_by == HEALTH_BY_PROGRESS;
        return g->spec->conf.hang_after_usec;
}
