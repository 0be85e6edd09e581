/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GJOB_START: define, ask once more whether it is wanted, create. */
#include "hawd/guest/disks.h"
#include "hawd/guest/domxml.h"
#include "hawd/guest/job.h"
#include "hawd/guest/qemuproc.h"

/* What an error before the create means: nothing can run by this job, but it may be defined. */
static void failed(struct job *j, enum virt_error e, const char *what, const char *text) {
        job_end(j, e == VIRT_LOST ? RESULT_UNSETTLED : RESULT_FAILED, SEEN_GONE, "%s: %s", what,
                text);
}

static void adopted(struct job *j, virDomainPtr dom, const struct virt_state *st) {
        job_end(j, RESULT_DONE, st->seen, "it was running already");
        j->out.agent = virt_agent(dom);
}

/* Its QEMU may still be ending; a crashed one is cleared away. Return: false: the outcome is set.
 */
static bool make_room(struct job *j, virDomainPtr dom) {
        struct virt_state st;
        char text[TEXT_LEN];
        enum virt_error e;

        for (;;) {
                e = virt_look(dom, &st, text);
                if (e == VIRT_NONE || (e == VIRT_OK && !st.active))
                        return true;
                if (e != VIRT_OK) {
                        failed(j, e, "cannot look at it", text);
                        return false;
                }
                if (st.seen == SEEN_CRASHED) {
                        if (job_destroy_domain(j, text) == VIRT_OK)
                                return true;
                        job_end(j, RESULT_UNSETTLED, SEEN_CRASHED,
                                "crashed, and cannot be destroyed: %s", text);
                        return false;
                }
                if (st.state != VIR_DOMAIN_SHUTDOWN) {
                        adopted(j, dom, &st);
                        return false;
                }
                if (!job_wanted(j)) {
                        job_end(j, RESULT_UNSETTLED, SEEN_RUNNING, "still shutting down");
                        return false;
                }
                job_sleep(j, 100 * USEC_PER_MSEC);
        }
}

/* 1 active already  2 a process that libvirt does not know  3 its name is taken by another */
static bool check_before(struct job *j) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL, other = NULL;
        struct qemu_proc procs[QEMU_PROCS_MAX];
        char text[TEXT_LEN], uuid[VIR_UUID_STRING_BUFLEN] = "";
        enum virt_error e;

        e = virt_find(j->conn, j->uuid, &dom, text);
        if (e != VIRT_OK && e != VIRT_NONE) {
                /* Nothing was asked of libvirt yet. */
                job_end(j, RESULT_FAILED, SEEN_GONE, "cannot look for it: %s", text);
                return false;
        }
        if (dom && !make_room(j, dom))
                return false;
        if (qemuproc_find(j->uuid, procs) > 0) {
                job_end(j, RESULT_UNSETTLED, SEEN_RUNNING,
                        "a QEMU process of this guest (pid %d) runs unknown to libvirt",
                        (int)procs[0].pid);
                return false;
        }
        if (dom && job_other_name(j, dom)) {
                job_end(j, RESULT_FAILED, SEEN_GONE,
                        "its UUID is defined here under another name, %s: undefine that one",
                        virDomainGetName(dom));
                return false;
        }
        other = virDomainLookupByName(j->conn, j->name);
        if (other && virDomainGetUUIDString(other, uuid) == 0 && strcmp(uuid, j->uuid) != 0) {
                job_end(j, RESULT_FAILED, SEEN_GONE,
                        "another domain of the name %s is defined here (UUID %s): undefine or "
                        "rename it",
                        j->name, uuid);
                return false;
        }
        return true;
}

static bool read_xml(struct job *j, struct guest_spec **ret) {
        char err[TEXT_LEN];

        if (spec_from_xml(j->xml, j->xml_len, ret, err) < 0) {
                job_end(j, RESULT_FAILED, SEEN_GONE, "%s", err);
                return false;
        }
        if (strcmp((*ret)->uuid, j->uuid) != 0 || strcmp((*ret)->name, j->name) != 0) {
                job_end(j, RESULT_FAILED, SEEN_GONE,
                        "its domain XML is of another guest: name %s, UUID %s", (*ret)->name,
                        (*ret)->uuid);
                return false;
        }
        return true;
}

/* Nothing but the coming create may start it, and with a fresh memory: a saved image is older than
 * its disk when it ran elsewhere since. */
static bool only_by_us(struct job *j, virDomainPtr dom) {
        char text[TEXT_LEN];
        int on = 0;

        if (virDomainGetAutostart(dom, &on) == 0 && on && virDomainSetAutostart(dom, 0) < 0) {
                failed(j, virt_last(j->conn, text), "cannot switch autostart off", text);
                return false;
        }
        if (virDomainHasManagedSaveImage(dom, 0) == 1 && virDomainManagedSaveRemove(dom, 0) < 0) {
                failed(j, virt_last(j->conn, text), "cannot remove its saved memory image", text);
                return false;
        }
        return true;
}

/* Refused or not wanted: gone and undefined, or unsettled. */
static void clean_up(struct job *j, virDomainPtr dom, enum job_result result, const char *why) {
        struct qemu_proc procs[QEMU_PROCS_MAX];
        struct virt_state st;
        char text[TEXT_LEN];
        enum virt_error e = virt_look(dom, &st, text);

        if ((e != VIRT_OK && e != VIRT_NONE) || st.active || qemuproc_find(j->uuid, procs) > 0) {
                job_end(j, RESULT_UNSETTLED, st.seen, "%s; %s", why,
                        e == VIRT_OK || e == VIRT_NONE ? "and yet something of it is active"
                                                       : text);
                return;
        }
        e = virt_undefine(dom, text);
        if (e == VIRT_OK)
                job_end(j, result, SEEN_GONE, "%s", why);
        else
                /* Defined, not active, and no create under way: it cannot run by this job. */
                job_end(j, result, SEEN_GONE, "%s (it stays defined: %s)", why, text);
}

static void create(struct job *j, virDomainPtr dom) {
        char text[TEXT_LEN], log[TEXT_LEN], why[2 * TEXT_LEN];
        enum virt_error e;
        off_t mark;

        if (job_stopped(j)) {
                j->out.left_defined = true;
                return;
        }
        if (!job_wanted(j)) {
                clean_up(j, dom, RESULT_CANCELLED, "no longer wanted");
                return;
        }
        mark = qemulog_mark(j->name);
        if (virDomainCreate(dom) == 0) {
                job_end(j, RESULT_DONE, SEEN_RUNNING, "started");
                return;
        }
        e = virt_last(j->conn, text);
        if (job_stopped(j)) {
                j->out.left_defined = true;
                return;
        }
        if (e == VIRT_LOST) {
                job_end(j, RESULT_UNSETTLED, SEEN_GONE, "no answer to the start: %s", text);
                return;
        }
        qemulog_tail(j->name, mark, log);
        if (log[0] && !strstr(text, "qemu") && !strstr(text, log))
                text_fmt(why, sizeof(why), "%s (QEMU log: %s)", text, log);
        else
                text_set(why, sizeof(why), text);
        clean_up(j, dom, RESULT_FAILED, why);
}

void job_start(struct job *j) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct guest_spec *spec = NULL;
        char text[TEXT_LEN];
        int r;

        if (!read_xml(j, &spec) || !check_before(j))
                goto out;
        if (!job_wanted(j)) {
                job_end(j, RESULT_CANCELLED, SEEN_GONE, "no longer wanted");
                goto out;
        }
        r = j->replica.mode == REPLICA_MODE_DRBD ? job_drbd(j, text) : job_promote(j, text);
        if (r == 0)
                r = disks_for_start(j, &spec->xml, text);
        if (r < 0) {
                /* Nothing was asked of libvirt. */
                job_end(j, r == -ECANCELED ? RESULT_CANCELLED : RESULT_FAILED, SEEN_GONE, "%s",
                        text);
                goto out;
        }
        dom = virDomainDefineXML(j->conn, spec->xml->data);
        if (!dom) {
                enum virt_error e = virt_last(j->conn, text);

                failed(j, e, e == VIRT_LOST ? "no answer to its definition" : "not defined", text);
                j->out.left_defined = e == VIRT_LOST;
                goto out;
        }
        j->out.definition = job_definition(dom, NULL);
        if (only_by_us(j, dom))
                create(j, dom);
out:
        guest_spec_unref(spec);
}
