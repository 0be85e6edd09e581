/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What holds the leader back before it switches a host off, or uses one again: the storm guard,
 * kdump-wait, quarantine (DESIGN 4, S2, L3).
 */
#include "tests/unit/rig_fixture.h"

#define ALL 0xfe /* node1 to node7 */

/* node1 of seven leads; each host has a BMC that can prove. */
static struct rig *open_rig(void) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 7);
        for (uint32_t i = 1; i <= 7; i++) {
                char name[NAME_LEN], host[NAME_LEN];

                text_fmt(name, sizeof(name), "bmc%u", i);
                text_fmt(host, sizeof(host), "node%u", i);
                led_device(&l, name, i);
                rig_device(r, name, host, 1);
        }
        rig_open(r, &l, 1, false);
        rig_libvirt(r, NULL, SEEN_GONE);
        rig_clear(r);
        return r;
}

static struct host *node(struct rig *r, uint32_t id) {
        return model_host(rig_model(r), id);
}

/* The ring without the nodes of @gone. */
static void lose(struct rig *r, uint32_t gone) {
        rig_group(r, ALL & ~gone, ALL & ~gone);
}

static size_t starts(const struct rig *r, enum fence_kind kind) {
        size_t n = 0;

        for (size_t i = 0; i < r->n_ops; i++)
                n += r->ops[i].kind == OP_FENCE_START && r->ops[i].fence_kind == kind;
        return n;
}

/* Its job under way ends so. Return: false when there is none. */
static bool fenced(struct rig *r, uint32_t id, enum fence_result result) {
        for (size_t i = 0; i < rig_model(r)->n_fence_jobs; i++) {
                struct fence_job j = rig_model(r)->fence_jobs[i];

                if (j.host != id)
                        continue;
                BY(r, j.executor, .kind = OP_FENCE_DONE, .job = j.id, .host = j.host,
                   .loss = j.loss, .executor = j.executor, .fence_result = result, .text = "read");
                return true;
        }
        return false;
}

/* Time passes, and whatever is tried with node @id meanwhile proves nothing. */
static void pass_unproven(struct rig *r, uint32_t id, unsigned seconds) {
        while (seconds--) {
                rig_pass(r, USEC_PER_SEC);
                (void)fenced(r, id, FENCE_IS_ON); /* or nothing was tried */
        }
}

START_TEST(within_the_limit_they_are_fenced) {
        struct rig *r = open_rig();

        lose(r, 1u << 6 | 1u << 7);
        ck_assert_uint_eq(starts(r, FENCE_OFF), 2);
        ck_assert_uint_eq(starts(r, FENCE_LOOK), 0);
        rig_close(r);
}
END_TEST

/* More than fence-storm-limit at once: it may be us. They are looked at, and a person decides. */
START_TEST(storm_only_looks) {
        struct rig *r = open_rig();

        lose(r, 1u << 5 | 1u << 6 | 1u << 7);
        ck_assert_uint_eq(starts(r, FENCE_OFF), 0);
        ck_assert_uint_eq(starts(r, FENCE_LOOK), 3);
        ck_assert(fenced(r, 5, FENCE_PROVEN_OFF)); /* one that reads off is proven as ever */
        ck_assert_int_eq(node(r, 5)->state, HOST_OFF);
        pass_unproven(r, 6, 120);
        ck_assert_uint_eq(starts(r, FENCE_OFF), 0);
        ck_assert_ptr_nonnull(strstr(node(r, 6)->fence_error, "fence-storm-limit 2"));
        ck_assert_ptr_nonnull(strstr(node(r, 6)->fence_error, "hawctl fence host node6"));
        BY(r, 1, .kind = OP_FENCE_REQUEST, .host = 6, .text = "ann");
        ck_assert_uint_eq(starts(r, FENCE_OFF), 1); /* no pause between looks holds it up */
        rig_close(r);
}
END_TEST

/* One after the other within the window counts too. */
START_TEST(storm_counts_over_its_window) {
        struct rig *r = open_rig();

        lose(r, 1u << 6 | 1u << 7);
        ck_assert(fenced(r, 6, FENCE_PROVEN_OFF));
        ck_assert(fenced(r, 7, FENCE_PROVEN_OFF));
        rig_pass(r, USEC_PER_MINUTE);
        rig_clear(r);
        lose(r, 1u << 5 | 1u << 6 | 1u << 7);
        ck_assert_uint_eq(starts(r, FENCE_OFF), 0);
        ck_assert_uint_eq(starts(r, FENCE_LOOK), 1);
        rig_close(r);
}
END_TEST

START_TEST(kdump_is_waited_for) {
        struct rig *r = open_rig();

        r->config.kdump_wait_usec = USEC_PER_MINUTE;
        lose(r, 1u << 7);
        ck_assert_uint_eq(starts(r, FENCE_OFF), 0);
        ck_assert_uint_eq(starts(r, FENCE_LOOK), 1);
        pass_unproven(r, 7, 55);
        ck_assert_uint_eq(starts(r, FENCE_OFF), 0);
        pass_unproven(r, 7, 10);
        ck_assert_uint_gt(starts(r, FENCE_OFF), 0);
        rig_close(r);
}
END_TEST

/* Looks are not tries: the first off comes at once when kdump-wait ends, from the first level on.
 */
START_TEST(looks_are_no_tries) {
        struct rig *r = open_rig();

        rig_device(r, "pdu7", "node7", 2);
        BY(r, 1, .kind = OP_DEVICE_SEEN, .host = 7, .name = "pdu7", .executor = 1,
           .reading = READING_ON);
        r->config.kdump_wait_usec = USEC_PER_MINUTE;
        lose(r, 1u << 7);
        pass_unproven(r, 7, 55);
        ck_assert_uint_gt(starts(r, FENCE_LOOK), 2);
        ck_assert_uint_eq(node(r, 7)->fence_tries, 0);
        for (unsigned i = 0; i < 20 && !fence_job_open(rig_model(r), 7); i++)
                rig_pass(r, USEC_PER_SEC);
        rig_pass(r, 20 * USEC_PER_SEC); /* the last look takes longer than is waited */
        ck_assert_uint_eq(starts(r, FENCE_OFF), 0);
        ck_assert(fenced(r, 7, FENCE_FAILED));
        ck_assert_uint_eq(starts(r, FENCE_OFF), 1);
        ck_assert_uint_eq(rig_op(r, OP_FENCE_START)->level, 1);
        ck_assert(fenced(r, 7, FENCE_FAILED));
        ck_assert_uint_eq(starts(r, FENCE_OFF), 2); /* the next level, at once */
        ck_assert(fenced(r, 7, FENCE_FAILED));
        ck_assert_uint_eq(starts(r, FENCE_OFF), 2); /* all levels failed: a pause */
        rig_close(r);
}
END_TEST

/* node7 is lost and proven off @times times, and comes back. */
static void fence_it(struct rig *r, unsigned times) {
        for (unsigned i = 0; i < times; i++) {
                lose(r, 1u << 7);
                ck_assert(fenced(r, 7, FENCE_PROVEN_OFF));
                ck_assert_int_eq(node(r, 7)->state, HOST_OFF);
                lose(r, 0);
                BY(r, 7, .kind = OP_HOST_JOIN, .host = 7, .incarnation = INCARNATION(7),
                   .facts = {.vcpus = 4, .memory_mib = 8192});
                while (fenced(r, 7, FENCE_CANCELLED)) /* being switched on */
                        ;
                BY(r, 7, .kind = OP_HOST_REPORT, .host = 7, .incarnation = INCARNATION(7));
                rig_pass(r, USEC_PER_SEC);
                rig_clear(r);
        }
}

START_TEST(fenced_too_often_is_not_used_again) {
        struct rig *r = open_rig();

        r->config.fence_limit = 2;
        fence_it(r, 2);
        ck_assert_int_eq(node(r, 7)->state, HOST_ONLINE);
        fence_it(r, 1);
        ck_assert_int_eq(node(r, 7)->state, HOST_QUARANTINED);
        rig_close(r);
}
END_TEST

static Suite *lead_storm_suite(void) {
        Suite *s = suite_create("lead_storm");
        TCase *tc = unit_case(s, "storm");

        tcase_add_test(tc, within_the_limit_they_are_fenced);
        tcase_add_test(tc, storm_only_looks);
        tcase_add_test(tc, storm_counts_over_its_window);
        tcase_add_test(tc, kdump_is_waited_for);
        tcase_add_test(tc, looks_are_no_tries);
        tc = unit_case(s, "quarantine");
        tcase_add_test(tc, fenced_too_often_is_not_used_again);
        return s;
}

UNIT_MAIN(lead_storm_suite)
