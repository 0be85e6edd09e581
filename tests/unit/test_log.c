/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: log */
/* The log in the foreground: what a line looks like, and that nobody waits for who reads it. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/log.h"
#include "tests/unit/unit.h"

/* Standard error goes into a pipe; each test has a process of its own. */
static int redirect(void) {
        int fds[2];

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
        close(fds[1]);
        return fds[0];
}

/* All there is until nothing comes for @msec. */
static char *read_for(int fd, int msec) {
        size_t size = 4 * 1024 * 1024, len = 0;
        char *text = xcalloc(size, 1);
        struct pollfd p = {.fd = fd, .events = POLLIN};

        while (poll(&p, 1, msec) > 0) {
                ssize_t n = read(fd, text + len, size - 1 - len);

                if (n <= 0)
                        break;
                len += (size_t)n;
        }
        return text;
}

START_TEST(a_line) {
        const struct log_fields fields = {.host = "a", .guest = "web", .incident = 3};
        int fd = redirect();
        _cleanup_(freep) char *text = NULL;
        unsigned n[7];
        int end = 0;

        ck_assert_int_eq(log_open("hawd", LOG_TARGET_STDERR), 0);
        errno = EPERM;
        log_note(LOG_WARNING, &fields, "guest %s: \x1b[31m\x7fgone\nnext", "web");
        ck_assert_int_eq(errno, EPERM);
        log_line(LOG_DEBUG, "not shown");
        log_set_max(LOG_DEBUG);
        log_line(LOG_DEBUG, "shown");
        log_close();
        text = read_for(fd, 100);
        ck_assert_msg(sscanf(text, "%4u-%2u-%2u %2u:%2u:%2u.%3u%n", &n[0], &n[1], &n[2], &n[3],
                             &n[4], &n[5], &n[6], &end) == 7,
                      "%s", text);
        ck_assert_int_eq(end, 23);
        ck_assert_ptr_eq(strstr(text, " warning: guest web: ?[31m?gone next\n"), text + 23);
        ck_assert_ptr_nonnull(strstr(text, " debug: shown\n"));
        ck_assert_ptr_null(strstr(text, "not shown"));
}
END_TEST

START_TEST(before_and_after) {
        int fd = redirect();
        _cleanup_(freep) char *text = NULL;

        log_line(LOG_ERR, "one");
        ck_assert_int_eq(log_open("hawd", LOG_TARGET_AUTO), 0);
        log_line(LOG_ERR, "two");
        log_close();
        log_line(LOG_ERR, "three");
        text = read_for(fd, 100);
        ck_assert_ptr_nonnull(strstr(text, "one"));
        ck_assert_ptr_nonnull(strstr(strstr(text, "one"), "two"));
        ck_assert_ptr_nonnull(strstr(strstr(text, "two"), "three"));
}
END_TEST

START_TEST(nobody_reads) {
        int fd = redirect();
        _cleanup_(freep) char *text = NULL;
        usec_t before = now_boottime();

        ck_assert_int_eq(log_open("hawd", LOG_TARGET_STDERR), 0);
        for (int i = 0; i < 20000; i++)
                log_line(LOG_INFO, "line %d, some text that makes a pipe full", i);
        ck_assert_uint_lt(now_boottime() - before, 5 * USEC_PER_SEC);
        text = read_for(fd, 500);
        ck_assert_ptr_nonnull(strstr(text, "line 0,"));
        ck_assert_ptr_nonnull(strstr(text, " log lines were dropped: the log was not read\n"));
        log_line(LOG_INFO, "heard again");
        free(text);
        text = read_for(fd, 500);
        ck_assert_ptr_nonnull(strstr(text, "heard again"));
        log_close();
}
END_TEST

START_TEST(closing_does_not_wait_for_ever) {
        int fd = redirect();
        usec_t before = now_boottime();

        ck_assert_int_eq(log_open("hawd", LOG_TARGET_STDERR), 0);
        for (int i = 0; i < 20000; i++)
                log_line(LOG_INFO, "line %d, some text that makes a pipe full", i);
        log_close();
        ck_assert_uint_lt(now_boottime() - before, 10 * USEC_PER_SEC);
        close(fd);
}
END_TEST

static Suite *log_suite(void) {
        Suite *s = suite_create("log");
        TCase *tc = unit_case(s, "log");

        tcase_add_test(tc, a_line);
        tcase_add_test(tc, before_and_after);
        tcase_add_test(tc, nobody_reads);
        tcase_add_test(tc, closing_does_not_wait_for_ever);
        return s;
}

UNIT_MAIN(log_suite)
