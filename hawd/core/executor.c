/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This host's guests: jobs of the ledger are carried out, what libvirt shows is observed. Pure.
 *
 * Both go by level, not by edge: each step compares the stable model with what is known here, so
 * that nothing is lost with a message, a change of the group or a restart.
 */
#include "hawd/core/priv.h"

#define OWN_RETRY_USEC (5 * USEC_PER_SEC)
#define AGENT_BOOTS 10                     /* an agent may take so many boot times to answer */
#define AGENT_MIN_USEC (60 * USEC_PER_SEC) /* and no less */
#define IO_PROVEN_USEC (5 * USEC_PER_SEC)  /* resumed: then its disk answers again */
#define LIBVIRT_TIMEOUT_USEC (60 * USEC_PER_SEC) /* settle, destroy, dump */
#define DISKS_TIMEOUT_USEC (60 * USEC_PER_SEC)   /* a snapshot, or a while of deleting one */
#define PAUSE_TIMEOUT_USEC (20 * USEC_PER_SEC)   /* a stop may be waiting behind it */

struct domain *executor_find(struct core *c, const char *uuid) {
        for (size_t i = 0; i < c->n_domains; i++)
                if (strcmp(c->domains[i].seen.uuid, uuid) == 0)
                        return &c->domains[i];
        return NULL;
}

static struct domain *domain_get(struct core *c, const struct domain_seen *d) {
        struct domain *dom = executor_find(c, d->uuid);

        if (!dom) {
                c->domains =
                        core_grow(c->domains, &c->cap_domains, c->n_domains, sizeof(*c->domains));
                dom = &c->domains[c->n_domains++];
                *dom = (struct domain){0};
        }
        return dom;
}

/* By the clock of all. */
static void set_walls(const struct core *c, struct domain_seen *d) {
        d->wall = wall_of(c, d->wall);
        d->good_wall = d->good_wall ? wall_of(c, d->good_wall) : 0;
}

static void domain_set(struct core *c, struct domain *dom, const struct domain_seen *d) {
        bool was = dom->running_since != 0;

        if (d->state == SEEN_RUNNING && was && dom->seen.state == SEEN_PAUSED)
                dom->resumed = c->now;
        dom->seen = *d;
        if (d->state == SEEN_RUNNING || d->state == SEEN_PAUSED) {
                dom->run_seen |= d->state == SEEN_RUNNING || !was;
                dom->defined = true;
                if (!was)
                        dom->running_since = MAX(c->now, 1);
        } else {
                dom->running_since = dom->resumed = 0;
                dom->healthy = false;
        }
}

void executor_libvirt(struct core *c, const struct event *ev) {
        bool up = ev->kind == EV_LIBVIRT_UP;

        if (up != c->libvirt_up || !c->libvirt_known)
                core_note(c, up ? NOTE_LIBVIRT_UP : NOTE_LIBVIRT_DOWN, c->nodeid, NULL,
                          up ? "libvirt answers" : "libvirt does not answer; guests run on");
        c->libvirt_up = up;
        c->libvirt_known = true;
        if (!up)
                return;
        /* The list is whole: what is not on it is gone, and nobody saw why. */
        for (size_t i = 0; i < c->n_domains; i++) {
                struct domain_seen gone = c->domains[i].seen;
                bool listed = false;

                for (size_t k = 0; k < ev->libvirt.n_domains; k++)
                        listed |= strcmp(ev->libvirt.domains[k].uuid, gone.uuid) == 0;
                if (listed || gone.state == SEEN_GONE)
                        continue;
                gone.state = SEEN_GONE;
                gone.end_why = END_UNKNOWN;
                gone.wall = c->wall;
                gone.good_wall = 0;
                domain_set(c, &c->domains[i], &gone);
        }
        for (size_t k = 0; k < ev->libvirt.n_domains; k++) {
                struct domain_seen d = ev->libvirt.domains[k];
                struct domain *dom = domain_get(c, &d);

                set_walls(c, &d);
                dom->end_due = false;
                domain_set(c, dom, &d);
                dom->defined = true;
        }
}

void executor_domain(struct core *c, const struct domain_seen *d) {
        struct domain *dom = domain_get(c, d);
        struct domain_seen here = *d;
        bool old = d->state == SEEN_GONE && dom->end_due && dom->seen.state != SEEN_GONE;

        if (d->state == SEEN_GONE || d->state == SEEN_RUNNING) /* they come in order */
                dom->end_due = false;
        if (old) /* the end of the one before, whose successor's start was told already */
                return;
        set_walls(c, &here);
        domain_set(c, dom, &here);
}

void executor_definition(struct core *c, const struct event *ev) {
        struct domain *dom = executor_find(c, ev->definition.uuid);

        if (!dom && ev->definition.defined) {
                struct domain_seen d = {
                        .state = SEEN_GONE, .end_why = END_UNKNOWN, .wall = c->wall};

                text_set(d.uuid, sizeof(d.uuid), ev->definition.uuid);
                text_set(d.name, sizeof(d.name), ev->definition.name);
                dom = domain_get(c, &d);
                dom->seen = d;
        }
        if (dom)
                dom->defined = ev->definition.defined;
}

void executor_healthy(struct core *c, const struct domain_seen *d) {
        struct domain *dom = executor_find(c, d->uuid);

        if (!dom || dom->running_since == 0) /* the agent's event may come before the start's */
                dom = domain_get(c, d);
        if (dom->seen.uuid[0] == '\0')
                text_set(dom->seen.uuid, sizeof(dom->seen.uuid), d->uuid);
        dom->healthy = true;
        dom->healthy_wall = wall_of(c, d->wall);
        text_set(dom->evidence, sizeof(dom->evidence), d->text);
}

struct work *work_of_guest(struct core *c, uint32_t gid) {
        for (size_t i = 0; i < c->n_works; i++)
                if (c->works[i].gid == gid && c->works[i].use != WORK_DUMP)
                        return &c->works[i];
        return NULL;
}

struct work *work_add(struct core *c, enum work_use use, uint32_t gid, const char *uuid) {
        struct work *w;

        c->works = core_grow(c->works, &c->cap_works, c->n_works, sizeof(*c->works));
        w = &c->works[c->n_works++];
        *w = (struct work){.use = use, .gid = gid};
        text_set(w->uuid, sizeof(w->uuid), uuid);
        return w;
}

void work_remove(struct core *c, size_t index) {
        guest_spec_unref(c->works[index].spec);
        memmove(&c->works[index], &c->works[index + 1],
                (c->n_works - index - 1) * sizeof(*c->works));
        c->n_works--;
}

struct action *work_begin(struct core *c, struct work *w, enum guest_job_op op) {
        struct action *a = actions_add(c->out, ACT_GUEST_JOB);

        w->id = ++c->next_action;
        w->begun = true;
        a->guest_job.id = w->id;
        a->guest_job.op = op;
        a->guest_job.gid = w->gid;
        a->guest_job.timeout_usec = LIBVIRT_TIMEOUT_USEC;
        text_set(a->guest_job.uuid, sizeof(a->guest_job.uuid), w->uuid);
        return a;
}

void work_cancel_all(struct core *c) {
        for (size_t i = 0; i < c->n_works; i++) {
                struct work *w = &c->works[i];

                if (w->use != WORK_JOB || w->done || w->cancelled)
                        continue;
                w->cancelled = true;
                actions_add(c->out, ACT_GUEST_CANCEL)->cancel.id = w->id;
        }
}

/* The guest runs on, whatever comes of it. */
static bool of_disks(enum guest_job_kind kind) {
        return kind == JOB_SNAPSHOT || kind == JOB_SNAP_DELETE;
}

/* Where its disks are: with its end a copy that is in step is equal; DRBD is told so. */
static void job_end_copy(const struct core *c, const struct guest *g, struct action *a) {
        enum replica_mode mode = g->spec->conf.replica.mode;

        if (g->replica.data != c->nodeid)
                return;
        if (mode == REPLICA_MODE_DRBD)
                a->guest_job.spec = guest_spec_ref(g->spec);
        if (g->replica.state == REPLICA_IN_STEP && mode != REPLICA_MODE_ASYNC)
                a->guest_job.in_step = g->replica.serial;
}

static void job_start(struct core *c, struct guest *g) {
        struct work *w = work_add(c, WORK_JOB, g->gid, g->spec->uuid);
        struct domain *dom = executor_find(c, g->spec->uuid);
        static const enum guest_job_op ops[JOB_KIND_MAX_] = {
                [JOB_START] = GJOB_START,
                [JOB_STOP] = GJOB_STOP,
                [JOB_PAUSE] = GJOB_PAUSE,
                [JOB_RESUME] = GJOB_RESUME,
                [JOB_SETTLE] = GJOB_SETTLE,
                [JOB_SNAPSHOT] = GJOB_SNAPSHOT,
                [JOB_SNAP_DELETE] = GJOB_SNAP_DELETE,
        };
        struct action *a;

        w->job = g->job;
        w->kind = g->job_kind;
        a = work_begin(c, w, ops[g->job_kind]);
        a->guest_job.gen = g->gen;
        text_set(a->guest_job.name, sizeof(a->guest_job.name), g->spec->name);
        if (g->job_kind == JOB_START || of_disks(g->job_kind)) {
                a->guest_job.spec = guest_spec_ref(g->spec);
                a->guest_job.snaps = snaps_copy(g->snaps);
        }
        if (g->replica.host)
                text_set(a->guest_job.peer, sizeof(a->guest_job.peer),
                         model_host_name(&c->model, g->replica.host));
        if (g->job_kind == JOB_STOP || g->job_kind == JOB_SETTLE)
                job_end_copy(c, g, a);
        if (g->job_kind == JOB_START) {
                a->guest_job.promote = g->promoting;
                a->guest_job.older = g->promoting && g->replica.loss_usec;
                a->guest_job.timeout_usec = g->spec->conf.start_timeout_usec;
                if (dom) {
                        dom->run_seen = dom->healthy = false;
                        dom->defined = true;
                }
        } else if (g->job_kind == JOB_SETTLE) { /* one that runs well after all is welcome */
                a->guest_job.keep_running =
                        g->recovery.why == END_NONE && (!dom || dom->seen.state != SEEN_CRASHED);
        } else if (g->job_kind == JOB_STOP) {
                a->guest_job.timeout_usec = g->spec->conf.stop_timeout_usec;
        } else if (of_disks(g->job_kind)) {
                a->guest_job.timeout_usec = DISKS_TIMEOUT_USEC;
        } else {
                a->guest_job.timeout_usec = PAUSE_TIMEOUT_USEC;
                if (dom)
                        dom->run_seen = false;
        }
}

/* What stops, settles or does not start also leaves no definition behind. */
static bool undefined_by(const struct work *w) {
        if (w->use == WORK_JOB && w->kind == JOB_START)
                return w->result == RESULT_FAILED || w->result == RESULT_CANCELLED;
        if (w->use == WORK_JOB &&
            (w->kind == JOB_PAUSE || w->kind == JOB_RESUME || of_disks(w->kind)))
                return false;
        return w->result == RESULT_DONE && (w->use == WORK_TIDY || w->seen == SEEN_GONE);
}

/* libvirt's events and a job's result race: a start that ended, or a resume that came to the next
 * I/O error, before its result came shows as running, then gone or paused, since the job began;
 * anything else takes the result's word. */
static void domain_after_work(struct core *c, const struct work *w) {
        struct domain *dom = executor_find(c, w->uuid);
        struct domain_seen d = {.state = w->seen, .wall = w->wall};

        if (w->use == WORK_DUMP || (w->use == WORK_JOB && of_disks(w->kind)))
                return;
        if (dom && undefined_by(w))
                dom->defined = false;
        if (w->result != RESULT_DONE || w->use == WORK_TIDY)
                return;
        if (w->kind == JOB_START && w->use == WORK_JOB && dom && dom->run_seen &&
            dom->seen.state == SEEN_GONE)
                return;
        if (w->kind == JOB_RESUME && w->use == WORK_JOB && dom && dom->run_seen &&
            dom->seen.state == SEEN_PAUSED)
                return;
        if (dom && w->seen == SEEN_GONE)
                dom->end_due |= dom->seen.state != SEEN_GONE;
        if (dom)
                d = dom->seen;
        d.state = w->seen;
        if (!dom || dom->seen.state != w->seen)
                d.end_why = END_NONE;
        text_set(d.uuid, sizeof(d.uuid), w->uuid);
        domain_set(c, domain_get(c, &d), &d);
}

/* The domain that a client wants enrolled is known now: into the ledger, or tell it why not. */
static void dump_done(struct core *c, const struct work *w, const struct event *ev) {
        struct guest_spec *spec = ev->guest_job.spec;
        struct entry *e;
        struct op *op;

        if (w->result != RESULT_DONE || !spec) {
                request_answer(c, w->asker, w->request, REPLY_FAILED, w->text, NULL);
                return;
        }
        if (!name_valid(spec->name)) {
                char text[TEXT_LEN];

                text_fmt(text, sizeof(text),
                         "the domain's name '%.64s' is no name for hawd: letters, digits and ._- "
                         "(virsh domrename)",
                         spec->name);
                request_answer(c, w->asker, w->request, REPLY_USAGE, text, NULL);
                return;
        }
        e = observation(c, OP_GUEST_ADD, &op);
        op->host = w->seen == SEEN_GONE ? 0 : c->nodeid;
        op->desired = w->seen == SEEN_RUNNING  ? DESIRED_RUNNING
                      : w->seen == SEEN_PAUSED ? DESIRED_PAUSED
                                               : DESIRED_STOPPED;
        op->spec = guest_spec_new();
        op->spec->conf = w->spec ? w->spec->conf : c->config->guest_defaults;
        if (w->spec) {
                memcpy(op->spec->after, w->spec->after, sizeof(op->spec->after));
                op->spec->n_after = w->spec->n_after;
        }
        text_set(op->spec->name, sizeof(op->spec->name), spec->name);
        text_set(op->spec->uuid, sizeof(op->spec->uuid), spec->uuid);
        op->spec->vcpus = spec->vcpus;
        op->spec->memory_mib = spec->memory_mib;
        op->spec->has_agent = spec->has_agent;
        op->spec->disks = spec->disks;
        op->spec->xml = blob_ref(spec->xml);
        op->name[0] = '\0';
        if (!core_operational(c)) {
                entry_unref(e);
                request_answer(c, w->asker, w->request, REPLY_NOT_QUORATE,
                               "no decisions are made just now: try again", NULL);
                return;
        }
        /* The client's host recognises its request by asker and number when it is applied. */
        op->executor = w->asker;
        op->job = w->request;
        look_begin(c, e, false, w->asker, w->request);
}

void executor_done(struct core *c, const struct event *ev) {
        for (size_t i = 0; i < c->n_works; i++) {
                struct work *w = &c->works[i];

                if (w->id != ev->guest_job.id || w->done)
                        continue;
                w->done = true;
                w->result = ev->guest_job.result;
                w->seen = ev->guest_job.seen;
                w->wall = wall_of(c, ev->guest_job.wall);
                w->figures = ev->guest_job.figures;
                text_set(w->text, sizeof(w->text), ev->guest_job.text ? ev->guest_job.text : "");
                domain_after_work(c, w);
                if (w->use == WORK_DUMP) {
                        dump_done(c, w, ev);
                        work_remove(c, i);
                }
                return;
        }
}

/* A result is said until the model knows it: then the job is no longer the guest's. */
static void jobs_tell(struct core *c) {
        for (size_t i = 0; i < c->n_works;) {
                struct work *w = &c->works[i];
                struct guest *g = model_guest(&c->model, w->gid);
                struct entry *e;
                struct op *op;

                if (w->use != WORK_JOB || !w->done) {
                        i++;
                        continue;
                }
                if (!g || g->job != w->job) {
                        work_remove(c, i);
                        continue;
                }
                if (w->told == 0 || c->now >= usec_add(w->told, RESEND_USEC)) {
                        e = observation(c, OP_GUEST_DONE, &op);
                        op->gid = w->gid;
                        op->job = w->job;
                        op->result = w->result;
                        op->seen = w->seen;
                        op->wall = w->wall ? w->wall : c->wall;
                        op->snap_mib = w->figures.mib;
                        op->pause_usec = w->figures.pause_usec;
                        text_set(op->text, sizeof(op->text), w->text);
                        log_propose(c, e);
                        w->told = MAX(c->now, 1);
                }
                wake_at(c, usec_add(w->told, RESEND_USEC));
                i++;
        }
}

/* Was this said of the guest just now? If not, it is to be said, and counts as said. Anything new
 * is said at once: a guest that dies right after it became healthy does not wait. */
static bool just_told(struct core *c, const struct guest *g, enum op_kind kind,
                      enum seen_state seen, enum end_why why) {
        uint64_t what = g->gen << 16 | (uint64_t)kind << 8 | (uint64_t)why << 4 | (uint64_t)seen;
        size_t i;

        for (i = 0; i < c->n_told && c->told[i].gid != g->gid; i++)
                ;
        if (i < c->n_told && c->told[i].what == what &&
            c->now < usec_add(c->told[i].told, RESEND_USEC)) {
                wake_at(c, usec_add(c->told[i].told, RESEND_USEC));
                return true;
        }
        if (i == c->n_told) {
                c->told = core_grow(c->told, &c->cap_told, c->n_told, sizeof(*c->told));
                c->told[c->n_told++].gid = g->gid;
        }
        c->told[i].what = what;
        c->told[i].told = c->now;
        wake_at(c, usec_add(c->now, RESEND_USEC));
        return false;
}

static struct op *see(struct core *c, const struct guest *g, enum op_kind kind, struct entry **e) {
        struct op *op;
        int index = model_host_index(&c->model, c->nodeid);

        *e = observation(c, kind, &op);
        op->gid = g->gid;
        op->gen = g->claim[index].gen;
        return op;
}

static bool by_agent(const struct guest_spec *s) {
        return s->conf.health_by == HEALTH_BY_AGENT ||
               (s->conf.health_by == HEALTH_BY_AUTO && s->has_agent);
}

/* Without the word of an agent. One that has a channel and never speaks is not waited for for ever:
 * it may be missing, and guests that start after this one would wait with it (L2). */
static usec_t patience(const struct guest_spec *s) {
        usec_t t = s->conf.boot_usec;

        if (!by_agent(s))
                return t;
        t = t > USEC_INFINITY / AGENT_BOOTS ? USEC_INFINITY : AGENT_BOOTS * t;
        return MAX(t, AGENT_MIN_USEC);
}

static void silent_text(const struct guest_spec *s, char *text) {
        char time[64];

        format_duration(patience(s), time, sizeof(time));
        if (by_agent(s))
                text_fmt(text, TEXT_LEN, "running; its guest agent did not answer within %s", time);
        else
                text_fmt(text, TEXT_LEN, "ran for its boot time, %s%s", time,
                         s->conf.health_by == HEALTH_BY_WATCHDOG
                                 ? ", and its watchdog did not run out"
                                 : "");
}

static void observe_health(struct core *c, const struct guest *g, const struct domain *dom) {
        usec_t due = usec_add(dom->running_since, patience(g->spec));
        bool resumed = g->recovery.why == END_IO_ERROR;
        struct entry *e;
        struct op *op;

        if (g->state != GUEST_RUNNING || g->health == HEALTH_HEALTHY)
                return;
        if (!dom->healthy && c->now < due) {
                wake_at(c, due);
                return;
        }
        if (resumed && c->now < usec_add(dom->resumed, IO_PROVEN_USEC)) {
                wake_at(c, usec_add(dom->resumed, IO_PROVEN_USEC));
                return;
        }
        if (just_told(c, g, OP_GUEST_HEALTHY, SEEN_RUNNING, END_NONE))
                return;
        op = see(c, g, OP_GUEST_HEALTHY, &e);
        if (resumed) {
                text_set(op->text, sizeof(op->text), "resumed; its disk answers again");
        } else if (dom->healthy) {
                op->wall = dom->healthy_wall;
                text_set(op->text, sizeof(op->text), dom->evidence);
        } else {
                silent_text(g->spec, op->text);
        }
        log_propose(c, e);
}

static bool shows(const struct guest *g, enum seen_state seen) {
        switch (seen) {
        case SEEN_RUNNING:
                return g->state == GUEST_RUNNING;
        case SEEN_PAUSED:
                return g->state == GUEST_PAUSED;
        case SEEN_CRASHED:
                return g->state == GUEST_FAILED || g->state == GUEST_BLOCKED;
        case SEEN_GONE:
        case SEEN_MAX_:
                break;
        }
        return false;
}

/* What it is to be recovered from though its QEMU is there, by its policy. A hang counts only when
 * it was healthy: while it boots it may well do nothing (DESIGN 5). */
static enum end_why ails(const struct guest *g, const struct domain_seen *d) {
        if (g->desired != DESIRED_RUNNING || g->deleting)
                return END_NONE;
        if (d->end_why == END_IO_ERROR && d->state == SEEN_PAUSED)
                return END_IO_ERROR;
        if (g->spec->conf.health_by == HEALTH_BY_NONE)
                return END_NONE;
        if (d->end_why == END_WATCHDOG && (d->state == SEEN_RUNNING || d->state == SEEN_PAUSED))
                return END_WATCHDOG;
        if (g->spec->conf.health_by != HEALTH_BY_WATCHDOG && d->end_why == END_HANG &&
            d->state == SEEN_RUNNING && g->health == HEALTH_HEALTHY)
                return END_HANG;
        return END_NONE;
}

/* A guest of ours: what libvirt shows against what the ledger says. */
static void observe_own(struct core *c, const struct guest *g, const struct domain *dom) {
        enum seen_state seen = dom ? dom->seen.state : SEEN_GONE;
        enum end_why why = dom ? dom->seen.end_why : END_NONE;
        struct entry *e;
        struct op *op;

        /* Unsettled: its end is the settle job's to find out. */
        if ((g->state == GUEST_FAILED || g->state == GUEST_BLOCKED) &&
            (seen != SEEN_RUNNING || g->recovery.why != END_NONE))
                return;
        if (g->state == GUEST_STARTING || g->state == GUEST_STOPPING)
                return;
        if (seen == SEEN_RUNNING || seen == SEEN_PAUSED)
                why = ails(g, &dom->seen);
        else if (why == END_NONE)
                why = END_UNKNOWN;
        if (dom && shows(g, seen) &&
            (seen == SEEN_CRASHED || why == END_NONE || why == g->recovery.why)) {
                observe_health(c, g, dom);
                return;
        }
        if (just_told(c, g, OP_GUEST_SEEN, seen, why))
                return;
        op = see(c, g, OP_GUEST_SEEN, &e);
        op->seen = seen;
        op->end_why = why;
        if (dom) {
                op->wall = dom->seen.wall ? dom->seen.wall : c->wall;
                op->wall_last_good = dom->seen.good_wall;
                text_set(op->text, sizeof(op->text), dom->seen.text);
        }
        log_propose(c, e);
}

/* A copy that nobody gave a claim to is stopped at once (S1, S5), and then said. */
static void stop_rogue(struct core *c, const struct guest *g) {
        struct work *w = work_add(c, WORK_ROGUE, g->gid, g->spec->uuid);
        struct action *a = work_begin(c, w, GJOB_DESTROY);

        text_set(a->guest_job.name, sizeof(a->guest_job.name), g->spec->name);
}

/* It is defined only where it may run: nobody shall start it here by hand or by autostart. */
static void tidy(struct core *c, const struct guest *g) {
        struct work *w = work_add(c, WORK_TIDY, g->gid, g->spec->uuid);
        struct action *a = work_begin(c, w, GJOB_UNDEFINE);

        text_set(a->guest_job.name, sizeof(a->guest_job.name), g->spec->name);
}

/* S5: said until the ledger has an incident of it. */
static bool rogue_said(struct core *c, struct work *w) {
        struct entry *e;
        struct op *op;

        if (w->wall == 0)
                w->wall = c->wall;
        if (rogue_noted(&c->model, w->gid, c->nodeid, w->wall)) {
                wake_at(c, c->now); /* a report may wait for this */
                return true;
        }
        if (!core_operational(c))
                return false;
        if (w->told == 0 || c->now >= usec_add(w->told, RESEND_USEC)) {
                w->told = MAX(c->now, 1);
                e = observation(c, OP_GUEST_ROGUE, &op);
                op->gid = w->gid;
                op->wall = w->wall;
                text_set(op->text, sizeof(op->text),
                         w->kind == JOB_STOP
                                 ? "the copy was stopped before the host counts as online"
                                 : "the copy was stopped");
                log_propose(c, e);
        }
        wake_at(c, usec_add(w->told, RESEND_USEC));
        return false;
}

/* Work of this host's own: done, it goes; failed, it is said, stays for a while and is tried anew.
 */
static void own_work_end(struct core *c) {
        for (size_t i = 0; i < c->n_works;) {
                struct work *w = &c->works[i];
                const struct guest *g = model_guest(&c->model, w->gid);

                if ((w->use != WORK_ROGUE && w->use != WORK_TIDY) || !w->done) {
                        i++;
                        continue;
                }
                if (w->result != RESULT_DONE && g) {
                        if (w->told == 0) {
                                w->told = MAX(c->now, 1);
                                core_note(c, NOTE_GUEST_ROGUE, c->nodeid, g->spec->name,
                                          "%s has no claim here, but cannot be %s: %s",
                                          g->spec->name,
                                          w->use == WORK_ROGUE ? "stopped" : "undefined", w->text);
                        }
                        if (c->now < usec_add(w->told, OWN_RETRY_USEC)) {
                                wake_at(c, usec_add(w->told, OWN_RETRY_USEC));
                                i++;
                                continue;
                        }
                } else if (w->use == WORK_ROGUE && g && !rogue_said(c, w)) {
                        i++;
                        continue;
                }
                work_remove(c, i);
        }
}

/* Wanted elsewhere, or not at all: a definition here has no purpose. */
static bool defined_in_vain(const struct guest *g) {
        return g->claims != 0 || g->desired == DESIRED_STOPPED || g->deleting;
}

static void guest_tick(struct core *c, struct guest *g, uint32_t self_bit) {
        struct domain *dom = executor_find(c, g->spec->uuid);
        bool live = dom && (dom->seen.state == SEEN_RUNNING || dom->seen.state == SEEN_PAUSED ||
                            dom->seen.state == SEEN_CRASHED);
        struct work *w = work_of_guest(c, g->gid);

        if (g->job_kind != JOB_NONE && g->job_host == c->nodeid) {
                if (!w)
                        job_start(c, g);
                return;
        }
        if (w || !c->libvirt_up)
                return;
        if (g->claims & self_bit) {
                observe_own(c, g, dom);
        } else if (live && g->desired == DESIRED_IGNORED) {
                struct entry *e;
                struct op *op;

                if (g->claims || just_told(c, g, OP_GUEST_SEEN, dom->seen.state, END_NONE))
                        return;
                op = see(c, g, OP_GUEST_SEEN, &e);
                op->seen = dom->seen.state;
                log_propose(c, e);
        } else if (live) {
                stop_rogue(c, g);
        } else if (dom && dom->defined && g->desired != DESIRED_IGNORED && defined_in_vain(g)) {
                tidy(c, g);
        }
}

void executor_tick(struct core *c) {
        int index = model_host_index(&c->model, c->nodeid);

        jobs_tell(c);
        own_work_end(c);
        if (index < 0 || !core_operational(c) || join_needed(c))
                return;
        if (c->model.hosts[index].state == HOST_JOINING || c->stopping)
                return;
        for (size_t i = 0; i < c->model.n_guests; i++)
                guest_tick(c, &c->model.guests[i], 1u << index);
}
