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
        int index;

        if (!h || !g || g->claims != 0 || g->job_kind != JOB_NONE || h->state != HOST_ONLINE ||
            !wants_to_run(g))
                return;
        index = model_host_index(l->m, h->nodeid);
        g->gen++;
        g->claims = 1u << index;
        g->claim[index] = (struct claim){.version = l->version, .gen = g->gen};
        g->host = h->nodeid;
        g->job_kind = JOB_START;
        g->job = ledger_job_id(l);
        g->job_host = h->nodeid;
        if (op->flag)
                g->tried = 0;
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

static void guest_job(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        int index = model_host_index(l->m, op->host);

        if (!g || index < 0 || !(g->claims & (1u << index)) || g->job_kind != JOB_NONE ||
            (op->job_kind != JOB_STOP && op->job_kind != JOB_PAUSE && op->job_kind != JOB_RESUME &&
             op->job_kind != JOB_SETTLE))
                return;
        g->job_kind = op->job_kind;
        g->job = ledger_job_id(l);
        g->job_host = op->host;
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
        bool blocked = op->guest_state == GUEST_BLOCKED;

        if (!g || (g->state != GUEST_FAILED && g->state != GUEST_BLOCKED) ||
            (op->guest_state != GUEST_FAILED && !blocked))
                return;
        guest_to(l, g, op->guest_state, "%s", op->text);
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
        g->late_end = true;
        guest_to(l, g, GUEST_FAILED, "%s on %s: its end is unknown: %s", what,
                 model_host_name(l->m, l->op->host), l->op->text);
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
        } else {
                unsettled(l, g, "stop");
        }
}

static void pause_done(struct ledger *l, struct guest *g, enum guest_job_kind kind) {
        const struct op *op = l->op;

        if (op->result != RESULT_DONE) {
                ledger_note(l, NOTE_GUEST_UNSETTLED, op->host, g, 0, "%s: %s failed: %s",
                            g->spec->name, guest_job_name(kind), op->text);
                guest_touch(l, g);
        } else if (kind == JOB_PAUSE) {
                guest_to(l, g, GUEST_PAUSED, "paused as asked");
                ledger_note(l, NOTE_GUEST_PAUSED, op->host, g, 0, "%s is paused", g->spec->name);
        } else {
                guest_to(l, g, GUEST_RUNNING, "runs on %s", model_host_name(l->m, op->host));
                g->health = HEALTH_HEALTHY;
                ledger_note(l, NOTE_GUEST_RESUMED, op->host, g, 0, "%s is resumed", g->spec->name);
        }
}

/* After a settle nothing that was asked of libvirt before can take effect: the claim ends, or the
 * guest turned out to run after all. */
static void settle_done(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;

        if (op->result != RESULT_DONE)
                unsettled(l, g, "settling");
        else if (op->seen == SEEN_GONE && !wants_to_run(g)) /* nor is it to be */
                now_stopped(l, g, op->host);
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
        case JOB_NONE:
        case JOB_KIND_MAX_:
                break;
        }
}

/* One more restart in place; past the limit within the window its host is not chosen again. */
static void count_restart(struct ledger *l, struct guest *g, int index) {
        const struct conf_guest *conf = &g->spec->conf;

        if (usec_sub(l->op->wall, g->restart_wall) > conf->restart_window_usec) {
                g->restart_wall = l->op->wall;
                g->restarts = 0;
        }
        g->restarts++;
        if (g->restarts > conf->restart_limit)
                g->tried |= 1u << index;
}

/* QEMU stops a guest that panics before it says why; one that a person has paused cannot panic. */
static void paused_by_panic(struct guest *g) {
        if (g->state == GUEST_PAUSED && g->desired == DESIRED_PAUSED)
                g->desired = DESIRED_RUNNING;
}

static void guest_ended(struct ledger *l, struct guest *g, int index) {
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
        text_fmt(cause, sizeof(cause), "%s on %s%s%.100s", end_why_name(op->end_why),
                 model_host_name(l->m, op->host), op->text[0] ? ": " : "", op->text);
        if (wants_to_run(g)) {
                if (!g->incident)
                        incident_open(l, INCIDENT_GUEST, op->host, g, cause);
                count_restart(l, g, index);
                ledger_note(l, NOTE_GUEST_FAILED, op->host, g, g->incident, "%s ended: %s",
                            g->spec->name, cause);
        }
        guest_down(l, g, cause);
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
                if (g->state == GUEST_RUNNING)
                        return;
                guest_to(l, g, GUEST_RUNNING, "runs on %s", model_host_name(l->m, op->host));
                g->health = HEALTH_BOOTING;
                if (g->desired == DESIRED_PAUSED) /* resumed by a person on its host */
                        g->desired = DESIRED_RUNNING;
                break;
        case SEEN_PAUSED:
                if (g->state == GUEST_PAUSED)
                        return;
                if (g->desired == DESIRED_RUNNING) /* what a person does is respected */
                        g->desired = DESIRED_PAUSED;
                guest_to(l, g, GUEST_PAUSED, "seen paused on %s: %s",
                         model_host_name(l->m, op->host),
                         op->text[0] ? op->text : "by somebody on its host");
                ledger_note(l, NOTE_GUEST_PAUSED, op->host, g, 0, "%s is %s", g->spec->name,
                            g->reason);
                break;
        case SEEN_CRASHED: /* its QEMU is still there: the claim stays until it is settled */
                paused_by_panic(g);
                guest_to(l, g, GUEST_FAILED, "crashed on %s", model_host_name(l->m, op->host));
                break;
        case SEEN_GONE:
        case SEEN_MAX_:
                guest_ended(l, g, index);
                break;
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
        guest_touch(l, g);
        incident_step(l, g->incident, STEP_HEALTHY, op->wall);
        ledger_note(l, NOTE_GUEST_HEALTHY, op->host, g, g->incident, "%s is healthy: %s",
                    g->spec->name, op->text);
        if (g->incident) {
                char text[TEXT_LEN];

                text_fmt(text, sizeof(text), "recovered on %s", model_host_name(l->m, op->host));
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
