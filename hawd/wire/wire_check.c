/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each field alone does not show: names and ids that are there twice, objects that refer to
 * nothing, ops without what they are about. Refused here, so that the core never meets them: every
 * model that is taken can be worked on, stored and sent again.
 */
#include "hawd/wire/wire.h"
#include "hawd/wire/wire_pb.h"

uint64_t wire_get_number(struct wire_in *in, const char *what, uint64_t n) {
        if (n > WIRE_NUMBER_MAX)
                wire_refuse(in, "%s %" PRIu64 " is none: it is beyond all that can be reached",
                            what, n);
        return n;
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A guest is found by its name or its UUID: no two may answer to one. */
static void check_guest_names(struct wire_in *in, const struct model *m) {
        _cleanup_(freep) const char **names = xcalloc(2 * m->n_guests + 1, sizeof(*names));
        size_t n = 0;

        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest_spec *s = m->guests[i].spec;

                names[n++] = s->name;
                if (strcmp(s->name, s->uuid) != 0) /* one may be called by its own */
                        names[n++] = s->uuid;
        }
        qsort(names, n, sizeof(*names), by_text);
        for (size_t i = 1; i < n; i++)
                if (strcmp(names[i - 1], names[i]) == 0)
                        wire_refuse(in, "two guests are called %s", names[i]);
}

static void check_guests(struct wire_in *in, const struct model *m) {
        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];

                if (!g->spec->name[0] || !g->spec->uuid[0])
                        wire_refuse(in, "guest %u has no name, or no UUID", g->gid);
                if ((g->job_kind == JOB_NONE) != (g->job == 0))
                        wire_refuse(in, "guest %u has a job without a number", g->gid);
        }
        check_guest_names(in, m);
}

static void check_hosts(struct wire_in *in, const struct model *m) {
        for (size_t i = 0; i < m->n_hosts; i++)
                for (size_t k = 0; k < i; k++)
                        if (strcmp(m->hosts[i].name, m->hosts[k].name) == 0)
                                wire_refuse(in, "two hosts are called %s", m->hosts[i].name);
        for (size_t i = 0; i < m->n_devices; i++)
                for (size_t k = 0; k < i; k++)
                        if (strcmp(m->devices[i].name, m->devices[k].name) == 0)
                                wire_refuse(in, "two fence devices are called %s",
                                            m->devices[i].name);
}

static void check_fence_jobs(struct wire_in *in, const struct model *m) {
        for (size_t i = 0; i < m->n_fence_jobs; i++) {
                const struct fence_job *j = &m->fence_jobs[i];

                if (j->id == 0 || j->n_devices == 0)
                        wire_refuse(in, "a fence job without a number or a device");
                if (model_host_index(m, j->host) < 0)
                        wire_refuse(in, "a fence job of node %u, which is no host", j->host);
                for (size_t k = 0; k < i; k++)
                        if (m->fence_jobs[k].id == j->id || m->fence_jobs[k].host == j->host)
                                wire_refuse(in, "two fence jobs of node %u, or of one number",
                                            j->host);
        }
}

/* Incidents are in the order of their numbers. */
static void check_incident(struct wire_in *in, const struct model *m, uint64_t id) {
        size_t low = 0, high = m->n_incidents;

        while (low < high) {
                size_t mid = low + (high - low) / 2;

                if (m->incidents[mid].id < id)
                        low = mid + 1;
                else
                        high = mid;
        }
        if (id && (low == m->n_incidents || m->incidents[low].id != id))
                wire_refuse(in, "incident %" PRIu64 " is referred to, and not there", id);
}

void wire_check_model(struct wire_in *in, const struct model *m) {
        if (in->failed) /* it may be half of one */
                return;
        (void)wire_get_number(in, "version of a model", m->version);
        (void)wire_get_number(in, "number of an incident", m->next_incident);
        if (m->next_gid == 0 || m->next_gid > WIRE_GID_MAX || m->next_incident == 0)
                wire_refuse(in, "next guest id %u, next incident %" PRIu64 ": out of range",
                            m->next_gid, m->next_incident);
        check_hosts(in, m);
        check_guests(in, m);
        check_fence_jobs(in, m);
        for (size_t i = 0; i < m->n_hosts; i++)
                check_incident(in, m, m->hosts[i].incident);
        for (size_t i = 0; i < m->n_guests; i++)
                check_incident(in, m, m->guests[i].incident);
}

void wire_check_op(struct wire_in *in, const struct op *op) {
        switch (op->kind) {
        case OP_HOST_ADD:
                if (op->host == 0 || !op->name[0])
                        wire_refuse(in, "a host without a node id, or without a name");
                break;
        case OP_GUEST_ADD:
                if (!op->spec || !op->spec->name[0] || !op->spec->uuid[0])
                        wire_refuse(in, "a guest without a name, or without a UUID");
                break;
        case OP_DEVICE_SEEN:
        case OP_DEVICE_OFF:
        case OP_DEVICE_FORGET:
        case OP_RULE_SET:
                if (!op->name[0])
                        wire_refuse(in, "a fence device or a rule without a name");
                break;
        default:
                break;
        }
}
