/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the codec: protobuf-c's structs on one side, the core's on the other.
 *
 * Both directions keep going after a mistake and remember the first one, so that converting an
 * object reads as a list of its fields; what was made is thrown away when `failed` is set.
 */
#pragma once

#include "hawd/core/msg.h"
#include "hawd/wire/hawd.pb-c.h"

/** struct wire_enum - C values by position, each with its number on the wire */
struct wire_enum {
        const char *what;
        const unsigned *wire;
        size_t n;
};

extern const struct wire_enum wire_host_state, wire_proof, wire_guest_state, wire_desired,
        wire_health, wire_on_shutdown, wire_rung, wire_health_by, wire_guest_job, wire_rule_kind,
        wire_fence_kind, wire_incident_kind, wire_op_kind, wire_job_result, wire_fence_result,
        wire_seen_state, wire_end_why, wire_power_reading, wire_ask_kind, wire_reply_code,
        wire_replica_mode, wire_replica_state, wire_snap_kind, wire_snap_act, wire_ill,
        wire_quiesce, wire_snapshot_kind;

enum wire_need { WIRE_MAY_BE_EMPTY, WIRE_REQUIRED };

/** wire_uuid_valid() - 36 characters in the usual groups. */
bool wire_uuid_valid(const char *s);

/** wire_enum_find() - the C value of @wire, -1 when this version has none. */
int wire_enum_find(const struct wire_enum *e, unsigned wire);

/* ---- encoding: a tree that borrows texts and blobs from the source --------------------------- */

struct wire_chunk;

struct wire_out {
        struct wire_chunk *chunks; /* memory of the tree */
        bool failed;
};

/** wire_alloc() - @n zeroed objects that live as long as @o; NULL for none. */
void *wire_alloc(struct wire_out *o, size_t n, size_t size);
/** wire_array() - @n pointers to @n zeroed objects of @size, for a repeated field. */
void **wire_array(struct wire_out *o, size_t n, size_t size);
void wire_out_clear(struct wire_out *o);

unsigned wire_put_enum(struct wire_out *o, const struct wire_enum *e, unsigned value);
ProtobufCBinaryData wire_put_text(const char *text, size_t size); /* borrows */
#define WIRE_PUT_TEXT(array) wire_put_text((array), sizeof(array))
/** wire_put_name(), wire_put_uuid() - the same, and a failure for what no peer would take. */
ProtobufCBinaryData wire_put_name(struct wire_out *o, const char name[NAME_LEN],
                                  enum wire_need need);
ProtobufCBinaryData wire_put_uuid(struct wire_out *o, const char uuid[UUID_LEN]);
ProtobufCBinaryData *wire_put_names(struct wire_out *o, const char (*names)[NAME_LEN], size_t n);
Hawd__Blob *wire_put_blob(struct wire_out *o, const struct blob *b, size_t max);
/** wire_put_count() - @n, or 0 and a failure beyond @max. */
size_t wire_put_count(struct wire_out *o, size_t n, size_t max);
/** wire_pack() - the bytes of @m. Return: 0, -EINVAL when something failed, -EMSGSIZE. */
int wire_pack(const struct wire_out *o, const ProtobufCMessage *m, size_t max, uint8_t **ret,
              size_t *ret_len);

Hawd__GuestSpec *wire_put_spec(struct wire_out *o, const struct guest_spec *s);
Hawd__HostFacts *wire_put_facts(struct wire_out *o, const struct host_facts *f);
Hawd__Entry *wire_put_entry(struct wire_out *o, const struct entry *e);
Hawd__Model *wire_put_model(struct wire_out *o, const struct model *m);
Hawd__State *wire_put_state(struct wire_out *o, const struct state *s);
Hawd__History *wire_put_history(struct wire_out *o, const struct msg *m); /* of MSG_HISTORY */

/* ---- decoding -------------------------------------------------------------------------------- */

struct wire_in {
        char *err; /* of TEXT_LEN bytes, borrowed */
        bool failed;
        size_t budget; /* memory that unpacking may still take */
        ProtobufCAllocator allocator;
};

/** wire_refuse() - the first reason stays. */
void wire_refuse(struct wire_in *in, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** wire_unpack() - protobuf's own tree, for wire_unpacked_free(); NULL and refused when broken. */
void *wire_unpack(struct wire_in *in, char *err, const ProtobufCMessageDescriptor *type,
                  const uint8_t *bytes, size_t len);
void wire_unpacked_free(struct wire_in *in, void *message);

/** wire_get_enum() - the C value; 0 and refused when it has none. */
unsigned wire_get_enum(struct wire_in *in, const struct wire_enum *e, unsigned wire);
/** wire_get_text() - into @dst of @size bytes, which the caller has zeroed. */
void wire_get_text(struct wire_in *in, const char *what, ProtobufCBinaryData b, char *dst,
                   size_t size);
#define WIRE_GET_TEXT(in, what, b, array) wire_get_text((in), (what), (b), (array), sizeof(array))
void wire_get_name(struct wire_in *in, const char *what, enum wire_need need, ProtobufCBinaryData b,
                   char dst[NAME_LEN]);
void wire_get_uuid(struct wire_in *in, ProtobufCBinaryData b, char dst[UUID_LEN]);
/** wire_get_names() - Return: how many there are now in @dst. */
uint32_t wire_get_names(struct wire_in *in, const char *what, const ProtobufCBinaryData *b,
                        size_t n, char (*dst)[NAME_LEN], size_t max);
/** wire_get_blob() - a reference, or NULL for NULL or refused. */
struct blob *wire_get_blob(struct wire_in *in, const char *what, const Hawd__Blob *b, size_t max);
/** wire_get_count() - @n, or 0 and refused beyond @max. */
size_t wire_get_count(struct wire_in *in, const char *what, size_t n, size_t max);

struct guest_spec *wire_get_spec(struct wire_in *in, const Hawd__GuestSpec *s);
void wire_get_facts(struct wire_in *in, const Hawd__HostFacts *f, struct host_facts *dst);
/* Objects below are always given back for the caller to drop, also when refused meanwhile. */
struct entry *wire_get_entry(struct wire_in *in, const Hawd__Entry *e);
void wire_get_model(struct wire_in *in, const Hawd__Model *m, struct model *dst);
struct state *wire_get_state(struct wire_in *in, const Hawd__State *s);
/* wire_check.c */
/** wire_get_number() - @n, refused when it is beyond what can be counted to. */
uint64_t wire_get_number(struct wire_in *in, const char *what, uint64_t n);
void wire_check_model(struct wire_in *in, const struct model *m);
void wire_check_op(struct wire_in *in, const struct op *op);
void wire_get_history(struct wire_in *in, const Hawd__History *p, struct msg *dst);

/* wire_snap.c */
Hawd__GuestSnaps *wire_put_snaps(struct wire_out *o, const struct guest_snaps *s); /* NULL-safe */
struct guest_snaps *wire_get_snaps(struct wire_in *in, const Hawd__GuestSnaps *p); /* the same */
