/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line against the tables of nouns and verbs, and --help made from them. */
#pragma once

#include "hawd/ctl/ctl.h"

extern const struct ctl_noun *const ctl_nouns[]; /* NULL ends the list */

/** struct ctl_line - a parsed command line */
struct ctl_line {
        const struct ctl_noun *noun;
        const struct ctl_verb *verb;
        struct ctl_args args;
        const char *socket;
        bool json, help, version;
};

/**
 * args_parse() - of argv[1..]
 * @err: for people, when CTL_USAGE is returned
 *
 * With --help, noun and verb are as far as they were given.
 * Return: CTL_DONE or CTL_USAGE.
 */
int args_parse(int argc, char **argv, struct ctl_line *ret, char err[static 2 * TEXT_LEN]);

/** args_help() - of all, of a noun (@verb NULL), or of a verb */
void args_help(FILE *out, const struct ctl_noun *noun, const struct ctl_verb *verb);
