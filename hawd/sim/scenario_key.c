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

/* "2h", or "-2h" for one that is behind. */
static int clock_key(const char *value, int64_t *ret, char *err) {
        bool behind = *value == '-';
        usec_t t;

        if (parse_duration(value + behind, &t, err) < 0)
                return -EINVAL;
        *ret = behind ? -(int64_t)t : (int64_t)t;
        return 0;
}

static int drift_key(const char *value, int32_t *ret, char *err) {
        bool slow = *value == '-';
        uint32_t ppm;

        if (parse_u32(value + slow, 0, 10000, &ppm, err) < 0)
                return -EINVAL;
        *ret = slow ? -(int32_t)ppm : (int32_t)ppm;
        return 0;
}

static int word_key(const char *value, const char *const *words, int n, int *ret, char *err) {
        char all[TEXT_LEN] = "";

        for (int i = 0; i < n; i++) {
                if (strcmp(words[i], value) == 0) {
                        *ret = i;
                        return 0;
                }
                text_fmt(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
                         i == 0       ? ""
                         : i + 1 == n ? " or "
                                      : ", ",
                         words[i]);
        }
        text_set(err, TEXT_LEN, all);
        return -EINVAL;
}

static int bool_key(const char *value, bool *ret, bool not, char *err) {
        bool b = *ret != not ;
        int r = parse_bool(value, &b, err);

        *ret = b != not ;
        return r;
}

static int device_key(const char *key, const char *value, struct sim_host_conf *h, char *err) {
        static const char *const modes[] = {"ok", "dead", "lying", "slow", "none"};
        static const char *const seconds[] = {"none", "supply", "level"};
        char text[TEXT_LEN];
        int w = 0, r;

        if (key[3])
                r = word_key(value, seconds, ARRAY_SIZE(seconds), &w, text);
        else
                r = word_key(value, modes, ARRAY_SIZE(modes), &w, text);
        if (r < 0)
                text_fmt(err, TEXT_LEN, "%s is %.150s", key, text);
        else if (key[3])
                h->second = (enum second_device)w;
        else
                h->bmc = (enum bmc_mode)w;
        return r;
}

/* Return: 0, -EINVAL with @err, or -ENOENT for an unknown key. */
static int host_key(struct reader *rd, const char *key, const char *value, char *err) {
        struct sim_host_conf *h = &rd->sc->conf.hosts[rd->index];

        if (strcmp(key, "vcpus") == 0)
                return parse_u32(value, 1, 4096, &h->vcpus, err);
        if (strcmp(key, "memory") == 0)
                return parse_size_mib(value, &h->memory_mib, err);
        if (strcmp(key, "labels") == 0) {
                text_set(h->labels, sizeof(h->labels), value);
                return 0;
        }
        if (strcmp(key, "bmc") == 0 || strcmp(key, "bmc2") == 0)
                return device_key(key, value, h, err);
        if (strcmp(key, "clock") == 0)
                return clock_key(value, &h->wall_offset, err);
        if (strcmp(key, "drift") == 0)
                return drift_key(value, &h->drift_ppm, err);
        if (strcmp(key, "listed") == 0)
                return bool_key(value, &h->unlisted, true, err);
        if (strcmp(key, "power") == 0)
                return bool_key(value, &h->power_off, true, err);
        if (strcmp(key, "storage") == 0) {
                h->local = strcmp(value, "local") == 0;
                if (h->local || strcmp(value, "shared") == 0)
                        return 0;
                text_set(err, TEXT_LEN, "storage is shared or local");
                return -EINVAL;
        }
        if (strcmp(key, "watchdog") == 0) {
                h->watchdog = strcmp(value, "yes") == 0;
                if (h->watchdog || strcmp(value, "none") == 0)
                        return 0;
                text_set(err, TEXT_LEN, "watchdog is yes or none");
                return -EINVAL;
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
        if (strcmp(key, "rare-delays") == 0)
                return bool_key(value, &rd->sc->conf.calm, true, err);
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

/* The words of corosync.conf's section quorum that are on; two_node brings wait_for_all, as there.
 */
static int quorum_key(const char *value, struct sim_quorum *q, char *err) {
        const struct {
                const char *word;
                bool *flag;
                bool to;
        } words[] = {
                {"two_node", &q->two_node, true},
                {"wait_for_all", &q->wait_for_all, true},
                {"no_wait_for_all", &q->wait_for_all, false},
                {"last_man_standing", &q->last_man_standing, true},
                {"auto_tie_breaker", &q->auto_tie_breaker, true},
                {"qdevice", &q->qdevice, true},
        };
        char text[256], *save = NULL;

        text_set(text, sizeof(text), value);
        q->wait_for_all |= strstr(text, "two_node") != NULL;
        for (char *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
                size_t i = 0;

                while (i < ARRAY_SIZE(words) && strcmp(words[i].word, w) != 0)
                        i++;
                if (i == ARRAY_SIZE(words)) {
                        text_fmt(err, TEXT_LEN,
                                 "'%.30s': quorum takes two_node, wait_for_all, no_wait_for_all, "
                                 "last_man_standing, auto_tie_breaker and qdevice",
                                 w);
                        return -EINVAL;
                }
                *words[i].flag = words[i].to;
        }
        return 0;
}

static int cluster_key(struct reader *rd, const char *key, const char *value, char *err) {
        struct sim_conf *c = &rd->sc->conf;

        if (strcmp(key, "detect") == 0)
                return parse_duration(value, &c->detect_usec, err);
        if (strcmp(key, "fence-time") == 0)
                return parse_duration(value, &c->fence_usec, err);
        if (strcmp(key, "boot-time") == 0)
                return parse_duration(value, &c->boot_usec, err);
        if (strcmp(key, "quorum") == 0)
                return quorum_key(value, &c->quorum, err);
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
