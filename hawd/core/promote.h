/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest's replica as the ledger has it: may it be started from, and what that says. Pure.
 */
#pragma once

#include "hawd/core/model.h"

/** replica_wanted() - its policy has one, and both its hosts are known */
bool replica_wanted(const struct guest *g);
/** replica_live() - it is copied, or about to be: QEMU writes to both hosts */
bool replica_live(const struct guest *g);

/** replica_equal() - stopped now, the guest could go on from its copy, with nothing lost */
bool replica_equal(const struct guest *g);

/** replica_judge() - S9; @forced: as if a person accepted what is lost with it */
struct promotion replica_judge(const struct model *m, const struct guest *g, bool forced);
bool promotion_allowed(const struct promotion *p);

/** promotion_text() - for people: how it is started from; or why not, and what would do */
void promotion_text(const struct model *m, const struct guest *g, const struct promotion *p,
                    char text[TEXT_LEN]);
/** promotion_loss_text() - "34s", or that nobody knows */
void promotion_loss_text(usec_t loss, char *text, size_t size);
