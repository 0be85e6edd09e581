/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt as it answers: who it is, this host's CPU, and what guests need of it. */
#include "hawd/facts/virt.h"

#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "hawd/facts/part.h"

static void say_nothing(void *userdata, virErrorPtr error) {
        (void)userdata;
        (void)error; /* each is reported by whom it concerns */
}

const char *virt_why(void) {
        static char buf[FACTS_WORD_MAX];
        virErrorPtr e = virGetLastError();

        text_set(buf, sizeof(buf), e && e->message ? e->message : "libvirt gives no reason");
        for (char *c = buf; *c; c++)
                if (*c == '\n' || *c == '\r' || *c == '\t')
                        *c = ' ';
        return buf;
}

virConnectPtr facts_connect(const char *uri) {
        part_at("connecting to %.100s", uri);
        virSetErrorFunc(NULL, say_nothing);
        return virConnectOpen(uri);
}

/* ---- this host's CPU --------------------------------------------------------------------------
 */

static xmlNode *child(const xmlNode *parent, const char *name) {
        for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next)
                if (n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0)
                        return n;
        return NULL;
}

static json_t *content(xmlNode *n) {
        xmlChar *s = n ? xmlNodeGetContent(n) : NULL;
        json_t *j = word((const char *)s);

        xmlFree(s);
        return j;
}

/* The <cpu> of @xml's <host> (capabilities), as text; NULL: none. */
static char *host_cpu(const char *xml) {
        xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        xmlNode *cpu = doc ? child(child(xmlDocGetRootElement(doc), "host"), "cpu") : NULL;
        xmlBuffer *buf = xmlBufferCreate();
        char *text = NULL;

        if (cpu && xmlNodeDump(buf, doc, cpu, 0, 0) > 0)
                text = xstrdup((const char *)xmlBufferContent(buf));
        xmlBufferFree(buf);
        xmlFreeDoc(doc);
        return text;
}

/* {model, vendor, features} of a <cpu> whose features are all named. */
static json_t *cpu_facts(const char *xml) {
        xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        xmlNode *cpu = doc ? xmlDocGetRootElement(doc) : NULL;
        json_t *features = json_array(), *o;

        for (xmlNode *n = cpu ? cpu->children : NULL; n; n = n->next) {
                xmlChar *name;

                if (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, "feature") != 0)
                        continue;
                name = xmlGetProp(n, (const xmlChar *)"name");
                json_array_append_new(features, word((const char *)name));
                xmlFree(name);
        }
        o = json_pack("{s:o,s:o,s:o}", "model", content(child(cpu, "model")), "vendor",
                      content(child(cpu, "vendor")), "features", features);
        xmlFreeDoc(doc);
        return o;
}

/* libvirt's baseline of one CPU is that CPU, with every feature named: then hosts compare by name.
 */
static json_t *look_cpu(virConnectPtr conn) {
        _cleanup_(freep) char *caps = NULL, *cpu = NULL, *all = NULL;
        const char *list[1];

        part_at("the CPU by libvirt");
        caps = virConnectGetCapabilities(conn);
        if (!caps)
                return trouble("%s", virt_why());
        cpu = host_cpu(caps);
        if (!cpu)
                return trouble("libvirt's capabilities name no CPU");
        list[0] = cpu;
        all = virConnectBaselineCPU(conn, list, 1, VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES);
        return all ? cpu_facts(all) : trouble("%s", virt_why());
}

/* ---- what guests need -------------------------------------------------------------------------
 */

static const char *text(const json_t *o, const char *key) {
        return json_string_value(json_object_get(o, key));
}

static void add_missing(json_t *o, const json_t *guest, const json_t *need, const char *why) {
        list_add(o, "missing",
                 json_pack("{s:O,s:O,s:O,s:o}", "guest", json_object_get(guest, "name"), "kind",
                           json_object_get(need, "kind"), "what", json_object_get(need, "what"),
                           "why", word(why)));
}

static void look_network(virConnectPtr conn, const json_t *guest, const json_t *need, json_t *o) {
        virNetworkPtr net = virNetworkLookupByName(conn, text(need, "what"));

        if (!net)
                add_missing(o, guest, need, virt_why());
        else if (virNetworkIsActive(net) != 1)
                add_missing(o, guest, need, "it is not active: virsh net-start, net-autostart");
        if (net)
                virNetworkFree(net);
}

static void look_pool(virConnectPtr conn, const json_t *guest, const json_t *need, json_t *o) {
        virStoragePoolPtr pool = virStoragePoolLookupByName(conn, text(need, "what"));
        const char *volume = text(need, "volume");
        virStorageVolPtr vol = NULL;

        if (!pool)
                add_missing(o, guest, need, virt_why());
        else if (virStoragePoolIsActive(pool) != 1)
                add_missing(o, guest, need, "it is not active: virsh pool-start, pool-autostart");
        else if (volume && !(vol = virStorageVolLookupByName(pool, volume)))
                add_missing(o, guest, need, virt_why());
        if (vol)
                virStorageVolFree(vol);
        if (pool)
                virStoragePoolFree(pool);
}

static void look_needs(virConnectPtr conn, const json_t *guest, json_t *o) {
        const json_t *need;
        size_t i;

        json_array_foreach(json_object_get(guest, "needs"), i, need) {
                const char *kind = text(need, "kind");

                part_at("%.20s %.80s of guest %.40s", kind, text(need, "what"),
                        text(guest, "name"));
                if (strcmp(kind, "network") == 0)
                        look_network(conn, guest, need, o);
                else if (strcmp(kind, "pool") == 0)
                        look_pool(conn, guest, need, o);
        }
}

/* Can this host give it its CPU? Only one that is spelled out can be compared with a host. */
static void look_guest_cpu(virConnectPtr conn, const json_t *guest, json_t *o) {
        const json_t *cpu = json_object_get(guest, "cpu");
        const char *mode = text(cpu, "mode");
        int r;

        if (!mode || strcmp(mode, "custom") != 0)
                return;
        part_at("the CPU of guest %.40s", text(guest, "name"));
        r = virConnectCompareHypervisorCPU(
                conn, text(guest, "emulator"), text(guest, "arch"), text(guest, "machine"),
                text(guest, "type"), text(cpu, "xml"), VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE);
        if (r < 0 && virGetLastErrorCode() == VIR_ERR_CPU_INCOMPATIBLE)
                list_add(o, "cpu_unfit",
                         json_pack("{s:O,s:o}", "guest", json_object_get(guest, "name"), "why",
                                   word(virt_why())));
        else if (r < 0)
                json_object_set_new(o, "cpu_error", word(virt_why()));
}

/* Guests whose CPU is the host's: {mode: {n, some: [names]}}; emulated ones do not depend on it. */
static void count_mode(const json_t *guest, json_t *modes) {
        const char *mode = text(json_object_get(guest, "cpu"), "mode"), *type = text(guest, "type");
        json_t *m;

        if (!mode || strcmp(mode, "custom") == 0 || !type || strcmp(type, "kvm") != 0)
                return;
        m = json_object_get(modes, mode);
        if (!m) {
                m = json_pack("{s:i,s:[]}", "n", 0, "some");
                json_object_set_new(modes, mode, m);
        }
        json_object_set_new(m, "n", json_integer(json_integer_value(json_object_get(m, "n")) + 1));
        if (json_array_size(json_object_get(m, "some")) < 5)
                json_array_append(json_object_get(m, "some"), json_object_get(guest, "name"));
}

/* Guests of @wants that libvirt itself would start at boot. */
static void look_autostart(virConnectPtr conn, const json_t *guests, json_t *o) {
        virDomainPtr *domains = NULL;
        int n;

        part_at("domains with autostart");
        n = virConnectListAllDomains(conn, &domains, VIR_CONNECT_LIST_DOMAINS_AUTOSTART);
        json_object_set_new(o, "autostart", n < 0 ? json_null() : json_array());
        for (int i = 0; i < n; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN] = "";
                const json_t *g;
                bool kept = false;
                size_t k;

                (void)virDomainGetUUIDString(domains[i], uuid);
                json_array_foreach(guests, k, g) kept |=
                        text(g, "uuid") && strcasecmp(text(g, "uuid"), uuid) == 0;
                if (kept)
                        list_add(o, "autostart", word(virDomainGetName(domains[i])));
                virDomainFree(domains[i]);
        }
        free(domains);
}

static json_t *version(unsigned long v) {
        char buf[32];

        text_fmt(buf, sizeof(buf), "%lu.%lu.%lu", v / 1000000, v / 1000 % 1000, v % 1000);
        return json_string(buf);
}

static json_t *who(virConnectPtr conn) {
        unsigned long libvirt = 0, hypervisor = 0;
        const char *type = virConnectGetType(conn);

        (void)virConnectGetLibVersion(conn, &libvirt);
        (void)virConnectGetVersion(conn, &hypervisor); /* no QEMU installed: 0 */
        return json_pack("{s:o,s:o,s:o}", "driver", word(type), "version", version(libvirt),
                         "hypervisor_version", hypervisor ? version(hypervisor) : json_null());
}

json_t *facts_libvirt(const char *uri, const json_t *wants) {
        const json_t *guests = json_object_get(wants, "guests"), *g;
        virConnectPtr conn = facts_connect(uri);
        json_t *o, *modes;
        size_t i;

        if (!conn)
                return trouble("%s", virt_why());
        o = who(conn);
        json_object_set_new(o, "cpu", look_cpu(conn));
        look_autostart(conn, guests, o);
        modes = json_object();
        json_object_set_new(o, "missing", json_array());
        json_object_set_new(o, "cpu_unfit", json_array());
        json_array_foreach(guests, i, g) {
                look_needs(conn, g, o);
                look_guest_cpu(conn, g, o);
                count_mode(g, modes);
        }
        json_object_set_new(o, "cpu_modes", modes);
        virConnectClose(conn);
        return o;
}
