/* SPDX-License-Identifier: GPL-3.0-or-later */
/* History as a table, for hawctl history and hawctl fence history. */
#pragma once

#include "hawd/ctl/ctl.h"

/** history_run() - with the options since, until, host, guest, incident, limit as far as @args have
 * them; @events: only these, comma-separated, NULL: as --event says */
int history_run(struct ctl *ctl, const struct ctl_args *args, const char *events);
