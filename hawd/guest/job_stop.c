/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GJOB_STOP, GJOB_DESTROY, GJOB_SETTLE: until nothing of it runs, as far as that can be known. */
#include "hawd/guest/ask.h"
#include "hawd/guest/job.h"
#include "hawd/guest/qemuproc.h"

#define GONE_WAIT (5 * USEC_PER_SEC) /* for a process that libvirt says it has ended */
#define SETTLE_ROUNDS 5

/* Wait until none of @procs is left. Return: the first one that still is, or NULL. */
static const struct qemu_proc *wait_gone(const struct job *j, const struct qemu_proc *procs,
                                         size_t n) {
        usec_t until = usec_add(now_boottime(), GONE_WAIT);
        size_t i = 0;

        while (i < n) {
                if (!qemuproc_alive(&procs[i])) {
                        i++;
                        continue;
                }
                if (now_boottime() >= until || job_stopped(j))
                        return &procs[i];
                job_sleep(j, 20 * USEC_PER_MSEC);
        }
        return NULL;
}

static enum virt_error see_gone(struct job *j, struct qemu_proc *procs, size_t n, char *text) {
        const struct qemu_proc *left = wait_gone(j, procs, n);

        /* Once more by name: it may have been started again. */
        if (!left && qemuproc_find(j->uuid, procs) > 0)
                left = wait_gone(j, procs, 1);
        if (!left)
                return VIRT_OK;
        text_fmt(text, TEXT_LEN, "its QEMU process (pid %d) still exists", (int)left->pid);
        return VIRT_REFUSED;
}

enum virt_error job_destroy_domain(struct job *j, char *text) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct qemu_proc procs[QEMU_PROCS_MAX];
        /* Before the destroy: one that ends half way shows its command line no more. */
        size_t n = qemuproc_find(j->uuid, procs);
        struct virt_state st = {0};
        enum virt_error e;

        e = virt_find(j->conn, j->uuid, &dom, text);
        if (e == VIRT_OK)
                e = virt_look(dom, &st, text);
        if (e == VIRT_OK && st.active) {
                if (j->in_step && j->replica.mode != REPLICA_MODE_DRBD)
                        job_final(j);
                if (job_stopped(j)) {
                        text_set(text, TEXT_LEN, "out of time");
                        return VIRT_LOST;
                }
                if (virDomainDestroy(dom) < 0) {
                        e = virt_last(j->conn, text);
                        /* It may have ended by itself meanwhile. */
                        if (e == VIRT_REFUSED && virDomainIsActive(dom) == 0)
                                e = VIRT_OK;
                }
        }
        if (e != VIRT_OK && e != VIRT_NONE)
                return e;
        return see_gone(j, procs, n, text);
}

/* VIRT_OK also when what is left has another name: somebody's own definition, and hawd's can not be
 * there beside it. */
static enum virt_error undefine_by_uuid(struct job *j, char *text) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        enum virt_error e = virt_find(j->conn, j->uuid, &dom, text);

        if (e == VIRT_NONE || (e == VIRT_OK && job_other_name(j, dom)))
                return VIRT_OK;
        if (e == VIRT_OK && job_stopped(j)) {
                text_set(text, TEXT_LEN, "out of time");
                return VIRT_LOST;
        }
        return e == VIRT_OK ? virt_undefine(dom, text) : e;
}

/* Of the domain before it is asked. Return: whether asking makes sense; if not, @ret_how says. */
static bool can_hear(struct job *j, virDomainPtr *ret, enum virt_error *ret_e, const char **ret_how,
                     char *text) {
        struct virt_state st;

        *ret_e = virt_find(j->conn, j->uuid, ret, text);
        if (*ret_e == VIRT_OK)
                *ret_e = virt_look(*ret, &st, text);
        if (*ret_e != VIRT_OK || !st.active) {
                *ret_how = "it did not run";
                return false;
        }
        if (st.state != VIR_DOMAIN_RUNNING && st.state != VIR_DOMAIN_SHUTDOWN) {
                *ret_how = "paused or crashed, so destroyed at once";
                return false;
        }
        return true;
}

/* Until it has ended, the grace is over, or it cannot be asked. asks[1]: at half time, by ACPI. */
static enum virt_error wait_ended(struct job *j, virDomainPtr dom, struct ask *asks[2],
                                  const char **ret_how, char *text) {
        usec_t half = usec_add(now_boottime(), j->timeout_usec / 2);
        usec_t until = usec_add(now_boottime(), j->timeout_usec);
        struct virt_state st;
        enum virt_error e;

        while (now_boottime() < until && !job_stopped(j)) {
                e = virt_look(dom, &st, text);
                if (e != VIRT_OK || !st.active) {
                        *ret_how = "shut down";
                        return e;
                }
                if (st.state == VIR_DOMAIN_RUNNING && (!asks[0] || ask_refused(asks[0], text))) {
                        *ret_how = "destroyed, as it cannot be asked to shut down";
                        return VIRT_OK;
                }
                /* A guest that was still booting has not heard the first one. */
                if (!asks[1] && now_boottime() >= half)
                        asks[1] = ask_start(j->shared, j->uuid, false);
                job_sleep(j, 200 * USEC_PER_MSEC);
        }
        *ret_how = "destroyed, as it did not shut down in time";
        return VIRT_OK;
}

/* Orderly, for as long as the job's grace. Return: VIRT_LOST: no answer; else go on. */
static enum virt_error grace(struct job *j, struct ask *asks[2], const char **ret_how, char *text) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        enum virt_error e;

        if (!can_hear(j, &dom, &e, ret_how, text))
                return e;
        asks[0] = ask_start(j->shared, j->uuid, virt_agent(dom));
        return wait_ended(j, dom, asks, ret_how, text);
}

static void stop(struct job *j, struct ask *asks[2]) {
        const char *how = "destroyed";
        char text[TEXT_LEN] = "";
        enum virt_error e;

        if (j->op == GJOB_STOP && grace(j, asks, &how, text) == VIRT_LOST) {
                job_end(j, RESULT_UNSETTLED, SEEN_RUNNING, "no answer from libvirt: %s", text);
                return;
        }
        e = job_destroy_domain(j, text);
        if (e != VIRT_OK) {
                job_end(j, RESULT_UNSETTLED, SEEN_RUNNING, "cannot be destroyed: %s", text);
                return;
        }
        e = undefine_by_uuid(j, text);
        if (e != VIRT_OK)
                job_end(j, RESULT_DONE, SEEN_GONE, "%s (it stays defined: %s)", how, text);
        else if (job_drbd_end(j, text) < 0)
                job_end(j, RESULT_DONE, SEEN_GONE, "%s (%s)", how, text);
        else
                job_end(j, RESULT_DONE, SEEN_GONE, "%s", how);
}

void job_stop(struct job *j) {
        struct ask *asks[2] = {NULL, NULL};

        stop(j, asks);
        /* However long it takes: what still waits in libvirt belongs to this job. */
        ask_join(asks[0]);
        ask_join(asks[1]);
}

/* keep_running: 1 it runs and stays, the outcome is set; 0 it does not; -1 no answer. */
static int settle_running(struct job *j, char *text) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct virt_state st;
        enum virt_error e = virt_find(j->conn, j->uuid, &dom, text);

        if (e == VIRT_OK)
                e = virt_look(dom, &st, text);
        if (e == VIRT_NONE)
                return 0;
        if (e != VIRT_OK)
                return -1;
        if (!st.active || (st.seen != SEEN_RUNNING && st.seen != SEEN_PAUSED) ||
            st.state == VIR_DOMAIN_SHUTDOWN)
                return 0;
        job_end(j, RESULT_DONE, st.seen, "it runs and is left running");
        j->out.agent = virt_agent(dom);
        return 1;
}

/* Is there anything that a queued create would find? 1, 0, -1: no answer. */
static int is_left(struct job *j, char *text) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        struct virt_state st;
        enum virt_error e = virt_find(j->conn, j->uuid, &dom, text);

        if (e == VIRT_OK && job_other_name(j, dom))
                e = virt_look(dom, &st, text);
        else if (e == VIRT_OK)
                return 1;
        if (e == VIRT_NONE)
                return 0;
        return e == VIRT_OK ? st.active : -1;
}

/*
 * A call of an earlier connection may still wait in libvirtd. (1) What is active is destroyed, its
 * process seen gone. (2) The definition goes, so that a create still queued finds no domain.
 * (3) A create that libvirtd had begun before shows as active, or as a process: then all again.
 * The loop adds: an earlier call of this same hawd must have returned (guest.c, JOB_HELD).
 */
void job_settle(struct job *j) {
        char text[TEXT_LEN] = "";
        int running = 0;

        for (int round = 0; round < SETTLE_ROUNDS; round++) {
                struct qemu_proc procs[QEMU_PROCS_MAX];

                if (j->keep_running)
                        running = settle_running(j, text);
                if (running > 0)
                        return;
                if (running < 0 || job_destroy_domain(j, text) != VIRT_OK ||
                    undefine_by_uuid(j, text) != VIRT_OK)
                        break;
                if (is_left(j, text) == 0 && qemuproc_find(j->uuid, procs) == 0) {
                        (void)job_drbd_end(j, text); /* its next start, or EXPORT, says it again */
                        job_end(j, RESULT_DONE, SEEN_GONE, "settled: nothing of it is left");
                        return;
                }
                text_set(text, TEXT_LEN, "it keeps coming back");
                job_sleep(j, 200 * USEC_PER_MSEC);
        }
        job_end(j, RESULT_UNSETTLED, SEEN_RUNNING, "cannot be settled: %s", text);
}
