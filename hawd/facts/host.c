/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of the host itself: files, processes, its clock. Nothing here waits for a service. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "fencing/secret.h"
#include "hawd/base/config.h"
#include "hawd/facts/certs.h"
#include "hawd/facts/dogs.h"
#include "hawd/facts/files.h"

static json_t *hash_word(uint64_t hash) {
        char buf[20];

        text_fmt(buf, sizeof(buf), "%016" PRIx64, hash);
        return json_string(buf);
}

/* Return: 0 with @ret, or -1 with what is wrong in @err of FACTS_WORD_MAX bytes. */
static int load(const char *root, const char *path, struct config *ret, char *err) {
        struct conf_errors errors = {0};
        _cleanup_(freep) char *full = xcalloc(strlen(root) + strlen(path) + 1, 1);
        int r;

        text_fmt(full, strlen(root) + strlen(path) + 1, "%s%s", root, path);
        r = config_load(full, ret, &errors);
        if (r < 0)
                text_fmt(err, FACTS_WORD_MAX, "%.100s: %s", path, strerror(-r));
        else if (r > 0)
                text_fmt(err, FACTS_WORD_MAX, "%s%s", errors.lines[0],
                         errors.n > 1 ? " (and more)" : "");
        conf_errors_clear(&errors);
        return r == 0 ? 0 : -1;
}

/* {name, missing} of an uplink: interfaces that are not there. */
static json_t *uplink(const char *root, const struct config *c, const struct conf_host *h) {
        json_t *o = json_pack("{s:o,s:[]}", "name", word(h ? h->name : NULL), "missing");
        _cleanup_(freep) char *list = xstrdup(config_uplink(c, h ? h->name : ""));
        char *rest = list, *name;

        while ((name = strsep(&rest, " "))) {
                char path[64];

                text_fmt(path, sizeof(path), "/sys/class/net/%.32s", name);
                if (*name && !file_there(root, path))
                        list_add(o, "missing", word(name));
        }
        return o;
}

static void look_running(const struct places *p, const struct config *c, json_t *o) {
        json_t *uplinks = json_pack("[o]", uplink(p->root, c, NULL));

        for (size_t i = 0; i < c->n_hosts; i++)
                if (*c->hosts[i].uplink)
                        json_array_append_new(uplinks, uplink(p->root, c, &c->hosts[i]));
        json_object_set_new(o, "uplinks", uplinks);
        json_object_set_new(o, "replica_hold_ms",
                            json_integer((json_int_t)(c->replica_hold_usec / 1000)));
        json_object_set_new(o, "replica_hold_least_ms",
                            json_integer((json_int_t)(config_hold_least(c) / 1000)));
}

static json_t *look_config(const struct places *p) {
        struct config *c = xcalloc(1, sizeof(*c));
        json_t *o =
                json_pack("{s:o,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n,s:n}", "path",
                          word(p->config), "uplinks", "replica_hold_ms", "replica_hold_least_ms",
                          "ring", "error", "hash", "running_error", "running_hash",
                          "cpu_overcommit_pct", "memory_reserve_mib", "fence_check_ms", "watchdog");
        char running[FACTS_WORD_MAX + 32], err[FACTS_WORD_MAX];

        if (load(p->root, p->config, c, err) == 0) {
                json_object_set_new(o, "hash", hash_word(c->hash));
                json_object_set_new(o, "watchdog", dogs_config(p->root, c));
        } else {
                json_object_set_new(o, "error", word(err));
        }
        text_fmt(running, sizeof(running), "%.160s/running.conf", p->run_dir);
        if (load(p->root, running, c, err) == 0) {
                json_object_set_new(o, "ring",
                                    json_string(c->ring == RING_SOLO ? "solo" : "corosync"));
                json_object_set_new(o, "running_hash", hash_word(c->hash));
                json_object_set_new(o, "watchdog", dogs_config(p->root, c));
                json_object_set_new(o, "cpu_overcommit_pct", json_integer(c->cpu_overcommit_pct));
                json_object_set_new(o, "memory_reserve_mib",
                                    json_integer((json_int_t)c->memory_reserve_mib));
                look_running(p, c, o);
                json_object_set_new(o, "fence_check_ms",
                                    json_integer((json_int_t)(c->fence_check_usec / 1000)));
        } else {
                json_object_set_new(o, "running_error", word(err));
        }
        free(c);
        return o;
}

/* Only whether others can read it: the passwords are hawd-fence's business. */
static json_t *look_secrets(const struct places *p) {
        char full[2 * FACTS_WORD_MAX];
        struct fence_error err;
        struct stat st;
        int r = 0;

        text_fmt(full, sizeof(full), "%s%s", p->root, p->secrets);
        if (stat(full, &st) < 0)
                r = -errno;
        if (r < 0 && r != -ENOENT)
                return trouble("%.100s: %s", p->secrets, strerror(-r));
        return json_pack("{s:o,s:b,s:o}", "path", word(p->secrets), "found", r == 0, "unsafe",
                         r == 0 && secret_file_safe(p->secrets, &st, geteuid(), &err) != 0
                                 ? word(err.message)
                                 : json_null());
}

static json_t *look_state_dir(const struct places *p) {
        char full[2 * FACTS_WORD_MAX];
        struct statvfs st;

        text_fmt(full, sizeof(full), "%s%s", p->root, p->state_dir);
        if (statvfs(full, &st) < 0)
                return trouble("%.100s: %s", p->state_dir, strerror(errno));
        return json_pack("{s:o,s:I,s:I}", "path", word(p->state_dir), "free_mib",
                         (json_int_t)((uint64_t)st.f_bavail * st.f_frsize >> 20), "total_mib",
                         (json_int_t)((uint64_t)st.f_blocks * st.f_frsize >> 20));
}

/* Does something keep the clock? The kernel knows: whoever does it tells it so. */
static json_t *look_clock(void) {
        struct timex t = {0};

        if (adjtimex(&t) < 0)
                return trouble("adjtimex: %s", strerror(errno));
        return json_pack("{s:b}", "synchronised", !(t.status & STA_UNSYNC));
}

/* ---- others that manage guests -----------------------------------------------------------------
 */

static const struct {
        const char *name, *process,
                *unit; /* process: at most 15 characters, as the kernel has them */
} managers[] = {
        {"Pacemaker", "pacemakerd", "pacemaker.service"},
        {"Proxmox VE HA", "pve-ha-lrm", "pve-ha-lrm.service"},
        {"oVirt VDSM", "vdsmd", "vdsmd.service"},
        {"oVirt hosted engine HA", "ovirt-ha-agent", "ovirt-ha-agent.service"},
        {"Ganeti", "ganeti-noded", "ganeti.service"},
        {"sbd", "sbd", "sbd.service"},
};

static void see_processes(const char *root, bool running[ARRAY_SIZE(managers)]) {
        DIR *d = file_dir(root, "/proc");
        struct dirent *e;

        while (d && (e = readdir(d))) {
                _cleanup_(freep) char *comm = NULL;
                char path[300];
                size_t len;

                if (e->d_name[0] < '1' || e->d_name[0] > '9')
                        continue;
                text_fmt(path, sizeof(path), "/proc/%.255s/comm", e->d_name);
                if (file_text(root, path, &comm, &len) < 0)
                        continue; /* it ended */
                comm[strcspn(comm, "\n")] = '\0';
                for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
                        running[i] |= strcmp(comm, managers[i].process) == 0;
        }
        if (d)
                closedir(d);
}

static json_t *look_managers(const char *root) {
        bool running[ARRAY_SIZE(managers)] = {0};
        json_t *list = json_array();

        see_processes(root, running);
        for (size_t i = 0; i < ARRAY_SIZE(managers); i++) {
                json_t *unit = unit_facts(root, managers[i].unit);
                bool enabled = json_is_true(json_object_get(unit, "enabled")) &&
                               json_is_true(json_object_get(unit, "found"));

                json_decref(unit);
                if (running[i] || enabled)
                        json_array_append_new(list,
                                              json_pack("{s:s,s:s,s:b,s:b}", "name",
                                                        managers[i].name, "unit", managers[i].unit,
                                                        "running", running[i], "enabled", enabled));
        }
        return list;
}

static json_t *look_units(const char *root) {
        if (!file_there(root, "/run/systemd/system"))
                return trouble("systemd does not run on this host");
        return json_pack("{s:o,s:o,s:o}", "hawd", unit_facts(root, "hawd.service"), "hawd-solo",
                         unit_facts(root, "hawd-solo.service"), "libvirt-guests",
                         unit_facts(root, "libvirt-guests.service"));
}

/* ---- libvirt's files ---------------------------------------------------------------------------
 */

static json_t *look_qemu_conf(const char *root) {
        static const char path[] = "/etc/libvirt/qemu.conf";
        _cleanup_(freep) char *text = NULL;
        char value[FACTS_WORD_MAX];
        size_t len;
        int r = file_text(root, path, &text, &len);

        if (r < 0)
                return trouble("%s: %s", path, strerror(-r));
        return json_pack("{s:o}", "lock_manager",
                         conf_value(text, "lock_manager", value, sizeof(value)) ? word(value)
                                                                                : json_null());
}

json_t *facts_host(const struct places *p) {
        return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "config", look_config(p),
                         "secrets", look_secrets(p), "state_dir", look_state_dir(p), "clock",
                         look_clock(), "managers", look_managers(p->root), "units",
                         look_units(p->root), "watchdogs", dogs_look(p->root), "systemd_watchdog",
                         dogs_systemd(p->root), "qemu_conf", look_qemu_conf(p->root),
                         "certificates", certs_look(p->root));
}

/* ---- the hawd that runs ------------------------------------------------------------------------
 */

static bool stat_fields(const char *text, unsigned *ret_policy) {
        const char *s = strrchr(text, ')');

        /* Field 41, counted from the one behind the name, which is the third. */
        for (int field = 2; s && field < 41; field++)
                s = strchr(s + 1, ' ');
        return s && sscanf(s, "%u", ret_policy) == 1;
}

json_t *facts_hawd(const char *root, int64_t pid) {
        _cleanup_(freep) char *stat = NULL, *status = NULL;
        char path[64];
        const char *locked;
        unsigned policy = 0;
        size_t len;
        json_t *o;
        int r;

        if (pid <= 0)
                return trouble("it does not run");
        text_fmt(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
        r = file_text(root, path, &stat, &len);
        text_fmt(path, sizeof(path), "/proc/%lld/status", (long long)pid);
        if (r == 0)
                r = file_text(root, path, &status, &len);
        if (r < 0 || !stat_fields(stat, &policy))
                return trouble("%s: %s", path, r < 0 ? strerror(-r) : "it cannot be read");
        locked = strstr(status, "\nVmLck:");
        o = json_pack("{s:I,s:b}", "pid", (json_int_t)pid, "real_time", policy == 1 || policy == 2);
        json_object_set_new(o, "locked_kib",
                            locked ? json_integer((json_int_t)strtoull(locked + 7, NULL, 10))
                                   : json_null());
        return o;
}
