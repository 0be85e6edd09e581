/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger entries: what ledger_apply() takes. Pure.
 *
 * An entry is a batch of ops: proposed in one message, stored in one write, applied in order. Each
 * op names the version of the object that it was decided on (0: any) and is dropped, alone, when
 * that object has changed since. Which fields an op uses is said at its kind; the rest is 0.
 */
#pragma once

#include "hawd/core/model.h"

enum op_kind {
        OP_NONE,
        /* Decisions of the leader. */
        OP_HOST_ADD,     /* host, name, flag (no vote yet: it has stored nothing) */
        OP_HOST_REMOVE,  /* host: gone from the nodelist, AWAY, OFF or NEW, no claim left */
        OP_HOST_LOST,    /* host, host_version, wall_last_good, text */
        OP_HOST_ONLINE,  /* host, host_version, flag (quarantined, text): reported, no fence job */
        OP_HOST_VOTE,    /* host, flag (counts from now on, or not); alone in its entry */
        OP_HOST_PROVEN,  /* host, proof (devices, operator), text: an even split went on without it
                          */
        OP_HOST_RENAME,  /* host, name: so it is called in the nodelist now */
        OP_FENCE_START,  /* host, loss, fence_kind, executor, level, devices, budget */
        OP_FENCE_CLOSE,  /* job: its executor is gone and the budget has surely run out */
        OP_FENCE_WAIT,   /* host, host_version, text: nothing to try, and why (L2) */
        OP_GUEST_START,  /* gid, guest_version, host, host_version, text (why), rung: claim and job
                          */
        OP_GUEST_JOB,    /* gid, guest_version, host, job_kind (STOP PAUSE RESUME SETTLE), text */
        OP_GUEST_REASON, /* gid, guest_version, guest_state (FAILED or BLOCKED), text */
        OP_GUEST_FORGET, /* gid, guest_version: deleting, no claim left */
        /* Observations, by the member that made them. */
        OP_HOST_JOIN,     /* host, incarnation, facts: a new hawd, or one that was lost */
        OP_HOST_REPORT,   /* host, incarnation, seen[]: drained; all else of it can never run */
        OP_HOST_STOPPING, /* host, flag (the watchdog stays armed): clean stop of hawd, guests stay
                           */
        OP_HOST_FACTS,    /* host, incarnation, facts: what it said when it joined has changed */
        OP_GUEST_DONE,    /* gid, job, host, result, text, seen: what a guest job came to */
        OP_GUEST_SEEN,    /* gid, gen, host, seen: running, paused, ended (with end_why) */
        OP_GUEST_HEALTHY, /* gid, gen, host, text (evidence) */
        OP_GUEST_ROGUE,   /* gid, host, text: a copy without a claim was stopped here */
        OP_FENCE_DONE,    /* job, host, loss, fence_result, text, devices */
        OP_DEVICE_SEEN,   /* name, host, reading (on, off, none), executor, text */
        OP_DEVICE_FORGET, /* name: in no hawd.conf any more; by the leader */
        OP_DEVICE_OFF,    /* name, host: an even split was about to switch it off; called off */
        /* Wishes of a person. */
        OP_GUEST_ADD,     /* spec, desired, host (runs there already; 0: not) */
        OP_GUEST_SET,     /* gid, spec: new settings */
        OP_GUEST_DESIRE,  /* gid, desired, text (who) */
        OP_GUEST_MOVE,    /* gid, host, flag (by the leader, away from a degraded host); by the
                             leader with host 0, text: called off, and why */
        OP_GUEST_DELETE,  /* gid, flag: 1 stop and undefine, 0 only forget */
        OP_RULE_SET,      /* name, rule_kind, flag (strict), list, list2 */
        OP_RULE_DELETE,   /* name */
        OP_FENCE_CONFIRM, /* host, text (who) */
        OP_FENCE_REQUEST, /* host, text (who) */
        OP_HOST_RELEASE,  /* host, text (who): out of quarantine */
        OP_GUEST_RECOVER, /* gid, text (who): tried again from the first rung */
        OP_HOST_WATCHDOG, /* host, incarnation, watchdog_usec, lease_usec: armed so; or text: why
                             it is not. An observation */
        OP_FENCE_LEASE,   /* host, host_version, loss, text: its watchdog has reset it (S7); by the
                             leader */
        OP_REPLICA_BEGIN, /* gid, guest_version: copying begins, with a new serial; by the leader */
        OP_REPLICA_SAYS,  /* gid, host, gen, serial, replica_state; list: where; text, as_of,
                             lag_bytes; an observation of P or R */
        OP_REPLICA_STANDS, /* gid, host, serial, loss; an observation of R */
        OP_REPLICA_FORCE,  /* gid, flag (whatever is lost), text (who): start from the replica */
        OP_REPLICA_RESYNC, /* gid, text (who): copied anew */
        OP_SNAP_TAKE,      /* gid, name, flag (by hand), text (who): when its host can */
        OP_SNAP_DELETE,    /* gid, name, text (who, or why) */
        OP_SNAP_ROLLBACK,  /* gid, name, text (who): it is stopped, and started again if wanted */
        OP_HOST_HEALTH, /* host, incarnation (0: said by another), ill, flag (it is bad), text. An
                           observation */
        OP_KIND_MAX_,
};

enum job_result {
        RESULT_DONE,
        RESULT_FAILED,    /* and can never take effect any more: the claim ends */
        RESULT_UNSETTLED, /* failed or timed out, may still take effect: the claim stays */
        RESULT_CANCELLED, /* never begun */
        RESULT_MAX_,
};

enum fence_result {
        FENCE_PROVEN_OFF, /* all devices of the level read off, twice */
        FENCE_IS_ON,      /* FENCE_ON: reads on; FENCE_OFF: still on after all tries */
        FENCE_FAILED,     /* unknown */
        FENCE_CANCELLED,
        FENCE_RESULT_MAX_,
};

enum seen_state { SEEN_GONE, SEEN_RUNNING, SEEN_PAUSED, SEEN_CRASHED, SEEN_MAX_ };

enum power_reading { READING_NONE, READING_ON, READING_OFF, READING_MAX_ };

/** struct seen - one managed guest as a host's libvirt shows it */
struct seen {
        uint32_t gid;
        enum seen_state state;
};

struct op {
        enum op_kind kind;
        uint32_t host; /* node id */
        uint32_t gid;
        uint64_t host_version, guest_version; /* decided on; 0: any */
        uint64_t gen;
        uint64_t job;
        uint64_t incarnation;
        uint32_t executor;
        uint32_t loss;
        uint32_t level;
        usec_t budget_usec;
        usec_t wall; /* when it was seen or decided, by the proposer's clock */
        usec_t wall_last_good;
        enum fence_kind fence_kind;
        enum guest_job_kind job_kind;
        enum job_result result;
        enum fence_result fence_result;
        enum seen_state seen;
        enum end_why end_why;
        enum rung rung; /* GUEST_START: taken with it; NONE: it recovers from nothing of its own */
        enum power_reading reading;
        uint64_t settings;   /* DEVICE_SEEN: of the device, see model.h */
        char guid[UUID_LEN]; /* the same; "" not told */
        usec_t watchdog_usec, lease_usec;
        uint32_t serial; /* GUEST_START: from the replica of this serial; 0: from its own disks */
        enum replica_state replica_state;
        usec_t as_of;
        uint64_t lag_bytes;
        enum ill ill;
        enum proof proof;
        enum guest_state guest_state;
        enum desired desired;
        enum rule_kind rule_kind;
        bool flag;
        bool no_quiesce;   /* SNAP_TAKE: its filesystems are not frozen */
        uint32_t snap;     /* GUEST_START by ROLLBACK: id gone back to; GUEST_JOB: deleted */
        uint64_t snap_mib; /* GUEST_DONE of a snapshot's job: on the disk now; 0: not known */
        usec_t pause_usec; /* GUEST_DONE of SNAPSHOT: what it took of the guest's time */
        char name[NAME_LEN];
        char text[TEXT_LEN];
        char devices[LEVEL_DEVICES_MAX][NAME_LEN];
        uint32_t n_devices;
        struct host_facts facts;
        struct guest_spec *spec; /* owned reference */
        struct seen *seen_list;  /* owned */
        uint32_t n_seen;
        struct blob *list, *list2; /* owned references: rule's guests and hosts */
};

/** struct entry - reference-counted, immutable once sent */
struct entry {
        unsigned refs;
        uint32_t origin;      /* node id of the proposer */
        uint64_t incarnation; /* of the proposer's hawd */
        uint64_t request;     /* the proposer's own number; its client waits for it; 0: nobody */
        bool decision;        /* by the leader: dropped whole when proposed in another epoch */
        uint64_t epoch;       /* in which it was proposed */
        struct op *ops;
        size_t n_ops, cap_ops;
};

struct entry *entry_new(void);
struct op *entry_add(struct entry *e, enum op_kind kind); /* zeroed, owned by @e */
struct entry *entry_ref(struct entry *e);
struct entry *entry_unref(struct entry *e); /* returns NULL */
void op_clear(struct op *op);

const char *op_kind_name(enum op_kind k);
const char *end_why_name(enum end_why w);
const char *seen_state_name(enum seen_state s);
const char *fence_result_name(enum fence_result r);
const char *job_result_name(enum job_result r);
