/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks in domain XML: which a snapshot has to take, and another file for one. Declared in
 * domxml.h. */
#include "hawd/guest/domxml_node.h"

static bool get(xmlNode *n, const char *name, char *ret, size_t size) {
        _cleanup_(domxml_free_text) xmlChar *s = n ? xmlGetProp(n, (const xmlChar *)name) : NULL;

        if (!s || strlen((const char *)s) >= size)
                return false;
        text_set(ret, size, (const char *)s);
        return true;
}

/* The next <disk> at or after @n. */
static xmlNode *next_disk(xmlNode *n) {
        while (n && !domxml_is(n, "disk"))
                n = n->next;
        return n;
}

static xmlNode *first_disk(xmlDoc *doc) {
        xmlNode *devices = domxml_child(xmlDocGetRootElement(doc), "devices");

        return next_disk(devices ? devices->children : NULL);
}

static bool may_be_written(xmlNode *disk) {
        char device[16] = "disk";

        (void)get(disk, "device", device, sizeof(device));
        return (strcmp(device, "disk") == 0 || strcmp(device, "lun") == 0) &&
               !domxml_child(disk, "readonly");
}

static int read_disk(xmlNode *disk, struct dom_disk *ret, char *err) {
        xmlNode *source = domxml_child(disk, "source");
        char type[16] = "";

        *ret = (struct dom_disk){0};
        if (!get(domxml_child(disk, "target"), "dev", ret->target, sizeof(ret->target))) {
                text_set(err, TEXT_LEN, "<disk> has no <target dev=...>");
                return -EINVAL;
        }
        if (domxml_child(disk, "shareable") || domxml_child(disk, "transient")) {
                text_fmt(err, TEXT_LEN,
                         "disk %s is shared with other guests, or thrown away at the end: "
                         "no snapshot can be taken of it",
                         ret->target);
                return -EOPNOTSUPP;
        }
        if (!get(disk, "type", type, sizeof(type)) || strcmp(type, "file") != 0 ||
            !get(source, "file", ret->path, sizeof(ret->path)) || ret->path[0] != '/') {
                text_fmt(err, TEXT_LEN, "disk %s is no file: snapshots are taken of files only",
                         ret->target);
                return -EOPNOTSUPP;
        }
        if (!get(domxml_child(disk, "driver"), "type", ret->format, sizeof(ret->format))) {
                text_fmt(err, TEXT_LEN,
                         "disk %s does not say its format: write <driver name='qemu' type=...>",
                         ret->target);
                return -EINVAL;
        }
        return 0;
}

int domxml_disks(const char *xml, size_t len, struct dom_disk *ret, size_t max, char *err) {
        _cleanup_(domxml_free_doc) xmlDoc *doc = NULL;
        size_t n = 0;
        int line, r = domxml_parse(xml, len, &doc, &line, err);

        if (r < 0)
                return r;
        for (xmlNode *d = first_disk(doc); d; d = next_disk(d->next)) {
                if (!may_be_written(d))
                        continue;
                if (n == max) {
                        text_fmt(err, TEXT_LEN, "more than %zu disks", max);
                        return -E2BIG;
                }
                r = read_disk(d, &ret[n++], err);
                if (r < 0)
                        return r;
        }
        return (int)n;
}

static void remove_child(xmlNode *n, const char *name) {
        xmlNode *c = domxml_child(n, name);

        if (!c)
                return;
        xmlUnlinkNode(c);
        xmlFreeNode(c);
}

static void set_source(xmlNode *disk, const char *path, const char *format) {
        xmlNode *source = domxml_child(disk, "source"), *driver = domxml_child(disk, "driver");

        if (!source)
                source = xmlNewChild(disk, NULL, (const xmlChar *)"source", NULL);
        if (!driver)
                driver = xmlNewChild(disk, NULL, (const xmlChar *)"driver", NULL);
        xmlSetProp(disk, (const xmlChar *)"type", (const xmlChar *)"file");
        xmlSetProp(source, (const xmlChar *)"file", (const xmlChar *)path);
        xmlSetProp(driver, (const xmlChar *)"type", (const xmlChar *)format);
        remove_child(disk, "backingStore");
}

int domxml_set_disk(const char *xml, size_t len, const char *target, const char *path,
                    const char *format, struct blob **ret, char *err) {
        _cleanup_(domxml_free_doc) xmlDoc *doc = NULL;
        int line, r = domxml_parse(xml, len, &doc, &line, err);

        if (r < 0)
                return r;
        for (xmlNode *d = first_disk(doc); d; d = next_disk(d->next)) {
                char is[32] = "";

                if (!get(domxml_child(d, "target"), "dev", is, sizeof(is)) ||
                    strcmp(is, target) != 0)
                        continue;
                set_source(d, path, format);
                *ret = domxml_dump(doc, xmlDocGetRootElement(doc));
                return 0;
        }
        text_fmt(err, TEXT_LEN, "the guest has no disk %.30s", target);
        return -ENOENT;
}
