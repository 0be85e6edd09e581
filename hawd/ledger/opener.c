/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ledger/opener.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/wire/wire.h"

struct opener {
        char *path;
        struct store_owner owner; /* its cluster is owned */
        int fd;
        pthread_mutex_t mutex; /* guards what follows */
        bool running, ended, abandoned;
        struct opened result;
};

static int decode_model(const struct store_loaded *l, struct state *s, char *err) {
        struct model m;
        int r;

        if (!l->snapshot)
                return 0;
        r = wire_model_decode((const uint8_t *)l->snapshot->data, l->snapshot->len, &m, err);
        if (r < 0)
                return r;
        model_copy(&s->model, &m);
        model_clear(&m);
        return 0;
}

static int decode_state(const struct store_loaded *l, struct state *s, char *err) {
        int r = decode_model(l, s, err);

        s->epoch = l->epoch;
        s->tail = xcalloc(l->n_entries + 1, sizeof(*s->tail));
        for (size_t i = 0; r == 0 && i < l->n_entries; i++) {
                r = wire_entry_decode((const uint8_t *)l->entries[i].bytes->data,
                                      l->entries[i].bytes->len, &s->tail[i], err);
                if (r == 0)
                        s->n_tail++;
        }
        s->version = s->model.version + s->n_tail;
        if (r == 0 && s->model.version != l->base_version) {
                text_set(err, TEXT_LEN, "the base and its version do not agree");
                r = -EBADMSG;
        }
        return r;
}

int opener_decode(const struct store_loaded *l, struct opened *ret, char *err) {
        struct state *s;
        int r;

        if (l->epoch > WIRE_NUMBER_MAX || l->promised > WIRE_NUMBER_MAX ||
            (l->epoch == 0 && (l->snapshot || l->n_entries > 0))) {
                text_fmt(err, TEXT_LEN, "epoch %" PRIu64 ", promised %" PRIu64 ": cannot be",
                         l->epoch, l->promised);
                return -EBADMSG;
        }
        if (l->epoch > 0) {
                s = state_new();
                r = decode_state(l, s, err);
                if (r < 0) {
                        state_unref(s);
                        return r;
                }
                ret->state = s;
        }
        ret->epoch = l->epoch;
        ret->promised = l->promised;
        ret->base = l->base_version;
        ret->gap_from = l->gap_from;
        ret->gap_to = l->gap_to;
        return 0;
}

/* -EUCLEAN: to be put aside. What a newer hawd wrote is no damage. */
static int read_all(struct store *store, const struct store_owner *owner, struct opened *o) {
        struct store_loaded loaded;
        char why[TEXT_LEN] = "";
        int r = store_load(store, &loaded, o->err);

        if (r < 0)
                return r;
        r = opener_decode(&loaded, o, why);
        store_loaded_clear(&loaded);
        if (r == 0)
                return 0;
        if (store_format(store) > owner->format) {
                text_fmt(o->err, TEXT_LEN,
                         "the ledger is from a newer hawd (%.100s): install the newer hawd again",
                         why);
                return -EPROTONOSUPPORT;
        }
        text_fmt(o->err, TEXT_LEN, "the ledger cannot be read: %.120s", why);
        return -EUCLEAN;
}

static void open_all(const char *path, const struct store_owner *owner, struct opened *o) {
        char why[TEXT_LEN];

        o->r = store_open(path, owner, &o->store, o->err);
        if (o->r == 0) {
                o->r = read_all(o->store, owner, o);
                if (o->r == -EUCLEAN) {
                        text_set(why, sizeof(why), o->err);
                        o->r = store_put_aside(o->store, why, o->err);
                        if (o->r == 0)
                                o->r = read_all(o->store, owner, o);
                }
        }
        if (o->r < 0 && o->store)
                o->store = store_free(o->store, 0);
        store_kept(path, o->kept, sizeof(o->kept));
}

static void opened_clear(struct opened *x) {
        x->store = store_free(x->store, 0);
        x->state = state_unref(x->state);
}

static void destroy(struct opener *o) {
        opened_clear(&o->result);
        (void)close(o->fd); /* an eventfd */
        (void)pthread_mutex_destroy(&o->mutex);
        free((char *)(uintptr_t)o->owner.cluster);
        free(o->path);
        free(o);
}

static void *run(void *ud) {
        struct opener *o = ud;
        struct opened result = {0};
        bool abandoned;

        open_all(o->path, &o->owner, &result);
        (void)pthread_mutex_lock(&o->mutex);
        o->result = result;
        o->running = false;
        o->ended = true;
        abandoned = o->abandoned;
        if (!abandoned)
                (void)eventfd_write(o->fd, 1); /* it counts to 2^64 */
        (void)pthread_mutex_unlock(&o->mutex);
        if (abandoned)
                destroy(o);
        return NULL;
}

struct opener *opener_new(const char *path, const struct store_owner *owner) {
        struct opener *o = xcalloc(1, sizeof(*o));

        o->path = xstrdup(path);
        o->owner = *owner;
        o->owner.cluster = xstrdup(owner->cluster);
        o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        (void)pthread_mutex_init(&o->mutex, NULL); /* cannot fail on Linux */
        return o;
}

struct opener *opener_free(struct opener *o) {
        bool running;

        if (!o)
                return NULL;
        (void)pthread_mutex_lock(&o->mutex);
        running = o->running;
        o->abandoned = running;
        (void)pthread_mutex_unlock(&o->mutex);
        if (!running)
                destroy(o);
        return NULL;
}

int opener_fd(const struct opener *o) {
        return o->fd;
}

int opener_start(struct opener *o) {
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, before;
        int r;

        (void)pthread_mutex_lock(&o->mutex);
        r = o->running || o->ended ? -EBUSY : 0;
        o->running |= r == 0;
        (void)pthread_mutex_unlock(&o->mutex);
        if (r < 0)
                return r;
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = -pthread_create(&thread, &attr, run, o);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        if (r < 0)
                o->running = false;
        return r;
}

bool opener_wait(struct opener *o, usec_t usec) {
        struct pollfd p = {.fd = o->fd, .events = POLLIN};
        usec_t end = usec_add(now_boottime(), usec);
        int r;

        do /* a signal is no answer, and no end of the wait */
                r = poll(&p, 1, (int)(usec_sub(end, now_boottime()) / USEC_PER_MSEC));
        while (r < 0 && errno == EINTR);
        return r > 0;
}

bool opener_take(struct opener *o, struct opened *ret) {
        eventfd_t n;
        bool ended;

        (void)pthread_mutex_lock(&o->mutex);
        ended = o->ended;
        if (ended) {
                *ret = o->result;
                o->result = (struct opened){0};
                o->ended = false;
                (void)eventfd_read(o->fd, &n); /* it is readable */
        }
        (void)pthread_mutex_unlock(&o->mutex);
        return ended;
}
