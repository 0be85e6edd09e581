/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery ladder of a guest that failed by itself: which rung next, and after which pause. Pure.
 * A guest whose host was lost is not on it: it starts elsewhere, and that counts for nothing. Nor
 * is a start that fails: the next host is tried, and the rung was taken only once.
 *
 *   healthy -> failed -> rung taken -> healthy for healthy-after: forgotten
 *                ^          |
 *                +----------+ failed again
 */
#pragma once

#include "hawd/base/config.h"

/**
 * Why a guest ended, or does not do its work though its QEMU is there (DESIGN 5).
 *
 *   SEEN_GONE     any of the first seven
 *   SEEN_CRASHED  CRASHED
 *   SEEN_PAUSED   NONE: by somebody; WATCHDOG, IO_ERROR: by QEMU
 *   SEEN_RUNNING  NONE; WATCHDOG, HANG: it runs, and is to be recovered
 */
enum end_why {
        END_NONE,
        END_GUEST_SHUTDOWN, /* from inside: a wish */
        END_DESTROYED,      /* virsh destroy by somebody else: a wish */
        END_FAILED,         /* QEMU died */
        END_CRASHED,        /* guest panic */
        END_HOST_SHUTDOWN,  /* QEMU was told to end from the host side: a failure */
        END_UNKNOWN,        /* not seen by hawd: a failure */
        END_WATCHDOG,       /* the guest's watchdog device ran out */
        END_HANG,           /* agent silent, no disk completion and nothing sent for hang-after */
        END_IO_ERROR,       /* paused by an I/O error of its disk */
        END_MAX_,
};

#define BOOT_LOOP 3  /* failures before it became healthy: restarts in place are of no use */
#define IO_RESUMES 5 /* in vain: then another host may see its storage */

/** struct recovery - what the ledger keeps of it for each guest */
struct recovery {
        enum end_why why;          /* what it is recovered from now; END_NONE: from nothing */
        uint32_t failures;         /* since it was healthy for healthy-after */
        uint32_t early;            /* the latest of them, each before it was healthy */
        uint32_t resumes;          /* I/O error: so often it was resumed in vain */
        uint32_t taken[RUNG_MAX_]; /* rungs, within the window */
        usec_t window_wall;        /* when the window began */
        usec_t healthy_wall;       /* this generation is healthy since; 0: it is not yet */
};

/** struct recovery_case - where it may start now */
struct recovery_case {
        bool here;       /* where it failed */
        bool elsewhere;  /* on another host, where its start has not failed */
        bool known_good; /* it has a snapshot that it can go back to */
        bool replica;    /* from its replica, on its host (S9) */
};

enum recovery_verdict {
        RECOVERY_TAKE, /* this rung, now */
        RECOVERY_WAIT, /* a rung is left, and no host for it just now */
        RECOVERY_END,  /* blocked, until the window is over or somebody asks */
};

/**
 * recovery_next() - the next rung
 * @wall: the cluster's time of day
 * @ret: written only with RECOVERY_TAKE
 *
 * The first of the policy's rungs that
 * 1 was taken less often than its limit within the window
 * 2 can help: a restart in place does neither after an I/O error, nor in a boot loop; once the
 *   window is over all are tried anew; a rollback never does after an I/O error, or without a
 *   known-good snapshot
 * 3 can be taken now: a host is there for it
 * If only 3 is missing: a restart in place after all, if that may be taken, or WAIT. If 1 or 2 is
 * missing for all: END.
 *
 * Source: DESIGN 5; tests/unit/test_recovery.c has a row per step.
 */
enum recovery_verdict recovery_next(const struct conf_guest *policy, const struct recovery *r,
                                    const struct recovery_case *c, usec_t wall, enum rung *ret);

/** recovery_pause() - before recovery number @failures: none, 2 s, 4 s ... 5 min, give or take a
 * quarter by @seed, so that guests that fail together do not start together */
usec_t recovery_pause(uint32_t failures, uint64_t seed);

/** recovery_left() - until the window is over, and rungs that were used up may be taken again */
usec_t recovery_left(const struct conf_guest *policy, const struct recovery *r, usec_t wall);

/** recovery_count() - how often @rung was taken within the window of @wall */
uint32_t recovery_count(const struct conf_guest *policy, const struct recovery *r, enum rung rung,
                        usec_t wall);

/** recovery_failed() - one more failure. Return: is it a boot loop? */
bool recovery_failed(struct recovery *r, const struct conf_guest *policy, enum end_why why,
                     usec_t wall);
/** recovery_took() - @rung is taken: it is recovered from nothing until it fails again. */
void recovery_took(struct recovery *r, const struct conf_guest *policy, enum rung rung,
                   usec_t wall);
/** recovery_moved() - away from a degraded host, which counts as a relocation. */
void recovery_moved(struct recovery *r, const struct conf_guest *policy, usec_t wall);
void recovery_healthy(struct recovery *r, usec_t wall);

const char *rung_name(enum rung r);
uint32_t rung_limit(const struct conf_guest *policy, enum rung r);
