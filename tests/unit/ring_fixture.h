/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring's callbacks, written down, and turns of its loop. */
#pragma once

#include <qb/qbloop.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/ring/ring.h"
#include "tests/unit/unit.h"

#define LIMIT_MSEC 20000

static struct heard {
        char log[16384]; /* a line each */
        size_t used;
        size_t messages;
        bool in_call; /* the test is in a call of the ring */
        void (*on_message)(void);
} heard;

static qb_loop_t *loop;
static struct ring *ring;
static char err[TEXT_LEN];

static void hear(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void hear(const char *fmt, ...) {
        va_list ap;
        int n;

        ck_assert_msg(!heard.in_call, "called back within a call");
        va_start(ap, fmt);
        n = vsnprintf(heard.log + heard.used, sizeof(heard.log) - heard.used, fmt, ap);
        va_end(ap);
        ck_assert(n >= 0 && (size_t)n < sizeof(heard.log) - heard.used);
        heard.used += (size_t)n;
}

static void on_group(void *ud, const struct ring_member *m, size_t n) {
        ck_assert_ptr_eq(ud, &heard);
        hear("group");
        for (size_t i = 0; i < n; i++)
                hear(" %u%s", m[i].nodeid, m[i].pid == (uint32_t)getpid() ? "*" : "");
        hear("\n");
}

static void on_ring(void *ud, struct ring_id id, const uint32_t *nodeids, size_t n) {
        (void)ud;
        hear("ring %u.%u:", id.nodeid, (unsigned)id.seq);
        for (size_t i = 0; i < n; i++)
                hear(" %u", nodeids[i]);
        hear("\n");
}

static void on_quorum(void *ud, const struct ring_quorum *q) {
        (void)ud;
        hear("quorum %u.%u%s%s%s\n", q->id.nodeid, (unsigned)q->id.seq, q->quorate ? " yes" : " no",
             q->waiting ? " waiting" : "", q->last_man_standing ? " lms" : "");
}

static void on_nodelist(void *ud, const struct conf_node *nodes, size_t n) {
        bool in_call = heard.in_call;

        (void)ud;
        heard.in_call = false; /* attaching may say it */
        hear("nodes");
        for (size_t i = 0; i < n; i++)
                hear(" %u=%s", nodes[i].nodeid, nodes[i].name);
        hear("\n");
        heard.in_call = in_call;
}

static void on_message(void *ud, struct ring_member from, const uint8_t *bytes, size_t len) {
        (void)ud;
        hear("message %u: %zu %.*s\n", from.nodeid, len, (int)MIN(len, 20), (const char *)bytes);
        heard.messages++;
        if (heard.on_message)
                heard.on_message();
}

static void on_refused(void *ud, struct ring_member from, const char *why) {
        (void)ud;
        hear("refused %u: %s\n", from.nodeid, why);
}

static void on_complaint(void *ud, const char *why) {
        (void)ud;
        hear("complaint: %s\n", why);
}

static void on_down(void *ud, const char *why) {
        (void)ud;
        heard.in_call = false; /* sending may find it out */
        hear("down: %s\n", why);
}

static const struct ring_callbacks callbacks = {
        .group = on_group,
        .ring = on_ring,
        .quorum = on_quorum,
        .nodelist = on_nodelist,
        .message = on_message,
        .peer_refused = on_refused,
        .complain = on_complaint,
        .down = on_down,
};

static inline void heard_clear(void) {
        heard.used = 0;
        heard.log[0] = '\0';
}

/** heard_is() - all that was heard since the last look */
static inline void heard_is(const char *want) {
        ck_assert_str_eq(heard.log, want);
        heard_clear();
}

static inline bool heard_has(const char *part) {
        return strstr(heard.log, part) != NULL;
}

struct turning {
        bool (*done)(void);
        unsigned left;
        qb_loop_timer_handle timer;
};

static void look(void *data) {
        struct turning *t = data;

        if (t->done() || t->left-- == 0)
                qb_loop_stop(loop);
        else
                (void)qb_loop_timer_add(loop, QB_LOOP_LOW, 1000000, t, look, &t->timer);
}

/** turn_until() - of the loop; fails the test when @done does not come true */
static inline void turn_until(bool (*done)(void)) {
        struct turning t = {.done = done, .left = LIMIT_MSEC};

        look(&t);
        if (!done())
                qb_loop_run(loop);
        ck_assert_msg(done(), "did not come; heard:\n%s", heard.log);
}

static inline bool never(void) {
        return false;
}

/** turn() - for a while */
static inline void turn(void) {
        struct turning t = {.done = never, .left = 20};

        look(&t);
        qb_loop_run(loop);
}

static inline int say(const char *text, size_t len) {
        int rc;

        heard.in_call = true;
        rc = ring_send(ring, (const uint8_t *)text, len);
        heard.in_call = false;
        return rc;
}

static inline void attach(void) {
        heard.in_call = true;
        ck_assert_int_eq(ring_attach(ring, loop, err), 0);
        heard.in_call = false;
}
