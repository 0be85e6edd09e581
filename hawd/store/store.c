/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/store/batch.h"
#include "hawd/store/db.h"

#define JOIN_MAX 64 /* batches in one transaction */

struct done {
        struct done *next;
        struct store_done done;
        char text[TEXT_LEN];
};

struct store {
        char *path;
        int lock_fd;
        int event_fd;
        struct write write; /* before store_start() the caller's, then the thread's */
        pthread_t thread;
        bool running;
        store_done_fn *fn;
        void *ud;

        pthread_mutex_t mutex; /* guards what follows */
        pthread_cond_t work;
        bool ending;
        int broken; /* -errno: the queue waits for store_dispatch() to fail it */
        char broken_text[TEXT_LEN];
        struct batch *first, **last; /* submitted, not finished */
        size_t queued;               /* bytes */
        struct done *done_first, **done_last;
};

static void lock(struct store *s) {
        (void)pthread_mutex_lock(&s->mutex); /* fails only for misuse */
}

static void unlock(struct store *s) {
        (void)pthread_mutex_unlock(&s->mutex);
}

/* Two hawds on one file would break each other's promises; a kill -9 releases it. */
static int take_lock(const char *path, char *err) {
        size_t size = strlen(path) + sizeof(".lock");
        _cleanup_(freep) char *name = xcalloc(size, 1);
        int fd, r;

        text_fmt(name, size, "%s.lock", path);
        fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
                return fd;
        r = -errno;
        if (fd >= 0)
                (void)close(fd); /* nothing was written */
        if (r == -EWOULDBLOCK) {
                text_fmt(err, TEXT_LEN, "%.120s: another hawd has it open", path);
                return -EBUSY;
        }
        text_fmt(err, TEXT_LEN, "%.120s: %.60s", name, strerrordesc_np(-r));
        return r;
}

int store_open(const char *path, struct store **ret, char *err) {
        struct store *s;
        sqlite3 *db = NULL;
        int r, lock_fd = take_lock(path, err), event_fd;

        if (lock_fd < 0)
                return lock_fd;
        event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event_fd < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "eventfd: %.60s", strerrordesc_np(-r));
                (void)close(lock_fd); /* nothing was written */
                return r;
        }
        r = db_open(path, &db, err);
        if (r < 0) {
                (void)close(event_fd); /* neither held anything */
                (void)close(lock_fd);
                return r;
        }
        s = xcalloc(1, sizeof(*s));
        s->path = xstrdup(path);
        s->lock_fd = lock_fd;
        s->event_fd = event_fd;
        s->write.db = db;
        s->write.path = s->path;
        (void)pthread_mutex_init(&s->mutex, NULL); /* these cannot fail on Linux */
        (void)pthread_cond_init(&s->work, NULL);
        s->last = &s->first;
        s->done_last = &s->done_first;
        *ret = s;
        return 0;
}

int store_load(struct store *s, struct store_loaded *ret, char *err) {
        assert(!s->running);
        return db_load(s->write.db, s->path, ret, err);
}

/* The first batch is finished. Locked. Return: it, for the caller to free. */
static struct batch *finish_first(struct store *s, int code, const char *text) {
        struct done *d = xcalloc(1, sizeof(*d));
        struct batch *b = s->first;

        d->done.id = b->batch.id;
        d->done.code = code;
        text_set(d->text, sizeof(d->text), text);
        d->done.text = d->text;
        *s->done_last = d;
        s->done_last = &d->next;
        s->queued -= b->size;
        s->first = b->next;
        if (!s->first)
                s->last = &s->first;
        b->next = NULL;
        return b;
}

static void tell(struct store *s) {
        if (eventfd_write(s->event_fd, 1) < 0) {
                /* It counts to 2^64: it is readable already. */
        }
}

/* The first @n batches are on disk. */
static void finish(struct store *s, size_t n) {
        lock(s);
        for (size_t i = 0; i < n; i++)
                batch_free_list(finish_first(s, 0, ""));
        unlock(s);
        tell(s);
}

/* Write the first @n batches, which are @list. Return: 0, or what the failing one met. */
static int write_some(struct store *s, struct store_batch *const *list, size_t n, char *err) {
        size_t failed = 0;
        int r = 0;

        if (!s->write.db)
                r = db_open_again(s->path, &s->write.db, err);
        if (r == 0)
                r = write_batches(&s->write, list, n, &failed, err);
        if (r < 0 && failed > 0) {
                /* Those in front of the bad one are as good as they were. */
                char why[TEXT_LEN];
                int before;

                text_set(why, sizeof(why), err);
                before = write_some(s, list, failed, err);
                if (before == 0)
                        text_set(err, TEXT_LEN, why);
                else
                        r = before;
                return r;
        }
        if (r == 0)
                finish(s, n);
        return r;
}

static void write_queue(struct store *s) {
        struct store_batch *list[JOIN_MAX];
        char err[TEXT_LEN];
        size_t n = 0;
        int r;

        lock(s);
        for (struct batch *b = s->first; b && n < JOIN_MAX; b = b->next)
                list[n++] = &b->batch;
        unlock(s);
        r = write_some(s, list, n, err);
        if (r == 0)
                return;
        /* Whatever made it fail, the next try begins with a fresh connection. */
        write_close(&s->write);
        lock(s);
        s->broken = r;
        text_set(s->broken_text, sizeof(s->broken_text), err);
        unlock(s);
        tell(s);
}

static void *writer(void *arg) {
        struct store *s = arg;

        lock(s);
        for (;;) {
                while ((!s->first || s->broken) && !s->ending)
                        (void)pthread_cond_wait(&s->work, &s->mutex);
                if (!s->first || s->broken)
                        break;
                unlock(s);
                write_queue(s);
                lock(s);
        }
        unlock(s);
        write_close(&s->write);
        return NULL;
}

int store_start(struct store *s, store_done_fn *done, void *ud) {
        sigset_t all, before;
        int r;

        assert(!s->running);
        s->fn = done;
        s->ud = ud;
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&s->thread, NULL, writer, s);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        s->running = r == 0;
        return -r;
}

int store_fd(const struct store *s) {
        return s->event_fd;
}

void store_dispatch(struct store *s) {
        struct done *list;
        eventfd_t count;

        if (eventfd_read(s->event_fd, &count) < 0) {
                /* Nothing new; what there is, is given. */
        }
        lock(s);
        if (s->broken) {
                /* What was submitted until now, was so without knowledge of the failure. */
                while (s->first)
                        batch_free_list(finish_first(s, s->broken, s->broken_text));
                s->broken = 0;
        }
        list = s->done_first;
        s->done_first = NULL;
        s->done_last = &s->done_first;
        unlock(s);
        while (list) {
                struct done *d = list;

                list = d->next;
                s->fn(s->ud, &d->done);
                free(d);
        }
}

int store_submit(struct store *s, const struct store_batch *batch) {
        struct batch *b;
        int r = batch_copy(batch, &b);

        if (r < 0)
                return r;
        b->submitted = now_boottime();
        lock(s);
        assert(!s->ending);
        if (s->queued > 0 && s->queued + b->size > STORE_QUEUE_MAX) {
                unlock(s);
                batch_free_list(b);
                return -ENOBUFS;
        }
        s->queued += b->size;
        *s->last = b;
        s->last = &b->next;
        (void)pthread_cond_signal(&s->work);
        unlock(s);
        return 0;
}

usec_t store_waiting_since(struct store *s) {
        usec_t since;

        lock(s);
        since = s->first ? s->first->submitted : USEC_INFINITY;
        unlock(s);
        return since;
}

static int join_thread(struct store *s, usec_t wait_usec) {
        usec_t until = usec_add(now_wall(), MIN(wait_usec, 3600 * USEC_PER_SEC));
        struct timespec ts = {.tv_sec = (time_t)(until / USEC_PER_SEC),
                              .tv_nsec = (long)(until % USEC_PER_SEC) * 1000};

        lock(s);
        s->ending = true;
        (void)pthread_cond_signal(&s->work);
        unlock(s);
        return -pthread_timedjoin_np(s->thread, NULL, &ts);
}

struct store *store_free(struct store *s, usec_t wait_usec) {
        if (!s)
                return NULL;
        if (s->running) {
                if (join_thread(s, wait_usec) < 0) {
                        (void)pthread_detach(s->thread);
                        return NULL; /* the thread still uses it */
                }
        } else {
                write_close(&s->write);
        }
        batch_free_list(s->first);
        while (s->done_first) {
                struct done *d = s->done_first;

                s->done_first = d->next;
                free(d);
        }
        (void)close(s->event_fd); /* neither holds data */
        (void)close(s->lock_fd);
        (void)pthread_cond_destroy(&s->work);
        (void)pthread_mutex_destroy(&s->mutex);
        free(s->path);
        free(s);
        return NULL;
}
