/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the probes of drivers have in common: [--die-at STEP | --kill PID STEP] before a verb. */
#pragma once

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "hawd/base/base.h"

static const char *fatal_step;
static pid_t victim; /* 0: itself */
static char err[TEXT_LEN];

/* A driver's go_on(): ends the victim right before the step, and goes on if it can. */
static bool go_on(void *userdata, const char *step) {
        (void)userdata;
        if (fatal_step && strcmp(step, fatal_step) == 0) {
                (void)kill(victim ? victim : getpid(), SIGKILL);
                fatal_step = NULL;
        }
        return true;
}

/** probe_options() - take them away, and the program's name */
static inline void probe_options(int *argc, char ***argv) {
        int n = 1;

        (void)signal(SIGPIPE, SIG_IGN);
        if (*argc > 3 && strcmp((*argv)[1], "--die-at") == 0) {
                fatal_step = (*argv)[2];
                n = 3;
        } else if (*argc > 4 && strcmp((*argv)[1], "--kill") == 0) {
                victim = (pid_t)atol((*argv)[2]);
                fatal_step = (*argv)[3];
                n = 4;
        }
        *argc -= n;
        *argv += n;
}

/** probe_end() - what main() returns: said on standard error unless @r is 0 */
static inline int probe_end(const char *name, int r) {
        if (r < 0)
                (void)fprintf(stderr, "%s: %s: %s\n", name, strerror(-r), err);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
