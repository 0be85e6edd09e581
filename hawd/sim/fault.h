/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done to a cluster from outside: faults, mends and people's requests. A schedule of them
 * is a scenario; each can be written as the line of a scenario file that does the same.
 */
#pragma once

#include "hawd/sim/sim.h"

enum fault_kind {
        FAULT_POWER_OFF,
        FAULT_POWER_ON,
        FAULT_POWER_RESET,
        FAULT_NET_CUT,
        FAULT_NET_SPLIT, /* arg: bit per host that is on the other side */
        FAULT_NET_RESTORE,
        FAULT_MGMT_CUT,
        FAULT_MGMT_RESTORE,
        FAULT_FREEZE,
        FAULT_THAW,
        FAULT_HAWD_KILL, /* arg: milliseconds until it is started again; 0: stays away */
        FAULT_HAWD_START,
        FAULT_HAWD_STOP,
        FAULT_RING_KILL, /* corosync; arg as above */
        FAULT_LIBVIRT_HANG,
        FAULT_LIBVIRT_RESUME,
        FAULT_LIBVIRT_SLOW,
        FAULT_LIBVIRT_RESTART,
        FAULT_BMC,  /* arg: enum bmc_mode */
        FAULT_DISK, /* arg: enum disk_mode */
        FAULT_GUEST_CRASH,
        FAULT_GUEST_SHUTDOWN,
        FAULT_SHUTDOWN,
        FAULT_REBOOT,
        FAULT_REQUEST,      /* arg: enum verb; guest and host as it needs them */
        FAULT_CONFIRM_TRUE, /* fence confirm by somebody who looked: only if the host is off */
        FAULT_AMBUSH,       /* arg: as ambush_set() takes it */
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
/** fault_text() - as in a scenario's `do =`; some kinds have no such line and are only shown. */
void fault_text(const struct sim_conf *c, const struct fault *f, char *buf, size_t size);
/** fault_heal() - mend all that faults may have done, and switch everything on. */
void fault_heal(struct sim *s);
/** fault_plan() - apply each of @faults at its time; they outlive the run. */
void fault_plan(struct sim *s, const struct fault *faults, size_t n);
