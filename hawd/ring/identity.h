/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who this host is. The ledger knows hosts by node id and name, and claims are held by node id: a
 * host that came back under another's would be given the other's guests. Pure.
 */
#pragma once

#include "hawd/core/event.h"

/**
 * identity_solo() - node id of a host without corosync: the ledger's, or 1 for an empty one
 * @ledger: NULL: none yet
 * @err: of TEXT_LEN bytes; written only on failure
 *
 * Return: 0; -EINVAL when @name is no name, or the ledger is not that of this host alone.
 */
int identity_solo(const struct state *ledger, const char *name, uint32_t *ret, char *err);

/** identity_check() - no name of the nodelist is another node of the ledger. Return: 0, -EINVAL. */
int identity_check(const struct state *ledger, const struct conf_node *nodes, size_t n, char *err);
