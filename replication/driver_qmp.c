/* SPDX-License-Identifier: GPL-3.0-or-later */
/* P's side: QEMU copies each disk, and each write with it. mirror.h says why not by libvirt. */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/mirror.h"
#include "snapshots/driver.h"

#define LOOK_EVERY_USEC 50000
#define NODE_LEN 32 /* of QEMU */
#define JOBS_MAX 64

static void free_json(json_t **j) {
        json_decref(*j);
}

static void name_of(uint32_t gid, uint32_t serial, const char *target, char ret[NODE_LEN]) {
        text_fmt(ret, NODE_LEN, "hawd-%" PRIu32 ".%" PRIu32 "-%s", gid, serial, target);
}

/* A job or node of hawd's: its serial, or 0. */
static uint32_t serial_of(const char *name, uint32_t *ret_gid) {
        char target[MIRROR_TARGET_LEN];
        uint32_t gid, serial;
        int at = 0;

        if (!name ||
            sscanf(name, "hawd-%" SCNu32 ".%" SCNu32 "-%15s%n", &gid, &serial, target, &at) != 3 ||
            at == 0 || name[at])
                return 0;
        if (ret_gid)
                *ret_gid = gid;
        return serial;
}

/* ---- the disks that the guest has ------------------------------------------------------------ */

int mirror_sizes(virDomainPtr dom, struct mirror_disks *disks, char *err) {
        for (size_t i = 0; i < disks->n; i++) {
                struct mirror_disk *d = &disks->disks[i];
                virDomainBlockInfo info = {0};
                struct live_disk live;
                int r = disk_live_find(dom, d->target, &live, err);

                if (r < 0)
                        return r;
                if (strcmp(live.source, d->path) != 0) {
                        text_fmt(err, TEXT_LEN, "its disk %s is %.70s now, and not %.70s",
                                 d->target, live.source[0] ? live.source : "no file", d->path);
                        return -EUCLEAN;
                }
                if (virDomainGetBlockInfo(dom, d->target, &info, 0) < 0)
                        return disk_failed_run(dom, "the size of its disk cannot be seen", err);
                d->size = info.capacity;
        }
        return 0;
}

/* Whether QEMU's path of a device has the alias as a part. */
static bool is_device(const char *qdev, const char *alias) {
        size_t len = strlen(alias);

        for (const char *s = qdev; len > 0 && s && (s = strstr(s, alias)); s++)
                if ((s == qdev || s[-1] == '/') && (!s[len] || s[len] == '/'))
                        return true;
        return false;
}

static int root_node(virDomainPtr dom, const char *target, char ret[NODE_LEN], char *err) {
        _cleanup_(free_json) json_t *blocks = NULL;
        struct live_disk live;
        const json_t *b;
        size_t i;
        int r = disk_live_find(dom, target, &live, err);

        if (r == 0)
                r = disk_qmp(dom, "query-block", NULL, &blocks, err);
        if (r < 0)
                return r;
        json_array_foreach(blocks, i, b) {
                const char *node = json_string_value(
                        json_object_get(json_object_get(b, "inserted"), "node-name"));

                if (is_device(json_string_value(json_object_get(b, "qdev")), live.alias) && node &&
                    strlen(node) < NODE_LEN) {
                        text_set(ret, NODE_LEN, node);
                        return 0;
                }
        }
        text_fmt(err, TEXT_LEN, "QEMU shows no node of disk %s", target);
        return -ENOENT;
}

/* ---- begin ----------------------------------------------------------------------------------- */

static int add_node(virDomainPtr dom, const char *node, const struct mirror_ports *p, size_t i,
                    usec_t hold_usec, const char *creds, char *err) {
        char port[8];
        json_t *args;

        text_fmt(port, sizeof(port), "%u", p->port[i]);
        args = json_pack("{s:s s:s s:{s:s s:s s:s} s:s s:I s:{s:b}}", "driver", "nbd", "node-name",
                         node, "server", "type", "inet", "host", p->address, "port", port, "export",
                         p->token, "reconnect-delay",
                         (json_int_t)((hold_usec + USEC_PER_SEC - 1) / USEC_PER_SEC), "cache",
                         "direct", 1);
        if (creds)
                (void)json_object_set_new(args, "tls-creds", json_string(creds));
        return disk_qmp(dom, "blockdev-add", args, NULL, err);
}

static int begin_disk(const struct mirror_work *w, virDomainPtr dom, const struct mirror_disk *d,
                      const struct mirror_ports *ports, size_t i, uint32_t gid, uint32_t serial,
                      usec_t hold_usec, const char *creds, char *err) {
        char node[NODE_LEN], root[NODE_LEN];
        int r = mirror_step(w, "mirror", err);

        name_of(gid, serial, d->target, node);
        if (r == 0)
                r = root_node(dom, d->target, root, err);
        if (r == 0)
                r = add_node(dom, node, ports, i, hold_usec, creds, err);
        if (r < 0)
                return r;
        return disk_qmp(dom, "blockdev-mirror",
                        json_pack("{s:s s:s s:s s:s s:s s:s s:b}", "job-id", node, "device", root,
                                  "target", node, "sync", "full", "copy-mode", "write-blocking",
                                  "on-target-error", "report", "auto-dismiss", 0),
                        NULL, err);
}

static int add_creds(virDomainPtr dom, const char *id, const char *dir, char *err) {
        if (!dir) {
                text_set(err, TEXT_LEN,
                         "the other host wants TLS, and this one has no certificates for QEMU");
                return -EINVAL;
        }
        return disk_qmp(dom, "object-add",
                        json_pack("{s:s s:s s:s s:s s:b}", "qom-type", "tls-creds-x509", "id", id,
                                  "endpoint", "client", "dir", dir, "verify-peer", 1),
                        NULL, err);
}

int mirror_begin(const struct mirror_work *w, virDomainPtr dom, const struct mirror_disks *disks,
                 const struct mirror_ports *ports, uint32_t gid, uint32_t serial, usec_t hold_usec,
                 const char *tls_dir, char *err) {
        struct mirror_work end = {.deadline = usec_add(now_boottime(), 20 * USEC_PER_SEC)};
        char said[TEXT_LEN], creds[NODE_LEN];
        int r = 0;

        text_fmt(creds, sizeof(creds), "hawd-tls-%" PRIu32, serial);
        if (ports->tls)
                r = add_creds(dom, creds, tls_dir, err);
        for (size_t i = 0; r == 0 && i < disks->n; i++)
                r = begin_disk(w, dom, &disks->disks[i], ports, i, gid, serial, hold_usec,
                               ports->tls ? creds : NULL, err);
        if (r < 0)
                (void)mirror_cancel(&end, dom, serial, said); /* or the next try finds it */
        return r;
}

/* ---- look ------------------------------------------------------------------------------------ */

struct job {
        char id[NODE_LEN], status[16], error[TEXT_LEN];
        uint32_t gid, serial;
        uint64_t lag;
};

/* hawd's, of @serial, 0: of all. Return: how many, -errno. */
static int list_jobs(virDomainPtr dom, uint32_t serial, struct job jobs[JOBS_MAX], char *err) {
        _cleanup_(free_json) json_t *list = NULL;
        const json_t *j;
        size_t i;
        int n = 0, r = disk_qmp(dom, "query-jobs", NULL, &list, err);

        if (r < 0)
                return r;
        json_array_foreach(list, i, j) {
                const char *id = json_string_value(json_object_get(j, "id"));
                const char *status = json_string_value(json_object_get(j, "status"));
                const char *error = json_string_value(json_object_get(j, "error"));
                json_int_t now = json_integer_value(json_object_get(j, "current-progress"));
                json_int_t all = json_integer_value(json_object_get(j, "total-progress"));

                uint32_t gid, is = serial_of(id, &gid);

                if (is == 0 || (serial && is != serial) || n == JOBS_MAX)
                        continue;
                jobs[n] = (struct job){
                        .gid = gid, .serial = is, .lag = all > now ? (uint64_t)(all - now) : 0};
                text_set(jobs[n].id, NODE_LEN, id);
                text_set(jobs[n].status, sizeof(jobs[n].status), status ? status : "");
                text_set(jobs[n].error, TEXT_LEN, error ? error : "");
                n++;
        }
        return n;
}

static bool is_ready(const struct job *j) {
        return strcmp(j->status, "ready") == 0 || strcmp(j->status, "standby") == 0;
}

static bool is_over(const struct job *j) {
        return strcmp(j->status, "concluded") == 0 || strcmp(j->status, "aborting") == 0 ||
               strcmp(j->status, "pending") == 0 || strcmp(j->status, "null") == 0;
}

/* Nodes of hawd's, by what can be yanked: no I/O is asked for. */
static int list_nodes(virDomainPtr dom, uint32_t serial, char nodes[JOBS_MAX][NODE_LEN],
                      char *err) {
        _cleanup_(free_json) json_t *list = NULL;
        const json_t *j;
        size_t i;
        int n = 0, r = disk_qmp(dom, "query-yank", NULL, &list, err);

        if (r < 0)
                return r;
        json_array_foreach(list, i, j) {
                const char *node = json_string_value(json_object_get(j, "node-name"));

                if (n < JOBS_MAX && serial && serial_of(node, NULL) == serial)
                        text_set(nodes[n++], NODE_LEN, node);
        }
        return n;
}

int mirror_look(virDomainPtr dom, struct mirror_seen *ret, char *err) {
        struct job jobs[JOBS_MAX];
        int n = list_jobs(dom, 0, jobs, err);

        if (n < 0)
                return n;
        *ret = (struct mirror_seen){.ready = true};
        for (int i = 0; i < n; i++)
                ret->serial = MAX(ret->serial, jobs[i].serial);
        for (int i = 0; i < n; i++) {
                if (jobs[i].serial != ret->serial)
                        continue;
                ret->n++;
                ret->gid = jobs[i].gid;
                ret->ready &= is_ready(&jobs[i]);
                ret->lag_bytes += jobs[i].lag;
                if (is_over(&jobs[i])) {
                        ret->ended = true;
                        text_set(ret->error, TEXT_LEN, jobs[i].error);
                }
        }
        ret->ready &= ret->n > 0;
        return 0;
}

/* ---- end ------------------------------------------------------------------------------------- */

static int yank(virDomainPtr dom, uint32_t serial, char *err) {
        char nodes[JOBS_MAX][NODE_LEN];
        json_t *instances;
        int n = list_nodes(dom, serial, nodes, err);

        if (n <= 0)
                return n;
        instances = json_array();
        for (int i = 0; i < n; i++)
                (void)json_array_append_new(instances, json_pack("{s:s s:s}", "type", "block-node",
                                                                 "node-name", nodes[i]));
        return disk_qmp(dom, "yank", json_pack("{s:o}", "instances", instances), NULL, err);
}

/* QEMU refuses to cancel what is coming to its end by itself, as after a yank. */
static bool has_ended(virDomainPtr dom, uint32_t serial, const char *id) {
        struct job jobs[JOBS_MAX];
        char said[TEXT_LEN];
        int n = list_jobs(dom, serial, jobs, said);

        for (int i = 0; i < n; i++)
                if (strcmp(jobs[i].id, id) == 0)
                        return is_over(&jobs[i]);
        return n >= 0;
}

static int cancel_jobs(virDomainPtr dom, uint32_t serial, bool force, char *err) {
        struct job jobs[JOBS_MAX];
        int n = list_jobs(dom, serial, jobs, err), r = 0;

        for (int i = 0; r == 0 && i < n; i++) {
                if (is_over(&jobs[i]))
                        continue;
                r = disk_qmp(dom, "block-job-cancel",
                             json_pack("{s:s s:b}", "device", jobs[i].id, "force", force), NULL,
                             err);
                if (r == -EIO && has_ended(dom, serial, jobs[i].id))
                        r = 0;
        }
        return n < 0 ? n : r;
}

/* Until all have come to their end; then they are dismissed. *ret_error: the first of theirs.
 * Return: how many, -errno. */
static int wait_over(const struct mirror_work *w, virDomainPtr dom, uint32_t serial,
                     char ret_error[TEXT_LEN], char *err) {
        struct job jobs[JOBS_MAX];
        char said[TEXT_LEN];
        int n, left, r;

        ret_error[0] = '\0';
        while ((n = list_jobs(dom, serial, jobs, err)) > 0) {
                left = 0;
                for (int i = 0; i < n; i++)
                        left += strcmp(jobs[i].status, "concluded") != 0;
                if (left == 0)
                        break;
                r = mirror_step(w, "wait", err);
                if (r < 0)
                        return r;
                (void)usleep(LOOK_EVERY_USEC);
        }
        for (int i = 0; i < n; i++) {
                if (!ret_error[0])
                        text_set(ret_error, TEXT_LEN, jobs[i].error);
                (void)disk_qmp(dom, "job-dismiss", json_pack("{s:s}", "id", jobs[i].id), NULL,
                               said); /* what stays is found again */
        }
        return n;
}

static int delete_nodes(virDomainPtr dom, uint32_t serial, char *err) {
        char nodes[JOBS_MAX][NODE_LEN], creds[NODE_LEN], said[TEXT_LEN];
        int n = list_nodes(dom, serial, nodes, err), r = 0;

        for (int i = 0; r == 0 && i < n; i++)
                r = disk_qmp(dom, "blockdev-del", json_pack("{s:s}", "node-name", nodes[i]), NULL,
                             err);
        text_fmt(creds, sizeof(creds), "hawd-tls-%" PRIu32, serial);
        (void)disk_qmp(dom, "object-del", json_pack("{s:s}", "id", creds), NULL,
                       said); /* mostly there is none */
        return n < 0 ? n : r;
}

int mirror_cancel(const struct mirror_work *w, virDomainPtr dom, uint32_t serial, char *err) {
        char error[TEXT_LEN];
        int r = mirror_step(w, "cancel", err);

        if (r == 0)
                r = yank(dom, serial, err); /* first: a cancel alone may hang QEMU's monitor */
        if (r == 0)
                r = cancel_jobs(dom, serial, true, err);
        if (r == 0)
                r = wait_over(w, dom, serial, error, err);
        return r < 0 ? r : delete_nodes(dom, serial, err);
}

int mirror_final(const struct mirror_work *w, virDomainPtr dom, uint32_t *ret_serial, char *err) {
        struct mirror_seen seen;
        char error[TEXT_LEN];
        int state, n = 0, r = mirror_look(dom, &seen, err);

        *ret_serial = 0;
        if (r < 0 || !seen.ready || seen.ended)
                return r;
        r = mirror_step(w, "suspend", err);
        if (r == 0 && virDomainGetState(dom, &state, NULL, 0) < 0)
                r = disk_failed_run(dom, "its state cannot be seen", err);
        if (r == 0 && state == VIR_DOMAIN_RUNNING && virDomainSuspend(dom) < 0)
                r = disk_failed_run(dom, "it cannot be suspended", err);
        if (r == 0)
                r = mirror_step(w, "final", err);
        if (r == 0)
                r = cancel_jobs(dom, seen.serial, false, err);
        if (r == 0)
                r = n = wait_over(w, dom, seen.serial, error, err);
        if (r >= 0 && (error[0] || (size_t)n != seen.n)) {
                text_fmt(err, TEXT_LEN, "the copy did not come to its end: %.120s",
                         error[0] ? error : "a disk's is gone");
                r = -EIO;
        }
        r = MIN(r, 0);
        if (r == 0)
                r = delete_nodes(dom, seen.serial, err);
        if (r == 0)
                *ret_serial = seen.serial;
        return r;
}
