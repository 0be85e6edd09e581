/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domain XML for those who may only look: libvirt gives such people no passwords of displays
 * either. hawd's own XML is as libxml2 writes it: name="value", or 'value' when there is a '"' in
 * it.
 */
#include "hawd/control/render.h"

/* Behind "passwd=" and its quote, if that is an attribute's beginning; else NULL. */
static const char *password_at(const char *s) {
        static const char name[] = "passwd=";

        if (!strchr(" \t\n", *s) || strncmp(s + 1, name, sizeof(name) - 1) != 0)
                return NULL;
        s += sizeof(name);
        return *s == '"' || *s == '\'' ? s + 1 : NULL;
}

static size_t count(const char *xml) {
        size_t n = 0;

        for (const char *s = xml; *s; s++)
                n += password_at(s) != NULL;
        return n;
}

json_t *render_xml(const struct blob *xml, bool secrets) {
        _cleanup_(freep) char *out = NULL;
        size_t used = 0;

        if (!xml || secrets)
                return render_exact(xml ? xml->data : NULL);
        out = xcalloc(xml->len + count(xml->data) * sizeof(XML_HIDDEN) + 1, 1);
        for (const char *s = xml->data; *s;) {
                const char *value = password_at(s), *end = value ? strchr(value, value[-1]) : NULL;

                if (!end) {
                        out[used++] = *s++;
                        continue;
                }
                memcpy(out + used, s, (size_t)(value - s));
                used += (size_t)(value - s);
                memcpy(out + used, XML_HIDDEN, sizeof(XML_HIDDEN) - 1);
                used += sizeof(XML_HIDDEN) - 1;
                s = end;
        }
        return render_exact(out);
}
