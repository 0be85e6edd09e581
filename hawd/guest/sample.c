/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/thread.h"
#include "hawd/guest/sample.h"
#include "hawd/guest/virt.h"

#define KEEPALIVE_SECONDS 5
#define KEEPALIVE_COUNT 3
#define PROC_FILE_MAX 4096

struct sampler {
        atomic_uint refs;
        struct shared *shared;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        /* Under lock. */
        struct sample_order *first, **last;
        unsigned n_waiting, n_idle, n_threads;
        bool closed;
};

/* ---- what libvirt says of one guest ------------------------------------------------------------
 */

static uint64_t number(const virTypedParameter *p) {
        switch (p->type) {
        case VIR_TYPED_PARAM_ULLONG:
                return p->value.ul;
        case VIR_TYPED_PARAM_UINT:
                return p->value.ui;
        case VIR_TYPED_PARAM_INT:
                return p->value.i > 0 ? (uint64_t)p->value.i : 0;
        case VIR_TYPED_PARAM_LLONG:
                return p->value.l > 0 ? (uint64_t)p->value.l : 0;
        default:
                return 0;
        }
}

/* "block.0.rd.reqs" is @field "rd.reqs" of @kind "block.". Return: which one; -1: it is none. */
static int member_of(const char *name, const char *kind, const char *field) {
        unsigned i;
        int used = 0;

        if (strncmp(name, kind, strlen(kind)) != 0 ||
            sscanf(name + strlen(kind), "%5u.%n", &i, &used) != 1 || used == 0)
                return -1;
        return strcmp(name + strlen(kind) + used, field) == 0 ? (int)i : -1;
}

void sample_read(const virTypedParameter *params, int n, struct hang_sample *ret) {
        uint64_t nics = 0, nics_seen = 0;
        bool disks = false;

        for (int i = 0; i < n; i++) {
                const char *name = params[i].field;
                uint64_t v = number(&params[i]);
                int vcpu = member_of(name, "vcpu.", "delay");

                if (strcmp(name, "state.state") == 0)
                        ret->running = v == VIR_DOMAIN_RUNNING || v == VIR_DOMAIN_BLOCKED;
                else if (strcmp(name, "cpu.time") == 0)
                        ret->cpu_nsec = v;
                else if (strcmp(name, "net.count") == 0)
                        nics = v;
                else if (member_of(name, "net.", "tx.pkts") >= 0) {
                        nics_seen++;
                        ret->sent += v;
                } else if (member_of(name, "block.", "rd.reqs") >= 0 ||
                           member_of(name, "block.", "wr.reqs") >= 0 ||
                           member_of(name, "block.", "fl.reqs") >= 0) {
                        disks = true;
                        ret->done += v;
                } else if (vcpu >= 0 && vcpu < HANG_VCPUS_MAX) {
                        ret->has_waited = true;
                        ret->waited_nsec[vcpu] = v;
                }
        }
        /* Without the monitor there are no numbers of disks; what cannot be seen may well go on. */
        ret->answered = disks && nics_seen == nics;
}

static bool read_stats(virDomainPtr dom, struct hang_sample *s) {
        virDomainPtr doms[] = {dom, NULL};
        virDomainStatsRecordPtr *records = NULL;
        int n = virDomainListGetStats(doms,
                                      VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL |
                                              VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_INTERFACE |
                                              VIR_DOMAIN_STATS_BLOCK,
                                      &records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);

        if (n == 1)
                sample_read(records[0]->params, records[0]->nparams, s);
        if (n >= 0)
                virDomainStatsRecordListFree(records);
        return n >= 0;
}

/* Silent is also: not connected. An error that it says itself is an answer. */
static enum hang_agent ping(virDomainPtr dom) {
        char *answer = virDomainQemuAgentCommand(dom, "{\"execute\": \"guest-ping\"}",
                                                 HANG_AGENT_SECONDS, 0);
        int code = answer ? VIR_ERR_OK : virGetLastErrorCode();

        free(answer);
        if (answer)
                return HANG_AGENT_ANSWERS;
        return code == VIR_ERR_AGENT_UNRESPONSIVE ? HANG_AGENT_SILENT : HANG_AGENT_NOT_ASKED;
}

static void read_proc(const char *path, char buf[PROC_FILE_MAX]) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, buf, PROC_FILE_MAX - 1) : -1;

        buf[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
                close(fd);
}

static void read_host(struct hang_host *ret) {
        char memory[PROC_FILE_MAX], cpu[PROC_FILE_MAX], stat[PROC_FILE_MAX];

        read_proc("/proc/pressure/memory", memory);
        read_proc("/proc/pressure/cpu", cpu);
        read_proc("/proc/stat", stat);
        hang_host_parse(memory, cpu, stat, ret);
}

/* Return: is the connection still good? */
static bool look(virConnectPtr conn, const struct sample_order *o, struct hang_sample *s) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;
        enum virt_error e = virt_find(conn, o->uuid, &dom, NULL);

        if (e == VIRT_OK && !read_stats(dom, s))
                e = virt_last(conn, NULL);
        s->at = now_boottime();
        read_host(&s->host);
        if (s->answered && s->running && !hang_moved(&o->before, s))
                s->agent = ping(dom);
        return e != VIRT_LOST && virConnectIsAlive(conn) == 1;
}

/* ---- threads -----------------------------------------------------------------------------------
 */

static void unref(struct sampler *s) {
        if (atomic_fetch_sub(&s->refs, 1) != 1)
                return;
        for (struct sample_order *o = s->first, *next; o; o = next) {
                next = o->next;
                free(o);
        }
        pthread_cond_destroy(&s->wake);
        pthread_mutex_destroy(&s->lock);
        shared_unref(s->shared);
        free(s);
}

static struct sample_order *next_order(struct sampler *s) {
        struct sample_order *o;

        pthread_mutex_lock(&s->lock);
        s->n_idle++;
        while (!s->first && !s->closed)
                pthread_cond_wait(&s->wake, &s->lock);
        s->n_idle--;
        o = s->closed ? NULL : s->first;
        if (o) {
                s->first = o->next;
                if (!s->first)
                        s->last = &s->first;
                s->n_waiting--;
        }
        pthread_mutex_unlock(&s->lock);
        return o;
}

static virConnectPtr connect_anew(const struct sampler *s) {
        virConnectPtr conn = virConnectOpen(s->shared->uri);

        /* Not with drivers inside this process, which cannot be lost. */
        if (conn)
                (void)virConnectSetKeepAlive(conn, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
        return conn;
}

static void *sampler_thread(void *arg) {
        struct sampler *s = arg;
        struct sample_order *o;
        virConnectPtr conn = NULL;

        while ((o = next_order(s))) {
                struct report *r = report_new(REPORT_SAMPLE);

                text_set(r->uuid, sizeof(r->uuid), o->uuid);
                r->serial = o->serial;
                r->sample.planned = o->planned;
                r->sample.at = now_boottime();
                if (!conn)
                        conn = connect_anew(s);
                if (conn && !look(conn, o, &r->sample)) {
                        (void)virConnectClose(conn);
                        conn = NULL;
                }
                r->sample.ended = now_boottime();
                free(o);
                shared_post(s->shared, r);
        }
        if (conn)
                (void)virConnectClose(conn);
        unref(s);
        return NULL;
}

struct sampler *sampler_new(struct shared *shared) {
        struct sampler *s = xcalloc(1, sizeof(*s));

        atomic_init(&s->refs, 1);
        s->last = &s->first;
        s->shared = shared_ref(shared);
        if (pthread_mutex_init(&s->lock, NULL) != 0 || pthread_cond_init(&s->wake, NULL) != 0)
                abort();
        return s;
}

void sampler_ask(struct sampler *s, struct sample_order *o) {
        bool more;

        o->next = NULL;
        pthread_mutex_lock(&s->lock);
        *s->last = o;
        s->last = &o->next;
        s->n_waiting++;
        more = s->n_waiting > s->n_idle && s->n_threads < SAMPLE_THREADS_MAX;
        s->n_threads += more;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        if (!more)
                return;
        atomic_fetch_add(&s->refs, 1);
        if (thread_spawn(sampler_thread, s) == 0)
                return;
        unref(s); /* the order waits for one of the others, or for the next that can be had */
        pthread_mutex_lock(&s->lock);
        s->n_threads--;
        pthread_mutex_unlock(&s->lock);
}

struct sampler *sampler_close(struct sampler *s) {
        if (!s)
                return NULL;
        pthread_mutex_lock(&s->lock);
        s->closed = true;
        pthread_cond_broadcast(&s->wake);
        pthread_mutex_unlock(&s->lock);
        unref(s);
        return NULL;
}
