/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt's calls with hawd's meaning of their errors. Internal; for worker threads only: every
 * function here may wait for libvirt.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "hawd/core/event.h"

/** virt_init() - once per process: libvirt, libxml2, the event loop's thread. 0, or -errno. */
int virt_init(void);

/** What a call's failure means. */
enum virt_error {
        VIRT_OK,
        VIRT_REFUSED, /* libvirt answered: it did not do it */
        VIRT_NONE,    /* there is no such domain */
        VIRT_LOST,    /* no answer: it may or may not take effect */
};

/** virt_last() - classify this thread's last error on @conn (NULL: the open); @text may be NULL. */
enum virt_error virt_last(virConnectPtr conn, char *text);

/** virt_find() - by UUID. *ret is NULL unless VIRT_OK. */
enum virt_error virt_find(virConnectPtr conn, const char *uuid, virDomainPtr *ret, char *text);

/** virt_look() - active or not, and in which state. */
struct virt_state {
        bool active;
        enum seen_state seen;
        int state, reason;
};
enum virt_error virt_look(virDomainPtr dom, struct virt_state *ret, char *text);

/** virt_undefine() - with all that libvirt keeps of it but NVRAM and TPM; VIRT_OK when gone. */
enum virt_error virt_undefine(virDomainPtr dom, char *text);

/** virt_agent() - is its guest agent connected? false also when libvirt does not say. */
bool virt_agent(virDomainPtr dom);

static inline void virt_free_domain(virDomainPtr *dom) {
        if (*dom)
                virDomainFree(*dom);
}
