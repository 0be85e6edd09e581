/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords of the fence devices: fencing.conf, or a systemd credential of that name.
 *
 *     [bmc1]
 *     password = s3cret              # the rest of the line, comments included, blanks trimmed;
 *                                    # "in double quotes" keeps them
 *     [pdu]
 *     password-file = /etc/hawd/pdu.password
 *
 * Files that others can read are refused. The text is never in a message.
 */
#pragma once

#include "fencing/code.h"

#include <sys/stat.h>

#define SECRET_LEN 512

/** struct secret - lives in memory of its own, which is not dumped, and is wiped by secret_free()
 */
struct secret {
        char password[SECRET_LEN];
};

/** secret_new() - never NULL. secret_free() - wipe and release; NULL is fine; returns NULL. */
struct secret *secret_new(void);
struct secret *secret_free(struct secret *s);

/**
 * secret_load() - the password of @device
 * @path:        fencing.conf
 * @credentials: $CREDENTIALS_DIRECTORY or NULL; its fencing.conf wins when it is there
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
