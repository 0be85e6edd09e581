/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls to hawd, and what their errors mean to a person and to the exit status. */
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/ctl/client.h"
#include "hawd/ctl/ctl.h"

#define IO_HAWD "io.hawd."
#define SERVICE "org.varlink.service."
#define ANSWER_USEC (60 * USEC_PER_SEC)
#define TAKEN_USEC (10 * USEC_PER_SEC) /* a call, by hawd's loop */
#define BUSY_TRIES 20
#define BUSY_PAUSE_USEC (250 * USEC_PER_MSEC)

const char *jtext(const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "";
}

int64_t jint(const json_t *o, const char *key) {
        return json_integer_value(json_object_get(o, key));
}

bool jbool(const json_t *o, const char *key) {
        return json_is_true(json_object_get(o, key));
}

bool jnull(const json_t *o, const char *key) {
        const json_t *j = json_object_get(o, key);

        return !j || json_is_null(j);
}

json_t *ctl_words(const char *list) {
        json_t *words = json_array();

        while (list && *(list += strspn(list, ", \t")) != '\0') {
                size_t len = strcspn(list, ", \t");

                json_array_append_new(words, json_stringn(list, len));
                list += len;
        }
        return words;
}

void ctl_print_json(json_t *j) {
        (void)json_dumpf(j, stdout, JSON_INDENT(2)); /* a closed output is found at the end */
        printf("\n");
        json_decref(j);
}

/* Return: an enum ctl_exit; on failure ctl->path is what was tried. */
static int open_default(struct ctl *ctl, int *ret_errno) {
        usec_t patience = ctl->patience_usec ? ctl->patience_usec : TAKEN_USEC;
        int r;

        ctl->path = ctl->socket ? ctl->socket : HAWD_RUN_DIR "/admin.sock";
        ctl->view_only = false;
        r = client_open(ctl->path, patience, &ctl->client);
        if (r == -EACCES && !ctl->socket &&
            client_open(HAWD_RUN_DIR "/view.sock", patience, &ctl->client) == 0) {
                /* Good for all that only reads; hawd says so for the rest. */
                ctl->path = HAWD_RUN_DIR "/view.sock";
                ctl->view_only = true;
                r = 0;
        }
        *ret_errno = -r;
        return r == 0 ? CTL_DONE : CTL_NO_ANSWER;
}

static int complain_answer(int r) {
        if (r == -ETIMEDOUT)
                (void)ctl_fail(
                        "hawd does not answer; see systemctl status hawd, journalctl -u hawd");
        else if (r == -ECONNRESET || r == -EPIPE)
                (void)ctl_fail("hawd closed the connection; see journalctl -u hawd");
        else if (r == -EBADMSG)
                (void)ctl_fail("what answers there is not hawd");
        else
                (void)ctl_fail("no answer from hawd: %s", strerror(-r));
        return CTL_NO_ANSWER;
}

static int complain_open(const char *path, int e) {
        if (e == ETIMEDOUT)
                return complain_answer(-e);
        if (e == ENOENT || e == ECONNREFUSED)
                (void)ctl_fail("hawd does not run on this host: systemctl start hawd (%s: %s)",
                               path, strerror(e));
        else if (e == EACCES)
                (void)ctl_fail("no permission for %s: be root, or a member of the group hawd "
                               "(hawd-view to look only)",
                               path);
        else
                (void)ctl_fail("cannot reach hawd at %s: %s", path, strerror(e));
        return CTL_NO_ANSWER;
}

static int service_error(const struct ctl *ctl, const char *error, const json_t *parameters,
                         char *text, size_t size) {
        if (strcmp(error, "PermissionDenied") == 0) {
                text_fmt(text, size,
                         "%s changes something, and %s is for looking only: be root, or a member "
                         "of the group hawd",
                         ctl->method, ctl->path);
        } else if (strcmp(error, "InvalidParameter") == 0) {
                text_fmt(text, size, "hawd does not take the value of '%s'",
                         jtext(parameters, "parameter"));
                return CTL_USAGE;
        } else {
                text_fmt(text, size,
                         "hawd on this host is not of hawctl's version (" HAWD_VERSION "): %s %s",
                         error, jtext(parameters, "method"));
        }
        return CTL_FAILED;
}

static int hawd_error(const char *error) {
        if (strcmp(error, "NotQuorate") == 0)
                return CTL_NOT_QUORATE;
        return strcmp(error, "Usage") == 0 ? CTL_USAGE : CTL_FAILED;
}

int ctl_error(const struct ctl *ctl, const json_t *answer, char *text, size_t size) {
        const char *error = jtext(answer, "error");
        const json_t *parameters = json_object_get(answer, "parameters");

        if (strncmp(error, SERVICE, strlen(SERVICE)) == 0)
                return service_error(ctl, error + strlen(SERVICE), parameters, text, size);
        text_set(text, size, *jtext(parameters, "message") ? jtext(parameters, "message") : error);
        return strncmp(error, IO_HAWD, strlen(IO_HAWD)) == 0 ? hawd_error(error + strlen(IO_HAWD))
                                                             : CTL_FAILED;
}

int ctl_complain(const struct ctl *ctl, const json_t *answer) {
        char text[4 * TEXT_LEN];
        int r = ctl_error(ctl, answer, text, sizeof(text));

        if (ctl->json)
                ctl_print_json(
                        json_pack("{s:s,s:s}", "error", jtext(answer, "error"), "message", text));
        (void)ctl_fail("%s", text);
        return r;
}

static int connect_hawd(struct ctl *ctl) {
        int e, r = ctl->client ? CTL_DONE : open_default(ctl, &e);

        return r == CTL_DONE ? r : complain_open(ctl->path, e);
}

static int ask(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret) {
        char full[NAME_LEN];
        int r = connect_hawd(ctl);

        if (r != CTL_DONE)
                return r;
        ctl->method = method;
        text_fmt(full, sizeof(full), "%s%s", IO_HAWD, method);
        r = client_call(ctl->client, full, parameters, false);
        /* What hawd said before it closed is still to be read: why it refused us, for one. */
        if (r == 0 || r == -EPIPE)
                r = client_answer(ctl->client,
                                  ctl->patience_usec ? ctl->patience_usec : ANSWER_USEC, ret);
        if (r == 0)
                return CTL_DONE;
        ctl->client = client_close(ctl->client);
        return r == -EINVAL ? ctl_usage("what was given is no UTF-8 text") : complain_answer(r);
}

int ctl_ask(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret) {
        _cleanup_(json_unrefp) json_t *p = parameters;

        for (int i = 0;; i++) {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                int r = ask(ctl, method, p, &answer);

                if (r != CTL_DONE)
                        return r;
                if (strcmp(jtext(answer, "error"), IO_HAWD "Busy") != 0 || i == BUSY_TRIES) {
                        *ret = TAKE_PTR(answer);
                        return CTL_DONE;
                }
                ctl->client = client_close(ctl->client); /* too many clients: it is closed */
                (void)usleep(BUSY_PAUSE_USEC);           /* shorter does no harm */
        }
}

int ctl_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        json_t *out;
        int r = ctl_ask(ctl, method, parameters, &answer);

        if (r != CTL_DONE)
                return r;
        if (*jtext(answer, "error"))
                return ctl_complain(ctl, answer);
        out = json_object_get(answer, "parameters");
        *ret = out ? json_incref(out) : json_object();
        return CTL_DONE;
}

int ctl_next(struct ctl *ctl, const char *method, json_t *parameters, usec_t wait, json_t **ret) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        char full[NAME_LEN];
        int r = 0;

        if (!ctl->client) {
                r = connect_hawd(ctl);
                if (r != CTL_DONE)
                        return r;
                ctl->method = method;
                text_fmt(full, sizeof(full), "%s%s", IO_HAWD, method);
                r = client_call(ctl->client, full, parameters, true);
        }
        if (r == 0 || r == -EPIPE)
                r = client_answer(ctl->client, wait, &answer);
        if (r < 0)
                return complain_answer(r);
        *ret = TAKE_PTR(answer);
        return CTL_DONE;
}

int ctl_call_list(struct ctl *ctl, const char *method, const char *key, json_t **ret) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r = ctl_call(ctl, method, NULL, &answer);

        if (r != CTL_DONE)
                return r;
        *ret = NULL;
        if (ctl->json)
                ctl_print_json(TAKE_PTR(answer));
        else
                *ret = json_incref(json_object_get(answer, key));
        return CTL_DONE;
}

int ctl_call_pages(struct ctl *ctl, const char *method, const char *key, json_t **ret) {
        _cleanup_(json_unrefp) json_t *list = json_array(), *from = json_null();

        do {
                _cleanup_(json_unrefp) json_t *page = NULL;
                int r = ctl_call(ctl, method, json_pack("{s:O}", "from", from), &page);

                if (r != CTL_DONE)
                        return r;
                json_array_extend(list, json_object_get(page, key));
                json_decref(from);
                from = json_incref(json_object_get(page, "next"));
        } while (json_is_string(from));
        *ret = TAKE_PTR(list);
        return CTL_DONE;
}

int ctl_do(struct ctl *ctl, const char *method, json_t *parameters) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r = ctl_call(ctl, method, parameters, &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json)
                ctl_print_json(TAKE_PTR(answer));
        else if (*jtext(answer, "message"))
                printf("%s\n", jtext(answer, "message"));
        return CTL_DONE;
}
