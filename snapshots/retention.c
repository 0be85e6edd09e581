/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots/retention.h"

#define HOUR (60 * USEC_PER_MINUTE)
#define DAY (24 * HOUR)

/* Number of the hour, day or week; weeks begin with Monday, 1970 with a Thursday. */
static uint64_t hour_of(usec_t wall) {
        return wall / HOUR;
}

static uint64_t day_of(usec_t wall) {
        return wall / DAY;
}

static uint64_t week_of(usec_t wall) {
        return (wall / DAY + 3) / 7;
}

static uint64_t itself(usec_t wall) {
        return wall;
}

static bool is_older(const struct snapshot *a, const struct snapshot *b) {
        return a->wall != b->wall ? a->wall < b->wall : a->id < b->id;
}

static bool is_whole_point(const struct snapshot *s) {
        return s->kind == SNAP_POINT && !s->deleting;
}

/* Indexes of the whole POINTs, newest first. */
static size_t by_age(const struct snapshot *s, size_t n, size_t *order) {
        size_t count = 0;

        for (size_t i = 0; i < n; i++) {
                size_t at = count;

                if (!is_whole_point(&s[i]))
                        continue;
                for (; at > 0 && is_older(&s[order[at - 1]], &s[i]); at--)
                        order[at] = order[at - 1];
                order[at] = i;
                count++;
        }
        return count;
}

/* The newest of each of @most periods. */
static void keep(const struct snapshot *s, const size_t *order, size_t count, uint32_t most,
                 uint64_t (*period)(usec_t), bool each, enum retention_why why,
                 struct retention_verdict *v) {
        uint64_t last = 0;
        uint32_t kept = 0;

        for (size_t k = 0; k < count && kept < most; k++) {
                uint64_t p = period(s[order[k]].wall);

                if (kept > 0 && p == last && !each)
                        continue;
                last = p;
                kept++;
                if (v[order[k]].go)
                        v[order[k]] = (struct retention_verdict){.why = why};
        }
}

static void stays(struct retention_verdict *v, enum retention_why why) {
        *v = (struct retention_verdict){.why = why};
}

/* Rules 1 and 2, and what was begun. Return: judged. */
static bool judge_by_kind(const struct retention *r, const struct snapshot *s, usec_t now,
                          struct retention_verdict *v) {
        if (s->kind == SNAP_CURRENT)
                stays(v, RETENTION_CURRENT);
        else if (s->deleting)
                *v = (struct retention_verdict){.go = true, .why = RETENTION_DELETING};
        else if (s->kind == SNAP_LEFT &&
                 (r->left_usec == 0 || usec_sub(now, s->wall) < r->left_usec))
                stays(v, RETENTION_LEFT);
        else if (s->kind == SNAP_LEFT)
                *v = (struct retention_verdict){.go = true, .why = RETENTION_LEFT_OLD};
        else if (s->by_hand)
                stays(v, RETENTION_BY_HAND);
        else
                return false;
        return true;
}

static void judge_by_rules(const struct retention *r, const struct snapshot *s, size_t n,
                           const size_t *order, size_t count, struct retention_verdict *v) {
        bool none = r->last == 0 && r->hourly == 0 && r->daily == 0 && r->weekly == 0;
        int good = snap_known_good(s, n);

        keep(s, order, count, r->last, itself, true, RETENTION_LAST, v);
        keep(s, order, count, r->hourly, hour_of, false, RETENTION_HOURLY, v);
        keep(s, order, count, r->daily, day_of, false, RETENTION_DAILY, v);
        keep(s, order, count, r->weekly, week_of, false, RETENTION_WEEKLY, v);
        for (size_t k = 0; none && k < count; k++)
                if (v[order[k]].go)
                        stays(&v[order[k]], RETENTION_NO_RULE);
        if (good >= 0 && !s[good].by_hand)
                stays(&v[good], RETENTION_GOOD);
}

/* Rule 6: in place of what cannot be. */
static void only_what_can(const struct snapshot *s, size_t n, struct retention_verdict *v) {
        for (size_t i = 0; i < n; i++) {
                char why[TEXT_LEN];
                uint32_t top;

                if (!v[i].go || snap_delete_way(s, n, i, &top, why) != SNAP_WAY_NONE)
                        continue;
                stays(&v[i], RETENTION_NEEDED);
                text_set(v[i].text, sizeof(v[i].text), why);
        }
}

static bool only_by_rule(enum retention_why why) {
        return why == RETENTION_LAST || why == RETENTION_HOURLY || why == RETENTION_DAILY ||
               why == RETENTION_WEEKLY || why == RETENTION_NO_RULE;
}

static uint64_t left_over(const struct retention *r, const struct snapshot *s, size_t n,
                          const struct retention_verdict *v) {
        uint64_t sum = 0;

        for (size_t i = 0; i < n; i++)
                if (s[i].kind != SNAP_CURRENT && !v[i].go &&
                    __builtin_add_overflow(sum, s[i].mib, &sum))
                        sum = UINT64_MAX;
        return r->space_mib > 0 && sum > r->space_mib ? sum - r->space_mib : 0;
}

uint64_t retention_judge(const struct retention *r, const struct snapshot *s, size_t n, usec_t now,
                         struct retention_verdict *ret) {
        size_t order[SNAPSHOTS_MAX], count;

        assert(n <= SNAPSHOTS_MAX);
        for (size_t i = 0; i < n; i++)
                if (!judge_by_kind(r, &s[i], now, &ret[i]))
                        ret[i] = (struct retention_verdict){.go = true, .why = RETENTION_OLD};
        count = by_age(s, n, order);
        judge_by_rules(r, s, n, order, count, ret);
        only_what_can(s, n, ret);
        for (size_t k = count; k > 1 && left_over(r, s, n, ret) > 0; k--) {
                struct retention_verdict *v = &ret[order[k - 1]];
                char why[TEXT_LEN];
                uint32_t top;

                if (only_by_rule(v->why) &&
                    snap_delete_way(s, n, order[k - 1], &top, why) != SNAP_WAY_NONE)
                        *v = (struct retention_verdict){.go = true, .why = RETENTION_SPACE};
        }
        return left_over(r, s, n, ret);
}

int retention_first(const struct snapshot *s, size_t n, const struct retention_verdict *v) {
        int best = -1;

        for (size_t i = 0; i < n; i++) {
                if (!v[i].go)
                        continue;
                if (best < 0 || (s[i].deleting && !s[best].deleting) ||
                    (s[i].deleting == s[best].deleting && is_older(&s[i], &s[best])))
                        best = (int)i;
        }
        return best;
}

const char *retention_why_text(enum retention_why why) {
        static const char *const texts[RETENTION_WHY_MAX_] = {
                [RETENTION_CURRENT] = "the guest's disks",
                [RETENTION_BY_HAND] = "made by hand, stays until somebody deletes it",
                [RETENTION_GOOD] = "the known-good one, for a rollback",
                [RETENTION_LAST] = "one of the newest",
                [RETENTION_HOURLY] = "the newest of its hour",
                [RETENTION_DAILY] = "the newest of its day",
                [RETENTION_WEEKLY] = "the newest of its week",
                [RETENTION_NO_RULE] = "no rule says how many stay",
                [RETENTION_LEFT] = "a disk that a rollback left",
                [RETENTION_NEEDED] = "due, but needed",
                [RETENTION_DELETING] = "being deleted",
                [RETENTION_OLD] = "no rule keeps it",
                [RETENTION_LEFT_OLD] = "a disk that a rollback left, long enough ago",
                [RETENTION_SPACE] = "above the space limit",
        };

        return why < RETENTION_WHY_MAX_ ? texts[why] : NULL;
}
