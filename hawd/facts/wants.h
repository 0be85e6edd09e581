/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What guests need of a host, by their domain XML: files, bridges, networks, pools, a CPU.
 *
 *     {"name", "uuid", "type", "arch", "machine", "emulator",
 *      "cpu": null | {"mode", "xml"},
 *      "needs": [{"kind", "what", "volume"?, "ovs"?}],
 *      "errors_pass": [names of disks that do not pause it when they fail],
 *      "replica": its setting, where hawd gave it}
 *
 * Kinds: disk, cdrom, kernel, firmware, nvram, tpm, emulator, filesystem (paths); bridge, netdev;
 * network, pool (libvirt's). What a guest starts without (startupPolicy optional) is left out.
 */
#pragma once

#include "hawd/facts/facts.h"

/** wants_of() - of one domain; new, NULL when @xml is none. Pure. */
json_t *wants_of(const char *xml, size_t len);

/** struct wants_source - where to look */
struct wants_source {
        const char *run_dir; /* hawd's sockets */
        const char *uri;     /* libvirt, where hawd does not answer */
};

/** wants_hawd() - {"guests": [...], "error": null | why hawd did not answer}, of all guests that
 * hawd keeps; for parts_run() */
json_t *wants_hawd(const void *source);
/** wants_libvirt() - {"guests": [...]} of the domains that libvirt has here */
json_t *wants_libvirt(const void *source);

/** hawd_pid() - of the hawd whose sockets are in @run_dir; 0: none. Answered even by one that
 * hangs. */
int64_t hawd_pid(const char *run_dir);
