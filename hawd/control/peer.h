/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is at the other end of an AF_UNIX stream: as the kernel says, asking no name service, which
 * could block the loop.
 */
#pragma once

#include <sys/types.h>

#include "hawd/base/base.h"

struct peer {
        uid_t uid;
        gid_t gid;
        pid_t pid;
};

/** peer_read() - SO_PEERCRED of @fd. Return: 0 or -errno. */
int peer_read(int fd, struct peer *ret);

/**
 * peer_in_group() - whether @gid is the primary or one of the supplementary groups of the peer
 * The groups are those it had when it connected (SO_PEERGROUPS); where the kernel cannot tell,
 * those of its user in the group database.
 */
bool peer_in_group(int fd, const struct peer *peer, gid_t gid);

/** peer_user() - the local user name of @uid, else "uid 1234" */
void peer_user(uid_t uid, char name[static NAME_LEN]);
