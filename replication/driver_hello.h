/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What P and R say before NBD: R cannot know how large P's disks are, nor P R's ports. Internal.
 *
 *   P: hawd-replica 1 SECRET SERIAL       R: ok PORT...
 *      disk TARGET FORMAT SIZE PATH          (or) no TEXT
 *      go
 */
#pragma once

#include "replication/mirror.h"

/** hello_parse() - nbd://ADDRESS:PORT/SECRET. @ret_port may be NULL. 0, -EINVAL */
int hello_parse(const char *where, struct mirror_ports *ret, uint16_t *ret_port, char *err);
/**
 * hello_accept() - wait at @listener for who has the secret, whoever else comes
 * @disks: as the XML has them; sizes are written
 *
 * Return: a descriptor for the answer; -ETIMEDOUT, -ECANCELED, -EINVAL P means other disks.
 */
int hello_accept(const struct mirror_work *w, int listener, const char *token, uint32_t serial,
                 struct mirror_disks *disks, char *err);
int hello_answer(int fd, const uint16_t *ports, size_t n, char *err);
int hello_refuse(int fd, const char *why);
