/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ring of one host, without corosync: it is there, it is quorate, and hears what it says. What
 * corosync would call back comes from the loop here too, never within a call.
 */
#include <unistd.h>

#include "hawd/ring/driver.h"

struct said {
        struct said *next;
        size_t len;
        uint8_t bytes[];
};

struct solo {
        struct ring ring;
        bool joined, running; /* running: a job on the loop */
        struct ring_id id;
        struct said *first, **last; /* *last is NULL */
        size_t queued;
};

static void hear(void *data);
static void leave_and_join(void *data);

static int wake(struct solo *s) {
        if (s->running)
                return 0;
        if (qb_loop_job_add(s->ring.loop, QB_LOOP_HIGH, s, hear) < 0)
                return -ENOMEM;
        s->running = true;
        return 0;
}

static void join(struct solo *s) {
        const struct ring_callbacks *tell = s->ring.callbacks;
        const struct ring_quorum q = {.id = s->id, .quorate = true};

        s->joined = true;
        tell->ring(s->ring.userdata, s->id, &s->ring.self.nodeid, 1);
        tell->quorum(s->ring.userdata, &q);
        tell->group(s->ring.userdata, &s->ring.self, 1);
}

/* One thing in each turn of the loop, so that signals and clients come in between. */
static void hear(void *data) {
        struct solo *s = data;
        struct said *m = s->first;

        s->running = false;
        if (!s->joined) {
                join(s);
        } else if (m) {
                s->first = m->next;
                if (!s->first)
                        s->last = &s->first;
                s->queued -= m->len;
                s->ring.callbacks->message(s->ring.userdata, s->ring.self, m->bytes, m->len);
                free(m);
        }
        if (s->first && s->ring.phase == RING_ATTACHED && wake(s) < 0)
                ring_down(&s->ring, "the main loop takes no job");
}

static void forget(struct solo *s) {
        while (s->first) {
                struct said *m = s->first;

                s->first = m->next;
                free(m);
        }
        s->last = &s->first;
        s->queued = 0;
}

static int attach(struct ring *r, char *err) {
        int rc = wake((struct solo *)r);

        if (rc < 0)
                text_fmt(err, TEXT_LEN, "the main loop takes no job");
        return rc;
}

static void detach(struct ring *r, bool say) {
        struct solo *s = (struct solo *)r;

        (void)say; /* to nobody */
        if (s->running)
                (void)qb_loop_job_del(r->loop, QB_LOOP_HIGH, s, hear);
        s->running = false;
        (void)qb_loop_job_del(r->loop, QB_LOOP_HIGH, s, leave_and_join); /* none: no matter */
        forget(s);
}

static int send(struct ring *r, const uint8_t *bytes, size_t len) {
        struct solo *s = (struct solo *)r;
        struct said *m;

        if (!s->joined && r->phase == RING_ATTACHED)
                return 0;
        if (s->queued + len > RING_QUEUE_MAX)
                return -ENOBUFS;
        m = xcalloc(1, sizeof(*m) + len);
        m->len = len;
        memcpy(m->bytes, bytes, len);
        *s->last = m;
        s->last = &m->next;
        s->queued += len;
        return r->phase == RING_ATTACHED ? wake(s) : 0;
}

static void leave_and_join(void *data) {
        struct solo *s = data;

        if (s->ring.phase != RING_ATTACHED)
                return;
        forget(s);
        s->joined = false;
        s->ring.callbacks->group(s->ring.userdata, NULL, 0);
        if (wake(s) < 0)
                ring_down(&s->ring, "the main loop takes no job");
}

static void rejoin(struct ring *r) {
        if (qb_loop_job_add(r->loop, QB_LOOP_HIGH, r, leave_and_join) < 0)
                ring_down(r, "the main loop takes no job");
}

static void close_ring(struct ring *r) {
        forget((struct solo *)r);
        free(r);
}

static const struct ring_driver driver = {
        .attach = attach,
        .detach = detach,
        .send = send,
        .rejoin = rejoin,
        .close = close_ring,
};

struct ring *ring_open_solo(uint32_t nodeid, const char *name,
                            const struct ring_callbacks *callbacks, void *userdata) {
        struct solo *s = xcalloc(1, sizeof(*s));

        assert(nodeid != 0 && name_valid(name));
        ring_init(&s->ring, &driver, callbacks, userdata);
        s->last = &s->first;
        s->id = (struct ring_id){nodeid, 1};
        s->ring.self = (struct ring_member){nodeid, (uint32_t)getpid()};
        s->ring.nodes[0].nodeid = nodeid;
        text_set(s->ring.nodes[0].name, NAME_LEN, name);
        s->ring.n_nodes = 1;
        return &s->ring;
}
