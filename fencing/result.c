/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/result.h"

#include <stdarg.h>
#include <stdio.h>

struct out {
        char *p;
        size_t left;
};

static void put(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void put(struct out *o, const char *fmt, ...) {
        va_list args;
        int n;

        va_start(args, fmt);
        n = vsnprintf(o->p, o->left, fmt, args);
        va_end(args);
        assert(n >= 0 && (size_t)n < o->left); /* FENCE_LINE_LEN holds every field escaped */
        o->p += n;
        o->left -= (size_t)n;
}

/* Bytes outside printable ASCII come from devices and agents: '?' keeps the line valid JSON. */
static void put_string(struct out *o, const char *key, const char *value) {
        put(o, "\"%s\":\"", key);
        for (const char *s = value; *s; s++) {
                if (*s == '"' || *s == '\\')
                        put(o, "\\%c", *s);
                else if (*s == '\n' || *s == '\t')
                        put(o, " ");
                else
                        put(o, "%c", *s >= 0x20 && *s < 0x7f ? *s : '?');
        }
        put(o, "\"");
}

size_t result_format(const struct fence_result *r, char *buf, size_t size) {
        struct out o = {.p = buf, .left = size};

        assert(size >= FENCE_LINE_LEN);
        put(&o, "{");
        put_string(&o, "device", r->device);
        put(&o, ",\"action\":\"%s\"", fence_action_name(r->action));
        put(&o, ",\"result\":\"%s\"",
            fence_code_refused(r->error.code) ? "error" : fence_power_name(r->power));
        put(&o, ",\"found\":\"%s\"", fence_power_name(r->found));
        put(&o, ",\"switched\":%s,\"reads\":%u", r->switched ? "true" : "false", r->reads);
        put(&o, ",\"error\":\"%s\",", fence_code_name(r->error.code));
        put_string(&o, "message", r->error.message);
        if (r->sensors != SENSORS_NOT_ASKED)
                put(&o, ",\"sensors\":\"%s\"",
                    r->sensors == SENSORS_GOOD       ? "good"
                    : r->sensors == SENSORS_CRITICAL ? "critical"
                                                     : "unknown");
        if (r->identity.guid[0]) {
                put(&o, ",");
                put_string(&o, "guid", r->identity.guid);
        }
        if (r->identity.cipher > 0) {
                put(&o, ",\"cipher\":%d,", r->identity.cipher);
                put_string(&o, "workarounds", r->identity.workarounds);
        }
        put(&o, ",\"elapsed_ms\":%" PRIu64 "}\n", r->elapsed_usec / USEC_PER_MSEC);
        return size - o.left;
}
