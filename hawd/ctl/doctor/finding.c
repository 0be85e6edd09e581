/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/doctor/finding.h"

#include <stdarg.h>

void findings_clear(struct findings *f) {
        free(f->list);
        *f = (struct findings){0};
}

const char *severity_name(enum severity s) {
        static const char *const names[] = {
                [SEVERITY_OK] = "ok",
                [SEVERITY_NOTE] = "note",
                [SEVERITY_WARNING] = "warning",
                [SEVERITY_BAD] = "bad",
        };

        return names[s];
}

__attribute__((format(printf, 4, 0))) static void
add(struct findings *f, const char *host, enum severity s, const char *fmt, va_list ap) {
        struct finding *x;

        if (f->n == f->cap) {
                f->cap = MAX((size_t)64, 2 * f->cap);
                f->list = xreallocarray(f->list, f->cap, sizeof(*f->list));
        }
        x = &f->list[f->n++];
        *x = (struct finding){.severity = s, .check = f->check};
        text_set(x->host, sizeof(x->host), host);
        (void)vsnprintf(x->text, sizeof(x->text), fmt, ap); /* cut when too long */
}

void found(struct findings *f, enum severity s, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add(f, f->host, s, fmt, ap);
        va_end(ap);
}

void found_on(struct findings *f, const char *host, enum severity s, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        add(f, host, s, fmt, ap);
        va_end(ap);
}

void mend(struct findings *f, const char *fmt, ...) {
        struct finding *x = &f->list[f->n - 1];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(x->mend, sizeof(x->mend), fmt, ap); /* cut when too long */
        va_end(ap);
}

bool not_known(struct findings *f, const json_t *part, const char *what) {
        if (json_is_object(part) && jnull(part, "error"))
                return false;
        if (json_is_object(part))
                found(f, SEVERITY_NOTE, "not known: %s: because %s", what, jtext(part, "error"));
        else
                found(f, SEVERITY_NOTE,
                      "not known: %s: because the host says nothing of it (another version of "
                      "hawd-facts?)",
                      what);
        return true;
}

const json_t *part_of(const json_t *facts, const char *path) {
        const json_t *j = facts;
        char key[NAME_LEN];

        while (j && *path) {
                size_t n = strcspn(path, "/");

                text_fmt(key, sizeof(key), "%.*s", (int)n, path);
                j = json_object_get(j, key);
                path += n + (path[n] == '/');
        }
        return j;
}

const json_t *row_of(const json_t *list, const char *key, const char *value) {
        const json_t *j;
        size_t i;

        json_array_foreach(list, i, j) if (strcmp(jtext(j, key), value) == 0) return j;
        return NULL;
}

const json_t *guest_of(const json_t *exam, const char *name) {
        return row_of(json_object_get(exam, "guests"), "name", name);
}

const json_t *replica_of(const json_t *exam, const char *guest) {
        return row_of(json_object_get(exam, "replicas"), "guest", guest);
}

static bool among(const json_t *list, const char *name) {
        const json_t *j;
        size_t i;

        json_array_foreach(list, i, j) if (strcmp(jword(j), name) == 0) return true;
        return false;
}

bool may_run(const json_t *exam, const char *guest, const char *host) {
        const json_t *rule;
        size_t i;

        json_array_foreach(json_object_get(exam, "rules"), i, rule) {
                const char *kind = jtext(rule, "kind");
                bool named = among(json_object_get(rule, "hosts"), host);

                if (!jbool(rule, "strict") || !among(json_object_get(rule, "guests"), guest))
                        continue;
                if ((strcmp(kind, "require") == 0 && !named) ||
                    (strcmp(kind, "avoid") == 0 && named))
                        return false;
        }
        return true;
}
