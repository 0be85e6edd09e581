/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a message, an entry and a model: no crash, and what decodes is encoded and decoded
 * again to the same bytes.
 */
#include "hawd/wire/wire.h"
#include "tests/fuzz/fuzz.h"

static void same(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len) {
        must(a_len == b_len && memcmp(a, b, a_len) == 0);
}

static void try_msg(const uint8_t *bytes, size_t len) {
        _cleanup_(freep) uint8_t *first = NULL, *second = NULL;
        size_t first_len, second_len;
        struct msg *m, *again;
        char err[TEXT_LEN];

        if (wire_msg_decode(bytes, len, &m, err) < 0)
                return;
        must(wire_msg_encode(m, &first, &first_len) == 0);
        must(wire_msg_decode(first, first_len, &again, err) == 0);
        must(wire_msg_encode(again, &second, &second_len) == 0);
        same(first, first_len, second, second_len);
        if (m->kind == MSG_STATE)
                must(model_hash(&m->state.state->model) == model_hash(&again->state.state->model));
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
        must(wire_entry_encode(e, &first, &first_len) == 0);
        must(wire_entry_decode(first, first_len, &again, err) == 0);
        must(wire_entry_encode(again, &second, &second_len) == 0);
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
        must(wire_model_encode(&m, &first, &first_len) == 0);
        must(wire_model_decode(first, first_len, &again, err) == 0);
        must(wire_model_encode(&again, &second, &second_len) == 0);
        same(first, first_len, second, second_len);
        must(model_hash(&m) == model_hash(&again));
        model_clear(&m);
        model_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
        if (len == 0)
                return 0;
        switch (bytes[0] % 3) {
        case 0:
                try_msg(bytes + 1, len - 1);
                break;
        case 1:
                try_entry(bytes + 1, len - 1);
                break;
        default:
                try_model(bytes + 1, len - 1);
                break;
        }
        return 0;
}
