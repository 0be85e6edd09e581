/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs `hawd-fence --sensors`: one child (child.h) for each look, of low importance. Owned by
 * main.c.
 */
#pragma once

#include "hawd/runner/runner.h"

#define SENSORS_LOOKS_MAX 8 /* at once; more are not begun */

struct sensors;

/** sensors_done_fn() - exactly once for each look that was begun; @text: of what is bad */
typedef void (*sensors_done_fn)(void *userdata, uint32_t nodeid, enum measured said,
                                const char *text);

struct sensors *sensors_new(qb_loop_t *loop, const struct runner_paths *paths, sensors_done_fn done,
                            void *userdata);
/** sensors_free() - kills what runs, tells nobody. NULL-safe, returns NULL. */
struct sensors *sensors_free(struct sensors *s);
/** sensors_start() - take an ACT_SENSORS */
void sensors_start(struct sensors *s, const struct action *act);

/** sensors_parse() - hawd-fence's line; MEASURED_NOT when it does not say. Pure, for tests. */
enum measured sensors_parse(const char *line, char text[ILL_TEXT]);
