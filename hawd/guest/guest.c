/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libvirt/libvirt.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hawd/guest/guest.h"
#include "hawd/guest/jobs.h"
#include "hawd/guest/keep.h"
#include "hawd/guest/pulse.h"
#include "hawd/guest/session.h"
#include "hawd/guest/virt.h"

#define CONNECT_LIMIT                                                                              \
        (20 * USEC_PER_SEC) /* then libvirt counts as down, and another try begins                 \
                             */
#define SESSIONS_MAX 4      /* threads that hang in a connect */
#define RETRY_MIN (500 * USEC_PER_MSEC)
#define RETRY_MAX (5 * USEC_PER_SEC)
#define PROBE_LIMIT (30 * USEC_PER_SEC)

struct guest_adapter {
        struct shared *shared;
        const struct guest_callbacks *callbacks;
        void *userdata;
        int epoll_fd, timer_fd;
        struct job_queue jobs;
        struct keep keep;
        struct pulse pulse;
        struct lifecycle lifecycle;
        struct session *session; /* NULL: between two tries */
        uint32_t session_number;
        bool session_up;
        usec_t session_limit; /* not up by then: hung */
        usec_t retry_at, retry_delay;
        enum { TOLD_NOTHING, TOLD_UP, TOLD_DOWN } told;
};

/* ---- the event connection ---------------------------------------------------------------------
 */

static void retry_later(struct guest_adapter *a, usec_t now) {
        a->retry_at = usec_add(now, a->retry_delay);
        a->retry_delay = MIN(2 * a->retry_delay, RETRY_MAX);
}

static void begin_session(struct guest_adapter *a, usec_t now) {
        if (sessions_alive() < SESSIONS_MAX)
                a->session = session_start(a->shared, ++a->session_number);
        if (!a->session) {
                retry_later(a, now);
                return;
        }
        a->session_up = false;
        a->session_limit = usec_add(now, CONNECT_LIMIT);
}

static void tell_down(struct guest_adapter *a, const char *why) {
        bool news = a->told != TOLD_DOWN;

        a->told = TOLD_DOWN;
        lifecycle_clear(&a->lifecycle);
        keep_up(&a->keep, USEC_INFINITY);
        pulse_down(&a->pulse);
        if (news)
                a->callbacks->down(a->userdata, why);
}

static void end_session(struct guest_adapter *a, usec_t now, const char *why) {
        a->session = session_stop(a->session);
        if (a->session_up)
                a->retry_delay = RETRY_MIN;
        a->session_up = false;
        retry_later(a, now);
        tell_down(a, why);
}

static void check_session(struct guest_adapter *a, usec_t now) {
        if (!a->session) {
                if (now >= a->retry_at)
                        begin_session(a, now);
        } else if (!a->session_up && now >= a->session_limit) {
                if (sessions_alive() < SESSIONS_MAX) {
                        end_session(a, now, "libvirt does not answer a connect");
                } else {
                        a->session_limit = usec_add(now, CONNECT_LIMIT);
                        tell_down(a, "libvirt does not answer a connect");
                }
        }
}

static void take_up(struct guest_adapter *a, const struct report *r) {
        struct job *probe = job_new(a->shared, JOB_OP_PROBE);

        a->session_up = true;
        a->told = TOLD_UP;
        lifecycle_clear(&a->lifecycle);
        probe->timeout_usec = PROBE_LIMIT;
        jobs_add(&a->jobs, probe);
        keep_up(&a->keep, now_boottime());
        pulse_up(&a->pulse, r->domains, r->n_domains, now_boottime());
        a->callbacks->up(a->userdata, r->domains, r->n_domains);
}

static void tell_domain(struct guest_adapter *a, const struct domain_seen *seen) {
        pulse_seen(&a->pulse, seen, now_boottime());
        a->callbacks->domain(a->userdata, seen);
}

static void take_lifecycle(struct guest_adapter *a, const struct lifecycle_raw *raw) {
        struct domain_seen seen;

        if (raw->event == VIR_DOMAIN_EVENT_DEFINED || raw->event == VIR_DOMAIN_EVENT_UNDEFINED) {
                keep_defined(&a->keep, raw->uuid); /* looks before it is undefined */
                a->callbacks->definition(a->userdata, raw->uuid, raw->name,
                                         raw->event == VIR_DOMAIN_EVENT_DEFINED);
                return;
        }
        if (raw->event == LIFECYCLE_REBOOT)
                pulse_reboot(&a->pulse, raw->uuid);
        if (lifecycle_take(&a->lifecycle, raw, now_boottime(), &seen))
                tell_domain(a, &seen);
}

static void take_report(struct guest_adapter *a, struct report *r) {
        usec_t now = now_boottime();

        if (r->kind == REPORT_JOB) {
                keep_job_ended(&a->keep, r->job);
                jobs_ended(&a->jobs, TAKE_PTR(r->job));
                return;
        }
        /* Of a session that was given up: it tells of another time. */
        if (r->session != 0 && (!a->session || r->session != a->session_number))
                return;
        switch (r->kind) {
        case REPORT_HOST:
                a->callbacks->host(a->userdata, r->vcpus, r->memory_mib);
                break;
        case REPORT_UP:
                take_up(a, r);
                break;
        case REPORT_DOWN:
                end_session(a, now, r->text);
                break;
        case REPORT_AUTOSTART:
                keep_autostart(&a->keep, r->uuid);
                break;
        case REPORT_LIFECYCLE:
                take_lifecycle(a, &r->raw);
                break;
        case REPORT_SAMPLE:
                pulse_sample(&a->pulse, r);
                break;
        case REPORT_HEALTHY:
                pulse_spoke(&a->pulse, r->uuid);
                a->callbacks->healthy(a->userdata, r->uuid, r->text);
                break;
        default:
                assert(false);
        }
}

/* ---- time ---------------------------------------------------------------------------------------
 */

static void arm_timer(struct guest_adapter *a) {
        usec_t at = MIN(jobs_deadline(&a->jobs), lifecycle_deadline(&a->lifecycle));
        struct itimerspec when = {0};

        at = MIN(at, a->keep.look_at);
        at = MIN(at, pulse_deadline(&a->pulse));
        if (!a->session)
                at = MIN(at, a->retry_at);
        else if (!a->session_up)
                at = MIN(at, a->session_limit);
        if (at != USEC_INFINITY) {
                when.it_value.tv_sec = (time_t)(at / USEC_PER_SEC);
                when.it_value.tv_nsec = (long)(at % USEC_PER_SEC * 1000) + 1; /* 0: disarmed */
        }
        if (timerfd_settime(a->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
                abort();
}

int guest_fd(const struct guest_adapter *a) {
        return a->epoll_fd;
}

void guest_dispatch(struct guest_adapter *a) {
        struct domain_seen seen;
        uint64_t expired;

        (void)!read(a->timer_fd, &expired, sizeof(expired)); /* none: it was a report */
        for (struct letter *l = mailbox_take(&a->shared->box), *next; l; l = next) {
                next = l->next;
                take_report(a, (struct report *)l);
                report_free((struct report *)l);
        }
        while (lifecycle_due(&a->lifecycle, now_boottime(), &seen))
                tell_domain(a, &seen);
        jobs_expire(&a->jobs, now_boottime());
        keep_tick(&a->keep, now_boottime());
        pulse_tick(&a->pulse, now_boottime());
        check_session(a, now_boottime());
        arm_timer(a);
}

/* ---- jobs ---------------------------------------------------------------------------------------
 */

void guest_submit(struct guest_adapter *a, const struct action *act) {
        struct job *j = job_new(a->shared, (int)act->guest_job.op);
        const struct guest_spec *spec = act->guest_job.spec;

        assert(act->kind == ACT_GUEST_JOB);
        j->id = act->guest_job.id;
        text_set(j->name, sizeof(j->name), act->guest_job.name);
        text_set(j->uuid, sizeof(j->uuid), act->guest_job.uuid);
        j->timeout_usec = act->guest_job.timeout_usec;
        j->keep_running = act->guest_job.keep_running;
        j->gid = act->guest_job.gid;
        j->promote = act->guest_job.promote;
        j->older = act->guest_job.older;
        j->in_step = act->guest_job.in_step;
        text_set(j->peer, sizeof(j->peer), act->guest_job.peer);
        if (spec) {
                /* A copy: reference counts are the loop's, and the thread may outlive it. */
                j->xml_len = spec->xml ? spec->xml->len : 0;
                j->xml = xcalloc(j->xml_len + 1, 1);
                if (j->xml_len > 0)
                        memcpy(j->xml, spec->xml->data, j->xml_len);
                j->replica = spec->conf.replica;
        }
        j->snaps = snaps_copy(act->guest_job.snaps);
        j->quiesce = j->snaps && j->snaps->wish.no_quiesce ? QUIESCE_NEVER
                     : spec                                ? spec->conf.snapshot_quiesce
                                                           : QUIESCE_AUTO;
        jobs_add(&a->jobs, j);
        arm_timer(a);
}

void guest_cancel(struct guest_adapter *a, uint64_t id) {
        jobs_cancel(&a->jobs, id);
        arm_timer(a);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

static int open_fds(struct guest_adapter *a) {
        struct epoll_event ev = {.events = EPOLLIN};

        a->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (a->timer_fd < 0 || a->epoll_fd < 0 ||
            epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->timer_fd, &ev) < 0 ||
            epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->shared->box.fd, &ev) < 0)
                return -errno;
        return 0;
}

int guest_open(const char *uri, const char *state_dir, const struct guest_callbacks *callbacks,
               void *userdata, struct guest_adapter **ret, char *err) {
        struct guest_adapter *a = xcalloc(1, sizeof(*a));
        int r;

        a->timer_fd = a->epoll_fd = -1;
        a->callbacks = callbacks;
        a->userdata = userdata;
        a->retry_delay = RETRY_MIN;
        r = virt_init();
        if (r < 0) {
                text_fmt(err, TEXT_LEN, "libvirt cannot be set up: %s", strerror(-r));
                guest_close(a);
                return r;
        }
        a->shared = shared_new(uri ? uri : GUEST_URI_DEFAULT);
        r = a->shared ? open_fds(a) : -errno;
        if (r < 0) {
                text_fmt(err, TEXT_LEN, "the libvirt adapter has no descriptors: %s", strerror(-r));
                guest_close(a);
                return r;
        }
        text_fmt(a->shared->replicas, sizeof(a->shared->replicas), "%s/replicas", state_dir);
        a->jobs = (struct job_queue){
                .shared = a->shared, .callbacks = callbacks, .userdata = userdata};
        a->keep = (struct keep){.jobs = &a->jobs, .look_at = USEC_INFINITY};
        pulse_open(&a->pulse, a->shared, callbacks, userdata);
        begin_session(a, now_boottime());
        arm_timer(a);
        *ret = a;
        return 0;
}

struct guest_adapter *guest_close(struct guest_adapter *a) {
        if (!a)
                return NULL;
        a->session = session_stop(a->session);
        jobs_close(&a->jobs);
        pulse_close(&a->pulse);
        if (a->shared)
                mailbox_close(&a->shared->box);
        if (a->timer_fd >= 0)
                close(a->timer_fd);
        if (a->epoll_fd >= 0)
                close(a->epoll_fd);
        lifecycle_clear(&a->lifecycle);
        keep_clear(&a->keep);
        shared_unref(a->shared);
        free(a);
        return NULL;
}
