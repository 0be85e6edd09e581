/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pieces of messages: what is cut and not touched is joined to what it was; pieces that were
 * touched, left out, repeated or sent by others never crash the joiner, and never make a message
 * that is longer than the pieces of it.
 */
#include "hawd/wire/frag.h"
#include "tests/fuzz/fuzz.h"

#define SENDERS 3

/* The next bytes as a message of sender @from, whole, but for what the input does to a piece. */
static void send(struct frag_joiner *j, struct input *in, uint32_t from, uint32_t counter) {
        size_t piece_max = FRAG_PIECE_MIN + input_byte(in) % 64;
        struct input m = input_bytes(in);
        bool touched = false, whole = false;
        struct frag_cut cut;

        if (frag_cut(m.p, m.len, piece_max, counter, &cut) < 0) {
                must(m.len == 0);
                return;
        }
        for (uint32_t i = 0; i < cut.count; i++) {
                uint8_t piece[FRAG_HEADER_LEN + 128];
                const uint8_t *data, *ret = NULL;
                size_t len = frag_piece(&cut, i, piece, &data), ret_len = 0;
                uint8_t what = input_byte(in);
                char err[TEXT_LEN];

                memcpy(piece + FRAG_HEADER_LEN, data, len);
                len += FRAG_HEADER_LEN;
                must(len <= piece_max && frag_counter(piece, len) == counter);
                if (what >= 0xf0) { /* touched: a byte, the length, the sender, or left out */
                        touched = true;
                        if (what == 0xff)
                                continue;
                        if (what == 0xfe)
                                len = input_byte(in) % (len + 1);
                        else if (what == 0xfd)
                                frag_forget(j, from, 1);
                        else if (what == 0xfc)
                                frag_reset(j);
                        else if (what == 0xfb)
                                from = (from + 1) % SENDERS;
                        else
                                piece[input_byte(in) % len] ^= (uint8_t)(1 + what % 8);
                }
                if (frag_take(j, from, 1, piece, len, &ret, &ret_len, err) != FRAG_WHOLE)
                        continue;
                must(ret_len > 0 && ret_len <= FRAG_TOTAL_MAX);
                must(touched || (ret_len == m.len && memcmp(ret, m.p, m.len) == 0));
                whole = true;
        }
        must(touched || whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input in = {data, size};
        struct frag_joiner *j = frag_joiner_new();
        uint32_t counter = 0;

        while (in.len > 0) {
                uint8_t what = input_byte(&in);

                if (what & 0x80) { /* bytes as they are */
                        struct input raw = input_bytes(&in);
                        const uint8_t *ret;
                        size_t ret_len;
                        char err[TEXT_LEN];
                        char *copy = input_text(raw.p, raw.len);

                        (void)frag_counter((uint8_t *)copy, raw.len);
                        if (frag_take(j, what % SENDERS, 1, (uint8_t *)copy, raw.len, &ret,
                                      &ret_len, err) == FRAG_WHOLE)
                                must(ret_len > 0 && ret_len <= FRAG_TOTAL_MAX);
                        /* what is borrowed from the piece goes with it */
                        free(copy);
                } else {
                        send(j, &in, what % SENDERS, ++counter);
                }
        }
        frag_joiner_free(j);
        return 0;
}
