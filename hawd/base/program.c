/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/program.h"

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
