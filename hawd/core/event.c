/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/event.h"

static const char *const verbs[] = {
        [VERB_NONE] = "none",
        [VERB_GUEST_ADD] = "guest add",
        [VERB_GUEST_CREATE] = "guest create",
        [VERB_GUEST_SET] = "guest set",
        [VERB_GUEST_START] = "guest start",
        [VERB_GUEST_STOP] = "guest stop",
        [VERB_GUEST_IGNORE] = "guest ignore",
        [VERB_GUEST_PAUSE] = "guest pause",
        [VERB_GUEST_RESUME] = "guest resume",
        [VERB_GUEST_MOVE] = "guest move",
        [VERB_GUEST_DELETE] = "guest delete",
        [VERB_GUEST_REMOVE] = "guest remove",
        [VERB_RULE_SET] = "rule add",
        [VERB_RULE_DELETE] = "rule delete",
        [VERB_FENCE_TEST] = "fence test",
        [VERB_FENCE_HOST] = "fence host",
        [VERB_FENCE_CONFIRM] = "fence confirm",
        [VERB_FACTS] = "facts",
        [VERB_HOST_RELEASE] = "host release",
        [VERB_GUEST_RECOVER] = "guest recover",
        [VERB_REPLICA_PROMOTE] = "replica promote",
        [VERB_REPLICA_FORCE] = "replica promote --accept-loss",
        [VERB_REPLICA_RESYNC] = "replica resync",
        [VERB_REPLICA_OUTDATE] = "replica outdate",
        [VERB_ACCEPT_LOSS] = "accept loss",
        [VERB_SNAP_TAKE] = "snapshot create",
        [VERB_SNAP_DELETE] = "snapshot delete",
        [VERB_SNAP_ROLLBACK] = "snapshot rollback",
};

const char *verb_name(enum verb v) {
        return (size_t)v < ARRAY_SIZE(verbs) ? verbs[v] : NULL;
}

struct action *actions_add(struct actions *a, enum action_kind kind) {
        struct action *x;

        if (a->n == a->cap) {
                a->cap = MAX(8, a->cap * 2);
                a->list = xreallocarray(a->list, a->cap, sizeof(*a->list));
        }
        x = &a->list[a->n++];
        *x = (struct action){.kind = kind};
        return x;
}

void persist_free(struct persist *p) {
        if (!p)
                return;
        state_unref(p->install);
        for (size_t i = 0; i < p->n_entries; i++)
                entry_unref(p->entries[i]);
        free(p->entries);
        if (p->compact)
                model_clear(p->compact);
        free(p->compact);
        free(p->rows);
        free(p);
}

static void action_clear(struct action *x) {
        switch (x->kind) {
        case ACT_PERSIST:
                persist_free(x->persist);
                break;
        case ACT_SEND:
                msg_unref(x->send);
                break;
        case ACT_GUEST_JOB:
                guest_spec_unref(x->guest_job.spec);
                free(x->guest_job.snaps);
                break;
        case ACT_NOTE:
                free(x->note);
                break;
        case ACT_REPLY:
                blob_unref(x->reply.facts);
                break;
        case ACT_REPLICA:
                guest_spec_unref(x->replica.spec);
                blob_unref(x->replica.where);
                break;
        case ACT_GUEST_CANCEL:
        case ACT_FENCE:
        case ACT_FENCE_CANCEL:
        case ACT_READING:
        case ACT_FACTS:
        case ACT_REJOIN:
        case ACT_WATCHDOG:
        case ACT_SENSORS:
        case ACT_STOPPED:
        case ACT_KIND_MAX_:
                break;
        }
}

void actions_clear(struct actions *a) {
        for (size_t i = 0; i < a->n; i++)
                action_clear(&a->list[i]);
        a->n = 0;
}

void actions_free(struct actions *a) {
        actions_clear(a);
        free(a->list);
        *a = (struct actions){0};
}
