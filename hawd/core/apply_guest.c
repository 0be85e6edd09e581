/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: a guest's start, its jobs and its ends; claims are given and ended here. Pure.
 */
#include "hawd/core/apply.h"

static bool wants_to_run(const struct guest *g) {
        return !g->deleting && (g->desired == DESIRED_RUNNING || g->desired == DESIRED_PAUSED);
}

/*
 * S1, S2: a start gives a claim, and needs that no other claim exists and that its host is online.
 * Whether a host's claim could be ended was decided where it ended.
 */
static void guest_start(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);
        struct guest *g = ledger_guest(l);
        int index, before;

        if (!h || !g || g->claims != 0 || g->job_kind != JOB_NONE || !host_serves(h) ||
            !wants_to_run(g))
                return;
        if ((op->snap && !snap_start_ok(g, op->snap)) || !replica_start(l, g))
                return;
        if (op->snap)
                snap_start(l, g, op->snap);
        index = model_host_index(l->m, h->nodeid);
        before = model_host_index(l->m, g->host);
        g->gen++;
        g->claims = 1u << index;
        g->claim[index] = (struct claim){.version = l->version, .gen = g->gen};
        g->host = h->nodeid;
        g->job_kind = JOB_START;
        g->job = ledger_job_id(l);
        g->job_host = h->nodeid;
        if (op->flag)
                g->tried = 0;
        if (op->rung == RUNG_RELOCATE && before >= 0)
                g->tried |= 1u << before;
        recovery_took(&g->recovery, &g->spec->conf, op->rung, op->wall);
        g->move_to = 0; /* a move is over with the start that it led to, wherever that is */
        g->late_end = false;
        text_set(g->placed_why, sizeof(g->placed_why), op->text);
        incident_step(l, g->incident, STEP_PLACED, op->wall);
        if (g->incident)
                model_incident(l->m, g->incident)->to_host = h->nodeid;
        guest_to(l, g, GUEST_STARTING, "starting on %s", h->name);
        ledger_note(l, NOTE_GUEST_PLACED, h->nodeid, g, g->incident, "%s starts on %s: %s",
                    g->spec->name, h->name, op->text);
}

static bool of_snapshot(enum guest_job_kind kind) {
        return kind == JOB_SNAPSHOT || kind == JOB_SNAP_DELETE;
}

static void guest_job(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        int index = model_host_index(l->m, op->host);

        if (!g || index < 0 || !(g->claims & (1u << index)) || g->job_kind != JOB_NONE ||
            (op->job_kind != JOB_STOP && op->job_kind != JOB_PAUSE && op->job_kind != JOB_RESUME &&
             op->job_kind != JOB_SETTLE && !of_snapshot(op->job_kind)))
                return;
        if (of_snapshot(op->job_kind)) {
                if (!snap_job_ok(g, op->job_kind, op->snap))
                        return;
                g->snaps->deleted = op->snap;
        }
        g->job_kind = op->job_kind;
        g->job = ledger_job_id(l);
        g->job_host = op->host;
        if (op->job_kind == JOB_SETTLE && g->recovery.why == END_IO_ERROR) { /* given up there */
                g->recovery.resumes = 0;
                guest_to(l, g, GUEST_FAILED, "%s", op->text);
        }
        if (op->job_kind == JOB_STOP) {
                guest_to(l, g, GUEST_STOPPING, "%s", op->text);
                ledger_note(l, NOTE_GUEST_STOPPING, op->host, g, 0, "%s stops on %s: %s",
                            g->spec->name, model_host_name(l->m, op->host), op->text);
        }
        guest_touch(l, g);
}

static void guest_reason(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        bool paused = g && g->state == GUEST_PAUSED && g->recovery.why == END_IO_ERROR;
        bool blocked = op->guest_state == GUEST_BLOCKED || paused;

        if (!g || (g->state != GUEST_FAILED && g->state != GUEST_BLOCKED && !paused) ||
            (op->guest_state != GUEST_FAILED && !blocked))
                return;
        guest_to(l, g, paused ? GUEST_PAUSED : op->guest_state, "%s", op->text);
        if (blocked)
                ledger_note(l, NOTE_GUEST_BLOCKED, g->host, g, g->incident, "%s is blocked: %s",
                            g->spec->name, op->text);
}

static void guest_forget(struct ledger *l) {
        struct guest *g = ledger_guest(l);

        if (!g || !g->deleting || g->claims != 0)
                return;
        ledger_note(l, NOTE_GUEST_REMOVED, 0, g, 0, "%s is deleted", g->spec->name);
        incident_close(l, &g->incident, "deleted");
        model_guest_remove(l->m, g->gid);
}

static void now_running(struct ledger *l, struct guest *g, uint32_t nodeid) {
        g->host = nodeid;
        g->promoting = 0;
        replica_runs(l, g);
        g->start_failures = 0;
        g->start_error[0] = '\0';
        g->tried = 0;
        incident_step(l, g->incident, STEP_STARTED, l->op->wall);
        guest_to(l, g, GUEST_RUNNING, "runs on %s", model_host_name(l->m, nodeid));
        g->health = HEALTH_BOOTING;
        ledger_note(l, NOTE_GUEST_STARTED, nodeid, g, g->incident, "%s runs on %s", g->spec->name,
                    model_host_name(l->m, nodeid));
}

static void start_failed(struct ledger *l, struct guest *g, uint32_t nodeid, const char *text) {
        int index = model_host_index(l->m, nodeid);

        guest_release(l, g, nodeid);
        if (index >= 0)
                g->tried |= 1u << index;
        g->start_failures++;
        text_fmt(g->start_error, sizeof(g->start_error), "%s: %s", model_host_name(l->m, nodeid),
                 text);
        ledger_note(l, NOTE_GUEST_START_FAILED, nodeid, g, g->incident,
                    "%s did not start on %s (failure %u): %s", g->spec->name,
                    model_host_name(l->m, nodeid), g->start_failures, text);
        guest_down(l, g, text);
}

static void unsettled(struct ledger *l, struct guest *g, const char *what) {
        const char *host = model_host_name(l->m, l->op->host);

        g->late_end = true;
        if (g->recovery.why != END_NONE) /* it starts nowhere before its QEMU is gone */
                guest_to(l, g, GUEST_BLOCKED,
                         "its QEMU on %.64s cannot be ended (%.60s); tried again; or have the host "
                         "switched off: hawctl fence host %.64s",
                         host, l->op->text, host);
        else
                guest_to(l, g, GUEST_FAILED, "%s on %s: its end is unknown: %s", what, host,
                         l->op->text);
        ledger_note(l, NOTE_GUEST_UNSETTLED, l->op->host, g, g->incident, "%s: %s", g->spec->name,
                    g->reason);
}

static void start_done(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;

        switch (op->result) {
        case RESULT_DONE:
                now_running(l, g, op->host);
                break;
        case RESULT_FAILED:
                start_failed(l, g, op->host, op->text);
                break;
        case RESULT_CANCELLED: /* never begun: not the host's fault, it may be chosen again */
                guest_release(l, g, op->host);
                guest_down(l, g, op->text);
                break;
        case RESULT_UNSETTLED:
        case RESULT_MAX_:
                unsettled(l, g, "start");
                break;
        }
}

static void now_stopped(struct ledger *l, struct guest *g, uint32_t nodeid) {
        g->recovery.why = END_NONE;
        guest_release(l, g, nodeid);
        guest_down(l, g, "stopped as asked");
        ledger_note(l, NOTE_GUEST_STOPPED, nodeid, g, 0, "%s has stopped on %s", g->spec->name,
                    model_host_name(l->m, nodeid));
}

static void stop_done(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;

        if (op->result == RESULT_DONE) {
                now_stopped(l, g, op->host);
        } else if (op->result == RESULT_CANCELLED) {
                guest_to(l, g, GUEST_RUNNING, "its stop was called off: %s", op->text);
                replica_runs(l, g);
        } else {
                unsettled(l, g, "stop");
        }
}

static void pause_done(struct ledger *l, struct guest *g, enum guest_job_kind kind) {
        const struct op *op = l->op;

        if (op->result != RESULT_DONE) {
                ledger_note(l, NOTE_GUEST_UNSETTLED, op->host, g, 0, "%s: %s failed: %s",
                            g->spec->name, guest_job_name(kind), op->text);
                g->recovery.resumes += g->recovery.why == END_IO_ERROR;
                guest_touch(l, g);
        } else if (kind == JOB_PAUSE) {
                guest_to(l, g, GUEST_PAUSED, "paused as asked");
                ledger_note(l, NOTE_GUEST_PAUSED, op->host, g, 0, "%s is paused", g->spec->name);
        } else {
                guest_to(l, g, GUEST_RUNNING, "runs on %s", model_host_name(l->m, op->host));
                /* After an I/O error that is to be seen. */
                g->health = g->recovery.why == END_NONE ? HEALTH_HEALTHY : HEALTH_BOOTING;
                ledger_note(l, NOTE_GUEST_RESUMED, op->host, g, 0, "%s is resumed", g->spec->name);
        }
}

/* What failed while its QEMU was there: that is gone now. */
static void now_ended(struct ledger *l, struct guest *g) {
        char why[TEXT_LEN];

        text_fmt(why, sizeof(why), "%s on %s; its QEMU is ended", end_why_name(g->recovery.why),
                 model_host_name(l->m, l->op->host));
        guest_release(l, g, l->op->host);
        guest_down(l, g, why);
}

/* After a settle nothing that was asked of libvirt before can take effect: the claim ends, or the
 * guest turned out to run after all. */
static void settle_done(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;

        if (op->result != RESULT_DONE)
                unsettled(l, g, "settling");
        else if (op->seen == SEEN_GONE && !wants_to_run(g)) /* nor is it to be */
                now_stopped(l, g, op->host);
        else if (op->seen == SEEN_GONE && g->recovery.why != END_NONE)
                now_ended(l, g);
        else if (op->seen == SEEN_GONE)
                start_failed(l, g, op->host, "it was not running when its host had settled it");
        else
                now_running(l, g, op->host);
}

static void guest_done(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        enum guest_job_kind kind;

        if (!g || g->job == 0 || g->job != op->job || g->job_host != op->host)
                return;
        kind = g->job_kind;
        g->job_kind = JOB_NONE;
        g->job = 0;
        guest_touch(l, g);
        switch (kind) {
        case JOB_START:
                start_done(l, g);
                break;
        case JOB_STOP:
                stop_done(l, g);
                break;
        case JOB_PAUSE:
        case JOB_RESUME:
                pause_done(l, g, kind);
                break;
        case JOB_SETTLE:
                settle_done(l, g);
                break;
        case JOB_SNAPSHOT:
        case JOB_SNAP_DELETE:
                snap_job_done(l, g, kind);
                break;
        case JOB_NONE:
        case JOB_KIND_MAX_:
                break;
        }
}

static void failure_text(const struct ledger *l, enum end_why why, char cause[TEXT_LEN]) {
        text_fmt(cause, TEXT_LEN, "%s on %s%s%.100s", end_why_name(why),
                 model_host_name(l->m, l->op->host), l->op->text[0] ? ": " : "", l->op->text);
}

void guest_failed(struct ledger *l, struct guest *g, enum end_why why, char cause[TEXT_LEN]) {
        struct incident *x;
        char last[TEXT_LEN];

        snap_failed(g, why, l->op->wall);
        if (recovery_failed(&g->recovery, &g->spec->conf, why, l->op->wall)) {
                text_set(last, sizeof(last), cause);
                text_fmt(cause, TEXT_LEN,
                         "boot loop: failed %u times before it was healthy; %.150s",
                         g->recovery.early, last);
        }
        x = g->incident ? model_incident(l->m, g->incident) : NULL;
        if (!x)
                x = incident_open(l, INCIDENT_GUEST, l->op->host, g, cause);
        else if (g->recovery.early >= BOOT_LOOP)
                text_set(x->cause, sizeof(x->cause), cause);
        ledger_note(l, NOTE_GUEST_FAILED, l->op->host, g, g->incident, "%s is to be recovered: %s",
                    g->spec->name, cause);
}

/* QEMU stops a guest that panics before it says why; one that a person has paused cannot panic. */
static void paused_by_panic(struct guest *g) {
        if (g->state == GUEST_PAUSED && g->desired == DESIRED_PAUSED)
                g->desired = DESIRED_RUNNING;
}

static void guest_ended(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;
        bool wish =
                !g->late_end && (op->end_why == END_GUEST_SHUTDOWN || op->end_why == END_DESTROYED);
        char cause[TEXT_LEN];

        if (op->end_why == END_CRASHED)
                paused_by_panic(g);
        guest_release(l, g, op->host);
        if (wish && g->spec->conf.on_shutdown == ON_SHUTDOWN_RESPECT &&
            g->desired != DESIRED_IGNORED) {
                g->desired = DESIRED_STOPPED;
                guest_to(l, g, GUEST_STOPPED, "%s: taken as a wish (on-shutdown = respect)",
                         op->end_why == END_GUEST_SHUTDOWN ? "shut down from inside"
                         : op->text[0]                     ? op->text
                                                           : "destroyed by somebody on its host");
                ledger_note(l, NOTE_GUEST_STOPPED, op->host, g, 0, "%s: %s", g->spec->name,
                            g->reason);
                incident_close(l, &g->incident, "stopped by a person");
                return;
        }
        failure_text(l, op->end_why, cause);
        if (wants_to_run(g))
                guest_failed(l, g, op->end_why, cause);
        guest_down(l, g, cause);
}

/* Its QEMU is there, and is to be ended: the claim stays until that is so. */
static void guest_ails(struct ledger *l, struct guest *g, enum end_why why) {
        char cause[TEXT_LEN];

        if (g->state == GUEST_FAILED || g->state == GUEST_BLOCKED)
                return;
        failure_text(l, why, cause);
        if (wants_to_run(g))
                guest_failed(l, g, why, cause);
        guest_to(l, g, GUEST_FAILED, "%s", cause);
}

/* Paused by QEMU, which tries again what failed when it is resumed: nobody's wish. */
static void io_error(struct ledger *l, struct guest *g) {
        char cause[TEXT_LEN];

        failure_text(l, END_IO_ERROR, cause);
        if (g->recovery.why == END_IO_ERROR)
                g->recovery.resumes++;
        else
                guest_failed(l, g, END_IO_ERROR, cause);
        guest_to(l, g, GUEST_PAUSED, "%s", cause);
}

static void seen_running(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;

        if (op->end_why == END_WATCHDOG || op->end_why == END_HANG) {
                guest_ails(l, g, op->end_why);
                return;
        }
        if (g->state == GUEST_RUNNING)
                return;
        guest_to(l, g, GUEST_RUNNING, "runs on %s", model_host_name(l->m, op->host));
        g->health = HEALTH_BOOTING;
        g->promoting = 0;
        replica_runs(l, g);
        if (g->desired == DESIRED_PAUSED) /* resumed by a person on its host */
                g->desired = DESIRED_RUNNING;
}

static void seen_paused(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;

        if (op->end_why == END_WATCHDOG) {
                guest_ails(l, g, op->end_why);
                return;
        }
        if (op->end_why == END_IO_ERROR && g->desired == DESIRED_RUNNING) {
                if (g->state != GUEST_PAUSED || g->recovery.why != END_IO_ERROR)
                        io_error(l, g);
                return;
        }
        if (g->state == GUEST_PAUSED)
                return;
        if (g->desired == DESIRED_RUNNING) /* what a person does is respected */
                g->desired = DESIRED_PAUSED;
        guest_to(l, g, GUEST_PAUSED, "seen paused on %s: %s", model_host_name(l->m, op->host),
                 op->text[0] ? op->text : "by somebody on its host");
        ledger_note(l, NOTE_GUEST_PAUSED, op->host, g, 0, "%s is %s", g->spec->name, g->reason);
}

static void guest_seen(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        int index = model_host_index(l->m, op->host);

        if (!g || index < 0 || g->job_kind != JOB_NONE)
                return;
        if (g->desired == DESIRED_IGNORED && g->claims == 0 && op->seen != SEEN_GONE) {
                g->claims = 1u << index; /* only watched: whoever runs it holds it */
                g->claim[index] = (struct claim){.version = l->version, .gen = ++g->gen};
                g->host = op->host;
                guest_to(l, g, op->seen == SEEN_RUNNING ? GUEST_RUNNING : GUEST_PAUSED,
                         "ignored; seen on %s", model_host_name(l->m, op->host));
                return;
        }
        if (!(g->claims & (1u << index)) || op->gen != g->claim[index].gen)
                return;
        switch (op->seen) {
        case SEEN_RUNNING:
                seen_running(l, g);
                break;
        case SEEN_PAUSED:
                seen_paused(l, g);
                break;
        case SEEN_CRASHED:
                paused_by_panic(g);
                guest_ails(l, g, END_CRASHED);
                break;
        case SEEN_GONE:
        case SEEN_MAX_:
                guest_ended(l, g);
                break;
        }
}

/* For one, so perhaps for all: those whose disk fails are resumed at once, and none is relocated
 * before that was in vain. */
static void storage_is_back(struct ledger *l) {
        for (size_t i = 0; i < l->m->n_guests; i++) {
                struct guest *g = &l->m->guests[i];

                if (g->recovery.why != END_IO_ERROR || g->recovery.resumes == 0)
                        continue;
                g->recovery.resumes = 0;
                guest_touch(l, g);
        }
}

static void guest_healthy(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        int index = model_host_index(l->m, op->host);

        if (!g || index < 0 || !(g->claims & (1u << index)) || op->gen != g->claim[index].gen ||
            g->state != GUEST_RUNNING || g->health == HEALTH_HEALTHY)
                return;
        g->health = HEALTH_HEALTHY;
        if (g->recovery.why == END_IO_ERROR)
                storage_is_back(l);
        recovery_healthy(&g->recovery, op->wall);
        guest_touch(l, g);
        incident_step(l, g->incident, STEP_HEALTHY, op->wall);
        ledger_note(l, NOTE_GUEST_HEALTHY, op->host, g, g->incident, "%s is healthy: %s",
                    g->spec->name, op->text);
        if (g->incident) {
                char text[TEXT_LEN], loss[TEXT_LEN];

                replica_outcome(g, loss);
                text_fmt(text, sizeof(text), "recovered on %.64s%.120s",
                         model_host_name(l->m, op->host), loss);
                incident_close(l, &g->incident, text);
        }
}

bool rogue_noted(const struct model *m, uint32_t gid, uint32_t host, usec_t wall) {
        for (size_t i = m->n_incidents; i-- > 0;) {
                const struct incident *x = &m->incidents[i];

                if (x->kind == INCIDENT_GUEST && x->gid == gid && x->host == host &&
                    x->at[STEP_DETECTED] == wall)
                        return true;
        }
        return false;
}

static void guest_rogue(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        uint64_t id;

        if (!g || rogue_noted(l->m, g->gid, op->host, op->wall)) /* said twice */
                return;
        if (op->host == g->replica.data) /* S9: it wrote, and the copy has nothing of it */
                replica_behind(l, g, "a copy of it ran on its disks without a claim");
        id = g->incident;
        g->incident = 0;
        incident_open(l, INCIDENT_GUEST, op->host, g, "ran without a claim");
        ledger_note(l, NOTE_GUEST_ROGUE, op->host, g, g->incident,
                    "%s ran on %s without a claim: %s", g->spec->name,
                    model_host_name(l->m, op->host), op->text);
        incident_close(l, &g->incident, "the copy was stopped");
        g->incident = id;
}

void apply_guest_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_GUEST_START:
                guest_start(l);
                break;
        case OP_GUEST_JOB:
                guest_job(l);
                break;
        case OP_GUEST_REASON:
                guest_reason(l);
                break;
        case OP_GUEST_FORGET:
                guest_forget(l);
                break;
        case OP_GUEST_DONE:
                guest_done(l);
                break;
        case OP_GUEST_SEEN:
                guest_seen(l);
                break;
        case OP_GUEST_HEALTHY:
                guest_healthy(l);
                break;
        case OP_GUEST_ROGUE:
                guest_rogue(l);
                break;
        default:
                break;
        }
}
