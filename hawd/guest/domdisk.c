/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks in domain XML: which a snapshot has to take, and another file for one. Declared in
 * domxml.h. */
#include "hawd/guest/domxml_node.h"

#define AS_GIVEN_MAX 16 /* disks of a guest with snapshots */

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

static uint64_t hash_attributes(uint64_t h, const xmlNode *n, const char *const *names,
                                size_t size) {
        for (size_t i = 0; i < size; i++) {
                _cleanup_(domxml_free_text) xmlChar *s =
                        n ? xmlGetProp(n, (const xmlChar *)names[i]) : NULL;

                h = hash64(h, names[i], strlen(names[i]) + 1);
                h = hash64(h, s ? (const char *)s : "", s ? strlen((const char *)s) : 0);
        }
        return h;
}

uint64_t domxml_disks_number(const xmlNode *root) {
        static const char *const self[] = {"type"}, *const driver[] = {"type"},
                                 *const target[] = {"dev"}, *const source[] = {"file",   "dev",
                                                                               "dir",    "pool",
                                                                               "volume", "protocol",
                                                                               "name"};
        const xmlNode *devices = domxml_child(root, "devices");
        uint64_t sum = 1; /* 0: of a hawd that did not count them */

        for (xmlNode *d = next_disk(devices ? devices->children : NULL); d;
             d = next_disk(d->next)) {
                uint64_t h;

                if (!may_be_written(d))
                        continue;
                h = hash_attributes(1, d, self, ARRAY_SIZE(self));
                h = hash_attributes(h, domxml_child(d, "driver"), driver, ARRAY_SIZE(driver));
                h = hash_attributes(h, domxml_child(d, "target"), target, ARRAY_SIZE(target));
                sum += hash_attributes(h, domxml_child(d, "source"), source, ARRAY_SIZE(source));
        }
        return sum;
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

static bool is_overlay(const struct guest_snaps *s, const char *given, const struct dom_disk *is) {
        char path[sizeof(is->path)];

        for (size_t i = 0; i < s->n && strcmp(is->format, "qcow2") == 0; i++)
                if (s->list[i].file > 0 &&
                    snap_file(given, s->list[i].file, path, sizeof(path)) == 0 &&
                    strcmp(path, is->path) == 0)
                        return true;
        return false;
}

struct guest_spec *domxml_as_given(const struct guest_spec *old, const struct guest_snaps *s,
                                   struct guest_spec *fresh) {
        struct guest_spec *spec = guest_spec_ref(fresh);
        struct dom_disk given[AS_GIVEN_MAX], is[AS_GIVEN_MAX];
        char err[TEXT_LEN];
        int n, m;

        if (!snaps_many(s) || !old->xml)
                return spec;
        n = domxml_disks(old->xml->data, old->xml->len, given, AS_GIVEN_MAX, err);
        m = domxml_disks(fresh->xml->data, fresh->xml->len, is, AS_GIVEN_MAX, err);
        for (int i = 0; i < n; i++) {
                for (int k = 0; k < m; k++) {
                        struct guest_spec *next = NULL;
                        struct blob *xml = NULL;

                        if (strcmp(given[i].target, is[k].target) != 0 ||
                            !is_overlay(s, given[i].path, &is[k]) ||
                            domxml_set_disk(spec->xml->data, spec->xml->len, is[k].target,
                                            given[i].path, given[i].format, &xml, err) < 0)
                                continue;
                        if (spec_from_xml(xml->data, xml->len, &next, err) == 0) {
                                guest_spec_unref(spec);
                                spec = next;
                        }
                        blob_unref(xml);
                }
        }
        return spec;
}
