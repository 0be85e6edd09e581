/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/args.h"

#define NAMES_MAX 32
#define ERR_LEN ((size_t)2 * TEXT_LEN)

const struct ctl_noun *const ctl_nouns[] = {
        &ctl_noun_status, &ctl_noun_watch,    &ctl_noun_host,    &ctl_noun_guest,
        &ctl_noun_rule,   &ctl_noun_fence,    &ctl_noun_history, &ctl_noun_explain,
        &ctl_noun_export, &ctl_noun_apply,    &ctl_noun_reload,  &ctl_noun_simulate,
        &ctl_noun_doctor, &ctl_noun_snapshot, &ctl_noun_replica, NULL,
};

bool args_has(const struct ctl_args *args, const char *option) {
        for (size_t i = 0; i < args->n_options; i++)
                if (strcmp(args->options[i].option->name, option) == 0)
                        return true;
        return false;
}

const char *args_get(const struct ctl_args *args, const char *option) {
        for (size_t i = args->n_options; i-- > 0;)
                if (strcmp(args->options[i].option->name, option) == 0)
                        return args->options[i].value;
        return NULL;
}

static int unknown(char *err, const char *what, const char *word, const char *const *names,
                   const char *help) {
        const char *nearest = ctl_nearest(word, names);

        if (nearest)
                text_fmt(err, ERR_LEN, "there is no %s '%.64s'; do you mean '%s'?", what, word,
                         nearest);
        else
                text_fmt(err, ERR_LEN, "there is no %s '%.64s'; see %s", what, word, help);
        return CTL_USAGE;
}

/* Takes what may stand anywhere out of @words. Return: how many are left, or -1 with @err. */
static int take_global(int argc, char **argv, const char **words, struct ctl_line *line,
                       char *err) {
        int n = 0;

        for (int i = 1; i < argc; i++) {
                const char *w = argv[i];

                if (strcmp(w, "--") == 0) {
                        while (i < argc)
                                words[n++] = argv[i++];
                } else if (strcmp(w, "--json") == 0) {
                        line->json = true;
                } else if (strcmp(w, "--help") == 0 || strcmp(w, "-h") == 0) {
                        line->help = true;
                } else if (strcmp(w, "--version") == 0) {
                        line->version = true;
                } else if (strncmp(w, "--socket=", 9) == 0) {
                        line->socket = w + 9;
                } else if (strcmp(w, "--socket") == 0) {
                        if (i + 1 == argc) {
                                text_set(err, ERR_LEN, "--socket needs a path");
                                return -1;
                        }
                        line->socket = argv[++i];
                } else {
                        words[n++] = w;
                }
        }
        return n;
}

static int find_noun(const char *word, struct ctl_line *line, char *err) {
        const char *names[NAMES_MAX] = {0};

        for (size_t i = 0; ctl_nouns[i]; i++) {
                names[i] = ctl_nouns[i]->name;
                if (strcmp(names[i], word) == 0)
                        line->noun = ctl_nouns[i];
        }
        return line->noun ? CTL_DONE
                          : unknown(err, *word == '-' ? "option" : "command", word, names,
                                    "hawctl --help");
}

static int find_verb(const char *word, struct ctl_line *line, char *err) {
        const struct ctl_noun *noun = line->noun;
        const char *names[NAMES_MAX] = {0};
        char what[NAME_LEN], help[NAME_LEN];

        assert(noun->n_verbs < NAMES_MAX);
        for (size_t i = 0; i < noun->n_verbs; i++) {
                names[i] = noun->verbs[i].name;
                if (word && strcmp(names[i], word) == 0)
                        line->verb = &noun->verbs[i];
        }
        if (line->verb)
                return CTL_DONE;
        text_fmt(what, sizeof(what), "%s command", noun->name);
        text_fmt(help, sizeof(help), "hawctl %s --help", noun->name);
        if (word)
                return unknown(err, what, word, names, help);
        if (!line->help)
                text_fmt(err, ERR_LEN, "'%s' needs a verb; see %s", noun->name, help);
        return line->help ? CTL_DONE : CTL_USAGE;
}

static const struct ctl_option *find_option(const struct ctl_verb *verb, const char *word,
                                            size_t len) {
        for (const struct ctl_option *o = verb->options; o && o->name; o++)
                if (strlen(o->name) == len && strncmp(o->name, word, len) == 0)
                        return o;
        return NULL;
}

static int unknown_option(const struct ctl_line *line, const char *word, char *err) {
        const char *names[NAMES_MAX] = {"json", "socket", "help"};
        char dashed[NAMES_MAX][NAME_LEN], help[NAME_LEN];
        const char *lines[NAMES_MAX] = {0};
        size_t n = 3;

        for (const struct ctl_option *o = line->verb->options; o && o->name; o++)
                names[n++] = o->name;
        for (size_t i = 0; i < n; i++) {
                text_fmt(dashed[i], NAME_LEN, "--%s", names[i]);
                lines[i] = dashed[i];
        }
        text_fmt(help, sizeof(help), "hawctl %s%s%s --help", line->noun->name,
                 line->verb->name ? " " : "", line->verb->name ? line->verb->name : "");
        return unknown(err, "option", word, lines, help);
}

/* --name, --name=value, --name value. Return: how many words it took, or -1 with @err. */
static int take_option(struct ctl_line *line, const char **words, int n, char *err) {
        const char *word = words[0] + (strncmp(words[0], "--", 2) == 0 ? 2 : 1);
        const char *value = strchr(word, '=');
        size_t len = value ? (size_t)(value - word) : strlen(word);
        const struct ctl_option *o = find_option(line->verb, word, len);
        struct ctl_args *args = &line->args;

        if (!o) {
                (void)unknown_option(line, words[0], err);
                return -1;
        }
        if (args->n_options == CTL_OPTIONS_MAX) {
                text_set(err, ERR_LEN, "too many options");
                return -1;
        }
        args->options[args->n_options].option = o;
        if (!o->value && value)
                text_fmt(err, ERR_LEN, "--%s takes no value", o->name);
        else if (o->value && !value && n < 2)
                text_fmt(err, ERR_LEN, "--%s needs a value: %s", o->name, o->value);
        else {
                args->options[args->n_options++].value = value ? value + 1 : words[1];
                return o->value && !value ? 2 : 1;
        }
        return -1;
}

static int check_count(const struct ctl_line *line, char *err) {
        const struct ctl_verb *v = line->verb;
        size_t n = line->args.n_words;
        const char *space = v->name ? " " : "", *name = v->name ? v->name : "";

        if (n < v->min_words)
                text_fmt(err, ERR_LEN, "something is missing: hawctl %s%s%s %s", line->noun->name,
                         space, name, v->args);
        else if (n > v->max_words)
                text_fmt(err, ERR_LEN, "'%.64s' is too much: hawctl %s%s%s %s",
                         line->args.words[v->max_words], line->noun->name, space, name, v->args);
        else
                return CTL_DONE;
        return CTL_USAGE;
}

static int take_words(struct ctl_line *line, const char **words, int n, char *err) {
        struct ctl_args *args = &line->args;
        bool options = true;

        for (int i = 0; i < n;) {
                if (options && strcmp(words[i], "--") == 0) {
                        options = false;
                        i++;
                } else if (options && words[i][0] == '-' && words[i][1]) {
                        int took = take_option(line, words + i, n - i, err);

                        if (took < 0)
                                return CTL_USAGE;
                        i += took;
                } else if (args->n_words == CTL_WORDS_MAX) {
                        text_set(err, ERR_LEN, "too many words");
                        return CTL_USAGE;
                } else {
                        args->words[args->n_words++] = words[i++];
                }
        }
        return line->help ? CTL_DONE : check_count(line, err);
}

int args_parse(int argc, char **argv, struct ctl_line *ret, char err[static 2 * TEXT_LEN]) {
        _cleanup_(freep) const char **words = xcalloc((size_t)argc + 1, sizeof(*words));
        int n, used = 1, r;

        *ret = (struct ctl_line){0};
        n = take_global(argc, argv, words, ret, err);
        if (n < 0)
                return CTL_USAGE;
        if (n == 0) {
                text_set(err, ERR_LEN, "say what to do; see hawctl --help");
                return ret->help || ret->version ? CTL_DONE : CTL_USAGE;
        }
        r = find_noun(words[0], ret, err);
        if (r != CTL_DONE)
                return r;
        if (ret->noun->verbs[0].name) {
                r = find_verb(n > 1 ? words[1] : NULL, ret, err);
                if (r != CTL_DONE || !ret->verb)
                        return r;
                used = 2;
        } else {
                ret->verb = &ret->noun->verbs[0];
        }
        return take_words(ret, words + used, n - used, err);
}

static void help_all(FILE *out) {
        fprintf(out, "hawctl [--json] [--socket PATH] COMMAND ...\n\n"
                     "Look after the guests and hosts of a hawd cluster.\n\n");
        for (size_t i = 0; ctl_nouns[i]; i++)
                fprintf(out, "  %-10s %s\n", ctl_nouns[i]->name, ctl_nouns[i]->help);
        fprintf(out, "\n"
                     "  --json         print what hawd answers as JSON (stable names)\n"
                     "  --socket PATH  of hawd, instead of the usual one\n"
                     "  --help         also: hawctl COMMAND --help, hawctl COMMAND VERB --help\n"
                     "  --version\n\n"
                     "Exit status: 0 done, 1 failed, 2 usage, 3 no answer from hawd, "
                     "4 not quorate.\n");
}

static void help_noun(FILE *out, const struct ctl_noun *noun) {
        fprintf(out, "hawctl %s VERB ...\n\n%s\n\n", noun->name, noun->help);
        for (size_t i = 0; i < noun->n_verbs; i++) {
                const struct ctl_verb *v = &noun->verbs[i];
                char left[TEXT_LEN];

                text_fmt(left, sizeof(left), "%s %s", v->name, v->args);
                if (strlen(left) <= 24)
                        fprintf(out, "  %-24s %s\n", left, v->help);
                else
                        fprintf(out, "  %s\n  %-24s %s\n", left, "", v->help);
        }
        fprintf(out, "\nOptions of a verb: hawctl %s VERB --help\n", noun->name);
}

static void help_verb(FILE *out, const struct ctl_noun *noun, const struct ctl_verb *v) {
        fprintf(out, "hawctl %s%s%s %s%s\n\n%s\n", noun->name, v->name ? " " : "",
                v->name ? v->name : "", v->args, v->options ? " [OPTION...]" : "", v->help);
        if (v->more)
                fprintf(out, "\n%s\n", v->more);
        if (v->options)
                fprintf(out, "\n");
        for (const struct ctl_option *o = v->options; o && o->name; o++) {
                char left[TEXT_LEN];

                text_fmt(left, sizeof(left), "--%s%s%s", o->name, o->value ? " " : "",
                         o->value ? o->value : "");
                fprintf(out, "  %-24s %s\n", left, o->help);
        }
}

void args_help(FILE *out, const struct ctl_noun *noun, const struct ctl_verb *verb) {
        if (verb)
                help_verb(out, noun, verb);
        else if (noun)
                help_noun(out, noun);
        else
                help_all(out);
}
