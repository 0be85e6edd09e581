/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/random.h"

#ifdef __has_include
#if __has_include("hawd/wire/wire.h")
#include "hawd/wire/wire.h"
#define HAVE_WIRE 1
#endif
#endif

#define MS USEC_PER_MSEC
#define SEC USEC_PER_SEC

#ifdef HAVE_WIRE
static struct msg *through_wire(const struct msg *m) {
        char err[TEXT_LEN];
        struct msg *ret = NULL;
        uint8_t *bytes = NULL;
        size_t len = 0;

        if (wire_msg_encode(m, &bytes, &len) < 0)
                return NULL;
        if (wire_msg_decode(bytes, len, &ret, err) < 0)
                ret = NULL;
        free(bytes);
        return ret;
}
#else
#define through_wire NULL
#endif

/* ---- the cluster ---- */

static void make_hosts(struct sim_conf *c, struct prng *r) {
        static const size_t sizes[] = {2, 3, 3, 3, 3, 4, 4, 5, 5, 5, 6, 7, 8};

        c->n_hosts = sizes[prng_below(r, ARRAY_SIZE(sizes))];
        for (size_t i = 0; i < c->n_hosts; i++) {
                struct sim_host_conf *h = &c->hosts[i];

                text_fmt(h->name, NAME_LEN, "node%zu", i + 1);
                h->vcpus = 32;
                h->memory_mib = 65536;
                h->wall_offset = (int64_t)prng_below(r, 200 * MS) - (int64_t)(100 * MS);
                sim_conf_host(c, i);
        }
}

static void make_guests(struct sim_conf *c, struct prng *r) {
        c->n_guests = prng_range(r, 1, MIN(20, 4 * c->n_hosts));
        for (size_t i = 0; i < c->n_guests; i++) {
                struct sim_guest_conf *g = &c->guests[i];

                text_fmt(g->name, NAME_LEN, "g%zu", i + 1);
                g->conf = c->config.guest_defaults;
                g->conf.priority = (int32_t)prng_below(r, 5) * 50;
                g->conf.start_timeout_usec = prng_range(r, 5, 60) * SEC;
                g->conf.stop_timeout_usec = prng_range(r, 5, 30) * SEC;
                if (prng_chance(r, 10))
                        g->conf.on_shutdown = ON_SHUTDOWN_RESTART;
                g->host = prng_chance(r, 90) ? (int)prng_below(r, c->n_hosts) : -1;
                g->desired = prng_chance(r, 5) ? DESIRED_STOPPED : DESIRED_RUNNING;
                g->vcpus = (uint32_t)prng_range(r, 1, 4);
                g->memory_mib = prng_range(r, 1, 6) * 1024;
                g->boot_usec = prng_range(r, 1, 20) * SEC;
                g->start_failures = prng_chance(r, 10) ? (uint32_t)prng_range(r, 1, 2) : 0;
                if (i > 0 && prng_chance(r, 15))
                        text_set(g->after[g->n_after++], NAME_LEN,
                                 c->guests[prng_below(r, i)].name);
        }
}

/* Every rule can be kept: strict ones are about guests of their own, and not too many. */
static void make_rules(struct sim_conf *c, struct prng *r) {
        size_t next = 0;

        for (size_t k = 0; k < 2 && prng_chance(r, 40); k++) {
                struct sim_rule_conf *rule = &c->rules[c->n_rules];
                size_t n = prng_range(r, 2, MAX(2, c->n_hosts));

                if (next + n > c->n_guests)
                        break;
                text_fmt(rule->name, NAME_LEN, "r%zu", k + 1);
                rule->strict = prng_chance(r, 50);
                rule->kind = prng_chance(r, 60)   ? RULE_SEPARATE
                             : prng_chance(r, 50) ? RULE_PREFER
                                                  : RULE_AVOID;
                for (size_t i = 0; i < n; i++, next++)
                        text_fmt(rule->guests + strlen(rule->guests),
                                 sizeof(rule->guests) - strlen(rule->guests), "%s%s", i ? " " : "",
                                 c->guests[next].name);
                if (rule->kind != RULE_SEPARATE) {
                        rule->strict = false;
                        text_set(rule->hosts, sizeof(rule->hosts),
                                 c->hosts[prng_below(r, c->n_hosts)].name);
                }
                c->n_rules++;
        }
}

static void make_cluster(struct sim_conf *c, struct prng *r, uint64_t seed) {
        sim_conf_init(c);
        c->seed = seed;
        c->detect_usec = prng_range(r, 400, 3000) * MS;
        c->fence_usec = prng_range(r, 500, 4000) * MS;
        c->boot_usec = prng_range(r, 5, 25) * SEC;
        c->second_line = prng_chance(r, 50);
        c->excuse_lies = true;
        c->config.heartbeat_usec = prng_range(r, 1, 3) * SEC;
        c->config.daemon_grace_usec = prng_range(r, 7, 30) * SEC;
        c->config.fence_check_usec = prng_range(r, 20, 60) * SEC;
        c->config.fence_retry_max_usec = prng_range(r, 10, 60) * SEC;
        make_hosts(c, r);
        make_guests(c, r);
        make_rules(c, r);
        if (seed % 16 == 0)
                c->recode = through_wire;
}

/* ---- the faults ---- */

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

static void add(struct plan *p, usec_t at, enum fault_kind kind, int host, int guest,
                uint64_t arg) {
        if (p->n_faults < PLAN_FAULTS_MAX)
                p->faults[p->n_faults++] = (struct fault){
                        .at = at, .kind = kind, .host = host, .guest = guest, .arg = arg};
        p->faults_end = MAX(p->faults_end, at);
}

static void power_fault(struct plan *p, struct prng *r, usec_t t, int h) {
        switch (prng_below(r, 6)) {
        case 0:
                add(p, t, FAULT_POWER_RESET, h, -1, 0);
                return;
        case 1: /* with its BMC; somebody may look and say so */
                add(p, t, FAULT_BMC, h, -1, BMC_DEAD);
                add(p, t + prng_below(r, 50 * MS), FAULT_POWER_OFF, h, -1, 0);
                if (prng_chance(r, 60))
                        add(p, t + prng_range(r, 5, 40) * SEC, FAULT_CONFIRM_TRUE, h, -1, 0);
                break;
        default:
                add(p, t, FAULT_POWER_OFF, h, -1, 0);
        }
        if (prng_chance(r, 50))
                add(p, t + gap(r) + gap(r), FAULT_POWER_ON, h, -1, 0);
}

static void link_fault(struct plan *p, struct prng *r, usec_t t, int h) {
        uint64_t mask = prng_below(r, UINT64_C(1) << p->conf.n_hosts);

        if (prng_chance(r, 30)) {
                add(p, t, FAULT_NET_SPLIT, -1, -1, mask);
                if (prng_chance(r, 70))
                        add(p, t + gap(r), FAULT_NET_SPLIT, -1, -1, 0);
                return;
        }
        add(p, t, FAULT_NET_CUT, h, -1, 0);
        if (prng_chance(r, 30))
                add(p, t + prng_below(r, SEC), FAULT_MGMT_CUT, h, -1, 0);
        if (prng_chance(r, 70))
                add(p, t + gap(r), FAULT_NET_RESTORE, h, -1, 0);
}

static void process_fault(struct plan *p, struct prng *r, usec_t t, int h) {
        uint64_t again = prng_chance(r, 80) ? prng_range(r, 100, 8000) : 0;

        switch (prng_below(r, 6)) {
        case 0:
        case 1:
        case 2:
                add(p, t, FAULT_HAWD_KILL, h, -1, again);
                break;
        case 3:
        case 4:
                add(p, t, FAULT_RING_KILL, h, -1, again);
                break;
        default:
                add(p, t, FAULT_HAWD_STOP, h, -1, 0);
                again = 0;
        }
        if (!again && prng_chance(r, 60))
                add(p, t + gap(r), FAULT_HAWD_START, h, -1, 0);
}

static void libvirt_fault(struct plan *p, struct prng *r, usec_t t, int h) {
        switch (prng_below(r, 3)) {
        case 0:
                add(p, t, FAULT_LIBVIRT_RESTART, h, -1, 0);
                break;
        case 1:
                add(p, t, FAULT_LIBVIRT_HANG, h, -1, 0);
                if (prng_chance(r, 80))
                        add(p, t + gap(r),
                            prng_chance(r, 50) ? FAULT_LIBVIRT_RESUME : FAULT_LIBVIRT_RESTART, h,
                            -1, 0);
                break;
        default:
                add(p, t, FAULT_LIBVIRT_SLOW, h, -1, 1);
                if (prng_chance(r, 60))
                        add(p, t + gap(r) + gap(r), FAULT_LIBVIRT_SLOW, h, -1, 0);
        }
}

static void device_fault(struct plan *p, struct prng *r, usec_t t, int h) {
        switch (prng_below(r, 4)) {
        case 0:
                add(p, t, FAULT_DISK, h, -1, prng_chance(r, 60) ? DISK_SLOW : DISK_FULL);
                if (prng_chance(r, 80))
                        add(p, t + gap(r), FAULT_DISK, h, -1, DISK_OK);
                break;
        case 1:
                add(p, t, FAULT_MGMT_CUT, h, -1, 0);
                if (prng_chance(r, 60))
                        add(p, t + gap(r), FAULT_MGMT_RESTORE, h, -1, 0);
                break;
        default:
                add(p, t, FAULT_BMC, h, -1, prng_range(r, BMC_DEAD, BMC_SLOW));
                if (prng_chance(r, 60))
                        add(p, t + gap(r), FAULT_BMC, h, -1, BMC_OK);
        }
}

static void person(struct plan *p, struct prng *r, usec_t t, int h, int g) {
        static const enum verb verbs[] = {VERB_GUEST_STOP,   VERB_GUEST_START,  VERB_GUEST_START,
                                          VERB_GUEST_MOVE,   VERB_GUEST_MOVE,   VERB_GUEST_PAUSE,
                                          VERB_GUEST_RESUME, VERB_GUEST_IGNORE, VERB_GUEST_DELETE};
        enum verb v = verbs[prng_below(r, ARRAY_SIZE(verbs))];

        if (prng_chance(r, 10)) {
                add(p, t, FAULT_REQUEST, h, -1, VERB_FENCE_HOST);
                return;
        }
        add(p, t, FAULT_REQUEST, v == VERB_GUEST_MOVE ? h : -1, g, v);
}

static void ambush(struct plan *p, struct prng *r, usec_t t) {
        static const uint64_t within[] = {100, 1000, 3000, 20000, 1000000};
        uint64_t arg = prng_below(r, AMBUSH_WHEN_MAX_);

        arg |= prng_below(r, AMBUSH_HOW_MAX_) << 8;
        arg |= (prng_chance(r, 50) ? 0 : prng_below(r, 12)) << 16;
        arg |= prng_below(r, within[prng_below(r, ARRAY_SIZE(within))]) << 24;
        add(p, t, FAULT_AMBUSH, -1, -1, arg);
}

/* S3 at its hardest: a host is away just long enough to be fenced, by slow means, and who fences it
 * falls asleep over that and wakes up late, when nobody could fence the sleeper either. */
static void sleeping_fencer(struct plan *p, struct prng *r, usec_t t, int h) {
        usec_t away = t + p->conf.detect_usec * 23 / 20;

        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                add(p, t, FAULT_BMC, i, -1, i == h ? BMC_SLOW : BMC_DEAD);
        add(p, t, FAULT_AMBUSH, -1, -1,
            AMBUSH_FENCE | AMBUSH_ASLEEP << 8 | prng_below(r, 500 * MS) << 24);
        add(p, t, prng_chance(r, 50) ? FAULT_NET_CUT : FAULT_FREEZE, h, -1, 0);
        away += prng_below(r, 2 * SEC);
        add(p, away, FAULT_NET_RESTORE, h, -1, 0);
        add(p, away, FAULT_THAW, h, -1, 0);
        away += prng_range(r, 1, 90) * SEC;
        for (int i = 0; i < (int)p->conf.n_hosts; i++)
                add(p, away, FAULT_THAW, i, -1, 0);
}

/* Entries that the leader alone has, and a merge before the others have made as many. */
static void lonely_entries(struct plan *p, struct prng *r, usec_t t) {
        size_t n = prng_range(r, 1, 5);

        add(p, t, FAULT_AMBUSH, -1, -1,
            AMBUSH_DECISION | AMBUSH_FLAP << 8 | prng_below(r, 2 * MS) << 24);
        for (size_t i = 0; i < n; i++)
                add(p, t + prng_below(r, 5 * MS), FAULT_GUEST_CRASH, -1,
                    (int)prng_below(r, p->conf.n_guests), 0);
}

static void one_fault(struct plan *p, struct prng *r, usec_t t) {
        int h = (int)prng_below(r, p->conf.n_hosts), g = (int)prng_below(r, p->conf.n_guests);
        uint64_t k = prng_below(r, 135);

        if (k >= 130) {
                sleeping_fencer(p, r, t, h);
        } else if (k >= 125) {
                lonely_entries(p, r, t);
        } else if (k >= 100) {
                ambush(p, r, t);
        } else if (k < 20) {
                power_fault(p, r, t, h);
        } else if (k < 34) {
                add(p, t, FAULT_FREEZE, h, -1, 0);
                if (prng_chance(r, 70))
                        add(p, t + gap(r), FAULT_THAW, h, -1, 0);
        } else if (k < 48) {
                link_fault(p, r, t, h);
        } else if (k < 62) {
                process_fault(p, r, t, h);
        } else if (k < 72) {
                libvirt_fault(p, r, t, h);
        } else if (k < 82) {
                device_fault(p, r, t, h);
        } else if (k < 90) {
                add(p, t, prng_chance(r, 75) ? FAULT_GUEST_CRASH : FAULT_GUEST_SHUTDOWN, -1, g, 0);
        } else if (k < 97) {
                person(p, r, t, h, g);
        } else {
                add(p, t, prng_chance(r, 50) ? FAULT_REBOOT : FAULT_SHUTDOWN, h, -1, 0);
        }
}

void plan_make(uint64_t seed, struct plan *ret) {
        struct prng r;
        size_t n;
        usec_t t = SEC;

        memset(ret, 0, sizeof(*ret));
        prng_init(&r, seed, 7);
        make_cluster(&ret->conf, &r, seed);
        n = prng_range(&r, 1, 16);
        for (size_t i = 0; i < n; i++) {
                t += gap(&r);
                one_fault(ret, &r, t);
        }
}
