/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzzing targets share: an input that is taken bite by bite, and texts of it.
 */
#pragma once

#include <stdio.h>

#include "hawd/base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** struct input - what is left of it; past the end it gives zeros */
struct input {
        const uint8_t *p;
        size_t len;
};

static inline uint8_t input_byte(struct input *in) {
        if (in->len == 0)
                return 0;
        in->len--;
        return *in->p++;
}

/** input_bytes() - two bytes of length and as many as there are of it; borrowed. */
static inline struct input input_bytes(struct input *in) {
        size_t n = input_byte(in);
        struct input part;

        n = n << 8 | input_byte(in);
        n = MIN(n, in->len);
        part = (struct input){in->p, n};
        in->p += n;
        in->len -= n;
        return part;
}

/** input_text() - a copy with a NUL behind it, in memory of just that size. */
static inline char *input_text(const uint8_t *data, size_t size) {
        char *text = xcalloc(1, size + 1);

        if (size > 0)
                memcpy(text, data, size);
        return text;
}

/** must() - what a target is about; libFuzzer keeps the input that breaks it. */
#define must(condition)                                                                            \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__,           \
                                      #condition);                                                 \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)
