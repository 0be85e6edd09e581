/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/reader.h"
#include "tests/unit/store_kit.h"

struct keys {
        size_t n, stop;
        uint64_t version[64];
        uint32_t seq[64];
        char last[TEXT_LEN];
};

static bool on_row(void *ud, const struct store_row *row) {
        struct keys *k = ud;

        ck_assert_uint_lt(k->n, ARRAY_SIZE(k->version));
        k->version[k->n] = row->version;
        k->seq[k->n++] = row->seq;
        text_fmt(k->last, sizeof(k->last), "%" PRIu64 " %s %u %s %" PRIu64 " %s %s", row->wall_usec,
                 row->kind, row->host, row->guest, row->incident, row->text, row->host_name);
        return k->stop > 0 && k->n == k->stop;
}

static struct keys ask(struct store_reader *r, struct store_filter f) {
        struct keys k = {0};

        ck_assert_int_eq(store_history(r, &f, on_row, &k), 0);
        return k;
}

/* Versions 1 to 10, two rows each. */
static void make_history(struct store *s, struct told *seen) {
        for (uint64_t v = 1; v <= 10; v++) {
                struct store_row rows[] = {
                        {v, 0, v * 100, "host-lost", v % 2 ? 1 : 2, "", 0, "text",
                         v % 2   ? "node1"
                         : v < 5 ? "retired"
                                 : "node2"},
                        {v, 1, v * 100 + 1, "guest-failed", 0, v % 3 ? "web" : "db", v / 2, "t",
                         ""},
                };
                struct store_batch b = {.id = v, .rows = rows, .n_rows = 2};

                ck_assert_int_eq(store_submit(s, &b), 0);
        }
        wait_for(s, seen, seen->n + 10);
}

START_TEST(history_by_every_filter) {
        static const char *const kinds[] = {"guest-failed", "other"};
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_reader *r;
        struct keys k = {.stop = 3};
        char err[TEXT_LEN];

        make_history(s, &seen);
        make_history(s, &seen); /* the same keys again: the first ones stay */
        ck_assert_int_eq(store_reader_open(path, &r, err), 0);
        ck_assert_uint_eq(ask(r, (struct store_filter){0}).n, 20);
        ck_assert_uint_eq(ask(r, (struct store_filter){0}).version[0], 10);
        ck_assert_uint_eq(ask(r, (struct store_filter){0}).seq[0], 1);
        ck_assert_uint_eq(ask(r, (struct store_filter){.limit = 7}).n, 7);
        ck_assert_uint_eq(ask(r, (struct store_filter){.since_wall = 900}).n, 4);
        ck_assert_uint_eq(ask(r, (struct store_filter){.until_wall = 900}).n, 16);
        ck_assert_uint_eq(ask(r, (struct store_filter){.host = "node2"}).n, 3);
        ck_assert_uint_eq(ask(r, (struct store_filter){.host = "retired"}).n, 2);
        ck_assert_uint_eq(ask(r, (struct store_filter){.host = "none"}).n, 0);
        ck_assert_uint_eq(ask(r, (struct store_filter){.host = ""}).n, 20);
        ck_assert_uint_eq(ask(r, (struct store_filter){.guest = "db"}).n, 3);
        ck_assert_uint_eq(ask(r, (struct store_filter){.guest = ""}).n, 20);
        ck_assert_uint_eq(ask(r, (struct store_filter){.incident = 5}).n, 1);
        ck_assert_uint_eq(ask(r, (struct store_filter){.kinds = kinds, .n_kinds = 2}).n, 10);
        ck_assert_uint_eq(
                ask(r, (struct store_filter){.guest = "db", .incident = 3, .since_wall = 1}).n, 1);
        ck_assert_uint_eq(ask(r, (struct store_filter){.before_version = UINT64_MAX}).version[0],
                          10);
        ck_assert_str_eq(ask(r, (struct store_filter){.host = "node1"}).last,
                         "100 host-lost 1  0 text node1");
        ck_assert_int_eq(store_history(r, &(struct store_filter){0}, on_row, &k), 0);
        ck_assert_uint_eq(k.n, 3);
        /* Pages meet without a gap. */
        k = ask(r, (struct store_filter){.limit = 7});
        k = ask(r, (struct store_filter){
                           .before_version = k.version[6], .before_seq = k.seq[6], .limit = 7});
        ck_assert_uint_eq(k.version[0], 7);
        ck_assert_uint_eq(k.seq[0], 0);
        store_reader_free(r);
        store_free(s, WAIT);
}
END_TEST

START_TEST(history_for_a_joiner) {
        struct told seen = {0};
        struct store *s = open_store(&seen);
        struct store_reader *r;
        struct keys k = {0};
        uint64_t version = 4;
        uint32_t seq = UINT32_MAX;
        char err[TEXT_LEN];
        size_t n;

        make_history(s, &seen);
        ck_assert_int_eq(store_reader_open(path, &r, err), 0);
        do {
                n = k.n;
                ck_assert_int_eq(store_history_after(r, version, seq, 5, on_row, &k), 0);
                version = k.version[k.n - 1];
                seq = k.seq[k.n - 1];
        } while (k.n > n);
        ck_assert_uint_eq(k.n, 12);
        ck_assert_uint_eq(k.version[0], 5);
        ck_assert_uint_eq(k.seq[0], 0);
        ck_assert_uint_eq(k.version[11], 10);
        store_reader_free(r);
        store_free(s, WAIT);
        text_fmt(path, sizeof(path), "%s/none.db", folder);
        ck_assert_int_eq(store_reader_open(path, &r, err), -ENOENT);
}
END_TEST

/* A reader that stays open keeps nobody from writing, and sees the new rows. */
START_TEST(reading_while_writing) {
        struct told *seen = xcalloc(1, sizeof(*seen));
        struct store *s = open_store(seen);
        struct store_reader *r;
        char err[TEXT_LEN];

        ck_assert_int_eq(store_reader_open(path, &r, err), 0);
        for (uint64_t v = 1; v <= 300; v++) {
                struct store_row row = {v, 0, v, "k", 0, "", 0, "t", ""};
                struct store_batch b = {.id = v, .rows = &row, .n_rows = 1};
                struct keys k;

                ck_assert_int_eq(store_submit(s, &b), 0);
                if (v % 10 != 0)
                        continue;
                wait_for(s, seen, v);
                k = ask(r, (struct store_filter){.limit = 1});
                ck_assert_uint_eq(k.version[0], v);
        }
        for (size_t i = 0; i < seen->n; i++)
                ck_assert_int_eq(seen->codes[i], 0);
        store_reader_free(r);
        store_free(s, WAIT);
        free(seen);
}
END_TEST

static Suite *history_suite(void) {
        Suite *s = suite_create("store_history");
        TCase *tc = unit_case(s, "history");

        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, history_by_every_filter);
        tcase_add_test(tc, history_for_a_joiner);
        tcase_add_test(tc, reading_while_writing);
        return s;
}

UNIT_MAIN(history_suite)
