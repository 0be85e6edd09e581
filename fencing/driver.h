/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One way to read and switch a host's power. Five functions, all required, called only through
 * the wrapper below, which checks arguments and results.
 *
 * Every call may block until @until (CLOCK_BOOTTIME), never knowingly longer. Each returns 0 or
 * a positive enum fence_code with @err filled. A driver never decides that power is off: it
 * reports single readings, action.c draws the conclusion.
 */
#pragma once

#include "fencing/code.h"
#include "hawd/base/config.h"

#include <sys/types.h>

#define FENCE_EXTRAS 4

/** struct fence_extra - a further secret of an agent, by the agent's name for it */
struct fence_extra {
        const char *key, *value;
};

/** struct fence_target - what a driver needs to know; all borrowed from main() */
struct fence_target {
        const struct conf_device *device;
        const char *secret; /* password, or NULL */
        const struct fence_extra *extra;
        size_t n_extra;
        const char *cache_dir;      /* what worked last time, or NULL: remember nothing */
        const char *agent_dir;      /* agent: look only there; NULL: /usr/sbin, /sbin */
        void (*on_group)(pid_t pg); /* agent: the process group to kill on time-out, 0 when gone */
        usec_t judge_until; /* agent: judge it when opening, until then; 0: before it is used */
};

/** struct fence_identity - how the device was reached and what it says it is */
struct fence_identity {
        char guid[UUID_LEN]; /* System GUID, bytes in the order received; "" unknown */
        int cipher;          /* 17, 3; 0 unknown */
        char workarounds[96];
};

struct fence_driver {
        const char *name;
        int (*open)(const struct fence_target *t, void **ret_self, struct fence_error *err);
        int (*read)(void *self, usec_t until, enum fence_power *ret, struct fence_error *err);
        int (*send)(void *self, usec_t until, enum fence_order order, struct fence_error *err);
        void (*identify)(void *self, usec_t until, bool ask, struct fence_identity *ret);
        void (*close)(void *self);
};

extern const struct fence_driver fence_driver_ipmi;
extern const struct fence_driver fence_driver_agent;

/** struct fence_handle - an open driver */
struct fence_handle {
        const struct fence_driver *driver;
        void *self;
};

int fence_open(const struct fence_driver *driver, const struct fence_target *t,
               struct fence_handle *ret, struct fence_error *err);
void fence_close(struct fence_handle *h); /* a closed one stays closed */

/**
 * fence_read() - one reading of the power state
 * @ret: on or off, never unknown; written only on 0
 */
int fence_read(struct fence_handle *h, usec_t until, enum fence_power *ret,
               struct fence_error *err);

/** fence_send() - ask for off or on; 0 means accepted, which proves nothing (S3). */
int fence_send(struct fence_handle *h, usec_t until, enum fence_order order,
               struct fence_error *err);

/** fence_identify() - @ask: talk to the device if need be; else only what is known already. */
void fence_identify(struct fence_handle *h, usec_t until, bool ask, struct fence_identity *ret);
