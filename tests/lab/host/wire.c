/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into a hawd: it speaks another version of the protocol, or garbage. LAB_WIRE is
 *
 *   newer    a later minor version: longer headers, and fields that nobody knows
 *   major    another major version: not understood, and understands none but its like
 *   garbage  before each message something that is none
 */
#define _GNU_SOURCE
#include <corosync/cpg.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define HEADER                                                                                     \
        24 /* hawd/wire/frag.h: magic 4, major 2, header length 2, counter, index, count, total */
#define LONGER 8
#define OTHER_MAJOR 2
#define PIECE_MAX (256 << 10)

static cpg_deliver_fn_t deliver;

static int mode_is(const char *mode) {
        const char *now = getenv("LAB_WIRE");

        return now && strcmp(now, mode) == 0;
}

static void put(unsigned char *p, size_t n, unsigned long v) {
        while (n-- > 0) {
                p[n] = (unsigned char)v;
                v >>= 8;
        }
}

static unsigned long get(const unsigned char *p, size_t n) {
        unsigned long v = 0;

        for (size_t i = 0; i < n; i++)
                v = v << 8 | p[i];
        return v;
}

/* What it says itself is understood by itself. */
static void delivered(cpg_handle_t handle, const struct cpg_name *group, uint32_t nodeid,
                      uint32_t pid, void *msg, size_t len) {
        unsigned char *p = msg;

        if (mode_is("major") && len >= HEADER)
                put(p + 4, 2, get(p + 4, 2) == OTHER_MAJOR ? 1 : OTHER_MAJOR + 1);
        deliver(handle, group, nodeid, pid, msg, len);
}

cs_error_t cpg_model_initialize(cpg_handle_t *handle, cpg_model_t model, cpg_model_data_t *data,
                                void *context) {
        cs_error_t (*real)(cpg_handle_t *, cpg_model_t, cpg_model_data_t *, void *) =
                dlsym(RTLD_NEXT, "cpg_model_initialize");
        cpg_model_v1_data_t mine;

        memcpy(&mine, data, sizeof(mine));
        deliver = mine.cpg_deliver_fn;
        mine.cpg_deliver_fn = delivered;
        return real(handle, model, (cpg_model_data_t *)&mine, context);
}

/* A header with room for what comes later; behind a message in one piece a number and a text of
 * fields 900 and 901. */
static size_t make_newer(unsigned char *p, size_t len) {
        static const unsigned char fields[] = {0xa0, 0x38, 0x07, 0xaa, 0x38, 0x03, 'n', 'e', 'w'};

        memmove(p + HEADER + LONGER, p + HEADER, len - HEADER);
        memset(p + HEADER, 0xee, LONGER);
        put(p + 6, 2, HEADER + LONGER);
        len += LONGER;
        if (get(p + 16, 4) != 1)
                return len;
        memcpy(p + len, fields, sizeof(fields));
        put(p + 20, 4, get(p + 20, 4) + sizeof(fields));
        return len + sizeof(fields);
}

/* One kind after the other, @p beginning with a right header. */
static size_t make_garbage(unsigned char *p, size_t len) {
        static unsigned turn;

        switch (turn++ % 8) {
        case 0: /* of somebody else */
                memset(p, 'x', HEADER);
                return len;
        case 1: /* cut in the header */
                return HEADER / 2;
        case 2:
                return 1;
        case 3: /* behind the last piece */
                put(p + 12, 4, 7);
                return len;
        case 4: /* longer than any message */
                put(p + 20, 4, 0xffffffff);
                return len;
        case 5: /* no protobuf */
                memset(p + HEADER, 0xff, len - HEADER);
                return len;
        case 6: /* cut in the message */
                put(p + 20, 4, 1);
                return HEADER + 1;
        default: /* the first of two pieces that never come */
                put(p + 16, 4, 2);
                put(p + 20, 4, 2 * (len - HEADER));
                return len;
        }
}

cs_error_t cpg_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, const struct iovec *iov,
                            unsigned int n) {
        cs_error_t (*real)(cpg_handle_t, cpg_guarantee_t, const struct iovec *, unsigned int) =
                dlsym(RTLD_NEXT, "cpg_mcast_joined");
        static unsigned char bytes[PIECE_MAX], other[PIECE_MAX];
        struct iovec whole = {.iov_base = bytes};

        for (unsigned i = 0; i < n; i++) {
                memcpy(bytes + whole.iov_len, iov[i].iov_base, iov[i].iov_len);
                whole.iov_len += iov[i].iov_len;
        }
        if (mode_is("newer"))
                whole.iov_len = make_newer(bytes, whole.iov_len);
        if (mode_is("major"))
                put(bytes + 4, 2, OTHER_MAJOR);
        if (mode_is("garbage") && get(bytes + 16, 4) == 1) {
                struct iovec more = {.iov_base = other};

                memcpy(other, bytes, whole.iov_len);
                more.iov_len = make_garbage(other, whole.iov_len);
                (void)real(handle, guarantee, &more, 1); /* flow control: then without */
        }
        return real(handle, guarantee, &whole, 1);
}
