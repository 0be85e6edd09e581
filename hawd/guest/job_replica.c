/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of a guest's disks, where its jobs have to do with them: a START from one, and its end. */
#include "hawd/base/thread.h"
#include "hawd/guest/domxml.h"
#include "hawd/guest/job.h"
#include "replication/mirror.h"

#define FINAL_WAIT_USEC (10 * USEC_PER_SEC)

/* ---- START ----------------------------------------------------------------------------------- */

static bool go_on(void *userdata, const char *step) {
        (void)step; /* each of them */
        return job_wanted(userdata);
}

static int disks_of(const struct job *j, struct mirror_disks *ret, char *err) {
        _cleanup_(freep) struct dom_disk *d = xcalloc(MIRROR_DISKS_MAX, sizeof(*d));
        int n = domxml_disks(j->xml, j->xml_len, d, MIRROR_DISKS_MAX, err);

        *ret = (struct mirror_disks){.n = n > 0 ? (size_t)n : 0};
        for (int i = 0; i < n; i++) {
                text_set(ret->disks[i].target, MIRROR_TARGET_LEN, d[i].target);
                text_set(ret->disks[i].path, MIRROR_PATH_LEN, d[i].path);
                text_set(ret->disks[i].format, sizeof(ret->disks[i].format), d[i].format);
        }
        return n < 0 ? n : 0;
}

/* The server that received it writes to it no more. Nothing kept of it: it was ended before. */
static int end_server(struct job *j, const struct export_place *p, struct export *x, char *err) {
        int r = export_read(p, j->uuid, j->promote, x, err);

        if (r == -ENOENT) {
                *x = (struct export){.serial = j->promote};
                text_set(x->uuid, sizeof(x->uuid), j->uuid);
                return 0;
        }
        return r < 0 ? r : export_end(p, x, j->deadline, err);
}

int job_promote(struct job *j, char *err) {
        struct export_place p = {.folder = j->shared->replicas};
        struct mirror_work w = {.deadline = j->deadline, .go_on = go_on, .userdata = j};
        _cleanup_(freep) struct mirror_disks *disks = xcalloc(1, sizeof(*disks));
        _cleanup_(freep) struct export *x = xcalloc(1, sizeof(*x));
        char why[TEXT_LEN];
        int r;

        if (j->promote == 0)
                return 0;
        r = disks_of(j, disks, why);
        if (r == 0)
                r = end_server(j, &p, x, why);
        if (r == 0 && j->replica.mode == REPLICA_MODE_ASYNC)
                r = pull_promote_ready(&w, disks, j->promote, why);
        if (r == 0)
                r = copy_promote(&w, disks, j->promote, why);
        if (r == 0)
                export_forget(&p, x);
        else
                text_fmt(err, TEXT_LEN, "its replica cannot become its disk: %.150s", why);
        return r;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* By a thread of its own: a suspend of a guest whose copy's host is silent hangs, and a destroy
 * then helps. */
struct final {
        atomic_uint refs;
        struct shared *shared;
        char uuid[UUID_LEN];
        pthread_mutex_t lock;
        pthread_cond_t wake;
        /* Under lock. */
        bool returned;
        uint32_t serial;
};

static void final_unref(struct final *f) {
        if (atomic_fetch_sub(&f->refs, 1) != 1)
                return;
        pthread_cond_destroy(&f->wake);
        pthread_mutex_destroy(&f->lock);
        shared_unref(f->shared);
        free(f);
}

static uint32_t finish(struct final *f) {
        struct mirror_work w = {.deadline = usec_add(now_boottime(), FINAL_WAIT_USEC)};
        virConnectPtr conn = virConnectOpen(f->shared->uri);
        virDomainPtr dom = conn ? virDomainLookupByUUIDString(conn, f->uuid) : NULL;
        uint32_t serial = 0;
        char err[TEXT_LEN];

        /* Not equal: R says that its end broke off. */
        if (dom && mirror_final(&w, dom, &serial, err) < 0)
                serial = 0;
        if (dom)
                virDomainFree(dom);
        if (conn)
                (void)virConnectClose(conn); /* ends either way */
        return serial;
}

static void *final_thread(void *arg) {
        struct final *f = arg;
        uint32_t serial = finish(f);

        pthread_mutex_lock(&f->lock);
        f->serial = serial;
        f->returned = true;
        pthread_cond_signal(&f->wake);
        pthread_mutex_unlock(&f->lock);
        final_unref(f);
        return NULL;
}

static struct final *final_new(struct job *j) {
        struct final *f = xcalloc(1, sizeof(*f));
        pthread_condattr_t attr;

        atomic_init(&f->refs, 2);
        f->shared = shared_ref(j->shared);
        text_set(f->uuid, sizeof(f->uuid), j->uuid);
        if (pthread_condattr_init(&attr) != 0 ||
            pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
            pthread_mutex_init(&f->lock, NULL) != 0 || pthread_cond_init(&f->wake, &attr) != 0)
                abort();
        pthread_condattr_destroy(&attr);
        return f;
}

void job_final(struct job *j) {
        struct timespec until = monotonic_in(FINAL_WAIT_USEC);
        struct final *f = final_new(j);

        if (thread_spawn(final_thread, f) < 0) {
                final_unref(f);
        } else {
                pthread_mutex_lock(&f->lock);
                while (!f->returned && pthread_cond_timedwait(&f->wake, &f->lock, &until) == 0)
                        ;
                if (f->returned && f->serial)
                        j->out.final = f->serial;
                pthread_mutex_unlock(&f->lock);
        }
        final_unref(f);
}
