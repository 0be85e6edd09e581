/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The number of every enum value on the wire. A value added to the core's headers fails to
 * compile here until it has one.
 */
#include "hawd/core/event.h"
#include "hawd/wire/wire_pb.h"

#define V(type, value) [value] = HAWD__##type##__##value
#define TABLE(name, text, max)                                                                     \
        _Static_assert(ARRAY_SIZE(name##_values) == (max), "a value of " text " has no number");   \
        const struct wire_enum wire_##name = {text, name##_values, ARRAY_SIZE(name##_values)}

static const unsigned host_state_values[] = {
        V(HOST_STATE, HOST_NEW),          V(HOST_STATE, HOST_JOINING),
        V(HOST_STATE, HOST_ONLINE),       V(HOST_STATE, HOST_DRAINING),
        V(HOST_STATE, HOST_MAINTENANCE),  V(HOST_STATE, HOST_DEGRADED),
        V(HOST_STATE, HOST_UNSUPERVISED), V(HOST_STATE, HOST_AWAY),
        V(HOST_STATE, HOST_LOST),         V(HOST_STATE, HOST_FENCING),
        V(HOST_STATE, HOST_OFF),          V(HOST_STATE, HOST_QUARANTINED),
};
TABLE(host_state, "host state", HOST_STATE_MAX_);

static const unsigned proof_values[] = {
        V(PROOF, PROOF_NONE),  V(PROOF, PROOF_DEVICES), V(PROOF, PROOF_OPERATOR),
        V(PROOF, PROOF_LEASE), V(PROOF, PROOF_GONE),
};
TABLE(proof, "proof", PROOF_MAX_);

static const unsigned guest_state_values[] = {
        V(GUEST_STATE, GUEST_STOPPED),  V(GUEST_STATE, GUEST_STARTING),
        V(GUEST_STATE, GUEST_RUNNING),  V(GUEST_STATE, GUEST_PAUSED),
        V(GUEST_STATE, GUEST_STOPPING), V(GUEST_STATE, GUEST_MIGRATING),
        V(GUEST_STATE, GUEST_FAILED),   V(GUEST_STATE, GUEST_BLOCKED),
};
TABLE(guest_state, "guest state", GUEST_STATE_MAX_);

static const unsigned desired_values[] = {
        V(DESIRED, DESIRED_RUNNING),
        V(DESIRED, DESIRED_STOPPED),
        V(DESIRED, DESIRED_PAUSED),
        V(DESIRED, DESIRED_IGNORED),
};
TABLE(desired, "desired state", DESIRED_MAX_);

static const unsigned health_values[] = {
        V(HEALTH, HEALTH_UNKNOWN),
        V(HEALTH, HEALTH_BOOTING),
        V(HEALTH, HEALTH_HEALTHY),
};
TABLE(health, "health", HEALTH_MAX_);

static const unsigned on_shutdown_values[] = {
        V(ON_SHUTDOWN, ON_SHUTDOWN_RESPECT),
        V(ON_SHUTDOWN, ON_SHUTDOWN_RESTART),
};
TABLE(on_shutdown, "on-shutdown", ON_SHUTDOWN_RESTART + 1);

static const unsigned rung_values[] = {
        V(RUNG, RUNG_NONE),     V(RUNG, RUNG_RESTART), V(RUNG, RUNG_RELOCATE),
        V(RUNG, RUNG_ROLLBACK), V(RUNG, RUNG_REPLICA),
};
TABLE(rung, "rung of recovery", RUNG_MAX_);

static const unsigned health_by_values[] = {
        V(HEALTH_BY, HEALTH_BY_AUTO),     V(HEALTH_BY, HEALTH_BY_AGENT),
        V(HEALTH_BY, HEALTH_BY_WATCHDOG), V(HEALTH_BY, HEALTH_BY_PROGRESS),
        V(HEALTH_BY, HEALTH_BY_NONE),
};
TABLE(health_by, "evidence of health", HEALTH_BY_NONE + 1);

static const unsigned replica_mode_values[] = {
        V(REPLICA_MODE, REPLICA_MODE_NONE),
        V(REPLICA_MODE, REPLICA_MODE_SYNC),
        V(REPLICA_MODE, REPLICA_MODE_ASYNC),
        V(REPLICA_MODE, REPLICA_MODE_DRBD),
};
TABLE(replica_mode, "mode of a replica", REPLICA_MODE_MAX_);

static const unsigned replica_state_values[] = {
        V(REPLICA_STATE, REPLICA_NONE),    V(REPLICA_STATE, REPLICA_COPYING),
        V(REPLICA_STATE, REPLICA_IN_STEP), V(REPLICA_STATE, REPLICA_FINAL),
        V(REPLICA_STATE, REPLICA_BEHIND),  V(REPLICA_STATE, REPLICA_BROKEN),
};
TABLE(replica_state, "state of a replica", REPLICA_STATE_MAX_);

static const unsigned guest_job_values[] = {
        V(GUEST_JOB, JOB_NONE),     V(GUEST_JOB, JOB_START),       V(GUEST_JOB, JOB_STOP),
        V(GUEST_JOB, JOB_PAUSE),    V(GUEST_JOB, JOB_RESUME),      V(GUEST_JOB, JOB_SETTLE),
        V(GUEST_JOB, JOB_SNAPSHOT), V(GUEST_JOB, JOB_SNAP_DELETE),
};
TABLE(guest_job, "guest job", JOB_KIND_MAX_);

static const unsigned rule_kind_values[] = {
        V(RULE_KIND, RULE_SEPARATE), V(RULE_KIND, RULE_TOGETHER), V(RULE_KIND, RULE_REQUIRE),
        V(RULE_KIND, RULE_PREFER),   V(RULE_KIND, RULE_AVOID),
};
TABLE(rule_kind, "rule kind", RULE_KIND_MAX_);

static const unsigned fence_kind_values[] = {
        V(FENCE_KIND, FENCE_OFF),
        V(FENCE_KIND, FENCE_ON),
        V(FENCE_KIND, FENCE_LOOK),
};
TABLE(fence_kind, "fence kind", FENCE_KIND_MAX_);

static const unsigned incident_kind_values[] = {
        V(INCIDENT_KIND, INCIDENT_HOST),
        V(INCIDENT_KIND, INCIDENT_GUEST),
};
TABLE(incident_kind, "incident kind", INCIDENT_KIND_MAX_);

static const unsigned op_kind_values[] = {
        V(OP_KIND, OP_NONE),           V(OP_KIND, OP_HOST_ADD),      V(OP_KIND, OP_HOST_REMOVE),
        V(OP_KIND, OP_HOST_LOST),      V(OP_KIND, OP_HOST_ONLINE),   V(OP_KIND, OP_FENCE_START),
        V(OP_KIND, OP_FENCE_CLOSE),    V(OP_KIND, OP_FENCE_WAIT),    V(OP_KIND, OP_GUEST_START),
        V(OP_KIND, OP_GUEST_JOB),      V(OP_KIND, OP_GUEST_REASON),  V(OP_KIND, OP_GUEST_FORGET),
        V(OP_KIND, OP_HOST_JOIN),      V(OP_KIND, OP_HOST_REPORT),   V(OP_KIND, OP_HOST_STOPPING),
        V(OP_KIND, OP_GUEST_DONE),     V(OP_KIND, OP_GUEST_SEEN),    V(OP_KIND, OP_GUEST_HEALTHY),
        V(OP_KIND, OP_GUEST_ROGUE),    V(OP_KIND, OP_FENCE_DONE),    V(OP_KIND, OP_DEVICE_SEEN),
        V(OP_KIND, OP_GUEST_ADD),      V(OP_KIND, OP_GUEST_SET),     V(OP_KIND, OP_GUEST_DESIRE),
        V(OP_KIND, OP_GUEST_MOVE),     V(OP_KIND, OP_GUEST_DELETE),  V(OP_KIND, OP_RULE_SET),
        V(OP_KIND, OP_RULE_DELETE),    V(OP_KIND, OP_FENCE_CONFIRM), V(OP_KIND, OP_FENCE_REQUEST),
        V(OP_KIND, OP_HOST_RENAME),    V(OP_KIND, OP_HOST_VOTE),     V(OP_KIND, OP_HOST_PROVEN),
        V(OP_KIND, OP_HOST_FACTS),     V(OP_KIND, OP_HOST_RELEASE),  V(OP_KIND, OP_DEVICE_OFF),
        V(OP_KIND, OP_DEVICE_FORGET),  V(OP_KIND, OP_GUEST_RECOVER), V(OP_KIND, OP_HOST_WATCHDOG),
        V(OP_KIND, OP_FENCE_LEASE),    V(OP_KIND, OP_REPLICA_BEGIN), V(OP_KIND, OP_REPLICA_SAYS),
        V(OP_KIND, OP_REPLICA_STANDS), V(OP_KIND, OP_REPLICA_FORCE), V(OP_KIND, OP_REPLICA_RESYNC),
        V(OP_KIND, OP_SNAP_TAKE),      V(OP_KIND, OP_SNAP_DELETE),   V(OP_KIND, OP_SNAP_ROLLBACK),
        V(OP_KIND, OP_HOST_HEALTH),
};
TABLE(op_kind, "op kind", OP_KIND_MAX_);

static const unsigned job_result_values[] = {
        V(JOB_RESULT, RESULT_DONE),
        V(JOB_RESULT, RESULT_FAILED),
        V(JOB_RESULT, RESULT_UNSETTLED),
        V(JOB_RESULT, RESULT_CANCELLED),
};
TABLE(job_result, "job result", RESULT_MAX_);

static const unsigned fence_result_values[] = {
        V(FENCE_RESULT, FENCE_PROVEN_OFF),
        V(FENCE_RESULT, FENCE_IS_ON),
        V(FENCE_RESULT, FENCE_FAILED),
        V(FENCE_RESULT, FENCE_CANCELLED),
};
TABLE(fence_result, "fence result", FENCE_RESULT_MAX_);

static const unsigned seen_state_values[] = {
        V(SEEN_STATE, SEEN_GONE),
        V(SEEN_STATE, SEEN_RUNNING),
        V(SEEN_STATE, SEEN_PAUSED),
        V(SEEN_STATE, SEEN_CRASHED),
};
TABLE(seen_state, "seen state", SEEN_MAX_);

static const unsigned end_why_values[] = {
        V(END_WHY, END_NONE),     V(END_WHY, END_GUEST_SHUTDOWN), V(END_WHY, END_DESTROYED),
        V(END_WHY, END_FAILED),   V(END_WHY, END_CRASHED),        V(END_WHY, END_HOST_SHUTDOWN),
        V(END_WHY, END_UNKNOWN),  V(END_WHY, END_WATCHDOG),       V(END_WHY, END_HANG),
        V(END_WHY, END_IO_ERROR),
};
TABLE(end_why, "reason of an end", END_MAX_);

static const unsigned power_reading_values[] = {
        V(POWER_READING, READING_NONE),
        V(POWER_READING, READING_ON),
        V(POWER_READING, READING_OFF),
};
TABLE(power_reading, "power reading", READING_MAX_);

static const unsigned ask_kind_values[] = {
        V(ASK_KIND, ASK_NONE),  V(ASK_KIND, ASK_GUEST_ADD),  V(ASK_KIND, ASK_FENCE_TEST),
        V(ASK_KIND, ASK_FACTS), V(ASK_KIND, ASK_GUEST_RUNS),
};
TABLE(ask_kind, "ask kind", ASK_KIND_MAX_);

static const unsigned reply_code_values[] = {
        V(REPLY_CODE, REPLY_OK),          V(REPLY_CODE, REPLY_FAILED), V(REPLY_CODE, REPLY_USAGE),
        V(REPLY_CODE, REPLY_NOT_QUORATE), V(REPLY_CODE, REPLY_BUSY),
};
TABLE(reply_code, "reply code", REPLY_CODE_MAX_);

static const unsigned quiesce_values[] = {
        V(QUIESCE, QUIESCE_AUTO),
        V(QUIESCE, QUIESCE_ALWAYS),
        V(QUIESCE, QUIESCE_NEVER),
};
TABLE(quiesce, "quiescing of a snapshot", QUIESCE_NEVER + 1);

static const unsigned snapshot_kind_values[] = {
        V(SNAPSHOT_KIND, SNAPSHOT_EXTERNAL),
        V(SNAPSHOT_KIND, SNAPSHOT_INTERNAL),
};
TABLE(snapshot_kind, "where a snapshot is", SNAPSHOT_INTERNAL + 1);

static const unsigned snap_kind_values[] = {
        V(SNAP_KIND, SNAP_CURRENT),
        V(SNAP_KIND, SNAP_POINT),
        V(SNAP_KIND, SNAP_LEFT),
};
TABLE(snap_kind, "kind of a snapshot", SNAP_KIND_MAX_);

static const unsigned snap_act_values[] = {
        V(SNAP_ACT, SNAP_ACT_NONE),
        V(SNAP_ACT, SNAP_ACT_TAKE),
        V(SNAP_ACT, SNAP_ACT_ROLLBACK),
};
TABLE(snap_act, "act on a snapshot", SNAP_ACT_MAX_);

/* Their numbers are the bits of a heartbeat, too. */
static const unsigned ill_values[] = {
        V(ILL, ILL_LIBVIRT), V(ILL, ILL_STORAGE), V(ILL, ILL_UPLINK),
        V(ILL, ILL_MEMORY),  V(ILL, ILL_SENSORS),
};
TABLE(ill, "what a host suffers from", ILL_MAX_);

int wire_enum_find(const struct wire_enum *e, unsigned wire) {
        for (size_t i = 0; i < e->n; i++)
                if (e->wire[i] == wire)
                        return (int)i;
        return -1;
}
