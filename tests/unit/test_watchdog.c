/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watchdog in the core (S7): when it is armed, fed, announced and disarmed, and when the others
 * count a host as reset by it.
 */
#include "tests/unit/net_fixture.h"

#define ALL M(1, 2, 3)
#define LEASE (10 * USEC_PER_SEC)
#define TIMEOUT (10 * USEC_PER_SEC)
#define GONE (33 * USEC_PER_SEC)

/* hawd.conf counts as it is when hawd starts. */
static struct net *with_dogs(uint32_t nodes, enum self_fence self_fence) {
        struct net *n = net_new(nodes);

        text_set(n->config.watchdog, sizeof(n->config.watchdog), "/dev/watchdog0");
        n->config.self_fence = self_fence;
        for (uint32_t i = 1; i <= nodes; i++) {
                net_crash(n, i);
                net_boot(n, i);
        }
        return n;
}

static struct net *armed(uint32_t nodes, uint32_t mask) {
        struct net *n = with_dogs(nodes, SELF_FENCE_ALWAYS);

        n->half_quorate = n->two_node = nodes == 2;
        net_devices(n);
        net_group(n, mask);
        net_pass(n, 20 * USEC_PER_SEC);
        for (uint32_t i = 1; i <= nodes; i++)
                ck_assert(n->nodes[i].dog.armed);
        return n;
}

static const struct host *host(struct net *n, uint32_t by, uint32_t id) {
        return &net_model(n, by)->hosts[id - 1];
}

static void bmc_dead(struct net *n, uint32_t id) {
        n->obeys = false;
        n->power[id] = READING_NONE;
}

/* Node 3 is alone, and 1 and 2 go on without it. */
static void cut_off(struct net *n) {
        net_group(n, M(3));
        net_group(n, M(1, 2));
}

/* Off by its lease when that time is over, and not before. */
static void proven_then(struct net *n, uint32_t id) {
        net_pass(n, GONE - USEC_PER_SEC);
        ck_assert_int_ne(host(n, 1, id)->state, HOST_OFF);
        net_pass(n, 2 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, id)->state, HOST_OFF);
        ck_assert_int_eq(host(n, 1, id)->proof, PROOF_LEASE);
}

/* The hawd before left it armed with @timeout; another one starts. */
static void taken_over(struct net *n, uint32_t id, usec_t timeout) {
        bool was = n->nodes[id].dog.armed;

        net_crash(n, id);
        ck_assert(was);
        n->nodes[id].dog.pets = n->nodes[id].dog.arms = n->nodes[id].dog.disarms = 0;
        net_boot(n, id);
        TELL(n, id, .kind = EV_WATCHDOG,
             .watchdog = {.armed = true, .taken = true, .timeout_usec = timeout});
}

START_TEST(armed_when_joined_and_said) {
        struct net *n = armed(3, ALL);

        for (uint32_t i = 1; i <= 3; i++) {
                ck_assert_uint_eq(host(n, 2, i)->watchdog_usec, TIMEOUT);
                ck_assert_uint_eq(host(n, 2, i)->lease_usec, LEASE);
                ck_assert_uint_gt(n->nodes[i].dog.pets, 10);
                ck_assert_uint_eq(n->nodes[i].dog.arms, 1);
        }
        net_free(n);
}
END_TEST

START_TEST(not_armed_without_a_majority) {
        struct net *n = with_dogs(3, SELF_FENCE_ALWAYS);

        net_group(n, M(1));
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[1].dog.arms, 0);
        net_free(n);
}
END_TEST

START_TEST(never_is_never) {
        struct net *n = with_dogs(3, SELF_FENCE_NEVER);

        net_devices(n);
        net_group(n, ALL);
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[1].dog.arms, 0);
        bmc_dead(n, 3);
        net_group(n, M(1, 2));
        net_pass(n, 120 * USEC_PER_SEC);
        ck_assert_int_ne(host(n, 1, 3)->state, HOST_OFF);
        net_free(n);
}
END_TEST

/* It is said why, and tried again. */
START_TEST(refused_is_said) {
        struct net *n = with_dogs(3, SELF_FENCE_ALWAYS);

        net_devices(n);
        n->nodes[2].dog.refused = "held by sbd";
        net_group(n, ALL);
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(host(n, 1, 2)->watchdog_usec, 0);
        ck_assert_str_eq(host(n, 1, 2)->watchdog_error, "held by sbd");
        n->nodes[2].dog.refused = NULL;
        net_pass(n, 31 * USEC_PER_SEC);
        ck_assert_uint_eq(host(n, 1, 2)->watchdog_usec, TIMEOUT);
        ck_assert_str_eq(host(n, 1, 2)->watchdog_error, "");
        net_free(n);
}
END_TEST

/* Fed for the length of the lease, to a heartbeat, and no longer; and again when it is back. */
START_TEST(fed_under_the_lease_only) {
        struct net *n = armed(3, ALL);
        usec_t cut = n->now;

        cut_off(n);
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_lt(n->nodes[3].dog.fed, cut + LEASE);
        ck_assert_uint_gt(n->nodes[3].dog.fed, cut + LEASE - 3 * USEC_PER_SEC);
        ck_assert_uint_ge(n->nodes[1].dog.fed, n->now - 2 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[3].notes[NOTE_LEASE_LOST], 1);
        net_free(n);
}
END_TEST

/* And not before: the time runs from when the ones who count it were without it. */
START_TEST(proven_by_the_lease) {
        struct net *n = armed(3, ALL);

        bmc_dead(n, 3);
        cut_off(n);
        proven_then(n, 3);
        ck_assert(strstr(host(n, 1, 3)->proof_text, "33s"));
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        ck_assert_uint_eq(host(n, 1, 3)->n_fenced, 1);
        net_free(n);
}
END_TEST

/* Its devices are tried all the while, and are quicker where they answer. */
START_TEST(in_turn_with_the_devices) {
        struct net *n = armed(3, ALL);
        unsigned before;

        bmc_dead(n, 3);
        net_group(n, M(1, 2));
        net_pass(n, 5 * USEC_PER_SEC);
        before = n->nodes[1].looks + n->nodes[2].looks + n->nodes[1].offs + n->nodes[2].offs;
        net_pass(n, 15 * USEC_PER_SEC);
        ck_assert_uint_gt(n->nodes[1].looks + n->nodes[2].looks + n->nodes[1].offs +
                                  n->nodes[2].offs,
                          before);
        ck_assert_int_ne(host(n, 1, 3)->state, HOST_OFF);
        net_pass(n, 15 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, 3)->proof, PROOF_LEASE);
        net_free(n);

        n = armed(3, ALL);
        net_group(n, M(1, 2));
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, 3)->proof, PROOF_DEVICES);
        net_free(n);
}
END_TEST

/* Whoever comes to the group may have heard it until then. */
START_TEST(counted_in_this_configuration) {
        struct net *n = armed(4, M(1, 2, 3, 4));

        bmc_dead(n, 4);
        net_group(n, M(4));
        net_group(n, M(1, 2, 3));
        net_pass(n, GONE - 3 * USEC_PER_SEC);
        cut_off(n);
        net_group(n, M(1, 2, 3));
        proven_then(n, 4);
        net_free(n);
}
END_TEST

/* Back for a moment, in which nothing was agreed on: it may have renewed its lease. */
START_TEST(counted_after_it_was_back) {
        struct net *n = armed(4, M(1, 2, 3, 4));

        bmc_dead(n, 4);
        net_group(n, M(4));
        net_group(n, M(1, 2, 3));
        net_pass(n, 20 * USEC_PER_SEC);
        net_group(n, M(1, 2, 3, 4));
        net_drop(n, 1);
        net_group(n, M(4));
        net_group(n, M(1, 2, 3));
        proven_then(n, 4);
        net_free(n);
}
END_TEST

/* A hawd that ended, while corosync goes on: daemon-grace first, then the same. */
START_TEST(hawd_gone_corosync_there) {
        struct net *n = armed(3, ALL);

        bmc_dead(n, 3);
        net_crash(n, 3);
        net_group(n, M(1, 2));
        net_ring(n, 1, n->configurations, ALL);
        net_ring(n, 2, n->configurations, ALL);
        net_pass(n, 25 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, 3)->state, HOST_ONLINE);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, 3)->proof, PROOF_LEASE);
        net_free(n);
}
END_TEST

/* What was armed is what counts, and nothing where none is. */
START_TEST(unarmed_is_never_proven) {
        struct net *n = armed(3, ALL);

        n->nodes[3].dog.armed = false;
        TELL(n, 3, .kind = EV_WATCHDOG, .watchdog = {.text = "it is broken"});
        net_run(n);
        n->nodes[3].dog.refused = "it is broken";
        net_pass(n, USEC_PER_SEC);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        bmc_dead(n, 3);
        net_group(n, M(1, 2));
        net_pass(n, 200 * USEC_PER_SEC);
        ck_assert_int_ne(host(n, 1, 3)->state, HOST_OFF);
        net_free(n);
}
END_TEST

/* It resets its host like any other, but nobody counts on it. */
START_TEST(of_a_bmc_it_is_no_proof) {
        struct net *n = with_dogs(3, SELF_FENCE_ALWAYS);
        usec_t cut;

        net_devices(n);
        n->nodes[3].dog.no_proof = true;
        net_group(n, ALL);
        net_pass(n, 20 * USEC_PER_SEC);
        ck_assert(n->nodes[3].dog.armed);
        ck_assert_uint_gt(n->nodes[3].dog.pets, 10);
        ck_assert_uint_eq(n->nodes[3].dog.arms, 1);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        ck_assert_uint_eq(host(n, 1, 3)->lease_usec, 0);
        ck_assert_str_eq(host(n, 1, 3)->watchdog_error, "of a BMC");
        bmc_dead(n, 3);
        cut = n->now;
        cut_off(n);
        net_pass(n, 200 * USEC_PER_SEC);
        ck_assert_uint_lt(n->nodes[3].dog.fed, cut + LEASE);
        ck_assert_int_ne(host(n, 1, 3)->state, HOST_OFF);
        net_free(n);
}
END_TEST

/* The others must know before it is disarmed. */
START_TEST(disarmed_when_all_know) {
        struct net *n = armed(3, ALL);

        net_hold(n, 1);
        net_hold(n, 2);
        TELL(n, 3, .kind = EV_STOP);
        net_pass(n, 4 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 0);
        ck_assert(!n->nodes[3].stopped);
        net_release(n, 1);
        net_release(n, 2);
        net_run(n);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 1);
        ck_assert(n->nodes[3].stopped);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        net_free(n);
}
END_TEST

/* It cannot tell them: it stays, is fed as long as the lease is held, and then not. */
START_TEST(a_stop_that_nobody_hears) {
        struct net *n = armed(3, ALL);
        usec_t cut = n->now;

        cut_off(n);
        TELL(n, 3, .kind = EV_STOP);
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert(!n->nodes[3].stopped);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 0);
        ck_assert_uint_lt(n->nodes[3].dog.fed, cut + LEASE);
        net_free(n);
}
END_TEST

/* It is lost by then, and in time back: it joins, only to say that it goes. */
START_TEST(a_stop_that_is_heard_late) {
        struct net *n = armed(3, ALL);

        bmc_dead(n, 3);
        cut_off(n);
        TELL(n, 3, .kind = EV_STOP);
        net_pass(n, 8 * USEC_PER_SEC);
        ck_assert(!n->nodes[3].stopped);
        ck_assert(!host_present(host(n, 1, 3)));
        net_group(n, ALL);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(n->nodes[3].stopped);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 1);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        net_free(n);
}
END_TEST

/* A restart leaves it armed, and the others know it: UNSUPERVISED, and lost, it is proven off. */
START_TEST(a_restart_keeps_it) {
        struct net *n = armed(3, ALL);

        TELL(n, 3, .kind = EV_STOP, .stop = {.restart = true});
        net_run(n);
        ck_assert(n->nodes[3].stopped);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 0);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, TIMEOUT);
        n->nodes[3].stopped = false;
        taken_over(n, 3, TIMEOUT);
        net_group(n, ALL);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert_uint_gt(n->nodes[3].dog.pets, 0);
        ck_assert_uint_eq(n->nodes[3].dog.arms, 1); /* its timeout is set anew */
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, TIMEOUT);
        net_free(n);
}
END_TEST

/* Not even fed, before a majority has heard this hawd; and the ledger is what the others have. */
START_TEST(taken_over_nothing_is_done_before_the_lease) {
        struct net *n = armed(3, ALL);

        taken_over(n, 3, TIMEOUT);
        cut_off(n);
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[3].dog.pets + n->nodes[3].dog.arms + n->nodes[3].dog.disarms, 0);
        net_free(n);
}
END_TEST

/* A longer lease in hawd.conf holds when the others have taken back the shorter one. */
START_TEST(a_longer_lease_waits_for_the_ledger) {
        struct net *n = armed(3, ALL);
        usec_t cut;

        n->config.lease_usec = 60 * USEC_PER_SEC;
        bmc_dead(n, 3);
        taken_over(n, 3, TIMEOUT);
        TELL(n, 3, .kind = EV_LIBVIRT_DOWN); /* so that it does not join */
        net_group(n, M(1, 2));
        net_pass(n, 3 * USEC_PER_SEC);
        net_group(n, ALL);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, 3)->state, HOST_LOST);
        ck_assert_uint_eq(host(n, 1, 3)->lease_usec, LEASE);
        ck_assert_uint_gt(n->nodes[3].dog.pets, 0);
        ck_assert_uint_eq(n->nodes[3].dog.arms, 0);
        cut = n->now;
        cut_off(n);
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_lt(n->nodes[3].dog.fed, cut + LEASE);
        net_free(n);
}
END_TEST

/* hawd.conf wants none any more: first the others know. */
START_TEST(taken_over_and_not_wanted) {
        struct net *n = armed(3, ALL);

        n->config.self_fence = SELF_FENCE_NEVER;
        taken_over(n, 3, TIMEOUT);
        net_group(n, M(1, 2));
        net_group(n, ALL);
        net_hold(n, 1);
        net_hold(n, 2);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 0);
        net_release(n, 1);
        net_release(n, 2);
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 1);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        net_free(n);
}
END_TEST

/* A hawd that has taken it over and is stopped at once tells of that, too. */
START_TEST(stopped_before_it_joined) {
        struct net *n = armed(3, ALL);

        taken_over(n, 3, TIMEOUT);
        TELL(n, 3, .kind = EV_STOP);
        ck_assert(!n->nodes[3].stopped);
        net_group(n, M(1, 2));
        net_group(n, ALL);
        net_pass(n, 10 * USEC_PER_SEC);
        ck_assert(n->nodes[3].stopped);
        ck_assert_uint_eq(n->nodes[3].dog.disarms, 1);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        net_free(n);
}
END_TEST

/* Two hosts: the survivor that has proven the other off needs nobody; one that has not is reset. */
START_TEST(the_survivor_of_two) {
        struct net *n = armed(2, M(1, 2));
        usec_t cut;

        net_group(n, M(1));
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1)));
        ck_assert_uint_ge(n->nodes[1].dog.fed, n->now - 2 * USEC_PER_SEC);
        net_free(n);

        n = armed(2, M(1, 2));
        bmc_dead(n, 2);
        cut = n->now;
        net_group(n, M(1));
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert_uint_lt(n->nodes[1].dog.fed, cut + LEASE);
        net_free(n);
}
END_TEST

/* Two hosts, and the hawd of one is stopped in order: the other is not reset for that. */
START_TEST(left_alone_by_a_stop) {
        struct net *n = armed(2, M(1, 2));

        TELL(n, 2, .kind = EV_STOP);
        net_pass(n, 5 * USEC_PER_SEC);
        ck_assert(n->nodes[2].stopped);
        net_crash(n, 2);
        net_group(n, M(1));
        net_ring(n, 1, n->configurations, M(1, 2));
        net_pass(n, 60 * USEC_PER_SEC);
        ck_assert(net_operational(n, M(1)));
        ck_assert_uint_ge(n->nodes[1].dog.fed, n->now - 2 * USEC_PER_SEC);
        ck_assert_uint_eq(n->nodes[1].offs, 0);
        net_free(n);
}
END_TEST

static void apply(struct net *n, struct model *m, struct entry *e) {
        struct applied a = {0};

        (void)n;
        ledger_apply(m, e, &a);
        applied_clear(&a);
        entry_unref(e);
}

static struct entry *lease_op(const struct host *h) {
        struct entry *e = entry_new();
        struct op *op = entry_add(e, OP_FENCE_LEASE);

        op->host = h->nodeid;
        op->host_version = h->version;
        op->loss = h->losses;
        return e;
}

static struct entry *said(const struct host *h, usec_t timeout) {
        struct entry *e = entry_new();
        struct op *op = entry_add(e, OP_HOST_WATCHDOG);

        op->host = h->nodeid;
        op->incarnation = h->incarnation;
        op->watchdog_usec = timeout;
        op->lease_usec = LEASE;
        return e;
}

/* Decided on what has changed since: another loss, another word, or nothing armed. */
START_TEST(proof_of_what_was_decided_on) {
        struct net *n = armed(3, ALL);
        struct model m;
        struct entry *e;

        bmc_dead(n, 3);
        net_group(n, M(1, 2));
        net_pass(n, 4 * USEC_PER_SEC);
        model_init(&m);

        model_copy(&m, net_model(n, 1));
        e = lease_op(&m.hosts[2]);
        e->ops[0].loss--;
        apply(n, &m, e);
        ck_assert_int_ne(m.hosts[2].state, HOST_OFF);

        e = lease_op(&m.hosts[2]);
        e->ops[0].host_version--;
        apply(n, &m, e);
        ck_assert_int_ne(m.hosts[2].state, HOST_OFF);

        e = lease_op(&m.hosts[2]);
        e->ops[0].host_version = 0;
        apply(n, &m, e);
        ck_assert_int_ne(m.hosts[2].state, HOST_OFF);

        m.hosts[2].watchdog_usec = 0;
        apply(n, &m, lease_op(&m.hosts[2]));
        ck_assert_int_ne(m.hosts[2].state, HOST_OFF);

        m.hosts[2].watchdog_usec = TIMEOUT;
        apply(n, &m, lease_op(&m.hosts[2]));
        ck_assert_int_eq(m.hosts[2].state, HOST_OFF);
        ck_assert_int_eq(m.hosts[2].proof, PROOF_LEASE);
        model_clear(&m);
        net_free(n);
}
END_TEST

/* A word that was under way when it joined anew, left, or was lost says nothing any more. */
START_TEST(announced_by_the_hawd_that_is_there) {
        struct net *n = armed(3, ALL);
        struct model m;
        struct host *h;
        struct entry *e;

        model_init(&m);
        model_copy(&m, net_model(n, 1));
        h = &m.hosts[2];
        e = said(h, 20 * USEC_PER_SEC);
        e->ops[0].incarnation++;
        apply(n, &m, e);
        ck_assert_uint_eq(h->watchdog_usec, TIMEOUT);
        apply(n, &m, said(h, 20 * USEC_PER_SEC));
        ck_assert_uint_eq(h->watchdog_usec, 20 * USEC_PER_SEC);

        e = entry_new();
        entry_add(e, OP_HOST_STOPPING)->host = 3;
        e->ops[0].incarnation = h->incarnation;
        apply(n, &m, e);
        ck_assert_uint_eq(h->watchdog_usec, 0);
        apply(n, &m, said(h, TIMEOUT));
        ck_assert_uint_eq(h->watchdog_usec, 0);
        model_clear(&m);

        model_copy(&m, net_model(n, 1));
        h = &m.hosts[2];
        e = entry_new();
        entry_add(e, OP_HOST_LOST)->host = 3;
        apply(n, &m, e);
        ck_assert_uint_eq(h->watchdog_usec, TIMEOUT); /* it counts now */
        apply(n, &m, said(h, 20 * USEC_PER_SEC));
        ck_assert_uint_eq(h->watchdog_usec, TIMEOUT);
        e = entry_new();
        entry_add(e, OP_HOST_JOIN)->host = 3;
        e->ops[0].incarnation = h->incarnation + 1;
        apply(n, &m, e);
        ck_assert_uint_eq(h->watchdog_usec, 0);
        model_clear(&m);
        net_free(n);
}
END_TEST

/* Its host was reset, booted, and has a hawd that does not join, since its libvirt hangs: nothing
 * is armed any more, whatever the one before it said. */
static void booted_anew(struct net *n, uint32_t id) {
        n->nodes[id].dog.armed = false;
        net_crash(n, id);
        net_boot(n, id);
        TELL(n, id, .kind = EV_LIBVIRT_DOWN);
        bmc_dead(n, id);
}

START_TEST(taken_back_when_another_hawd_came) {
        struct net *n = armed(3, ALL);

        booted_anew(n, 3);
        net_group(n, M(1, 2));
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, TIMEOUT);
        net_group(n, ALL);
        net_pass(n, 4 * USEC_PER_SEC);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, TIMEOUT); /* it may be about to join */
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_int_eq(host(n, 1, 3)->state, HOST_LOST);
        ck_assert_uint_eq(host(n, 1, 3)->watchdog_usec, 0);
        ck_assert(strstr(host(n, 1, 3)->watchdog_error, "another hawd"));
        net_group(n, M(1, 2));
        net_pass(n, 200 * USEC_PER_SEC);
        ck_assert_int_ne(host(n, 1, 3)->state, HOST_OFF);
        net_free(n);
}
END_TEST

/* Those who met it say so, though they had no time to while it was there. */
START_TEST(taken_back_by_those_who_met_it) {
        struct net *n = armed(4, M(1, 2, 3, 4));

        booted_anew(n, 4);
        net_group(n, M(1));
        net_group(n, M(2, 3, 4));
        while (!net_operational(n, M(2, 3)))
                ck_assert_int_gt(net_deliver(n, 2) + net_deliver(n, 3) + net_deliver(n, 4), 0);
        net_drop(n, 2);
        net_group(n, M(1, 2, 3));
        net_pass(n, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(host(n, 1, 4)->watchdog_usec, 0);
        net_pass(n, 200 * USEC_PER_SEC);
        ck_assert_int_ne(host(n, 1, 4)->state, HOST_OFF);
        net_free(n);
}
END_TEST

static Suite *watchdog_suite(void) {
        Suite *s = suite_create("watchdog");
        TCase *tc = unit_case(s, "watchdog");

        tcase_add_test(tc, armed_when_joined_and_said);
        tcase_add_test(tc, not_armed_without_a_majority);
        tcase_add_test(tc, never_is_never);
        tcase_add_test(tc, refused_is_said);
        tcase_add_test(tc, fed_under_the_lease_only);
        tcase_add_test(tc, proven_by_the_lease);
        tcase_add_test(tc, in_turn_with_the_devices);
        tcase_add_test(tc, counted_in_this_configuration);
        tcase_add_test(tc, counted_after_it_was_back);
        tcase_add_test(tc, hawd_gone_corosync_there);
        tcase_add_test(tc, unarmed_is_never_proven);
        tcase_add_test(tc, of_a_bmc_it_is_no_proof);
        tcase_add_test(tc, disarmed_when_all_know);
        tcase_add_test(tc, a_stop_that_nobody_hears);
        tcase_add_test(tc, a_stop_that_is_heard_late);
        tcase_add_test(tc, a_restart_keeps_it);
        tcase_add_test(tc, taken_over_nothing_is_done_before_the_lease);
        tcase_add_test(tc, a_longer_lease_waits_for_the_ledger);
        tcase_add_test(tc, taken_over_and_not_wanted);
        tcase_add_test(tc, stopped_before_it_joined);
        tcase_add_test(tc, the_survivor_of_two);
        tcase_add_test(tc, left_alone_by_a_stop);
        tcase_add_test(tc, proof_of_what_was_decided_on);
        tcase_add_test(tc, announced_by_the_hawd_that_is_there);
        tcase_add_test(tc, taken_back_when_another_hawd_came);
        tcase_add_test(tc, taken_back_by_those_who_met_it);
        return s;
}

UNIT_MAIN(watchdog_suite)
