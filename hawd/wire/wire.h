/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Codec: messages, ledger entries and the model to protobuf (hawd.proto) and back. Pure.
 * Owned by nobody: no state. What it gives back belongs to the caller.
 *
 * Decoding trusts nothing: a name that is none, a text longer than its array, a NUL inside, a
 * number out of its range, an enum value that this version does not know, too many elements or
 * memory out of proportion refuse the whole. Three things of a newer minor version pass: unknown
 * fields are ignored; an op of an unknown kind becomes an empty OP_NONE, so that versions of the
 * ledger stay in step; a history row of an unknown note becomes NOTE_NONE and keeps its text.
 *
 * Refused as well: two hosts, devices or guests of one name, claims, fence jobs and incidents of
 * what is not there, an op without what it is about, numbers beyond WIRE_NUMBER_MAX. So the core
 * can work on every model that is taken, and what it makes of it can be stored and sent again.
 *
 * Of guest.claim[] only what guest.claims has a bit for is carried; the rest decodes as 0.
 */
#pragma once

#include "hawd/core/msg.h"

#define WIRE_MSG_MAX ((size_t)64 << 20) /* a whole message, before it is cut in pieces */
#define WIRE_XML_MAX ((size_t)1 << 20)  /* domain XML */
#define WIRE_LIST_MAX RULE_LIST_MAX
#define WIRE_OPS_MAX 16384  /* in an entry */
#define WIRE_TAIL_MAX 65536 /* entries behind a model */
#define WIRE_ROWS_MAX 16384 /* history rows in a message */
#define WIRE_GUESTS_MAX GUESTS_MAX
#define WIRE_RULES_MAX RULES_MAX
#define WIRE_INCIDENTS_MAX 131072
#define WIRE_NUMBER_MAX ((uint64_t)1 << 50) /* epochs, versions: job ids are made of them */
#define WIRE_GID_MAX INT32_MAX

/**
 * wire_msg_encode() - a message as bytes, without its sender, whom the ring names
 * @ret: malloc'ed, never empty; written only on 0
 *
 * Return: 0; -EINVAL when @m holds what no peer would take (a name that is none, an unknown enum
 * value, a claim of no host, more than the limits above); -EMSGSIZE beyond WIRE_MSG_MAX.
 */
int wire_msg_encode(const struct msg *m, uint8_t **ret, size_t *ret_len);

/**
 * wire_msg_decode() - the message in @bytes
 * @ret: a reference; written only on 0
 * @err: of TEXT_LEN bytes, why it was refused; written only on failure
 *
 * Return: 0, or -EBADMSG.
 */
int wire_msg_decode(const uint8_t *bytes, size_t len, struct msg **ret, char *err);

/** wire_entry_encode() - one entry, for the store. Return: 0 or -EINVAL, as wire_msg_encode(). */
int wire_entry_encode(const struct entry *e, uint8_t **ret, size_t *ret_len);
/** wire_entry_decode() - and back. Return: 0, or -EBADMSG with @err, as wire_msg_decode(). */
int wire_entry_decode(const uint8_t *bytes, size_t len, struct entry **ret, char *err);

/** wire_model_encode() - a model, as the base of a stored ledger. Return: 0 or -EINVAL. */
int wire_model_encode(const struct model *m, uint8_t **ret, size_t *ret_len);
/**
 * wire_model_decode() - and back
 * @ret: initialised here on 0, then for model_clear(); untouched on failure
 *
 * Return: 0, or -EBADMSG with @err.
 */
int wire_model_decode(const uint8_t *bytes, size_t len, struct model *ret, char *err);
