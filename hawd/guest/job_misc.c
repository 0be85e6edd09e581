/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GJOB_PAUSE, GJOB_RESUME, GJOB_UNDEFINE, GJOB_DUMP, and the probe for agents. */
#include "hawd/guest/domxml.h"
#include "hawd/guest/job.h"

static enum job_result result_of(enum virt_error e) {
        return e == VIRT_LOST ? RESULT_UNSETTLED : RESULT_FAILED;
}

/* The domain and its state, by UUID. Return: false: the outcome is set. */
static bool find_and_look(struct job *j, virDomainPtr *ret, struct virt_state *st) {
        char text[TEXT_LEN];
        enum virt_error e = virt_find(j->conn, j->uuid, ret, text);

        if (e == VIRT_OK)
                e = virt_look(*ret, st, text);
        if (e == VIRT_OK)
                return true;
        job_end(j, result_of(e), SEEN_GONE, "%s", text);
        return false;
}

static void switch_to(struct job *j, enum seen_state wanted) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct virt_state st;
        char text[TEXT_LEN];
        enum virt_error e;
        int r;

        if (!find_and_look(j, &dom, &st))
                return;
        if (!st.active) {
                job_end(j, RESULT_FAILED, SEEN_GONE, "it does not run");
                return;
        }
        if (st.seen == wanted) {
                job_end(j, RESULT_DONE, wanted, "it was %s already",
                        wanted == SEEN_PAUSED ? "paused" : "running");
                return;
        }
        if (job_stopped(j))
                return;
        if (wanted == SEEN_PAUSED)
                r = virDomainSuspend(dom);
        else if (st.state == VIR_DOMAIN_PMSUSPENDED)
                r = virDomainPMWakeup(dom, 0);
        else
                r = virDomainResume(dom);
        if (r == 0) {
                job_end(j, RESULT_DONE, wanted, "%s", wanted == SEEN_PAUSED ? "paused" : "resumed");
                return;
        }
        e = virt_last(j->conn, text);
        if (e != VIRT_LOST)
                (void)virt_look(dom, &st, NULL); /* as it was before, if there is no answer */
        job_end(j, result_of(e), st.seen, "%s", text);
}

void job_pause(struct job *j) {
        switch_to(j, SEEN_PAUSED);
}

void job_resume(struct job *j) {
        switch_to(j, SEEN_RUNNING);
}

void job_undefine(struct job *j) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct virt_state st;
        char text[TEXT_LEN];
        enum virt_error e;

        e = virt_find(j->conn, j->uuid, &dom, text);
        if (e == VIRT_NONE) {
                job_end(j, RESULT_DONE, SEEN_GONE, "it was not defined");
                return;
        }
        if (e == VIRT_OK)
                e = virt_look(dom, &st, text);
        if (e == VIRT_OK && st.active) {
                job_end(j, RESULT_FAILED, st.seen, "it is active, so it stays defined");
                return;
        }
        if (e == VIRT_OK && job_stopped(j))
                return;
        if (e == VIRT_OK && job_other_name(j, dom)) {
                job_end(j, RESULT_DONE, SEEN_GONE, "its UUID is defined here as %s, which stays",
                        virDomainGetName(dom));
                return;
        }
        if (e == VIRT_OK)
                e = virt_undefine(dom, text);
        if (e == VIRT_OK)
                job_end(j, RESULT_DONE, SEEN_GONE, "undefined");
        else
                job_end(j, result_of(e), SEEN_GONE, "%s", text);
}

void job_dump(struct job *j) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        _cleanup_(freep) char *xml = NULL;
        struct virt_state st;
        char text[TEXT_LEN];
        enum virt_error e = VIRT_OK;

        dom = j->name[0] ? virDomainLookupByName(j->conn, j->name)
                         : virDomainLookupByUUIDString(j->conn, j->uuid);
        if (!dom) {
                e = virt_last(j->conn, text);
                if (e == VIRT_NONE)
                        text_fmt(text, sizeof(text), "libvirt has no domain %s here",
                                 j->name[0] ? j->name : j->uuid);
        }
        if (e == VIRT_OK)
                e = virt_look(dom, &st, text);
        if (e == VIRT_OK && !st.active && virDomainHasManagedSaveImage(dom, 0) == 1) {
                /* A definition goes from where the guest does not run, and this with it. */
                job_end(j, RESULT_FAILED, st.seen,
                        "%s has a saved memory image, which would be lost: virsh start it first, "
                        "or "
                        "virsh managedsave-remove",
                        virDomainGetName(dom));
                return;
        }
        if (e == VIRT_OK) {
                xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
                if (!xml)
                        e = virt_last(j->conn, text);
        }
        if (e != VIRT_OK) {
                job_end(j, result_of(e), SEEN_GONE, "%s", text);
                return;
        }
        if (spec_from_xml(xml, strlen(xml), &j->out.spec, text) < 0)
                job_end(j, RESULT_FAILED, st.seen, "%s", text);
        else
                job_end(j, RESULT_DONE, st.seen, "%s", "");
}

/* After a connect: agents that were there before. The events tell of later ones. */
void job_probe(struct job *j) {
        virDomainPtr *doms = NULL;
        int n = virConnectListAllDomains(j->conn, &doms, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

        for (int i = 0; i < n; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN];

                if (!job_stopped(j) && virDomainGetUUIDString(doms[i], uuid) == 0 &&
                    virt_agent(doms[i])) {
                        struct report *r = report_new(REPORT_HEALTHY);

                        text_set(r->uuid, sizeof(r->uuid), uuid);
                        text_set(r->text, sizeof(r->text), "guest agent found connected");
                        shared_post(j->shared, r);
                }
                virDomainFree(doms[i]);
        }
        free(doms);
        job_end(j, RESULT_DONE, SEEN_GONE, "%s", "");
}
