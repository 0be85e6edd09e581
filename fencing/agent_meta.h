/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a fence agent's metadata says: can its word prove that power is off, and what does it call
 * its parameters? Pure.
 */
#pragma once

#include "fencing/code.h"

/** struct agent_traits - names of parameters, "" when the agent has none such */
struct agent_traits {
        char address[16];  /* ip, ipaddr */
        char user[16];     /* username, login */
        char password[16]; /* password, passwd */
};

/**
 * agent_judge() - read @xml, the output of the action metadata
 *
 * 1 it must be a resource-agent  2 not one of those known to prove nothing  3 actions off, on and
 * status  4 no unfencing (on automatic or on_target): that is what agents that cut storage or
 * network do  5 its default action is reboot, if it says: that of those is off
 *
 * Return: 0, FENCE_NO_STATUS with the reason, or FENCE_AGENT_FAILED.
 */
int agent_judge(const char *agent, const char *xml, struct agent_traits *ret,
                struct fence_error *err);

/** agent_warning() - NULL, or what people should know of it who have not chosen it on purpose */
const char *agent_warning(const char *agent);

/** agent_traits_format(), agent_traits_parse() - as kept in the cache; -EINVAL on anything odd. */
void agent_traits_format(const struct agent_traits *t, char *buf, size_t size);
int agent_traits_parse(const char *s, struct agent_traits *ret);

/**
 * agent_option_next() - take one key=value off @text ("ip=10.0.0.1 plug=3")
 * @text: advanced behind it
 *
 * Return: 1 with @key and @value filled, 0 at the end, -EINVAL on anything else.
 */
int agent_option_next(const char **text, char key[64], char value[256]);

/** agent_option_allowed() - NULL, or why this key may not be in hawd.conf. */
const char *agent_option_allowed(const char *key, const char *value);

/** agent_status() - the exit status of the action status as power; unknown for all but 0 and 2. */
enum fence_power agent_status(int status);
