/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt, and what of it would start or stop guests behind hawd's back. */
#include "hawd/ctl/doctor/finding.h"
#include "hawd/ctl/text.h"

#define DAY_USEC (24 * 60 * USEC_PER_MINUTE)
#define SOON_DAYS 30

static const json_t *libvirt_of(const json_t *facts) {
        const json_t *l = json_object_get(facts, "libvirt");

        return json_is_object(l) && jnull(l, "error") ? l : NULL;
}

void judge_libvirt(struct findings *f, const json_t *facts) {
        const json_t *l = json_object_get(facts, "libvirt");

        if (json_is_object(l) && !jnull(l, "error")) {
                found(f, SEVERITY_BAD,
                      "libvirt does not answer: %s; so guests cannot be started or stopped, and "
                      "autostart, CPUs, "
                      "pools and networks are not known",
                      jtext(l, "error"));
                mend(f, "systemctl restart libvirtd (or virtqemud); guests run on meanwhile");
        } else if (!not_known(f, l, "libvirt")) {
                bool qemu = strcmp(jtext(l, "driver"), "QEMU") == 0;

                found(f, qemu ? SEVERITY_OK : SEVERITY_BAD, "libvirt %s, %s %s",
                      jtext(l, "version"), jtext(l, "driver"), jtext(l, "hypervisor_version"));
                if (!qemu)
                        mend(f, "hawd keeps QEMU's guests: its --uri should be qemu:///system");
        }
}

void judge_autostart(struct findings *f, const json_t *facts) {
        const json_t *l = libvirt_of(facts), *wants = json_object_get(facts, "wants"), *g;
        int64_t more = jnum(l, "autostart_more");
        size_t i;

        if (!l)
                return;
        if (!json_is_array(json_object_get(l, "autostart"))) {
                found(f, SEVERITY_NOTE, "not known: autostart: because libvirt does not say");
                return;
        }
        json_array_foreach(json_object_get(l, "autostart"), i, g) {
                bool kept = strcmp(jtext(wants, "from"), "hawd") == 0;

                found(f, kept ? SEVERITY_BAD : SEVERITY_WARNING,
                      "libvirt starts guest %s at boot by itself: a second copy when %s runs it "
                      "elsewhere",
                      jword(g), kept ? "hawd" : "a cluster");
                mend(f, "virsh autostart --disable %s", jword(g));
        }
        if (more > 0)
                found(f, SEVERITY_BAD, "and %lld more guests", (long long)more);
        if (i == 0)
                found(f, SEVERITY_OK, "libvirt starts no guest by itself");
}

void judge_libvirt_guests(struct findings *f, const json_t *facts) {
        const json_t *units = part_of(facts, "host/units"), *u;

        if (not_known(f, units, "whether libvirt-guests.service is enabled"))
                return;
        u = json_object_get(units, "libvirt-guests");
        if (jbool(u, "enabled") && !jbool(u, "masked")) {
                found(f, SEVERITY_BAD,
                      "libvirt-guests.service suspends or shuts guests down when the host stops, "
                      "and starts them when it boots: hawd does that, and only where it may");
                mend(f,
                     "systemctl mask libvirt-guests, and only then systemctl stop libvirt-guests: "
                     "stopped before, it shuts down the guests that run");
        } else {
                found(f, SEVERITY_OK, "libvirt-guests.service is not enabled");
        }
}

void judge_lock_manager(struct findings *f, const json_t *facts) {
        const json_t *conf = part_of(facts, "host/qemu_conf");
        const char *manager = jtext(conf, "lock_manager");

        if (not_known(f, conf, "libvirt's lock manager"))
                return;
        if (!*manager || strcmp(manager, "nop") == 0) {
                found(f, SEVERITY_NOTE,
                      "libvirt has no lock manager: hawd never runs a guest twice, but root with "
                      "virsh can");
                mend(f, "lock_manager = \"lockd\" (or sanlock) in /etc/libvirt/qemu.conf, with the "
                        "locks on shared storage");
        } else {
                found(f, SEVERITY_OK,
                      "lock manager %s: not even root with virsh can run a guest twice", manager);
        }
}

/* ---- TLS --------------------------------------------------------------------------------------
 */

static bool certificate(struct findings *f, const json_t *c, int64_t now) {
        int64_t end = jnum(c, "not_after_usec");
        const char *path = jtext(c, "path");
        char when[NAME_LEN];

        if (!jnull(c, "error")) {
                found(f, SEVERITY_WARNING, "%s: %s; libvirtd may not start with it", path,
                      jtext(c, "error"));
                mend(f, "make it anew, or take it away");
                return true;
        }
        clock_time(end, when, sizeof(when));
        if (!jnull(c, "not_after_usec") && end <= now) {
                found(f, SEVERITY_BAD, "%s ended on %s: migrations over TLS fail", path, when);
                mend(f, "make it anew and restart libvirtd (virtqemud)");
                return true;
        }
        if (!jnull(c, "not_after_usec") && end - now < (int64_t)(SOON_DAYS * DAY_USEC)) {
                found(f, SEVERITY_WARNING, "%s ends on %s", path, when);
                mend(f, "make it anew and restart libvirtd (virtqemud) before then");
                return true;
        }
        if (strcmp(jtext(c, "key"), "RSA") != 0) {
                found(f, SEVERITY_WARNING,
                      "%s has a key of kind %s: QEMU's migration works with RSA certificates only",
                      path, jtext(c, "key"));
                mend(f, "make it anew with an RSA key");
                return true;
        }
        return false;
}

void judge_certificates(struct findings *f, const json_t *facts) {
        const json_t *list = part_of(facts, "host/certificates"), *c;
        int64_t now = jnum(facts, "wall_usec");
        bool any = false;
        size_t i;

        if (!json_is_array(list)) {
                (void)not_known(f, NULL, "TLS certificates for migrations");
                return;
        }
        json_array_foreach(list, i, c) any |= certificate(f, c, now);
        if (i == 0) {
                found(f, SEVERITY_NOTE,
                      "no TLS certificates: a live migration would not be encrypted by libvirt");
                mend(f, "certificates in /etc/pki/libvirt and /etc/pki/qemu, or a network for "
                        "migrations that nobody else reaches");
        } else if (!any) {
                found(f, SEVERITY_OK, "%zu TLS certificates, good for the next %d days", i,
                      SOON_DAYS);
        }
}
