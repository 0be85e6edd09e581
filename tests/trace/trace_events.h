/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The events of a trace, by their first word; included by trace.c alone.
 *
 * Before the first event: hosts N, node N (whose trace it is), device NAME HOST LEVEL (seen on),
 * unproven NAME HOST LEVEL (never seen on), guest NAME HOST|nowhere, after GUEST OTHER, show wire.
 */
#pragma once

#define WORDS 8

struct words {
        const char *w[WORDS];
        size_t n;
};

static const char *word(struct trace *t, const struct words *w, size_t i) {
        if (i >= w->n)
                bad(t, "a word is missing after", w->w[0]);
        return w->w[i];
}

static uint32_t host_id(struct trace *t, const char *name) {
        struct model *m = t->open ? rig_model(t->r) : &t->l.m;
        struct host *h = model_host_named(m, name);

        if (!h)
                bad(t, "no such host", name);
        return h->nodeid;
}

static struct guest *guest_of(struct trace *t, const char *name) {
        struct model *m = t->open ? rig_model(t->r) : &t->l.m;
        struct guest *g = model_guest_named(m, name);

        if (!g)
                bad(t, "no such guest", name);
        return g;
}

static int pick(struct trace *t, const char *name, const char *const *names, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], name) == 0)
                        return (int)i;
        bad(t, "no such word", name);
        return 0;
}

static enum seen_state seen_of(struct trace *t, const char *name) {
        static const char *const names[] = {"gone", "running", "paused", "crashed"};

        return (enum seen_state)pick(t, name, names, ARRAY_SIZE(names));
}

static enum end_why end_of(struct trace *t, const char *name) {
        for (int i = END_GUEST_SHUTDOWN; i < END_MAX_; i++)
                if (strcmp(end_why_name((enum end_why)i), name) == 0)
                        return (enum end_why)i;
        bad(t, "no such end", name);
        return END_NONE;
}

static enum job_result result_of(struct trace *t, const char *name) {
        static const char *const names[] = {"done", "failed", "unsettled", "cancelled"};

        return (enum job_result)pick(t, name, names, ARRAY_SIZE(names));
}

/* ---- before the start ------------------------------------------------------------------------ */

static bool take_setup(struct trace *t, const struct words *w) {
        const char *what = w->w[0];

        if (strcmp(what, "hosts") == 0) {
                led_open(&t->l, (uint32_t)atoi(word(t, w, 1)));
        } else if (strcmp(what, "node") == 0) {
                t->node = (uint32_t)atoi(word(t, w, 1));
        } else if (strcmp(what, "device") == 0 || strcmp(what, "unproven") == 0) {
                if (what[0] == 'd')
                        led_device(&t->l, word(t, w, 1), host_id(t, word(t, w, 2)));
                rig_device(t->r, word(t, w, 1), word(t, w, 2), (uint32_t)atoi(word(t, w, 3)));
        } else if (strcmp(what, "guest") == 0) {
                if (strcmp(word(t, w, 2), "nowhere") == 0)
                        led_add(&t->l, w->w[1]);
                else
                        led_running(&t->l, w->w[1], host_id(t, w->w[2]));
        } else if (strcmp(what, "after") == 0) {
                struct guest_spec *s = guest_of(t, word(t, w, 1))->spec;

                text_set(s->after[s->n_after++], NAME_LEN, word(t, w, 2));
        } else if (strcmp(what, "show") == 0) {
                t->show_wire = strcmp(word(t, w, 1), "wire") == 0;
        } else {
                return false;
        }
        return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

/* start, restart: the hawd that the ledger knows, or a new one */
static void ev_start(struct trace *t, const struct words *w) {
        t->open = true;
        rig_open(t->r, &t->l, t->node, strcmp(w->w[0], "restart") == 0);
}

/* pass 10s */
static void ev_pass(struct trace *t, const struct words *w) {
        char err[TEXT_LEN];
        usec_t d;

        if (parse_duration(word(t, w, 1), &d, err) < 0)
                bad(t, err, "");
        rig_pass(t->r, d);
}

/* group 1 2 [ring 1 2 3] */
static void ev_group(struct trace *t, const struct words *w) {
        uint32_t group = 0, ring = 0;
        bool in_ring = false;

        for (size_t i = 1; i < w->n; i++) {
                if (strcmp(w->w[i], "ring") == 0)
                        in_ring = true;
                else
                        *(in_ring ? &ring : &group) |= 1u << atoi(w->w[i]);
        }
        rig_group(t->r, group, in_ring ? ring : group);
}

static void ev_quorum(struct trace *t, const struct words *w) {
        rig_quorum(t->r, strcmp(word(t, w, 1), "yes") == 0);
}

/* libvirt up [GUEST STATE], libvirt down */
static void ev_libvirt(struct trace *t, const struct words *w) {
        if (strcmp(word(t, w, 1), "down") == 0)
                EVENT(t->r, .kind = EV_LIBVIRT_DOWN);
        else if (w->n > 2)
                rig_libvirt(t->r, w->w[2], seen_of(t, word(t, w, 3)));
        else
                rig_libvirt(t->r, NULL, SEEN_GONE);
}

/* domain GUEST STATE [WHY] */
static void ev_domain(struct trace *t, const struct words *w) {
        rig_domain(t->r, word(t, w, 1), seen_of(t, word(t, w, 2)),
                   w->n > 3 ? end_of(t, w->w[3]) : END_NONE);
}

/* job GUEST RESULT STATE: the latest asked of libvirt for it has ended */
static void ev_job(struct trace *t, const struct words *w) {
        for (size_t i = t->r->n_acts; i > 0; i--) {
                const struct action *a = &t->r->acts[i - 1];

                if (a->kind != ACT_GUEST_JOB || strcmp(a->guest_job.name, word(t, w, 1)) != 0)
                        continue;
                rig_job_done(t->r, a->guest_job.id, result_of(t, word(t, w, 2)),
                             seen_of(t, word(t, w, 3)));
                return;
        }
        bad(t, "nothing was asked of libvirt for", w->w[1]);
}

/* power DEVICE on|off|unknown: the latest action for it has ended so */
static void ev_power(struct trace *t, const struct words *w) {
        static const char *const names[] = {"unknown", "on", "off"};

        for (size_t i = t->r->n_acts; i > 0; i--) {
                const struct action *a = &t->r->acts[i - 1];

                if (a->kind != ACT_FENCE || strcmp(a->fence.device, word(t, w, 1)) != 0)
                        continue;
                rig_fence_done(t->r, a->fence.id,
                               (enum power_reading)pick(t, word(t, w, 2), names, 3));
                return;
        }
        bad(t, "nothing was asked of", w->w[1]);
}

/* told GUEST RESULT: its job has ended on its host */
static void ev_told(struct trace *t, const struct words *w) {
        struct guest *g = guest_of(t, word(t, w, 1));
        enum job_result result = result_of(t, word(t, w, 2));
        struct words own = {
                .w = {w->w[0], w->w[1], w->w[2], result == RESULT_DONE ? "running" : "gone"},
                .n = 4};

        if (g->job_host == t->node) {
                ev_job(t, &own);
                return;
        }
        BY(t->r, g->job_host, .kind = OP_GUEST_DONE, .gid = g->gid, .job = g->job,
           .host = g->job_host, .result = result,
           .seen = result == RESULT_DONE && g->job_kind != JOB_STOP ? SEEN_RUNNING : SEEN_GONE,
           .text = "as told");
}

/* fenced HOST off|on|failed: what its job came to, by its executor; here: every device reads so */
static void ev_fenced(struct trace *t, const struct words *w) {
        static const char *const names[] = {"off", "on", "failed"};
        static const char *const readings[] = {"off", "on", "unknown"};
        int result = pick(t, word(t, w, 2), names, ARRAY_SIZE(names));
        uint32_t host = host_id(t, word(t, w, 1));

        for (size_t i = 0; i < rig_model(t->r)->n_fence_jobs; i++) {
                struct fence_job j = rig_model(t->r)->fence_jobs[i];

                if (j.host != host)
                        continue;
                for (uint32_t k = 0; j.executor == t->node && k < j.n_devices; k++)
                        ev_power(t, &(struct words){.w = {w->w[0], j.devices[k], readings[result]},
                                                    .n = 3});
                if (j.executor == t->node)
                        return;
                BY(t->r, j.executor, .kind = OP_FENCE_DONE, .job = j.id, .host = host,
                   .loss = j.loss, .executor = j.executor,
                   .fence_result = (enum fence_result)result, .text = "as told");
                return;
        }
        bad(t, "no fence job against", w->w[1]);
}

/* healthy GUEST: its host says so */
static void ev_healthy(struct trace *t, const struct words *w) {
        struct guest *g = guest_of(t, word(t, w, 1));

        BY(t->r, g->host, .kind = OP_GUEST_HEALTHY, .gid = g->gid, .host = g->host, .gen = g->gen,
           .text = "agent answers");
}

/* ended GUEST WHY: its host, another one, says so */
static void ev_ended(struct trace *t, const struct words *w) {
        struct guest *g = guest_of(t, word(t, w, 1));

        BY(t->r, g->host, .kind = OP_GUEST_SEEN, .gid = g->gid, .host = g->host, .gen = g->gen,
           .seen = SEEN_GONE, .end_why = end_of(t, word(t, w, 2)));
}

/* joins HOST, reports HOST: a new hawd of it; reports: and shows nothing */
static void ev_joins(struct trace *t, const struct words *w) {
        uint32_t host = host_id(t, word(t, w, 1));
        bool join = strcmp(w->w[0], "joins") == 0;

        BY(t->r, host, .kind = join ? OP_HOST_JOIN : OP_HOST_REPORT, .host = host,
           .incarnation = 9000 + host, .facts = {.vcpus = 4, .memory_mib = 8192});
}

/* decided start GUEST HOST, decided lost HOST, decided fence HOST EXECUTOR DEVICE [DEVICE] */
static void ev_decided(struct trace *t, const struct words *w) {
        if (strcmp(word(t, w, 1), "start") == 0) {
                BY(t->r, 1, .kind = OP_GUEST_START, .gid = guest_of(t, word(t, w, 2))->gid,
                   .host = host_id(t, word(t, w, 3)), .text = "the leader says so");
        } else if (strcmp(w->w[1], "lost") == 0) {
                BY(t->r, 1, .kind = OP_HOST_LOST, .host = host_id(t, word(t, w, 2)),
                   .text = "the leader says so");
        } else if (strcmp(w->w[1], "fence") == 0) {
                struct op op = {.kind = OP_FENCE_START,
                                .host = host_id(t, word(t, w, 2)),
                                .executor = host_id(t, word(t, w, 3)),
                                .level = 1,
                                .budget_usec = 20 * USEC_PER_SEC};

                op.loss = model_host(rig_model(t->r), op.host)->losses;
                for (size_t i = 4; i < w->n; i++)
                        text_set(op.devices[op.n_devices++], NAME_LEN, w->w[i]);
                rig_op_by(t->r, 1, op);
        } else {
                bad(t, "no such decision", w->w[1]);
        }
}

/* ask VERB [GUEST|-] [HOST]: a client of this member; verbs with - for blanks: guest-stop */
static void ev_ask(struct trace *t, const struct words *w) {
        struct event ev = {.kind = EV_REQUEST, .request = {.id = 1, .who = "ann"}};
        char verb[NAME_LEN];

        text_set(verb, sizeof(verb), word(t, w, 1));
        for (char *p = verb; *p; p++)
                if (*p == '-')
                        *p = ' ';
        for (int i = 0; i < VERB_MAX_; i++)
                if (strcmp(verb_name((enum verb)i), verb) == 0)
                        ev.request.verb = (enum verb)i;
        if (ev.request.verb == VERB_NONE)
                bad(t, "no such verb", verb);
        if (w->n > 2 && strcmp(w->w[2], "-") != 0)
                text_set(ev.request.guest, sizeof(ev.request.guest), w->w[2]);
        if (w->n > 3)
                text_set(ev.request.host, sizeof(ev.request.host), w->w[3]);
        rig_event(t->r, ev);
}

static void ev_stop(struct trace *t, const struct words *w) {
        (void)w; /* no words */
        EVENT(t->r, .kind = EV_STOP);
}

static const struct {
        const char *name;
        void (*take)(struct trace *t, const struct words *w);
} events[] = {
        {"pass", ev_pass},       {"group", ev_group},   {"quorum", ev_quorum},
        {"libvirt", ev_libvirt}, {"domain", ev_domain}, {"job", ev_job},
        {"power", ev_power},     {"told", ev_told},     {"fenced", ev_fenced},
        {"healthy", ev_healthy}, {"ended", ev_ended},   {"joins", ev_joins},
        {"reports", ev_joins},   {"ask", ev_ask},       {"decided", ev_decided},
        {"stop", ev_stop},
};

static void take_line(struct trace *t, const char *line) {
        char copy[512], *rest = copy, *part;
        struct words w = {0};

        text_set(copy, sizeof(copy), line);
        while ((part = strsep(&rest, " ")) && w.n < WORDS)
                if (*part)
                        w.w[w.n++] = part;
        if (!t->open && take_setup(t, &w))
                return;
        if (!t->open && (strcmp(w.w[0], "start") == 0 || strcmp(w.w[0], "restart") == 0)) {
                ev_start(t, &w);
                return;
        }
        for (size_t i = 0; t->open && i < ARRAY_SIZE(events); i++)
                if (strcmp(events[i].name, w.w[0]) == 0) {
                        events[i].take(t, &w);
                        return;
                }
        bad(t, "no such event", w.w[0]);
}
