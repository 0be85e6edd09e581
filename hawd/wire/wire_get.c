/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/wire/wire_pb.h"

#define BUDGET_BASE ((size_t)4 << 20)
#define BUDGET_PER_BYTE 256
#define BUDGET_MAX ((size_t)512 << 20)

void wire_refuse(struct wire_in *in, const char *fmt, ...) {
        va_list ap;

        if (in->failed)
                return;
        in->failed = true;
        va_start(ap, fmt);
        /* A text that is cut is still a reason. */
        (void)vsnprintf(in->err, TEXT_LEN, fmt, ap);
        va_end(ap);
        /* It may quote a peer, and is read on a terminal. */
        for (char *s = in->err; *s; s++)
                if ((unsigned char)*s < ' ' || *s == 0x7f)
                        *s = '?';
}

static void *budget_alloc(void *data, size_t size) {
        struct wire_in *in = data;

        if (size > in->budget)
                return NULL;
        in->budget -= size;
        return malloc(size);
}

static void budget_free(void *data, void *p) {
        (void)data; /* what was spent stays spent */
        free(p);
}

void *wire_unpack(struct wire_in *in, char *err, const ProtobufCMessageDescriptor *type,
                  const uint8_t *bytes, size_t len) {
        void *message;

        *in = (struct wire_in){.err = err, .budget = BUDGET_MAX};
        if (len < (BUDGET_MAX - BUDGET_BASE) / BUDGET_PER_BYTE)
                in->budget = BUDGET_BASE + len * BUDGET_PER_BYTE;
        in->allocator = (ProtobufCAllocator){
                .alloc = budget_alloc, .free = budget_free, .allocator_data = in};

        message = protobuf_c_message_unpack(type, &in->allocator, len, bytes);
        if (!message)
                wire_refuse(in, "%zu bytes are no %s, or one out of proportion", len,
                            type->short_name);
        return message;
}

void wire_unpacked_free(struct wire_in *in, void *message) {
        protobuf_c_message_free_unpacked(message, &in->allocator);
}

unsigned wire_get_enum(struct wire_in *in, const struct wire_enum *e, unsigned wire) {
        int value = wire_enum_find(e, wire);

        if (value >= 0)
                return (unsigned)value;
        wire_refuse(in, "%s %d is not known to this version", e->what, (int)wire);
        return 0;
}

void wire_get_text(struct wire_in *in, const char *what, ProtobufCBinaryData b, char *dst,
                   size_t size) {
        if (b.len >= size)
                wire_refuse(in, "%s of %zu bytes, at most %zu are taken", what, b.len, size - 1);
        else if (b.len > 0 && memchr(b.data, 0, b.len))
                wire_refuse(in, "%s with a NUL inside", what);
        else if (b.len > 0)
                memcpy(dst, b.data, b.len);
}

void wire_get_name(struct wire_in *in, const char *what, enum wire_need need, ProtobufCBinaryData b,
                   char dst[NAME_LEN]) {
        wire_get_text(in, what, b, dst, NAME_LEN);
        if (b.len == 0 ? need == WIRE_REQUIRED : !in->failed && !name_valid(dst))
                wire_refuse(in, "%s '%.*s' is no valid name", what, (int)MIN(b.len, (size_t)64),
                            b.len > 0 ? (const char *)b.data : "");
}

bool wire_uuid_valid(const char *s) {
        for (size_t i = 0; i < UUID_LEN - 1; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (dash ? s[i] != '-' : !s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
                        return false;
        }
        return s[UUID_LEN - 1] == 0;
}

void wire_get_uuid(struct wire_in *in, ProtobufCBinaryData b, char dst[UUID_LEN]) {
        wire_get_text(in, "guest UUID", b, dst, UUID_LEN);
        if (b.len > 0 && !in->failed && !wire_uuid_valid(dst))
                wire_refuse(in, "'%s' is no UUID", dst);
}

uint32_t wire_get_names(struct wire_in *in, const char *what, const ProtobufCBinaryData *b,
                        size_t n, char (*dst)[NAME_LEN], size_t max) {
        n = wire_get_count(in, what, n, max);
        for (size_t i = 0; i < n; i++)
                wire_get_name(in, what, WIRE_REQUIRED, b[i], dst[i]);
        return (uint32_t)n;
}

struct blob *wire_get_blob(struct wire_in *in, const char *what, const Hawd__Blob *b, size_t max) {
        if (!b)
                return NULL;
        if (b->data.len > max)
                wire_refuse(in, "%s of %zu bytes, at most %zu are taken", what, b->data.len, max);
        else if (b->data.len > 0 && memchr(b->data.data, 0, b->data.len))
                wire_refuse(in, "%s with a NUL inside", what);
        else
                return blob_new(b->data.len > 0 ? (const void *)b->data.data : "", b->data.len);
        return NULL;
}

size_t wire_get_count(struct wire_in *in, const char *what, size_t n, size_t max) {
        if (n <= max)
                return n;
        wire_refuse(in, "%zu of %s, at most %zu are taken", n, what, max);
        return 0;
}
