/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader: which snapshots are taken, deleted and gone back to, and when.
 */
#include "tests/unit/rig_fixture.h"

#define MINUTE USEC_PER_MINUTE

static struct guest *web(struct rig *r) {
        return &rig_model(r)->guests[0];
}

static void is_healthy(struct led *l, uint32_t gid) {
        APPLY(l, .kind = OP_GUEST_HEALTHY, .gid = gid, .gen = G(l, gid)->gen, .host = 2);
}

static struct guest_snaps *has(struct led *l, uint32_t gid, size_t n) {
        struct guest_snaps *s = G(l, gid)->snaps = snaps_new();

        for (size_t i = 0; i < n; i++) {
                char name[NAME_LEN];

                text_fmt(name, sizeof(name), "s%zu", i + 1);
                snap_taken(s->list, &s->n, s->next++, name, (1 + i) * MINUTE)->good = true;
        }
        s->taken_wall = l->wall;
        return s;
}

/* node1 leads three; "web" runs on node2, healthy; @fill has more to say of it. */
static struct rig *open_rig(void (*fill)(struct led *l, uint32_t gid)) {
        struct rig *r = rig_new();
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        fill(&l, gid);
        rig_open(r, &l, 1, false);
        return r;
}

static size_t asked(const struct rig *r, enum op_kind kind) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_ops; i++)
                n += r->ops[i].kind == kind;
        return n;
}

static const struct op *last(const struct rig *r, enum op_kind kind) {
        for (size_t i = r->n_ops; i-- > 0;)
                if (r->ops[i].kind == kind)
                        return &r->ops[i];
        return NULL;
}

static void scheduled(struct led *l, uint32_t gid) {
        is_healthy(l, gid);
        text_set(G(l, gid)->spec->conf.snapshot, SCHEDULE_LEN, "1h");
}

static void scheduled_booting(struct led *l, uint32_t gid) {
        text_set(G(l, gid)->spec->conf.snapshot, SCHEDULE_LEN, "1h");
}

START_TEST(due_is_taken_by_its_host) {
        struct rig *r = open_rig(scheduled);

        rig_pass(r, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(asked(r, OP_SNAP_TAKE), 1);
        ck_assert_int_eq(web(r)->job_kind, JOB_SNAPSHOT);
        ck_assert_uint_eq(web(r)->job_host, 2);
        BY(r, 2, .kind = OP_GUEST_DONE, .gid = 1, .job = web(r)->job, .host = 2,
           .result = RESULT_DONE, .seen = SEEN_RUNNING);
        ck_assert_uint_eq(web(r)->snaps->n, 2);
        rig_pass(r, 10 * MINUTE);
        ck_assert_uint_eq(asked(r, OP_SNAP_TAKE), 1);
        rig_close(r);
}
END_TEST

START_TEST(a_guest_that_boots_is_not_taken) {
        struct rig *r = open_rig(scheduled_booting);

        rig_pass(r, MINUTE);
        ck_assert_uint_eq(asked(r, OP_SNAP_TAKE), 0);
        rig_close(r);
}
END_TEST

static void too_many(struct led *l, uint32_t gid) {
        is_healthy(l, gid);
        (void)has(l, gid, 5);
        G(l, gid)->spec->conf.snapshot_keep.last = 3;
}

/* The oldest first, one at a time; asked for again until it is gone. */
START_TEST(what_no_rule_keeps_goes) {
        struct rig *r = open_rig(too_many);

        rig_pass(r, USEC_PER_SEC);
        ck_assert_uint_eq(asked(r, OP_SNAP_DELETE), 1);
        ck_assert_str_eq(last(r, OP_SNAP_DELETE)->name, "s1");
        ck_assert_int_eq(web(r)->job_kind, JOB_SNAP_DELETE);
        ck_assert_uint_eq(web(r)->snaps->deleted, 1);
        BY(r, 2, .kind = OP_GUEST_DONE, .gid = 1, .job = web(r)->job, .host = 2,
           .result = RESULT_UNSETTLED, .seen = SEEN_RUNNING, .text = "goes on");
        ck_assert_int_eq(web(r)->job_kind, JOB_NONE); /* the guest can be seen to fail meanwhile */
        rig_pass(r, MINUTE);
        ck_assert_int_eq(web(r)->job_kind, JOB_SNAP_DELETE);
        BY(r, 2, .kind = OP_GUEST_DONE, .gid = 1, .job = web(r)->job, .host = 2,
           .result = RESULT_DONE, .seen = SEEN_RUNNING);
        rig_pass(r, MINUTE);
        ck_assert_str_eq(last(r, OP_SNAP_DELETE)->name, "s2");
        rig_close(r);
}
END_TEST

static void only_one(struct led *l, uint32_t gid) {
        is_healthy(l, gid);
        (void)has(l, gid, 1);
        G(l, gid)->snaps->list[0].good = false;
        G(l, gid)->spec->conf.snapshot_space_mib = 1; /* only the known-good and the newest stay */
        G(l, gid)->spec->conf.snapshot_left_usec = 1;
        G(l, gid)->snaps->list[0].mib = 100;
}

START_TEST(the_newest_is_never_let_go) {
        struct rig *r = open_rig(only_one);

        rig_pass(r, MINUTE);
        ck_assert_uint_eq(asked(r, OP_SNAP_DELETE), 0);
        ck_assert_uint_eq(asked(r, OP_SNAP_TAKE), 0);
        rig_close(r);
}
END_TEST

static void newest_deleted_by_hand(struct led *l, uint32_t gid) {
        is_healthy(l, gid);
        has(l, gid, 1)->list[0].deleting = true;
}

START_TEST(the_newest_by_hand_needs_another_one) {
        struct rig *r = open_rig(newest_deleted_by_hand);

        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_str_eq(last(r, OP_SNAP_TAKE)->name, "base-3");
        ck_assert_int_eq(web(r)->job_kind, JOB_SNAPSHOT);
        rig_close(r);
}
END_TEST

static void goes_back(struct led *l, uint32_t gid) {
        is_healthy(l, gid);
        (void)has(l, gid, 2);
        APPLY(l, .kind = OP_SNAP_ROLLBACK, .gid = gid, .name = "s1");
}

START_TEST(stopped_to_go_back) {
        struct rig *r = open_rig(goes_back);

        rig_pass(r, USEC_PER_SEC);
        ck_assert_int_eq(web(r)->job_kind, JOB_STOP);
        BY(r, 2, .kind = OP_GUEST_DONE, .gid = 1, .job = web(r)->job, .host = 2,
           .result = RESULT_DONE, .seen = SEEN_GONE);
        ck_assert_uint_eq(
                web(r)->snaps->list[snap_current(web(r)->snaps->list, web(r)->snaps->n)].parent, 1);
        ck_assert_int_eq(web(r)->job_kind, JOB_START); /* and started again */
        rig_close(r);
}
END_TEST

static void loops(struct led *l, uint32_t gid) {
        struct guest *g = G(l, gid);

        is_healthy(l, gid);
        (void)has(l, gid, 2);
        g->spec->conf.recovery[0] = RUNG_ROLLBACK;
        g->spec->conf.recovery[1] = RUNG_NONE;
        g->spec->conf.rollback_limit = 2;
        APPLY(l, .kind = OP_GUEST_SEEN, .gid = gid, .gen = g->gen, .host = 2, .seen = SEEN_GONE,
              .end_why = END_CRASHED);
}

START_TEST(the_rung_goes_to_the_newest_known_good) {
        struct rig *r = open_rig(loops);
        const struct op *op = last(r, OP_GUEST_START);

        ck_assert_ptr_nonnull(op);
        ck_assert_int_eq(op->rung, RUNG_ROLLBACK);
        ck_assert_uint_eq(op->snap, 2);
        ck_assert_uint_eq(op->host, 2); /* in place */
        ck_assert_int_eq(web(r)->job_kind, JOB_START);
        ck_assert_uint_eq(web(r)->snaps->trial, 2);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("lead_snap");
        TCase *tc = unit_case(s, "all");

        tcase_add_test(tc, due_is_taken_by_its_host);
        tcase_add_test(tc, a_guest_that_boots_is_not_taken);
        tcase_add_test(tc, what_no_rule_keeps_goes);
        tcase_add_test(tc, the_newest_is_never_let_go);
        tcase_add_test(tc, the_newest_by_hand_needs_another_one);
        tcase_add_test(tc, stopped_to_go_back);
        tcase_add_test(tc, the_rung_goes_to_the_newest_known_good);
        return s;
}

UNIT_MAIN(suite)
