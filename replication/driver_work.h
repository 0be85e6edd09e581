/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The threads of the replica adapter, and what they tell its loop. Internal.
 *
 * A thread may hang in libvirt or on a disk: it shares a worker with the loop, counted, and the
 * board, which outlives the adapter; what an abandoned one tells is dropped.
 */
#pragma once

#include <stdatomic.h>

#include "hawd/base/mailbox.h"
#include "hawd/core/event.h"
#include "replication/mirror.h"

/** struct work_note - EV_REPLICA's part, owning its texts; or more that the loop has to know */
struct work_note {
        struct letter letter;
        uint64_t worker;
        bool over;    /* the thread has ended; the rest means nothing */
        bool serving; /* R: the servers run, `x` says which; the rest means nothing */
        bool found;   /* P: of a hawd before: gid, serial, uuid; the rest means nothing */
        bool own;     /* of the loop itself, told from there: gid, serial, and what */
        uint32_t gid, serial;
        char uuid[UUID_LEN];
        enum replica_what what;
        uint32_t loss;
        uint64_t lag_bytes;
        usec_t as_of;
        char where[MIRROR_WHERE_LEN], text[TEXT_LEN];
        struct export *x; /* owned */
};

struct board {
        atomic_uint refs;
        struct mailbox box;                       /* of notes */
        char uri[256], folder[256], tls_dir[256]; /* tls_dir "": this host has no certificates */
        bool tls;                                 /* what comes here has to use it */
};

struct board *board_new(void); /* NULL: errno */
struct board *board_ref(struct board *b);
struct board *board_unref(struct board *b); /* returns NULL */
void work_note_free(struct work_note *n);

enum work {
        WORK_RECEIVE, /* R: listen, tell where, wait for P, serve */
        WORK_CHECK,   /* R: do the servers live? the veto if not */
        WORK_VETO,    /* R: one has ended: the veto */
        WORK_END,     /* R: no servers, no record */
        WORK_DROP,    /* the same, and no copies */
        WORK_COPY,    /* P: begin, or find what was begun, and watch it */
        WORK_FIND,    /* P: watch what was begun before, if there is something */
        WORK_CANCEL,  /* P: end it */
        WORK_SCAN,    /* P: what copies on this host? */
        /* Of an asynchronous replica: */
        WORK_PULL_RECEIVE, /* R: listen, tell where, take cycles until it is cancelled */
        WORK_PULL_COPY,    /* P: make cycles until it is cancelled */
        WORK_PULL_CLEAR,   /* P: end what a hawd before left */
};

struct worker {
        atomic_uint refs;
        struct board *board; /* reference */
        uint64_t id;
        enum work work;
        uint32_t gid, serial, loss;
        char uuid[UUID_LEN];
        struct mirror_disks disks; /* n == 0: not known, or not those of a mirror */
        char address[128], where[MIRROR_WHERE_LEN], text[TEXT_LEN];
        usec_t hold_usec, lag_usec;
        uint64_t gen;          /* of the guest */
        struct export *x;      /* CHECK, VETO, END, DROP: owned; NULL: there is none */
        atomic_bool cancelled; /* by the loop: nothing more is begun */
        atomic_ullong beat;    /* CLOCK_BOOTTIME of its last sign of life */
        pthread_mutex_t lock;  /* for wake */
        pthread_cond_t wake;   /* cancelled */
};

struct worker *worker_new(struct board *b, enum work work);
struct worker *worker_unref(struct worker *w); /* returns NULL */
/** worker_start() - 0, -errno there is no thread */
int worker_start(struct worker *w);
/** worker_cancel() - it ends soon: COPY and FIND with what they copy */
void worker_cancel(struct worker *w);
bool worker_cancelled(struct worker *w);
/** worker_wait() - up to @usec, or until it is cancelled */
void worker_wait(struct worker *w, usec_t usec);

/** worker_tell() - to the loop; @text may be NULL */
void worker_tell(struct worker *w, enum replica_what what, usec_t as_of, uint64_t lag_bytes,
                 const char *text);
/** worker_post() - takes @n */
void worker_post(struct worker *w, struct work_note *n);

/** What each does, in a thread. */
void work_receive(struct worker *w);
void work_serves(struct worker *w); /* CHECK, VETO, END, DROP */
void work_copy(struct worker *w);   /* COPY, FIND, CANCEL */
void work_scan(struct worker *w);
/** work_end_older() - the mirror's servers of this guest, of before: it is copied anew */
void work_end_older(const struct worker *w);
void work_pull_receive(struct worker *w);
void work_pull_copy(struct worker *w); /* COPY, CLEAR */

/**
 * mirror_tls() - what libvirt's qemu.conf says: certificates for NBD, and whether they are a must
 * @ret_dir: "" none
 */
void mirror_tls(const char *qemu_conf, bool *ret_must, char *ret_dir, size_t size);
/** mirror_tls_fits() - what R's place says goes with this host's settings, or -EPERM with @err */
int mirror_tls_fits(const struct board *b, bool tls, char *err);
