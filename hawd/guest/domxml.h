/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domain XML: what hawd takes from it, and what it changes in it.
 *
 * Read by libxml2 (libvirt brings it), at most DOMXML_MAX bytes, without network, DTD or entities.
 * Everything that is not named here is passed on as it is; libvirt judges it at the define.
 * Works on memory only, from any thread; asks the kernel for random bytes when a UUID is missing.
 */
#pragma once

#include "hawd/core/model.h"

#define DOMXML_MAX ((size_t)1 << 20)

/**
 * spec_from_xml() - read and normalise a domain
 * @ret: written only on 0; owned by the caller. Its conf and `after` are zero: the caller's.
 * @err: TEXT_LEN bytes, filled on failure; names the element
 *
 * The spec has name, uuid (made up when there is none, and then put into the XML), vcpus (current
 * ones), memory_mib rounded up, has_agent and xml, normalised: on_poweroff destroy, on_reboot
 * restart, on_crash destroy, so that hawd sees every end (guest.h); no runtime id.
 * Normalising twice changes nothing.
 *
 * Return: 0, -EINVAL; -errno when there are no random bytes.
 */
int spec_from_xml(const char *xml, size_t len, struct guest_spec **ret, char *err);

/**
 * domxml_read() - the same for a text that somebody edits
 * @uuid: taken when the XML has none; NULL: made up
 * @ret_line: the line of the XML that is malformed; 0: nothing is, or @err names the element
 */
int domxml_read(const char *xml, size_t len, const char *uuid, struct guest_spec **ret,
                int *ret_line, char *err);

/**
 * domxml_hash() - of what it says, whatever the order of the elements and of the devices
 *
 * libvirt writes the same definition in another order before and after a start. 0: not readable.
 */
uint64_t domxml_hash(const char *xml, size_t len);

/** domxml_agent_connected() - does the live XML of a domain show a connected guest agent? */
bool domxml_agent_connected(const char *xml, size_t len);

/** struct dom_disk - a disk that a snapshot has to take */
struct dom_disk {
        char target[32]; /* vda */
        char path[512];
        char format[16]; /* as the XML says, never probed */
};

/**
 * domxml_disks() - the disks that the guest may write, as the XML has them
 * @ret: @max of them; written in part on failure
 *
 * CD-ROMs, floppies and read-only disks are none. One of which no snapshot can be taken is an
 * error: a rollback of the others alone would tear the guest's data apart.
 *
 * Return: how many; -EINVAL not readable, or a format is missing; -EOPNOTSUPP a disk that is no
 * file, is shared with other guests, or is thrown away at the end; -E2BIG.
 */
int domxml_disks(const char *xml, size_t len, struct dom_disk *ret, size_t max, char *err);

/**
 * domxml_set_disk() - @target has @path of @format instead; what it rests on is not written down
 * @ret: written only on 0; the new XML, owned by the caller
 *
 * Return: 0, -ENOENT no such disk, -EINVAL not readable.
 */
int domxml_set_disk(const char *xml, size_t len, const char *target, const char *path,
                    const char *format, struct blob **ret, char *err);

/**
 * domxml_as_given() - a definition that libvirt has of a guest with snapshots names its overlays
 * @old: as the ledger has it; @s: its snapshots, or NULL
 * @fresh: as libvirt has it
 *
 * Return: @fresh with the disks of @old instead of overlays of them; a new reference.
 */
struct guest_spec *domxml_as_given(const struct guest_spec *old, const struct guest_snaps *s,
                                   struct guest_spec *fresh);

/** uuid_normalise() - lower case with hyphens. Return: 0, -EINVAL with @ret untouched. */
int uuid_normalise(const char *s, char ret[UUID_LEN]);
