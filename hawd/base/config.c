/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The typed configuration as a thing: defaults, entries by name, one key at a time. */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/base/conf_keys.h"

#define SILENT_MIN_USEC (5 * USEC_PER_SEC)
#define SILENT_HEARTBEATS 5

void conf_errors_add(struct conf_errors *e, const char *file, int line, const char *fmt, ...) {
        char message[2 * TEXT_LEN], *text;
        size_t size = strlen(file) + sizeof(message) + 16;
        va_list ap;

        va_start(ap, fmt);
        if (vsnprintf(message, sizeof(message), fmt, ap) < 0)
                message[0] = '\0';
        va_end(ap);
        text = xcalloc(size, 1);
        if (line > 0)
                text_fmt(text, size, "%s:%d: %s", file, line, message);
        else
                text_fmt(text, size, "%s: %s", file, message);
        e->lines = xreallocarray(e->lines, e->n + 1, sizeof(*e->lines));
        e->lines[e->n++] = text;
}

void conf_errors_clear(struct conf_errors *e) {
        for (size_t i = 0; i < e->n; i++)
                free(e->lines[i]);
        free(e->lines);
        *e = (struct conf_errors){0};
}

void conf_guest_defaults(struct conf_guest *c) {
        conf_keys_default(&conf_sections[CONF_GUEST_DEFAULTS], c);
}

void config_defaults(struct config *c) {
        memset(c, 0, sizeof(*c));
        conf_keys_default(&conf_sections[CONF_CLUSTER], c);
        conf_guest_defaults(&c->guest_defaults);
        c->hash = conf_hash(c);
}

const struct conf_host *config_host(const struct config *c, const char *name) {
        for (size_t i = 0; i < c->n_hosts; i++)
                if (strcmp(c->hosts[i].name, name) == 0)
                        return &c->hosts[i];
        return NULL;
}

const struct conf_device *config_device(const struct config *c, const char *name) {
        for (size_t i = 0; i < c->n_devices; i++)
                if (strcmp(c->devices[i].name, name) == 0)
                        return &c->devices[i];
        return NULL;
}

static const char *own_or_common(const char *own, const char *common) {
        const char *list = own && *own ? own : common;

        return strcmp(list, CONF_NONE) == 0 ? "" : list;
}

const char *config_storage_paths(const struct config *c, const char *host) {
        const struct conf_host *h = config_host(c, host);

        return own_or_common(h ? h->storage_paths : NULL, c->storage_paths);
}

const char *config_uplink(const struct config *c, const char *host) {
        const struct conf_host *h = config_host(c, host);

        return own_or_common(h ? h->uplink : NULL, c->uplink);
}

enum proactive config_proactive(const struct config *c, const char *host) {
        const struct conf_host *h = config_host(c, host);

        return h && h->proactive != PROACTIVE_CLUSTER ? h->proactive : c->proactive;
}

struct conf_watchdog config_watchdog(const struct config *c, const char *host) {
        const struct conf_host *h = config_host(c, host);
        const char *path = h && *h->watchdog ? h->watchdog : c->watchdog;
        enum self_fence fence = h && h->self_fence ? h->self_fence : c->self_fence;
        struct conf_watchdog w = {
                .timeout_usec = h && h->watchdog_timeout_usec ? h->watchdog_timeout_usec
                                                              : c->watchdog_timeout_usec,
                .lease_usec = c->lease_usec,
                .allow_softdog = c->allow_softdog == SAID_YES,
                .allow_vm = c->allow_vm_watchdog == SAID_YES,
        };

        if (fence != SELF_FENCE_NEVER && strcmp(path, CONF_NONE) != 0)
                text_set(w.path, sizeof(w.path), path);
        return w;
}

#define LEVELS 9 /* of fence devices */

usec_t config_off_bound(const struct config *c, const char *host) {
        usec_t levels[LEVELS + 1] = {0}, sum = 0, lease;
        struct conf_watchdog w = config_watchdog(c, host);

        for (size_t i = 0; i < c->n_devices; i++)
                if (strcmp(c->devices[i].host, host) == 0 && c->devices[i].level <= LEVELS)
                        levels[c->devices[i].level] =
                                MAX(levels[c->devices[i].level], c->devices[i].timeout_usec);
        for (size_t i = 0; i <= LEVELS; i++)
                sum = usec_add(sum, levels[i]);
        if (sum > 0)
                sum = usec_add(sum, c->kdump_wait_usec);
        lease = usec_add(w.lease_usec, usec_add(w.timeout_usec, w.timeout_usec));
        return w.path[0] ? MAX(sum, usec_add(lease, lease / 10)) : sum;
}

usec_t config_hold_least(const struct config *c) {
        usec_t most = 0;

        for (size_t i = 0; i < c->n_hosts; i++)
                most = MAX(most, config_off_bound(c, c->hosts[i].name));
        for (size_t i = 0; i < c->n_devices; i++)
                most = MAX(most, config_off_bound(c, c->devices[i].host));
        /* 9 of 20 parts of it count, up to a second. */
        return most ? usec_add(most / 9 * 20, USEC_PER_SEC) : 0;
}

usec_t config_silent_limit(const struct config *c) {
        return MIN(MAX(SILENT_MIN_USEC, SILENT_HEARTBEATS * c->heartbeat_usec),
                   c->daemon_grace_usec);
}

uint64_t config_device_settings(const struct conf_device *d) {
        uint64_t h = hash64(d->driver + 1U, d->host, strlen(d->host) + 1);

        h = hash64(h, d->address, strlen(d->address) + 1);
        h = hash64(h, &d->port, sizeof(d->port));
        h = hash64(h, d->agent, strlen(d->agent) + 1);
        h = hash64(h, d->options, strlen(d->options) + 1);
        return h ? h : 1;
}

void *conf_entry(struct config *c, enum conf_section_kind kind, const char *name) {
        switch (kind) {
        case CONF_CLUSTER:
                return c;
        case CONF_GUEST_DEFAULTS:
                return &c->guest_defaults;
        case CONF_HOST:
                return (void *)config_host(c, name);
        case CONF_FENCE:
                return (void *)config_device(c, name);
        case CONF_SECTIONS:
                break;
        }
        abort();
}

static struct conf_host *add_host(struct config *c, const char *name) {
        size_t i = c->n_hosts;

        if (c->n_hosts == ARRAY_SIZE(c->hosts))
                return NULL;
        for (; i > 0 && strcmp(c->hosts[i - 1].name, name) > 0; i--)
                c->hosts[i] = c->hosts[i - 1];
        c->n_hosts++;
        memset(&c->hosts[i], 0, sizeof(c->hosts[i]));
        text_set(c->hosts[i].name, sizeof(c->hosts[i].name), name);
        return &c->hosts[i];
}

static struct conf_device *add_device(struct config *c, const char *name) {
        size_t i = c->n_devices;

        if (c->n_devices == ARRAY_SIZE(c->devices))
                return NULL;
        for (; i > 0 && strcmp(c->devices[i - 1].name, name) > 0; i--)
                c->devices[i] = c->devices[i - 1];
        c->n_devices++;
        memset(&c->devices[i], 0, sizeof(c->devices[i]));
        text_set(c->devices[i].name, sizeof(c->devices[i].name), name);
        return &c->devices[i];
}

void *conf_entry_add(struct config *c, enum conf_section_kind kind, const char *name, char *err) {
        const struct conf_section *s = &conf_sections[kind];
        void *entry;

        if (s->named && !name_valid(name)) {
                text_fmt(err, TEXT_LEN,
                         "'%.60s' is no name: use up to %d of letters, digits and . _ -", name,
                         NAME_LEN - 1);
                return NULL;
        }
        entry = conf_entry(c, kind, name);
        if (entry)
                return entry;
        entry = kind == CONF_HOST ? (void *)add_host(c, name) : (void *)add_device(c, name);
        if (!entry) {
                text_fmt(err, TEXT_LEN, "more than %d [%s] sections",
                         kind == CONF_HOST ? HOSTS_MAX : DEVICES_MAX, s->name);
                return NULL;
        }
        conf_keys_default(s, entry);
        return entry;
}

int config_set(struct config *c, const char *section, const char *name, const char *key,
               const char *value, char *err) {
        enum conf_section_kind kind = conf_section_kind(section);
        const struct conf_section *s = &conf_sections[kind];
        _cleanup_(freep) void *scratch = xcalloc(1, sizeof(*c));
        char who[NAME_LEN];
        const struct conf_key *k;
        void *entry;

        if (kind == CONF_SECTIONS) {
                text_fmt(err, TEXT_LEN, "there is no section [%.60s]", section);
                return -ENOENT;
        }
        k = conf_key_find(s, key);
        if (!k) {
                text_fmt(who, sizeof(who), "[%s]", s->name);
                conf_key_unknown(s, who, key, err);
                return -ENOENT;
        }
        if (s->named != (name != NULL)) {
                text_fmt(err, TEXT_LEN, "[%s] %s a name", s->name, s->named ? "needs" : "has not");
                return -EINVAL;
        }
        /* A bad value adds no section. */
        if (conf_key_set(k, scratch, value, false, err) < 0)
                return -EINVAL;
        entry = conf_entry_add(c, kind, name, err);
        if (!entry)
                return -EINVAL;
        (void)conf_key_set(k, entry, value, false, err); /* checked above */
        c->hash = conf_hash(c);
        return 0;
}

int guest_conf_set(struct conf_guest *g, const char *key, const char *value, char *err) {
        const struct conf_section *s = &conf_sections[CONF_GUEST_DEFAULTS];
        const struct conf_key *k = conf_key_find(s, key);

        if (k)
                return conf_key_set(k, g, value, false, err);
        conf_key_unknown(s, "a guest", key, err);
        return -ENOENT;
}

void guest_conf_each(const struct conf_guest *g,
                     void (*fn)(void *ud, const char *key, const char *value), void *ud) {
        const struct conf_section *s = &conf_sections[CONF_GUEST_DEFAULTS];
        char value[CONF_VALUE_MAX];

        for (size_t i = 0; i < s->n_keys; i++) {
                conf_key_format(&s->keys[i], g, value, sizeof(value));
                fn(ud, s->keys[i].name, value);
        }
}
