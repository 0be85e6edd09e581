/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a message, an entry, a model and as pieces of one: no crash, and what decodes is
 * encoded and decoded again to the same bytes.
 */
#include "hawd/wire/frag.h"
#include "hawd/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
        if (a_len != b_len || memcmp(a, b, a_len) != 0)
                abort();
}

static void try_msg(const uint8_t *bytes, size_t len) {
        _cleanup_(freep) uint8_t *first = NULL, *second = NULL;
        size_t first_len, second_len;
        struct msg *m, *again;
        char err[TEXT_LEN];

        if (wire_msg_decode(bytes, len, &m, err) < 0)
                return;
        if (wire_msg_encode(m, &first, &first_len) < 0 ||
            wire_msg_decode(first, first_len, &again, err) < 0 ||
            wire_msg_encode(again, &second, &second_len) < 0)
                abort();
        same(first, first_len, second, second_len);
        if (m->kind == MSG_STATE &&
            model_hash(&m->state.state->model) != model_hash(&again->state.state->model))
                abort();
        msg_unref(m);
        msg_unref(again);
}

static void try_entry(const uint8_t *bytes, size_t len) {
        _cleanup_(freep) uint8_t *first = NULL, *second = NULL;
        size_t first_len, second_len;
        struct entry *e, *again;
        char err[TEXT_LEN];

        if (wire_entry_decode(bytes, len, &e, err) < 0)
                return;
        if (wire_entry_encode(e, &first, &first_len) < 0 ||
            wire_entry_decode(first, first_len, &again, err) < 0 ||
            wire_entry_encode(again, &second, &second_len) < 0)
                abort();
        same(first, first_len, second, second_len);
        entry_unref(e);
        entry_unref(again);
}

static void try_model(const uint8_t *bytes, size_t len) {
        _cleanup_(freep) uint8_t *first = NULL, *second = NULL;
        size_t first_len, second_len;
        struct model m, again;
        char err[TEXT_LEN];

        if (wire_model_decode(bytes, len, &m, err) < 0)
                return;
        if (wire_model_encode(&m, &first, &first_len) < 0 ||
            wire_model_decode(first, first_len, &again, err) < 0 ||
            wire_model_encode(&again, &second, &second_len) < 0)
                abort();
        same(first, first_len, second, second_len);
        if (model_hash(&m) != model_hash(&again))
                abort();
        model_clear(&m);
        model_clear(&again);
}

/* Pieces of up to 255 bytes, each behind its length and the number of its sender. */
static void try_frag(const uint8_t *bytes, size_t len) {
        struct frag_joiner *j = frag_joiner_new();
        const uint8_t *whole;
        size_t whole_len;
        char err[TEXT_LEN];

        while (len >= 2) {
                size_t n = MIN((size_t)bytes[0], len - 2);
                _cleanup_(freep) uint8_t *piece = xcalloc(1, n + 1);

                memcpy(piece, bytes + 2, n);
                if (bytes[1] == 255)
                        frag_reset(j);
                else if (frag_take(j, bytes[1], 1, piece, n, &whole, &whole_len, err) == FRAG_WHOLE)
                        try_msg(whole, whole_len);
                bytes += n + 2;
                len -= n + 2;
        }
        frag_joiner_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
        if (len == 0)
                return 0;
        switch (bytes[0] % 4) {
        case 0:
                try_msg(bytes + 1, len - 1);
                break;
        case 1:
                try_entry(bytes + 1, len - 1);
                break;
        case 2:
                try_model(bytes + 1, len - 1);
                break;
        default:
                try_frag(bytes + 1, len - 1);
                break;
        }
        return 0;
}
