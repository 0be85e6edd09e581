/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulator: a whole cluster on the real core, in virtual time, repeatable by its seed.
 * A struct core per host; ring, store, libvirt, BMCs, power and people are played by this folder,
 * with what goes wrong in them. What is true is known here and nowhere else: the core sees events
 * only, and truth.c holds the promises against what is true.
 *
 * Owns everything below; struct sim_conf is borrowed and outlives it. One thread, nothing global.
 */
#pragma once

#include <stdio.h>

#include "hawd/core/core.h"
#include "hawd/core/note.h"
#include "hawd/sim/prng.h"
#include "hawd/sim/queue.h"
#include "hawd/sim/sim_conf.h"

/* ---- the ring (totem.c) ---- */

struct ring_item {
        enum { ITEM_MSG, ITEM_JOIN, ITEM_LEAVE } kind;
        int from;
        uint32_t pid;
        struct msg *msg;
};

/** struct totem - one configuration of the ring and its order of messages */
struct totem {
        unsigned refs;
        struct ring_id id;
        uint32_t members; /* bit per host index */
        struct ring_item *log;
        size_t n, cap;
};

/** struct ring_inbox - what waits in corosync's queue for hawd, in order */
struct inbox_item {
        enum { INBOX_MSG, INBOX_GROUP, INBOX_RING } kind;
        struct ring_member from;
        struct msg *msg;
        struct ring_member group[SIM_HOSTS_MAX];
        size_t n_group;
        struct ring_id ring;
        uint32_t members;
};

struct corosync {
        bool up;
        uint32_t life;
        struct totem *conf;    /* NULL: none formed since its start */
        size_t received;       /* of conf->log */
        struct ring_item *out; /* sent by hawd, not ordered yet */
        size_t n_out, cap_out;
        bool token_due;
        usec_t lonely_until; /* its messages are lost on the wire, but the token still comes by */
        uint32_t view[SIM_HOSTS_MAX]; /* pid of each member of the group as it knows it, 0: none */
        uint32_t joined;              /* pid of its own hawd in the group, 0: none */
        struct inbox_item *in;
        size_t in_first, n_in, cap_in;
        bool dispatch_due;
        usec_t quorum_at; /* when votequorum's last word reaches hawd */
};

/* ---- the store (disk.c): what is on the disk of a host ---- */

struct disk {
        enum disk_mode disk;
        uint64_t epoch, promised;
        bool virgin;
        struct state *base;    /* shared with those who installed the same; its model and tail */
        struct model *compact; /* replaces base->model after a compaction; owned */
        struct entry **tail;
        uint64_t *prints; /* fingerprint of each of tail */
        size_t n_tail, cap_tail;
        struct persist **pending; /* in order; the first is being written */
        size_t n_pending, cap_pending;
};

/* ---- libvirt (qemu.c, virtd.c) ---- */

struct domain {
        enum seen_state state; /* GONE, RUNNING or PAUSED */
        bool defined;
        bool healthy;
        bool untold;  /* changed while libvirtd hung: it says so when it goes on */
        uint32_t run; /* number of this run: later calls for an older one are void */
        enum end_why end_why;
};

enum job_stage { STAGE_QUEUED, STAGE_CALLED };

struct lv_job {
        uint64_t seq; /* the simulator's */
        uint64_t id;  /* the core's */
        enum guest_job_op op;
        enum job_stage stage;
        int guest;
        uint64_t gen;
        bool keep_running;
        uint32_t hawd_life; /* whose it was */
        bool reported;      /* hawd gave it up, or died: the call goes on in libvirtd */
        bool ripe;          /* would take effect, but libvirtd hangs */
        usec_t timeout;
        uint64_t decided; /* ledger version of the decision, 0: none to check */
        uint64_t print;   /* its fingerprint */
};

struct libvirtd {
        bool up;
        bool hung;
        bool slow;
        uint32_t life;
        bool connected; /* hawd's connection works, as far as hawd knows */
        usec_t told_at; /* when its last event reaches hawd */
        struct lv_job *jobs;
        size_t n_jobs, cap_jobs;
        struct domain dom[SIM_GUESTS_MAX];
};

/* ---- hosts ---- */

/** struct fence_run - a hawd-fence process */
struct fence_run {
        uint64_t seq;
        uint64_t id; /* the core's */
        int target;
        enum fence_action action;
        usec_t deadline; /* BOOTTIME of its host */
        bool reported;
        bool switched;
        bool cancelled;
};

struct sim_host {
        int index;
        uint32_t nodeid;
        char name[NAME_LEN];
        const struct sim_host_conf *conf;
        /* power */
        bool powered, frozen;
        uint32_t life;
        usec_t booted_at;
        usec_t off_at;     /* begin of the last time without power; 0: never */
        usec_t back_at;    /* end of it; 0: still, or never */
        struct call *held; /* calls of its processes that came while it was frozen */
        size_t n_held, cap_held;
        /* links */
        int net;       /* hosts of one number reach each other on the ring */
        bool dark;     /* what it sent last is lost on the wire */
        bool mgmt_cut; /* reaches no BMC */
        enum bmc_mode bmc;
        /* processes */
        struct corosync cs;
        struct disk store;
        struct libvirtd lv;
        struct core *core; /* NULL: hawd does not run */
        uint32_t hawd_life;
        uint32_t pid;
        bool hawd_off;         /* stopped or held down by somebody */
        bool stopping;         /* an orderly stop is under way */
        bool shutdown, reboot; /* of the system, when that stop is done */
        usec_t deadline;       /* virtual time of the core's next timeout */
        uint32_t spins;        /* time-outs one after the other that moved nothing on */
        struct fence_run *fences;
        size_t n_fences, cap_fences;
        uint64_t seen_version; /* truth.c: of the model when last looked at */
};

struct sim_start {
        usec_t at;
        int host;
};

struct sim_guest {
        const struct sim_guest_conf *conf;
        char uuid[UUID_LEN];
        uint32_t failures_left;
        struct sim_start *starts;
        size_t n_starts;
        bool wish_unclear; /* somebody stopped it, or it shut down by itself */
};

/* ---- faults that wait for their moment (ambush.c) ---- */

enum ambush_when {
        AMBUSH_DECISION,
        AMBUSH_OBSERVATION,
        AMBUSH_EXCHANGE,
        AMBUSH_PROMISE,
        AMBUSH_STATE,
        AMBUSH_ACK,
        AMBUSH_PERSIST,
        AMBUSH_FENCE,
        AMBUSH_START,
        AMBUSH_SETTLE,
        AMBUSH_WHEN_MAX_,
};
enum ambush_how {
        AMBUSH_POWER,
        AMBUSH_CUT,
        AMBUSH_FREEZE,
        AMBUSH_HAWD,
        AMBUSH_RING,
        AMBUSH_FLAP,   /* cut, and joined again about when the others have noticed */
        AMBUSH_ASLEEP, /* frozen, and only thawed by another fault */
        AMBUSH_HOW_MAX_,
};

struct ambush {
        enum ambush_when when;
        enum ambush_how how;
        int skip; /* so many of it pass unharmed */
        usec_t within;
};

/* ---- requests of people (people.c) ---- */

struct sim_request {
        uint64_t id;
        struct request rq;
        usec_t until; /* retried while busy or not quorate */
        bool sent, done;
        int host;   /* asked */
        bool retry; /* also when not quorate */
        enum reply_code code;
        char text[TEXT_LEN];
};

struct sim_stats {
        uint64_t events, messages, views, installs, entries, starts, failed_starts, fences_off;
        uint64_t power_ons, late_effects, crashes, freezes, lost_writes, disk_errors, refused;
        uint64_t confirms, settles, rogues, blocked, notes, ambushes;
};

#define SIM_VIOLATION_LEN 400

struct sim_violation {
        usec_t at;
        char promise[8];
        char text[SIM_VIOLATION_LEN];
};

struct truth;

struct sim {
        const struct sim_conf *conf;
        struct queue queue;
        struct prng rng;
        usec_t now;
        usec_t zero; /* virtual time that is printed as 0 */
        struct sim_host hosts[SIM_HOSTS_MAX];
        size_t n_hosts;
        struct sim_guest guests[SIM_GUESTS_MAX];
        size_t n_guests;
        uint64_t ring_seq, next_id;
        uint32_t next_pid;
        struct actions actions; /* kept, so that its array is */
        struct sim_request *requests;
        size_t n_requests, cap_requests;
        struct ambush ambushes[8];
        size_t n_ambushes;
        bool peace; /* all faults have ended */
        struct truth *truth;
        struct sim_stats stats;
        uint64_t traced_version; /* newest whose notes are traced, and by whom */
        uint32_t traced_pid;
        struct sim_violation violations[16];
        size_t n_violations;
        bool keep_going; /* do not stop at the first violation */
        /* Observers; NULL: nobody. */
        void *observer;
        void (*on_note)(struct sim *s, const struct sim_host *h, const struct note *n);
        void (*on_trace)(struct sim *s, const struct sim_host *h, const char *text);
        void (*on_reply)(struct sim *s, const struct sim_request *r);
};

/* sim.c */
struct sim *sim_new(const struct sim_conf *conf);
struct sim *sim_free(struct sim *s);
/** sim_run() - until virtual time @until, or the first violation. Return: false on that. */
bool sim_run(struct sim *s, usec_t until);
/** sim_setup() - until the cluster is up and knows its guests and rules; then time counts from 0.
 * Return: 0, or -1 with @err (of SIM_VIOLATION_LEN) saying what did not come about. */
int sim_setup(struct sim *s, char *err);
void sim_at(struct sim *s, usec_t delay, enum owner owner, int host,
            void (*fn)(struct sim *, const struct call *), uint64_t a, uint64_t b);
void sim_trace(struct sim *s, const struct sim_host *h, const char *fmt, ...) PRINTF_LIKE(3, 4);
void sim_violate(struct sim *s, const char *promise, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** sim_delay() - usually about @typical; rarely, unless calm, many times that. */
usec_t sim_delay(struct sim *s, usec_t typical);
struct sim_host *sim_best_host(struct sim *s); /* whose model is newest; NULL: no hawd runs */
int sim_host_index(const struct sim *s, const char *name);  /* -1: none */
int sim_guest_index(const struct sim *s, const char *name); /* by name or UUID; -1: none */
usec_t sim_boottime(const struct sim *s, const struct sim_host *h);
usec_t sim_wall(const struct sim *s, const struct sim_host *h);

/* power.c */
void power_on(struct sim *s, struct sim_host *h);
void power_off(struct sim *s, struct sim_host *h);
void power_freeze(struct sim *s, struct sim_host *h);
void power_thaw(struct sim *s, struct sim_host *h);

/* node.c: the hawd process of a host */
void node_start(struct sim *s, struct sim_host *h);
void node_kill(struct sim *s, struct sim_host *h);
void node_stop(struct sim *s, struct sim_host *h); /* orderly */
void node_feed(struct sim *s, struct sim_host *h, struct event *ev);

/* totem.c, totem_form.c */
void corosync_start(struct sim *s, struct sim_host *h);
void corosync_kill(struct sim *s, struct sim_host *h);
void totem_changed(struct sim *s); /* a link, corosync or host came, went, froze or thawed */
void totem_cut(struct sim *s, struct sim_host *h); /* before its link goes */
void totem_join(struct sim *s, struct sim_host *h);
void totem_send(struct sim *s, struct sim_host *h, struct msg *m); /* takes the reference */
void totem_leave(struct sim *s, struct sim_host *h);               /* its hawd is gone */
void totem_resume(struct sim *s, struct sim_host *h);
bool totem_reachable(const struct sim_host *a, const struct sim_host *b);
void totem_receive(struct sim *s, struct sim_host *h, const struct ring_item *it);
void totem_token(struct sim *s, struct sim_host *h, usec_t delay);
void totem_push_group(struct sim *s, struct sim_host *h);
struct inbox_item *totem_push(struct sim *s, struct sim_host *h);
void totem_say_quorum(struct sim *s, struct sim_host *h);
struct totem *totem_conf_unref(struct totem *c);
void totem_form(struct sim *s, uint32_t comp);

/* disk.c */
void disk_persist(struct sim *s, struct sim_host *h, struct persist *p); /* takes it */
void disk_crash(struct sim *s, struct sim_host *h);
struct state *disk_load(struct sim_host *h); /* NULL: virgin; the caller's reference */
uint64_t disk_version(const struct disk *st);
/** disk_has() - is the entry of @version with @print on disk (or in the compacted base)? */
bool disk_has(const struct disk *st, uint64_t version, uint64_t print);
uint64_t disk_print(const struct disk *st, uint64_t version); /* 0: compacted or not there */
void disk_free(struct disk *st);
uint64_t disk_entry_print(const struct entry *e);

/* qemu.c: the QEMU processes, and what libvirt tells of them */
void qemu_start(struct sim *s, struct sim_host *h, int g);
void qemu_end(struct sim *s, struct sim_host *h, int g, enum end_why why);
void qemu_pause(struct sim *s, struct sim_host *h, int g, bool pause);
void qemu_tell(struct sim *s, struct sim_host *h, int g);
void qemu_tell_healthy(struct sim *s, struct sim_host *h);
void qemu_seen(const struct sim *s, const struct sim_host *h, int g, struct domain_seen *ret);
int qemu_where(const struct sim *s, int g, int from); /* next host >= @from with a live copy, -1 */

/* virtd.c: libvirtd and hawd's workers */
void virtd_job(struct sim *s, struct sim_host *h, const struct action *a);
void virtd_cancel(struct sim *s, struct sim_host *h, uint64_t id);
void virtd_connect(struct sim *s, struct sim_host *h, usec_t delay);
void virtd_hawd_gone(struct sim *s, struct sim_host *h);
void virtd_hang(struct sim *s, struct sim_host *h);
void virtd_resume(struct sim *s, struct sim_host *h);
void virtd_restart(struct sim *s, struct sim_host *h);
void virtd_power_off(struct sim_host *h);

/* virtd_job.c: what hawd's workers ask of it */
void virtd_report(struct sim *s, struct sim_host *h, struct lv_job *j, enum job_result r);
void virtd_effect(struct sim *s, const struct call *c); /* a: seq of the job */
enum job_result virtd_start(struct sim *s, struct sim_host *h, const struct lv_job *j);
void virtd_job_remove(struct sim_host *h, uint64_t seq);

/* bmc.c: hawd-fence and what it talks to */
void bmc_begin(struct sim *s, struct sim_host *h, const struct action *a);
void bmc_cancel(struct sim *s, struct sim_host *h, uint64_t id);
void bmc_hawd_gone(struct sim_host *h);
/** bmc_may_switch_off() - the host of a hawd-fence that could still do so, or NULL. */
const struct sim_host *bmc_may_switch_off(const struct sim *s, int target);

/* ambush.c */
void ambush_look(struct sim *s, const struct sim_host *h, const struct action *a);
void ambush_set(struct sim *s, uint64_t arg); /* when | how << 8 | skip << 16 | usec << 24 */
void ambush_text(uint64_t arg, char *buf, size_t size);

/* people.c */
struct sim_request *people_new(struct sim *s, enum verb verb, const char *guest, const char *host);
void people_send(struct sim *s, uint64_t id); /* to a host that decides; retried as it says */
void people_reply(struct sim *s, uint64_t id, enum reply_code code, const char *text);
struct sim_request *people_find(struct sim *s, uint64_t id);

/* truth.c: what is true against what was promised */
struct truth *truth_new(void);
struct truth *truth_free(struct truth *k);
void truth_core(struct sim *s, struct sim_host *h);         /* after each step of it */
void truth_start(struct sim *s, struct sim_host *h, int g); /* before a guest really starts */
void truth_switch_off(struct sim *s, struct sim_host *by, int target); /* before power goes */
void truth_kill(struct sim *s, struct sim_host *by, int g); /* before hawd ends a running guest */
void truth_decided(struct sim *s, struct sim_host *h, uint64_t version, uint64_t print,
                   const char *what);
/** truth_settled() - L1, L2, L3 hold now; what does not is named in @why of SIM_VIOLATION_LEN. */
bool truth_settled(struct sim *s, char *promise, char *why);
