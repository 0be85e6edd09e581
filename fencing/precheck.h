/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is wrong with fence devices as far as it shows without asking them: passwords that are
 * missing, settings that no driver takes, agents that are not there or prove nothing.
 */
#pragma once

#include "fencing/driver.h"

#include <stdio.h>

/** struct precheck_places - as hawd-fence was given them */
struct precheck_places {
        const char *secrets, *credentials; /* credentials: $CREDENTIALS_DIRECTORY or NULL */
        const char *cache_dir, *agent_dir; /* or NULL */
        usec_t agent_usec;                 /* for one agent's metadata */
};

/**
 * precheck() - one line of JSON to @out for each device of @c
 *
 *     {"device", "host", "error": "" or a code, "message", "warning"}
 *
 * Return: how many have an error.
 */
size_t precheck(const struct config *c, const struct precheck_places *p, FILE *out);
