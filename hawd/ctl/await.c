/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/await.h"

#include <time.h>
#include <unistd.h>

#include "hawd/ctl/text.h"

#define POLL_USEC (300 * USEC_PER_MSEC)
#define HOPE_USEC (5 * USEC_PER_SEC) /* a step before may mend it; then it is so no longer */

static usec_t now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

void await_add(struct await *a, const char *name, const char *state) {
        if (a->n == a->cap) {
                a->cap = 2 * a->cap + 8;
                a->list = xreallocarray(a->list, a->cap, sizeof(*a->list));
        }
        a->list[a->n++] = (struct await_goal){.name = name, .state = state};
}

void await_clear(struct await *a) {
        free(a->list);
        *a = (struct await){0};
}

static void judge(struct await_goal *g, const json_t *guest) {
        const char *state = jtext(guest, "state"), *reason = jtext(guest, "reason");
        bool otherwise = guest && g->state && strcmp(jtext(guest, "desired"), g->state) != 0;

        g->reached = g->state ? guest && strcmp(state, g->state) == 0 : !guest;
        g->hopeless =
                !g->reached && (otherwise || (g->state && !guest) || strcmp(state, "blocked") == 0);
        if (!guest)
                text_set(g->now, sizeof(g->now), "not there");
        else
                text_fmt(g->now, sizeof(g->now), "%s%s%s", state, *reason ? ": " : "", reason);
}

/* All guests by name. Return: an enum ctl_exit. */
static int fetch(struct ctl *ctl, json_t **ret) {
        _cleanup_(json_unrefp) json_t *all = json_object(), *from = json_null();

        do {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                int r = ctl_call(ctl, "Guests", json_pack("{s:O}", "from", from), &answer);
                json_t *guest;
                size_t i;

                if (r != CTL_DONE)
                        return r;
                json_array_foreach(json_object_get(answer, "guests"), i, guest)
                        json_object_set(all, jtext(guest, "name"), guest);
                json_decref(from);
                from = json_incref(json_object_get(answer, "next"));
        } while (json_is_string(from));
        *ret = TAKE_PTR(all);
        return CTL_DONE;
}

static void progress(const struct ctl *ctl, const struct await *a, size_t left) {
        if (!ctl->progress)
                return;
        for (size_t i = 0; i < a->n; i++)
                if (!a->list[i].reached) {
                        fprintf(stderr, "\r\033[K%zu of %zu guests; %s is %.60s", a->n - left, a->n,
                                a->list[i].name, a->list[i].now);
                        return;
                }
}

static int give_up(const struct await *a, usec_t begun) {
        char buf[NAME_LEN];

        for (size_t i = 0; i < a->n; i++)
                if (!a->list[i].reached)
                        (void)ctl_fail("%s is %s", a->list[i].name, a->list[i].now);
        span_short((int64_t)((now() - begun) / USEC_PER_MSEC), buf, sizeof(buf));
        return ctl_fail("after %s not all guests are as wanted; hawd goes on with them: hawctl "
                        "guest list --wrong",
                        buf);
}

int await_run(struct ctl *ctl, struct await *a, usec_t timeout) {
        usec_t begun = now();

        while (a->n > 0) {
                _cleanup_(json_unrefp) json_t *guests = NULL;
                size_t left = 0, hopeless = 0;
                int r = fetch(ctl, &guests);

                if (r != CTL_DONE)
                        return r;
                for (size_t i = 0; i < a->n; i++) {
                        judge(&a->list[i], json_object_get(guests, a->list[i].name));
                        left += !a->list[i].reached;
                        hopeless += a->list[i].hopeless;
                }
                progress(ctl, a, left);
                if (left > 0 &&
                    now() - begun < (left == hopeless ? MIN(HOPE_USEC, timeout) : timeout)) {
                        (void)usleep(POLL_USEC); /* shorter does no harm */
                        continue;
                }
                if (ctl->progress)
                        fprintf(stderr, "\r\033[K");
                return left > 0 ? give_up(a, begun) : CTL_DONE;
        }
        return CTL_DONE;
}
