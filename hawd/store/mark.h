/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mark: what this host has acknowledged at least, beside the database. Internal to hawd/store.
 *
 * A database from which the newest transactions are missing is as good as any to SQLite: its log
 * was removed, cut or damaged (SQLite reads it up to the first bad frame), or an older copy was put
 * back. The mark finds that. It is written after each commit, without a sync of its own: an older
 * mark claims less, so what a power cut leaves of it is never wrong.
 */
#pragma once

#include "hawd/store/store.h"

struct mark {
        uint64_t promised, epoch, version; /* version: of the newest entry */
};

/** mark_write() - @fd: -1 or as left by the last call, owned by the caller. Never fails aloud. */
void mark_write(const char *path, int *fd, const struct mark *m);

/** mark_read() - Return: 0; -ENOENT none, or not a whole one; other -errno. */
int mark_read(const char *path, struct mark *ret);

/** mark_behind() - @have lacks something that @m says was acknowledged */
bool mark_behind(const struct mark *have, const struct mark *m);
