/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdatomic.h>

#include "hawd/base/clock.h"
#include "hawd/base/mailbox.h"
#include "hawd/base/thread.h"
#include "replication/driver_drbd.h"
#include "replication/driver_drbd_engine.h"

#define CALL_USEC (60 * USEC_PER_SEC)
#define COPYING_USEC USEC_PER_SEC
#define IN_STEP_USEC (2 * USEC_PER_SEC)
#define CONNECT_USEC (60 * USEC_PER_SEC) /* the peer has so long to be reached */
#define WANTED "as it was wanted"

/** struct tale - what a thread has to tell */
struct tale {
        struct letter letter;
        struct replica_told told;
        char where[NAME_LEN + 8], text[TEXT_LEN];
};

/** struct board - what the loop and the threads share */
struct board {
        atomic_uint refs;
        struct mailbox box;   /* of tales */
        pthread_mutex_t lock; /* of the watches, and their orders */
        struct watch *watches;
        atomic_bool closed;
        char here[NAME_LEN];
};

struct order {
        struct order *next;
        enum replica_op op;
        uint32_t serial, loss;
        char resource[NAME_LEN], peer[NAME_LEN];
};

enum watch_side { WATCH_IDLE, WATCH_R, WATCH_P };

/** struct watch - a guest's, while there is something to be told of it; the thread's own below */
struct watch {
        struct watch *next;
        uint32_t gid, asked; /* the serial that was asked for last */
        struct board *board; /* reference */
        pthread_cond_t ordered;
        struct order *first, **last;

        enum watch_side side;
        uint32_t serial;
        char resource[NAME_LEN], peer[NAME_LEN];
        bool in_step;     /* P: told so */
        usec_t began;     /* P: or was last connected */
        usec_t told_last; /* P: as it is */
};

struct drbd_engine {
        struct board *board;
        replica_told_fn *told;
        void *userdata;
};

static void drop(struct letter *l) {
        free(l);
}

static void board_unref(struct board *b) {
        if (atomic_fetch_sub(&b->refs, 1) != 1)
                return;
        mailbox_free(&b->box);
        (void)pthread_mutex_destroy(&b->lock);
        free(b);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool go_on(void *userdata) {
        const struct watch *w = userdata;

        return !w->board->closed;
}

static struct drbd_driver driver_of(struct watch *w) {
        return (struct drbd_driver){.here = w->board->here,
                                    .deadline = now_boottime() + CALL_USEC,
                                    .go_on = go_on,
                                    .userdata = w};
}

/* @resource: of what is exported; it and @text may be NULL. */
static void post(struct board *b, const struct replica_told *told, const char *resource,
                 const char *text) {
        struct tale *t = xcalloc(1, sizeof(*t));

        t->told = *told;
        if (resource) {
                text_fmt(t->where, sizeof(t->where), "drbd:%s", resource);
                t->told.where = t->where;
        }
        if (text) {
                text_set(t->text, sizeof(t->text), text);
                t->told.text = t->text;
        }
        mailbox_post(&b->box, &t->letter);
}

static void tell(struct watch *w, const struct replica_told *told, const char *text) {
        struct replica_told t = *told;

        t.gid = w->gid;
        t.serial = w->serial;
        post(w->board, &t, t.what == TOLD_EXPORTED ? w->resource : NULL, text);
}

static void tell_end(struct watch *w, enum replica_what what, const char *text) {
        const struct replica_told told = {.what = what};

        w->side = WATCH_IDLE;
        tell(w, &told, text);
}

static void tell_verdict(struct watch *w, enum replica_what what, const struct drbd_verdict *v) {
        char text[TEXT_LEN];

        text_fmt(text, sizeof(text), "%s%s%s", v->text, v->mend[0] ? ": " : "", v->mend);
        tell_end(w, what, text);
}

/* Up, and looking for its peer. */
static int connect_it(struct watch *w, struct drbd_status *s, struct drbd_verdict *v, char *err) {
        struct drbd_driver d = driver_of(w);
        int r = drbd_up(&d, w->resource, err);

        if (r == 0)
                r = drbd_look(&d, w->resource, s, err);
        if (r < 0)
                return r;
        drbd_judge(s, d.here, w->peer, v);
        if (v->state != DRBD_STATE_APART)
                return 0;
        r = drbd_connect(&d, w->resource, false, err);
        return r < 0 ? r : drbd_look(&d, w->resource, s, err);
}

static void begin_export(struct watch *w) {
        struct drbd_status s;
        struct drbd_verdict v;
        struct drbd_driver d;
        char err[TEXT_LEN];
        bool equal;
        int r = connect_it(w, &s, &v, err);

        d = driver_of(w);
        if (r == 0 && s.role == DRBD_PRIMARY)
                r = drbd_release(&d, w->resource, w->peer, &equal, err);
        if (r < 0)
                tell_end(w, TOLD_FAILED, err);
        else if (v.state == DRBD_STATE_SPLIT_BRAIN || v.state == DRBD_STATE_DISKLESS)
                tell_verdict(w, TOLD_FAILED, &v);
        else
                tell(w, &(struct replica_told){.what = TOLD_EXPORTED}, NULL);
}

static void begin_watching(struct watch *w) {
        w->in_step = false;
        w->began = now_boottime();
        w->told_last = 0;
}

static void begin_mirror(struct watch *w) {
        struct drbd_driver d = driver_of(w);
        struct drbd_status s;
        struct drbd_verdict v;
        char err[TEXT_LEN];
        int r = drbd_rely(&d, w->resource, err);

        begin_watching(w);
        if (r == 0)
                r = connect_it(w, &s, &v, err);
        if (r < 0)
                tell_end(w, TOLD_FAILED, err);
        else if (s.role != DRBD_PRIMARY)
                tell_end(w, TOLD_FAILED,
                         "the resource is not primary where the guest runs: is its disk another?");
        else if (v.state == DRBD_STATE_SPLIT_BRAIN)
                tell_verdict(w, TOLD_FAILED, &v);
        else
                tell(w, &(struct replica_told){.what = TOLD_COPYING}, NULL);
}

/* P: in step or not, and how far behind the peer is. */
static void look_p(struct watch *w) {
        struct drbd_driver d = driver_of(w);
        usec_t wall = now_wall(), now = now_boottime();
        struct drbd_status s;
        struct drbd_verdict v;
        char err[TEXT_LEN];

        if (drbd_look(&d, w->resource, &s, err) < 0) {
                if (go_on(w) && now > w->began + CONNECT_USEC)
                        tell_end(w, TOLD_ENDED, err);
                return;
        }
        drbd_judge(&s, d.here, w->peer, &v);
        if (v.state == DRBD_STATE_IN_STEP && s.role == DRBD_PRIMARY) {
                w->began = now;
                if (w->in_step && now < w->told_last + REPLICA_TELL_USEC / 2)
                        return;
                w->in_step = true;
                w->told_last = now;
                tell(w, &(struct replica_told){.what = TOLD_IN_STEP, .as_of = wall}, NULL);
        } else if (v.state == DRBD_STATE_IN_STEP && w->in_step) {
                w->began = now; /* its guest has ended: what that means its job says */
        } else if (s.role == DRBD_PRIMARY && !w->in_step &&
                   (v.state == DRBD_STATE_RESYNC_OUT ||
                    (v.state == DRBD_STATE_ALONE && now < w->began + CONNECT_USEC))) {
                if (v.state == DRBD_STATE_RESYNC_OUT)
                        w->began = now;
                if (now < w->told_last + REPLICA_TELL_USEC / 2)
                        return;
                w->told_last = now;
                tell(w,
                     &(struct replica_told){.what = TOLD_COPYING,
                                            .lag_bytes = v.behind_kib > UINT64_MAX / 1024
                                                                 ? UINT64_MAX
                                                                 : v.behind_kib * 1024},
                     NULL);
        } else {
                tell_verdict(w, TOLD_ENDED, &v);
        }
}

static bool spoils(const struct drbd_status *s, const struct drbd_verdict *v) {
        return v->state == DRBD_STATE_DOWN || v->state == DRBD_STATE_SPLIT_BRAIN ||
               v->state == DRBD_STATE_DISKLESS || s->role == DRBD_PRIMARY;
}

/* R: what makes its copy worth nothing, or another's. That P is not reached is no such thing: the
 * ledger says what that means. */
static void look_r(struct watch *w) {
        struct drbd_driver d = driver_of(w);
        struct drbd_status s;
        struct drbd_verdict v;
        char err[TEXT_LEN];

        if (drbd_look(&d, w->resource, &s, err) < 0)
                return; /* asked again; CHECK says so if it stays */
        drbd_judge(&s, d.here, w->peer, &v);
        if (spoils(&s, &v))
                tell_verdict(w, TOLD_EXPORT_ENDED, &v);
}

/* After a start of hawd, @loss 0, which side this is shows in the role alone. */
static void check(struct watch *w, uint32_t loss) {
        struct drbd_driver d = driver_of(w);
        struct drbd_status s;
        struct drbd_verdict v;
        char err[TEXT_LEN];

        if (drbd_look(&d, w->resource, &s, err) < 0) {
                tell_end(w, TOLD_EXPORT_ENDED, err);
                return;
        }
        drbd_judge(&s, d.here, w->peer, &v);
        if (loss == 0 && s.role == DRBD_PRIMARY) {
                w->side = WATCH_P;
                begin_watching(w);
                look_p(w);
        } else if (loss == 0 && !spoils(&s, &v)) {
                tell(w, &(struct replica_told){.what = TOLD_EXPORTED}, NULL);
        } else if (v.may_promote && !spoils(&s, &v)) {
                tell(w, &(struct replica_told){.what = TOLD_ALIVE, .loss = loss}, NULL);
        } else {
                tell_verdict(w, TOLD_EXPORT_ENDED, &v);
        }
}

/* Of a serial before the one that is told of now: it is over, which changes nothing here. */
static bool of_older(struct watch *w, const struct order *o) {
        uint32_t serial = w->serial;

        if (o->serial >= serial ||
            (o->op != REPLICA_CANCEL && o->op != REPLICA_UNEXPORT && o->op != REPLICA_DROP))
                return false;
        w->serial = o->serial;
        if (o->op != REPLICA_DROP)
                tell(w,
                     &(struct replica_told){.what = o->op == REPLICA_CANCEL ? TOLD_ENDED
                                                                            : TOLD_EXPORT_ENDED},
                     WANTED);
        w->serial = serial;
        return true;
}

static void carry_out(struct watch *w, const struct order *o) {
        if (of_older(w, o))
                return;
        w->serial = o->serial;
        text_set(w->resource, sizeof(w->resource), o->resource);
        text_set(w->peer, sizeof(w->peer), o->peer);
        switch (o->op) {
        case REPLICA_EXPORT:
                w->side = WATCH_R;
                begin_export(w);
                break;
        case REPLICA_CHECK:
                w->side = WATCH_R;
                check(w, o->loss);
                break;
        case REPLICA_MIRROR:
                w->side = WATCH_P;
                begin_mirror(w);
                break;
        case REPLICA_CANCEL:
                tell_end(w, TOLD_ENDED, WANTED);
                break;
        case REPLICA_UNEXPORT:
                tell_end(w, TOLD_EXPORT_ENDED, WANTED);
                break;
        case REPLICA_DROP:
        case REPLICA_OP_MAX_:
                w->side = WATCH_IDLE;
                break;
        }
}

/* Under the lock: no order comes to it any more. */
static void forget(struct watch *w) {
        struct watch **link = &w->board->watches;

        while (*link != w)
                link = &(*link)->next;
        *link = w->next;
}

/* The next order, when its time has come NULL; @over: so is this watch. */
static struct order *next_order(struct watch *w, bool *over) {
        struct board *b = w->board;
        const struct timespec until =
                monotonic_in(w->side == WATCH_P && !w->in_step ? COPYING_USEC : IN_STEP_USEC);
        struct order *o = NULL;
        int r = 0;

        pthread_mutex_lock(&b->lock);
        while (!w->first && !b->closed && r == 0 && w->side != WATCH_IDLE)
                r = pthread_cond_timedwait(&w->ordered, &b->lock, &until);
        *over = b->closed || (!w->first && w->side == WATCH_IDLE);
        if (*over) {
                forget(w);
        } else if (w->first) {
                o = w->first;
                w->first = o->next;
                if (!w->first)
                        w->last = &w->first;
        }
        pthread_mutex_unlock(&b->lock);
        return o;
}

static void watch_free(struct watch *w) {
        for (struct order *o = w->first, *next; o; o = next) {
                next = o->next;
                free(o);
        }
        (void)pthread_cond_destroy(&w->ordered);
        board_unref(w->board);
        free(w);
}

/* Ends with what there is to tell, or with the engine: nobody else takes a watch away. */
static void *watch_thread(void *arg) {
        struct watch *w = arg;
        bool over;

        for (;;) {
                struct order *o = next_order(w, &over);

                if (over)
                        break;
                if (o)
                        carry_out(w, o);
                else if (w->side == WATCH_P)
                        look_p(w);
                else
                        look_r(w);
                free(o);
        }
        watch_free(w);
        return NULL;
}

/* ---- the loop ------------------------------------------------------------------------------- */

int drbd_engine_open(const char *here, replica_told_fn *told, void *userdata,
                     struct drbd_engine **ret, char *err) {
        struct board *b = xcalloc(1, sizeof(*b));
        struct drbd_engine *e;
        int r = mailbox_open(&b->box, drop);

        if (r < 0) {
                text_fmt(err, TEXT_LEN, "no descriptor for DRBD's news: %s", strerror(-r));
                free(b);
                return r;
        }
        atomic_init(&b->refs, 1);
        if (pthread_mutex_init(&b->lock, NULL) != 0)
                abort();
        text_set(b->here, sizeof(b->here), here);
        e = xcalloc(1, sizeof(*e));
        *e = (struct drbd_engine){.board = b, .told = told, .userdata = userdata};
        *ret = e;
        return 0;
}

int drbd_engine_fd(const struct drbd_engine *e) {
        return e->board->box.fd;
}

void drbd_engine_dispatch(struct drbd_engine *e) {
        for (struct letter *l = mailbox_take(&e->board->box), *next; l; l = next) {
                next = l->next;
                e->told(e->userdata, &((struct tale *)l)->told);
                free(l);
        }
}

/* Under the lock. */
static struct watch *find(struct board *b, uint32_t gid) {
        struct watch *w = b->watches;

        while (w && w->gid != gid)
                w = w->next;
        return w;
}

/* Under the lock, which is held until it has its order: its thread would end without one. */
static struct watch *watch_new(struct board *b, uint32_t gid) {
        struct watch *w = xcalloc(1, sizeof(*w));
        pthread_condattr_t monotonic;

        w->gid = gid;
        w->board = b;
        atomic_fetch_add(&b->refs, 1);
        w->last = &w->first;
        (void)pthread_condattr_init(&monotonic);
        (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&w->ordered, &monotonic);
        (void)pthread_condattr_destroy(&monotonic);
        if (thread_spawn(watch_thread, w) < 0) {
                watch_free(w);
                return NULL;
        }
        w->next = b->watches;
        b->watches = w;
        return w;
}

bool drbd_engine_follows(struct drbd_engine *e, uint32_t gid, uint32_t serial) {
        const struct watch *w;
        bool follows;

        pthread_mutex_lock(&e->board->lock);
        w = find(e->board, gid);
        follows = w && w->asked == serial;
        pthread_mutex_unlock(&e->board->lock);
        return follows;
}

void drbd_engine_submit(struct drbd_engine *e, const struct action *act) {
        const struct guest_spec *spec = act->replica.spec;
        struct board *b = e->board;
        struct order *o = xcalloc(1, sizeof(*o));
        struct watch *w;

        o->op = act->replica.op;
        o->serial = act->replica.serial;
        o->loss = act->replica.loss;
        text_set(o->resource, sizeof(o->resource), spec ? spec->conf.replica.resource : "");
        text_set(o->peer, sizeof(o->peer), act->replica.peer);
        pthread_mutex_lock(&b->lock);
        w = find(b, act->replica.gid);
        if (!w)
                w = watch_new(b, act->replica.gid);
        if (w) {
                w->asked = MAX(w->asked, o->serial);
                *w->last = o;
                w->last = &o->next;
                pthread_cond_signal(&w->ordered);
        }
        pthread_mutex_unlock(&b->lock);
        if (w)
                return;
        free(o);
        /* Not from here: what is asked for is in the middle of a step of the core. */
        post(b,
             &(struct replica_told){
                     .what = TOLD_FAILED, .gid = act->replica.gid, .serial = act->replica.serial},
             NULL, "no thread could be started");
}

struct drbd_engine *drbd_engine_close(struct drbd_engine *e) {
        struct board *b;

        if (!e)
                return NULL;
        b = e->board;
        pthread_mutex_lock(&b->lock);
        b->closed = true;
        for (struct watch *w = b->watches; w; w = w->next)
                pthread_cond_signal(&w->ordered);
        pthread_mutex_unlock(&b->lock);
        board_unref(b);
        free(e);
        return NULL;
}
