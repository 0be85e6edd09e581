/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>

#include "hawd/runner/runner.h"

static const char *str(const json_t *o, const char *key) {
        const char *s = json_string_value(json_object_get(o, key));

        return s ? s : "";
}

/* S2, S3: off is what was read off, and twice where it is to prove something; all else is not. */
int runner_parse(const char *line, enum fence_action action, struct runner_said *ret) {
        json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        enum power_reading reading = READING_NONE;
        const char *result;
        json_int_t reads;

        if (!json_is_object(o) || !json_is_string(json_object_get(o, "result"))) {
                json_decref(o);
                return -EBADMSG;
        }
        result = str(o, "result");
        reads = json_integer_value(json_object_get(o, "reads"));
        if (strcmp(result, "on") == 0)
                reading = READING_ON;
        else if (strcmp(result, "off") == 0 && (action == FENCE_ACT_STATUS || reads >= 2))
                reading = READING_OFF;
        *ret = (struct runner_said){.reading = reading,
                                    .switched = json_is_true(json_object_get(o, "switched"))};
        text_set(ret->text, sizeof(ret->text), str(o, "message"));
        if (strlen(str(o, "guid")) < sizeof(ret->guid))
                text_set(ret->guid, sizeof(ret->guid), str(o, "guid"));
        json_decref(o);
        return 0;
}
