/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A verb on a guest is answered when it is agreed on; this waits until it is so. */
#pragma once

#include "hawd/ctl/ctl.h"

/** struct goal - what a guest is to become */
struct goal {
        const char *state;   /* NULL: forgotten by hawd */
        const char *desired; /* when this changes, somebody else had another wish; NULL: any */
        const char *host;    /* NULL: any */
};

#define WAIT_OPTIONS                                                                               \
        {"no-wait", NULL, "do not wait until it is so"}, {                                         \
                "timeout", "TIME", "how long to wait (2min)"                                       \
        }

/**
 * wait_do() - call @method, then wait as the options of @args say
 * @parameters: taken over
 * @name: of the guest; NULL: the answer of @method has it
 */
int wait_do(struct ctl *ctl, const struct ctl_args *args, const char *method, json_t *parameters,
            const char *name, const struct goal *goal);
