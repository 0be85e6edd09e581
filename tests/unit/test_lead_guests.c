/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader: what starts, where and in which order; what stops; what is said of the rest (L1, L2).
 */
#include "tests/unit/rig_fixture.h"

/* node1 leads three hosts, all online; @fill has put guests into the ledger. */
static struct rig *open_rig(void (*fill)(struct led *l)) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        fill(&l);
        rig_open(r, &l, 1, false);
        return r;
}

static struct guest *guest(struct rig *r, const char *name) {
        return model_guest_named(rig_model(r), name);
}

static void done(struct rig *r, const char *name, enum job_result result, enum seen_state seen) {
        struct guest *g = guest(r, name);

        ck_assert_int_ne(g->job_kind, JOB_NONE);
        BY(r, g->job_host, .kind = OP_GUEST_DONE, .gid = g->gid, .job = g->job, .host = g->job_host,
           .result = result, .seen = seen, .text = "result");
}

static void settings(struct led *l, const char *name, int32_t priority, uint64_t memory_mib) {
        struct guest *g = G(l, led_add(l, name));

        g->spec->conf.priority = priority;
        g->spec->memory_mib = memory_mib;
}

static void by_priority(struct led *l) {
        settings(l, "low", 10, 1024);
        settings(l, "small", 100, 512);
        settings(l, "large", 100, 2048);
        settings(l, "high", 500, 512);
        settings(l, "same", 100, 2048);
}

START_TEST(order_is_priority_then_size_then_age) {
        static const char *const order[] = {"high", "large", "same", "small", "low"};
        struct rig *r = rig_new();
        struct led l;
        size_t n = 0;

        led_open(&l, 3);
        by_priority(&l);
        r->config.host_start_slots = 16;
        rig_open(r, &l, 1, false);
        for (size_t i = 0; i < r->n_ops; i++) {
                if (r->ops[i].kind != OP_GUEST_START)
                        continue;
                ck_assert_uint_lt(n, ARRAY_SIZE(order));
                ck_assert_uint_eq(r->ops[i].gid, guest(r, order[n++])->gid);
        }
        ck_assert_uint_eq(n, ARRAY_SIZE(order));
        rig_close(r);
}
END_TEST

static void many(struct led *l) {
        for (unsigned i = 0; i < 12; i++) {
                char name[NAME_LEN];

                text_fmt(name, sizeof(name), "g%02u", i);
                settings(l, name, 100, 64);
        }
}

static unsigned starting(struct rig *r, uint32_t host) {
        unsigned n = 0;

        for (size_t i = 0; i < rig_model(r)->n_guests; i++)
                n += rig_model(r)->guests[i].state == GUEST_STARTING &&
                     (!host || rig_model(r)->guests[i].job_host == host);
        return n;
}

static const struct {
        uint32_t host, cluster, starting;
} slots[] = {{2, 16, 2}, {16, 5, 5}, {16, 16, 12}};

START_TEST(slots_bound_what_starts_at_once) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        many(&l);
        r->config.host_start_slots = slots[_i].host;
        r->config.cluster_start_slots = slots[_i].cluster;
        r->config.cpu_overcommit_pct = 1000;
        rig_open(r, &l, 1, false);
        ck_assert_uint_eq(starting(r, 0), slots[_i].starting);
        for (unsigned i = 0; i < 12; i++) {
                struct guest *g = &rig_model(r)->guests[i];

                if (g->state != GUEST_STARTING)
                        ck_assert_str_eq(g->reason, "waits for a start slot");
        }
        for (unsigned i = 0; i < 12; i++) /* each end makes room for the next */
                for (unsigned k = 0; k < 12; k++)
                        if (rig_model(r)->guests[k].state == GUEST_STARTING) {
                                done(r, rig_model(r)->guests[k].spec->name, RESULT_DONE,
                                     SEEN_RUNNING);
                                for (uint32_t h = 1; h <= 3; h++)
                                        ck_assert_uint_le(starting(r, h), slots[_i].host);
                                ck_assert_uint_le(starting(r, 0), slots[_i].cluster);
                                break;
                        }
        for (unsigned i = 0; i < 12; i++)
                ck_assert_int_eq(rig_model(r)->guests[i].state, GUEST_RUNNING);
        rig_close(r);
}
END_TEST

static void dependent(struct led *l) {
        struct guest *g = G(l, led_add(l, "web"));

        text_set(g->spec->after[g->spec->n_after++], NAME_LEN, "dns");
        text_set(g->spec->after[g->spec->n_after++], NAME_LEN, "unknown");
        led_add(l, "dns");
}

START_TEST(dependency_waits_for_healthy) {
        struct rig *r = open_rig(dependent);

        ck_assert_int_eq(guest(r, "dns")->state, GUEST_STARTING);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_FAILED);
        ck_assert_str_eq(guest(r, "web")->reason, "waits for dns to be healthy (after = dns)");
        done(r, "dns", RESULT_DONE, SEEN_RUNNING);
        ck_assert_int_eq(guest(r, "dns")->state, GUEST_RUNNING);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_FAILED); /* started is not healthy */
        BY(r, guest(r, "dns")->host, .kind = OP_GUEST_HEALTHY, .gid = guest(r, "dns")->gid,
           .host = guest(r, "dns")->host, .gen = 1, .text = "agent");
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        rig_close(r);
}
END_TEST

static void one(struct led *l) {
        led_add(l, "web");
}

START_TEST(tried_hosts_are_skipped_then_retried_with_growing_pauses) {
        struct rig *r = open_rig(one);
        uint32_t hosts = 0;
        usec_t pauses[3];

        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
                hosts |= 1u << guest(r, "web")->job_host;
                done(r, "web", RESULT_FAILED, SEEN_GONE);
        }
        ck_assert_uint_eq(hosts, 0xe); /* each once */
        for (unsigned i = 0; i < 3; i++) {
                usec_t since = r->now;

                if (guest(r, "web")->state != GUEST_STARTING)
                        rig_pass(r, USEC_PER_MSEC);
                while (guest(r, "web")->state != GUEST_STARTING) {
                        ck_assert_int_eq(guest(r, "web")->state, GUEST_BLOCKED);
                        ck_assert_ptr_nonnull(
                                strstr(guest(r, "web")->reason, "tried again with growing pauses"));
                        rig_pass(r, USEC_PER_SEC / 4);
                        ck_assert_uint_lt(r->now - since, 600 * USEC_PER_SEC);
                }
                pauses[i] = r->now - since;
                for (unsigned k = 0; k < 3 && guest(r, "web")->state == GUEST_STARTING; k++)
                        done(r, "web", RESULT_FAILED, SEEN_GONE);
        }
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_uint_ge(pauses[i], (10u << i) * USEC_PER_SEC);
                ck_assert_uint_lt(pauses[i], ((10u << i) + 1) * USEC_PER_SEC);
        }
        rig_close(r);
}
END_TEST

static void one_runs(struct led *l) {
        led_running(l, "web", 2);
}

static void seen(struct rig *r, enum seen_state state, enum end_why why) {
        struct guest *g = guest(r, "web");

        BY(r, g->host, .kind = OP_GUEST_SEEN, .gid = g->gid, .host = g->host, .gen = g->gen,
           .seen = state, .end_why = why);
}

static void until(struct rig *r, enum guest_state state) {
        for (unsigned i = 0; i < 200 && guest(r, "web")->state != state; i++)
                rig_pass(r, USEC_PER_SEC / 4);
        ck_assert_int_eq(guest(r, "web")->state, state);
}

/* Restart, relocate, and then it is blocked, with what helps; that does. */
START_TEST(ladder_is_climbed_to_its_end) {
        static const enum rung rungs[] = {RUNG_RESTART, RUNG_RESTART, RUNG_RESTART, RUNG_RELOCATE,
                                          RUNG_RELOCATE};
        struct rig *r = open_rig(one_runs);
        uint32_t last = 2;

        for (unsigned i = 0; i < ARRAY_SIZE(rungs); i++) {
                struct guest *g = guest(r, "web");

                BY(r, g->host, .kind = OP_GUEST_HEALTHY, .gid = g->gid, .host = g->host,
                   .gen = g->gen);
                seen(r, SEEN_GONE, END_FAILED);
                if (i > 0) /* at once the first time, then after pauses */
                        ck_assert_int_eq(guest(r, "web")->state, GUEST_FAILED);
                until(r, GUEST_STARTING);
                ck_assert_int_eq(rig_op(r, OP_GUEST_START)->rung, rungs[i]);
                ck_assert_int_eq(guest(r, "web")->job_host == last, rungs[i] == RUNG_RESTART);
                last = guest(r, "web")->job_host;
                done(r, "web", RESULT_DONE, SEEN_RUNNING);
        }
        seen(r, SEEN_GONE, END_FAILED);
        until(r, GUEST_BLOCKED);
        ck_assert_ptr_nonnull(strstr(guest(r, "web")->reason, "hawctl guest recover web"));
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_BLOCKED);
        BY(r, 2, .kind = OP_GUEST_RECOVER, .gid = guest(r, "web")->gid, .text = "ann");
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        ck_assert_int_eq(rig_op(r, OP_GUEST_START)->rung, RUNG_RESTART);
        rig_close(r);
}
END_TEST

/* L1: nobody asks, and the window is over. */
START_TEST(ladder_begins_anew_after_its_window) {
        struct rig *r = open_rig(one_runs);

        guest(r, "web")->spec->conf.restart_limit = 0;
        guest(r, "web")->spec->conf.relocate_limit = 0;
        seen(r, SEEN_GONE, END_FAILED);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_BLOCKED);
        guest(r, "web")->spec->conf.restart_limit = 1;
        guest(r, "web")->recovery.taken[RUNG_RESTART] = 1;
        rig_pass(r, 590 * USEC_PER_SEC);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_BLOCKED);
        rig_pass(r, 15 * USEC_PER_SEC);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        rig_close(r);
}
END_TEST

/* What hangs is ended at once, by its holder; how often it failed is for its start. */
START_TEST(what_ails_is_settled) {
        struct rig *r = open_rig(one_runs);

        seen(r, SEEN_RUNNING, END_HANG);
        ck_assert_int_eq(guest(r, "web")->job_kind, JOB_SETTLE);
        ck_assert_uint_eq(guest(r, "web")->job_host, 2);
        done(r, "web", RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(rig_op(r, OP_GUEST_START)->rung, RUNG_RESTART);
        ck_assert_uint_eq(guest(r, "web")->job_host, 2);
        rig_close(r);
}
END_TEST

/* Resumed in vain until another host may see its storage. */
static void resume_in_vain(struct rig *r) {
        seen(r, SEEN_PAUSED, END_IO_ERROR);
        for (unsigned i = 0; i < IO_RESUMES; i++) {
                for (unsigned k = 0; k < 200 && guest(r, "web")->job_kind == JOB_NONE; k++)
                        rig_pass(r, USEC_PER_SEC / 4);
                ck_assert_int_eq(guest(r, "web")->job_kind, JOB_RESUME);
                done(r, "web", RESULT_DONE, SEEN_RUNNING);
                seen(r, SEEN_PAUSED, END_IO_ERROR);
        }
}

START_TEST(io_error_is_resumed_then_relocated) {
        struct rig *r = open_rig(one_runs);

        resume_in_vain(r);
        ck_assert_int_eq(guest(r, "web")->job_kind, JOB_SETTLE);
        ck_assert_uint_eq(guest(r, "web")->claims, 1u << 1); /* not before its QEMU is gone */
        done(r, "web", RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        ck_assert_int_eq(rig_op(r, OP_GUEST_START)->rung, RUNG_RELOCATE);
        ck_assert_uint_ne(guest(r, "web")->job_host, 2);
        rig_close(r);
}
END_TEST

static void two_run(struct led *l) {
        led_running(l, "web", 2);
        led_running(l, "db", 3);
}

/* PEERS 16 */
START_TEST(storage_gone_for_all_relocates_nobody) {
        struct rig *r = open_rig(two_run);
        struct guest *db = guest(r, "db");

        BY(r, 3, .kind = OP_GUEST_SEEN, .gid = db->gid, .host = 3, .gen = 1, .seen = SEEN_PAUSED,
           .end_why = END_IO_ERROR);
        resume_in_vain(r);
        rig_pass(r, USEC_PER_SEC);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_PAUSED);
        ck_assert_ptr_nonnull(strstr(guest(r, "web")->reason, "guests of other hosts"));
        ck_assert_uint_eq(guest(r, "web")->claims, 1u << 1);
        rig_close(r);
}
END_TEST

static void only_restarts(struct led *l) {
        G(l, led_running(l, "web", 2))->spec->conf.recovery[1] = RUNG_NONE;
}

START_TEST(io_error_stays_paused_where_it_may_not_be_relocated) {
        struct rig *r = open_rig(only_restarts);

        resume_in_vain(r);
        rig_pass(r, USEC_PER_SEC);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_PAUSED);
        ck_assert_ptr_nonnull(strstr(guest(r, "web")->reason, "no relocate left"));
        rig_close(r);
}
END_TEST

START_TEST(cancelled_start_may_take_the_same_host) {
        struct rig *r = open_rig(one);

        done(r, "web", RESULT_CANCELLED, SEEN_GONE);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        ck_assert_uint_eq(guest(r, "web")->tried, 0);
        rig_close(r);
}
END_TEST

static void unwanted(struct led *l) {
        G(l, led_add(l, "web"))->desired = DESIRED_STOPPED;
}

static void says(struct rig *r, uint32_t nodeid, bool libvirt_ok) {
        struct ring_member from = {nodeid, 1000 + nodeid};
        struct actions out = {0};
        struct msg *m = msg_new(MSG_HEARTBEAT);

        m->heartbeat.libvirt_ok = libvirt_ok;
        rig_message(r, from, m, &out);
        msg_unref(m);
        rig_pump(r, &out);
        actions_free(&out);
}

/* A start there would hang, and hold the guest's claim until somebody mends that libvirt. */
START_TEST(hosts_without_libvirt_are_passed_over) {
        struct rig *r = open_rig(unwanted);

        says(r, 1, false);
        says(r, 2, false);
        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_RUNNING, .text = "ann");
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_START), 1);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_START)->host, 3);
        ck_assert_ptr_nonnull(
                strstr(rig_op(r, OP_GUEST_START)->text, "node2 (its libvirt does not answer)"));
        says(r, 3, false);
        done(r, "web", RESULT_CANCELLED, SEEN_GONE);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_BLOCKED);
        ck_assert_ptr_nonnull(strstr(guest(r, "web")->reason, "libvirt does not answer"));
        says(r, 2, true);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        ck_assert_uint_eq(guest(r, "web")->job_host, 2);
        rig_close(r);
}
END_TEST

static void running(struct led *l) {
        led_running(l, "web", 2);
}

/* Online in the ledger, not lost yet: its hawd ended, or it did not come back after a blackout. */
START_TEST(hosts_that_are_not_here_are_passed_over) {
        struct rig *r = open_rig(unwanted);

        rig_group(r, 1u << 1 | 1u << 2, 0xe);
        ck_assert_int_eq(model_host(rig_model(r), 3)->state, HOST_ONLINE);
        says(r, 1, false);
        says(r, 2, false);
        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_RUNNING, .text = "ann");
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_START), 0);
        ck_assert_ptr_nonnull(strstr(guest(r, "web")->reason, "node3 (it is not here)"));
        says(r, 2, true);
        ck_assert_uint_eq(guest(r, "web")->job_host, 2);
        rig_close(r);
}
END_TEST

START_TEST(move_takes_its_target_first) {
        struct rig *r = open_rig(running);

        rig_clear(r);
        BY(r, 1, .kind = OP_GUEST_MOVE, .gid = 1, .host = 3, .text = "ann");
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_STOP);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_JOB)->host, 2);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_START));
        done(r, "web", RESULT_DONE, SEEN_GONE);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_START)->host, 3); /* it ran on node2 last */
        ck_assert_uint_eq(guest(r, "web")->move_to, 0);
        rig_close(r);
}
END_TEST

/* A target that fails is not asked again and again: the guest starts where it can, and stays. */
START_TEST(move_whose_target_fails_ends_elsewhere) {
        struct rig *r = open_rig(running);

        BY(r, 1, .kind = OP_GUEST_MOVE, .gid = 1, .host = 3, .text = "ann");
        done(r, "web", RESULT_DONE, SEEN_GONE);
        done(r, "web", RESULT_FAILED, SEEN_GONE);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STARTING);
        ck_assert_uint_ne(guest(r, "web")->job_host, 3);
        done(r, "web", RESULT_DONE, SEEN_RUNNING);
        rig_clear(r);
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_JOB));
        ck_assert_int_eq(guest(r, "web")->state, GUEST_RUNNING);
        rig_close(r);
}
END_TEST

static void full_target(struct led *l) {
        led_running(l, "web", 2);
        G(l, led_running(l, "big", 3))->spec->memory_mib = 7600;
}

START_TEST(move_without_room_is_called_off) {
        struct rig *r = open_rig(full_target);

        rig_clear(r);
        BY(r, 1, .kind = OP_GUEST_MOVE, .gid = 1, .host = 3, .text = "ann");
        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_JOB));
        ck_assert_int_eq(guest(r, "web")->state, GUEST_RUNNING);
        ck_assert_uint_eq(guest(r, "web")->move_to, 0);
        rig_close(r);
}
END_TEST

START_TEST(wishes_become_jobs) {
        struct rig *r = open_rig(running);

        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_PAUSED);
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_PAUSE);
        done(r, "web", RESULT_DONE, SEEN_PAUSED);
        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_RUNNING, .flag = true);
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_RESUME);
        done(r, "web", RESULT_DONE, SEEN_RUNNING);
        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_STOPPED);
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_STOP);
        done(r, "web", RESULT_DONE, SEEN_GONE);
        ck_assert_int_eq(guest(r, "web")->state, GUEST_STOPPED);
        rig_clear(r);
        rig_pass(r, 30 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_START));
        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_RUNNING);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_START));
        rig_close(r);
}
END_TEST

START_TEST(delete_stops_and_forgets) {
        struct rig *r = open_rig(running);

        BY(r, 1, .kind = OP_GUEST_DELETE, .gid = 1, .flag = true, .text = "ann");
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_STOP);
        done(r, "web", RESULT_DONE, SEEN_GONE);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_FORGET));
        ck_assert_ptr_null(guest(r, "web"));
        rig_close(r);
}
END_TEST

/* Where libvirt does not answer no job begins: it is not asked for again at once. */
START_TEST(stop_that_never_began_is_tried_again_with_pauses) {
        struct rig *r = open_rig(running);

        BY(r, 1, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_STOPPED);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(guest(r, "web")->job_kind, JOB_STOP);
                done(r, "web", RESULT_CANCELLED, SEEN_RUNNING);
                rig_pass(r, (9u << i) * USEC_PER_SEC);
                ck_assert_int_eq(guest(r, "web")->job_kind, JOB_NONE);
                rig_pass(r, (2u << i) * USEC_PER_SEC);
        }
        rig_close(r);
}
END_TEST

/* An unknown end is found out by a settle, again and again with pauses, never guessed. */
START_TEST(unsettled_is_settled_with_pauses) {
        struct rig *r = open_rig(one);

        done(r, "web", RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_JOB));
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_SETTLE);
        rig_clear(r);
        done(r, "web", RESULT_UNSETTLED, SEEN_GONE);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_JOB));
        rig_pass(r, 11 * USEC_PER_SEC);
        ck_assert_int_eq(rig_op(r, OP_GUEST_JOB)->job_kind, JOB_SETTLE);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_START)); /* S1: the claim is still held */
        rig_close(r);
}
END_TEST

START_TEST(waits_for_proof_and_says_what_mends) {
        struct rig *r = open_rig(running);

        rig_clear(r);
        rig_group(r, 1u << 1 | 1u << 3, 1u << 1 | 1u << 3);
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_ptr_null(rig_op(r, OP_GUEST_START)); /* S2 */
        ck_assert_int_eq(guest(r, "web")->state, GUEST_BLOCKED);
        ck_assert_ptr_nonnull(strstr(guest(r, "web")->reason, "hawctl fence confirm node2 --yes"));
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_REASON), 1); /* said once */
        BY(r, 1, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        ck_assert_ptr_nonnull(rig_op(r, OP_GUEST_START));
        ck_assert_uint_ne(rig_op(r, OP_GUEST_START)->host, 2);
        rig_close(r);
}
END_TEST

static void too_large(struct led *l) {
        settings(l, "huge", 100, 100000);
}

START_TEST(no_room_is_said_with_numbers) {
        struct rig *r = open_rig(too_large);

        ck_assert_int_eq(guest(r, "huge")->state, GUEST_BLOCKED);
        ck_assert_ptr_nonnull(strstr(guest(r, "huge")->reason, "no host has room"));
        ck_assert_ptr_nonnull(strstr(guest(r, "huge")->reason, "7680 MiB"));
        rig_clear(r);
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(r->n_ops, 0);
        rig_close(r);
}
END_TEST

static void ignored(struct led *l) {
        led_running(l, "web", 2);
        APPLY(l, .kind = OP_GUEST_DESIRE, .gid = 1, .desired = DESIRED_IGNORED);
        led_add(l, "db"); /* and one that runs nowhere */
        APPLY(l, .kind = OP_GUEST_DESIRE, .gid = 2, .desired = DESIRED_IGNORED);
}

START_TEST(ignored_is_left_alone) {
        struct rig *r = open_rig(ignored);

        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_JOB) + rig_ops(r, OP_GUEST_START), 0);
        rig_close(r);
}
END_TEST

/* Decided on versions: one batch at a time, and nothing twice while it is under way. */
START_TEST(one_batch_at_a_time) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_add(&l, "web");
        r->lose_entries = true;
        rig_open(r, &l, 1, false);
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_START), 1);
        ck_assert_uint_ne(rig_op(r, OP_GUEST_START)->guest_version, 0);
        ck_assert_uint_ne(rig_op(r, OP_GUEST_START)->host_version, 0);
        rig_group(r, 0xe, 0xe); /* a new configuration: what was under way is lost */
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_START), 2);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("lead_guests");
        TCase *tc = unit_case(s, "guests");

        tcase_add_test(tc, order_is_priority_then_size_then_age);
        tcase_add_loop_test(tc, slots_bound_what_starts_at_once, 0, (int)ARRAY_SIZE(slots));
        tcase_add_test(tc, dependency_waits_for_healthy);
        tcase_add_test(tc, tried_hosts_are_skipped_then_retried_with_growing_pauses);
        tcase_add_test(tc, ladder_is_climbed_to_its_end);
        tcase_add_test(tc, ladder_begins_anew_after_its_window);
        tcase_add_test(tc, what_ails_is_settled);
        tcase_add_test(tc, io_error_is_resumed_then_relocated);
        tcase_add_test(tc, storage_gone_for_all_relocates_nobody);
        tcase_add_test(tc, io_error_stays_paused_where_it_may_not_be_relocated);
        tcase_add_test(tc, cancelled_start_may_take_the_same_host);
        tcase_add_test(tc, hosts_without_libvirt_are_passed_over);
        tcase_add_test(tc, hosts_that_are_not_here_are_passed_over);
        tcase_add_test(tc, move_takes_its_target_first);
        tcase_add_test(tc, move_whose_target_fails_ends_elsewhere);
        tcase_add_test(tc, move_without_room_is_called_off);
        tcase_add_test(tc, wishes_become_jobs);
        tcase_add_test(tc, delete_stops_and_forgets);
        tcase_add_test(tc, stop_that_never_began_is_tried_again_with_pauses);
        tcase_add_test(tc, unsettled_is_settled_with_pauses);
        tcase_add_test(tc, waits_for_proof_and_says_what_mends);
        tcase_add_test(tc, no_room_is_said_with_numbers);
        tcase_add_test(tc, ignored_is_left_alone);
        tcase_add_test(tc, one_batch_at_a_time);
        return s;
}

UNIT_MAIN(suite)
