/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The objects of the ledger, as hawd's Export answers them. */
#pragma once

#include "hawd/ctl/ctl.h"
#include "hawd/ctl/objects.h"

struct ledger {
        struct objects objects; /* sorted; without the guests that are being deleted */
        json_t *deleting;       /* their names */
        json_t *guests, *rules; /* what hawd answered */
        int64_t version;
};

/** ledger_fetch() - of one version; *@ret is to be cleared in any case. Return: enum ctl_exit. */
int ledger_fetch(struct ctl *ctl, struct ledger *ret);
void ledger_clear(struct ledger *l);
