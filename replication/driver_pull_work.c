/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The adapter's threads of an asynchronous replica: R receives cycles, P makes them. */
#include <libvirt/virterror.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_pull.h"
#include "replication/driver_work.h"

#define LOOK_EVERY_USEC (2 * USEC_PER_SEC)
#define CALL_USEC (20 * USEC_PER_SEC)
#define CYCLE_MAX_USEC (24 * 3600 * USEC_PER_SEC)
#define FIRST_USEC (10 * USEC_PER_MINUTE) /* R may have to make room */
#define FAILURES_MAX 3
#define AGENT_IS_THERE "name='org.qemu.guest_agent.0' state='connected'"

struct pulling {
        struct worker *w;
        struct pull_disk disks[PULL_DISKS_MAX];
        struct pull_guest guest;
        struct pull_entry entry; /* R */
        /* P */
        virConnectPtr conn;
        virDomainPtr dom;
        int id; /* libvirt's, of this run of QEMU; 0: not known yet */
        struct pull_done done;
        usec_t as_of, told_at;
        char err[TEXT_LEN];
};

static struct pulling *pulling_new(struct worker *w, bool tls) {
        struct pulling *p = xcalloc(1, sizeof(*p));

        _Static_assert(PULL_DISKS_MAX >= MIRROR_DISKS_MAX && DISK_PATH_LEN >= MIRROR_PATH_LEN, "");
        p->w = w;
        p->guest = (struct pull_guest){.disks = p->disks, .n = w->disks.n, .serial = w->serial};
        if (tls && w->board->tls_dir[0])
                p->guest.tls_dir = w->board->tls_dir;
        for (size_t i = 0; i < w->disks.n; i++) {
                text_set(p->disks[i].target, DISK_TARGET_LEN, w->disks.disks[i].target);
                text_set(p->disks[i].path, DISK_PATH_LEN, w->disks.disks[i].path);
                text_set(p->disks[i].format, sizeof(p->disks[i].format), w->disks.disks[i].format);
        }
        return p;
}

/* ---- R --------------------------------------------------------------------------------------- */

static bool receives_on(void *userdata, const char *step) {
        const struct pulling *p = userdata;

        (void)step;
        return !worker_cancelled(p->w) && !pull_halted(&p->entry);
}

/* What R's own files say of the disks, or else P. */
static int learn_sizes(struct pulling *p, const struct disk_driver *d,
                       const struct pull_servers *s) {
        uint64_t sizes[PULL_DISKS_MAX];
        struct pull_mark whole;
        int r = pull_settle(d, &p->guest, &whole, p->err);

        if (r == 0)
                memcpy(sizes, whole.sizes, sizeof(sizes));
        else if (r == -ENODATA)
                r = pull_ask(d, &p->guest, NULL, s, sizes, p->err);
        for (size_t i = 0; r == 0 && i < p->guest.n; i++)
                p->disks[i].size = sizes[i];
        return r;
}

static int receive(struct pulling *p, const struct disk_driver *d, const struct pull_servers *s) {
        struct pull_mark whole;
        int r = pull_halt(&p->guest, true, usec_add(now_boottime(), CALL_USEC), p->err);

        if (r == 0)
                r = pull_prepare(d, &p->guest, p->err);

        while (r == 0 || r == -EAGAIN) {
                if (r == -EAGAIN) /* somebody came, and went: not as fast as that goes */
                        worker_wait(p->w, USEC_PER_SEC);
                r = p->disks[0].size == 0 ? learn_sizes(p, d, s)
                                          : pull_serve(d, &p->guest, NULL, s, &whole, p->err);
        }
        return r;
}

void work_pull_receive(struct worker *w) {
        struct pulling *p = pulling_new(w, w->board->tls);
        struct disk_driver d = {.deadline = USEC_INFINITY, .go_on = receives_on, .userdata = p};
        struct pull_servers s;
        int r = pull_listen(w->address, p->guest.n, &s, p->err);

        if (r < 0) {
                worker_tell(w, TOLD_FAILED, 0, 0, p->err);
                free(p);
                return;
        }
        s.where.tls = p->guest.tls_dir != NULL;
        pull_where_put(&s.where, w->where);
        pull_enter(&p->entry, &p->guest);
        work_end_older(w);
        worker_tell(w, TOLD_EXPORTED, 0, 0, NULL);
        r = receive(p, &d, &s);
        pull_leave(&p->entry);
        pull_unlisten(&s);
        if (!worker_cancelled(w)) /* else what is asked of it is told */
                worker_tell(w, TOLD_EXPORT_ENDED, 0, 0, p->err);
        free(p);
        (void)r;
}

int pull_promote_ready(const struct mirror_work *w, const struct mirror_disks *disks,
                       uint32_t serial, char *err) {
        struct worker plain = {.disks = *disks, .serial = serial};
        struct pulling *p = pulling_new(&plain, false);
        struct disk_driver d = {
                .deadline = w->deadline, .go_on = w->go_on, .userdata = w->userdata};
        struct pull_mark whole;
        char copy[DISK_PATH_LEN];
        int r;

        pull_path(copy, p->disks[0].path, serial, "");
        r = pull_halt(&p->guest, false, w->deadline, err);
        if (r == 0 && access(copy, F_OK) < 0)
                goto out; /* promoted before, or gone: copy_promote() knows */
        if (r == 0)
                r = pull_settle(&d, &p->guest, &whole, err);
out:
        free(p);
        return r;
}

/* ---- P --------------------------------------------------------------------------------------- */

static void tell_state(struct pulling *p) {
        usec_t as_of = MAX(p->as_of, p->done.base_as_of), now = now_boottime();

        if (p->told_at && now < usec_add(p->told_at, LOOK_EVERY_USEC))
                return;
        p->told_at = now;
        worker_tell(p->w, as_of ? TOLD_IN_STEP : TOLD_COPYING, as_of, 0, NULL);
}

static bool copies_on(void *userdata, const char *step) {
        struct pulling *p = userdata;

        (void)step;
        if (worker_cancelled(p->w))
                return false;
        tell_state(p);
        return true;
}

static void close_all(struct pulling *p) {
        if (p->dom)
                virDomainFree(p->dom);
        if (p->conn)
                (void)virConnectClose(p->conn); /* ends either way */
        p->dom = NULL;
        p->conn = NULL;
}

/* Return: 0, -ESRCH this run of QEMU is over, -ENOTCONN libvirt gives no answer. */
static int find(struct pulling *p) {
        unsigned id;

        if (p->conn && virConnectIsAlive(p->conn) != 1)
                close_all(p);
        if (!p->conn)
                p->conn = virConnectOpen(p->w->board->uri);
        if (p->dom) /* its id is of the moment when it was looked up */
                virDomainFree(p->dom);
        p->dom = p->conn ? virDomainLookupByUUIDString(p->conn, p->w->uuid) : NULL;
        id = p->dom ? virDomainGetID(p->dom) : 0;
        if (p->dom && id != (unsigned)-1 && (p->id == 0 || p->id == (int)id)) {
                p->id = (int)id;
                return 0;
        }
        if (p->conn && (p->dom || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) &&
            virConnectIsAlive(p->conn) == 1) {
                text_set(p->err, TEXT_LEN, "the guest has ended");
                return -ESRCH;
        }
        text_fmt(p->err, TEXT_LEN, "libvirt: %.150s", virGetLastErrorMessage());
        return -ENOTCONN;
}

static bool agent_answers(virDomainPtr dom) {
        char *xml = virDomainGetXMLDesc(dom, 0);
        bool is = xml && strstr(xml, AGENT_IS_THERE);

        free(xml);
        return is;
}

/* Both sides write the same folder: that would be no replica. */
static int check_apart(struct pulling *p) {
        char path[DISK_PATH_LEN];

        pull_path(path, p->disks[0].path, p->guest.serial, ".mark");
        if (access(path, F_OK) < 0)
                return 0;
        text_fmt(p->err, TEXT_LEN,
                 "%.100s is on storage that both hosts share: a copy there is lost with the disk",
                 p->disks[0].path);
        return -EEXIST;
}

static int cycle(struct pulling *p, struct pull_source *s) {
        struct disk_driver d = {.deadline = usec_add(now_boottime(), CYCLE_MAX_USEC),
                                .go_on = copies_on,
                                .userdata = p};
        int r = find(p);

        if (r == 0)
                r = check_apart(p);
        if (r < 0)
                return r;
        s->quiesce = agent_answers(p->dom);
        r = pull_cycle(&d, p->dom, s, &p->done, p->err);
        if (r == 0) {
                p->as_of = p->done.as_of;
                p->told_at = 0;
        }
        return r;
}

/* After a cycle that began at @began and ended with @r: when the next one begins. */
static usec_t next_at(const struct pulling *p, usec_t began, int r, unsigned failures) {
        usec_t half = MAX(p->w->lag_usec / 2, USEC_PER_SEC);

        if (r == 0)
                return usec_add(began, half);
        return usec_add(now_boottime(), MIN(half, USEC_PER_SEC << MIN(failures, 5)));
}

/* Return: never 0: why it is over. */
static int copy(struct pulling *p, struct pull_source *s) {
        usec_t good = now_boottime(), next = good;
        unsigned failures = 0;

        while (!worker_cancelled(p->w)) {
                usec_t began = now_boottime();
                int r;

                if (began < next) {
                        tell_state(p);
                        worker_wait(p->w, MIN(LOOK_EVERY_USEC, next - began));
                        continue;
                }
                r = cycle(p, s);
                failures = r == 0 ? 0 : failures + 1;
                good = r == 0 ? began : good;
                if (r == -ESRCH || r == -EEXIST || r == -EINVAL)
                        return r;
                /* R may be slow, or come back; certificates do not fit by waiting. */
                if (failures >= FAILURES_MAX &&
                    (r == -EACCES ||
                     began > usec_add(good,
                                      p->as_of ? p->w->lag_usec : MAX(p->w->lag_usec, FIRST_USEC))))
                        return r;
                next = next_at(p, began, r, failures);
        }
        return -ECANCELED;
}

/* What is left in QEMU and in the disks; of no use to anybody any more. */
static void clear(struct pulling *p, const struct pull_source *s, bool thaw) {
        struct disk_driver d = {.deadline = usec_add(now_boottime(), CALL_USEC)};
        char text[TEXT_LEN];

        if (pull_clear(&d, p->dom, s, thaw && agent_answers(p->dom), text) == 0)
                (void)pull_forget(&d, p->dom, s, text);
}

static bool goes_there(const struct worker *w, struct pull_where *ret, char *err) {
        if (pull_where_get(w->where, ret) == 0)
                return mirror_tls_fits(w->board, ret->tls, err) == 0;
        text_fmt(err, TEXT_LEN, "'%.100s' is no place for a replica", w->where);
        return false;
}

void work_pull_copy(struct worker *w) {
        struct pulling *p = pulling_new(w, false);
        struct pull_where to;
        char socket[DISK_PATH_LEN];
        struct pull_source s = {.gen = w->gen, .to = &to, .socket = socket};
        int r;

        text_fmt(socket, sizeof(socket), "/var/lib/libvirt/qemu/hawd-%s.sock", w->uuid);
        if (w->work == WORK_PULL_COPY && !goes_there(w, &to, p->err)) {
                worker_tell(w, TOLD_FAILED, 0, 0, p->err);
                free(p);
                return;
        }
        if (w->work == WORK_PULL_COPY && to.tls)
                p->guest.tls_dir = w->board->tls_dir;
        s.guest = p->guest;
        r = find(p);
        if (r == 0)
                clear(p, &s, true); /* of a hawd before */
        if (r == 0 && w->work == WORK_PULL_COPY)
                r = copy(p, &s);
        if (r == -ECANCELED && find(p) == 0)
                clear(p, &s, false);
        worker_tell(w, r == -ENOTCONN ? TOLD_FAILED : TOLD_ENDED, 0, 0,
                    r == 0 || r == -ECANCELED ? "as was asked" : p->err);
        close_all(p);
        free(p);
}
