/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In which order changes are made. Pure. What a guest needs is there before the guest, and what it
 * could meet (the same disk, the same UUID, room) is gone:
 *
 * 1 rules added and changed  2 settings and XML  3 guests to be stopped, ignored, deleted; wait
 * 4 guests made, those first for which others wait  5 guests started  6 guests paused, once they
 * run  7 rules deleted
 *
 * A step that failed ends the row. What is done is not done again: the next time it is no change.
 */
#pragma once

#include "hawd/ctl/diff.h"

enum step_kind {
        STEP_RULE_SET,
        STEP_GUEST_SET,
        STEP_GUEST_STOP,
        STEP_GUEST_IGNORE,
        STEP_GUEST_DELETE,
        STEP_WAIT_ENDED, /* until those that are stopped and deleted are so */
        STEP_GUEST_CREATE,
        STEP_GUEST_START,
        STEP_WAIT_RUNNING, /* until those to be paused run */
        STEP_GUEST_PAUSE,
        STEP_RULE_DELETE,
        STEP_KINDS,
};

struct step {
        enum step_kind kind;
        const struct change *change; /* borrowed; NULL: a wait */
};

struct steps {
        struct step *list;
        size_t n;
};

/** steps_of() - @ending: guests are on their way out already, and may be met */
void steps_of(const struct changes *changes, bool ending, struct steps *ret);
void steps_clear(struct steps *s);

/** step_doing(), step_done() - "create" and "created", for people; of a wait "wait" and "" */
const char *step_doing(enum step_kind kind);
const char *step_done(enum step_kind kind);
/** step_ends() - a guest or rule is stopped or deleted: somebody is to be asked. */
bool step_ends(enum step_kind kind);
