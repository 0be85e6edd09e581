/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One job on one guest, from its own thread with its own connection. Internal.
 *
 *   WAITING -> RUNNING -> (reported, freed)
 *   RUNNING -> ABANDONED -> (freed when its thread ends)   its time ran out: reported already
 *   RUNNING -> HELD -> RUNNING | (reported)                a SETTLE that waits for earlier calls
 *
 * The loop owns `state`, `next` and the queues; the thread writes the outcome before it reports;
 * cancelled and abandoned are the only fields that both touch while the thread runs.
 */
#pragma once

#include "hawd/guest/shared.h"
#include "hawd/guest/virt.h"

/* Jobs of the adapter itself, with id 0: nobody waits for them. */
enum {
        JOB_OP_PROBE = GJOB_OP_MAX_, /* which agents are connected */
        JOB_OP_LOOK,                 /* which domains libvirt would start by itself */
        JOB_OP_NO_AUTOSTART,         /* one of them: no more */
        JOB_OP_INSPECT,              /* its definition changed: what is it now? */
};

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_HELD, JOB_ABANDONED };

struct outcome {
        enum job_result result;
        enum seen_state seen;
        char text[2 * TEXT_LEN];
        struct guest_spec *spec; /* DUMP, INSPECT; owned */
        uint64_t definition;     /* START, INSPECT: hash of it as libvirt has it; 0: not known */
        usec_t wall;
        uint32_t final;    /* serial of a copy that is equal, if nothing of it runs; 0: none */
        bool agent;        /* START found it running with its agent connected */
        bool left_defined; /* abandoned START: its definition may be there */
        struct snap_figures figures; /* SNAPSHOT, SNAP_DELETE */
};

struct job {
        struct job *next;
        enum job_state state;
        uint64_t id;
        int op; /* enum guest_job_op, JOB_OP_PROBE */
        char name[NAME_LEN];
        char uuid[UUID_LEN];
        char *xml; /* START, SNAPSHOT, SNAP_DELETE; owned */
        size_t xml_len;
        struct guest_snaps *snaps; /* the same; owned; NULL: it has none */
        bool keep_running;
        enum quiesce quiesce; /* SNAPSHOT */
        uint32_t gid;
        uint32_t promote;            /* START: from the copy of this serial; 0: from its disks */
        struct conf_replica replica; /* START; of one on DRBD its end, too */
        bool older;                  /* START: what is lost by promote is accepted */
        uint32_t in_step;            /* its end: serial of a copy that is in step; 0: none */
        char peer[NAME_LEN];         /* host of the other copy; "": none */
        usec_t timeout_usec;         /* as asked for: STOP's grace */
        usec_t deadline;             /* CLOCK_BOOTTIME, once it has begun: abandoned then */
        atomic_bool cancelled, abandoned;
        struct shared *shared; /* reference */
        virConnectPtr conn;    /* the thread's */
        struct outcome out;
};

struct job *job_new(struct shared *shared, int op);
void job_free(struct job *j);

/** job_thread() - carry out the job @arg, then report it. */
void *job_thread(void *arg);

/** job_stopped() - nobody waits any more: no further side effect. */
bool job_stopped(const struct job *j);
/** job_wanted() - the same, and the START was not cancelled and has time left (S6). */
bool job_wanted(const struct job *j);
/** job_sleep() - up to @usec, until the deadline. */
void job_sleep(const struct job *j, usec_t usec);
/** job_end() - set the outcome. */
void job_end(struct job *j, enum job_result result, enum seen_state seen, const char *fmt, ...)
        PRINTF_LIKE(4, 5);

/* One each, in job_start.c, job_stop.c, job_misc.c, job_snap.c and job_keep.c: run with j->conn
 * open, set the outcome. */
void job_start(struct job *j);
void job_stop(struct job *j);
void job_settle(struct job *j);
void job_pause(struct job *j);
void job_resume(struct job *j);
void job_undefine(struct job *j);
void job_dump(struct job *j);
void job_probe(struct job *j);
void job_look(struct job *j);
void job_no_autostart(struct job *j);
void job_inspect(struct job *j);

void job_snapshot(struct job *j);
void job_snap_delete(struct job *j);

/** job_other_name() - @dom has the job's UUID, and not its name: it was not defined by hawd. */
bool job_other_name(const struct job *j, virDomainPtr dom);

/**
 * job_definition() - the domain's definition as libvirt would start it, normalised
 * @ret: NULL or the spec, owned by the caller
 *
 * Return: its hash, 0 when libvirt does not say or hawd cannot read it.
 */
uint64_t job_definition(virDomainPtr dom, struct guest_spec **ret);

/**
 * job_promote() - START: the copy becomes the guest's disks, when the job says so
 *
 * Return: 0, -ECANCELED, -errno with @err; it may be repeated.
 */
int job_promote(struct job *j, char *err);

/**
 * job_drbd() - START: its DRBD resource is primary here, so that it may have the device
 *
 * Return: 0, also of a guest that has none; else as drbd_take(), with @err.
 */
int job_drbd(struct job *j, char *err);

/**
 * job_drbd_end() - nothing of it runs: a DRBD resource that it has is to be secondary here
 *
 * Sets out.final when both sides are equal then. Return: 0, else as drbd_release(), with @err.
 */
int job_drbd_end(struct job *j, char *err);

/** job_final() - before a destroy: a copy that is in step ends equal, if that is soon; out.final */
void job_final(struct job *j);

/**
 * job_destroy_domain() - destroy what is active of the job's UUID and see its process gone
 * @text: TEXT_LEN bytes: why not
 *
 * Return: VIRT_OK: nothing of it runs; else it may, and @text says why.
 */
enum virt_error job_destroy_domain(struct job *j, char *text);
