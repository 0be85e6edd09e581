/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/promote.h"

bool replica_wanted(const struct guest *g) {
        return g->spec->conf.replica.mode != REPLICA_MODE_NONE && g->replica.data &&
               g->replica.host;
}

bool replica_live(const struct guest *g) {
        return g->replica.state == REPLICA_COPYING || g->replica.state == REPLICA_IN_STEP;
}

bool replica_equal(const struct guest *g) {
        return g->replica.state == REPLICA_IN_STEP && !g->replica.unsure &&
               g->spec->conf.replica.mode != REPLICA_MODE_ASYNC;
}

struct promotion replica_judge(const struct model *m, const struct guest *g, bool forced) {
        const struct replica *r = &g->replica;
        int p = model_host_index(m, r->data), copy = model_host_index(m, r->host);
        struct promotion_case c = {
                .mode = g->spec->conf.replica.mode,
                .state = r->state,
                .same_gen = r->gen == g->gen,
                .unsure = r->unsure || p < 0,
                .held = g->claims != 0,
                .off = p < 0 || r->off_wall,
                .away = copy < 0 || !host_serves(&m->hosts[copy]),
                .stands = p >= 0 && r->stands_loss && r->stands_loss == m->hosts[p].losses,
                .forced = forced || (r->forced && r->forced == r->serial),
                .off_wall = r->off_wall,
                .as_of = r->as_of,
                .hold_usec = r->hold_usec,
                .loss_usec = g->spec->conf.replica_loss_usec,
        };

        return promotion_judge(&c);
}

bool promotion_allowed(const struct promotion *p) {
        return p->verdict == PROMOTE || p->verdict == PROMOTE_OLDER;
}

void promotion_loss_text(usec_t loss, char *text, size_t size) {
        usec_t unit = loss < 10 * USEC_PER_SEC ? USEC_PER_MSEC : USEC_PER_SEC;

        if (loss == USEC_INFINITY)
                text_set(text, size, "nobody knows how much");
        else
                format_duration((loss + unit - 1) / unit * unit, text, size);
}

void promotion_text(const struct model *m, const struct guest *g, const struct promotion *p,
                    char text[TEXT_LEN]) {
        const char *copy = model_host_name(m, g->replica.host);
        const char *why = promotion_why_text(p->why);
        char loss[64];

        promotion_loss_text(p->loss_usec, loss, sizeof(loss));
        switch (p->verdict) {
        case PROMOTE:
                text_fmt(text, TEXT_LEN, "from its replica: %s", why);
                return;
        case PROMOTE_OLDER:
                text_fmt(text, TEXT_LEN, "from its replica, an older one (lost: %s): %s", loss,
                         why);
                return;
        case PROMOTE_WAIT:
                text_fmt(text, TEXT_LEN, "its replica on %.64s: %s", copy, why);
                return;
        case PROMOTE_NO:
                break;
        }
        if (p->why == PROMOTION_NO_COPY || p->why == PROMOTION_AWAY)
                text_fmt(text, TEXT_LEN, "no start from its replica on %.40s: %s; bring %.40s back",
                         copy, why,
                         model_host_name(m, p->why == PROMOTION_AWAY ? g->replica.host
                                                                     : g->replica.data));
        else if (p->why == PROMOTION_THERE)
                text_fmt(text, TEXT_LEN,
                         "%.24s, with its disks, is not back; hawctl replica promote %.32s "
                         "--accept-loss takes the copy on %.24s, if it is whole",
                         model_host_name(m, g->replica.data), g->spec->name, copy);
        else
                text_fmt(text, TEXT_LEN,
                         "%s (lost: %s); bring %.24s back, or hawctl replica promote %.32s "
                         "--accept-loss",
                         why, loss, model_host_name(m, g->replica.data), g->spec->name);
}
