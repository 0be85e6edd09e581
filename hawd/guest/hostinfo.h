/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What hawd says of this host: free memory and load from /proc, its UUID (never waits for a disk).
 */
#pragma once

#include "hawd/base/base.h"

/**
 * hostinfo_read() - free memory and load of this host now
 * @ret_free_mib: MemAvailable, rounded down
 * @ret_load_pct: one-minute load over online CPUs, in percent
 *
 * Return: 0, or -errno with neither written.
 */
int hostinfo_read(uint64_t *ret_free_mib, uint32_t *ret_load_pct);

/** hostinfo_parse() - the same from the text of the two files. Return: 0, -EBADMSG. */
int hostinfo_parse(const char *meminfo, const char *loadavg, uint32_t cpus, uint64_t *ret_free_mib,
                   uint32_t *ret_load_pct);

/** hostinfo_dmi() - the system UUID that the firmware gives this machine; "" when it gives none */
void hostinfo_dmi(char ret[UUID_LEN]);
