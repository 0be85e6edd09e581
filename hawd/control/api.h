/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interface io.hawd on the two sockets of a run directory: admin.sock (root and group hawd) and
 * view.sock (group hawd-view, reads only). io.hawd.varlink is the contract with clients.
 *
 * Reads come from the core's queries, history from a port on a thread of its own (the loop waits
 * for no disk); what changes something becomes a struct request and is answered by api_reply().
 */
#pragma once

#include <qb/qbloop.h>

#include "hawd/core/core.h"
#include "hawd/core/note.h"

#define API_HISTORY_PAGE_MAX 500
#define API_GUEST_PAGE_MAX 500
#define API_ADMIN_SOCKET "admin.sock"
#define API_VIEW_SOCKET "view.sock"
#define API_ADMIN_GROUP "hawd"
#define API_VIEW_GROUP "hawd-view"

/** struct api_history_filter - the newest rows first, below (before_version, before_seq) */
struct api_history_filter {
        usec_t since_wall, until_wall; /* until_wall 0: no end */
        char host[NAME_LEN];           /* its name then; empty: any */
        char guest[NAME_LEN];          /* empty: any */
        uint64_t incident;             /* 0: any */
        const char *kinds[NOTE_MAX_];  /* names as in note.h, static */
        size_t n_kinds;                /* 0: any */
        uint64_t before_version;       /* 0: from the newest */
        uint32_t before_seq;
        size_t limit;
};

/** api_row_fn() - one row; true: enough, the reader stops */
typedef bool (*api_row_fn)(void *ud, const struct history_row *row);

/** struct api_store - of this host's database; each text may be empty */
struct api_store {
        const char *error; /* why it can be neither read nor written */
        const char *lost;  /* why this host has no ledger though it had one */
        const char *kept;  /* names of files put aside, blank-separated */
};

/** struct api_ports - what the API needs of others; all are required, @ud is theirs */
struct api_ports {
        void *ud;
        /** Hand a request to the core. It borrows. 0: api_reply() comes later, exactly once. */
        int (*request)(void *ud, const struct request *request);
        /** Read history, on the API's reader thread, one call at a time. 0 or -errno. */
        int (*history)(void *ud, const struct api_history_filter *filter, api_row_fn row,
                       void *row_ud);
        /** The spec in domain XML; @err for people. 0 or -EINVAL. */
        int (*spec_from_xml)(const char *xml, size_t len, struct guest_spec **ret,
                             char err[TEXT_LEN]);
        /** The configuration in force; borrowed for the call. */
        const struct config *(*config)(void *ud);
        /** The store's report; its texts are borrowed for the call. */
        void (*store)(void *ud, struct api_store *ret);
        /** Read hawd.conf again. 0, and @later has what changes with a restart only; -EINVAL with
         * its mistakes: the one in force is kept. */
        int (*reload)(void *ud, struct conf_errors *mistakes, struct conf_errors *later);
        void (*log)(void *ud, int priority, const char *text);
};

/* In the numbers of the API's requests that are of no one call; it uses no higher bit. */
#define API_FACTS_ID (UINT64_C(1) << 62)

struct api;

/**
 * api_new() - attach to @loop; borrows @core and what @ports point to until api_free()
 * Return: 0 or -errno.
 */
int api_new(qb_loop_t *loop, const struct core *core, const struct api_ports *ports,
            const char *hawd_version, struct api **ret);
/** api_free() - ends what is under way; waits for the reader thread. NULL-safe, returns NULL. */
struct api *api_free(struct api *api);

/** api_listen() - open both sockets in @dir, which exists. Return: 0 or -errno, logged. */
int api_listen(struct api *api, const char *dir);

/** api_reply() - the core's answer (ACT_REPLY) to the request @id; clients that left are no error.
 */
void api_reply(struct api *api, uint64_t id, enum reply_code code, const char *text);

/** api_reading() - one result of a fence test (ACT_READING); the reply to @id comes behind them. */
void api_reading(struct api *api, uint64_t id, const struct device_reading *row);

/** api_reply_facts() - the same for any answer: it may be one host's facts (or NULL: none). */
void api_reply_facts(struct api *api, uint64_t id, enum reply_code code, const char *text,
                     struct blob *facts);

/** api_note() - tell those who watch (ACT_NOTE). */
void api_note(struct api *api, const struct note *note, usec_t wall);
