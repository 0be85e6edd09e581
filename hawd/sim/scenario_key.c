/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of each section of a scenario. */
#include "hawd/sim/scenario_read.h"

static void later(struct reader *rd, int kind, const char *text) {
        rd->late = xreallocarray(rd->late, rd->n_late + 1, sizeof(rd->late[0]));
        rd->late[rd->n_late] = (struct late){.kind = (__typeof__(rd->late->kind))kind,
                                             .line = rd->line,
                                             .guest = rd->index,
                                             .at = rd->at};
        text_set(rd->late[rd->n_late++].text, sizeof(rd->late->text), text);
}

/* Return: 0, -EINVAL with @err, or -ENOENT for an unknown key. */
static int host_key(struct reader *rd, const char *key, const char *value, char *err) {
        static const char *const modes[] = {"ok", "dead", "lying", "slow", "none"};
        struct sim_host_conf *h = &rd->sc->conf.hosts[rd->index];

        if (strcmp(key, "vcpus") == 0)
                return parse_u32(value, 1, 4096, &h->vcpus, err);
        if (strcmp(key, "memory") == 0)
                return parse_size_mib(value, &h->memory_mib, err);
        if (strcmp(key, "labels") == 0) {
                text_set(h->labels, sizeof(h->labels), value);
                return 0;
        }
        if (strcmp(key, "bmc") == 0) {
                for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                        if (strcmp(modes[i], value) == 0) {
                                h->bmc = (enum bmc_mode)i;
                                return 0;
                        }
                }
                text_set(err, TEXT_LEN, "bmc is ok, dead, lying, slow or none");
                return -EINVAL;
        }
        if (strcmp(key, "watchdog") == 0) {
                if (strcmp(value, "none") == 0)
                        return 0;
                text_set(err, TEXT_LEN, "watchdog: not yet supported (but for none)");
                return -EINVAL;
        }
        if (strcmp(key, "power") == 0) {
                bool on = true;
                int r = parse_bool(value, &on, err);

                h->power_off = !on;
                return r;
        }
        return -ENOENT;
}

static int guest_state_key(struct sim_guest_conf *g, const char *value, char *err) {
        int d = desired_from(value);

        if (d < 0 || d == DESIRED_PAUSED) {
                text_set(err, TEXT_LEN, "state is running, stopped or ignored");
                return -EINVAL;
        }
        g->desired = (enum desired)d;
        return 0;
}

static int guest_key(struct reader *rd, const char *key, const char *value, char *err) {
        struct sim_guest_conf *g = &rd->sc->conf.guests[rd->index];

        if (strcmp(key, "host") == 0 || strcmp(key, "after") == 0) {
                later(rd, *key == 'h' ? LATE_HOST_OF_GUEST : LATE_AFTER, value);
                return 0;
        }
        if (strcmp(key, "state") == 0)
                return guest_state_key(g, value, err);
        if (strcmp(key, "vcpus") == 0)
                return parse_u32(value, 1, 4096, &g->vcpus, err);
        if (strcmp(key, "memory") == 0)
                return parse_size_mib(value, &g->memory_mib, err);
        if (strcmp(key, "boot") == 0)
                return parse_duration(value, &g->boot_usec, err);
        if (strcmp(key, "start-failures") == 0)
                return parse_u32(value, 0, 1000, &g->start_failures, err);
        return guest_conf_set(&g->conf, key, value, err);
}

static void add_word(char *list, size_t size, const char *words) {
        size_t n = strlen(list);

        text_fmt(list + n, size - n, "%s%s", n ? " " : "", words);
}

static int rule_key(struct reader *rd, const char *key, const char *value, char *err) {
        struct sim_rule_conf *r = &rd->sc->conf.rules[rd->index];
        int kind;

        if (strcmp(key, "guests") == 0) {
                add_word(r->guests, sizeof(r->guests), value);
                return 0;
        }
        if (strcmp(key, "hosts") == 0) {
                add_word(r->hosts, sizeof(r->hosts), value);
                return 0;
        }
        if (strcmp(key, "strict") == 0)
                return parse_bool(value, &r->strict, err);
        if (strcmp(key, "type") != 0)
                return -ENOENT;
        kind = rule_kind_from(value);
        if (kind < 0) {
                text_set(err, TEXT_LEN, "type is separate, together, require, prefer or avoid");
                return -EINVAL;
        }
        r->kind = (enum rule_kind)kind;
        return 0;
}

static int run_key(struct reader *rd, const char *key, const char *value, char *err) {
        char *end;

        if (strcmp(key, "end") == 0)
                return parse_duration(value, &rd->sc->end_usec, err);
        if (strcmp(key, "seed") != 0)
                return -ENOENT;
        errno = 0;
        rd->sc->conf.seed = strtoull(value, &end, 10);
        if (errno || *end || end == value || *value == '-') {
                text_fmt(err, TEXT_LEN, "'%.60s' is no seed: use a number", value);
                return -EINVAL;
        }
        return 0;
}

static int cluster_key(struct reader *rd, const char *key, const char *value, char *err) {
        struct sim_conf *c = &rd->sc->conf;

        if (strcmp(key, "detect") == 0)
                return parse_duration(value, &c->detect_usec, err);
        if (strcmp(key, "fence-time") == 0)
                return parse_duration(value, &c->fence_usec, err);
        return config_set(&c->config, "cluster", NULL, key, value, err);
}

int scenario_key(struct reader *rd, const char *key, const char *value, char *err) {
        bool inherited = rd->section == SEC_CLUSTER || rd->section == SEC_DEFAULTS;

        if (rd->section == SEC_NONE || rd->first_pass != inherited)
                return 0;
        switch (rd->section) {
        case SEC_HOST:
                return host_key(rd, key, value, err);
        case SEC_GUEST:
                return guest_key(rd, key, value, err);
        case SEC_RULE:
                return rule_key(rd, key, value, err);
        case SEC_CLUSTER:
                return cluster_key(rd, key, value, err);
        case SEC_DEFAULTS:
                return config_set(&rd->sc->conf.config, "guest-defaults", NULL, key, value, err);
        case SEC_RUN:
                return run_key(rd, key, value, err);
        default:
                if (strcmp(key, "do") != 0)
                        return -ENOENT;
                later(rd, LATE_DO, value);
                return 0;
        }
}
