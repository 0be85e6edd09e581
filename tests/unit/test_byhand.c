/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A definition that somebody changed in libvirt: what is taken over, and what is only said.
 */
#include "hawd/core/byhand.h"
#include "tests/unit/ledger_fixture.h"

/* "web" runs on node2; its definition there has become @memory_mib large. */
static struct guest_spec *changed(uint64_t memory_mib) {
        struct guest_spec *s = led_spec("web");

        s->memory_mib = memory_mib;
        s->vcpus = 3;
        s->has_agent = true;
        s->conf = (struct conf_guest){.priority = -7}; /* not from libvirt: must not be taken */
        s->xml = blob_new("<changed/>", 10);
        return s;
}

static int ask(struct led *l, uint32_t nodeid, struct guest_spec *spec, struct request *req,
               char *text) {
        int r = byhand_redefined(&l->m, nodeid, spec, req, text);

        guest_spec_unref(spec);
        return r;
}

START_TEST(change_where_it_runs_is_taken_over) {
        struct request req;
        char text[TEXT_LEN];
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        G(&l, 1)->spec->conf.priority = 500;
        G(&l, 1)->spec->n_after = 1;
        text_set(G(&l, 1)->spec->after[0], NAME_LEN, "dns");
        ck_assert_int_eq(ask(&l, 2, changed(4096), &req, text), 1);
        ck_assert_int_eq(req.verb, VERB_GUEST_SET);
        ck_assert_str_eq(req.guest, "web");
        ck_assert_str_eq(req.who, "libvirt on node2");
        ck_assert_ptr_nonnull(strstr(text, "taken over"));
        ck_assert_uint_eq(req.spec->memory_mib, 4096);
        ck_assert_uint_eq(req.spec->vcpus, 3);
        ck_assert(req.spec->has_agent);
        ck_assert_str_eq(req.spec->xml->data, "<changed/>");
        ck_assert_int_eq(req.spec->conf.priority, 500);
        ck_assert_str_eq(req.spec->after[0], "dns");
        APPLY(&l, .kind = OP_GUEST_SET, .gid = 1, .spec = req.spec, .text = "x");
        ck_assert_uint_eq(G(&l, 1)->spec->memory_mib, 4096);
        ck_assert_int_eq(ask(&l, 2, changed(4096), &req, text), 0); /* as it is kept already */
        ck_assert_str_eq(text, "");
        led_close(&l);
}
END_TEST

START_TEST(other_disks_are_not_under_snapshots) {
        struct guest_spec *s;
        struct request req;
        char text[TEXT_LEN];
        struct led l;

        led_open(&l, 2);
        led_running(&l, "web", 2);
        G(&l, 1)->spec->disks = 7;
        APPLY(&l, .kind = OP_SNAP_TAKE, .gid = 1, .name = "one");
        s = changed(4096);
        s->disks = 8;
        ck_assert_int_eq(ask(&l, 2, s, &req, text), 0);
        ck_assert_ptr_nonnull(strstr(text, "not taken over"));
        s = changed(4096);
        s->disks = 7;
        ck_assert_int_eq(ask(&l, 2, s, &req, text), 1);
        ck_assert_uint_eq(req.spec->disks, 7);
        guest_spec_unref(req.spec);
        led_close(&l);
}
END_TEST

START_TEST(change_elsewhere_or_of_others_is_not) {
        struct guest_spec *renamed;
        struct request req;
        char text[TEXT_LEN];
        struct led l;

        led_open(&l, 3);
        led_running(&l, "web", 2);
        ck_assert_int_eq(ask(&l, 1, changed(4096), &req, text), 0); /* it has no claim there */
        ck_assert_ptr_nonnull(strstr(text, "it is undefined again"));
        ck_assert_int_eq(ask(&l, 9, changed(4096), &req, text), 0);
        ck_assert_str_eq(text, "");
        renamed = changed(4096);
        text_set(renamed->name, sizeof(renamed->name), "other");
        ck_assert_int_eq(ask(&l, 2, renamed, &req, text), 0);
        ck_assert_ptr_nonnull(strstr(text, "another name, other"));
        ck_assert_ptr_nonnull(byhand_kept(&l.m, G(&l, 1)->spec->uuid));
        ck_assert_ptr_null(byhand_kept(&l.m, "web"));
        G(&l, 1)->desired = DESIRED_IGNORED;
        ck_assert_ptr_null(byhand_kept(&l.m, G(&l, 1)->spec->uuid));
        ck_assert_int_eq(ask(&l, 2, changed(4096), &req, text), 0);
        G(&l, 1)->desired = DESIRED_RUNNING;
        G(&l, 1)->deleting = true;
        ck_assert_int_eq(ask(&l, 2, changed(4096), &req, text), 0);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("byhand");
        TCase *tc = unit_case(s, "definitions");

        tcase_add_test(tc, change_where_it_runs_is_taken_over);
        tcase_add_test(tc, other_disks_are_not_under_snapshots);
        tcase_add_test(tc, change_elsewhere_or_of_others_is_not);
        return s;
}

UNIT_MAIN(suite)
