/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: control */
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/control/frame.h"
#include "hawd/control/varlink.h"
#include "tests/unit/unit.h"

#define MSEC_NSEC UINT64_C(1000000)

static qb_loop_t *loop;
static struct varlink *server;
static int fd = -1; /* the client's end */
static uint64_t pending, streamed;
static unsigned done;
static char logged[1024];

static void on_echo(void *ud, uint64_t call, json_t *parameters) {
        (void)ud;
        done++;
        (void)varlink_reply(server, call, json_incref(parameters));
}

static void on_later(void *ud, uint64_t call, json_t *parameters) {
        (void)ud;
        (void)parameters;
        pending = call;
}

static void on_stream(void *ud, uint64_t call, json_t *parameters) {
        (void)ud;
        (void)parameters;
        streamed = call;
        (void)varlink_notify(server, call, json_pack("{s:i}", "n", 0));
}

static void on_change(void *ud, uint64_t call, json_t *parameters) {
        on_echo(ud, call, parameters);
}

static void on_log(void *ud, int priority, const char *text) {
        (void)ud;
        (void)priority;
        text_fmt(logged + strlen(logged), sizeof(logged) - strlen(logged), "%s\n", text);
}

static const struct varlink_method methods[] = {
        {"Echo", VARLINK_VIEW, false, on_echo},
        {"Later", VARLINK_VIEW, false, on_later},
        {"Stream", VARLINK_VIEW, true, on_stream},
        {"Change", VARLINK_ADMIN, false, on_change},
};

static struct varlink_config config = {
        .vendor = "v",
        .product = "p",
        .version = "1",
        .url = "u",
        .interface = "org.test",
        .description = "interface org.test\n",
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
        .error_busy = "org.test.Busy",
        .error_failed = "org.test.Failed",
        .log = on_log,
};

static void stop(void *data) {
        (void)data;
        qb_loop_stop(loop);
}

static void run(unsigned msec) {
        qb_loop_timer_handle h;

        qb_loop_timer_add(loop, QB_LOOP_LOW, msec * MSEC_NSEC, NULL, stop, &h);
        qb_loop_run(loop);
}

static int new_client(enum varlink_access access) {
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                         0);
        ck_assert_int_eq(varlink_adopt(server, pair[0], access), 0);
        return pair[1];
}

static void setup(void) {
        loop = qb_loop_create();
        config.loop = loop;
        server = varlink_new(&config);
        fd = new_client(VARLINK_ADMIN);
        pending = streamed = 0;
        done = 0;
        logged[0] = '\0';
}

static void teardown(void) {
        if (fd >= 0)
                close(fd);
        server = varlink_free(server);
        qb_loop_destroy(loop);
}

static void put(const char *text, size_t len) {
        ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* With its NUL. */
static void put_frame(const char *text) {
        put(text, strlen(text) + 1);
}

/* All that came until now; NULs become newlines. Empty and *closed when the server hung up. */
static const char *get(bool *closed) {
        static char buf[65536];
        size_t len = 0;
        ssize_t n;

        run(20);
        while ((n = recv(fd, buf + len, sizeof(buf) - 1 - len, 0)) > 0)
                len += (size_t)n;
        if (closed)
                *closed = n == 0 || (n < 0 && errno != EAGAIN);
        for (size_t i = 0; i < len; i++)
                if (buf[i] == '\0')
                        buf[i] = '\n';
        buf[len] = '\0';
        return buf;
}

static void expect(const char *text) {
        ck_assert_str_eq(get(NULL), text);
}

static void expect_closed(const char *why) {
        bool closed;

        ck_assert_str_eq(get(&closed), "");
        ck_assert(closed);
        ck_assert_msg(strstr(logged, why) != NULL, "%s", logged);
        ck_assert_uint_eq(varlink_clients(server), 0);
}

START_TEST(a_call_is_answered) {
        put_frame("{\"method\":\"org.test.Echo\",\"parameters\":{\"a\":1}}");
        expect("{\"parameters\":{\"a\":1}}\n");
        put_frame("{\"method\":\"org.test.Echo\"}");
        expect("{\"parameters\":{}}\n");
}
END_TEST

START_TEST(frames_may_come_in_pieces) {
        static const char text[] = "{\"method\":\"org.test.Echo\",\"parameters\":{\"a\":1}}";

        for (size_t i = 0; i < sizeof(text); i++) {
                put(text + i, 1);
                run(1);
                ck_assert_uint_eq(done, i == sizeof(text) - 1);
        }
        expect("{\"parameters\":{\"a\":1}}\n");
}
END_TEST

START_TEST(calls_may_be_pipelined) {
        char all[4096] = "";
        size_t len = 0;

        for (int i = 0; i < 30; i++) /* more than one turn takes */
                len += (size_t)sprintf(all + len,
                                       "{\"method\":\"org.test.Echo\",\"parameters\":"
                                       "{\"a\":%d}}%c",
                                       i, '\0');
        put(all, len);
        run(20);
        ck_assert_uint_eq(done, 30);
        ck_assert(strncmp(get(NULL), "{\"parameters\":{\"a\":0}}\n{\"parameters\":{\"a\":1}}\n",
                          46) == 0);
}
END_TEST

START_TEST(answers_keep_the_order_of_calls) {
        put_frame("{\"method\":\"org.test.Later\"}");
        put_frame("{\"method\":\"org.test.Echo\",\"parameters\":{\"a\":2}}");
        expect("");
        ck_assert_uint_eq(done, 0);
        ck_assert_int_eq(varlink_reply(server, pending, json_pack("{s:i}", "a", 1)), 0);
        expect("{\"parameters\":{\"a\":1}}\n{\"parameters\":{\"a\":2}}\n");
        ck_assert_int_eq(varlink_reply(server, pending, NULL), -ENOENT);
}
END_TEST

START_TEST(oneway_is_not_answered) {
        put_frame("{\"method\":\"org.test.Echo\",\"oneway\":true}");
        put_frame("{\"method\":\"org.test.Later\",\"oneway\":true}");
        put_frame("{\"method\":\"org.test.Nothing\",\"oneway\":true}");
        put_frame("{\"method\":\"org.test.Echo\"}");
        expect("{\"parameters\":{}}\n");
        ck_assert_uint_eq(done, 2);
        ck_assert_int_eq(varlink_reply(server, pending, NULL), -ENOENT);
}
END_TEST

START_TEST(who_hangs_up_is_still_obeyed) {
        put_frame("{\"method\":\"org.test.Echo\"}");
        put_frame("{\"method\":\"org.test.Later\"}");
        put_frame("{\"method\":\"org.test.Echo\",\"oneway\":true}");
        close(fd);
        fd = -1;
        run(20);
        ck_assert_uint_eq(done, 2);
        ck_assert_uint_eq(varlink_clients(server), 0);
        ck_assert_int_eq(varlink_reply(server, pending, NULL), -ENOENT);
        ck_assert_str_eq(logged, "");
}
END_TEST

START_TEST(who_only_stops_to_send_is_answered) {
        bool closed;

        put_frame("{\"method\":\"org.test.Later\"}");
        shutdown(fd, SHUT_WR);
        expect("");
        ck_assert_int_eq(varlink_reply(server, pending, NULL), 0);
        ck_assert_str_eq(get(&closed), "{\"parameters\":{}}\n");
        ck_assert(closed);
}
END_TEST

static const char *const rubbish[] = {
        "",
        "nonsense",
        "[]",
        "\"org.test.Echo\"",
        "{}",
        "{\"method\":1}",
        "{\"method\":\"org.test.Echo\",\"parameters\":[]}",
        "{\"method\":\"org.test.Echo\",\"parameters\":null}",
        "{\"method\":\"org.test.Echo\",\"more\":1}",
        "{\"method\":\"org.test.Echo\",\"oneway\":\"yes\"}",
        "{\"method\":\"org.test.Stream\",\"more\":true,\"oneway\":true}",
        "{\"method\":\"org.test.Echo\",\"method\":\"org.test.Echo\"}",
        "{\"method\":\"org.test.Echo\"} x",
        "{\"method\":\"org.test.Echo\xff\"}",
};

START_TEST(rubbish_ends_the_connection) {
        put_frame(rubbish[_i]);
        expect_closed("not of the Varlink protocol");
        ck_assert_uint_eq(done, 0);
}
END_TEST

START_TEST(too_long_frames_end_the_connection) {
        static char chunk[65536];
        size_t sent = 0;

        memset(chunk, ' ', sizeof(chunk));
        while (sent <= VARLINK_FRAME_MAX + sizeof(chunk)) {
                ssize_t n = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);

                if (n > 0)
                        sent += (size_t)n;
                else if (errno != EAGAIN)
                        break;
                run(1);
        }
        ck_assert_uint_gt(sent, VARLINK_FRAME_MAX);
        expect_closed("too long");
}
END_TEST

START_TEST(viewers_get_less_room) {
        char *text = xcalloc(VARLINK_VIEW_FRAME_MAX + 10, 1);

        close(fd);
        fd = new_client(VARLINK_VIEW);
        memset(text, ' ', VARLINK_VIEW_FRAME_MAX + 1);
        put(text, VARLINK_VIEW_FRAME_MAX + 1);
        free(text);
        expect_closed("too long");
}
END_TEST

START_TEST(a_message_cut_off_is_reported) {
        put("{\"method\":", 10);
        shutdown(fd, SHUT_WR);
        expect_closed("hung up within a message");
}
END_TEST

static const struct {
        const char *call, *answer;
} standard[] = {
        {"{\"method\":\"org.test.Nothing\"}",
         "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":"
         "\"org.test.Nothing\"}}\n"},
        {"{\"method\":\"org.other.Echo\"}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":"
         "\"org.other\"}}\n"},
        {"{\"method\":\"Echo\"}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":"
         "\"\"}}\n"},
        {"{\"method\":\"org.varlink.service.GetInfo\"}",
         "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\",\"url\":\"u\","
         "\"interfaces\":[\"org.varlink.service\",\"org.test\"]}}\n"},
        {"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{"
         "\"interface\":\"org.test\"}}",
         "{\"parameters\":{\"description\":\"interface org.test\\n\"}}\n"},
        {"{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{"
         "\"interface\":\"org.none\"}}",
         "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":"
         "\"org.none\"}}\n"},
        {"{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
         "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"
         "\"interface\"}}\n"},
        {"{\"method\":\"org.varlink.service.Nothing\"}",
         "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":"
         "\"org.varlink.service.Nothing\"}}\n"},
        {"{\"method\":\"org.test.Stream\"}",
         "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}\n"},
        /* `more` is allowed where one answer is all there is. */
        {"{\"method\":\"org.test.Echo\",\"more\":true}", "{\"parameters\":{}}\n"},
};

START_TEST(standard_answers) {
        put_frame(standard[_i].call);
        expect(standard[_i].answer);
}
END_TEST

START_TEST(access_is_checked) {
        static const char denied[] =
                "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}\n";

        put_frame("{\"method\":\"org.test.Change\"}");
        expect("{\"parameters\":{}}\n");
        close(fd);
        fd = new_client(VARLINK_VIEW);
        put_frame("{\"method\":\"org.test.Change\"}");
        expect(denied);
        put_frame("{\"method\":\"org.test.Echo\"}");
        expect("{\"parameters\":{}}\n");
        ck_assert_uint_eq(done, 2);
        close(fd);
        fd = new_client(VARLINK_NOTHING);
        put_frame("{\"method\":\"org.test.Echo\"}");
        expect(denied);
}
END_TEST

START_TEST(streams_end_in_order) {
        bool closed;

        put_frame("{\"method\":\"org.test.Stream\",\"more\":true}");
        put_frame("{\"method\":\"org.test.Echo\"}");
        expect("{\"parameters\":{\"n\":0},\"continues\":true}\n");
        ck_assert_int_eq(varlink_notify(server, streamed, json_pack("{s:i}", "n", 1)), 0);
        expect("{\"parameters\":{\"n\":1},\"continues\":true}\n");
        ck_assert_int_eq(varlink_reply(server, streamed, NULL), 0);
        expect("{\"parameters\":{}}\n{\"parameters\":{}}\n");
        ck_assert_int_eq(varlink_notify(server, streamed, NULL), -ENOENT);
        put_frame("{\"method\":\"org.test.Stream\",\"more\":true}");
        expect("{\"parameters\":{\"n\":0},\"continues\":true}\n");
        server = varlink_free(server); /* hawd stops */
        ck_assert_str_eq(get(&closed), "{\"parameters\":{}}\n");
        ck_assert(closed);
}
END_TEST

START_TEST(only_streams_are_notified) {
        put_frame("{\"method\":\"org.test.Later\"}");
        run(10);
        ck_assert_int_eq(varlink_notify(server, pending, NULL), -EINVAL);
        ck_assert_int_eq(varlink_notify(server, 999, NULL), -ENOENT);
}
END_TEST

START_TEST(slow_readers_of_streams_are_dropped) {
        char *big = xcalloc(10001, 1), last[256] = "";
        int n = 0, r = 0;
        size_t len = 0;

        memset(big, 'x', 10000);
        put_frame("{\"method\":\"org.test.Stream\",\"more\":true}");
        run(10);
        while (r == 0 && n < 10000) {
                r = varlink_notify(server, streamed, json_pack("{s:s}", "t", big));
                n++;
        }
        free(big);
        ck_assert_int_eq(r, -ENOENT);
        ck_assert_int_gt(n, (int)(VARLINK_STREAM_MAX / 10100)); /* that much may wait */
        ck_assert_ptr_nonnull(strstr(logged, "too slowly"));
        /* Whole frames, the last of which says why, then the end. */
        for (int i = 0; i < 200; i++) {
                char c[8192];
                ssize_t got = recv(fd, c, sizeof(c), 0);

                if (got == 0)
                        break;
                for (ssize_t k = 0; k < got; k++) {
                        last[MIN(len, sizeof(last) - 2)] = c[k];
                        len = c[k] == '\0' ? 0 : len + 1;
                }
                run(1);
        }
        ck_assert_uint_eq(len, 0);
        ck_assert_msg(strncmp(last, "{\"error\":\"org.test.Failed\"", 26) == 0, "%s", last);
        ck_assert_uint_eq(varlink_clients(server), 0);
}
END_TEST

START_TEST(a_slow_reader_of_answers_is_waited_for) {
        char *call = xcalloc(300000, 1);
        size_t len, got = 0;

        len = (size_t)sprintf(call,
                              "{\"method\":\"org.test.Echo\",\"parameters\":{\"a\":\"%0200000d"
                              "\"}}",
                              0) +
              1;
        for (int i = 0; i < 3; i++)
                for (size_t sent = 0; sent < len;) {
                        ssize_t n = send(fd, call + sent, len - sent, MSG_NOSIGNAL);

                        if (n > 0)
                                sent += (size_t)n;
                        if (done < 2)
                                run(1);
                        else if (n < 0)
                                break; /* the server reads no more before it could answer */
                }
        free(call);
        ck_assert_uint_le(done, 3);
        for (int i = 0; i < 100; i++) {
                char buf[65536];
                ssize_t n = recv(fd, buf, sizeof(buf), 0);

                got += n > 0 ? (size_t)n : 0;
                run(1);
        }
        ck_assert_uint_ge(got, 2 * len / 2);
        ck_assert_uint_eq(varlink_clients(server), 1);
}
END_TEST

START_TEST(too_long_answers_become_an_error) {
        char *big = xcalloc(VARLINK_REPLY_MAX + 1, 1);

        memset(big, 'x', VARLINK_REPLY_MAX);
        put_frame("{\"method\":\"org.test.Later\"}");
        run(10);
        ck_assert_int_eq(varlink_reply(server, pending, json_pack("{s:s}", "a", big)), 0);
        free(big);
        ck_assert(strncmp(get(NULL), "{\"error\":\"org.test.Failed\"", 26) == 0);
}
END_TEST

START_TEST(clients_are_bounded) {
        int clients[VARLINK_CLIENTS_MAX], pair[2], n = 0;

        for (int i = 0; i < VARLINK_VIEWERS_MAX; i++)
                clients[n++] = new_client(VARLINK_VIEW);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ck_assert_int_eq(varlink_adopt(server, pair[0], VARLINK_VIEW), -EMFILE);
        close(pair[1]);
        while (varlink_clients(server) < VARLINK_CLIENTS_MAX)
                clients[n++] = new_client(VARLINK_ADMIN);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ck_assert_int_eq(varlink_adopt(server, pair[0], VARLINK_ADMIN), -EMFILE);
        close(pair[1]);
        while (n > 0)
                close(clients[--n]);
        run(20);
        ck_assert_uint_eq(varlink_clients(server), 1);
}
END_TEST

static int connect_to(const char *path) {
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

        text_set(addr.sun_path, sizeof(addr.sun_path), path);
        if (connect(s, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
                return s;
        close(s);
        return -1;
}

START_TEST(sockets_are_opened_and_removed) {
        char dir[] = "/tmp/varlink-XXXXXX", path[64];
        int extra[VARLINK_CLIENTS_MAX + 1];
        struct stat st;

        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(path, sizeof(path), "%s/s", dir);
        ck_assert_int_eq(varlink_listen(server, path, VARLINK_ADMIN, (gid_t)-1), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
        ck_assert_int_eq(varlink_listen(server, path, VARLINK_ADMIN, (gid_t)-1), -EADDRINUSE);
        close(fd);
        run(10);
        fd = connect_to(path);
        put_frame("{\"method\":\"org.test.Change\"}");
        expect("{\"parameters\":{}}\n");
        /* One too many is told so. */
        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++) {
                extra[i] = connect_to(path);
                run(1);
        }
        close(fd);
        fd = extra[VARLINK_CLIENTS_MAX - 1];
        ck_assert(strncmp(get(NULL), "{\"error\":\"org.test.Busy\"", 24) == 0);
        for (size_t i = 0; i + 1 < VARLINK_CLIENTS_MAX; i++)
                close(extra[i]);
        server = varlink_free(server);
        ck_assert_int_eq(stat(path, &st), -1);
        rmdir(dir);
}
END_TEST

START_TEST(stale_sockets_are_replaced) {
        char dir[] = "/tmp/varlink-XXXXXX", path[64];
        struct sockaddr_un addr = {.sun_family = AF_UNIX};
        struct stat st;
        int s = socket(AF_UNIX, SOCK_STREAM, 0);

        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(path, sizeof(path), "%s/s", dir);
        text_set(addr.sun_path, sizeof(addr.sun_path), path);
        ck_assert_int_eq(bind(s, (const struct sockaddr *)&addr, sizeof(addr)), 0);
        close(s); /* as kill -9 leaves it */
        ck_assert_int_eq(varlink_listen(server, path, VARLINK_VIEW, getgid()), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0660);
        ck_assert_uint_eq(st.st_gid, getgid());
        server = varlink_free(server);
        rmdir(dir);
}
END_TEST

START_TEST(peers_are_known) {
        struct peer peer;
        char name[NAME_LEN];

        ck_assert_int_eq(peer_read(fd, &peer), 0);
        ck_assert_uint_eq(peer.uid, getuid());
        ck_assert_int_eq(peer.pid, getpid());
        ck_assert(peer_in_group(fd, &peer, getgid()));
        peer.gid = (gid_t)-2; /* the supplementary groups are asked */
        ck_assert(!peer_in_group(fd, &peer, 54321));
        peer_user(0, name);
        ck_assert_str_eq(name, "root");
        peer_user(3999999999, name);
        ck_assert_str_eq(name, "uid 3999999999");
}
END_TEST

#define TEST_GID 54321

/* As user nobody with the supplementary group @gid. Return: whether Change was allowed. */
static bool stranger_may(const char *path, gid_t gid) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                static const char text[] = "{\"method\":\"org.test.Change\"}";
                char buf[256] = "";
                int s;

                if (setgroups(1, &gid) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(3);
                s = connect_to(path);
                (void)fcntl(s, F_SETFL, 0); /* blocks from here on */
                if (s < 0 || send(s, text, sizeof(text), 0) < 0 ||
                    recv(s, buf, sizeof(buf) - 1, 0) <= 0)
                        _exit(2);
                _exit(strstr(buf, "PermissionDenied") ? 1 : 0);
        }
        run(200);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_le(WEXITSTATUS(status), 1);
        return WEXITSTATUS(status) == 0;
}

START_TEST(groups_decide_over_strangers) {
        char dir[] = "/tmp/varlink-XXXXXX", path[64];

        if (geteuid() != 0)
                return; /* nobody else can be played */
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(chmod(dir, 0755), 0);
        text_fmt(path, sizeof(path), "%s/s", dir);
        ck_assert_int_eq(varlink_listen(server, path, VARLINK_ADMIN, TEST_GID), 0);
        ck_assert(stranger_may(path, TEST_GID));
        ck_assert_int_eq(chmod(path, 0666), 0); /* the mode alone is not relied on */
        ck_assert(!stranger_may(path, TEST_GID + 1));
        server = varlink_free(server);
        rmdir(dir);
}
END_TEST

START_TEST(cut_keeps_what_was_begun) {
        struct frame_writer w = {0};

        frame_writer_add(&w, "first", 5);
        frame_writer_add(&w, "second", 6);
        frame_writer_written(&w, 2);
        frame_writer_add(&w, "third", 5);
        frame_writer_cut(&w);
        ck_assert_uint_eq(frame_writer_pending(&w), 4);
        ck_assert_mem_eq(w.buf + w.start, "rst", 4);
        frame_writer_add(&w, "why", 3);
        ck_assert_mem_eq(w.buf + w.start, "rst\0why", 8);
        frame_writer_written(&w, 4);
        frame_writer_cut(&w);
        ck_assert_uint_eq(frame_writer_pending(&w), 0);
        frame_writer_done(&w);
}
END_TEST

static Suite *varlink_suite(void) {
        Suite *s = suite_create("varlink");
        TCase *tc = unit_case(s, "varlink");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, a_call_is_answered);
        tcase_add_test(tc, frames_may_come_in_pieces);
        tcase_add_test(tc, calls_may_be_pipelined);
        tcase_add_test(tc, answers_keep_the_order_of_calls);
        tcase_add_test(tc, oneway_is_not_answered);
        tcase_add_test(tc, who_hangs_up_is_still_obeyed);
        tcase_add_test(tc, who_only_stops_to_send_is_answered);
        tcase_add_loop_test(tc, rubbish_ends_the_connection, 0, (int)ARRAY_SIZE(rubbish));
        tcase_add_test(tc, too_long_frames_end_the_connection);
        tcase_add_test(tc, viewers_get_less_room);
        tcase_add_test(tc, a_message_cut_off_is_reported);
        tcase_add_loop_test(tc, standard_answers, 0, (int)ARRAY_SIZE(standard));
        tcase_add_test(tc, access_is_checked);
        tcase_add_test(tc, streams_end_in_order);
        tcase_add_test(tc, only_streams_are_notified);
        tcase_add_test(tc, slow_readers_of_streams_are_dropped);
        tcase_add_test(tc, a_slow_reader_of_answers_is_waited_for);
        tcase_add_test(tc, too_long_answers_become_an_error);
        tcase_add_test(tc, clients_are_bounded);
        tcase_add_test(tc, sockets_are_opened_and_removed);
        tcase_add_test(tc, stale_sockets_are_replaced);
        tcase_add_test(tc, peers_are_known);
        tcase_add_test(tc, groups_decide_over_strangers);
        tcase_add_test(tc, cut_keeps_what_was_begun);
        return s;
}

UNIT_MAIN(varlink_suite)
