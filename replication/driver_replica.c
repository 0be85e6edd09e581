/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The replica adapter's loop: what of which serial is under way here, one thread at a time for
 * each.
 *
 *   R  NONE -> RECEIVING -> SERVING -> OVER          OVER: told that it ended, kept for later asks
 *   P  NONE -> COPYING -> OVER
 */
#include <libxml/parser.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/guest/domxml.h"
#include "replication/driver_drbd_engine.h"
#include "replication/driver_work.h"
#include "replication/replica.h"

#define QEMU_CONF "/etc/libvirt/qemu.conf"
#define TICK_USEC USEC_PER_SEC
#define HUNG_USEC (45 * USEC_PER_SEC) /* a thread that is to end and gives no sign of life */
#define HUNG_MAX 16
#define CLOSE_USEC (3 * USEC_PER_SEC)

/** struct run - one serial of one guest on this host, as R or as P */
struct run {
        struct run *next;
        uint32_t gid, serial;
        char uuid[UUID_LEN];
        bool at_r, pull;             /* pull: an asynchronous one, by cycles */
        struct worker *worker;       /* reference; NULL: nothing is under way */
        struct export *x;            /* R: its servers; owned */
        int pidfd[MIRROR_DISKS_MAX]; /* -1: none, or it has ended */
        size_t n_pidfd;
        bool over;
        bool ending; /* R: its servers are being ended, by hawd itself */
        /* What came while a thread was under way; the last one counts. */
        bool has_later;
        enum replica_op later;
        struct action asked; /* of `later`; spec not owned: what is needed of it is below */
        struct mirror_disks disks;
        /* P: told last. */
        enum replica_what told;
        usec_t told_at, told_as_of;
};

struct replica_adapter {
        replica_told_fn *told;
        void *userdata;
        struct board *board;
        struct run *runs;
        struct worker *scan;
        struct drbd_engine *drbd; /* which has runs of its own */
        char address[128];
        int epoll_fd, timer_fd;
        unsigned n_hung;
};

static struct export_place place_of(const struct replica_adapter *a) {
        return (struct export_place){.folder = a->board->folder};
}

/* From the loop: what is asked for is in the middle of a step of the core, which ends first. */
static void tell(struct replica_adapter *a, const struct run *r, enum replica_what what,
                 uint32_t loss, const char *text) {
        struct work_note *n = xcalloc(1, sizeof(*n));

        n->own = true;
        n->what = what;
        n->gid = r->gid;
        n->serial = r->serial;
        n->loss = loss;
        text_set(n->text, sizeof(n->text), text);
        mailbox_post(&a->board->box, &n->letter);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static struct run *find(struct replica_adapter *a, uint32_t gid, uint32_t serial, bool at_r) {
        for (struct run *r = a->runs; r; r = r->next)
                if (r->gid == gid && r->serial == serial && r->at_r == at_r)
                        return r;
        return NULL;
}

static struct run *add(struct replica_adapter *a, uint32_t gid, uint32_t serial, bool at_r,
                       const char *uuid) {
        struct run *r = xcalloc(1, sizeof(*r));

        r->gid = gid;
        r->serial = serial;
        r->at_r = at_r;
        text_set(r->uuid, sizeof(r->uuid), uuid);
        r->next = a->runs;
        a->runs = r;
        return r;
}

static void close_pidfd(struct replica_adapter *a, struct run *r, size_t i) {
        if (r->pidfd[i] < 0)
                return;
        (void)epoll_ctl(a->epoll_fd, EPOLL_CTL_DEL, r->pidfd[i], NULL);
        (void)close(r->pidfd[i]);
        r->pidfd[i] = -1;
}

static void free_run(struct replica_adapter *a, struct run *r) {
        for (size_t i = 0; i < r->n_pidfd; i++)
                close_pidfd(a, r, i);
        worker_unref(r->worker);
        free(r->x);
        free(r);
}

/* Those that are over and of which nothing is under way. */
static void forget_over(struct replica_adapter *a, const struct run *but) {
        struct run **link = &a->runs;

        while (*link) {
                struct run *r = *link;

                if (r == but || !r->over || r->worker || r->has_later) {
                        link = &r->next;
                        continue;
                }
                *link = r->next;
                free_run(a, r);
        }
}

static void start(struct replica_adapter *a, struct run *r, struct worker *w) {
        int e;

        assert(!r->worker);
        w->gid = r->gid;
        w->serial = r->serial;
        text_set(w->uuid, sizeof(w->uuid), r->uuid);
        if (w->disks.n == 0)
                w->disks = r->disks;
        if (r->x && !w->x) {
                w->x = xcalloc(1, sizeof(*w->x));
                *w->x = *r->x;
        }
        e = a->n_hung < HUNG_MAX ? worker_start(w) : -EBUSY;
        if (e == 0) {
                r->worker = w;
                return;
        }
        worker_unref(w);
        tell(a, r, TOLD_FAILED, 0,
             e == -EBUSY ? "libvirt or a disk is hung: too many calls are outstanding"
                         : "there is no thread for it");
}

/* ---- R --------------------------------------------------------------------------------------- */

/* One has ended, or is not to be found: nothing of this serial is in step by itself any more. */
static void server_ended(struct replica_adapter *a, struct run *r, const char *why) {
        struct worker *w;

        for (size_t i = 0; i < r->n_pidfd; i++)
                close_pidfd(a, r, i);
        if (r->ending || r->over)
                return;
        if (r->worker) { /* once more when it is over; what waits looks at them, too */
                if (!r->has_later)
                        r->asked.replica.loss = 0;
                r->later = r->has_later ? r->later : REPLICA_CHECK;
                r->has_later = true;
                return;
        }
        w = worker_new(a->board, WORK_VETO);
        text_set(w->text, sizeof(w->text), why);
        start(a, r, w);
}

static void watch_servers(struct replica_adapter *a, struct run *r) {
        for (size_t i = 0; i < r->x->disks.n; i++) {
                struct epoll_event ev = {.events = EPOLLIN, .data.ptr = r};

                r->n_pidfd = i + 1;
                r->pidfd[i] = export_pidfd(r->x, i);
                if (r->pidfd[i] < 0 ||
                    epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, r->pidfd[i], &ev) < 0) {
                        server_ended(a, r, "the server has ended: the mirror broke off");
                        return;
                }
        }
}

static void receive(struct replica_adapter *a, struct run *r, const struct action *act) {
        struct worker *w;

        if (r->x) {
                start(a, r, worker_new(a->board, WORK_CHECK)); /* tells EXPORTED, or the end */
                return;
        }
        w = worker_new(a->board, r->pull ? WORK_PULL_RECEIVE : WORK_RECEIVE);
        w->hold_usec = act->replica.hold_usec;
        text_set(w->address, sizeof(w->address),
                 act->replica.address[0] ? act->replica.address : a->address);
        start(a, r, w);
}

static void check(struct replica_adapter *a, struct run *r, const struct action *act) {
        struct worker *w;

        if (!r->x) { /* nobody has come for it */
                r->over = true;
                tell(a, r, TOLD_EXPORT_ENDED, 0, "no server of it runs");
                return;
        }
        w = worker_new(a->board, WORK_CHECK);
        w->loss = act->replica.loss;
        start(a, r, w);
}

static void do_at_r(struct replica_adapter *a, struct run *r, enum replica_op op,
                    const struct action *act) {
        if (r->worker) {
                if (op == REPLICA_EXPORT)
                        return;                       /* under way */
                if (op == REPLICA_CHECK && r->pull) { /* its copy is whole whatever becomes of P */
                        tell(a, r, TOLD_ALIVE, act->replica.loss, "");
                        return;
                }
                r->has_later = true;
                r->later = op;
                r->asked = *act;
                if (op != REPLICA_CHECK || act->replica.loss) /* who is lost comes no more */
                        worker_cancel(r->worker);
                return;
        }
        switch (op) {
        case REPLICA_EXPORT:
                receive(a, r, act);
                break;
        case REPLICA_CHECK:
                check(a, r, act);
                break;
        case REPLICA_UNEXPORT:
        case REPLICA_DROP:
                r->ending = true;
                start(a, r, worker_new(a->board, op == REPLICA_DROP ? WORK_DROP : WORK_END));
                break;
        default:
                break;
        }
}

/* ---- P --------------------------------------------------------------------------------------- */

static void do_at_p(struct replica_adapter *a, struct run *r, enum replica_op op,
                    const struct action *act) {
        struct worker *w;

        if (r->worker) {
                if (op == REPLICA_CANCEL)
                        worker_cancel(r->worker);
                else
                        r->told_at = 0; /* its next look is told */
                return;
        }
        if (r->pull)
                w = worker_new(a->board, op == REPLICA_MIRROR ? WORK_PULL_COPY : WORK_PULL_CLEAR);
        else
                w = worker_new(a->board, op == REPLICA_MIRROR   ? WORK_COPY
                                         : op == REPLICA_CANCEL ? WORK_CANCEL
                                                                : WORK_FIND);
        r->over = false;
        if (op == REPLICA_MIRROR && act->replica.where)
                text_set(w->where, sizeof(w->where), act->replica.where->data);
        w->hold_usec = act->replica.hold_usec;
        w->lag_usec = act->replica.lag_usec;
        w->gen = act->replica.gen;
        start(a, r, w);
}

/* ---- what is asked --------------------------------------------------------------------------- */

static int read_disks(const struct guest_spec *spec, struct mirror_disks *ret, char *err) {
        _cleanup_(freep) struct dom_disk *d = xcalloc(MIRROR_DISKS_MAX, sizeof(*d));
        int n = spec && spec->xml
                        ? domxml_disks(spec->xml->data, spec->xml->len, d, MIRROR_DISKS_MAX, err)
                        : 0;

        if (n < 0)
                return n;
        *ret = (struct mirror_disks){.n = (size_t)n};
        for (int i = 0; i < n; i++) {
                if (strlen(d[i].target) >= MIRROR_TARGET_LEN ||
                    (strcmp(d[i].format, "raw") != 0 && strcmp(d[i].format, "qcow2") != 0)) {
                        text_fmt(err, TEXT_LEN, "disk %s is neither raw nor qcow2, but %s",
                                 d[i].target, d[i].format);
                        return -EOPNOTSUPP;
                }
                text_set(ret->disks[i].target, MIRROR_TARGET_LEN, d[i].target);
                text_set(ret->disks[i].path, MIRROR_PATH_LEN, d[i].path);
                text_set(ret->disks[i].format, sizeof(ret->disks[i].format), d[i].format);
        }
        if (n == 0)
                text_set(err, TEXT_LEN, "it has no disk that could be copied");
        return n > 0 ? 0 : -EOPNOTSUPP;
}

/* NULL, or why this driver cannot do it. */
static const char *refused(const struct action *act, struct mirror_disks *disks, char *err) {
        enum replica_op op = act->replica.op;
        const struct guest_spec *spec = act->replica.spec;

        if (op != REPLICA_EXPORT && op != REPLICA_MIRROR) {
                (void)read_disks(spec, disks, err);
                return NULL;
        }
        if (!spec || (spec->conf.replica.mode != REPLICA_MODE_SYNC &&
                      spec->conf.replica.mode != REPLICA_MODE_ASYNC))
                return "no replica of this kind is copied by this hawd";
        return read_disks(spec, disks, err) < 0 ? err : NULL;
}

void replica_submit(struct replica_adapter *a, const struct action *act) {
        enum replica_op op = act->replica.op;
        const struct guest_spec *spec = act->replica.spec;
        struct mirror_disks disks = {0};
        char err[TEXT_LEN];
        struct run *r = find(a, act->replica.gid, act->replica.serial, true);
        bool at_r = op == REPLICA_EXPORT || op == REPLICA_UNEXPORT || op == REPLICA_DROP ||
                    (op == REPLICA_CHECK && (r || act->replica.loss));
        bool ends = op == REPLICA_UNEXPORT || op == REPLICA_DROP || op == REPLICA_CANCEL;
        struct action plain = *act;
        const char *why = refused(act, &disks, err);

        /* What runs by another mode, of before, is ended by that one. */
        if ((ends && drbd_engine_follows(a->drbd, act->replica.gid, act->replica.serial)) ||
            (!r && !find(a, act->replica.gid, act->replica.serial, false) && spec &&
             spec->conf.replica.mode == REPLICA_MODE_DRBD)) {
                drbd_engine_submit(a->drbd, act);
                return;
        }
        plain.replica.spec = NULL;
        if (!at_r)
                r = find(a, act->replica.gid, act->replica.serial, false);
        if (!r)
                r = add(a, act->replica.gid, act->replica.serial, at_r,
                        act->replica.spec ? act->replica.spec->uuid : "");
        r->disks = disks;
        if (act->replica.spec)
                r->pull = act->replica.spec->conf.replica.mode == REPLICA_MODE_ASYNC;
        if (why) {
                r->over = true;
                tell(a, r, TOLD_FAILED, 0, why);
        } else if (at_r) {
                do_at_r(a, r, op, &plain);
        } else {
                /* After a start of hawd, which host this is may be told by what is found alone. */
                if (op == REPLICA_CHECK)
                        tell(a, r, TOLD_EXPORT_ENDED, 0, "no server of it runs");
                do_at_p(a, r, op, &plain);
        }
        forget_over(a, r);
}

/* ---- what is told ---------------------------------------------------------------------------- */

static void on_over(struct replica_adapter *a, struct run *r) {
        r->worker = worker_unref(r->worker);
        if (r->has_later) {
                r->has_later = false;
                do_at_r(a, r, r->later, &r->asked);
        } else if (r->at_r && r->x && !r->over && !r->ending && r->n_pidfd == 0) {
                watch_servers(a, r);
        }
}

static bool is_news(struct run *r, const struct work_note *n) {
        usec_t now = now_boottime();
        bool state = n->what == TOLD_COPYING || n->what == TOLD_IN_STEP;

        if (state && r->told_at && r->told == n->what &&
            now < usec_add(r->told_at, REPLICA_TELL_USEC / 2) &&
            !(r->pull && r->told_as_of != n->as_of)) /* each cycle is */
                return false;
        r->told_as_of = n->as_of;
        r->told = n->what;
        r->told_at = MAX(now, 1);
        return true;
}

static void pass_on(struct replica_adapter *a, uint32_t gid, uint32_t serial,
                    const struct work_note *n) {
        const struct replica_told t = {.what = n->what,
                                       .gid = gid,
                                       .serial = serial,
                                       .loss = n->loss,
                                       .lag_bytes = n->lag_bytes,
                                       .as_of = n->as_of,
                                       .where = n->where[0] ? n->where : NULL,
                                       .text = n->text[0] ? n->text : NULL};

        a->told(a->userdata, &t);
}

/* What is told may make the core ask for more, and runs come and go: it is the last thing done. */
static void on_note(struct replica_adapter *a, struct run *r, struct work_note *n) {
        if (n->over) {
                on_over(a, r);
                return;
        }
        if (n->serving) {
                free(r->x);
                r->x = TAKE_PTR(n->x);
                return; /* watched when its thread is over, which is next */
        }
        if (n->what == TOLD_EXPORT_ENDED || n->what == TOLD_ENDED)
                r->over = true;
        if (is_news(r, n))
                pass_on(a, r->gid, r->serial, n);
}

static void on_found(struct replica_adapter *a, const struct work_note *n) {
        struct run *r;

        if (find(a, n->gid, n->serial, false))
                return;
        r = add(a, n->gid, n->serial, false, n->uuid);
        start(a, r, worker_new(a->board, WORK_FIND));
}

static void on_board(struct replica_adapter *a) {
        for (struct letter *l = mailbox_take(&a->board->box), *next; l; l = next) {
                struct work_note *n = (struct work_note *)l;

                next = l->next;
                if (n->own) {
                        pass_on(a, n->gid, n->serial, n);
                } else if (a->scan && n->worker == a->scan->id) {
                        if (n->over)
                                a->scan = worker_unref(a->scan);
                        else
                                on_found(a, n);
                } else {
                        struct run *r = a->runs;

                        while (r && !(r->worker && r->worker->id == n->worker))
                                r = r->next;
                        if (r)
                                on_note(a, r, n);
                        else if (n->over)
                                a->n_hung--; /* given up before; only those have no run */
                }
                work_note_free(n);
        }
}

/* A thread that was told to end and hangs is given up; another one tries the same. */
static void on_tick(struct replica_adapter *a) {
        usec_t now = now_boottime();

        for (struct run *r = a->runs; r; r = r->next) {
                struct worker *w = r->worker, *again;

                if (!w || r->at_r || !atomic_load(&w->cancelled) ||
                    now < usec_add(atomic_load(&w->beat), HUNG_USEC))
                        continue;
                again = worker_new(a->board, r->pull ? WORK_PULL_CLEAR : WORK_CANCEL);
                a->n_hung++;
                r->worker = worker_unref(w);
                start(a, r, again);
                if (r->worker)
                        worker_cancel(r->worker);
        }
}

/* ---- the outside ----------------------------------------------------------------------------- */

/* What the hawd before left: its servers live, or there is a veto. */
static int take_over(struct replica_adapter *a, char *err) {
        struct export_place p = place_of(a);
        struct export *list;
        size_t n;
        int r = export_list(&p, &list, &n, err);

        for (size_t i = 0; r == 0 && i < n; i++) {
                struct run *run = add(a, list[i].gid, list[i].serial, true, list[i].uuid);

                run->x = xcalloc(1, sizeof(*run->x));
                *run->x = list[i];
                start(a, run, worker_new(a->board, WORK_CHECK));
        }
        if (r == 0)
                free(list);
        return r;
}

static int open_fds(struct replica_adapter *a) {
        const struct itimerspec every = {{TICK_USEC / USEC_PER_SEC, 0},
                                         {TICK_USEC / USEC_PER_SEC, 0}};
        struct epoll_event board = {.events = EPOLLIN, .data.ptr = a->board};
        struct epoll_event timer = {.events = EPOLLIN, .data.ptr = a};
        struct epoll_event drbd = {.events = EPOLLIN, .data.ptr = a->drbd};

        a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        a->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (a->epoll_fd < 0 || a->timer_fd < 0 ||
            timerfd_settime(a->timer_fd, 0, &every, NULL) < 0 ||
            epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->board->box.fd, &board) < 0 ||
            epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, a->timer_fd, &timer) < 0 ||
            epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, drbd_engine_fd(a->drbd), &drbd) < 0)
                return -errno;
        return 0;
}

int replica_open(const char *uri, const char *state_dir, const char *address, replica_told_fn *told,
                 void *userdata, struct replica_adapter **ret, char *err) {
        struct replica_adapter *a = xcalloc(1, sizeof(*a));
        char here[NAME_LEN] = "";
        int r;

        xmlInitParser();                           /* before there are threads, of libvirt, too */
        (void)gethostname(here, sizeof(here) - 1); /* for texts alone */
        a->told = told;
        a->userdata = userdata;
        a->epoll_fd = a->timer_fd = -1;
        text_set(a->address, sizeof(a->address), address);
        r = drbd_engine_open(here, told, userdata, &a->drbd, err);
        if (r < 0) {
                (void)replica_close(a);
                return r;
        }
        a->board = board_new();
        if (!a->board || (r = open_fds(a)) < 0) {
                r = r < 0 ? r : -errno;
                text_fmt(err, TEXT_LEN, "replicas: %s", strerror(-r));
                (void)replica_close(a);
                return r;
        }
        text_set(a->board->uri, sizeof(a->board->uri), uri);
        text_fmt(a->board->folder, sizeof(a->board->folder), "%s/replicas", state_dir);
        mirror_tls(QEMU_CONF, &a->board->tls, a->board->tls_dir, sizeof(a->board->tls_dir));
        r = take_over(a, err);
        if (r < 0) {
                (void)replica_close(a);
                return r;
        }
        a->scan = worker_new(a->board, WORK_SCAN);
        if (worker_start(a->scan) < 0)
                a->scan = worker_unref(a->scan); /* MIRROR finds what it copies, too */
        *ret = a;
        return 0;
}

int replica_fd(const struct replica_adapter *a) {
        return a->epoll_fd;
}

void replica_dispatch(struct replica_adapter *a) {
        struct epoll_event evs[16];
        int n = epoll_wait(a->epoll_fd, evs, ARRAY_SIZE(evs), 0);
        uint64_t ticks;

        for (int i = 0; i < n; i++) {
                void *of = evs[i].data.ptr;
                struct run *r = a->runs;

                if (of == a->board) {
                        on_board(a);
                } else if (of == a->drbd) {
                        drbd_engine_dispatch(a->drbd);
                } else if (of == a) {
                        (void)!read(a->timer_fd, &ticks, sizeof(ticks));
                        on_tick(a);
                } else {
                        while (r && r != of) /* it may be forgotten by now */
                                r = r->next;
                        if (r)
                                server_ended(a, r, "the server has ended: the mirror broke off");
                }
        }
        forget_over(a, NULL);
}

/* A cycle that is under way ends with its backup, which would be in the way of whatever is done
 * with the guest while there is no hawd.
 */
static void end_cycles(struct replica_adapter *a) {
        usec_t until = usec_add(now_boottime(), CLOSE_USEC);

        for (struct run *r = a->runs; r; r = r->next)
                if (r->pull && r->worker)
                        worker_cancel(r->worker);
        for (struct run *r = a->runs; r; r = r->next)
                while (r->pull && r->worker && atomic_load(&r->worker->refs) > 1 &&
                       now_boottime() < until)
                        (void)usleep(10000);
}

struct replica_adapter *replica_close(struct replica_adapter *a) {
        struct run *next;

        if (!a)
                return NULL;
        end_cycles(a);
        for (struct run *r = a->runs; r; r = next) {
                next = r->next;
                free_run(a, r);
        }
        worker_unref(a->scan);
        a->drbd = drbd_engine_close(a->drbd);
        if (a->board)
                mailbox_close(&a->board->box);
        board_unref(a->board);
        if (a->timer_fd >= 0)
                (void)close(a->timer_fd);
        if (a->epoll_fd >= 0)
                (void)close(a->epoll_fd);
        free(a);
        return NULL;
}
