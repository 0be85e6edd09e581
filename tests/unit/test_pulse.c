/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest driver */
/*
 * Signs of life: what is asked for when, what is told of it, and what libvirt's statistics say.
 */
#include <poll.h>

#include "hawd/guest/pulse.h"
#include "hawd/guest/virt.h"
#include "tests/unit/unit.h"

#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define SEC USEC_PER_SEC
#define AFTER (30 * SEC)
#define PERIOD (5 * SEC)

struct world {
        struct shared *shared;
        struct pulse p;
        usec_t after;
        bool alone;
        int told, warned;
        struct domain_seen last;
};

static void on_domain(void *userdata, const struct domain_seen *d) {
        struct world *w = userdata;

        w->told++;
        w->last = *d;
}

static void on_by_hand(void *userdata, const char *uuid, const char *text) {
        struct world *w = userdata;

        ck_assert_str_eq(uuid, TEST_UUID);
        ck_assert_ptr_nonnull(strstr(text, "does not answer"));
        w->warned++;
}

static usec_t on_hang_after(void *userdata, const char *uuid, bool *ret_alone) {
        struct world *w = userdata;

        ck_assert_str_eq(uuid, TEST_UUID);
        *ret_alone = w->alone;
        return w->after;
}

static const struct guest_callbacks callbacks = {
        .domain = on_domain, .by_hand = on_by_hand, .hang_after = on_hang_after};

static struct domain_seen domain(enum seen_state state) {
        return (struct domain_seen){.uuid = TEST_UUID, .name = "vm", .state = state};
}

/* Connected at 100 s, one domain runs; threads of it ask libvirt's test driver, and are not heard.
 */
static void open_world(struct world *w, enum seen_state state) {
        struct domain_seen d = domain(state);

        *w = (struct world){.after = AFTER};
        ck_assert_int_eq(virt_init(), 0);
        w->shared = shared_new("test:///default");
        ck_assert_ptr_nonnull(w->shared);
        pulse_open(&w->p, w->shared, &callbacks, w);
        pulse_up(&w->p, &d, 1, 100 * SEC);
}

static void close_world(struct world *w) {
        pulse_close(&w->p);
        mailbox_close(&w->shared->box);
        shared_unref(w->shared);
}

/* What was asked for at @at comes back: nothing moved, the agent is silent. */
static void silent(struct world *w, usec_t at) {
        struct report r = {.kind = REPORT_SAMPLE,
                           .uuid = TEST_UUID,
                           .serial = w->p.serial,
                           .sample = {.planned = at,
                                      .at = at,
                                      .ended = at,
                                      .answered = true,
                                      .running = true,
                                      .agent = HANG_AGENT_SILENT}};

        pulse_sample(&w->p, &r);
}

static void silent_until(struct world *w, usec_t end) {
        usec_t at;

        while ((at = pulse_deadline(&w->p)) <= end) {
                pulse_tick(&w->p, at);
                silent(w, at);
        }
}

START_TEST(a_hang_is_told_and_so_is_its_end) {
        struct world w;
        struct report r = {.kind = REPORT_SAMPLE, .uuid = TEST_UUID};

        open_world(&w, SEEN_RUNNING);
        pulse_spoke(&w.p, TEST_UUID);
        silent_until(&w, 129 * SEC);
        ck_assert_int_eq(w.told, 0);
        silent_until(&w, 200 * SEC);
        ck_assert_int_eq(w.told, 1);
        ck_assert_int_eq(w.last.state, SEEN_RUNNING);
        ck_assert_int_eq(w.last.end_why, END_HANG);
        ck_assert_str_eq(w.last.uuid, TEST_UUID);
        ck_assert_str_eq(w.last.name, "vm");
        ck_assert_uint_gt(w.last.wall, 0);
        ck_assert_uint_eq(w.last.wall - w.last.good_wall, AFTER); /* all of it counted */
        ck_assert_ptr_nonnull(strstr(w.last.text, "nothing sent for 30s"));
        r.serial = w.p.serial;
        r.sample = (struct hang_sample){.planned = 205 * SEC,
                                        .at = 205 * SEC,
                                        .answered = true,
                                        .running = true,
                                        .done = 1};
        pulse_tick(&w.p, 205 * SEC);
        pulse_sample(&w.p, &r);
        ck_assert_int_eq(w.told, 2);
        ck_assert_int_eq(w.last.state, SEEN_RUNNING);
        ck_assert_int_eq(w.last.end_why, END_NONE);
        ck_assert_str_eq(w.last.text, "");
        close_world(&w);
}
END_TEST

START_TEST(only_an_agent_that_spoke_can_be_silent) {
        struct world w;

        open_world(&w, SEEN_RUNNING);
        silent_until(&w, 300 * SEC);
        ck_assert_int_eq(w.told, 0);
        pulse_spoke(&w.p, TEST_UUID);
        silent_until(&w, 315 * SEC);
        pulse_reboot(&w.p, TEST_UUID); /* it boots: no agent yet, and no hang */
        silent_until(&w, 500 * SEC);
        ck_assert_int_eq(w.told, 0);
        w.alone = true;
        silent_until(&w, 540 * SEC);
        ck_assert_int_eq(w.told, 1);
        close_world(&w);
}
END_TEST

START_TEST(who_is_not_judged_is_not_looked_at) {
        struct world w;

        open_world(&w, SEEN_RUNNING);
        pulse_spoke(&w.p, TEST_UUID);
        silent_until(&w, 125 * SEC);
        w.after = 0;
        pulse_tick(&w.p, 130 * SEC);
        ck_assert(!w.p.guests[0].asked);
        ck_assert_uint_eq(pulse_deadline(&w.p), 130 * SEC + HANG_PERIOD_MIN);
        silent(&w, 130 * SEC);
        ck_assert_int_eq(w.told, 0);
        w.after = AFTER; /* and what was is not carried over */
        silent_until(&w, 161 * SEC);
        ck_assert_int_eq(w.told, 0);
        silent_until(&w, 162 * SEC);
        ck_assert_int_eq(w.told, 1);
        close_world(&w);
}
END_TEST

START_TEST(each_run_is_judged_by_itself) {
        struct domain_seen gone = domain(SEEN_GONE), runs = domain(SEEN_RUNNING);
        struct world w;
        uint64_t old;
        struct report r = {.kind = REPORT_SAMPLE, .uuid = TEST_UUID};

        open_world(&w, SEEN_PAUSED);
        old = w.p.serial;
        pulse_spoke(&w.p, TEST_UUID);
        silent_until(&w, 125 * SEC);
        pulse_tick(&w.p, 130 * SEC);
        pulse_seen(&w.p, &gone, 131 * SEC);
        ck_assert_uint_eq(w.p.n, 0);
        ck_assert_uint_eq(pulse_deadline(&w.p), USEC_INFINITY);
        pulse_seen(&w.p, &runs, 131 * SEC);
        pulse_seen(&w.p, &runs, 131 * SEC); /* libvirt says so twice */
        ck_assert_uint_eq(w.p.n, 1);
        pulse_tick(&w.p, 131 * SEC);
        r.serial = old;
        r.sample = (struct hang_sample){.planned = 131 * SEC, .at = 131 * SEC, .answered = true};
        pulse_sample(&w.p, &r);
        ck_assert(!w.p.guests[0].hang.known);
        ck_assert(w.p.guests[0].asked);
        pulse_down(&w.p);
        ck_assert_uint_eq(pulse_deadline(&w.p), USEC_INFINITY);
        close_world(&w);
}
END_TEST

START_TEST(a_qemu_that_does_not_answer_is_told_of_once) {
        struct world w;

        open_world(&w, SEEN_RUNNING);
        pulse_spoke(&w.p, TEST_UUID);
        pulse_tick(&w.p, 100 * SEC);
        pulse_tick(&w.p, 100 * SEC + PULSE_STUCK - 1);
        ck_assert_int_eq(w.warned, 0);
        pulse_tick(&w.p, 100 * SEC + PULSE_STUCK);
        pulse_tick(&w.p, 1000 * SEC);
        ck_assert_int_eq(w.warned, 1);
        silent(&w, 1000 * SEC); /* the call is back */
        silent_until(&w, 1029 * SEC);
        ck_assert_int_eq(w.told, 0);
        silent_until(&w, 1030 * SEC);
        ck_assert_int_eq(w.told, 1);
        close_world(&w);
}
END_TEST

START_TEST(libvirt_is_asked_beside_the_loop) {
        struct world w;
        struct pollfd fd = {.events = POLLIN};
        struct report *r;

        open_world(&w, SEEN_RUNNING);
        fd.fd = w.shared->box.fd;
        pulse_tick(&w.p, 100 * SEC);
        ck_assert_int_eq(poll(&fd, 1, 60000), 1);
        r = (struct report *)mailbox_take(&w.shared->box);
        ck_assert_ptr_nonnull(r);
        ck_assert_int_eq(r->kind, REPORT_SAMPLE);
        ck_assert_str_eq(r->uuid, TEST_UUID);
        ck_assert_uint_eq(r->serial, w.p.serial);
        ck_assert(!r->sample.answered); /* the test driver counts no disk operations */
        ck_assert_uint_gt(r->sample.at, 0);
        ck_assert_uint_gt(r->sample.host.all, 0);
        pulse_sample(&w.p, r);
        ck_assert(!w.p.guests[0].asked);
        report_free(r);
        close_world(&w);
}
END_TEST

/* ---- statistics --------------------------------------------------------------------------------
 */

static virTypedParameter ull(const char *name, uint64_t v) {
        virTypedParameter p = {.type = VIR_TYPED_PARAM_ULLONG, .value.ul = v};

        text_set(p.field, sizeof(p.field), name);
        return p;
}

START_TEST(statistics_are_read) {
        virTypedParameter rows[] = {
                ull("state.state", VIR_DOMAIN_RUNNING),
                ull("cpu.time", 77),
                ull("vcpu.current", 2),
                ull("vcpu.0.delay", 5),
                ull("vcpu.1.delay", 6),
                ull("vcpu.1.wait", 9),
                ull("vcpu.99.delay", 6),
                ull("net.count", 2),
                ull("net.0.tx.pkts", 10),
                ull("net.0.rx.pkts", 1000),
                ull("net.1.tx.pkts", 20),
                ull("block.count", 2),
                ull("block.0.rd.reqs", 1),
                ull("block.0.rd.bytes", 5000),
                ull("block.0.wr.reqs", 2),
                ull("block.1.fl.reqs", 4),
        };
        struct hang_sample s = {0};

        sample_read(rows, ARRAY_SIZE(rows), &s);
        ck_assert(s.answered);
        ck_assert(s.running);
        ck_assert(s.has_waited);
        ck_assert_uint_eq(s.cpu_nsec, 77);
        ck_assert_uint_eq(s.waited_nsec[0], 5);
        ck_assert_uint_eq(s.waited_nsec[1], 6);
        ck_assert_uint_eq(s.sent, 30);
        ck_assert_uint_eq(s.done, 7);
        rows[0].value.ul = VIR_DOMAIN_PAUSED;
        s = (struct hang_sample){0};
        sample_read(rows, ARRAY_SIZE(rows), &s);
        ck_assert(!s.running);
}
END_TEST

START_TEST(what_cannot_be_seen_is_no_answer) {
        virTypedParameter no_disk[] = {ull("state.state", VIR_DOMAIN_RUNNING),
                                       ull("block.count", 1), ull("block.0.name", 0)};
        virTypedParameter no_nic[] = {ull("state.state", VIR_DOMAIN_RUNNING), ull("net.count", 2),
                                      ull("net.0.tx.pkts", 1), ull("block.0.rd.reqs", 1)};
        virTypedParameter odd[] = {ull("block.", 1),
                                   ull("block.x.rd.reqs", 1),
                                   ull("block.0.rd.reqsx", 1),
                                   ull("vcpu.-1.delay", 1),
                                   ull("vcpu.4294967295.delay", 1),
                                   ull("", 1)};
        struct hang_sample s = {0};

        sample_read(no_disk, ARRAY_SIZE(no_disk), &s);
        ck_assert(!s.answered);
        s = (struct hang_sample){0};
        sample_read(no_nic, ARRAY_SIZE(no_nic), &s);
        ck_assert(!s.answered);
        s = (struct hang_sample){0};
        sample_read(odd, ARRAY_SIZE(odd), &s);
        ck_assert(!s.answered && !s.has_waited && s.done == 0);
        sample_read(NULL, 0, &s);
        ck_assert(!s.answered);
}
END_TEST

static Suite *pulse_suite(void) {
        Suite *s = suite_create("pulse");
        TCase *tc = unit_case(s, "pulse");

        tcase_add_test(tc, a_hang_is_told_and_so_is_its_end);
        tcase_add_test(tc, only_an_agent_that_spoke_can_be_silent);
        tcase_add_test(tc, who_is_not_judged_is_not_looked_at);
        tcase_add_test(tc, each_run_is_judged_by_itself);
        tcase_add_test(tc, a_qemu_that_does_not_answer_is_told_of_once);
        tcase_add_test(tc, libvirt_is_asked_beside_the_loop);
        tc = unit_case(s, "statistics");
        tcase_add_test(tc, statistics_are_read);
        tcase_add_test(tc, what_cannot_be_seen_is_no_answer);
        return s;
}

UNIT_MAIN(pulse_suite)
