/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every step of a story: at each event that a member is given and each action that it has done,
 * from the first fault until all is well, each member is struck by each kind of fault; no promise
 * is broken, and all becomes well again.
 *
 * A step is reached once: the run forks there, a child for each blow, and goes on itself unharmed.
 */
#pragma once

#include <stddef.h>

/** every_step() - one story. Adds to @passed and @failed; prints a line of counts, and failures. */
void every_step(const char *self, const char *path, size_t jobs, size_t *passed, size_t *failed);
/** every_folder() - each *.ini in @dir. */
void every_folder(const char *self, const char *dir, size_t jobs, size_t *passed, size_t *failed);
/** every_again() - one blow, "STEP,HOST,FAULT", and its trace. Return: exit status. */
int every_again(const char *path, const char *blow);
