/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A lab guest hangs, in a second, so that its agent can still say that this was begun:
 *
 *   hang spin   its only processor is never given to another process again
 *   hang idle   no process but this one runs on: the processor has nothing to do
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Real time may take all there is. */
static void no_throttling(void) {
        int fd = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);

        (void)!write(fd, "-1", 2);
        close(fd);
}

int main(int argc, char **argv) {
        struct sched_param first = {.sched_priority = 99};

        if (argc != 2 || (strcmp(argv[1], "spin") != 0 && strcmp(argv[1], "idle") != 0))
                return 2;
        sleep(1);
        if (strcmp(argv[1], "idle") == 0) {
                kill(-1, SIGSTOP); /* all but this one and init, which waits for them */
                for (;;)
                        pause();
        }
        no_throttling();
        if (mlockall(MCL_CURRENT) < 0 || sched_setscheduler(0, SCHED_FIFO, &first) < 0)
                return 1;
        for (;;)
                ;
}
