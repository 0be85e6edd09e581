/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/probe.h"

#include <unistd.h>

/* RMCP header: version 6, no ack, class ASF; then IANA 4542, presence ping, tag, 0, no data */
static const unsigned char ping[] = {0x06, 0x00, 0xff, 0x06, 0x00, 0x00,
                                     0x11, 0xbe, 0x80, 0x00, 0x00, 0x00};

int probe_open(const struct sockaddr *sa, socklen_t len) {
        int fd, r;

        fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, sa, len) < 0) {
                r = -errno;
                (void)close(fd);
                return r;
        }
        return fd;
}

void probe_ping(int fd) {
        (void)send(fd, ping, sizeof(ping), MSG_NOSIGNAL);
}

enum probe_verdict probe_verdict(int fd, int *ret_errno) {
        enum probe_verdict verdict = PROBE_SILENT;
        unsigned char buf[512];

        for (;;) {
                ssize_t n = recv(fd, buf, sizeof(buf), 0);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
                        return verdict;
                if (n < 0) {
                        *ret_errno = errno;
                        return PROBE_ERROR;
                }
                if (n >= 4 && buf[0] == 0x06)
                        return PROBE_PONG;
                verdict = PROBE_GARBAGE;
        }
}
