/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client's side of Varlink: one connection, one call at a time, blocking with a time-out. */
#pragma once

#include <jansson.h>

#include "hawd/base/base.h"

#define CLIENT_FRAME_MAX ((size_t)8 << 20)

struct client;

/**
 * client_open() - connect to @path
 * @patience_usec: for connecting, and later for sending: a hawd that hangs takes neither
 *
 * Return: 0, -ETIMEDOUT or -errno.
 */
int client_open(const char *path, usec_t patience_usec, struct client **ret);
struct client *client_close(struct client *c); /* NULL-safe, returns NULL */

/** client_peer_pid() - of the process that listens there; 0: not known */
int64_t client_peer_pid(const struct client *c);

/**
 * client_call() - send one call; @parameters is borrowed
 * Return: 0, -ETIMEDOUT, -EINVAL when it is no UTF-8, or -errno.
 */
int client_call(struct client *c, const char *method, json_t *parameters, bool more);

/**
 * client_answer() - wait for the next answer
 * @timeout_usec: USEC_INFINITY: for ever
 * @ret: {error?, parameters, continues?}; new; written only on 0
 *
 * Return: 0, -ETIMEDOUT, -ECONNRESET when hawd closed, -EBADMSG when it is no Varlink, or -errno.
 */
int client_answer(struct client *c, usec_t timeout_usec, json_t **ret);
