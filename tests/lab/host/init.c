/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * First process of a lab host.
 *
 *   host-init PIDFILE PROGRAM [ARG]...
 *
 * Makes pid, mount, network, UTS and IPC namespaces with one new process in them, writes "PID
 * STARTTIME" of it to PIDFILE, and returns at once. The new process runs PROGRAM and then reaps for
 * ever. A monitor stays behind outside, only to reap it, so that /proc/PID vanishes when it is
 * killed.
 *
 * SIGKILL of the init is the power cut: the kernel takes everything in the namespaces with it.
 * Nothing is inherited but the environment: a host started by a BMC must not hold the BMC's
 * sockets.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMESPACES = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC };

static void die(const char *what) {
        fprintf(stderr, "host-init: %s: %s\n", what, strerror(errno));
        _exit(1);
}

/* Field 22 of /proc/PID/stat: with it a pid that was used again is not taken for the host. */
static unsigned long long start_time(pid_t pid) {
        char path[64], buf[1024], *p;
        unsigned long long ticks = 0;
        size_t n;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        f = fopen(path, "re");
        if (f == NULL)
                die(path);
        n = fread(buf, 1, sizeof(buf) - 1, f);
        fclose(f);
        buf[n] = '\0';
        p = strrchr(buf, ')');
        for (int field = 2; p != NULL && field < 22; field++)
                p = strchr(p + 1, ' ');
        if (p == NULL || sscanf(p, "%llu", &ticks) != 1)
                die("no start time");
        return ticks;
}

static void write_pidfile(const char *path, pid_t pid) {
        char tmp[4096];
        FILE *f;

        if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
                die("pid file name too long");
        f = fopen(tmp, "we");
        if (f == NULL)
                die(tmp);
        fprintf(f, "%d %llu\n", (int)pid, start_time(pid));
        if (fclose(f) != 0 || rename(tmp, path) != 0)
                die(path);
}

static void run_host(char **argv) {
        sigset_t chld;
        pid_t child;
        int sig;

        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
                die("making mounts private");
        child = fork();
        if (child < 0)
                die("fork");
        if (child == 0) {
                setsid();
                execv(argv[0], argv);
                die(argv[0]);
        }
        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        sigprocmask(SIG_BLOCK, &chld, NULL); /* after the fork: a mask is inherited */
        for (;;) {
                while (waitpid(-1, NULL, WNOHANG) > 0)
                        ;
                sigwait(&chld, &sig);
        }
}

int main(int argc, char **argv) {
        int ready[2];
        char byte;
        pid_t monitor, init;

        if (argc < 3) {
                fprintf(stderr, "usage: host-init PIDFILE PROGRAM [ARG]...\n");
                return 2;
        }
        if (syscall(SYS_close_range, 3, ~0U, 0) != 0)
                die("close_range");
        if (pipe2(ready, O_CLOEXEC) != 0)
                die("pipe");
        monitor = fork();
        if (monitor < 0)
                die("fork");
        if (monitor > 0) {
                close(ready[1]);
                return read(ready[0], &byte, 1) == 1 ? 0 : 1;
        }
        close(ready[0]);
        setsid();
        init = (pid_t)syscall(SYS_clone, NAMESPACES | SIGCHLD, NULL, NULL, NULL, NULL);
        if (init < 0)
                die("clone of namespaces (needs root)");
        if (init == 0) {
                close(ready[1]);
                run_host(argv + 2);
        }
        write_pidfile(argv[1], init);
        if (write(ready[1], "+", 1) != 1)
                die("pipe");
        close(ready[1]);
        while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
                ;
        return 0;
}
