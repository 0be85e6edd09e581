/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hosts that corosync is configured for: nodelist.node.N.nodeid, name, ring0_addr in cmap. */
#include <stdio.h>

#include "hawd/ring/corosync.h"

#define PREFIX "nodelist.node."
#define RELOADING "config.reload_in_progress"

static void changed(cmap_handle_t handle, cmap_track_handle_t track, int32_t event, const char *key,
                    struct cmap_notify_value now, struct cmap_notify_value before, void *data) {
        struct corosync *r = data;

        (void)handle;
        (void)track;
        (void)event;
        (void)key;
        (void)now;
        (void)before;
        r->nodelist_dirty = true; /* one reload changes many keys: read once, afterwards */
}

int corosync_nodelist_track(struct corosync *r, char *err) {
        const int32_t all = CMAP_TRACK_ADD | CMAP_TRACK_DELETE | CMAP_TRACK_MODIFY;
        cmap_track_handle_t nodes, reload; /* end with the connection */
        cs_error_t e;

        e = cmap_track_add(r->cmap, PREFIX, all | CMAP_TRACK_PREFIX, changed, r, &nodes);
        if (e == CS_OK)
                e = cmap_track_add(r->cmap, RELOADING, all, changed, r, &reload);
        if (e == CS_OK)
                return 0;
        cs_explain(err, "changes of corosync's nodelist", e);
        return -EIO;
}

/* Fills @ret when the key holds what can be a host's name here. */
static bool name_of(struct corosync *r, unsigned number, const char *what, char ret[NAME_LEN]) {
        _cleanup_(freep) char *value = NULL;
        char key[CMAP_KEYNAME_MAXLEN + 1];

        text_fmt(key, sizeof(key), PREFIX "%u.%s", number, what);
        if (cmap_get_string(r->cmap, key, &value) != CS_OK || !name_valid(value))
                return false;
        text_set(ret, NAME_LEN, value);
        return true;
}

static int read_position(struct corosync *r, unsigned number, struct conf_node *ret, char *err) {
        char key[CMAP_KEYNAME_MAXLEN + 1];

        text_fmt(key, sizeof(key), PREFIX "%u.nodeid", number);
        if (cmap_get_uint32(r->cmap, key, &ret->nodeid) != CS_OK || ret->nodeid == 0) {
                text_fmt(err, TEXT_LEN,
                         "host %u in the nodelist of corosync.conf has no nodeid: give it one",
                         number + 1);
                return -EINVAL;
        }
        /* An IPv6 address is no name. */
        if (!name_of(r, number, "name", ret->name) && !name_of(r, number, "ring0_addr", ret->name))
                text_fmt(ret->name, NAME_LEN, "node%" PRIu32, ret->nodeid);
        return 0;
}

static int by_nodeid(const void *a, const void *b) {
        const struct conf_node *x = a, *y = b;

        return x->nodeid < y->nodeid ? -1 : x->nodeid > y->nodeid;
}

static int check(const struct conf_node *nodes, size_t n, char *err) {
        if (n == 0) {
                text_fmt(err, TEXT_LEN, "corosync.conf has no nodelist: hawd needs one");
                return -EINVAL;
        }
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < i; k++)
                        if (nodes[k].nodeid == nodes[i].nodeid ||
                            strcmp(nodes[k].name, nodes[i].name) == 0) {
                                text_fmt(err, TEXT_LEN,
                                         "nodes %" PRIu32 " and %" PRIu32 " of corosync.conf "
                                         "have the same name or id (%.40s)",
                                         nodes[k].nodeid, nodes[i].nodeid, nodes[i].name);
                                return -EINVAL;
                        }
        return 0;
}

/* The distinct N of all keys. Return: how many, at most @max + 1; negative on failure. */
static int positions(struct corosync *r, unsigned *numbers, size_t max, char *err) {
        char key[CMAP_KEYNAME_MAXLEN + 1];
        cmap_iter_handle_t iter;
        size_t n = 0;
        cs_error_t e = cmap_iter_init(r->cmap, PREFIX, &iter);

        if (e != CS_OK) {
                cs_explain(err, "corosync's nodelist", e);
                return -EIO;
        }
        while (n <= max && cmap_iter_next(r->cmap, iter, key, NULL, NULL) == CS_OK) {
                unsigned number;
                size_t i = 0;

                if (sscanf(key, PREFIX "%u.", &number) != 1)
                        continue;
                while (i < n && numbers[i] != number)
                        i++;
                if (i == n)
                        numbers[n++] = number;
        }
        (void)cmap_iter_finalize(r->cmap, iter); /* ends with the connection at the latest */
        return (int)n;
}

int corosync_nodelist_read(struct corosync *r, struct conf_node nodes[HOSTS_MAX], size_t *ret_n,
                           char *err) {
        unsigned numbers[HOSTS_MAX + 1];
        uint8_t reloading = 0;
        int n, rc;

        if (cmap_get_uint8(r->cmap, RELOADING, &reloading) == CS_OK && reloading)
                return -EAGAIN;
        n = positions(r, numbers, HOSTS_MAX, err);
        if (n < 0)
                return n;
        if (n > HOSTS_MAX) {
                text_fmt(err, TEXT_LEN, "the nodelist of corosync.conf has more than %d hosts",
                         HOSTS_MAX);
                return -EINVAL;
        }
        memset(nodes, 0, HOSTS_MAX * sizeof(nodes[0]));
        for (int i = 0; i < n; i++) {
                rc = read_position(r, numbers[i], &nodes[i], err);
                if (rc < 0)
                        return rc;
        }
        qsort(nodes, (size_t)n, sizeof(nodes[0]), by_nodeid);
        *ret_n = (size_t)n;
        return check(nodes, (size_t)n, err);
}

void corosync_address_read(struct corosync *r) {
        unsigned numbers[HOSTS_MAX + 1];
        char key[CMAP_KEYNAME_MAXLEN + 1], err[TEXT_LEN];
        int n = positions(r, numbers, HOSTS_MAX, err);

        for (int i = 0; i < n && i < HOSTS_MAX; i++) {
                _cleanup_(freep) char *value = NULL;
                uint32_t nodeid = 0;

                text_fmt(key, sizeof(key), PREFIX "%u.nodeid", numbers[i]);
                if (cmap_get_uint32(r->cmap, key, &nodeid) != CS_OK || nodeid != r->member.nodeid)
                        continue;
                text_fmt(key, sizeof(key), PREFIX "%u.ring0_addr", numbers[i]);
                if (cmap_get_string(r->cmap, key, &value) == CS_OK)
                        text_set(r->ring.address, sizeof(r->ring.address), value);
        }
}

void corosync_nodelist_changed(struct corosync *r) {
        struct conf_node nodes[HOSTS_MAX];
        char err[TEXT_LEN];
        size_t n = 0;
        int rc;

        if (!r->nodelist_dirty)
                return;
        rc = corosync_nodelist_read(r, nodes, &n, err);
        if (rc == -EAGAIN)
                return; /* the end of the reload is tracked, too */
        r->nodelist_dirty = false;
        if (rc < 0) {
                r->ring.callbacks->complain(r->ring.userdata, err);
                return;
        }
        if (n == r->ring.n_nodes && memcmp(nodes, r->ring.nodes, sizeof(nodes)) == 0)
                return;
        memcpy(r->ring.nodes, nodes, sizeof(nodes));
        r->ring.n_nodes = n;
        r->ring.callbacks->nodelist(r->ring.userdata, r->ring.nodes, r->ring.n_nodes);
}
