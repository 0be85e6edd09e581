/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "hawd/guest/job.h"
#include "hawd/guest/shared.h"

struct shared *shared_new(const char *uri) {
        struct shared *s = xcalloc(1, sizeof(*s));

        s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->event_fd < 0) {
                free(s);
                return NULL;
        }
        atomic_init(&s->refs, 1);
        if (pthread_mutex_init(&s->lock, NULL) != 0)
                abort();
        s->last = &s->first;
        text_set(s->uri, sizeof(s->uri), uri);
        return s;
}

struct shared *shared_ref(struct shared *s) {
        atomic_fetch_add(&s->refs, 1);
        return s;
}

struct shared *shared_unref(struct shared *s) {
        if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
                struct report *r = s->first, *next;

                for (; r; r = next) {
                        next = r->next;
                        report_free(r);
                }
                close(s->event_fd);
                pthread_mutex_destroy(&s->lock);
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
        const uint64_t one = 1;

        pthread_mutex_lock(&s->lock);
        if (!s->closed) {
                r->next = NULL;
                *s->last = r;
                s->last = &r->next;
                r = NULL;
        }
        pthread_mutex_unlock(&s->lock);
        if (r)
                report_free(r);
        else
                /* Full means that the loop has been told already. */
                (void)!write(s->event_fd, &one, sizeof(one));
}

struct report *shared_take(struct shared *s) {
        struct report *first;
        uint64_t n;

        /* Nothing to read: another report of the same wake-up. */
        (void)!read(s->event_fd, &n, sizeof(n));
        pthread_mutex_lock(&s->lock);
        first = s->first;
        s->first = NULL;
        s->last = &s->first;
        pthread_mutex_unlock(&s->lock);
        return first;
}

void shared_close(struct shared *s) {
        struct report *r, *next;

        pthread_mutex_lock(&s->lock);
        s->closed = true;
        pthread_mutex_unlock(&s->lock);
        for (r = shared_take(s); r; r = next) {
                next = r->next;
                report_free(r);
        }
}

int thread_spawn(void *(*fn)(void *), void *arg) {
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, old;
        int r;

        if (pthread_attr_init(&attr) != 0)
                abort();
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attr, WORKER_STACK);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&thread, &attr, fn, arg);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attr);
        return -r;
}
