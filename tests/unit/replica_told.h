/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the replica adapter tells of guest 3, one by one. */
#pragma once

#include <poll.h>

#include "hawd/base/clock.h"
#include "replication/mirror.h"
#include "replication/replica.h"
#include "tests/unit/unit.h"

#define PATIENCE_USEC (50 * USEC_PER_SEC)

static struct replica_adapter *adapter;

static struct {
        enum replica_what what;
        uint32_t gid, serial, loss;
        char where[MIRROR_WHERE_LEN], text[TEXT_LEN];
} told[64];
static size_t n_told, n_taken;

static void on_told(void *userdata, const struct replica_told *t) {
        ck_assert_ptr_eq(userdata, &told);
        ck_assert_uint_lt(n_told, ARRAY_SIZE(told));
        told[n_told].what = t->what;
        told[n_told].gid = t->gid;
        told[n_told].serial = t->serial;
        told[n_told].loss = t->loss;
        text_set(told[n_told].where, MIRROR_WHERE_LEN, t->where ? t->where : "");
        text_set(told[n_told++].text, TEXT_LEN, t->text ? t->text : "");
}

/* The next of what is told, as told[n_taken - 1]. */
static void is_told_next(void) {
        struct pollfd p = {.fd = replica_fd(adapter), .events = POLLIN};
        usec_t until = usec_add(now_boottime(), PATIENCE_USEC);

        while (n_taken == n_told && now_boottime() < until)
                if (poll(&p, 1, 500) > 0)
                        replica_dispatch(adapter);
        ck_assert_msg(n_taken < n_told, "nothing is told");
        n_taken++;
}

/* The next of what is told: it must be this. */
static void is_told(enum replica_what what, uint32_t serial, const char *words) {
        is_told_next();
        ck_assert_msg(told[n_taken - 1].what == what && strstr(told[n_taken - 1].text, words),
                      "told %d '%s', not %d '%s'", (int)told[n_taken - 1].what,
                      told[n_taken - 1].text, (int)what, words);
        ck_assert_uint_eq(told[n_taken - 1].serial, serial);
        ck_assert_uint_eq(told[n_taken - 1].gid, 3);
}

/** adapter_open() - and nothing has been told */
static void adapter_open(const char *state_dir) {
        char why[TEXT_LEN];

        ck_assert_msg(replica_open("test:///default", state_dir, "127.0.0.1", on_told, &told,
                                   &adapter, why) == 0,
                      "%s", why);
}
