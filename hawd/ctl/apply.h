/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of hawctl apply share. */
#pragma once

#include "hawd/ctl/ledger.h"
#include "hawd/ctl/steps.h"

/** apply_show() - the difference, for people. */
void apply_show(const struct ctl *ctl, const struct changes *changes);
/** apply_changes_json() - the same: [{object, name, change, keys: [{key, old, new}]}] */
json_t *apply_changes_json(const struct changes *changes);

struct apply_how {
        bool json; /* nothing is printed on standard output, the report is filled */
        usec_t timeout;
        bool no_wait; /* for guests, only where a later step needs it */
};

/**
 * apply_run() - make the changes, step by step, up to the first that fails
 * @deleting: names of guests that are on their way out already
 * @report: gets done, failed, not_done
 * Return: an enum ctl_exit, told on the way.
 */
int apply_run(struct ctl *ctl, const struct changes *changes, const struct steps *steps,
              const json_t *deleting, const struct apply_how *how, json_t *report);
