/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The watchdog devices of this host: what they are, who has them, and what hawd.conf says of them.
 */
#pragma once

#include "hawd/base/config.h"
#include "hawd/facts/facts.h"

/** dogs_look() - [{name, identity, nowayout, of_bmc, useless: why it proves nothing, held_by}];
 * held_by is null for hawd, too */
json_t *dogs_look(const char *root);

/** dogs_config() - {lease_ms, hosts: [{name, path, never, timeout_ms, there, useless, allowed}]}:
 * the first, without a name, is for hosts that are not in the list. path is null for none. */
json_t *dogs_config(const char *root, const struct config *c);

/** dogs_systemd() - {runtime, reboot, device} of system.conf: null where it does not say */
json_t *dogs_systemd(const char *root);
