/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/control/api.h"

#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <time.h>

#include "hawd/control/api_internal.h"

static const struct varlink_method methods[] = {
        {"Status", VARLINK_VIEW, false, api_status},
        {"Hosts", VARLINK_VIEW, false, api_hosts},
        {"Host", VARLINK_VIEW, false, api_host},
        {"Guests", VARLINK_VIEW, false, api_guests},
        {"Guest", VARLINK_VIEW, false, api_guest},
        {"Rules", VARLINK_VIEW, false, api_rules},
        {"Incidents", VARLINK_VIEW, false, api_incidents},
        {"Devices", VARLINK_VIEW, false, api_devices},
        {"History", VARLINK_VIEW, false, api_history},
        {"Explain", VARLINK_VIEW, false, api_explain},
        {"Facts", VARLINK_VIEW, false, api_facts_method},
        {"Export", VARLINK_VIEW, false, api_export},
        {"Snapshots", VARLINK_VIEW, false, api_snapshots},
        {"Replicas", VARLINK_VIEW, false, api_replicas},
        {"ReplicaPromote", VARLINK_ADMIN, false, api_replica_promote},
        {"ReplicaResync", VARLINK_ADMIN, false, api_replica_resync},
        {"ReplicaOutdate", VARLINK_ADMIN, false, api_replica_outdate},
        {"Watch", VARLINK_VIEW, true, api_watch},
        {"GuestAdd", VARLINK_ADMIN, false, api_guest_add},
        {"GuestCreate", VARLINK_ADMIN, false, api_guest_create},
        {"GuestSet", VARLINK_ADMIN, false, api_guest_set},
        {"GuestStart", VARLINK_ADMIN, false, api_guest_start},
        {"GuestStop", VARLINK_ADMIN, false, api_guest_stop},
        {"GuestIgnore", VARLINK_ADMIN, false, api_guest_ignore},
        {"GuestPause", VARLINK_ADMIN, false, api_guest_pause},
        {"GuestResume", VARLINK_ADMIN, false, api_guest_resume},
        {"GuestRecover", VARLINK_ADMIN, false, api_guest_recover},
        {"GuestMove", VARLINK_ADMIN, false, api_guest_move},
        {"GuestDelete", VARLINK_ADMIN, false, api_guest_delete},
        {"GuestRemove", VARLINK_ADMIN, false, api_guest_remove},
        {"RuleSet", VARLINK_ADMIN, false, api_rule_set},
        {"RuleDelete", VARLINK_ADMIN, false, api_rule_delete},
        {"SnapshotCreate", VARLINK_ADMIN, false, api_snapshot_create},
        {"SnapshotDelete", VARLINK_ADMIN, false, api_snapshot_delete},
        {"SnapshotRollback", VARLINK_ADMIN, false, api_snapshot_rollback},
        {"FenceTest", VARLINK_ADMIN, true, api_fence_test},
        {"FenceHost", VARLINK_ADMIN, false, api_fence_host},
        {"FenceConfirm", VARLINK_ADMIN, false, api_fence_confirm},
        {"HostRelease", VARLINK_ADMIN, false, api_host_release},
        {"AcceptLoss", VARLINK_ADMIN, false, api_accept_loss},
        {"Reload", VARLINK_ADMIN, false, api_reload},
};

usec_t api_wall(void) {
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

__attribute__((format(printf, 4, 0))) static void
error_va(struct api *api, uint64_t call, const char *name, const char *fmt, va_list ap) {
        char text[MESSAGE_LEN], error[NAME_LEN];

        (void)vsnprintf(text, sizeof(text), fmt, ap); /* cut when too long */
        text_fmt(error, sizeof(error), "%s.%s", IO_HAWD, name);
        (void)varlink_error(api->varlink, call, error, /* the client may be gone */
                            json_pack("{s:o}", "message", render_text(text)));
}

void api_error(struct api *api, uint64_t call, const char *name, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        error_va(api, call, name, fmt, ap);
        va_end(ap);
}

void api_no_guest(struct api *api, uint64_t call, const char *name) {
        api_error(api, call, "NotFound",
                  "hawd keeps no guest %s; hawctl guest list shows those it keeps, "
                  "hawctl guest add enrols a domain",
                  name);
}

void api_no_host(struct api *api, uint64_t call, const char *name) {
        api_error(api, call, "NotFound", "the cluster has no host %s; hawctl host list shows them",
                  name);
}

static bool all_strings(const json_t *j) {
        const char *key;
        json_t *value;
        size_t i;

        json_array_foreach(j, i, value) if (!json_is_string(value)) return false;
        json_object_foreach((json_t *)j, key, value) if (!json_is_string(value)) return false;
        return true;
}

static bool type_is(const json_t *j, enum api_type type) {
        switch (type) {
        case API_STRING:
                return json_is_string(j);
        case API_NAME: /* of a guest, host, rule: what is longer can be none */
                return json_is_string(j) && json_string_length(j) > 0 &&
                       json_string_length(j) < NAME_LEN;
        case API_INT:
                return json_is_integer(j) && json_integer_value(j) >= 0;
        case API_BOOL:
                return json_is_boolean(j);
        case API_OBJECT:
                return json_is_object(j);
        case API_STRINGS:
                return json_is_array(j) && all_strings(j);
        case API_STRING_MAP:
                return json_is_object(j) && all_strings(j);
        }
        return false;
}

static const char *bad_param(const json_t *object, const struct api_param *list) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)object, key, value) {
                const struct api_param *p = list;

                while (p->name && strcmp(p->name, key) != 0)
                        p++;
                if (!p->name)
                        return key;
                if (!json_is_null(value) && !type_is(value, p->type))
                        return key;
        }
        for (const struct api_param *p = list; p->name; p++) {
                value = json_object_get(object, p->name);
                if (p->required && (!value || json_is_null(value)))
                        return p->name;
        }
        return NULL;
}

bool api_params(struct api *api, uint64_t call, const json_t *object,
                const struct api_param *list) {
        const char *bad = bad_param(object, list);

        if (bad)
                (void)varlink_invalid(api->varlink, call, bad);
        return !bad;
}

const char *param_text(const json_t *object, const char *name) {
        return json_string_value(json_object_get(object, name));
}

int64_t param_int(const json_t *object, const char *name, int64_t otherwise) {
        const json_t *j = json_object_get(object, name);

        return json_is_integer(j) ? json_integer_value(j) : otherwise;
}

bool param_bool(const json_t *object, const char *name) {
        return json_is_true(json_object_get(object, name));
}

struct api_created *api_created(struct api *api, uint64_t call) {
        for (size_t i = 0; i < ARRAY_SIZE(api->created); i++)
                if (api->created[i].call == call)
                        return &api->created[i];
        return NULL;
}

void api_reply(struct api *api, uint64_t id, enum reply_code code, const char *text) {
        static const char *const names[REPLY_CODE_MAX_] = {
                [REPLY_FAILED] = "Failed",
                [REPLY_USAGE] = "Usage",
                [REPLY_NOT_QUORATE] = "NotQuorate",
                [REPLY_BUSY] = "Busy",
        };

        if (code == REPLY_OK) {
                json_t *answer = json_pack("{s:o}", "message", render_text(text));
                struct api_created *created = api_created(api, id);

                if (created)
                        json_object_set_new(answer, "name", render_text(created->name));
                (void)varlink_reply(api->varlink, id, answer); /* the client may be gone */
        } else {
                api_error(api, id, code < REPLY_CODE_MAX_ ? names[code] : "Failed", "%s",
                          text && *text ? text : "hawd gave no reason");
        }
}

void api_reply_facts(struct api *api, uint64_t id, enum reply_code code, const char *text,
                     struct blob *facts) {
        if (!api_facts_reply(api, id, text, facts))
                api_reply(api, id, code, text);
}

void api_note(struct api *api, const struct note *note, usec_t wall) {
        json_t *rendered;
        size_t kept = 0;

        if (api->n_watchers == 0)
                return;
        rendered = render_note(core_model(api->core), note, wall);
        for (size_t i = 0; i < api->n_watchers; i++)
                if (varlink_notify(api->varlink, api->watchers[i],
                                   json_pack("{s:O}", "note", rendered)) == 0)
                        api->watchers[kept++] = api->watchers[i];
        api->n_watchers = kept;
        json_decref(rendered);
}

static gid_t group_id(struct api *api, const char *name) {
        const struct group *g = getgrnam(name);
        char text[TEXT_LEN];

        if (g)
                return g->gr_gid;
        text_fmt(text, sizeof(text),
                 "there is no group %s: its socket is for root alone (systemd-sysusers makes it)",
                 name);
        api->ports.log(api->ports.ud, LOG_NOTICE, text);
        return (gid_t)-1;
}

static int listen_one(struct api *api, const char *dir, const char *name,
                      enum varlink_access access, const char *group) {
        char path[256], text[512];
        int r;

        text_fmt(path, sizeof(path), "%s/%s", dir, name);
        r = varlink_listen(api->varlink, path, access, group_id(api, group));
        if (r < 0) {
                text_fmt(text, sizeof(text), "cannot open the socket %s: %s%s", path, strerror(-r),
                         r == -EADDRINUSE ? " (another hawd serves it)" : "");
                api->ports.log(api->ports.ud, LOG_ERR, text);
        }
        return r;
}

int api_listen(struct api *api, const char *dir) {
        int r = listen_one(api, dir, API_ADMIN_SOCKET, VARLINK_ADMIN, API_ADMIN_GROUP);

        return r < 0 ? r : listen_one(api, dir, API_VIEW_SOCKET, VARLINK_VIEW, API_VIEW_GROUP);
}

static void api_log(void *ud, int priority, const char *text) {
        struct api *api = ud;

        api->ports.log(api->ports.ud, priority, text);
}

int api_new(qb_loop_t *loop, const struct core *core, const struct api_ports *ports,
            const char *hawd_version, struct api **ret) {
        struct api *api = xcalloc(1, sizeof(*api));
        int r;

        api->core = core;
        api->ports = *ports;
        api->varlink_config = (struct varlink_config){
                .loop = loop,
                .vendor = "hawd",
                .product = "hawd",
                .version = hawd_version,
                .url = "io.hawd",
                .interface = IO_HAWD,
                .description = api_interface_text,
                .methods = methods,
                .n_methods = ARRAY_SIZE(methods),
                .error_busy = IO_HAWD ".Busy",
                .error_failed = IO_HAWD ".Failed",
                .log = api_log,
                .ud = api,
        };
        r = history_reader_new(loop, &api->ports, api_history_done, api, &api->reader);
        if (r < 0) {
                free(api);
                return r;
        }
        api->facts = api_facts_new();
        api->varlink = varlink_new(&api->varlink_config);
        *ret = api;
        return 0;
}

struct api *api_free(struct api *api) {
        if (!api)
                return NULL;
        api->reader = history_reader_free(api->reader);
        api->varlink = varlink_free(api->varlink);
        api->facts = api_facts_free(api->facts);
        free(api);
        return NULL;
}
