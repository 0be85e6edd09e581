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
#define DAY (24 * 60 * USEC_PER_MINUTE)

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
        static const size_t sizes[] = {2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 7};
        bool drift = prng_chance(r, 50), wrong = prng_chance(r, 20), second = prng_chance(r, 30);

        c->n_hosts = sizes[prng_below(r, ARRAY_SIZE(sizes))];
        for (size_t i = 0; i < c->n_hosts; i++) {
                struct sim_host_conf *h = &c->hosts[i];

                text_fmt(h->name, NAME_LEN, "node%zu", i + 1);
                h->vcpus = 32;
                h->memory_mib = 65536;
                h->wall_offset = (int64_t)prng_below(r, 200 * MS) - (int64_t)(100 * MS);
                if (wrong && prng_chance(r, 50))
                        h->wall_offset = (int64_t)prng_below(r, 20 * DAY) - (int64_t)(10 * DAY);
                if (drift)
                        h->drift_ppm = (int32_t)prng_below(r, 20001) - 10000;
                if (second && prng_chance(r, 60))
                        h->second = prng_chance(r, 60) ? SECOND_SUPPLY : SECOND_LEVEL;
                sim_conf_host(c, i);
        }
}

/* Two-host rings and their relatives, where majorities alone do not say who may decide. */
static void make_quorum(struct sim_conf *c, struct prng *r) {
        struct sim_quorum *q = &c->quorum;
        uint64_t k = prng_below(r, 100);

        if (c->n_hosts == 2) {
                q->two_node = k < 70;
                q->wait_for_all = k < 60 || k >= 95;
                q->qdevice = k >= 70 && k < 85;
                return;
        }
        q->wait_for_all = k < 25;
        q->last_man_standing = k >= 10 && k < 30;
        q->auto_tie_breaker = k >= 20 && k < 38;
        q->qdevice = k >= 38 && k < 50 && c->n_hosts % 2 == 0;
        q->window_usec = prng_range(r, 3, 12) * SEC;
}

/* Some are only added to the nodelist later. */
static void make_newcomers(struct sim_conf *c, struct prng *r) {
        if (c->n_hosts < 4 || !prng_chance(r, 20))
                return;
        for (size_t i = c->n_hosts - prng_range(r, 1, 2); i < c->n_hosts; i++)
                c->hosts[i].unlisted = c->hosts[i].power_off = true;
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
                g->conf.hang_after_usec = 20 * SEC;
                g->host = prng_chance(r, 90) ? (int)prng_below(r, c->n_hosts) : -1;
                if (g->host >= 0 && c->hosts[g->host].power_off)
                        g->host = -1;
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
                size_t n = prng_range(r, 2, MAX(2, c->n_hosts - MIN(c->n_hosts, 3)));

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
        if (prng_chance(r, 80))
                c->config.fence_limit = 0; /* most are lost often here */
        make_hosts(c, r);
        make_quorum(c, r);
        make_newcomers(c, r);
        make_guests(c, r);
        make_rules(c, r);
        if (seed % 16 == 0)
                c->recode = through_wire;
}

/* By luck of its own: clusters without watchdogs stay as they were. */
static bool make_watchdogs(struct sim_conf *c, struct prng *w) {
        bool drift = prng_chance(w, 60);

        if (!prng_chance(w, 35))
                return false;
        c->config.watchdog_timeout_usec = prng_range(w, 2, 12) * SEC;
        c->config.lease_usec = config_silent_limit(&c->config) + 2 * c->config.heartbeat_usec +
                               prng_below(w, 10) * SEC;
        for (size_t i = 0; i < c->n_hosts; i++) {
                struct sim_host_conf *h = &c->hosts[i];

                h->watchdog = prng_chance(w, 85);
                if (h->watchdog)
                        text_set(c->config.hosts[i].watchdog, sizeof(c->config.hosts[i].watchdog),
                                 "/dev/watchdog0");
                if (drift) {
                        h->dog_permille = (int32_t)prng_below(w, 101) - 50;
                        h->drift_ppm = (int32_t)prng_below(w, 20001) - 10000;
                }
        }
        return true;
}

/* The same. Most hosts look at their storage, too. */
static bool make_health(struct sim_conf *c, struct prng *r) {
        if (!prng_chance(r, 50))
                return false;
        c->config.degraded_after_usec = prng_range(r, 1, 10) * SEC;
        c->config.well_after_usec = prng_range(r, 1, 10) * SEC;
        c->config.sensor_check_usec = prng_range(r, 5, 30) * SEC;
        if (prng_chance(r, 50))
                c->config.proactive = PROACTIVE_EVACUATE;
        if (prng_chance(r, 70))
                text_set(c->config.storage_paths, sizeof(c->config.storage_paths), "/srv");
        return true;
}

static bool in_rules(const struct sim_conf *c, const char *guest) {
        for (size_t i = 0; i < c->n_rules; i++) {
                const char *at = strstr(c->rules[i].guests, guest);
                size_t len = strlen(guest);

                for (; at; at = strstr(at + 1, guest))
                        if ((at == c->rules[i].guests || at[-1] == ' ') &&
                            (at[len] == ' ' || at[len] == '\0'))
                                return true;
        }
        return false;
}

/* By luck of its own, too. Their disks are on one host only, so all of them must fit there. */
static bool make_replicas(struct sim_conf *c, struct prng *w) {
        static const enum replica_mode modes[] = {REPLICA_MODE_SYNC, REPLICA_MODE_SYNC,
                                                  REPLICA_MODE_ASYNC, REPLICA_MODE_DRBD};
        size_t made = 0;

        if (!prng_chance(w, 40))
                return false;
        c->config.replica_hold_usec = prng_range(w, 20, 200) * SEC;
        for (size_t i = 0; i < c->n_guests; i++) {
                struct sim_guest_conf *g = &c->guests[i];
                struct conf_replica *r = &g->conf.replica;
                size_t to = prng_below(w, c->n_hosts);

                g->memory_mib = MIN(g->memory_mib, 1024);
                g->vcpus = 1;
                if (g->host < 0 || (size_t)g->host == to || c->hosts[to].unlisted || made == 4 ||
                    in_rules(c, g->name))
                        continue;
                made++;
                r->mode = modes[prng_below(w, ARRAY_SIZE(modes))];
                text_set(r->host, NAME_LEN, c->hosts[to].name);
                if (r->mode == REPLICA_MODE_DRBD)
                        text_set(r->resource, NAME_LEN, g->name);
                g->conf.replica_lag_usec = prng_range(w, 10, 60) * SEC;
                g->conf.replica_loss_usec = prng_chance(w, 50) ? 0 : prng_range(w, 10, 200) * SEC;
                if (prng_chance(w, 50))
                        g->conf.recovery[2] = RUNG_REPLICA;
        }
        return made > 0;
}

/* The same: snapshots by schedule and by hand, and rollbacks by both. */
static bool make_snapshots(struct sim_conf *c, struct prng *r) {
        if (!prng_chance(r, 40))
                return false;
        for (size_t i = 0; i < c->n_guests; i++) {
                struct conf_guest *g = &c->guests[i].conf;

                if (g->replica.mode != REPLICA_MODE_NONE)
                        continue;
                if (prng_chance(r, 50))
                        text_set(g->snapshot, sizeof(g->snapshot), "1min");
                g->snapshot_kind = prng_chance(r, 30) ? SNAPSHOT_INTERNAL : SNAPSHOT_EXTERNAL;
                if (prng_chance(r, 60))
                        g->snapshot_keep =
                                (struct conf_keep){.last = (uint32_t)prng_range(r, 1, 2)};
                if (prng_chance(r, 50)) {
                        bool first = prng_chance(r, 50);

                        g->recovery[0] = first ? RUNG_ROLLBACK : RUNG_RESTART;
                        g->recovery[1] = first ? RUNG_RESTART : RUNG_ROLLBACK;
                        g->recovery[2] = RUNG_RELOCATE;
                        g->rollback_limit = (uint32_t)prng_range(r, 1, 3);
                }
                if (prng_chance(r, 30))
                        g->snapshot_left_usec = prng_range(r, 1, 60) * SEC;
        }
        return true;
}

void plan_make(uint64_t seed, struct plan *ret) {
        struct prng r, w, h;

        memset(ret, 0, sizeof(*ret));
        ret->seed = seed;
        prng_init(&r, seed, 7);
        make_cluster(&ret->conf, &r, seed);
        plan_faults(ret, &r);
        prng_init(&w, seed, 17);
        if (make_watchdogs(&ret->conf, &w))
                plan_dog_faults(ret, &w);
        prng_init(&h, seed, 19);
        if (make_health(&ret->conf, &h))
                plan_health_faults(ret, &h);
        prng_init(&w, seed, 27);
        if (make_replicas(&ret->conf, &w))
                plan_copy_faults(ret, &w);
        prng_init(&h, seed, 23);
        if (make_snapshots(&ret->conf, &h))
                plan_snap_faults(ret, &h);
}
