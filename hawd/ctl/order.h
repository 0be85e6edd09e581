/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guests by what they wait for (after = ...): who comes first, and who would wait for ever. Pure.
 */
#pragma once

#include "hawd/base/base.h"

struct order_node {
        const char *name;
        const char *after; /* names; those of no node do not matter */
        size_t rank;       /* of those that it waits for, all have a lower one; not if in_circle */
        bool in_circle;    /* it waits, over others, for itself; or for such, and such for it */
};

/** order_nodes() - @nodes, ordered by name, get their ranks. */
void order_nodes(struct order_node *nodes, size_t n);
