/* SPDX-License-Identifier: GPL-3.0-or-later */
/* History: the filter from JSON, the page from the reader. */
#include "hawd/control/api_internal.h"

#define PAGE_DEFAULT 100

/* @event is a name as in note.h ("host-lost") or its first part ("fence"). */
static bool names_event(const char *name, const char *event) {
        size_t len = strlen(event);

        return strncmp(name, event, len) == 0 && (name[len] == '\0' || name[len] == '-');
}

static bool take_events(struct api *api, uint64_t call, const json_t *events,
                        struct api_history_filter *f) {
        bool wanted[NOTE_MAX_] = {false};
        const json_t *event;
        size_t i;

        json_array_foreach(events, i, event) {
                const char *text = json_string_value(event);
                bool any = false;

                for (unsigned id = NOTE_NONE + 1; id < NOTE_MAX_; id++)
                        if (names_event(note_name((enum note_id)id), text))
                                any = wanted[id] = true;
                if (!any) {
                        api_error(api, call, "NotFound",
                                  "there is no event %.64s; e.g. host-lost, fence, guest-started",
                                  text);
                        return false;
                }
        }
        for (unsigned id = NOTE_NONE + 1; id < NOTE_MAX_; id++)
                if (wanted[id])
                        f->kinds[f->n_kinds++] = note_name((enum note_id)id);
        return true;
}

static bool take_filter(struct api *api, uint64_t call, const json_t *o,
                        struct api_history_filter *f) {
        static const struct api_param list[] = {{"since_usec", API_INT, false},
                                                {"until_usec", API_INT, false},
                                                {"host", API_NAME, false},
                                                {"guest", API_NAME, false},
                                                {"incident", API_INT, false},
                                                {"events", API_STRINGS, false},
                                                {.name = NULL}};

        if (!api_params(api, call, o, list))
                return false;
        f->since_wall = (usec_t)param_int(o, "since_usec", 0);
        f->until_wall = (usec_t)param_int(o, "until_usec", 0);
        f->incident = (uint64_t)param_int(o, "incident", 0);
        if (param_text(o, "guest")) /* also one that is kept no more */
                text_set(f->guest, sizeof(f->guest), param_text(o, "guest"));
        if (param_text(o, "host")) /* also one that has left the cluster */
                text_set(f->host, sizeof(f->host), param_text(o, "host"));
        return take_events(api, call, json_object_get(o, "events"), f);
}

static bool take_page(struct api *api, uint64_t call, const json_t *o,
                      struct api_history_filter *f) {
        static const struct api_param list[] = {{"before_version", API_INT, false},
                                                {"before_seq", API_INT, false},
                                                {"limit", API_INT, false},
                                                {.name = NULL}};
        int64_t limit;

        if (!api_params(api, call, o, list))
                return false;
        limit = param_int(o, "limit", PAGE_DEFAULT);
        f->limit = (size_t)MAX(1, MIN(limit, API_HISTORY_PAGE_MAX));
        f->before_version = (uint64_t)param_int(o, "before_version", 0);
        f->before_seq = (uint32_t)MIN(param_int(o, "before_seq", 0), UINT32_MAX);
        return true;
}

void api_history(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"filter", API_OBJECT, false}, {"page", API_OBJECT, false}, {.name = NULL}};
        struct api *api = ud;
        struct api_history_filter filter = {0};

        if (!api_params(api, call, params, list) ||
            !take_filter(api, call, json_object_get(params, "filter"), &filter) ||
            !take_page(api, call, json_object_get(params, "page"), &filter))
                return;
        if (history_reader_ask(api->reader, call, &filter) < 0)
                api_error(api, call, "Busy",
                          "too many reports are being read; try again in a moment");
}

void api_history_done(void *ud, struct history_answer *answer) {
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        json_t *rows, *next = json_null();

        if (answer->error < 0) {
                api_error(api, answer->call, "Failed",
                          "history cannot be read: %s; see the journal of hawd on this host",
                          strerror(-answer->error));
                return;
        }
        if (answer->no_host && !find_host(m, answer->filter.host)) {
                api_error(api, answer->call, "NotFound",
                          "neither the cluster nor its history knows a host %s; hawctl host list "
                          "shows those that are there, hawctl history --event host-removed those "
                          "that have left",
                          answer->filter.host);
                return;
        }
        rows = json_array();
        for (size_t i = 0; i < answer->n_rows; i++)
                json_array_append_new(rows, render_history_row(m, &answer->rows[i]));
        if (answer->more && answer->n_rows > 0) {
                const struct history_row *last = &answer->rows[answer->n_rows - 1];

                next = json_pack("{s:I,s:I,s:I}", "before_version", (json_int_t)last->version,
                                 "before_seq", (json_int_t)last->seq, "limit",
                                 (json_int_t)answer->filter.limit);
        }
        (void)varlink_reply(api->varlink, answer->call, /* the client may be gone */
                            json_pack("{s:o,s:o}", "rows", rows, "next", next));
}
