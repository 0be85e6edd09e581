/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger on disk: what the core wants stored, as bytes in the store, and back at the start.
 * Joins the codec and the store; knows no other adapter. Loop thread, but for the history reader.
 */
#pragma once

#include "hawd/core/core.h"

struct ledger_store;

struct ledger_callbacks {
        /** The end of a batch: 0, or a negative code with a text for people. */
        void (*persisted)(void *ud, uint64_t batch, int code, const char *text);
        /** A page of history for a joiner, to be sent. */
        void (*page)(void *ud, const struct msg *m);
        void *ud;
};

struct ledger_history_filter {
        usec_t since_wall, until_wall;
        uint32_t host;
        const char *guest;
        uint64_t incident;
        const char *const *kinds; /* names as in note.h */
        size_t n_kinds;           /* 0: any */
        uint64_t before_version;  /* 0: from the newest */
        uint32_t before_seq;
        size_t limit;
};

/**
 * ledger_store_open() - open, or make, the database in @dir and read what it holds
 * @boot: epoch, promised and state are filled; the state is the caller's reference
 * @err: of TEXT_LEN bytes: cause and mend; written only on failure
 *
 * Return: 0 or -errno.
 */
int ledger_store_open(const char *dir, const struct ledger_callbacks *callbacks,
                      struct core_boot *boot, struct ledger_store **ret, char *err);
struct ledger_store *ledger_store_close(struct ledger_store *s); /* NULL-safe, returns NULL */
int ledger_store_fd(const struct ledger_store *s);
void ledger_store_dispatch(struct ledger_store *s);
void ledger_store_submit(struct ledger_store *s, const struct persist *p);

/** ledger_store_history() - newest first; from any thread, one at a time. Return: 0 or -errno. */
int ledger_store_history(struct ledger_store *s, const struct ledger_history_filter *f,
                         bool (*row)(void *ud, const struct history_row *row), void *ud);

/** History of before a member joined travels to it in pages, in the background. */
void ledger_store_history_send(struct ledger_store *s, uint32_t to, uint64_t since);
void ledger_store_history_take(struct ledger_store *s, const struct msg *m, uint32_t self);
