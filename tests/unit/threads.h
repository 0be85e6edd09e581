/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that were given up may be in libvirt, which an exit takes away from below them. */
#pragma once

#include <check.h>
#include <dirent.h>
#include <unistd.h>

#include "hawd/base/clock.h"

/** threads_end() - wait until this one is alone, but no longer than @patience: whether it is */
static inline bool threads_end(usec_t patience) {
        usec_t until = usec_add(now_boottime(), patience);
        size_t n = 2;

        for (; n > 1 && now_boottime() < until; (void)usleep(10000)) {
                DIR *tasks = opendir("/proc/self/task");

                ck_assert_ptr_nonnull(tasks);
                for (n = 0; readdir(tasks); n++)
                        ;
                n -= 2;
                (void)closedir(tasks);
        }
        return n <= 1;
}
