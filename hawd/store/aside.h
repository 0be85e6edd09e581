/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of the store on their folder: what is made anew comes into place whole, and what was there
 * is put aside under a name of its own, never deleted. Internal to hawd/store.
 *
 *   PATH                      the database, with PATH-wal and PATH-shm of SQLite's
 *   PATH.mark                 what was acknowledged (mark.h)
 *   PATH.new                  being made
 *   PATH.swap                 PATH.new is whole and on disk: it takes the place of PATH
 *   aside-20261123T041500Z.db what PATH was; its -wal beside it, so that sqlite3 reads both
 *
 * A write-ahead log names no file that it belongs to: beside another database it would be replayed
 * into that one. So the swap is noted first, and one that was cut short is finished at the start.
 */
#pragma once

#include "hawd/store/store.h"

#define ASIDE_NAME_LEN 40

/** path_with() - @path and @suffix, malloc'ed */
char *path_with(const char *path, const char *suffix);
/** path_beside() - the file @name in the folder of @path, malloc'ed */
char *path_beside(const char *path, const char *name);

/** sync_folder() - the names in the folder of @path are on disk. Return: 0 or -errno with @err. */
int sync_folder(const char *path, char *err);

/**
 * aside_name() - a name that nobody has yet
 * @ret: of ASIDE_NAME_LEN bytes
 * Return: 0; -EMLINK when STORE_KEPT_MAX are kept already; other -errno. With @err.
 */
int aside_name(const char *path, char *ret, char *err);

/** aside_list() - names of those kept, the oldest first, blank-separated. Return: how many. */
size_t aside_list(const char *path, char *buf, size_t size);

/**
 * aside_swap() - PATH.new, whole and on disk, takes the place of PATH, which becomes @name
 * Nobody has either open. Return: 0 or -errno with @err; then it is finished by aside_finish().
 */
int aside_swap(const char *path, const char *name, char *err);

/** aside_finish() - at the start: a swap that was cut short, or what was not ready for one */
int aside_finish(const char *path, char *err);
