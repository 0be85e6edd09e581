/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger on disk: what the core wants stored, as bytes in the store, and back at the start.
 * Joins the codec and the store; knows no other adapter. Loop thread, but for the history reader.
 *
 *   opener.c   opens and reads the database on a thread: a disk that hangs holds up nobody
 *   history.c  history that this member lacks is asked of the others, page by page
 *
 * A disk that cannot be read does not keep hawd from running: the store is CLOSED then, every write
 * fails with the reason, and the opener tries again; when it succeeds hawd has to start anew, since
 * the core knows nothing of what the file holds. A write that takes longer than HANG_USEC is
 * reported as failed, and so is what follows, until the disk has answered it.
 *
 *   CLOSED -opened-> (hawd starts anew) OPEN <-> HANGING
 */
#pragma once

#include "hawd/core/core.h"
#include "hawd/core/note.h"
#include "hawd/ledger/history.h"
#include "hawd/store/store.h"

struct ledger_store;

struct ledger_callbacks {
        /** The end of a batch: 0, or a negative code with a text for people. */
        void (*persisted)(void *ud, uint64_t batch, int code, const char *text);
        /** A message of history for another member, to be sent. */
        void (*send)(void *ud, const struct msg *m);
        /** Something to be said of the store. */
        void (*note)(void *ud, enum note_id id, const char *text);
        /** The store was closed and can be opened: end, and be started again. */
        void (*reopened)(void *ud);
        void *ud;
};

struct ledger_history_filter {
        usec_t since_wall, until_wall;
        const char *host; /* its name then; NULL or "": any */
        const char *guest;
        uint64_t incident;
        const char *const *kinds; /* names as in note.h */
        size_t n_kinds;           /* 0: any */
        uint64_t before_version;  /* 0: from the newest */
        uint32_t before_seq;
        size_t limit;
};

/** struct ledger_report - for people; each text may be empty */
struct ledger_report {
        char error[TEXT_LEN]; /* why it is closed, or hangs */
        char lost[TEXT_LEN];  /* why this host has no ledger though it had one */
        char kept[512];       /* names of files put aside, blank-separated */
};

/**
 * ledger_store_open() - open, or make, the database in @dir and read what it holds
 * @cluster: its name
 * @boot: epoch, promised and state are filled; the state is the caller's reference
 * @err: of TEXT_LEN bytes: cause and mend; written only on failure
 *
 * Return: 0, also when it is closed; -EBUSY; -EPROTONOSUPPORT; other -errno without a thread.
 */
int ledger_store_open(const char *dir, const char *cluster,
                      const struct ledger_callbacks *callbacks, struct core_boot *boot,
                      struct ledger_store **ret, char *err);
/**
 * ledger_store_claim() - this host is @nodeid, called @name; from here on it is written
 * @boot: emptied when the file is that of another host; lost and store_error are filled, their
 * texts live as long as @s
 *
 * Return: 0, also when it is closed; -EXDEV this host had another node id; other -errno.
 */
int ledger_store_claim(struct ledger_store *s, uint32_t nodeid, const char *name,
                       struct core_boot *boot, char *err);
struct ledger_store *ledger_store_close(struct ledger_store *s); /* NULL-safe, returns NULL */
int ledger_store_fd(const struct ledger_store *s);
void ledger_store_dispatch(struct ledger_store *s);
/** ledger_store_tick() - call about once a second: finds what hangs, tries again what is due */
void ledger_store_tick(struct ledger_store *s);
void ledger_store_submit(struct ledger_store *s, const struct persist *p);
/** ledger_store_report() - borrowed until the next call of anything here */
const struct ledger_report *ledger_store_report(const struct ledger_store *s);

/** ledger_store_history() - newest first; from any thread, one at a time. Return: 0 or -errno. */
int ledger_store_history(struct ledger_store *s, const struct ledger_history_filter *f,
                         bool (*row)(void *ud, const struct history_row *row), void *ud);

/** ledger_store_peers() - the group has changed: these may be asked for history */
void ledger_store_peers(struct ledger_store *s, uint32_t self, const uint32_t *nodeids, size_t n);
/** ledger_store_message() - a message of history came from @from */
void ledger_store_message(struct ledger_store *s, uint32_t from, const struct msg *m);
