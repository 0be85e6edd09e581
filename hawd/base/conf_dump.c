/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The canonical text of a configuration, and its hash. */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/base/conf_keys.h"

struct text {
        char *data;
        size_t len, size;
};

static void add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add(struct text *t, const char *fmt, ...) {
        char line[1024];
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(line, sizeof(line), fmt, ap);
        va_end(ap);
        assert(n >= 0 && (size_t)n < sizeof(line));
        if (t->len + (size_t)n >= t->size) {
                t->size = 2 * t->size + sizeof(line);
                t->data = xreallocarray(t->data, t->size, 1);
        }
        memcpy(t->data + t->len, line, (size_t)n + 1);
        t->len += (size_t)n;
}

/* In as many lines as it takes: a line that is read has a bound, a list has a wider one. */
static void add_list(struct text *t, const char *key, const char *list) {
        while (*list != '\0') {
                size_t len = strlen(list);

                if (len > CONF_LINE_MAX) {
                        len = CONF_LINE_MAX;
                        while (len > 0 && list[len] != ' ')
                                len--;
                        if (len == 0)
                                len = strcspn(list, " ");
                }
                add(t, "%s = %.*s\n", key, (int)len, list);
                list += len + strspn(list + len, " ");
        }
}

static void add_section(struct text *t, const struct conf_section *s, const char *name,
                        const void *base) {
        char value[CONF_VALUE_MAX];

        if (s->named)
                add(t, "%s[%s %s]\n", t->len > 0 ? "\n" : "", s->name, name);
        else
                add(t, "%s[%s]\n", t->len > 0 ? "\n" : "", s->name);
        for (size_t i = 0; i < s->n_keys; i++) {
                const struct conf_key *key = &s->keys[i];

                conf_key_format(key, base, value, sizeof(value));
                if (conf_key_is_list(key))
                        add_list(t, key->name, value);
                else if (*value != '\0')
                        add(t, "%s = %s\n", key->name, value);
        }
}

static int compare_hosts(const void *a, const void *b) {
        const struct conf_host *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

static int compare_devices(const void *a, const void *b) {
        const struct conf_device *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

char *config_dump(const struct config *c) {
        const struct conf_host *hosts[HOSTS_MAX];
        const struct conf_device *devices[DEVICES_MAX];
        struct text t = {0};

        /* Sorted by parsing; a caller that filled in the arrays itself gets the same text. */
        for (size_t i = 0; i < c->n_hosts; i++)
                hosts[i] = &c->hosts[i];
        for (size_t i = 0; i < c->n_devices; i++)
                devices[i] = &c->devices[i];
        qsort(hosts, c->n_hosts, sizeof(hosts[0]), compare_hosts);
        qsort(devices, c->n_devices, sizeof(devices[0]), compare_devices);

        add_section(&t, &conf_sections[CONF_CLUSTER], NULL, c);
        add_section(&t, &conf_sections[CONF_GUEST_DEFAULTS], NULL, &c->guest_defaults);
        for (size_t i = 0; i < c->n_hosts; i++)
                add_section(&t, &conf_sections[CONF_HOST], hosts[i]->name, hosts[i]);
        for (size_t i = 0; i < c->n_devices; i++)
                add_section(&t, &conf_sections[CONF_FENCE], devices[i]->name, devices[i]);
        return t.data;
}

uint64_t conf_hash(const struct config *c) {
        _cleanup_(freep) char *text = config_dump(c);

        return hash64(0, text, strlen(text));
}
