/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which parts of a disk are copied, from what an NBD server says of them. Pure. Nothing that the
 * server says is trusted: it is cut to what was asked, and must lead on. Bounded: what does not
 * fit is asked for again from where it ended.
 */
#pragma once

#include "hawd/base/base.h"

#define EXTENTS_MAX 256
#define EXTENT_GAP ((uint64_t)64 * 1024) /* so little between two is copied along */

enum extent_kind { EXTENT_SKIP, EXTENT_DATA, EXTENT_ZERO };

struct extent {
        uint64_t offset, length;
        enum extent_kind kind; /* DATA or ZERO */
};

struct extents {
        uint64_t to;   /* the end of what was asked */
        uint64_t upto; /* known so far: ask again from here */
        size_t n;
        struct extent e[EXTENTS_MAX];
};

/** Of the flags of one entry: what is to be done. */
typedef enum extent_kind extent_judge(uint32_t flags);
/** extent_dirty() - of a dirty bitmap; what is clean is skipped */
extent_judge extent_dirty;
/** extent_full() - of base:allocation; zeros are written as such */
extent_judge extent_full;
/** extent_fresh() - of base:allocation; zeros are skipped, as they are there already */
extent_judge extent_fresh;

/** extents_begin() - [@from, @to) will be asked; @from < @to */
void extents_begin(struct extents *x, uint64_t from, uint64_t to);

/**
 * extents_take() - an answer: pairs of length and flags, one behind the other from @offset on
 * @words: numbers in @entries
 *
 * Return: 0, -EBADMSG it is none: another offset than asked for, an odd number, a length of zero.
 */
int extents_take(struct extents *x, uint64_t offset, const uint32_t *entries, size_t words,
                 extent_judge *judge);
