/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables (libsmartcols), colours, times and durations as people read them. */
#pragma once

#include <jansson.h>

#include "hawd/ctl/ctl.h"

#define CELL_LEN 512

enum ctl_color { COLOR_NONE, COLOR_GOOD, COLOR_WARN, COLOR_BAD, COLOR_DIM, COLOR_BOLD };

/** color_on(), color_off() - escape sequences, empty without colours. */
const char *color_on(const struct ctl *ctl, enum ctl_color c);
const char *color_off(const struct ctl *ctl);

/** state_color() - of the state of a host or guest, or of a health */
enum ctl_color state_color(const char *state);

struct table;

/** table_new() - @columns: blank-separated heads; one that starts with '>' is flush right, one that
 * ends with '~' is cut or wrapped first */
struct table *table_new(const struct ctl *ctl, const char *columns);
void table_row(struct table *t);
/** table_cell() - the next cell of the last row. */
void table_cell(struct table *t, const char *text);
void table_cell_fmt(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void table_cell_color(struct table *t, const char *text, enum ctl_color color);
size_t table_rows(const struct table *t);
/** wrap_words() - blanks become line ends, so that lines are of at most @width where they can be */
void wrap_words(char *text, size_t width);
/** table_print() - and free; @empty is printed instead of a table without rows, unless it is NULL.
 */
void table_print(struct table *t, const char *empty);

/** span() - "14 s", "3 min 20 s", "2 d 3 h" of milliseconds */
void span(int64_t ms, char *buf, size_t size);
/** span_short() - with tenths below a minute: the parts of a repair */
void span_short(int64_t ms, char *buf, size_t size);
/** ago() - span since @usec (CLOCK_REALTIME), "-" for 0 */
void ago(int64_t usec, char *buf, size_t size);
/** clock_time() - local "2026-01-31 12:00:00", "-" for 0 */
void clock_time(int64_t usec, char *buf, size_t size);
/** wall_now() - CLOCK_REALTIME */
int64_t wall_now(void);
/** time_from() - "1h" (ago) or "2026-01-31 12:00[:00]" (local). Return: 0, or -EINVAL with @err */
int time_from(const char *text, usec_t *ret, char err[TEXT_LEN]);

/** or_dash() - "-" for an empty text */
const char *or_dash(const char *s);
/** join() - an array of strings as "a, b"; "-" when it is empty */
void join(const json_t *list, char *buf, size_t size);
