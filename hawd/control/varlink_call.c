/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of the Varlink server: calls in, answers out, org.varlink.service. */
#include "hawd/control/varlink_internal.h"

#define SERVICE "org.varlink.service"

static const char service_description[] =
        "# The Varlink Service Interface is provided by every varlink service. It\n"
        "# describes the service and the interfaces it implements.\n"
        "interface org.varlink.service\n"
        "\n"
        "# Get a list of all the interfaces a service provides and information\n"
        "# about the implementation.\n"
        "method GetInfo() -> (\n"
        "  vendor: string,\n"
        "  product: string,\n"
        "  version: string,\n"
        "  url: string,\n"
        "  interfaces: []string\n"
        ")\n"
        "\n"
        "# Get the description of an interface that is implemented by this service.\n"
        "method GetInterfaceDescription(interface: string) -> (description: string)\n"
        "\n"
        "# The requested interface was not found.\n"
        "error InterfaceNotFound (interface: string)\n"
        "\n"
        "# The requested method was not found\n"
        "error MethodNotFound (method: string)\n"
        "\n"
        "# The interface defines the requested method, but the service does not\n"
        "# implement it.\n"
        "error MethodNotImplemented (method: string)\n"
        "\n"
        "# One of the passed parameters is invalid.\n"
        "error InvalidParameter (parameter: string)\n"
        "\n"
        "# Client is denied access\n"
        "error PermissionDenied ()\n"
        "\n"
        "# Method is expected to be called with 'more' set to true, but wasn't\n"
        "error ExpectedMore ()\n";

static void unrefp(json_t **j) {
        json_decref(*j);
}

static struct client *caller(struct varlink *v, uint64_t call) {
        if (call == 0)
                return NULL;
        for (size_t i = 0; i < VARLINK_CLIENTS_MAX; i++)
                if (v->clients[i].fd >= 0 && v->clients[i].call == call)
                        return &v->clients[i];
        return NULL;
}

/* One answer, as text. Return: malloc'ed. */
static char *answer_text(const char *error, json_t *parameters, bool continues) {
        _cleanup_(unrefp) json_t *root = json_object();
        char *text;

        if (error)
                json_object_set_new(root, "error", json_string(error));
        json_object_set(root, "parameters", parameters);
        if (continues)
                json_object_set_new(root, "continues", json_true());
        text = json_dumps(root, JSON_COMPACT);
        if (!text)
                abort(); /* no memory, or text that is no UTF-8: what made it must see to that */
        return text;
}

static char *failed_text(const struct varlink *v, const char *message) {
        _cleanup_(unrefp) json_t *p = json_pack("{s:s}", "message", message);

        return answer_text(v->config.error_failed, p, false);
}

static int finish(struct varlink *v, uint64_t call, const char *error, json_t *parameters) {
        _cleanup_(unrefp) json_t *p = parameters ? parameters : json_object();
        _cleanup_(freep) char *text = NULL;
        struct client *c = caller(v, call);

        if (!c)
                return -ENOENT;
        c->call = 0;
        varlink_queue_turn(v);
        if (c->oneway || c->gone)
                return 0;
        text = answer_text(error, p, false);
        if (strlen(text) > VARLINK_REPLY_MAX) {
                free(text);
                text = failed_text(v, "the answer is too long; ask for it in smaller pages");
        }
        client_send(c, text, strlen(text));
        return 0;
}

int varlink_reply(struct varlink *v, uint64_t call, json_t *parameters) {
        return finish(v, call, NULL, parameters);
}

int varlink_error(struct varlink *v, uint64_t call, const char *error, json_t *parameters) {
        return finish(v, call, error, parameters);
}

int varlink_invalid(struct varlink *v, uint64_t call, const char *parameter) {
        return finish(v, call, SERVICE ".InvalidParameter",
                      json_pack("{s:s}", "parameter", parameter));
}

int varlink_notify(struct varlink *v, uint64_t call, json_t *parameters) {
        static const char why[] = "it reads the stream too slowly";
        _cleanup_(unrefp) json_t *p = parameters ? parameters : json_object();
        _cleanup_(freep) char *text = NULL;
        struct client *c = caller(v, call);
        size_t owed;

        if (!c)
                return -ENOENT;
        if (!c->more)
                return -EINVAL;
        text = answer_text(NULL, p, true);
        owed = frame_writer_pending(&c->out);
        /* The first one may be long; after that, what is not read adds up. */
        if (strlen(text) > VARLINK_REPLY_MAX ||
            (owed > 0 && owed + strlen(text) > VARLINK_STREAM_MAX)) {
                _cleanup_(freep) char *last = failed_text(
                        v, "dropped: this client reads the stream too slowly; call again");

                client_linger(c, last, strlen(last), why);
                return -ENOENT;
        }
        client_send(c, text, strlen(text));
        return 0;
}

bool varlink_peer(struct varlink *v, uint64_t call, struct peer *ret) {
        const struct client *c = caller(v, call);

        if (c)
                *ret = c->peer;
        return c != NULL;
}

bool varlink_may(struct varlink *v, uint64_t call, enum varlink_access access) {
        const struct client *c = caller(v, call);

        return c && c->access >= access;
}

static void get_info(struct varlink *v, uint64_t call) {
        const struct varlink_config *g = &v->config;

        (void)varlink_reply(v, call,
                            json_pack("{s:s,s:s,s:s,s:s,s:[s,s]}", "vendor", g->vendor, "product",
                                      g->product, "version", g->version, "url", g->url,
                                      "interfaces", SERVICE, g->interface));
}

static void get_description(struct varlink *v, uint64_t call, const json_t *parameters) {
        const char *name = json_string_value(json_object_get(parameters, "interface"));
        const char *text = NULL;

        if (!name) {
                (void)varlink_invalid(v, call, "interface");
                return;
        }
        if (strcmp(name, SERVICE) == 0)
                text = service_description;
        else if (strcmp(name, v->config.interface) == 0)
                text = v->config.description;
        if (text)
                (void)varlink_reply(v, call, json_pack("{s:s}", "description", text));
        else
                (void)varlink_error(v, call, SERVICE ".InterfaceNotFound",
                                    json_pack("{s:s}", "interface", name));
}

static void call_service(struct varlink *v, uint64_t call, const char *name, const char *full,
                         const json_t *parameters) {
        if (strcmp(name, "GetInfo") == 0)
                get_info(v, call);
        else if (strcmp(name, "GetInterfaceDescription") == 0)
                get_description(v, call, parameters);
        else
                (void)varlink_error(v, call, SERVICE ".MethodNotFound",
                                    json_pack("{s:s}", "method", full));
}

static const struct varlink_method *find_method(const struct varlink_config *config,
                                                const char *name) {
        for (size_t i = 0; i < config->n_methods; i++)
                if (strcmp(config->methods[i].name, name) == 0)
                        return &config->methods[i];
        return NULL;
}

static void call_method(struct client *c, const char *name, const char *full, json_t *parameters) {
        struct varlink *v = c->server;
        const struct varlink_method *method = find_method(&v->config, name);

        if (!method)
                (void)varlink_error(v, c->call, SERVICE ".MethodNotFound",
                                    json_pack("{s:s}", "method", full));
        else if (c->access < method->access)
                (void)varlink_error(v, c->call, SERVICE ".PermissionDenied", NULL);
        else if (method->more && !c->more)
                (void)varlink_error(v, c->call, SERVICE ".ExpectedMore", NULL);
        else
                method->call(v->config.ud, c->call, parameters);
}

static void call_named(struct client *c, const char *full, json_t *parameters) {
        struct varlink *v = c->server;
        const char *dot = strrchr(full, '.');
        size_t len = dot ? (size_t)(dot - full) : 0;

        if (len == strlen(SERVICE) && strncmp(full, SERVICE, len) == 0)
                call_service(v, c->call, dot + 1, full, parameters);
        else if (len > 0 && len == strlen(v->config.interface) &&
                 strncmp(full, v->config.interface, len) == 0)
                call_method(c, dot + 1, full, parameters);
        else
                (void)varlink_error(v, c->call, SERVICE ".InterfaceNotFound",
                                    json_pack("{s:s%}", "interface", full, len));
}

/* A flag that is there must be a boolean. Return: 0, or -EBADMSG. */
static int take_flag(const json_t *root, const char *name, bool *ret) {
        const json_t *flag = json_object_get(root, name);

        if (flag && !json_is_boolean(flag))
                return -EBADMSG;
        *ret = json_is_true(flag);
        return 0;
}

void client_dispatch(struct client *c, const char *frame, size_t len) {
        _cleanup_(unrefp) json_t *root = json_loadb(frame, len, JSON_REJECT_DUPLICATES, NULL);
        _cleanup_(unrefp) json_t *parameters = json_incref(json_object_get(root, "parameters"));
        const char *method = json_string_value(json_object_get(root, "method"));
        uint64_t call;

        if (!parameters)
                parameters = json_object();
        if (!method || !json_is_object(parameters) || take_flag(root, "more", &c->more) < 0 ||
            take_flag(root, "oneway", &c->oneway) < 0 || (c->more && c->oneway)) {
                client_drop(c, "its message is not of the Varlink protocol");
                return;
        }
        call = c->call = ++c->server->last_call;
        call_named(c, method, parameters);
        if ((c->oneway || c->gone) && c->call == call)
                c->call = 0; /* nobody waits */
}
