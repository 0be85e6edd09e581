/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done, as a scenario says it; verb.c reads it back. */
#include "hawd/sim/fault.h"

/* H stands for the host, G for the guest. */
static const char *const words[FAULT_KIND_MAX_] = {
        [FAULT_POWER_OFF] = "power H off",
        [FAULT_POWER_ON] = "power H on",
        [FAULT_POWER_RESET] = "power H reset",
        [FAULT_POWER_PULL] = "power H pull",
        [FAULT_NET_CUT] = "network H cut",
        [FAULT_NET_RESTORE] = "network H restore",
        [FAULT_MGMT_CUT] = "mgmt H cut",
        [FAULT_MGMT_RESTORE] = "mgmt H restore",
        [FAULT_WATCHDOG] = "watchdog H expire",
        [FAULT_HAWD_RESTART] = "daemon H restart",
        [FAULT_FREEZE] = "freeze H",
        [FAULT_THAW] = "thaw H",
        [FAULT_HAWD_KILL] = "daemon H kill",
        [FAULT_HAWD_START] = "daemon H start",
        [FAULT_HAWD_STOP] = "daemon H stop",
        [FAULT_HAWD_FREEZE] = "daemon H freeze",
        [FAULT_HAWD_THAW] = "daemon H thaw",
        [FAULT_RING_KILL] = "ring H kill",
        [FAULT_RING_FREEZE] = "ring H freeze",
        [FAULT_RING_THAW] = "ring H thaw",
        [FAULT_RING_LATE] = "ring H late",
        [FAULT_LIBVIRT_HANG] = "libvirt H hang",
        [FAULT_LIBVIRT_RESUME] = "libvirt H resume",
        [FAULT_LIBVIRT_RESTART] = "libvirt H restart",
        [FAULT_TOKEN_LATE] = "token late",
        [FAULT_DISK_LOST] = "disk H lost",
        [FAULT_NODE_ADD] = "node H add",
        [FAULT_NODE_REMOVE] = "node H remove",
        [FAULT_GUEST_CRASH] = "guest G crash",
        [FAULT_GUEST_SHUTDOWN] = "guest G shutdown",
        [FAULT_GUEST_DESTROY] = "virsh destroy G",
        [FAULT_GUEST_ROGUE] = "virsh start G H",
        [FAULT_GUEST_HANG] = "guest G hang",
        [FAULT_GUEST_WATCHDOG] = "guest G watchdog",
        [FAULT_GUEST_PANIC] = "guest G panic",
        [FAULT_GUEST_IO] = "guest G io-error",
        [FAULT_GUEST_LOOP] = "guest G boot-loop",
        [FAULT_STORAGE_LOSE] = "storage H lose",
        [FAULT_STORAGE_RESTORE] = "storage H restore",
        [FAULT_ILL_STORAGE] = "host H degrade storage",
        [FAULT_ILL_UPLINK] = "host H degrade uplink",
        [FAULT_ILL_MEMORY] = "host H degrade memory",
        [FAULT_ILL_SENSORS] = "host H degrade sensors",
        [FAULT_WELL_SENSORS] = "host H heal sensors",
        [FAULT_WELL_STORAGE] = "host H heal storage",
        [FAULT_WELL_UPLINK] = "host H heal uplink",
        [FAULT_WELL_MEMORY] = "host H heal memory",
        [FAULT_WELL] = "host H heal",
        [FAULT_REPLICA_KILL] = "replica G kill",
        [FAULT_REPLICA_CUT] = "replicas H cut",
        [FAULT_REPLICA_RESTORE] = "replicas H restore",
        [FAULT_SHUTDOWN] = "shutdown H",
        [FAULT_REBOOT] = "reboot H",
        [FAULT_CONFIRM_TRUE] = "fence confirm H if off",
        [FAULT_HEAL] = "mend all",
};

const char *const fault_bmc_words[BMC_MODE_MAX_] = {
        [BMC_OK] = "alive", [BMC_DEAD] = "dead", [BMC_LYING] = "lie",         [BMC_SLOW] = "slow",
        [BMC_NONE] = NULL,  [BMC_FLAP] = "flap", [BMC_SAYS_OFF] = "says-off",
};

bool fault_timed(enum fault_kind kind) {
        switch (kind) {
        case FAULT_NET_CUT:
        case FAULT_FREEZE:
        case FAULT_HAWD_KILL:
        case FAULT_HAWD_FREEZE:
        case FAULT_RING_KILL:
        case FAULT_RING_FREEZE:
        case FAULT_RING_LATE:
        case FAULT_LIBVIRT_HANG:
        case FAULT_TOKEN_LATE:
        case FAULT_DISK_LOST:
        case FAULT_GUEST_LOOP:
        case FAULT_STORAGE_LOSE:
        case FAULT_ILL_STORAGE:
        case FAULT_ILL_UPLINK:
        case FAULT_ILL_MEMORY:
        case FAULT_REPLICA_CUT:
        case FAULT_ILL_SENSORS:
                return true;
        default:
                return false;
        }
}

static void put(char *buf, size_t size, const char *s) {
        text_fmt(buf + strlen(buf), size - strlen(buf), "%s", s);
}

static void fill(const struct sim_conf *c, const struct fault *f, const char *pattern, char *buf,
                 size_t size) {
        char word[2] = "";

        buf[0] = '\0';
        for (const char *p = pattern; *p; p++) {
                word[0] = *p;
                if (*p == 'H' && f->host >= 0)
                        put(buf, size, c->hosts[f->host].name);
                else if (*p == 'G' && f->guest >= 0)
                        put(buf, size, c->guests[f->guest].name);
                else
                        put(buf, size, word);
        }
}

static void split_text(const struct sim_conf *c, uint64_t mask, char *buf, size_t size) {
        text_set(buf, size, mask ? "network split" : "network whole");
        for (size_t i = 0; i < c->n_hosts; i++)
                if (mask >> i & 1)
                        text_fmt(buf + strlen(buf), size - strlen(buf), " %s", c->hosts[i].name);
}

static void clock_text(const struct sim_conf *c, const struct fault *f, char *buf, size_t size) {
        int64_t ms = (int64_t)f->arg;
        char time[32];

        format_duration((usec_t)(ms < 0 ? -ms : ms) * USEC_PER_MSEC, time, sizeof(time));
        text_fmt(buf, size, "clock %s %s %s", c->hosts[f->host].name, ms < 0 ? "back" : "forward",
                 time);
}

void fault_text(const struct sim_conf *c, const struct fault *f, char *buf, size_t size) {
        static const char *const disk[] = {"ok", "slow", "full", "failing"};
        const char *host = f->host >= 0 ? c->hosts[f->host].name : "";
        const char *guest = f->guest >= 0 ? c->guests[f->guest].name : "";
        char time[32];

        switch (f->kind) {
        case FAULT_NET_SPLIT:
                split_text(c, f->arg, buf, size);
                return;
        case FAULT_LIBVIRT_SLOW:
                text_fmt(buf, size, "libvirt %s %s", host, f->arg ? "slow" : "fast");
                return;
        case FAULT_BMC:
                text_fmt(buf, size, "bmc%s %s %s",
                         f->arg >> 8 == 0   ? ""
                         : f->arg >> 8 == 1 ? "1"
                                            : "2",
                         host, fault_bmc_words[f->arg & 0xff]);
                return;
        case FAULT_DISK:
                text_fmt(buf, size, "disk %s %s", host, disk[f->arg]);
                return;
        case FAULT_CLOCK:
                clock_text(c, f, buf, size);
                return;
        case FAULT_CONFIG:
                text_fmt(buf, size, "config %s %" PRIu64, host, f->arg);
                return;
        case FAULT_REQUEST:
                if (f->arg == VERB_ACCEPT_LOSS) {
                        text_set(buf, size, "host accept-loss");
                        return;
                }
                text_fmt(buf, size, "%s %s%s%s%s%s", verb_name((enum verb)f->arg), guest,
                         guest[0] && host[0] ? " " : "", host, guest[0] && f->name[0] ? " " : "",
                         f->name);
                return;
        case FAULT_AMBUSH:
                ambush_text(f->arg, buf, size);
                return;
        default:
                fill(c, f, words[f->kind], buf, size);
        }
        if (fault_timed(f->kind) && f->arg) {
                format_duration(f->arg * USEC_PER_MSEC, time, sizeof(time));
                text_fmt(buf + strlen(buf), size - strlen(buf), " for %s", time);
        }
}
