/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * S9: may a guest start from its replica? Pure.
 *
 * P, the data host, has the disks that the guest runs from; R, the replica host, has the copy.
 *
 *   NONE -> COPYING -> IN_STEP -> FINAL              P says so
 *   IN_STEP -> BROKEN                                R's veto
 *   IN_STEP, FINAL, BROKEN -> BEHIND                 P, or a start on P
 *   any -> COPYING (a new serial), or NONE (promoted, or given up)
 */
#pragma once

#include "hawd/base/config.h"

enum replica_state {
        REPLICA_NONE,    /* no copy that is worth anything */
        REPLICA_COPYING, /* begun: worth nothing before it is in step */
        REPLICA_IN_STEP, /* sync, drbd: every write that the guest saw done is on R too; async:
                            whole as of `as_of` */
        REPLICA_FINAL,   /* the guest ended on P, which says that the copy is equal */
        REPLICA_BEHIND,  /* whole as of `as_of`, and P's disks have gone on */
        REPLICA_BROKEN,  /* the same by R's word: its end of the mirror ended, broke off or erred */
        REPLICA_STATE_MAX_,
};

/** struct promotion_case - what is known */
struct promotion_case {
        enum replica_mode mode;
        enum replica_state state;
        bool same_gen;    /* said of the generation of the guest that ran last */
        bool unsure;      /* P was lost and came back, and has not said since that it is in step */
        bool held;        /* some host may still run the guest: a claim is not ended */
        bool off;         /* P is proven off, or no host any more */
        bool away;        /* R cannot be used now */
        bool stands;      /* R said after this loss of P that its end was alive, and whole, then */
        bool forced;      /* a person accepts what is lost with this copy */
        usec_t off_wall;  /* P is off since then, at the latest; 0: not known */
        usec_t as_of;     /* the copy is at least as new as this; 0: not known */
        usec_t hold_usec; /* so long P's QEMU holds a write back that R does not take */
        usec_t loss_usec; /* so old a copy is allowed by the guest's policy */
};

enum promotion_verdict {
        PROMOTE,       /* nothing is lost */
        PROMOTE_OLDER, /* within the policy, or by force: the incident says how old it was */
        PROMOTE_WAIT,  /* for what comes by itself */
        PROMOTE_NO,    /* blocked: P comes back, or a person accepts the loss */
};

enum promotion_why {
        PROMOTION_HELD,    /* 1 */
        PROMOTION_NO_COPY, /* 2 */
        PROMOTION_AWAY,    /* 3 */
        PROMOTION_FINAL,   /* 4 */
        PROMOTION_THERE,   /* 5 */
        PROMOTION_ASK,     /* 6 */
        PROMOTION_IN_STEP, /* 7 */
        PROMOTION_LATE,    /* 8: why it is an older one */
        PROMOTION_UNSURE,
        PROMOTION_ASYNC,
        PROMOTION_BEHIND,
        PROMOTION_BROKEN,
        PROMOTION_WHY_MAX_,
};

struct promotion {
        enum promotion_verdict verdict;
        enum promotion_why why;
        usec_t loss_usec; /* older: what the guest wrote so long before its end is not there;
                             USEC_INFINITY: not known */
};

/**
 * promotion_judge() - may R's copy become the guest's disks?
 *
 * The first that holds:
 * 1 the guest may still run somewhere: WAIT (S1)
 * 2 NONE, COPYING: NO, not by force either
 * 3 R is away: NO
 * 4 FINAL, of this generation: PROMOTE
 * 5 P is not proven off, so its disks are the newest: NO; an older copy by force only
 * 6 sync, drbd in step, and R has not been heard since the loss: WAIT
 * 7 sync, drbd in step, R stands: PROMOTE; sync only when P was off within promotion_limit() of
 *   `as_of`, as a QEMU that was cut off goes on alone after the hold. R lived then; it may have
 * been cut off before, but its end notices that within half of the hold, and does not stand then:
 * so P must be off within the other half, less a tenth of that 8 older: Within the policy, or by
 * force: OLDER. Else NO.
 *
 * Source: DESIGN S9; tests/unit/test_promotion.c has a row per step.
 */
struct promotion promotion_judge(const struct promotion_case *c);

/** promotion_limit() - P must be off so soon after it said "in step", or the copy is LATE */
usec_t promotion_limit(usec_t hold_usec);

/** replica_state_name() - stable, for people, --json and the store; NULL for what is none */
const char *replica_state_name(enum replica_state s);
/** promotion_why_text() - for people, with nothing of the case in it */
const char *promotion_why_text(enum promotion_why w);
