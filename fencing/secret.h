/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords of the fence devices: fencing.conf, or systemd credentials.
 *
 *     [bmc1]
 *     password = s3cret              # the rest of the line, comments included, blanks trimmed;
 *                                    # "in double quotes" keeps them
 *     [pdu]
 *     password-file = /etc/hawd/pdu.password
 *     snmp_priv_passwd = s3cret      # further secrets of an agent, by its own names for them
 *
 * A credential fence_NAME is the password of device NAME; a credential fencing.conf replaces the
 * file. Files that others can read are refused. The text is never in a message.
 */
#pragma once

#include "fencing/driver.h"

#include <sys/stat.h>

#define SECRET_LEN 512

/** struct secret - lives in memory of its own, which is not dumped, and is wiped by secret_free()
 */
struct secret {
        char password[SECRET_LEN];
        struct fence_extra extra[FENCE_EXTRAS]; /* further secrets; they point to the texts below */
        size_t n_extra;
        char keys[FENCE_EXTRAS][NAME_LEN];
        char values[FENCE_EXTRAS][SECRET_LEN];
};

/** secret_new() - never NULL. secret_free() - wipe and release; NULL is fine; returns NULL. */
struct secret *secret_new(void);
struct secret *secret_free(struct secret *s);

/** guarded_new() - such memory: zeroed, neither dumped nor, where allowed, swapped, nor inherited
 * by children. guarded_free() - wipe and release. */
void *guarded_new(size_t size);
void guarded_free(void *p, size_t size);

/**
 * secret_load() - the password of @device
 * @path:        fencing.conf
 * @credentials: $CREDENTIALS_DIRECTORY or NULL; what is there wins: fence_@device, fencing.conf
 *
 * Return: 0 (also when the device has a section without password, and @ret is ""),
 * FENCE_NO_SECRET: missing file or section, FENCE_BAD_CONFIG: unsafe mode, owner or syntax.
 */
int secret_load(const char *path, const char *credentials, const char *device, struct secret *ret,
                struct fence_error *err);

/** secret_parse() - the same from @text; @file_ret gets a password-file's path or "". Pure. */
int secret_parse(const char *path, const char *text, const char *device, struct secret *ret,
                 char file_ret[SECRET_LEN], struct fence_error *err);

/** secret_file_safe() - regular, owner root or @uid, nothing for group and others. Pure. */
int secret_file_safe(const char *path, const struct stat *st, uid_t uid, struct fence_error *err);
