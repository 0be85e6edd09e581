/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <unistd.h>

#include "hawd/base/thread.h"
#include "hawd/guest/domxml.h"
#include "hawd/guest/shared.h"
#include "hawd/guest/virt.h"

static void say_nothing(void *userdata, virErrorPtr error) {
        /* libvirt would print it; every error is reported by whom it concerns. */
        (void)userdata;
        (void)error;
}

static void *event_loop(void *arg) {
        (void)arg;
        for (;;)
                if (virEventRunDefaultImpl() < 0)
                        usleep(100000); /* out of descriptors or memory: it may pass */
        return NULL;
}

static void nothing_to_do(int timer, void *userdata) {
        (void)timer;
        (void)userdata;
}

int virt_init(void) {
        static bool done;
        int r;

        if (done)
                return 0;
        xmlInitParser();
        if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
                return -EIO;
        virSetErrorFunc(NULL, say_nothing);
        /* A timer that never fires: the loop has something to wait for from the start. */
        if (virEventAddTimeout(-1, nothing_to_do, NULL, NULL) < 0)
                return -EIO;
        r = thread_spawn(event_loop, NULL);
        if (r == 0)
                done = true;
        return r;
}

enum virt_error virt_last(virConnectPtr conn, char *text) {
        virErrorPtr e = virGetLastError();

        if (text) {
                text_set(text, TEXT_LEN, e && e->message ? e->message : "libvirt gives no reason");
                for (char *c = text; *c; c++)
                        if (*c == '\n' || *c == '\r' || *c == '\t')
                                *c = ' ';
        }
        if (e && e->code == VIR_ERR_NO_DOMAIN)
                return VIRT_NONE;
        if (!e || e->domain == VIR_FROM_RPC || (conn && virConnectIsAlive(conn) != 1))
                return VIRT_LOST;
        return VIRT_REFUSED;
}

enum virt_error virt_find(virConnectPtr conn, const char *uuid, virDomainPtr *ret, char *text) {
        *ret = virDomainLookupByUUIDString(conn, uuid);
        return *ret ? VIRT_OK : virt_last(conn, text);
}

enum virt_error virt_look(virDomainPtr dom, struct virt_state *ret, char *text) {
        virConnectPtr conn = virDomainGetConnect(dom);

        *ret = (struct virt_state){.seen = SEEN_GONE};
        if (virDomainGetState(dom, &ret->state, &ret->reason, 0) < 0)
                return virt_last(conn, text);
        ret->active = ret->state != VIR_DOMAIN_SHUTOFF && ret->state != VIR_DOMAIN_NOSTATE;
        if (ret->state == VIR_DOMAIN_CRASHED) {
                /* Preserved after a crash, or ended by one. */
                int active = virDomainIsActive(dom);

                if (active < 0)
                        return virt_last(conn, text);
                ret->active = active > 0;
        }
        if (ret->active) {
                struct domain_seen d;

                seen_from_state(ret->state, ret->reason, &d);
                ret->seen = d.state;
        }
        return VIRT_OK;
}

enum virt_error virt_undefine(virDomainPtr dom, char *text) {
        /* Drivers and versions differ in what they take: from all to little. */
        static const unsigned flags[] = {
                VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM |
                        VIR_DOMAIN_UNDEFINE_KEEP_TPM,
                VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
                        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | VIR_DOMAIN_UNDEFINE_KEEP_NVRAM,
                VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA,
                0,
        };
        virConnectPtr conn = virDomainGetConnect(dom);
        enum virt_error e = VIRT_REFUSED;
        int code;

        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                if (virDomainUndefineFlags(dom, flags[i]) == 0)
                        return VIRT_OK;
                code = virGetLastErrorCode(); /* virt_last() may call libvirt */
                e = virt_last(conn, text);
                if (e == VIRT_NONE)
                        return VIRT_OK;
                if (e == VIRT_LOST || code != VIR_ERR_INVALID_ARG)
                        return e;
        }
        return e;
}

bool virt_agent(virDomainPtr dom) {
        char *xml = virDomainGetXMLDesc(dom, 0);
        bool connected = xml && domxml_agent_connected(xml, strlen(xml));

        free(xml);
        return connected;
}
