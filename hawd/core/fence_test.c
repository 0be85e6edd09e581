/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fence devices read for a client, by this member, another, or all of them. Pure.
 *
 * The member whose client asks keeps a question: who has not read all yet. Each that reads keeps a
 * survey: how far it is. Every reading is told at once, a last word behind them. Needs neither
 * quorum nor ledger: a member that cannot decide may look, too.
 *
 *   question: ASKED -> reading ... -> each reader's last word, its leaving or silence -> answered
 */
#include <stdio.h>

#include "hawd/core/priv.h"

#define TEST_PARALLEL 8 /* children at a time, over all surveys */
#define TEST_PATIENCE_USEC (30 * USEC_PER_SEC)

/* ---- the asking side ---- */

static struct question *question_find(struct core *c, uint64_t request) {
        for (size_t i = 0; i < c->n_questions; i++)
                if (c->questions[i].request == request)
                        return &c->questions[i];
        return NULL;
}

static void question_row(struct core *c, struct question *q, const struct device_reading *row) {
        struct action *a = actions_add(c->out, ACT_READING);

        q->heard = c->now;
        q->n[row->reading]++;
        a->reading.request = q->request;
        a->reading.row = *row;
}

/* @nodeid reads nothing more; @why, when not empty, says what it could not do. */
static void question_left(struct question *q, uint32_t nodeid, const char *name, const char *why) {
        size_t n = strlen(q->trouble);

        for (size_t i = 0; i < q->n_readers; i++) {
                if (q->readers[i] != nodeid)
                        continue;
                q->readers[i] = q->readers[--q->n_readers];
                if (*why)
                        text_fmt(q->trouble + n, sizeof(q->trouble) - n, "%s%s: %s", n ? "; " : "",
                                 name, why);
                return;
        }
}

static void question_end(struct core *c, size_t i) {
        const struct question *q = &c->questions[i];

        if (q->trouble[0])
                core_reply(c, q->request, REPLY_FAILED, "%s", q->trouble);
        else
                core_reply(c, q->request, REPLY_OK, "%u on, %u off, %u not read", q->n[READING_ON],
                           q->n[READING_OFF], q->n[READING_NONE]);
        c->n_questions--;
        memmove(&c->questions[i], &c->questions[i + 1],
                (c->n_questions - i) * sizeof(*c->questions));
}

/* Those who left, or from whom nothing came for longer than any device may take. */
static void question_check(struct core *c, struct question *q) {
        usec_t patience = TEST_PATIENCE_USEC;

        for (size_t i = 0; i < c->config->n_devices; i++)
                patience = MAX(patience, c->config->devices[i].timeout_usec + TEST_PATIENCE_USEC);
        for (size_t i = q->n_readers; i-- > 0;) {
                uint32_t id = q->readers[i];

                if (id != c->nodeid && !core_in_group(c, id))
                        question_left(q, id, core_node_name(c, id), "left before it was done");
                else if (c->now >= usec_add(q->heard, patience))
                        question_left(q, id, core_node_name(c, id), "no answer in time");
        }
        if (q->n_readers > 0)
                wake_at(c, usec_add(q->heard, patience));
}

/* The members that @from names. Return: how many; 0 when it is none of the group. */
static size_t readers_of(const struct core *c, const char *from, uint32_t *readers) {
        bool all = strcmp(from, FENCE_TEST_ALL) == 0;
        size_t n = 0;

        if (!*from || all || strcmp(from, core_node_name(c, c->nodeid)) == 0)
                readers[n++] = c->nodeid;
        for (size_t i = 0; i < c->n_peers && *from; i++) {
                uint32_t id = c->peers[i].id.nodeid;

                if (id != c->nodeid && (all || strcmp(from, core_node_name(c, id)) == 0))
                        readers[n++] = id;
        }
        return n;
}

/* ---- the reading side ---- */

static void survey_add(struct core *c, const char *host, uint32_t asker, uint64_t request) {
        struct survey *s;

        c->surveys = core_grow(c->surveys, &c->cap_surveys, c->n_surveys, sizeof(*c->surveys));
        s = &c->surveys[c->n_surveys++];
        *s = (struct survey){.asker = asker, .request = request};
        text_set(s->host, sizeof(s->host), host);
}

static struct msg *tell_new(const struct survey *s) {
        struct msg *m = msg_new(MSG_TELL);

        m->tell.to = s->asker;
        m->tell.request = s->request;
        return m;
}

static void survey_end(struct core *c, const struct survey *s) {
        struct question *q = s->asker == c->nodeid ? question_find(c, s->request) : NULL;
        char text[TEXT_LEN] = "";
        struct msg *m;

        if (s->found == 0)
                text_fmt(text, sizeof(text),
                         "no fence device%s%s: add a [fence NAME] section to hawd.conf there",
                         s->host[0] ? " of " : "", s->host);
        if (q)
                question_left(q, c->nodeid, core_node_name(c, c->nodeid), text);
        if (s->asker == c->nodeid)
                return;
        m = tell_new(s);
        m->tell.code = text[0] ? REPLY_FAILED : REPLY_OK;
        text_set(m->tell.text, sizeof(m->tell.text), text);
        core_send(c, m);
}

/* Begin as many reads as may run. Return: whether there is nothing left to wait for. */
static bool survey_go_on(struct core *c, struct survey *s, uint32_t *running) {
        for (; s->next < c->config->n_devices && *running < TEST_PARALLEL; s->next++) {
                const struct conf_device *d = &c->config->devices[s->next];

                if (s->host[0] && strcmp(d->host, s->host) != 0)
                        continue;
                fencer_look(c, d->name, s->asker, s->request);
                s->found++;
                s->running++;
                (*running)++;
        }
        return s->next >= c->config->n_devices && s->running == 0;
}

static void surveys_tick(struct core *c) {
        uint32_t running = 0;
        size_t kept = 0;

        for (size_t i = 0; i < c->n_surveys; i++)
                running += c->surveys[i].running;
        for (size_t i = 0; i < c->n_surveys; i++) {
                struct survey *s = &c->surveys[i];

                if (s->asker != c->nodeid && !core_in_group(c, s->asker))
                        continue; /* nobody to tell; what runs ends by itself */
                if (survey_go_on(c, s, &running))
                        survey_end(c, s);
                else
                        c->surveys[kept++] = *s;
        }
        c->n_surveys = kept;
}

void test_read(struct core *c, const struct fence_work *f) {
        struct device_reading row = {.by = c->nodeid,
                                     .reading = f->parts[0].reading,
                                     .took_usec = usec_sub(c->now, f->began)};
        struct survey *s = NULL;
        struct question *q;
        struct msg *m;

        for (size_t i = 0; i < c->n_surveys; i++)
                if (c->surveys[i].asker == f->asker && c->surveys[i].request == f->request)
                        s = &c->surveys[i];
        if (!s)
                return;
        s->running--;
        text_set(row.device, sizeof(row.device), f->parts[0].device);
        text_set(row.text, sizeof(row.text), f->parts[0].text);
        if (s->asker == c->nodeid) {
                q = question_find(c, s->request);
                if (q)
                        question_row(c, q, &row);
                return;
        }
        m = tell_new(s);
        m->tell.reading = row.reading;
        m->tell.took_usec = row.took_usec;
        text_set(m->tell.device, sizeof(m->tell.device), row.device);
        text_set(m->tell.text, sizeof(m->tell.text), row.text);
        core_send(c, m);
}

/* ---- requests and messages ---- */

void test_take(struct core *c, const struct request *r) {
        uint32_t readers[HOSTS_MAX];
        size_t n = readers_of(c, r->from, readers);
        struct question *q;

        if (n == 0) {
                core_reply(c, r->id, REPLY_USAGE, "no hawd of the group runs on a host %s",
                           r->from);
                return;
        }
        c->questions =
                core_grow(c->questions, &c->cap_questions, c->n_questions, sizeof(*c->questions));
        q = &c->questions[c->n_questions++];
        *q = (struct question){.request = r->id, .n_readers = n, .heard = c->now};
        memcpy(q->readers, readers, n * sizeof(*readers));
        for (size_t i = 0; i < n; i++) {
                struct msg *m;

                if (readers[i] == c->nodeid) {
                        survey_add(c, r->host, c->nodeid, r->id);
                        continue;
                }
                m = msg_new(MSG_ASK);
                m->ask.kind = ASK_FENCE_TEST;
                m->ask.to = readers[i];
                m->ask.origin = c->nodeid;
                m->ask.request = r->id;
                text_set(m->ask.name, sizeof(m->ask.name), r->host);
                core_send(c, m);
        }
}

void test_ask(struct core *c, const struct msg *m) {
        survey_add(c, m->ask.name, m->ask.origin, m->ask.request);
}

bool test_told(struct core *c, uint32_t from, const struct msg *m) {
        struct question *q = question_find(c, m->tell.request);
        struct device_reading row = {.by = from};

        if (!q)
                return false;
        if (!m->tell.device[0]) {
                question_left(q, from, core_node_name(c, from), m->tell.text);
                return true;
        }
        row.reading = m->tell.reading;
        row.took_usec = m->tell.took_usec;
        text_set(row.device, sizeof(row.device), m->tell.device);
        text_set(row.text, sizeof(row.text), m->tell.text);
        question_row(c, q, &row);
        return true;
}

void test_tick(struct core *c) {
        surveys_tick(c);
        for (size_t i = 0; i < c->n_questions;) {
                question_check(c, &c->questions[i]);
                if (c->questions[i].n_readers == 0)
                        question_end(c, i);
                else
                        i++;
        }
}
