/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * S10: the power fails, or hawd is killed, at any write, sync or rename. What was acknowledged is
 * there, the database is whole, and nobody takes it for lost.
 */
#include "tests/unit/disk_cut.h"

#include <sys/wait.h>

#include "hawd/store/reader.h"
#include "tests/unit/store_kit.h"

/* An acknowledgement says it all in one number. */
#define ACK(promised, epoch, version)                                                              \
        ((uint64_t)(promised) << 48 | (uint64_t)(epoch) << 32 | (version))

static uint64_t promised, epoch, version;

/* Version @v of @e has these bytes. */
static size_t entry_bytes(char *data, uint64_t e, uint64_t v) {
        size_t len = 1 + hash64(e, &v, sizeof(v)) % 3000;

        fill(data, len, v);
        return len;
}

static void say(struct store *s, struct told *seen, struct store_batch *b, int want) {
        size_t n = seen->n;

        ck_assert_int_eq(store_submit(s, b), 0);
        wait_for(s, seen, n + 1);
        ck_assert_msg(seen->codes[n] == want || (want < 0 && seen->codes[n] < 0), "%d %s",
                      seen->codes[n], seen->text);
        if (seen->codes[n] == 0) {
                if (b->set_promised)
                        promised = b->promised;
                if (b->set_epoch)
                        epoch = b->epoch;
                if (b->install)
                        version = b->base_version;
                if (b->n_entries > 0)
                        version = b->entries[b->n_entries - 1].version;
                shim_ack(ACK(promised, epoch, version));
        }
}

static void promise(struct store *s, struct told *seen, uint64_t n) {
        say(s, seen, &(struct store_batch){.id = 1, .set_promised = true, .promised = n}, 0);
}

static struct store_batch installation(uint64_t e, uint64_t base) {
        return (struct store_batch){.id = 2,
                                    .set_epoch = true,
                                    .epoch = e,
                                    .install = true,
                                    .base_version = base,
                                    .snapshot = bytes("state")};
}

static void install(struct store *s, struct told *seen, uint64_t e, uint64_t base) {
        struct store_batch b = installation(e, base);

        say(s, seen, &b, 0);
}

static void entries(struct store *s, struct told *seen, size_t n) {
        for (size_t i = 0; i < n; i++) {
                char data[3000];
                struct store_entry e = {
                        version + 1, epoch, {data, entry_bytes(data, 0, version + 1)}};
                struct store_row row = {version + 1, 0, 5, "kind", 1, "guest", 7, "text", ""};

                say(s, seen,
                    &(struct store_batch){
                            .id = 3, .entries = &e, .n_entries = 1, .rows = &row, .n_rows = 1},
                    0);
        }
}

static void compact(struct store *s, struct told *seen) {
        say(s, seen,
            &(struct store_batch){.id = 4,
                                  .compact = true,
                                  .base_version = version - 2,
                                  .snapshot = bytes("compact")},
            0);
}

/* As the core's: with all that this host holds. */
static void repair(struct store *s, struct told *seen) {
        struct store_batch b = installation(epoch, version);

        b.set_promised = true;
        b.promised = promised;
        b.whole = true;
        say(s, seen, &b, 0);
}

static void fails(struct store *s, struct told *seen) {
        struct store_entry e = {version + 1, epoch, bytes("not acknowledged")};

        say(s, seen, &(struct store_batch){.id = 3, .entries = &e, .n_entries = 1}, -EIO);
}

/* What the kernel could not write at a sync it forgets, and says so once. */
static void fail_next_sync(const char *of) {
        text_set(shim->fail_on, sizeof(shim->fail_on), of);
        atomic_store(&shim->syncs_left, 1);
}

/* By another name, so that what is played back knows nothing of it. */
static void ruin(void) {
        char other[96];
        FILE *f;

        text_fmt(other, sizeof(other), "%s.other", folder);
        ck_assert_int_eq(link(path, other), 0);
        f = fopen(other, "r+e");
        ck_assert_uint_eq(fwrite("damage", 1, 6, f), 6);
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(unlink(other), 0);
}

static bool one_row(void *ud, const struct store_row *row) {
        (void)ud;
        (void)row;
        return true;
}

/* A life: begun, stopped, started, compacted, installed anew, repaired. */
static void live(void) {
        struct told *seen = xcalloc(1, sizeof(*seen));
        struct store *s = open_store(seen);
        struct store_reader *r;
        char err[TEXT_LEN];

        promise(s, seen, 1);
        install(s, seen, 1, 0);
        entries(s, seen, 6);
        s = store_free(s, WAIT); /* its log goes into the database */
        s = open_store(seen);
        entries(s, seen, 3);
        compact(s, seen);
        entries(s, seen, 2);
        promise(s, seen, 4);
        install(s, seen, 4, 40);
        entries(s, seen, 2);

        ck_assert_int_eq(store_reader_open(path, &r, err),
                         0); /* the log stays when the writer ends */
        ck_assert_int_eq(store_history_after(r, 0, 0, 1, one_row, NULL), 0);
        fail_next_sync("-wal");
        fails(s, seen);
        repair(s, seen);
        entries(s, seen, 3);
        store_reader_free(r);
        fail_next_sync("ledger.db"); /* when the log goes into it */
        store_free(s, WAIT);

        s = open_store(seen);
        entries(s, seen, 1);
        fail_next_sync("-wal"); /* and what was open is closed */
        fails(s, seen);
        ruin();
        fails(s, seen);
        ck_assert(!seen->anew);
        repair(s, seen);
        ck_assert(seen->anew);
        ck_assert_int_eq(strncmp(seen->kept, "aside-", 6), 0);
        entries(s, seen, 3);
        store_free(s, WAIT);
        s = open_store(seen);
        entries(s, seen, 1);
        store_free(s, WAIT);
}

static void record(void (*life)(void)) {
        int status;
        pid_t pid;

        shim_begin(folder);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                life();
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        shim->folder[0] = '\0';
        shim->fail_on[0] = '\0';
        shim->no_sync = true;
}

/* What is found in the folder as a cut left it. */
static void check(uint64_t acked, size_t at, enum cut_mode mode) {
        char err[TEXT_LEN] = "";
        struct store_loaded l;
        struct store *s = NULL;
        int r = store_open(path, &owner, &s, err);

        ck_assert_msg(r == 0, "op %zu, mode %d: %s", at, mode, err);
        ck_assert_msg(store_lost(s)[0] == '\0', "op %zu, mode %d: %s", at, mode, store_lost(s));
        r = store_load(s, &l, err);
        ck_assert_msg(r == 0, "op %zu, mode %d: %s", at, mode, err);
        ck_assert_msg(l.promised >= acked >> 48 && l.epoch >= (acked >> 32 & 0xffff) &&
                              l.base_version + l.n_entries >= (uint32_t)acked,
                      "op %zu, mode %d: %" PRIx64 " was acknowledged, %" PRIu64 " %" PRIu64
                      " %" PRIu64 " is there",
                      at, mode, acked, l.promised, l.epoch, l.base_version + l.n_entries);
        for (size_t i = 0; i < l.n_entries; i++) {
                char data[3000];
                uint64_t v = l.base_version + 1 + i;
                size_t len = entry_bytes(data, 0, v);

                if (strcmp(l.entries[i].bytes->data, "not acknowledged") == 0)
                        continue;
                ck_assert_uint_eq(l.entries[i].bytes->len, len);
                ck_assert_mem_eq(l.entries[i].bytes->data, data, len);
        }
        store_loaded_clear(&l);
        store_free(s, WAIT);
}

static void cut_here(const struct cut *c, uint64_t acked, enum cut_mode mode, uint64_t seed) {
        ck_assert_int_eq(mkdir(folder, 0700), 0);
        cut_make(c, mode, seed, folder);
        check(acked, c->at, mode);
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Cuts before each op, or before each @step-th where nothing but writes goes on. */
static void cut_everywhere(size_t step) {
        struct cut *c = cut_new();
        uint64_t acked = 0;
        size_t cuts = 0;

        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        for (;;) {
                enum shim_kind kind = c->at < shim->n ? shim->ops[c->at].kind : SHIM_ACK;

                if (kind != SHIM_WRITE || c->at % step == 0) {
                        cut_here(c, acked, CUT_KILL, 0);
                        cut_here(c, acked, CUT_NONE, 0);
                        cut_here(c, acked, CUT_SOME, c->at);
                        cut_here(c, acked, CUT_SOME, c->at + SHIM_OPS);
                        cuts++;
                }
                if (c->at == shim->n)
                        break;
                if (kind == SHIM_ACK)
                        acked = shim->ops[c->at].at;
                cut_advance(c);
        }
        ck_assert_uint_ge(cuts, 50);
        cut_free(c);
        shim_end();
}

START_TEST(a_life_cut_anywhere) {
        record(live);
        ck_assert_uint_ge(shim->n, 300);
        cut_everywhere(3);
}
END_TEST

/* So much that the log is written into the database in between, under way. */
static void live_long(void) {
        struct told *seen = xcalloc(1, sizeof(*seen));
        struct store *s = open_store(seen);

        promise(s, seen, 1);
        install(s, seen, 1, 0);
        while (version < 260) {
                entries(s, seen, 12);
                compact(s, seen);
        }
        store_free(s, WAIT);
}

START_TEST(a_checkpoint_cut_anywhere) {
        record(live_long);
        cut_everywhere(97);
}
END_TEST

static Suite *cut_suite(void) {
        Suite *s = suite_create("store_cut");
        TCase *tc = unit_case(s, "cut");

        tcase_set_timeout(tc, 600);
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, a_life_cut_anywhere);
        tcase_add_test(tc, a_checkpoint_cut_anywhere);
        return s;
}

UNIT_MAIN(cut_suite)
