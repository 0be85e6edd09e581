/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This host's watchdog (S7): armed, fed while its lease is held, and what the others may count on.
 * Pure; hawd/watchdog/ has the device.
 *
 *   none -> armed -> announced          a host that has joined, and holds its lease
 *   taken over -> armed -> announced    the descriptor of the hawd before it
 *   announced -> taken back -> none     an orderly stop
 *
 * The ledger never tells of a shorter time than is in force:
 *
 * 1 What was announced is taken back when a hawd joins, and by its orderly stop. It is announced
 *   anew, and that after arming; so each hawd has one timeout and one lease, from its start on:
 *   hawd.conf read again changes neither.
 * 2 Before it has joined, a hawd feeds what it took over by the shorter of its own lease and what
 *   the ledger says, which it must have got from the others first. It sets no other timeout.
 * 3 One that is dead when its host's BMC is dead is armed and fed, but never announced.
 * 4 A stop disarms when it is stable that nobody counts on it any more; until then hawd stays.
 */
#include "hawd/core/lease.h"
#include "hawd/core/priv.h"

#define RETRY_USEC (30 * USEC_PER_SEC)

static void find_conf(struct core *c) {
        struct watchdog *w = &c->watchdog;

        for (size_t i = 0; i < c->n_nodes && !w->conf_known; i++)
                if (c->nodes[i].nodeid == c->nodeid) {
                        w->conf = config_watchdog(c->config, c->nodes[i].name);
                        w->conf_known = true;
                }
}

/* The lease in force: no longer than anybody may have been told. */
static usec_t lease_length(struct core *c) {
        const struct watchdog *w = &c->watchdog;
        const struct host *self = core_self(c);
        usec_t length = w->conf.lease_usec;

        if (w->joined)
                return length;
        if (self && self->lease_usec)
                length = MIN(length, self->lease_usec);
        for (size_t t = 0; t < c->n_tail; t++)
                for (size_t i = 0; i < c->tail[t]->n_ops; i++) {
                        const struct op *op = &c->tail[t]->ops[i];

                        if (op->kind == OP_HOST_WATCHDOG && op->host == c->nodeid && op->lease_usec)
                                length = MIN(length, op->lease_usec);
                }
        return length;
}

static bool held(struct core *c) {
        return c->watchdog.current && lease_held(c->lease_renewed, c->now, lease_length(c));
}

static void act(struct core *c, enum watchdog_op op) {
        struct action *a = actions_add(c->out, ACT_WATCHDOG);

        a->watchdog.op = op;
        a->watchdog.timeout_usec = c->watchdog.conf.timeout_usec;
        a->watchdog.until_usec =
                op == WATCHDOG_DISARM ? USEC_INFINITY : usec_add(c->lease_renewed, lease_length(c));
        c->watchdog.waits = op != WATCHDOG_PET;
}

void watchdog_take(struct core *c, const struct event *ev) {
        struct watchdog *w = &c->watchdog;

        w->armed = ev->watchdog.armed;
        w->taken = ev->watchdog.taken;
        w->no_proof = ev->watchdog.no_proof;
        w->timeout = w->armed ? ev->watchdog.timeout_usec : 0;
        w->waits = false;
        w->next_pet = 0;
        text_set(w->error, sizeof(w->error), ev->watchdog.text ? ev->watchdog.text : "");
}

static void feed(struct core *c) {
        struct watchdog *w = &c->watchdog;

        if (!held(c)) {
                if (!w->lapsed && c->lease_renewed)
                        core_note(c, NOTE_LEASE_LOST, c->nodeid, NULL,
                                  "no majority has heard this host for the length of its lease: "
                                  "its watchdog resets it, unless one does so within moments");
                w->lapsed = true;
                return;
        }
        w->lapsed = false;
        if (c->now >= w->next_pet) {
                act(c, WATCHDOG_PET);
                w->next_pet = usec_add(c->now, MIN(w->timeout / 4, c->config->heartbeat_usec));
        }
        wake_at(c, w->next_pet);
}

static void announce(struct core *c, const struct host *self) {
        struct watchdog *w = &c->watchdog;
        usec_t timeout = w->no_proof ? 0 : w->timeout;
        usec_t lease = timeout ? w->conf.lease_usec : 0;
        struct entry *e;
        struct op *op;

        if (self->watchdog_usec == timeout && self->lease_usec == lease &&
            strcmp(self->watchdog_error, w->error) == 0)
                return;
        if (w->told && c->now < usec_add(w->told, RESEND_USEC)) {
                wake_at(c, usec_add(w->told, RESEND_USEC));
                return;
        }
        w->told = MAX(c->now, 1);
        wake_at(c, usec_add(w->told, RESEND_USEC));
        e = observation(c, OP_HOST_WATCHDOG, &op);
        op->incarnation = c->incarnation;
        op->watchdog_usec = timeout;
        op->lease_usec = lease;
        text_set(op->text, sizeof(op->text), w->error);
        log_propose(c, e);
}

/* It has joined, and the lease is held: the device may be opened, set, or closed for good. */
static void arm(struct core *c, const struct host *self) {
        struct watchdog *w = &c->watchdog;
        bool wanted = w->conf.path[0] != '\0';

        if (w->waits || !held(c))
                return;
        if (wanted && (!w->armed || w->taken)) {
                if (c->now >= w->next_try) {
                        w->next_try = usec_add(c->now, RETRY_USEC);
                        act(c, WATCHDOG_ARM);
                        return;
                }
                wake_at(c, w->next_try);
        } else if (!wanted && w->armed && self->watchdog_usec == 0) {
                act(c, WATCHDOG_DISARM);
                return;
        }
        if (!w->taken)
                announce(c, self);
}

/* Has the ledger applied that this hawd stops, and that nobody counts on its watchdog any more? */
static bool taken_back(struct core *c) {
        const struct host *self = core_self(c);

        return self && self->incarnation == c->incarnation && self->left_announced &&
               self->watchdog_usec == 0;
}

bool watchdog_holds_stop(const struct core *c) {
        return (c->watchdog.armed || c->watchdog.waits) && !c->stop_restart;
}

void watchdog_tick(struct core *c) {
        struct watchdog *w = &c->watchdog;
        const struct host *self = core_self(c);

        find_conf(c);
        w->current |= c->installed;
        if (!w->conf_known || c->stopped)
                return;
        w->joined |= self && self->incarnation == c->incarnation;
        if (c->stopping) {
                if (w->armed && !w->waits && !c->stop_restart && taken_back(c))
                        act(c, WATCHDOG_DISARM);
        } else if (w->joined && core_operational(c) && host_present(self) &&
                   self->incarnation == c->incarnation) {
                arm(c, self);
        }
        if (w->armed)
                feed(c);
}
