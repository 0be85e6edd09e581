/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What somebody else may have done to a kept domain: autostart, its definition. keep.h. */
#include "hawd/guest/domxml.h"
#include "hawd/guest/job.h"

void job_look(struct job *j) {
        virDomainPtr *doms = NULL;
        int n = virConnectListAllDomains(j->conn, &doms, VIR_CONNECT_LIST_DOMAINS_AUTOSTART);

        for (int i = 0; i < n; i++) {
                struct report *r = report_new(REPORT_AUTOSTART);
                char uuid[VIR_UUID_STRING_BUFLEN] = "";

                (void)virDomainGetUUIDString(doms[i], uuid); /* from memory: it cannot fail */
                text_set(r->uuid, sizeof(r->uuid), uuid);
                shared_post(j->shared, r);
                virDomainFree(doms[i]);
        }
        free(doms);
        job_end(j, RESULT_DONE, SEEN_GONE, "%s", "");
}

void job_no_autostart(struct job *j) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        char text[TEXT_LEN] = "";
        enum virt_error e = virt_find(j->conn, j->uuid, &dom, text);

        if (e == VIRT_OK && !job_stopped(j) && virDomainSetAutostart(dom, 0) < 0)
                e = virt_last(j->conn, text);
        if (e == VIRT_OK)
                job_end(j, RESULT_DONE, SEEN_GONE,
                        "somebody switched its autostart on: it is off again, hawd starts it");
        else
                job_end(j, RESULT_FAILED, SEEN_GONE,
                        "its autostart is on, and cannot be switched off: %s", text);
}

uint64_t job_definition(virDomainPtr dom, struct guest_spec **ret) {
        _cleanup_(freep) char *xml =
                virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
        struct guest_spec *spec = NULL;
        char err[TEXT_LEN];
        uint64_t hash;

        if (!xml || spec_from_xml(xml, strlen(xml), &spec, err) < 0)
                return 0;
        hash = domxml_hash(spec->xml->data, spec->xml->len);
        if (ret)
                *ret = spec;
        else
                guest_spec_unref(spec);
        return hash;
}

/* DONE without a spec: it runs, and is not defined any more. */
void job_inspect(struct job *j) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct virt_state st;
        char text[TEXT_LEN];

        job_end(j, RESULT_FAILED, SEEN_GONE, "%s", "");
        if (virt_find(j->conn, j->uuid, &dom, text) != VIRT_OK ||
            virt_look(dom, &st, text) != VIRT_OK)
                return;
        if (virDomainIsPersistent(dom) > 0) {
                j->out.definition = job_definition(dom, &j->out.spec);
                if (j->out.definition)
                        job_end(j, RESULT_DONE, st.seen, "%s", "");
        } else if (st.active) {
                job_end(j, RESULT_DONE, st.seen,
                        "somebody undefined it: it runs on, and is defined anew when it is "
                        "started");
        }
}
