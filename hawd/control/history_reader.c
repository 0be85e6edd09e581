/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/control/history_reader.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAITING_MAX 64 /* as many as there are clients */
#define STACK_SIZE ((size_t)256 << 10)

struct job {
        struct job *next;
        struct history_answer answer;
};

struct queue {
        struct job *first, **end;
        size_t n;
};

struct history_reader {
        qb_loop_t *loop;
        const struct api_ports *ports;
        history_done_fn done;
        void *ud;
        int fd;
        pthread_t thread;
        pthread_mutex_t lock; /* over what follows */
        pthread_cond_t wake;
        struct queue asked, answered;
        bool stop;
};

static void queue_init(struct queue *q) {
        *q = (struct queue){.end = &q->first};
}

static void queue_put(struct queue *q, struct job *job) {
        job->next = NULL;
        *q->end = job;
        q->end = &job->next;
        q->n++;
}

static struct job *queue_take(struct queue *q) {
        struct job *job = q->first;

        if (!job)
                return NULL;
        q->first = job->next;
        if (!q->first)
                q->end = &q->first;
        q->n--;
        return job;
}

static void job_free(struct job *job) {
        free(job->answer.rows);
        free(job);
}

/* Keeps one row more than asked for out of the answer: it tells that there are more. */
static bool take_row(void *ud, const struct history_row *row) {
        struct history_answer *a = ud;

        if (a->n_rows == a->filter.limit) {
                a->more = true;
                return true;
        }
        a->rows[a->n_rows++] = *row;
        return false;
}

static bool any_row(void *ud, const struct history_row *row) {
        (void)row;
        *(bool *)ud = false;
        return true;
}

/* Nothing of it within the filter: was there ever such a host? */
static int look_for_host(struct history_reader *r, const char *name, bool *ret_none) {
        struct api_history_filter filter = {.limit = 1};

        text_set(filter.host, sizeof(filter.host), name);
        *ret_none = true;
        return r->ports->history(r->ports->ud, &filter, any_row, ret_none);
}

static void read_page(struct history_reader *r, struct job *job) {
        struct history_answer *a = &job->answer;
        struct api_history_filter filter = a->filter;

        filter.limit++;
        a->rows = xcalloc(a->filter.limit, sizeof(*a->rows));
        a->error = r->ports->history(r->ports->ud, &filter, take_row, a);
        if (a->error == 0 && a->n_rows == 0 && filter.host[0])
                a->error = look_for_host(r, filter.host, &a->no_host);
}

static void *reader_main(void *data) {
        struct history_reader *r = data;

        pthread_mutex_lock(&r->lock);
        while (!r->stop) {
                struct job *job = queue_take(&r->asked);

                if (!job) {
                        pthread_cond_wait(&r->wake, &r->lock);
                        continue;
                }
                pthread_mutex_unlock(&r->lock);
                read_page(r, job);
                pthread_mutex_lock(&r->lock);
                queue_put(&r->answered, job);
                (void)eventfd_write(r->fd, 1); /* full only when it is readable anyway */
        }
        pthread_mutex_unlock(&r->lock);
        return NULL;
}

static int32_t on_answers(int32_t fd, int32_t revents, void *data) {
        struct history_reader *r = data;
        eventfd_t n;

        (void)revents;              /* readable */
        (void)eventfd_read(fd, &n); /* the queue tells, not the number */
        for (;;) {
                struct job *job;

                pthread_mutex_lock(&r->lock);
                job = queue_take(&r->answered);
                pthread_mutex_unlock(&r->lock);
                if (!job)
                        return 0;
                r->done(r->ud, &job->answer);
                job_free(job);
        }
}

int history_reader_ask(struct history_reader *r, uint64_t call,
                       const struct api_history_filter *filter) {
        struct job *job;

        pthread_mutex_lock(&r->lock);
        if (r->asked.n >= WAITING_MAX) {
                pthread_mutex_unlock(&r->lock);
                return -EBUSY;
        }
        job = xcalloc(1, sizeof(*job));
        job->answer = (struct history_answer){.call = call, .filter = *filter};
        queue_put(&r->asked, job);
        pthread_cond_signal(&r->wake);
        pthread_mutex_unlock(&r->lock);
        return 0;
}

/* Signals are the main thread's. */
static int start_thread(struct history_reader *r) {
        pthread_attr_t attr;
        sigset_t all, old;
        int e;

        sigfillset(&all);
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, STACK_SIZE);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        e = pthread_create(&r->thread, &attr, reader_main, r);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attr);
        return -e;
}

int history_reader_new(qb_loop_t *loop, const struct api_ports *ports, history_done_fn done,
                       void *ud, struct history_reader **ret) {
        struct history_reader *r = xcalloc(1, sizeof(*r));
        int e;

        *r = (struct history_reader){.loop = loop, .ports = ports, .done = done, .ud = ud};
        pthread_mutex_init(&r->lock, NULL);
        pthread_cond_init(&r->wake, NULL);
        queue_init(&r->asked);
        queue_init(&r->answered);
        r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (r->fd < 0) {
                e = -errno;
                goto fail;
        }
        e = qb_loop_poll_add(loop, QB_LOOP_LOW, r->fd, POLLIN, r, on_answers);
        if (e < 0)
                goto fail_fd;
        e = start_thread(r);
        if (e < 0)
                goto fail_poll;
        *ret = r;
        return 0;
fail_poll:
        (void)qb_loop_poll_del(loop, r->fd); /* it is there */
fail_fd:
        (void)close(r->fd);
fail:
        free(r);
        return e;
}

static void queue_clear(struct queue *q) {
        struct job *job;

        while ((job = queue_take(q)))
                job_free(job);
}

struct history_reader *history_reader_free(struct history_reader *r) {
        if (!r)
                return NULL;
        pthread_mutex_lock(&r->lock);
        r->stop = true;
        pthread_cond_signal(&r->wake);
        pthread_mutex_unlock(&r->lock);
        pthread_join(r->thread, NULL);
        (void)qb_loop_poll_del(r->loop, r->fd); /* it is there */
        (void)close(r->fd);
        queue_clear(&r->asked);
        queue_clear(&r->answered);
        pthread_mutex_destroy(&r->lock);
        pthread_cond_destroy(&r->wake);
        free(r);
        return NULL;
}
