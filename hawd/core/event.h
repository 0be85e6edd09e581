/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events in, actions out: all that passes between the core and the world. Pure.
 *
 * Events borrow what they point to for the call only (messages, specs: take a reference to keep).
 * Actions own what they point to; actions_clear() drops it.
 */
#pragma once

#include "hawd/core/msg.h"

enum event_kind {
        EV_TIMEOUT,        /* core_deadline() has come */
        EV_GROUP,          /* the hawd group changed: members, in this order of the ring */
        EV_RING,           /* totem membership: ring id and its node ids */
        EV_QUORUM,         /* votequorum spoke, for that ring id */
        EV_NODELIST,       /* corosync's configured nodelist, at start and on each change */
        EV_MESSAGE,        /* delivered to this member, own messages too */
        EV_PERSISTED,      /* batch is on disk (and all before it) */
        EV_PERSIST_FAILED, /* batch is not, nor any behind it */
        EV_LIBVIRT_UP,     /* connected; n_domains and domains: all that it shows, managed or not */
        EV_LIBVIRT_DOWN,
        EV_DOMAIN,         /* one domain changed */
        EV_DEFINITION,     /* a domain was defined or undefined, by whomever */
        EV_DOMAIN_HEALTHY, /* the agent of uuid answers */
        EV_GUEST_JOB_DONE,
        EV_FENCE_DONE,  /* one device action ended */
        EV_FACTS_DONE,  /* ACT_FACTS ended */
        EV_REQUEST,     /* from a client */
        EV_HOST_LOAD,   /* this host's free memory and load, before each heartbeat */
        EV_STOP,        /* orderly stop of hawd; answered by ACT_STOPPED */
        EV_WATCHDOG,    /* what became of the watchdog, or was found at the start */
        EV_REPLICA,     /* what became of a replica here, or was found; replication/replica.h */
        EV_SENSORS,     /* ACT_SENSORS ended */
        EV_HOST_HEALTH, /* what this host measured of itself, before each heartbeat */
        EV_KIND_MAX_,
};

struct ring_id {
        uint32_t nodeid;
        uint64_t seq;
};

/** struct domain_seen - a libvirt domain of this host */
struct domain_seen {
        char uuid[UUID_LEN];
        char name[NAME_LEN];
        enum seen_state state;
        enum end_why end_why; /* why, as far as libvirt says; see there what goes with what */
        usec_t wall;
        usec_t good_wall; /* of a hang: it gave a sign of life then, and none since; 0: not known */
        char text[TEXT_LEN]; /* detail, e.g. the last lines of the QEMU log; may be empty */
};

/** struct snap_figures - what a snapshot's job measured */
struct snap_figures {
        uint64_t mib; /* of what the snapshot has on the disk */
        usec_t pause_usec;
};

enum verb {
        VERB_NONE,
        VERB_GUEST_ADD,    /* guest: domain of host (0: this one), spec: settings only */
        VERB_GUEST_CREATE, /* spec with xml, desired */
        VERB_GUEST_SET,    /* guest, spec */
        VERB_GUEST_START,
        VERB_GUEST_STOP,
        VERB_GUEST_IGNORE,
        VERB_GUEST_PAUSE,
        VERB_GUEST_RESUME,
        VERB_GUEST_MOVE,   /* guest, host */
        VERB_GUEST_DELETE, /* stop, undefine, forget; disks stay */
        VERB_GUEST_REMOVE, /* forget, leave it as it is */
        VERB_RULE_SET,
        VERB_RULE_DELETE,
        VERB_FENCE_TEST, /* host: read its devices, empty: all; from: by whom */
        VERB_FENCE_HOST,
        VERB_FENCE_CONFIRM,
        VERB_FACTS,           /* host: what it says of itself; needs no ledger */
        VERB_HOST_RELEASE,    /* host: out of quarantine */
        VERB_GUEST_RECOVER,   /* guest: try again from the first rung */
        VERB_REPLICA_PROMOTE, /* guest: start from its replica, if nothing is lost */
        VERB_REPLICA_FORCE,   /* guest: whatever is lost */
        VERB_REPLICA_RESYNC,  /* guest */
        VERB_REPLICA_OUTDATE, /* guest: on P, what is written from now on is not on R */
        VERB_ACCEPT_LOSS,     /* absent hosts are off; what only they stored is given up */
        VERB_SNAP_TAKE,       /* guest, snapshot */
        VERB_SNAP_DELETE,
        VERB_SNAP_ROLLBACK,
        VERB_MAX_,
};

#define FENCE_TEST_ALL "all"

enum reply_code {
        REPLY_OK,
        REPLY_FAILED,
        REPLY_USAGE, /* no such guest, host ... or it makes no sense now */
        REPLY_NOT_QUORATE,
        REPLY_BUSY, /* the ledger is being agreed on; try again */
        REPLY_CODE_MAX_,
};

struct request {
        uint64_t id; /* the adapter's, not 0; comes back in ACT_REPLY exactly once */
        enum verb verb;
        char guest[NAME_LEN];
        char host[NAME_LEN];
        char from[NAME_LEN]; /* FENCE_TEST: member that reads, FENCE_TEST_ALL, empty: this one */
        char who[NAME_LEN];  /* user name of the client */
        struct guest_spec *spec;
        enum desired desired;
        char rule[NAME_LEN];
        char snapshot[NAME_LEN];
        enum rule_kind rule_kind;
        bool strict;
        bool no_quiesce;            /* SNAP_TAKE */
        const char *guests, *hosts; /* rule's lists */
};

/** struct replica_told - of copying, by the host that does it; replication/replica.h says when */
struct replica_told {
        enum replica_what {
                TOLD_EXPORTED,     /* R: `where` */
                TOLD_EXPORT_ENDED, /* R: text */
                TOLD_ALIVE,        /* R: for `loss` */
                TOLD_COPYING,      /* P */
                TOLD_IN_STEP,      /* P: as_of */
                TOLD_ENDED,        /* P: text; or nothing is there, as was wanted */
                TOLD_FINAL,        /* P */
                TOLD_FAILED,       /* either: text; what was asked for could not be done */
                TOLD_MAX_,
        } what;
        uint32_t gid;
        uint32_t serial;
        uint32_t loss;
        uint64_t lag_bytes;
        usec_t as_of;             /* wall clock of this host; 0: not known */
        const char *where, *text; /* or NULL */
};

struct event {
        enum event_kind kind;
        usec_t now;  /* CLOCK_BOOTTIME */
        usec_t wall; /* CLOCK_REALTIME */
        union {
                struct {
                        const struct ring_member *members;
                        size_t n_members;
                } group;
                struct {
                        struct ring_id id;
                        const uint32_t *nodeids;
                        size_t n_nodeids;
                } ring;
                struct {
                        struct ring_id id;
                        bool quorate;
                        bool waiting;  /* not quorate only because wait_for_all has not seen all */
                        bool two_node; /* each of two lone halves is quorate */
                        bool last_man_standing; /* expected votes follow the members */
                } quorum;
                struct {
                        const struct conf_node {
                                uint32_t nodeid;
                                char name[NAME_LEN];
                        } * nodes;
                        size_t n_nodes;
                } nodelist;
                struct {
                        struct ring_member from;
                        struct msg *msg;
                } message;
                struct {
                        uint64_t batch;
                        int code; /* PERSIST_FAILED: -errno */
                        const char *text;
                } persist;
                struct {
                        const struct domain_seen *domains;
                        size_t n_domains;
                } libvirt;
                struct domain_seen domain;
                struct {
                        const char *uuid, *name;
                        bool defined;
                } definition;
                struct {
                        uint64_t id;
                        enum job_result result;
                        enum seen_state seen; /* what libvirt shows afterwards, if it says */
                        const char *text;
                        struct guest_spec *spec; /* GJOB_DUMP: name, uuid, xml, vcpus, memory */
                        usec_t wall;
                        struct snap_figures figures; /* of a snapshot's job */
                } guest_job;
                struct {
                        uint64_t id;
                        enum power_reading reading; /* after the action; OFF: read twice */
                        const char *guid; /* System GUID that the device told, NULL or "" none */
                        bool switched;
                        const char *text;
                        usec_t wall;
                } fence;
                struct {
                        uint64_t id;
                        struct blob *facts; /* NULL: there are none, and text says why */
                        const char *text;
                } facts;
                struct request request;
                struct {
                        uint64_t memory_free_mib;
                        uint32_t load_pct;
                        uint32_t vcpus; /* of this host; 0: not known yet */
                        uint64_t memory_mib;
                } load;
                struct {
                        bool restart; /* another hawd follows at once: the watchdog stays armed */
                } stop;
                struct {
                        bool armed;
                        bool taken;          /* of the hawd before; only its timeout was read */
                        usec_t timeout_usec; /* as read back */
                        bool no_proof;       /* armed, but nobody may count on it */
                        const char *text;    /* not armed, or no proof: why; NULL: as asked for */
                } watchdog;
                struct replica_told replica;
                struct health_sample health;
                struct {
                        uint32_t nodeid;
                        enum measured said;
                        const char *text; /* BAD: which, and its reading */
                } sensors;
        };
};

enum action_kind {
        ACT_PERSIST,
        ACT_SEND,
        ACT_GUEST_JOB,    /* on this host's libvirt */
        ACT_GUEST_CANCEL, /* not begun: comes back CANCELLED; begun: goes on */
        ACT_FENCE,        /* run hawd-fence for one device */
        ACT_FENCE_CANCEL, /* ends soon, with an event */
        ACT_READING,      /* one result of a fence test; its ACT_REPLY comes behind them */
        ACT_FACTS,        /* gather what this host says of itself; one at a time */
        ACT_REPLY,
        ACT_NOTE,
        ACT_REJOIN, /* leave the hawd group and join it anew: the others went on without us */
        ACT_WATCHDOG,
        ACT_SENSORS, /* read those of a host's BMC; answered by EV_SENSORS, or not at all */
        ACT_REPLICA, /* a step of copying a guest's disks, see replication/replica.h */
        ACT_STOPPED, /* the clean stop is announced and stable, or can not be: end now */
        ACT_KIND_MAX_,
};

enum watchdog_op {
        WATCHDOG_ARM, /* open it if it is not, set the timeout; answered by EV_WATCHDOG */
        WATCHDOG_PET,
        WATCHDOG_DISARM, /* answered by EV_WATCHDOG */
};

enum replica_op {
        REPLICA_EXPORT,
        REPLICA_UNEXPORT,
        REPLICA_DROP,
        REPLICA_MIRROR,
        REPLICA_CANCEL,
        REPLICA_CHECK,
        REPLICA_OP_MAX_,
};

enum guest_job_op {
        GJOB_START,   /* define (normalised), then create; S6: ask right before the create */
        GJOB_STOP,    /* shutdown (agent, ACPI) up to timeout, destroy, undefine */
        GJOB_DESTROY, /* destroy now, undefine */
        GJOB_SETTLE,  /* whatever was under way for this UUID can never take effect afterwards:
                         destroy if active, undefine; DONE with seen = GONE, or with RUNNING and
                         untouched when keep_running */
        GJOB_PAUSE,
        GJOB_RESUME,
        GJOB_UNDEFINE,
        GJOB_DUMP,        /* by name: spec and whether it runs */
        GJOB_SNAPSHOT,    /* it goes on in overlays, of all its disks or of none */
        GJOB_SNAP_DELETE, /* what is over snaps->deleted into its files; a while at a time */
        GJOB_OP_MAX_,
};

/** struct persist - one transaction */
struct persist {
        uint64_t batch;
        bool set_promised;
        uint64_t promised;
        struct state *install; /* replaces all; stored under install_epoch; owned */
        uint64_t install_epoch;
        uint64_t first_version; /* of entries[0] */
        struct entry **entries; /* appended; owned */
        size_t n_entries;
        struct model *compact;    /* new base; entries up to compact->version go; owned */
        struct history_row *rows; /* owned */
        size_t n_rows;
};

/** struct device_reading - what one member read from one device for a client */
struct device_reading {
        char device[NAME_LEN];
        uint32_t by; /* node id */
        enum power_reading reading;
        usec_t took_usec;
        char text[TEXT_LEN]; /* why there is no reading */
};

struct action {
        enum action_kind kind;
        union {
                struct persist *persist;
                struct msg *send; /* owned reference */
                struct {
                        uint64_t id;
                        enum guest_job_op op;
                        uint32_t gid;
                        uint64_t gen;
                        char name[NAME_LEN];
                        char uuid[UUID_LEN];
                        struct guest_spec
                                *spec; /* START, SNAP*; STOP, SETTLE of one on DRBD; owned */
                        struct guest_snaps *snaps; /* START, SNAP*; owned; NULL: it has none */
                        usec_t timeout_usec;
                        bool keep_running; /* SETTLE: a running one is left */
                        uint32_t promote;  /* START: from the replica of this serial; 0: none */
                        bool older;        /* what that loses is accepted */
                        uint32_t in_step; /* STOP, SETTLE: serial of a copy to end equal; 0: none */
                        char peer[NAME_LEN]; /* of one with @spec: host of the other copy; "" */
                } guest_job;
                struct {
                        uint64_t id;
                } cancel;
                struct {
                        uint64_t id;
                        char device[NAME_LEN];
                        enum fence_action { FENCE_ACT_STATUS, FENCE_ACT_OFF, FENCE_ACT_ON } action;
                        usec_t timeout_usec;
                        usec_t deadline_usec; /* CLOCK_BOOTTIME: nothing is switched later */
                } fence;
                struct {
                        uint64_t id;
                } facts;
                struct {
                        uint64_t request;
                        enum reply_code code;
                        char text[TEXT_LEN];
                        struct blob *facts; /* VERB_FACTS; owned reference, or NULL */
                } reply;
                struct {
                        uint64_t request;
                        struct device_reading row;
                } reading;
                struct {
                        enum watchdog_op op;
                        usec_t timeout_usec; /* ARM */
                        usec_t until_usec;   /* CLOCK_BOOTTIME: nothing is done from then on (S7) */
                } watchdog;
                struct {
                        enum replica_op op;
                        uint32_t gid, serial;
                        uint32_t loss;       /* CHECK */
                        char peer[NAME_LEN]; /* name of the other host, P's or R's */
                        uint64_t gen;
                        struct guest_spec *spec; /* with XML and policy; owned reference */
                        struct blob *where;      /* MIRROR; owned reference */
                        char address[128]; /* EXPORT: listen there; empty: on the host's own */
                        usec_t hold_usec, lag_usec;
                } replica;
                struct {
                        uint32_t nodeid; /* whose they are */
                        char device[NAME_LEN];
                        usec_t timeout_usec;
                } sensors;
                struct note *note; /* owned */
        };
};

struct actions {
        struct action *list;
        size_t n, cap;
};

struct action *actions_add(struct actions *a, enum action_kind kind); /* zeroed */
void actions_clear(struct actions *a); /* drops what the actions own, keeps the array */
void actions_free(struct actions *a);
void persist_free(struct persist *p);
const char *verb_name(enum verb v);
