/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pieces: an encoded message is cut to what corosync takes at once, and joined again per sender.
 * Pure. A joiner is owned by the ring adapter.
 *
 * The pieces of one sender come in order, and count as one message when the last has come. So that
 * all members of a group agree on which messages those are, whoever joins in the middle has no
 * part in what was begun before: on a change of the group with a newcomer everybody forgets
 * the unfinished (frag_reset()), its sender begins it anew, and pieces without a first are ignored.
 *
 *   of each sender:   NONE -first-> JOINING -last-> NONE (delivered)
 *                     JOINING -forget, reset or a wrong piece-> NONE;  NONE -other piece-> NONE
 *
 * Header, big-endian: magic 4, major 2, header length 2, message counter 4, index 4, count 4,
 * total length 4. A later minor version may lengthen it. All pieces but the last are equally long.
 */
#pragma once

#include "hawd/base/base.h"

#define FRAG_HEADER_LEN 24
#define FRAG_TOTAL_MAX ((size_t)64 << 20)
#define FRAG_PIECE_MIN 64

enum frag_result {
        FRAG_NOTHING = 0, /* taken or ignored: nothing whole yet */
        FRAG_WHOLE,       /* a message is whole */
        FRAG_E_MAJOR,     /* of another major version: dropped, the text says which */
};

/** struct frag_cut - how a message is cut; borrows its bytes */
struct frag_cut {
        const uint8_t *bytes;
        size_t len;
        size_t piece_len; /* data in every piece but the last */
        uint32_t counter;
        uint32_t count;
};

/**
 * frag_cut() - cut @bytes in pieces of at most @piece_max bytes, header included
 * @counter: of the sender, another one for each message and each time one is begun anew
 *
 * Return: 0; -EINVAL when @len is 0 or @piece_max is below FRAG_PIECE_MIN; -EMSGSIZE beyond
 * FRAG_TOTAL_MAX.
 */
int frag_cut(const uint8_t *bytes, size_t len, size_t piece_max, uint32_t counter,
             struct frag_cut *ret);

/**
 * frag_piece() - piece @index < cut->count
 * @header: written
 * @ret_data: borrowed from the message
 *
 * Return: length of the data behind the header.
 */
size_t frag_piece(const struct frag_cut *cut, uint32_t index, uint8_t header[FRAG_HEADER_LEN],
                  const uint8_t **ret_data);

/** frag_counter() - the counter in the header of a piece, 0 when it is no piece of this version. */
uint32_t frag_counter(const uint8_t *piece, size_t len);

struct frag_joiner;

struct frag_joiner *frag_joiner_new(void);
struct frag_joiner *frag_joiner_free(struct frag_joiner *j); /* NULL-safe, returns NULL */

/**
 * frag_take() - one piece of (@nodeid, @pid)
 * @ret: on FRAG_WHOLE the message; borrowed until the next call for @j, and from @piece
 * @err: of TEXT_LEN bytes; written on FRAG_E_MAJOR and on failure
 *
 * Return: enum frag_result, or -EBADMSG: no piece, or one that does not go on where the last ended.
 */
int frag_take(struct frag_joiner *j, uint32_t nodeid, uint32_t pid, const uint8_t *piece,
              size_t len, const uint8_t **ret, size_t *ret_len, char *err);

/** frag_forget() - the sender left. */
void frag_forget(struct frag_joiner *j, uint32_t nodeid, uint32_t pid);
/** frag_reset() - somebody joined: what is unfinished will be begun anew. */
void frag_reset(struct frag_joiner *j);
