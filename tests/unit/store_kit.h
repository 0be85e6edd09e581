/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the store share: a folder of its own for each, and the caller's side of it.
 */
#pragma once

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/store/store.h"
#include "tests/unit/unit.h"

#define WAIT (10 * USEC_PER_SEC)

static char folder[64], path[80];
static const struct store_owner owner = {.cluster = "lab", .format = 5};

static inline void set_up(void) {
        text_set(folder, sizeof(folder), "/tmp/hawd-test-store-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        text_fmt(path, sizeof(path), "%s/ledger.db", folder);
}

static inline int remove_one(const char *name, const struct stat *st, int flag, struct FTW *ftw) {
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(name);
}

static inline void tear_down(void) {
        umount2(folder, MNT_DETACH); /* where the test mounted something, and failed */
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the caller's side ---- */

struct told {
        size_t n;
        uint64_t ids[4096];
        int codes[4096];
        char text[TEXT_LEN];
        char kept[64];
        bool anew;
};

static inline void on_done(void *ud, const struct store_done *done) {
        struct told *seen = ud;

        ck_assert_uint_lt(seen->n, ARRAY_SIZE(seen->ids));
        seen->codes[seen->n] = done->code;
        seen->ids[seen->n++] = done->id;
        seen->anew |= done->begun_anew;
        if (done->begun_anew)
                text_set(seen->kept, sizeof(seen->kept), done->kept);
        if (done->code < 0 || done->begun_anew)
                text_set(seen->text, sizeof(seen->text), done->text);
        else
                ck_assert_str_eq(done->text, "");
}

static inline void wait_for(struct store *s, struct told *seen, size_t n) {
        usec_t until = now_boottime() + 30 * USEC_PER_SEC;

        while (seen->n < n && now_boottime() < until) {
                struct pollfd p = {.fd = store_fd(s), .events = POLLIN};

                if (poll(&p, 1, 1000) > 0)
                        store_dispatch(s);
        }
        ck_assert_uint_eq(seen->n, n);
}

static inline struct store *open_store(struct told *seen) {
        char err[TEXT_LEN] = "";
        struct store *s;
        int r = store_open(path, &owner, &s, err);

        ck_assert_msg(r == 0, "%s", err);
        if (seen)
                ck_assert_int_eq(store_start(s, on_done, seen), 0);
        return s;
}

static inline struct store_loaded load_store(void) {
        char err[TEXT_LEN] = "";
        struct store *s = open_store(NULL);
        struct store_loaded l;
        int r = store_load(s, &l, err);

        ck_assert_msg(r == 0, "%s", err);
        store_free(s, WAIT);
        return l;
}

static inline struct store_bytes bytes(const char *text) {
        return (struct store_bytes){text, strlen(text)};
}

static inline int submit_entry(struct store *s, uint64_t version, uint64_t epoch, const void *data,
                               size_t len) {
        struct store_entry e = {version, epoch, {data, len}};
        struct store_batch b = {.id = version, .entries = &e, .n_entries = 1};

        return store_submit(s, &b);
}

static inline void fill(char *data, size_t len, uint64_t version) {
        for (size_t i = 0; i < len; i++)
                data[i] = (char)hash64(version, &i, sizeof(i));
}
