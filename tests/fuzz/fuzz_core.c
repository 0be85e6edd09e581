/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any ledger that the codec takes, and any message and entry of a member: whatever they say, the
 * core goes on, and what it knows afterwards can be stored and read back.
 */
#include "tests/fuzz/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct mirror *x = xcalloc(1, sizeof(*x));
        struct core_boot boot = {0};
        struct input stored;
        char err[TEXT_LEN];
        struct model m;

        x->in = (struct input){data, size};
        stored = input_bytes(&x->in);
        if (stored.len == 0 || wire_model_decode(stored.p, stored.len, &m, err) == 0) {
                if (stored.len > 0) {
                        boot.state = state_new();
                        boot.state->epoch = boot.epoch = boot.promised = 1 + m.version % 7;
                        boot.state->version = m.version;
                        model_copy(&boot.state->model, &m);
                        model_clear(&m);
                }
                mirror_start(x, &boot);
                mirror_play(x);
                mirror_end(x);
                state_unref(boot.state);
        }
        free(x);
        return 0;
}
