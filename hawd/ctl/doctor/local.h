/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts of this host, by hawd-facts, where no hawd is asked. */
#pragma once

#include "hawd/ctl/ctl.h"

/** local_facts() - an entry of exam.hosts: {name, error, facts}; new. Waits for half a minute at
 * most. */
json_t *local_facts(void);

/** facts_entry() - the same from an answer of a hawd: name, error or NULL, facts as text or NULL */
json_t *facts_entry(const char *name, const char *error, const char *facts);
