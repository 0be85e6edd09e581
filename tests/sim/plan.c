/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan, cut down and shown. */
#include "tests/sim/random.h"

/* ---- cut down ---- */

struct cut {
        const struct plan *from;
        const struct keep *keep;
        int host[SIM_HOSTS_MAX], guest[SIM_GUESTS_MAX]; /* new indexes; -1: dropped */
};

static bool kept(uint64_t mask, size_t i) {
        return i >= 64 || mask >> i & 1;
}

static uint64_t moved(const struct cut *c, uint64_t mask) {
        uint64_t ret = 0;

        for (size_t i = 0; i < c->from->conf.n_hosts; i++)
                if (mask >> i & 1 && c->host[i] >= 0)
                        ret |= UINT64_C(1) << c->host[i];
        return ret;
}

static void cut_hosts(struct cut *c, struct plan *ret) {
        struct sim_conf *to = &ret->conf;

        to->n_hosts = to->config.n_hosts = to->config.n_devices = 0;
        for (size_t i = 0; i < c->from->conf.n_hosts; i++) {
                c->host[i] = kept(c->keep->hosts, i) ? (int)to->n_hosts : -1;
                if (c->host[i] < 0)
                        continue;
                to->hosts[to->n_hosts] = c->from->conf.hosts[i];
                sim_conf_host(to, to->n_hosts++);
        }
}

static void cut_after(const struct cut *c, struct sim_guest_conf *g) {
        uint32_t n = 0;

        for (uint32_t k = 0; k < g->n_after; k++) {
                bool there = false;

                for (size_t i = 0; i < c->from->conf.n_guests; i++)
                        there |= c->guest[i] >= 0 &&
                                 strcmp(c->from->conf.guests[i].name, g->after[k]) == 0;
                if (there && n++ < k)
                        text_set(g->after[n - 1], NAME_LEN, g->after[k]);
        }
        g->n_after = n;
}

static void cut_replica(const struct sim_conf *to, struct sim_guest_conf *g) {
        for (size_t i = 0; i < to->n_hosts; i++)
                if (g->host >= 0 && strcmp(to->hosts[i].name, g->conf.replica.host) == 0)
                        return;
        g->conf.replica = (struct conf_replica){.mode = REPLICA_MODE_NONE};
}

static void cut_guests(struct cut *c, struct plan *ret) {
        struct sim_conf *to = &ret->conf;

        to->n_guests = 0;
        for (size_t i = 0; i < c->from->conf.n_guests; i++)
                c->guest[i] = kept(c->keep->guests, i) ? (int)to->n_guests++ : -1;
        for (size_t i = 0; i < c->from->conf.n_guests; i++) {
                struct sim_guest_conf *g;

                if (c->guest[i] < 0)
                        continue;
                g = &to->guests[c->guest[i]];
                *g = c->from->conf.guests[i];
                g->host = g->host >= 0 ? c->host[g->host] : -1;
                cut_after(c, g);
                cut_replica(to, g);
        }
}

/* A rule about a guest or host that is dropped goes, too. */
static void cut_rules(const struct cut *c, struct plan *ret) {
        struct sim_conf *to = &ret->conf;

        to->n_rules = 0;
        for (size_t i = 0; i < c->from->conf.n_rules; i++) {
                const struct sim_rule_conf *rule = &c->from->conf.rules[i];
                char words[sizeof(rule->guests) + sizeof(rule->hosts) + 2], *save = NULL;
                size_t n = 0, there = 0;

                text_fmt(words, sizeof(words), "%s %s", rule->guests, rule->hosts);
                for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
                        n++;
                        for (size_t k = 0; k < to->n_guests; k++)
                                there += strcmp(to->guests[k].name, w) == 0;
                        for (size_t k = 0; k < to->n_hosts; k++)
                                there += strcmp(to->hosts[k].name, w) == 0;
                }
                if (there == n)
                        to->rules[to->n_rules++] = *rule;
        }
}

static void cut_faults(const struct cut *c, struct plan *ret) {
        ret->n_faults = 0;
        for (size_t i = 0; i < c->from->n_faults; i++) {
                struct fault f = c->from->faults[i];

                if (!kept(c->keep->faults, i) || (f.host >= 0 && c->host[f.host] < 0) ||
                    (f.guest >= 0 && c->guest[f.guest] < 0))
                        continue;
                f.host = f.host >= 0 ? c->host[f.host] : -1;
                f.guest = f.guest >= 0 ? c->guest[f.guest] : -1;
                if (f.kind == FAULT_NET_SPLIT)
                        f.arg = moved(c, f.arg);
                if (f.kind == FAULT_CONFIG)
                        f.arg = (f.arg & 0xffff) | moved(c, f.arg >> 16) << 16;
                ret->faults[ret->n_faults++] = f;
        }
}

void plan_cut(const struct plan *p, const struct keep *keep, struct plan *ret) {
        struct cut c = {.from = p, .keep = keep};

        *ret = *p;
        cut_hosts(&c, ret);
        cut_guests(&c, ret);
        cut_rules(&c, ret);
        cut_faults(&c, ret);
}

/* ---- shown ---- */

static void quorum_text(const struct sim_quorum *q, char *buf, size_t size) {
        text_fmt(buf, size, "%s%s%s%s%s%s", q->two_node ? " two_node" : "",
                 q->wait_for_all && !q->two_node ? " wait_for_all" : "",
                 !q->wait_for_all && q->two_node ? " no_wait_for_all" : "",
                 q->last_man_standing ? " last_man_standing" : "",
                 q->auto_tie_breaker ? " auto_tie_breaker" : "", q->qdevice ? " qdevice" : "");
}

void plan_print(const struct plan *p, const struct keep *keep) {
        char text[256];

        quorum_text(&p->conf.quorum, text, sizeof(text));
        (void)printf("%d hosts, %d guests, detect %" PRIu64 " ms, %s second line%s%s%s\n",
                     __builtin_popcountll(keep->hosts & ((UINT64_C(1) << p->conf.n_hosts) - 1)),
                     __builtin_popcountll(keep->guests & ((UINT64_C(1) << p->conf.n_guests) - 1)),
                     p->conf.detect_usec / 1000, p->conf.second_line ? "with the" : "without a",
                     p->conf.recode ? ", through the wire" : "", text[0] ? ", quorum:" : "", text);
        for (size_t i = 0; i < p->n_faults; i++) {
                const struct fault *f = &p->faults[i];

                if (!kept(keep->faults, i) ||
                    (f->host >= 0 && !kept(keep->hosts, (size_t)f->host)) ||
                    (f->guest >= 0 && !kept(keep->guests, (size_t)f->guest)))
                        continue;
                fault_text(&p->conf, f, text, sizeof(text));
                (void)printf("  %2zu  at %8.3f s  %s\n", i, (double)f->at / 1e6, text);
        }
}

static const char *duration(usec_t t) {
        static char buf[16][40]; /* as many as one call prints */
        static int turn;

        turn = (turn + 1) % 16;
        format_duration(t, buf[turn], sizeof(buf[turn]));
        return buf[turn];
}

static void ini_cluster(const struct sim_conf *c, FILE *out) {
        const struct config *k = &c->config;
        char quorum[256];

        quorum_text(&c->quorum, quorum, sizeof(quorum));
        (void)fprintf(out,
                      "[cluster]\ndetect = %s\nfence-time = %s\nboot-time = %s\nheartbeat = %s\n"
                      "daemon-grace = %s\nfence-check = %s\nfence-retry-max = %s\n",
                      duration(c->detect_usec), duration(c->fence_usec), duration(c->boot_usec),
                      duration(k->heartbeat_usec), duration(k->daemon_grace_usec),
                      duration(k->fence_check_usec), duration(k->fence_retry_max_usec));
        (void)fprintf(out, "watchdog-timeout = %s\nlease = %s\n",
                      duration(k->watchdog_timeout_usec), duration(k->lease_usec));
        (void)fprintf(out,
                      "degraded-after = %s\nwell-after = %s\nstorage-paths = %s\n"
                      "proactive = %s\n",
                      duration(k->degraded_after_usec), duration(k->well_after_usec),
                      k->storage_paths, k->proactive == PROACTIVE_EVACUATE ? "evacuate" : "advise");
        (void)fprintf(out, "replica-hold = %s\n", duration(k->replica_hold_usec));
        if (quorum[0])
                (void)fprintf(out, "quorum =%s\n", quorum);
}

static void ini_host(const struct sim_host_conf *h, FILE *out) {
        (void)fprintf(out, "[host %s]\nvcpus = %u\nmemory = %" PRIu64 "MiB\n", h->name, h->vcpus,
                      h->memory_mib);
        if (h->second != SECOND_NONE)
                (void)fprintf(out, "bmc2 = %s\n", h->second == SECOND_SUPPLY ? "supply" : "level");
        if (h->wall_offset)
                (void)fprintf(
                        out, "clock = %s%s\n", h->wall_offset < 0 ? "-" : "",
                        duration((usec_t)(h->wall_offset < 0 ? -h->wall_offset : h->wall_offset)));
        if (h->drift_ppm)
                (void)fprintf(out, "drift = %d\n", h->drift_ppm);
        if (h->watchdog)
                (void)fprintf(out, "watchdog = yes\n");
        if (h->unlisted)
                (void)fprintf(out, "listed = no\n");
        if (h->power_off)
                (void)fprintf(out, "power = off\n");
}

static void ini_guest(const struct sim_conf *c, const struct sim_guest_conf *g, FILE *out) {
        (void)fprintf(out, "[guest %s]\n", g->name);
        if (g->host >= 0)
                (void)fprintf(out, "host = %s\n", c->hosts[g->host].name);
        (void)fprintf(out,
                      "state = %s\nvcpus = %u\nmemory = %" PRIu64
                      "MiB\nboot = %s\nstart-failures = %u\n"
                      "priority = %d\nstart-timeout = %s\nstop-timeout = %s\n",
                      desired_name(g->desired), g->vcpus, g->memory_mib, duration(g->boot_usec),
                      g->start_failures, g->conf.priority, duration(g->conf.start_timeout_usec),
                      duration(g->conf.stop_timeout_usec));
        (void)fprintf(out, "hang-after = %s\n", duration(g->conf.hang_after_usec));
        if (g->conf.replica.mode != REPLICA_MODE_NONE)
                (void)fprintf(out, "replica = %s %s%s%s\nreplica-lag = %s\nreplica-loss = %s\n",
                              g->conf.replica.host, replica_mode_name(g->conf.replica.mode),
                              g->conf.replica.resource[0] ? " " : "", g->conf.replica.resource,
                              duration(g->conf.replica_lag_usec),
                              duration(g->conf.replica_loss_usec));
        if (g->conf.recovery[2] == RUNG_REPLICA)
                (void)fprintf(out, "recovery = restart relocate replica\n");
        if (g->conf.on_shutdown == ON_SHUTDOWN_RESTART)
                (void)fprintf(out, "on-shutdown = restart\n");
        for (uint32_t i = 0; i < g->n_after; i++)
                (void)fprintf(out, "%s%s%s", i ? "" : "after = ", g->after[i],
                              i + 1 < g->n_after ? " " : "\n");
}

void plan_ini(const struct plan *p, FILE *out) {
        const struct sim_conf *c = &p->conf;
        char text[256];

        ini_cluster(c, out);
        for (size_t i = 0; i < c->n_hosts; i++)
                ini_host(&c->hosts[i], out);
        for (size_t i = 0; i < c->n_guests; i++)
                ini_guest(c, &c->guests[i], out);
        for (size_t i = 0; i < c->n_rules; i++)
                (void)fprintf(out, "[rule %s]\ntype = %s\nguests = %s\n%s%s%sstrict = %s\n",
                              c->rules[i].name, rule_kind_name(c->rules[i].kind),
                              c->rules[i].guests, c->rules[i].hosts[0] ? "hosts = " : "",
                              c->rules[i].hosts, c->rules[i].hosts[0] ? "\n" : "",
                              c->rules[i].strict ? "yes" : "no");
        for (size_t i = 0; i < p->n_faults; i++) {
                fault_text(c, &p->faults[i], text, sizeof(text));
                (void)fprintf(out, "[at %s]\ndo = %s\n", duration(p->faults[i].at), text);
        }
        (void)fprintf(out, "[at %s]\ndo = mend all\n", duration(p->faults_end + 10 * USEC_PER_SEC));
        (void)fprintf(out, "[run]\nend = %s\nseed = %" PRIu64 "\nrare-delays = yes\n",
                      duration(p->faults_end + 10 * USEC_PER_SEC + SETTLE_MAX), c->seed);
}
