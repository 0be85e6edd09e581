/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A corosync in this process, in place of its libraries: what the ring adapter's tests link
 * against. Nothing is delivered by itself: a test says what comes, and when own pieces come back.
 */
#pragma once

#include <corosync/cmap.h>
#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <corosync/votequorum.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hawd/ring/ring.h"

#define FAKE_SELF 2
#define FAKE_ATOMIC 1024 /* longest message of the group */
#define FAKE_EVENTS 512
#define FAKE_SENT 4096

struct fake_event {
        enum { FAKE_GROUP, FAKE_RING, FAKE_MESSAGE } kind;
        struct cpg_address members[8], left[8], joined[8];
        size_t n_members, n_left, n_joined;
        uint32_t nodeid, pid;
        uint8_t *bytes;
        size_t len;
};

struct fake_connection {
        bool open, joined;
        int fd;
        void *context;
        cpg_model_v1_data_t model;
        struct fake_event events[FAKE_EVENTS];
        size_t first, n;
};

static struct fake {
        /* What the test sets. */
        cs_error_t init, join, mcast, dispatch; /* CS_OK: works */
        unsigned mcast_again;                   /* so many times flow control */
        bool hang;                              /* calls that wait for an answer do so for ever */
        uint32_t quorum_type;
        struct votequorum_info votes;
        uint8_t waiting, reloading;
        struct conf_node nodes[4];
        size_t n_nodes;

        /* What the test reads. */
        struct fake_connection cpg[4]; /* the handle is the index */
        size_t n_cpg;
        unsigned finalized, left;
        struct iovec sent[FAKE_SENT]; /* pieces, in order */
        size_t n_sent, n_returned;
        unsigned n_mcast;

        int quorum_fd, cmap_fd;
        const void *quorum_context;
        quorum_model_v1_data_t quorum_model;
        struct {
                struct quorum_ring_id id;
                bool quorate;
        } quorum[8];
        size_t n_quorum;
        struct {
                cmap_notify_fn_t fn;
                void *data;
        } tracks[8];
        size_t n_tracks;
        bool cmap_changed;
        size_t cmap_iter;
        pthread_mutex_t lock;
        pthread_cond_t cond;
} fake;

static void fake_init(void) {
        memset(&fake, 0, sizeof(fake));
        fake.init = fake.join = fake.mcast = fake.dispatch = CS_OK;
        fake.quorum_type = QUORUM_SET;
        fake.votes = (struct votequorum_info){.total_votes = 3, .quorum = 2};
        fake.quorum_fd = eventfd(0, EFD_NONBLOCK);
        fake.cmap_fd = eventfd(0, EFD_NONBLOCK);
        for (uint32_t i = 0; i < 3; i++) {
                fake.nodes[i].nodeid = 3 - i; /* not in order */
                text_fmt(fake.nodes[i].name, NAME_LEN, "node%u", 3 - i);
        }
        fake.n_nodes = 3;
        (void)pthread_mutex_init(&fake.lock, NULL);
        (void)pthread_cond_init(&fake.cond, NULL);
}

static void fake_wake(int fd) {
        const uint64_t one = 1;

        (void)!write(fd, &one, sizeof(one));
}

static void fake_calm(int fd) {
        uint64_t n;

        (void)!read(fd, &n, sizeof(n));
}

/* A call that needs an answer of corosync. */
static void fake_answer(void) {
        (void)pthread_mutex_lock(&fake.lock);
        while (fake.hang)
                (void)pthread_cond_wait(&fake.cond, &fake.lock);
        (void)pthread_mutex_unlock(&fake.lock);
}

static inline void fake_hang(bool hang) {
        (void)pthread_mutex_lock(&fake.lock);
        fake.hang = hang;
        (void)pthread_cond_broadcast(&fake.cond);
        (void)pthread_mutex_unlock(&fake.lock);
}

/* ---- what the test says comes ---------------------------------------------------------------- */

static struct fake_event *fake_event(struct fake_connection *c) {
        assert(c->n < FAKE_EVENTS);
        fake_wake(c->fd);
        return &c->events[c->n++];
}

/** fake_group() - members as "nodeid pid", who left and who joined; -1 ends each */
static inline void fake_group(size_t handle, const int *members, const int *left,
                              const int *joined) {
        struct fake_event *e = fake_event(&fake.cpg[handle]);
        const int *lists[] = {members, left, joined};
        struct cpg_address *to[] = {e->members, e->left, e->joined};
        size_t *n[] = {&e->n_members, &e->n_left, &e->n_joined};

        e->kind = FAKE_GROUP;
        for (size_t i = 0; i < 3; i++)
                for (const int *p = lists[i]; p && *p >= 0; p += 2)
                        to[i][(*n[i])++] = (struct cpg_address){(uint32_t)p[0], (uint32_t)p[1], 0};
}

static inline void fake_message(size_t handle, uint32_t nodeid, uint32_t pid, const void *bytes,
                                size_t len) {
        struct fake_event *e = fake_event(&fake.cpg[handle]);

        e->kind = FAKE_MESSAGE;
        e->nodeid = nodeid;
        e->pid = pid;
        e->len = len;
        e->bytes = xcalloc(1, len);
        memcpy(e->bytes, bytes, len);
}

/** fake_return() - own pieces, at most @n of them, come back */
static inline void fake_return(size_t handle, size_t n) {
        for (; n > 0 && fake.n_returned < fake.n_sent; n--) {
                struct iovec *v = &fake.sent[fake.n_returned++];

                fake_message(handle, FAKE_SELF, (uint32_t)getpid(), v->iov_base, v->iov_len);
        }
}

static inline void fake_quorum(uint64_t seq, bool quorate) {
        fake.quorum[fake.n_quorum].id = (struct quorum_ring_id){1, seq};
        fake.quorum[fake.n_quorum++].quorate = quorate;
        fake_wake(fake.quorum_fd);
}

static inline void fake_cmap_change(void) {
        fake.cmap_changed = true;
        fake_wake(fake.cmap_fd);
}

/** fake_end() - corosync ends */
static inline void fake_end(void) {
        fake.dispatch = fake.mcast = fake.init = CS_ERR_LIBRARY;
        for (size_t i = 0; i < fake.n_cpg; i++)
                if (fake.cpg[i].open)
                        fake_wake(fake.cpg[i].fd);
        fake_wake(fake.quorum_fd);
        fake_wake(fake.cmap_fd);
}

/* ---- libcpg ---------------------------------------------------------------------------------- */

cs_error_t cpg_model_initialize(cpg_handle_t *handle, cpg_model_t model, cpg_model_data_t *data,
                                void *context) {
        struct fake_connection *c = &fake.cpg[fake.n_cpg];

        fake_answer();
        assert(model == CPG_MODEL_V1);
        if (fake.init != CS_OK)
                return fake.init;
        c->open = true;
        c->fd = eventfd(0, EFD_NONBLOCK);
        c->context = context;
        memcpy(&c->model, data, sizeof(c->model));
        *handle = fake.n_cpg++;
        return CS_OK;
}

cs_error_t cpg_finalize(cpg_handle_t handle) {
        fake_answer();
        assert(fake.cpg[handle].open);
        fake.cpg[handle].open = false;
        (void)close(fake.cpg[handle].fd);
        fake.finalized++;
        return CS_OK;
}

cs_error_t cpg_fd_get(cpg_handle_t handle, int *fd) {
        *fd = fake.cpg[handle].fd;
        return CS_OK;
}

cs_error_t cpg_context_get(cpg_handle_t handle, void **context) {
        *context = fake.cpg[handle].context;
        return CS_OK;
}

cs_error_t cpg_local_get(cpg_handle_t handle, unsigned int *nodeid) {
        (void)handle;
        *nodeid = FAKE_SELF;
        return CS_OK;
}

cs_error_t cpg_max_atomic_msgsize_get(cpg_handle_t handle, uint32_t *size) {
        (void)handle;
        *size = FAKE_ATOMIC;
        return CS_OK;
}

cs_error_t cpg_join(cpg_handle_t handle, const struct cpg_name *group) {
        fake_answer();
        assert(group->length == 4 && memcmp(group->value, "test", 4) == 0);
        fake.cpg[handle].joined = fake.join == CS_OK;
        return fake.join;
}

cs_error_t cpg_leave(cpg_handle_t handle, const struct cpg_name *group) {
        (void)group;
        fake_answer();
        fake.cpg[handle].joined = false;
        fake.left++;
        return CS_OK;
}

static void fake_deliver(cpg_handle_t handle, struct fake_event *e) {
        struct fake_connection *c = &fake.cpg[handle];
        const struct cpg_name group = {.length = 4, .value = "test"};
        const uint32_t three[] = {1, 2, 3};

        if (e->kind == FAKE_GROUP)
                c->model.cpg_confchg_fn(handle, &group, e->members, e->n_members, e->left,
                                        e->n_left, e->joined, e->n_joined);
        else if (e->kind == FAKE_RING)
                c->model.cpg_totem_confchg_fn(handle, (struct cpg_ring_id){1, e->nodeid}, 3, three);
        else
                c->model.cpg_deliver_fn(handle, &group, e->nodeid, e->pid, e->bytes, e->len);
        free(e->bytes);
}

cs_error_t cpg_dispatch(cpg_handle_t handle, cs_dispatch_flags_t types) {
        struct fake_connection *c = &fake.cpg[handle];

        assert(types == CS_DISPATCH_ALL && c->open);
        fake_calm(c->fd);
        while (c->first < c->n)
                fake_deliver(handle, &c->events[c->first++]);
        return fake.dispatch;
}

cs_error_t cpg_mcast_joined(cpg_handle_t handle, cpg_guarantee_t guarantee, const struct iovec *iov,
                            unsigned int n) {
        struct iovec *v = &fake.sent[fake.n_sent];
        size_t at = 0;

        fake.n_mcast++;
        assert(guarantee == CPG_TYPE_AGREED && fake.cpg[handle].joined);
        if (fake.mcast_again > 0) {
                fake.mcast_again--;
                return CS_ERR_TRY_AGAIN;
        }
        if (fake.mcast != CS_OK)
                return fake.mcast;
        assert(fake.n_sent < FAKE_SENT);
        for (unsigned i = 0; i < n; i++)
                v->iov_len += iov[i].iov_len;
        assert(v->iov_len <= FAKE_ATOMIC);
        v->iov_base = xcalloc(1, v->iov_len);
        for (unsigned i = 0; i < n; i++) {
                memcpy((uint8_t *)v->iov_base + at, iov[i].iov_base, iov[i].iov_len);
                at += iov[i].iov_len;
        }
        fake.n_sent++;
        return CS_OK;
}

/* ---- libquorum, libvotequorum ---------------------------------------------------------------- */

cs_error_t quorum_model_initialize(quorum_handle_t *handle, quorum_model_t model,
                                   quorum_model_data_t *data, uint32_t *type, void *context) {
        fake_answer();
        assert(model == QUORUM_MODEL_V1);
        memcpy(&fake.quorum_model, data, sizeof(fake.quorum_model));
        fake.quorum_context = context;
        *type = fake.quorum_type;
        *handle = 7;
        return fake.init;
}

cs_error_t quorum_finalize(quorum_handle_t handle) {
        (void)handle;
        fake_answer();
        return CS_OK;
}

cs_error_t quorum_fd_get(quorum_handle_t handle, int *fd) {
        (void)handle;
        *fd = fake.quorum_fd;
        return CS_OK;
}

cs_error_t quorum_trackstart(quorum_handle_t handle, unsigned int flags) {
        (void)handle;
        (void)flags;
        fake_answer();
        return CS_OK;
}

cs_error_t quorum_context_get(quorum_handle_t handle, const void **context) {
        (void)handle;
        *context = fake.quorum_context;
        return CS_OK;
}

cs_error_t quorum_dispatch(quorum_handle_t handle, cs_dispatch_flags_t types) {
        (void)types;
        fake_calm(fake.quorum_fd);
        for (size_t i = 0; i < fake.n_quorum; i++)
                fake.quorum_model.quorum_notify_fn(handle, fake.quorum[i].quorate,
                                                   fake.quorum[i].id, 0, NULL);
        fake.n_quorum = 0;
        return fake.dispatch;
}

cs_error_t votequorum_initialize(votequorum_handle_t *handle, votequorum_callbacks_t *callbacks) {
        (void)callbacks;
        fake_answer();
        *handle = 8;
        return fake.init;
}

cs_error_t votequorum_finalize(votequorum_handle_t handle) {
        (void)handle;
        fake_answer();
        return CS_OK;
}

cs_error_t votequorum_getinfo(votequorum_handle_t handle, unsigned int nodeid,
                              struct votequorum_info *info) {
        (void)handle;
        assert(nodeid == FAKE_SELF);
        *info = fake.votes;
        return CS_OK;
}

/* ---- libcmap --------------------------------------------------------------------------------- */

cs_error_t cmap_initialize(cmap_handle_t *handle) {
        fake_answer();
        *handle = 9;
        return fake.init;
}

cs_error_t cmap_finalize(cmap_handle_t handle) {
        (void)handle;
        fake_answer();
        return CS_OK;
}

cs_error_t cmap_fd_get(cmap_handle_t handle, int *fd) {
        (void)handle;
        *fd = fake.cmap_fd;
        return CS_OK;
}

cs_error_t cmap_track_add(cmap_handle_t handle, const char *key, int32_t type, cmap_notify_fn_t fn,
                          void *data, cmap_track_handle_t *track) {
        (void)handle;
        (void)key;
        (void)type;
        *track = fake.n_tracks;
        fake.tracks[fake.n_tracks].fn = fn;
        fake.tracks[fake.n_tracks++].data = data;
        return CS_OK;
}

cs_error_t cmap_dispatch(cmap_handle_t handle, cs_dispatch_flags_t types) {
        const struct cmap_notify_value none = {0};

        (void)types;
        fake_calm(fake.cmap_fd);
        for (size_t i = 0; fake.cmap_changed && i < fake.n_tracks; i++)
                fake.tracks[i].fn(handle, i, CMAP_TRACK_MODIFY, "key", none, none,
                                  fake.tracks[i].data);
        fake.cmap_changed = false;
        return fake.dispatch;
}

cs_error_t cmap_get_uint8(cmap_handle_t handle, const char *key, uint8_t *value) {
        (void)handle;
        *value = strcmp(key, "config.reload_in_progress") == 0 ? fake.reloading : fake.waiting;
        return CS_OK;
}

static struct conf_node *fake_node(const char *key, const char **ret_what) {
        const size_t prefix = strlen("nodelist.node.");
        size_t i = (size_t)(key[prefix] - '0');

        *ret_what = key + prefix + 2;
        return i < fake.n_nodes ? &fake.nodes[i] : NULL;
}

cs_error_t cmap_get_uint32(cmap_handle_t handle, const char *key, uint32_t *value) {
        const char *what;
        struct conf_node *n = fake_node(key, &what);

        (void)handle;
        if (!n || strcmp(what, "nodeid") != 0)
                return CS_ERR_NOT_EXIST;
        *value = n->nodeid;
        return CS_OK;
}

cs_error_t cmap_get_string(cmap_handle_t handle, const char *key, char **value) {
        const char *what;
        struct conf_node *n = fake_node(key, &what);

        (void)handle;
        if (!n || strcmp(what, "name") != 0)
                return CS_ERR_NOT_EXIST;
        *value = xstrdup(n->name);
        return CS_OK;
}

cs_error_t cmap_iter_init(cmap_handle_t handle, const char *prefix, cmap_iter_handle_t *iter) {
        (void)handle;
        (void)prefix;
        fake.cmap_iter = 0;
        *iter = 1;
        return CS_OK;
}

cs_error_t cmap_iter_next(cmap_handle_t handle, cmap_iter_handle_t iter, char key[],
                          size_t *value_len, cmap_value_types_t *type) {
        static const char *const what[] = {"nodeid", "name"};
        size_t i = fake.cmap_iter++;

        (void)handle;
        (void)iter;
        (void)value_len;
        (void)type;
        if (i / 2 >= fake.n_nodes)
                return CS_ERR_NO_SECTIONS;
        text_fmt(key, CMAP_KEYNAME_MAXLEN + 1, "nodelist.node.%zu.%s", i / 2, what[i % 2]);
        return CS_OK;
}

cs_error_t cmap_iter_finalize(cmap_handle_t handle, cmap_iter_handle_t iter) {
        (void)handle;
        (void)iter;
        return CS_OK;
}
