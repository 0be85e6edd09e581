/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DRBD by drbd-utils, 8.4 and 9. For worker threads: each call may take long, and ends by its
 * deadline. drbd.h says what the states mean.
 *
 * Nothing here forces anything: no --force, and data are thrown away by drbd_connect() alone, when
 * a person says so.
 *
 * Errors: -ENODEV no such resource is configured, or no drbd-utils; -EUCLEAN DRBD's state does not
 * allow it; -EBUSY the device is open; -ETIMEDOUT, -ECANCELED; else -EIO. Each with a text that
 * names the cause and, where there is one, the mend.
 */
#pragma once

#include "replication/drbd.h"

/** struct drbd_driver - how calls are made; all borrowed */
struct drbd_driver {
        const char *here; /* name of this host */
        usec_t deadline;  /* CLOCK_BOOTTIME */
        /* Asked right before a side effect, and now and then: false ends the call with -ECANCELED
         * (S6). NULL: nobody minds. */
        bool (*go_on)(void *userdata);
        void *userdata;
};

/** drbd_look() - what the kernel says of @resource, a split brain too. @ret: written only on 0. */
int drbd_look(const struct drbd_driver *d, const char *resource, struct drbd_status *ret,
              char *err);

/** drbd_rely() - drbd_settings() of what is configured here. Return: 0, -EUCLEAN. */
int drbd_rely(const struct drbd_driver *d, const char *resource, char *err);

/** drbd_up() - have the kernel know @resource, all of it; nothing when it does */
int drbd_up(const struct drbd_driver *d, const char *resource, char *err);

enum drbd_take {
        DRBD_TAKE_OWN,    /* this is the side whose data count: its disk is up to date */
        DRBD_TAKE_OVER,   /* the peer is proven off, and may have been primary (S9) */
        DRBD_TAKE_ANYHOW, /* the same, and a person accepts what is lost: any whole disk will do */
};

/**
 * drbd_take() - be primary, so that a guest may have the device; nothing when it is already
 * @there: the peer's host
 *
 * What ends by itself is waited for: a peer whose loss DRBD has not noticed yet, or that the
 * fence-peer handler still has to report; OWN: a resync to here.
 */
int drbd_take(const struct drbd_driver *d, const char *resource, const char *there,
              enum drbd_take how, char *err);

/**
 * drbd_release() - be secondary; also when @resource is not up
 * @ret_equal: whether both sides have the same data now; written only on 0
 */
int drbd_release(const struct drbd_driver *d, const char *resource, const char *there,
                 bool *ret_equal, char *err);

/**
 * drbd_connect() - look for the peer (again); nothing when it does, unless
 * @discard: the peer's data take the place of what is here: for a person's word only
 */
int drbd_connect(const struct drbd_driver *d, const char *resource, bool discard, char *err);

/** drbd_disconnect() - of the peer, and do not look for it */
int drbd_disconnect(const struct drbd_driver *d, const char *resource, char *err);
