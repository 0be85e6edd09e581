/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl history, and what fence history shares with it. */
#include "hawd/ctl/history.h"

#include "hawd/base/config.h"
#include "hawd/ctl/show.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 100000
#define PAGE 500

static int set_time(json_t *filter, const struct ctl_args *args, const char *option,
                    const char *key) {
        const char *value = args_get(args, option);
        char err[TEXT_LEN];
        usec_t t;

        if (!value)
                return CTL_DONE;
        if (time_from(value, &t, err) < 0)
                return ctl_usage("--%s: %s", option, err);
        json_object_set_new(filter, key, json_integer((json_int_t)t));
        return CTL_DONE;
}

static int set_incident(json_t *filter, const struct ctl_args *args) {
        const char *value = args_get(args, "incident");
        char err[TEXT_LEN];
        uint32_t n;

        if (!value)
                return CTL_DONE;
        if (parse_u32(value, 1, UINT32_MAX, &n, err) < 0)
                return ctl_usage("--incident: %s", err);
        json_object_set_new(filter, "incident", json_integer(n));
        return CTL_DONE;
}

/* Return: CTL_DONE with *@ret, or CTL_USAGE. */
static int make_filter(const struct ctl_args *args, json_t **ret) {
        _cleanup_(json_unrefp) json_t *filter = json_object();
        static const char *const names[] = {"host", "guest"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (args_get(args, names[i]))
                        json_object_set_new(filter, names[i],
                                            json_string(args_get(args, names[i])));
        if (args_get(args, "event"))
                json_object_set_new(filter, "events", ctl_words(args_get(args, "event")));
        if (set_time(filter, args, "since", "since_usec") != CTL_DONE ||
            set_time(filter, args, "until", "until_usec") != CTL_DONE ||
            set_incident(filter, args) != CTL_DONE)
                return CTL_USAGE;
        *ret = TAKE_PTR(filter);
        return CTL_DONE;
}

/* The newest @limit rows, put in the order of time. */
static int fetch(struct ctl *ctl, json_t *filter, size_t limit, json_t **ret) {
        _cleanup_(json_unrefp) json_t *rows = json_array(), *page = NULL;

        page = json_object();
        while (json_array_size(rows) < limit) {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                size_t left = limit - json_array_size(rows);
                const json_t *row;
                size_t i;
                int r;

                json_object_set_new(page, "limit",
                                    json_integer((json_int_t)MIN(left, (size_t)PAGE)));
                r = ctl_call(ctl, "History", json_pack("{s:O,s:O}", "filter", filter, "page", page),
                             &answer);
                if (r != CTL_DONE)
                        return r;
                json_array_foreach(json_object_get(answer, "rows"), i, row)
                        json_array_insert(rows, 0, (json_t *)row);
                if (jnull(answer, "next"))
                        break;
                json_decref(page);
                page = json_deep_copy(json_object_get(answer, "next"));
        }
        *ret = TAKE_PTR(rows);
        return CTL_DONE;
}

/* The incident @id as far as the ledger still holds it, else NULL. */
static int find_incident(struct ctl *ctl, int64_t id, json_t **ret) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        json_t *first;
        int r = ctl_call(ctl, "Incidents",
                         json_pack("{s:I,s:i}", "from", (json_int_t)id, "limit", 1), &answer);

        if (r != CTL_DONE)
                return r;
        first = json_array_get(json_object_get(answer, "incidents"), 0);
        *ret = jint(first, "id") == id ? json_incref(first) : NULL;
        return CTL_DONE;
}

int history_run(struct ctl *ctl, const struct ctl_args *args, const char *events) {
        _cleanup_(json_unrefp) json_t *filter = NULL, *rows = NULL, *incident = NULL;
        const char *value = args_get(args, "limit");
        uint32_t limit = LIMIT_DEFAULT;
        char err[TEXT_LEN];
        int r;

        if (value && parse_u32(value, 1, LIMIT_MAX, &limit, err) < 0)
                return ctl_usage("--limit: %s", err);
        r = make_filter(args, &filter);
        if (r == CTL_DONE && events)
                json_object_set_new(filter, "events", ctl_words(events));
        if (r == CTL_DONE)
                r = fetch(ctl, filter, limit, &rows);
        if (r == CTL_DONE && !jnull(filter, "incident"))
                r = find_incident(ctl, jint(filter, "incident"), &incident);
        if (r != CTL_DONE)
                return r;
        if (ctl->json) {
                ctl_print_json(json_pack("{s:O,s:O?}", "rows", rows, "incident", incident));
                return CTL_DONE;
        }
        if (incident) {
                show_incident(ctl, incident);
                printf("\n");
        }
        show_notes(ctl, rows);
        return CTL_DONE;
}

static int run_history(struct ctl *ctl, const struct ctl_args *args) {
        return history_run(ctl, args, NULL);
}

static const struct ctl_option options[] = {
        {"since", "TIME", "1h, 2d (ago), or \"2026-01-31 12:00\""},
        {"until", "TIME", "the same"},
        {"host", "HOST", "of this host only"},
        {"guest", "GUEST", "of this guest only"},
        {"incident", "N", "of this incident, with its parts"},
        {"event", "A,B", "e.g. host-lost, or fence for all fence-..."},
        {"limit", "N", "the newest N (100)"},
        {NULL, NULL, NULL},
};

static const struct ctl_verb verbs[] = {
        {.args = "",
         .help = "What happened, the newest last.",
         .options = options,
         .run = run_history},
};

const struct ctl_noun ctl_noun_history = {"history", "what happened, incidents and their parts",
                                          verbs, ARRAY_SIZE(verbs)};
