/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fencing ladder: levels in order, all devices of a level, rounds for ever with pauses.
 */
#include "fencing/ladder.h"
#include "tests/unit/unit.h"

static void device(struct config *c, const char *name, const char *host, uint32_t level) {
        struct conf_device *d = &c->devices[c->n_devices++];

        *d = (struct conf_device){.level = level};
        text_set(d->name, sizeof(d->name), name);
        text_set(d->host, sizeof(d->host), host);
}

/* node1: level 1 bmc1; level 2 psu-a and psu-b; level 7 pdu. The file has them in no order. */
static void config(struct config *c) {
        *c = (struct config){.fence_retry_min_usec = 2 * USEC_PER_SEC,
                             .fence_retry_max_usec = 10 * USEC_PER_SEC};
        device(c, "pdu", "node1", 7);
        device(c, "psu-a", "node1", 2);
        device(c, "other", "node2", 1);
        device(c, "bmc1", "node1", 1);
        device(c, "psu-b", "node1", 2);
}

static const struct {
        uint32_t tries, level, n_devices, round;
        const char *first, *second;
        usec_t pause;
} rows[] = {
        {0, 1, 1, 0, "bmc1", NULL, 0},
        {1, 2, 2, 0, "psu-a", "psu-b", 0},
        {2, 7, 1, 0, "pdu", NULL, 0},
        {3, 1, 1, 1, "bmc1", NULL, 2 * USEC_PER_SEC},
        {4, 2, 2, 1, "psu-a", "psu-b", 0},
        {6, 1, 1, 2, "bmc1", NULL, 4 * USEC_PER_SEC},
        {9, 1, 1, 3, "bmc1", NULL, 8 * USEC_PER_SEC},
        {12, 1, 1, 4, "bmc1", NULL, 10 * USEC_PER_SEC},
        {15, 1, 1, 5, "bmc1", NULL, 10 * USEC_PER_SEC},
        {3000000000u, 1, 1, 1000000000u, "bmc1", NULL, 10 * USEC_PER_SEC},
};

START_TEST(row) {
        struct ladder_step s;
        struct config c;

        config(&c);
        ck_assert_int_eq(ladder_next(&c, "node1", rows[_i].tries, &s), 0);
        ck_assert_uint_eq(s.level, rows[_i].level);
        ck_assert_uint_eq(s.n_devices, rows[_i].n_devices);
        ck_assert_uint_eq(s.round, rows[_i].round);
        ck_assert_uint_eq(s.pause_usec, rows[_i].pause);
        ck_assert_str_eq(s.devices[0]->name, rows[_i].first);
        if (rows[_i].second)
                ck_assert_str_eq(s.devices[1]->name, rows[_i].second);
}
END_TEST

START_TEST(no_device_no_step) {
        struct ladder_step s = {.level = 99};
        struct config c;

        config(&c);
        ck_assert_int_eq(ladder_next(&c, "node3", 0, &s), -ENOENT);
        ck_assert_uint_eq(s.level, 99);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("ladder");
        TCase *tc = unit_case(s, "ladder");

        tcase_add_loop_test(tc, row, 0, (int)ARRAY_SIZE(rows));
        tcase_add_test(tc, no_device_no_step);
        return s;
}

UNIT_MAIN(suite)
