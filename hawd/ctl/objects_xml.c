/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domain XML that somebody wrote into a file, as the ledger would keep it. */
#include "hawd/ctl/objects.h"
#include "hawd/guest/domxml.h"

/* The mistake of a guest's XML, at @line of it; 0: as a whole. */
static void complain(struct conf_file *file, const struct object *o, int line, const char *err) {
        int first = object_line(o, "xml");

        if (line > 0)
                conf_file_mistake(file, first + line - 1, "the domain XML is malformed: %s", err);
        else
                conf_file_mistake(file, first, "%s", err);
}

static void read_xml(struct object *o, const struct object *old, struct conf_file *file) {
        const char *xml = object_get(o, "xml");
        struct guest_spec *spec;
        char err[TEXT_LEN];
        int line;

        if (old && strcmp(xml, object_get(old, "xml")) == 0) { /* as it was exported */
                text_set(o->uuid, sizeof(o->uuid), old->uuid);
                return;
        }
        if (domxml_read(xml, strlen(xml), old && *old->uuid ? old->uuid : NULL, &spec, &line, err) <
            0) {
                complain(file, o, line, err);
                o->bad |= UINT64_C(1) << object_key(OBJECT_GUEST, "xml");
                return;
        }
        if (strcmp(spec->name, o->name) != 0)
                conf_file_mistake(file, object_line(o, "xml"),
                                  "[guest %s] has the XML of '%s': make the names equal", o->name,
                                  spec->name);
        text_set(o->uuid, sizeof(o->uuid), spec->uuid);
        object_set(o, "xml", spec->xml->data);
        guest_spec_unref(spec);
}

void objects_xml(struct objects *o, const struct objects *now, struct conf_file *file) {
        for (size_t i = 0; i < o->n; i++) {
                struct object *x = &o->list[i];
                const struct object *old = objects_find(now, x->kind, x->name);

                if (x->kind != OBJECT_GUEST)
                        continue;
                if (*object_get(x, "xml"))
                        read_xml(x, old, file);
                else if (old)
                        text_set(x->uuid, sizeof(x->uuid), old->uuid);
        }
}
