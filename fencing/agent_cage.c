/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/agent_cage.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NO_EXEC 126

/*
 * Below, only what is safe between fork and exec in a process with threads. fork() itself is not,
 * a second time: it takes locks that nobody would release.
 */
static pid_t split(uint64_t flags) {
        const struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
        long r = syscall(SYS_clone3, &args, sizeof(args));

        if (r < 0 && errno == ENOSYS) /* some containers pretend */
                r = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
        return (pid_t)r;
}

static int exit_code(int status) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Signals as a new process has them, and nothing of what was opened here. */
static void start_afresh(void) {
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        (void)syscall(SYS_close_range, 3U, ~0U, 0U);
}

static void become_agent(const char *path) {
        static char *const env[] = {(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                    (char *)"LC_ALL=C.UTF-8", (char *)"HOME=/", NULL};
        char *const argv[] = {(char *)path, NULL};

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* where there is no namespace */
        if (chdir("/") == 0)
                execve(path, argv, env);
        _exit(127);
}

/* Reaps what the agent leaves; ends when the agent does, and takes the rest along. */
static void init(const char *path, int keeper) {
        struct pollfd pfd = {.fd = keeper, .events = POLLIN};
        pid_t agent, pid;
        int status = 0;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (poll(&pfd, 1, 0) != 0) /* it has ended already */
                _exit(NO_EXEC);
        start_afresh();
        agent = split(0);
        if (agent == 0)
                become_agent(path);
        if (agent < 0)
                _exit(NO_EXEC);
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                (void)close(fd); /* an end of file is the agent's to give */
        do
                pid = waitpid(-1, &status, 0);
        while (pid != agent && (pid > 0 || errno == EINTR));
        _exit(exit_code(status));
}

/* The kernel's own alarm: SIGKILL to this process, also when it is stopped. */
static int arm(usec_t until) {
        struct sigevent kill_us = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
        struct itimerspec at = {.it_value = {.tv_sec = (time_t)(until / USEC_PER_SEC),
                                             .tv_nsec = (long)(until % USEC_PER_SEC) * 1000}};
        int timer;

        if (syscall(SYS_timer_create, CLOCK_BOOTTIME, &kill_us, &timer) < 0)
                return -errno;
        return syscall(SYS_timer_settime, timer, TIMER_ABSTIME, &at, NULL) < 0 ? -errno : 0;
}

static void keeper(const char *path, const int stdio[3], usec_t until, pid_t parent, int ready) {
        pid_t group = getpgid(parent), child;
        int self, status = 0;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent || arm(until) < 0)
                _exit(NO_EXEC);
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (dup2(stdio[fd], fd) < 0)
                        _exit(NO_EXEC);
        self = (int)syscall(SYS_pidfd_open, getpid(), 0);
        if (self < 0 || setpgid(0, 0) < 0)
                _exit(NO_EXEC);
        child = split(CLONE_NEWPID);
        if (child < 0)
                child = split(0);
        if (child == 0)
                init(path, self);
        (void)setpgid(0, group); /* to outlive the others, and see them gone */
        if (write(ready, "", 1) != 1)
                _exit(NO_EXEC);
        start_afresh();
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                (void)close(fd);
        while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        _exit(child > 0 ? exit_code(status) : NO_EXEC);
}

pid_t cage_start(const char *path, const int stdio[3], usec_t until) {
        pid_t parent = getpid(), pid;
        int ready[2], r = 0;
        char byte;

        if (pipe2(ready, O_CLOEXEC) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                keeper(path, stdio, until, parent, ready[1]);
        if (pid < 0)
                r = -errno;
        (void)close(ready[1]);
        while (pid > 0 && read(ready[0], &byte, 1) < 0 && errno == EINTR)
                ; /* until the group can be killed, or there is none */
        (void)close(ready[0]);
        return r < 0 ? r : pid;
}
