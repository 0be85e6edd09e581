/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which guests are judged by what they do: those that run here, and were healthy. Pure.
 */
#pragma once

#include "hawd/core/model.h"

/**
 * judged_hang_after() - for how long the guest @uuid may show no sign of life on host @nodeid
 *
 * @ret_alone: disk and network count without an agent (health = progress)
 *
 * Return: its `hang-after`; 0: it is not to be judged (not ours, not here, not healthy yet, a job
 * under way, not wanted running; health = watchdog or none).
 */
usec_t judged_hang_after(const struct model *m, uint32_t nodeid, const char *uuid, bool *ret_alone);
