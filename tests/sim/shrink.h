/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A failing plan is made small: faults, guests and hosts are dropped while the same promise is
 * still broken in the same way. As all else in a run changes with each of them, other lucks are
 * tried, too.
 */
#pragma once

#include "tests/sim/board.h"

struct small {
        struct keep keep;
        uint64_t luck;
        struct outcome o;
};

void shrink(const struct plan *p, const struct outcome *like, struct small *ret);
/** shrink_show() - the small plan, the end of its trace, as a scenario, and how to see it again. */
void shrink_show(const char *self, const struct plan *p, const struct small *small);
