/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mistakes that one key alone does not show. Declared in conf_keys.h. */
#include "hawd/base/conf_keys.h"

struct check {
        const struct config *c;
        conf_complain *complain;
        void *self;
};

static void check_cluster(const struct check *k) {
        const struct config *c = k->c;

        if (c->fence_retry_min_usec > c->fence_retry_max_usec)
                k->complain(k->self, CONF_CLUSTER, NULL, NULL,
                            "'fence-retry-min' is longer than 'fence-retry-max'");
        if (c->daemon_grace_usec < usec_add(c->heartbeat_usec, c->heartbeat_usec))
                k->complain(k->self, CONF_CLUSTER, NULL, "daemon-grace",
                            "'daemon-grace' is shorter than two heartbeats: every host would be "
                            "lost by one late heartbeat");
}

/* A lease that ends before the others would miss a host resets it for what is no failure. */
static void check_lease(const struct check *k) {
        const struct config *c = k->c;
        usec_t least =
                usec_add(MAX(config_silent_limit(c), 5 * c->heartbeat_usec), 2 * c->heartbeat_usec);
        char has[32], needs[32], text[TEXT_LEN];

        if (c->lease_usec >= least)
                return;
        format_duration(c->lease_usec, has, sizeof(has));
        format_duration(least, needs, sizeof(needs));
        text_fmt(text, sizeof(text),
                 "'lease' of %s is too short: a host would be reset before the others take its "
                 "hawd for silent; with this heartbeat and daemon-grace it must be %s or more",
                 has, needs);
        k->complain(k->self, CONF_CLUSTER, NULL, "lease", text);
}

static void check_watchdogs(const struct check *k) {
        const struct config *c = k->c;
        bool armed = config_watchdog(c, "").path[0] != '\0';

        if (c->watchdog_timeout_usec % USEC_PER_SEC)
                k->complain(k->self, CONF_CLUSTER, NULL, "watchdog-timeout",
                            "'watchdog-timeout' must be in whole seconds: the kernel takes no "
                            "others");
        for (size_t i = 0; i < c->n_hosts; i++) {
                usec_t t = c->hosts[i].watchdog_timeout_usec;

                armed |= config_watchdog(c, c->hosts[i].name).path[0] != '\0';
                if (t % USEC_PER_SEC || t == USEC_PER_SEC)
                        k->complain(k->self, CONF_HOST, c->hosts[i].name, "watchdog-timeout",
                                    "'watchdog-timeout' must be in whole seconds, 2s or more");
        }
        if (armed)
                check_lease(k);
}

static void unknown_host(const struct check *k, const struct conf_device *d) {
        const char *names[HOSTS_MAX];
        char text[TEXT_LEN];
        int nearest;

        for (size_t i = 0; i < k->c->n_hosts; i++)
                names[i] = k->c->hosts[i].name;
        nearest = conf_nearest(d->host, names, k->c->n_hosts);
        if (nearest >= 0)
                text_fmt(text, sizeof(text),
                         "[fence %s] is for host '%s', which has no [host] section: did you mean "
                         "'%s'?",
                         d->name, d->host, names[nearest]);
        else
                text_fmt(text, sizeof(text),
                         "[fence %s] is for host '%s', which has no [host] section", d->name,
                         d->host);
        k->complain(k->self, CONF_FENCE, d->name, "host", text);
}

/* Keys of the driver that the device does not use would be without effect, in silence. */
static void check_driver(const struct check *k, const struct conf_device *d) {
        char text[TEXT_LEN] = "";

        if (d->driver == FENCE_DRIVER_IPMI) {
                if (!*d->address)
                        text_fmt(text, sizeof(text), "[fence %s] needs 'address', of the BMC",
                                 d->name);
                else if (*d->agent || *d->options)
                        text_fmt(text, sizeof(text), "[fence %s] has '%s', but driver = ipmi",
                                 d->name, *d->agent ? "agent" : "options");
        } else {
                if (!*d->agent)
                        text_fmt(text, sizeof(text), "[fence %s] needs 'agent', as fence_apc",
                                 d->name);
                else if (*d->address || *d->user)
                        text_fmt(text, sizeof(text),
                                 "[fence %s] has '%s', but driver = agent: use 'options'", d->name,
                                 *d->address ? "address" : "user");
        }
        if (*text)
                k->complain(k->self, CONF_FENCE, d->name,
                            d->driver == FENCE_DRIVER_IPMI ? "address" : "agent", text);
}

static void check_level(const struct check *k, const struct conf_device *d) {
        size_t same = 0, lower = 0, first = 0;
        char text[TEXT_LEN];

        for (size_t i = 0; i < k->c->n_devices; i++) {
                const struct conf_device *o = &k->c->devices[i];

                if (strcmp(o->host, d->host) != 0)
                        continue;
                lower += o->level + 1 == d->level;
                same += o->level == d->level;
                if (o == d)
                        first = same;
        }
        if (d->level > 1 && lower == 0 && first == 1) {
                text_fmt(text, sizeof(text),
                         "[fence %s] is of level %" PRIu32 ", but host '%s' has no device of level "
                         "%" PRIu32,
                         d->name, d->level, d->host, d->level - 1);
                k->complain(k->self, CONF_FENCE, d->name, "level", text);
        }
        if (first == LEVEL_DEVICES_MAX + 1) {
                text_fmt(text, sizeof(text), "host '%s' has more than %d devices of level %" PRIu32,
                         d->host, LEVEL_DEVICES_MAX, d->level);
                k->complain(k->self, CONF_FENCE, d->name, "level", text);
        }
}

static bool same_switch(const struct conf_device *a, const struct conf_device *b) {
        if (a->driver != b->driver)
                return false;
        if (a->driver == FENCE_DRIVER_IPMI)
                return *a->address && strcasecmp(a->address, b->address) == 0 && a->port == b->port;
        return *a->agent && *a->options && strcmp(a->agent, b->agent) == 0 &&
               strcmp(a->options, b->options) == 0;
}

/* Copied and not changed: it would switch another host off, or one supply count as two. */
static void check_twice(const struct check *k, const struct conf_device *d) {
        const char *key = d->driver == FENCE_DRIVER_IPMI ? "address" : "options";
        char text[TEXT_LEN];

        for (const struct conf_device *o = k->c->devices; o < d; o++) {
                bool other = strcmp(o->host, d->host) != 0;

                if (!*o->host || !*d->host || !same_switch(o, d) ||
                    (!other && o->level != d->level))
                        continue;
                if (other)
                        text_fmt(text, sizeof(text),
                                 "[fence %s] has the '%s' of [fence %s]: that would switch host "
                                 "'%s', not '%s'",
                                 d->name, key, o->name, o->host, d->host);
                else
                        text_fmt(text, sizeof(text),
                                 "[fence %s] has the '%s' of [fence %s], and the same level: it "
                                 "would be one device, read twice",
                                 d->name, key, o->name);
                k->complain(k->self, CONF_FENCE, d->name, key, text);
                return;
        }
}

const char *guest_conf_wrong(const struct conf_guest *g, char *text) {
        if (g->replica.mode != REPLICA_MODE_NONE && strcmp(g->snapshot, "off") != 0 &&
            g->snapshot[0]) {
                text_set(text, TEXT_LEN,
                         "'snapshot' and 'replica' do not go together, which is of the disk alone: "
                         "snapshot = off, or replica = none");
                return "snapshot";
        }
        if (g->snapshot_kind == SNAPSHOT_INTERNAL && g->snapshot_space_mib > 0) {
                text_set(text, TEXT_LEN,
                         "'snapshot-space' is of files, and with 'snapshot-kind = internal' there "
                         "are none: snapshot-space = 0 (snapshot-keep limits their number)");
                return "snapshot-space";
        }
        return NULL;
}

static void check_guests(const struct check *k) {
        char text[TEXT_LEN];
        const char *key = guest_conf_wrong(&k->c->guest_defaults, text);
        usec_t least = config_hold_least(k->c);
        char has[32], needs[32];

        if (key)
                k->complain(k->self, CONF_GUEST_DEFAULTS, NULL, key, text);
        if (k->c->guest_defaults.replica.mode != REPLICA_MODE_SYNC ||
            k->c->replica_hold_usec >= least)
                return;
        least += USEC_PER_SEC - 1;
        format_duration(k->c->replica_hold_usec, has, sizeof(has));
        format_duration(least - least % USEC_PER_SEC, needs, sizeof(needs));
        text_fmt(text, sizeof(text),
                 "'replica-hold' of %s is too short: with these fence devices and watchdogs a host "
                 "may be proven off too late for its replicas; it must be %s or more",
                 has, needs);
        k->complain(k->self, CONF_CLUSTER, NULL, "replica-hold", text);
}

void conf_check(const struct config *c, conf_complain *complain, void *self) {
        const struct check k = {c, complain, self};

        check_cluster(&k);
        check_guests(&k);
        check_watchdogs(&k);
        for (size_t i = 0; i < c->n_devices; i++) {
                const struct conf_device *d = &c->devices[i];
                char text[TEXT_LEN];

                check_driver(&k, d);
                if (!*d->host) {
                        text_fmt(text, sizeof(text), "[fence %s] needs 'host', whose power it is",
                                 d->name);
                        complain(self, CONF_FENCE, d->name, "host", text);
                        continue;
                }
                if (c->n_hosts > 0 && !config_host(c, d->host))
                        unknown_host(&k, d);
                check_level(&k, d);
                check_twice(&k, d);
        }
}
