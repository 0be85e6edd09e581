/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/*
 * Any text as fencing.conf: no crash, no password in a message, none given that is not in the text.
 * The first byte says which device is asked for.
 */
#include "fencing/secret.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const devices[] = {"bmc1", "pdu", "a", ""};
        _cleanup_(freep) char *text = NULL;
        struct secret *s = secret_new();
        struct fence_error err = {0};
        char file[SECRET_LEN];
        int r;

        if (size > 0) {
                text = input_text(data + 1, size - 1);
                r = secret_parse("f", text, devices[data[0] % ARRAY_SIZE(devices)], s, file, &err);
                must(r == 0 || err.message[0]);
                if (r == 0) {
                        must(strlen(s->password) < SECRET_LEN && strlen(file) < SECRET_LEN);
                        must(!s->password[0] || !file[0]);
                        must(strstr(text, s->password) && strstr(text, file));
                }
        }
        secret_free(s);
        return 0;
}
