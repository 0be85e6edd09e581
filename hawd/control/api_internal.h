/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the API share. Not for others. */
#pragma once

#include "hawd/control/api.h"
#include "hawd/control/history_reader.h"
#include "hawd/control/render.h"
#include "hawd/control/varlink.h"

#define IO_HAWD "io.hawd"
#define MESSAGE_LEN (2 * TEXT_LEN)

extern const char api_interface_text[]; /* io.hawd.varlink */

/** struct api_created - the name of the guest that GuestCreate is to answer */
struct api_created {
        uint64_t call; /* 0 or of a client that left: free */
        char name[NAME_LEN];
};

struct api {
        struct varlink *varlink;
        const struct core *core;
        struct api_ports ports;
        struct varlink_config varlink_config;
        struct history_reader *reader;
        uint64_t watchers[VARLINK_CLIENTS_MAX];
        size_t n_watchers;
        struct api_facts *facts;
        struct api_created created[VARLINK_CLIENTS_MAX]; /* a client has one call at most */
};

struct api_created *api_created(struct api *api, uint64_t call); /* NULL: none */

/** Types of parameters; a method names all it takes, anything else is an InvalidParameter. */
enum api_type { API_STRING, API_NAME, API_INT, API_BOOL, API_OBJECT, API_STRINGS, API_STRING_MAP };

struct api_param {
        const char *name; /* NULL ends the list */
        enum api_type type;
        bool required;
};

/**
 * api_params() - check @object against @list; replies InvalidParameter by itself
 * Return: whether it is good: all required are there, no type is wrong, nothing is unknown.
 */
bool api_params(struct api *api, uint64_t call, const json_t *object, const struct api_param *list);

/** api_error() - io.hawd.Error's @name with a message. */
void api_error(struct api *api, uint64_t call, const char *name, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
void api_no_guest(struct api *api, uint64_t call, const char *name);
void api_no_host(struct api *api, uint64_t call, const char *name);

/* Shorthands for checked parameters: NULL, @otherwise or false when it is not there (or null). */
const char *param_text(const json_t *object, const char *name);
int64_t param_int(const json_t *object, const char *name, int64_t otherwise);
bool param_bool(const json_t *object, const char *name);

usec_t api_wall(void);

/* Methods, by file. Each answers @call, now or later. */
typedef void api_method(void *ud, uint64_t call, json_t *params);
api_method api_status, api_hosts, api_host, api_guests, api_guest, api_rules, api_incidents,
        api_devices, api_explain, api_watch; /* api_read.c */
api_method api_history;                      /* api_history.c */
api_method api_facts_method;                 /* api_facts.c */
api_method api_guest_add, api_guest_create, api_guest_set, api_guest_start, api_guest_stop,
        api_guest_ignore, api_guest_pause, api_guest_resume, api_guest_recover, api_guest_move,
        api_guest_delete, api_guest_remove, api_rule_set, api_rule_delete, api_fence_test,
        api_fence_host, api_fence_confirm, api_host_release, api_accept_loss; /* api_do.c */
api_method api_snapshots, api_snapshot_create, api_snapshot_delete,
        api_snapshot_rollback; /* api_snap.c */
api_method api_replicas, api_replica_promote, api_replica_resync,
        api_replica_outdate; /* api_replica.c */
api_method api_export;       /* api_export.c */
api_method api_reload;       /* api_reload.c */

/** api_submit() - hand it to the core; the number of the call is that of the request */
void api_submit(struct api *api, uint64_t call, struct request *req);
/** api_know_guest() - put its name into @req, or answer that there is none. Return: is there? */
bool api_know_guest(struct api *api, uint64_t call, const char *name, struct request *req);

/** api_guests_from() - all from the name @from (NULL: the first) on, by name. Return: malloc'ed. */
const struct guest **api_guests_from(const struct model *m, const char *from, size_t *ret_n);

/** api_rules_page() - rules by name into @list, from the name @from (NULL: the first) on, as many
 * as fit. Return: the first one of the next page, borrowed; NULL: that is all. */
const char *api_rules_page(const struct model *m, const char *from, json_t *list);

/** api_render_status() - what Status answers and Watch begins with. */
json_t *api_render_status(struct api *api);

struct api_facts *api_facts_new(void);
struct api_facts *api_facts_free(struct api_facts *f); /* NULL-safe, returns NULL */
/** api_facts_reply() - one host's facts (NULL: @text says why not). Return: was it for a gathering?
 */
bool api_facts_reply(struct api *api, uint64_t id, const char *text, struct blob *facts);

/** api_history_done() - the reader's answer (history_done_fn). */
void api_history_done(void *ud, struct history_answer *answer);
