/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All checks, in the order in which people want to read them. */
#include "hawd/ctl/doctor/finding.h"

const struct doctor_check doctor_checks[] = {
        {.name = "answers", .cluster = judge_answers},
        {.name = "hawd", .host = judge_hawd},
        {.name = "cluster", .cluster = judge_cluster},
        {.name = "hosts", .cluster = judge_hosts},
        {.name = "nodelist", .cluster = judge_nodelist},
        {.name = "guests", .cluster = judge_guests},
        {.name = "fencing", .cluster = judge_fencing},
        {.name = "fence-setup", .host = judge_fence_setup},
        {.name = "secrets", .host = judge_secrets},
        {.name = "corosync", .host = judge_corosync},
        {.name = "quorum", .host = judge_quorum},
        {.name = "token", .host = judge_token},
        {.name = "links", .host = judge_links},
        {.name = "crypto", .host = judge_crypto},
        {.name = "libvirt", .host = judge_libvirt},
        {.name = "autostart", .host = judge_autostart},
        {.name = "libvirt-guests", .host = judge_libvirt_guests},
        {.name = "lock-manager", .host = judge_lock_manager},
        {.name = "managers", .host = judge_managers},
        {.name = "storage", .cluster = judge_storage},
        {.name = "io-errors", .cluster = judge_io_errors},
        {.name = "cpu", .cluster = judge_cpus},
        {.name = "uplink", .host = judge_uplink},
        {.name = "capacity", .cluster = judge_capacity},
        {.name = "clock", .cluster = judge_clocks},
        {.name = "time", .host = judge_time},
        {.name = "config", .host = judge_config},
        {.name = "config-equal", .cluster = judge_config_equal},
        {.name = "versions", .cluster = judge_versions},
        {.name = "certificates", .host = judge_certificates},
        {.name = "service", .host = judge_service},
        {.name = "limits", .host = judge_limits},
        {.name = "disk", .host = judge_disk},
        {.name = "watchdog", .cluster = judge_watchdogs},
        {.name = "replicas", .cluster = judge_replicas},
        {.name = "snapshots", .cluster = judge_snapshots},
};
const size_t n_doctor_checks = ARRAY_SIZE(doctor_checks);

void doctor_judge(const json_t *exam, struct findings *f) {
        const json_t *host;
        size_t i;

        for (size_t k = 0; k < n_doctor_checks; k++) {
                const struct doctor_check *c = &doctor_checks[k];

                f->check = c->name;
                f->host[0] = '\0';
                if (c->cluster)
                        c->cluster(f, exam);
                else
                        json_array_foreach(json_object_get(exam, "hosts"), i, host) {
                                text_set(f->host, sizeof(f->host), jtext(host, "name"));
                                if (facts_of(host))
                                        c->host(f, facts_of(host));
                        }
        }
}
