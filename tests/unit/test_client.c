/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawctl's side of the socket, against what is no hawd, or one that hangs.
 */
/* needs: ctl */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hawd/ctl/client.h"
#include "tests/unit/unit.h"

#define PATIENCE (200 * USEC_PER_MSEC)

static struct sockaddr_un addr = {.sun_family = AF_UNIX};
static int listener = -1;

static void setup(void) {
        char dir[] = "/tmp/hawd-client-XXXXXX";

        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
        ck_assert_int_eq(listen(listener, 0), 0);
}

static void teardown(void) {
        close(listener);
        unlink(addr.sun_path);
        *strrchr(addr.sun_path, '/') = '\0';
        rmdir(addr.sun_path);
}

/* Connected; @ret is the other end. */
static struct client *open_both(int *ret) {
        struct client *c = NULL;

        ck_assert_int_eq(client_open(addr.sun_path, PATIENCE, &c), 0);
        *ret = accept(listener, NULL, NULL);
        ck_assert_int_ge(*ret, 0);
        return c;
}

START_TEST(who_accepts_nobody_is_not_waited_for) {
        int waiting[64];
        size_t n = 0;
        struct client *c = NULL;

        do {
                waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        } while (connect(waiting[n++], (struct sockaddr *)&addr, sizeof(addr)) == 0 && n < 64);
        ck_assert_int_eq(errno, EAGAIN); /* its queue is full */
        ck_assert_int_eq(client_open(addr.sun_path, PATIENCE, &c), -ETIMEDOUT);
        ck_assert_ptr_null(c);
        while (n > 0)
                close(waiting[--n]);
}
END_TEST

START_TEST(who_reads_nothing_is_not_waited_for) {
        size_t len = (size_t)4 << 20;
        char *text = xcalloc(1, len + 1);
        json_t *p;
        int fd;
        struct client *c = open_both(&fd);

        memset(text, 'x', len);
        p = json_pack("{s:s}", "xml", text);
        ck_assert_int_eq(client_call(c, "io.hawd.GuestCreate", p, false), -ETIMEDOUT);
        json_decref(p);
        free(text);
        client_close(c);
        close(fd);
}
END_TEST

/* @text is sent as it is, and then no more. */
static int answered(const char *text, size_t len) {
        json_t *answer = NULL;
        int fd, r;
        struct client *c = open_both(&fd);

        ck_assert_int_eq(client_call(c, "io.hawd.Status", NULL, false), 0);
        ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        r = client_answer(c, PATIENCE, &answer);
        ck_assert_int_eq(r == 0, json_is_object(answer));
        json_decref(answer);
        client_close(c);
        close(fd);
        return r;
}

#define ANSWERED(text) answered(text, sizeof(text) - 1)

START_TEST(answers_of_all_kinds) {
        ck_assert_int_eq(ANSWERED("{\"parameters\":{}}\0"), 0); /* though nothing comes after it */
        ck_assert_int_eq(ANSWERED("{\"parameters\":{}}"), -ECONNRESET);
        ck_assert_int_eq(ANSWERED(""), -ECONNRESET);
        ck_assert_int_eq(ANSWERED("\0"), -EBADMSG);
        ck_assert_int_eq(ANSWERED("[]\0"), -EBADMSG);
        ck_assert_int_eq(ANSWERED("HTTP/1.1 400 Bad Request\r\n\r\n\0"), -EBADMSG);
        ck_assert_int_eq(ANSWERED("{\"a\":\"\xff\"}\0"), -EBADMSG);
}
END_TEST

START_TEST(who_says_half_an_answer_is_not_waited_for) {
        json_t *answer = NULL;
        int fd;
        struct client *c = open_both(&fd);

        ck_assert_int_eq(client_call(c, "io.hawd.Status", NULL, false), 0);
        ck_assert_int_eq(write(fd, "{\"para", 6), 6);
        ck_assert_int_eq(client_answer(c, PATIENCE, &answer), -ETIMEDOUT);
        ck_assert_ptr_null(answer);
        client_close(c);
        close(fd);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("client");
        TCase *tc = unit_case(s, "hangs");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, who_accepts_nobody_is_not_waited_for);
        tcase_add_test(tc, who_reads_nothing_is_not_waited_for);
        tcase_add_test(tc, who_says_half_an_answer_is_not_waited_for);
        tcase_add_test(tc, answers_of_all_kinds);
        return s;
}

UNIT_MAIN(suite)
