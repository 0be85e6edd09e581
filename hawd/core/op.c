/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/op.h"

static const char *const kinds[] = {
        [OP_NONE] = "none",
        [OP_HOST_ADD] = "host-add",
        [OP_HOST_REMOVE] = "host-remove",
        [OP_HOST_LOST] = "host-lost",
        [OP_HOST_ONLINE] = "host-online",
        [OP_HOST_VOTE] = "host-vote",
        [OP_HOST_PROVEN] = "host-proven",
        [OP_HOST_RENAME] = "host-rename",
        [OP_FENCE_START] = "fence-start",
        [OP_FENCE_CLOSE] = "fence-close",
        [OP_FENCE_WAIT] = "fence-wait",
        [OP_GUEST_START] = "guest-start",
        [OP_GUEST_JOB] = "guest-job",
        [OP_GUEST_REASON] = "guest-reason",
        [OP_GUEST_FORGET] = "guest-forget",
        [OP_HOST_JOIN] = "host-join",
        [OP_HOST_REPORT] = "host-report",
        [OP_HOST_STOPPING] = "host-stopping",
        [OP_HOST_FACTS] = "host-facts",
        [OP_GUEST_DONE] = "guest-done",
        [OP_GUEST_SEEN] = "guest-seen",
        [OP_GUEST_HEALTHY] = "guest-healthy",
        [OP_GUEST_ROGUE] = "guest-rogue",
        [OP_FENCE_DONE] = "fence-done",
        [OP_DEVICE_SEEN] = "device-seen",
        [OP_DEVICE_FORGET] = "device-forget",
        [OP_DEVICE_OFF] = "device-off",
        [OP_GUEST_ADD] = "guest-add",
        [OP_GUEST_SET] = "guest-set",
        [OP_GUEST_DESIRE] = "guest-desire",
        [OP_GUEST_MOVE] = "guest-move",
        [OP_GUEST_DELETE] = "guest-delete",
        [OP_RULE_SET] = "rule-set",
        [OP_RULE_DELETE] = "rule-delete",
        [OP_FENCE_CONFIRM] = "fence-confirm",
        [OP_FENCE_REQUEST] = "fence-request",
        [OP_HOST_RELEASE] = "host-release",
        [OP_GUEST_RECOVER] = "guest-recover",
        [OP_HOST_WATCHDOG] = "host-watchdog",
        [OP_FENCE_LEASE] = "fence-lease",
        [OP_REPLICA_BEGIN] = "replica-begin",
        [OP_REPLICA_SAYS] = "replica-says",
        [OP_REPLICA_STANDS] = "replica-stands",
        [OP_REPLICA_FORCE] = "replica-force",
        [OP_REPLICA_RESYNC] = "replica-resync",
        [OP_SNAP_TAKE] = "snap-take",
        [OP_SNAP_DELETE] = "snap-delete",
        [OP_SNAP_ROLLBACK] = "snap-rollback",
        [OP_HOST_HEALTH] = "host-health",
};
static const char *const ends[] = {
        [END_NONE] = "none",           [END_GUEST_SHUTDOWN] = "guest-shutdown",
        [END_DESTROYED] = "destroyed", [END_FAILED] = "failed",
        [END_CRASHED] = "crashed",     [END_HOST_SHUTDOWN] = "host-shutdown",
        [END_UNKNOWN] = "unknown",     [END_WATCHDOG] = "watchdog",
        [END_HANG] = "hang",           [END_IO_ERROR] = "io-error",
};
static const char *const seens[] = {
        [SEEN_GONE] = "gone",
        [SEEN_RUNNING] = "running",
        [SEEN_PAUSED] = "paused",
        [SEEN_CRASHED] = "crashed",
};
static const char *const fence_results[] = {
        [FENCE_PROVEN_OFF] = "off",
        [FENCE_IS_ON] = "on",
        [FENCE_FAILED] = "failed",
        [FENCE_CANCELLED] = "cancelled",
};
static const char *const job_results[] = {
        [RESULT_DONE] = "done",
        [RESULT_FAILED] = "failed",
        [RESULT_UNSETTLED] = "unsettled",
        [RESULT_CANCELLED] = "cancelled",
};

const char *op_kind_name(enum op_kind k) {
        return (size_t)k < ARRAY_SIZE(kinds) ? kinds[k] : NULL;
}

const char *end_why_name(enum end_why w) {
        return (size_t)w < ARRAY_SIZE(ends) ? ends[w] : NULL;
}

const char *seen_state_name(enum seen_state s) {
        return (size_t)s < ARRAY_SIZE(seens) ? seens[s] : NULL;
}

const char *fence_result_name(enum fence_result r) {
        return (size_t)r < ARRAY_SIZE(fence_results) ? fence_results[r] : NULL;
}

const char *job_result_name(enum job_result r) {
        return (size_t)r < ARRAY_SIZE(job_results) ? job_results[r] : NULL;
}

struct entry *entry_new(void) {
        struct entry *e = xcalloc(1, sizeof(*e));

        e->refs = 1;
        return e;
}

struct op *entry_add(struct entry *e, enum op_kind kind) {
        struct op *op;

        if (e->n_ops == e->cap_ops) {
                e->cap_ops = MAX(2, e->cap_ops * 2);
                e->ops = xreallocarray(e->ops, e->cap_ops, sizeof(*e->ops));
        }
        op = &e->ops[e->n_ops++];
        *op = (struct op){.kind = kind};
        return op;
}

void op_clear(struct op *op) {
        guest_spec_unref(op->spec);
        free(op->seen_list);
        blob_unref(op->list);
        blob_unref(op->list2);
        *op = (struct op){0};
}

struct entry *entry_ref(struct entry *e) {
        if (e)
                e->refs++;
        return e;
}

struct entry *entry_unref(struct entry *e) {
        if (e && --e->refs == 0) {
                for (size_t i = 0; i < e->n_ops; i++)
                        op_clear(&e->ops[i]);
                free(e->ops);
                free(e);
        }
        return NULL;
}
