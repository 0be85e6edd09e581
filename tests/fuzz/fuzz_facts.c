/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: facts fence ctl */
/* libs: libxml-2.0 */
/*
 * What hawd-facts reads of a host: certificates, configuration files, domains. No crash.
 */
#include "hawd/facts/files.h"
#include "hawd/facts/wants.h"
#include "hawd/facts/x509.h"
#include "tests/fuzz/fuzz.h"

static void try_certificate(const char *text, size_t len) {
        struct x509 x;
        int r = x509_read(text, len, &x);

        must(r == 0 || r == -ENOENT || r == -EBADMSG);
        must(r < 0 || x.key);
}

static void try_file(const char *text, size_t len) {
        char value[64];

        (void)len;
        if (conf_value(text, "lock_manager", value, sizeof(value)))
                must(strlen(value) < sizeof(value));
}

static void try_domain(const char *text, size_t len) {
        json_t *wants = wants_of(text, len);

        must(!wants || json_is_object(wants));
        json_decref(wants);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const all[])(const char *, size_t) = {try_certificate, try_file, try_domain};
        _cleanup_(freep) char *text = NULL;

        if (size == 0)
                return 0;
        text = input_text(data + 1, size - 1);
        all[data[0] % ARRAY_SIZE(all)](text, size - 1);
        return 0;
}
