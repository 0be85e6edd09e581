/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: hosts join, report, are lost and come back. Pure.
 */
#include "hawd/core/apply.h"

static void host_add(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h;

        /* Fence devices are of a name: two hosts must never have one. */
        if (model_host(l->m, op->host) || model_host_named(l->m, op->name) ||
            l->m->n_hosts == HOSTS_MAX)
                return;
        h = &l->m->hosts[l->m->n_hosts++];
        *h = (struct host){.nodeid = op->host,
                           .version = l->version,
                           .since_wall = op->wall,
                           .no_vote = op->flag};
        text_set(h->name, sizeof(h->name), op->name);
        ledger_note(l, NOTE_HOST_ADDED, op->host, NULL, 0, "%s joins the cluster's list of hosts",
                    h->name);
}

/* Indexes stay: only the last host of the array can go without moving claims, so the others'
 * bits are moved down with it. */
static void host_bits_drop(struct model *m, int index) {
        uint32_t low = (1u << index) - 1;

        for (size_t i = 0; i < m->n_guests; i++) {
                struct guest *g = &m->guests[i];

                g->claims = (g->claims & low) | ((g->claims >> 1) & ~low);
                g->tried = (g->tried & low) | ((g->tried >> 1) & ~low);
                memmove(&g->claim[index], &g->claim[index + 1],
                        (size_t)(HOSTS_MAX - index - 1) * sizeof(g->claim[0]));
                g->claim[HOSTS_MAX - 1] = (struct claim){0};
        }
}

bool host_removable(const struct model *m, const struct host *h) {
        uint32_t bit = 1u << model_host_index(m, h->nodeid);

        if ((h->state != HOST_NEW && h->state != HOST_AWAY && h->state != HOST_OFF) ||
            fence_job_open(m, h->nodeid) || (!h->no_vote && ledger_voters(m) < 2))
                return false;
        for (size_t i = 0; i < m->n_guests; i++)
                if (m->guests[i].claims & bit)
                        return false;
        return true;
}

static void host_remove(struct ledger *l) {
        struct host *h = ledger_host(l);
        int index;

        if (!h || !host_removable(l->m, h))
                return;
        index = model_host_index(l->m, h->nodeid);
        ledger_note(l, NOTE_HOST_REMOVED, h->nodeid, NULL, 0, "%s is no longer in the nodelist",
                    h->name);
        incident_close(l, &h->incident, "removed from the cluster");
        host_bits_drop(l->m, index);
        devices_drop_of(l->m, h->nodeid);
        replica_host_removed(l, h->nodeid);
        memmove(h, h + 1, (l->m->n_hosts - (size_t)index - 1) * sizeof(*h));
        l->m->n_hosts--;
}

/* A guest of the lost host: its claim stays until the proof; a job there has nobody to end it. */
static void guest_of_lost_host(struct ledger *l, struct guest *g, struct host *h) {
        char cause[TEXT_LEN];

        if (g->job_kind != JOB_NONE && g->job_host == h->nodeid) {
                g->job_kind = JOB_NONE;
                g->job = 0;
                guest_touch(l, g);
        }
        g->recovery.why = END_NONE; /* of its own; now it is its host's */
        if (g->desired == DESIRED_IGNORED)
                return;
        text_fmt(cause, sizeof(cause), "host %s lost", h->name);
        if (g->desired != DESIRED_STOPPED && !g->deleting && !g->incident)
                incident_open(l, INCIDENT_GUEST, h->nodeid, g, cause);
        guest_to(l, g, GUEST_FAILED, "%s is lost: waiting for proof that it is off", h->name);
}

void host_lost(struct ledger *l, struct host *h, const char *why, usec_t last_good) {
        int index = model_host_index(l->m, h->nodeid);
        char cause[TEXT_LEN];

        host_to(l, h, HOST_LOST);
        h->losses++;
        h->loss_version = l->version;
        h->lost_wall = l->op->wall;
        h->proof = PROOF_NONE;
        h->proof_text[0] = '\0';
        h->fence_tries = 0;
        h->fence_level = 0;
        h->fence_error[0] = '\0';
        h->read_off = false;
        h->reported = false;
        h->left_announced = false;
        h->power_on_wanted = false;
        fence_jobs_call_off(l, h); /* one that switches a supply on again: it would be in the way */
        if (!h->incident) {
                struct incident *x;

                text_fmt(cause, sizeof(cause), "host %s lost", h->name);
                x = incident_open(l, INCIDENT_HOST, h->nodeid, NULL, cause);
                x->at[STEP_LAST_GOOD] = last_good;
                h->incident = x->id;
        }
        ledger_note(l, NOTE_HOST_LOST, h->nodeid, NULL, h->incident, "%s is lost (loss %u): %s",
                    h->name, h->losses, why);
        for (size_t i = 0; i < l->m->n_guests; i++)
                if (l->m->guests[i].claims & (1u << index))
                        guest_of_lost_host(l, &l->m->guests[i], h);
        replica_host_lost(l, h);
}

static void op_host_lost(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h || h->state == HOST_NEW || h->state == HOST_LOST || h->state == HOST_FENCING ||
            h->state == HOST_OFF || h->state == HOST_AWAY)
                return;
        host_lost(l, h, l->op->text, l->op->wall_last_good);
}

/* Proof ends the claims that were given before the loss; S2: none can have been given since. */
void host_proven(struct ledger *l, struct host *h, enum proof proof, const char *text) {
        int index = model_host_index(l->m, h->nodeid);
        char why[TEXT_LEN];

        host_to(l, h, HOST_OFF);
        h->proof = proof;
        text_set(h->proof_text, sizeof(h->proof_text), text);
        h->fence_forced = false;
        h->read_off = false;
        h->fence_tries = 0;
        h->fence_error[0] = '\0';
        h->power_on_wanted = true;
        host_watchdog_gone(h);
        if (proof == PROOF_DEVICES || proof == PROOF_LEASE)
                host_fenced(h, l->op->wall);
        incident_step(l, h->incident, STEP_FENCED, l->op->wall);
        ledger_note(l, NOTE_HOST_OFF, h->nodeid, NULL, h->incident, "%s is proven off: %s", h->name,
                    text);
        text_fmt(why, sizeof(why), "%s is proven off", h->name);
        for (size_t i = 0; i < l->m->n_guests; i++) {
                struct guest *g = &l->m->guests[i];

                if (!(g->claims & (1u << index)) || g->claim[index].version > h->loss_version)
                        continue;
                incident_step(l, g->incident, STEP_FENCED, l->op->wall);
                replica_proven(l, g, h);
                guest_release(l, g, h->nodeid);
                if (g->claims == 0)
                        guest_down(l, g, why);
        }
}

static void op_host_join(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);

        if (!h || h->fence_forced)
                return;
        if (h->state == HOST_JOINING && h->incarnation == op->incarnation && !h->reported) {
                if (!op->facts.vcpus || (h->facts.vcpus == op->facts.vcpus &&
                                         h->facts.memory_mib == op->facts.memory_mib))
                        return;
                h->facts = op->facts; /* its libvirt answers now */
                h->version = l->version;
                return;
        }
        if (h->state == HOST_LOST || h->state == HOST_FENCING)
                replica_host_back(l, h);
        host_to(l, h, HOST_JOINING);
        host_watchdog_gone(h); /* this hawd says anew what it has armed */
        h->incarnation = op->incarnation;
        h->facts = op->facts;
        h->reported = false;
        h->left_announced = false;
        h->power_on_wanted = false;
        for (size_t i = 0; i < l->m->n_fence_jobs; i++) {
                struct fence_job *j = &l->m->fence_jobs[i];

                if (j->host == h->nodeid && !j->cancelling) {
                        j->cancelling = true;
                        ledger_note(l, NOTE_FENCE_CANCEL, h->nodeid, NULL, h->incident,
                                    "%s is back: its fencing by %s is called off", h->name,
                                    model_host_name(l->m, j->executor));
                }
        }
        /* Jobs given to the hawd that was there before: the report settles them. */
        for (size_t i = 0; i < l->m->n_guests; i++) {
                struct guest *g = &l->m->guests[i];

                if (g->job_kind == JOB_NONE || g->job_host != h->nodeid)
                        continue;
                g->job_kind = JOB_NONE;
                g->job = 0;
                guest_touch(l, g);
        }
        ledger_note(l, NOTE_HOST_JOINING, h->nodeid, NULL, h->incident,
                    "%s is back in the group and settles its guests", h->name);
}

static enum seen_state reported(const struct op *op, uint32_t gid) {
        for (uint32_t i = 0; i < op->n_seen; i++)
                if (op->seen_list[i].gid == gid)
                        return op->seen_list[i].state;
        return SEEN_GONE;
}

static void guest_reported(struct ledger *l, struct guest *g, struct host *h) {
        enum seen_state seen = reported(l->op, g->gid);
        char cause[TEXT_LEN];

        g->host = h->nodeid;
        /* What it failed of is not seen anew: a hang counts only after it was healthy. */
        if (g->recovery.why != END_NONE &&
            (g->state == GUEST_FAILED || g->state == GUEST_BLOCKED) && seen != SEEN_GONE) {
                guest_to(l, g, GUEST_FAILED, "%s on %s; its QEMU is to be ended",
                         end_why_name(g->recovery.why), h->name);
                return;
        }
        g->recovery.why = END_NONE; /* what ails it is seen anew */
        if (seen == SEEN_RUNNING || seen == SEEN_PAUSED) {
                bool was = g->state == GUEST_RUNNING || g->state == GUEST_PAUSED;

                guest_to(l, g, seen == SEEN_RUNNING ? GUEST_RUNNING : GUEST_PAUSED,
                         "found %s on %s when it joined", seen_state_name(seen), h->name);
                if (!was)
                        g->health = HEALTH_BOOTING;
                g->promoting = 0;
                replica_runs(l, g);
                return;
        }
        if (seen == SEEN_CRASHED) { /* its QEMU is still there: the claim stays until settled */
                text_fmt(cause, sizeof(cause), "found crashed on %s when it joined", h->name);
                if (g->desired == DESIRED_RUNNING && !g->deleting)
                        guest_failed(l, g, END_CRASHED, cause);
                guest_to(l, g, GUEST_FAILED, "%s", cause);
                return;
        }
        text_fmt(cause, sizeof(cause), "was not running on %s when it joined again", h->name);
        guest_release(l, g, h->nodeid);
        if (!g->incident && g->desired == DESIRED_RUNNING && !g->deleting)
                incident_open(l, INCIDENT_GUEST, h->nodeid, g, cause);
        if (g->claims == 0)
                guest_down(l, g, cause);
}

static void op_host_report(struct ledger *l) {
        struct host *h = ledger_host(l);
        int index;

        if (!h || h->state != HOST_JOINING || h->incarnation != l->op->incarnation || h->reported)
                return;
        index = model_host_index(l->m, h->nodeid);
        for (size_t i = 0; i < l->m->n_guests; i++)
                if (l->m->guests[i].claims & (1u << index))
                        guest_reported(l, &l->m->guests[i], h);
        h->reported = true;
        h->version = l->version;
}

static void op_host_online(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h || h->state != HOST_JOINING || !h->reported || fence_job_open(l->m, h->nodeid))
                return;
        if (l->op->flag) {
                host_to(l, h, HOST_QUARANTINED);
                ledger_note(l, NOTE_HOST_QUARANTINED, h->nodeid, NULL, h->incident,
                            "%s is back, in quarantine: %s", h->name, l->op->text);
                incident_close(l, &h->incident, "back, in quarantine");
                return;
        }
        host_serve(l, h);
        ledger_note(l, NOTE_HOST_ONLINE, h->nodeid, NULL, h->incident, "%s is online", h->name);
        incident_step(l, h->incident, STEP_HEALTHY, l->op->wall);
        incident_close(l, &h->incident, "back online");
}

static void op_host_stopping(struct ledger *l) {
        struct host *h = ledger_host(l);
        int index;
        bool left = false;

        if (!h || h->incarnation != l->op->incarnation || !host_present(h))
                return;
        index = model_host_index(l->m, h->nodeid);
        for (size_t i = 0; i < l->m->n_guests; i++)
                left |= (l->m->guests[i].claims & (1u << index)) != 0;
        host_to(l, h, left ? HOST_UNSUPERVISED : HOST_AWAY);
        h->left_announced = true;
        if (!l->op->flag) /* it is disarmed when this is stable: its guests go on without it */
                host_watchdog_gone(h);
        if (left)
                ledger_note(l, NOTE_HOST_UNSUPERVISED, h->nodeid, NULL, 0,
                            "hawd on %s stops; its guests run on, unsupervised: start hawd there",
                            h->name);
        else
                ledger_note(l, NOTE_HOST_AWAY, h->nodeid, NULL, 0,
                            "hawd on %s stops; it leaves no guest behind", h->name);
}

void apply_host_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_HOST_ADD:
                host_add(l);
                break;
        case OP_HOST_REMOVE:
                host_remove(l);
                break;
        case OP_HOST_LOST:
                op_host_lost(l);
                break;
        case OP_HOST_JOIN:
                op_host_join(l);
                break;
        case OP_HOST_REPORT:
                op_host_report(l);
                break;
        case OP_HOST_ONLINE:
                op_host_online(l);
                break;
        case OP_HOST_STOPPING:
                op_host_stopping(l);
                break;
        default:
                break;
        }
}
