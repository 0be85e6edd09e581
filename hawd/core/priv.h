/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the core: its state, and what its files call of each other. Pure.
 *
 *   core.c      one event in, actions out
 *   sync.c      a change of the group: exchange, promise, install (DESIGN 3)
 *   lone.c      an even split goes on by proof
 *   lease.c     for how long nobody has given this host up
 *   watchdog.c  this host's watchdog: armed, fed while that is so, announced
 *   ills.c      what this host suffers from, said in the ring
 *   sensors.c   what other hosts suffer from, by their BMCs
 *   silent.c    members that hang, or speak another protocol, are left out
 *   log.c       entries: proposed, stored, acknowledged, stable, applied
 *   executor.c  this host's guests: jobs, what libvirt shows, observations
 *   replica.c   copies of guests' disks here
 *   join.c      draining and reporting before this host counts as online
 *   fencer.c    fence jobs carried out here, and the regular device checks
 *   fence_test.c  devices read for a client
 *   lead_*.c    the leader's decisions: hosts, fencing, guests, their snapshots and replicas
 *   proactive.c guests of degraded hosts: where they should go
 *   request.c   what clients ask for
 *   wall.c      one time of day, from clocks that differ
 *   facts.c     what a host says of itself, for hawctl doctor
 *   look.c      does a domain run somewhere, before it becomes a guest
 */
#pragma once

#include "hawd/core/apply.h"
#include "hawd/core/core.h"

#define RESEND_USEC (2 * USEC_PER_SEC) /* an observation not yet applied is said again */
#define COMPACT_ENTRIES 256
#define CLOCK_SAMPLES 16
#define CLOSE_MARGIN_USEC (5 * USEC_PER_SEC) /* over a lost executor's budget, for clock drift */
#define CHECKS_QUIET_USEC (2 * USEC_PER_SEC) /* after a change of the group */

/** struct peer - a member of the group in the present configuration */
struct peer {
        struct ring_member id;
        bool exchanged;
        struct msg_exchange exchange;
        uint64_t promised;               /* number it has promised in this configuration */
        uint64_t ack_epoch, ack_version; /* stored so far, in this configuration */
        struct heartbeat heartbeat;      /* latest */
        usec_t heartbeat_now;            /* when it came; 0: none */
        usec_t echoed;                   /* our latest heartbeat that it has heard; 0: none */
        int64_t clocks[CLOCK_SAMPLES];   /* its clock - ours - the way here, of the latest ones */
        uint32_t n_clocks;               /* that ever came */
};

/** struct batch - a persist action under way */
struct batch {
        uint64_t id;
        uint64_t promise; /* not 0: promised this number */
        uint64_t epoch;   /* not 0: stored up to version of this epoch */
        uint64_t version;
        struct history_row *rows; /* kept until they are on disk */
        size_t n_rows;
};

/** struct domain - what libvirt shows of one domain of this host */
struct domain {
        struct domain_seen seen;
        bool defined;  /* libvirt may know it even when it does not run */
        bool run_seen; /* since the job under way began, it was seen running */
        bool end_due;  /* hawd ended it, and libvirt's event of that is still to come */
        bool healthy;
        char evidence[TEXT_LEN];
        usec_t running_since; /* 0: not running */
        usec_t resumed;       /* from its latest pause; 0: not seen */
        usec_t healthy_wall;
};

/** struct work - a guest job of this host; the ledger's, or its own (settle, destroy of a rogue) */
struct work {
        uint64_t id;  /* of the action */
        uint64_t job; /* ledger job; 0: its own */
        uint32_t gid;
        char uuid[UUID_LEN];
        enum guest_job_kind kind; /* of a ledger job */
        enum work_use { WORK_JOB, WORK_SETTLE, WORK_ROGUE, WORK_TIDY, WORK_DUMP } use;
        bool begun, done, cancelled;
        enum job_result result;
        enum seen_state seen;
        usec_t wall;
        char text[TEXT_LEN];
        usec_t told; /* result proposed at; 0: not yet */
        struct snap_figures figures;
        /* WORK_DUMP: who asked */
        uint32_t asker;
        uint64_t request;
        struct guest_spec *spec; /* settings given with the request; owned */
};

/** struct fence_work - a fence job of the ledger carried out here, or a check or test of devices */
struct fence_work {
        enum fence_use { FENCE_USE_JOB, FENCE_USE_CHECK, FENCE_USE_TEST, FENCE_USE_LONE } use;
        uint64_t job;
        uint32_t host;
        uint32_t loss;
        enum fence_kind kind;
        bool last_look; /* FENCE_USE_JOB, cancelled: the one more status (S3) */
        bool cancelled;
        bool done;
        bool second;   /* all parts are read once more, together */
        bool in_group; /* CHECK: its host was in the group all the while */
        usec_t deadline;
        usec_t told;
        uint32_t asker; /* TEST */
        uint64_t request;
        usec_t began;
        uint32_t n;
        struct fence_part {
                char device[NAME_LEN];
                uint64_t id; /* action; 0: not under way */
                bool ended;
                usec_t end; /* when */
                enum power_reading reading;
                bool switched;
                char text[TEXT_LEN];
                char guid[UUID_LEN];
        } parts[LEVEL_DEVICES_MAX];
        usec_t wall;
};

/** struct question - a fence test that a client of this member asked for */
struct question {
        uint64_t request;
        uint32_t readers[HOSTS_MAX]; /* who has not read all yet */
        size_t n_readers;
        uint32_t n[READING_MAX_]; /* readings so far */
        usec_t heard;             /* when the last word came */
        char trouble[TEXT_LEN];   /* who could not read all, and why */
};

/** struct sensor_watch - of a host whose devices this member looks at */
struct sensor_watch {
        uint32_t nodeid;
        struct ill_watch watch;
        bool due; /* the ledger should say what watch.bad says */
        usec_t next, told;
        char text[ILL_TEXT];
};

/** struct survey - devices that this member reads for a question of its own or another's */
struct survey {
        uint32_t asker;
        uint64_t request;
        char host[NAME_LEN]; /* empty: all */
        size_t next;         /* in the configuration */
        uint32_t running, found;
};

/** struct check - when this member read a device last */
struct check {
        char device[NAME_LEN];
        usec_t next;
        usec_t off_at; /* read off while its host was in the ring; 0: not, the last time */
};

/** struct lone - an even split (lone.c); of this configuration only */
struct lone {
        bool half;   /* exactly half of the voters are here */
        bool active; /* and it may go on by proof */
        bool said;   /* all proven, and said in the ring */
        usec_t since;
        struct lone_host { /* filled on the winner of the exchange, who fences */
                uint32_t nodeid;
                enum proof proof;
                bool forced;    /* an operator asked: no waiting */
                bool looked;    /* the last try was only a look */
                bool announced; /* the others know that it is about to be switched off */
                usec_t announce_told;
                usec_t tried;
                uint32_t tries;
                char error[TEXT_LEN]; /* of the last try; its text, when proven */
        } absent[HOSTS_MAX];
        uint32_t n_absent;
        struct model model;              /* see lone_model() */
        uint64_t as_of;                  /* version that it is of; 0: none */
        struct proven proven[HOSTS_MAX]; /* as said in the ring */
        uint32_t n_proven;
};

/** struct pending - a client's request in the ledger's hands */
struct pending {
        uint64_t request;
        struct entry *entry; /* to propose again after a change of the group; owned */
        uint64_t epoch;      /* in which it was proposed; 0: not yet */
        usec_t since;
        uint32_t facts_of; /* node id whose facts it waits for; 0: for the ledger */
};

/** struct look - an entry that adds a guest waits for what the others say of its domain */
struct look {
        uint64_t id;         /* in the place of a client's number */
        struct entry *entry; /* owned */
        bool wish;           /* of a client here: proposed again after a change of the group */
        uint32_t asker;
        uint64_t request;
        uint32_t waits[HOSTS_MAX]; /* who has not answered yet */
        size_t n_waits;
        uint64_t view; /* in which they were asked */
        usec_t since;
};

struct core {
        const struct config *config;
        uint32_t nodeid;
        uint64_t incarnation;
        uint64_t seed;
        char hawd_version[24];
        char dmi[UUID_LEN];
        usec_t now, wake;
        usec_t own_wall;    /* this host's time of day */
        int64_t own_began;  /* its time of day when CLOCK_BOOTTIME was 0; jumps when it is set */
        int64_t wall_shift; /* added to what this host stamps */
        bool wall_sure;     /* three clocks or more said so once */
        usec_t wall;        /* the cluster's, see wall.c */
        struct actions *out;

        /* The world as told. */
        struct conf_node nodes[HOSTS_MAX];
        size_t n_nodes;
        struct ring_id ring_id, quorum_id;
        uint32_t ring[HOSTS_MAX];
        usec_t ring_since[HOSTS_MAX];
        size_t n_ring;
        bool quorum_flag, quorum_waiting, two_node, last_man_standing;
        struct peer peers[HOSTS_MAX]; /* the group, less those that are excluded */
        size_t n_peers;
        size_t n_group; /* with them */
        uint64_t view;

        /* silent.c */
        usec_t last_step, listening_since, exclude_told;
        struct ring_member suspects[HOSTS_MAX];
        uint32_t n_suspects;
        uint32_t refused_major; /* protocol of a member that was refused; 0: none was */

        /* lone.c */
        struct lone lone;
        bool continuous;    /* synced before, since this hawd started */
        struct lone_order { /* what an even split that we were part of may still switch off */
                uint32_t executor, target;
                usec_t until;
        } orders[HOSTS_MAX];
        uint32_t n_orders;
        struct lone_gone { /* their hawd is known to have ended, and no other was met since */
                uint32_t nodeid;
                uint64_t incarnation;
        } gone[HOSTS_MAX];
        uint32_t n_gone;

        /* sync.c */
        enum sync_phase phase;
        uint64_t round;
        uint64_t number; /* epoch being promised in this configuration; 0: not known yet */
        size_t winner;   /* index into peers, once phase >= PROMISE */
        bool promise_sent;
        bool exchange_due; /* not said yet: a child of ours may still switch */
        bool installed;    /* in memory, under number */
        uint32_t leader;   /* first to acknowledge the install in this configuration; 0: nobody */
        usec_t cold_until; /* the whole cluster started: until then an absent host may be booting */
        uint64_t next_version; /* leader: of the entry that it sends next; 0: none sent yet */
        bool operational_said; /* last thing said of it; a short gap is not worth a line */
        uint64_t operational_number;
        usec_t not_operational_since;
        char missing[2 * TEXT_LEN];
        struct entry **held; /* of this epoch, delivered before the state: applied after it */
        size_t n_held, cap_held;

        /* log.c: model is as of the last applied entry, tail follows it */
        bool virgin;
        char lost[TEXT_LEN]; /* why it has no ledger, though it had one; empty: it had none, or has
                                it */
        uint64_t epoch, promised;
        struct model model;
        struct entry **tail;
        size_t n_tail, cap_tail;
        uint32_t tail_voters[HOSTS_MAX]; /* sync.c: at its end, when an entry of it changes them */
        uint32_t n_tail_voters;
        uint64_t base_version;  /* of the store's snapshot */
        uint64_t noted_version; /* notes up to here were emitted */
        struct batch *batches;
        size_t n_batches, cap_batches;
        uint64_t next_batch;
        struct persist *pending_persist; /* of this step */
        uint64_t stored_epoch, stored_version;
        bool ack_due;
        bool store_failed;
        usec_t store_retry;
        uint64_t repair_batch;       /* the write that mends a failed store */
        usec_t rows_since;           /* rows wait for a write since; 0: none do */
        struct history_row *unsaved; /* rows of failed writes; go with the next one that works */
        size_t n_unsaved, cap_unsaved;
        char store_error[TEXT_LEN];
        bool decision_inflight;
        uint64_t next_request;

        /* executor.c, join.c */
        bool libvirt_up;
        bool libvirt_known; /* it answered, or was found not to, since this hawd began */
        bool load_known;
        uint32_t vcpus;
        uint64_t memory_mib, memory_free_mib;
        uint32_t load_pct;
        struct domain *domains;
        size_t n_domains, cap_domains;
        struct work *works;
        size_t n_works, cap_works;
        uint64_t next_action;
        usec_t join_told, report_told, facts_told;
        usec_t settle_retry;
        usec_t drain_since;
        struct {
                uint32_t gid;
                uint64_t what;
                usec_t told;
        } * told; /* observations under way, by guest */
        size_t n_told, cap_told;

        /* fencer.c */
        struct fence_work *fences;
        size_t n_fences, cap_fences;
        struct own_off { /* of an even split, called off: not in the ledger yet */
                char device[NAME_LEN];
                usec_t wall, told;
        } own_offs[2 * LEVEL_DEVICES_MAX];
        size_t n_own_offs;
        struct check checks[DEVICES_MAX];
        size_t n_checks;
        usec_t checks_after; /* no look at devices before */

        /* fence_test.c */
        struct question *questions;
        size_t n_questions, cap_questions;
        struct survey *surveys;
        size_t n_surveys, cap_surveys;

        /* the leader's own clocks, by host index; lost with it, and then counted anew, later */
        size_t clocks_hosts;
        uint64_t led_number;          /* epoch in which this member led last */
        usec_t heard_wall[HOSTS_MAX]; /* latest heartbeat, by host index */
        usec_t snap_look;             /* no schedule is looked at before */
        usec_t gone_since[HOSTS_MAX]; /* by host index: not in the group since */
        usec_t fence_next[HOSTS_MAX]; /* not tried before */
        uint32_t fence_seen_tries[HOSTS_MAX];
        uint32_t fence_looks[HOSTS_MAX];      /* since it was lost, or switched off last */
        usec_t executor_gone[FENCE_JOBS_MAX]; /* by position of the job */
        uint64_t executor_gone_job[FENCE_JOBS_MAX];
        usec_t relieved[HOSTS_MAX];  /* proactive.c: a guest was moved away, last then */
        uint32_t advised[HOSTS_MAX]; /* and what was said for these ills */
        struct retry {
                uint32_t gid;
                uint64_t wish; /* what is wanted of it, after how many failures */
                usec_t rest;   /* it failed: not recovered before */
                usec_t next;
                uint32_t n;
        } * retries;
        size_t n_retries, cap_retries;

        struct pending *pendings;
        size_t n_pendings, cap_pendings;
        struct look *looks;
        size_t n_looks, cap_looks;
        uint64_t facts_action; /* under way; 0: none */
        struct facts_asker {
                uint32_t asker;
                uint64_t request;
        } * facts_askers; /* who waits for it */
        size_t n_facts_askers, cap_facts_askers;
        usec_t next_heartbeat;
        usec_t heartbeat_first, heartbeat_last; /* sent by this hawd; 0: none */
        usec_t own_heard; /* when it sent the latest one that came back to it */
        usec_t lease_renewed;
        struct met { /* the hawd of a host that was in the group last, while this one ran */
                uint32_t nodeid;
                bool armed; /* by its latest heartbeat */
                uint64_t incarnation;
                usec_t since, told;
        } met[HOSTS_MAX];
        size_t n_met;
        usec_t group_since; /* the present configuration, on this member */
        struct watchdog {
                struct conf_watchdog conf; /* until hawd ends: see watchdog.c */
                bool conf_known;
                bool armed;
                bool taken;    /* of the hawd before, and as that one left it */
                bool no_proof; /* not to be counted on: announced as none, and why */
                bool current;  /* the ledger was installed once: what was announced is known */
                bool joined;   /* this hawd has joined: what was announced before is taken back */
                bool waits;    /* for EV_WATCHDOG */
                bool lapsed;   /* said that the lease has run out */
                usec_t timeout, next_pet, next_try, told;
                char error[TEXT_LEN];
        } watchdog;
        /* ills.c: bit i: enum ill i */
        uint32_t ills_now; /* bad in the latest sample */
        uint32_t ills_due; /* the ledger should say the contrary */
        struct ill_watch ill_watch[ILL_MAX_];
        char ill_text[ILL_MAX_][ILL_TEXT];
        usec_t ills_told;
        struct copy *copies; /* replica.c */
        size_t n_copies, cap_copies;
        struct copying *copyings; /* lead_replica.c */
        size_t n_copyings, cap_copyings;
        struct sensor_watch sensors[HOSTS_MAX]; /* by host index */
        bool stopping, stopped;
        bool stop_restart; /* the watchdog stays armed */
        usec_t stop_deadline;
        usec_t stop_told;
};

#define NOTHING_PROVES                                                                             \
        "%s, so nothing can prove it off: look at it, then hawctl fence confirm %s --yes"

/** wake_at() - this step asks to be called again at @t */
static inline void wake_at(struct core *c, usec_t t) {
        if (t < c->wake)
                c->wake = t;
}

void *core_grow(void *array, size_t *cap, size_t n, size_t size);
void core_note(struct core *c, enum note_id id, uint32_t host, const char *guest, const char *fmt,
               ...) PRINTF_LIKE(5, 6);
bool core_operational(const struct core *c);
/** core_stores_fail() - of those who vote, so many cannot store that nothing becomes stable. */
bool core_stores_fail(const struct core *c);
bool core_ring_quorate(const struct core *c);
bool core_leader(const struct core *c);
uint32_t core_leader_nodeid(const struct core *c);
/** core_node_name() - by the nodelist, for hosts that the ledger does not know yet too. */
const char *core_node_name(const struct core *c, uint32_t nodeid);
struct peer *core_peer(struct core *c, uint32_t nodeid);
bool core_in_group(const struct core *c, uint32_t nodeid);
bool core_in_ring(const struct core *c, uint32_t nodeid);
/** core_ring_since() - since when it is in the ring without a break; 0: it is not. */
usec_t core_ring_since(const struct core *c, uint32_t nodeid);
struct host *core_self(struct core *c);        /* NULL: not in the ledger */
void core_send(struct core *c, struct msg *m); /* takes the reference; stamps the view */

/* sync.c */
void sync_group(struct core *c, const struct event *ev);
void sync_exchange(struct core *c, struct ring_member from, const struct msg *m);
void sync_promise(struct core *c, struct ring_member from, const struct msg *m);
void sync_state(struct core *c, struct ring_member from, const struct msg *m);
void sync_promised(struct core *c, uint64_t number); /* it is on disk */
void sync_advance(struct core *c);
void sync_nodelist(struct core *c);
void sync_resume(struct core *c);
void sync_exclude(struct core *c, const struct msg *m);
void sync_tail(struct core *c); /* an entry was put at the tail's end */
uint32_t sync_members(const struct core *c, uint32_t *ret);
bool sync_nobody_votes(const struct core *c);
uint32_t sync_voters(const struct core *c, uint32_t *ret);

/* lone.c */
bool lone_proven(const struct core *c, uint32_t nodeid);
bool lone_busy(struct core *c);
void lone_voted(struct core *c, uint32_t nodeid);
struct model *lone_model(struct core *c);
void lone_reset(struct core *c);
void lone_begin(struct core *c);
void lone_take(struct core *c, struct ring_member from, const struct msg *m);
void lone_result(struct core *c, uint32_t nodeid, enum fence_kind kind, bool off, const char *text);
void lone_tick(struct core *c);
/** lone_request() - while no ledger decides. Return: REPLY_NOT_QUORATE when it is no help. */
enum reply_code lone_request(struct core *c, const struct request *r, char *why, size_t size);

/* lease.c */
void lease_met(struct core *c, const struct peer *p); /* whose hawd it is that is here */
void lease_tick(struct core *c);
void lease_take(struct core *c, struct peer *p, const struct heartbeat *hb);
void lease_renew(struct core *c); /* after it, and after a heartbeat was sent */

/* watchdog.c */
void watchdog_take(struct core *c, const struct event *ev);
void watchdog_tick(struct core *c);
/** watchdog_holds_stop() - hawd must not end yet: the others count on what would end with it. */
bool watchdog_holds_stop(const struct core *c);

/* ills.c */
void ills_sample(struct core *c, const struct health_sample *s);
void ills_tick(struct core *c);

/* sensors.c */
void sensors_tick(struct core *c);
void sensors_done(struct core *c, const struct event *ev);

/* silent.c */
void silent_group(struct core *c);
void silent_excluded(struct core *c, const struct ring_member *left, size_t n);
void silent_refused(struct core *c, struct ring_member from, uint32_t major);
bool silent_left_out(const struct core *c, uint32_t nodeid);
usec_t silent_limit(const struct core *c); /* without a heartbeat for so long: it hangs */
void silent_tick(struct core *c);

/* log.c */
uint64_t log_version(const struct core *c); /* of the last entry, stable or not */
bool log_idle(const struct core *c);
void log_append(struct core *c, struct entry *e);
void log_tail(struct core *c, struct entry *e); /* only: what is stored already */
void log_install(struct core *c, uint64_t number, struct state *s); /* NULL: keep ours */
void log_ack(struct core *c, struct ring_member from, const struct msg *m);
void log_entry(struct core *c, struct ring_member from, const struct msg *m);
void log_persisted(struct core *c, uint64_t batch);
void log_persist_failed(struct core *c, const char *text);
void log_tick(struct core *c);
void log_flush(struct core *c); /* end of step: one persist action, one ack */
void log_promise(struct core *c, uint64_t number);
struct state *log_state(const struct core *c); /* new reference */
/** log_propose() - takes the reference. Return: false when it cannot be proposed now. */
bool log_propose(struct core *c, struct entry *e);
/** propose_op() - an observation of one op, stamped with this host and the time. */
struct entry *observation(struct core *c, enum op_kind kind, struct op **ret_op);

/* wall.c */
void wall_heard(struct core *c, struct peer *p, usec_t wall);
void wall_measure(struct core *c, usec_t own);
/** wall_of() - what this host stamped, by the cluster's time of day; 0 stays 0. */
usec_t wall_of(const struct core *c, usec_t own);

/* executor.c */
void executor_libvirt(struct core *c, const struct event *ev);
void executor_domain(struct core *c, const struct domain_seen *d);
void executor_definition(struct core *c, const struct event *ev);
void executor_healthy(struct core *c, const struct domain_seen *d);
void executor_done(struct core *c, const struct event *ev);
void executor_tick(struct core *c);
struct domain *executor_find(struct core *c, const char *uuid);
struct work *work_add(struct core *c, enum work_use use, uint32_t gid, const char *uuid);
struct action *work_begin(struct core *c, struct work *w, enum guest_job_op op);
struct work *work_of_guest(struct core *c, uint32_t gid);
void work_cancel_all(struct core *c);
void work_remove(struct core *c, size_t index);

/* replica.c */
void replica_take(struct core *c, const struct event *ev);
void replica_tick(struct core *c);
void replica_free(struct core *c);

/* join.c */
bool join_needed(struct core *c);
void join_tick(struct core *c);

/* fencer.c */
void fencer_done(struct core *c, const struct event *ev);
void fencer_tick(struct core *c);
/** fencer_checker_of() - who looks at the devices of host @i; 0: nobody. */
uint32_t fencer_checker_of(const struct model *m, size_t i);
/** fencer_look() - read @device once; test_read() gets it. */
void fencer_look(struct core *c, const char *device, uint32_t asker, uint64_t request);
struct ladder_step;
void fencer_lone(struct core *c, uint32_t nodeid, enum fence_kind kind,
                 const struct ladder_step *s);
bool fencer_lone_of(const struct core *c, uint32_t nodeid);
void fencer_lone_call_off(struct core *c, uint32_t nodeid); /* 0: all */

/* fence_test.c */
void test_take(struct core *c, const struct request *r);
void test_ask(struct core *c, const struct msg *m);
bool test_told(struct core *c, uint32_t from, const struct msg *m); /* false: no fence test's */
void test_read(struct core *c, const struct fence_work *f);
void test_tick(struct core *c);

/* lead_*.c */
void lead_tick(struct core *c);
bool lead_hosts(struct core *c, struct entry *e);
void lead_fencing(struct core *c, struct entry *e);
void lead_guests(struct core *c, struct entry *e);
void lead_evacuate(struct core *c, struct entry *e);
void lead_advise(struct core *c);
void lead_replicas(struct core *c, struct entry *e);
struct plan;
/** pass_over_silent() - a start where libvirt does not answer would hang, its claim with it; who
 * has not said anything yet may be chosen. */
void pass_over_silent(const struct core *c, struct plan *p);

/* lead_snap.c */
/** struct lead_snap - what comes next for a guest's snapshots, while it runs */
struct lead_snap {
        enum guest_job_kind job; /* SNAPSHOT, SNAP_DELETE; NONE: none */
        uint32_t id;             /* that is deleted */
        char take[NAME_LEN];     /* a snapshot is to be asked for, so called; "": none is */
};
struct lead_snap lead_snap(const struct guest *g);
void lead_snapshots(struct core *c, struct entry *e);
/** lead_known_good() - id of the snapshot that a rollback goes back to now, 0: there is none */
uint32_t lead_known_good(const struct guest *g);
/** lead_snap_key() - another when something else is to be done */
uint32_t lead_snap_key(const struct guest *g);

/* request.c */
void request_take(struct core *c, const struct request *r);
void request_applied(struct core *c, const struct entry *e, const struct applied *a);
void request_again(struct core *c);
void request_ask(struct core *c, const struct msg *m);
void request_tell(struct core *c, uint32_t from, const struct msg *m);
void request_answer(struct core *c, uint32_t asker, uint64_t request, enum reply_code code,
                    const char *text, struct blob *facts);
struct pending *request_wait(struct core *c, uint64_t request, struct entry *e); /* takes @e */
/** request_wish() - @e, for the client of this host that waits for @request; takes @e. */
void request_wish(struct core *c, uint64_t request, struct entry *e);
void request_tick(struct core *c);
struct action *core_reply(struct core *c, uint64_t request, enum reply_code code, const char *fmt,
                          ...) PRINTF_LIKE(4, 5);

/* look.c */
#define LOOK_ID (UINT64_C(1) << 61) /* no client's number has it */
bool look_is(uint64_t request);
/** look_begin() - @e adds a guest: propose it, or answer @request of @asker; takes @e. */
void look_begin(struct core *c, struct entry *e, bool wish, uint32_t asker, uint64_t request);
void look_serve(struct core *c, const struct msg *m);
void look_told(struct core *c, uint32_t from, const struct msg *m);
void look_tick(struct core *c);

/* facts.c */
void facts_ask(struct core *c, const struct request *r);
void facts_serve(struct core *c, uint32_t asker, uint64_t request);
void facts_done(struct core *c, const struct event *ev);
/** facts_no_use() - why there is no use in waiting for the facts of @nodeid; empty: there is */
void facts_no_use(struct core *c, uint32_t nodeid, char text[TEXT_LEN]);
