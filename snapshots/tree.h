/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The snapshots of a guest, and what may be done with each. Pure.
 *
 * Each stands for one file a disk (external) that holds what was written over its parent's. A
 * snapshot is a file that nobody writes any more, the guest writes into the file over it:
 *
 *      given --- nightly --- noon --- (current)
 *                       \--- left-3            a rollback to nightly left this one (S8)
 *
 *   CURRENT -> POINT   a snapshot is taken: a new CURRENT over it
 *   CURRENT -> LEFT    a rollback: a new CURRENT over the snapshot rolled back to
 *   POINT, LEFT -> DELETING -> gone          once it is DELETING nothing is rolled back to it
 *
 * Or each is a snapshot inside of the disks as they were given (internal, `inside`), which stay the
 * guest's: then nothing rests on anything, and any of them can go.
 *
 * The first CURRENT has the disks as they were given. A POINT is deleted by committing the one over
 * it into its file, which ends that state and keeps the later one, under the name of the earlier
 * file. That never happens in a file that a LEFT disk or two branches rest on.
 */
#pragma once

#include "hawd/base/base.h"

#define SNAPSHOTS_MAX 24 /* of a guest, with CURRENT: each file of a chain is open */

enum snap_kind {
        SNAP_CURRENT, /* the guest's disks; just one */
        SNAP_POINT,
        SNAP_LEFT,
        SNAP_KIND_MAX_,
};

struct snapshot {
        uint32_t id;     /* > 0, never used again for this guest */
        uint32_t parent; /* id; 0: rests on nothing of hawd's */
        uint32_t file;   /* names its files, snap_file(); 0: the disks as they were given; inside:
                            names it in them, snap_inside() */
        enum snap_kind kind;
        bool inside;         /* of the disks as given; CURRENT: the next ones will be */
        bool deleting;       /* POINT, LEFT: begun, can only end in its being gone */
        bool by_hand;        /* POINT: somebody asked for it */
        bool good;           /* POINT: the guest was healthy */
        bool failed;         /* POINT: rolled back to, and the guest did not become healthy */
        usec_t wall;         /* POINT: taken; LEFT: left */
        uint64_t mib;        /* on the disk */
        char name[NAME_LEN]; /* POINT, LEFT */
};

/** snap_find() - index of @id, -1: none. */
int snap_find(const struct snapshot *s, size_t n, uint32_t id);
int snap_find_name(const struct snapshot *s, size_t n, const char *name);
int snap_current(const struct snapshot *s, size_t n);
/** snap_depth() - files of @i's chain, itself included; 0: it is no chain (an id missing, a
 * circle). */
size_t snap_depth(const struct snapshot *s, size_t n, size_t i);

/**
 * snap_check() - is it a tree?
 *
 * 1 not more than SNAPSHOTS_MAX  2 ids once, not 0  3 one CURRENT  4 parents are POINTs, without a
 * circle 5 POINTs and LEFTs have a name, once 6 all are inside, or none
 *
 * Return: 0, -EINVAL with @err.
 */
int snap_check(const struct snapshot *s, size_t n, char *err);

/** What deleting takes. */
enum snap_way {
        SNAP_WAY_NONE,    /* it may not be, @why says why */
        SNAP_WAY_UNLINK,  /* nothing rests on it: its files go */
        SNAP_WAY_COMMIT,  /* *ret_over is committed into its files */
        SNAP_WAY_INSIDE,  /* it is removed from the disks */
        SNAP_WAY_OVERLAY, /* as COMMIT CURRENT, which needs a new one over it first */
};

/**
 * snap_delete_way() - how to delete @i
 * @ret_over: id of the one that is committed into it; COMMIT and OVERLAY
 * @why: TEXT_LEN bytes, filled for NONE
 *
 * 1 CURRENT never; one inside always  2 with nothing over it: unlink  3 two or more over it: no  4
 * a LEFT over it, or two over the one over it, or a LEFT there: no  5 another one is being deleted:
 * that first 6 else commit
 */
enum snap_way snap_delete_way(const struct snapshot *s, size_t n, size_t i, uint32_t *ret_over,
                              char *why);

/** snap_rollback_ok() - may the guest go back to @i? @why: TEXT_LEN bytes, filled on false. */
bool snap_rollback_ok(const struct snapshot *s, size_t n, size_t i, char *why);

/** snap_take_ok() - is there room for one more? The same. */
bool snap_take_ok(const struct snapshot *s, size_t n, const char *name, char *why);

/** snap_file() - the file of @file for the disk that was given as @given, beside it
 * @size: of @ret. Return: 0, -ENAMETOOLONG, -EINVAL @given is no absolute path; @ret untouched. */
int snap_file(const char *given, uint32_t file, char *ret, size_t size);

/**
 * snap_inside() - how the one that @file names, of @wall, is called inside of each disk
 * @done: instead: that it was gone back from, see disk_internal()
 *
 * With the time: a guest that was removed and added again has the same numbers once more.
 */
void snap_inside(uint32_t file, usec_t wall, bool done, char ret[NAME_LEN]);

/*
 * What was done, in the list; each has been found possible before, by snap_take_ok(),
 * snap_rollback_ok() and snap_delete_way(). @id: a new one, which names the new overlays too. The
 * list has room for one more.
 */

/** snap_first() - the list of a guest that never had a snapshot */
void snap_first(struct snapshot *s, size_t *n);
/** snap_taken() - what was CURRENT is the snapshot @name. Return: it; good and by_hand are the
 * caller's. */
struct snapshot *snap_taken(struct snapshot *s, size_t *n, uint32_t id, const char *name,
                            usec_t wall);
/** snap_rolled_back() - what was CURRENT is kept as @left (S8), the guest goes on over @i */
void snap_rolled_back(struct snapshot *s, size_t *n, size_t i, uint32_t id, const char *left,
                      usec_t wall);
/** snap_deleted() - @i is gone; what was committed into its files has them now */
void snap_deleted(struct snapshot *s, size_t *n, size_t i);

/** snap_known_good() - index of the newest one that is good, whole and did not fail; -1: none. */
int snap_known_good(const struct snapshot *s, size_t n);

/**
 * snap_doubt() - the guest failed: what was taken between is good no more
 * @last_good: when it was last known to work; @detected: when the failure was seen
 *
 * Return: how many lost their mark.
 */
size_t snap_doubt(struct snapshot *s, size_t n, usec_t last_good, usec_t detected);
