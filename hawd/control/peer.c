/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/control/peer.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

#define PASSWD_LINE_MAX 4096
#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

int peer_read(int fd, struct peer *ret) {
        struct ucred cred;
        socklen_t len = sizeof(cred);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
                return -errno;
        *ret = (struct peer){.uid = cred.uid, .gid = cred.gid, .pid = cred.pid};
        return 0;
}

/* The kernel's own list. Return: number of groups in *ret, or -errno. */
static int kernel_groups(int fd, gid_t **ret) {
        socklen_t len = 64 * sizeof(gid_t);
        _cleanup_(freep) gid_t *groups = NULL;

        for (;;) {
                groups = xreallocarray(groups, len, 1);
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
                        break;
                if (errno != ERANGE || len > GROUPS_MAX * sizeof(gid_t))
                        return -errno;
        }
        *ret = TAKE_PTR(groups);
        return (int)(len / sizeof(gid_t));
}

/* One entry of the local files; name services such as LDAP are left out on purpose. */
static bool local_user(uid_t uid, char name[static NAME_LEN], gid_t *ret_gid) {
        FILE *f = fopen("/etc/passwd", "re");
        char line[PASSWD_LINE_MAX];
        struct passwd pw, *found = NULL;

        if (!f)
                return false;
        while (fgetpwent_r(f, &pw, line, sizeof(line), &found) == 0)
                if (pw.pw_uid == uid) {
                        text_set(name, NAME_LEN, pw.pw_name);
                        *ret_gid = pw.pw_gid;
                        break;
                }
        (void)fclose(f); /* only read */
        return found && pw.pw_uid == uid;
}

static int database_groups(uid_t uid, gid_t **ret) {
        char name[NAME_LEN];
        gid_t gid;
        int n = 64;
        _cleanup_(freep) gid_t *groups = NULL;

        if (!local_user(uid, name, &gid))
                return -ENOENT;
        groups = xcalloc((size_t)n, sizeof(gid_t));
        if (getgrouplist(name, gid, groups, &n) < 0) {
                if (n <= 0 || n > GROUPS_MAX)
                        return -ERANGE;
                groups = xreallocarray(groups, (size_t)n, sizeof(gid_t));
                if (getgrouplist(name, gid, groups, &n) < 0)
                        return -ERANGE;
        }
        *ret = TAKE_PTR(groups);
        return n;
}

bool peer_in_group(int fd, const struct peer *peer, gid_t gid) {
        _cleanup_(freep) gid_t *groups = NULL;
        int n;

        if (peer->gid == gid)
                return true;
        n = kernel_groups(fd, &groups);
        if (n < 0)
                n = database_groups(peer->uid, &groups);
        for (int i = 0; i < n; i++)
                if (groups[i] == gid)
                        return true;
        return false;
}

void peer_user(uid_t uid, char name[static NAME_LEN]) {
        gid_t gid;

        if (uid == 0)
                text_set(name, NAME_LEN, "root");
        else if (!local_user(uid, name, &gid))
                text_fmt(name, NAME_LEN, "uid %u", (unsigned)uid);
}
