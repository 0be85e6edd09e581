/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ledger/ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/log.h"
#include "hawd/ledger/opener.h"
#include "hawd/store/reader.h"
#include "hawd/wire/wire.h"

#define CLOSE_WAIT_USEC (3 * USEC_PER_SEC)
#define OPEN_WAIT_USEC (10 * USEC_PER_SEC)
#define OPEN_AGAIN_USEC (5 * USEC_PER_SEC)
#define HANG_USEC (5 * USEC_PER_SEC)
#define FORMAT (PROTO_MAJOR << 16 | PROTO_MINOR)
#define ROWS_BATCH ((uint64_t)1 << 63) /* id of the batches that are not the core's */

struct ledger_store {
        struct store *store; /* NULL: closed */
        struct ledger_callbacks cb;
        char path[4096];
        int epoll;
        int refused_fd;
        struct opener *opener; /* while closed */
        usec_t open_next;
        struct history *history;
        struct store_reader *reader; /* of the API's thread */
        struct refused {
                uint64_t batch;
                int code;
        } * refused; /* could not even be queued: told from the loop, as every end is */
        size_t n_refused;
        struct ledger_report report;
        uint64_t last_batch; /* of the core's */
        bool hanging;
        uint64_t given_up;         /* batches up to here were reported as failed: it hung */
        uint64_t install_batch;    /* the latest installation; 0: none */
        bool virgin;               /* nothing was ever installed: a promise is all there is */
        uint64_t base;             /* of the newest snapshot */
        uint64_t gap_from, gap_to; /* history lacks (from, to] */
};

/* ---- at the start ---------------------------------------------------------------------------- */

static void on_done(void *ud, const struct store_done *done) {
        struct ledger_store *s = ud;

        if (done->begun_anew) {
                size_t len = strlen(s->report.kept);

                text_fmt(s->report.kept + len, sizeof(s->report.kept) - len, "%s%s",
                         len > 0 && done->kept[0] ? " " : "", done->kept);
                s->gap_from = 0;
                s->gap_to = s->base;
                history_gap(s->history, s->gap_from, s->gap_to);
                s->cb.note(s->cb.ud, NOTE_STORE_ASIDE, done->text);
        }
        if (done->code == 0 && s->install_batch && done->id >= s->install_batch &&
            !(done->id & ROWS_BATCH))
                s->report.lost[0] = '\0';
        if (done->id & ROWS_BATCH)
                history_stored(s->history, done->code);
        else if (done->id > s->given_up)
                s->cb.persisted(s->cb.ud, done->id, done->code, done->text);
}

static int watch(struct ledger_store *s, int fd) {
        struct epoll_event ev = {.events = EPOLLIN, .data = {.fd = fd}};

        return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void closed(struct ledger_store *s, const char *why) {
        text_set(s->report.error, sizeof(s->report.error), why);
        text_fmt(s->report.lost, sizeof(s->report.lost), "it cannot be read: %.150s", why);
        s->open_next = usec_add(now_boottime(), OPEN_AGAIN_USEC);
}

static void take(struct ledger_store *s, const struct opened *o, struct core_boot *boot) {
        s->store = o->store;
        s->base = o->base;
        s->gap_from = o->gap_from;
        s->gap_to = o->gap_to;
        s->virgin = !o->state;
        boot->epoch = o->epoch;
        boot->promised = o->promised;
        boot->state = o->state;
}

/* What would be wrong for ever, or for two of us, ends hawd; what may pass does not. */
static int open_first(struct ledger_store *s, const char *dir, struct core_boot *boot, char *err) {
        struct opened o;
        int r = opener_start(s->opener);

        if (r < 0) {
                text_fmt(err, TEXT_LEN, "the store's thread does not start: %s", strerror(-r));
                return r;
        }
        if (!opener_wait(s->opener, OPEN_WAIT_USEC) || !opener_take(s->opener, &o)) {
                char why[TEXT_LEN];

                text_fmt(why, sizeof(why),
                         "%.80s: the disk has not answered for %u s: look at it (dmesg)", dir,
                         (unsigned)(OPEN_WAIT_USEC / USEC_PER_SEC));
                closed(s, why);
                return 0;
        }
        text_set(s->report.kept, sizeof(s->report.kept), o.kept);
        if (o.r == 0) {
                take(s, &o, boot);
        } else if (o.r == -EBUSY || o.r == -EPROTONOSUPPORT) {
                text_set(err, TEXT_LEN, o.err);
                return o.r;
        } else {
                closed(s, o.err);
        }
        return 0;
}

static void rows_send(void *ud, const struct msg *m);
static int rows_store(void *ud, const struct store_row *rows, size_t n, bool clear);
static void rows_complete(void *ud, uint64_t n);

int ledger_store_open(const char *dir, const char *cluster,
                      const struct ledger_callbacks *callbacks, struct core_boot *boot,
                      struct ledger_store **ret, char *err) {
        struct ledger_store *s = xcalloc(1, sizeof(*s));
        const struct store_owner owner = {.cluster = cluster, .format = FORMAT};
        int r;

        s->cb = *callbacks;
        s->virgin = true;
        text_fmt(s->path, sizeof(s->path), "%s/ledger.db", dir);
        s->epoll = epoll_create1(EPOLL_CLOEXEC);
        s->refused_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        s->opener = opener_new(s->path, &owner);
        s->history = history_new(s->path,
                                 &(struct history_ports){rows_send, rows_store, rows_complete, s});
        r = watch(s, s->refused_fd);
        if (r == 0)
                r = watch(s, history_fd(s->history));
        if (r < 0)
                text_fmt(err, TEXT_LEN, "epoll: %s", strerror(-r));
        else
                r = open_first(s, dir, boot, err);
        if (r < 0)
                ledger_store_close(s);
        else
                *ret = s;
        return r;
}

/* What another host stored says nothing of what this one promised. */
static int forget(struct ledger_store *s, const char *why, struct core_boot *boot, char *err) {
        boot->state = state_unref(boot->state);
        boot->epoch = boot->promised = 0;
        s->base = s->gap_from = s->gap_to = 0;
        s->virgin = true;
        return store_put_aside(s->store, why, err);
}

static int claim(struct ledger_store *s, uint32_t nodeid, const char *name, struct core_boot *boot,
                 char *err) {
        char why[TEXT_LEN];
        int r = store_claim(s->store, nodeid, name, err);

        if (r != -EUCLEAN)
                return r;
        text_set(why, sizeof(why), err);
        r = forget(s, why, boot, err);
        if (r == 0)
                r = store_claim(s->store, nodeid, name, err);
        store_kept(s->path, s->report.kept, sizeof(s->report.kept));
        return r;
}

static int begin(struct ledger_store *s, char *err) {
        int r = store_start(s->store, on_done, s);

        if (r == 0)
                r = watch(s, store_fd(s->store));
        if (r < 0) {
                text_fmt(err, TEXT_LEN, "the store's thread does not start: %s", strerror(-r));
                return r;
        }
        text_set(s->report.lost, sizeof(s->report.lost), store_lost(s->store));
        if (store_aside(s->store)[0])
                s->cb.note(s->cb.ud, NOTE_STORE_ASIDE, store_lost(s->store));
        history_gap(s->history, s->gap_from, s->gap_to);
        return 0;
}

int ledger_store_claim(struct ledger_store *s, uint32_t nodeid, const char *name,
                       struct core_boot *boot, char *err) {
        int r = s->store ? claim(s, nodeid, name, boot, err) : 0;

        if (r == -EXDEV)
                return r;
        if (r < 0) {
                boot->state = state_unref(boot->state);
                boot->epoch = boot->promised = 0;
                s->store = store_free(s->store, 0);
                closed(s, err);
        }
        r = s->store ? begin(s, err) : watch(s, opener_fd(s->opener));
        if (s->report.lost[0])
                boot->lost = s->report.lost;
        if (s->report.error[0])
                boot->store_error = s->report.error;
        return r;
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
                history_to_row(&rows[i], &out[i]);
        return out;
}

static void refuse(struct ledger_store *s, uint64_t batch, int code) {
        s->refused = xreallocarray(s->refused, s->n_refused + 1, sizeof(*s->refused));
        s->refused[s->n_refused++] = (struct refused){batch, code};
        (void)eventfd_write(s->refused_fd, 1); /* it counts to 2^64 */
}

static void refused_tell(struct ledger_store *s) {
        struct refused *list = TAKE_PTR(s->refused);
        size_t n = s->n_refused;
        eventfd_t count;

        (void)eventfd_read(s->refused_fd, &count); /* nothing new, or it is readable */
        s->n_refused = 0;
        for (size_t i = 0; i < n; i++)
                s->cb.persisted(s->cb.ud, list[i].batch, list[i].code,
                                s->report.error[0] ? s->report.error : strerror(-list[i].code));
        free(list);
}

static int submit(struct ledger_store *s, const struct store_batch *b) {
        if (!s->store || s->hanging)
                return -EIO;
        return store_submit(s->store, b);
}

/* The state that is installed was reached without this member: its history is the others'. */
static void note_gap(struct ledger_store *s, struct store_batch *b) {
        if (b->base_version <= s->base)
                return;
        s->gap_from = s->gap_from < s->gap_to ? MIN(s->gap_from, s->base) : s->base;
        s->gap_to = MAX(s->gap_to, b->base_version);
        b->set_gap = true;
        b->gap_from = s->gap_from;
        b->gap_to = s->gap_to;
        history_gap(s->history, s->gap_from, s->gap_to);
}

static struct store_entry *encode_install(struct ledger_store *s, struct encoded *x,
                                          struct store_batch *b, const struct state *st) {
        b->install = true;
        b->base_version = st->model.version;
        b->snapshot = encode_model(x, &st->model);
        b->n_entries = st->n_tail;
        note_gap(s, b);
        s->virgin = false;
        s->install_batch = b->id;
        return encode_entries(x, st->tail, st->n_tail, st->model.version + 1);
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
                .whole = p->set_promised && ((p->install && p->install_epoch) || s->virgin),
        };
        int r;

        s->last_batch = p->batch;
        if (p->install) {
                entries = encode_install(s, &x, &b, p->install);
        } else {
                b.n_entries = p->n_entries;
                entries = encode_entries(&x, p->entries, p->n_entries, p->first_version);
        }
        if (p->compact) {
                b.compact = true;
                b.base_version = p->compact->version;
                b.snapshot = encode_model(&x, p->compact);
        }
        if (p->install || p->compact)
                s->base = b.base_version;
        b.entries = entries;
        r = x.failed ? -EINVAL : submit(s, &b);
        if (r < 0)
                refuse(s, p->batch, r);
        for (size_t i = 0; i < x.n; i++)
                free(x.bytes[i]);
        free(x.bytes);
        free(entries);
        free(rows);
}

/* ---- history of others ------------------------------------------------------------------------
 */

static void rows_send(void *ud, const struct msg *m) {
        struct ledger_store *s = ud;

        s->cb.send(s->cb.ud, m);
}

static int rows_store(void *ud, const struct store_row *rows, size_t n, bool clear) {
        struct ledger_store *s = ud;

        return submit(s, &(struct store_batch){
                                 .id = ROWS_BATCH, .rows = rows, .n_rows = n, .set_gap = clear});
}

static void rows_complete(void *ud, uint64_t n) {
        struct ledger_store *s = ud;

        s->gap_from = s->gap_to = 0;
        log_line(LOG_INFO, "history is complete again: %" PRIu64 " rows came from the others", n);
}

void ledger_store_peers(struct ledger_store *s, uint32_t self, const uint32_t *nodeids, size_t n) {
        history_peers(s->history, self, nodeids, n);
}

void ledger_store_message(struct ledger_store *s, uint32_t from, const struct msg *m) {
        history_message(s->history, from, m);
}

/* ---- history --------------------------------------------------------------------------------- */

struct row_closure {
        bool (*row)(void *ud, const struct history_row *row);
        void *ud;
};

static bool give_row(void *ud, const struct store_row *r) {
        struct row_closure *c = ud;
        struct history_row row;

        history_from_row(r, &row);
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

/* ---- the loop -------------------------------------------------------------------------------- */

int ledger_store_fd(const struct ledger_store *s) {
        return s->epoll;
}

const struct ledger_report *ledger_store_report(const struct ledger_store *s) {
        return &s->report;
}

static void opened(struct ledger_store *s) {
        struct opened o;

        if (!opener_take(s->opener, &o))
                return;
        text_set(s->report.kept, sizeof(s->report.kept), o.kept);
        if (o.r < 0) {
                closed(s, o.err);
                return;
        }
        o.store = store_free(o.store, CLOSE_WAIT_USEC);
        o.state = state_unref(o.state);
        s->open_next = USEC_INFINITY;
        s->cb.reopened(s->cb.ud);
}

/* A write that does not end is no reason to wait for it. */
static void look_at_disk(struct ledger_store *s) {
        usec_t since = store_waiting_since(s->store), now = now_boottime();

        if (since == USEC_INFINITY) {
                if (s->hanging)
                        s->report.error[0] = '\0';
                s->hanging = false;
                return;
        }
        if (usec_sub(now, since) < HANG_USEC)
                return;
        text_fmt(s->report.error, sizeof(s->report.error),
                 "%.80s: the disk has not answered a write for %u s: look at it (dmesg)", s->path,
                 (unsigned)(usec_sub(now, since) / USEC_PER_SEC));
        if (s->hanging)
                return;
        s->hanging = true;
        s->given_up = s->last_batch;
        refuse(s, s->last_batch, -EIO);
}

void ledger_store_tick(struct ledger_store *s) {
        usec_t now = now_boottime();

        if (s->store) {
                look_at_disk(s);
        } else if (now >= s->open_next) {
                s->open_next = usec_add(now, OPEN_AGAIN_USEC);
                (void)opener_start(s->opener); /* one that hangs is still under way */
        }
        history_tick(s->history, now);
}

void ledger_store_dispatch(struct ledger_store *s) {
        if (s->store)
                store_dispatch(s->store);
        else
                opened(s);
        history_dispatch(s->history);
        refused_tell(s);
}

struct ledger_store *ledger_store_close(struct ledger_store *s) {
        if (!s)
                return NULL;
        s->history = history_free(s->history);
        if (s->store)
                s->store = store_free(s->store, CLOSE_WAIT_USEC);
        s->opener = opener_free(s->opener);
        store_reader_free(s->reader);
        free(s->refused);
        (void)close(s->refused_fd); /* neither holds data */
        (void)close(s->epoll);
        free(s);
        return NULL;
}
