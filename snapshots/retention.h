/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which snapshots and kept disks go, and why each stays. Pure. Hours, days and weeks (from Monday)
 * are of UTC.
 */
#pragma once

#include "snapshots/tree.h"

struct retention {
        uint32_t last;          /* so many newest */
        uint32_t hourly;        /* the newest of each of so many hours that have one */
        uint32_t daily, weekly; /* the same */
        usec_t left_usec;       /* kept disks that a rollback left go after so long; 0: never */
        uint64_t space_mib;     /* of all snapshots and kept disks; 0: no limit */
};

enum retention_why {
        RETENTION_CURRENT, /* stays: the guest's disks */
        RETENTION_BY_HAND, /* stays: only who made it deletes it */
        RETENTION_GOOD,    /* stays: the known-good one */
        RETENTION_LAST,    /* stays by a rule */
        RETENTION_HOURLY,
        RETENTION_DAILY,
        RETENTION_WEEKLY,
        RETENTION_NO_RULE,  /* stays: there is no rule at all */
        RETENTION_LEFT,     /* stays: a kept disk of which the time has not come (S8) */
        RETENTION_NEEDED,   /* is due, stays: something rests on it; the text names it */
        RETENTION_DELETING, /* goes: was begun */
        RETENTION_OLD,      /* goes: no rule keeps it */
        RETENTION_LEFT_OLD, /* goes: a kept disk, its time has come */
        RETENTION_SPACE,    /* goes: the space limit */
        RETENTION_WHY_MAX_,
};

struct retention_verdict {
        bool go;
        enum retention_why why;
        char text[TEXT_LEN]; /* NEEDED: by what */
};

/**
 * retention_judge() - a verdict for each of a tree that snap_check() took
 * @ret: @n of them
 *
 * 1 the guest's disks, those made by hand and the known-good one stay  2 a kept disk stays for its
 * time 3 what last, hourly, daily or weekly names stays; with all four 0 every one does  4 the rest
 * goes 5 above the space limit the oldest that only rule 3 keeps go too, all but the newest 6 what
 * cannot be deleted now (snap_delete_way()) stays A date in the future counts as @now.
 *
 * Return: MiB above the limit that are left when all this is done, 0: none.
 */
uint64_t retention_judge(const struct retention *r, const struct snapshot *s, size_t n, usec_t now,
                         struct retention_verdict *ret);

/** retention_first() - index of the one to delete first (begun, then the oldest), -1: none. */
int retention_first(const struct snapshot *s, size_t n, const struct retention_verdict *v);

/** retention_why_text() - for people: "no rule keeps it" */
const char *retention_why_text(enum retention_why why);
