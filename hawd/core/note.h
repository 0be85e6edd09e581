/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notes: what the core decided or saw, rendered once for the journal, traces, the simulator,
 * history and `hawctl explain`. Pure. One table gives each its stable name, priority and
 * journal MESSAGE_ID; the adapters log, the core only emits.
 */
#pragma once

#include "hawd/core/event.h"

enum note_id {
        NOTE_NONE,
        /* This member. */
        NOTE_OPERATIONAL,     /* decisions are made */
        NOTE_NOT_OPERATIONAL, /* and why not */
        NOTE_STORE_FAILED,
        NOTE_STORE_BACK,
        NOTE_STORE_ASIDE,  /* a damaged ledger was put aside: why, and its name */
        NOTE_PEER_REFUSED, /* another major version */
        NOTE_PEER_SILENT,  /* in the group, but says nothing: left out */
        NOTE_LIBVIRT_UP,
        NOTE_LIBVIRT_DOWN,
        /* The ledger: kept in history. */
        NOTE_HOST_ADDED,
        NOTE_HOST_REMOVED,
        NOTE_HOST_RENAMED,
        NOTE_HOST_JOINING,
        NOTE_HOST_ONLINE,
        NOTE_HOST_LOST,
        NOTE_HOST_UNSUPERVISED,
        NOTE_HOST_AWAY,
        NOTE_HOST_OFF,         /* proven off, and by what */
        NOTE_HOST_VOTE,        /* its ledger counts, or no more */
        NOTE_HOST_QUARANTINED, /* fenced too often (L3) */
        NOTE_HOST_RELEASED,
        NOTE_FENCE_START,
        NOTE_FENCE_RESULT,
        NOTE_FENCE_WAIT, /* nothing to try: reason and mend */
        NOTE_FENCE_CANCEL,
        NOTE_FENCE_CONFIRMED,
        NOTE_FENCE_REQUESTED,
        NOTE_DEVICE, /* a fence device became reachable, unreachable, distrusted */
        NOTE_GUEST_ADDED,
        NOTE_GUEST_REMOVED,
        NOTE_GUEST_SET,
        NOTE_GUEST_DESIRED,
        NOTE_GUEST_FAILED, /* should run and does not, and why */
        NOTE_GUEST_PLACED, /* start decided: where and why */
        NOTE_GUEST_STARTED,
        NOTE_GUEST_START_FAILED,
        NOTE_GUEST_HEALTHY,
        NOTE_GUEST_STOPPING,
        NOTE_GUEST_STOPPED,
        NOTE_GUEST_PAUSED,
        NOTE_GUEST_RESUMED,
        NOTE_GUEST_BLOCKED,   /* reason and mend */
        NOTE_GUEST_ROGUE,     /* a copy without a claim was stopped */
        NOTE_GUEST_UNSETTLED, /* a job's end is unknown: the claim stays */
        NOTE_RULE_SET,
        NOTE_RULE_DELETED,
        NOTE_INCIDENT_CLOSED, /* with its parts */
        NOTE_WATCHDOG_ARMED,  /* of a host: the others may count on it */
        NOTE_WATCHDOG_NONE,   /* one is wanted, and is none to be counted on: why */
        NOTE_LEASE_LOST,      /* here: the watchdog is fed no more */
        NOTE_SNAP_TAKEN,
        NOTE_SNAP_FAILED,      /* not taken, or not deleted yet: why */
        NOTE_SNAP_DELETED,     /* its files are gone, or went into another */
        NOTE_SNAP_ROLLED_BACK, /* to which, and the name of the disk that was left (S8) */
        NOTE_HOST_DEGRADED,    /* by what: no new guests */
        NOTE_HOST_WELL,        /* of that, or of all */
        NOTE_MOVE_ADVISED,     /* of a guest on a degraded host: where to, or why not */
        NOTE_REPLICA_BEGIN,    /* a guest's disks are copied to another host */
        NOTE_REPLICA_IN_STEP,  /* the copy has every write */
        NOTE_REPLICA_BEHIND,   /* it has not any more: why */
        NOTE_REPLICA_BROKEN,   /* the same by the word of its host (S9) */
        NOTE_REPLICA_PROMOTED, /* a guest starts from it: what is lost */
        NOTE_REPLICA_FAILED,   /* a copy that was begun did not come in step: why */
        NOTE_MAX_,
};

/** note_name() - stable name, e.g. "host-lost". */
const char *note_name(enum note_id id);
/** note_from_name() - and back; NOTE_NONE when @name names none. */
enum note_id note_from_name(const char *name);
/** note_priority() - syslog priority (3 error, 4 warning, 5 notice, 6 info). */
int note_priority(enum note_id id);
/** note_message_id() - 32 hex digits, the journal's MESSAGE_ID. */
const char *note_message_id(enum note_id id);
