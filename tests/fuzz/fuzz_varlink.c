/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: control */
/*
 * What a client may send: frames, the protocol, every method of the API on a real core. The first
 * byte of the input says how it is cut into writes and whether the client may only look; what it
 * asks to be changed is answered at once. No crash, no leak, and every answer is whole JSON.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "hawd/control/api_internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/api_fixture.h"

#define INPUT_MAX 60000 /* one socket buffer */

static struct fix *fix;

static int answer(void *ud, const struct request *request) {
        (void)fix_request(ud, request);
        api_reply(fix->api, request->id, (enum reply_code)(request->id % REPLY_CODE_MAX_), "");
        return 0;
}

static void stop(void *data) {
        qb_loop_stop(data);
}

/* Until what can be done without waiting is done. */
static void run(void) {
        qb_loop_timer_handle h;

        qb_loop_timer_add(fix->loop, QB_LOOP_LOW, 1, fix->loop, stop, &h);
        qb_loop_run(fix->loop);
}

static void check_answers(int fd) {
        static char buf[1 << 22];
        size_t len = 0;
        ssize_t n;
        char *nul;

        while (len < sizeof(buf) && (n = recv(fd, buf + len, sizeof(buf) - len, 0)) > 0)
                len += (size_t)n;
        for (char *p = buf; (nul = memchr(p, '\0', len - (size_t)(p - buf))); p = nul + 1) {
                json_t *j = json_loads(p, 0, NULL);

                if (!json_is_object(j))
                        abort();
                json_decref(j);
                if ((size_t)(nul + 1 - buf) == len)
                        break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        int pair[2];
        size_t step;

        if (size < 2 || size > INPUT_MAX)
                return 0;
        if (!fix)
                fix = fix_new(answer);
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
                abort();
        if (varlink_adopt(fix->api->varlink, pair[0], data[0] & 1 ? VARLINK_VIEW : VARLINK_ADMIN) <
            0) {
                close(pair[1]);
                run(); /* those that are gone make room */
                return 0;
        }
        step = data[0] & 2 ? 1 + data[0] / 4 : size;
        for (size_t at = 1; at < size; at += step) {
                if (send(pair[1], data + at, MIN(step, size - at), MSG_NOSIGNAL) < 0)
                        break;
                if (data[0] & 2)
                        run();
        }
        for (int i = 0; i < 8; i++)
                run();
        check_answers(pair[1]);
        close(pair[1]);
        run();
        return 0;
}
