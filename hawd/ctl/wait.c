/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/wait.h"

#include <time.h>
#include <unistd.h>

#include "hawd/base/config.h"
#include "hawd/ctl/text.h"

#define POLL_USEC (200 * USEC_PER_MSEC)
#define TIMEOUT_USEC (2 * USEC_PER_MINUTE)
#define BLOCKED_USEC (3 * USEC_PER_SEC) /* a wish may mend it; then it is so no longer */

struct wait {
        struct ctl *ctl;
        const char *name;
        const struct goal *goal;
        usec_t begun;
        json_t *guest; /* as last seen; NULL: hawd knows none of that name */
};

static usec_t now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

static void took(const struct wait *w, char *buf, size_t size) {
        span_short((int64_t)((now() - w->begun) / USEC_PER_MSEC), buf, size);
}

static void progress(const struct wait *w) {
        char buf[NAME_LEN];

        if (!w->ctl->progress)
                return;
        took(w, buf, sizeof(buf));
        fprintf(stderr, "\r\033[K%s: %s%s%s (%s) %.100s", w->name, jtext(w->guest, "state"),
                jnull(w->guest, "host") ? "" : " on ", jtext(w->guest, "host"), buf,
                jtext(w->guest, "reason"));
}

static void progress_end(const struct wait *w) {
        if (w->ctl->progress)
                fprintf(stderr, "\r\033[K");
}

static int look(struct wait *w) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r = ctl_ask(w->ctl, "Guest", json_pack("{s:s}", "name", w->name), &answer);

        if (r != CTL_DONE)
                return r;
        json_decref(w->guest);
        w->guest = NULL;
        if (strcmp(jtext(answer, "error"), "io.hawd.NotFound") == 0)
                return CTL_DONE;
        if (*jtext(answer, "error"))
                return ctl_complain(w->ctl, answer);
        w->guest = json_incref(json_object_get(json_object_get(answer, "parameters"), "guest"));
        return CTL_DONE;
}

static bool reached(const struct wait *w) {
        const struct goal *g = w->goal;

        if (!w->guest || !g->state)
                return !w->guest && !g->state;
        return strcmp(jtext(w->guest, "state"), g->state) == 0 &&
               (!g->desired || strcmp(jtext(w->guest, "desired"), g->desired) == 0) &&
               (!g->host ||
                (strcmp(jtext(w->guest, "host"), g->host) == 0 && jnull(w->guest, "move_to")));
}

/* What will not become so by waiting. Return: CTL_DONE while there is hope. */
static int hopeless(const struct wait *w) {
        const struct goal *g = w->goal;
        char why[4 * TEXT_LEN] = "";

        if (!g->state)
                return CTL_DONE;
        if (!w->guest)
                text_fmt(why, sizeof(why), "%s was removed meanwhile", w->name);
        else if (g->desired && strcmp(jtext(w->guest, "desired"), g->desired) != 0)
                text_fmt(why, sizeof(why),
                         "%s is wanted %s meanwhile: see hawctl history --guest %s", w->name,
                         jtext(w->guest, "desired"), w->name);
        else if (strcmp(jtext(w->guest, "state"), "blocked") == 0 &&
                 now() - w->begun > BLOCKED_USEC)
                text_fmt(why, sizeof(why), "%s is blocked: %s", w->name, jtext(w->guest, "reason"));
        if (!*why)
                return CTL_DONE;
        progress_end(w); /* on a line of its own */
        return ctl_fail("%s", why);
}

static void tell_done(const struct wait *w) {
        char buf[NAME_LEN];

        took(w, buf, sizeof(buf));
        if (w->ctl->json)
                ctl_print_json(json_pack("{s:b,s:I,s:O?}", "done", 1, "took_ms",
                                         (json_int_t)((now() - w->begun) / USEC_PER_MSEC), "guest",
                                         w->guest));
        else if (!w->guest)
                printf("%s is no longer kept by hawd (%s)\n", w->name, buf);
        else if (strcmp(w->goal->state, "running") == 0)
                printf("%s is running on %s (%s)\n", w->name, jtext(w->guest, "host"), buf);
        else
                printf("%s is %s (%s)\n", w->name, w->goal->state, buf);
}

static int give_up(const struct wait *w) {
        char buf[NAME_LEN];

        took(w, buf, sizeof(buf));
        return ctl_fail("after %s %s is %s%s%s; hawd goes on with it: hawctl explain guest %s", buf,
                        w->name, w->guest ? jtext(w->guest, "state") : "not there",
                        *jtext(w->guest, "reason") ? ": " : "", jtext(w->guest, "reason"), w->name);
}

static int wait_for(struct wait *w, usec_t timeout) {
        w->begun = now();
        for (;;) {
                int r = look(w);

                if (r != CTL_DONE || reached(w)) {
                        progress_end(w);
                        if (r == CTL_DONE)
                                tell_done(w);
                        return r;
                }
                progress(w);
                if (now() - w->begun > POLL_USEC) { /* the wish is applied by then */
                        r = hopeless(w);
                        if (r != CTL_DONE)
                                return r;
                }
                if (now() - w->begun >= timeout) {
                        progress_end(w);
                        return give_up(w);
                }
                (void)usleep(POLL_USEC); /* shorter does no harm */
        }
}

int wait_do(struct ctl *ctl, const struct ctl_args *args, const char *method, json_t *parameters,
            const char *name, const struct goal *goal) {
        _cleanup_(json_unrefp) json_t *p = parameters, *answer = NULL;
        struct wait w = {.ctl = ctl, .name = name, .goal = goal};
        const char *text = args_get(args, "timeout");
        usec_t timeout = TIMEOUT_USEC;
        char err[TEXT_LEN];
        int r;

        if (text && parse_duration(text, &timeout, err) < 0)
                return ctl_usage("--timeout: %s", err);
        if (args_has(args, "no-wait"))
                return ctl_do(ctl, method, TAKE_PTR(p));
        r = ctl_call(ctl, method, TAKE_PTR(p), &answer);
        if (r != CTL_DONE)
                return r;
        if (!name)
                w.name = jtext(answer, "name");
        r = wait_for(&w, timeout);
        json_decref(w.guest);
        return r;
}
