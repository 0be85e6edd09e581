/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies of guests' disks on one host (S9): what the ledger wants of them, what the adapter said,
 * and what is asked for and said because of that. node1 is P, node2 is R, node3 neither.
 */
#include "hawd/core/promote.h"
#include "tests/unit/rig_fixture.h"

#define SEC USEC_PER_SEC
#define HOLD (300 * SEC)
#define P 1u
#define R 2u
#define NO_OP REPLICA_OP_MAX_
#define NOTHING REPLICA_STATE_MAX_

/* "web" (gid 1, serial 1) runs on P, its copy is @state by the ledger. */
static struct rig *open_rig(uint32_t nodeid, enum replica_state state, bool where) {
        struct rig *r = rig_new();
        struct replica *x;
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", P);
        l.m.guests[0].spec->conf.replica.mode = REPLICA_MODE_SYNC;
        text_set(l.m.guests[0].spec->conf.replica.host, NAME_LEN, "node2");
        x = &l.m.guests[0].replica;
        *x = (struct replica){.data = P,
                              .host = R,
                              .serial = 1,
                              .state = state,
                              .gen = l.m.guests[0].gen,
                              .as_of = 910 * SEC,
                              .hold_usec = HOLD};
        if (where)
                x->where = blob_new("nbd://node2/x", 13);
        rig_open(r, &l, nodeid, false);
        rig_libvirt(r, nodeid == P ? "web" : NULL, SEEN_RUNNING);
        return r;
}

static struct guest *web(struct rig *r) {
        return model_guest(rig_model(r), 1);
}

static void told(struct rig *r, enum replica_what what, uint32_t loss) {
        EVENT(r, .kind = EV_REPLICA,
              .replica = {.what = what,
                          .gid = 1,
                          .serial = 1,
                          .loss = loss,
                          .as_of = rig_wall(r->now),
                          .where = what == TOLD_EXPORTED ? "nbd://node2/x" : NULL,
                          .text = "told"});
}

/* The last thing that the adapter was asked; NO_OP: nothing. */
static enum replica_op asked(const struct rig *r) {
        const struct action *a = rig_act(r, ACT_REPLICA);

        return a ? a->replica.op : NO_OP;
}

static enum replica_state said(const struct rig *r) {
        const struct op *op = rig_op(r, OP_REPLICA_SAYS);

        return op ? op->replica_state : NOTHING;
}

#define NOT_TOLD TOLD_MAX_

/* Each decision: on this host, of a copy in this state, after this was told. */
static const struct {
        uint32_t nodeid;
        enum replica_state state;
        bool where; /* the ledger has R's exports */
        enum replica_what told;
        enum replica_op asks;
        enum replica_state says;
} rows[] = {
        /* R */
        {R, REPLICA_COPYING, false, NOT_TOLD, REPLICA_EXPORT, NOTHING},
        {R, REPLICA_COPYING, false, TOLD_EXPORTED, NO_OP, REPLICA_COPYING},
        {R, REPLICA_COPYING, true, TOLD_EXPORTED, NO_OP, NOTHING},
        {R, REPLICA_COPYING, true, TOLD_EXPORT_ENDED, NO_OP, REPLICA_BROKEN},
        {R, REPLICA_COPYING, false, TOLD_FAILED, NO_OP, REPLICA_BROKEN},
        {R, REPLICA_IN_STEP, true, NOT_TOLD, REPLICA_CHECK, NOTHING}, /* of the hawd before */
        {R, REPLICA_IN_STEP, true, TOLD_EXPORTED, NO_OP, NOTHING},
        {R, REPLICA_IN_STEP, true, TOLD_EXPORT_ENDED, NO_OP, REPLICA_BROKEN},
        {R, REPLICA_BEHIND, false, TOLD_EXPORTED, REPLICA_UNEXPORT, NOTHING},
        {R, REPLICA_FINAL, false, TOLD_EXPORTED, REPLICA_UNEXPORT, NOTHING},
        {R, REPLICA_BEHIND, false, TOLD_EXPORT_ENDED, NO_OP, NOTHING},
        /* P */
        {P, REPLICA_COPYING, false, NOT_TOLD, NO_OP, NOTHING}, /* R has not said where */
        {P, REPLICA_COPYING, true, NOT_TOLD, REPLICA_MIRROR, NOTHING},
        {P, REPLICA_COPYING, true, TOLD_COPYING, NO_OP, NOTHING},
        {P, REPLICA_COPYING, true, TOLD_IN_STEP, NO_OP, REPLICA_IN_STEP},
        {P, REPLICA_COPYING, true, TOLD_ENDED, NO_OP, REPLICA_BEHIND},
        {P, REPLICA_COPYING, true, TOLD_FAILED, NO_OP, REPLICA_BEHIND},
        {P, REPLICA_IN_STEP, true, NOT_TOLD, REPLICA_CHECK, NOTHING}, /* of the hawd before */
        {P, REPLICA_IN_STEP, true, TOLD_ENDED, NO_OP, REPLICA_BEHIND},
        {P, REPLICA_IN_STEP, true, TOLD_FINAL, NO_OP, REPLICA_FINAL},
        {P, REPLICA_BROKEN, false, TOLD_FINAL, NO_OP, REPLICA_FINAL}, /* it knows better */
        {P, REPLICA_BROKEN, false, TOLD_IN_STEP, REPLICA_CANCEL, NOTHING},
        {P, REPLICA_BEHIND, false, TOLD_IN_STEP, REPLICA_CANCEL, NOTHING},
        {P, REPLICA_BEHIND, false, TOLD_ENDED, NO_OP, NOTHING},
        /* neither: of a replica that was moved away */
        {3, REPLICA_IN_STEP, true, NOT_TOLD, NO_OP, NOTHING},
        {3, REPLICA_IN_STEP, true, TOLD_EXPORTED, REPLICA_DROP, NOTHING},
};

START_TEST(decided) {
        struct rig *r = open_rig(rows[_i].nodeid, rows[_i].state, rows[_i].where);
        enum replica_op first;

        r->lose_entries = true; /* what is said changes nothing yet */
        first = asked(r);
        if (rows[_i].told != NOT_TOLD) {
                rig_clear(r);
                told(r, rows[_i].told, 0);
                first = asked(r);
        }
        ck_assert_int_eq(first, rows[_i].asks);
        ck_assert_int_eq(said(r), rows[_i].says);
        if (rig_act(r, ACT_REPLICA)) {
                ck_assert_uint_eq(rig_act(r, ACT_REPLICA)->replica.serial, 1);
                ck_assert_uint_eq(rig_act(r, ACT_REPLICA)->replica.gid, 1);
                ck_assert_str_eq(rig_act(r, ACT_REPLICA)->replica.spec->name, "web");
        }
        if (rig_op(r, OP_REPLICA_SAYS)) {
                ck_assert_uint_eq(rig_op(r, OP_REPLICA_SAYS)->serial, 1);
                ck_assert_uint_eq(rig_op(r, OP_REPLICA_SAYS)->gen, web(r)->gen);
        }
        rig_close(r);
}
END_TEST

/* By level: until it is done, and said, again and again; but not at once. */
START_TEST(asked_and_said_until_it_is_so) {
        struct rig *r = open_rig(R, REPLICA_COPYING, false);

        r->lose_entries = true;
        ck_assert_uint_eq(rig_acts(r, ACT_REPLICA), 1);
        rig_pass(r, 14 * SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLICA), 1);
        rig_pass(r, 2 * SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLICA), 2);
        told(r, TOLD_EXPORTED, 0);
        ck_assert_uint_eq(rig_ops(r, OP_REPLICA_SAYS), 1);
        rig_pass(r, 15 * SEC);
        ck_assert_uint_ge(rig_ops(r, OP_REPLICA_SAYS), 2);
        r->lose_entries = false;
        rig_pass(r, 10 * SEC);
        rig_clear(r);
        rig_pass(r, 60 * SEC);
        ck_assert_uint_eq(rig_ops(r, OP_REPLICA_SAYS), 0);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLICA), 0);
        rig_close(r);
}
END_TEST

static void lose_p(struct rig *r) {
        rig_group(r, 1u << R | 1u << 3, 1u << R | 1u << 3);
        ck_assert_int_eq(model_host(rig_model(r), P)->state, HOST_LOST);
}

/* S9: what was seen before the loss is nothing; R looks after it, and says which loss that was. */
START_TEST(stands_by_a_look_after_the_loss) {
        struct rig *r = open_rig(R, REPLICA_IN_STEP, true);

        told(r, TOLD_EXPORTED, 0);
        told(r, TOLD_ALIVE, 0);
        rig_clear(r);
        lose_p(r);
        ck_assert_int_eq(asked(r), REPLICA_CHECK);
        ck_assert_uint_eq(rig_act(r, ACT_REPLICA)->replica.loss, 1);
        ck_assert_ptr_null(rig_op(r, OP_REPLICA_STANDS));
        told(r, TOLD_ALIVE, _i ? 1 : 0); /* 0: an answer of before */
        if (_i) {
                ck_assert_uint_eq(rig_op(r, OP_REPLICA_STANDS)->loss, 1);
                ck_assert_uint_eq(web(r)->replica.stands_loss, 1);
                told(r, TOLD_EXPORT_ENDED, 0); /* it stood */
                ck_assert_ptr_null(rig_op(r, OP_REPLICA_SAYS));
        } else {
                ck_assert_ptr_null(rig_op(r, OP_REPLICA_STANDS));
                told(r, TOLD_EXPORT_ENDED, 0);
                ck_assert_int_eq(web(r)->replica.state, REPLICA_BROKEN);
        }
        rig_close(r);
}
END_TEST

/* A hawd that is stopped by intent leaves its guests, and their mirrors, alone. */
START_TEST(unsupervised_is_not_lost) {
        struct rig *r = open_rig(R, REPLICA_IN_STEP, true);

        told(r, TOLD_EXPORTED, 0);
        rig_clear(r);
        BY(r, P, .kind = OP_HOST_STOPPING, .host = P, .incarnation = INCARNATION(P));
        rig_group(r, 1u << R | 1u << 3, 1u << P | 1u << R | 1u << 3);
        ck_assert_int_eq(model_host(rig_model(r), P)->state, HOST_UNSUPERVISED);
        ck_assert_int_eq(asked(r), NO_OP);
        rig_close(r);
}
END_TEST

/* P's word is as of when R has lived last: by the latest of P's heartbeats that R has heard. */
START_TEST(in_step_as_of_an_echo) {
        struct rig *r = open_rig(P, REPLICA_COPYING, true);
        const struct op *op;
        usec_t heard;

        rig_pass(r, 5 * SEC);
        r->others_silent = true;
        heard = rig_wall(r->now);
        rig_pass(r, 30 * SEC);
        rig_clear(r);
        told(r, TOLD_IN_STEP, 0);
        op = rig_op(r, OP_REPLICA_SAYS);
        ck_assert_int_eq(op->replica_state, REPLICA_IN_STEP);
        ck_assert_uint_le(op->as_of, heard);
        ck_assert_uint_gt(op->as_of, heard - 3 * SEC);
        rig_close(r);
}
END_TEST

/* Each tenth of the hold at most, and what is the same as before is not said. */
START_TEST(in_step_is_said_now_and_then) {
        struct rig *r = open_rig(P, REPLICA_IN_STEP, true);
        usec_t before;

        rig_pass(r, 40 * SEC); /* of the hawd before: looked for */
        told(r, TOLD_IN_STEP, 0);
        before = web(r)->replica.as_of;
        ck_assert_uint_gt(before, 910 * SEC);
        rig_clear(r);
        for (unsigned i = 0; i < 10; i++) {
                rig_pass(r, 2 * SEC);
                told(r, TOLD_IN_STEP, 0);
        }
        ck_assert_uint_eq(rig_ops(r, OP_REPLICA_SAYS), 0);
        rig_pass(r, 15 * SEC);
        told(r, TOLD_IN_STEP, 0);
        ck_assert_uint_eq(rig_ops(r, OP_REPLICA_SAYS), 1);
        ck_assert_uint_gt(web(r)->replica.as_of, before + 30 * SEC);
        rig_close(r);
}
END_TEST

/* Its start takes the copy: nothing is ended or dropped under it. */
START_TEST(nothing_ends_under_a_start) {
        struct rig *r = open_rig(R, REPLICA_BEHIND, false);

        web(r)->job_kind = JOB_START;
        web(r)->job = 1;
        web(r)->job_host = _i ? R : 3;
        rig_clear(r);
        told(r, TOLD_EXPORTED, 0);
        ck_assert_int_eq(asked(r), _i ? NO_OP : REPLICA_UNEXPORT);
        rig_close(r);
}
END_TEST

/* Nobody would end it later. */
START_TEST(ends_with_its_guest) {
        struct rig *r = open_rig(_i ? P : R, REPLICA_IN_STEP, true);

        told(r, _i ? TOLD_IN_STEP : TOLD_EXPORTED, 0);
        rig_clear(r);
        BY(r, 3, .kind = OP_GUEST_DELETE, .gid = 1, .text = "ann");
        ck_assert_ptr_null(web(r));
        ck_assert_int_eq(asked(r), _i ? REPLICA_CANCEL : REPLICA_UNEXPORT);
        rig_pass(r, 60 * SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLICA), 1);
        rig_close(r);
}
END_TEST

/* Nor what has been asked for, and was not told of yet. */
START_TEST(ends_with_its_guest_while_asked_for) {
        struct rig *r = open_rig(R, REPLICA_COPYING, true);

        ck_assert_int_eq(asked(r), REPLICA_EXPORT);
        rig_clear(r);
        BY(r, 3, .kind = OP_GUEST_DELETE, .gid = 1, .text = "ann");
        ck_assert_int_eq(asked(r), REPLICA_UNEXPORT);
        rig_clear(r);
        told(r, TOLD_EXPORTED, 0);
        rig_pass(r, 60 * SEC);
        ck_assert_int_eq(asked(r), NO_OP);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("replica");
        TCase *tc = unit_case(s, "replica");

        tcase_add_loop_test(tc, decided, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, asked_and_said_until_it_is_so);
        tcase_add_loop_test(tc, stands_by_a_look_after_the_loss, 0, 2);
        tcase_add_test(tc, unsupervised_is_not_lost);
        tcase_add_test(tc, in_step_as_of_an_echo);
        tcase_add_test(tc, in_step_is_said_now_and_then);
        tcase_add_loop_test(tc, nothing_ends_under_a_start, 0, 2);
        tcase_add_loop_test(tc, ends_with_its_guest, 0, 2);
        tcase_add_test(tc, ends_with_its_guest_while_asked_for);
        return s;
}

UNIT_MAIN(suite)
