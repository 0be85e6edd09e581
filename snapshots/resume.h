/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a disk starts from after a crash in the middle of a snapshot, a rollback or a deletion.
 * Pure.
 *
 * The name of a new overlay is in the ledger before it is made; it comes into its place whole, by a
 * rename; and a commit is never into the file that the guest writes. Therefore each state below is
 * one of two, and in both the same file is right:
 *
 *   act      | on the disk                     | start from      | and then
 *   REST     | the current file                | current         |
 *   TAKE     | no overlay                      | current         | not taken
 *            | overlay over current            | overlay         | taken: empty, or switched to
 *   ROLLBACK | no overlay                      | overlay         | make it first
 *            | overlay over the snapshot       | overlay         | rolled back
 *   COMMIT   | current over top over base      | current         | commit (again)
 *            | current over base               | current         | top is not needed any more
 *   anything else: refused, and named
 */
#pragma once

#include "hawd/base/base.h"

#define DISK_PATH_LEN 512

enum disk_act { DISK_REST, DISK_TAKE, DISK_ROLLBACK, DISK_COMMIT, DISK_ACT_MAX_ };

/** struct disk_want - one disk as the ledger knows it; borrowed paths, absolute; NULL: has none */
struct disk_want {
        enum disk_act act;
        const char *current;      /* file that the guest has, TAKE: had before; not of ROLLBACK */
        const char *current_base; /* what it rests on; NULL: nothing; not of COMMIT */
        const char *overlay;      /* TAKE, ROLLBACK: decided */
        const char *base;         /* ROLLBACK: the snapshot's file; COMMIT: what top goes into */
        const char *top;          /* COMMIT */
};

enum file_state {
        FILE_ABSENT,
        FILE_GOOD, /* backing says over what */
        FILE_ODD,  /* no image, damaged, or cannot be read; text says what */
};

struct file_seen {
        enum file_state state;
        char backing[DISK_PATH_LEN]; /* absolute; "": none */
        char text[TEXT_LEN];         /* ODD */
};

/** struct disk_seen - the files of a want that are not NULL there */
struct disk_seen {
        struct file_seen current, overlay, base, top;
};

enum disk_then {
        DISK_THEN_NOTHING,
        DISK_THEN_TAKEN,
        DISK_THEN_NOT_TAKEN,
        DISK_THEN_MAKE, /* make the overlay, then start from it */
        DISK_THEN_ROLLED_BACK,
        DISK_THEN_COMMIT,
        DISK_THEN_REMOVE_TOP, /* when no other file rests on it */
        DISK_THEN_MAX_,
};

struct disk_resume {
        const char *start; /* one of the want's */
        enum disk_then then;
};

/**
 * disk_resume() - the table above
 * @ret: written only on 0
 * @err: TEXT_LEN bytes, filled on failure: which file is not as it should be, and how
 *
 * Return: 0, -ENOENT a file is missing, -EUCLEAN one is not what the ledger knows.
 */
int disk_resume(const struct disk_want *want, const struct disk_seen *seen, struct disk_resume *ret,
                char *err);
