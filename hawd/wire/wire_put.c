/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/wire/wire_pb.h"

#define CHUNK_SIZE ((size_t)64 << 10)

struct wire_chunk {
        struct wire_chunk *next;
        size_t used, size;
        max_align_t data[];
};

void *wire_alloc(struct wire_out *o, size_t n, size_t size) {
        size_t want = (n * size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
        struct wire_chunk *c = o->chunks;
        void *p;

        if (want == 0)
                return NULL;
        if (!c || c->size - c->used < want) {
                size_t room = MAX(want, CHUNK_SIZE);

                c = xcalloc(1, sizeof(*c) + room);
                c->size = room;
                c->next = o->chunks;
                o->chunks = c;
        }
        p = (char *)c->data + c->used;
        c->used += want;
        return p;
}

void **wire_array(struct wire_out *o, size_t n, size_t size) {
        void **list = wire_alloc(o, n, sizeof(*list));
        char *objects = wire_alloc(o, n, size);

        for (size_t i = 0; i < n; i++)
                list[i] = objects + i * size;
        return list;
}

void wire_out_clear(struct wire_out *o) {
        while (o->chunks) {
                struct wire_chunk *c = o->chunks;

                o->chunks = c->next;
                free(c);
        }
}

unsigned wire_put_enum(struct wire_out *o, const struct wire_enum *e, unsigned value) {
        if (value < e->n)
                return e->wire[value];
        o->failed = true;
        return 0;
}

ProtobufCBinaryData wire_put_text(const char *text, size_t size) {
        /* protobuf-c only reads it; its type just has no const. */
        return (ProtobufCBinaryData){.len = strnlen(text, size - 1),
                                     .data = (uint8_t *)(uintptr_t)text};
}

ProtobufCBinaryData wire_put_name(struct wire_out *o, const char name[NAME_LEN],
                                  enum wire_need need) {
        if (name[0] ? !name_valid(name) : need == WIRE_REQUIRED)
                o->failed = true;
        return wire_put_text(name, NAME_LEN);
}

ProtobufCBinaryData wire_put_uuid(struct wire_out *o, const char uuid[UUID_LEN]) {
        if (uuid[0] && !wire_uuid_valid(uuid))
                o->failed = true;
        return wire_put_text(uuid, UUID_LEN);
}

ProtobufCBinaryData *wire_put_names(struct wire_out *o, const char (*names)[NAME_LEN], size_t n) {
        ProtobufCBinaryData *list = wire_alloc(o, n, sizeof(*list));

        for (size_t i = 0; i < n; i++)
                list[i] = wire_put_name(o, names[i], WIRE_REQUIRED);
        return list;
}

Hawd__Blob *wire_put_blob(struct wire_out *o, const struct blob *b, size_t max) {
        Hawd__Blob *p;

        if (!b)
                return NULL;
        if (b->len > max || memchr(b->data, 0, b->len))
                o->failed = true;
        p = wire_alloc(o, 1, sizeof(*p));
        hawd__blob__init(p);
        p->data.len = b->len;
        p->data.data = (uint8_t *)(uintptr_t)b->data;
        return p;
}

size_t wire_put_count(struct wire_out *o, size_t n, size_t max) {
        if (n <= max)
                return n;
        o->failed = true;
        return 0;
}

int wire_pack(const struct wire_out *o, const ProtobufCMessage *m, size_t max, uint8_t **ret,
              size_t *ret_len) {
        size_t len;
        uint8_t *bytes;

        if (o->failed)
                return -EINVAL;
        len = protobuf_c_message_get_packed_size(m);
        if (len > max)
                return -EMSGSIZE;
        bytes = xcalloc(1, MAX(len, (size_t)1));
        *ret_len = protobuf_c_message_pack(m, bytes);
        *ret = bytes;
        return 0;
}
