/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: what a person asks for. Pure.
 */
#include "hawd/core/apply.h"

/* What could never be done would be waited for in silence. 1 settings that go together  2 a copy
 * goes to a host that is known by its name  3 and is another one than @data, node id of the one
 * with its disks; 0: none has them yet */
static bool makes_sense(struct ledger *l, const struct guest_spec *s, uint32_t data) {
        const char *host = s->conf.replica.host;
        const struct host *to = model_host_named(l->m, host);
        char why[TEXT_LEN];

        if (guest_conf_wrong(&s->conf, why)) {
                ledger_refuse(l, REPLY_USAGE, "%s: %s", s->name, why);
                return false;
        }
        if (s->conf.replica.mode == REPLICA_MODE_NONE || (to && to->nodeid != data))
                return true;
        if (to)
                ledger_refuse(l, REPLY_USAGE, "replica: %s runs on %s: copy it to another host",
                              s->name, host);
        else
                ledger_refuse(l, REPLY_USAGE, "replica: there is no host %s: see hawctl host list",
                              host);
        return false;
}

static void guest_add(struct ledger *l) {
        const struct op *op = l->op;
        struct guest_spec *s = op->spec;
        struct host *h = op->host ? model_host(l->m, op->host) : NULL;
        struct guest *g;

        if (!s)
                return;
        if (model_guest_named(l->m, s->name) || model_guest_named(l->m, s->uuid)) {
                ledger_refuse(l, REPLY_USAGE,
                              "%s (UUID %s) is already there: see hawctl guest show", s->name,
                              s->uuid);
                return;
        }
        if (l->m->n_guests == GUESTS_MAX) {
                ledger_refuse(l, REPLY_FAILED, "there are %d guests already: no more are taken",
                              GUESTS_MAX);
                return;
        }
        if (op->host && (!h || !host_serves(h))) {
                ledger_refuse(l, REPLY_FAILED,
                              "%s is not online: a running guest can be added "
                              "only there where it runs",
                              model_host_name(l->m, op->host));
                return;
        }
        if (!makes_sense(l, s, op->host))
                return;
        g = model_guest_add(l->m, s);
        g->desired = op->desired;
        g->since_wall = op->wall;
        if (h) {
                int index = model_host_index(l->m, h->nodeid);

                g->gen = 1;
                g->claims = 1u << index;
                g->claim[index] = (struct claim){.version = l->version, .gen = g->gen};
                g->host = h->nodeid;
                guest_to(l, g, GUEST_RUNNING, "found running on %s", h->name);
                g->health = HEALTH_BOOTING;
                text_set(g->placed_why, sizeof(g->placed_why), "it ran there when it was added");
        } else {
                guest_down(l, g, "added");
        }
        replica_follow(l, g, NULL);
        guest_touch(l, g);
        ledger_note(l, NOTE_GUEST_ADDED, g->host, g, 0, "%s is added, wanted %s", s->name,
                    desired_name(g->desired));
}

/* Another replica gives the one up that is there: not while the guest is started from it, nor when
 * it may be all that is left of its disks (S9). */
static bool copy_may_go(struct ledger *l, const struct guest *g, const struct conf_replica *now) {
        const struct conf_replica *was = &g->spec->conf.replica;
        const struct replica *r = &g->replica;
        const struct host *data = model_host(l->m, r->data);

        if (now->mode == was->mode && strcmp(now->host, was->host) == 0 &&
            strcmp(now->resource, was->resource) == 0)
                return true;
        if (g->promoting) {
                ledger_refuse(l, REPLY_BUSY,
                              "%s is being started from its replica: try again when it runs",
                              g->spec->name);
                return false;
        }
        if (r->state == REPLICA_NONE || r->state == REPLICA_COPYING || (data && host_present(data)))
                return true;
        ledger_refuse(l, REPLY_FAILED,
                      "%.40s with the disks of %.40s is not there, and its replica on %.40s may be "
                      "all that is left of them: bring it back, or hawctl replica promote %.40s",
                      model_host_name(l->m, r->data), g->spec->name, model_host_name(l->m, r->host),
                      g->spec->name);
        return false;
}

static void guest_set(struct ledger *l) {
        struct guest *g = ledger_guest(l);
        struct guest_spec *s = l->op->spec;
        struct conf_replica before;

        if (!g || !s)
                return;
        if (strcmp(s->name, g->spec->name) != 0 || strcmp(s->uuid, g->spec->uuid) != 0) {
                ledger_refuse(l, REPLY_USAGE, "name and UUID of a guest cannot be changed");
                return;
        }
        /* After a start from the copy both have changed places. */
        if (!makes_sense(l, s, g->claims && !g->replica.data ? g->host : 0))
                return;
        if (s->disks != g->spec->disks && snaps_any(g->snaps)) {
                ledger_refuse(l, REPLY_USAGE,
                              "its disks are others, and the snapshots of %s are of those that it "
                              "has: delete them first, or have them forgotten: hawctl-snapshot(1)",
                              s->name);
                return;
        }
        if (s->conf.replica.mode != REPLICA_MODE_NONE && snaps_any(g->snaps)) {
                ledger_refuse(l, REPLY_USAGE,
                              "%s has snapshots, and a replica is of its disk alone: delete them "
                              "(hawctl snapshot list %s)",
                              s->name, s->name);
                return;
        }
        if (!copy_may_go(l, g, &s->conf.replica))
                return;
        before = g->spec->conf.replica;
        guest_spec_unref(g->spec);
        g->spec = guest_spec_ref(s);
        replica_follow(l, g, &before);
        guest_touch(l, g);
        ledger_note(l, NOTE_GUEST_SET, 0, g, 0, "%s has new settings%s%s", s->name,
                    l->op->text[0] ? ", by " : "", l->op->text);
}

void guest_ladder_anew(struct guest *g) {
        g->tried = 0;
        g->start_failures = 0;
        g->start_error[0] = '\0';
        g->recovery =
                (struct recovery){.why = g->recovery.why, .healthy_wall = g->recovery.healthy_wall};
}

static void guest_recover(struct ledger *l) {
        struct guest *g = ledger_guest(l);

        if (!g)
                return;
        if (g->deleting || (g->desired != DESIRED_RUNNING && g->desired != DESIRED_PAUSED)) {
                ledger_refuse(l, REPLY_USAGE, "%s is %s: hawctl guest start %s", g->spec->name,
                              g->deleting                     ? "being deleted"
                              : g->desired == DESIRED_STOPPED ? "wanted stopped"
                                                              : "ignored",
                              g->spec->name);
                return;
        }
        guest_ladder_anew(g);
        guest_touch(l, g);
        if (g->claims == 0 && g->job_kind == JOB_NONE)
                guest_down(l, g, "waits for its start");
        ledger_note(l, NOTE_GUEST_DESIRED, g->host, g, g->incident,
                    "%s is to be recovered from the first rung on, by %s", g->spec->name,
                    l->op->text);
}

static void guest_desire(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);

        if (!g)
                return;
        if (g->deleting) {
                ledger_refuse(l, REPLY_USAGE, "%s is being deleted", g->spec->name);
                return;
        }
        if (op->flag && g->desired != DESIRED_PAUSED && g->state != GUEST_PAUSED) {
                ledger_refuse(l, REPLY_USAGE, "%s is not paused", g->spec->name);
                return;
        }
        if (op->desired == DESIRED_PAUSED && g->state != GUEST_RUNNING &&
            g->state != GUEST_PAUSED) {
                ledger_refuse(l, REPLY_USAGE, "%s is %s: only a running guest can be paused",
                              g->spec->name, guest_state_name(g->state));
                return;
        }
        if (g->desired != op->desired)
                ledger_note(l, NOTE_GUEST_DESIRED, g->host, g, 0, "%s is wanted %s, by %s",
                            g->spec->name, desired_name(op->desired), op->text);
        g->desired = op->desired;
        guest_ladder_anew(g);
        if (g->state == GUEST_PAUSED && op->desired == DESIRED_PAUSED)
                g->recovery.why = END_NONE; /* a person's pause now, whyever it was */
        guest_touch(l, g);
        if (g->claims == 0)
                guest_down(l, g,
                           op->desired == DESIRED_STOPPED ? "stopped as asked"
                                                          : "waits for its start");
        if (op->desired == DESIRED_STOPPED || op->desired == DESIRED_IGNORED)
                incident_close(l, &g->incident, "no longer wanted running");
}

/* The leader cannot place it on the target: it stays where it is. */
static void guest_move_off(struct ledger *l, struct guest *g) {
        g->move_to = 0;
        guest_touch(l, g);
        ledger_note(l, NOTE_GUEST_DESIRED, g->host, g, 0, "%s does not move: %s", g->spec->name,
                    l->op->text);
}

static void guest_move(struct ledger *l) {
        struct guest *g = ledger_guest(l);
        struct host *h;

        if (g && l->op->host == 0) {
                guest_move_off(l, g);
                return;
        }
        h = ledger_host(l);
        if (!g || !h)
                return;
        if (!host_serves(h)) {
                ledger_refuse(l, REPLY_FAILED, "%s is %s, not online: nothing can be moved there",
                              h->name, host_state_name(h->state));
                return;
        }
        if (g->desired != DESIRED_RUNNING || g->deleting) {
                ledger_refuse(l, REPLY_USAGE, "%s is wanted %s: only a running guest is moved",
                              g->spec->name, desired_name(g->desired));
                return;
        }
        if (g->host == h->nodeid && g->claims) {
                ledger_refuse(l, REPLY_USAGE, "%s is on %s already", g->spec->name, h->name);
                return;
        }
        if (g->spec->conf.replica.mode != REPLICA_MODE_NONE && g->replica.data &&
            h->nodeid != g->replica.data && h->nodeid != g->replica.host) {
                ledger_refuse(l, REPLY_USAGE,
                              "%s has its disks on %s, and its replica is not on %s", g->spec->name,
                              model_host_name(l->m, g->replica.data), h->name);
                return;
        }
        g->move_to = h->nodeid;
        g->tried = 0;
        if (l->op->flag)
                recovery_moved(&g->recovery, &g->spec->conf, l->op->wall);
        guest_touch(l, g);
        ledger_note(l, NOTE_GUEST_DESIRED, h->nodeid, g, 0, "%s is to move to %s, by %s",
                    g->spec->name, h->name, l->op->text);
}

static void guest_delete(struct ledger *l) {
        struct guest *g = ledger_guest(l);
        const struct host *h;

        if (!g)
                return;
        if (l->op->flag) {
                g->deleting = true;
                g->undefine = true;
                guest_touch(l, g);
                ledger_note(l, NOTE_GUEST_DESIRED, g->host, g, 0, "%s is to be deleted, by %s",
                            g->spec->name, l->op->text);
                if (g->claims == 0)
                        guest_down(l, g, "to be deleted");
                return;
        }
        if (g->job_kind != JOB_NONE) {
                ledger_refuse(l, REPLY_BUSY, "%s has a job under way (%s): try again",
                              g->spec->name, guest_job_name(g->job_kind));
                return;
        }
        if (g->claims == 0) {
                ledger_refuse(
                        l, REPLY_USAGE,
                        "%s is %s: its definition is kept by hawd alone and would be lost; "
                        "start it first, or save it (hawctl guest show %s --xml) and delete it",
                        g->spec->name, guest_state_name(g->state), g->spec->name);
                return;
        }
        /* S1: forgotten with its claim, it could be created anew, and run elsewhere too. */
        h = model_host(l->m, g->host);
        if ((g->state != GUEST_RUNNING && g->state != GUEST_PAUSED) || !h || !host_present(h) ||
            h->state == HOST_JOINING) {
                ledger_refuse(l, REPLY_FAILED,
                              "%s is %s on %s, which is %s: it is let go of only where it runs, "
                              "under the eyes of hawd",
                              g->spec->name, guest_state_name(g->state),
                              model_host_name(l->m, g->host),
                              h ? host_state_name(h->state) : "no host of the cluster any more");
                return;
        }
        ledger_note(l, NOTE_GUEST_REMOVED, g->host, g, 0, "hawd lets go of %s, by %s",
                    g->spec->name, l->op->text);
        incident_close(l, &g->incident, "no longer managed");
        model_guest_remove(l->m, g->gid);
}

static void rule_set(struct ledger *l) {
        const struct op *op = l->op;
        struct rule *r = model_rule(l->m, op->name);

        if (!r && l->m->n_rules == RULES_MAX) {
                ledger_refuse(l, REPLY_FAILED, "there are %d rules already: no more are taken",
                              RULES_MAX);
                return;
        }
        if (!r)
                r = model_rule_add(l->m, op->name);
        r->version = l->version;
        r->kind = op->rule_kind;
        r->strict = op->flag;
        blob_unref(r->guests);
        blob_unref(r->hosts);
        r->guests = blob_ref(op->list);
        r->hosts = blob_ref(op->list2);
        ledger_note(l, NOTE_RULE_SET, 0, NULL, 0, "rule %s: %s %s%s%s%s", r->name,
                    rule_kind_name(r->kind), r->guests ? r->guests->data : "",
                    r->hosts ? " on " : "", r->hosts ? r->hosts->data : "",
                    r->strict ? ", strict" : "");
}

static void rule_delete(struct ledger *l) {
        if (!model_rule(l->m, l->op->name)) {
                ledger_refuse(l, REPLY_USAGE, "there is no rule %s", l->op->name);
                return;
        }
        model_rule_remove(l->m, l->op->name);
        ledger_note(l, NOTE_RULE_DELETED, 0, NULL, 0, "rule %s is deleted", l->op->name);
}

void apply_wish_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_GUEST_ADD:
                guest_add(l);
                break;
        case OP_GUEST_SET:
                guest_set(l);
                break;
        case OP_GUEST_DESIRE:
                guest_desire(l);
                break;
        case OP_GUEST_MOVE:
                guest_move(l);
                break;
        case OP_GUEST_DELETE:
                guest_delete(l);
                break;
        case OP_GUEST_RECOVER:
                guest_recover(l);
                break;
        case OP_RULE_SET:
                rule_set(l);
                break;
        case OP_RULE_DELETE:
                rule_delete(l);
                break;
        default:
                break;
        }
}
