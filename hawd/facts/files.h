/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small files below a root: their text, and what configuration and unit files in them say. */
#pragma once

#include <dirent.h>

#include "hawd/facts/facts.h"

#define FILE_TEXT_MAX ((size_t)256 << 10)

/**
 * file_text() - all of the file at @root + @path
 * @ret: malloc'ed, NUL after *ret_len; written only on 0
 *
 * Return: 0, -EFBIG beyond FILE_TEXT_MAX, or -errno.
 */
int file_text(const char *root, const char *path, char **ret, size_t *ret_len);

bool file_there(const char *root, const char *path);

/** file_dir() - opendir() below @root; NULL: errno */
DIR *file_dir(const char *root, const char *path);

/**
 * conf_value() - `key = "value"` or `key = value` in @text, the last one; comments are skipped
 * Return: whether it is there, @ret then holds it without quotes.
 */
bool conf_value(const char *text, const char *key, char *ret, size_t size);

/** unit_facts() - of a systemd unit: {found, enabled, masked, after: [words of After=]} */
json_t *unit_facts(const char *root, const char *unit);
