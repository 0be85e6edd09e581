/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What clients ask for: each request is answered exactly once, by what the ledger made of it.
 */
#include "tests/unit/rig_fixture.h"

/* node2 of three; "web" (gid 1) runs on node2. */
static struct rig *open_rig(void) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        rig_open(r, &l, 2, false);
        rig_libvirt(r, "web", SEEN_RUNNING);
        rig_clear(r);
        return r;
}

#define ASK(r, ...) EVENT(r, .kind = EV_REQUEST, .request = {__VA_ARGS__})

static void answered(struct rig *r, uint64_t request, enum reply_code code, const char *text) {
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 1);
        ck_assert_uint_eq(rig_act(r, ACT_REPLY)->reply.request, request);
        ck_assert_int_eq(rig_act(r, ACT_REPLY)->reply.code, code);
        ck_assert_msg(strstr(rig_act(r, ACT_REPLY)->reply.text, text) != NULL, "answered: %s",
                      rig_act(r, ACT_REPLY)->reply.text);
        rig_clear(r);
}

/* Verb, and the op it becomes. */
static const struct {
        enum verb verb;
        enum op_kind op;
        enum desired desired;
        bool flag;
} verbs[] = {
        {VERB_GUEST_START, OP_GUEST_DESIRE, DESIRED_RUNNING, false},
        {VERB_GUEST_STOP, OP_GUEST_DESIRE, DESIRED_STOPPED, false},
        {VERB_GUEST_IGNORE, OP_GUEST_DESIRE, DESIRED_IGNORED, false},
        {VERB_GUEST_PAUSE, OP_GUEST_DESIRE, DESIRED_PAUSED, false},
        {VERB_GUEST_MOVE, OP_GUEST_MOVE, DESIRED_RUNNING, false},
        {VERB_GUEST_DELETE, OP_GUEST_DELETE, DESIRED_RUNNING, true},
        {VERB_GUEST_REMOVE, OP_GUEST_DELETE, DESIRED_RUNNING, false},
};

START_TEST(verb_becomes_its_op) {
        struct rig *r = open_rig();
        const struct op *op;

        if (verbs[_i].verb == VERB_GUEST_MOVE)
                ASK(r, .id = 5, .verb = VERB_GUEST_MOVE, .guest = "web", .host = "node3",
                    .who = "ann");
        else
                ASK(r, .id = 5, .verb = verbs[_i].verb, .guest = "web", .who = "ann");
        op = rig_op(r, verbs[_i].op);
        ck_assert_ptr_nonnull(op);
        ck_assert_uint_eq(op->gid, 1);
        ck_assert_int_eq(op->desired, verbs[_i].desired);
        ck_assert_int_eq(op->flag, verbs[_i].flag);
        ck_assert_str_eq(op->text, "ann");
        if (verbs[_i].verb == VERB_GUEST_MOVE)
                ck_assert_uint_eq(op->host, 3);
        answered(r, 5, REPLY_OK, "");
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_close(r);
}
END_TEST

START_TEST(fence_verbs) {
        struct rig *r = open_rig();

        ASK(r, .id = 5, .verb = VERB_FENCE_CONFIRM, .host = "node3");
        answered(r, 5, REPLY_USAGE, "node3 is not off: its hawd is in the group");
        ASK(r, .id = 6, .verb = VERB_FENCE_HOST, .host = "node3", .who = "ann");
        answered(r, 6, REPLY_OK, "");
        ck_assert(model_host(rig_model(r), 3)->fence_forced);
        rig_group(r, 1u << 1 | 1u << 2, 1u << 1 | 1u << 2);
        rig_clear(r);
        ASK(r, .id = 7, .verb = VERB_FENCE_CONFIRM, .host = "node3", .who = "ann");
        answered(r, 7, REPLY_OK, "");
        ck_assert_int_eq(model_host(rig_model(r), 3)->proof, PROOF_OPERATOR);
        rig_close(r);
}
END_TEST

START_TEST(rule_verbs) {
        static char list[RULE_LIST_MAX + 2];
        struct rig *r = open_rig();

        ASK(r, .id = 5, .verb = VERB_RULE_SET, .rule = "apart", .rule_kind = RULE_PREFER,
            .strict = true, .guests = "web db", .hosts = "node1");
        answered(r, 5, REPLY_OK, "");
        ck_assert_uint_eq(rig_model(r)->n_rules, 1);
        ck_assert(rig_model(r)->rules[0].strict);
        ck_assert_str_eq(rig_model(r)->rules[0].guests->data, "web db");
        memset(list, 'g', sizeof(list) - 1);
        ASK(r, .id = 8, .verb = VERB_RULE_SET, .rule = "long", .guests = list);
        answered(r, 8, REPLY_USAGE, "rule long: a list of names may have 64 KiB: make several");
        ASK(r, .id = 9, .verb = VERB_RULE_SET, .rule = "long", .guests = "web", .hosts = list);
        answered(r, 9, REPLY_USAGE, "64 KiB");
        list[RULE_LIST_MAX] = '\0';
        ASK(r, .id = 10, .verb = VERB_RULE_SET, .rule = "long", .guests = list);
        answered(r, 10, REPLY_OK, "");
        ASK(r, .id = 6, .verb = VERB_RULE_DELETE, .rule = "none");
        answered(r, 6, REPLY_USAGE, "there is no rule none");
        ASK(r, .id = 7, .verb = VERB_RULE_DELETE, .rule = "apart");
        answered(r, 7, REPLY_OK, "");
        rig_close(r);
}
END_TEST

START_TEST(what_is_not_there_is_usage) {
        struct rig *r = open_rig();

        ASK(r, .id = 5, .verb = VERB_GUEST_STOP, .guest = "none");
        answered(r, 5, REPLY_USAGE, "there is no guest none: see hawctl guest list");
        ASK(r, .id = 6, .verb = VERB_GUEST_MOVE, .guest = "web", .host = "none");
        answered(r, 6, REPLY_USAGE, "there is no host none: see hawctl host list");
        ASK(r, .id = 7, .verb = VERB_NONE);
        answered(r, 7, REPLY_USAGE, "does not know that verb");
        ASK(r, .id = 8, .verb = VERB_MAX_);
        answered(r, 8, REPLY_USAGE, "does not know that verb");
        rig_close(r);
}
END_TEST

/* A client of another version may leave out whatever there is: it is told so, once. */
START_TEST(nothing_given_is_usage) {
        static const char *const guests[] = {"", "none", "web"};

        for (int v = VERB_NONE; v < VERB_MAX_; v++)
                for (size_t k = 0; k < ARRAY_SIZE(guests); k++) {
                        struct rig *r = open_rig();
                        struct request q = {.id = 5, .verb = (enum verb)v};
                        const struct action *a;
                        bool enough = k == 2 && v >= VERB_GUEST_START && v <= VERB_GUEST_REMOVE;

                        enough |= k == 2 && v == VERB_GUEST_RECOVER;
                        enough |= v == VERB_FENCE_TEST || v == VERB_FACTS; /* this host's */
                        text_set(q.guest, NAME_LEN, guests[k]);
                        EVENT(r, .kind = EV_REQUEST, .request = q);
                        a = rig_act(r, ACT_REPLY);
                        if (enough || v == VERB_GUEST_ADD) {
                                rig_close(r);
                                continue;
                        }
                        ck_assert_msg(a && rig_acts(r, ACT_REPLY) == 1, "%s of '%s'",
                                      verb_name((enum verb)v), guests[k]);
                        ck_assert_msg(a->reply.code == REPLY_USAGE && a->reply.text[0],
                                      "%s of '%s': %d %s", verb_name((enum verb)v), guests[k],
                                      (int)a->reply.code, a->reply.text);
                        rig_close(r);
                }
}
END_TEST

/* S9: it lets DRBD go on alone, which is for the host with the disks. */
START_TEST(outdate_is_for_who_has_the_disks) {
        struct rig *r = open_rig();
        struct guest *g = model_guest((struct model *)(uintptr_t)core_model(r->c), 1);
        const struct op *op;

        g->replica = (struct replica){.data = 1, .host = 2, .serial = 4};
        ASK(r, .id = 5, .verb = VERB_REPLICA_OUTDATE, .guest = "web");
        answered(r, 5, REPLY_USAGE, "must not be primary here");
        ck_assert_ptr_null(rig_op(r, OP_REPLICA_SAYS));
        g->replica = (struct replica){.data = 2, .host = 1, .serial = 4};
        ASK(r, .id = 6, .verb = VERB_REPLICA_OUTDATE, .guest = "web");
        op = rig_op(r, OP_REPLICA_SAYS);
        ck_assert_ptr_nonnull(op);
        ck_assert_uint_eq(op->host, 2);
        ck_assert_uint_eq(op->serial, 4);
        ck_assert_int_eq(op->replica_state, REPLICA_BEHIND);
        answered(r, 6, REPLY_OK, "");
        ASK(r, .id = 7, .verb = VERB_REPLICA_OUTDATE);
        answered(r, 7, REPLY_USAGE, "which guest");
        rig_close(r);
}
END_TEST

START_TEST(create_adds_as_wanted) {
        struct rig *r = open_rig();
        struct guest_spec *s = led_spec("db");

        ASK(r, .id = 5, .verb = VERB_GUEST_CREATE, .spec = s, .desired = DESIRED_STOPPED);
        guest_spec_unref(s);
        answered(r, 5, REPLY_OK, "");
        ck_assert_int_eq(model_guest_named(rig_model(r), "db")->desired, DESIRED_STOPPED);
        rig_close(r);
}
END_TEST

static void create(struct rig *r, uint64_t request, const char *name) {
        struct guest_spec *s = led_spec(name);

        ASK(r, .id = request, .verb = VERB_GUEST_CREATE, .spec = s, .desired = DESIRED_RUNNING);
        guest_spec_unref(s);
}

/* No member could read a ledger with it. */
START_TEST(what_has_no_definition_is_not_created) {
        struct rig *r = open_rig();
        struct guest_spec *s = led_spec("db");

        ASK(r, .id = 5, .verb = VERB_GUEST_CREATE, .desired = DESIRED_STOPPED);
        answered(r, 5, REPLY_USAGE, "needs a definition");
        s->uuid[0] = '\0';
        ASK(r, .id = 6, .verb = VERB_GUEST_CREATE, .spec = s, .desired = DESIRED_STOPPED);
        guest_spec_unref(s);
        answered(r, 6, REPLY_USAGE, "with a UUID");
        ck_assert_ptr_null(model_guest_named(rig_model(r), "db"));
        rig_close(r);
}
END_TEST

/* S1, S5: it would be started beside the one that runs, and that one stopped as a copy. */
START_TEST(what_runs_without_a_claim_is_not_created) {
        struct rig *r = open_rig();
        struct domain_seen other = {.name = "mail", .state = SEEN_PAUSED, .uuid = "another"};

        rig_domain(r, "db", SEEN_RUNNING, END_NONE);
        create(r, 5, "db");
        answered(r, 5, REPLY_USAGE,
                 "db runs on node2 already, without hawd: hawctl guest add db --host node2");
        EVENT(r, .kind = EV_DOMAIN, .domain = other);
        create(r, 6, "mail");
        answered(r, 6, REPLY_USAGE, "another domain of the name mail (UUID another) runs on node2");
        r->runs_on = 3;
        create(r, 7, "dns");
        answered(r, 7, REPLY_USAGE, "dns runs there");
        ck_assert_uint_eq(rig_model(r)->n_guests, 1);
        rig_domain(r, "db", SEEN_GONE, END_DESTROYED);
        r->runs_on = 0;
        create(r, 8, "db");
        answered(r, 8, REPLY_OK, "");
        ck_assert_uint_eq(rig_model(r)->n_guests, 2);
        rig_close(r);
}
END_TEST

/* Its domain runs, and with hawd. */
START_TEST(a_uuid_that_is_taken_is_said_so) {
        struct rig *r = open_rig();
        struct guest_spec *s = led_spec("theirs");

        text_set(s->uuid, UUID_LEN, model_guest_named(rig_model(r), "web")->spec->uuid);
        ASK(r, .id = 5, .verb = VERB_GUEST_CREATE, .spec = s, .desired = DESIRED_RUNNING);
        guest_spec_unref(s);
        answered(r, 5, REPLY_USAGE, "is already there: see hawctl guest show");
        rig_close(r);
}
END_TEST

START_TEST(who_does_not_say_what_runs_is_not_waited_for_long) {
        struct rig *r = open_rig();

        r->no_answers = true;
        create(r, 5, "db");
        rig_pass(r, 4 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_model(r)->n_guests, 1);
        rig_pass(r, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_model(r)->n_guests, 2);
        answered(r, 5, REPLY_OK, "");
        create(r, 6, "dns");
        rig_pass(r, USEC_PER_SEC);
        r->no_answers = false;
        rig_group(r, 1u << 1 | 1u << 2, 0xe); /* who is left is asked again */
        ck_assert_uint_eq(rig_model(r)->n_guests, 3);
        answered(r, 6, REPLY_OK, "");
        rig_close(r);
}
END_TEST

static int32_t said_code; /* of the latest TELL */

static void keep_code(void *userdata, const struct action *a) {
        (void)userdata;
        if (a->kind == ACT_SEND && a->send->kind == MSG_TELL)
                said_code = a->send->tell.code;
}

START_TEST(what_runs_is_said_to_who_asks) {
        struct rig *r = open_rig();
        struct msg *ask = msg_new(MSG_ASK);

        r->told = keep_code;
        ask->ask.kind = ASK_GUEST_RUNS;
        ask->ask.to = 2;
        ask->ask.origin = 1;
        ask->ask.request = 88;
        ask->ask.spec = led_spec("db");
        for (int runs = 0; runs < 2; runs++) {
                rig_domain(r, "db", runs ? SEEN_RUNNING : SEEN_GONE, END_NONE);
                rig_clear(r);
                said_code = -1;
                EVENT(r, .kind = EV_MESSAGE, .message = {.from = {1, 1001}, .msg = ask});
                ck_assert_int_eq(said_code, runs ? REPLY_USAGE : REPLY_OK);
        }
        msg_unref(ask);
        rig_close(r);
}
END_TEST

START_TEST(not_quorate_is_said) {
        struct rig *r = open_rig();

        rig_quorum(r, false);
        rig_clear(r);
        ASK(r, .id = 5, .verb = VERB_GUEST_STOP, .guest = "web");
        answered(r, 5, REPLY_NOT_QUORATE, "the ring is not quorate");
        ck_assert_uint_eq(r->n_ops, 0);
        rig_close(r);
}
END_TEST

START_TEST(no_answer_in_time_is_one) {
        struct rig *r = open_rig();

        r->lose_entries = true;
        ASK(r, .id = 5, .verb = VERB_GUEST_STOP, .guest = "web");
        rig_pass(r, 29 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_pass(r, 2 * USEC_PER_SEC);
        answered(r, 5, REPLY_FAILED, "no answer in time");
        r->lose_entries = false;
        rig_group(r, 0xe, 0xe); /* and it is not proposed again behind the client's back */
        rig_pass(r, 5 * USEC_PER_SEC);
        ck_assert_int_eq(rig_model(r)->guests[0].desired, DESIRED_RUNNING);
        rig_close(r);
}
END_TEST

START_TEST(proposed_again_in_a_new_epoch_and_answered_once) {
        struct rig *r = open_rig();

        r->lose_entries = true;
        ASK(r, .id = 5, .verb = VERB_GUEST_STOP, .guest = "web");
        r->lose_entries = false;
        rig_group(r, 0xe, 0xe);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_DESIRE), 2);
        answered(r, 5, REPLY_OK, "");
        rig_pass(r, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        rig_close(r);
}
END_TEST

/* ---- enrolling a domain ---------------------------------------------------------------------- */

static void dumped(struct rig *r, uint64_t job, enum seen_state seen, const char *name) {
        struct guest_spec *s = led_spec(name);

        s->xml = blob_new("<domain/>", 9);
        s->has_agent = true;
        EVENT(r, .kind = EV_GUEST_JOB_DONE,
              .guest_job = {.id = job, .result = RESULT_DONE, .seen = seen, .spec = s});
        guest_spec_unref(s);
}

START_TEST(add_of_a_domain_here) {
        struct rig *r = open_rig();
        struct guest_spec *settings = guest_spec_new();
        struct guest *g;

        settings->conf.priority = 7;
        rig_domain(r, "db", SEEN_RUNNING, END_NONE);
        ASK(r, .id = 5, .verb = VERB_GUEST_ADD, .guest = "db", .spec = settings);
        guest_spec_unref(settings);
        ck_assert_str_eq(rig_act(r, ACT_GUEST_JOB)->guest_job.name, "db");
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        dumped(r, rig_job(r, GJOB_DUMP), SEEN_RUNNING, "db");
        answered(r, 5, REPLY_OK, "");
        g = model_guest_named(rig_model(r), "db");
        ck_assert_uint_eq(g->claims, 1u << 1); /* it runs here: the claim is this host's */
        ck_assert_int_eq(g->spec->conf.priority, 7);
        ck_assert_str_eq(g->spec->xml->data, "<domain/>");
        ck_assert(g->spec->has_agent);
        rig_close(r);
}
END_TEST

START_TEST(add_of_one_that_does_not_run) {
        struct rig *r = open_rig();

        ASK(r, .id = 5, .verb = VERB_GUEST_ADD, .guest = "db");
        dumped(r, rig_job(r, GJOB_DUMP), SEEN_GONE, "db");
        answered(r, 5, REPLY_OK, "");
        ck_assert_uint_eq(model_guest_named(rig_model(r), "db")->claims, 0);
        ck_assert_int_eq(model_guest_named(rig_model(r), "db")->desired, DESIRED_STOPPED);
        rig_close(r);
}
END_TEST

START_TEST(add_that_libvirt_refuses) {
        struct rig *r = open_rig();

        ASK(r, .id = 5, .verb = VERB_GUEST_ADD, .guest = "db");
        rig_job_done(r, rig_job(r, GJOB_DUMP), RESULT_FAILED, SEEN_GONE);
        answered(r, 5, REPLY_FAILED, "job's text");
        ASK(r, .id = 6, .verb = VERB_GUEST_ADD, .guest = "db", .host = "none");
        answered(r, 6, REPLY_USAGE, "there is no host none in the group");
        rig_close(r);
}
END_TEST

/* The domain is elsewhere: asked there; the client is answered by the entry that comes of it, or
 * by what that host tells. */
START_TEST(add_of_a_domain_elsewhere) {
        struct rig *r = open_rig();
        struct msg *tell = msg_new(MSG_TELL);

        ASK(r, .id = 5, .verb = VERB_GUEST_ADD, .guest = "db", .host = "node3");
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 0);
        BY(r, 3, .kind = OP_GUEST_ADD, .spec = led_spec("db"), .host = 3, .executor = 2, .job = 5);
        answered(r, 5, REPLY_OK, "");
        ASK(r, .id = 6, .verb = VERB_GUEST_ADD, .guest = "db2", .host = "node3");
        tell->tell.to = 1; /* for another host's client */
        tell->tell.request = 6;
        tell->tell.code = REPLY_FAILED;
        text_set(tell->tell.text, sizeof(tell->tell.text), "no such domain");
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {3, 1003}, .msg = tell});
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        tell->tell.to = 2;
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {3, 1003}, .msg = tell});
        answered(r, 6, REPLY_FAILED, "no such domain");
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {3, 1003}, .msg = tell});
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        msg_unref(tell);
        rig_close(r);
}
END_TEST

START_TEST(ask_of_another_host_is_served) {
        struct rig *r = open_rig();
        struct msg *ask = msg_new(MSG_ASK);

        ask->ask.kind = ASK_GUEST_ADD;
        ask->ask.to = 3;
        ask->ask.origin = 1;
        ask->ask.request = 88;
        text_set(ask->ask.name, sizeof(ask->ask.name), "db");
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {1, 1001}, .msg = ask});
        ck_assert_uint_eq(rig_acts(r, ACT_GUEST_JOB), 0);
        ask->ask.to = 2;
        EVENT(r, .kind = EV_MESSAGE, .message = {.from = {1, 1001}, .msg = ask});
        dumped(r, rig_job(r, GJOB_DUMP), SEEN_RUNNING, "db");
        ck_assert_uint_eq(rig_op(r, OP_GUEST_ADD)->executor, 1);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_ADD)->job, 88);
        ck_assert_uint_eq(rig_op(r, OP_GUEST_ADD)->host, 2);
        ck_assert_uint_eq(rig_acts(r, ACT_REPLY), 0);
        msg_unref(ask);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("request");
        TCase *tc = unit_case(s, "requests");

        tcase_add_loop_test(tc, verb_becomes_its_op, 0, (int)ARRAY_SIZE(verbs));
        tcase_add_test(tc, fence_verbs);
        tcase_add_test(tc, rule_verbs);
        tcase_add_test(tc, what_is_not_there_is_usage);
        tcase_add_test(tc, nothing_given_is_usage);
        tcase_add_test(tc, outdate_is_for_who_has_the_disks);
        tcase_add_test(tc, create_adds_as_wanted);
        tcase_add_test(tc, what_has_no_definition_is_not_created);
        tcase_add_test(tc, what_runs_without_a_claim_is_not_created);
        tcase_add_test(tc, a_uuid_that_is_taken_is_said_so);
        tcase_add_test(tc, who_does_not_say_what_runs_is_not_waited_for_long);
        tcase_add_test(tc, what_runs_is_said_to_who_asks);
        tcase_add_test(tc, not_quorate_is_said);
        tcase_add_test(tc, no_answer_in_time_is_one);
        tcase_add_test(tc, proposed_again_in_a_new_epoch_and_answered_once);
        tcase_add_test(tc, add_of_a_domain_here);
        tcase_add_test(tc, add_of_one_that_does_not_run);
        tcase_add_test(tc, add_that_libvirt_refuses);
        tcase_add_test(tc, add_of_a_domain_elsewhere);
        tcase_add_test(tc, ask_of_another_host_is_served);
        return s;
}

UNIT_MAIN(suite)
