/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/promotion.h"

static struct promotion verdict(enum promotion_verdict v, enum promotion_why why) {
        return (struct promotion){.verdict = v, .why = why};
}

usec_t promotion_limit(usec_t hold_usec) {
        return hold_usec / 20 * 9;
}

/* Clocks that were set meanwhile say nothing. */
static bool in_time(const struct promotion_case *c) {
        return c->as_of && c->off_wall >= c->as_of &&
               c->off_wall - c->as_of <= promotion_limit(c->hold_usec);
}

static enum promotion_why why_older(const struct promotion_case *c) {
        switch (c->state) {
        case REPLICA_IN_STEP:
                if (c->mode == REPLICA_MODE_ASYNC)
                        return PROMOTION_ASYNC;
                return c->unsure || !c->same_gen ? PROMOTION_UNSURE : PROMOTION_LATE;
        case REPLICA_BROKEN:
                return PROMOTION_BROKEN;
        default:
                return PROMOTION_BEHIND;
        }
}

/* What P may have written after the copy, in time. */
static usec_t loss_of(const struct promotion_case *c) {
        if (!c->as_of || !c->off_wall || c->as_of > c->off_wall)
                return USEC_INFINITY;
        return MAX(c->off_wall - c->as_of, 1);
}

static struct promotion older(const struct promotion_case *c) {
        struct promotion p = verdict(PROMOTE_NO, why_older(c));

        p.loss_usec = loss_of(c);
        if (c->forced || (c->off && c->loss_usec && p.loss_usec <= c->loss_usec))
                p.verdict = PROMOTE_OLDER;
        return p;
}

struct promotion promotion_judge(const struct promotion_case *c) {
        bool at_once = c->mode == REPLICA_MODE_SYNC || c->mode == REPLICA_MODE_DRBD;
        bool in_step = c->state == REPLICA_IN_STEP && at_once && c->same_gen && !c->unsure;

        if (c->held)
                return verdict(PROMOTE_WAIT, PROMOTION_HELD);
        if (c->state == REPLICA_NONE || c->state == REPLICA_COPYING)
                return verdict(PROMOTE_NO, PROMOTION_NO_COPY);
        if (c->away)
                return verdict(PROMOTE_NO, PROMOTION_AWAY);
        if (c->state == REPLICA_FINAL && c->same_gen)
                return verdict(PROMOTE, PROMOTION_FINAL);
        if (!c->off && !c->forced)
                return verdict(PROMOTE_NO, PROMOTION_THERE);
        if (in_step && c->off && !c->stands)
                return verdict(PROMOTE_WAIT, PROMOTION_ASK);
        if (in_step && c->off && (c->mode == REPLICA_MODE_DRBD || in_time(c)))
                return verdict(PROMOTE, PROMOTION_IN_STEP);
        return older(c);
}

const char *replica_state_name(enum replica_state s) {
        static const char *const names[REPLICA_STATE_MAX_] = {
                [REPLICA_NONE] = "none",       [REPLICA_COPYING] = "copying",
                [REPLICA_IN_STEP] = "in-step", [REPLICA_FINAL] = "final",
                [REPLICA_BEHIND] = "behind",   [REPLICA_BROKEN] = "broken",
        };

        return s < REPLICA_STATE_MAX_ ? names[s] : NULL;
}

const char *promotion_why_text(enum promotion_why w) {
        static const char *const texts[PROMOTION_WHY_MAX_] = {
                [PROMOTION_HELD] = "the guest may still run elsewhere",
                [PROMOTION_NO_COPY] = "there is no whole copy",
                [PROMOTION_AWAY] = "the host of the copy cannot be used now",
                [PROMOTION_FINAL] = "the copy is equal: the guest had ended",
                [PROMOTION_THERE] = "the guest's own disks are newer, and not given up",
                [PROMOTION_ASK] = "the host of the copy is asked whether its mirror was whole",
                [PROMOTION_IN_STEP] = "the copy has every write",
                [PROMOTION_LATE] = "its host was proven off too late: it may have gone on alone",
                [PROMOTION_UNSURE] = "its host was lost before, and has not said anew: in step",
                [PROMOTION_ASYNC] = "the copy is made from time to time",
                [PROMOTION_BEHIND] = "the guest's own disks had gone on without the copy",
                [PROMOTION_BROKEN] = "the host of the copy saw its mirror end before",
        };

        return w < PROMOTION_WHY_MAX_ ? texts[w] : NULL;
}
