/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/drbd.h"

static const char *const state_names[DRBD_STATE_MAX_] = {
        [DRBD_STATE_DOWN] = "down",
        [DRBD_STATE_SPLIT_BRAIN] = "split-brain",
        [DRBD_STATE_DISKLESS] = "diskless",
        [DRBD_STATE_INCONSISTENT] = "inconsistent",
        [DRBD_STATE_RESYNC_IN] = "resync-in",
        [DRBD_STATE_OUTDATED] = "outdated",
        [DRBD_STATE_UNSURE] = "unsure",
        [DRBD_STATE_IN_STEP] = "in-step",
        [DRBD_STATE_RESYNC_OUT] = "resync-out",
        [DRBD_STATE_PEER_BAD] = "peer-bad",
        [DRBD_STATE_ALONE] = "alone",
        [DRBD_STATE_APART] = "apart",
};

const char *drbd_state_name(enum drbd_state state) {
        assert(state < DRBD_STATE_MAX_);
        return state_names[state];
}

const struct drbd_peer *drbd_peer(const struct drbd_status *s, const char *host) {
        for (size_t i = 0; i < s->n_peers; i++)
                if (strcmp(s->peers[i].name, host) == 0)
                        return &s->peers[i];
        return s->n_peers == 1 ? &s->peers[0] : NULL;
}

/* The numbers are drbd_judge()'s. */
static enum drbd_state state_of(const struct drbd_status *s, const struct drbd_peer *p) {
        enum drbd_replication repl = p ? p->replication : DRBD_REPL_UNKNOWN;

        if (!s->up)
                return DRBD_STATE_DOWN; /* 1 */
        if (s->split_brain)
                return DRBD_STATE_SPLIT_BRAIN; /* 2 */
        switch (s->disk) {
        case DRBD_DISKLESS:
        case DRBD_ATTACHING:
        case DRBD_DETACHING:
        case DRBD_FAILED:
                return DRBD_STATE_DISKLESS; /* 3 */
        default:
                if (repl == DRBD_RESYNC_IN && p->connection == DRBD_CONNECTED)
                        return DRBD_STATE_RESYNC_IN; /* 4 */
                break;
        }
        switch (s->disk) {
        case DRBD_INCONSISTENT:
                return DRBD_STATE_INCONSISTENT; /* 5 */
        case DRBD_OUTDATED:
                return DRBD_STATE_OUTDATED; /* 6 */
        case DRBD_UPTODATE:
                break;
        default:
                return DRBD_STATE_UNSURE; /* 7 */
        }
        if (!p || p->connection == DRBD_STANDALONE)
                return DRBD_STATE_APART; /* 12 */
        if (p->connection == DRBD_CONNECTING && repl == DRBD_OFF)
                return DRBD_STATE_ALONE; /* 11 */
        if (p->connection != DRBD_CONNECTED)
                return DRBD_STATE_UNSURE; /* 7 */
        if (repl == DRBD_RESYNC_OUT)
                return DRBD_STATE_RESYNC_OUT; /* 9 */
        if (repl == DRBD_ESTABLISHED && p->disk == DRBD_UPTODATE)
                return DRBD_STATE_IN_STEP; /* 8 */
        if (p->disk == DRBD_DISK_UNKNOWN || repl == DRBD_REPL_UNKNOWN)
                return DRBD_STATE_UNSURE; /* 7 */
        return DRBD_STATE_PEER_BAD;       /* 10 */
}

static bool may_promote(const struct drbd_status *s, enum drbd_state state) {
        if (s->suspended || s->no_quorum)
                return false;
        return state == DRBD_STATE_IN_STEP || state == DRBD_STATE_RESYNC_OUT ||
               state == DRBD_STATE_PEER_BAD || state == DRBD_STATE_ALONE;
}

#define say(...) text_fmt(v->text, TEXT_LEN, __VA_ARGS__)
#define mend(...) text_fmt(v->mend, TEXT_LEN, __VA_ARGS__)

static void explain_bad(const struct drbd_status *s, const char *here, const char *there,
                        struct drbd_verdict *v) {
        const char *r = s->name;

        switch (v->state) {
        case DRBD_STATE_DOWN:
                say("DRBD on %s does not have %s up", here, r);
                mend("on %s: drbdadm up %s", here, r);
                break;
        case DRBD_STATE_SPLIT_BRAIN:
                say("split brain: %s and %s each wrote %s by themselves", here, there, r);
                mend("on the side to be discarded drbdadm connect --discard-my-data %s, then on "
                     "the other drbdadm connect %s",
                     r, r);
                break;
        case DRBD_STATE_DISKLESS:
                say("%s has no disk on %s: detached, or failed", r, here);
                mend("look at its disk on %s, then drbdadm attach %s", here, r);
                break;
        case DRBD_STATE_INCONSISTENT:
                say("%s on %s is inconsistent, and nothing is sent to it", r, here);
                mend("connect it with %s, whose data are whole: drbdadm connect %s on both", there,
                     r);
                break;
        case DRBD_STATE_OUTDATED:
                say("%s on %s is outdated: %s went on without it", r, here, there);
                mend("connect it with %s: drbdadm connect %s on both", there, r);
                break;
        case DRBD_STATE_APART:
                say("%s on %s is not connected, and does not try to be", r, here);
                mend("drbdadm connect %s on %s and %s; refused again, they have different data", r,
                     here, there);
                break;
        default:
                say("%s on %s: DRBD does not tell whether it is up to date", r, here);
                mend("connect it with %s: drbdadm connect %s on both", there, r);
                break;
        }
}

static void explain(const struct drbd_status *s, const char *here, const char *there,
                    struct drbd_verdict *v) {
        const char *r = s->name;

        switch (v->state) {
        case DRBD_STATE_IN_STEP:
                say("%s is in step on %s and %s", r, here, there);
                break;
        case DRBD_STATE_RESYNC_IN:
                say("%s on %s is brought up to date by %s, %" PRIu32 " %% done, %" PRIu64
                    " KiB left",
                    r, here, there, v->done_pct, v->behind_kib);
                break;
        case DRBD_STATE_RESYNC_OUT:
                say("%s on %s brings %s up to date, %" PRIu32 " %% done, %" PRIu64 " KiB left", r,
                    here, there, v->done_pct, v->behind_kib);
                break;
        case DRBD_STATE_PEER_BAD:
                say("%s on %s is up to date; %s has no good disk", r, here, there);
                mend("look at the disk of %s on %s", r, there);
                break;
        case DRBD_STATE_ALONE:
                say("%s on %s was up to date when it lost %s, %" PRIu64 " KiB changed since", r,
                    here, there, v->behind_kib);
                break;
        default:
                explain_bad(s, here, there, v);
                break;
        }
}

void drbd_judge(const struct drbd_status *s, const char *here, const char *there,
                struct drbd_verdict *ret) {
        const struct drbd_peer *p = drbd_peer(s, there);
        struct drbd_verdict *v = ret;

        *v = (struct drbd_verdict){.state = state_of(s, p)};
        v->may_promote = may_promote(s, v->state);
        if (p) {
                v->behind_kib = p->behind_kib;
                v->done_pct = p->done_pct;
        }
        explain(s, here, there, v);
        if (s->up && v->state != DRBD_STATE_SPLIT_BRAIN && (s->suspended || s->no_quorum)) {
                say("%s on %s: its I/O stands still%s", s->name, here,
                    s->no_quorum ? ", for DRBD's own quorum is lost" : "");
                mend("drbdadm status %s says why; %s", s->name,
                     s->no_quorum ? "start its other hosts" : "then drbdadm resume-io");
        }
}
