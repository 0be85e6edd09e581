/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Actions that cannot be carried out: what hawd/act.c does then. The adapters are stood in for
 * here.
 */
/* needs: log */
#include "hawd/act.c"
#include "tests/unit/unit.h"

static int ring_says;
static size_t sent;
static const struct qb_loop *stopped;

int ring_send(struct ring *r, const uint8_t *bytes, size_t len) {
        (void)r;
        (void)bytes;
        (void)len;
        sent++;
        return ring_says;
}

void ring_rejoin(struct ring *r) {
        (void)r;
}

void hawd_watchdog(struct hawd *d, const struct action *a) {
        (void)d;
        (void)a;
}

void qb_loop_stop(qb_loop_t *l) {
        stopped = l;
}

int32_t qb_loop_timer_del(qb_loop_t *l, qb_loop_timer_handle th) {
        (void)l;
        (void)th;
        return 0;
}

int32_t qb_loop_timer_add(qb_loop_t *l, enum qb_loop_priority p, uint64_t nsec, void *data,
                          qb_loop_timer_dispatch_fn fn, qb_loop_timer_handle *ret) {
        (void)l;
        (void)p;
        (void)nsec;
        (void)data;
        (void)fn;
        *ret = 0;
        return 0;
}

void ledger_store_submit(struct ledger_store *s, const struct persist *p) {
        (void)s;
        (void)p;
}

void guest_submit(struct guest_adapter *a, const struct action *act) {
        (void)a;
        (void)act;
}

void guest_cancel(struct guest_adapter *a, uint64_t id) {
        (void)a;
        (void)id;
}

void runner_start(struct runner *r, const struct action *a) {
        (void)r;
        (void)a;
}

void replica_submit(struct replica_adapter *a, const struct action *act) {
        (void)a;
        (void)act;
}

void runner_cancel(struct runner *r, uint64_t id) {
        (void)r;
        (void)id;
}

void sensors_start(struct sensors *s, const struct action *act) {
        (void)s;
        (void)act;
}

void facts_start(struct facts *f, uint64_t id) {
        (void)f;
        (void)id;
}

void api_note(struct api *api, const struct note *note, usec_t wall) {
        (void)api;
        (void)note;
        (void)wall;
}

void api_reading(struct api *api, uint64_t id, const struct device_reading *row) {
        (void)api;
        (void)id;
        (void)row;
}

void api_reply_facts(struct api *api, uint64_t id, enum reply_code code, const char *text,
                     struct blob *facts) {
        (void)api;
        (void)id;
        (void)code;
        (void)text;
        (void)facts;
}

/* Return: whether hawd ends. */
static bool ends(enum msg_kind kind, const char *name, int ring) {
        struct hawd d = {.loop = (qb_loop_t *)&sent};
        struct action a = {.kind = ACT_SEND, .send = msg_new(kind)};

        ring_says = ring;
        stopped = NULL;
        if (kind == MSG_ENTRY) {
                a.send->entry = entry_new();
                entry_add(a.send->entry, OP_HOST_ADD)->host = 1;
                text_set(a.send->entry->ops[0].name, NAME_LEN, name);
        }
        carry_out(&d, &a);
        msg_unref(a.send);
        ck_assert(!stopped || (stopped == d.loop && d.exit_code == EXIT_FAILURE));
        return stopped;
}

/* The log would wait for it for ever. */
START_TEST(an_entry_that_cannot_be_sent_ends_hawd) {
        ck_assert(!ends(MSG_ENTRY, "node1", 0));
        ck_assert_uint_eq(sent, 1);
        ck_assert(ends(MSG_ENTRY, "no name", 0));
        ck_assert_uint_eq(sent, 1); /* it cannot be put into bytes */
        ck_assert(ends(MSG_ENTRY, "node1", -ENOBUFS));
}
END_TEST

START_TEST(other_messages_are_said_again) {
        ck_assert(!ends(MSG_PROMISE, "", -ENOBUFS));
        ck_assert(!ends(MSG_HEARTBEAT, "", -EMSGSIZE));
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("act");
        TCase *tc = unit_case(s, "send");

        tcase_add_test(tc, an_entry_that_cannot_be_sent_ends_hawd);
        tcase_add_test(tc, other_messages_are_said_again);
        return s;
}

UNIT_MAIN(suite)
