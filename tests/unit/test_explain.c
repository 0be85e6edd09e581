/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Why is it there?", "why does it not run?": every answer has the reason and what mends it (L2).
 */
#include "tests/unit/rig_fixture.h"

static struct rig *open_rig(void (*fill)(struct led *l)) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        fill(&l);
        rig_device(r, "bmc3", "node3", 1);
        rig_open(r, &l, 2, false);
        rig_libvirt(r, NULL, SEEN_GONE);
        return r;
}

/* The explanation has each of these, in this order. */
static void says(char *text, const char *const *parts) {
        const char *at = text;

        ck_assert_ptr_nonnull(text);
        for (; *parts; parts++) {
                const char *found = strstr(at, *parts);

                ck_assert_msg(found != NULL, "no \"%s\" in:\n%s", *parts, text);
                at = found;
        }
        free(text);
}

#define SAYS(text, ...) says((text), (const char *const[]){__VA_ARGS__, NULL})

static void running(struct led *l) {
        led_running(l, "web", 3);
}

START_TEST(why_it_is_there) {
        struct rig *r = open_rig(running);

        SAYS(core_explain_guest(r->c, "web"), " 1  web is wanted running and is running: runs on",
             " 2  it is on node3: test", " 3  node3 has the claim on it");
        SAYS(core_explain_host(r->c, "node3"),
             " 1  node3 is online; in the hawd group, in the ring");
        ck_assert_ptr_null(core_explain_guest(r->c, "none"));
        ck_assert_ptr_null(core_explain_host(r->c, "none"));
        rig_close(r);
}
END_TEST

static void lost(struct led *l) {
        led_running(l, "web", 3);
        led_lose(l, 3);
        led_fenced(l, led_fence(l, 3, FENCE_OFF, "bmc3"), FENCE_FAILED);
}

static void lost_with_a_watchdog(struct led *l) {
        lost(l);
        H(l, 3)->watchdog_usec = H(l, 3)->lease_usec = 10 * USEC_PER_SEC;
}

START_TEST(why_it_waits_for_proof) {
        struct rig *r = open_rig(lost);

        rig_group(r, 0x6, 0x6);
        SAYS(core_explain_guest(r->c, "web"), "is wanted running and is failed", "it is on node3",
             "node3 has the claim",
             "node3 is lost (loss 1) and not proven off: what it may run starts nowhere else",
             "last try (1 so far): what was read", "next: level 1 by bmc3",
             "mend: repair its fence device", "hawctl fence confirm node3 --yes");
        SAYS(core_explain_host(r->c, "node3"), "node3 is lost; not in the hawd group",
             "hawctl fence confirm node3 --yes");
        rig_close(r);

        r = open_rig(lost_with_a_watchdog);
        SAYS(core_explain_host(r->c, "node3"), "next: level 1 by bmc3",
             "its watchdog proves it off 33s after it left");
        rig_close(r);
}
END_TEST

START_TEST(no_device_is_said) {
        struct rig *r = open_rig(lost);

        r->config.n_devices = 0;
        SAYS(core_explain_host(r->c, "node3"), "it has no fence device in hawd.conf",
             "hawctl fence confirm node3 --yes");
        rig_close(r);
}
END_TEST

static void waiting(struct led *l) {
        struct guest *g = G(l, led_add(l, "web"));

        text_set(g->spec->after[g->spec->n_after++], NAME_LEN, "dns");
        g->tried = 1u << 1;
        g->host = 2;
        led_lose(l, 3);
}

START_TEST(why_it_does_not_start) {
        struct rig *r = open_rig(waiting);

        SAYS(core_explain_guest(r->c, "web"), "is wanted running and is failed",
             "it was last on node2", "starts only after dns is healthy",
             "it would start on node2: it ran there last before node1; not node3 (lost)",
             "passed over for now: node2 (it failed there)");
        rig_close(r);
}
END_TEST

static void looping(struct led *l) {
        struct guest *g = G(l, led_running(l, "web", 2));

        g->recovery =
                (struct recovery){.why = END_HANG, .failures = 6, .early = 3, .taken = {0, 3, 2}};
        g->recovery.window_wall = l->wall;
        guest_release(&(struct ledger){.m = &l->m}, g, 2);
        g->state = GUEST_BLOCKED;
}

START_TEST(why_it_is_not_recovered) {
        struct rig *r = open_rig(looping);

        SAYS(core_explain_guest(r->c, "web"),
             "failed by itself 6 times, at last by hang: a boot loop",
             "restart, taken 3 of 3 times", "relocate, taken 2 of 2 times",
             "hawctl guest recover web");
        rig_close(r);
}
END_TEST

static void huge(struct led *l) {
        G(l, led_add(l, "web"))->spec->memory_mib = 100000;
}

START_TEST(why_there_is_no_room) {
        struct rig *r = open_rig(huge);

        SAYS(core_explain_guest(r->c, "web"),
             "it cannot be placed now: no host has room; not node1 (7680 MiB");
        rig_close(r);
}
END_TEST

static void starting(struct led *l) {
        led_start(l, led_add(l, "web"), 3);
}

START_TEST(what_is_under_way) {
        struct rig *r = open_rig(starting);

        SAYS(core_explain_guest(r->c, "web"), "under way: start on node3");
        rig_close(r);
}
END_TEST

static void proven(struct led *l) {
        led_lose(l, 3);
        APPLY(l, .kind = OP_FENCE_CONFIRM, .host = 3, .text = "ann");
}

START_TEST(host_states_have_their_words) {
        struct rig *r = open_rig(proven);

        SAYS(core_explain_host(r->c, "node3"), "node3 is off",
             "node3 is proven off by operator: confirmed by ann");
        BY(r, 3, .kind = OP_HOST_JOIN, .host = 3, .incarnation = 9);
        SAYS(core_explain_host(r->c, "node3"), "node3 is joining", "settles its guests");
        BY(r, 1, .kind = OP_HOST_ADD, .host = 4, .name = "node4");
        SAYS(core_explain_host(r->c, "node4"), "node4 is new", "its hawd was never seen");
        rig_close(r);
}
END_TEST

START_TEST(no_decisions_comes_first) {
        struct rig *r = open_rig(running);

        rig_quorum(r, false);
        SAYS(core_explain_guest(r->c, "web"),
             " 1  no decisions are made at present: the ring is not quorate");
        rig_group(r, 1u << 2, 1u << 2);
        SAYS(core_explain_host(r->c, "node1"), " 1  no decisions are made at present: ", "node1",
             "node3");
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("explain");
        TCase *tc = unit_case(s, "explain");

        tcase_add_test(tc, why_it_is_there);
        tcase_add_test(tc, why_it_waits_for_proof);
        tcase_add_test(tc, no_device_is_said);
        tcase_add_test(tc, why_it_does_not_start);
        tcase_add_test(tc, why_it_is_not_recovered);
        tcase_add_test(tc, why_there_is_no_room);
        tcase_add_test(tc, what_is_under_way);
        tcase_add_test(tc, host_states_have_their_words);
        tcase_add_test(tc, no_decisions_comes_first);
        return s;
}

UNIT_MAIN(suite)
