/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes wrong in a random cluster, and when. */
#include "tests/sim/random.h"

#define MS USEC_PER_MSEC
#define SEC USEC_PER_SEC

/** struct at - when it goes wrong, and a host and a guest to choose */
struct at {
        usec_t t;
        int h, g;
};

static usec_t gap(struct prng *r) {
        uint64_t k = prng_below(r, 100);

        if (k < 15)
                return prng_below(r, 300 * MS);
        if (k < 45)
                return prng_below(r, 4 * SEC);
        if (k < 85)
                return prng_range(r, 3, 20) * SEC;
        return prng_range(r, 20, 60) * SEC;
}

static uint64_t msec(usec_t t) {
        return MAX(1, t / MS);
}

/* For a fault that ends by itself, or not: 0 @pct times of 100. */
static uint64_t for_msec(struct prng *r, uint32_t pct) {
        return prng_chance(r, pct) ? 0 : msec(gap(r));
}

/* Less than corosync needs to see a failure. */
static uint64_t late_msec(const struct plan *p, struct prng *r) {
        return msec(prng_below(r, p->conf.detect_usec * 85 / 100));
}

static void add(struct plan *p, usec_t at, enum fault_kind kind, int host, int guest,
                uint64_t arg) {
        if (p->n_faults < PLAN_FAULTS_MAX)
                p->faults[p->n_faults++] = (struct fault){
                        .at = at, .kind = kind, .host = host, .guest = guest, .arg = arg};
        p->faults_end = MAX(p->faults_end, at);
}

/* ---- power ---- */

static void power_fault(struct plan *p, struct prng *r, struct at a) {
        switch (prng_below(r, 6)) {
        case 0:
                add(p, a.t, FAULT_POWER_RESET, a.h, -1, 0);
                return;
        case 1: /* with its BMC; somebody may look and say so */
                add(p, a.t, FAULT_POWER_PULL, a.h, -1, 0);
                if (prng_chance(r, 60))
                        add(p, a.t + prng_range(r, 5, 40) * SEC, FAULT_CONFIRM_TRUE, a.h, -1, 0);
                break;
        default:
                add(p, a.t, FAULT_POWER_OFF, a.h, -1, 0);
        }
        if (prng_chance(r, 50))
                add(p, a.t + gap(r) + gap(r), FAULT_POWER_ON, a.h, -1, 0);
}

/* Of all of them; they come back one by one, or some do not. */
static void blackout(struct plan *p, struct prng *r, struct at a) {
        usec_t on = a.t + gap(r);

        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                add(p, a.t + prng_below(r, 200 * MS), FAULT_POWER_OFF, i, -1, 0);
        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                if (!p->conf.hosts[i].unlisted && prng_chance(r, 85))
                        add(p, on + prng_below(r, 10 * SEC), FAULT_POWER_ON, i, -1, 0);
}

static void freeze_fault(struct plan *p, struct prng *r, struct at a) {
        switch (prng_below(r, 4)) {
        case 0:
                add(p, a.t, FAULT_HAWD_FREEZE, a.h, -1, msec(prng_below(r, 12 * SEC)));
                break;
        case 1:
                add(p, a.t, FAULT_RING_FREEZE, a.h, -1,
                    prng_chance(r, 50) ? late_msec(p, r) : msec(gap(r)));
                break;
        default:
                add(p, a.t, FAULT_FREEZE, a.h, -1, for_msec(r, 30));
        }
}

/* ---- the ring ---- */

static void link_fault(struct plan *p, struct prng *r, struct at a) {
        uint64_t mask = prng_below(r, UINT64_C(1) << p->conf.n_hosts);

        if (prng_chance(r, 30)) {
                add(p, a.t, FAULT_NET_SPLIT, -1, -1, mask);
                if (prng_chance(r, 70))
                        add(p, a.t + gap(r), FAULT_NET_SPLIT, -1, -1, 0);
                return;
        }
        add(p, a.t, FAULT_NET_CUT, a.h, -1, for_msec(r, 30));
        if (prng_chance(r, 30))
                add(p, a.t + prng_below(r, SEC), FAULT_MGMT_CUT, a.h, -1, 0);
}

/* The switch dies: nobody reaches anybody. */
static void switch_fault(struct plan *p, struct prng *r, struct at a) {
        uint64_t back = for_msec(r, 20);

        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                add(p, a.t, FAULT_NET_CUT, i, -1, back);
}

/* Late messages, often while the ring changes for another reason. */
static void late_fault(struct plan *p, struct prng *r, struct at a) {
        int other = (int)prng_below(r, p->conf.n_hosts);
        uint64_t late = late_msec(p, r);

        if (prng_chance(r, 30))
                add(p, a.t, FAULT_TOKEN_LATE, -1, -1, late);
        else
                add(p, a.t, FAULT_RING_LATE, a.h, -1, late);
        if (prng_chance(r, 60))
                add(p, a.t + prng_below(r, late * MS), FAULT_RING_LATE, other, -1, late_msec(p, r));
        if (prng_chance(r, 50))
                add(p, a.t + prng_below(r, late * MS),
                    prng_chance(r, 50) ? FAULT_NET_CUT : FAULT_HAWD_KILL,
                    prng_chance(r, 50) ? a.h : other, -1, msec(gap(r)));
}

/* ---- processes ---- */

static void process_fault(struct plan *p, struct prng *r, struct at a) {
        uint64_t again = prng_chance(r, 80) ? prng_range(r, 100, 8000) : 0;

        switch (prng_below(r, 6)) {
        case 0:
        case 1:
        case 2:
                add(p, a.t, FAULT_HAWD_KILL, a.h, -1, again);
                break;
        case 3:
        case 4:
                add(p, a.t, FAULT_RING_KILL, a.h, -1, again);
                break;
        default:
                add(p, a.t, FAULT_HAWD_STOP, a.h, -1, 0);
                again = 0;
        }
        if (!again && prng_chance(r, 60))
                add(p, a.t + gap(r), FAULT_HAWD_START, a.h, -1, 0);
}

static void libvirt_fault(struct plan *p, struct prng *r, struct at a) {
        switch (prng_below(r, 3)) {
        case 0:
                add(p, a.t, FAULT_LIBVIRT_RESTART, a.h, -1, 0);
                break;
        case 1:
                add(p, a.t, FAULT_LIBVIRT_HANG, a.h, -1, for_msec(r, 50));
                if (prng_chance(r, 50))
                        add(p, a.t + gap(r), FAULT_LIBVIRT_RESTART, a.h, -1, 0);
                break;
        default:
                add(p, a.t, FAULT_LIBVIRT_SLOW, a.h, -1, 1);
                if (prng_chance(r, 60))
                        add(p, a.t + gap(r) + gap(r), FAULT_LIBVIRT_SLOW, a.h, -1, 0);
        }
}

/* ---- devices, disks, clocks ---- */

static void bmc_fault(struct plan *p, struct prng *r, struct at a) {
        static const enum bmc_mode modes[] = {BMC_DEAD, BMC_DEAD, BMC_LYING,   BMC_SLOW,
                                              BMC_SLOW, BMC_FLAP, BMC_SAYS_OFF};
        uint64_t which = prng_chance(r, 60) ? 0 : prng_range(r, 1, 2);

        add(p, a.t, FAULT_BMC, a.h, -1, modes[prng_below(r, ARRAY_SIZE(modes))] | which << 8);
        if (prng_chance(r, 60))
                add(p, a.t + gap(r), FAULT_BMC, a.h, -1, BMC_OK | which << 8);
}

static bool did(const struct plan *p, enum fault_kind kind) {
        for (size_t i = 0; i < p->n_faults; i++)
                if (p->faults[i].kind == kind)
                        return true;
        return false;
}

/* One disk at most: with two of three the ledger is lost indeed, as with one of two. */
static bool may_lose_disk(const struct plan *p) {
        size_t listed = 0;

        for (size_t i = 0; i < p->conf.n_hosts; i++)
                listed += !p->conf.hosts[i].unlisted;
        return listed > 2 && !did(p, FAULT_DISK_LOST) && !did(p, FAULT_NODE_ADD) &&
               !did(p, FAULT_NODE_REMOVE);
}

static void device_fault(struct plan *p, struct prng *r, struct at a) {
        static const enum disk_mode modes[] = {DISK_SLOW, DISK_SLOW, DISK_FULL, DISK_FAILING};

        switch (prng_below(r, 6)) {
        case 0:
                add(p, a.t, FAULT_DISK, a.h, -1, modes[prng_below(r, ARRAY_SIZE(modes))]);
                if (prng_chance(r, 80))
                        add(p, a.t + gap(r), FAULT_DISK, a.h, -1, DISK_OK);
                break;
        case 1:
                if (may_lose_disk(p))
                        add(p, a.t, FAULT_DISK_LOST, a.h, -1, msec(gap(r)));
                break;
        case 2:
                add(p, a.t, FAULT_MGMT_CUT, a.h, -1, 0);
                if (prng_chance(r, 60))
                        add(p, a.t + gap(r), FAULT_MGMT_RESTORE, a.h, -1, 0);
                break;
        default:
                bmc_fault(p, r, a);
        }
}

static void conf_fault(struct plan *p, struct prng *r, struct at a) {
        uint64_t hour = 3600000, without = prng_below(r, p->conf.n_hosts);

        switch (prng_below(r, 4)) {
        case 0:
                add(p, a.t, FAULT_CLOCK, a.h, -1, prng_below(r, 10 * hour) - 5 * hour);
                break;
        case 1:
        case 2:
                add(p, a.t, FAULT_CONFIG, a.h, -1,
                    prng_below(r, 65536) |
                            (prng_chance(r, 30) ? UINT64_C(1) << (16 + without) : 0));
                if (prng_chance(r, 50))
                        add(p, a.t + gap(r), FAULT_CONFIG, a.h, -1, 0);
                break;
        default: /* on all, one after the other, as people do */
                for (int i = 0; i < (int)p->conf.n_hosts; i++)
                        add(p, a.t + prng_below(r, 10 * SEC), FAULT_CONFIG, i, -1,
                            prng_below(r, 65536));
        }
}

/* Added, then switched on; or shut down, or not, and removed. Three stay, or two. */
static void nodelist_fault(struct plan *p, struct prng *r, struct at a) {
        int last = (int)p->conf.n_hosts - 1;

        if (did(p, FAULT_DISK_LOST) || did(p, FAULT_NODE_REMOVE))
                return;
        if (p->conf.hosts[last].unlisted) {
                a.h = p->conf.hosts[last - 1].unlisted && prng_chance(r, 50) ? last - 1 : last;
                add(p, a.t, FAULT_NODE_ADD, a.h, -1, 0);
                add(p, a.t + gap(r), FAULT_POWER_ON, a.h, -1, 0);
                if (prng_chance(r, 70))
                        return;
                a.t += gap(r) + gap(r);
        } else {
                a.h = p->conf.n_hosts > 2 ? (int)prng_range(r, 2, p->conf.n_hosts - 1) : -1;
        }
        if (a.h < 0)
                return;
        if (prng_chance(r, 60)) {
                add(p, a.t, FAULT_SHUTDOWN, a.h, -1, 0);
                a.t += gap(r);
        }
        add(p, a.t, FAULT_NODE_REMOVE, a.h, -1, 0);
        if (prng_chance(r, 40)) {
                a.t += gap(r);
                add(p, a.t, FAULT_NODE_ADD, a.h, -1, 0);
                add(p, a.t + gap(r), FAULT_POWER_ON, a.h, -1, 0);
        }
}

/* ---- guests and people ---- */

static void guest_fault(struct plan *p, struct prng *r, struct at a) {
        static const enum fault_kind kinds[] = {FAULT_GUEST_CRASH, FAULT_GUEST_CRASH,
                                                FAULT_GUEST_CRASH, FAULT_GUEST_SHUTDOWN,
                                                FAULT_GUEST_DESTROY};

        if (prng_chance(r, 35))
                add(p, a.t, FAULT_GUEST_ROGUE, a.h, a.g, 0);
        else
                add(p, a.t, kinds[prng_below(r, ARRAY_SIZE(kinds))], -1, a.g, 0);
}

/* Though its QEMU is there. */
static void ill(struct plan *p, struct prng *r, struct at a) {
        static const enum fault_kind ills[] = {FAULT_GUEST_HANG, FAULT_GUEST_WATCHDOG,
                                               FAULT_GUEST_PANIC, FAULT_GUEST_IO};

        switch (prng_below(r, 8)) {
        case 0:
                add(p, a.t, FAULT_STORAGE_LOSE, a.h, -1, for_msec(r, 30));
                break;
        case 1: /* of all hosts */
                for (int i = 0; i < (int)p->conf.n_hosts; i++)
                        add(p, a.t + prng_below(r, SEC), FAULT_STORAGE_LOSE, i, -1,
                            for_msec(r, 30));
                break;
        case 2:
                add(p, a.t, FAULT_GUEST_LOOP, -1, a.g, for_msec(r, 30));
                break;
        default:
                add(p, a.t, ills[prng_below(r, ARRAY_SIZE(ills))], -1, a.g, 0);
        }
}

static void person(struct plan *p, struct prng *r, struct at a) {
        static const enum verb verbs[] = {VERB_GUEST_STOP,   VERB_GUEST_START,  VERB_GUEST_START,
                                          VERB_GUEST_MOVE,   VERB_GUEST_MOVE,   VERB_GUEST_PAUSE,
                                          VERB_GUEST_RESUME, VERB_GUEST_IGNORE, VERB_GUEST_DELETE};
        enum verb v = verbs[prng_below(r, ARRAY_SIZE(verbs))];

        switch (prng_below(r, 20)) {
        case 0:
        case 1:
                add(p, a.t, FAULT_REQUEST, a.h, -1, VERB_FENCE_HOST);
                break;
        case 2:
        case 3:
        case 4:
                add(p, a.t, FAULT_CONFIRM_TRUE, a.h, -1, 0);
                break;
        case 5: /* without a look at it */
                add(p, a.t, FAULT_REQUEST, a.h, -1, VERB_FENCE_CONFIRM);
                break;
        default:
                add(p, a.t, FAULT_REQUEST, v == VERB_GUEST_MOVE ? a.h : -1, a.g, v);
        }
}

/* ---- at the worst moment ---- */

static void ambush(struct plan *p, struct prng *r, struct at a) {
        static const uint64_t within[] = {100, 1000, 3000, 20000, 1000000};
        uint64_t arg = prng_below(r, AMBUSH_WHEN_MAX_);

        arg |= prng_below(r, AMBUSH_HOW_MAX_) << 8;
        arg |= (prng_chance(r, 50) ? 0 : prng_below(r, 12)) << 16;
        arg |= prng_below(r, within[prng_below(r, ARRAY_SIZE(within))]) << 24;
        add(p, a.t, FAULT_AMBUSH, -1, -1, arg);
}

/* S3 at its hardest: a host is away just long enough to be fenced, by slow means, and who fences it
 * falls asleep over that and wakes up late, when nobody could fence the sleeper either. */
static void sleeping_fencer(struct plan *p, struct prng *r, struct at a) {
        usec_t away = a.t + p->conf.detect_usec * 23 / 20;

        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                add(p, a.t, FAULT_BMC, i, -1, i == a.h ? BMC_SLOW : BMC_DEAD);
        add(p, a.t, FAULT_AMBUSH, -1, -1,
            AMBUSH_FENCE | AMBUSH_ASLEEP << 8 | prng_below(r, 500 * MS) << 24);
        add(p, a.t, prng_chance(r, 50) ? FAULT_NET_CUT : FAULT_FREEZE, a.h, -1, 0);
        away += prng_below(r, 2 * SEC);
        add(p, away, FAULT_NET_RESTORE, a.h, -1, 0);
        add(p, away, FAULT_THAW, a.h, -1, 0);
        away += prng_range(r, 1, 90) * SEC;
        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                add(p, away, FAULT_THAW, i, -1, 0);
}

/* Entries that the leader alone has, and a merge before the others have made as many. */
static void lonely_entries(struct plan *p, struct prng *r, struct at a) {
        size_t n = prng_range(r, 1, 5);

        add(p, a.t, FAULT_AMBUSH, -1, -1,
            AMBUSH_DECISION | AMBUSH_FLAP << 8 | prng_below(r, 2 * MS) << 24);
        for (size_t i = 0; i < n; i++)
                add(p, a.t + prng_below(r, 5 * MS), FAULT_GUEST_CRASH, -1,
                    (int)prng_below(r, p->conf.n_guests), 0);
}

/* ---- all of it ---- */

static const struct {
        uint32_t weight;
        void (*fn)(struct plan *p, struct prng *r, struct at a);
} kinds[] = {
        {20, power_fault},  {2, blackout},   {16, freeze_fault},   {14, link_fault},
        {2, switch_fault},  {6, late_fault}, {14, process_fault},  {10, libvirt_fault},
        {12, device_fault}, {4, conf_fault}, {3, nodelist_fault},  {10, guest_fault},
        {9, person},        {25, ambush},    {5, sleeping_fencer}, {5, lonely_entries},
};

static void orderly(struct plan *p, struct prng *r, struct at a) {
        add(p, a.t, prng_chance(r, 50) ? FAULT_REBOOT : FAULT_SHUTDOWN, a.h, -1, 0);
}

static void one_fault(struct plan *p, struct prng *r, usec_t t) {
        struct at a = {.t = t,
                       .h = (int)prng_below(r, p->conf.n_hosts),
                       .g = (int)prng_below(r, p->conf.n_guests)};
        uint64_t k, sum = 0;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                sum += kinds[i].weight;
        k = prng_below(r, sum + 3);
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                if (k < kinds[i].weight) {
                        kinds[i].fn(p, r, a);
                        return;
                }
                k -= kinds[i].weight;
        }
        orderly(p, r, a);
}

void plan_faults(struct plan *p, struct prng *r) {
        size_t n = prng_range(r, 1, 16);
        usec_t t = SEC;

        for (size_t i = 0; i < n; i++) {
                t += gap(r);
                one_fault(p, r, t);
        }
        for (size_t k = prng_chance(r, 40) ? prng_range(r, 1, 4) : 0; k > 0; k--)
                ill(p, r,
                    (struct at){.t = SEC + prng_below(r, t),
                                .h = (int)prng_below(r, p->conf.n_hosts),
                                .g = (int)prng_below(r, p->conf.n_guests)});
}

void plan_health_faults(struct plan *p, struct prng *r) {
        static const enum fault_kind ills[] = {FAULT_ILL_STORAGE, FAULT_ILL_UPLINK,
                                               FAULT_ILL_MEMORY, FAULT_ILL_SENSORS};
        usec_t last = p->faults_end;

        for (size_t n = prng_range(r, 1, 6); n > 0; n--) {
                enum fault_kind kind = ills[prng_below(r, ARRAY_SIZE(ills))];
                int one = (int)prng_below(r, p->conf.n_hosts);
                usec_t at = prng_below(r, last + SEC);
                bool all = prng_chance(r, 15); /* as by a switch, or a storage server */

                for (int i = 0; i < (int)p->conf.n_hosts; i++)
                        if (all || i == one)
                                add(p, at, kind, i, -1,
                                    prng_chance(r, 60) ? msec(gap(r) + gap(r)) : 0);
        }
}

void plan_dog_faults(struct plan *p, struct prng *r) {
        static const enum fault_kind kinds_of_it[] = {
                FAULT_HAWD_RESTART, FAULT_HAWD_STOP, FAULT_HAWD_START, FAULT_HAWD_KILL,
                FAULT_NET_CUT,      FAULT_FREEZE,    FAULT_WATCHDOG,   FAULT_POWER_PULL};
        size_t n = prng_range(r, 1, 8);
        usec_t t = SEC;

        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                if (prng_chance(r, 50))
                        add(p, prng_below(r, 2 * SEC), FAULT_BMC, i, -1, BMC_DEAD);
        for (size_t i = 0; i < n; i++) {
                enum fault_kind kind = kinds_of_it[prng_below(r, ARRAY_SIZE(kinds_of_it))];

                t += gap(r) + (prng_chance(r, 40) ? 30 * SEC : 0);
                add(p, t, kind, (int)prng_below(r, p->conf.n_hosts), -1,
                    fault_timed(kind) && prng_chance(r, 60) ? msec(gap(r) + gap(r)) : 0);
        }
        if (prng_chance(r, 60)) /* time for a lease to run out */
                p->faults_end += prng_range(r, 20, 60) * SEC;
}

/* P, its replica's server or link, R, or two of them within moments; and what people do about it.
 */
void plan_copy_faults(struct plan *p, struct prng *r) {
        static const enum fault_kind hosts[] = {FAULT_POWER_OFF,  FAULT_POWER_OFF,  FAULT_NET_CUT,
                                                FAULT_FREEZE,     FAULT_HAWD_KILL,  FAULT_SHUTDOWN,
                                                FAULT_POWER_PULL, FAULT_REPLICA_CUT};
        static const enum verb verbs[] = {VERB_REPLICA_PROMOTE, VERB_REPLICA_FORCE,
                                          VERB_REPLICA_RESYNC, VERB_GUEST_MOVE, VERB_GUEST_START};
        size_t n = prng_range(r, 1, 10);
        usec_t t = prng_below(r, 60 * SEC);

        for (size_t i = 0; i < n; i++) {
                int g = (int)prng_below(r, p->conf.n_guests), h = p->conf.guests[g].host;
                enum fault_kind kind = hosts[prng_below(r, ARRAY_SIZE(hosts))];
                enum verb v = verbs[prng_below(r, ARRAY_SIZE(verbs))];

                if (prng_chance(r, 40) || h < 0)
                        h = (int)prng_below(r, p->conf.n_hosts);
                switch (prng_below(r, 6)) {
                case 0:
                        add(p, t, FAULT_REPLICA_KILL, -1, g, 0);
                        break;
                case 1:
                        add(p, t, FAULT_REQUEST, v == VERB_GUEST_MOVE ? h : -1, g, v);
                        break;
                default:
                        add(p, t, kind, h, -1,
                            fault_timed(kind) && prng_chance(r, 70) ? msec(gap(r) + gap(r)) : 0);
                        if (prng_chance(r, 30))
                                add(p, t + gap(r) + gap(r), FAULT_POWER_ON, h, -1, 0);
                }
                t += prng_chance(r, 40) ? prng_below(r, 3 * SEC) : gap(r) + gap(r);
        }
        if (prng_chance(r, 60)) /* time to be copied anew, and to wait for a proof */
                p->faults_end += prng_range(r, 20, 120) * SEC;
}

/* Of few guests, with few names, so that they meet; one of them dies now and then. */
void plan_snap_faults(struct plan *p, struct prng *r) {
        static const enum verb verbs[] = {VERB_SNAP_TAKE, VERB_SNAP_TAKE, VERB_SNAP_TAKE,
                                          VERB_SNAP_DELETE, VERB_SNAP_ROLLBACK};
        size_t n = prng_range(r, 4, 14);
        usec_t t = SEC;

        for (size_t i = 0; i < n; i++) {
                int g = (int)prng_below(r, MIN(p->conf.n_guests, 3u));

                t += gap(r);
                if (prng_chance(r, 15)) {
                        add(p, t, prng_chance(r, 50) ? FAULT_GUEST_CRASH : FAULT_GUEST_PANIC, -1, g,
                            0);
                        continue;
                }
                add(p, t, FAULT_REQUEST, -1, g, verbs[prng_below(r, ARRAY_SIZE(verbs))]);
                if (p->n_faults)
                        text_fmt(p->faults[p->n_faults - 1].name, NAME_LEN, "s%u",
                                 (unsigned)prng_below(r, 4));
        }
}
