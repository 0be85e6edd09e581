/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ledger/history.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/core/note.h"

#define ANSWER_USEC (5 * USEC_PER_SEC) /* then the next member is asked */
#define RETRY_USEC (2 * USEC_PER_SEC)
#define AGAIN_USEC USEC_PER_MINUTE  /* all asked, and some did not answer */
#define END_USEC (2 * USEC_PER_SEC) /* for a disk that hangs */

/** struct question - what another member lacks; the newest of each counts */
struct question {
        uint32_t from; /* node id; 0: none */
        uint64_t version;
        uint32_t seq;
        uint64_t until;
};

struct history {
        struct history_ports ports;
        char *path;
        uint32_t self;
        uint32_t peers[HOSTS_MAX];
        size_t n_peers;

        /* What this member lacks. */
        uint64_t from, to;
        enum { HIST_IDLE, HIST_ASKED, HIST_STORING } state;
        usec_t next;  /* IDLE: not before; ASKED: given up at; USEC_INFINITY: when the group changes
                       */
        size_t asked; /* peers that were asked to the end, or did not answer */
        bool silent;  /* one of them did not */
        uint32_t peer;    /* being asked; 0: none */
        uint64_t version; /* it has, up to here */
        uint32_t seq;
        bool partial; /* the peer lacks some of it itself */
        bool last;    /* the page being stored is */
        uint64_t rows;

        /* What the others lack: read on a thread, one page at a time. */
        int fd;
        pthread_t thread;
        bool started;
        pthread_mutex_t mutex; /* guards what follows */
        pthread_cond_t work;
        bool stop;
        uint64_t gap_from, gap_to; /* as from and to */
        struct question questions[HOSTS_MAX];
        struct msg *answers[HOSTS_MAX]; /* read, not sent yet */
        size_t n_answers;
};

/* ---- rows -------------------------------------------------------------------------------------
 */

void history_to_row(const struct history_row *r, struct store_row *ret) {
        *ret = (struct store_row){.version = r->version,
                                  .seq = r->seq,
                                  .wall_usec = r->wall,
                                  .kind = note_name(r->note.id),
                                  .host = r->note.host,
                                  .guest = r->note.guest,
                                  .incident = r->note.incident,
                                  .text = r->note.text,
                                  .host_name = r->host_name};
}

void history_from_row(const struct store_row *r, struct history_row *ret) {
        *ret = (struct history_row){
                .version = r->version,
                .seq = r->seq,
                .wall = r->wall_usec,
                .note = {.id = note_from_name(r->kind),
                         .host = r->host,
                         .incident = r->incident,
                         .version = r->version},
        };
        text_set(ret->host_name, sizeof(ret->host_name), r->host_name);
        text_set(ret->note.guest, sizeof(ret->note.guest), r->guest);
        text_set(ret->note.text, sizeof(ret->note.text), r->text);
}

/* ---- answering --------------------------------------------------------------------------------
 */

struct page {
        struct msg *m;
        uint64_t until;
        bool beyond;
};

static bool page_row(void *ud, const struct store_row *r) {
        struct page *p = ud;

        p->beyond = r->version > p->until;
        if (!p->beyond)
                history_from_row(r, &p->m->history.rows[p->m->history.n_rows++]);
        return p->beyond;
}

/* Nothing when it cannot be read: who asks asks somebody else then. */
static struct msg *read_page(const char *path, const struct question *q) {
        struct store_reader *reader = NULL;
        struct page p = {.m = msg_new(MSG_HISTORY), .until = q->until};
        char err[TEXT_LEN];
        int r = store_reader_open(path, &reader, err);

        p.m->history.to = q->from;
        p.m->history.rows = xcalloc(HISTORY_PAGE_ROWS, sizeof(*p.m->history.rows));
        if (r == 0)
                r = store_history_after(reader, q->version, q->seq, HISTORY_PAGE_ROWS, page_row,
                                        &p);
        store_reader_free(reader);
        if (r < 0)
                return msg_unref(p.m);
        p.m->history.version = q->version;
        p.m->history.seq = q->seq;
        p.m->history.end = p.beyond || p.m->history.n_rows < HISTORY_PAGE_ROWS;
        return p.m;
}

static bool question_next(struct history *h, struct question *ret) {
        for (size_t i = 0; i < HOSTS_MAX; i++) {
                if (h->questions[i].from == 0)
                        continue;
                *ret = h->questions[i];
                h->questions[i].from = 0;
                return true;
        }
        return false;
}

static void *reader_run(void *ud) {
        struct history *h = ud;
        struct question q;

        (void)pthread_mutex_lock(&h->mutex);
        while (!h->stop) {
                struct msg *m;

                if (h->n_answers == HOSTS_MAX || !question_next(h, &q)) {
                        (void)pthread_cond_wait(&h->work, &h->mutex);
                        continue;
                }
                (void)pthread_mutex_unlock(&h->mutex);
                m = read_page(h->path, &q);
                (void)pthread_mutex_lock(&h->mutex);
                if (!m)
                        continue;
                m->history.partial =
                        h->gap_from < h->gap_to && h->gap_from < q.until && h->gap_to > q.version;
                h->answers[h->n_answers++] = m;
                (void)eventfd_write(h->fd, 1); /* it counts to 2^64 */
        }
        (void)pthread_mutex_unlock(&h->mutex);
        return NULL;
}

static bool reader_start(struct history *h) {
        pthread_attr_t attr;
        sigset_t all, before;

        if (h->started)
                return true;
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setstacksize(&attr, 256 * 1024);
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        h->started = pthread_create(&h->thread, &attr, reader_run, h) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        return h->started;
}

static void take_question(struct history *h, uint32_t from, const struct msg *m) {
        struct question *free_one = NULL;

        if (!reader_start(h))
                return; /* no thread now: it asks again */
        (void)pthread_mutex_lock(&h->mutex);
        for (size_t i = 0; i < HOSTS_MAX; i++) {
                if (h->questions[i].from == from) {
                        free_one = &h->questions[i];
                        break;
                }
                if (h->questions[i].from == 0 && !free_one)
                        free_one = &h->questions[i];
        }
        if (free_one)
                *free_one = (struct question){from, m->history.version, m->history.seq,
                                              m->history.until};
        (void)pthread_cond_signal(&h->work);
        (void)pthread_mutex_unlock(&h->mutex);
}

void history_dispatch(struct history *h) {
        struct msg *answers[HOSTS_MAX];
        eventfd_t count;
        size_t n;

        if (eventfd_read(h->fd, &count) < 0)
                return;
        (void)pthread_mutex_lock(&h->mutex);
        n = h->n_answers;
        memcpy(answers, h->answers, n * sizeof(*answers));
        h->n_answers = 0;
        (void)pthread_cond_signal(&h->work);
        (void)pthread_mutex_unlock(&h->mutex);
        for (size_t i = 0; i < n; i++) {
                h->ports.send(h->ports.ud, answers[i]);
                msg_unref(answers[i]);
        }
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static bool lacking(const struct history *h) {
        return h->from < h->to;
}

static void idle(struct history *h, usec_t next) {
        h->state = HIST_IDLE;
        h->next = next;
}

/* From the beginning of the gap, of the member after @after in turn. */
static void begin(struct history *h, uint32_t after) {
        size_t i = 0;

        h->version = h->from;
        h->seq = UINT32_MAX;
        h->peer = 0;
        h->partial = false;
        if (h->n_peers == 0)
                return;
        while (i < h->n_peers && h->peers[i] <= after)
                i++;
        h->peer = h->peers[i % h->n_peers];
}

static void ask(struct history *h, usec_t now) {
        struct msg *m = msg_new(MSG_HISTORY);

        m->history.to = h->peer;
        m->history.ask = true;
        m->history.version = h->version;
        m->history.seq = h->seq;
        m->history.until = h->to;
        h->state = HIST_ASKED;
        h->next = usec_add(now, ANSWER_USEC);
        h->ports.send(h->ports.ud, m);
        msg_unref(m);
}

static void ask_next(struct history *h, usec_t now) {
        if (++h->asked >= h->n_peers) {
                idle(h, h->silent ? usec_add(now, AGAIN_USEC) : USEC_INFINITY);
                h->asked = 0;
                h->silent = false;
                h->peer = 0;
                return;
        }
        begin(h, h->peer);
        ask(h, now);
}

void history_tick(struct history *h, usec_t now) {
        if (h->state == HIST_STORING || now < h->next)
                return;
        if (h->state == HIST_ASKED) {
                h->silent = true;
                ask_next(h, now);
        } else if (lacking(h) && h->n_peers > 0) {
                if (h->peer == 0)
                        begin(h, h->self);
                ask(h, now);
        }
}

static void take_page(struct history *h, uint32_t from, const struct msg *m) {
        uint32_t n = m->history.n_rows;
        struct store_row *rows;
        bool clear;

        if (h->state != HIST_ASKED || from != h->peer || m->history.version != h->version ||
            m->history.seq != h->seq || (n == 0 && !m->history.end))
                return;
        rows = xcalloc(n + 1, sizeof(*rows));
        for (uint32_t i = 0; i < n; i++)
                history_to_row(&m->history.rows[i], &rows[i]);
        h->last = m->history.end;
        h->partial |= m->history.partial;
        clear = h->last && !h->partial;
        if (n > 0) {
                h->version = rows[n - 1].version;
                h->seq = rows[n - 1].seq;
        }
        h->rows += n;
        h->state = HIST_STORING;
        if (h->ports.store(h->ports.ud, rows, n, clear) < 0)
                history_stored(h, -EIO);
        free(rows);
}

void history_stored(struct history *h, int code) {
        usec_t now = now_boottime();

        if (h->state != HIST_STORING)
                return;
        if (code < 0 || h->peer == 0) { /* the store says why; or the peer has left */
                begin(h, h->peer > 0 ? h->peer - 1 : h->self);
                idle(h, code < 0 ? usec_add(now, RETRY_USEC) : now);
        } else if (!h->last) {
                ask(h, now);
        } else if (h->partial) {
                ask_next(h, now);
        } else {
                uint64_t rows = h->rows;

                idle(h, 0);
                history_gap(h, 0, 0);
                h->ports.complete(h->ports.ud, rows);
        }
}

void history_gap(struct history *h, uint64_t from, uint64_t to) {
        h->from = from;
        h->to = to;
        h->rows = 0;
        h->asked = 0;
        h->silent = false;
        h->peer = 0;
        idle(h, 0); /* an answer under way is for nobody any more */
        (void)pthread_mutex_lock(&h->mutex);
        h->gap_from = from;
        h->gap_to = to;
        (void)pthread_mutex_unlock(&h->mutex);
}

void history_peers(struct history *h, uint32_t self, const uint32_t *nodeids, size_t n) {
        bool still = false;

        h->self = self;
        h->n_peers = 0;
        for (size_t i = 0; i < n && h->n_peers < HOSTS_MAX; i++) {
                size_t at = h->n_peers;

                if (nodeids[i] == self)
                        continue;
                still |= nodeids[i] == h->peer;
                while (at > 0 && h->peers[at - 1] > nodeids[i]) {
                        h->peers[at] = h->peers[at - 1];
                        at--;
                }
                h->peers[at] = nodeids[i];
                h->n_peers++;
        }
        h->asked = 0;
        if (!still)
                h->peer = 0;
        if (h->state == HIST_IDLE || (h->state == HIST_ASKED && !still))
                idle(h, 0);
}

void history_message(struct history *h, uint32_t from, const struct msg *m) {
        if (m->history.to != h->self || from == h->self)
                return;
        if (m->history.ask)
                take_question(h, from, m);
        else
                take_page(h, from, m);
}

/* ---- lifecycle --------------------------------------------------------------------------------
 */

struct history *history_new(const char *path, const struct history_ports *ports) {
        struct history *h = xcalloc(1, sizeof(*h));

        h->path = xstrdup(path);
        h->ports = *ports;
        h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        (void)pthread_mutex_init(&h->mutex, NULL); /* these cannot fail on Linux */
        (void)pthread_cond_init(&h->work, NULL);
        return h;
}

static bool reader_end(struct history *h) {
        struct timespec ts = monotonic_in(END_USEC);

        (void)pthread_mutex_lock(&h->mutex);
        h->stop = true;
        (void)pthread_cond_signal(&h->work);
        (void)pthread_mutex_unlock(&h->mutex);
        if (pthread_clockjoin_np(h->thread, NULL, CLOCK_MONOTONIC, &ts) == 0)
                return true;
        (void)pthread_detach(h->thread);
        return false;
}

struct history *history_free(struct history *h) {
        if (!h)
                return NULL;
        if (h->started && !reader_end(h))
                return NULL; /* the thread still uses it */
        for (size_t i = 0; i < h->n_answers; i++)
                msg_unref(h->answers[i]);
        (void)pthread_cond_destroy(&h->work);
        (void)pthread_mutex_destroy(&h->mutex);
        (void)close(h->fd); /* an eventfd */
        free(h->path);
        free(h);
        return NULL;
}

int history_fd(const struct history *h) {
        return h->fd;
}
