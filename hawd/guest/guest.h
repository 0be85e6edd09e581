/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libvirt adapter: what domains there are, what becomes of them, and jobs on them.
 *
 * All functions are called from the loop's thread, and every callback runs there, inside
 * guest_dispatch(). No call of this header waits for libvirt or for a disk. libvirt itself is only
 * called from threads of this adapter, each with a connection of its own; one that does not come
 * back within its job's time is abandoned, and their number is bounded: by GUEST_WORKERS_MAX +
 * GUEST_ABANDONED_MAX jobs, two more threads for each STOP of them, four connects, and six that
 * look for signs of life.
 * SIGPIPE must be ignored by the process.
 *
 * How ends show, measured with libvirt 9.0 and QEMU 7.2:
 *
 *   what was done                         | libvirt's lifecycle events      | end_why
 *   kill -9 of QEMU                       | STOPPED failed                  | END_FAILED
 *   kill -TERM of QEMU                    | SHUTDOWN host, STOPPED shutdown | END_HOST_SHUTDOWN
 *   poweroff inside; virsh shutdown       | SHUTDOWN guest, STOPPED shutdown| END_GUEST_SHUTDOWN
 *   virsh destroy; destroy by hawd        | STOPPED destroyed               | END_DESTROYED
 *   kernel panic, pvpanic, on_crash       | CRASHED panicked,               | END_CRASHED
 *     destroy                             |   STOPPED crashed               |
 *   virsh save, managedsave               | STOPPED saved                   | END_DESTROYED
 *   migrated by a person (not measured)   | STOPPED migrated                | END_DESTROYED
 *   i6300esb, action poweroff             | WATCHDOG, STOPPED               | END_WATCHDOG
 *   ended while hawd was not connected    | none; not running at `up`       | END_UNKNOWN
 *
 * And what is there but does not do its work, also when it is found so at `up` (but for a watchdog
 * that left it running):
 *
 *   i6300esb, action pause                | WATCHDOG, SUSPENDED watchdog    | PAUSED, END_WATCHDOG
 *   i6300esb, any other action            | WATCHDOG (reset: REBOOT)        | RUNNING, END_WATCHDOG
 *   a disk fails, error_policy stop       | IO_ERROR, SUSPENDED ioerror     | PAUSED, END_IO_ERROR
 *   no sign of life for hang-after        | none: pulse.h, hang.h           | RUNNING, END_HANG
 *   signs of life after that              | none                            | RUNNING, END_NONE
 *   resumed                               | RESUMED                         | RUNNING, END_NONE
 *
 * Of a domain that hawd keeps, autostart that somebody switched on is switched off again within
 * LOOK_EVERY, and a definition that somebody changed is told of: one that differs from what
 * libvirt made of hawd's own at its last START. Changes while hawd was not connected are not seen.
 *
 * A start shows as RUNNING twice (RESUMED, STARTED), maybe before its job is done; a reboot or
 * reset as nothing but a new `healthy`. A stopped libvirtd is `down` after 20 s (keepalive 5 s x
 * 3), one that ended at once.
 *
 * Guests are defined with on_poweroff destroy, on_reboot restart and on_crash destroy whatever
 * the user's XML says: every end must be an end that hawd sees, and a panic must free the guest for
 * its recovery; only a reboot stays QEMU's own affair.
 */
#pragma once

#include "hawd/core/event.h"

#define GUEST_URI_DEFAULT "qemu:///system"
#define GUEST_WORKERS_MAX 32                 /* jobs under way at once */
#define GUEST_ABANDONED_MAX 16               /* no new job while so many calls hang */
#define GUEST_STOP_SLACK (30 * USEC_PER_SEC) /* STOP: for destroy and undefine after its grace */
#define GUEST_TIMEOUT_DEFAULT (90 * USEC_PER_SEC) /* of a job that names none */

#define LOOK_EVERY (20 * USEC_PER_SEC)

struct guest_adapter;

/** struct guest_callbacks - all required; borrowed pointers are good for the call only */
struct guest_callbacks {
        /* Connected, at first or anew: every domain with its state. GONE: defined, not active. */
        void (*up)(void *userdata, const struct domain_seen *domains, size_t n_domains);
        /* Connection lost, or the first one failed. No domain has ended by it. */
        void (*down)(void *userdata, const char *why);
        /* One domain changed (lifecycle). Ends by hawd's own jobs are reported too. */
        void (*domain)(void *userdata, const struct domain_seen *domain);
        /* One domain, kept or not, was defined or undefined, by hawd too. */
        void (*definition)(void *userdata, const char *uuid, const char *name, bool defined);
        /* The guest agent of @uuid is connected. */
        void (*healthy)(void *userdata, const char *uuid, const char *evidence);
        /* Exactly once for each job submitted. @spec: DUMP, when DONE; take a reference to keep. */
        void (*job_done)(void *userdata, uint64_t id, enum job_result result, enum seen_state seen,
                         const char *text, struct guest_spec *spec, usec_t wall,
                         const struct snap_figures *figures);
        /* What this host has; before each `up`. */
        void (*host)(void *userdata, uint32_t vcpus, uint64_t memory_mib);
        /* Does hawd keep @uuid? Only such a domain is put right, and told of by the next two. */
        bool (*kept)(void *userdata, const char *uuid);
        /* What somebody did to it by hand, and what came of it. */
        void (*by_hand)(void *userdata, const char *uuid, const char *text);
        /* Somebody changed its definition. @spec: as libvirt has it now; take a reference to keep.
         */
        void (*redefined)(void *userdata, struct guest_spec *spec);
        /* How long @uuid may show no sign of life (hang.h); 0: it is not judged. @ret_alone: disk
         * and network count without an agent, too. */
        usec_t (*hang_after)(void *userdata, const char *uuid, bool *ret_alone);
        /* Before the job_done of a STOP, DESTROY or SETTLE: it was in step with its copy of @serial
         * to its end. */
        void (*replica_final)(void *userdata, uint32_t gid, uint32_t serial);
};

/**
 * guest_open() - begin to connect; the first callback is `up` or `down`
 * @uri: libvirt connection URI, NULL for GUEST_URI_DEFAULT
 * @state_dir: hawd's, where a START from a replica finds what receives it
 * @callbacks, @userdata: borrowed, must outlive the adapter
 * @ret: written only on 0
 * @err: TEXT_LEN bytes, filled on failure
 *
 * Return: 0, or -errno.
 */
int guest_open(const char *uri, const char *state_dir, const struct guest_callbacks *callbacks,
               void *userdata, struct guest_adapter **ret, char *err);

/** guest_fd() - poll this for input, then call guest_dispatch(). */
int guest_fd(const struct guest_adapter *a);

/** guest_dispatch() - run the callbacks that are due; they may submit and cancel, but not close. */
void guest_dispatch(struct guest_adapter *a);

/**
 * guest_submit() - take a job (ACT_GUEST_JOB); its end comes by job_done
 * @act: borrowed for the call
 *
 * Jobs of one UUID run one at a time in the order they came; the time-out counts from the moment
 * that the job begins. DUMP waits for nobody. What the results mean:
 *
 *   op       | DONE                       | FAILED                    | UNSETTLED
 *   START    | runs (or ran already)      | does not run, never will  | may still start
 *   STOP,    | GONE: QEMU's process ended,| never                     | may still run
 *   DESTROY  |   definition removed (1)   |                           |
 *   SETTLE   | GONE: and no earlier call  | never                     | may still run or start
 *            |   can start it; or RUNNING |                           |
 *   PAUSE,   | paused, resumed            | was not                   | no answer
 *   RESUME   |                            |                           |
 *   UNDEFINE | not defined any more       | active, or refused        | no answer
 *   DUMP     | spec and state             | no such domain            | no answer
 *   SNAPSHOT | it writes overlays         | was not switched, never   | may still be
 *            |                            |   will be; none is left   |
 *   SNAP_-   | its files are gone         | not yet; can be repeated  | goes on in QEMU, or
 *     DELETE |                            |                           |   not known
 *
 * A START of a guest with snapshots is from the files that disk_resume() names; the XML is as
 * given. (1) Here and below: hawd's own. One with this UUID and another name is somebody's: it
 * stays, and a START beside it fails; but nothing runs under the guest's UUID without a claim.
 * CANCELLED: never begun (START: not created), by guest_cancel(). When GUEST_ABANDONED_MAX calls
 * hang, or there is no thread, nothing begins: START fails, STOP, DESTROY and SETTLE are UNSETTLED,
 * the rest is CANCELLED.
 * The state seen counts with DONE and FAILED only. What says that a guest is gone, and a SETTLE,
 * or a FAILED SNAPSHOT, is held back until each earlier call for it that was given up has returned
 * from libvirt.
 *
 * STOP uses the agent when it is connected and ACPI otherwise, and ACPI once more at half time; the
 * destroy comes after timeout_usec, and the job's own limit is GUEST_STOP_SLACK later. A paused
 * guest hears neither and is destroyed at once. UEFI variables (NVRAM) are always kept; a saved
 * memory image (virsh managedsave) is removed at a START: its disk may have moved on elsewhere.
 */
void guest_submit(struct guest_adapter *a, const struct action *act);

/**
 * guest_cancel() - a job that has not begun ends as CANCELLED; a START also until its create
 *
 * Others go on. Unknown ids are ignored. The result still comes by job_done.
 */
void guest_cancel(struct guest_adapter *a, uint64_t id);

/** guest_close() - forget everything; hung threads end by themselves. Returns NULL, takes NULL. */
struct guest_adapter *guest_close(struct guest_adapter *a);
