/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The core: a deterministic function of the events it was given (DESIGN 2). Pure.
 * Owns its state; borrows the config, which outlives it or is replaced by core_set_config().
 */
#pragma once

#include "hawd/core/event.h"

struct core;

/** struct core_boot - what the store gave back at the start; all zero for a new member */
struct core_boot {
        uint32_t nodeid;
        uint64_t incarnation; /* random, new with every start of hawd */
        uint64_t seed;        /* of the random field */
        uint64_t epoch, promised;
        struct state *state; /* base model and the entries after it; NULL: virgin. Borrowed */
        const char *lost;    /* this host had a ledger and this is not it: why; NULL. Borrowed */
        const char *store_error; /* it cannot be stored now: why; NULL. Borrowed */
        const char *hawd_version;
        const char *dmi; /* system UUID of this machine, or NULL */
};

struct core *core_new(const struct core_boot *boot, const struct config *config);
struct core *core_free(struct core *c); /* NULL-safe, returns NULL */
void core_set_config(struct core *c, const struct config *config);

/**
 * core_step() - take one event
 * @out: actions are appended, to be carried out in this order
 *
 * Return: 0; negative on an event that breaks the contract (dropped, nothing changed).
 */
int core_step(struct core *c, const struct event *ev, struct actions *out);

/** core_deadline() - when to send EV_TIMEOUT; USEC_INFINITY: not before another event. */
usec_t core_deadline(const struct core *c);

/* Queries, for control/, tests and the simulator. Borrowed until the next core_step(). */
const struct model *core_model(const struct core *c); /* as of the last applied entry */

enum sync_phase {
        SYNC_NONE,     /* alone, or the group is too small for anything */
        SYNC_EXCHANGE, /* waiting for every member's (epoch, promised, version) */
        SYNC_PROMISE,  /* waiting for a majority to have promised */
        SYNC_INSTALL,  /* state is being taken over and stored */
        SYNC_DONE,     /* synced for this configuration */
};

struct core_status {
        uint32_t nodeid;
        uint64_t incarnation;
        enum sync_phase phase;
        bool ring_quorate;
        bool split;       /* half of the voters are here, and fence the others before they decide */
        bool operational; /* synced, quorate and a majority installed: decisions are made */
        bool leader;
        uint32_t leader_nodeid; /* 0: none */
        uint64_t epoch, version, applied;
        bool libvirt_up;
        bool store_failed;
        char store_error[TEXT_LEN];
        char missing[2 * TEXT_LEN]; /* what keeps it from being operational, for people; empty:
                                       nothing */
        size_t n_group;
        struct ring_member group[HOSTS_MAX];
        size_t n_ring;
        uint32_t ring[HOSTS_MAX];
        usec_t lease_renewed; /* CLOCK_BOOTTIME at which it sent the latest heartbeat that members
                                 have echoed who, with it, have a strict majority of the votes; 0:
                                 none (lease.h) */
        uint32_t n_voters;    /* whose stores count in this configuration */
        uint32_t voters[HOSTS_MAX];
};

void core_status(const struct core *c, struct core_status *ret);

/** struct core_waiting - a host that is not in the ledger as the nodelist has it */
struct core_waiting {
        uint32_t nodeid;
        char name[NAME_LEN]; /* the one that it waits for */
        uint32_t holder;     /* the host of the ledger that has the name; 0: none */
        char why[2 * TEXT_LEN], mend[2 * TEXT_LEN];
};

/** core_waiting() - those that the leader cannot take in, or rename, yet. Return: how many. */
size_t core_waiting(const struct core *c, struct core_waiting ret[HOSTS_MAX]);
/** struct core_advice - a guest of a degraded host */
struct core_advice {
        char guest[NAME_LEN];
        uint32_t to;        /* node id where it should go; 0: it cannot, or may not */
        char why[TEXT_LEN]; /* that host, or that it stays */
};

/** core_advice() - for the guests that run on degraded @nodeid, unless its proactive is off.
 * Return: how many, at most @max. */
size_t core_advice(const struct core *c, uint32_t nodeid, struct core_advice *ret, size_t max);
/** core_heartbeat() - the latest heartbeat of @nodeid, its arrival in @ret_now; NULL: none. */
const struct heartbeat *core_heartbeat(const struct core *c, uint32_t nodeid, usec_t *ret_now);
/** core_clock_offset() - the wall clock of @nodeid against this host's, from its latest heartbeats;
 * too small by their shortest way here. false: none came. */
bool core_clock_offset(const struct core *c, uint32_t nodeid, int64_t *ret_usec);
/** core_explain_guest() - numbered lines: why it is where it is, or why it does not run.
 * Return: malloc'ed text, NULL when there is no such guest. */
char *core_explain_guest(const struct core *c, const char *name);
char *core_explain_host(const struct core *c, const char *name);
