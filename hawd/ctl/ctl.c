/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/ctl.h"

#include <stdarg.h>
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/ctl/args.h"
#include "hawd/ctl/client.h"

__attribute__((format(printf, 1, 0))) static void complain(const char *fmt, va_list ap) {
        (void)fflush(stdout); /* in this order on a terminal */
        fprintf(stderr, "hawctl: ");
        vfprintf(stderr, fmt, ap);
        fprintf(stderr, "\n");
}

int ctl_usage(const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        complain(fmt, ap);
        va_end(ap);
        return CTL_USAGE;
}

int ctl_fail(const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        complain(fmt, ap);
        va_end(ap);
        return CTL_FAILED;
}

int ctl_confirm(const struct ctl *ctl, const struct ctl_args *args, const char *question) {
        char answer[16];

        if (args_has(args, "yes"))
                return CTL_DONE;
        if (!ctl->ask)
                return ctl_usage("%s There is no terminal to ask on: say --yes if you mean it.",
                                 question);
        fprintf(stderr, "%s [y/N] ", question);
        if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
                return ctl_fail("not done");
        return CTL_DONE;
}

static void ctl_init(struct ctl *ctl, const struct ctl_line *line) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        *ctl = (struct ctl){
                .socket = line->socket,
                .json = line->json,
                .color = isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
                         !(term && strcmp(term, "dumb") == 0),
                .progress = isatty(STDERR_FILENO),
                .ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
        };
}

/* What is none would be left out of the call, which then means something else. */
static int check_text(int argc, char **argv, char err[static 2 * TEXT_LEN]) {
        for (int i = 1; i < argc; i++) {
                json_t *text = json_string(argv[i]);
                char shown[NAME_LEN];

                json_decref(text);
                if (text)
                        continue;
                text_fmt(shown, sizeof(shown), "%s", argv[i]);
                for (char *p = shown; *p; p++)
                        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
                                *p = '?';
                text_fmt(err, 2 * TEXT_LEN, "'%s' is no UTF-8 text", shown);
                return CTL_USAGE;
        }
        return CTL_DONE;
}

int ctl_main(int argc, char **argv) {
        char err[2 * TEXT_LEN];
        struct ctl_line line;
        struct ctl ctl;
        int r = check_text(argc, argv, err);

        if (r == CTL_DONE)
                r = args_parse(argc, argv, &line, err);
        if (r != CTL_DONE)
                return ctl_usage("%s", err);
        if (line.version && !line.verb) {
                printf("hawctl %s\n", HAWD_VERSION);
        } else if (line.help) {
                args_help(stdout, line.noun, line.verb);
        } else {
                ctl_init(&ctl, &line);
                r = line.verb->run(&ctl, &line.args);
                ctl.client = client_close(ctl.client);
        }
        if (fflush(stdout) != 0 || ferror(stdout))
                return r == CTL_DONE ? ctl_fail("cannot write the output") : r;
        return r;
}
