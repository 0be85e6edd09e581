/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/conf_keys.h"

#define MEMBER(s, m) .offset = offsetof(struct s, m), .size = sizeof(((struct s *)0)->m)
#define DAY (24 * 60 * USEC_PER_MINUTE)

static const struct conf_word after_fence_words[] = {
        {"on", AFTER_FENCE_ON}, {"off", AFTER_FENCE_OFF}, {"stay", AFTER_FENCE_STAY}, {NULL, 0}};

static const struct conf_word ring_words[] = {
        {"corosync", RING_COROSYNC}, {"solo", RING_SOLO}, {NULL, 0}};

static const struct conf_word on_shutdown_words[] = {
        {"respect", ON_SHUTDOWN_RESPECT}, {"restart", ON_SHUTDOWN_RESTART}, {NULL, 0}};

static const struct conf_word rung_words[] = {
        {"none", RUNG_NONE},         {"restart", RUNG_RESTART}, {"relocate", RUNG_RELOCATE},
        {"rollback", RUNG_ROLLBACK}, {"replica", RUNG_REPLICA}, {NULL, 0}};

static const struct conf_word quiesce_words[] = {
        {"auto", QUIESCE_AUTO}, {"always", QUIESCE_ALWAYS}, {"never", QUIESCE_NEVER}, {NULL, 0}};

static const struct conf_word snapshot_kind_words[] = {
        {"external", SNAPSHOT_EXTERNAL}, {"internal", SNAPSHOT_INTERNAL}, {NULL, 0}};

static const struct conf_word health_words[] = {
        {"auto", HEALTH_BY_AUTO},         {"agent", HEALTH_BY_AGENT},
        {"watchdog", HEALTH_BY_WATCHDOG}, {"progress", HEALTH_BY_PROGRESS},
        {"none", HEALTH_BY_NONE},         {NULL, 0}};

static const struct conf_word self_fence_words[] = {
        {"always", SELF_FENCE_ALWAYS}, {"never", SELF_FENCE_NEVER}, {NULL, 0}};

static const struct conf_word host_self_fence_words[] = {{"cluster", SELF_FENCE_CLUSTER},
                                                         {"always", SELF_FENCE_ALWAYS},
                                                         {"never", SELF_FENCE_NEVER},
                                                         {NULL, 0}};

static const struct conf_word yes_no_words[] = {{"no", SAID_NO}, {"yes", SAID_YES}, {NULL, 0}};

static const struct conf_word proactive_words[] = {{"off", PROACTIVE_OFF},
                                                   {"advise", PROACTIVE_ADVISE},
                                                   {"evacuate", PROACTIVE_EVACUATE},
                                                   {NULL, 0}};

static const struct conf_word host_proactive_words[] = {{"cluster", PROACTIVE_CLUSTER},
                                                        {"off", PROACTIVE_OFF},
                                                        {"advise", PROACTIVE_ADVISE},
                                                        {"evacuate", PROACTIVE_EVACUATE},
                                                        {NULL, 0}};

static const struct conf_word driver_words[] = {
        {"ipmi", FENCE_DRIVER_IPMI}, {"agent", FENCE_DRIVER_AGENT}, {NULL, 0}};

static const struct conf_word cipher_words[] = {{"auto", -1}, {"3", 3}, {"17", 17}, {NULL, 0}};

static const struct conf_key cluster_keys[] = {
        {"name", CONF_NAME, MEMBER(config, cluster_name), .def = "hawd",
         .help = "name of the cluster, in reports and messages"},
        {"ring", CONF_ENUM, MEMBER(config, ring), .words = ring_words, .def = "corosync",
         .help = "corosync, or solo: one host that needs none"},
        /* The others must not take it for silent, whatever they have here: see hawd/core/silent.c.
         */
        {"heartbeat", CONF_DURATION, MEMBER(config, heartbeat_usec), .min = 100 * USEC_PER_MSEC,
         .max = 3 * USEC_PER_SEC, .def = "1s", .help = "how often hosts tell of their state"},
        {"daemon-grace", CONF_DURATION, MEMBER(config, daemon_grace_usec), .min = USEC_PER_SEC,
         .max = 60 * USEC_PER_MINUTE, .def = "30s",
         .help = "hawd gone or hanging with corosync alive: time before the host counts as lost"},
        {"host-start-slots", CONF_U32, MEMBER(config, host_start_slots), .min = 1, .max = 1000,
         .def = "4", .help = "guests that start at once on one host"},
        {"cluster-start-slots", CONF_U32, MEMBER(config, cluster_start_slots), .min = 1,
         .max = 10000, .def = "16", .help = "guests that start at once in the cluster"},
        {"fence-retry-min", CONF_DURATION, MEMBER(config, fence_retry_min_usec),
         .min = 100 * USEC_PER_MSEC, .max = 60 * USEC_PER_MINUTE, .def = "2s",
         .help = "first pause between two rounds of a host's fence levels"},
        {"fence-retry-max", CONF_DURATION, MEMBER(config, fence_retry_max_usec),
         .min = 100 * USEC_PER_MSEC, .max = DAY, .def = "1min",
         .help = "longest pause; each is twice the one before"},
        {"fence-check", CONF_DURATION, MEMBER(config, fence_check_usec), .min = USEC_PER_SEC,
         .max = DAY, .def = "1min", .help = "how often every fence device is read"},
        {"after-fence", CONF_ENUM, MEMBER(config, after_fence), .words = after_fence_words,
         .def = "on", .help = "a fenced host is then switched on, kept off, or left as it is"},
        {"fence-storm-limit", CONF_U32, MEMBER(config, fence_storm_limit), .min = 0,
         .max = HOSTS_MAX, .def = "0",
         .help = "more hosts lost at once are not switched off; 0: a quarter, at least 2"},
        {"fence-storm-window", CONF_DURATION, MEMBER(config, fence_storm_window_usec),
         .min = USEC_PER_SEC, .max = DAY, .def = "5min",
         .help = "time over which lost hosts are counted for fence-storm-limit"},
        {"fence-limit", CONF_U32, MEMBER(config, fence_limit), .min = 0, .max = FENCED_KEPT,
         .def = "3", .help = "fenced more often within the window: quarantined; 0: never"},
        {"fence-window", CONF_DURATION, MEMBER(config, fence_window_usec), .min = USEC_PER_MINUTE,
         .max = 30 * DAY, .def = "1h", .help = "time over which fences of a host are counted"},
        {"kdump-wait", CONF_DURATION, MEMBER(config, kdump_wait_usec), .min = 0,
         .max = 60 * USEC_PER_MINUTE, .def = "0s",
         .help = "time for a lost host to write its crash dump before it is switched off"},
        {"priority-fencing-delay", CONF_DURATION, MEMBER(config, priority_fencing_delay_usec),
         .min = 0, .max = 10 * USEC_PER_MINUTE, .def = "10s",
         .help = "even split: the side with the less important guests fences this much later"},
        {"cpu-overcommit", CONF_PCT, MEMBER(config, cpu_overcommit_pct), .min = 1, .max = 10000,
         .def = "400%", .help = "virtual CPUs of all guests over the CPUs of their host"},
        {"memory-reserve", CONF_MIB, MEMBER(config, memory_reserve_mib), .min = 0,
         .max = 64 * 1024 * 1024, .def = "512MiB", .help = "memory kept for the host itself"},
        {"watchdog", CONF_PATH, MEMBER(config, watchdog), .def = CONF_NONE,
         .help = "device that resets a host that is cut off, as /dev/watchdog0; or none"},
        {"watchdog-timeout", CONF_DURATION, MEMBER(config, watchdog_timeout_usec),
         .min = 2 * USEC_PER_SEC, .max = 5 * USEC_PER_MINUTE, .def = "10s",
         .help = "it resets the host so long after it was fed last"},
        {"lease", CONF_DURATION, MEMBER(config, lease_usec), .min = USEC_PER_SEC,
         .max = 10 * USEC_PER_MINUTE, .def = "10s",
         .help = "without a word from a majority a host feeds its watchdog no longer than this"},
        {"self-fence", CONF_ENUM, MEMBER(config, self_fence), .words = self_fence_words,
         .def = "always", .help = "the watchdog is armed, and counts as proof; or never"},
        {"allow-softdog", CONF_ENUM, MEMBER(config, allow_softdog), .words = yes_no_words,
         .def = "no", .help = "take the kernel's softdog, which stops with its host"},
        {"allow-vm-watchdog", CONF_ENUM, MEMBER(config, allow_vm_watchdog), .words = yes_no_words,
         .def = "no", .help = "take that of a virtual machine, which stops when it is paused"},
        {"storage-paths", CONF_PATHS, MEMBER(config, storage_paths), .def = CONF_NONE,
         .help = "files, folders or devices that must answer, or the host is degraded"},
        {"storage-timeout", CONF_DURATION, MEMBER(config, storage_timeout_usec),
         .min = USEC_PER_SEC, .max = 10 * USEC_PER_MINUTE, .def = "10s",
         .help = "storage that does not answer for so long is lost"},
        {"uplink", CONF_LINKS, MEMBER(config, uplink), .def = CONF_NONE,
         .help = "interfaces or bridges that must have a carrier, or the host is degraded"},
        {"memory-pressure", CONF_PCT, MEMBER(config, memory_pressure_pct), .min = 0, .max = 100,
         .def = "20%", .help = "of a minute that all tasks waited for memory: degraded; 0: never"},
        {"degraded-after", CONF_DURATION, MEMBER(config, degraded_after_usec), .min = USEC_PER_SEC,
         .max = 60 * USEC_PER_MINUTE, .def = "10s",
         .help = "something fails for so long: the host is degraded"},
        {"well-after", CONF_DURATION, MEMBER(config, well_after_usec), .min = USEC_PER_SEC,
         .max = DAY, .def = "1min", .help = "all is good again for so long: the host is well"},
        {"proactive", CONF_ENUM, MEMBER(config, proactive), .words = proactive_words,
         .def = "advise", .help = "guests of a degraded host: said where to, or moved there"},
        {"replica-hold", CONF_DURATION, MEMBER(config, replica_hold_usec), .min = 10 * USEC_PER_SEC,
         .max = 60 * USEC_PER_MINUTE, .def = "5min",
         .help = "a guest's write waits so long for a replica that does not answer"},
        {"sensor-check", CONF_DURATION, MEMBER(config, sensor_check_usec), .min = 0, .max = DAY,
         .def = "1min", .help = "the sensors of each host's BMC are read this often; 0: never"},
};

static const struct conf_key guest_keys[] = {
        {"priority", CONF_I32, MEMBER(conf_guest, priority), .imin = -1000000, .imax = 1000000,
         .def = "100", .help = "higher is recovered first"},
        {"start-timeout", CONF_DURATION, MEMBER(conf_guest, start_timeout_usec),
         .min = USEC_PER_SEC, .max = DAY, .def = "90s", .help = "from the start to running"},
        {"stop-timeout", CONF_DURATION, MEMBER(conf_guest, stop_timeout_usec), .min = 0, .max = DAY,
         .def = "1min", .help = "for the guest to shut down before it is destroyed"},
        {"boot-time", CONF_DURATION, MEMBER(conf_guest, boot_usec), .min = 0, .max = DAY,
         .def = "20s", .help = "without a guest agent: from running to healthy"},
        {"restart-limit", CONF_U32, MEMBER(conf_guest, restart_limit), .min = 0, .max = 1000,
         .def = "3", .help = "restarts in place within the window, then the next of recovery"},
        {"restart-window", CONF_DURATION, MEMBER(conf_guest, restart_window_usec),
         .min = USEC_PER_SEC, .max = 30 * DAY, .def = "10min",
         .help = "time over which restarts and relocations are counted"},
        {"on-shutdown", CONF_ENUM, MEMBER(conf_guest, on_shutdown), .words = on_shutdown_words,
         .def = "respect", .help = "a guest shut down from inside stays down, or is restarted"},
        {"hang-after", CONF_DURATION, MEMBER(conf_guest, hang_after_usec), .min = 0, .max = DAY,
         .def = "2min",
         .help = "no agent, disk or network activity for so long is a hang; 0: never"},
        {"recovery", CONF_ORDER, MEMBER(conf_guest, recovery), .words = rung_words,
         .def = "restart relocate",
         .help = "what is tried with a guest that failed, in this order"},
        {"relocate-limit", CONF_U32, MEMBER(conf_guest, relocate_limit), .min = 0, .max = 1000,
         .def = "2", .help = "starts on another host within the window, then it is blocked"},
        {"healthy-after", CONF_DURATION, MEMBER(conf_guest, healthy_after_usec),
         .min = USEC_PER_SEC, .max = 30 * DAY, .def = "10min",
         .help = "healthy for so long: its failures are forgotten"},
        {"health", CONF_ENUM, MEMBER(conf_guest, health_by), .words = health_words, .def = "auto",
         .help = "by what it counts as healthy, and as hanging"},
        {"rollback-limit", CONF_U32, MEMBER(conf_guest, rollback_limit), .min = 0, .max = 1000,
         .def = "2", .help = "rollbacks to a known-good snapshot within the window"},
        {"snapshot", CONF_SCHEDULE, MEMBER(conf_guest, snapshot), .def = "off",
         .help = "when snapshots are taken: off, 1h, daily, Mon..Fri 22:00, auto"},
        {"snapshot-keep", CONF_KEEP, MEMBER(conf_guest, snapshot_keep),
         .def = "last 3 hourly 6 daily 7 weekly 4",
         .help = "which of them stay: last, hourly, daily, weekly; none: all do"},
        {"snapshot-space", CONF_MIB, MEMBER(conf_guest, snapshot_space_mib), .min = 0,
         .max = 1024 * 1024 * 1024, .def = "0", .help = "above so much the oldest go; 0: no limit"},
        {"snapshot-keep-left", CONF_DURATION, MEMBER(conf_guest, snapshot_left_usec), .min = 0,
         .max = 3650 * DAY, .def = "0s",
         .help = "a disk that a rollback left goes after so long; 0: never"},
        {"snapshot-quiesce", CONF_ENUM, MEMBER(conf_guest, snapshot_quiesce),
         .words = quiesce_words, .def = "auto",
         .help = "the agent freezes the filesystems: if it is there, always, or never"},
        {"replica", CONF_REPLICA, MEMBER(conf_guest, replica), .def = CONF_NONE,
         .help = "its disks are copied to: HOST sync, HOST async, HOST drbd RESOURCE; or none"},
        {"replica-lag", CONF_DURATION, MEMBER(conf_guest, replica_lag_usec),
         .min = 10 * USEC_PER_SEC, .max = DAY, .def = "5min",
         .help = "async: how old the copy may get"},
        {"replica-loss", CONF_DURATION, MEMBER(conf_guest, replica_loss_usec), .min = 0,
         .max = 30 * DAY, .def = "0s",
         .help = "a copy so old may be started from by hawd itself; 0s: only one in step"},
        {"snapshot-kind", CONF_ENUM, MEMBER(conf_guest, snapshot_kind),
         .words = snapshot_kind_words, .def = "external",
         .help = "a new file over the disk, or inside of it (qcow2)"},
};

static const struct conf_key host_keys[] = {
        {"labels", CONF_LABELS, MEMBER(conf_host, labels),
         .help = "words about the host, shown by hawctl host show"},
        {"vcpus", CONF_U32, MEMBER(conf_host, vcpus), .min = 0, .max = 1000000, .def = "0",
         .help = "CPUs that count for placement; 0: as libvirt reports"},
        {"memory", CONF_MIB, MEMBER(conf_host, memory_mib), .min = 0, .max = 1024 * 1024 * 1024,
         .def = "0", .help = "memory that counts for placement; 0: as libvirt reports"},
        {"watchdog", CONF_PATH, MEMBER(conf_host, watchdog),
         .help = "its watchdog device, or none; without it: as in [cluster]"},
        {"watchdog-timeout", CONF_DURATION, MEMBER(conf_host, watchdog_timeout_usec), .min = 0,
         .max = 5 * USEC_PER_MINUTE, .def = "0s", .help = "of that device; 0s: as in [cluster]"},
        {"self-fence", CONF_ENUM, MEMBER(conf_host, self_fence), .words = host_self_fence_words,
         .def = "cluster", .help = "always or never, on this host; cluster: as in [cluster]"},
        {"storage-paths", CONF_PATHS, MEMBER(conf_host, storage_paths),
         .help = "instead of those in [cluster]"},
        {"uplink", CONF_LINKS, MEMBER(conf_host, uplink), .help = "instead of that in [cluster]"},
        {"proactive", CONF_ENUM, MEMBER(conf_host, proactive), .words = host_proactive_words,
         .def = "cluster", .help = "guests of this host when it is degraded"},
        {"replica-address", CONF_ADDRESS, MEMBER(conf_host, replica_address),
         .help = "where it receives replicas; without it: its address of ring 0"},
};

static const struct conf_key fence_keys[] = {
        {"host", CONF_NAME, MEMBER(conf_device, host), .help = "whose power it switches"},
        {"driver", CONF_ENUM, MEMBER(conf_device, driver), .words = driver_words, .def = "ipmi",
         .help = "ipmi, or agent for any of the fence-agents"},
        {"level", CONF_U32, MEMBER(conf_device, level), .min = 1, .max = 9, .def = "1",
         .help = "levels are tried in order; all devices of one must read off"},
        {"timeout", CONF_DURATION, MEMBER(conf_device, timeout_usec), .min = USEC_PER_SEC,
         .max = 10 * USEC_PER_MINUTE, .def = "20s", .help = "for one action, all included"},
        {"address", CONF_ADDRESS, MEMBER(conf_device, address), .help = "ipmi: of the BMC"},
        {"port", CONF_U32, MEMBER(conf_device, port), .min = 1, .max = 65535, .def = "623",
         .help = "ipmi: UDP port"},
        {"user", CONF_NAME, MEMBER(conf_device, user),
         .help = "ipmi: user name; its password is in fencing.conf"},
        {"cipher-suite", CONF_ENUM, MEMBER(conf_device, cipher_suite), .words = cipher_words,
         .def = "auto", .help = "ipmi: 17, 3, or auto: 17, then 3"},
        {"agent", CONF_NAME, MEMBER(conf_device, agent), .help = "agent: program, as fence_apc"},
        {"options", CONF_OPTIONS, MEMBER(conf_device, options),
         .help = "agent: what it is given, as ip=10.0.0.9 plug=3"},
};

const struct conf_section conf_sections[CONF_SECTIONS] = {
        [CONF_CLUSTER] = {"cluster", false, cluster_keys, ARRAY_SIZE(cluster_keys)},
        [CONF_GUEST_DEFAULTS] = {"guest-defaults", false, guest_keys, ARRAY_SIZE(guest_keys)},
        [CONF_HOST] = {"host", true, host_keys, ARRAY_SIZE(host_keys)},
        [CONF_FENCE] = {"fence", true, fence_keys, ARRAY_SIZE(fence_keys)},
};

enum conf_section_kind conf_section_kind(const char *name) {
        enum conf_section_kind kind = CONF_CLUSTER;

        while (kind < CONF_SECTIONS && strcmp(conf_sections[kind].name, name) != 0)
                kind++;
        return kind;
}

const struct conf_key *conf_key_find(const struct conf_section *s, const char *key) {
        for (size_t i = 0; i < s->n_keys; i++)
                if (strcmp(s->keys[i].name, key) == 0)
                        return &s->keys[i];
        return NULL;
}

bool conf_is_secret(const char *key) {
        static const char *const whole[] = {"community", "token", "apikey", "api_key"};
        size_t len = strlen(key);

        if (len > 7 && strcmp(key + len - 7, "_script") == 0) /* prints it, and is no secret */
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
                if (strcmp(key, whole[i]) == 0)
                        return true;
        return strstr(key, "passw") || strstr(key, "secret");
}

bool conf_key_is_list(const struct conf_key *key) {
        return key->type == CONF_LABELS || key->type == CONF_OPTIONS || key->type == CONF_NAMES ||
               key->type == CONF_PATHS || key->type == CONF_LINKS;
}

/* How many letters must be inserted, dropped or replaced; both are cut at NAME_LEN. */
static size_t edit_distance(const char *a, const char *b) {
        size_t row[NAME_LEN + 1], la = strnlen(a, NAME_LEN), lb = strnlen(b, NAME_LEN);

        for (size_t j = 0; j <= lb; j++)
                row[j] = j;
        for (size_t i = 1; i <= la; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= lb; j++) {
                        size_t change = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[j];
                        row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
                }
        }
        return row[lb];
}

int conf_nearest(const char *word, const char *const *words, size_t n) {
        size_t best = MAX(2, strlen(word) / 3) + 1;
        int found = -1;

        for (size_t i = 0; i < n; i++) {
                size_t distance = edit_distance(word, words[i]);

                /* Not when every letter would have to change. */
                if (distance < best && distance < strlen(words[i])) {
                        best = distance;
                        found = (int)i;
                }
        }
        for (size_t i = 0; found < 0 && strlen(word) >= 3 && i < n; i++)
                if (strncmp(word, words[i], strlen(word)) == 0)
                        found = (int)i;
        return found;
}

void conf_key_unknown(const struct conf_section *s, const char *who, const char *key, char *err) {
        const char *names[64];
        int nearest;

        assert(s->n_keys <= ARRAY_SIZE(names));
        for (size_t i = 0; i < s->n_keys; i++)
                names[i] = s->keys[i].name;
        nearest = conf_nearest(key, names, s->n_keys);
        if (nearest >= 0)
                text_fmt(err, TEXT_LEN, "%s has no key '%.60s': did you mean '%s'?", who, key,
                         names[nearest]);
        else
                text_fmt(err, TEXT_LEN, "%s has no key '%.60s'", who, key);
}
