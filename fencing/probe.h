/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why is a BMC silent? An RMCP ping on a connected socket, which hears what libfreeipmi's does not:
 * refused, unreachable, or answers that are no RMCP.
 */
#pragma once

#include "hawd/base/base.h"

#include <sys/socket.h>

enum probe_verdict {
        PROBE_SILENT,
        PROBE_PONG,    /* RMCP lives there */
        PROBE_GARBAGE, /* something else does */
        PROBE_ERROR,   /* see ret_errno */
};

int probe_open(const struct sockaddr *sa, socklen_t len); /* socket or -errno */
void probe_ping(int fd);                                  /* errors show in probe_verdict() */
enum probe_verdict probe_verdict(int fd, int *ret_errno); /* does not wait */
