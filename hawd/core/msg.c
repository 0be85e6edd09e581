/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/msg.h"

struct state *state_new(void) {
        struct state *s = xcalloc(1, sizeof(*s));

        s->refs = 1;
        model_init(&s->model);
        return s;
}

struct state *state_ref(struct state *s) {
        if (s)
                s->refs++;
        return s;
}

struct state *state_unref(struct state *s) {
        if (s && --s->refs == 0) {
                model_clear(&s->model);
                for (size_t i = 0; i < s->n_tail; i++)
                        entry_unref(s->tail[i]);
                free(s->tail);
                free(s);
        }
        return NULL;
}

struct msg *msg_new(enum msg_kind kind) {
        struct msg *m = xcalloc(1, sizeof(*m));

        m->refs = 1;
        m->kind = kind;
        return m;
}

struct msg *msg_ref(struct msg *m) {
        if (m)
                m->refs++;
        return m;
}

struct msg *msg_unref(struct msg *m) {
        if (m && --m->refs == 0) {
                if (m->kind == MSG_STATE)
                        state_unref(m->state.state);
                else if (m->kind == MSG_ENTRY)
                        entry_unref(m->entry);
                else if (m->kind == MSG_ASK)
                        guest_spec_unref(m->ask.spec);
                else if (m->kind == MSG_TELL)
                        blob_unref(m->tell.facts);
                else if (m->kind == MSG_HISTORY)
                        free(m->history.rows);
                else if (m->kind == MSG_PROVEN)
                        free(m->proven.hosts);
                free(m);
        }
        return NULL;
}
