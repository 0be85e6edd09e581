/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any text as hawd.conf: no crash; refused with a reason, or its dump is read back as the same.
 */
#include "hawd/base/config.h"
#include "tests/fuzz/fuzz.h"

static void check_errors(const struct conf_errors *errors, int r) {
        must(r >= 0 && (size_t)r == errors->n);
        for (size_t i = 0; i < errors->n; i++)
                must(strncmp(errors->lines[i], "x.conf:", 7) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct config first, again;
        _cleanup_(freep) char *text = input_text(data, size);
        struct conf_errors errors = {0};
        char *dump, *dump_again;

        check_errors(&errors, config_parse("x.conf", text, &first, &errors));
        if (errors.n == 0) {
                dump = config_dump(&first);
                must(config_parse("x.conf", dump, &again, &errors) == 0);
                must(first.hash == again.hash);
                dump_again = config_dump(&again);
                must(strcmp(dump, dump_again) == 0);
                free(dump);
                free(dump_again);
        }
        conf_errors_clear(&errors);
        return 0;
}
