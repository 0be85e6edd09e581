/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guests: as hawd keeps them; where it does not answer, as libvirt has them. */
#include <libvirt/libvirt.h>
#include <stdio.h>

#include "hawd/ctl/client.h"
#include "hawd/facts/part.h"
#include "hawd/facts/virt.h"
#include "hawd/facts/wants.h"

#define ANSWER_USEC (6 * USEC_PER_SEC)

/* Return: the answer's parameters, new; NULL with @err when there are none. */
static json_t *ask(struct client *c, const char *method, json_t *parameters, char *err) {
        _cleanup_(facts_unrefp) json_t *p = parameters, *answer = NULL;
        json_t *out;
        int r = client_call(c, method, p, false);

        if (r == 0)
                r = client_answer(c, ANSWER_USEC, &answer);
        if (r < 0) {
                text_fmt(err, TEXT_LEN, "hawd does not answer: %s", strerror(-r));
                return NULL;
        }
        if (json_object_get(answer, "error")) {
                text_fmt(err, TEXT_LEN, "hawd answers %.80s",
                         json_string_value(json_object_get(answer, "error")));
                return NULL;
        }
        out = json_object_get(answer, "parameters");
        return out ? json_incref(out) : json_object();
}

static bool add_guest(struct client *c, const char *name, json_t *guests, char *err) {
        _cleanup_(facts_unrefp) json_t *p =
                ask(c, "io.hawd.Guest", json_pack("{s:s,s:b}", "name", name, "xml", true), err);
        const json_t *xml = json_object_get(p, "xml");
        const json_t *replica = json_object_get(
                json_object_get(json_object_get(p, "guest"), "settings"), "replica");
        json_t *wants;

        if (!p)
                return strncmp(err, "hawd answers", 12) == 0; /* it was deleted meanwhile */
        wants = json_is_string(xml) ? wants_of(json_string_value(xml), json_string_length(xml))
                                    : NULL;
        if (wants && json_is_string(replica))
                json_object_set(wants, "replica", (json_t *)replica);
        if (wants)
                json_array_append_new(guests, wants);
        return true;
}

/* All pages of guests. Return: whether hawd answered to the end. */
static bool add_guests(struct client *c, json_t *guests, char *err) {
        _cleanup_(facts_unrefp) json_t *from = NULL;

        for (;;) {
                _cleanup_(facts_unrefp) json_t *page =
                        ask(c, "io.hawd.Guests",
                            from ? json_pack("{s:O}", "from", from) : json_object(), err);
                const json_t *g;
                size_t i;

                if (!page)
                        return false;
                json_array_foreach(json_object_get(page, "guests"), i, g) {
                        const char *name = json_string_value(json_object_get(g, "name"));

                        if (name && !add_guest(c, name, guests, err))
                                return false;
                }
                json_decref(from);
                from = json_incref(json_object_get(page, "next"));
                if (!json_is_string(from))
                        return true;
        }
}

json_t *wants_hawd(const void *source) {
        const struct wants_source *s = source;
        json_t *guests = json_array();
        struct client *c = NULL;
        char path[FACTS_WORD_MAX + 16], err[TEXT_LEN] = "";
        int r;

        text_fmt(path, sizeof(path), "%.160s/view.sock", s->run_dir);
        part_at("%.100s", path);
        r = client_open(path, ANSWER_USEC, &c);
        if (r < 0)
                text_fmt(err, sizeof(err), "hawd does not run (%.100s: %s)", path, strerror(-r));
        else if (add_guests(c, guests, err))
                err[0] = '\0';
        client_close(c);
        return json_pack("{s:o,s:o}", "guests", guests, "error", word(err));
}

int64_t hawd_pid(const char *run_dir) {
        char path[FACTS_WORD_MAX + 16];
        struct client *c = NULL;
        int64_t pid = 0;

        text_fmt(path, sizeof(path), "%.160s/view.sock", run_dir);
        part_at("%.100s", path);
        if (client_open(path, ANSWER_USEC, &c) == 0)
                pid = client_peer_pid(c);
        client_close(c);
        return pid;
}

json_t *wants_libvirt(const void *source) {
        const struct wants_source *s = source;
        virConnectPtr conn = facts_connect(s->uri);
        virDomainPtr *domains = NULL;
        json_t *guests;
        int n;

        if (!conn)
                return trouble("%s", virt_why());
        guests = json_array();
        n = virConnectListAllDomains(conn, &domains, 0);
        for (int i = 0; i < n; i++) {
                char *xml = virDomainGetXMLDesc(domains[i], VIR_DOMAIN_XML_INACTIVE);
                json_t *wants = xml ? wants_of(xml, strlen(xml)) : NULL;

                if (wants)
                        json_array_append_new(guests, wants);
                free(xml);
                virDomainFree(domains[i]);
        }
        free(domains);
        virConnectClose(conn);
        return json_pack("{s:o}", "guests", guests);
}
