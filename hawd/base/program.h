/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where hawd's other programs are, and what one says. Not for the pure parts. */
#pragma once

#include <limits.h>
#include <stdio.h>

#include "hawd/base/base.h"

/** program_find() - @installed where it can be run; else the one of that name beside this program,
 * which then runs from where it was built */
void program_find(char ret[PATH_MAX], const char *installed);

/**
 * program_open() - start argv[0] and read what it writes to its standard output
 * @ret_pid: for program_close(); it ends with this process
 *
 * Return: a stream, or NULL with errno.
 */
FILE *program_open(const char *const *argv, pid_t *ret_pid);
/** program_close() - wait for its end. Return: exit status, 128 + the signal that ended it. */
int program_close(FILE *f, pid_t pid);
