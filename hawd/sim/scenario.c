/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader. Two passes over the text: what guests inherit is read first, wherever it stands.
 * inih splits keys from values; lines and headings are told apart here, as it gives neither line
 * numbers nor empty sections.
 */
#include <ini.h>
#include <stdarg.h>

#include "hawd/sim/scenario.h"

enum section {
        SEC_NONE,
        SEC_HOST,
        SEC_GUEST,
        SEC_RULE,
        SEC_CLUSTER,
        SEC_DEFAULTS,
        SEC_AT,
        SEC_RUN
};

/** struct reader - a pass over the text; names are looked up when all are known */
struct reader {
        const char *file, *next;
        struct scenario *sc;
        struct conf_errors *errors;
        bool first_pass;
        int line;
        bool wants_key;
        enum section section;
        size_t index; /* of the host, guest or rule */
        usec_t at;
        struct late {
                enum { LATE_HOST_OF_GUEST, LATE_AFTER, LATE_DO } kind;
                int line;
                size_t guest;
                usec_t at;
                char text[256];
        } * late;
        size_t n_late;
};

static void mistake(struct reader *rd, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void mistake(struct reader *rd, int line, const char *fmt, ...) {
        char text[2 * TEXT_LEN];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut message is good enough */
        va_end(ap);
        conf_errors_add(rd->errors, rd->file, line, "%s", text);
}

static void later(struct reader *rd, int kind, const char *text) {
        rd->late = xreallocarray(rd->late, rd->n_late + 1, sizeof(rd->late[0]));
        rd->late[rd->n_late] = (struct late){.kind = (__typeof__(rd->late->kind))kind,
                                             .line = rd->line,
                                             .guest = rd->index,
                                             .at = rd->at};
        text_set(rd->late[rd->n_late++].text, sizeof(rd->late->text), text);
}

/* ---- headings ---- */

static void open_host(struct reader *rd, const char *name) {
        struct sim_conf *c = &rd->sc->conf;
        struct sim_host_conf *h = &c->hosts[c->n_hosts];

        for (size_t i = 0; i < c->n_hosts; i++)
                if (strcmp(c->hosts[i].name, name) == 0)
                        mistake(rd, rd->line, "[host %s] is there already", name);
        if (c->n_hosts == SIM_HOSTS_MAX) {
                mistake(rd, rd->line, "more than %d hosts", SIM_HOSTS_MAX);
                rd->section = SEC_NONE;
                return;
        }
        rd->index = c->n_hosts++;
        *h = (struct sim_host_conf){.vcpus = 16, .memory_mib = 65536};
        text_set(h->name, NAME_LEN, name);
}

static void open_guest(struct reader *rd, const char *name) {
        struct sim_conf *c = &rd->sc->conf;
        struct sim_guest_conf *g = &c->guests[c->n_guests];

        for (size_t i = 0; i < c->n_guests; i++)
                if (strcmp(c->guests[i].name, name) == 0)
                        mistake(rd, rd->line, "[guest %s] is there already", name);
        if (c->n_guests == SIM_GUESTS_MAX) {
                mistake(rd, rd->line, "more than %d guests", SIM_GUESTS_MAX);
                rd->section = SEC_NONE;
                return;
        }
        rd->index = c->n_guests++;
        *g = (struct sim_guest_conf){.host = -1,
                                     .desired = DESIRED_RUNNING,
                                     .vcpus = 2,
                                     .memory_mib = 4096,
                                     .conf = c->config.guest_defaults,
                                     .boot_usec = 20 * USEC_PER_SEC,
                                     .line = rd->line};
        text_set(g->name, NAME_LEN, name);
}

static void open_rule(struct reader *rd, const char *name) {
        struct sim_conf *c = &rd->sc->conf;

        for (size_t i = 0; i < c->n_rules; i++)
                if (strcmp(c->rules[i].name, name) == 0)
                        mistake(rd, rd->line, "[rule %s] is there already", name);
        if (c->n_rules == ARRAY_SIZE(c->rules)) {
                mistake(rd, rd->line, "more than %zu rules", ARRAY_SIZE(c->rules));
                rd->section = SEC_NONE;
                return;
        }
        rd->index = c->n_rules++;
        c->rules[rd->index] = (struct sim_rule_conf){.strict = true, .line = rd->line};
        text_set(c->rules[rd->index].name, NAME_LEN, name);
}

static void open_named(struct reader *rd, const char *kind, const char *name) {
        char err[TEXT_LEN];

        if (rd->section == SEC_AT) {
                if (parse_duration(name, &rd->at, err) < 0 && !rd->first_pass)
                        mistake(rd, rd->line, "[at %s]: %s", name, err);
                return;
        }
        if (rd->first_pass)
                return;
        if (!name_valid(name)) {
                mistake(rd, rd->line, "[%s] needs a name of letters, digits and . _ -", kind);
                rd->section = SEC_NONE;
        } else if (rd->section == SEC_HOST) {
                open_host(rd, name);
        } else if (rd->section == SEC_GUEST) {
                open_guest(rd, name);
        } else {
                open_rule(rd, name);
        }
}

static void read_heading(struct reader *rd, char *s) {
        static const char *const kinds[] = {[SEC_HOST] = "host",
                                            [SEC_GUEST] = "guest",
                                            [SEC_RULE] = "rule",
                                            [SEC_CLUSTER] = "cluster",
                                            [SEC_DEFAULTS] = "guest-defaults",
                                            [SEC_AT] = "at",
                                            [SEC_RUN] = "run"};
        char *end = strchr(s, ']'), *name;

        rd->section = SEC_NONE;
        if (!end) {
                if (!rd->first_pass)
                        mistake(rd, rd->line, "a section without ']'");
                return;
        }
        *end = '\0';
        s++;
        name = s + strcspn(s, " \t");
        if (*name) {
                *name++ = '\0';
                name += strspn(name, " \t");
        }
        for (size_t i = 1; i < ARRAY_SIZE(kinds); i++)
                if (strcmp(kinds[i], s) == 0)
                        rd->section = (enum section)i;
        if (rd->section == SEC_NONE) {
                if (!rd->first_pass)
                        mistake(rd, rd->line, "unknown section [%s]", s);
        } else if (rd->section == SEC_CLUSTER || rd->section == SEC_DEFAULTS ||
                   rd->section == SEC_RUN) {
                if (*name && !rd->first_pass)
                        mistake(rd, rd->line, "[%s] has no name", s);
        } else {
                open_named(rd, s, name);
        }
}

/* ---- keys ---- */

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

static int take_key(struct reader *rd, const char *key, const char *value, char *err) {
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

static int on_key(void *self, const char *section, const char *name, const char *value) {
        struct reader *rd = self;
        char err[TEXT_LEN] = "";
        int r = take_key(rd, name, value, err);

        (void)section; /* headings are not given to inih */
        rd->wants_key = false;
        if (r == -ENOENT && !err[0])
                mistake(rd, rd->line, "unknown key '%s'", name);
        else if (r < 0)
                mistake(rd, rd->line, "%s", err);
        return 1;
}

static void settle_line(struct reader *rd) {
        if (rd->wants_key && !rd->first_pass)
                mistake(rd, rd->line, "neither 'key = value' nor a [section]");
        rd->wants_key = false;
}

/* As fgets(): the next line for inih, "\n" where there is nothing for it. */
static char *next_line(char *buf, int size, void *self) {
        struct reader *rd = self;
        const char *s = rd->next;
        size_t len = strcspn(s, "\n");

        settle_line(rd);
        if (*s == '\0')
                return NULL;
        rd->line++;
        rd->next += len + (s[len] == '\n');
        for (; len > 0 && strchr(" \t", *s); len--)
                s++;
        for (; len > 0 && strchr(" \t\r", s[len - 1]);)
                len--;
        if (len >= (size_t)size - 2) {
                if (!rd->first_pass)
                        mistake(rd, rd->line, "a line of %zu characters, %d are read", len,
                                size - 3);
                len = 0;
        }
        memcpy(buf, s, len);
        buf[len] = '\0';
        if (*buf == '[') {
                read_heading(rd, buf);
                *buf = '\0';
        }
        rd->wants_key = *buf && *buf != ';' && *buf != '#';
        text_fmt(buf + strlen(buf), 2, "\n");
        return buf;
}

/* ---- names ---- */

static int host_named(const struct sim_conf *c, const char *name) {
        for (size_t i = 0; i < c->n_hosts; i++)
                if (strcmp(c->hosts[i].name, name) == 0)
                        return (int)i;
        return -1;
}

static void resolve_after(struct reader *rd, const struct late *l) {
        struct sim_conf *c = &rd->sc->conf;
        struct sim_guest_conf *g = &c->guests[l->guest];
        char words[256], *save = NULL;

        text_set(words, sizeof(words), l->text);
        for (char *w = strtok_r(words, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
                bool known = false;

                for (size_t i = 0; i < c->n_guests; i++)
                        known = known || strcmp(c->guests[i].name, w) == 0;
                if (!known)
                        mistake(rd, l->line, "after: there is no guest %s", w);
                else if (g->n_after == ARRAY_SIZE(g->after))
                        mistake(rd, l->line, "after: more than %zu", ARRAY_SIZE(g->after));
                else
                        text_set(g->after[g->n_after++], NAME_LEN, w);
        }
}

static void resolve(struct reader *rd, const struct late *l) {
        struct sim_conf *c = &rd->sc->conf;
        struct fault f;
        char err[TEXT_LEN];

        switch (l->kind) {
        case LATE_HOST_OF_GUEST:
                c->guests[l->guest].host = host_named(c, l->text);
                if (c->guests[l->guest].host < 0)
                        mistake(rd, l->line, "there is no host %s", l->text);
                break;
        case LATE_AFTER:
                resolve_after(rd, l);
                break;
        case LATE_DO:
                if (scenario_verb(c, l->text, &f, err) < 0) {
                        mistake(rd, l->line, "%s", err);
                        break;
                }
                f.at = l->at;
                rd->sc->faults = xreallocarray(rd->sc->faults, rd->sc->n_faults + 1, sizeof(f));
                rd->sc->faults[rd->sc->n_faults++] = f;
                break;
        }
}

static void give_hosts(struct sim_conf *c) {
        for (size_t i = 0; i < c->n_hosts; i++)
                sim_conf_host(c, i);
}

int scenario_parse(const char *file, const char *text, struct scenario *ret,
                   struct conf_errors *errors) {
        struct reader rd = {.file = file, .sc = ret, .errors = errors};
        size_t before = errors->n;

        memset(ret, 0, sizeof(*ret));
        sim_conf_init(&ret->conf);
        ret->conf.calm = true;
        ret->conf.seed = 1;
        ret->end_usec = 720 * USEC_PER_SEC;
        for (int pass = 1; pass <= 2; pass++) {
                rd.first_pass = pass == 1;
                rd.next = text;
                rd.line = 0;
                rd.section = SEC_NONE;
                (void)ini_parse_stream(next_line, &rd, on_key, &rd); /* mistakes are kept here */
                settle_line(&rd);
        }
        for (size_t i = 0; i < rd.n_late; i++)
                resolve(&rd, &rd.late[i]);
        free(rd.late);
        if (ret->conf.n_hosts == 0)
                mistake(&rd, rd.line, "there is no [host NAME]");
        give_hosts(&ret->conf);
        return (int)(errors->n - before);
}

void scenario_clear(struct scenario *sc) {
        free(sc->faults);
        *sc = (struct scenario){0};
}
