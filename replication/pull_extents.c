/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/pull_extents.h"

#define FLAG_DIRTY UINT32_C(1)
#define FLAG_ZERO UINT32_C(2)

enum extent_kind extent_dirty(uint32_t flags) {
        return flags & FLAG_DIRTY ? EXTENT_DATA : EXTENT_SKIP;
}

enum extent_kind extent_full(uint32_t flags) {
        return flags & FLAG_ZERO ? EXTENT_ZERO : EXTENT_DATA;
}

enum extent_kind extent_fresh(uint32_t flags) {
        return flags & FLAG_ZERO ? EXTENT_SKIP : EXTENT_DATA;
}

void extents_begin(struct extents *x, uint64_t from, uint64_t to) {
        assert(from < to);
        x->upto = from;
        x->to = to;
        x->n = 0;
}

/* False: there is no room. What is between two parts of data, and was skipped, is data as well. */
static bool add(struct extents *x, uint64_t offset, uint64_t length, enum extent_kind kind) {
        struct extent *last = x->n > 0 ? &x->e[x->n - 1] : NULL;
        uint64_t gap = last ? offset - (last->offset + last->length) : 0;

        if (last && last->kind == kind && gap <= (kind == EXTENT_DATA ? EXTENT_GAP : 0)) {
                last->length += gap + length;
                return true;
        }
        if (x->n == EXTENTS_MAX)
                return false;
        x->e[x->n++] = (struct extent){.offset = offset, .length = length, .kind = kind};
        return true;
}

int extents_take(struct extents *x, uint64_t offset, const uint32_t *entries, size_t words,
                 extent_judge *judge) {
        if (offset != x->upto || words == 0 || words % 2 != 0)
                return -EBADMSG;
        for (size_t i = 0; i < words && x->upto < x->to; i += 2) {
                uint64_t length = MIN((uint64_t)entries[i], x->to - x->upto);
                enum extent_kind kind = judge(entries[i + 1]);

                if (length == 0)
                        return -EBADMSG;
                if (kind != EXTENT_SKIP && !add(x, x->upto, length, kind))
                        return 0;
                x->upto += length;
        }
        return 0;
}
