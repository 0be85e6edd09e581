/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader. Two passes over the text: what guests inherit is read first, wherever it stands.
 * inih splits keys from values; lines and headings are told apart here, as it gives neither line
 * numbers nor empty sections.
 */
#include <ini.h>
#include <stdarg.h>

#include "hawd/sim/scenario_read.h"

static void mistake(struct reader *rd, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void mistake(struct reader *rd, int line, const char *fmt, ...) {
        char text[2 * TEXT_LEN];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut message is good enough */
        va_end(ap);
        conf_errors_add(rd->errors, rd->file, line, "%s", text);
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
        if (c->n_rules == SIM_RULES_MAX) {
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

static int on_key(void *self, const char *section, const char *name, const char *value) {
        struct reader *rd = self;
        char err[TEXT_LEN] = "";
        int r = scenario_key(rd, name, value, err);

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
