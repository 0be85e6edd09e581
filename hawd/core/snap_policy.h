/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a guest's snapshots are taken, and which stay, by its settings. Pure. */
#pragma once

#include "hawd/core/model.h"
#include "snapshots/retention.h"

struct retention snap_retention(const struct conf_guest *c);

/**
 * snap_next() - when the next one by schedule is due; in the past or now: it is
 *
 * The first is due at once. "auto" reckons with the guest's incidents that @m holds.
 *
 * Return: USEC_INFINITY: never.
 */
usec_t snap_next(const struct model *m, const struct guest *g, usec_t wall);
