/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Run a fence agent once, in a cage (agent_cage.h): input on standard input, output bounded.
 */
#pragma once

#include "fencing/code.h"

#include <sys/types.h>

#define AGENT_OUT_MAX ((size_t)256 * 1024)

struct agent_run {
        int status; /* exit status; -1: killed by a signal */
        char *out;  /* standard output, malloc'ed, NUL-terminated */
        char *err;  /* standard error, the same */
};

/**
 * agent_run() - run @path with @input until it ends or @until
 * @on_group: told the group of the cage while it may be killed, then 0
 * @ret:      filled on 0; agent_run_clear() it
 *
 * Return: 0 when it ended by itself, FENCE_TIMEOUT, FENCE_AGENT_MISSING, FENCE_AGENT_FAILED.
 */
int agent_run(const char *path, const char *input, usec_t until, void (*on_group)(pid_t),
              struct agent_run *ret, struct fence_error *err);
void agent_run_clear(struct agent_run *r);
