/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/base/base.h"

void text_set(char *dst, size_t size, const char *src) {
        size_t len = strlen(src);

        assert(size > 0);
        if (len >= size)
                len = size - 1;
        memmove(dst, src, len);
        dst[len] = '\0';
}

void text_fmt(char *dst, size_t size, const char *fmt, ...) {
        va_list ap;

        assert(size > 0);
        va_start(ap, fmt);
        if (vsnprintf(dst, size, fmt, ap) < 0)
                dst[0] = '\0';
        va_end(ap);
}

bool name_valid(const char *name) {
        size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-");

        return len > 0 && len < NAME_LEN && name[len] == '\0' && name[0] != '-' && name[0] != '.';
}

void *xcalloc(size_t n, size_t size) {
        void *p = calloc(n ? n : 1, size ? size : 1);

        if (!p)
                abort();
        return p;
}

void *xreallocarray(void *p, size_t n, size_t size) {
        void *q = reallocarray(p, n ? n : 1, size ? size : 1);

        if (!q)
                abort();
        return q;
}

char *xstrdup(const char *s) {
        size_t size = strlen(s) + 1;

        return memcpy(xcalloc(size, 1), s, size);
}

struct blob *blob_new(const void *data, size_t len) {
        struct blob *b;

        if (len > SIZE_MAX - sizeof(*b) - 1)
                abort();
        b = xcalloc(1, sizeof(*b) + len + 1);
        b->refs = 1;
        b->len = len;
        if (len > 0)
                memcpy(b->data, data, len);
        return b;
}

struct blob *blob_ref(struct blob *b) {
        if (b) {
                assert(b->refs > 0 && b->refs < UINT32_MAX);
                b->refs++;
        }
        return b;
}

struct blob *blob_unref(struct blob *b) {
        if (b) {
                assert(b->refs > 0);
                if (--b->refs == 0)
                        free(b);
        }
        return NULL;
}

uint64_t hash64(uint64_t seed, const void *data, size_t len) {
        const unsigned char *p = data;
        uint64_t h = 0xcbf29ce484222325U ^ seed;

        for (size_t i = 0; i < len; i++)
                h = (h ^ p[i]) * 0x100000001b3U;
        /* The finaliser of splitmix64: every bit of the input reaches every bit of the result. */
        h ^= h >> 30;
        h *= 0xbf58476d1ce4e5b9U;
        h ^= h >> 27;
        h *= 0x94d049bb133111ebU;
        return h ^ (h >> 31);
}
