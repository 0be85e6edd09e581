/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots inside of qcow2 files: by qemu-img of a guest that does not run, else by QEMU itself,
 * since libvirt takes them only with the guest's memory. */
#include <jansson.h>

#include "snapshots/driver.h"

static void free_json(json_t **j) {
        json_decref(*j);
}

static bool is_among(const json_t *snapshots, const char *name) {
        const json_t *s;
        size_t i;

        json_array_foreach(snapshots, i, s) {
                const char *is = json_string_value(json_object_get(s, "name"));

                if (is && strcmp(is, name) == 0)
                        return true;
        }
        return false;
}

/* ---- of a guest that does not run ------------------------------------------------------------ */

/* Refused while somebody writes the file. */
static int look(const struct disk_driver *d, const char *path, json_t **ret, char *err) {
        const char *const args[] = {"info", "-f", "qcow2", "--output=json", path, NULL};
        _cleanup_(freep) char *out = NULL;
        int r = disk_tool(d, args, &out, err);

        if (r < 0)
                return r;
        *ret = json_loads(out, 0, NULL);
        if (*ret)
                return 0;
        text_fmt(err, TEXT_LEN, "%.120s: qemu-img gives no JSON", path);
        return -EIO;
}

static int act(const struct disk_driver *d, const char *option, const char *name, const char *path,
               const char *step, char *err) {
        const char *const args[] = {"snapshot", "-q", option, name, path, NULL};
        int r = disk_step(d, step, err);

        if (r == 0)
                r = disk_tool(d, args, NULL, err);
        return r == 0 ? disk_sync(path, err) : r;
}

int disk_internal(const struct disk_driver *d, enum disk_internal what, const char *path,
                  const char *name, const char *left, const char *done, char *err) {
        _cleanup_(free_json) json_t *info = NULL;
        const json_t *list;
        bool there;
        int r = look(d, path, &info, err);

        if (r < 0)
                return r;
        list = json_object_get(info, "snapshots");
        there = is_among(list, name);
        /* What is there already was done before. */
        if (what == DISK_INTERNAL_TAKE)
                return there ? 0 : act(d, "-c", name, path, "internal", err);
        assert(left && done);
        if (is_among(list, done))
                return 0;
        if (!there) {
                text_fmt(err, TEXT_LEN, "%.100s has no snapshot %.60s inside", path, name);
                return -ENOENT;
        }
        if (!is_among(list, left))
                r = act(d, "-c", left, path, "internal-keep", err);
        if (r == 0)
                r = act(d, "-a", name, path, "internal", err);
        return r == 0 ? act(d, "-c", done, path, "internal-done", err) : r;
}

int disk_internal_tidy(const struct disk_driver *d, const char *path, char *err) {
        _cleanup_(free_json) json_t *info = NULL;
        const json_t *s;
        size_t i;
        int r = look(d, path, &info, err);

        json_array_foreach(json_object_get(info, "snapshots"), i, s) {
                const char *name = json_string_value(json_object_get(s, "name"));

                if (r == 0 && name && strncmp(name, "hawd-at-", 8) == 0)
                        r = act(d, "-d", name, path, "internal-tidy", err);
        }
        return r;
}

/* ---- of a guest that runs -------------------------------------------------------------------- */

/* Whether QEMU's path of a device has the alias as a part. */
static bool is_device(const char *qdev, const char *alias) {
        size_t len = strlen(alias);

        for (const char *s = qdev; len > 0 && s && (s = strstr(s, alias)); s++)
                if ((s == qdev || s[-1] == '/') && (!s[len] || s[len] == '/'))
                        return true;
        return false;
}

static int see_one(const json_t *blocks, const struct live_disk *live, const char *name,
                   struct disk_inside *ret, char *err) {
        const json_t *b;
        size_t i;

        json_array_foreach(blocks, i, b) {
                const json_t *in = json_object_get(b, "inserted");
                const char *node = json_string_value(json_object_get(in, "node-name"));
                const char *drv = json_string_value(json_object_get(in, "drv"));

                if (!is_device(json_string_value(json_object_get(b, "qdev")), live->alias))
                        continue;
                if (!node || strlen(node) >= DISK_NODE_LEN || !drv || strcmp(drv, "qcow2") != 0) {
                        text_fmt(err, TEXT_LEN, "disk %s is %.20s in its QEMU, not qcow2",
                                 ret->target, drv ? drv : "nothing");
                        return -EUCLEAN;
                }
                text_set(ret->node, sizeof(ret->node), node);
                ret->there =
                        is_among(json_object_get(json_object_get(in, "image"), "snapshots"), name);
                return 0;
        }
        text_fmt(err, TEXT_LEN, "QEMU shows no disk %s", ret->target);
        return -ENOENT;
}

/* Return: how many have the snapshot, -errno. */
static int see(virDomainPtr dom, struct disk_inside *disks, size_t n, const char *name, char *err) {
        _cleanup_(free_json) json_t *blocks = NULL;
        int r = disk_qmp(dom, "query-block", NULL, &blocks, err), count = 0;

        for (size_t i = 0; r == 0 && i < n; i++) {
                struct live_disk live;

                r = disk_live_find(dom, disks[i].target, &live, err);
                if (r == 0)
                        r = see_one(blocks, &live, name, &disks[i], err);
                count += r == 0 && disks[i].there;
        }
        return r < 0 ? r : count;
}

static int freeze(virDomainPtr dom, char *err) {
        int r;

        (void)virDomainAgentSetResponseTimeout(dom, DISK_AGENT_SECONDS, 0); /* or its default */
        if (virDomainFSFreeze(dom, NULL, 0, 0) >= 0)
                return 0;
        r = disk_failed(dom, "its filesystems are not frozen", err);
        return r == -ETIMEDOUT ? -EIO : r; /* of the agent: nothing of a snapshot was begun */
}

static int take(virDomainPtr dom, const struct disk_inside *disks, size_t n, const char *name,
                char *err) {
        json_t *actions = json_array();

        for (size_t i = 0; i < n; i++)
                (void)json_array_append_new(actions,
                                            json_pack("{s:s,s:{s:s,s:s}}", "type",
                                                      "blockdev-snapshot-internal-sync", "data",
                                                      "device", disks[i].node, "name", name));
        return disk_qmp(dom, "transaction", json_pack("{s:o}", "actions", actions), NULL, err);
}

int disk_inside_take(const struct disk_driver *d, virDomainPtr dom, struct disk_inside *disks,
                     size_t n, const char *name, bool quiesce, char *err) {
        char text[TEXT_LEN];
        int count = see(dom, disks, n, name, err), r;

        if (count > 0 && (size_t)count < n) {
                text_fmt(err, TEXT_LEN, "only %d of its %zu disks have the snapshot %.30s inside",
                         count, n, name);
                return -EUCLEAN;
        }
        if (count > 0 && quiesce)
                disk_thaw(dom); /* by a call that was cut off */
        if (count != 0)
                return count < 0 ? count : 0;
        r = disk_step(d, "inside-take", err);
        if (r < 0)
                return r;
        if (quiesce)
                r = freeze(dom, err);
        if (r == 0)
                r = take(dom, disks, n, name, err);
        if (quiesce)
                disk_thaw(dom);
        if (r == 0 || r == -ENOTCONN || r == -ETIMEDOUT)
                return r;
        return see(dom, disks, n, name, text) == (int)n ? 0 : r;
}

int disk_inside_delete(const struct disk_driver *d, virDomainPtr dom, const char *target,
                       const char *name, char *err) {
        struct disk_inside disk = {0};
        int r;

        text_set(disk.target, sizeof(disk.target), target);
        r = see(dom, &disk, 1, name, err);
        if (r <= 0)
                return r;
        r = disk_step(d, "inside-delete", err);
        if (r == 0)
                r = disk_qmp(dom, "blockdev-snapshot-delete-internal-sync",
                             json_pack("{s:s,s:s}", "device", disk.node, "name", name), NULL, err);
        return r;
}
