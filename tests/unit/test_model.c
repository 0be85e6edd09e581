/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model itself: ids, copies, the hash, kept incidents, names and back; entries and messages.
 */
#include "hawd/core/msg.h"
#include "tests/unit/ledger_fixture.h"

START_TEST(guest_ids_are_never_used_again) {
        struct led l;
        uint32_t a, b, c;

        led_open(&l, 1);
        a = led_add(&l, "a");
        b = led_add(&l, "b");
        model_guest_remove(&l.m, b);
        c = led_add(&l, "c");
        ck_assert_uint_gt(c, b);
        model_guest_remove(&l.m, a);
        ck_assert_uint_eq(l.m.n_guests, 1);
        ck_assert_str_eq(G(&l, c)->spec->name, "c");
        model_guest_remove(&l.m, 99);
        ck_assert_uint_eq(l.m.n_guests, 1);
        led_close(&l);
}
END_TEST

START_TEST(found_by_name_or_uuid) {
        struct led l;

        led_open(&l, 2);
        led_add(&l, "web");
        ck_assert_ptr_eq(model_guest_named(&l.m, "web"), &l.m.guests[0]);
        ck_assert_ptr_eq(model_guest_named(&l.m, l.m.guests[0].spec->uuid), &l.m.guests[0]);
        ck_assert_ptr_null(model_guest_named(&l.m, "we"));
        ck_assert_ptr_eq(model_host_named(&l.m, "node2"), H(&l, 2));
        ck_assert_str_eq(model_host_name(&l.m, 2), "node2");
        ck_assert_str_eq(model_host_name(&l.m, 9), "an unknown host");
        ck_assert_int_eq(model_host_index(&l.m, 9), -1);
        ck_assert_ptr_null(model_incident(&l.m, 0));
        led_close(&l);
}
END_TEST

START_TEST(copy_is_independent) {
        struct model copy;
        struct led l;
        uint64_t hash;

        led_open(&l, 2);
        led_running(&l, "web", 2);
        APPLY(&l, .kind = OP_RULE_SET, .name = "r", .rule_kind = RULE_SEPARATE,
              .list = blob_new("web", 3));
        led_lose(&l, 2);
        model_init(&copy);
        model_copy(&copy, &l.m);
        hash = model_hash(&copy);
        ck_assert_uint_eq(hash, model_hash(&l.m));
        led_online(&l, 2);
        led_add(&l, "db");
        APPLY(&l, .kind = OP_RULE_DELETE, .name = "r");
        ck_assert_uint_eq(model_hash(&copy), hash);
        ck_assert_str_eq(copy.guests[0].spec->name, "web");
        model_copy(&copy, &copy);
        ck_assert_uint_eq(model_hash(&copy), hash);
        led_close(&l);
        ck_assert_str_eq(copy.rules[0].guests->data, "web");
        model_clear(&copy);
}
END_TEST

START_TEST(hash_sees_what_matters) {
        struct led l;
        uint64_t h;

        led_open(&l, 2);
        led_device(&l, "bmc2", 2);
        led_running(&l, "web", 2);
#define SEEN_BY_HASH(change, undo)                                                                 \
        do {                                                                                       \
                h = model_hash(&l.m);                                                              \
                change;                                                                            \
                ck_assert_msg(model_hash(&l.m) != h, "not seen: %s", #change);                     \
                undo;                                                                              \
                ck_assert_uint_eq(model_hash(&l.m), h);                                            \
        } while (0)
        SEEN_BY_HASH(l.m.hosts[1].losses++, l.m.hosts[1].losses--);
        SEEN_BY_HASH(l.m.hosts[1].proof = PROOF_LEASE, l.m.hosts[1].proof = PROOF_NONE);
        SEEN_BY_HASH(l.m.hosts[1].fence_forced = true, l.m.hosts[1].fence_forced = false);
        SEEN_BY_HASH(l.m.guests[0].claims ^= 1, l.m.guests[0].claims ^= 1);
        SEEN_BY_HASH(l.m.guests[0].claim[1].version++, l.m.guests[0].claim[1].version--);
        SEEN_BY_HASH(l.m.guests[0].job++, l.m.guests[0].job--);
        SEEN_BY_HASH(l.m.guests[0].tried ^= 1, l.m.guests[0].tried ^= 1);
        SEEN_BY_HASH(l.m.devices[0].seen_on = false, l.m.devices[0].seen_on = true);
        SEEN_BY_HASH(l.m.devices[0].distrusted = true, l.m.devices[0].distrusted = false);
        SEEN_BY_HASH(l.m.devices[0].off_wall++, l.m.devices[0].off_wall--);
        SEEN_BY_HASH(l.m.devices[0].on_due++, l.m.devices[0].on_due--);
        SEEN_BY_HASH(l.m.hosts[1].read_off = true, l.m.hosts[1].read_off = false);
        led_close(&l);
}
END_TEST

START_TEST(closed_incidents_are_trimmed_oldest_first) {
        struct led l;
        uint64_t open;

        led_open(&l, 2);
        led_lose(&l, 2); /* stays open, and is the oldest */
        open = H(&l, 2)->incident;
        for (unsigned i = 0; i < INCIDENTS_KEPT + 20; i++)
                model_incident_add(&l.m)->open = false;
        ck_assert_uint_eq(led_incident(&l, open)->open, true);
        ck_assert_uint_le(l.m.n_incidents, INCIDENTS_KEPT + 2);
        ck_assert_uint_eq(l.m.incidents[l.m.n_incidents - 1].id, open + INCIDENTS_KEPT + 20);
        for (size_t i = 1; i < l.m.n_incidents; i++)
                ck_assert_uint_lt(l.m.incidents[i - 1].id, l.m.incidents[i].id);
        led_close(&l);
}
END_TEST

/* Every value has a name, each its own, and finds back. */
START_TEST(names_and_back) {
        for (int i = 0; i < HOST_STATE_MAX_; i++)
                ck_assert_int_eq(host_state_from(host_state_name((enum host_state)i)), i);
        for (int i = 0; i < DESIRED_MAX_; i++)
                ck_assert_int_eq(desired_from(desired_name((enum desired)i)), i);
        for (int i = 0; i < RULE_KIND_MAX_; i++)
                ck_assert_int_eq(rule_kind_from(rule_kind_name((enum rule_kind)i)), i);
        for (int i = 0; i < GUEST_STATE_MAX_; i++)
                ck_assert_ptr_nonnull(guest_state_name((enum guest_state)i));
        for (int i = 0; i < HEALTH_MAX_; i++)
                ck_assert_ptr_nonnull(health_name((enum health)i));
        for (int i = 0; i < PROOF_MAX_; i++)
                ck_assert_ptr_nonnull(proof_name((enum proof)i));
        for (int i = 0; i < JOB_KIND_MAX_; i++)
                ck_assert_ptr_nonnull(guest_job_name((enum guest_job_kind)i));
        for (int i = 0; i < STEP_MAX_; i++)
                ck_assert_ptr_nonnull(incident_step_name((enum incident_step)i));
        for (int i = 0; i < OP_KIND_MAX_; i++)
                ck_assert_ptr_nonnull(op_kind_name((enum op_kind)i));
        for (int i = END_GUEST_SHUTDOWN; i < END_MAX_; i++)
                ck_assert_ptr_nonnull(end_why_name((enum end_why)i));
        for (int i = 0; i < SEEN_MAX_; i++)
                ck_assert_ptr_nonnull(seen_state_name((enum seen_state)i));
        for (int i = 0; i < FENCE_RESULT_MAX_; i++)
                ck_assert_ptr_nonnull(fence_result_name((enum fence_result)i));
        for (int i = 0; i < RESULT_MAX_; i++)
                ck_assert_ptr_nonnull(job_result_name((enum job_result)i));
        for (int i = 0; i < VERB_MAX_; i++)
                ck_assert_ptr_nonnull(verb_name((enum verb)i));
        ck_assert_ptr_null(host_state_name(HOST_STATE_MAX_));
        ck_assert_ptr_null(op_kind_name(OP_KIND_MAX_));
        ck_assert_ptr_null(verb_name(VERB_MAX_));
        ck_assert_int_eq(host_state_from("lots"), -1);
        ck_assert_int_eq(desired_from(""), -1);
}
END_TEST

/* References are counted: what an entry, a message or an action owns goes with its last one. The
 * sanitizer build is the judge. */
START_TEST(references) {
        struct actions out = {0};
        struct entry *e = entry_new();
        struct msg *m = msg_new(MSG_ENTRY), *s = msg_new(MSG_STATE);
        struct persist *p = xcalloc(1, sizeof(*p));

        for (unsigned i = 0; i < 5; i++)
                entry_add(e, OP_GUEST_ADD)->spec = led_spec("web");
        e->ops[0].list = blob_new("a", 1);
        m->entry = entry_ref(e);
        s->state.state = state_new();
        model_guest_add(&s->state.state->model, e->ops[0].spec);
        ck_assert_uint_eq(e->ops[0].spec->refs, 2);
        s->state.state->tail = xcalloc(1, sizeof(struct entry *));
        s->state.state->tail[s->state.state->n_tail++] = entry_ref(e);
        p->install = state_ref(s->state.state);
        p->entries = xcalloc(1, sizeof(struct entry *));
        p->entries[p->n_entries++] = entry_ref(e);
        ck_assert_uint_eq(e->refs, 4);
        actions_add(&out, ACT_PERSIST)->persist = p;
        actions_add(&out, ACT_SEND)->send = msg_ref(m);
        actions_add(&out, ACT_GUEST_JOB)->guest_job.spec = guest_spec_ref(e->ops[1].spec);
        actions_clear(&out);
        ck_assert_uint_eq(e->refs, 3);
        ck_assert_uint_eq(e->ops[1].spec->refs, 1);
        ck_assert_ptr_null(msg_unref(s));
        ck_assert_ptr_null(msg_unref(m));
        ck_assert_uint_eq(e->refs, 1);
        ck_assert_ptr_null(entry_unref(e));
        ck_assert_ptr_null(entry_unref(NULL));
        ck_assert_ptr_null(msg_unref(NULL));
        ck_assert_ptr_null(state_unref(NULL));
        persist_free(NULL);
        actions_free(&out);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("model");
        TCase *tc = unit_case(s, "model");

        tcase_add_test(tc, guest_ids_are_never_used_again);
        tcase_add_test(tc, found_by_name_or_uuid);
        tcase_add_test(tc, copy_is_independent);
        tcase_add_test(tc, hash_sees_what_matters);
        tcase_add_test(tc, closed_incidents_are_trimmed_oldest_first);
        tcase_add_test(tc, names_and_back);
        tcase_add_test(tc, references);
        return s;
}

UNIT_MAIN(suite)
