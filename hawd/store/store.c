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
#include "hawd/store/aside.h"
#include "hawd/store/batch.h"
#include "hawd/store/db.h"
#include "hawd/store/schema.h"
#include "hawd/store/write.h"

#define JOIN_MAX 64 /* batches in one transaction */

struct done {
        struct done *next;
        struct store_done done;
        char text[TEXT_LEN];
        char kept[ASIDE_NAME_LEN];
};

struct store {
        char *path;
        struct store_owner owner; /* its cluster is owned */
        struct db_about about;
        char aside[ASIDE_NAME_LEN];
        int lock_fd;
        int event_fd;
        struct write write; /* before store_start() the caller's, then the thread's */
        char why[TEXT_LEN]; /* write.ruined: what was met first; the thread's */
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
        text_fmt(err, TEXT_LEN, "%.120s: %.60s%s", name, strerrordesc_np(-r),
                 r == -EROFS    ? ": dmesg says why, mount it for writing"
                 : r == -ENOSPC ? ": the disk is full: make room there"
                                : "");
        return r;
}

static bool is_there(const char *path, const char *suffix) {
        _cleanup_(freep) char *file = path_with(path, suffix);

        return faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Nothing of the name: the first start, or somebody has taken the database out of its folder. */
static int begin_first(struct store *s, char *err) {
        _cleanup_(freep) char *fresh = path_with(s->path, ".new");
        struct db_about about = s->about;
        char name[ASIDE_NAME_LEN];
        int r;

        if (is_there(s->path, "-wal") || is_there(s->path, ".mark"))
                text_fmt(about.lost, sizeof(about.lost),
                         "%.80s is gone, what was written beside it is not", s->path);
        r = aside_name(s->path, name, err);
        if (r == 0)
                r = db_create(fresh, &s->owner, &about, err);
        if (r == 0)
                r = aside_swap(s->path, name, err);
        return r;
}

/* Nobody has it open. */
static int put_aside(struct store *s, const char *why, char *err) {
        _cleanup_(freep) char *fresh = path_with(s->path, ".new");
        struct db_about about = {0};
        char name[ASIDE_NAME_LEN];
        int r = aside_name(s->path, name, err);

        if (r < 0)
                return r;
        text_fmt(about.lost, sizeof(about.lost), "%.140s; kept as %.40s", why, name);
        r = db_create(fresh, &s->owner, &about, err);
        if (r == 0)
                r = aside_swap(s->path, name, err);
        if (r == 0)
                text_set(s->aside, sizeof(s->aside), name);
        return r;
}

static int open_db(struct store *s, char *err) {
        sqlite3 *db = NULL;
        char why[TEXT_LEN];
        int r = aside_finish(s->path, err);

        if (r == 0 && !is_there(s->path, ""))
                r = begin_first(s, err);
        if (r == 0)
                r = db_open(s->path, &s->owner, &db, &s->about, err);
        if (r == -EUCLEAN) {
                text_set(why, sizeof(why), err);
                r = put_aside(s, why, err);
                if (r == 0)
                        r = db_open(s->path, &s->owner, &db, &s->about, err);
        }
        if (r == 0)
                write_init(&s->write, db, s->path, s->owner.format);
        return r;
}

int store_open(const char *path, const struct store_owner *owner, struct store **ret, char *err) {
        struct store *s = xcalloc(1, sizeof(*s));
        int r = 0;

        s->path = xstrdup(path);
        s->owner = *owner;
        s->owner.cluster = xstrdup(owner->cluster);
        s->last = &s->first;
        s->done_last = &s->done_first;
        s->write.mark_fd = -1;
        (void)pthread_mutex_init(&s->mutex, NULL); /* these cannot fail on Linux */
        (void)pthread_cond_init(&s->work, NULL);
        s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        s->lock_fd = take_lock(path, err);
        if (s->lock_fd < 0)
                r = s->lock_fd;
        else if (s->event_fd < 0)
                r = -EMFILE;
        if (r == 0)
                r = open_db(s, err);
        else if (r == -EMFILE)
                text_fmt(err, TEXT_LEN, "eventfd: %.60s", strerrordesc_np(-r));
        if (r < 0)
                (void)store_free(s, 0);
        else
                *ret = s;
        return r;
}

const char *store_lost(const struct store *s) {
        return s->about.lost;
}

const char *store_aside(const struct store *s) {
        return s->aside;
}

uint32_t store_format(const struct store *s) {
        return s->about.format;
}

size_t store_kept(const char *path, char *buf, size_t size) {
        return aside_list(path, buf, size);
}

int store_claim(struct store *s, uint32_t nodeid, const char *name, char *err) {
        struct db_about *a = &s->about, mine = *a;
        int r;

        assert(!s->running);
        if (a->nodeid == nodeid && strcmp(a->name, name) == 0)
                return 0;
        if (a->nodeid != 0 && a->nodeid != nodeid) {
                bool renumbered = a->name[0] && strcmp(a->name, name) == 0;

                text_fmt(err, TEXT_LEN, "%.60s: of node %u (%.30s), this is node %u (%.30s)%s",
                         s->path, a->nodeid, a->name, nodeid, name,
                         renumbered ? ": give it its node id back in corosync.conf" : "");
                return renumbered ? -EXDEV : -EUCLEAN;
        }
        mine.nodeid = nodeid;
        text_set(mine.name, sizeof(mine.name), name);
        r = db_claim(s->write.db, s->path, &mine, err);
        if (r == 0)
                *a = mine;
        return r;
}

int store_put_aside(struct store *s, const char *why, char *err) {
        sqlite3 *db;
        int r;

        assert(!s->running);
        s->write.ruined = true;
        write_close(&s->write);
        r = put_aside(s, why, err);
        if (r == 0)
                r = db_open(s->path, &s->owner, &db, &s->about, err);
        if (r == 0)
                write_init(&s->write, db, s->path, s->owner.format);
        return r;
}

int store_load(struct store *s, struct store_loaded *ret, char *err) {
        struct mark mark, have;
        int r;

        assert(!s->running);
        r = db_load(s->write.db, s->path, ret, err);
        if (r < 0 || s->about.lost[0] || mark_read(s->path, &mark) < 0)
                return r;
        have = (struct mark){ret->promised, ret->epoch, ret->base_version + ret->n_entries};
        if (!mark_behind(&have, &mark))
                return 0;
        store_loaded_clear(ret);
        if (have.promised < mark.promised)
                return db_damaged(s->path, err,
                                  "number %" PRIu64 " was promised, the newest is %" PRIu64,
                                  mark.promised, have.promised);
        return db_damaged(s->path, err,
                          "entry %" PRIu64 " of epoch %" PRIu64
                          " was acknowledged, the newest is %" PRIu64 " of %" PRIu64,
                          mark.version, mark.epoch, have.version, have.epoch);
}

/* The first batch is finished. Locked. Return: what is told of it, to be added to before tell(). */
static struct done *finish_first(struct store *s, int code, const char *text) {
        struct done *d = xcalloc(1, sizeof(*d));
        struct batch *b = s->first;

        d->done.id = b->batch.id;
        d->done.code = code;
        text_set(d->text, sizeof(d->text), text);
        d->done.text = d->text;
        d->done.kept = d->kept;
        *s->done_last = d;
        s->done_last = &d->next;
        s->queued -= b->size;
        s->first = b->next;
        if (!s->first)
                s->last = &s->first;
        b->next = NULL;
        batch_free_list(b);
        return d;
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
                (void)finish_first(s, 0, "");
        unlock(s);
        tell(s);
}

/* @b holds all that counts: into a new file, whole and on disk. */
static int write_fresh(struct store *s, const char *fresh, const struct store_batch *b, char *err) {
        struct store_batch all = *b;
        struct store_batch *const list[] = {&all};
        struct write w;
        sqlite3 *db = NULL;
        size_t failed;
        int r = db_create(fresh, &s->owner, &s->about, err);

        all.set_gap = true; /* the others have the history */
        all.gap_from = 0;
        all.gap_to = b->base_version;
        if (r == 0)
                r = db_connect(fresh, &db, err);
        if (r < 0)
                return r;
        write_init(&w, db, fresh, s->owner.format);
        w.private_file = true;
        r = db_exec(db, fresh, "PRAGMA synchronous = FULL", err);
        if (r == 0)
                r = write_batches(&w, list, 1, &failed, err);
        write_close(&w);
        return r;
}

/* The file is ruined: another one takes its place. @kept: what it is called then, or "" */
static int begin_anew(struct store *s, const struct store_batch *b, char *kept, char *err) {
        _cleanup_(freep) char *fresh = path_with(s->path, ".new"), *aside = NULL;
        int r = aside_finish(s->path, err);

        if (r == 0)
                r = aside_name(s->path, kept, err);
        if (r == 0)
                r = write_fresh(s, fresh, b, err);
        if (r == 0)
                r = aside_swap(s->path, kept, err);
        if (r < 0)
                return r;
        aside = path_beside(s->path, kept);
        if (access(aside, F_OK) < 0)
                kept[0] = '\0';
        return 0;
}

static int connect_again(struct store *s, char *err) {
        sqlite3 *db = NULL;
        int r = db_open_again(s->path, &db, err);

        if (r == 0)
                write_init(&s->write, db, s->path, s->owner.format);
        else if (r == -EUCLEAN || r == -ENOENT)
                s->write.ruined = true;
        return r;
}

/* The first batch into a file of its own; those behind it follow in their turn. */
static int write_ruined(struct store *s, const struct store_batch *first, char *err) {
        char kept[ASIDE_NAME_LEN], text[TEXT_LEN];
        struct done *d;
        int r;

        if (!first->whole) {
                text_fmt(err, TEXT_LEN, "%.80s: ruined: all of it must be written", s->path);
                return -EUCLEAN;
        }
        r = begin_anew(s, first, kept, err);
        if (r < 0)
                return r;
        s->write.ruined = false;
        text_fmt(text, sizeof(text), "%.110s: written anew%s%.40s", s->why,
                 kept[0] ? ", what was there is kept as " : "", kept);
        lock(s);
        d = finish_first(s, 0, text);
        d->done.begun_anew = true;
        text_set(d->kept, sizeof(d->kept), kept);
        unlock(s);
        tell(s);
        return 0;
}

/* Write the first @n batches, which are @list. Return: 0, or what the failing one met. */
static int write_some(struct store *s, struct store_batch *const *list, size_t n, char *err) {
        size_t failed = 0;
        int r = 0;

        if (s->write.ruined)
                return write_ruined(s, list[0], err); /* and the others in their turn */
        if (!s->write.db)
                r = connect_again(s, err);
        if (r == 0)
                r = write_batches(&s->write, list, n, &failed, err);
        if (r < 0 && failed > 0 && !s->write.ruined) {
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
        if (r == 0) {
                finish(s, n);
                write_mark(&s->write);
        }
        return r;
}

static void write_queue(struct store *s) {
        struct store_batch *list[JOIN_MAX];
        char err[TEXT_LEN];
        size_t n = 0;
        bool was_ruined;
        int r;

        lock(s);
        for (struct batch *b = s->first; b && n < JOIN_MAX; b = b->next)
                list[n++] = &b->batch;
        unlock(s);
        was_ruined = s->write.ruined;
        r = write_some(s, list, n, err);
        if (r == 0)
                return;
        if (s->write.ruined && !was_ruined)
                text_set(s->why, sizeof(s->why), err);
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
                        (void)finish_first(s, s->broken, s->broken_text);
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
        struct timespec ts = monotonic_in(MIN(wait_usec, 3600 * USEC_PER_SEC));

        lock(s);
        s->ending = true;
        (void)pthread_cond_signal(&s->work);
        unlock(s);
        return -pthread_clockjoin_np(s->thread, NULL, CLOCK_MONOTONIC, &ts);
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
        if (s->event_fd >= 0)
                (void)close(s->event_fd); /* neither holds data */
        if (s->lock_fd >= 0)
                (void)close(s->lock_fd);
        (void)pthread_cond_destroy(&s->work);
        (void)pthread_mutex_destroy(&s->mutex);
        free((char *)(uintptr_t)s->owner.cluster);
        free(s->path);
        free(s);
        return NULL;
}
