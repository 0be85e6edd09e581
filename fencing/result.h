/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one line of JSON that hawd-fence answers with.
 * Pure; formats without allocating, because it is also called when the main thread hangs.
 */
#pragma once

#include "fencing/driver.h"

#define FENCE_LINE_LEN 4096

/** What the sensors said, where they were asked. */
enum sensors_verdict { SENSORS_NOT_ASKED, SENSORS_UNKNOWN, SENSORS_GOOD, SENSORS_CRITICAL };

struct fence_result {
        char device[NAME_LEN];
        enum fence_action action;
        enum fence_power power; /* as proven by @reads readings in a row */
        enum fence_power found; /* before anything was switched */
        bool switched;          /* an order was sent: it may have taken effect */
        unsigned reads;         /* consecutive readings that agree with @power */
        struct fence_error error;
        struct fence_identity identity;
        enum sensors_verdict sensors; /* CRITICAL: error.message has which, with FENCE_OK */
        usec_t elapsed_usec;
};

/**
 * result_format() - {"device":...,"action":...,"result":"off|on|unknown|error",...} and a newline
 *
 * guid, cipher and workarounds are there only when known. Return: length, below @size.
 */
size_t result_format(const struct fence_result *r, char *buf, size_t size);
