/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One disk over NBD, by libnbd: no call waits longer than a peer may be silent. */
#include <libnbd.h>
#include <stdio.h>

#include "hawd/base/clock.h"
#include "replication/driver_pull.h"
#include "replication/pull_extents.h"

#define LOOK_MSEC 200
#define SILENT_USEC (30 * USEC_PER_SEC) /* a request without an answer */
#define CHUNK ((size_t)1024 * 1024)
#define ASK ((uint64_t)1024 * 1024 * 1024) /* of the extents at a time */

/* This thread's last error of libnbd. */
static int failed(const struct pull_peer *p, const char *what, char *err) {
        int e = nbd_get_errno();
        const char *text = nbd_get_error();

        text_fmt(err, TEXT_LEN, "%s: %s: %.120s", p->what, what, text ? text : "unknown error");
        return e > 0 ? -e : -EIO;
}

/* Once round while it waits; @began: when it started to. */
static int turn(struct pull_peer *p, usec_t began, char *err) {
        int r = disk_step(p->d, p->step, err);

        if (r < 0)
                return r;
        if (now_boottime() >= usec_add(began, SILENT_USEC)) {
                text_fmt(err, TEXT_LEN, "%s does not answer", p->what);
                return -ETIMEDOUT;
        }
        return nbd_poll(p->nbd, LOOK_MSEC) < 0 ? failed(p, "broke off", err) : 0;
}

static int await(struct pull_peer *p, int64_t cookie, const char *what, char *err) {
        usec_t began = now_boottime();
        int r = cookie < 0 ? failed(p, what, err) : 0, done;

        while (r == 0) {
                done = nbd_aio_command_completed(p->nbd, (uint64_t)cookie);
                if (done > 0)
                        return 0;
                r = done < 0 ? failed(p, what, err) : turn(p, began, err);
        }
        return r;
}

static int options(struct pull_peer *p, const char *name, const char *context,
                   const char *tls_dir) {
        if (nbd_set_export_name(p->nbd, name) < 0 ||
            (context && nbd_add_meta_context(p->nbd, context) < 0))
                return -1;
        if (!tls_dir)
                return nbd_set_tls(p->nbd, LIBNBD_TLS_DISABLE);
        if (nbd_set_tls(p->nbd, LIBNBD_TLS_REQUIRE) < 0 ||
            nbd_set_tls_certificates(p->nbd, tls_dir) < 0)
                return -1;
        return nbd_set_tls_verify_peer(p->nbd, true);
}

/* Of libnbd's last error. What TLS breaks at has no number of its own: one side alone wants it, or
 * a certificate does not fit, which R, when it is P's, answers by hanging up. */
static int not_connected(const struct pull_peer *p, char *err) {
        const char *text = nbd_get_error();

        if (!text || (!strstr(text, "TLS") && !strstr(text, "gnutls"))) {
                (void)failed(p, "not connected", err);
                return -EAGAIN;
        }
        text_fmt(err, TEXT_LEN, "TLS with %s fails, do the certificates fit? %.120s", p->what,
                 text);
        return -EACCES;
}

static int handshake(struct pull_peer *p, const char *context, char *err) {
        usec_t began = now_boottime();
        int64_t size;
        int r = 0;

        while (r == 0 && nbd_aio_is_connecting(p->nbd) == 1)
                r = turn(p, began, err);
        if (r == -ETIMEDOUT || r == -ECANCELED)
                return r;
        if (r < 0)
                return not_connected(p, err);
        if (nbd_aio_is_ready(p->nbd) != 1) {
                text_fmt(err, TEXT_LEN, "%s refuses", p->what);
                return -EAGAIN;
        }
        size = nbd_get_size(p->nbd);
        if (size < 0)
                return failed(p, "its size", err);
        p->size = (uint64_t)size;
        if (context && nbd_can_meta_context(p->nbd, context) != 1) {
                text_fmt(err, TEXT_LEN, "%s does not say what changed", p->what);
                return -EPROTO;
        }
        return 0;
}

int pull_connect(struct pull_peer *p, const char *socket, const char *host, uint16_t port,
                 const char *name, const char *context, const char *tls_dir, char *err) {
        char service[8];
        int r;

        text_fmt(service, sizeof(service), "%u", port);
        p->nbd = nbd_create();
        if (!p->nbd)
                return failed(p, "libnbd", err);
        r = options(p, name, context, tls_dir);
        if (r == 0)
                r = socket ? nbd_aio_connect_unix(p->nbd, socket)
                           : nbd_aio_connect_tcp(p->nbd, host, service);
        r = r < 0 ? not_connected(p, err) : handshake(p, context, err);
        if (r < 0)
                pull_disconnect(p);
        return r;
}

void pull_disconnect(struct pull_peer *p) {
        if (p->nbd) {
                if (nbd_aio_is_ready(p->nbd) == 1)
                        (void)nbd_aio_disconnect(p->nbd, 0); /* or it sees the socket's end */
                nbd_close(p->nbd);
        }
        p->nbd = NULL;
}

int pull_read(struct pull_peer *p, void *buf, size_t len, uint64_t offset, char *err) {
        return await(p, nbd_aio_pread(p->nbd, buf, len, offset, NBD_NULL_COMPLETION, 0), "read",
                     err);
}

static int flush(struct pull_peer *p, char *err) {
        return await(p, nbd_aio_flush(p->nbd, NBD_NULL_COMPLETION, 0), "flush", err);
}

int pull_write(struct pull_peer *p, const void *buf, size_t len, uint64_t offset, bool through,
               char *err) {
        int r = await(p, nbd_aio_pwrite(p->nbd, buf, len, offset, NBD_NULL_COMPLETION, 0), "write",
                      err);

        return r == 0 && through ? flush(p, err) : r;
}

static int zero(struct pull_peer *p, uint64_t len, uint64_t offset, char *err) {
        return await(
                p, nbd_aio_zero(p->nbd, len, offset, NBD_NULL_COMPLETION, LIBNBD_CMD_FLAG_NO_HOLE),
                "zero", err);
}

struct answer {
        struct extents *x;
        extent_judge *judge;
        int r;
        bool came;
};

static int extents_came(void *userdata, const char *context, uint64_t offset, uint32_t *entries,
                        size_t n, int *error) {
        struct answer *a = userdata;

        (void)context; /* only one was asked for */
        (void)error;
        a->r = a->came ? -EBADMSG : extents_take(a->x, offset, entries, n, a->judge);
        a->came = true;
        return 0;
}

/* What is to be copied from x->upto on. */
static int ask(struct pull_peer *p, struct extents *x, extent_judge *judge, char *err) {
        uint64_t from = x->upto;
        struct answer a = {.x = x, .judge = judge};
        int r = await(p,
                      nbd_aio_block_status(
                              p->nbd, x->to - from, from,
                              (nbd_extent_callback){.callback = extents_came, .user_data = &a},
                              NBD_NULL_COMPLETION, 0),
                      "extents", err);

        if (r < 0)
                return r;
        if (!a.came || a.r < 0 || x->upto == from) {
                text_fmt(err, TEXT_LEN, "%s says nothing of use about %" PRIu64, p->what, from);
                return -EPROTO;
        }
        return 0;
}

static bool all_zero(const char *buf, size_t len) {
        return buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

struct chunk {
        char data[CHUNK], there[CHUNK];
};

static int copy_chunk(struct pull_peer *from, struct pull_peer *to, enum pull_how how,
                      uint64_t offset, size_t len, struct chunk *c, uint64_t *bytes, char *err) {
        int r = pull_read(from, c->data, len, offset, err);

        if (r == 0 && how == PULL_COMPARE)
                r = pull_read(to, c->there, len, offset, err);
        if (r < 0 || (how == PULL_COMPARE && memcmp(c->data, c->there, len) == 0))
                return r;
        *bytes += len;
        if (how == PULL_FRESH && all_zero(c->data, len))
                return 0;
        return all_zero(c->data, len) ? zero(to, len, offset, err)
                                      : pull_write(to, c->data, len, offset, false, err);
}

static int copy_extent(struct pull_peer *from, struct pull_peer *to, enum pull_how how,
                       const struct extent *e, struct chunk *c, uint64_t *bytes, char *err) {
        int r = 0;

        for (uint64_t done = 0; r == 0 && done < e->length;) {
                size_t len =
                        (size_t)MIN(e->length - done, e->kind == EXTENT_ZERO ? (uint64_t)64 * CHUNK
                                                                             : (uint64_t)CHUNK);

                if (e->kind == EXTENT_ZERO)
                        r = zero(to, len, e->offset + done, err);
                else
                        r = copy_chunk(from, to, how, e->offset + done, len, c, bytes, err);
                done += len;
        }
        return r;
}

int pull_copy(struct pull_peer *from, struct pull_peer *to, enum pull_how how, uint64_t *bytes,
              char *err) {
        static extent_judge *const judges[] = {[PULL_CHANGED] = extent_dirty,
                                               [PULL_FRESH] = extent_fresh,
                                               [PULL_COMPARE] = extent_full};
        _cleanup_(freep) struct extents *x = xcalloc(1, sizeof(*x));
        struct chunk *c;
        int r = 0;

        if (from->size != to->size) {
                text_fmt(err, TEXT_LEN,
                         "%s has %" PRIu64 " bytes and %s %" PRIu64 ": add the replica anew",
                         from->what, from->size, to->what, to->size);
                return -EINVAL;
        }
        c = xcalloc(1, sizeof(*c));
        for (uint64_t at = 0; r == 0 && at < from->size; at = x->upto) {
                extents_begin(x, at, MIN(from->size, at + ASK));
                r = ask(from, x, judges[how], err);
                for (size_t i = 0; r == 0 && i < x->n; i++)
                        r = copy_extent(from, to, how, &x->e[i], c, bytes, err);
        }
        if (r == 0)
                r = flush(to, err);
        if (r < 0) { /* what is on its way reads and writes the buffer */
                pull_disconnect(from);
                pull_disconnect(to);
        }
        free(c);
        return r;
}
