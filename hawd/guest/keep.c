/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <strings.h>

#include "hawd/guest/keep.h"

#define KEEP_LIMIT (30 * USEC_PER_SEC)

static void begin(struct keep *k, int op, const char *uuid) {
        struct job *j = job_new(k->jobs->shared, op);

        text_set(j->uuid, sizeof(j->uuid), uuid);
        j->timeout_usec = KEEP_LIMIT;
        jobs_add(k->jobs, j);
}

static bool kept(const struct keep *k, const char *uuid) {
        return k->jobs->callbacks->kept(k->jobs->userdata, uuid);
}

void keep_up(struct keep *k, usec_t now) {
        k->look_at = now;
}

void keep_tick(struct keep *k, usec_t now) {
        if (now < k->look_at)
                return;
        k->look_at = usec_add(now, LOOK_EVERY);
        if (!jobs_have(k->jobs, JOB_OP_LOOK, "")) /* one that hangs is not asked again */
                begin(k, JOB_OP_LOOK, "");
}

void keep_autostart(struct keep *k, const char *uuid) {
        if (kept(k, uuid) && !jobs_have(k->jobs, JOB_OP_NO_AUTOSTART, uuid))
                begin(k, JOB_OP_NO_AUTOSTART, uuid);
}

/* Behind hawd's own jobs on it: a START that defines it is known by then. One under way may have
 * looked too early, so another may wait behind it. */
void keep_defined(struct keep *k, const char *uuid) {
        for (const struct job *j = k->jobs->waiting; j; j = j->next)
                if (j->op == JOB_OP_INSPECT && strcasecmp(j->uuid, uuid) == 0)
                        return;
        if (kept(k, uuid))
                begin(k, JOB_OP_INSPECT, uuid);
}

/* Return: whether it is another than known before. */
static bool learn(struct keep *k, const char *uuid, uint64_t hash) {
        size_t i;
        bool news;

        for (i = 0; i < k->n_known && strcasecmp(k->known[i].uuid, uuid) != 0; i++)
                ;
        if (i == k->n_known) {
                if (k->n_known == k->cap_known) {
                        k->cap_known = k->cap_known ? 2 * k->cap_known : 16;
                        k->known = xreallocarray(k->known, k->cap_known, sizeof(*k->known));
                }
                k->known[k->n_known++] = (struct keep_definition){0};
                text_set(k->known[i].uuid, sizeof(k->known[i].uuid), uuid);
        }
        news = k->known[i].hash != hash;
        k->known[i].hash = hash;
        return news;
}

void keep_job_ended(struct keep *k, const struct job *j) {
        const struct guest_callbacks *cb = k->jobs->callbacks;

        if (j->op == GJOB_START && j->out.definition)
                (void)learn(k, j->uuid, j->out.definition); /* also of one that was given up */
        if (j->state == JOB_ABANDONED)
                return;
        switch (j->op) {
        case JOB_OP_NO_AUTOSTART:
                if (j->out.result != RESULT_CANCELLED && kept(k, j->uuid))
                        cb->by_hand(k->jobs->userdata, j->uuid, j->out.text);
                break;
        case JOB_OP_INSPECT:
                if (j->out.result != RESULT_DONE || !kept(k, j->uuid) ||
                    jobs_have(k->jobs, GJOB_START,
                              j->uuid)) /* given up: what it defined is hawd's */
                        break;
                if (!j->out.spec)
                        cb->by_hand(k->jobs->userdata, j->uuid, j->out.text);
                else if (learn(k, j->uuid, j->out.definition))
                        cb->redefined(k->jobs->userdata, j->out.spec);
                break;
        default:
                break;
        }
}

void keep_clear(struct keep *k) {
        free(k->known);
        *k = (struct keep){0};
}
