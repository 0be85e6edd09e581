/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawctl: what its verbs share. Each noun has a file with a table of verbs; the table says what the
 * command line may hold, so that parsing, --help and the suggestions come from one place.
 *
 * Speaks to hawd by Varlink alone (client.h); what it prints with --json is what hawd answered.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "hawd/base/base.h"

enum ctl_exit { CTL_DONE, CTL_FAILED, CTL_USAGE, CTL_NO_ANSWER, CTL_NOT_QUORATE };

struct client;

struct ctl {
        const char *socket; /* NULL: the usual ones */
        bool json;
        bool color;    /* standard output is a terminal and NO_COLOR is not set */
        bool progress; /* standard error is a terminal */
        bool ask;      /* there is a terminal to ask on */
        struct client *client;
        usec_t patience_usec; /* for an answer; 0: the usual */
        const char *path;     /* of the socket in use */
        bool view_only;       /* it is the one for those who may look only */
        const char *method;   /* the last that was called */
};

struct ctl_option {
        const char *name;  /* without "--"; NULL ends the list */
        const char *value; /* how --help calls it; NULL: a flag */
        const char *help;
};

#define CTL_WORDS_MAX 64
#define CTL_OPTIONS_MAX 64

/** struct ctl_args - borrowed from argv */
struct ctl_args {
        const char *words[CTL_WORDS_MAX];
        size_t n_words;
        struct {
                const struct ctl_option *option;
                const char *value;
        } options[CTL_OPTIONS_MAX];
        size_t n_options;
};

struct ctl_verb {
        const char *name;                 /* NULL: the noun needs none (hawctl status) */
        const char *args;                 /* "NAME HOST" as --help shows them */
        const char *help;                 /* one line */
        const char *more;                 /* further lines of --help; may be NULL */
        const struct ctl_option *options; /* may be NULL */
        size_t min_words, max_words;
        int (*run)(struct ctl *ctl, const struct ctl_args *args); /* an enum ctl_exit */
};

struct ctl_noun {
        const char *name;
        const char *help;
        const struct ctl_verb *verbs;
        size_t n_verbs;
};

extern const struct ctl_noun ctl_noun_status, ctl_noun_watch, ctl_noun_host, ctl_noun_guest,
        ctl_noun_rule, ctl_noun_fence, ctl_noun_history, ctl_noun_explain, ctl_noun_simulate,
        ctl_noun_export, ctl_noun_apply, ctl_noun_reload, ctl_noun_doctor, ctl_noun_snapshot,
        ctl_noun_replica;

/** ctl_main() - hawctl. Return: an enum ctl_exit. */
int ctl_main(int argc, char **argv);

/* The command line. */
bool args_has(const struct ctl_args *args, const char *option);
const char *args_get(const struct ctl_args *args, const char *option); /* the last one, or NULL */

/** ctl_usage() - "hawctl: ..." on standard error. Return: CTL_USAGE. */
int ctl_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);
/** ctl_fail() - the same. Return: CTL_FAILED. */
int ctl_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** ctl_confirm() - before what destroys. Return: CTL_DONE when it may go on. */
int ctl_confirm(const struct ctl *ctl, const struct ctl_args *args, const char *question);

#define CTL_OPTION_YES                                                                             \
        { "yes", NULL, "do not ask" }

/** ctl_nearest() - the name most like @word, NULL when none is near; @names ends with NULL. */
const char *ctl_nearest(const char *word, const char *const *names);

/* Talking to hawd. Each prints what is wrong and returns an enum ctl_exit other than CTL_DONE. */

/** ctl_call() - @parameters (may be NULL) is taken over; *@ret is new, written on CTL_DONE. */
int ctl_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret);

/** ctl_ask() - the same, but *@ret is the whole answer, which may be an error of hawd. */
int ctl_ask(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret);
/** ctl_complain() - about an answer that is an error. Return: the exit status that it stands for.
 */
int ctl_complain(const struct ctl *ctl, const json_t *answer);
/** ctl_error() - only the message of such an answer, into @text. Return: the same. */
int ctl_error(const struct ctl *ctl, const json_t *answer, char *text, size_t size);

/** ctl_next() - the next answer of a stream, which the first call begins with @parameters
 * (borrowed, may be NULL); *@ret is the whole answer, which may be an error of hawd. */
int ctl_next(struct ctl *ctl, const char *method, json_t *parameters, usec_t wait, json_t **ret);

/** ctl_call_list() - the array @key of the answer of @method without parameters; with --json it is
 * printed, and *@ret becomes NULL. */
int ctl_call_list(struct ctl *ctl, const char *method, const char *key, json_t **ret);

/** ctl_call_pages() - the array @key of the answers of @method, all pages. Return: as ctl_call().
 */
int ctl_call_pages(struct ctl *ctl, const char *method, const char *key, json_t **ret);

/** ctl_do() - call and print the message of the answer (with --json: the answer). */
int ctl_do(struct ctl *ctl, const char *method, json_t *parameters);

/** ctl_print_json() - to standard output; @j is taken over. */
void ctl_print_json(json_t *j);

static inline void json_unrefp(json_t **j) {
        json_decref(*j);
}

/* Short ways into answers; "" and 0 for null and for what is missing. */
const char *jtext(const json_t *o, const char *key);
int64_t jint(const json_t *o, const char *key);
bool jbool(const json_t *o, const char *key);
bool jnull(const json_t *o, const char *key);

/** ctl_words() - "a,b c" as an array of strings. */
json_t *ctl_words(const char *list);
