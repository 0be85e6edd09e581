/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/agent_meta.h"
#include "hawd/base/conf_keys.h"

#include <stdio.h>

/* Rule 2. Those whose metadata looks like a power switch's. */
static const struct {
        const char *agent, *why;
} proves_nothing[] = {
        {"fence_ack_manual", "it asks a person: use hawctl fence confirm"},
        {"fence_azure_arm", "it can cut the network instead of the power"},
        {"fence_compute", "it only tells OpenStack"},
        {"fence_crosslink", "it judges by reachability"},
        {"fence_dummy", "it only writes a file"},
        {"fence_evacuate", "it only tells OpenStack"},
        {"fence_heuristics_ping", "it only pings"},
        {"fence_kdump", "it waits for a message of the lost host, which says crashed, not off"},
        {"fence_legacy", "what its plugins call status is that of the device, not the power"},
        {"fence_sbd", "it writes a message that the lost host must read"},
        {"fence_watchdog", "it waits for a watchdog that it cannot see: hawd has its own"},
};

/* The next "<name ..." element at or after @p. Return: its attributes, with their length; or NULL.
 */
static const char *element(const char *p, const char *name, size_t *ret_len) {
        size_t n = strlen(name);

        while ((p = strchr(p, '<'))) {
                p++;
                if (strncmp(p, name, n) != 0 || !strchr(" \t\r\n/>", p[n]) || !p[n])
                        continue;
                p += n;
                *ret_len = strcspn(p, ">");
                return p[*ret_len] == '>' ? p : NULL;
        }
        return NULL;
}

/* The value of @key="..." among the attributes, with its length; or NULL. */
static const char *attribute(const char *attributes, size_t len, const char *key, size_t *ret_len) {
        size_t nk = strlen(key);

        for (size_t i = 1; i + nk + 3 <= len; i++) {
                const char *p = attributes + i, *end;

                if (!strchr(" \t\r\n", p[-1]) || strncmp(p, key, nk) != 0 || p[nk] != '=' ||
                    (p[nk + 1] != '"' && p[nk + 1] != '\''))
                        continue;
                end = memchr(p + nk + 2, p[nk + 1], len - i - nk - 2);
                if (!end)
                        return NULL;
                *ret_len = (size_t)(end - p) - nk - 2;
                return p + nk + 2;
        }
        return NULL;
}

static bool attribute_is(const char *attributes, size_t len, const char *key, const char *value) {
        size_t n;
        const char *found = attribute(attributes, len, key, &n);

        return found && n == strlen(value) && memcmp(found, value, n) == 0;
}

static bool has(const char *xml, const char *name, const char *key, const char *value) {
        size_t len;

        for (const char *p = xml; (p = element(p, name, &len)); p += len) {
                if (attribute_is(p, len, key, value))
                        return true;
        }
        return false;
}

static bool unfences(const char *xml) {
        size_t len;

        for (const char *p = xml; (p = element(p, "action", &len)); p += len) {
                if (attribute_is(p, len, "name", "on") && (attribute_is(p, len, "automatic", "1") ||
                                                           attribute_is(p, len, "on_target", "1")))
                        return true;
        }
        return false;
}

/* The default of the parameter action, or "". */
static void default_action(const char *xml, char ret[16]) {
        size_t len, n;

        ret[0] = '\0';
        for (const char *p = xml; (p = element(p, "parameter", &len)); p += len) {
                const char *end = strstr(p, "</parameter"), *content, *value;

                if (!attribute_is(p, len, "name", "action"))
                        continue;
                content = element(p, "content", &len);
                if (!content || (end && content > end))
                        return;
                value = attribute(content, len, "default", &n);
                if (value)
                        text_fmt(ret, 16, "%.*s", (int)MIN(n, (size_t)15), value);
                return;
        }
}

static void pick(const char *xml, const char *first, const char *second, char ret[16]) {
        const char *name = has(xml, "parameter", "name", first)    ? first
                           : has(xml, "parameter", "name", second) ? second
                                                                   : "";

        text_set(ret, 16, name);
}

int agent_judge(const char *agent, const char *xml, struct agent_traits *ret,
                struct fence_error *err) {
        static const char *const needed[] = {"status", "off", "on"};
        char by_default[16];
        size_t len;

        for (size_t i = 0; i < ARRAY_SIZE(proves_nothing); i++) {
                if (strcmp(agent, proves_nothing[i].agent) == 0)
                        return fence_fail(err, FENCE_NO_STATUS,
                                          "%s proves nothing: %s; use a device that reads power",
                                          agent, proves_nothing[i].why);
        }
        if (!element(xml, "resource-agent", &len))
                return fence_fail(err, FENCE_AGENT_FAILED,
                                  "%s: what it prints for metadata is not a fence agent's", agent);
        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
                if (!has(xml, "action", "name", needed[i]))
                        return fence_fail(
                                err, FENCE_NO_STATUS,
                                "%s proves nothing: it has no action %s; use a device that "
                                "reads power",
                                agent, needed[i]);
        }
        if (unfences(xml))
                return fence_fail(
                        err, FENCE_NO_STATUS,
                        "%s proves nothing: it cuts storage or network, the host runs on; "
                        "use a device that reads power",
                        agent);
        default_action(xml, by_default);
        if (by_default[0] && strcmp(by_default, "reboot") != 0)
                return fence_fail(err, FENCE_NO_STATUS,
                                  "%s proves nothing: it is no power switch (its default action is "
                                  "%s, not reboot); use a device that reads power",
                                  agent, by_default);
        *ret = (struct agent_traits){0};
        pick(xml, "ip", "ipaddr", ret->address);
        pick(xml, "username", "login", ret->user);
        pick(xml, "password", "passwd", ret->password);
        return 0;
}

const char *agent_warning(const char *agent) {
        static const char *const by_ipmitool[] = {"fence_idrac",      "fence_ilo3", "fence_ilo4",
                                                  "fence_ilo5",       "fence_imm",  "fence_ipmilan",
                                                  "fence_ipmilanplus"};

        for (size_t i = 0; i < ARRAY_SIZE(by_ipmitool); i++)
                if (strcmp(agent, by_ipmitool[i]) == 0)
                        return "it gives ipmitool the password as an argument, which every user of "
                               "the host can read while it runs: use driver = ipmi";
        return NULL;
}

void agent_traits_format(const struct agent_traits *t, char *buf, size_t size) {
        text_fmt(buf, size, "address=%s user=%s password=%s", t->address, t->user, t->password);
}

static bool one_of(const char *s, const char *first, const char *second) {
        return !*s || strcmp(s, first) == 0 || strcmp(s, second) == 0;
}

int agent_traits_parse(const char *s, struct agent_traits *ret) {
        struct agent_traits t = {0};
        char again[96];
        const struct {
                const char *key;
                char *to;
        } parts[] = {{"address=", t.address}, {" user=", t.user}, {" password=", t.password}};
        const char *p = s;

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                size_t n = strlen(parts[i].key), len;

                if (strncmp(p, parts[i].key, n) != 0)
                        return -EINVAL;
                p += n;
                len = strcspn(p, " ");
                if (len >= sizeof(t.address))
                        return -EINVAL;
                memcpy(parts[i].to, p, len);
                p += len;
        }
        agent_traits_format(&t, again, sizeof(again));
        if (strcmp(again, s) != 0 || !one_of(t.address, "ip", "ipaddr") ||
            !one_of(t.user, "username", "login") || !one_of(t.password, "password", "passwd"))
                return -EINVAL;
        *ret = t;
        return 0;
}

int agent_option_next(const char **text, char key[64], char value[256]) {
        const char *p = *text + strspn(*text, " \t");
        size_t len = strcspn(p, " \t"), nk;
        const char *eq = memchr(p, '=', len);

        if (len == 0) {
                *text = p;
                return 0;
        }
        nk = eq ? (size_t)(eq - p) : 0;
        if (nk == 0 || nk >= 64 || len - nk - 1 >= 256)
                return -EINVAL;
        for (size_t i = 0; i < len; i++) {
                if (p[i] < 0x20 || p[i] == 0x7f)
                        return -EINVAL;
        }
        memcpy(key, p, nk);
        key[nk] = '\0';
        memcpy(value, eq + 1, len - nk - 1);
        value[len - nk - 1] = '\0';
        *text = p + len;
        return 1;
}

const char *agent_option_allowed(const char *key, const char *value) {
        static const char *const noise[] = {"debug", "debug_file", "verbose", "verbose_level"};

        if (strcmp(key, "action") == 0 || strcmp(key, "option") == 0)
                return "the action is hawd's to choose";
        if (strcmp(key, "method") == 0 && strcmp(value, "onoff") != 0)
                return "a cycle is never used";
        if (strcmp(key, "missing_as_off") == 0 || strcmp(key, "missing-as-off") == 0)
                return "a plug that is not there would read off";
        if (conf_is_secret(key))
                return "passwords belong in fencing.conf";
        for (size_t i = 0; i < ARRAY_SIZE(noise); i++) {
                if (strcmp(key, noise[i]) == 0)
                        return "it would write the password out";
        }
        return NULL;
}

enum fence_power agent_status(int status) {
        switch (status) {
        case 0:
                return FENCE_POWER_ON;
        case 2:
                return FENCE_POWER_OFF;
        default:
                return FENCE_POWER_UNKNOWN;
        }
}
