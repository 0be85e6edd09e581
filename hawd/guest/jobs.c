/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <strings.h>

#include "hawd/base/thread.h"
#include "hawd/guest/jobs.h"

static bool only_looks(const struct job *j) {
        return j->op == GJOB_DUMP || j->op == JOB_OP_PROBE || j->op == JOB_OP_LOOK;
}

/* One at a time on one guest; what only looks waits for nobody. */
static bool in_the_way(const struct job *a, const struct job *b) {
        return !only_looks(a) && !only_looks(b) && strcasecmp(a->uuid, b->uuid) == 0;
}

static void append(struct job **list, struct job *j) {
        while (*list)
                list = &(*list)->next;
        j->next = NULL;
        *list = j;
}

static void take_out(struct job **list, const struct job *j) {
        while (*list != j)
                list = &(*list)->next;
        *list = j->next;
}

static void tell(struct job_queue *q, const struct job *j) {
        if (j->out.final && j->out.result == RESULT_DONE && j->out.seen == SEEN_GONE)
                q->callbacks->replica_final(q->userdata, j->gid, j->out.final);
        if (j->id != 0)
                q->callbacks->job_done(q->userdata, j->id, j->out.result, j->out.seen, j->out.text,
                                       j->out.spec, j->out.wall, &j->out.figures);
        if (j->id != 0 && j->out.agent)
                q->callbacks->healthy(q->userdata, j->uuid, "guest agent found connected");
}

/* By way of the queue of reports, so that no callback runs inside guest_submit(). */
static void never_begun(struct job_queue *q, struct job *j, enum job_result result,
                        const char *why) {
        struct report *r = report_new(REPORT_JOB);

        job_end(j, result, SEEN_GONE, "%s", why);
        j->out.wall = now_wall();
        j->state = JOB_WAITING;
        r->job = j;
        shared_post(q->shared, r);
}

/* No call can be made: a start fails here, so that it is tried elsewhere; of what may run, nothing
 * is known. CANCELLED would have both asked for again at once. */
static enum job_result without_calls(const struct job *j) {
        switch (j->op) {
        case GJOB_START:
                return RESULT_FAILED;
        case GJOB_STOP:
        case GJOB_DESTROY:
        case GJOB_SETTLE:
                return RESULT_UNSETTLED;
        default:
                return RESULT_CANCELLED;
        }
}

static bool is_hung(const struct job_queue *q, char *why) {
        if (q->n_abandoned < GUEST_ABANDONED_MAX)
                return false;
        text_fmt(why, TEXT_LEN, "libvirt is hung: %u calls outstanding", q->n_abandoned);
        return true;
}

static bool begin(struct job_queue *q, struct job *j) {
        char why[TEXT_LEN];
        int r;

        j->state = JOB_RUNNING;
        r = thread_spawn(job_thread, j);
        if (r < 0) {
                text_fmt(why, sizeof(why), "cannot start a thread: %s", strerror(-r));
                never_begun(q, j, without_calls(j), why);
                return false;
        }
        append(&q->active, j);
        q->n_running++;
        return true;
}

static bool blocked(const struct job_queue *q, const struct job *j) {
        for (const struct job *o = q->active; o; o = o->next)
                if (o->state != JOB_ABANDONED && in_the_way(o, j))
                        return true;
        for (const struct job *o = q->waiting; o != j; o = o->next)
                if (in_the_way(o, j))
                        return true;
        return false;
}

static usec_t limit_of(const struct job *j) {
        return j->op == GJOB_STOP ? usec_add(j->timeout_usec, GUEST_STOP_SLACK) : j->timeout_usec;
}

static void begin_ready(struct job_queue *q) {
        struct job *j, *next;
        char why[TEXT_LEN];

        for (j = q->waiting; j; j = next) {
                next = j->next;
                if (is_hung(q, why)) {
                        take_out(&q->waiting, j);
                        never_begun(q, j, without_calls(j), why);
                } else if (q->n_running < GUEST_WORKERS_MAX && !blocked(q, j)) {
                        take_out(&q->waiting, j);
                        j->deadline = usec_add(now_boottime(), limit_of(j));
                        (void)begin(q, j);
                }
        }
}

void jobs_add(struct job_queue *q, struct job *j) {
        if (j->timeout_usec == 0)
                j->timeout_usec = GUEST_TIMEOUT_DEFAULT;
        j->state = JOB_WAITING;
        append(&q->waiting, j);
        begin_ready(q);
}

bool jobs_have(const struct job_queue *q, int op, const char *uuid) {
        for (const struct job *j = q->waiting; j; j = j->next)
                if (j->op == op && strcasecmp(j->uuid, uuid) == 0)
                        return true;
        for (const struct job *j = q->active; j; j = j->next)
                if (j->op == op && strcasecmp(j->uuid, uuid) == 0)
                        return true;
        return false;
}

void jobs_cancel(struct job_queue *q, uint64_t id) {
        if (id == 0)
                return;
        for (struct job *j = q->waiting; j; j = j->next) {
                if (j->id != id)
                        continue;
                take_out(&q->waiting, j);
                never_begun(q, j, RESULT_CANCELLED, "cancelled before it began");
                begin_ready(q);
                return;
        }
        for (struct job *j = q->active; j; j = j->next)
                if (j->id == id)
                        atomic_store(&j->cancelled, true);
}

/* A call that was given up but has not returned: it may still take effect. */
static bool earlier_call(const struct job_queue *q, const struct job *of) {
        for (const struct job *j = q->active; j; j = j->next)
                if (j->state == JOB_ABANDONED && in_the_way(j, of))
                        return true;
        return false;
}

/* What may only be said when no earlier call can change it any more. */
static bool is_final(const struct job *j) {
        if (j->op == GJOB_SNAPSHOT)
                return j->out.result == RESULT_FAILED;
        if (j->out.result != RESULT_DONE)
                return false;
        return j->op == GJOB_SETTLE ||
               ((j->op == GJOB_STOP || j->op == GJOB_DESTROY) && j->out.seen == SEEN_GONE);
}

/* An abandoned call is back: whoever waited for that looks once more. */
static void release_held(struct job_queue *q, const struct job *back) {
        for (struct job *j = q->active; j; j = j->next) {
                if (j->state != JOB_HELD || !in_the_way(j, back) || earlier_call(q, j))
                        continue;
                take_out(&q->active, j);
                j->out = (struct outcome){.final = j->out.final};
                (void)begin(q, j);
                return; /* at most one: it blocks its guest's line */
        }
}

/* It was given up in its define, which took effect all the same; nobody else will remove that. */
static void undefine_late(struct job_queue *q, const struct job *old) {
        struct job *j = job_new(q->shared, GJOB_UNDEFINE);

        text_set(j->name, sizeof(j->name), old->name);
        text_set(j->uuid, sizeof(j->uuid), old->uuid);
        for (const struct job *o = q->waiting; o; o = o->next)
                if (in_the_way(o, j))
                        goto not_alone;
        for (const struct job *o = q->active; o; o = o->next)
                if (in_the_way(o, j))
                        goto not_alone;
        jobs_add(q, j);
        return;
not_alone:
        job_free(j);
}

static void abandoned_ended(struct job_queue *q, struct job *j) {
        take_out(&q->active, j);
        q->n_abandoned--;
        release_held(q, j);
        if (j->out.left_defined)
                undefine_late(q, j);
        job_free(j);
        begin_ready(q);
}

void jobs_ended(struct job_queue *q, struct job *j) {
        if (j->state == JOB_ABANDONED) {
                abandoned_ended(q, j);
                return;
        }
        if (j->state == JOB_RUNNING) {
                q->n_running--;
                if (is_final(j) && earlier_call(q, j)) {
                        j->state = JOB_HELD;
                        return;
                }
                take_out(&q->active, j);
        }
        begin_ready(q);
        tell(q, j);
        job_free(j);
}

static struct job *find_expired(const struct job_queue *q, usec_t now) {
        for (struct job *j = q->active; j; j = j->next)
                if (j->state != JOB_ABANDONED && j->deadline <= now)
                        return j;
        return NULL;
}

void jobs_expire(struct job_queue *q, usec_t now) {
        struct job *j;
        struct job notice;

        while ((j = find_expired(q, now))) {
                bool held = j->state == JOB_HELD;

                /* The thread may be writing j->out: tell from a copy of what is the loop's. */
                notice = (struct job){.id = j->id, .op = j->op};
                text_set(notice.uuid, sizeof(notice.uuid), j->uuid);
                if (held)
                        job_end(&notice, RESULT_UNSETTLED, SEEN_GONE,
                                "an earlier call for it has not returned from libvirt");
                else
                        job_end(&notice, RESULT_UNSETTLED, SEEN_GONE,
                                "libvirt did not answer within %" PRIu64 " s",
                                limit_of(j) / USEC_PER_SEC);
                notice.out.wall = now_wall();
                if (held) {
                        take_out(&q->active, j);
                        job_free(j);
                } else {
                        atomic_store(&j->abandoned, true);
                        j->state = JOB_ABANDONED;
                        q->n_running--;
                        q->n_abandoned++;
                }
                begin_ready(q);
                tell(q, &notice);
        }
}

usec_t jobs_deadline(const struct job_queue *q) {
        usec_t t = USEC_INFINITY;

        for (const struct job *j = q->active; j; j = j->next)
                if (j->state != JOB_ABANDONED)
                        t = MIN(t, j->deadline);
        return t;
}

void jobs_close(struct job_queue *q) {
        struct job *j, *next;

        for (j = q->waiting; j; j = next) {
                next = j->next;
                job_free(j);
        }
        for (j = q->active; j; j = next) {
                next = j->next;
                if (j->state == JOB_HELD)
                        job_free(j);
                else
                        atomic_store(&j->abandoned, true);
        }
        q->waiting = q->active = NULL;
        q->n_running = q->n_abandoned = 0;
}
