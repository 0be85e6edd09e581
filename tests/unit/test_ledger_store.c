/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ledger log */
/* Codec and store together: what the core is told at the start, disks that hang, history. */
#include "tests/unit/disk_shim.h"

#include <signal.h>
#include <sys/time.h>

#include "hawd/ledger/ledger.h"
#include "hawd/store/reader.h"
#include "tests/unit/store_kit.h"

/** struct side - one member: its folder, and what it was told */
struct side {
        char dir[96];
        uint32_t nodeid;
        struct ledger_store *s;
        struct core_boot boot;
        size_t n_done, n_failed;
        uint64_t last;
        char text[TEXT_LEN], note[2 * TEXT_LEN], err[TEXT_LEN];
        unsigned notes, reopened;
        struct side *group; /* all of them; messages travel among those that are @there */
        size_t n_group;
        bool there;
        unsigned pages, rows;
        size_t on_the_way; /* messages sent by this side and not delivered */
        struct msg *inbox[64];
        uint32_t inbox_from[64];
        size_t n_inbox;
};

static void persisted(void *ud, uint64_t batch, int code, const char *text) {
        struct side *x = ud;

        x->last = batch;
        if (code == 0) {
                x->n_done++;
                return;
        }
        x->n_failed++;
        text_set(x->text, sizeof(x->text), text);
}

static void send_msg(void *ud, const struct msg *m) {
        struct side *x = ud;

        if (!m->history.ask) {
                x->pages++;
                x->rows += m->history.n_rows;
                ck_assert_uint_le(m->history.n_rows, HISTORY_PAGE_ROWS);
        }
        for (size_t i = 0; i < x->n_group; i++) {
                struct side *to = &x->group[i];

                if (!to->there || to->nodeid != m->history.to)
                        continue;
                ck_assert_uint_lt(to->n_inbox, ARRAY_SIZE(to->inbox));
                to->inbox_from[to->n_inbox] = x->nodeid;
                to->inbox[to->n_inbox++] = msg_ref((struct msg *)(uintptr_t)m);
        }
}

static void note(void *ud, enum note_id id, const char *text) {
        struct side *x = ud;

        ck_assert_int_eq(id, NOTE_STORE_ASIDE);
        x->notes++;
        text_set(x->note, sizeof(x->note), text);
}

static void reopened(void *ud) {
        ((struct side *)ud)->reopened++;
}

static void end(struct side *x) {
        x->s = ledger_store_close(x->s);
        x->boot.state = state_unref(x->boot.state);
}

static int begin_as(struct side *x, const char *cluster, const char *name) {
        const struct ledger_callbacks cb = {persisted, send_msg, note, reopened, x};
        int r;

        x->boot = (struct core_boot){0};
        x->n_done = x->n_failed = 0;
        r = ledger_store_open(x->dir, cluster, &cb, &x->boot, &x->s, x->err);
        if (r == 0) {
                r = ledger_store_claim(x->s, x->nodeid, name, &x->boot, x->err);
                if (r < 0)
                        end(x);
        }
        return r;
}

static void begin(struct side *x) {
        int r = begin_as(x, "lab", "node");

        ck_assert_msg(r == 0, "%s", x->err);
}

static struct side side(uint32_t nodeid) {
        struct side x = {.nodeid = nodeid};

        text_fmt(x.dir, sizeof(x.dir), "%s/%u", folder, nodeid);
        ck_assert_int_eq(mkdir(x.dir, 0700), 0);
        return x;
}

static void turn(struct side *x, int msec) {
        struct pollfd p = {.fd = ledger_store_fd(x->s), .events = POLLIN};

        if (poll(&p, 1, msec) > 0)
                ledger_store_dispatch(x->s);
}

static bool done_up_to(struct side *x, uint64_t batch) {
        usec_t until = now_boottime() + 30 * USEC_PER_SEC;

        while (x->last < batch && now_boottime() < until)
                turn(x, 100);
        ck_assert_uint_ge(x->last, batch);
        return x->n_failed == 0;
}

/* ---- what a core would have stored ---- */

static uint64_t batch;

static struct state *state_at(uint64_t epoch, uint64_t version) {
        struct state *s = state_new();

        s->epoch = epoch;
        s->version = version;
        s->model.version = version;
        return s;
}

static uint64_t install(struct side *x, uint64_t epoch, uint64_t version, bool whole) {
        struct persist p = {.batch = ++batch,
                            .install = state_at(epoch, version),
                            .install_epoch = epoch,
                            .set_promised = whole,
                            .promised = epoch};

        ledger_store_submit(x->s, &p);
        state_unref(p.install);
        return batch;
}

static uint64_t promise(struct side *x, uint64_t n) {
        struct persist p = {.batch = ++batch, .set_promised = true, .promised = n};

        ledger_store_submit(x->s, &p);
        return batch;
}

/* Two rows for each version. */
static uint64_t rows(struct side *x, uint64_t from, uint64_t to) {
        while (from <= to) {
                uint64_t n = MIN(to - from + 1, 500);
                struct history_row *list = xcalloc(2 * n, sizeof(*list));
                struct persist p = {.batch = ++batch, .rows = list, .n_rows = 2 * n};

                for (uint64_t i = 0; i < 2 * n; i++) {
                        list[i] = (struct history_row){.version = from + i / 2,
                                                       .seq = (uint32_t)(i % 2),
                                                       .wall = 1000 + from + i,
                                                       .host_name = "retired",
                                                       .note = {.id = NOTE_HOST_ONLINE}};
                        text_fmt(list[i].note.text, sizeof(list[i].note.text), "row %" PRIu64,
                                 from + i / 2);
                }
                ledger_store_submit(x->s, &p);
                free(list);
                from += n;
        }
        return batch;
}

struct count {
        uint64_t n, highest, lowest;
};

static bool count_row(void *ud, const struct history_row *r) {
        struct count *c = ud;

        ck_assert_str_eq(r->host_name, "retired");
        c->n++;
        c->highest = MAX(c->highest, r->version);
        c->lowest = c->n == 1 ? r->version : MIN(c->lowest, r->version);
        return false;
}

static struct count history_of(struct side *x) {
        struct count c = {0};

        ck_assert_int_eq(
                ledger_store_history(x->s, &(struct ledger_history_filter){0}, count_row, &c), 0);
        return c;
}

/* ---- the start ---- */

START_TEST(a_first_start_and_the_next) {
        struct side x = side(1);

        begin(&x);
        ck_assert_ptr_null(x.boot.lost);
        ck_assert_ptr_null(x.boot.store_error);
        ck_assert_ptr_null(x.boot.state);
        ck_assert(done_up_to(&x, promise(&x, 1)));
        ck_assert(done_up_to(&x, install(&x, 1, 7, false)));
        end(&x);
        begin(&x);
        ck_assert_uint_eq(x.boot.epoch, 1);
        ck_assert_uint_eq(x.boot.promised, 1);
        ck_assert_uint_eq(x.boot.state->version, 7);
        ck_assert_uint_eq(x.notes, 0);
        end(&x);
}
END_TEST

static void on_alarm(int signal) {
        (void)signal;
}

START_TEST(a_signal_is_no_disk_that_hangs) {
        const struct sigaction act = {.sa_handler = on_alarm};
        const struct itimerval often = {{.tv_usec = 200}, {.tv_usec = 200}}, never = {0};
        struct side x = side(1);

        ck_assert_int_eq(sigaction(SIGALRM, &act, NULL), 0);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
        begin(&x);
        ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
        ck_assert_ptr_null(x.boot.store_error);
        end(&x);
}
END_TEST

START_TEST(a_disk_of_another_host) {
        struct side x = side(1);
        const struct ledger_report *r;

        begin(&x);
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        end(&x);
        x.nodeid = 2;
        ck_assert_int_eq(begin_as(&x, "lab", "node"), -EXDEV); /* renumbered */
        ck_assert_int_eq(begin_as(&x, "lab", "other"), 0);
        ck_assert_ptr_null(x.boot.state);
        ck_assert_uint_eq(x.boot.promised, 0);
        ck_assert_ptr_nonnull(strstr(x.boot.lost, "of node 1 (node), this is node 2 (other)"));
        ck_assert_uint_eq(x.notes, 1);
        ck_assert_ptr_nonnull(strstr(x.note, "kept as aside-"));
        r = ledger_store_report(x.s);
        ck_assert_int_eq(strncmp(r->kept, "aside-", 6), 0);
        ck_assert_str_eq(r->error, "");
        /* Lost until the others gave it one. */
        ck_assert(done_up_to(&x, promise(&x, 4)));
        ck_assert_str_ne(r->lost, "");
        ck_assert(done_up_to(&x, install(&x, 4, 9, false)));
        ck_assert_str_eq(r->lost, "");
        end(&x);
        ck_assert_int_eq(begin_as(&x, "lab", "other"), 0);
        ck_assert_ptr_null(x.boot.lost);
        ck_assert_uint_eq(x.notes, 1);
        ck_assert_ptr_nonnull(strstr(ledger_store_report(x.s)->kept, "aside-"));
        end(&x);
}
END_TEST

/* Right sums, and no ledger in it. @format: of the hawd that wrote it */
static void write_nonsense(const char *dir, uint32_t format) {
        const struct store_owner o = {.cluster = "lab", .format = format};
        struct store_entry e = {8, 1, bytes("no entry")};
        struct store_batch b = {.id = 1,
                                .set_epoch = true,
                                .epoch = 1,
                                .install = true,
                                .base_version = 7,
                                .snapshot = bytes("no model"),
                                .entries = &e,
                                .n_entries = 1};
        struct told seen = {0};
        struct store *s;
        char err[TEXT_LEN];

        text_fmt(path, sizeof(path), "%s/ledger.db", dir);
        ck_assert_int_eq(store_open(path, &o, &s, err), 0);
        ck_assert_int_eq(store_start(s, on_done, &seen), 0);
        ck_assert_int_eq(store_submit(s, &b), 0);
        wait_for(s, &seen, 1);
        store_free(s, WAIT);
}

START_TEST(bytes_that_are_no_ledger) {
        struct side x = side(1);

        write_nonsense(x.dir, 1);
        begin(&x);
        ck_assert_ptr_nonnull(strstr(x.boot.lost, "the ledger cannot be read"));
        ck_assert_uint_eq(x.notes, 1);
        end(&x);
}
END_TEST

START_TEST(bytes_of_a_newer_hawd) {
        struct side x = side(1);

        write_nonsense(x.dir, UINT32_MAX);
        ck_assert_int_eq(begin_as(&x, "lab", "node"), -EPROTONOSUPPORT);
        ck_assert_msg(strstr(x.err, "from a newer hawd") && strstr(x.err, "install the newer hawd"),
                      "%s", x.err);
        text_fmt(x.text, sizeof(x.text), "ls %s/aside-* 2>/dev/null", x.dir);
        ck_assert_int_ne(system(x.text), 0);
}
END_TEST

/* ---- disks ---- */

static void wait_reopened(struct side *x) {
        usec_t until = now_boottime() + 40 * USEC_PER_SEC;

        while (!x->reopened && now_boottime() < until) {
                ledger_store_tick(x->s);
                turn(x, 200);
        }
        ck_assert_uint_eq(x->reopened, 1);
}

START_TEST(a_disk_that_cannot_be_read_now) {
        struct side x = side(1);
        char real[100];

        begin(&x);
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        end(&x);
        text_fmt(real, sizeof(real), "%s.real", x.dir);
        ck_assert_int_eq(rename(x.dir, real), 0);
        begin(&x); /* it runs */
        ck_assert_ptr_nonnull(strstr(x.boot.store_error, "No such file or directory"));
        ck_assert_ptr_nonnull(strstr(x.boot.lost, "it cannot be read"));
        ck_assert_ptr_null(x.boot.state);
        ck_assert(!done_up_to(&x, promise(&x, 9)));
        ck_assert_ptr_nonnull(strstr(x.text, "No such file or directory"));
        ck_assert_int_eq(rename(real, x.dir), 0);
        wait_reopened(&x);
        end(&x);
        begin(&x);
        ck_assert_uint_eq(x.boot.epoch, 3);
        ck_assert_uint_eq(x.boot.promised, 3); /* what was not stored was not promised */
        ck_assert_ptr_null(x.boot.lost);
        end(&x);
}
END_TEST

START_TEST(a_database_of_another_cluster) {
        struct side x = side(1);

        begin(&x);
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        end(&x);
        ck_assert_int_eq(begin_as(&x, "prod", "node"), 0);
        ck_assert_ptr_null(x.boot.state); /* nothing of it is used */
        ck_assert_msg(strstr(x.boot.store_error, "of cluster lab, this one is prod"), "%s",
                      x.boot.store_error);
        ck_assert(!done_up_to(&x, install(&x, 9, 70, true)));
        end(&x);
        begin(&x);
        ck_assert_uint_eq(x.boot.state->version, 7);
        end(&x);
}
END_TEST

START_TEST(a_disk_that_hangs) {
        struct side x = side(1);
        usec_t until = now_boottime() + 30 * USEC_PER_SEC;
        uint64_t hung, later;

        begin(&x);
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        text_set(shim->fail_on, sizeof(shim->fail_on), "-wal");
        atomic_store(&shim->block_sync, true);
        hung = promise(&x, 4);
        ck_assert_uint_lt(x.last, hung);
        while (x.n_failed == 0 && now_boottime() < until) {
                usec_t began = now_boottime();

                ledger_store_tick(x.s);
                turn(&x, 100);
                ck_assert_uint_lt(now_boottime() - began, 5 * USEC_PER_SEC); /* nobody waits */
        }
        ck_assert_uint_eq(x.n_failed, 1);
        ck_assert_msg(strstr(x.text, "the disk has not answered a write for"), "%s", x.text);
        ck_assert_str_eq(ledger_store_report(x.s)->error, x.text);
        later = promise(&x, 5); /* nothing is queued behind it */
        done_up_to(&x, later);
        ck_assert_uint_eq(x.n_failed, 2);
        ck_assert_ptr_nonnull(strstr(x.text, "the disk has not answered"));

        atomic_store(&shim->block_sync, false);
        while (ledger_store_report(x.s)->error[0] && now_boottime() < until) {
                ledger_store_tick(x.s);
                turn(&x, 100);
        }
        ck_assert_str_eq(ledger_store_report(x.s)->error, "");
        ck_assert_uint_eq(x.n_done, 1); /* what was given up stays so, although it was written */
        x.n_failed = 0;
        ck_assert(done_up_to(&x, install(&x, 6, 8, true)));
        end(&x);
        begin(&x);
        ck_assert_uint_eq(x.boot.promised, 6);
        end(&x);
}
END_TEST

START_TEST(a_disk_that_hangs_at_the_start) {
        struct side x = side(1);

        begin(&x);
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        end(&x);
        text_set(shim->fail_on, sizeof(shim->fail_on), "."); /* the folder's sync */
        atomic_store(&shim->block_sync, true);
        begin(&x);
        ck_assert_ptr_nonnull(strstr(x.boot.store_error, "the disk has not answered for 10 s"));
        ck_assert_ptr_null(x.boot.state);
        atomic_store(&shim->block_sync, false);
        wait_reopened(&x);
        end(&x);
}
END_TEST

START_TEST(ruined_under_way) {
        struct side x = side(1);
        char line[160];

        begin(&x);
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        ck_assert(done_up_to(&x, rows(&x, 1, 7)));
        text_fmt(line, sizeof(line), "rm %s/ledger.db", x.dir);
        ck_assert_int_eq(system(line), 0);
        ck_assert(!done_up_to(&x, promise(&x, 4)));
        x.n_failed = 0;
        ck_assert(done_up_to(&x, install(&x, 3, 7, true)));
        ck_assert_uint_eq(x.notes, 1);
        ck_assert_ptr_nonnull(strstr(x.note, "written anew"));
        ck_assert_str_eq(ledger_store_report(x.s)->lost, ""); /* nothing of the ledger was */
        end(&x);
}
END_TEST

/* ---- history ---- */

static void group(struct side *list, size_t n) {
        uint32_t ids[8];
        size_t there = 0;

        for (size_t i = 0; i < n; i++) {
                list[i].group = list;
                list[i].n_group = n;
                if (list[i].there)
                        ids[there++] = list[i].nodeid;
        }
        for (size_t i = 0; i < n; i++)
                if (list[i].there)
                        ledger_store_peers(list[i].s, list[i].nodeid, ids, there);
}

/* Delivers what is on the way; never more than one message for one answer. */
static void run_group(struct side *list, size_t n) {
        for (size_t i = 0; i < n; i++) {
                struct side *x = &list[i];
                size_t k = x->n_inbox;

                if (!x->there)
                        continue;
                ck_assert_uint_le(k, n);
                x->n_inbox = 0;
                for (size_t m = 0; m < k; m++) {
                        ledger_store_message(x->s, x->inbox_from[m], x->inbox[m]);
                        msg_unref(x->inbox[m]);
                }
                ledger_store_tick(x->s);
                turn(x, 1);
        }
}

static void run_until_rows(struct side *list, size_t n, struct side *x, uint64_t want) {
        usec_t until = now_boottime() + 50 * USEC_PER_SEC;

        while (history_of(x).n < want && now_boottime() < until)
                for (int i = 0; i < 50; i++)
                        run_group(list, n);
        ck_assert_uint_eq(history_of(x).n, want);
}

static void start_three(struct side *list) {
        for (uint32_t i = 0; i < 3; i++) {
                list[i] = side(i + 1);
                begin(&list[i]);
                list[i].there = true;
        }
}

static void end_three(struct side *list) {
        for (size_t i = 0; i < 3; i++) {
                for (size_t k = 0; k < list[i].n_inbox; k++)
                        msg_unref(list[i].inbox[k]);
                end(&list[i]);
        }
}

/* Away for 10,000 entries. */
START_TEST(what_a_member_missed) {
        struct side list[3];

        start_three(list);
        for (size_t i = 0; i < 3; i++) {
                install(&list[i], 1, 0, true);
                ck_assert(done_up_to(&list[i], rows(&list[i], 1, 50)));
        }
        install(&list[2], 1, 50, true); /* as the core's compaction does */
        ck_assert(done_up_to(&list[0], rows(&list[0], 51, 10050)));
        ck_assert(done_up_to(&list[1], rows(&list[1], 51, 10050)));
        group(list, 3);
        ck_assert(done_up_to(&list[2], install(&list[2], 2, 10050, false)));
        ck_assert_uint_eq(history_of(&list[2]).n, 100);
        run_until_rows(list, 3, &list[2], 20100);
        /* Of one member only, and only what lacked. */
        ck_assert_uint_ge(list[0].rows + list[1].rows, 20000);
        ck_assert_uint_le(list[0].rows + list[1].rows, 20100);
        for (int i = 0; i < 100; i++)
                run_group(list, 3);
        ck_assert_uint_le(list[0].pages + list[1].pages, 103);
        ck_assert_uint_eq(history_of(&list[2]).highest, 10050);
        /* It is complete, and stays so over a restart. */
        end(&list[2]);
        begin(&list[2]);
        list[0].pages = list[1].pages = 0;
        group(list, 3);
        for (int i = 0; i < 100; i++)
                run_group(list, 3);
        ck_assert_uint_eq(list[0].pages + list[1].pages, 0);
        end_three(list);
}
END_TEST

START_TEST(the_giver_leaves_and_the_taker_restarts) {
        struct side list[3];
        size_t giver;

        start_three(list);
        for (size_t i = 0; i < 2; i++) {
                install(&list[i], 1, 0, true);
                ck_assert(done_up_to(&list[i], rows(&list[i], 1, 5000)));
        }
        group(list, 3);
        ck_assert(done_up_to(&list[2], install(&list[2], 2, 5000, false)));
        while (list[0].pages + list[1].pages < 5)
                run_group(list, 3);
        giver = list[0].pages > 0 ? 0 : 1;
        list[giver].there = false;
        group(list, 3);
        while (list[1 - giver].pages < 5)
                run_group(list, 3);
        end(&list[2]);
        begin(&list[2]);
        ck_assert_uint_lt(history_of(&list[2]).n, 10000);
        group(list, 3);
        run_until_rows(list, 3, &list[2], 10000);
        end_three(list);
}
END_TEST

/* Each of two knows a part; what one has is taken of it, and asked of who comes later. */
START_TEST(nobody_has_all_of_it) {
        struct side list[3];

        start_three(list);
        install(&list[0], 1, 0, true);
        ck_assert(done_up_to(&list[0], rows(&list[0], 1, 2000)));
        list[0].there = false;
        group(list, 3);
        ck_assert(done_up_to(&list[1], install(&list[1], 1, 1000, true)));
        ck_assert(done_up_to(&list[1], rows(&list[1], 1001, 2000)));
        ck_assert(done_up_to(&list[2], install(&list[2], 2, 2000, true)));
        run_until_rows(list, 3, &list[2], 2000);
        for (int i = 0; i < 200; i++)
                run_group(list, 3);
        ck_assert_uint_eq(history_of(&list[2]).n, 2000);
        ck_assert_uint_eq(history_of(&list[1]).n, 2000);
        list[0].there = true; /* it has all */
        group(list, 3);
        run_until_rows(list, 3, &list[2], 4000);
        run_until_rows(list, 3, &list[1], 4000);
        end_three(list);
}
END_TEST

START_TEST(a_disk_that_fails_while_it_comes) {
        struct side list[3];

        start_three(list);
        install(&list[0], 1, 0, true);
        ck_assert(done_up_to(&list[0], rows(&list[0], 1, 3000)));
        list[1].there = false;
        group(list, 3);
        ck_assert(done_up_to(&list[2], install(&list[2], 2, 3000, true)));
        while (list[0].pages < 3)
                run_group(list, 3);
        text_set(shim->fail_on, sizeof(shim->fail_on), "-wal");
        atomic_store(&shim->fail_errno, ENOSPC);
        for (int i = 0; i < 100; i++)
                run_group(list, 3);
        atomic_store(&shim->fail_errno, 0);
        ck_assert_uint_lt(history_of(&list[2]).n, 6000);
        run_until_rows(list, 3, &list[2], 6000);
        end_three(list);
}
END_TEST

static void start_all(void) {
        set_up();
        shim_begin(NULL);
        batch = 0;
}

static void end_all(void) {
        shim_end();
        tear_down();
}

static Suite *ledger_suite(void) {
        Suite *s = suite_create("ledger_store");
        TCase *tc = unit_case(s, "ledger");

        tcase_set_timeout(tc, 180);
        tcase_add_checked_fixture(tc, start_all, end_all);
        tcase_add_test(tc, a_first_start_and_the_next);
        tcase_add_test(tc, a_signal_is_no_disk_that_hangs);
        tcase_add_test(tc, a_disk_of_another_host);
        tcase_add_test(tc, bytes_that_are_no_ledger);
        tcase_add_test(tc, bytes_of_a_newer_hawd);
        tcase_add_test(tc, a_disk_that_cannot_be_read_now);
        tcase_add_test(tc, a_database_of_another_cluster);
        tcase_add_test(tc, a_disk_that_hangs);
        tcase_add_test(tc, a_disk_that_hangs_at_the_start);
        tcase_add_test(tc, ruined_under_way);
        tcase_add_test(tc, what_a_member_missed);
        tcase_add_test(tc, the_giver_leaves_and_the_taker_restarts);
        tcase_add_test(tc, nobody_has_all_of_it);
        tcase_add_test(tc, a_disk_that_fails_while_it_comes);
        return s;
}

UNIT_MAIN(ledger_suite)
