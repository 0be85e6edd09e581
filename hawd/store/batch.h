/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A batch as it waits in the queue: a copy that owns its bytes. Internal to hawd/store.
 */
#pragma once

#include "hawd/store/store.h"

struct batch {
        struct batch *next;
        struct store_batch batch; /* points into memory that follows this struct */
        size_t size;              /* of all of it */
        usec_t submitted;         /* CLOCK_BOOTTIME */
};

/** batch_copy() - one allocation. Return: 0, -E2BIG or -EINVAL as store_submit(). */
int batch_copy(const struct store_batch *b, struct batch **ret);
/** batch_free_list() - @b and all behind it; NULL is fine */
void batch_free_list(struct batch *b);
