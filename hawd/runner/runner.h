/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs hawd-fence: one child (child.h) per action. Owned by main.c.
 */
#pragma once

#include <qb/qbloop.h>

#include "hawd/core/event.h"

#define RUNNER_GRACE_USEC (2 * USEC_PER_SEC) /* over hawd-fence's own limit, then SIGKILL */
#define RUNNER_OUTPUT_MAX 8192

struct runner;

/** struct runner_paths - borrowed for the life of the runner */
struct runner_paths {
        const char *program; /* hawd-fence */
        const char *config;
        const char *secrets;
};

/** struct runner_said - what hawd-fence said in the end */
struct runner_said {
        enum power_reading reading;
        bool switched;
        char text[TEXT_LEN]; /* for people, empty when all went well */
        char guid[UUID_LEN]; /* System GUID that the device told, "" none */
};

/**
 * runner_done_fn() - exactly once for each action
 * @said: borrowed; reading: after the action; OFF after FENCE_ACT_OFF means read off at least twice
 */
typedef void (*runner_done_fn)(void *userdata, uint64_t id, const struct runner_said *said,
                               usec_t wall);

struct runner *runner_new(qb_loop_t *loop, const struct runner_paths *paths, runner_done_fn done,
                          void *userdata);
/** runner_free() - kills what runs, tells nobody. NULL-safe, returns NULL. */
struct runner *runner_free(struct runner *r);

/** runner_start() - take an ACT_FENCE; its end comes by the callback, from the loop. */
void runner_start(struct runner *r, const struct action *act);

/** runner_cancel() - end it soon; unknown ids are ignored. */
void runner_cancel(struct runner *r, uint64_t id);

/** runner_parse() - what hawd-fence's line says; pure, for tests.
 * Return: 0, or -EBADMSG when it is no such line. */
int runner_parse(const char *line, enum fence_action action, struct runner_said *ret);
