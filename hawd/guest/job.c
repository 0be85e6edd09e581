/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/guest/job.h"

struct job *job_new(struct shared *shared, int op) {
        struct job *j = xcalloc(1, sizeof(*j));

        j->op = op;
        j->shared = shared_ref(shared);
        atomic_init(&j->cancelled, false);
        atomic_init(&j->abandoned, false);
        return j;
}

void job_free(struct job *j) {
        if (!j)
                return;
        guest_spec_unref(j->out.spec);
        free(j->xml);
        free(j->snaps);
        shared_unref(j->shared);
        free(j);
}

bool job_stopped(const struct job *j) {
        return atomic_load(&j->abandoned);
}

bool job_wanted(const struct job *j) {
        /* The loop may be late, above all after a freeze of the whole host: look at the clock too.
         */
        return !job_stopped(j) && !atomic_load(&j->cancelled) && now_boottime() < j->deadline;
}

bool job_other_name(const struct job *j, virDomainPtr dom) {
        const char *name = virDomainGetName(dom);

        return j->name[0] && name && strcmp(name, j->name) != 0;
}

void job_sleep(const struct job *j, usec_t usec) {
        usleep((useconds_t)MIN(usec, usec_sub(j->deadline, now_boottime()) + 1));
}

void job_end(struct job *j, enum job_result result, enum seen_state seen, const char *fmt, ...) {
        va_list ap;

        j->out.result = result;
        j->out.seen = seen;
        va_start(ap, fmt);
        if (vsnprintf(j->out.text, sizeof(j->out.text), fmt, ap) < 0)
                j->out.text[0] = '\0';
        va_end(ap);
}

/* Nothing was asked of libvirt yet: what may run does not depend on this job. */
static void no_connection(struct job *j) {
        char text[TEXT_LEN];
        bool claim = j->op == GJOB_STOP || j->op == GJOB_DESTROY || j->op == GJOB_SETTLE;

        (void)virt_last(NULL, text);
        job_end(j, claim ? RESULT_UNSETTLED : RESULT_FAILED, SEEN_GONE,
                "cannot connect to libvirt: %s", text);
}

static void run(struct job *j) {
        switch (j->op) {
        case GJOB_START:
                job_start(j);
                break;
        case GJOB_STOP:
        case GJOB_DESTROY:
                job_stop(j);
                break;
        case GJOB_SETTLE:
                job_settle(j);
                break;
        case GJOB_PAUSE:
                job_pause(j);
                break;
        case GJOB_RESUME:
                job_resume(j);
                break;
        case GJOB_UNDEFINE:
                job_undefine(j);
                break;
        case GJOB_DUMP:
                job_dump(j);
                break;
        case GJOB_SNAPSHOT:
                job_snapshot(j);
                break;
        case GJOB_SNAP_DELETE:
                job_snap_delete(j);
                break;
        case JOB_OP_PROBE:
                job_probe(j);
                break;
        case JOB_OP_LOOK:
                job_look(j);
                break;
        case JOB_OP_NO_AUTOSTART:
                job_no_autostart(j);
                break;
        case JOB_OP_INSPECT:
                job_inspect(j);
                break;
        default:
                job_end(j, RESULT_FAILED, SEEN_GONE, "unknown job %d", j->op);
        }
}

void *job_thread(void *arg) {
        struct job *j = arg;
        struct shared *shared = shared_ref(j->shared);
        struct report *r;

        j->conn = virConnectOpen(shared->uri);
        if (!j->conn)
                no_connection(j);
        else if (!job_stopped(j))
                run(j);
        j->out.wall = now_wall();
        if (j->conn)
                (void)virConnectClose(j->conn); /* ends either way */
        j->conn = NULL;
        r = report_new(REPORT_JOB);
        r->job = j;
        shared_post(shared, r);
        shared_unref(shared);
        return NULL;
}
