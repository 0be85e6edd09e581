/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a fence action can end in: power states, orders and the stable error codes.
 * Pure.
 */
#pragma once

#include "hawd/base/base.h"

#define FENCE_MESSAGE_LEN 256

enum fence_power { FENCE_POWER_UNKNOWN, FENCE_POWER_ON, FENCE_POWER_OFF };
enum fence_order { FENCE_ORDER_OFF, FENCE_ORDER_ON };
enum fence_action { FENCE_ACTION_STATUS, FENCE_ACTION_OFF, FENCE_ACTION_ON };

/** Names in fence_code_name() are stable: hawd, scripts and people match on them. */
enum fence_code {
        FENCE_OK,
        FENCE_TIMEOUT,       /* no answer in time */
        FENCE_AUTH,          /* wrong user or password */
        FENCE_PRIVILEGE,     /* the account may not do it */
        FENCE_CIPHER,        /* no common cipher suite */
        FENCE_NO_ROUTE,      /* the network has no way there */
        FENCE_REFUSED,       /* the address answers, but nothing listens on the port */
        FENCE_RESOLVE,       /* the name has no address */
        FENCE_AGENT_MISSING, /* no such fence agent on this host */
        FENCE_AGENT_FAILED,  /* the agent ended with an error */
        FENCE_NO_STATUS,     /* the agent cannot prove anything */
        FENCE_BAD_CONFIG,
        FENCE_NO_SECRET,
        FENCE_DEADLINE,  /* too late to send: nothing was switched by this call after it */
        FENCE_STILL_ON,  /* off was accepted or sent, power reads on */
        FENCE_STILL_OFF, /* on was accepted or sent, power reads off */
        FENCE_PROTOCOL,  /* something answers, but not sensibly */
        FENCE_CANCELLED,
        FENCE_CODE_MAX,
};

/** struct fence_error - a code and what to tell people: cause and mend */
struct fence_error {
        enum fence_code code;
        char message[FENCE_MESSAGE_LEN];
};

/** fence_fail() - fill @err; Return: @code. */
int fence_fail(struct fence_error *err, enum fence_code code, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

const char *fence_code_name(enum fence_code code); /* "" for FENCE_OK */
const char *fence_power_name(enum fence_power power);
const char *fence_action_name(enum fence_action action);
int fence_action_parse(const char *s, enum fence_action *ret); /* 0 or -EINVAL */

/** fence_code_refused() - nothing was asked of the device: it is not set up to be asked. */
bool fence_code_refused(enum fence_code code);

/** fence_code_final() - trying again within this action cannot help. */
bool fence_code_final(enum fence_code code);
