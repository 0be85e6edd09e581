/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/driver_work.h"

#include "hawd/base/clock.h"
#include "hawd/base/thread.h"

/* ---- the board ------------------------------------------------------------------------------- */

static void drop(struct letter *l) {
        work_note_free((struct work_note *)l);
}

struct board *board_new(void) {
        struct board *b = xcalloc(1, sizeof(*b));
        int r = mailbox_open(&b->box, drop);

        if (r < 0) {
                free(b);
                errno = -r;
                return NULL;
        }
        atomic_init(&b->refs, 1);
        return b;
}

struct board *board_ref(struct board *b) {
        atomic_fetch_add(&b->refs, 1);
        return b;
}

struct board *board_unref(struct board *b) {
        if (b && atomic_fetch_sub(&b->refs, 1) == 1) {
                mailbox_free(&b->box);
                free(b);
        }
        return NULL;
}

void work_note_free(struct work_note *n) {
        if (n)
                free(n->x);
        free(n);
}

/* ---- workers --------------------------------------------------------------------------------- */

struct worker *worker_new(struct board *b, enum work work) {
        static uint64_t ids; /* of the loop's thread alone */
        struct worker *w = xcalloc(1, sizeof(*w));
        pthread_condattr_t attr;

        atomic_init(&w->refs, 1);
        atomic_init(&w->cancelled, false);
        atomic_init(&w->beat, now_boottime());
        w->board = board_ref(b);
        w->id = ++ids;
        w->work = work;
        if (pthread_condattr_init(&attr) != 0 ||
            pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
            pthread_mutex_init(&w->lock, NULL) != 0 || pthread_cond_init(&w->wake, &attr) != 0)
                abort();
        pthread_condattr_destroy(&attr);
        return w;
}

struct worker *worker_unref(struct worker *w) {
        if (w && atomic_fetch_sub(&w->refs, 1) == 1) {
                board_unref(w->board);
                pthread_cond_destroy(&w->wake);
                pthread_mutex_destroy(&w->lock);
                free(w->x);
                free(w);
        }
        return NULL;
}

static void *run(void *arg) {
        struct worker *w = arg;
        struct work_note *n;

        switch (w->work) {
        case WORK_RECEIVE:
                work_receive(w);
                break;
        case WORK_CHECK:
        case WORK_VETO:
        case WORK_END:
        case WORK_DROP:
                work_serves(w);
                break;
        case WORK_COPY:
        case WORK_FIND:
        case WORK_CANCEL:
                work_copy(w);
                break;
        case WORK_SCAN:
                work_scan(w);
                break;
        case WORK_PULL_RECEIVE:
                work_pull_receive(w);
                break;
        case WORK_PULL_COPY:
        case WORK_PULL_CLEAR:
                work_pull_copy(w);
                break;
        }
        n = xcalloc(1, sizeof(*n));
        n->over = true;
        worker_post(w, n);
        worker_unref(w);
        return NULL;
}

int worker_start(struct worker *w) {
        int r;

        atomic_fetch_add(&w->refs, 1);
        r = thread_spawn(run, w);
        if (r < 0)
                worker_unref(w);
        return r;
}

void worker_cancel(struct worker *w) {
        pthread_mutex_lock(&w->lock);
        atomic_store(&w->cancelled, true);
        pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&w->lock);
}

bool worker_cancelled(struct worker *w) {
        atomic_store(&w->beat, now_boottime());
        return atomic_load(&w->cancelled);
}

void worker_wait(struct worker *w, usec_t usec) {
        struct timespec until = monotonic_in(usec);

        pthread_mutex_lock(&w->lock);
        while (!atomic_load(&w->cancelled) &&
               pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0)
                ;
        pthread_mutex_unlock(&w->lock);
}

void worker_post(struct worker *w, struct work_note *n) {
        n->worker = w->id;
        mailbox_post(&w->board->box, &n->letter);
}

void worker_tell(struct worker *w, enum replica_what what, usec_t as_of, uint64_t lag_bytes,
                 const char *text) {
        struct work_note *n = xcalloc(1, sizeof(*n));

        n->what = what;
        n->as_of = as_of;
        n->lag_bytes = lag_bytes;
        n->loss = w->loss;
        if (what == TOLD_EXPORTED)
                text_set(n->where, sizeof(n->where), w->where);
        text_set(n->text, sizeof(n->text), text ? text : "");
        worker_post(w, n);
}
