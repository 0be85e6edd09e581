/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "hawd/base/clock.h"
#include "hawd/runner/child.h"
#include "hawd/runner/runner.h"

/** struct errand - one action under way */
struct errand {
        struct errand *next;
        struct runner *runner;
        uint64_t id;
        enum fence_action action;
        struct child *child;
};

struct runner {
        qb_loop_t *loop;
        const struct runner_paths *paths;
        runner_done_fn done;
        void *userdata;
        struct errand *errands;
};

static const char *const action_names[] = {
        [FENCE_ACT_STATUS] = "status",
        [FENCE_ACT_OFF] = "off",
        [FENCE_ACT_ON] = "on",
};

struct runner *runner_new(qb_loop_t *loop, const struct runner_paths *paths, runner_done_fn done,
                          void *userdata) {
        struct runner *r = xcalloc(1, sizeof(*r));

        *r = (struct runner){.loop = loop, .paths = paths, .done = done, .userdata = userdata};
        return r;
}

static void errand_free(struct errand *e) {
        struct runner *r = e->runner;

        for (struct errand **p = &r->errands; *p; p = &(*p)->next)
                if (*p == e) {
                        *p = e->next;
                        break;
                }
        e->child = child_free(e->child);
        free(e);
}

struct runner *runner_free(struct runner *r) {
        if (!r)
                return NULL;
        while (r->errands)
                errand_free(r->errands);
        free(r);
        return NULL;
}

static const char *why(enum child_end end, int status, const struct runner *r, char *buf) {
        switch (end) {
        case CHILD_NOT_STARTED:
                text_fmt(buf, TEXT_LEN, "%.100s cannot be run: %s", r->paths->program,
                         strerror(-status));
                return buf;
        case CHILD_TOO_LONG:
                return "hawd-fence did not end in time and was killed";
        case CHILD_TOO_MUCH:
                return "hawd-fence says too much";
        case CHILD_ENDED:
                break;
        }
        return "hawd-fence ended without an answer";
}

static void on_end(void *userdata, enum child_end end, int status, const char *output, size_t len) {
        struct errand *e = userdata;
        struct runner *r = e->runner;
        /* Until it says otherwise: an order may have been sent. */
        struct runner_said said = {.switched = e->action != FENCE_ACT_STATUS &&
                                               child_started(e->child)};
        char buf[TEXT_LEN];
        uint64_t id = e->id;

        (void)len;
        if (end != CHILD_ENDED || runner_parse(output, e->action, &said) < 0)
                text_set(said.text, sizeof(said.text), why(end, status, r, buf));
        errand_free(e);
        r->done(r->userdata, id, &said, now_wall());
}

void runner_start(struct runner *r, const struct action *act) {
        struct errand *e = xcalloc(1, sizeof(*e));
        char timeout[24], deadline[24];
        const char *argv[] = {r->paths->program,
                              "--config",
                              r->paths->config,
                              "--secrets",
                              r->paths->secrets,
                              "--device",
                              act->fence.device,
                              "--action",
                              action_names[act->fence.action],
                              "--timeout",
                              timeout,
                              "--deadline-boottime-usec",
                              deadline,
                              NULL};
        const struct child_spec spec = {
                .argv = argv,
                .limit_usec = usec_add(act->fence.timeout_usec, RUNNER_GRACE_USEC),
                .output_max = RUNNER_OUTPUT_MAX,
                .end = on_end,
                .userdata = e,
        };

        text_fmt(timeout, sizeof(timeout), "%" PRIu64, act->fence.timeout_usec / USEC_PER_MSEC);
        text_fmt(deadline, sizeof(deadline), "%" PRIu64, act->fence.deadline_usec);
        e->runner = r;
        e->id = act->fence.id;
        e->action = act->fence.action;
        e->next = r->errands;
        r->errands = e;
        e->child = child_new(r->loop, &spec);
}

void runner_cancel(struct runner *r, uint64_t id) {
        for (struct errand *e = r->errands; e; e = e->next)
                if (e->id == id)
                        child_cancel(e->child, RUNNER_GRACE_USEC);
}
