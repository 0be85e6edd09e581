/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An asynchronous replica: whole at any moment, as of some checkpoint of the guest. Pure.
 *
 * In each cycle P, the data host, has QEMU hold still a view of all disks (a pull-mode backup with
 * a checkpoint) and writes what has changed to R, the replica host, into an overlay over the copy.
 * Last of all, when every disk is flushed, P writes the mark: the cycle is whole. Then R commits
 * the overlays. Files of R, beside the guest's disk PATH, which itself is never touched:
 *
 *   PATH.hawd-replica-SERIAL         the copy, of each disk
 *   PATH.hawd-replica-SERIAL.next    the overlay of a cycle, of each disk
 *   PATH.hawd-replica-SERIAL.mark    of the guest, beside its first disk: R's offer, and over it
 *                                    P's word that the cycle is whole
 *   PATH.hawd-replica-SERIAL.whole   the same of the cycle that the copy is as of
 *
 * The first cycle has no copy below: P writes into the copy's own files, worth nothing until the
 * mark is there. A cycle has an identity, which the checkpoint bears, too: P continues from a
 * checkpoint only if R has exactly the copy that belongs to it, and copies in full otherwise.
 */
#pragma once

#include "hawd/base/base.h"

#define PULL_MARK_SIZE 4096
#define PULL_ID_LEN 17 /* 64 bits in hexadecimal */
#define PULL_DISKS_MAX 16
#define PULL_NAME_LEN 33 /* an export's name: 128 bits in hexadecimal */
#define PULL_WHERE_LEN TEXT_LEN
#define PULL_HOST_LEN 46 /* an address in numbers */

enum pull_mark_kind {
        PULL_ASK,   /* R: how large are the disks? */
        PULL_SIZES, /* P: so large */
        PULL_OFFER, /* R: a cycle may begin */
        PULL_WHOLE, /* P: all of it is on R's disks */
        PULL_MARK_MAX_,
};

struct pull_mark {
        enum pull_mark_kind kind;
        uint32_t serial, disks;
        uint64_t cycle;         /* from 1, for people */
        char id[PULL_ID_LEN];   /* of this cycle */
        char base[PULL_ID_LEN]; /* of the cycle that the copy below is as of; "": none */
        usec_t as_of;           /* wall; WHOLE: of the checkpoint; OFFER: of the copy below, or 0 */
        uint64_t sizes[PULL_DISKS_MAX]; /* bytes; ASK: 0 */
};

/** pull_mark_put() - as text with a check sum, zeros after it */
void pull_mark_put(const struct pull_mark *m, char buf[PULL_MARK_SIZE]);
/** pull_mark_get() - Return: 0, -EBADMSG it is none, or not the whole of one. */
int pull_mark_get(const char buf[PULL_MARK_SIZE], struct pull_mark *ret);

/** struct pull_where - R's servers: one for each disk, and the mark's as the last */
struct pull_where {
        char host[PULL_HOST_LEN];
        char name[PULL_NAME_LEN];
        uint16_t ports[PULL_DISKS_MAX + 1];
        size_t n;
        bool tls;
};

/** pull_where_put() - "HOST PORT,PORT,... NAME", " tls" behind it; it fits */
void pull_where_put(const struct pull_where *w, char buf[PULL_WHERE_LEN]);
/** pull_where_get() - Return: 0, -EBADMSG. */
int pull_where_get(const char *text, struct pull_where *ret);

/** struct pull_seen - R's files of a serial */
struct pull_seen {
        uint32_t serial, disks;
        uint32_t copies, nexts; /* files that are there */
        bool mark_is, whole_is; /* there, and can be read */
        bool mark_odd, whole_odd;
        struct pull_mark mark, whole;
};

enum pull_then {
        PULL_EMPTY,  /* no copy: a full one into new files */
        PULL_READY,  /* whole as of `whole` */
        PULL_ADOPT,  /* the first copy is complete: write .whole */
        PULL_COMMIT, /* whole in the overlays: commit them (again), write .whole */
        PULL_CLEAN,  /* whole as of `whole`: remove .next and .mark */
        PULL_THEN_MAX_,
};

/**
 * pull_resume() - what R has, and what is to be done, whenever it looks
 *
 *   whole | mark                        | copies, nexts | then
 *   none  | none, odd, or no whole      | any           | EMPTY
 *   none  | whole over nothing          | all           | ADOPT
 *   there | none, odd, or no whole      | all, none     | READY; CLEAN when there is a mark
 *   there | none, odd, or no whole      | all, some     | CLEAN: the cycle was broken off
 *   there | whole, the same cycle       | all, any      | CLEAN: committed
 *   there | whole over this one         | all, all      | COMMIT
 *   there | whole over another          | all, any      | CLEAN: never begun to be committed
 *   anything else: refused, and named; the copy may be a mixture
 *
 * A mark of another serial, or of another number of disks, is odd.
 *
 * @ret: written only on 0
 * Return: 0, -ENOENT the copy is gone, -EUCLEAN it is not what it should be.
 */
int pull_resume(const struct pull_seen *s, enum pull_then *ret, char *err);
