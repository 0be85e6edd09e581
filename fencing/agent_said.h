/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an agent said on standard error, for a message: its last line, without secrets. Pure. */
#pragma once

#include "hawd/base/base.h"

/**
 * agent_said() - the last line of @text that is not empty, from behind "ERROR: " where it has that
 * @secrets: each of them is replaced by "***", also percent-encoded or behind backslashes; empty
 *           and NULL ones are skipped
 * @buf:     cut after that, so that no piece of a secret stays at the end
 */
void agent_said(const char *text, const char *const *secrets, size_t n, char *buf, size_t size);
