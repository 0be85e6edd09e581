/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger and its history on this host's disk: one SQLite file, WAL, synchronous=FULL.
 *
 * What is stored is opaque here (the caller encodes). Batches are written in the order in which
 * they are submitted, by a thread of the store's own, one transaction each; those that wait
 * together share one transaction and one fsync. Completions come back in the same order: store_fd()
 * becomes readable, store_dispatch() calls back on the caller's thread.
 *
 *   store_open -> store_load -> store_start -> store_submit ... store_dispatch ... -> store_free
 *
 * A batch that cannot be written fails, and so do all behind it that were submitted before
 * store_dispatch() reported the failure (they may build on it). The thread lives on, and what is
 * submitted afterwards is tried anew, on a file that is opened again. A failed batch was never
 * acknowledged, but when the machine dies right then it may be found stored all the same.
 *
 * store_open() to store_start(), store_submit() and store_dispatch() belong to one thread; readers
 * (reader.h) have connections of their own and may be anywhere.
 */
#pragma once

#include "hawd/base/base.h"

#define STORE_SCHEMA 1
#define STORE_BLOB_MAX ((size_t)64 * 1024 * 1024)
#define STORE_QUEUE_MAX ((size_t)256 * 1024 * 1024) /* bytes that wait to be written */

/** struct store_bytes - borrowed for the call, copied by it */
struct store_bytes {
        const void *data;
        size_t len;
};

struct store_entry {
        uint64_t version;
        uint64_t epoch;
        struct store_bytes bytes;
};

/** struct store_row - of history; (version, seq) is its key, the first one with it stays */
struct store_row {
        uint64_t version;
        uint32_t seq;
        usec_t wall_usec;
        const char *kind;  /* stable name of a note */
        uint32_t host;     /* node id, or 0 */
        const char *guest; /* or "" */
        uint64_t incident; /* or 0 */
        const char *text;
        const char *json; /* or "" */
};

/** struct store_batch - one transaction; the parts are done in this order */
struct store_batch {
        uint64_t id; /* given back by the completion */

        bool set_promised;
        uint64_t promised;
        bool set_epoch;
        uint64_t epoch;
        bool set_alone; /* the flag of a lone survivor of two */
        bool alone;

        bool install; /* base_version and snapshot replace all entries */
        bool compact; /* base_version and snapshot replace entries up to base_version */
        uint64_t base_version;
        struct store_bytes snapshot;

        const struct store_entry *entries; /* appended: each version is the one before + 1 */
        size_t n_entries;
        const struct store_row *rows;
        size_t n_rows;
};

/** struct store_done - @code 0 or negative, then @text is for people */
struct store_done {
        uint64_t id;
        int code;
        const char *text;
};

typedef void store_done_fn(void *ud, const struct store_done *done);

/** struct store_loaded - what the file holds; version of entries[i] is base_version + 1 + i */
struct store_loaded {
        uint64_t epoch, promised, base_version;
        bool alone;
        struct blob *snapshot; /* NULL: none yet, base_version is 0 */
        struct store_loaded_entry {
                uint64_t version, epoch;
                struct blob *bytes;
        } * entries;
        size_t n_entries;
};

struct store;

/**
 * store_open() - open @path, or create it (mode 0600, the folder must be there)
 * @ret: written only on 0
 * @err: of TEXT_LEN bytes, what is wrong and what mends it
 *
 * Return: 0; -EBUSY another hawd has it open; -EUCLEAN damaged, or no SQLite file, or not hawd's;
 * -EPROTONOSUPPORT of a newer hawd; other -errno.
 */
int store_open(const char *path, struct store **ret, char *err);

/** store_load() - all of the ledger, before store_start(). Return: 0, -EUCLEAN, other -errno. */
int store_load(struct store *s, struct store_loaded *ret, char *err);
void store_loaded_clear(struct store_loaded *l);

/** store_start() - start writing; @done is called by store_dispatch(). Return: 0 or -errno. */
int store_start(struct store *s, store_done_fn *done, void *ud);

/** store_fd() - readable when there are completions; level-triggered, owned by the store */
int store_fd(const struct store *s);
/** store_dispatch() - call back for every completion that has come */
void store_dispatch(struct store *s);

/**
 * store_submit() - queue a copy of @b
 * Return: 0, and a completion will come; -E2BIG a blob over STORE_BLOB_MAX; -ENOBUFS more than
 * STORE_QUEUE_MAX waits (the disk hangs); -EINVAL. On these nothing is queued.
 */
int store_submit(struct store *s, const struct store_batch *b);

/** store_waiting_since() - CLOCK_BOOTTIME at which the oldest unfinished batch was submitted, or
 *  USEC_INFINITY: a disk that hangs shows here, and nowhere else */
usec_t store_waiting_since(struct store *s);

/**
 * store_free() - write what is queued, end the thread, close; no more callbacks
 * @wait_usec: for a disk that hangs; then the thread and its memory are left to the process's end
 *
 * Return: NULL.
 */
struct store *store_free(struct store *s, usec_t wait_usec);
