/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/doctor/print.h"

#include "hawd/ctl/text.h"

size_t findings_count(const struct findings *f, enum severity s) {
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++)
                n += f->list[i].severity == s;
        return n;
}

static bool same(const struct finding *a, const struct finding *b) {
        return a->severity == b->severity && a->check == b->check &&
               strcmp(a->text, b->text) == 0 && strcmp(a->mend, b->mend) == 0;
}

/* "node1, node2" of all that say what finding @i says; false: an earlier one said it already. */
static bool hosts_of(const struct findings *f, size_t i, char *buf, size_t size) {
        size_t n = 0;

        for (size_t k = 0; k < i; k++)
                if (same(&f->list[k], &f->list[i]))
                        return false;
        buf[0] = '\0';
        for (size_t k = i; k < f->n; k++) {
                if (!same(&f->list[k], &f->list[i]) || !f->list[k].host[0])
                        continue;
                text_fmt(buf + n, size - n, "%s%s", n ? ", " : "", f->list[k].host);
                n += strlen(buf + n);
        }
        return true;
}

static void print_one(const struct ctl *ctl, const struct finding *x, const char *hosts) {
        static const enum ctl_color colors[] = {
                [SEVERITY_OK] = COLOR_GOOD,
                [SEVERITY_NOTE] = COLOR_DIM,
                [SEVERITY_WARNING] = COLOR_WARN,
                [SEVERITY_BAD] = COLOR_BAD,
        };

        printf("%s%-8s%s %s: %s [%s]\n", color_on(ctl, colors[x->severity]),
               severity_name(x->severity), color_off(ctl), hosts[0] ? hosts : "cluster", x->text,
               x->check);
        if (x->mend[0])
                printf("%-8s mend: %s\n", "", x->mend);
}

void doctor_print(const struct ctl *ctl, const struct findings *f, bool all) {
        size_t n[SEVERITY_MAX_] = {0};

        for (int s = SEVERITY_BAD; s >= SEVERITY_OK; s--)
                for (size_t i = 0; i < f->n; i++) {
                        char hosts[CELL_LEN];

                        if (f->list[i].severity != (enum severity)s ||
                            !hosts_of(f, i, hosts, sizeof(hosts)))
                                continue;
                        n[s]++;
                        if (all || s > SEVERITY_OK)
                                print_one(ctl, &f->list[i], hosts);
                }
        printf("bad: %zu, warnings: %zu, notes: %zu, ok: %zu\n", n[SEVERITY_BAD],
               n[SEVERITY_WARNING], n[SEVERITY_NOTE], n[SEVERITY_OK]);
}

static json_t *text_or_null(const char *s) {
        return *s ? json_string(s) : json_null();
}

json_t *doctor_json(const struct findings *f, const json_t *hosts) {
        json_t *list = json_array();

        for (size_t i = 0; i < f->n; i++) {
                const struct finding *x = &f->list[i];

                json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:o,s:o}", "severity",
                                                      severity_name(x->severity), "check", x->check,
                                                      "host", text_or_null(x->host), "text",
                                                      text_or_null(x->text), "mend",
                                                      text_or_null(x->mend)));
        }
        return json_pack("{s:o,s:I,s:I,s:I,s:I,s:O}", "findings", list, "bad",
                         (json_int_t)findings_count(f, SEVERITY_BAD), "warnings",
                         (json_int_t)findings_count(f, SEVERITY_WARNING), "notes",
                         (json_int_t)findings_count(f, SEVERITY_NOTE), "ok",
                         (json_int_t)findings_count(f, SEVERITY_OK), "hosts", hosts);
}
