/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fencing ladder: which level of devices to try next, and when. Pure.
 *
 * A host has levels of devices; all devices of a level must read off. Levels are tried in their
 * order, then again from the first, for ever, with a pause between rounds that doubles up to a
 * maximum: a host that cannot be proven off now may be later (L2: it is reported meanwhile).
 */
#pragma once

#include "hawd/base/config.h"

/** struct ladder_step - what to do next */
struct ladder_step {
        uint32_t level; /* as configured */
        const struct conf_device *devices[LEVEL_DEVICES_MAX];
        uint32_t n_devices;
        usec_t pause_usec; /* not before this long after the try before it */
        uint32_t round;    /* from 0 */
};

/**
 * ladder_next() - the step after @tries tries for this loss
 * @c: config; its devices of @host make the ladder
 * @ret: written only on 0
 *
 * Return: 0; -ENOENT when @host has no device.
 */
int ladder_next(const struct config *c, const char *host, uint32_t tries, struct ladder_step *ret);
