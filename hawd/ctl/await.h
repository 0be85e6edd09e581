/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting until many guests are as they are to be. For one, see wait.h. */
#pragma once

#include "hawd/ctl/ctl.h"

struct await_goal {
        const char *name;
        const char *state; /* NULL: forgotten by hawd */
        bool reached;
        char now[TEXT_LEN]; /* what it is instead */
        bool hopeless;      /* blocked, or wanted otherwise meanwhile */
};

/** struct await - zeroed at first; borrows names and states */
struct await {
        struct await_goal *list;
        size_t n, cap;
};

void await_add(struct await *a, const char *name, const char *state);
void await_clear(struct await *a);

/**
 * await_run() - until all are reached, no longer than @timeout
 * Ends before when what is left is hopeless. Complains about each that is not reached.
 * Return: an enum ctl_exit.
 */
int await_run(struct ctl *ctl, struct await *a, usec_t timeout);
