/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/driver_work.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hawd/base/clock.h"

#define STACK ((size_t)512 * 1024)

/* ---- the board ------------------------------------------------------------------------------- */

struct board *board_new(void) {
        struct board *b = xcalloc(1, sizeof(*b));

        b->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (b->event_fd < 0) {
                free(b);
                return NULL;
        }
        atomic_init(&b->refs, 1);
        if (pthread_mutex_init(&b->lock, NULL) != 0)
                abort();
        b->last = &b->first;
        return b;
}

struct board *board_ref(struct board *b) {
        atomic_fetch_add(&b->refs, 1);
        return b;
}

void work_note_free(struct work_note *n) {
        if (n)
                free(n->x);
        free(n);
}

static void free_list(struct work_note *n) {
        for (struct work_note *next; n; n = next) {
                next = n->next;
                work_note_free(n);
        }
}

struct board *board_unref(struct board *b) {
        if (b && atomic_fetch_sub(&b->refs, 1) == 1) {
                free_list(b->first);
                (void)close(b->event_fd);
                pthread_mutex_destroy(&b->lock);
                free(b);
        }
        return NULL;
}

void board_post(struct board *b, struct work_note *n) {
        const uint64_t one = 1;

        pthread_mutex_lock(&b->lock);
        if (!b->closed) {
                n->next = NULL;
                *b->last = n;
                b->last = &n->next;
                n = NULL;
        }
        pthread_mutex_unlock(&b->lock);
        if (n)
                work_note_free(n);
        else
                (void)!write(b->event_fd, &one, sizeof(one)); /* full: the loop knows */
}

struct work_note *board_take(struct board *b) {
        struct work_note *first;
        uint64_t n;

        (void)!read(b->event_fd, &n, sizeof(n)); /* nothing: another note of the same wake-up */
        pthread_mutex_lock(&b->lock);
        first = b->first;
        b->first = NULL;
        b->last = &b->first;
        pthread_mutex_unlock(&b->lock);
        return first;
}

void board_close(struct board *b) {
        pthread_mutex_lock(&b->lock);
        b->closed = true;
        pthread_mutex_unlock(&b->lock);
        free_list(board_take(b));
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
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, old;
        int r;

        if (pthread_attr_init(&attr) != 0)
                abort();
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, STACK);
        (void)sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        atomic_fetch_add(&w->refs, 1);
        r = pthread_create(&thread, &attr, run, w);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attr);
        if (r != 0)
                worker_unref(w);
        return -r;
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
        board_post(w->board, n);
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
