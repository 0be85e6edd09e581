/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger's state: hosts, guests, claims, rules, fence jobs, incidents. Pure.
 * Only ledger_apply() changes it, the same on every member, in the order of the ring.
 *
 * Host:   JOINING -> ONLINE -> LOST -> FENCING -> OFF -> JOINING
 *         ONLINE <-> DEGRADED (health.h): whatever may follow ONLINE may follow it
 *         ONLINE -> UNSUPERVISED (hawd stopped, guests left) -> LOST | JOINING
 *         ONLINE -> AWAY (left with no guest) -> JOINING
 *         JOINING -> QUARANTINED (fenced too often, L3) -> ONLINE by an operator
 * Guest:  STOPPED -> STARTING -> RUNNING -> STOPPING -> STOPPED
 *         RUNNING -> FAILED -> STARTING (recovering) -> RUNNING | BLOCKED
 *
 * Host indexes and guest indexes are positions in the arrays; node ids and guest ids (gid) are what
 * travels. A host index never changes while the host exists; a removed guest shifts later ones.
 */
#pragma once

#include "hawd/base/base.h"
#include "hawd/core/health.h"
#include "hawd/core/recovery.h"
#include "replication/promotion.h"
#include "snapshots/state.h"

enum host_state {
        HOST_NEW,     /* in the nodelist, its hawd was never seen */
        HOST_JOINING, /* in the group; draining, has not reported its guests yet */
        HOST_ONLINE,
        HOST_DRAINING,
        HOST_MAINTENANCE,
        HOST_DEGRADED,
        HOST_UNSUPERVISED, /* hawd stopped by intent, guests go on; fenced if it leaves the ring */
        HOST_AWAY,         /* left cleanly with no guest; nothing to prove */
        HOST_LOST,         /* left the ring, or its hawd did not come back; not proven off */
        HOST_FENCING,      /* a fence job is open */
        HOST_OFF,          /* proven off for this loss */
        HOST_QUARANTINED,  /* in the ring, but fenced too often: gets no guests (L3) */
        HOST_STATE_MAX_,
};

enum proof {
        PROOF_NONE,
        PROOF_DEVICES,  /* every device of one level read off, twice */
        PROOF_OPERATOR, /* hawctl fence confirm */
        PROOF_LEASE,    /* watchdog lease ran out (S7) */
        PROOF_GONE,     /* no proof for guests: it said that it leaves, or was proven off before,
                           and was not seen since; an even split needs no more (lone.c) */
        PROOF_MAX_,
};

/** struct host_facts - what a host says of itself when it joins; 0: not known */
struct host_facts {
        uint32_t vcpus;
        uint64_t memory_mib;
        uint64_t config_hash;
        char hawd_version[24];
        char labels[256];
        char dmi[UUID_LEN]; /* its system UUID, "" unknown */
};

struct host {
        uint32_t nodeid;
        char name[NAME_LEN];
        uint64_t version; /* ledger version of the last change */
        enum host_state state;
        struct host_facts facts;
        uint64_t incarnation;  /* of the hawd that joined last */
        usec_t since_wall;     /* in this state since */
        uint32_t losses;       /* number of the latest loss; proofs and jobs carry it (S2) */
        uint64_t loss_version; /* ledger version of the latest loss */
        usec_t lost_wall;
        enum proof proof; /* for the latest loss */
        char proof_text[TEXT_LEN];
        uint32_t fence_tries;       /* levels tried for this loss; looks are none */
        uint32_t fence_level;       /* level tried last */
        char fence_error[TEXT_LEN]; /* why the latest try proved nothing; empty: none failed */
        bool fence_forced;          /* an operator asked: it may not join before it is proven off */
        bool read_off;              /* a level read off for this loss, and may prove nothing */
        bool power_on_wanted;       /* after-fence = on and not yet done */
        bool reported;              /* JOINING: its guests are reported and settled */
        bool left_announced;        /* a clean stop was announced (UNSUPERVISED/AWAY on leaving) */
        uint64_t incident;          /* open host incident, 0: none */
        bool no_vote; /* what it stores makes nothing stable: it is not on the list of members
                         whose majority does (DESIGN 3) */
        usec_t watchdog_usec; /* its watchdog is armed, with a timeout no longer than this; 0:
                                 nobody may count on it */
        usec_t lease_usec;    /* and is not fed longer than this without a majority (S7) */
        char watchdog_error[TEXT_LEN]; /* why none is armed, where one should be; empty */
        uint32_t ills;                 /* bit i: enum ill i; DEGRADED where it would be ONLINE */
        char ill_text[ILL_MAX_][ILL_TEXT]; /* what of it was bad, then */
        uint32_t n_fenced;
        usec_t fenced_wall[FENCED_KEPT]; /* latest proofs by devices, newest first (L3) */
};

/** struct device - what the ledger knows of a fence device (S2: counts only once seen on) */
struct device {
        char name[NAME_LEN];
        uint32_t host;   /* node id whose power it switches */
        bool seen_on;    /* read on while its host was in the ring */
        bool distrusted; /* read off while its host was in the ring */
        usec_t off_wall; /* hawd was about to switch it off, last then; 0: never */
        uint32_t on_due; /* distrusted, and perhaps by that off, which came late: so manieth time
                            that it is to be switched on again; 0: it is not */
        uint32_t reached_by; /* node id that reached it last, 0: nobody */
        bool reachable;
        usec_t checked_wall;
        char error[TEXT_LEN];
        uint64_t settings;   /* config_device_settings() that it was read by; 0: not known */
        char guid[UUID_LEN]; /* System GUID of the machine that it switches, by itself; "" unknown
                              */
};

enum guest_state {
        GUEST_STOPPED,
        GUEST_STARTING,
        GUEST_RUNNING,
        GUEST_PAUSED,
        GUEST_STOPPING,
        GUEST_MIGRATING,
        GUEST_FAILED,  /* should run, does not; waits for proof, place, slot or dependency */
        GUEST_BLOCKED, /* the same, and only somebody's act or a retry much later helps (L2) */
        GUEST_STATE_MAX_,
};

enum desired { DESIRED_RUNNING, DESIRED_STOPPED, DESIRED_PAUSED, DESIRED_IGNORED, DESIRED_MAX_ };

/** Health of a running guest: evidence, or none yet. */
enum health { HEALTH_UNKNOWN, HEALTH_BOOTING, HEALTH_HEALTHY, HEALTH_MAX_ };

/* Stands for a password in XML that is shown to those who may only look. */
#define XML_HIDDEN "(hidden: for members of hawd only)"

/** struct guest_spec - what the user gave; immutable and shared (reference-counted) */
struct guest_spec {
        unsigned refs;
        char name[NAME_LEN];
        char uuid[UUID_LEN];
        uint32_t vcpus;
        uint64_t memory_mib;
        bool has_agent; /* the domain has a guest-agent channel: healthy = it answers */
        uint64_t disks; /* which it may write, by its XML; another number: other ones */
        struct conf_guest conf;
        char after[8][NAME_LEN]; /* start dependencies, by name */
        uint32_t n_after;
        struct blob *xml; /* domain XML, normalised; NULL in the simulator */
};

struct guest_spec *guest_spec_new(void);
struct guest_spec *guest_spec_ref(struct guest_spec *s);
struct guest_spec *guest_spec_unref(struct guest_spec *s); /* returns NULL */

enum guest_job_kind {
        JOB_NONE,
        JOB_START, /* define and create; the claim came with it */
        JOB_STOP,  /* orderly, then destroy, then undefine */
        JOB_PAUSE,
        JOB_RESUME,
        JOB_SETTLE,   /* destroy if there, undefine: afterwards it can never run from an old call */
        JOB_SNAPSHOT, /* the guest goes on in overlays */
        JOB_SNAP_DELETE, /* of snaps->deleted: commit, and remove its file; done over several */
        JOB_KIND_MAX_,
};

/** struct claim - a host that may run the guest (DESIGN 3); bit per host index in guest.claims */
struct claim {
        uint64_t version; /* ledger version at which it was given */
        uint64_t gen;     /* guest generation it was given for */
};

/** struct replica - the copy of a guest's disks (S9); who may say what is in apply_replica.c */
struct replica {
        uint32_t data;   /* P: node id of the host whose disks are the guest's; 0: not known yet */
        uint32_t host;   /* R: node id of the host with the copy; 0: none */
        uint32_t serial; /* of the latest run of copying; names files, exports and reports */
        enum replica_state state;
        uint64_t gen;      /* generation of the guest that it is said of */
        usec_t as_of;      /* wall: the copy is at least as new as this; 0: not known */
        usec_t since_wall; /* in this state */
        uint64_t lag_bytes;
        uint32_t stands_loss;  /* R stood after this loss of P; 0: it has not */
        bool unsure;           /* see struct promotion_case */
        uint32_t forced;       /* serial whose loss a person accepts; 0: none */
        usec_t hold_usec;      /* replica-hold as it was when copying began */
        usec_t off_wall;       /* the guest's claim on P ended by proof then; 0: it did not */
        uint32_t resyncs;      /* that persons asked for */
        uint64_t promoted_gen; /* generation that was started from the copy; 0: none */
        usec_t loss_usec;      /* what that lost, see struct promotion */
        struct blob *where;    /* COPYING, IN_STEP: R's exports, as R said; NULL: not yet */
        char error[TEXT_LEN];  /* why it is not in step */
};

struct guest {
        uint32_t gid;     /* never used again */
        uint64_t version; /* ledger version of the last change */
        struct guest_spec *spec;
        enum desired desired;
        enum guest_state state;
        enum health health;
        uint64_t gen;    /* generation: one more with every start (S6) */
        uint32_t host;   /* node id where it runs or ran last; 0: nowhere yet */
        uint32_t claims; /* bit i: hosts[i] has a claim */
        struct claim claim[HOSTS_MAX];
        enum guest_job_kind job_kind; /* JOB_NONE: no job */
        uint64_t job;                 /* ledger version and index make it unique: job id */
        uint32_t job_host;            /* node id of the executor */
        uint32_t move_to;             /* node id asked for by a cold move; 0: none */
        uint32_t tried;               /* bit i: start failed on hosts[i] in this recovery */
        uint32_t start_failures;      /* in this recovery */
        struct recovery recovery;     /* from failures of its own */
        bool late_end;                /* a stop or settle of this generation was not settled: an
                                         end may be hawd's own, and is nobody's wish */
        bool deleting;                /* stop, then forget */
        bool undefine;                /* deleting: undefine the domain too */
        usec_t since_wall;
        char reason[TEXT_LEN];     /* why it is in this state, and for BLOCKED what would mend it */
        char placed_why[TEXT_LEN]; /* the rule by which its host was chosen, and what lost */
        char start_error[TEXT_LEN]; /* where and why its start failed last; empty: it ran since */
        uint64_t incident;          /* open incident, 0: none */
        struct replica replica;
        uint32_t promoting;        /* STARTING: from the replica of this serial; 0: none */
        struct guest_snaps *snaps; /* owned; NULL: it never had a snapshot */
};

enum rule_kind {
        RULE_SEPARATE,
        RULE_TOGETHER,
        RULE_REQUIRE,
        RULE_PREFER,
        RULE_AVOID,
        RULE_KIND_MAX_,
};

struct rule {
        char name[NAME_LEN];
        uint64_t version;
        enum rule_kind kind;
        bool strict;
        struct blob *guests; /* names, blank-separated */
        struct blob *hosts;  /* names, blank-separated; NULL where the kind has none */
};

enum fence_kind {
        FENCE_OFF,
        FENCE_ON,
        FENCE_LOOK, /* proves what reads off already, switches nothing */
        FENCE_KIND_MAX_,
};

struct fence_job {
        uint64_t id;
        enum fence_kind kind;
        uint32_t host;     /* node id */
        uint32_t loss;     /* counts for this loss only */
        uint32_t executor; /* node id */
        uint32_t level;
        bool cancelling; /* its host came back: the executor ends it and confirms */
        uint64_t version;
        char devices[LEVEL_DEVICES_MAX][NAME_LEN];
        uint32_t n_devices;
        usec_t budget_usec; /* nothing is switched later than this after the job was seen */
};

enum incident_kind { INCIDENT_HOST, INCIDENT_GUEST, INCIDENT_KIND_MAX_ };

/** The times of an incident, wall clock of the host that saw it; 0: has not come. */
enum incident_step {
        STEP_LAST_GOOD,
        STEP_DETECTED,
        STEP_FENCED,
        STEP_PLACED,
        STEP_STARTED,
        STEP_HEALTHY,
        STEP_MAX_,
};

struct incident {
        uint64_t id;
        enum incident_kind kind;
        uint32_t host; /* node id: lost host, or where the guest was */
        uint32_t gid;
        char guest[NAME_LEN];
        char cause[TEXT_LEN];
        char outcome[TEXT_LEN]; /* empty while open */
        uint32_t to_host;       /* node id where it was recovered; 0: not */
        usec_t at[STEP_MAX_];
        bool open;
};

#define INCIDENTS_KEPT 64 /* closed ones stay this long in the model; all are in history */
#define FENCE_JOBS_MAX 64
#define GUESTS_MAX 65536 /* in the cluster */
#define RULES_MAX 4096
#define RULE_LIST_MAX ((size_t)64 << 10) /* bytes of one list of names in a rule */

struct model {
        uint64_t version; /* of the last applied entry */
        char cluster[NAME_LEN];
        struct host hosts[HOSTS_MAX];
        size_t n_hosts;
        struct device devices[DEVICES_MAX];
        size_t n_devices;
        struct guest *guests; /* by gid, ascending */
        size_t n_guests, cap_guests;
        struct rule *rules;
        size_t n_rules, cap_rules;
        struct fence_job fence_jobs[FENCE_JOBS_MAX];
        size_t n_fence_jobs;
        struct incident *incidents; /* by id, ascending */
        size_t n_incidents, cap_incidents;
        uint32_t next_gid;
        uint64_t next_incident;
};

void model_init(struct model *m);
void model_clear(struct model *m);
/** model_copy() - @dst (cleared first) becomes an independent copy; specs and blobs are shared. */
void model_copy(struct model *dst, const struct model *src);
/** model_hash() - of the whole meaning; equal on all members at the same version. */
uint64_t model_hash(const struct model *m);

int model_host_index(const struct model *m, uint32_t nodeid); /* -1: none */
struct host *model_host(struct model *m, uint32_t nodeid);    /* NULL: none */
struct host *model_host_named(struct model *m, const char *name);
struct guest *model_guest(struct model *m, uint32_t gid);
struct guest *model_guest_named(struct model *m, const char *name); /* name or UUID */
struct device *model_device(struct model *m, const char *name);
struct fence_job *model_fence_job(struct model *m, uint64_t id);
/** device_of_other() - the host that @d says it switches, if that is surely not its own; or NULL */
const struct host *device_of_other(const struct model *m, const struct device *d);
struct incident *model_incident(struct model *m, uint64_t id);
struct rule *model_rule(struct model *m, const char *name);
const char *model_host_name(const struct model *m, uint32_t nodeid); /* "node7?" when unknown */

/** host_present() - its hawd takes part in the group, as far as the ledger knows. */
bool host_present(const struct host *h);
/** host_serves() - it is online, or would be but for what it suffers from. */
bool host_serves(const struct host *h);
/** host_fences_since() - how often it was proven off by its devices at or after @wall. */
uint32_t host_fences_since(const struct host *h, usec_t wall);

struct guest *model_guest_add(struct model *m, struct guest_spec *spec); /* takes a reference */
void model_guest_remove(struct model *m, uint32_t gid);
struct rule *model_rule_add(struct model *m, const char *name);
void model_rule_remove(struct model *m, const char *name);
struct incident *model_incident_add(struct model *m);

/** Stable names of enum values, for people, --json and the store; NULL for what is no value. */
const char *host_state_name(enum host_state s);
const char *guest_state_name(enum guest_state s);
const char *desired_name(enum desired d);
const char *health_name(enum health h);
const char *rule_kind_name(enum rule_kind k);
const char *proof_name(enum proof p);
const char *guest_job_name(enum guest_job_kind k);
const char *incident_step_name(enum incident_step s);
/** And back: -1 when @s names nothing. */
int host_state_from(const char *s);
int desired_from(const char *s);
int rule_kind_from(const char *s);
