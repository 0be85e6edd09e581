/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ledger for tests: ops are applied one by one, as ledger_apply() gets them.
 *
 * APPLY(l, .kind = OP_..., ...) applies one op; UNCHANGED(l, ...) asserts that it was dropped.
 */
#pragma once

#include "hawd/core/apply.h"
#include "tests/unit/unit.h"

struct led {
        struct model m;
        struct applied a; /* of the last op */
        usec_t wall;
};

#define INCARNATION(nodeid) (100 + (uint64_t)(nodeid))

/* Takes the references that @op holds. */
static inline void led_apply(struct led *l, struct op op) {
        struct entry *e = entry_new();

        *entry_add(e, op.kind) = op;
        if (e->ops[0].wall == 0)
                e->ops[0].wall = l->wall;
        applied_clear(&l->a);
        ledger_apply(&l->m, e, &l->a);
        entry_unref(e);
}

static inline uint64_t led_hash(struct led *l) {
        uint64_t version = l->m.version, h;

        l->m.version = 0;
        h = model_hash(&l->m);
        l->m.version = version;
        return h;
}

#define APPLY(l, ...) led_apply((l), (struct op){__VA_ARGS__})
#define UNCHANGED(l, ...)                                                                          \
        do {                                                                                       \
                uint64_t before_ = led_hash(l);                                                    \
                led_apply((l), (struct op){__VA_ARGS__});                                          \
                ck_assert_msg(led_hash(l) == before_, "the op changed the ledger: %s",             \
                              #__VA_ARGS__);                                                       \
        } while (0)
/* Changes the ledger: what a test is about did happen. */
#define CHANGED(l, ...)                                                                            \
        do {                                                                                       \
                uint64_t before_ = led_hash(l);                                                    \
                led_apply((l), (struct op){__VA_ARGS__});                                          \
                ck_assert_msg(led_hash(l) != before_, "the op was dropped: %s", #__VA_ARGS__);     \
        } while (0)

static inline bool led_noted(const struct led *l, enum note_id id) {
        for (size_t i = 0; i < l->a.n; i++)
                if (l->a.rows[i].note.id == id)
                        return true;
        return false;
}

static inline struct guest_spec *led_spec(const char *name) {
        struct guest_spec *s = guest_spec_new();

        text_set(s->name, sizeof(s->name), name);
        text_fmt(s->uuid, sizeof(s->uuid), "00000000-0000-4000-8000-%012x",
                 (unsigned)hash64(1, name, strlen(name)));
        s->vcpus = 2;
        s->memory_mib = 1024;
        s->conf = (struct conf_guest){.priority = 100,
                                      .start_timeout_usec = 90 * USEC_PER_SEC,
                                      .stop_timeout_usec = 60 * USEC_PER_SEC,
                                      .boot_usec = 20 * USEC_PER_SEC,
                                      .restart_limit = 3,
                                      .relocate_limit = 2,
                                      .healthy_after_usec = 10 * USEC_PER_MINUTE,
                                      .recovery = {RUNG_RESTART, RUNG_RELOCATE},
                                      .restart_window_usec = 10 * USEC_PER_MINUTE};
        return s;
}

static inline struct host *H(struct led *l, uint32_t nodeid) {
        return model_host(&l->m, nodeid);
}

static inline struct guest *G(struct led *l, uint32_t gid) {
        return model_guest(&l->m, gid);
}

static inline void led_join(struct led *l, uint32_t nodeid) {
        APPLY(l, .kind = OP_HOST_JOIN, .host = nodeid, .incarnation = INCARNATION(nodeid),
              .facts = {.vcpus = 4, .memory_mib = 8192});
}

/* Joins, reports that every guest it has a claim on runs, is online. */
static inline void led_online(struct led *l, uint32_t nodeid) {
        int index = model_host_index(&l->m, nodeid);
        struct op op = {.kind = OP_HOST_REPORT,
                        .host = nodeid,
                        .incarnation = INCARNATION(nodeid),
                        .seen_list = xcalloc(l->m.n_guests + 1, sizeof(struct seen))};

        led_join(l, nodeid);
        for (size_t i = 0; i < l->m.n_guests; i++)
                if (l->m.guests[i].claims & (1u << index))
                        op.seen_list[op.n_seen++] = (struct seen){l->m.guests[i].gid, SEEN_RUNNING};
        led_apply(l, op);
        APPLY(l, .kind = OP_HOST_ONLINE, .host = nodeid);
}

/* node1 .. node@hosts, all online. */
static inline void led_open(struct led *l, uint32_t hosts) {
        *l = (struct led){.wall = 1000 * USEC_PER_SEC};
        model_init(&l->m);
        for (uint32_t i = 1; i <= hosts; i++) {
                struct op op = {.kind = OP_HOST_ADD, .host = i};

                text_fmt(op.name, sizeof(op.name), "node%u", i);
                led_apply(l, op);
        }
        for (uint32_t i = 1; i <= hosts; i++) {
                led_online(l, i);
                ck_assert_int_eq(H(l, i)->state, HOST_ONLINE);
        }
}

static inline void led_close(struct led *l) {
        model_clear(&l->m);
        applied_clear(&l->a);
}

/* A guest wanted running, without a host. Return: its gid. */
static inline uint32_t led_add(struct led *l, const char *name) {
        APPLY(l, .kind = OP_GUEST_ADD, .spec = led_spec(name), .desired = DESIRED_RUNNING);
        return l->m.guests[l->m.n_guests - 1].gid;
}

/* Return: the job's id. */
static inline uint64_t led_start(struct led *l, uint32_t gid, uint32_t nodeid) {
        CHANGED(l, .kind = OP_GUEST_START, .gid = gid, .host = nodeid, .text = "test");
        ck_assert_int_eq(G(l, gid)->state, GUEST_STARTING);
        return G(l, gid)->job;
}

static inline void led_done(struct led *l, uint32_t gid, enum job_result result) {
        struct guest *g = G(l, gid);

        CHANGED(l, .kind = OP_GUEST_DONE, .gid = gid, .job = g->job, .host = g->job_host,
                .result = result, .text = "result");
}

static inline uint32_t led_running(struct led *l, const char *name, uint32_t nodeid) {
        uint32_t gid = led_add(l, name);

        led_start(l, gid, nodeid);
        led_done(l, gid, RESULT_DONE);
        ck_assert_int_eq(G(l, gid)->state, GUEST_RUNNING);
        return gid;
}

/* A device of @host that has been read as on while its host was online: it can prove. */
static inline void led_device(struct led *l, const char *name, uint32_t host) {
        struct op op = {.kind = OP_DEVICE_SEEN,
                        .host = host,
                        .executor = host == 1 ? 2 : 1,
                        .reading = READING_ON};

        text_set(op.name, sizeof(op.name), name);
        led_apply(l, op);
}

static inline void led_lose(struct led *l, uint32_t nodeid) {
        CHANGED(l, .kind = OP_HOST_LOST, .host = nodeid, .text = "it left the ring",
                .wall_last_good = l->wall - USEC_PER_SEC);
        ck_assert_int_eq(H(l, nodeid)->state, HOST_LOST);
}

/* A fence job of @kind against @host by node 1 with one device. Return: its id, 0 when refused. */
static inline uint64_t led_fence(struct led *l, uint32_t host, enum fence_kind kind,
                                 const char *device) {
        size_t n = l->m.n_fence_jobs;
        struct op op = {.kind = OP_FENCE_START,
                        .host = host,
                        .loss = H(l, host)->losses,
                        .fence_kind = kind,
                        .executor = host == 1 ? 2 : 1,
                        .level = 1,
                        .n_devices = 1,
                        .budget_usec = 20 * USEC_PER_SEC};

        text_set(op.devices[0], NAME_LEN, device);
        led_apply(l, op);
        return l->m.n_fence_jobs > n ? l->m.fence_jobs[n].id : 0;
}

static inline void led_fenced(struct led *l, uint64_t job, enum fence_result result) {
        struct fence_job *j = model_fence_job(&l->m, job);

        ck_assert_ptr_nonnull(j);
        APPLY(l, .kind = OP_FENCE_DONE, .job = job, .host = j->host, .loss = j->loss,
              .executor = j->executor, .fence_result = result, .text = "what was read");
}

static inline struct incident *led_incident(struct led *l, uint64_t id) {
        struct incident *x = model_incident(&l->m, id);

        ck_assert_ptr_nonnull(x);
        return x;
}
