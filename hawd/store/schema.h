/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is in the SQLite file, and whose it is. Internal to hawd/store.
 */
#pragma once

#include <sqlite3.h>

#include "hawd/store/store.h"

/** struct db_about - what the file says of itself */
struct db_about {
        uint32_t format; /* of the newest hawd that wrote it */
        uint32_t nodeid; /* whose it is; 0: nobody's yet */
        char name[NAME_LEN];
        char lost[TEXT_LEN]; /* this host had a ledger, and this file is not it; "": it is */
};

/**
 * db_create() - an empty one at @path, whole and on disk, not yet under its name
 * @about: what it says of itself, but for the format
 * Return: 0 or -errno with @err; then nothing of it is left.
 */
int db_create(const char *path, const struct store_owner *owner, const struct db_about *about,
              char *err);

/** db_claim() - from now on @about's nodeid and name. Return: 0 or -errno. */
int db_claim(sqlite3 *db, const char *path, const struct db_about *about, char *err);

/**
 * db_open() - the file is there: check whose it is and that it is whole, bring the schema up
 *
 * Nothing is changed in one that is refused.
 * Return: 0; -EUCLEAN damaged, or not hawd's; -EXDEV of another cluster;
 * -EPROTONOSUPPORT of a newer hawd; other -errno.
 */
int db_open(const char *path, const struct store_owner *owner, sqlite3 **ret,
            struct db_about *ret_about, char *err);
