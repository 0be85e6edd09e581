/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd's command line.
 */
#pragma once

#include <limits.h>

#include "hawd/base/base.h"

struct options {
        const char *config;
        const char *secrets;
        const char *state_dir;
        const char *run_dir;
        const char *uri;
        char fence_program[PATH_MAX];
        char facts_program[PATH_MAX];
        bool foreground;
        bool check; /* the configuration, and no more */
};

/**
 * options_parse() - @ret filled from the command line, the rest as this build expects it
 * Return: -1 to go on, else the exit status (help, version or a mistake were printed).
 */
int options_parse(int argc, char **argv, struct options *ret);
