/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger and its history on this host's disk: one SQLite file, WAL, synchronous=FULL.
 *
 * What is stored is opaque here (the caller encodes). Batches are written in the order in which
 * they are submitted, by a thread of the store's own, one transaction each; those that wait
 * together share one transaction and one fsync. Completions come back in the same order: store_fd()
 * becomes readable, store_dispatch() calls back on the caller's thread.
 *
 *   store_open -> store_load -> store_claim -> store_start -> store_submit ... store_dispatch ...
 * -> store_free
 *
 * A batch that cannot be written fails, and so do all behind it that were submitted before
 * store_dispatch() reported the failure (they may build on it). The thread lives on, and what is
 * submitted afterwards is tried anew, on a file that is opened again. A failed batch was never
 * acknowledged, but when the machine dies right then it may be found stored all the same.
 *
 * A file that is ruined (damaged, removed, replaced) takes no more batches but one that is whole:
 * with that a new file is begun, and the old one is put aside.
 *
 * store_open() to store_start(), store_submit() and store_dispatch() belong to one thread; readers
 * (reader.h) have connections of their own and may be anywhere.
 */
#pragma once

#include "hawd/base/base.h"

#define STORE_SCHEMA 3
#define STORE_BLOB_MAX ((size_t)64 * 1024 * 1024)
#define STORE_QUEUE_MAX ((size_t)256 * 1024 * 1024) /* bytes that wait to be written */
#define STORE_KEPT_MAX 8                            /* files put aside, beside the database */

/** struct store_owner - whose the file is */
struct store_owner {
        const char *cluster; /* name */
        uint32_t format;     /* of the opaque bytes: a higher one is a newer hawd's */
};

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
        const char *host_name; /* then; or "" */
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
        bool set_gap; /* history of versions above gap_from up to gap_to may lack; equal: none */
        uint64_t gap_from, gap_to;

        bool whole;   /* holds all that counts: with it a ruined file is begun anew */
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
        bool begun_anew;  /* the file was ruined: this batch is all there is, history lacks */
        const char *text; /* on 0 only with begun_anew */
        const char *kept; /* begun_anew: the name of what was there, or "" */
};

typedef void store_done_fn(void *ud, const struct store_done *done);

/** struct store_loaded - what the file holds; version of entries[i] is base_version + 1 + i */
struct store_loaded {
        uint64_t epoch, promised, base_version;
        bool alone;
        uint64_t gap_from, gap_to;
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
 * One that is damaged, or no database of hawd's, is put aside and a new one is begun: then
 * store_lost() says so.
 *
 * Return: 0; -EBUSY another hawd has it open; -EPROTONOSUPPORT of a newer hawd; -EXDEV of another
 * cluster; -EMLINK damaged, but enough are kept already; other -errno: it cannot be opened now.
 */
int store_open(const char *path, const struct store_owner *owner, struct store **ret, char *err);

/** store_lost() - "", or why what this file holds is not what this host once stored. It stays so
 *  until an installation is written. */
const char *store_lost(const struct store *s);
/** store_aside() - "", or the name under which store_open() has put a file aside. */
const char *store_aside(const struct store *s);
/** store_format() - of the newest hawd that wrote it */
uint32_t store_format(const struct store *s);

/**
 * store_claim() - this host is node @nodeid, called @name; before store_start()
 *
 * What another node stored does not count for this one. Claimed by nobody yet it is this node's.
 *
 * Return: 0; -EUCLEAN it is that of another host, to be put aside; -EXDEV that of this host under
 * another node id; other -errno. With @err.
 */
int store_claim(struct store *s, uint32_t nodeid, const char *name, char *err);

/** store_put_aside() - before store_start(): what was loaded cannot be used. Return: 0 or -errno.
 */
int store_put_aside(struct store *s, const char *why, char *err);

/** store_kept() - names of files put aside near @path, the oldest first, blank-separated.
 *  Return: how many. */
size_t store_kept(const char *path, char *buf, size_t size);

/** store_load() - all of the ledger, before store_start(). Return: 0; -EUCLEAN it is damaged, or
 *  older than what this host acknowledged; other -errno. */
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
