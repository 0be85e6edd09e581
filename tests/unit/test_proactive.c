/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guests of a degraded host: where they should go, and the leader moving them there.
 */
#include "tests/unit/rig_fixture.h"

#define S USEC_PER_SEC

static uint32_t ills_of[4]; /* by node id */
static enum rung only;      /* of the policy; NONE: both */
static uint32_t relocated;  /* so often, lately */

/* "small" and "large" on node2; "there" on node1. */
static void fill(struct led *l) {
        static const char *const names[] = {"small", "large"};

        for (size_t i = 0; i < 2; i++) {
                struct guest *g = G(l, led_running(l, names[i], 2));

                g->spec->conf.priority = i ? 500 : 100;
                if (only) {
                        g->spec->conf.recovery[0] = only;
                        g->spec->conf.recovery[1] = RUNG_NONE;
                }
                g->recovery.taken[RUNG_RELOCATE] = relocated;
                g->recovery.window_wall = l->wall;
        }
        (void)led_running(l, "there", 1);
        for (uint32_t n = 1; n <= 3; n++)
                for (unsigned i = 0; i < ILL_MAX_; i++)
                        if (ills_of[n] & ILL_BIT(i))
                                APPLY(l, .kind = OP_HOST_HEALTH, .host = n, .ill = (enum ill)i,
                                      .flag = true, .text = "why");
}

static void beats(struct rig *r, uint32_t from, uint32_t ills) {
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

/* Both others are heard all the while. */
static void pass(struct rig *r, unsigned seconds, uint32_t n2, uint32_t n3) {
        for (unsigned i = 0; i < seconds; i++) {
                beats(r, 2, n2);
                beats(r, 3, n3);
                rig_pass(r, S);
        }
}

/* node1 leads; every host measures what the ledger says of it. */
static struct rig *open_rig(uint32_t n1, uint32_t n2, uint32_t n3, enum proactive what) {
        struct rig *r = rig_new();
        struct led l;

        ills_of[1] = n1;
        ills_of[2] = n2;
        ills_of[3] = n3;
        led_open(&l, 3);
        fill(&l);
        r->config.proactive = what;
        r->others_silent = true;
        rig_open(r, &l, 1, false);
        beats(r, 2, n2);
        beats(r, 3, n3);
        return r;
}

static struct guest *guest(struct rig *r, const char *name) {
        return model_guest_named(rig_model(r), name);
}

static void done(struct rig *r, const char *name, enum seen_state seen) {
        struct guest *g = guest(r, name);

        ck_assert_int_ne(g->job_kind, JOB_NONE);
        BY(r, g->job_host, .kind = OP_GUEST_DONE, .gid = g->gid, .job = g->job, .host = g->job_host,
           .result = RESULT_DONE, .seen = seen, .text = "result");
}

#define UPLINK ILL_BIT(ILL_UPLINK)
#define MEMORY ILL_BIT(ILL_MEMORY)
#define STORAGE ILL_BIT(ILL_STORAGE)
#define LIBVIRT ILL_BIT(ILL_LIBVIRT)
#define SENSORS ILL_BIT(ILL_SENSORS)

static const struct {
        uint32_t ills[3];
        enum proactive what;
        enum rung only;
        uint32_t relocated;
        uint32_t to; /* node id; 0: nobody moves */
        const char *why;
} rows[] = {
        {{0, UPLINK, 0}, PROACTIVE_EVACUATE, RUNG_NONE, 0, 1, "best fit before node3"},
        {{0, UPLINK, 0}, PROACTIVE_EVACUATE, RUNG_RELOCATE, 1, 1, "best fit before node3"},
        {{0, SENSORS, 0}, PROACTIVE_EVACUATE, RUNG_NONE, 0, 1, "best fit before node3"},
        {{0, STORAGE, 0}, PROACTIVE_EVACUATE, RUNG_NONE, 0, 1, "best fit before node3"},
        {{MEMORY, UPLINK, 0}, PROACTIVE_EVACUATE, RUNG_NONE, 0, 3, "the only host possible"},
        /* To none that is degraded as well. */
        {{UPLINK, UPLINK, UPLINK},
         PROACTIVE_EVACUATE,
         RUNG_NONE,
         0,
         0,
         "no other host that is well can take it"},
        {{MEMORY, UPLINK, STORAGE},
         PROACTIVE_EVACUATE,
         RUNG_NONE,
         0,
         0,
         "no other host that is well can take it"},
        /* Not possible, or not allowed. */
        {{0, UPLINK | LIBVIRT, 0}, PROACTIVE_EVACUATE, RUNG_NONE, 0, 0, "cannot be stopped"},
        {{0, UPLINK, 0}, PROACTIVE_EVACUATE, RUNG_RESTART, 0, 0, "its recovery has no relocate"},
        {{0, UPLINK, 0}, PROACTIVE_EVACUATE, RUNG_NONE, 2, 0, "relocated relocate-limit times"},
        {{0, UPLINK, 0}, PROACTIVE_ADVISE, RUNG_NONE, 0, 0, "best fit before node3"},
        {{0, UPLINK, 0}, PROACTIVE_OFF, RUNG_NONE, 0, 0, NULL},
};

START_TEST(who_moves_where) {
        struct core_advice a[4];
        const struct op *op;
        struct rig *r;
        size_t n;

        only = rows[_i].only;
        relocated = rows[_i].relocated;
        r = open_rig(rows[_i].ills[0], rows[_i].ills[1], rows[_i].ills[2], rows[_i].what);
        op = rig_op(r, OP_GUEST_MOVE);
        if (rows[_i].to) {
                ck_assert_ptr_nonnull(op);
                ck_assert_uint_eq(op->host, rows[_i].to);
                ck_assert_uint_eq(op->gid, guest(r, "large")->gid);
        } else {
                ck_assert_ptr_null(op);
                ck_assert_int_eq(guest(r, "large")->state, GUEST_RUNNING);
        }
        rig_close(r);

        r = open_rig(rows[_i].ills[0], rows[_i].ills[1], rows[_i].ills[2],
                     rows[_i].what == PROACTIVE_EVACUATE ? PROACTIVE_ADVISE : rows[_i].what);
        n = core_advice(r->c, 2, a, ARRAY_SIZE(a));
        ck_assert_uint_eq(n, rows[_i].why ? 2 : 0);
        if (n) {
                ck_assert_str_eq(a[0].guest, "small");
                ck_assert_ptr_nonnull(strstr(a[0].why, rows[_i].why));
                ck_assert(rows[_i].what == PROACTIVE_ADVISE || a[0].to == rows[_i].to);
        }
        ck_assert_uint_eq(core_advice(r->c, 2, a, 1), MIN(n, 1));
        ck_assert_uint_eq(core_advice(r->c, 9, a, 1), 0);
        rig_close(r);
}
END_TEST

START_TEST(one_after_the_other) {
        struct rig *r;

        only = RUNG_NONE;
        relocated = 0;
        r = open_rig(0, UPLINK, 0, PROACTIVE_EVACUATE);
        ck_assert_uint_eq(guest(r, "large")->move_to, 1);
        ck_assert_uint_eq(guest(r, "large")->recovery.taken[RUNG_RELOCATE], 1);
        ck_assert_int_eq(guest(r, "large")->job_kind, JOB_STOP);
        pass(r, 5, UPLINK, 0);
        ck_assert_uint_eq(guest(r, "small")->move_to, 0);
        done(r, "large", SEEN_GONE);
        ck_assert_uint_eq(guest(r, "large")->job_host, 1);
        pass(r, 5, UPLINK, 0);
        ck_assert_uint_eq(guest(r, "small")->move_to, 0);
        done(r, "large", SEEN_RUNNING);
        ck_assert_uint_eq(guest(r, "small")->move_to, 1);
        done(r, "small", SEEN_GONE);
        done(r, "small", SEEN_RUNNING);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_MOVE), 2);
        /* Then the other one is degraded, and they go on: as often as their policy says. */
        for (uint32_t n = 0; n < 6; n++) {
                uint32_t at = guest(r, "large")->host;

                BY(r, at, .kind = OP_HOST_HEALTH, .host = at, .ill = ILL_SENSORS, .flag = true,
                   .text = "hot");
                BY(r, at == 1 ? 2 : 1, .kind = OP_HOST_HEALTH, .host = at == 1 ? 2 : 1,
                   .ill = ILL_UPLINK, .flag = false, .text = "");
                for (size_t k = 0; k < 8; k++)
                        for (size_t i = 0; i < rig_model(r)->n_guests; i++) {
                                struct guest *g = &rig_model(r)->guests[i];

                                if (g->job_kind != JOB_NONE)
                                        done(r, g->spec->name,
                                             g->job_kind == JOB_STOP ? SEEN_GONE : SEEN_RUNNING);
                        }
        }
        ck_assert_uint_eq(guest(r, "large")->recovery.taken[RUNG_RELOCATE], 2);
        ck_assert_uint_eq(guest(r, "small")->recovery.taken[RUNG_RELOCATE], 2);
        rig_close(r);
}
END_TEST

/* It is in the ledger until well-after; but it is good now. */
START_TEST(what_is_good_now_moves_nobody) {
        struct rig *r;

        only = RUNG_NONE;
        relocated = 0;
        r = open_rig(0, UPLINK, 0, PROACTIVE_ADVISE);
        beats(r, 2, 0);
        r->config.proactive = PROACTIVE_EVACUATE;
        pass(r, 5, 0, 0);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_MOVE), 0);
        beats(r, 2, UPLINK);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_MOVE), 1);
        rig_close(r);
}
END_TEST

START_TEST(memory_waits_for_relief) {
        struct rig *r;

        only = RUNG_NONE;
        relocated = 0;
        r = open_rig(0, MEMORY, 0, PROACTIVE_EVACUATE);
        done(r, "large", SEEN_GONE);
        done(r, "large", SEEN_RUNNING);
        pass(r, 50, MEMORY, 0);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_MOVE), 1);
        pass(r, 15, MEMORY, 0);
        ck_assert_uint_eq(rig_ops(r, OP_GUEST_MOVE), 2);
        rig_close(r);
}
END_TEST

START_TEST(advice_is_noted_once) {
        struct rig *r;
        size_t n = 0;

        only = RUNG_NONE;
        relocated = 0;
        r = open_rig(0, UPLINK, 0, PROACTIVE_ADVISE);
        pass(r, 30, UPLINK, 0);
        for (size_t i = 0; i < r->n_acts; i++)
                n += r->acts[i].kind == ACT_NOTE && r->acts[i].note->id == NOTE_MOVE_ADVISED;
        ck_assert_uint_eq(n, 2);
        rig_close(r);
}
END_TEST

START_TEST(a_host_has_its_own) {
        struct config *c = xcalloc(1, sizeof(*c));
        char err[TEXT_LEN];

        config_defaults(c);
        ck_assert_int_eq(config_proactive(c, "node2"), PROACTIVE_ADVISE);
        ck_assert_int_eq(config_set(c, "host", "node2", "proactive", "evacuate", err), 0);
        ck_assert_int_eq(config_proactive(c, "node2"), PROACTIVE_EVACUATE);
        ck_assert_int_eq(config_set(c, "cluster", NULL, "proactive", "off", err), 0);
        ck_assert_int_eq(config_proactive(c, "node1"), PROACTIVE_OFF);
        ck_assert_int_eq(config_set(c, "host", "node2", "proactive", "cluster", err), 0);
        ck_assert_int_eq(config_proactive(c, "node2"), PROACTIVE_OFF);
        free(c);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("proactive");
        TCase *tc = tcase_create("proactive");

        tcase_add_loop_test(tc, who_moves_where, 0, ARRAY_SIZE(rows));
        tcase_add_test(tc, one_after_the_other);
        tcase_add_test(tc, what_is_good_now_moves_nobody);
        tcase_add_test(tc, memory_waits_for_relief);
        tcase_add_test(tc, advice_is_noted_once);
        tcase_add_test(tc, a_host_has_its_own);
        suite_add_tcase(s, tc);
        return s;
}

UNIT_MAIN(suite)
