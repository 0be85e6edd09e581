/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/sim/queue.h"

static bool before(const struct call *a, const struct call *b) {
        return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void queue_add(struct queue *q, struct call c) {
        size_t i;

        c.seq = q->next_seq++;
        if (q->n == q->cap) {
                q->cap = q->cap ? 2 * q->cap : 256;
                q->heap = xreallocarray(q->heap, q->cap, sizeof(q->heap[0]));
        }
        for (i = q->n++; i > 0 && before(&c, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
                q->heap[i] = q->heap[(i - 1) / 2];
        q->heap[i] = c;
}

bool queue_pop(struct queue *q, struct call *ret) {
        struct call last;
        size_t i = 0;

        if (q->n == 0)
                return false;
        *ret = q->heap[0];
        last = q->heap[--q->n];
        for (;;) {
                size_t k = 2 * i + 1;

                if (k >= q->n)
                        break;
                if (k + 1 < q->n && before(&q->heap[k + 1], &q->heap[k]))
                        k++;
                if (!before(&q->heap[k], &last))
                        break;
                q->heap[i] = q->heap[k];
                i = k;
        }
        if (q->n > 0)
                q->heap[i] = last;
        return true;
}

usec_t queue_next(const struct queue *q) {
        return q->n ? q->heap[0].at : USEC_INFINITY;
}

void queue_free(struct queue *q) {
        free(q->heap);
        *q = (struct queue){0};
}
