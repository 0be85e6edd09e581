/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/action.h"

#include <stdio.h>

#define READ_GAP_USEC (200 * USEC_PER_MSEC)      /* between two readings */
#define FOUND_GAP_USEC (20 * USEC_PER_MSEC)      /* the same, found so with nothing sent */
#define SETTLE_USEC (50 * USEC_PER_MSEC)         /* from an order to the next reading */
#define RETRY_GAP_USEC (300 * USEC_PER_MSEC)     /* after a failed reading */
#define RESEND_USEC (4 * USEC_PER_SEC)           /* accepted, but nothing happened */
#define RESEND_FAILED_USEC (500 * USEC_PER_MSEC) /* not accepted */
#define HOPELESS_USEC (5 * USEC_PER_SEC)         /* nothing but errors: let others try */
#define SENDS_MAX 5
#define OFF_READS 2
#define ON_READS 1

/** struct course - what fence_act() knows on its way */
struct course {
        struct fence_handle *h;
        const struct fence_job *job;
        const struct fence_ops *ops;
        struct fence_result *r;
        struct fence_error read_error; /* of the last reading; FENCE_OK when it worked */
        struct fence_error send_error; /* of the last order */
        usec_t failing_since;          /* 0: the last reading worked, or nothing answered at all */
        usec_t next_send;
        unsigned sends;
};

static usec_t now(const struct course *c) {
        return c->ops->now(c->ops->ctx);
}

static bool time_left(const struct course *c) {
        return now(c) < c->job->until;
}

/* Sleep, but never past the end of the action. */
static void wait_for(const struct course *c, usec_t usec) {
        c->ops->sleep(c->ops->ctx, MIN(usec, usec_sub(c->job->until, now(c))));
}

/* One reading, taken down. Return: 0 or the error's code. */
static int read_once(struct course *c) {
        struct fence_result *r = c->r;
        enum fence_power power;
        int code;

        code = fence_read(c->h, c->job->until, &power, &c->read_error);
        r->error = c->read_error; /* the best that is known, should the action be ended early */
        if (code == 0)
                c->failing_since = 0;
        if (code != 0) {
                r->power = FENCE_POWER_UNKNOWN; /* rule 4 */
                r->reads = 0;
        } else if (power == r->power) {
                r->reads++;
        } else {
                r->power = power;
                r->reads = 1;
        }
        c->ops->publish(c->ops->ctx, r);
        return code;
}

/*
 * Reading again is pointless: the error is final, or an error with a cause has come for a while.
 * Silence and what follows an order are waited for to the end.
 */
static bool hopeless(struct course *c, int code) {
        if (fence_code_final((enum fence_code)code))
                return true;
        if (code == FENCE_TIMEOUT || c->r->switched) {
                c->failing_since = 0;
                return false;
        }
        if (c->failing_since == 0)
                c->failing_since = now(c);
        return now(c) - c->failing_since >= HOPELESS_USEC;
}

/* Rule 3. Return: 0, or FENCE_DEADLINE with nothing sent. */
static int in_time(struct course *c, const char *name) {
        usec_t t = now(c);

        if (t < c->job->deadline)
                return 0;
        return fence_fail(&c->send_error, FENCE_DEADLINE,
                          "power %s not sent: the deadline of this action passed %" PRIu64
                          " ms ago; ask again if it is still wanted",
                          name, usec_sub(t, c->job->deadline) / USEC_PER_MSEC);
}

/*
 * Send the order. It counts as sent from before the alarm is set: should this process stop
 * somewhere in between, the alarm ends it, and what is published says that it may have been. The
 * clock is read once more behind the alarm, for a stop before that.
 */
static int send_once(struct course *c, enum fence_order order) {
        const char *name = order == FENCE_ORDER_OFF ? "off" : "on";
        struct fence_result *r = c->r;
        bool before = r->switched;
        int code;

        code = in_time(c, name);
        if (code != 0)
                return code;
        r->switched = true;
        c->ops->publish(c->ops->ctx, r);
        c->ops->sending(c->ops->ctx, true);
        code = in_time(c, name);
        if (code != 0) {
                c->ops->sending(c->ops->ctx, false);
                r->switched = before;
                c->ops->publish(c->ops->ctx, r);
                return code;
        }
        c->sends++;
        code = fence_send(c->h, MIN(c->job->until, c->job->deadline), order, &c->send_error);
        c->ops->sending(c->ops->ctx, false);
        r->power = FENCE_POWER_UNKNOWN; /* readings from before the order count no more (rule 2) */
        r->reads = 0;
        c->next_send = usec_add(now(c), code == 0 ? RESEND_USEC : RESEND_FAILED_USEC);
        c->ops->publish(c->ops->ctx, r);
        return code;
}

/* Say why the goal was not reached, once time or tries have run out. */
static void explain(struct course *c, enum fence_power goal) {
        struct fence_error *e = &c->r->error;

        if (c->send_error.code != FENCE_OK)
                *e = c->send_error;
        else if (c->r->power == FENCE_POWER_UNKNOWN && c->read_error.code != FENCE_OK)
                *e = c->read_error;
        else if (c->r->switched && goal == FENCE_POWER_OFF && c->r->power == FENCE_POWER_ON)
                (void)fence_fail(e, FENCE_STILL_ON,
                                 "power off was accepted %u time(s), but power still reads on: the "
                                 "device does not switch; check its wiring, firmware and rights",
                                 c->sends);
        else if (c->r->switched && goal == FENCE_POWER_ON && c->r->power == FENCE_POWER_OFF)
                (void)fence_fail(e, FENCE_STILL_OFF,
                                 "power on was accepted %u time(s), but power still reads off: "
                                 "check mains, power supplies and the device's event log",
                                 c->sends);
        else
                (void)fence_fail(e, FENCE_TIMEOUT, "the time ran out before power had been read %s",
                                 goal == FENCE_POWER_OFF ? "off twice in a row" : "on");
}

/* Read until the goal is read often enough; send in between when it is not. */
static bool switch_to(struct course *c, enum fence_power goal) {
        const enum fence_order order = goal == FENCE_POWER_OFF ? FENCE_ORDER_OFF : FENCE_ORDER_ON;
        const unsigned reads = goal == FENCE_POWER_OFF ? OFF_READS : ON_READS;
        struct fence_result *r = c->r;

        do {
                int code = read_once(c);

                if (code != 0) {
                        if (hopeless(c, code))
                                break;
                        wait_for(c, RETRY_GAP_USEC);
                        continue;
                }
                if (!r->switched && (r->power != goal || r->reads >= reads))
                        r->found = r->power;
                if (r->power == goal && r->reads >= reads)
                        return true; /* rule 1 */
                if (r->power != goal && c->sends < SENDS_MAX && now(c) >= c->next_send) {
                        code = send_once(c, order);
                        if (code == FENCE_DEADLINE && !r->switched)
                                break;
                        if (code == FENCE_DEADLINE)
                                c->sends = SENDS_MAX; /* no more of them, but the first may act */
                        else if (code != 0 && fence_code_final((enum fence_code)code))
                                break;
                        wait_for(c, SETTLE_USEC);
                        continue;
                }
                wait_for(c, r->power == goal && !r->switched ? FOUND_GAP_USEC : READ_GAP_USEC);
        } while (time_left(c));

        /* An order that failed for good left the reading from before it standing. */
        if (c->send_error.code != FENCE_OK && r->power == FENCE_POWER_UNKNOWN && time_left(c) &&
            c->read_error.code == FENCE_OK)
                (void)read_once(c);
        explain(c, goal);
        if (r->power == goal) { /* read, but not often enough to be called proven (rule 1) */
                r->power = FENCE_POWER_UNKNOWN;
                r->reads = 0;
        }
        return false;
}

static bool read_status(struct course *c) {
        do {
                int code = read_once(c);

                if (code == 0) {
                        c->r->found = c->r->power;
                        return true;
                }
                if (hopeless(c, code))
                        break;
                wait_for(c, RETRY_GAP_USEC);
        } while (time_left(c));
        c->r->error = c->read_error;
        return false;
}

bool fence_act(struct fence_handle *h, const struct fence_job *job, const struct fence_ops *ops,
               struct fence_result *result) {
        struct course c = {.h = h, .job = job, .ops = ops, .r = result};
        bool reached = false;

        assert(result->power == FENCE_POWER_UNKNOWN && result->reads == 0 && !result->switched);
        result->error = (struct fence_error){0};
        ops->publish(ops->ctx, result);
        switch (job->action) {
        case FENCE_ACTION_STATUS:
                reached = read_status(&c);
                break;
        case FENCE_ACTION_OFF:
                reached = switch_to(&c, FENCE_POWER_OFF);
                break;
        case FENCE_ACTION_ON:
                reached = switch_to(&c, FENCE_POWER_ON);
                break;
        }
        fence_identify(h, job->until, reached && job->action == FENCE_ACTION_STATUS,
                       &result->identity);
        return reached;
}
