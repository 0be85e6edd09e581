/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into hawd-fence: stops the process right in front of the first packet that would switch
 * the power, with the deadline checked already, as a scheduler or an operator might.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static int armed;

int ipmi_cmd_chassis_control(void *ctx, uint8_t control, void *answer);
int ipmi_cmd_chassis_control(void *ctx, uint8_t control, void *answer) {
        int (*real)(void *, uint8_t, void *);

        *(void **)&real = dlsym(RTLD_NEXT, "ipmi_cmd_chassis_control");
        armed = 1;
        return real(ctx, control, answer);
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
               socklen_t to_len) {
        ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

        *(void **)&real = dlsym(RTLD_NEXT, "sendto");
        if (armed) {
                armed = 0;
                kill(getpid(), SIGSTOP);
        }
        return real(fd, buf, len, flags, to, to_len);
}
