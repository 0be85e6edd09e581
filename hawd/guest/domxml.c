/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <sys/random.h>

#include "hawd/guest/domxml_node.h"

#define AGENT_CHANNEL "org.qemu.guest_agent.0"

void domxml_free_doc(xmlDoc **doc) {
        xmlFreeDoc(*doc);
}

void domxml_free_text(xmlChar **s) {
        xmlFree(*s);
}

static const char *str(const xmlChar *s) {
        return s ? (const char *)s : "";
}

bool domxml_is(const xmlNode *n, const char *name) {
        return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

xmlNode *domxml_child(const xmlNode *parent, const char *name) {
        for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next)
                if (domxml_is(n, name))
                        return n;
        return NULL;
}

static bool attr_is(xmlNode *n, const char *name, const char *value) {
        _cleanup_(domxml_free_text) xmlChar *s = NULL;

        s = n ? xmlGetProp(n, (const xmlChar *)name) : NULL;
        return s && strcmp((const char *)s, value) == 0;
}

/* The element's text without the blanks around it; NULL when there is no such element. */
static char *text_of(xmlNode *n) {
        _cleanup_(domxml_free_text) xmlChar *s = NULL;
        const char *from;
        size_t len;
        char *copy;

        if (!n)
                return NULL;
        s = xmlNodeGetContent(n);
        from = str(s);
        from += strspn(from, " \t\r\n");
        len = strlen(from);
        while (len > 0 && isspace((unsigned char)from[len - 1]))
                len--;
        copy = xcalloc(len + 1, 1);
        memcpy(copy, from, len);
        return copy;
}

int domxml_parse(const char *xml, size_t len, xmlDoc **ret, int *ret_line, char *err) {
        xmlParserCtxt *ctxt;
        xmlDoc *doc;
        bool dtd;

        if (len > DOMXML_MAX) {
                text_fmt(err, TEXT_LEN, "the domain XML is longer than %zu KiB", DOMXML_MAX / 1024);
                return -EINVAL;
        }
        /* A DTD is refused before it is parsed; in another encoding, after it. */
        dtd = memmem(xml, len, "<!DOCTYPE", strlen("<!DOCTYPE")) != NULL;
        ctxt = dtd ? NULL : xmlNewParserCtxt();
        if (!dtd && !ctxt)
                abort();
        doc = dtd ? NULL
                  : xmlCtxtReadMemory(ctxt, xml, (int)len, NULL, NULL,
                                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                              XML_PARSE_NOCDATA);
        if (doc && (doc->intSubset || doc->extSubset)) {
                dtd = true;
                xmlFreeDoc(doc);
                doc = NULL;
        }
        if (dtd) {
                text_set(err, TEXT_LEN, "the domain XML has a DOCTYPE, which is not accepted");
        } else if (!doc) {
                text_set(err, TEXT_LEN,
                         ctxt->lastError.message ? ctxt->lastError.message : "empty");
                err[strcspn(err, "\n")] = '\0';
                *ret_line = MAX(ctxt->lastError.line, 1);
        }
        if (ctxt)
                xmlFreeParserCtxt(ctxt);
        if (!doc)
                return -EINVAL;
        *ret = doc;
        return 0;
}

int uuid_normalise(const char *s, char ret[UUID_LEN]) {
        static const char *const hex = "0123456789abcdef";
        char uuid[UUID_LEN];
        size_t n = 0;

        for (; *s; s++) {
                if (*s == '-')
                        continue;
                if (!isxdigit((unsigned char)*s) || n == UUID_LEN - 1)
                        return -EINVAL;
                if (n == 8 || n == 13 || n == 18 || n == 23)
                        uuid[n++] = '-';
                uuid[n++] = strchr(hex, tolower((unsigned char)*s))[0];
        }
        if (n != UUID_LEN - 1)
                return -EINVAL;
        uuid[n] = '\0';
        text_set(ret, UUID_LEN, uuid);
        return 0;
}

static int make_uuid(char ret[UUID_LEN]) {
        unsigned char b[16];
        char hex[33];

        if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
                return errno ? -errno : -EIO;
        b[6] = (unsigned char)(0x40 | (b[6] & 0x0f)); /* version 4, of RFC 4122 */
        b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
        for (size_t i = 0; i < sizeof(b); i++)
                snprintf(hex + 2 * i, 3, "%02x", b[i]);
        return uuid_normalise(hex, ret);
}

/* @otherwise: when the XML has none; NULL: one is made up. */
static int read_uuid(xmlNode *root, const char *otherwise, char ret[UUID_LEN], char *err) {
        xmlNode *n = domxml_child(root, "uuid");
        _cleanup_(freep) char *text = text_of(n);
        int r;

        if (text) {
                r = uuid_normalise(text, ret);
                if (r < 0)
                        text_fmt(err, TEXT_LEN, "<uuid>: '%.60s' is no UUID", text);
                return r;
        }
        r = otherwise ? uuid_normalise(otherwise, ret) : make_uuid(ret);
        if (r < 0) {
                text_fmt(err, TEXT_LEN, "cannot make up a UUID: %s", strerror(-r));
                return r;
        }
        xmlNewChild(root, NULL, (const xmlChar *)"uuid", (const xmlChar *)ret);
        return 0;
}

static int read_name(xmlNode *root, char ret[NAME_LEN], char *err) {
        _cleanup_(freep) char *text = text_of(domxml_child(root, "name"));

        if (!text) {
                text_set(err, TEXT_LEN, "<name> is missing");
                return -EINVAL;
        }
        if (!name_valid(text)) {
                text_fmt(err, TEXT_LEN,
                         "<name>: '%.60s' is no name for hawd: use 1 to %d letters, digits, dots, "
                         "dashes and underscores, not beginning with a dot or a dash",
                         text, NAME_LEN - 1);
                return -EINVAL;
        }
        text_set(ret, NAME_LEN, text);
        return 0;
}

/* libvirt's units (formatdomain, "memory"); KiB when none is given. 0: no such unit. */
static uint64_t unit_bytes(const char *unit) {
        static const struct {
                const char *name;
                uint64_t bytes;
        } units[] = {
                {"", 1024},
                {"b", 1},
                {"bytes", 1},
                {"KB", 1000},
                {"k", 1024},
                {"KiB", 1024},
                {"MB", 1000000},
                {"M", (uint64_t)1 << 20},
                {"MiB", (uint64_t)1 << 20},
                {"GB", 1000000000},
                {"G", (uint64_t)1 << 30},
                {"GiB", (uint64_t)1 << 30},
                {"TB", 1000000000000},
                {"T", (uint64_t)1 << 40},
                {"TiB", (uint64_t)1 << 40},
        };

        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                if (strcasecmp(units[i].name, unit) == 0)
                        return units[i].bytes;
        return 0;
}

static bool read_number(const char *s, uint64_t *ret) {
        char *end;

        if (!isdigit((unsigned char)*s))
                return false;
        errno = 0;
        *ret = strtoull(s, &end, 10);
        return errno == 0 && *end == '\0' && *ret > 0;
}

static int read_memory(xmlNode *root, uint64_t *ret, char *err) {
        xmlNode *n = domxml_child(root, "memory");
        _cleanup_(freep) char *text = text_of(n);
        _cleanup_(domxml_free_text) xmlChar *unit = NULL;
        uint64_t number, bytes, total;

        if (!text) {
                text_set(err, TEXT_LEN, "<memory> is missing");
                return -EINVAL;
        }
        unit = xmlGetProp(n, (const xmlChar *)"unit");
        bytes = unit_bytes(str(unit));
        if (bytes == 0) {
                text_fmt(err, TEXT_LEN, "<memory>: '%.30s' is no unit", str(unit));
                return -EINVAL;
        }
        if (!read_number(text, &number) || __builtin_mul_overflow(number, bytes, &total) ||
            total > UINT64_MAX - ((1 << 20) - 1)) {
                text_fmt(err, TEXT_LEN, "<memory>: '%.30s' is no amount of memory", text);
                return -EINVAL;
        }
        *ret = (total + ((1 << 20) - 1)) >> 20;
        return 0;
}

static int read_vcpus(xmlNode *root, uint32_t *ret, char *err) {
        xmlNode *n = domxml_child(root, "vcpu");
        _cleanup_(freep) char *text = text_of(n);
        _cleanup_(domxml_free_text) xmlChar *current = NULL;
        const char *s;
        uint64_t number;

        if (!n) {
                *ret = 1;
                return 0;
        }
        current = xmlGetProp(n, (const xmlChar *)"current");
        s = current ? str(current) : text;
        if (!read_number(s, &number) || number > 65535) {
                text_fmt(err, TEXT_LEN, "<vcpu>: '%.30s' is no number of CPUs", s);
                return -EINVAL;
        }
        *ret = (uint32_t)number;
        return 0;
}

static bool has_agent(const xmlNode *root, bool connected) {
        const xmlNode *devices = domxml_child(root, "devices");

        for (xmlNode *n = devices ? devices->children : NULL; n; n = n->next) {
                xmlNode *target = domxml_is(n, "channel") ? domxml_child(n, "target") : NULL;

                if (attr_is(target, "type", "virtio") && attr_is(target, "name", AGENT_CHANNEL) &&
                    (!connected || attr_is(target, "state", "connected")))
                        return true;
        }
        return false;
}

static void set_element(xmlNode *root, const char *name, const char *value) {
        xmlNode *n = domxml_child(root, name);

        if (n)
                xmlNodeSetContent(n, (const xmlChar *)value);
        else
                xmlNewChild(root, NULL, (const xmlChar *)name, (const xmlChar *)value);
}

struct blob *domxml_dump(xmlDoc *doc, xmlNode *root) {
        xmlBuffer *buf = xmlBufferCreate();
        struct blob *b;

        if (!buf || xmlNodeDump(buf, doc, root, 0, 0) < 0)
                abort();
        b = blob_new(xmlBufferContent(buf), (size_t)xmlBufferLength(buf));
        xmlBufferFree(buf);
        return b;
}

static struct blob *normalised(xmlDoc *doc, xmlNode *root, const struct guest_spec *spec) {
        set_element(root, "name", spec->name);
        set_element(root, "uuid", spec->uuid);
        set_element(root, "on_poweroff", "destroy");
        set_element(root, "on_reboot", "restart");
        set_element(root, "on_crash", "destroy");
        xmlUnsetProp(root, (const xmlChar *)"id");
        return domxml_dump(doc, root);
}

/* libxml2 writes the address of a namespace as it is, '<' and all; and what is added makes it
 * longer. */
static int read_back(const struct blob *xml, char *err) {
        _cleanup_(domxml_free_doc) xmlDoc *doc = NULL;
        char why[TEXT_LEN];
        int line = 0;

        if (domxml_parse(xml->data, xml->len, &doc, &line, why) == 0)
                return 0;
        text_fmt(err, TEXT_LEN, "once normalised, %s%.120s",
                 line > 0 ? "the domain XML is malformed: " : "", why);
        return -EINVAL;
}

/* Of another kind libvirt says so too, but only at the start, on one host after the other. */
static int check_type(xmlNode *root, char *err) {
        static const char *const types[] = {"kvm", "qemu", "test"}; /* test: libvirt's own driver */
        _cleanup_(domxml_free_text) xmlChar *type = xmlGetProp(root, (const xmlChar *)"type");

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (strcmp(str(type), types[i]) == 0)
                        return 0;
        text_fmt(err, TEXT_LEN, "<domain type='%.30s'>: hawd keeps domains of type kvm and qemu",
                 str(type));
        return -EINVAL;
}

static int fill_spec(xmlDoc *doc, const char *uuid, struct guest_spec *spec, char *err) {
        xmlNode *root = xmlDocGetRootElement(doc);
        int r;

        if (!root || !domxml_is(root, "domain")) {
                text_fmt(err, TEXT_LEN, "the XML is no domain: it begins with <%.30s>",
                         root ? str(root->name) : "");
                return -EINVAL;
        }
        r = check_type(root, err);
        if (r == 0)
                r = read_name(root, spec->name, err);
        if (r == 0)
                r = read_uuid(root, uuid, spec->uuid, err);
        if (r == 0)
                r = read_memory(root, &spec->memory_mib, err);
        if (r == 0)
                r = read_vcpus(root, &spec->vcpus, err);
        if (r < 0)
                return r;
        spec->has_agent = has_agent(root, false);
        spec->disks = domxml_disks_number(root);
        spec->xml = normalised(doc, root, spec);
        return read_back(spec->xml, err);
}

int domxml_read(const char *xml, size_t len, const char *uuid, struct guest_spec **ret,
                int *ret_line, char *err) {
        _cleanup_(domxml_free_doc) xmlDoc *doc = NULL;
        struct guest_spec *spec;
        int r;

        *ret_line = 0;
        if (memmem(xml, len, XML_HIDDEN, strlen(XML_HIDDEN))) {
                text_set(err, TEXT_LEN,
                         "it was written out for somebody who may only look, without its "
                         "passwords: do that as root or a member of the group hawd");
                return -EINVAL;
        }
        r = domxml_parse(xml, len, &doc, ret_line, err);
        if (r < 0)
                return r;
        spec = guest_spec_new();
        r = fill_spec(doc, uuid, spec, err);
        if (r < 0) {
                guest_spec_unref(spec);
                return r;
        }
        *ret = spec;
        return 0;
}

int spec_from_xml(const char *xml, size_t len, struct guest_spec **ret, char *err) {
        char text[TEXT_LEN];
        int line, r = domxml_read(xml, len, NULL, ret, &line, text);

        if (r < 0 && line > 0)
                text_fmt(err, TEXT_LEN, "the domain XML is malformed: line %d: %.120s", line, text);
        else if (r < 0)
                text_set(err, TEXT_LEN, text);
        return r;
}

static uint64_t hash_node(xmlDoc *doc, xmlNode *n) {
        xmlBuffer *buf = xmlBufferCreate();
        uint64_t h;

        if (!buf || xmlNodeDump(buf, doc, n, 0, 0) < 0)
                abort();
        h = hash64(1, xmlBufferContent(buf), (size_t)xmlBufferLength(buf));
        xmlBufferFree(buf);
        return h;
}

uint64_t domxml_hash(const char *xml, size_t len) {
        _cleanup_(domxml_free_doc) xmlDoc *doc = NULL;
        char err[TEXT_LEN];
        uint64_t h = 1;
        int line;

        if (domxml_parse(xml, len, &doc, &line, err) < 0)
                return 0;
        for (xmlNode *n = xmlDocGetRootElement(doc)->children; n; n = n->next) {
                if (n->type == XML_ELEMENT_NODE && !domxml_is(n, "devices"))
                        h += hash_node(doc, n);
                for (xmlNode *d = domxml_is(n, "devices") ? n->children : NULL; d; d = d->next)
                        if (d->type == XML_ELEMENT_NODE)
                                h += hash_node(doc, d);
        }
        return h ? h : 1;
}

bool domxml_agent_connected(const char *xml, size_t len) {
        _cleanup_(domxml_free_doc) xmlDoc *doc = NULL;
        char err[TEXT_LEN];
        xmlNode *root;
        int line;

        if (domxml_parse(xml, len, &doc, &line, err) < 0)
                return false;
        root = xmlDocGetRootElement(doc);
        return root && has_agent(root, true);
}
