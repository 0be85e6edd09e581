/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What worked with a device last time, so that the next action connects at once: one small file
 * per device, DIR/NAME, mode 0600. Only a hint: whatever looks odd is as if it were not there.
 *
 *     v1 <key, 16 hex digits> <value>\n
 *
 * The key is a hash of all the settings that the value depends on: changed settings, no value.
 */
#pragma once

#include "hawd/base/base.h"

#define CACHE_VALUE_LEN 160

/**
 * cache_load() - the value kept for @name under @key
 * @ret:     written only on 0
 * @ret_age: how long ago it was stored
 *
 * Return: 0, -ENOENT (nothing, or nothing that can be trusted).
 */
int cache_load(const char *dir, const char *name, uint64_t key, char ret[CACHE_VALUE_LEN],
               usec_t *ret_age);

/** cache_store() - replace the value atomically; makes @dir. Return: 0 or -errno. */
int cache_store(const char *dir, const char *name, uint64_t key, const char *value);

/** cache_parse() - the value in @text if it is whole and under @key: 0 or -EINVAL. Pure. */
int cache_parse(const char *text, uint64_t key, char ret[CACHE_VALUE_LEN]);
