/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/facts/wants.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

static void free_doc(xmlDoc **doc) {
        xmlFreeDoc(*doc);
}

static bool is(const xmlNode *n, const char *name) {
        return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static xmlNode *child(const xmlNode *parent, const char *name) {
        for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next)
                if (is(n, name))
                        return n;
        return NULL;
}

/* The attribute of @n, "" when it has none. */
static const char *attr(xmlNode *n, const char *name, char *buf, size_t size) {
        xmlChar *s = n ? xmlGetProp(n, (const xmlChar *)name) : NULL;

        text_set(buf, size, s ? (const char *)s : "");
        xmlFree(s);
        return buf;
}

static bool attr_is(xmlNode *n, const char *name, const char *value) {
        char buf[FACTS_WORD_MAX];

        return strcmp(attr(n, name, buf, sizeof(buf)), value) == 0;
}

/* The text of @n without blanks around it, "" when there is none. */
static const char *content(xmlNode *n, char *buf, size_t size) {
        xmlChar *s = n ? xmlNodeGetContent(n) : NULL;
        const char *from = s ? (const char *)s : "";
        size_t len;

        from += strspn(from, " \t\r\n");
        len = strlen(from);
        while (len > 0 && strchr(" \t\r\n", from[len - 1]))
                len--;
        text_fmt(buf, size, "%.*s", (int)MIN(len, size - 1), from);
        xmlFree(s);
        return buf;
}

static json_t *need(json_t *needs, const char *kind, const char *what) {
        json_t *o;

        if (!*what)
                return NULL;
        o = json_pack("{s:s,s:o}", "kind", kind, "what", word(what));
        json_array_append_new(needs, o);
        return o;
}

/* ---- devices ----------------------------------------------------------------------------------
 */

static void disk(xmlNode *n, json_t *needs) {
        xmlNode *source = child(n, "source");
        const char *kind =
                attr_is(n, "device", "cdrom") || attr_is(n, "device", "floppy") ? "cdrom" : "disk";
        char buf[FACTS_WORD_MAX];

        if (!source || attr_is(source, "startupPolicy", "optional"))
                return;
        (void)need(needs, kind, attr(source, "file", buf, sizeof(buf)));
        (void)need(needs, kind, attr(source, "dev", buf, sizeof(buf)));
        (void)need(needs, kind, attr(source, "dir", buf, sizeof(buf)));
        if (*attr(source, "pool", buf, sizeof(buf))) {
                json_t *o = need(needs, "pool", buf);

                json_object_set_new(o, "volume", word(attr(source, "volume", buf, sizeof(buf))));
        }
}

/* As libvirt has it: what is written counts for reading too, unless that has a policy of its own.
 */
static void disk_errors(xmlNode *n, json_t *pass) {
        xmlNode *driver = child(n, "driver");
        char name[FACTS_WORD_MAX];
        bool writes = attr_is(driver, "error_policy", "stop");
        bool reads = attr_is(driver, "rerror_policy", "stop") ||
                     (writes && attr_is(driver, "rerror_policy", ""));

        if (attr_is(n, "device", "cdrom") || attr_is(n, "device", "floppy") || (writes && reads))
                return;
        json_array_append_new(pass, word(attr(child(n, "target"), "dev", name, sizeof(name))));
}

static void interface(xmlNode *n, json_t *needs) {
        xmlNode *source = child(n, "source");
        char buf[FACTS_WORD_MAX];

        if (attr_is(n, "type", "bridge")) {
                json_t *o = need(needs, "bridge", attr(source, "bridge", buf, sizeof(buf)));

                if (o)
                        json_object_set_new(o, "ovs",
                                            json_boolean(attr_is(child(n, "virtualport"), "type",
                                                                 "openvswitch")));
        } else if (attr_is(n, "type", "network")) {
                (void)need(needs, "network", attr(source, "network", buf, sizeof(buf)));
        } else if (attr_is(n, "type", "direct")) {
                (void)need(needs, "netdev", attr(source, "dev", buf, sizeof(buf)));
        }
}

static void filesystem(xmlNode *n, json_t *needs) {
        char buf[FACTS_WORD_MAX];

        if (*attr(n, "type", buf, sizeof(buf)) == '\0' || strcmp(buf, "mount") == 0)
                (void)need(needs, "filesystem", attr(child(n, "source"), "dir", buf, sizeof(buf)));
}

/* swtpm keeps its state below libvirt's folder, by the UUID of the domain. */
static void tpm(xmlNode *n, const char *uuid, json_t *needs) {
        char path[FACTS_WORD_MAX];

        if (!attr_is(child(n, "backend"), "type", "emulator") || !*uuid)
                return;
        text_fmt(path, sizeof(path), "/var/lib/libvirt/swtpm/%.40s", uuid);
        (void)need(needs, "tpm", path);
}

static void devices(xmlNode *n, const char *uuid, json_t *needs, json_t *errors_pass) {
        char buf[FACTS_WORD_MAX];

        for (xmlNode *d = n ? n->children : NULL; d; d = d->next) {
                if (is(d, "disk")) {
                        disk(d, needs);
                        disk_errors(d, errors_pass);
                } else if (is(d, "interface")) {
                        interface(d, needs);
                } else if (is(d, "filesystem")) {
                        filesystem(d, needs);
                } else if (is(d, "tpm")) {
                        tpm(d, uuid, needs);
                } else if (is(d, "emulator")) {
                        (void)need(needs, "emulator", content(d, buf, sizeof(buf)));
                }
        }
}

static void boot(xmlNode *os, json_t *needs) {
        static const struct {
                const char *element, *kind;
        } files[] = {{"kernel", "kernel"},
                     {"initrd", "kernel"},
                     {"dtb", "kernel"},
                     {"loader", "firmware"},
                     {"nvram", "nvram"}};
        char buf[FACTS_WORD_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void)need(needs, files[i].kind,
                           content(child(os, files[i].element), buf, sizeof(buf)));
}

/* ---- the CPU ----------------------------------------------------------------------------------
 */

static json_t *cpu(xmlDoc *doc, xmlNode *n) {
        xmlBuffer *buf;
        char mode[NAME_LEN];
        json_t *o;

        if (!n)
                return json_null();
        if (!*attr(n, "mode", mode, sizeof(mode)))
                text_set(mode, sizeof(mode), "custom");
        buf = xmlBufferCreate();
        (void)xmlNodeDump(buf, doc, n, 0, 0); /* without memory: empty, and refused by libvirt */
        o = json_pack("{s:o,s:s}", "mode", word(mode), "xml", (const char *)xmlBufferContent(buf));
        xmlBufferFree(buf);
        return o ? o : json_null();
}

json_t *wants_of(const char *xml, size_t len) {
        _cleanup_(free_doc) xmlDoc *doc = NULL;
        char name[NAME_LEN], uuid[UUID_LEN], type[NAME_LEN], arch[NAME_LEN], machine[NAME_LEN],
                emulator[FACTS_WORD_MAX];
        json_t *needs, *errors_pass;
        xmlNode *root, *os_type;

        if (len > INT32_MAX)
                return NULL;
        doc = xmlReadMemory(xml, (int)len, NULL, NULL,
                            XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        root = doc ? xmlDocGetRootElement(doc) : NULL;
        if (!root || !is(root, "domain"))
                return NULL;
        (void)content(child(root, "name"), name, sizeof(name));
        (void)content(child(root, "uuid"), uuid, sizeof(uuid));
        os_type = child(child(root, "os"), "type");
        needs = json_array();
        errors_pass = json_array();
        boot(child(root, "os"), needs);
        devices(child(root, "devices"), uuid, needs, errors_pass);
        return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", word(name), "uuid",
                         word(uuid), "type", word(attr(root, "type", type, sizeof(type))), "arch",
                         word(attr(os_type, "arch", arch, sizeof(arch))), "machine",
                         word(attr(os_type, "machine", machine, sizeof(machine))), "emulator",
                         word(content(child(child(root, "devices"), "emulator"), emulator,
                                      sizeof(emulator))),
                         "cpu", cpu(doc, child(root, "cpu")), "needs", needs, "errors_pass",
                         errors_pass);
}
