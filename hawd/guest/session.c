/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "hawd/base/thread.h"
#include "hawd/guest/qemuproc.h"
#include "hawd/guest/session.h"
#include "hawd/guest/virt.h"

#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 3
#define EVENTS_MAX 4096 /* waiting; beyond it a new session lists all anew */

struct session {
        atomic_uint refs;
        uint32_t number;
        struct shared *shared;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        /* Under lock. */
        struct letter *first, **last; /* events not passed on yet */
        size_t n_waiting;
        bool stopped; /* by the loop */
        bool closed;  /* by libvirt */
        char why[TEXT_LEN];
};

static atomic_uint n_alive;

unsigned sessions_alive(void) {
        return atomic_load(&n_alive);
}

static void unref(struct session *s) {
        if (atomic_fetch_sub(&s->refs, 1) != 1)
                return;
        for (struct letter *l = s->first, *next; l; l = next) {
                next = l->next;
                report_free((struct report *)l);
        }
        pthread_cond_destroy(&s->wake);
        pthread_mutex_destroy(&s->lock);
        shared_unref(s->shared);
        free(s);
}

static struct session *ref(struct session *s) {
        atomic_fetch_add(&s->refs, 1);
        return s;
}

static void unref_opaque(void *opaque) {
        unref(opaque);
}

static void close_session(struct session *s, const char *why) {
        pthread_mutex_lock(&s->lock);
        if (!s->closed) {
                s->closed = true;
                text_set(s->why, sizeof(s->why), why);
        }
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
}

/* ---- from libvirt's event loop: only take down what came ------------------------------------- */

static void enqueue(struct session *s, struct report *r) {
        bool full;

        r->session = s->number;
        pthread_mutex_lock(&s->lock);
        full = s->n_waiting >= EVENTS_MAX;
        if (!full) {
                *s->last = &r->letter;
                s->last = &r->letter.next;
                s->n_waiting++;
                pthread_cond_signal(&s->wake);
        }
        pthread_mutex_unlock(&s->lock);
        if (full) {
                report_free(r);
                close_session(s, "libvirt sends events faster than they can be taken");
        }
}

static void on_close(virConnectPtr conn, int reason, void *opaque) {
        static const char *const texts[] = {
                [VIR_CONNECT_CLOSE_REASON_ERROR] = "the connection to libvirtd broke",
                [VIR_CONNECT_CLOSE_REASON_EOF] = "libvirtd ended",
                [VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "libvirtd does not answer any more",
                [VIR_CONNECT_CLOSE_REASON_CLIENT] = "closed",
        };
        bool known = reason >= 0 && (size_t)reason < ARRAY_SIZE(texts);

        (void)conn;
        close_session(opaque, known ? texts[reason] : "the connection to libvirtd closed");
}

static struct report *event_of(virDomainPtr dom, int event, int detail) {
        struct report *r = report_new(REPORT_LIFECYCLE);
        const char *name = virDomainGetName(dom);
        char uuid[VIR_UUID_STRING_BUFLEN] = "";

        (void)virDomainGetUUIDString(dom, uuid); /* from memory: it cannot fail */
        text_set(r->raw.uuid, sizeof(r->raw.uuid), uuid);
        text_set(r->raw.name, sizeof(r->raw.name), name ? name : "");
        r->raw.event = event;
        r->raw.detail = detail;
        r->raw.wall = now_wall();
        return r;
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr dom, int event, int detail, void *opaque) {
        (void)conn;
        enqueue(opaque, event_of(dom, event, detail));
        return 0;
}

static void on_watchdog(virConnectPtr conn, virDomainPtr dom, int action, void *opaque) {
        (void)conn;
        enqueue(opaque, event_of(dom, LIFECYCLE_WATCHDOG, action));
}

static void on_reboot(virConnectPtr conn, virDomainPtr dom, void *opaque) {
        (void)conn;
        enqueue(opaque, event_of(dom, LIFECYCLE_REBOOT, 0));
}

static void on_io_error(virConnectPtr conn, virDomainPtr dom, const char *path, const char *device,
                        int action, const char *reason, void *opaque) {
        struct report *r = event_of(dom, LIFECYCLE_IO_ERROR, action);

        (void)conn;
        if (reason && strcmp(reason, "enospc") == 0)
                reason = "no space left";
        text_fmt(r->raw.text, sizeof(r->raw.text), "%.60s (%.160s)%s%.100s", device ? device : "?",
                 path && path[0] ? path : "no file", reason && reason[0] ? ": " : "",
                 reason ? reason : "");
        for (char *c = r->raw.text; *c; c++)
                if (iscntrl((unsigned char)*c))
                        *c = ' ';
        enqueue(opaque, r);
}

static void on_agent(virConnectPtr conn, virDomainPtr dom, int state, int reason, void *opaque) {
        struct report *r;
        char uuid[VIR_UUID_STRING_BUFLEN] = "";

        (void)conn;
        (void)reason;
        if (state != VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED)
                return;
        r = report_new(REPORT_HEALTHY);
        (void)virDomainGetUUIDString(dom, uuid);
        text_set(r->uuid, sizeof(r->uuid), uuid);
        text_set(r->text, sizeof(r->text), "guest agent connected");
        enqueue(opaque, r);
}

/* ---- the session's thread -------------------------------------------------------------------- */

/* Of the first, all depends; the others say more, where the driver has them. */
static const struct {
        int event;
        virConnectDomainEventGenericCallback callback;
} watched[] = {
        {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
        {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
        {VIR_DOMAIN_EVENT_ID_WATCHDOG, VIR_DOMAIN_EVENT_CALLBACK(on_watchdog)},
        {VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, VIR_DOMAIN_EVENT_CALLBACK(on_io_error)},
        {VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot)},
};

static int watch(struct session *s, virConnectPtr conn, int ret_ids[ARRAY_SIZE(watched)]) {
        /* Drivers inside this process have no connection to lose, and refuse the first. The second
         * they take without ever giving the reference back. */
        if (virConnectSetKeepAlive(conn, KEEPALIVE_SECONDS, KEEPALIVE_COUNT) >= 0 &&
            virConnectRegisterCloseCallback(conn, on_close, ref(s), unref_opaque) < 0)
                unref(s);
        for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
                ret_ids[i] = virConnectDomainEventRegisterAny(
                        conn, NULL, watched[i].event, watched[i].callback, ref(s), unref_opaque);
                if (ret_ids[i] < 0)
                        unref(s);
        }
        return ret_ids[0] < 0 ? -1 : 0;
}

static void unwatch(virConnectPtr conn, const int ids[ARRAY_SIZE(watched)]) {
        for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
                if (ids[i] >= 0)
                        (void)virConnectDomainEventDeregisterAny(conn, ids[i]);
        (void)virConnectUnregisterCloseCallback(conn, on_close);
}

static int report_host(struct session *s, virConnectPtr conn) {
        struct report *r;
        virNodeInfo info;

        if (virNodeGetInfo(conn, &info) < 0)
                return -1;
        r = report_new(REPORT_HOST);
        r->session = s->number;
        r->vcpus = info.cpus;
        r->memory_mib = info.memory / 1024;
        shared_post(s->shared, r);
        return 0;
}

/* 0, also when the domain has just gone; -1 when libvirt gives no answer. */
static int look_at(virDomainPtr dom, struct domain_seen *d) {
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        const char *name = virDomainGetName(dom);
        struct virt_state st;

        if (virt_look(dom, &st, NULL) == VIRT_LOST)
                return -1;
        (void)virDomainGetUUIDString(dom, uuid);
        text_set(d->uuid, sizeof(d->uuid), uuid);
        text_set(d->name, sizeof(d->name), name ? name : "");
        d->wall = now_wall();
        d->state = SEEN_GONE;
        if (st.active)
                seen_from_state(st.state, st.reason, d);
        else
                d->end_why = END_UNKNOWN;
        return 0;
}

static int report_domains(struct session *s, virConnectPtr conn) {
        virDomainPtr *doms = NULL;
        struct report *r;
        int n = virConnectListAllDomains(conn, &doms, 0), rc = 0;

        if (n < 0)
                return -1;
        r = report_new(REPORT_UP);
        r->session = s->number;
        r->domains = xcalloc((size_t)n, sizeof(*r->domains));
        for (int i = 0; i < n; i++) {
                if (rc == 0)
                        rc = look_at(doms[i], &r->domains[r->n_domains++]);
                virDomainFree(doms[i]);
        }
        free(doms);
        if (rc == 0)
                shared_post(s->shared, r);
        else
                report_free(r);
        return rc;
}

/* QEMU's last words go with its end. Of a file, so not in the loop. */
static void annotate(struct report *r) {
        if (r->kind == REPORT_LIFECYCLE && r->raw.event == VIR_DOMAIN_EVENT_STOPPED &&
            r->raw.detail == VIR_DOMAIN_EVENT_STOPPED_FAILED)
                qemulog_tail(r->raw.name, 0, r->raw.text);
}

static void pass_on(struct session *s) {
        struct report *r;

        pthread_mutex_lock(&s->lock);
        for (;;) {
                while (!s->first && !s->closed && !s->stopped)
                        pthread_cond_wait(&s->wake, &s->lock);
                r = (struct report *)s->first;
                if (s->stopped || !r)
                        break;
                s->first = r->letter.next;
                if (!s->first)
                        s->last = &s->first;
                s->n_waiting--;
                pthread_mutex_unlock(&s->lock);
                annotate(r);
                shared_post(s->shared, r);
                pthread_mutex_lock(&s->lock);
        }
        pthread_mutex_unlock(&s->lock);
}

static void report_down(struct session *s, const char *what) {
        struct report *r = report_new(REPORT_DOWN);
        char text[TEXT_LEN];

        r->session = s->number;
        pthread_mutex_lock(&s->lock);
        if (s->closed) {
                text_set(r->text, sizeof(r->text), s->why);
        } else {
                (void)virt_last(NULL, text);
                text_fmt(r->text, sizeof(r->text), "%s: %s", what, text);
        }
        pthread_mutex_unlock(&s->lock);
        shared_post(s->shared, r);
}

static bool is_stopped(struct session *s) {
        bool stopped;

        pthread_mutex_lock(&s->lock);
        stopped = s->stopped;
        pthread_mutex_unlock(&s->lock);
        return stopped;
}

static void *session_thread(void *arg) {
        struct session *s = arg;
        virConnectPtr conn = virConnectOpen(s->shared->uri);
        int ids[ARRAY_SIZE(watched)];

        for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
                ids[i] = -1;
        if (!conn) {
                report_down(s, "cannot connect to libvirt");
        } else if (is_stopped(s) || watch(s, conn, ids) < 0 || report_host(s, conn) < 0 ||
                   report_domains(s, conn) < 0) {
                report_down(s, "libvirt refuses to be watched");
        } else {
                pass_on(s);
                /* Before the close, which may wait for an answer. */
                report_down(s, "closed");
        }
        if (conn) {
                unwatch(conn, ids);
                (void)virConnectClose(conn);
        }
        atomic_fetch_sub(&n_alive, 1);
        unref(s);
        return NULL;
}

struct session *session_start(struct shared *shared, uint32_t number) {
        struct session *s = xcalloc(1, sizeof(*s));
        int r;

        atomic_init(&s->refs, 2);
        s->number = number;
        s->shared = shared_ref(shared);
        s->last = &s->first;
        if (pthread_mutex_init(&s->lock, NULL) != 0 || pthread_cond_init(&s->wake, NULL) != 0)
                abort();
        atomic_fetch_add(&n_alive, 1);
        r = thread_spawn(session_thread, s);
        if (r < 0) {
                atomic_fetch_sub(&n_alive, 1);
                unref(s);
                unref(s);
                errno = -r;
                return NULL;
        }
        return s;
}

struct session *session_stop(struct session *s) {
        if (s) {
                pthread_mutex_lock(&s->lock);
                s->stopped = true;
                pthread_cond_signal(&s->wake);
                pthread_mutex_unlock(&s->lock);
                unref(s);
        }
        return NULL;
}
