/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of the adapters. The pure parts emit notes instead, and have no log.
 *
 * Under systemd every line goes to the journal with its fields; in the foreground it is one
 * readable line on standard error. A thread of its own writes, so that a journal that does not read
 * holds up nobody; what does not fit into the queue is counted and reported. Before log_open()
 * lines are written at once.
 */
#pragma once

#include <syslog.h>

#include "hawd/base/base.h"

/** struct log_fields - journal fields; NULL, "" and 0 are left out */
struct log_fields {
        const char *message_id; /* MESSAGE_ID: 32 hex digits */
        const char *host;       /* HAWD_HOST */
        const char *guest;      /* HAWD_GUEST */
        uint64_t incident;      /* HAWD_INCIDENT */
        uint64_t version;       /* HAWD_VERSION: of the ledger */
};

enum log_target { LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, LOG_TARGET_STDERR };

/**
 * log_open() - start the writer; before mlockall and real-time scheduling, which it does not
 * inherit
 * @program: SYSLOG_IDENTIFIER; borrowed for ever
 * @target:  AUTO: the journal when standard error is the journal's, else standard error
 *
 * Return: 0, or -errno from starting the thread (lines are then written at once).
 */
int log_open(const char *program, enum log_target target);

/** log_close() - write what is queued, for at most two seconds, and end the writer */
void log_close(void);

/** log_set_max() - drop lines of a greater (less important) priority; LOG_INFO at first */
void log_set_max(int priority);

/** log_line() - LOG_ERR to LOG_DEBUG; text without a newline */
void log_line(int priority, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** log_note() - the same with journal fields; @fields is read before it returns */
void log_note(int priority, const struct log_fields *fields, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
