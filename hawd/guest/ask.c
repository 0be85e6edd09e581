/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/guest/ask.h"
#include "hawd/base/thread.h"
#include "hawd/guest/virt.h"

#define AGENT_TIMEOUT_SECONDS 10

struct ask {
        struct shared *shared;
        char uuid[UUID_LEN];
        bool agent;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        /* Under lock. */
        bool over;     /* the job wants nothing more */
        bool returned; /* the thread has ended */
        bool refused;
        char text[TEXT_LEN];
};

static bool is_over(struct ask *a) {
        bool over;

        pthread_mutex_lock(&a->lock);
        over = a->over;
        pthread_mutex_unlock(&a->lock);
        return over;
}

static int ask_agent(virDomainPtr dom) {
        (void)virDomainAgentSetResponseTimeout(dom, AGENT_TIMEOUT_SECONDS, 0); /* old: its own */
        return virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_GUEST_AGENT);
}

static int ask_acpi(virDomainPtr dom) {
        if (virDomainShutdownFlags(dom, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) == 0)
                return 0;
        return virDomainShutdown(dom); /* drivers that know no way by name */
}

/* NULL, or the reason why it cannot be asked, in @text. */
static const char *ask_by(struct ask *a, virConnectPtr conn, char *text) {
        _cleanup_(virt_free_domain) virDomainPtr dom = NULL;

        if (virt_find(conn, a->uuid, &dom, text) != VIRT_OK)
                return text;
        if (is_over(a) || (a->agent && ask_agent(dom) == 0))
                return NULL;
        if (is_over(a) || ask_acpi(dom) == 0)
                return NULL;
        (void)virt_last(conn, text);
        return text;
}

static void *ask_thread(void *arg) {
        struct ask *a = arg;
        virConnectPtr conn = virConnectOpen(a->shared->uri);
        const char *why = NULL;
        char text[TEXT_LEN];

        if (conn) {
                why = ask_by(a, conn, text);
                (void)virConnectClose(conn); /* ends either way */
        } else {
                (void)virt_last(NULL, text);
                why = text;
        }
        pthread_mutex_lock(&a->lock);
        a->refused = why != NULL;
        if (why)
                text_set(a->text, sizeof(a->text), why);
        a->returned = true;
        pthread_cond_signal(&a->wake);
        /* The last touch: the job frees it as soon as it has the lock. */
        pthread_mutex_unlock(&a->lock);
        return NULL;
}

static void ask_free(struct ask *a) {
        pthread_cond_destroy(&a->wake);
        pthread_mutex_destroy(&a->lock);
        shared_unref(a->shared);
        free(a);
}

struct ask *ask_start(struct shared *shared, const char *uuid, bool agent) {
        struct ask *a = xcalloc(1, sizeof(*a));

        a->shared = shared_ref(shared);
        a->agent = agent;
        text_set(a->uuid, sizeof(a->uuid), uuid);
        if (pthread_mutex_init(&a->lock, NULL) != 0 || pthread_cond_init(&a->wake, NULL) != 0)
                abort();
        if (thread_spawn(ask_thread, a) < 0) {
                ask_free(a);
                return NULL;
        }
        return a;
}

bool ask_refused(struct ask *a, char *text) {
        bool refused;

        pthread_mutex_lock(&a->lock);
        refused = a->refused;
        if (refused)
                text_set(text, TEXT_LEN, a->text);
        pthread_mutex_unlock(&a->lock);
        return refused;
}

struct ask *ask_join(struct ask *a) {
        if (!a)
                return NULL;
        pthread_mutex_lock(&a->lock);
        a->over = true;
        while (!a->returned)
                pthread_cond_wait(&a->wake, &a->lock);
        pthread_mutex_unlock(&a->lock);
        ask_free(a);
        return NULL;
}
