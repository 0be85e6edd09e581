/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a host suffers from: when it counts as degraded, and what follows of that.
 */
#include "tests/unit/rig_fixture.h"

/* ---- the judgement ------------------------------------------------------------------------------
 */

#define S USEC_PER_SEC

struct patient {
        struct config config;
        struct ill_watch w;
        bool degraded;
        usec_t now;
        unsigned changes;
};

static void open_patient(struct patient *p) {
        *p = (struct patient){.now = 1000 * S};
        config_defaults(&p->config);
        p->config.degraded_after_usec = 10 * S;
        p->config.well_after_usec = 60 * S;
}

/* Samples every second for so long; the ledger takes each verdict at once. */
static void lives(struct patient *p, bool bad, unsigned seconds) {
        for (unsigned i = 0; i < seconds; i++) {
                bool said =
                        health_judge(&p->w, p->degraded, bad, p->now, HEALTH_GAP_USEC, &p->config);

                p->changes += said != p->degraded;
                p->degraded = said;
                p->now += S;
        }
}

START_TEST(degraded_when_bad_for_long_enough) {
        struct patient p;

        open_patient(&p);
        lives(&p, true, 10);
        ck_assert(!p.degraded);
        lives(&p, true, 1);
        ck_assert(p.degraded);
}
END_TEST

START_TEST(one_good_sample_begins_anew) {
        struct patient p;

        open_patient(&p);
        for (unsigned i = 0; i < 20; i++) {
                lives(&p, true, 9);
                lives(&p, false, 1);
        }
        ck_assert_uint_eq(p.changes, 0);
        lives(&p, true, 11);
        for (unsigned i = 0; i < 20; i++) {
                lives(&p, false, 59);
                lives(&p, true, 1);
        }
        ck_assert(p.degraded);
        ck_assert_uint_eq(p.changes, 1);
        lives(&p, false, 61);
        ck_assert(!p.degraded);
}
END_TEST

START_TEST(few_samples_decide_nothing) {
        struct patient p;

        open_patient(&p);
        lives(&p, true, 1);
        p.now += 9 * S;
        lives(&p, true, 1);
        ck_assert(!p.degraded);
        lives(&p, true, 1);
        ck_assert(p.degraded);
}
END_TEST

START_TEST(what_was_not_measured_does_not_count) {
        struct patient p;

        open_patient(&p);
        lives(&p, true, 8);
        p.now += HEALTH_GAP_USEC; /* the host stood still */
        lives(&p, true, 5);
        ck_assert(!p.degraded);
        lives(&p, true, 6);
        ck_assert(p.degraded);
}
END_TEST

/* A fault that comes and goes in the worst way changes the ledger less and less often. */
START_TEST(relapses_take_longer) {
        struct patient p;

        open_patient(&p);
        for (unsigned doubled = 1; doubled <= 16; doubled *= 2) {
                lives(&p, true, 11);
                ck_assert(p.degraded);
                lives(&p, false, 60 * doubled);
                ck_assert(p.degraded);
                lives(&p, false, 1);
                ck_assert(!p.degraded);
        }
        lives(&p, true, 11);
        lives(&p, false, 16 * 60 + 1); /* no longer than that */
        ck_assert(!p.degraded);
        lives(&p, false, HEALTH_RELAPSE * 60);
        lives(&p, true, 11);
        lives(&p, false, 61); /* that one was long ago */
        ck_assert(!p.degraded);
}
END_TEST

START_TEST(memory_has_two_bounds) {
        ck_assert(!health_memory(1999, 20, false));
        ck_assert(health_memory(2000, 20, false));
        ck_assert(health_memory(1000, 20, true));
        ck_assert(!health_memory(999, 20, true));
        ck_assert(!health_memory(HEALTH_NO_PRESSURE, 20, false));
        ck_assert(!health_memory(10000, 0, true)); /* not judged */
}
END_TEST

START_TEST(names) {
        char buf[64];

        for (unsigned i = 0; i < ILL_MAX_; i++)
                ck_assert_ptr_nonnull(ill_name((enum ill)i));
        ck_assert_ptr_null(ill_name(ILL_MAX_));
        ck_assert_str_eq(ills_text(0, buf, sizeof(buf)), "");
        ck_assert_str_eq(ills_text(ILL_BIT(ILL_STORAGE) | ILL_BIT(ILL_SENSORS), buf, sizeof(buf)),
                         "storage, sensors");
}
END_TEST

/* ---- the ledger ---------------------------------------------------------------------------------
 */

#define ILL(l, nodeid, what, is_bad)                                                               \
        .kind = OP_HOST_HEALTH, .host = (nodeid), .incarnation = INCARNATION(nodeid),              \
        .ill = (what), .flag = (is_bad), .text = "why"

START_TEST(ledger_degrades_and_heals) {
        struct led l;

        led_open(&l, 3);
        UNCHANGED(&l, ILL(&l, 2, ILL_UPLINK, false));
        CHANGED(&l, ILL(&l, 2, ILL_UPLINK, true));
        ck_assert_int_eq(H(&l, 2)->state, HOST_DEGRADED);
        ck_assert_str_eq(H(&l, 2)->ill_text[ILL_UPLINK], "why");
        ck_assert(led_noted(&l, NOTE_HOST_DEGRADED));
        UNCHANGED(&l, ILL(&l, 2, ILL_UPLINK, true));
        CHANGED(&l, ILL(&l, 2, ILL_STORAGE, true));
        CHANGED(&l, ILL(&l, 2, ILL_UPLINK, false));
        ck_assert(led_noted(&l, NOTE_HOST_WELL));
        ck_assert_str_eq(H(&l, 2)->ill_text[ILL_UPLINK], "");
        ck_assert_int_eq(H(&l, 2)->state, HOST_DEGRADED);
        CHANGED(&l, ILL(&l, 2, ILL_STORAGE, false));
        ck_assert_int_eq(H(&l, 2)->state, HOST_ONLINE);
        led_close(&l);
}
END_TEST

START_TEST(ledger_takes_no_word_of_another_hawd) {
        struct led l;

        led_open(&l, 3);
        UNCHANGED(&l, .kind = OP_HOST_HEALTH, .host = 2, .incarnation = 4711, .flag = true);
        CHANGED(&l, .kind = OP_HOST_HEALTH, .host = 2, .ill = ILL_SENSORS, .flag = true);
        led_lose(&l, 2);
        UNCHANGED(&l, ILL(&l, 2, ILL_UPLINK, true));
        led_close(&l);
}
END_TEST

/* What it suffered from is still so when it is back, until it says otherwise. */
START_TEST(degraded_again_when_it_is_back) {
        struct led l;

        led_open(&l, 3);
        APPLY(&l, ILL(&l, 2, ILL_STORAGE, true));
        led_lose(&l, 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        APPLY(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        led_online(&l, 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_DEGRADED);
        led_close(&l);
}
END_TEST

/* It serves on: only where a guest starts is another matter. */
START_TEST(degraded_takes_what_an_operator_gives) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        APPLY(&l, ILL(&l, 2, ILL_UPLINK, true));
        gid = led_running(&l, "web", 1);
        CHANGED(&l, .kind = OP_GUEST_MOVE, .gid = gid, .host = 2, .text = "ann");
        CHANGED(&l, .kind = OP_HOST_STOPPING, .host = 2, .incarnation = INCARNATION(2));
        ck_assert_int_eq(H(&l, 2)->state, HOST_AWAY);
        led_close(&l);
}
END_TEST

/* ---- the core -----------------------------------------------------------------------------------
 */

static struct rig *open_rig(uint32_t nodeid, void (*fill)(struct led *l)) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        if (fill)
                fill(&l);
        r->config.degraded_after_usec = 5 * S;
        r->config.well_after_usec = 20 * S;
        rig_open(r, &l, nodeid, false);
        return r;
}

static void measures(struct rig *r, struct health_sample s, unsigned seconds) {
        for (unsigned i = 0; i < seconds; i++) {
                EVENT(r, .kind = EV_HOST_HEALTH, .health = s);
                rig_pass(r, S);
        }
}

static const struct health_sample good = {
        .storage = MEASURED_GOOD, .uplink = MEASURED_GOOD, .memory_full = 0};
static const struct {
        enum ill ill;
        struct health_sample sample;
        const char *text;
} rows[] = {
        {ILL_STORAGE,
         {.storage = MEASURED_BAD, .storage_text = "/srv: no answer for 10s"},
         "/srv: no answer for 10s"},
        {ILL_UPLINK,
         {.uplink = MEASURED_BAD, .uplink_text = "br0 has no carrier"},
         "br0 has no carrier"},
        {ILL_MEMORY, {.memory_full = 4200}, "all tasks wait for it 42 % of the time"},
};

START_TEST(core_says_what_it_measures) {
        struct rig *r = open_rig(2, NULL);
        const struct host *h = model_host(rig_model(r), 2);

        EVENT(r, .kind = EV_LIBVIRT_UP);
        measures(r, good, 3);
        measures(r, rows[_i].sample, 5);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_HEALTH), 0);
        measures(r, rows[_i].sample, 5);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_HEALTH), 1);
        ck_assert_int_eq(h->state, HOST_DEGRADED);
        ck_assert_uint_eq(h->ills, ILL_BIT(rows[_i].ill));
        ck_assert_str_eq(h->ill_text[rows[_i].ill], rows[_i].text);
        measures(r, good, 19);
        ck_assert_int_eq(h->state, HOST_DEGRADED);
        measures(r, good, 6);
        ck_assert_int_eq(h->state, HOST_ONLINE);
        ck_assert_uint_eq(rig_ops(r, OP_HOST_HEALTH), 2);
        rig_close(r);
}
END_TEST

START_TEST(core_says_that_libvirt_is_silent) {
        struct rig *r = open_rig(2, NULL);
        const struct host *h = model_host(rig_model(r), 2);

        measures(r, good, 10);
        ck_assert_uint_eq(h->ills, 0); /* it was not asked yet */
        EVENT(r, .kind = EV_LIBVIRT_DOWN);
        measures(r, good, 8);
        ck_assert_uint_eq(h->ills, ILL_BIT(ILL_LIBVIRT));
        rig_close(r);
}
END_TEST

/* An entry that got lost is said again, but not with each sample. */
START_TEST(core_says_it_until_the_ledger_has_it) {
        struct rig *r = open_rig(2, NULL);

        EVENT(r, .kind = EV_LIBVIRT_UP);
        r->lose_entries = true;
        measures(r, rows[0].sample, 15);
        ck_assert_uint_ge(rig_ops(r, OP_HOST_HEALTH), 4);
        ck_assert_uint_le(rig_ops(r, OP_HOST_HEALTH), 6);
        r->lose_entries = false;
        measures(r, rows[0].sample, 4);
        ck_assert_int_eq(model_host(rig_model(r), 2)->state, HOST_DEGRADED);
        rig_close(r);
}
END_TEST

/* What the hawd before measured holds until this one has seen for long enough that it is over. */
START_TEST(core_goes_on_with_what_the_ledger_says) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        APPLY(&l, ILL(&l, 2, ILL_UPLINK, true));
        r->config.well_after_usec = 20 * S;
        rig_open(r, &l, 2, false);
        EVENT(r, .kind = EV_LIBVIRT_UP);
        measures(r, good, 19);
        ck_assert_int_eq(model_host(rig_model(r), 2)->state, HOST_DEGRADED);
        measures(r, good, 4);
        ck_assert_int_eq(model_host(rig_model(r), 2)->state, HOST_ONLINE);
        rig_close(r);
}
END_TEST

/* ---- sensors: by another host, of the next one's BMC
 * ---------------------------------------------
 */

static struct rig *open_looker(uint32_t nodeid) {
        struct rig *r = rig_new();
        struct led l;

        led_open(&l, 3);
        r->config.degraded_after_usec = 5 * S;
        r->config.well_after_usec = 20 * S;
        rig_device(r, "apc1", "node1", 2)->driver = FENCE_DRIVER_AGENT;
        rig_device(r, "bmc1", "node1", 1);
        rig_open(r, &l, nodeid, false);
        return r;
}

/* Answers each look for so long, in the same way. Return: how many there were. */
static unsigned looks(struct rig *r, enum measured said, unsigned seconds) {
        unsigned n = 0;

        for (unsigned i = 0; i < seconds; i++) {
                bool asked = false;

                rig_pass(r, S);
                for (size_t k = 0; k < r->n_acts; k++)
                        if (r->acts[k].kind == ACT_SENSORS) {
                                ck_assert_str_eq(r->acts[k].sensors.device, "bmc1");
                                ck_assert_uint_eq(r->acts[k].sensors.nodeid, 1);
                                asked = true;
                        }
                rig_clear(r);
                n += asked;
                if (asked)
                        EVENT(r, .kind = EV_SENSORS,
                              .sensors = {.nodeid = 1, .said = said, .text = "CPU is critical"});
        }
        return n;
}

START_TEST(sensors_degrade_another_host) {
        struct rig *r = open_looker(2);
        const struct host *h = model_host(rig_model(r), 1);

        ck_assert_uint_eq(looks(r, MEASURED_GOOD, 180), 3); /* once a minute */
        ck_assert_uint_eq(looks(r, MEASURED_BAD, 8), 1);
        ck_assert_uint_eq(h->ills, 0); /* one look is not enough; the next come sooner */
        (void)looks(r, MEASURED_BAD, 15);
        ck_assert_uint_eq(h->ills, ILL_BIT(ILL_SENSORS));
        ck_assert_str_eq(h->ill_text[ILL_SENSORS], "CPU is critical");
        ck_assert_int_eq(h->state, HOST_DEGRADED);
        (void)looks(r, MEASURED_NOT, 200); /* its BMC is silent */
        ck_assert_int_eq(h->state, HOST_DEGRADED);
        (void)looks(r, MEASURED_GOOD, 100);
        ck_assert_int_eq(h->state, HOST_ONLINE);
        rig_close(r);
}
END_TEST

START_TEST(sensors_that_cannot_be_read_say_nothing) {
        struct rig *r = open_looker(2);

        (void)looks(r, MEASURED_NOT, 300);
        ck_assert_uint_eq(model_host(rig_model(r), 1)->ills, 0);
        rig_close(r);
}
END_TEST

START_TEST(sensors_are_looked_at_by_one_host) {
        struct rig *r = open_looker(3);

        ck_assert_uint_eq(looks(r, MEASURED_BAD, 120), 0);
        rig_close(r);
        r = open_looker(1); /* nor by itself */
        ck_assert_uint_eq(looks(r, MEASURED_BAD, 120), 0);
        rig_close(r);
        r = open_looker(2);
        r->config.sensor_check_usec = 0;
        (void)looks(r, MEASURED_BAD, 10);
        ck_assert_uint_eq(looks(r, MEASURED_BAD, 120), 0);
        rig_close(r);
}
END_TEST

/* ---- where guests start ------------------------------------------------------------------------
 */

static uint32_t ills_of[4]; /* by node id */
static const char *policy_of;

static void ailing_hosts(struct led *l) {
        struct guest *g;

        for (uint32_t n = 1; n <= 3; n++)
                for (unsigned i = 0; i < ILL_MAX_; i++)
                        if (ills_of[n] & ILL_BIT(i))
                                APPLY(l, ILL(l, n, (enum ill)i, true));
        g = G(l, led_add(l, "web"));
        if (policy_of) {
                g->spec->conf.recovery[0] = RUNG_RESTART;
                g->spec->conf.recovery[1] = RUNG_NONE;
        }
}

static const struct {
        uint32_t ills[3];
        uint32_t host; /* 0: none */
        const char *why;
} starts[] = {
        {{ILL_BIT(ILL_UPLINK), 0, 0}, 2, "lowest id among equals before node3"},
        {{ILL_BIT(ILL_UPLINK), ILL_BIT(ILL_MEMORY), 0},
         3,
         "healthy before node1 (degraded: uplink)"},
        {{ILL_BIT(ILL_STORAGE), ILL_BIT(ILL_LIBVIRT), 0},
         3,
         "the only host possible; not node1 (degraded: storage), node2 (degraded: libvirt)"},
        /* All of them: one whose guests have no network is better than none; one without storage
         * is not. */
        {{ILL_BIT(ILL_UPLINK), ILL_BIT(ILL_UPLINK), ILL_BIT(ILL_UPLINK)},
         1,
         "lowest id among equals before node2 (degraded: uplink); itself degraded: uplink"},
        {{ILL_BIT(ILL_STORAGE), ILL_BIT(ILL_STORAGE), ILL_BIT(ILL_STORAGE)},
         0,
         "no host can be used; not node1 (degraded: storage), node2 (degraded: storage), node3 "
         "(degraded: storage)"},
        {{ILL_BIT(ILL_STORAGE), ILL_BIT(ILL_SENSORS), ILL_BIT(ILL_STORAGE)},
         2,
         "the only host possible; itself degraded: sensors; not node1 (degraded: storage), node3 "
         "(degraded: storage)"},
};

START_TEST(start_passes_over_the_degraded) {
        struct rig *r;
        const struct op *op;

        memcpy(&ills_of[1], starts[_i].ills, sizeof(starts[_i].ills));
        policy_of = NULL;
        r = open_rig(1, ailing_hosts);
        op = rig_op(r, OP_GUEST_START);
        if (starts[_i].host) {
                ck_assert_ptr_nonnull(op);
                ck_assert_uint_eq(op->host, starts[_i].host);
                ck_assert_str_eq(op->text, starts[_i].why);
        } else {
                ck_assert_ptr_null(op);
                op = rig_op(r, OP_GUEST_REASON);
                ck_assert_ptr_nonnull(op);
                ck_assert_ptr_nonnull(strstr(op->text, starts[_i].why));
                ck_assert_int_eq(rig_model(r)->guests[0].state, GUEST_BLOCKED);
        }
        rig_close(r);
}
END_TEST

static void heartbeat(struct rig *r, uint32_t from, uint32_t ills) {
        struct ring_member member = {from, 1000 + from};
        struct msg *m = msg_new(MSG_HEARTBEAT);
        struct actions out = {0};

        m->heartbeat = (struct heartbeat){
                .sent_usec = r->now, .wall = rig_wall(r->now), .libvirt_ok = true, .ills = ills};
        rig_message(r, member, m, &out);
        msg_unref(m);
        rig_pump(r, &out);
        actions_free(&out);
}

/* It is bad there now; for how long does not matter to a start that would fail. */
START_TEST(start_passes_over_what_a_heartbeat_says) {
        struct rig *r = open_rig(1, NULL);

        EVENT(r, .kind = EV_LIBVIRT_UP);
        r->others_silent = true;
        measures(r, rows[0].sample, 3); /* its own tells so, too */
        heartbeat(r, 2, ILL_BIT(ILL_STORAGE));
        heartbeat(r, 3, 0);
        BY(r, 2, .kind = OP_GUEST_ADD, .spec = led_spec("a"), .desired = DESIRED_RUNNING);
        BY(r, 2, .kind = OP_GUEST_ADD, .spec = led_spec("b"), .desired = DESIRED_RUNNING);
        BY(r, 2, .kind = OP_GUEST_ADD, .spec = led_spec("c"), .desired = DESIRED_RUNNING);
        for (size_t i = 0; i < 3; i++)
                ck_assert_uint_eq(rig_model(r)->guests[i].host, 3);
        ck_assert_int_eq(model_host(rig_model(r), 2)->state, HOST_ONLINE);
        rig_close(r);
}
END_TEST

static void runs_on_2(struct led *l) {
        uint32_t gid = led_running(l, "web", 2);

        if (policy_of)
                G(l, gid)->spec->conf.recovery[1] = RUNG_NONE;
        for (uint32_t n = 1; n <= 3; n++)
                for (unsigned i = 0; i < ILL_MAX_; i++)
                        if (ills_of[n] & ILL_BIT(i))
                                APPLY(l, ILL(l, n, (enum ill)i, true));
}

static const struct {
        uint32_t ills[3];
        const char *policy;
        uint32_t host;
        enum rung rung;
} failures[] = {
        {{0, 0, 0}, NULL, 2, RUNG_RESTART},
        {{0, ILL_BIT(ILL_UPLINK), 0}, NULL, 1, RUNG_RELOCATE},
        {{0, ILL_BIT(ILL_UPLINK), 0}, "restart only", 2, RUNG_RESTART},
        {{ILL_BIT(ILL_MEMORY), ILL_BIT(ILL_UPLINK), ILL_BIT(ILL_UPLINK)}, NULL, 2, RUNG_RESTART},
        {{ILL_BIT(ILL_STORAGE), ILL_BIT(ILL_UPLINK), ILL_BIT(ILL_STORAGE)}, NULL, 2, RUNG_RESTART},
        {{0, ILL_BIT(ILL_STORAGE), 0}, NULL, 1, RUNG_RELOCATE},
};

START_TEST(recovery_leaves_the_degraded) {
        const struct op *op;
        struct guest *g;
        struct rig *r;

        memcpy(&ills_of[1], failures[_i].ills, sizeof(failures[_i].ills));
        policy_of = failures[_i].policy;
        r = open_rig(1, runs_on_2);
        g = &rig_model(r)->guests[0];
        BY(r, 2, .kind = OP_GUEST_SEEN, .gid = g->gid, .gen = g->gen, .host = 2, .seen = SEEN_GONE,
           .end_why = END_FAILED, .text = "QEMU died");
        op = rig_op(r, OP_GUEST_START);
        ck_assert_ptr_nonnull(op);
        ck_assert_uint_eq(op->host, failures[_i].host);
        ck_assert_int_eq(op->rung, failures[_i].rung);
        rig_close(r);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("health");
        TCase *tc = tcase_create("judgement");

        tcase_add_test(tc, degraded_when_bad_for_long_enough);
        tcase_add_test(tc, one_good_sample_begins_anew);
        tcase_add_test(tc, few_samples_decide_nothing);
        tcase_add_test(tc, what_was_not_measured_does_not_count);
        tcase_add_test(tc, relapses_take_longer);
        tcase_add_test(tc, memory_has_two_bounds);
        tcase_add_test(tc, names);
        suite_add_tcase(s, tc);
        tc = tcase_create("ledger");
        tcase_add_test(tc, ledger_degrades_and_heals);
        tcase_add_test(tc, ledger_takes_no_word_of_another_hawd);
        tcase_add_test(tc, degraded_again_when_it_is_back);
        tcase_add_test(tc, degraded_takes_what_an_operator_gives);
        suite_add_tcase(s, tc);
        tc = tcase_create("core");
        tcase_add_loop_test(tc, core_says_what_it_measures, 0, ARRAY_SIZE(rows));
        tcase_add_test(tc, core_says_that_libvirt_is_silent);
        tcase_add_test(tc, core_says_it_until_the_ledger_has_it);
        tcase_add_test(tc, core_goes_on_with_what_the_ledger_says);
        suite_add_tcase(s, tc);
        tc = tcase_create("sensors");
        tcase_add_test(tc, sensors_degrade_another_host);
        tcase_add_test(tc, sensors_that_cannot_be_read_say_nothing);
        tcase_add_test(tc, sensors_are_looked_at_by_one_host);
        suite_add_tcase(s, tc);
        tc = tcase_create("placement");
        tcase_add_loop_test(tc, start_passes_over_the_degraded, 0, ARRAY_SIZE(starts));
        tcase_add_test(tc, start_passes_over_what_a_heartbeat_says);
        tcase_add_loop_test(tc, recovery_leaves_the_degraded, 0, ARRAY_SIZE(failures));
        suite_add_tcase(s, tc);
        return s;
}

UNIT_MAIN(suite)
