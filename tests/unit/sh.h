/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of files and programs ask a shell for. */
#pragma once

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/** sh() - it ends with 0, or the test fails */
__attribute__((format(printf, 1, 2))) static inline void sh(const char *fmt, ...) {
        char command[2048];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(command, sizeof(command), fmt, ap);
        va_end(ap);
        ck_assert_msg(system(command) == 0, "%s", command);
}

/* Of calls that return 0 or -errno, with the reason in `err`. */
#define OK(call) ck_assert_msg((call) == 0, "%s", err)
#define FAILS(call, errno_, words)                                                                 \
        do {                                                                                       \
                int fails_ = (call);                                                               \
                ck_assert_msg(fails_ == -(errno_), "%d: %s", fails_, err);                         \
                ck_assert_msg(strstr(err, words), "'%s'", err);                                    \
        } while (0)
