/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client of the API, in the process and on the loop of the fixture's server. */
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include "hawd/control/api_internal.h"
#include "tests/unit/api_fixture.h"
#include "tests/unit/unit.h"

static struct fix *fix;
static int fd;
static json_t *answer; /* the last one */

static inline void client(enum varlink_access access) {
        int pair[2];

        if (fd >= 0)
                close(fd);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                         0);
        ck_assert_int_eq(varlink_adopt(fix->api->varlink, pair[0], access), 0);
        fd = pair[1];
}

static inline void setup(void) {
        fix = fix_new(NULL);
        fd = -1;
        answer = NULL;
        client(VARLINK_ADMIN);
}

static inline void teardown(void) {
        json_decref(answer);
        close(fd);
        fix = fix_free(fix);
}

static inline void stop(void *data) {
        qb_loop_stop(data);
}

static inline void run(unsigned msec) {
        qb_loop_timer_handle h;

        qb_loop_timer_add(fix->loop, QB_LOOP_LOW, msec * UINT64_C(1000000), fix->loop, stop, &h);
        qb_loop_run(fix->loop);
}

static inline void send_call(const char *method, json_t *parameters, bool more) {
        json_t *root = json_pack("{s:s+,s:o,s:b}", "method", "io.hawd.", method, "parameters",
                                 parameters ? parameters : json_object(), "more", more);
        char *text = json_dumps(root, JSON_COMPACT);

        ck_assert_int_eq(send(fd, text, strlen(text) + 1, MSG_NOSIGNAL), (ssize_t)strlen(text) + 1);
        free(text);
        json_decref(root);
}

/* One answer, waited for up to a second; NULL: none came. */
static inline json_t *receive(void) {
        static char buf[VARLINK_REPLY_MAX];
        size_t len = 0;

        json_decref(answer);
        answer = NULL;
        for (int i = 0; i < 200; i++) {
                while (recv(fd, buf + len, 1, 0) == 1)
                        if (buf[len++] == '\0') {
                                answer = json_loads(buf, 0, NULL);
                                ck_assert_ptr_nonnull(answer);
                                return answer;
                        }
                run(5);
        }
        return NULL;
}

static inline json_t *call(const char *method, json_t *parameters) {
        send_call(method, parameters, false);
        ck_assert_ptr_nonnull(receive());
        ck_assert_msg(!json_object_get(answer, "error"), "%s",
                      json_string_value(json_object_get(answer, "error")));
        return json_object_get(answer, "parameters");
}

/* Return: the message of the error, which must be @error. */
static inline const char *fails(const char *method, json_t *parameters, const char *error) {
        const json_t *p;

        send_call(method, parameters, false);
        ck_assert_ptr_nonnull(receive());
        p = json_object_get(answer, "parameters");
        ck_assert_str_eq(json_string_value(json_object_get(answer, "error")), error);
        return json_string_value(json_object_get(p, "message"));
}

static inline void invalid(const char *method, json_t *parameters, const char *parameter) {
        const json_t *p;

        (void)fails(method, parameters, "org.varlink.service.InvalidParameter");
        p = json_object_get(answer, "parameters");
        ck_assert_str_eq(json_string_value(json_object_get(p, "parameter")), parameter);
}

static inline const char *text(const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "(null)";
}

static inline long long number(const json_t *o, const char *key) {
        const json_t *j = json_object_get(o, key);

        return json_is_integer(j) ? json_integer_value(j) : -1;
}

/* A request that the core answers with @code. */
static inline const json_t *doing(const char *method, json_t *parameters, enum reply_code code) {
        unsigned before = fix->n_requests;

        send_call(method, parameters, false);
        for (int i = 0; i < 50 && fix->n_requests == before; i++)
                run(2);
        ck_assert_uint_eq(fix->n_requests, before + 1);
        ck_assert_uint_ne(fix->request.id, 0);
        ck_assert_str_ne(fix->request.who, "");
        api_reply(fix->api, fix->request.id, code, "because");
        return json_object_get(receive(), "parameters");
}
