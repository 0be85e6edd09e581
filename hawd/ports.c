/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the API asks of the others (struct api_ports): each answered here, by whom it concerns.
 */
#include "hawd/base/log.h"
#include "hawd/guest/domxml.h"
#include "hawd/hawd.h"

static int port_request(void *ud, const struct request *request) {
        struct event ev = {.kind = EV_REQUEST, .request = *request};

        hawd_step(ud, &ev);
        return 0;
}

static int port_history(void *ud, const struct api_history_filter *f, api_row_fn row,
                        void *row_ud) {
        const struct ledger_history_filter filter = {
                .since_wall = f->since_wall,
                .until_wall = f->until_wall,
                .host = f->host,
                .guest = f->guest,
                .incident = f->incident,
                .kinds = f->kinds,
                .n_kinds = f->n_kinds,
                .before_version = f->before_version,
                .before_seq = f->before_seq,
                .limit = f->limit,
        };

        return ledger_store_history(((struct hawd *)ud)->store, &filter, row, row_ud);
}

static void port_store(void *ud, struct api_store *ret) {
        const struct ledger_report *r = ledger_store_report(((struct hawd *)ud)->store);

        *ret = (struct api_store){.error = r->error, .lost = r->lost, .kept = r->kept};
}

static const struct config *port_config(void *ud) {
        return &((struct hawd *)ud)->config;
}

static void port_log(void *ud, int priority, const char *text) {
        (void)ud;
        log_line(priority, "%s", text);
}

static int port_reload(void *ud, struct conf_errors *mistakes, struct conf_errors *later) {
        return hawd_reload(ud, mistakes, later);
}

struct api_ports hawd_api_ports(struct hawd *d) {
        return (struct api_ports){.ud = d,
                                  .request = port_request,
                                  .history = port_history,
                                  .spec_from_xml = spec_from_xml,
                                  .config = port_config,
                                  .store = port_store,
                                  .reload = port_reload,
                                  .log = port_log};
}
