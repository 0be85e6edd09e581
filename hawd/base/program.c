/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void program_find(char ret[PATH_MAX], const char *installed) {
        const char *name = strrchr(installed, '/');
        char self[PATH_MAX];
        ssize_t n;
        char *slash;

        text_set(ret, PATH_MAX, installed);
        n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (access(installed, X_OK) == 0 || n <= 0 || !name)
                return;
        self[n] = '\0';
        slash = strrchr(self, '/');
        if (!slash)
                return;
        *slash = '\0';
        text_fmt(ret, PATH_MAX, "%s%s", self, name);
}

FILE *program_open(const char *const *argv, pid_t *ret_pid) {
        pid_t parent = getpid();
        FILE *f = NULL;
        int fds[2];

        if (access(argv[0], X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
                return NULL;
        *ret_pid = fork();
        if (*ret_pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() == parent && dup2(fds[1], STDOUT_FILENO) >= 0)
                        execv(argv[0], (char *const *)(uintptr_t)argv);
                _exit(127);
        }
        (void)close(fds[1]);
        if (*ret_pid > 0)
                f = fdopen(fds[0], "r");
        if (!f)
                (void)close(fds[0]);
        return f;
}

int program_close(FILE *f, pid_t pid) {
        int status = 0;

        (void)fclose(f);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
