/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every part of hawd uses: the one time type, sizes of names, ownership helpers.
 * Pure: reads no clock, opens nothing, logs nothing.
 */
#pragma once

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** Time: microseconds, of CLOCK_BOOTTIME unless the name says wall (CLOCK_REALTIME). */
typedef uint64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_INFINITY UINT64_MAX

#define HOSTS_MAX 32    /* hosts on the ring */
#define FENCED_KEPT 15  /* latest fences of a host that the ledger remembers */
#define NAME_LEN 64     /* host, guest, device and rule names, with the NUL */
#define UUID_LEN 37     /* textual UUID, with the NUL */
#define TEXT_LEN 192    /* a reason or an error for people, with the NUL */
#define DEVICES_MAX 128 /* fence devices of the cluster */
#define LEVEL_DEVICES_MAX 4
#define DEVICE_SAID_USEC (30 * USEC_PER_MINUTE) /* a device that works is said to, this seldom */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/** Owner locals carry this; hand over with TAKE_PTR(). */
#define _cleanup_(f) __attribute__((cleanup(f)))
#define TAKE_PTR(p)                                                                                \
        ({                                                                                         \
                __typeof__(p) take_ptr_ = (p);                                                     \
                (p) = NULL;                                                                        \
                take_ptr_;                                                                         \
        })

static inline void freep(void *p) {
        free(*(void **)p);
}

/** usec_add() - saturating sum, so that USEC_INFINITY stays infinite. */
static inline usec_t usec_add(usec_t a, usec_t b) {
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/** usec_sub() - a - b, 0 when b is later than a. */
static inline usec_t usec_sub(usec_t a, usec_t b) {
        return a > b ? a - b : 0;
}

/**
 * text_set() - copy @src into the fixed array @dst of @size bytes, cut at @size - 1
 */
void text_set(char *dst, size_t size, const char *src);

/** text_fmt() - snprintf that never leaves @dst unterminated and ignores truncation on purpose. */
void text_fmt(char *dst, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);

/** name_valid() - 1 to NAME_LEN - 1 of [A-Za-z0-9._-], not starting with '-' or '.'. */
bool name_valid(const char *name);

/** xcalloc(), xrealloc() - memory or abort: hawd does not limp on without memory (DESIGN 2). */
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));

/**
 * struct blob - an immutable, reference-counted string of bytes, NUL after @len
 */
struct blob {
        unsigned refs;
        size_t len;
        char data[];
};

struct blob *blob_new(const void *data, size_t len);
struct blob *blob_ref(struct blob *b);   /* NULL stays NULL */
struct blob *blob_unref(struct blob *b); /* returns NULL */

/** hash64() - FNV-1a of @len bytes, finished by a mixer; @seed chains calls. */
uint64_t hash64(uint64_t seed, const void *data, size_t len);
