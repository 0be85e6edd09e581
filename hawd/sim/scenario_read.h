/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the files of the scenario reader: where it is in the text. Internal.
 */
#pragma once

#include "hawd/sim/scenario.h"

enum section {
        SEC_NONE,
        SEC_HOST,
        SEC_GUEST,
        SEC_RULE,
        SEC_CLUSTER,
        SEC_DEFAULTS,
        SEC_AT,
        SEC_RUN
};

/** struct reader - a pass over the text; names are looked up when all are known */
struct reader {
        const char *file, *next;
        struct scenario *sc;
        struct conf_errors *errors;
        bool first_pass;
        int line;
        bool wants_key;
        enum section section;
        size_t index; /* of the host, guest or rule */
        usec_t at;
        struct late {
                enum { LATE_HOST_OF_GUEST, LATE_AFTER, LATE_DO } kind;
                int line;
                size_t guest;
                usec_t at;
                char text[256];
        } * late;
        size_t n_late;
};

/** scenario_key() - one key of the section. Return: 0, -EINVAL with @err, -ENOENT: unknown key. */
int scenario_key(struct reader *rd, const char *key, const char *value, char *err);
