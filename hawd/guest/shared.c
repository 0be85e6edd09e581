/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/guest/shared.h"
#include "hawd/guest/job.h"

static void drop(struct letter *l) {
        report_free((struct report *)l);
}

struct shared *shared_new(const char *uri) {
        struct shared *s = xcalloc(1, sizeof(*s));
        int r = mailbox_open(&s->box, drop);

        if (r < 0) {
                free(s);
                errno = -r;
                return NULL;
        }
        atomic_init(&s->refs, 1);
        text_set(s->uri, sizeof(s->uri), uri);
        return s;
}

struct shared *shared_ref(struct shared *s) {
        atomic_fetch_add(&s->refs, 1);
        return s;
}

struct shared *shared_unref(struct shared *s) {
        if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
                mailbox_free(&s->box);
                free(s);
        }
        return NULL;
}

struct report *report_new(enum report_kind kind) {
        struct report *r = xcalloc(1, sizeof(*r));

        r->kind = kind;
        return r;
}

void report_free(struct report *r) {
        if (!r)
                return;
        free(r->domains);
        job_free(r->job);
        free(r);
}

void shared_post(struct shared *s, struct report *r) {
        mailbox_post(&s->box, &r->letter);
}
