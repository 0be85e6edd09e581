/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confdump FILE: its canonical text, or its mistakes and exit status 1. */
#include <stdio.h>

#include "hawd/base/config.h"

int main(int argc, char **argv) {
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        _cleanup_(freep) char *text = NULL;
        struct conf_errors errors = {0};
        int r;

        if (argc != 2)
                return 2;
        r = config_load(argv[1], c, &errors);
        for (size_t i = 0; i < errors.n; i++)
                puts(errors.lines[i]);
        conf_errors_clear(&errors);
        if (r < 0)
                printf("%s: %s\n", argv[1], strerror(-r));
        if (r != 0)
                return 1;
        text = config_dump(c);
        fputs(text, stdout);
        printf("# hash %016" PRIx64 "\n", c->hash);
        return 0;
}
