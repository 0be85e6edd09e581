/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's snapshots off the wire or the disk: what is no tree, or could name the files of two, is
 * refused.
 */
#include "hawd/wire/wire.h"
#include "tests/unit/ledger_fixture.h"

/* A guest with "a" under "b" under its disks. */
static void open_model(struct led *l) {
        struct guest_snaps *s;
        uint32_t gid;

        led_open(l, 2);
        gid = led_running(l, "web", 2);
        s = G(l, gid)->snaps = snaps_new();
        (void)snap_taken(s->list, &s->n, s->next++, "a", 1);
        (void)snap_taken(s->list, &s->n, s->next++, "b", 2);
}

/* Return: is it taken? */
static bool taken(const struct led *l) {
        struct model back;
        uint8_t *bytes;
        size_t len;
        char err[TEXT_LEN] = "";
        int r;

        ck_assert_int_eq(wire_model_encode(&l->m, &bytes, &len), 0);
        r = wire_model_decode(bytes, len, &back, err);
        free(bytes);
        if (r == 0)
                model_clear(&back);
        else
                ck_assert_str_ne(err, "");
        return r == 0;
}

START_TEST(a_tree_is_taken) {
        struct led l;
        struct guest_snaps *s;

        open_model(&l);
        ck_assert(taken(&l));
        s = l.m.guests[0].snaps;
        s->wish = (struct snap_wish){.act = SNAP_ACT_ROLLBACK, .target = 2};
        ck_assert(taken(&l));
        s->wish = (struct snap_wish){.act = SNAP_ACT_TAKE, .id = s->next++, .name = "c"};
        ck_assert(taken(&l));
        led_close(&l);
}
END_TEST

START_TEST(no_tree_is_refused) {
        struct led l;

        open_model(&l);
        l.m.guests[0].snaps->list[0].parent = 2;
        ck_assert(!taken(&l));
        l.m.guests[0].snaps->list[0].parent = 0;
        l.m.guests[0].snaps->list[1].kind = SNAP_CURRENT;
        ck_assert(!taken(&l));
        led_close(&l);
}
END_TEST

START_TEST(ids_that_come_again_are_refused) {
        struct led l;
        struct guest_snaps *s;

        open_model(&l);
        s = l.m.guests[0].snaps;
        s->next = 3;
        ck_assert(!taken(&l));
        s->next = 4;
        ck_assert(taken(&l));
        s->list[1].file = 9;
        ck_assert(!taken(&l));
        led_close(&l);
}
END_TEST

START_TEST(what_is_wanted_can_be) {
        struct led l;
        struct guest_snaps *s;

        open_model(&l);
        s = l.m.guests[0].snaps;
        s->wish = (struct snap_wish){.act = SNAP_ACT_ROLLBACK, .target = 3}; /* its own disks */
        ck_assert(!taken(&l));
        s->wish.target = 77;
        ck_assert(!taken(&l));
        s->wish = (struct snap_wish){.act = SNAP_ACT_TAKE, .id = 2, .name = "c"}; /* taken */
        ck_assert(!taken(&l));
        s->wish = (struct snap_wish){.act = SNAP_ACT_TAKE, .id = s->next++, .name = "a"};
        ck_assert(!taken(&l));
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("wire_snap");
        TCase *tc = unit_case(s, "all");

        tcase_add_test(tc, a_tree_is_taken);
        tcase_add_test(tc, no_tree_is_refused);
        tcase_add_test(tc, ids_that_come_again_are_refused);
        tcase_add_test(tc, what_is_wanted_can_be);
        return s;
}

UNIT_MAIN(suite)
