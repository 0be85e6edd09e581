/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/wire/frag.h"

#include "hawd/core/msg.h"

#define MAGIC 0x68617764u /* "hawd" */
#define HEADER_MAX 256

/** struct unfinished - a message of a sender whose first piece has come */
struct unfinished {
        uint32_t nodeid, pid;
        uint32_t counter, next, count;
        size_t piece_len, total, have;
        uint8_t *bytes;
};

struct frag_joiner {
        struct unfinished *list;
        size_t n, cap;
        uint8_t *delivered; /* borrowed by the caller until the next call */
};

struct header {
        uint32_t counter, index, count;
        size_t header_len, total;
};

/* ---- bytes ----------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, uint32_t v) {
        p[0] = (uint8_t)(v >> 8);
        p[1] = (uint8_t)v;
        return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v) {
        return put16(put16(p, v >> 16), v & 0xffff);
}

static uint32_t get16(const uint8_t *p) {
        return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p) {
        return get16(p) << 16 | get16(p + 2);
}

/* ---- cutting --------------------------------------------------------------------------------- */

int frag_cut(const uint8_t *bytes, size_t len, size_t piece_max, uint32_t counter,
             struct frag_cut *ret) {
        size_t piece_len;

        if (len == 0 || piece_max < FRAG_PIECE_MIN)
                return -EINVAL;
        if (len > FRAG_TOTAL_MAX)
                return -EMSGSIZE;
        piece_len = MIN(piece_max - FRAG_HEADER_LEN, len);
        *ret = (struct frag_cut){
                .bytes = bytes,
                .len = len,
                .piece_len = piece_len,
                .counter = counter,
                .count = (uint32_t)((len + piece_len - 1) / piece_len),
        };
        return 0;
}

size_t frag_piece(const struct frag_cut *cut, uint32_t index, uint8_t header[FRAG_HEADER_LEN],
                  const uint8_t **ret_data) {
        size_t at = cut->piece_len * index;
        uint8_t *p = header;

        assert(index < cut->count);
        p = put32(p, MAGIC);
        p = put16(p, PROTO_MAJOR);
        p = put16(p, FRAG_HEADER_LEN);
        p = put32(p, cut->counter);
        p = put32(p, index);
        p = put32(p, cut->count);
        (void)put32(p, (uint32_t)cut->len); /* the end is not needed */
        *ret_data = cut->bytes + at;
        return MIN(cut->piece_len, cut->len - at);
}

/* ---- joining --------------------------------------------------------------------------------- */

static int bad(char *err, const char *why) {
        text_fmt(err, TEXT_LEN, "broken piece of a message: %s", why);
        return -EBADMSG;
}

static int header_parse(const uint8_t *piece, size_t len, struct header *h, char *err) {
        if (len < 6 || get32(piece) != MAGIC) {
                text_fmt(err, TEXT_LEN, "%zu bytes that are no message of hawd", len);
                return -EBADMSG;
        }
        if (get16(piece + 4) != PROTO_MAJOR) {
                text_fmt(err, TEXT_LEN,
                         "speaks version %u of the protocol, this host version %u: upgrade the "
                         "older of the two",
                         get16(piece + 4), PROTO_MAJOR);
                return FRAG_E_MAJOR;
        }
        if (len < FRAG_HEADER_LEN)
                return bad(err, "shorter than its header");
        h->header_len = get16(piece + 6);
        h->counter = get32(piece + 8);
        h->index = get32(piece + 12);
        h->count = get32(piece + 16);
        h->total = get32(piece + 20);
        if (h->header_len < FRAG_HEADER_LEN || h->header_len > HEADER_MAX || h->header_len >= len)
                return bad(err, "length of its header");
        if (h->total == 0 || h->total > FRAG_TOTAL_MAX)
                return bad(err, "length of the message");
        if (h->index >= h->count)
                return bad(err, "number of pieces");
        return 0;
}

uint32_t frag_counter(const uint8_t *piece, size_t len) {
        char err[TEXT_LEN];
        struct header h;

        return header_parse(piece, len, &h, err) == 0 ? h.counter : 0;
}

struct frag_joiner *frag_joiner_new(void) {
        return xcalloc(1, sizeof(struct frag_joiner));
}

static struct unfinished *find(struct frag_joiner *j, uint32_t nodeid, uint32_t pid) {
        for (size_t i = 0; i < j->n; i++)
                if (j->list[i].nodeid == nodeid && j->list[i].pid == pid)
                        return &j->list[i];
        return NULL;
}

static void drop(struct frag_joiner *j, struct unfinished *u) {
        free(u->bytes);
        *u = j->list[--j->n];
}

void frag_reset(struct frag_joiner *j) {
        while (j->n > 0)
                drop(j, &j->list[j->n - 1]);
}

void frag_forget(struct frag_joiner *j, uint32_t nodeid, uint32_t pid) {
        struct unfinished *u = find(j, nodeid, pid);

        if (u)
                drop(j, u);
}

struct frag_joiner *frag_joiner_free(struct frag_joiner *j) {
        if (!j)
                return NULL;
        frag_reset(j);
        free(j->delivered);
        free(j->list);
        free(j);
        return NULL;
}

/* A first piece of several: all but the last are as long as it is, so the count is given. */
static int begin(struct frag_joiner *j, uint32_t nodeid, uint32_t pid, const struct header *h,
                 const uint8_t *data, size_t len, char *err) {
        struct unfinished *u;

        if (len >= h->total || (h->total + len - 1) / len != h->count)
                return bad(err, "its length does not fit the number of pieces");
        if (j->n == j->cap) {
                j->cap = MAX((size_t)8, j->cap * 2);
                j->list = xreallocarray(j->list, j->cap, sizeof(*j->list));
        }
        u = &j->list[j->n++];
        *u = (struct unfinished){
                .nodeid = nodeid,
                .pid = pid,
                .counter = h->counter,
                .next = 1,
                .count = h->count,
                .piece_len = len,
                .total = h->total,
                .have = len,
                .bytes = xcalloc(1, h->total),
        };
        memcpy(u->bytes, data, len);
        return FRAG_NOTHING;
}

static int go_on(struct frag_joiner *j, struct unfinished *u, const struct header *h,
                 const uint8_t *data, size_t len, const uint8_t **ret, size_t *ret_len, char *err) {
        size_t want = MIN(u->piece_len, u->total - u->have);

        if (h->counter != u->counter || h->index != u->next || h->count != u->count ||
            h->total != u->total || len != want) {
                text_fmt(err, TEXT_LEN,
                         "piece %u of message %u (%zu bytes) came where piece %u of message %u "
                         "(%zu bytes) goes on",
                         h->index, h->counter, len, u->next, u->counter, want);
                drop(j, u);
                return -EBADMSG;
        }
        memcpy(u->bytes + u->have, data, len);
        u->have += len;
        u->next++;
        if (u->next < u->count)
                return FRAG_NOTHING;
        j->delivered = TAKE_PTR(u->bytes);
        *ret = j->delivered;
        *ret_len = u->total;
        drop(j, u);
        return FRAG_WHOLE;
}

int frag_take(struct frag_joiner *j, uint32_t nodeid, uint32_t pid, const uint8_t *piece,
              size_t len, const uint8_t **ret, size_t *ret_len, char *err) {
        struct unfinished *u = find(j, nodeid, pid);
        struct header h;
        int r;

        free(TAKE_PTR(j->delivered));
        r = header_parse(piece, len, &h, err);
        if (r != 0) {
                frag_forget(j, nodeid, pid);
                return r;
        }
        piece += h.header_len;
        len -= h.header_len;

        if (h.index > 0)
                return u ? go_on(j, u, &h, piece, len, ret, ret_len, err) : FRAG_NOTHING;
        if (u)
                drop(j, u); /* its sender began anew */
        if (h.count > 1)
                return begin(j, nodeid, pid, &h, piece, len, err);
        if (len != h.total)
                return bad(err, "its length is not that of the message");
        *ret = piece;
        *ret_len = len;
        return FRAG_WHOLE;
}
