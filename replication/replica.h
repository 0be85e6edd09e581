/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The replica adapter: copies of guests' disks to another host, for the core's ACT_REPLICA. Its
 * drivers are mirror (sync, async: QEMU and NBD) and drbd.
 *
 * All functions are called from the loop's thread, and the callback runs there, inside
 * replica_dispatch(). No call of this header waits for libvirt, a disk or a network.
 *
 * P, the data host, has the guest's disks; R, the replica host, has the copy. A serial is one run
 * of copying; whatever is told names its guest (gid) and serial.
 *
 *   op        | on | what is done                           | what is told, sooner or later
 *   EXPORT    | R  | room made, server started for `serial` | EXPORTED with `where`, or FAILED;
 *             |    |                                        |   EXPORT_ENDED once it is over
 *   CHECK     | R  | P is lost: does the server of `serial` | ALIVE with the `loss` of the action:
 *             |    |   still run, and was it whole always?  |   both; or EXPORT_ENDED
 *   UNEXPORT  | R  | server ended, files kept               | EXPORT_ENDED
 *   DROP      | R  | server ended, copies removed           | nothing
 *   MIRROR    | P  | copying into `where` begins            | COPYING, and IN_STEP when it is;
 *             |    |                                        |   FAILED or ENDED once it is over
 *   CANCEL    | P  | copying is ended; QEMU goes on alone   | ENDED
 *
 * Each op may come again, with the same or another serial, and finds what it did before: EXPORT of
 * a serial whose server runs tells EXPORTED anew, MIRROR of one that copies tells its state.
 * EXPORT_ENDED is told only after R keeps it on its own disk (a veto must outlive hawd, S9).
 * IN_STEP is told again at least every REPLICA_TELL_USEC while it is so, with `as_of`: sync, when
 * it was looked at; async, the time of the whole copy that R has.
 * FINAL is told by P before the end of a STOP, DESTROY or SETTLE of a guest that was in step: it
 * writes no more, and both are equal.
 * When it opens, the adapter tells all that it finds of the hawd before: servers that run
 * (EXPORTED) or ended (EXPORT_ENDED), copying that goes on (COPYING, IN_STEP).
 *
 * A START whose action has `promote` (R, by hawd/guest) makes the copy of that serial the guest's
 * disks first, repeatable after a crash at each step; it fails when the copy is gone.
 */
#pragma once

#include "hawd/core/event.h"

#define REPLICA_TELL_USEC (5 * USEC_PER_SEC)

struct replica_adapter;

/** @told: EV_REPLICA's part; `now` and `wall` are filled by the receiver. Borrowed for the call. */
typedef void replica_told_fn(void *userdata, const struct replica_told *told);

/**
 * replica_open() - look for what is there; tells it, and all that follows, by @told
 * @state_dir: hawd's, for what must outlive it (vetoes)
 * @address: of this host, where servers listen when an action names none
 * @ret: written only on 0
 * @err: TEXT_LEN bytes, filled on failure
 */
int replica_open(const char *uri, const char *state_dir, const char *address, replica_told_fn *told,
                 void *userdata, struct replica_adapter **ret, char *err);
/** replica_fd() - poll this for input, then call replica_dispatch(). */
int replica_fd(const struct replica_adapter *a);
void replica_dispatch(struct replica_adapter *a);
/** replica_submit() - take an ACT_REPLICA; borrowed for the call */
void replica_submit(struct replica_adapter *a, const struct action *act);
/**
 * replica_close() - servers and copying go on, but for an asynchronous replica's: a cycle that is
 * under way is given a few seconds to end. Returns NULL, takes NULL.
 */
struct replica_adapter *replica_close(struct replica_adapter *a);
