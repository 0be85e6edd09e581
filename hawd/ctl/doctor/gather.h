/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What doctor asks hawd of single guests. */
#pragma once

#include "hawd/ctl/ctl.h"

/**
 * gather_snapshots() - into @guests, where it matters: no_snapshot (why none can be taken, or
 * null), and snapshots, as the method of that name answers
 *
 * Return: an enum ctl_exit, said unless it is CTL_DONE.
 */
int gather_snapshots(struct ctl *ctl, json_t *guests);
