/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/recovery.h"

#define PAUSE_MIN_USEC (2 * USEC_PER_SEC)
#define PAUSE_MAX_USEC (5 * USEC_PER_MINUTE)

const char *rung_name(enum rung r) {
        static const char *const names[RUNG_MAX_] = {
                [RUNG_NONE] = "none",         [RUNG_RESTART] = "restart",
                [RUNG_RELOCATE] = "relocate", [RUNG_ROLLBACK] = "rollback",
                [RUNG_REPLICA] = "replica",
        };

        return r < RUNG_MAX_ ? names[r] : NULL;
}

uint32_t rung_limit(const struct conf_guest *policy, enum rung r) {
        switch (r) {
        case RUNG_RESTART:
                return policy->restart_limit;
        case RUNG_RELOCATE:
        case RUNG_REPLICA:
                return policy->relocate_limit;
        case RUNG_ROLLBACK:
                return policy->rollback_limit;
        case RUNG_NONE:
        case RUNG_MAX_:
                break;
        }
        return 0;
}

static bool helps(enum rung rung, const struct recovery *r) {
        return rung != RUNG_RESTART || (r->why != END_IO_ERROR && r->early < BOOT_LOOP);
}

/* Not even when the window is over: another disk on a storage that is gone, or none to go back to.
 */
static bool pointless(enum rung rung, const struct recovery *r, const struct recovery_case *c) {
        return rung == RUNG_ROLLBACK && (r->why == END_IO_ERROR || !c->known_good);
}

static bool possible(enum rung rung, const struct recovery_case *c) {
        if (rung == RUNG_ROLLBACK)
                return c->here || c->elsewhere;
        if (rung == RUNG_REPLICA)
                return c->replica;
        return rung == RUNG_RESTART ? c->here : c->elsewhere;
}

usec_t recovery_left(const struct conf_guest *policy, const struct recovery *r, usec_t wall) {
        return usec_sub(usec_add(r->window_wall, policy->restart_window_usec), wall);
}

uint32_t recovery_count(const struct conf_guest *policy, const struct recovery *r, enum rung rung,
                        usec_t wall) {
        return recovery_left(policy, r, wall) > 0 ? r->taken[rung] : 0;
}

enum recovery_verdict recovery_next(const struct conf_guest *policy, const struct recovery *r,
                                    const struct recovery_case *c, usec_t wall, enum rung *ret) {
        bool anew = recovery_left(policy, r, wall) == 0;
        bool left = false, last_resort = false;

        for (size_t i = 0; i < RUNGS && policy->recovery[i] != RUNG_NONE; i++) {
                enum rung rung = policy->recovery[i];

                if (recovery_count(policy, r, rung, wall) >= rung_limit(policy, rung))
                        continue;
                if (pointless(rung, r, c))
                        continue;
                if (!anew && !helps(rung, r)) {
                        last_resort |= possible(rung, c);
                        continue;
                }
                if (possible(rung, c)) {
                        *ret = rung;
                        return RECOVERY_TAKE;
                }
                left = true;
        }
        if (left && last_resort) {
                *ret = RUNG_RESTART;
                return RECOVERY_TAKE;
        }
        return left ? RECOVERY_WAIT : RECOVERY_END;
}

usec_t recovery_pause(uint32_t failures, uint64_t seed) {
        usec_t pause;

        if (failures < 2)
                return 0;
        pause = MIN(PAUSE_MIN_USEC << MIN(failures - 2, 20u), PAUSE_MAX_USEC);
        return pause - pause / 4 + hash64(seed, &failures, sizeof(failures)) % (pause / 2 + 1);
}

/* The window that @wall is in; it begins with a failure. */
static void window_of(struct recovery *r, const struct conf_guest *policy, usec_t wall) {
        if (recovery_left(policy, r, wall) > 0)
                return;
        memset(r->taken, 0, sizeof(r->taken));
        r->window_wall = wall;
}

bool recovery_failed(struct recovery *r, const struct conf_guest *policy, enum end_why why,
                     usec_t wall) {
        if (r->healthy_wall && usec_sub(wall, r->healthy_wall) >= policy->healthy_after_usec)
                *r = (struct recovery){0};
        window_of(r, policy, wall);
        r->early = r->healthy_wall ? 0 : r->early + 1;
        r->healthy_wall = 0;
        r->failures++;
        r->resumes = 0;
        r->why = why;
        return r->early >= BOOT_LOOP;
}

void recovery_took(struct recovery *r, const struct conf_guest *policy, enum rung rung,
                   usec_t wall) {
        r->why = END_NONE;
        r->healthy_wall = 0;
        if (rung == RUNG_NONE)
                return;
        window_of(r, policy, wall);
        r->taken[rung]++;
}

void recovery_moved(struct recovery *r, const struct conf_guest *policy, usec_t wall) {
        window_of(r, policy, wall);
        r->taken[RUNG_RELOCATE]++;
}

void recovery_healthy(struct recovery *r, usec_t wall) {
        r->why = END_NONE;
        r->resumes = 0;
        r->healthy_wall = wall;
}
