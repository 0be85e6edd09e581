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

/** struct votes - votequorum of one corosync (votes.c) */
struct votes {
        uint32_t expected; /* shrinks with last_man_standing */
        bool wait;         /* wait_for_all: it has not seen all since it started */
        bool quorate;      /* its last word, */
        bool waiting;      /* and whether only wait_for_all kept it from being quorate */
};

/** struct entering - a configuration that was formed, but this member has not come to see yet */
struct entering {
        struct totem *conf; /* NULL: none; reference */
        uint32_t comp, mates;
        uint32_t joined[SIM_HOSTS_MAX];
        bool one_by_one;
};

struct corosync {
        bool up;
        bool still; /* stopped by a signal: takes part in nothing until it is continued */
        uint32_t life;
        uint32_t listed;    /* the nodelist as it has loaded it, bit per host */
        struct totem *conf; /* NULL: none formed since its start */
        size_t received;    /* of conf->log */
        struct entering entering;
        struct votes votes;
        usec_t late_until;     /* nothing reaches it, and the token does not pass it */
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
        size_t n_tail, cap_tail;
        struct persist **pending; /* in order; the first is being written */
        size_t n_pending, cap_pending;
};

/* ---- libvirt (qemu.c, virtd.c) ---- */

struct domain {
        enum seen_state state;
        enum end_why ails; /* what is wrong with it though its QEMU is there */
        bool ails_seen;    /* and that shows */
        bool defined;
        bool healthy;
        bool untold;    /* changed while libvirtd hung: it says so when it goes on */
        bool by_person; /* this run was started by root with virsh, not by hawd */
        usec_t since;   /* of this run */
        uint32_t run;   /* number of this run: later calls for an older one are void */
        uint32_t file;  /* of its disk that it writes, see snaps.c */
        enum end_why end_why;
};

enum job_stage { STAGE_QUEUED, STAGE_THREAD, STAGE_CALLED };

struct lv_job {
        uint64_t seq; /* the simulator's */
        uint64_t id;  /* the core's */
        enum guest_job_op op;
        enum job_stage stage;
        int guest;
        uint64_t gen;
        bool keep_running;
        uint32_t promote;
        uint32_t hawd_life; /* whose it was */
        bool reported;      /* hawd gave it up, or died: the call goes on in libvirtd */
        bool ripe;          /* would take effect, but libvirtd hangs */
        bool cancelled;     /* asked for right before libvirt is called (S6) */
        usec_t timeout;
        usec_t deadline; /* BOOTTIME, once it has begun: likewise */
        bool has_snaps;
        struct guest_snaps snaps; /* has_snaps: as the job was given them */
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
        int device; /* 0 or 1: the first or second of its target */
        usec_t begun;
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
        struct config *config; /* its own hawd.conf; NULL: that of all */
        /* power */
        bool powered, frozen;
        uint32_t life;
        usec_t booted_at;
        usec_t off_at;     /* begin of the last time without power; 0: never */
        usec_t back_at;    /* end of it; 0: still, or never */
        struct call *held; /* calls of its processes that came while they stood still */
        size_t n_held, cap_held;
        /* clocks */
        int64_t wall_step; /* somebody set it since the start */
        /* links */
        int net;           /* hosts of one number reach each other on the ring */
        bool dark;         /* what it sent last is lost on the wire */
        bool mgmt_cut;     /* reaches no BMC */
        bool storage_lost; /* that of its guests */
        uint32_t ills;     /* what it measures as bad, whatever is true; bit i: enum ill i */
        bool copies_cut;   /* its link for replicas */
        struct bmc {
                enum bmc_mode mode;
                usec_t lies_since; /* it reads off whatever is true; 0: it does not */
                usec_t lied_until; /* the last time that it did so before */
                bool outlet_off;   /* of its supply */
                bool no_power;     /* itself: until the host is switched on by hand */
        } bmc[SIM_DEVICES];
        struct dog {
                bool armed;
                bool open;  /* by hawd */
                bool taken; /* of the hawd before */
                bool kept;  /* by systemd, for the next hawd */
                usec_t timeout;
                uint32_t serial; /* of the last feeding */
        } dog;
        /* processes */
        struct corosync cs;
        struct disk store;
        struct libvirtd lv;
        struct core *core;   /* NULL: hawd does not run */
        bool hawd_still;     /* stopped by a signal */
        struct actions rest; /* of the step that it was stopped in */
        size_t rest_at;
        uint32_t hawd_life;
        uint32_t pid;
        bool hawd_off;         /* stopped or held down by somebody */
        bool stopping;         /* an orderly stop is under way */
        bool restart;          /* and another hawd follows */
        bool shutdown, reboot; /* of the system, when that stop is done */
        usec_t deadline;       /* virtual time of the core's next timeout */
        uint32_t spins;        /* time-outs one after the other that moved nothing on */
        struct fence_run *fences;
        size_t n_fences, cap_fences;
        uint64_t seen_version; /* truth.c: of the model when last looked at */
        usec_t part_at;        /* truth.c: its hawd took part in decisions, last then */
        uint32_t group;        /* truth_lease.c: of its hawd, bit per host, */
        usec_t group_at;       /* and when that came about */
};

/* ---- disks of guests that have a replica, and copies of them (copies.c) ---- */

/** struct content - what is on a disk: so many writes of one story of its guest */
struct content {
        uint64_t story; /* another one when writes were lost for good */
        uint64_t n;
};

/** struct sim_received - a copy, as it is on a host */
struct sim_received {
        uint32_t serial; /* 0: none */
        bool whole;
        struct content content;
};

/** struct sim_copying - the latest run of copying */
struct sim_copying {
        uint32_t serial;
        int p, r; /* hosts; -1: not yet */
        uint32_t p_run, p_life, r_life;
        bool copying, in_step; /* QEMU's end */
        bool waits;            /* drbd: writes wait until hawd says that they go on alone */
        bool server;           /* R's end lives */
        usec_t hold;
        usec_t down_since; /* the link between them; 0: it is up */
        usec_t told_at, done_at, as_of;
        struct content cycle; /* async: under way, */
        usec_t cycle_wall;    /* as of then; 0: none is */
};

struct sim_start {
        usec_t at;
        int host;
};

struct sim_guest {
        const struct sim_guest_conf *conf;
        char uuid[UUID_LEN];
        uint32_t failures_left;
        usec_t loop_until; /* before that no boot of it ends well */
        struct sim_start *starts;
        size_t n_starts;
        bool wish_unclear; /* somebody stopped it, or it shut down by itself */
        int home;          /* host where its disk was made; -1: nowhere yet */
        /* With a replica: */
        struct content truth; /* all that was acknowledged to it */
        uint64_t stories;
        usec_t *acked; /* when, by number of the write; of this story */
        size_t cap_acked;
        struct content disk[SIM_HOSTS_MAX];
        struct sim_received copy[SIM_HOSTS_MAX];
        uint32_t promoted[SIM_HOSTS_MAX]; /* serial that became the disk there last */
        struct sim_copying run;
        bool forced;             /* a person accepted a loss */
        struct sim_snaps *snaps; /* snaps.c; NULL: as it was given */
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
        AMBUSH_STILL,  /* hawd alone is stopped, and continued some seconds later */
        AMBUSH_DEAF,   /* corosync alone */
        AMBUSH_HANG,   /* libvirtd hangs, and goes on some time later */
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
        int host;       /* asked */
        uint32_t asked; /* those who sent them to another, bit per host */
        bool retry;     /* also when not quorate */
        bool only_true; /* said by somebody who looks first: its host is off */
        enum reply_code code;
        char text[TEXT_LEN];
};

struct sim_stats {
        uint64_t events, messages, views, installs, entries, starts, failed_starts, fences_off;
        uint64_t power_ons, ills, late_effects, crashes, freezes, lost_writes, disk_errors, refused;
        uint64_t confirms, settles, rogues, blocked, notes, ambushes;
        uint64_t process_freezes, lost_disks, rogue_starts, fooled, node_adds, node_removes;
        uint64_t configs, rejoins, late_rings, late_enters, clock_steps;
        uint64_t half_quorate, shrunk_votes, waits_for_all;
        uint64_t dog_resets, lease_proofs;
        uint64_t degraded, degraded_starts;
        uint64_t in_steps, promotions, losses, vetoes;
        uint64_t snapshots, rollbacks, commits;
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
        uint32_t listed;        /* corosync.conf as the operator last wrote it, bit per host */
        usec_t token_until;     /* the token is late: nobody sends before */
        uint64_t qnet_ring;     /* seq of the ring that has the qdevice's vote, 0: none */
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
        void (*on_step)(struct sim *s, struct sim_host *h); /* after an event, after an action */
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
int sim_host_index(const struct sim *s, const char *name);       /* -1: none */
const char *sim_host_name(const struct sim *s, uint32_t nodeid); /* of any, in the ledger or not */
int sim_guest_index(const struct sim *s, const char *name);      /* by name or UUID; -1: none */
/** sim_still() - does the process that owns a call on @h stand still just now? */
bool sim_still(const struct sim_host *h, enum owner owner);
/** sim_release() - what came meanwhile goes on, in its order, from now on. */
void sim_release(struct sim *s, struct sim_host *h);

/* clock.c: a host's clocks need not run as virtual time does */
usec_t sim_boottime(const struct sim *s, const struct sim_host *h);
usec_t sim_virtual(const struct sim_host *h, usec_t boottime); /* the other way, not before it */
usec_t sim_wall(const struct sim *s, const struct sim_host *h);
