/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the ledger keeps of a guest's snapshots, and which files a disk of it has by that. Pure.
 *
 * All disks of a guest have one tree. One thing is asked for at a time: a snapshot of a guest that
 * somebody may run waits for its host, a rollback for the guest's end. Of a guest that nobody may
 * run both are the ledger's alone: its next START makes the overlay, as it is `unmade`.
 */
#pragma once

#include "snapshots/resume.h"
#include "snapshots/tree.h"

enum snap_act {
        SNAP_ACT_NONE,
        SNAP_ACT_TAKE,     /* id, name, by_hand, good */
        SNAP_ACT_ROLLBACK, /* target */
        SNAP_ACT_MAX_,
};

/** struct snap_wish - agreed on, and not done yet */
struct snap_wish {
        enum snap_act act;
        uint32_t id;     /* of the overlay; decided before it is made */
        uint32_t target; /* gone back to */
        bool by_hand;
        bool good;       /* the guest was healthy then */
        bool no_quiesce; /* its agent is not asked, whatever its settings say */
        usec_t wall;
        char name[NAME_LEN];
};

struct guest_snaps {
        struct snapshot list[SNAPSHOTS_MAX]; /* snap_check() holds */
        size_t n;
        uint32_t next; /* id of the next one */
        bool unmade;   /* the guest has not run on CURRENT: its files may not be there */
        struct snap_wish wish;
        uint32_t deleted;     /* id that the job under way deletes; 0: none */
        usec_t taken_wall;    /* the last by schedule, or the guest's first one; 0: none */
        usec_t pause_usec;    /* what the last one took of the guest's time; 0: not measured */
        char error[TEXT_LEN]; /* why the last job did not come to its end; empty: it did */
        uint32_t trial;       /* gone back to, and not yet seen to work; 0: none */
        uint64_t incident;    /* in which it was gone back to; 0: none */
        char left[NAME_LEN];  /* and what the disk is called that was left then */
};

/** snaps_new() - of a guest that has none; snaps_copy() - NULL-safe */
struct guest_snaps *snaps_new(void);
struct guest_snaps *snaps_copy(const struct guest_snaps *s);

/** snaps_many() - has it any snapshot or kept disk? NULL-safe */
bool snaps_many(const struct guest_snaps *s);
/** snaps_any() - the same, or one is being taken? */
bool snaps_any(const struct guest_snaps *s);

/**
 * snaps_due() - what is `deleting` and can go now: index, -1: nothing
 * @ret_way: UNLINK, COMMIT or OVERLAY
 */
int snaps_due(const struct guest_snaps *s, enum snap_way *ret_way);

/** snaps_inside() - are they inside of the disks as given? NULL-safe */
bool snaps_inside(const struct guest_snaps *s);

/** struct snap_inside - what a START does inside of each disk, see disk_internal(); "": nothing */
struct snap_inside {
        char keep[NAME_LEN]; /* what the disk holds is kept as this, if it is not yet */
        char back[NAME_LEN]; /* and then it is gone back to this, */
        char done[NAME_LEN]; /* once */
};

/**
 * snaps_start_inside() - of a guest whose snapshots are inside
 *
 * 1 it has run on CURRENT: nothing  2 a snapshot was taken since: kept  3 it was gone back: the
 * same, and back. Return: 0, -EUCLEAN with @err.
 */
int snaps_start_inside(const struct guest_snaps *s, struct snap_inside *ret, char *err);

/** struct snap_paths - the files of one disk; "": there is none */
struct snap_paths {
        char current[DISK_PATH_LEN];
        char base[DISK_PATH_LEN];  /* that it rests on */
        char under[DISK_PATH_LEN]; /* that base goes into while the snapshot below it is deleted */
        const char *base_format, *under_format;
};

/**
 * snaps_paths() - of CURRENT
 * @given, @format: the disk as its owner gave it; borrowed by @ret
 * @ret: base "": the guest has its disks as they were given
 *
 * Return: 0, -ENAMETOOLONG, -EINVAL with @err.
 */
int snaps_paths(const struct guest_snaps *s, const char *given, const char *format,
                struct snap_paths *ret, char *err);

/**
 * snaps_want() - what disk_resume() is asked for a START
 * @base_gone: base is not there
 *
 * 1 not run on yet: gone back to base, or to under, when base went into it already 2 the snapshot
 * below base is being deleted: over base, or over under already  3 else as it is
 */
struct disk_want snaps_want(const struct guest_snaps *s, const struct snap_paths *p,
                            bool base_gone);
