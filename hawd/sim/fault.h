/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done to a cluster from outside: faults, mends and people's requests. A schedule of them
 * is a scenario; each can be written as the line of a scenario file that does the same.
 */
#pragma once

#include "hawd/sim/parts.h"

/* Those that say "for": arg is the time in milliseconds until it is undone; 0: it stays so. */
enum fault_kind {
        FAULT_POWER_OFF,
        FAULT_POWER_ON,
        FAULT_POWER_RESET,
        FAULT_POWER_PULL, /* off, and its BMCs are dead until it is switched on */
        FAULT_NET_CUT,    /* for */
        FAULT_NET_SPLIT,  /* arg: bit per host that is on the other side */
        FAULT_NET_RESTORE,
        FAULT_MGMT_CUT,
        FAULT_MGMT_RESTORE,
        FAULT_WATCHDOG, /* resets its host, whatever hawd does */
        FAULT_FREEZE,   /* for */
        FAULT_THAW,
        FAULT_HAWD_KILL, /* for */
        FAULT_HAWD_START,
        FAULT_HAWD_STOP,
        FAULT_HAWD_RESTART, /* by systemctl: its watchdog stays armed */
        FAULT_HAWD_FREEZE,  /* the process alone, by SIGSTOP; for */
        FAULT_HAWD_THAW,
        FAULT_RING_KILL,   /* corosync; for */
        FAULT_RING_FREEZE, /* for */
        FAULT_RING_THAW,
        FAULT_RING_LATE,    /* nothing reaches it for so long, and the ring does not change */
        FAULT_LIBVIRT_HANG, /* for */
        FAULT_LIBVIRT_RESUME,
        FAULT_LIBVIRT_SLOW, /* arg: 1 slow, 0 fast */
        FAULT_LIBVIRT_RESTART,
        FAULT_TOKEN_LATE, /* nobody can send for so long, and the ring does not change */
        FAULT_BMC,        /* arg: enum bmc_mode | which << 8; which 0: all, 1: first, 2: second */
        FAULT_DISK,       /* arg: enum disk_mode */
        FAULT_DISK_LOST,  /* hawd dies, and finds nothing when it starts; for: until it does */
        FAULT_CLOCK,      /* arg: its wall clock is set by so many milliseconds, signed */
        FAULT_CONFIG,     /* arg: as node_config() takes it */
        FAULT_NODE_ADD,   /* to corosync's nodelist */
        FAULT_NODE_REMOVE,
        FAULT_GUEST_CRASH,
        FAULT_GUEST_SHUTDOWN,
        FAULT_GUEST_DESTROY, /* by root, with virsh */
        FAULT_GUEST_ROGUE,   /* root starts a copy on host, with virsh */
        FAULT_GUEST_HANG,
        FAULT_GUEST_WATCHDOG, /* its own, runs out */
        FAULT_GUEST_PANIC,
        FAULT_GUEST_IO,     /* one error of its disk */
        FAULT_GUEST_LOOP,   /* QEMU dies, and at each boot again; for */
        FAULT_STORAGE_LOSE, /* of all guests of the host; for */
        FAULT_STORAGE_RESTORE,
        FAULT_REPLICA_KILL, /* the server that receives the guest's replica */
        FAULT_REPLICA_CUT,  /* the host's link for replicas; for */
        FAULT_REPLICA_RESTORE,
        FAULT_SHUTDOWN,
        FAULT_REBOOT,
        FAULT_REQUEST,      /* arg: enum verb; guest and host as it needs them */
        FAULT_CONFIRM_TRUE, /* fence confirm by somebody who looked: only if the host is off */
        FAULT_AMBUSH,       /* arg: as ambush_set() takes it */
        FAULT_ILL_STORAGE,  /* so the host measures, whatever is true; for */
        FAULT_ILL_UPLINK,
        FAULT_ILL_MEMORY,
        FAULT_ILL_SENSORS,  /* so its BMC says */
        FAULT_WELL_STORAGE, /* in the same order */
        FAULT_WELL_UPLINK,
        FAULT_WELL_MEMORY,
        FAULT_WELL_SENSORS,
        FAULT_WELL, /* of all that */
        FAULT_HEAL, /* everything is mended and switched on */
        FAULT_KIND_MAX_,
};

struct fault {
        usec_t at; /* after zero */
        enum fault_kind kind;
        int host;  /* index, or -1 */
        int guest; /* index, or -1 */
        uint64_t arg;
        char name[NAME_LEN]; /* of a rule */
};

void fault_apply(struct sim *s, const struct fault *f);
/** fault_heal() - mend all that faults may have done, and switch everything on. */
void fault_heal(struct sim *s);
/** fault_plan() - apply each of @faults at its time; they outlive the run. */
void fault_plan(struct sim *s, const struct fault *faults, size_t n);

/* fault_text.c */
/** fault_text() - as in a scenario's `do =`. */
void fault_text(const struct sim_conf *c, const struct fault *f, char *buf, size_t size);
/** fault_timed() - may it say "for TIME"? */
bool fault_timed(enum fault_kind kind);
extern const char *const fault_bmc_words[BMC_MODE_MAX_];
