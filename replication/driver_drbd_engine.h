/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The replica adapter's part for DRBD: replica.h's calls and words, for guests whose replica is a
 * DRBD resource. A thread for each guest that is not IDLE looks at its resource, and may hang
 * without harm.
 *
 *   IDLE -> R by EXPORT -> IDLE when it is over, or by UNEXPORT, DROP
 *   IDLE -> P by MIRROR -> IDLE when it is over, or by CANCEL
 *
 * DRBD copies by itself, whatever hawd wants, and keeps what it knows on its own disks: EXPORT and
 * MIRROR bring a resource up and connect it, and tell what becomes of it; UNEXPORT, DROP and CANCEL
 * end the telling only. That a peer is lost holds up each write until the ledger says so, by the
 * handler drbd-fence-peer: MIRROR is refused where the settings are others (drbd_rely()).
 */
#pragma once

#include "replication/replica.h"

struct drbd_engine;

/** drbd_engine_open() - @here: name of this host; @ret: written only on 0 */
int drbd_engine_open(const char *here, replica_told_fn *told, void *userdata,
                     struct drbd_engine **ret, char *err);
int drbd_engine_fd(const struct drbd_engine *e);
void drbd_engine_dispatch(struct drbd_engine *e);
/** drbd_engine_follows() - it has been asked for this serial, and may have more to tell of it */
bool drbd_engine_follows(struct drbd_engine *e, uint32_t gid, uint32_t serial);
/**
 * drbd_engine_submit() - an ACT_REPLICA; borrowed for the call
 *
 * Its spec has the mode DRBD. UNEXPORT, DROP and CANCEL need none.
 */
void drbd_engine_submit(struct drbd_engine *e, const struct action *act);
/** drbd_engine_close() - DRBD goes on. Returns NULL, takes NULL. */
struct drbd_engine *drbd_engine_close(struct drbd_engine *e);
