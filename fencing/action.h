/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One fence action over one driver: read, switch, prove by reading again (S2, S3).
 *
 *   status:  READ -> done
 *   off:     READ off twice -> done (found so)
 *            READ on -> deadline? -> SEND off -> READ ... off twice -> done
 *                                       ^---- still on after a while, a few times
 *   on:      READ on -> done; READ off -> deadline? -> SEND on -> READ ... on -> done
 *
 * Time and sleep come from the caller, so that tests own them.
 */
#pragma once

#include "fencing/driver.h"
#include "fencing/result.h"

/** struct fence_ops - the outside world; all required */
struct fence_ops {
        usec_t (*now)(void *ctx); /* CLOCK_BOOTTIME */
        void (*sleep)(void *ctx, usec_t usec);
        void (*publish)(void *ctx, const struct fence_result *r); /* for whoever ends us early */
        void (*sending)(void *ctx, bool in_flight);               /* an order may be on the wire */
        void *ctx;
};

struct fence_job {
        enum fence_action action;
        usec_t until;    /* finish before this */
        usec_t deadline; /* send nothing after this; USEC_INFINITY: none */
};

/**
 * fence_act() - carry out @job
 * @result: device and action set by the caller; the rest is filled as it becomes known
 *
 * 1 two offs in a row are off; one is not  2 an order accepted is no reading  3 no order after the
 * deadline  4 a failed reading breaks the row  5 an order is repeated a bounded number of times
 * 6 what cannot be read is unknown
 *
 * Return: true when the action's goal was reached.
 */
bool fence_act(struct fence_handle *h, const struct fence_job *job, const struct fence_ops *ops,
               struct fence_result *result);
