/* SPDX-License-Identifier: GPL-3.0-or-later */
/* P's thread of one serial: begins or finds the copying, watches it, ends it. */
#include <libvirt/virterror.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_hello.h"
#include "replication/driver_work.h"

#define LOOK_EVERY_USEC USEC_PER_SEC
#define CALL_USEC (20 * USEC_PER_SEC)

struct copying {
        struct worker *w;
        virConnectPtr conn;
        virDomainPtr dom;
        char err[TEXT_LEN];
};

static bool go_on(void *userdata, const char *step) {
        (void)step;
        return !worker_cancelled(userdata);
}

static void close_all(struct copying *c) {
        if (c->dom)
                virDomainFree(c->dom);
        if (c->conn)
                (void)virConnectClose(c->conn); /* ends either way */
        c->dom = NULL;
        c->conn = NULL;
}

/* Return: 0, -ESRCH there is no such domain, -ENOTCONN libvirt gives no answer. */
static int find(struct copying *c) {
        if (c->conn && virConnectIsAlive(c->conn) != 1)
                close_all(c);
        if (!c->conn)
                c->conn = virConnectOpen(c->w->board->uri);
        if (c->conn && !c->dom)
                c->dom = virDomainLookupByUUIDString(c->conn, c->w->uuid);
        if (c->dom && virDomainIsActive(c->dom) == 1)
                return 0;
        if (c->conn && (c->dom || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) &&
            virConnectIsAlive(c->conn) == 1) {
                text_set(c->err, TEXT_LEN, "the guest has ended, and its mirror with it");
                return -ESRCH;
        }
        text_fmt(c->err, TEXT_LEN, "libvirt: %.150s", virGetLastErrorMessage());
        return -ENOTCONN;
}

static int cancel(struct copying *c) {
        struct mirror_work work = {.deadline = usec_add(now_boottime(), CALL_USEC)};

        return mirror_cancel(&work, c->dom, c->w->serial, c->err);
}

/* ---- begin ----------------------------------------------------------------------------------- */

static int begin_new(struct copying *c) {
        struct worker *w = c->w;
        struct mirror_work work = {.deadline = USEC_INFINITY, .go_on = go_on, .userdata = w};
        struct mirror_ports ports;
        int r = hello_parse(w->where, &ports, NULL, c->err);

        if (r == 0)
                r = mirror_tls_fits(w->board, ports.tls, c->err);
        if (r == 0)
                r = mirror_sizes(c->dom, &w->disks, c->err);
        if (r == 0)
                r = hello_ask(&work, w->where, &w->disks, w->serial, &ports, c->err);
        if (r == 0)
                r = mirror_begin(&work, c->dom, &w->disks, &ports, w->gid, w->serial, w->hold_usec,
                                 w->board->tls_dir[0] ? w->board->tls_dir : NULL, c->err);
        return r;
}

/* Return: 1 it copies, 0 it does not, and nothing of this serial is left; -errno. */
static int begin(struct copying *c) {
        struct mirror_work work = {.deadline = usec_add(now_boottime(), CALL_USEC)};
        struct mirror_seen seen;
        int r = find(c);

        if (r == 0)
                r = mirror_look(c->dom, &seen, c->err);
        if (r == 0 && seen.serial && seen.serial == c->w->serial)
                return 1;
        if (r == 0 && seen.serial && c->w->work == WORK_COPY) /* of a run that is over */
                r = mirror_cancel(&work, c->dom, seen.serial, c->err);
        if (r == 0 && c->w->work == WORK_COPY) {
                r = begin_new(c);
                return r < 0 ? r : 1;
        }
        if (r == 0)
                text_set(c->err, TEXT_LEN, "nothing copies its disks");
        return r;
}

/* ---- watch ----------------------------------------------------------------------------------- */

/* Return: whether it goes on. */
static bool look(struct copying *c) {
        usec_t as_of = now_wall();
        struct mirror_seen seen = {0};
        int r = find(c);

        if (r == 0)
                r = mirror_look(c->dom, &seen, c->err);
        if (r == -ESRCH) {
                worker_tell(c->w, TOLD_ENDED, 0, 0, c->err);
                return false;
        }
        if (r < 0) {
                close_all(c);
                return true; /* the next look may be answered */
        }
        if (seen.serial != c->w->serial || seen.ended || seen.n < c->w->disks.n) {
                char why[TEXT_LEN];

                text_fmt(why, sizeof(why), "%.180s",
                         seen.error[0] ? seen.error : "the mirror has ended");
                if (cancel(c) < 0)
                        return true; /* what is left is looked at again */
                worker_tell(c->w, TOLD_ENDED, 0, 0, why);
                return false;
        }
        worker_tell(c->w, seen.ready ? TOLD_IN_STEP : TOLD_COPYING, seen.ready ? as_of : 0,
                    seen.lag_bytes, NULL);
        return true;
}

static void end(struct copying *c) {
        int r = find(c);

        if (r == 0)
                r = cancel(c);
        if (r == 0 || r == -ESRCH)
                worker_tell(c->w, TOLD_ENDED, 0, 0, "as was asked");
        else
                worker_tell(c->w, TOLD_FAILED, 0, 0, c->err);
}

/* A beginning that failed may have begun all the same: QEMU would wait for servers that are ended.
 */
static void settle(struct copying *c) {
        char why[TEXT_LEN];
        int r;

        text_set(why, sizeof(why), c->err);
        for (;;) {
                r = find(c);
                if (r == 0)
                        r = cancel(c);
                if (r == 0 || r == -ESRCH)
                        break;
                close_all(c);
                (void)worker_cancelled(c->w);
                (void)usleep(LOOK_EVERY_USEC);
        }
        worker_tell(c->w, TOLD_FAILED, 0, 0, why);
}

static void watch(struct copying *c) {
        while (!worker_cancelled(c->w)) {
                if (!look(c))
                        return;
                worker_wait(c->w, LOOK_EVERY_USEC);
        }
        end(c);
}

void work_copy(struct worker *w) {
        struct copying c = {.w = w};
        int r = w->work == WORK_CANCEL ? 0 : begin(&c);

        if (w->work == WORK_CANCEL)
                end(&c);
        else if (r == 1)
                watch(&c);
        else if (w->work == WORK_COPY)
                settle(&c);
        else
                worker_tell(w, r == -ENOTCONN ? TOLD_FAILED : TOLD_ENDED, 0, 0, c.err);
        close_all(&c);
}

/* Return: 0, -ENOTCONN: to be done again. */
static int scan(struct worker *w, virConnectPtr conn) {
        virDomainPtr *doms = NULL;
        int n = conn ? virConnectListAllDomains(conn, &doms, VIR_CONNECT_LIST_DOMAINS_ACTIVE) : -1;

        for (int i = 0; i < n; i++) {
                char err[TEXT_LEN], uuid[VIR_UUID_STRING_BUFLEN] = "";
                struct mirror_seen seen;

                if (mirror_look(doms[i], &seen, err) == 0 && seen.serial &&
                    virDomainGetUUIDString(doms[i], uuid) == 0) {
                        struct work_note *note = xcalloc(1, sizeof(*note));

                        note->found = true;
                        note->gid = seen.gid;
                        note->serial = seen.serial;
                        text_set(note->uuid, sizeof(note->uuid), uuid);
                        worker_post(w, note);
                }
                virDomainFree(doms[i]);
        }
        free(doms);
        return n < 0 ? -ENOTCONN : 0;
}

void work_scan(struct worker *w) {
        int r = -ENOTCONN;

        while (r < 0 && !worker_cancelled(w)) {
                virConnectPtr conn = virConnectOpen(w->board->uri);

                r = scan(w, conn);
                if (conn)
                        (void)virConnectClose(conn); /* ends either way */
                if (r < 0)
                        worker_wait(w, 2 * LOOK_EVERY_USEC);
        }
}
