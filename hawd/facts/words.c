/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/facts/facts.h"

json_t *word(const char *text) {
        char buf[FACTS_WORD_MAX + 1];
        json_t *j;

        if (!text || !*text)
                return json_null();
        text_set(buf, sizeof(buf), text);
        j = json_string(buf);
        if (j)
                return j;
        for (char *c = buf; *c; c++)
                if ((unsigned char)*c >= 0x80)
                        *c = '?';
        return json_string(buf);
}

json_t *trouble(const char *fmt, ...) {
        char buf[FACTS_WORD_MAX + 1];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(buf, sizeof(buf), fmt, ap); /* cut when too long */
        va_end(ap);
        return json_pack("{s:o}", "error", word(buf));
}

void list_add(json_t *o, const char *key, json_t *value) {
        json_t *list = json_object_get(o, key);
        char more[NAME_LEN];

        if (!list) {
                list = json_array();
                json_object_set_new(o, key, list);
        }
        if (json_array_size(list) < FACTS_LIST_MAX) {
                json_array_append_new(list, value);
                return;
        }
        json_decref(value);
        text_fmt(more, sizeof(more), "%s_more", key);
        json_object_set_new(o, more,
                            json_integer(json_integer_value(json_object_get(o, more)) + 1));
}
