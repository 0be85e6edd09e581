/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ledger_apply(): the only code that changes a model, the same on every member. Pure.
 * Called for stable entries only, in the order of the ring.
 */
#pragma once

#include "fencing/ladder.h"
#include "hawd/core/note.h"

/** struct applied - what came of an entry */
struct applied {
        struct history_row *rows; /* owned by the caller; grows */
        size_t n, cap;
        enum reply_code code; /* of the first op that was refused, for the waiting client */
        char text[TEXT_LEN];
};

/**
 * ledger_apply() - apply @e as version @m->version + 1
 * Never fails: an op that is stale or makes no sense is dropped, and @out says why.
 */
void ledger_apply(struct model *m, const struct entry *e, struct applied *out);
void applied_clear(struct applied *out);

/* For the files of the ledger alone. */

/** struct ledger - one call of ledger_apply() */
struct ledger {
        struct model *m;
        uint64_t version; /* being applied */
        uint32_t seq;     /* of the next row */
        const struct entry *entry;
        const struct op *op;
        struct applied *out;
};

void ledger_note(struct ledger *l, enum note_id id, uint32_t host, const struct guest *g,
                 uint64_t incident, const char *fmt, ...) PRINTF_LIKE(6, 7);
void ledger_refuse(struct ledger *l, enum reply_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** ledger_guest() - the guest of the op if its versions hold, else NULL (and refused). */
struct guest *ledger_guest(struct ledger *l);
struct host *ledger_host(struct ledger *l);
uint64_t ledger_job_id(struct ledger *l); /* unique: from version and op index */

void guest_touch(struct ledger *l, struct guest *g);
void guest_to(struct ledger *l, struct guest *g, enum guest_state s, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
void host_to(struct ledger *l, struct host *h, enum host_state s);
/** host_serve() - it gets guests from now on, as far as its health allows: ONLINE or DEGRADED. */
void host_serve(struct ledger *l, struct host *h);
/** guest_release() - end the claim of @nodeid; what that means for the guest is the caller's. */
void guest_release(struct ledger *l, struct guest *g, uint32_t nodeid);
/** guest_down() - it has no claim any more: STOPPED if that is wanted, else FAILED. */
void guest_down(struct ledger *l, struct guest *g, const char *why);

/** guest_failed() - by itself: @cause gets longer in a boot loop; its state is the caller's. */
void guest_failed(struct ledger *l, struct guest *g, enum end_why why, char cause[TEXT_LEN]);

struct incident *incident_open(struct ledger *l, enum incident_kind kind, uint32_t host,
                               struct guest *g, const char *cause);
void incident_step(struct ledger *l, uint64_t id, enum incident_step step, usec_t wall);
void incident_close(struct ledger *l, uint64_t *id, const char *outcome);

void apply_host_op(struct ledger *l);
void apply_member_op(struct ledger *l);
void apply_fence_op(struct ledger *l);
void apply_guest_op(struct ledger *l);
void apply_wish_op(struct ledger *l);
void apply_snap_op(struct ledger *l);
/** guest_ladder_anew() - a person asks: every host and every rung again. What ails it still does.
 */
void guest_ladder_anew(struct guest *g);
/** snap_allowed() - may it have snapshots? @why: TEXT_LEN bytes, filled on false. */
bool snap_allowed(const struct guest *g, char *why);
/** snap_ended() - a claim has ended: with the last one, what was wanted of its disks is done. */
void snap_ended(struct ledger *l, struct guest *g);
/** snap_job_ok() - is there still something to do for SNAPSHOT, or for SNAP_DELETE of @id? */
bool snap_job_ok(const struct guest *g, enum guest_job_kind kind, uint32_t id);
void snap_job_done(struct ledger *l, struct guest *g, enum guest_job_kind kind);
/** snap_start() - a start goes back to @id, for which snap_start_ok() holds */
bool snap_start_ok(const struct guest *g, uint32_t id);
void snap_start(struct ledger *l, struct guest *g, uint32_t id);
/** snap_failed() - the guest did, by itself; before the ladder knows */
void snap_failed(struct guest *g, enum end_why why, usec_t wall);
/** snap_outcome() - add to @text to what @x went back, and where the disk that it left is (S8) */
void snap_outcome(const struct model *m, const struct incident *x, char *text, size_t size);
void apply_replica_op(struct ledger *l);
/** host_removable() - nothing is left to prove of it or to be said about it. */
bool host_removable(const struct model *m, const struct host *h);
void host_lost(struct ledger *l, struct host *h, const char *why, usec_t last_good);
void host_proven(struct ledger *l, struct host *h, enum proof proof, const char *text);
/**
 * devices_prove() - S2: may these, which read off, prove @nodeid off?
 * Return: false, with the reason in @why.
 */
bool devices_prove(struct model *m, uint32_t nodeid, const char *const *names, uint32_t n,
                   char *why, size_t size);
/** device_idle() - may it be forgotten, once no hawd.conf has it? devices_drop_of() - with a host
 */
bool device_idle(const struct model *m, const struct device *d);
void devices_drop_of(struct model *m, uint32_t nodeid);

/**
 * level_to_try() - the next level whose devices may prove something: another one is not switched
 * Return: 0, or -ENOENT with the reason in @why.
 */
int level_to_try(struct model *m, const struct config *config, const struct host *h, uint32_t tries,
                 struct ladder_step *ret, char *why, size_t size);
#define ON_DUE_MAX 7 /* the pauses between such tries double, and grow no more then */
/** fence_on_again() - @d reads off by what hawd had begun itself: its host is there, so back on. */
bool fence_on_again(const struct host *h, const struct device *d);
void fence_jobs_call_off(struct ledger *l, const struct host *h);
void host_watchdog_gone(struct host *h);       /* nobody counts on it any more */
void host_fenced(struct host *h, usec_t wall); /* one more (L3) */
uint32_t ledger_voters(const struct model *m);
void fence_job_remove(struct ledger *l, struct fence_job *j);
/** rogue_noted() - an incident of @m says that a copy of @gid was stopped on @host at @wall. */
bool rogue_noted(const struct model *m, uint32_t gid, uint32_t host, usec_t wall);
bool fence_job_open(const struct model *m, uint32_t nodeid);

/* apply_replica.c */
/** replica_follow() - the policy of @g is new, or @before was another; NULL: there was none */
void replica_follow(struct ledger *l, struct guest *g, const struct conf_replica *before);
/** replica_start() - may the op start @g on its host? Then what it had as a copy is behind. */
bool replica_start(struct ledger *l, struct guest *g);
void replica_runs(struct ledger *l, struct guest *g); /* though it was to end */
/** replica_behind() - P's disks go on without the copy; one that was never whole is nothing */
void replica_behind(struct ledger *l, struct guest *g, const char *why);
/** replica_outcome() - what was lost when this generation was started; "" not from a replica */
void replica_outcome(const struct guest *g, char text[TEXT_LEN]);
void replica_host_lost(struct ledger *l, const struct host *h);
void replica_host_back(struct ledger *l, const struct host *h); /* it was not proven off */
/** replica_proven() - the claim of @h on @g ends by proof, not by its word */
void replica_proven(struct ledger *l, struct guest *g, const struct host *h);
void replica_host_removed(struct ledger *l, uint32_t nodeid);
