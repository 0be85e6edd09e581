/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fence jobs carried out by this member, and the regular look at every device. Pure.
 *
 * A job is one level of the ladder: every device of it at once, each by a child of its own that
 * reads, switches and reads again. Called off, its children are ended, and the power is read once
 * more before the job counts as ended (S3).
 */
#include <stdio.h>

#include "fencing/ladder.h"
#include "hawd/core/priv.h"

#define APART_USEC USEC_PER_SEC
#define OFF_AGAIN_USEC (2 * USEC_PER_SEC) /* read off while its host is there: look again; */
#define RELOOK_USEC (15 * USEC_PER_SEC)   /* by then it is a lie, and once known, so often */

static struct fence_work *fence_add(struct core *c, enum fence_use use, uint32_t host) {
        struct fence_work *f;

        c->fences = core_grow(c->fences, &c->cap_fences, c->n_fences, sizeof(*c->fences));
        f = &c->fences[c->n_fences++];
        *f = (struct fence_work){.use = use, .host = host};
        return f;
}

static void fence_remove(struct core *c, size_t i) {
        memmove(&c->fences[i], &c->fences[i + 1], (c->n_fences - i - 1) * sizeof(*c->fences));
        c->n_fences--;
}

static usec_t device_timeout(const struct core *c, const char *name) {
        const struct conf_device *d = config_device(c->config, name);

        return d ? d->timeout_usec : 20 * USEC_PER_SEC;
}

static void part_end(struct core *c, struct fence_part *p, enum power_reading reading) {
        p->ended = true;
        p->end = c->now;
        p->reading = reading;
}

/* A job names devices as its leader's hawd.conf has them: by another one it could be the power of
 * another host. */
static bool part_refused(struct core *c, const struct fence_work *f, struct fence_part *p) {
        const struct device *seen = model_device(&c->model, p->device);
        const struct conf_device *d = config_device(c->config, p->device);
        const char *host = model_host_name(&c->model, f->host),
                   *here = core_node_name(c, c->nodeid);

        if (f->use != FENCE_USE_JOB)
                return false;
        if (!d) {
                text_fmt(p->text, sizeof(p->text),
                         "hawd.conf of %s has no [fence %s]: make it the same, hawctl reload", here,
                         p->device);
        } else if (strcmp(d->host, host) != 0) {
                text_fmt(p->text, sizeof(p->text),
                         "not used: by hawd.conf of %s it is of %s: correct that, hawctl reload",
                         here, d->host);
        } else if (seen && seen->settings && seen->settings != config_device_settings(d)) {
                text_fmt(p->text, sizeof(p->text),
                         "not used: hawd.conf of %s has other settings of it than those by which "
                         "it was seen to read on",
                         here);
        } else {
                return false;
        }
        part_end(c, p, READING_NONE);
        return true;
}

static void parts_begin(struct core *c, struct fence_work *f, enum fence_action action) {
        for (uint32_t i = 0; i < f->n; i++) {
                struct fence_part *p = &f->parts[i];
                struct action *a;

                if (part_refused(c, f, p))
                        continue;
                a = actions_add(c->out, ACT_FENCE);
                p->id = ++c->next_action;
                p->ended = false;
                a->fence.id = p->id;
                text_set(a->fence.device, sizeof(a->fence.device), p->device);
                a->fence.action = action;
                a->fence.timeout_usec = device_timeout(c, p->device);
                a->fence.deadline_usec = f->deadline;
        }
}

static void part_device(struct fence_work *f, const char *name) {
        if (f->n < ARRAY_SIZE(f->parts)) {
                struct fence_part *p = &f->parts[f->n++];

                *p = (struct fence_part){0};
                text_set(p->device, sizeof(p->device), name);
        }
}

static bool parts_ended(const struct fence_work *f) {
        for (uint32_t i = 0; i < f->n; i++)
                if (!f->parts[i].ended)
                        return false;
        return true;
}

void fencer_done(struct core *c, const struct event *ev) {
        for (size_t i = 0; i < c->n_fences; i++)
                for (uint32_t k = 0; k < c->fences[i].n; k++) {
                        struct fence_part *p = &c->fences[i].parts[k];

                        if (p->id != ev->fence.id || p->ended)
                                continue;
                        part_end(c, p, ev->fence.reading);
                        p->switched |= ev->fence.switched;
                        text_set(p->text, sizeof(p->text), ev->fence.text ? ev->fence.text : "");
                        text_set(p->guid, sizeof(p->guid), ev->fence.guid ? ev->fence.guid : "");
                        c->fences[i].wall = ev->fence.wall ? wall_of(c, ev->fence.wall) : c->wall;
                        return;
                }
}

/* "bmc1 reads off (switched off), bmc1b: no answer" */
static void parts_text(const struct fence_work *f, char *buf, size_t size) {
        size_t used = 0;

        buf[0] = '\0';
        for (uint32_t i = 0; i < f->n; i++) {
                const struct fence_part *p = &f->parts[i];
                const char *what = p->reading == READING_OFF
                                           ? (p->switched ? "switched off, reads off twice"
                                                          : "found off, read twice")
                                   : p->reading == READING_ON ? "reads on"
                                                              : "no reading";
                int r = snprintf(buf + used, size - used, "%s%s: %s%s%.90s", used ? "; " : "",
                                 p->device, what, p->text[0] ? ": " : "", p->text);

                if (r < 0 || (size_t)r >= size - used)
                        return;
                used += (size_t)r;
        }
}

static bool parts_read(const struct fence_work *f, enum power_reading r) {
        for (uint32_t i = 0; i < f->n; i++)
                if (f->parts[i].reading != r)
                        return false;
        return f->n > 0;
}

static enum fence_result job_result(const struct fence_work *f) {
        if (f->cancelled)
                return FENCE_CANCELLED;
        if (f->kind != FENCE_ON && parts_read(f, READING_OFF))
                return FENCE_PROVEN_OFF;
        if (parts_read(f, READING_ON))
                return FENCE_IS_ON;
        return FENCE_FAILED;
}

static void job_tell(struct core *c, struct fence_work *f) {
        struct entry *e;
        struct op *op;

        if (f->told && c->now < usec_add(f->told, RESEND_USEC)) {
                wake_at(c, usec_add(f->told, RESEND_USEC));
                return;
        }
        f->told = MAX(c->now, 1);
        wake_at(c, usec_add(f->told, RESEND_USEC));
        e = observation(c, OP_FENCE_DONE, &op);
        op->job = f->job;
        op->host = f->host;
        op->loss = f->loss;
        op->executor = c->nodeid;
        op->fence_result = job_result(f);
        op->wall = f->wall ? f->wall : c->wall;
        parts_text(f, op->text, sizeof(op->text));
        log_propose(c, e);
}

static void job_call_off(struct core *c, struct fence_work *f) {
        f->cancelled = true;
        for (uint32_t i = 0; i < f->n; i++)
                if (!f->parts[i].ended)
                        actions_add(c->out, ACT_FENCE_CANCEL)->cancel.id = f->parts[i].id;
}

static enum fence_action action_of(enum fence_kind kind) {
        return kind == FENCE_OFF  ? FENCE_ACT_OFF
               : kind == FENCE_ON ? FENCE_ACT_ON
                                  : FENCE_ACT_STATUS;
}

static void job_begin(struct core *c, const struct fence_job *j) {
        struct fence_work *f = fence_add(c, FENCE_USE_JOB, j->host);

        f->job = j->id;
        f->loss = j->loss;
        f->kind = j->kind;
        f->deadline = usec_add(c->now, j->budget_usec);
        for (uint32_t i = 0; i < j->n_devices; i++)
                part_device(f, j->devices[i]);
        if (j->cancelling) { /* called off before it began here: only the last look */
                f->cancelled = f->last_look = true;
                parts_begin(c, f, FENCE_ACT_STATUS);
                return;
        }
        parts_begin(c, f, action_of(j->kind));
}

/* Not read off at about the same time: one may be on again by now. */
static bool parts_apart(const struct fence_work *f) {
        usec_t first = f->parts[0].end, last = first;

        for (uint32_t i = 1; i < f->n; i++) {
                first = MIN(first, f->parts[i].end);
                last = MAX(last, f->parts[i].end);
        }
        return last - first > APART_USEC;
}

/* What only looks reads twice, as what switches does, and supplies must be off together: false
 * while the second look is under way. */
static bool looked_twice(struct core *c, struct fence_work *f) {
        if (f->kind == FENCE_ON || f->second || f->cancelled || !parts_read(f, READING_OFF) ||
            (f->kind == FENCE_OFF && !parts_apart(f)))
                return true;
        f->second = true;
        parts_begin(c, f, FENCE_ACT_STATUS);
        return false;
}

/* An even split's own (lone.c): no ledger gave it, this configuration did. */
void fencer_lone(struct core *c, uint32_t nodeid, enum fence_kind kind,
                 const struct ladder_step *s) {
        struct fence_work *f = fence_add(c, FENCE_USE_LONE, nodeid);
        usec_t longest = 0;

        f->kind = kind;
        for (uint32_t i = 0; i < s->n_devices; i++) {
                part_device(f, s->devices[i]->name);
                longest = MAX(longest, s->devices[i]->timeout_usec);
        }
        f->deadline = usec_add(c->now, longest);
        core_note(c, NOTE_FENCE_START, nodeid, NULL, "%s %s %s: an even split, by %s%s",
                  core_node_name(c, c->nodeid), kind == FENCE_LOOK ? "looks at" : "switches off",
                  core_node_name(c, nodeid), s->devices[0]->name,
                  s->n_devices > 1 ? " and others" : "");
        parts_begin(c, f, action_of(kind));
}

bool fencer_lone_of(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_fences; i++)
                if (c->fences[i].use == FENCE_USE_LONE && c->fences[i].host == nodeid)
                        return true;
        return false;
}

void fencer_lone_call_off(struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_fences; i++)
                if (c->fences[i].use == FENCE_USE_LONE && !c->fences[i].cancelled &&
                    (nodeid == 0 || c->fences[i].host == nodeid))
                        job_call_off(c, &c->fences[i]);
}

/* What it sent may still take effect: whoever finds the device off later must know whose off it is.
 */
static void own_off(struct core *c, const struct fence_work *f) {
        for (uint32_t k = 0; k < f->n && f->kind == FENCE_OFF; k++) {
                struct own_off *o;

                if (c->n_own_offs == ARRAY_SIZE(c->own_offs))
                        return;
                o = &c->own_offs[c->n_own_offs++];
                *o = (struct own_off){.wall = f->wall ? f->wall : c->wall};
                text_set(o->device, NAME_LEN, f->parts[k].device);
        }
}

static void own_offs_tell(struct core *c) {
        for (size_t i = 0; i < c->n_own_offs && core_operational(c); i++) {
                struct own_off *o = &c->own_offs[i];
                const struct device *d = model_device(&c->model, o->device);
                struct op *op;

                if (!d || d->off_wall >= o->wall) {
                        *o = c->own_offs[--c->n_own_offs];
                        i--;
                } else if (o->told && c->now < usec_add(o->told, RESEND_USEC)) {
                        wake_at(c, usec_add(o->told, RESEND_USEC));
                } else {
                        struct entry *e = observation(c, OP_DEVICE_OFF, &op);

                        o->told = MAX(c->now, 1);
                        wake_at(c, usec_add(o->told, RESEND_USEC));
                        op->host = d->host;
                        op->wall = o->wall;
                        text_set(op->name, sizeof(op->name), o->device);
                        log_propose(c, e);
                }
        }
}

/* Called off, it ends with one more status, as every other does (S3). */
static void lone_ended(struct core *c, size_t i) {
        struct fence_work *f = &c->fences[i];
        char text[TEXT_LEN], why[TEXT_LEN];
        const char *names[LEVEL_DEVICES_MAX * 2];
        bool off;

        if (f->cancelled && !f->last_look) {
                f->last_look = true;
                parts_begin(c, f, FENCE_ACT_STATUS);
                return;
        }
        if (!looked_twice(c, f))
                return;
        for (uint32_t k = 0; k < f->n; k++)
                names[k] = f->parts[k].device;
        off = job_result(f) == FENCE_PROVEN_OFF;
        parts_text(f, text, sizeof(text));
        if (off && !devices_prove(lone_model(c), f->host, names, f->n, why, sizeof(why))) {
                off = false;
                text_set(text, sizeof(text), why);
        }
        if (!f->cancelled)
                lone_result(c, f->host, f->kind, off, text);
        else
                own_off(c, f);
        fence_remove(c, i);
        sync_resume(c);
}

static struct fence_work *job_work(struct core *c, uint64_t job) {
        for (size_t i = 0; i < c->n_fences; i++)
                if (c->fences[i].use == FENCE_USE_JOB && c->fences[i].job == job)
                        return &c->fences[i];
        return NULL;
}

/*
 * What hung finds the messages of meanwhile in its queue, all at once: a job among them may have
 * been closed since, and its host be back. Behind them comes its own heartbeat.
 */
static bool up_to_date(const struct core *c) {
        return c->now < usec_add(c->own_heard, silent_limit(c));
}

static void jobs_tick(struct core *c) {
        for (size_t i = 0; i < c->model.n_fence_jobs; i++) {
                const struct fence_job *j = &c->model.fence_jobs[i];
                struct fence_work *f = job_work(c, j->id);

                if (j->executor != c->nodeid)
                        continue;
                if (!f && core_operational(c) && up_to_date(c))
                        job_begin(c, j);
                else if (f && j->cancelling && !f->cancelled && !f->done)
                        job_call_off(c, f);
        }
        for (size_t i = 0; i < c->n_fences;) {
                struct fence_work *f = &c->fences[i];

                if (f->use != FENCE_USE_JOB || !parts_ended(f) || !looked_twice(c, f)) {
                        i++;
                        continue;
                }
                if (f->cancelled && !f->last_look && model_fence_job(&c->model, f->job)) {
                        f->last_look = true;
                        parts_begin(c, f, FENCE_ACT_STATUS);
                        i++;
                        continue;
                }
                f->done = true;
                if (!model_fence_job(&c->model, f->job)) {
                        fence_remove(c, i);
                        continue;
                }
                job_tell(c, f);
                i++;
        }
}

/* Told seldom when nothing changed: a look a minute at every device is not worth ledger entries. */
static bool device_news(const struct core *c, const struct device *d, const struct fence_part *p,
                        uint64_t settings, bool sure) {
        enum power_reading r = p->reading;

        if (!d || d->settings != settings || (p->guid[0] && strcmp(d->guid, p->guid) != 0))
                return true;
        if (r == READING_NONE)
                return d->reachable || d->checked_wall == 0;
        if (!d->reachable || d->reached_by != c->nodeid ||
            c->wall >= usec_add(d->checked_wall, DEVICE_SAID_USEC))
                return true;
        return r == READING_ON ? !d->seen_on || d->distrusted : sure && !d->distrusted;
}

/* It has heard a heartbeat that was sent after @t: it lived then, whatever a device reads. */
static bool lived_after(struct core *c, uint32_t nodeid, usec_t t) {
        const struct peer *p = core_peer(c, nodeid);

        return p && p->echoed > t;
}

/*
 * Whether a device lies that reads off while its host @nodeid is in the ring: what was off may
 * just not have been missed yet, so one look says nothing.
 */
static bool off_is_a_lie(struct core *c, struct check *k, uint32_t nodeid) {
        bool again = k->off_at && c->now <= usec_add(k->off_at, 2 * RELOOK_USEC);
        bool lie = again && (lived_after(c, nodeid, k->off_at) ||
                             c->now >= usec_add(k->off_at, RELOOK_USEC));

        if (!again || lie)
                k->off_at = MAX(c->now, 1);
        k->next = usec_add(c->now, lie ? RELOOK_USEC : OFF_AGAIN_USEC);
        return lie;
}

static void check_tell(struct core *c, const struct fence_work *f) {
        const struct fence_part *p = &f->parts[0];
        const struct conf_device *conf = config_device(c->config, p->device);
        struct device *d = model_device(&c->model, p->device);
        struct check *k = NULL;
        bool in_ring = f->in_group && core_in_group(c, f->host);
        bool sure = false;
        struct entry *e;
        struct op *op;

        for (size_t i = 0; i < c->n_checks; i++)
                if (strcmp(c->checks[i].device, p->device) == 0)
                        k = &c->checks[i];
        if (k && p->reading == READING_OFF && in_ring) {
                sure = off_is_a_lie(c, k, f->host);
        } else if (k) {
                k->off_at = 0;
                if (p->reading == READING_NONE && (!d || !d->seen_on))
                        k->next = usec_add(c->now, RELOOK_USEC); /* it proves nothing until read */
        }
        if (!in_ring || !conf || !device_news(c, d, p, config_device_settings(conf), sure))
                return;
        e = observation(c, OP_DEVICE_SEEN, &op);
        text_set(op->name, sizeof(op->name), p->device);
        op->host = f->host;
        op->executor = c->nodeid;
        op->reading = p->reading;
        op->settings = config_device_settings(conf);
        text_set(op->guid, sizeof(op->guid), p->guid);
        op->flag = sure;
        op->wall = f->wall ? f->wall : c->wall;
        if (p->reading == READING_NONE)
                text_set(op->text, sizeof(op->text), p->text);
        log_propose(c, e);
}

/* Host @i is looked at by the online host that follows it: one other host each, evenly spread. */
uint32_t fencer_checker_of(const struct model *m, size_t i) {
        for (size_t k = 1; k < m->n_hosts; k++) {
                const struct host *h = &m->hosts[(i + k) % m->n_hosts];

                if (host_serves(h))
                        return h->nodeid;
        }
        return 0;
}

static struct check *check_get(struct core *c, const char *device) {
        for (size_t i = 0; i < c->n_checks; i++)
                if (strcmp(c->checks[i].device, device) == 0)
                        return &c->checks[i];
        if (c->n_checks == DEVICES_MAX)
                return NULL;
        c->checks[c->n_checks] = (struct check){0};
        text_set(c->checks[c->n_checks].device, NAME_LEN, device);
        return &c->checks[c->n_checks++];
}

static void check_device(struct core *c, const struct host *h, const char *device) {
        struct check *k = check_get(c, device);
        struct fence_work *f;

        if (!k)
                return;
        if (c->now < k->next) {
                wake_at(c, k->next);
                return;
        }
        for (size_t i = 0; i < c->n_fences; i++)
                if (c->fences[i].use == FENCE_USE_CHECK &&
                    strcmp(c->fences[i].parts[0].device, device) == 0)
                        return;
        k->next = usec_add(c->now, c->config->fence_check_usec);
        wake_at(c, k->next);
        f = fence_add(c, FENCE_USE_CHECK, h->nodeid);
        f->in_group = core_in_group(c, h->nodeid);
        part_device(f, device);
        parts_begin(c, f, FENCE_ACT_STATUS);
}

static void checks_tick(struct core *c) {
        for (size_t i = 0; i < c->n_fences; i++) {
                struct fence_work *f = &c->fences[i];

                if (f->use == FENCE_USE_CHECK && !core_in_group(c, f->host))
                        f->in_group = false;
        }
        if (c->now < c->checks_after) { /* a recovery may be under way: that comes first */
                wake_at(c, c->checks_after);
                return;
        }
        for (size_t i = 0; i < c->model.n_hosts && core_operational(c); i++) {
                const struct host *h = &c->model.hosts[i];

                if (!host_present(h) || h->state == HOST_JOINING ||
                    fencer_checker_of(&c->model, i) != c->nodeid)
                        continue;
                for (size_t k = 0; k < c->config->n_devices; k++)
                        if (strcmp(c->config->devices[k].host, h->name) == 0)
                                check_device(c, h, c->config->devices[k].name);
        }
}

static void looks_end(struct core *c) {
        for (size_t i = 0; i < c->n_fences;) {
                struct fence_work *f = &c->fences[i];

                if (f->use == FENCE_USE_JOB || !parts_ended(f)) {
                        i++;
                        continue;
                }
                if (f->use == FENCE_USE_LONE) {
                        size_t n = c->n_fences;

                        lone_ended(c, i);
                        i += c->n_fences == n; /* it may go on */
                        continue;
                }
                if (f->use == FENCE_USE_CHECK)
                        check_tell(c, f);
                else
                        test_read(c, f);
                fence_remove(c, i);
        }
}

void fencer_look(struct core *c, const char *device, uint32_t asker, uint64_t request) {
        struct fence_work *f = fence_add(c, FENCE_USE_TEST, 0);

        f->asker = asker;
        f->request = request;
        f->began = c->now;
        part_device(f, device);
        parts_begin(c, f, FENCE_ACT_STATUS);
}

void fencer_tick(struct core *c) {
        jobs_tick(c);
        looks_end(c);
        own_offs_tell(c);
        test_tick(c);
        checks_tick(c);
}
