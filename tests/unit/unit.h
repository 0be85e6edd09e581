/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The main() of a unit test: UNIT_MAIN(my_suite) where `static Suite *my_suite(void)`.
 * Runs it, prints Check's closing line, exits 1 when a test failed, or left a process behind, which
 * is ended.
 */
#pragma once

#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/** unit_case() - a test case with a time-out that a sanitizer on a busy machine can hold */
static inline TCase *unit_case(Suite *suite, const char *name) {
        TCase *tc = tcase_create(name);

        tcase_set_timeout(tc, 60);
        suite_add_tcase(suite, tc);
        return tc;
}

/* Is @pid a child of this program that runs? *ret_name: what it is called. */
static inline int unit_is_child(const char *pid, char ret_name[32]) {
        char path[300], text[256] = "", state = 'Z', *end;
        int parent = -1;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%s/stat", pid);
        f = isdigit((unsigned char)pid[0]) ? fopen(path, "re") : NULL;
        if (!f)
                return 0;
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        (void)fclose(f);
        end = strrchr(text, ')');
        return end && sscanf(text, "%*d (%31[^)]", ret_name) == 1 &&
               sscanf(end, ") %c %d", &state, &parent) == 2 && parent == getpid() && state != 'Z';
}

/** unit_orphans() - those that tests left behind; with @end they are killed, and named */
static inline int unit_orphans(int end) {
        DIR *d = opendir("/proc");
        const struct dirent *e;
        char name[32];
        int n = 0;

        while (d && (e = readdir(d)) != NULL) {
                if (!unit_is_child(e->d_name, name))
                        continue;
                n++;
                if (!end)
                        continue;
                (void)kill((pid_t)atol(e->d_name), SIGKILL);
                printf("left behind: %s (%s)\n", name, e->d_name);
        }
        if (d)
                (void)closedir(d);
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        return n;
}

/* Until @runner ends, as init does it: whatever has no parent any more is this program's child.
 * Then what a test began and did not end, or could not, as it failed. Return: what main() returns.
 */
static inline int unit_wait(pid_t runner) {
        int status = 0, r;
        pid_t pid;

        do
                pid = waitpid(-1, &r, 0);
        while (pid > 0 && pid != runner);
        status = pid == runner && WIFEXITED(r) ? WEXITSTATUS(r) : EXIT_FAILURE;
        for (int i = 0; i < 100 && unit_orphans(0) > 0; i++)
                (void)usleep(20000);
        return unit_orphans(1) > 0 ? EXIT_FAILURE : status;
}

static inline int unit_run(Suite *suite) {
        SRunner *runner = srunner_create(suite);
        int failed;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN(suite_fn)                                                                        \
        int main(void) {                                                                           \
                pid_t runner;                                                                      \
                                                                                                   \
                (void)prctl(PR_SET_CHILD_SUBREAPER, 1);                                            \
                runner = fork();                                                                   \
                return runner == 0 ? unit_run(suite_fn()) : unit_wait(runner);                     \
        }
