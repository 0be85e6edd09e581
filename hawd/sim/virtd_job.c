/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirtd and hawd's workers on each host.
 *
 *   QUEUED (hawd's) -> THREAD (of hawd: asks once more) -> CALLED (libvirtd's) -> effect
 *
 * One call a guest at a time, as hawd's workers do it. A call that hawd gave up on, or died over,
 * may take effect much later, unless libvirtd is restarted or a SETTLE has passed behind it.
 */
#include "hawd/sim/parts.h"

static struct lv_job *job_find(struct sim_host *h, uint64_t seq) {
        for (size_t i = 0; i < h->lv.n_jobs; i++)
                if (h->lv.jobs[i].seq == seq)
                        return &h->lv.jobs[i];
        return NULL;
}

void virtd_job_remove(struct sim_host *h, uint64_t seq) {
        struct lv_job *j = job_find(h, seq);

        if (!j)
                return;
        h->lv.n_jobs--;
        memmove(j, j + 1, (size_t)(h->lv.jobs + h->lv.n_jobs - j) * sizeof(*j));
}

static void begin(struct sim *s, const struct call *c);

static void begin_next(struct sim *s, struct sim_host *h, int g) {
        for (size_t i = 0; i < h->lv.n_jobs; i++) {
                const struct lv_job *j = &h->lv.jobs[i];

                if (j->guest != g || j->reported)
                        continue;
                if (j->stage == STAGE_QUEUED)
                        sim_at(s, sim_delay(s, 2 * USEC_PER_MSEC), OWNER_HAWD, h->index, begin,
                               j->seq, 0);
                return;
        }
}

/* ---- results ---- */

static void result(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_GUEST_JOB_DONE};
        static const char *const texts[] = {[RESULT_DONE] = "",
                                            [RESULT_FAILED] = "internal error: process exited",
                                            [RESULT_UNSETTLED] = "no answer from libvirtd in time",
                                            [RESULT_CANCELLED] = "not begun"};

        ev.guest_job.id = c->a;
        ev.guest_job.result = (enum job_result)(c->b & 0xff);
        ev.guest_job.seen = (enum seen_state)(c->b >> 8 & 0xff);
        ev.guest_job.text = texts[ev.guest_job.result];
        ev.guest_job.wall = sim_wall(s, h);
        if (c->b >> 16) { /* DUMP */
                const struct sim_guest_conf *gc = s->guests[(c->b >> 16) - 1].conf;
                struct guest_spec *spec = guest_spec_new();

                text_set(spec->name, NAME_LEN, gc->name);
                text_set(spec->uuid, UUID_LEN, s->guests[(c->b >> 16) - 1].uuid);
                spec->vcpus = gc->vcpus;
                spec->memory_mib = gc->memory_mib;
                spec->has_agent = true;
                ev.guest_job.spec = spec;
                node_feed(s, h, &ev);
                (void)guest_spec_unref(spec);
                return;
        }
        node_feed(s, h, &ev);
}

void virtd_report(struct sim *s, struct sim_host *h, struct lv_job *j, enum job_result r) {
        uint64_t what = (uint64_t)r | (uint64_t)h->lv.dom[j->guest].state << 8;
        int g = j->guest;

        if (j->reported)
                return;
        j->reported = true;
        if (j->op == GJOB_DUMP && r == RESULT_DONE)
                what |= (uint64_t)(g + 1) << 16;
        sim_trace(s, h, "job %" PRIx64 " op %d %s: %s, shows %s", j->id, (int)j->op,
                  s->guests[g].conf->name, job_result_name(r), seen_state_name(h->lv.dom[g].state));
        if (h->core) {
                sim_at(s, sim_delay(s, 500), OWNER_HAWD, h->index, result, j->id, what);
                begin_next(s, h, g);
        }
}

/* ---- effects, in libvirtd ---- */

/* A guest is gone, and a settle done, only when no call that was given up is left behind. */
static bool waits_for_older(const struct sim_host *h, const struct lv_job *j) {
        if (j->op != GJOB_STOP && j->op != GJOB_DESTROY && j->op != GJOB_SETTLE &&
            j->op != GJOB_SNAPSHOT)
                return false;
        for (size_t i = 0; i < h->lv.n_jobs; i++)
                if (h->lv.jobs[i].guest == j->guest && h->lv.jobs[i].seq < j->seq &&
                    h->lv.jobs[i].hawd_life == j->hawd_life)
                        return true;
        return false;
}

enum job_result virtd_start(struct sim *s, struct sim_host *h, const struct lv_job *j) {
        struct sim_guest *guest = &s->guests[j->guest];
        struct domain *d = &h->lv.dom[j->guest];

        if (j->reported)
                s->stats.late_effects++;
        if (d->state != SEEN_GONE)
                return RESULT_DONE;
        if (guest->failures_left > 0 || h->storage_lost || !copies_sees_disk(s, h, j->guest) ||
            !copies_promote(s, h, j->guest, j->promote)) {
                guest->failures_left -= guest->failures_left > 0;
                s->stats.failed_starts++;
                sim_trace(s, h, "guest %s fails to start", guest->conf->name);
                return RESULT_FAILED;
        }
        if (!snaps_start(s, h, j))
                return RESULT_FAILED;
        qemu_start(s, h, j->guest, false);
        return RESULT_DONE;
}

void virtd_by_person(struct sim *s, struct sim_host *h, int g) {
        if (h->lv.up && !h->lv.hung && h->lv.dom[g].state == SEEN_GONE)
                qemu_start(s, h, g, true);
}

/* Older calls for this guest end here: some just took virtd_effect, none will. */
static void settle_older(struct sim *s, struct sim_host *h, int g, uint64_t seq) {
        for (size_t i = 0; i < h->lv.n_jobs;) {
                struct lv_job j = h->lv.jobs[i];

                if (j.guest != g || j.seq >= seq || !j.reported) {
                        i++;
                        continue;
                }
                virtd_job_remove(h, j.seq);
                if (j.stage == STAGE_CALLED && j.op == GJOB_START && prng_chance(&s->rng, 50))
                        (void)virtd_start(s, h, &j);
        }
}

static enum job_result take_effect(struct sim *s, struct sim_host *h, struct lv_job j) {
        struct domain *d = &h->lv.dom[j.guest];

        switch (j.op) {
        case GJOB_START:
                return virtd_start(s, h, &j);
        case GJOB_SETTLE:
                s->stats.settles++;
                settle_older(s, h, j.guest, j.seq);
                if (j.keep_running && d->state != SEEN_GONE)
                        return RESULT_DONE;
                /* fall through */
        case GJOB_DESTROY:
        case GJOB_STOP:
                if (!j.reported && d->state != SEEN_GONE)
                        truth_kill(s, h, j.guest);
                copies_final(s, h, j.guest);
                /* libvirt's events do not say by whom; they may come after the result. */
                qemu_end(s, h, j.guest,
                         j.op == GJOB_STOP && prng_chance(&s->rng, 80) ? END_GUEST_SHUTDOWN
                                                                       : END_DESTROYED);
                d->defined = false;
                return RESULT_DONE;
        case GJOB_PAUSE:
        case GJOB_RESUME:
                if (d->state == SEEN_GONE || d->state == SEEN_CRASHED)
                        return RESULT_FAILED;
                qemu_pause(s, h, j.guest, j.op == GJOB_PAUSE);
                return RESULT_DONE;
        case GJOB_UNDEFINE:
                if (d->state == SEEN_GONE)
                        d->defined = false;
                return RESULT_DONE;
        case GJOB_SNAPSHOT:
                return snaps_take(s, h, &j);
        case GJOB_SNAP_DELETE:
                return snaps_delete(s, h, &j);
        case GJOB_DUMP:
                return d->defined || d->state != SEEN_GONE ? RESULT_DONE : RESULT_FAILED;
        default:
                return RESULT_FAILED;
        }
}

void virtd_effect(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct lv_job *j = job_find(h, c->a);
        enum job_result r;

        if (!j)
                return;
        if (h->lv.hung) {
                j->ripe = true;
                return;
        }
        if (waits_for_older(h, j)) {
                sim_at(s, 50 * USEC_PER_MSEC, OWNER_LIBVIRTD, h->index, virtd_effect, c->a, 0);
                return;
        }
        r = take_effect(s, h, *j);
        j = job_find(h, c->a);
        assert(j);
        virtd_report(s, h, j, r);
        virtd_job_remove(h, c->a);
}

static usec_t effect_delay(struct sim *s, const struct sim_host *h, const struct lv_job *j) {
        usec_t d = sim_delay(s, 100 * USEC_PER_MSEC);

        if (j->op == GJOB_STOP && h->lv.dom[j->guest].state == SEEN_RUNNING) {
                d = sim_delay(s, 2 * USEC_PER_SEC);
                if (d > j->timeout || prng_chance(&s->rng, s->conf->calm ? 0 : 10))
                        d = j->timeout; /* then it is destroyed */
        }
        if (h->lv.slow)
                d += prng_range(&s->rng, 1, 150) * USEC_PER_SEC;
        return d;
}

/* ---- hawd's workers ---- */

static void out_of_time(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct lv_job *j = job_find(h, c->a);

        if (!j || j->reported)
                return;
        /* What was never begun can be taken back; what libvirtd has can not. */
        virtd_report(s, h, j, j->stage == STAGE_QUEUED ? RESULT_CANCELLED : RESULT_UNSETTLED);
        if (j->stage == STAGE_QUEUED)
                virtd_job_remove(h, c->a);
}

/* The thread that carries it out asks right before the call of libvirt (S6). */
static bool wanted(const struct sim *s, const struct sim_host *h, const struct lv_job *j) {
        return !s->conf->second_line || j->op != GJOB_START ||
               (!j->cancelled && sim_boottime(s, h) < j->deadline);
}

static void call_libvirt(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct lv_job *j = job_find(h, c->a);

        if (!j || j->stage != STAGE_THREAD)
                return;
        if (!wanted(s, h, j)) {
                s->stats.refused++;
                virtd_report(s, h, j, RESULT_CANCELLED);
                virtd_job_remove(h, c->a);
                return;
        }
        j->stage = STAGE_CALLED;
        sim_at(s, effect_delay(s, h, j), OWNER_LIBVIRTD, h->index, virtd_effect, j->seq, 0);
}

static void begin(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct lv_job *j = job_find(h, c->a);
        usec_t limit;

        if (!j || j->reported || j->stage != STAGE_QUEUED)
                return;
        if (!h->lv.up || !h->lv.connected) {
                virtd_report(s, h, j, RESULT_CANCELLED);
                virtd_job_remove(h, c->a);
                return;
        }
        limit = (j->timeout ? j->timeout : 60 * USEC_PER_SEC) +
                (j->op == GJOB_STOP ? 10 * USEC_PER_SEC : 0);
        j->stage = STAGE_THREAD;
        j->deadline = usec_add(sim_boottime(s, h), limit);
        sim_at(s, sim_delay(s, 10 * USEC_PER_MSEC), OWNER_HAWD, h->index, call_libvirt, j->seq, 0);
        sim_at(s, limit, OWNER_HAWD, h->index, out_of_time, j->seq, 0);
}

void virtd_job(struct sim *s, struct sim_host *h, const struct action *a) {
        struct libvirtd *lv = &h->lv;
        int g = sim_guest_index(s, a->guest_job.uuid[0] ? a->guest_job.uuid : a->guest_job.name);
        struct lv_job *j;

        if (g < 0) { /* a DUMP of a domain that is not there */
                sim_at(s, 1, OWNER_HAWD, h->index, result, a->guest_job.id, RESULT_FAILED);
                return;
        }
        if (lv->n_jobs == lv->cap_jobs) {
                lv->cap_jobs = lv->cap_jobs ? 2 * lv->cap_jobs : 16;
                lv->jobs = xreallocarray(lv->jobs, lv->cap_jobs, sizeof(lv->jobs[0]));
        }
        j = &lv->jobs[lv->n_jobs++];
        *j = (struct lv_job){.seq = ++s->next_id,
                             .id = a->guest_job.id,
                             .op = a->guest_job.op,
                             .guest = g,
                             .gen = a->guest_job.gen,
                             .keep_running = a->guest_job.keep_running,
                             .promote = a->guest_job.promote,
                             .hawd_life = h->hawd_life,
                             .timeout = a->guest_job.timeout_usec};
        j->has_snaps = a->guest_job.snaps != NULL;
        if (j->has_snaps)
                j->snaps = *a->guest_job.snaps;
        sim_trace(s, h, "job %" PRIx64 " op %d %s gen %" PRIu64 " queued", j->id, (int)j->op,
                  s->guests[g].conf->name, j->gen);
        begin_next(s, h, g);
}

void virtd_cancel(struct sim *s, struct sim_host *h, uint64_t id) {
        for (size_t i = 0; i < h->lv.n_jobs; i++) {
                struct lv_job *j = &h->lv.jobs[i];

                if (j->id != id || j->reported)
                        continue;
                j->cancelled = true;
                if (j->stage != STAGE_QUEUED)
                        return;
                virtd_report(s, h, j, RESULT_CANCELLED);
                virtd_job_remove(h, j->seq);
                return;
        }
}

/* Its queue dies with it; what libvirtd was given goes on. */
void virtd_hawd_gone(struct sim *s, struct sim_host *h) {
        (void)s;
        h->lv.connected = false;
        for (size_t i = 0; i < h->lv.n_jobs;) {
                h->lv.jobs[i].reported = true;
                if (h->lv.jobs[i].stage != STAGE_CALLED)
                        virtd_job_remove(h, h->lv.jobs[i].seq);
                else
                        i++;
        }
}
