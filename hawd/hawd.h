/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon, around the core: what its files know and call of each other. One loop thread.
 *
 *   main.c         opens the adapters, runs the loop, ends them; owns struct hawd
 *   events_ring.c  what the ring tells becomes an event
 *   events.c       what the store, libvirt and the children tell becomes an event
 *   act.c          a step of the core; its actions go to the adapters
 *   ports.c        what the API asks of the others
 *   reload.c       hawd.conf
 *   guard.c        the watchdog device
 */
#pragma once

#include <limits.h>
#include <qb/qbloop.h>

#include "hawd/control/api.h"
#include "hawd/core/core.h"
#include "hawd/core/note.h"
#include "hawd/guest/guest.h"
#include "hawd/ledger/ledger.h"
#include "hawd/options.h"
#include "hawd/ring/ring.h"
#include "hawd/runner/facts.h"
#include "hawd/runner/runner.h"
#include "hawd/runner/sensors.h"
#include "hawd/sense/sense.h"
#include "hawd/watchdog/wdt.h"
#include "replication/replica.h"

#define HAWD_OWN_REQUEST (UINT64_C(1) << 63) /* of no client: set in its number */
_Static_assert(HAWD_OWN_REQUEST > API_FACTS_ID, "replies to the API would be taken for hawd's own");
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h; the unit does not try again then */

struct hawd {
        struct options opt;
        struct config config;
        qb_loop_t *loop;
        struct core *core;
        struct ledger_store *store;
        struct ring *ring;
        usec_t refused_said[HOSTS_MAX]; /* by position in the nodelist */
        struct guest_adapter *guest;
        struct replica_adapter *replica;
        char running_conf[PATH_MAX]; /* what hawd-fence reads: hawd.conf may be half edited */
        struct runner_paths runner_paths;
        struct runner *runner;
        struct facts_paths facts_paths;
        struct facts *facts;
        struct api *api;
        struct actions actions;
        qb_loop_timer_handle timer, load_timer, pet_timer;
        usec_t pet_usec;
        uint32_t vcpus;
        uint64_t memory_mib;
        uint64_t own_requests;
        struct wdt *wdt;
        struct wdt_said wdt_said; /* not told to the core yet */
        bool pet_failed;          /* said */
        struct sense *sense;
        struct sensors *sensors;
        bool ready;
        int exit_code;
};

/* ---- act.c ---- */

/** hawd_step() - give the core an event (its times are filled here), carry out what it wants */
void hawd_step(struct hawd *d, struct event *ev);
/** hawd_send() - a message to all; what prevents it is logged. Return: 0 or -errno. */
int hawd_send(struct hawd *d, const struct msg *m);
/** hawd_note() - to the journal, and to those who watch */
void hawd_note(struct hawd *d, const struct note *n);
/** hawd_say_status() - to systemd; ready as soon as the group is known */
void hawd_say_status(struct hawd *d);
void hawd_stop(struct hawd *d, int exit_code);

/* ---- events_ring.c, events.c: the userdata of each callback is the struct hawd ---- */

extern const struct ring_callbacks hawd_ring_callbacks;
extern const struct guest_callbacks hawd_guest_callbacks;
struct ledger_callbacks hawd_ledger_callbacks(struct hawd *d);
void hawd_on_fence_done(void *ud, uint64_t id, const struct runner_said *said, usec_t wall);
void hawd_on_replica(void *ud, const struct replica_told *told);
void hawd_on_sensors(void *ud, uint32_t nodeid, enum measured said, const char *text);
void hawd_on_facts_done(void *ud, uint64_t id, struct blob *facts, const char *text);
void hawd_on_store_note(void *ud, enum note_id id, const char *text);
/** hawd_say_load() - the core is told what this host has free, once libvirt said what it has */
void hawd_say_load(struct hawd *d);
/** hawd_say_health() - the core is told what this host measured of itself */
void hawd_say_health(struct hawd *d);
/** hawd_own_name() - the name of this host in the nodelist, or "" */
const char *hawd_own_name(const struct hawd *d);

/* ---- guard.c ---- */

/** hawd_watchdog_open() - take over what the hawd before left armed; the core is told */
void hawd_watchdog_open(struct hawd *d, const char *host);
void hawd_watchdog(struct hawd *d, const struct action *a);
/** hawd_could_start() - with hawd.conf as it is now; the mistakes are logged */
bool hawd_could_start(const struct hawd *d);
/** hawd_restarts() - does systemd stop hawd to start it again? */
bool hawd_restarts(void);

/* ---- ports.c ---- */

struct api_ports hawd_api_ports(struct hawd *d);

/* ---- reload.c ---- */

/** hawd_load_config() - at the start; every mistake is said. Return: 0, or EXIT_CONFIG. */
int hawd_load_config(struct hawd *d);
/** hawd_check_fencing() - with --check-config: what is wrong with fence devices as far as it shows
 * without asking one; warnings, since other hosts may have what this one lacks */
void hawd_check_fencing(const struct hawd *d);
/** hawd_write_running_conf() - the configuration in force, for the children; failure is logged */
void hawd_write_running_conf(const struct hawd *d);
/**
 * hawd_reload() - read hawd.conf again
 * @later: what has to wait for a restart
 *
 * Return: 0, or -EINVAL with all mistakes in @errors: the one in force is kept. Both are logged.
 */
int hawd_reload(struct hawd *d, struct conf_errors *errors, struct conf_errors *later);
