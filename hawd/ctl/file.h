/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that a person names on the command line. What is wrong is printed. */
#pragma once

#include <stddef.h>

/** file_read() - the text in @path ("-": standard input). Return: malloc'ed, NULL when it cannot be
 * read, is no text or longer than @max, which is too long for @what. */
char *file_read(const char *path, size_t max, const char *what);

/** file_write() - @text into @path (NULL or "-": standard output), whole or not at all.
 * Return: an enum ctl_exit. */
int file_write(const char *path, const char *text);
