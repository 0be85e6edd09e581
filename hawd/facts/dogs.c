/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/facts/dogs.h"

#include <limits.h>
#include <stdio.h>

#include "hawd/facts/files.h"
#include "hawd/watchdog/wdt.h"

/* Why it would prove nothing, were it not allowed; null. */
static json_t *useless(const struct conf_watchdog *conf, const struct wdt_look *look) {
        char text[TEXT_LEN];

        return wdt_refuse(conf, look->identity[0] ? look->identity : "not known", look, text)
                       ? word(text)
                       : json_null();
}

static json_t *dog(const char *root, const char *name) {
        struct conf_watchdog strict = {0};
        struct wdt_look look;
        char holder[TEXT_LEN];
        bool ours;

        text_fmt(strict.path, sizeof(strict.path), "/dev/%.32s", name);
        wdt_look(root, strict.path, &look);
        ours = wdt_holder(root, strict.path, holder);
        return json_pack("{s:o,s:o,s:b,s:b,s:o,s:o}", "name", word(name), "identity",
                         word(look.identity), "nowayout", look.nowayout, "of_bmc",
                         wdt_of_bmc(look.identity), "useless", useless(&strict, &look), "held_by",
                         word(ours ? "" : holder));
}

json_t *dogs_look(const char *root) {
        DIR *d = file_dir(root, "/sys/class/watchdog");
        json_t *list = json_array();
        struct dirent *e;

        while (d && (e = readdir(d)))
                if (e->d_name[0] != '.' && json_array_size(list) < FACTS_LIST_MAX)
                        json_array_append_new(list, dog(root, e->d_name));
        if (d)
                closedir(d);
        return list;
}

/* ---- hawd.conf --------------------------------------------------------------------------------
 */

static json_t *wanted(const char *root, const struct config *c, const struct conf_host *h) {
        struct conf_watchdog conf = config_watchdog(c, h ? h->name : "");
        enum self_fence fence = h && h->self_fence ? h->self_fence : c->self_fence;
        struct conf_watchdog strict = conf;
        char text[TEXT_LEN];
        struct wdt_look look;
        bool path = conf.path[0] != '\0';

        strict.allow_softdog = strict.allow_vm = false;
        wdt_look(root, conf.path, &look);
        return json_pack("{s:o,s:o,s:b,s:I,s:b,s:o,s:b}", "name", word(h ? h->name : NULL), "path",
                         word(conf.path), "never", fence == SELF_FENCE_NEVER, "timeout_ms",
                         (json_int_t)(conf.timeout_usec / USEC_PER_MSEC), "there",
                         path && file_there(root, conf.path), "useless",
                         path ? useless(&strict, &look) : json_null(), "allowed",
                         !path || !wdt_refuse(&conf, look.identity, &look, text));
}

json_t *dogs_config(const char *root, const struct config *c) {
        json_t *hosts = json_pack("[o]", wanted(root, c, NULL));

        for (size_t i = 0; i < c->n_hosts; i++) {
                const struct conf_host *h = &c->hosts[i];

                if (*h->watchdog || h->self_fence || h->watchdog_timeout_usec)
                        json_array_append_new(hosts, wanted(root, c, h));
        }
        return json_pack("{s:I,s:o}", "lease_ms", (json_int_t)(c->lease_usec / USEC_PER_MSEC),
                         "hosts", hosts);
}

/* ---- systemd ----------------------------------------------------------------------------------
 */

static const struct {
        const char *key, *name;
} settings[] = {
        {"RuntimeWatchdogSec", "runtime"},
        {"RebootWatchdogSec", "reboot"},
        {"WatchdogDevice", "device"},
};

static void read_settings(const char *root, const char *path, json_t *o) {
        _cleanup_(freep) char *text = NULL;
        char value[FACTS_WORD_MAX];
        size_t len;

        if (file_text(root, path, &text, &len) < 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
                if (conf_value(text, settings[i].key, value, sizeof(value)))
                        json_object_set_new(o, settings[i].name, word(value));
}

static int is_conf(const struct dirent *e) {
        size_t n = strlen(e->d_name);

        return n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static void read_drop_ins(const char *root, const char *dir, json_t *o) {
        char path[PATH_MAX];
        struct dirent **list;
        int n;

        text_fmt(path, sizeof(path), "%s%s", root, dir);
        n = scandir(path, &list, is_conf, alphasort);
        if (n < 0)
                return;
        for (int i = 0; i < n; i++) {
                text_fmt(path, sizeof(path), "%s/%.255s", dir, list[i]->d_name);
                read_settings(root, path, o);
                free(list[i]);
        }
        free(list);
}

json_t *dogs_systemd(const char *root) {
        json_t *o = json_pack("{s:n,s:n,s:n}", "runtime", "reboot", "device");

        read_settings(root, "/etc/systemd/system.conf", o);
        read_drop_ins(root, "/usr/lib/systemd/system.conf.d", o);
        read_drop_ins(root, "/run/systemd/system.conf.d", o);
        read_drop_ins(root, "/etc/systemd/system.conf.d", o);
        return o;
}
