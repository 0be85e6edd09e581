/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: whose stores count, what an even split has proven, quarantine. Pure.
 */
#include "hawd/core/apply.h"

uint32_t ledger_voters(const struct model *m) {
        uint32_t n = 0;

        for (size_t i = 0; i < m->n_hosts; i++)
                n += !m->hosts[i].no_vote;
        return n;
}

static void host_vote(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h || h->no_vote == !l->op->flag || (!l->op->flag && ledger_voters(l->m) < 2))
                return;
        h->no_vote = !l->op->flag;
        h->version = l->version;
        ledger_note(l, NOTE_HOST_VOTE, h->nodeid, NULL, h->incident, "%s: %u of %zu hosts decide",
                    h->no_vote ? "its ledger counts no more" : "its ledger counts again",
                    ledger_voters(l->m), l->m->n_hosts);
}

/* Said by the half that went on without it: lost and proven off in one, and without a vote. */
static void host_proven_absent(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);

        if (!h || h->no_vote || op->proof == PROOF_NONE || ledger_voters(l->m) < 2)
                return;
        h->no_vote = true;
        h->version = l->version;
        if (op->proof == PROOF_GONE || h->state == HOST_NEW || h->state == HOST_AWAY ||
            h->state == HOST_OFF)
                return;
        if (h->state != HOST_LOST && h->state != HOST_FENCING)
                host_lost(l, h, "it left the ring, half of the hosts go on", op->wall_last_good);
        fence_jobs_call_off(l, h);
        host_proven(l, h, op->proof, op->text);
}

static void host_facts(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h || h->incarnation != l->op->incarnation || !host_present(h))
                return;
        h->facts = l->op->facts;
        h->version = l->version;
}

void host_watchdog_gone(struct host *h) {
        h->watchdog_usec = h->lease_usec = 0;
        h->watchdog_error[0] = '\0';
}

/* S7: of the hawd that is there, and before it said that it goes: what it takes back by leaving, or
 * by joining anew, is not said again by a message that was under way. Taken back it is at any time,
 * by others too. */
static void host_watchdog(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);
        char timeout[32], lease[32];

        if (!h || h->incarnation != op->incarnation ||
            (op->watchdog_usec && (!host_present(h) || h->left_announced)))
                return;
        h->watchdog_usec = op->watchdog_usec;
        h->lease_usec = op->lease_usec;
        text_set(h->watchdog_error, sizeof(h->watchdog_error), op->text);
        h->version = l->version;
        format_duration(op->watchdog_usec, timeout, sizeof(timeout));
        format_duration(op->lease_usec, lease, sizeof(lease));
        if (op->watchdog_usec)
                ledger_note(l, NOTE_WATCHDOG_ARMED, h->nodeid, NULL, 0,
                            "%s: its watchdog resets it within %s, unless it is fed; it is fed for "
                            "%s at most without a word from a majority",
                            h->name, timeout, lease);
        else
                ledger_note(l, NOTE_WATCHDOG_NONE, h->nodeid, NULL, 0,
                            "%s has no watchdog that proves it off: %s", h->name, op->text);
}

static void host_release(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h)
                return;
        if (h->state != HOST_QUARANTINED && h->n_fenced == 0) {
                ledger_refuse(l, REPLY_USAGE, "%s is %s, and was not fenced lately", h->name,
                              host_state_name(h->state));
                return;
        }
        h->n_fenced = 0;
        h->version = l->version;
        ledger_note(l, NOTE_HOST_RELEASED, h->nodeid, NULL, h->incident,
                    "%s takes %s out of quarantine", l->op->text, h->name);
        if (h->state == HOST_QUARANTINED) {
                host_serve(l, h);
        } else if (h->state == HOST_OFF) {
                h->power_on_wanted = true;
                h->fence_tries = 0;
                h->fence_error[0] = '\0';
        }
}

/* What a host says of itself is of the hawd that joined; what others measure of it, of whoever. */
static void host_health(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);
        uint32_t bit = 1u << op->ill;
        char left[TEXT_LEN];

        if (!h || !host_present(h) || (op->incarnation && op->incarnation != h->incarnation) ||
            ((h->ills & bit) != 0) == op->flag)
                return;
        h->ills ^= bit;
        h->version = l->version;
        text_set(h->ill_text[op->ill], ILL_TEXT, op->flag ? op->text : "");
        if (op->flag)
                ledger_note(l, NOTE_HOST_DEGRADED, h->nodeid, NULL, 0, "%s is degraded: %s: %s",
                            h->name, ill_name(op->ill), h->ill_text[op->ill]);
        else
                ledger_note(l, NOTE_HOST_WELL, h->nodeid, NULL, 0, "%s: %s is good again%s%s",
                            h->name, ill_name(op->ill), h->ills ? "; still degraded: " : "",
                            ills_text(h->ills, left, sizeof(left)));
        if (host_serves(h))
                host_serve(l, h);
}

void host_fenced(struct host *h, usec_t wall) {
        memmove(&h->fenced_wall[1], &h->fenced_wall[0],
                (FENCED_KEPT - 1) * sizeof(h->fenced_wall[0]));
        h->fenced_wall[0] = wall;
        h->n_fenced = MIN(h->n_fenced + 1, FENCED_KEPT);
}

/* @list with the word @from called @to. Return: a new reference, NULL when it is not in it. */
static struct blob *word_renamed(const struct blob *list, const char *from, const char *to) {
        size_t size = 2 * list->len + NAME_LEN, used = 0;
        _cleanup_(freep) char *out = NULL;
        bool found = false;

        for (const char *p = list->data; *p; p++)
                size += *p == ' ' ? NAME_LEN : 0;
        out = xcalloc(size, 1);
        for (const char *p = list->data; *p;) {
                size_t n = strcspn(p, " ");
                bool is = n > 0 && n == strlen(from) && strncmp(p, from, n) == 0;

                found |= is;
                text_fmt(out + used, size - used, "%.*s", is ? NAME_LEN : (int)n, is ? to : p);
                used += strlen(out + used);
                p += n;
                for (; *p == ' '; p++)
                        out[used++] = ' ';
        }
        return found ? blob_new(out, used) : NULL;
}

/* A host is its node id: what it is called is the nodelist's to say. Rules follow it; guests and
 * claims know only its number. */
static void host_rename(struct ledger *l) {
        struct host *h = model_host(l->m, l->op->host);

        if (!h || strcmp(h->name, l->op->name) == 0 || model_host_named(l->m, l->op->name) ||
            !name_valid(l->op->name))
                return;
        for (size_t i = 0; i < l->m->n_rules; i++) {
                struct rule *r = &l->m->rules[i];
                struct blob *hosts = r->hosts ? word_renamed(r->hosts, h->name, l->op->name) : NULL;

                if (!hosts)
                        continue;
                blob_unref(r->hosts);
                r->hosts = hosts;
                r->version = l->version;
        }
        ledger_note(l, NOTE_HOST_RENAMED, h->nodeid, NULL, 0,
                    "%s is called %s in the nodelist: fence devices and its section in hawd.conf "
                    "must name it so",
                    h->name, l->op->name);
        text_set(h->name, sizeof(h->name), l->op->name);
        h->version = l->version;
}

void apply_member_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_HOST_RENAME:
                host_rename(l);
                break;
        case OP_HOST_VOTE:
                host_vote(l);
                break;
        case OP_HOST_PROVEN:
                host_proven_absent(l);
                break;
        case OP_HOST_FACTS:
                host_facts(l);
                break;
        case OP_HOST_WATCHDOG:
                host_watchdog(l);
                break;
        case OP_HOST_HEALTH:
                host_health(l);
                break;
        case OP_HOST_RELEASE:
                host_release(l);
                break;
        default:
                break;
        }
}
