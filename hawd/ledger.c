/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hawd/base/log.h"
#include "hawd/core/note.h"
#include "hawd/ledger.h"
#include "hawd/store/reader.h"
#include "hawd/store/store.h"
#include "hawd/wire/wire.h"

#define PAGE_ROWS 200
#define CLOSE_WAIT_USEC (3 * USEC_PER_SEC)

/** struct sender - the thread that reads history for a joiner, page by page */
struct sender {
        pthread_t thread;
        bool running;
        pthread_mutex_t lock;
        pthread_cond_t taken;
        int fd;           /* readable when there is a page, or the thread has ended */
        struct msg *page; /* not taken yet */
        bool stop, ended;
        uint32_t to;
        uint64_t since;
};

struct ledger_store {
        struct store *store;
        struct ledger_callbacks cb;
        char path[4096];
        int epoll;
        struct store_reader *reader; /* of the API's thread */
        struct refused {
                uint64_t batch;
                int code;
        } * refused; /* could not even be queued: told from the loop, as every end is */
        size_t n_refused;
        struct sender sender;
};

/* ---- at the start ---------------------------------------------------------------------------- */

static int decode_loaded(const struct store_loaded *l, struct core_boot *boot, char *err) {
        struct state *s;

        if (l->epoch > WIRE_NUMBER_MAX || l->promised > WIRE_NUMBER_MAX ||
            (l->epoch == 0 && (l->snapshot || l->n_entries > 0))) {
                text_fmt(err, TEXT_LEN, "epoch %" PRIu64 ", promised %" PRIu64 ": cannot be",
                         l->epoch, l->promised);
                return -EBADMSG;
        }
        boot->epoch = l->epoch;
        boot->promised = l->promised;
        if (l->epoch == 0)
                return 0;
        s = state_new();
        s->epoch = l->epoch;
        if (l->snapshot) {
                struct model m;

                if (wire_model_decode((const uint8_t *)l->snapshot->data, l->snapshot->len, &m,
                                      err) < 0)
                        goto refuse;
                model_copy(&s->model, &m);
                model_clear(&m);
        }
        s->tail = xcalloc(l->n_entries + 1, sizeof(*s->tail));
        for (size_t i = 0; i < l->n_entries; i++) {
                if (wire_entry_decode((const uint8_t *)l->entries[i].bytes->data,
                                      l->entries[i].bytes->len, &s->tail[i], err) < 0)
                        goto refuse;
                s->n_tail++;
        }
        s->version = s->model.version + s->n_tail;
        if (s->model.version != l->base_version) {
                text_set(err, TEXT_LEN, "the base and its version do not agree");
                goto refuse;
        }
        boot->state = s;
        return 0;
refuse:
        state_unref(s);
        return -EBADMSG;
}

static void on_done(void *ud, const struct store_done *done) {
        struct ledger_store *s = ud;

        if (done->id)
                s->cb.persisted(s->cb.ud, done->id, done->code, done->text);
        else if (done->code < 0)
                log_line(LOG_WARNING, "rows of history are not stored: %s", done->text);
}

static int watch(struct ledger_store *s, int fd) {
        struct epoll_event ev = {.events = EPOLLIN};

        return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int begin(struct ledger_store *s, struct core_boot *boot, char *err) {
        struct store_loaded loaded = {0};
        char why[TEXT_LEN];
        int r = store_load(s->store, &loaded, err);

        if (r < 0)
                return r;
        r = decode_loaded(&loaded, boot, why);
        store_loaded_clear(&loaded);
        if (r < 0) {
                text_fmt(err, TEXT_LEN,
                         "%.60s cannot be read: %.80s; move it away: the others give it back",
                         s->path, why);
                return r;
        }
        r = store_start(s->store, on_done, s);
        if (r == 0)
                r = watch(s, store_fd(s->store));
        if (r == 0)
                r = watch(s, s->sender.fd);
        if (r < 0)
                text_fmt(err, TEXT_LEN, "the store's thread does not start: %s", strerror(-r));
        return r;
}

int ledger_store_open(const char *dir, const struct ledger_callbacks *callbacks,
                      struct core_boot *boot, struct ledger_store **ret, char *err) {
        struct ledger_store *s = xcalloc(1, sizeof(*s));
        int r;

        s->cb = *callbacks;
        text_fmt(s->path, sizeof(s->path), "%s/ledger.db", dir);
        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        s->sender.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        pthread_mutex_init(&s->sender.lock, NULL);
        pthread_cond_init(&s->sender.taken, NULL);
        r = store_open(s->path, &s->store, err);
        if (r == 0)
                r = begin(s, boot, err);
        if (r < 0) {
                ledger_store_close(s);
                return r;
        }
        *ret = s;
        return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

/** struct encoded - bytes of one batch, freed together */
struct encoded {
        uint8_t **bytes;
        size_t n;
        bool failed;
};

static struct store_bytes keep(struct encoded *x, int r, uint8_t *bytes, size_t len) {
        if (r < 0) {
                x->failed = true;
                return (struct store_bytes){0};
        }
        x->bytes = xreallocarray(x->bytes, x->n + 1, sizeof(*x->bytes));
        x->bytes[x->n++] = bytes;
        return (struct store_bytes){bytes, len};
}

static struct store_bytes encode_model(struct encoded *x, const struct model *m) {
        uint8_t *bytes = NULL;
        size_t len = 0;
        int r = wire_model_encode(m, &bytes, &len);

        return keep(x, r, bytes, len);
}

static struct store_bytes encode_entry(struct encoded *x, const struct entry *e) {
        uint8_t *bytes = NULL;
        size_t len = 0;
        int r = wire_entry_encode(e, &bytes, &len);

        return keep(x, r, bytes, len);
}

static struct store_entry *encode_entries(struct encoded *x, struct entry *const *list, size_t n,
                                          uint64_t first) {
        struct store_entry *out = xcalloc(n + 1, sizeof(*out));

        for (size_t i = 0; i < n; i++)
                out[i] = (struct store_entry){.version = first + i,
                                              .epoch = list[i]->epoch,
                                              .bytes = encode_entry(x, list[i])};
        return out;
}

static struct store_row *make_rows(const struct history_row *rows, size_t n) {
        struct store_row *out = xcalloc(n + 1, sizeof(*out));

        for (size_t i = 0; i < n; i++)
                out[i] = (struct store_row){.version = rows[i].version,
                                            .seq = rows[i].seq,
                                            .wall_usec = rows[i].wall,
                                            .kind = note_name(rows[i].note.id),
                                            .host = rows[i].note.host,
                                            .guest = rows[i].note.guest,
                                            .incident = rows[i].note.incident,
                                            .text = rows[i].note.text,
                                            .json = ""};
        return out;
}

static void refuse(struct ledger_store *s, uint64_t batch, int code) {
        s->refused = xreallocarray(s->refused, s->n_refused + 1, sizeof(*s->refused));
        s->refused[s->n_refused++] = (struct refused){batch, code};
        (void)eventfd_write(s->sender.fd, 1);
}

static void refused_tell(struct ledger_store *s) {
        struct refused *list = TAKE_PTR(s->refused);
        size_t n = s->n_refused;

        s->n_refused = 0;
        for (size_t i = 0; i < n; i++)
                s->cb.persisted(s->cb.ud, list[i].batch, list[i].code, strerror(-list[i].code));
        free(list);
}

void ledger_store_submit(struct ledger_store *s, const struct persist *p) {
        struct encoded x = {0};
        struct store_row *rows = make_rows(p->rows, p->n_rows);
        struct store_entry *entries;
        struct store_batch b = {
                .id = p->batch,
                .set_promised = p->set_promised,
                .promised = p->promised,
                .set_epoch = p->install_epoch != 0,
                .epoch = p->install_epoch,
                .rows = rows,
                .n_rows = p->n_rows,
        };
        int r;

        if (p->install) {
                const struct state *st = p->install;

                b.install = true;
                b.base_version = st->model.version;
                b.snapshot = encode_model(&x, &st->model);
                b.n_entries = st->n_tail;
                entries = encode_entries(&x, st->tail, st->n_tail, st->model.version + 1);
        } else {
                b.n_entries = p->n_entries;
                entries = encode_entries(&x, p->entries, p->n_entries, p->first_version);
        }
        if (p->compact) {
                b.compact = true;
                b.base_version = p->compact->version;
                b.snapshot = encode_model(&x, p->compact);
        }
        b.entries = entries;
        r = x.failed ? -EINVAL : store_submit(s->store, &b);
        if (r < 0)
                refuse(s, p->batch, r);
        for (size_t i = 0; i < x.n; i++)
                free(x.bytes[i]);
        free(x.bytes);
        free(entries);
        free(rows);
}

/* ---- history --------------------------------------------------------------------------------- */

static void to_row(const struct store_row *r, struct history_row *out) {
        *out = (struct history_row){
                .version = r->version,
                .seq = r->seq,
                .wall = r->wall_usec,
                .note = {.id = note_from_name(r->kind),
                         .host = r->host,
                         .incident = r->incident,
                         .version = r->version},
        };
        text_set(out->note.guest, sizeof(out->note.guest), r->guest);
        text_set(out->note.text, sizeof(out->note.text), r->text);
}

struct row_closure {
        bool (*row)(void *ud, const struct history_row *row);
        void *ud;
};

static bool give_row(void *ud, const struct store_row *r) {
        struct row_closure *c = ud;
        struct history_row row;

        to_row(r, &row);
        return c->row(c->ud, &row);
}

int ledger_store_history(struct ledger_store *s, const struct ledger_history_filter *f,
                         bool (*row)(void *ud, const struct history_row *row), void *ud) {
        const struct store_filter filter = {
                .since_wall = f->since_wall,
                .until_wall = f->until_wall,
                .host = f->host,
                .guest = f->guest,
                .incident = f->incident,
                .kinds = f->kinds,
                .n_kinds = f->n_kinds,
                .before_version = f->before_version,
                .before_seq = f->before_seq,
                .limit = f->limit,
        };
        char err[TEXT_LEN];
        int r;

        if (!s->reader) {
                r = store_reader_open(s->path, &s->reader, err);
                if (r < 0) {
                        log_line(LOG_ERR, "%s", err);
                        return r;
                }
        }
        return store_history(s->reader, &filter, give_row, &(struct row_closure){row, ud});
}

struct page {
        struct msg *m;
};

static bool page_row(void *ud, const struct store_row *r) {
        struct page *p = ud;

        to_row(r, &p->m->history.rows[p->m->history.n_rows++]);
        return p->m->history.n_rows == PAGE_ROWS;
}

/* Hand over a page and wait until the loop has taken it. Return: false to stop. */
static bool hand_over(struct sender *x, struct msg *m) {
        bool go_on;

        pthread_mutex_lock(&x->lock);
        x->page = m;
        (void)eventfd_write(x->fd, 1);
        while (x->page && !x->stop)
                pthread_cond_wait(&x->taken, &x->lock);
        go_on = !x->stop;
        pthread_mutex_unlock(&x->lock);
        return go_on;
}

static void *sender_run(void *ud) {
        struct ledger_store *s = ud;
        struct sender *x = &s->sender;
        struct store_reader *reader = NULL;
        uint64_t version = x->since;
        uint32_t seq = UINT32_MAX;
        char err[TEXT_LEN];
        bool more = store_reader_open(s->path, &reader, err) == 0;

        while (more) {
                struct page p = {msg_new(MSG_HISTORY)};
                uint32_t n;

                p.m->history.to = x->to;
                p.m->history.rows = xcalloc(PAGE_ROWS, sizeof(*p.m->history.rows));
                more = store_history_after(reader, version, seq, PAGE_ROWS, page_row, &p) == 0;
                n = p.m->history.n_rows;
                more = more && n == PAGE_ROWS;
                if (n == 0) {
                        msg_unref(p.m);
                        break;
                }
                version = p.m->history.rows[n - 1].version;
                seq = p.m->history.rows[n - 1].seq;
                if (!hand_over(x, p.m))
                        break;
        }
        store_reader_free(reader);
        pthread_mutex_lock(&x->lock);
        x->ended = true;
        (void)eventfd_write(x->fd, 1);
        pthread_mutex_unlock(&x->lock);
        return NULL;
}

/* One joiner at a time: a later one gets what it lacks when the group changes next. */
void ledger_store_history_send(struct ledger_store *s, uint32_t to, uint64_t since) {
        struct sender *x = &s->sender;
        pthread_attr_t attr;

        if (x->running)
                return;
        x->to = to;
        x->since = since;
        x->stop = x->ended = false;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 256 * 1024);
        x->running = pthread_create(&x->thread, &attr, sender_run, s) == 0;
        pthread_attr_destroy(&attr);
}

void ledger_store_history_take(struct ledger_store *s, const struct msg *m, uint32_t self) {
        struct store_row *rows;
        struct store_batch b = {.n_rows = m->history.n_rows};

        if (m->history.to != self)
                return;
        rows = make_rows(m->history.rows, m->history.n_rows);
        b.rows = rows;
        if (store_submit(s->store, &b) < 0) /* batch 0: the core does not know it */
                log_line(LOG_WARNING, "rows of history cannot be stored");
        free(rows);
}

static void sender_end(struct sender *x) {
        if (!x->running)
                return;
        pthread_join(x->thread, NULL);
        x->running = false;
        msg_unref(x->page);
        x->page = NULL;
}

static void sender_dispatch(struct ledger_store *s) {
        struct sender *x = &s->sender;
        struct msg *m;
        eventfd_t n;
        bool ended;

        if (eventfd_read(x->fd, &n) < 0)
                return;
        pthread_mutex_lock(&x->lock);
        m = TAKE_PTR(x->page);
        ended = x->ended;
        pthread_cond_signal(&x->taken);
        pthread_mutex_unlock(&x->lock);
        if (m)
                s->cb.page(s->cb.ud, m);
        msg_unref(m);
        if (ended)
                sender_end(x);
}

/* ---- the loop -------------------------------------------------------------------------------- */

int ledger_store_fd(const struct ledger_store *s) {
        return s->epoll;
}

void ledger_store_dispatch(struct ledger_store *s) {
        store_dispatch(s->store);
        sender_dispatch(s);
        refused_tell(s);
}

struct ledger_store *ledger_store_close(struct ledger_store *s) {
        struct sender *x;

        if (!s)
                return NULL;
        x = &s->sender;
        pthread_mutex_lock(&x->lock);
        x->stop = true;
        pthread_cond_signal(&x->taken);
        pthread_mutex_unlock(&x->lock);
        sender_end(x);
        if (s->store)
                s->store = store_free(s->store, CLOSE_WAIT_USEC);
        store_reader_free(s->reader);
        free(s->refused);
        close(x->fd);
        close(s->epoll);
        free(s);
        return NULL;
}
