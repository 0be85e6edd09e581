/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into libvirtd, which hands it on to QEMU: open file description locks are said to be
 * unknown, so QEMU goes without image locks.
 *
 * All lab hosts share one kernel, so a lock taken by one would hold for all of them, also while its
 * host is frozen or cut off. Real shared storage gives no such protection, and a second copy of a
 * guest has to be seen as what it is and not be prevented by the lab.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static int filtered(int fd, int cmd, long arg) {
        if (cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW) {
                errno = EINVAL;
                return -1;
        }
        return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

#define FCNTL(name)                                                                                \
        int name(int fd, int cmd, ...) {                                                           \
                va_list ap;                                                                        \
                long arg;                                                                          \
                va_start(ap, cmd);                                                                 \
                arg = va_arg(ap, long);                                                            \
                va_end(ap);                                                                        \
                return filtered(fd, cmd, arg);                                                     \
        }

FCNTL(fcntl)
FCNTL(fcntl64)
