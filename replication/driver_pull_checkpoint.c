/* SPDX-License-Identifier: GPL-3.0-or-later */
/* P: checkpoints of hawd, what one that was cut off left, and the freezing of filesystems. */
#include <jansson.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_pull.h"

#define OURS "hawd-"
#define SCRATCH ".hawd-pull"
#define LOOK_EVERY_USEC 50000

void pull_checkpoint_name(char ret[PULL_CHECKPOINT_LEN], const struct pull_source *p,
                          const char *id) {
        text_fmt(ret, PULL_CHECKPOINT_LEN, OURS "%" PRIu32 "-%" PRIu64 "-%s", p->guest.serial,
                 p->gen, id);
}

void pull_scratch(char ret[DISK_PATH_LEN], const struct pull_disk *disk) {
        text_fmt(ret, DISK_PATH_LEN, "%s" SCRATCH, disk->path);
}

/* One of another run of QEMU has no bitmap: only its name can be forgotten. */
static int delete_one(virDomainPtr dom, virDomainCheckpointPtr c, char *err) {
        if (virDomainCheckpointDelete(c, 0) == 0)
                return 0;
        virResetLastError();
        if (virDomainCheckpointDelete(c, VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY) == 0)
                return 0;
        return disk_failed(dom, "a checkpoint is not deleted", err);
}

int pull_delete_others(const struct disk_driver *d, virDomainPtr dom, const char *keep, char *err) {
        virDomainCheckpointPtr *list = NULL;
        int n = virDomainListAllCheckpoints(dom, &list, 0), r = 0;

        if (n < 0)
                return disk_failed(dom, "its checkpoints cannot be seen", err);
        for (int i = 0; i < n; i++) {
                const char *name = virDomainCheckpointGetName(list[i]);

                if (r == 0 && name && strncmp(name, OURS, strlen(OURS)) == 0 &&
                    (!keep || strcmp(name, keep) != 0)) {
                        r = disk_step(d, "forget", err);
                        if (r == 0)
                                r = delete_one(dom, list[i], err);
                }
                (void)virDomainCheckpointFree(list[i]);
        }
        free(list);
        return r;
}

/* A bitmap whose checkpoint libvirt does not know any more: let it know it, and delete it. */
static void delete_bitmap(virDomainPtr dom, const char *target, const char *name) {
        char xml[512], text[TEXT_LEN];
        virDomainCheckpointPtr c;

        text_fmt(xml, sizeof(xml),
                 "<domaincheckpoint><name>%s</name><creationTime>%" PRIu64 "</creationTime>"
                 "<disks><disk name='%s' checkpoint='bitmap' bitmap='%s'/></disks>"
                 "</domaincheckpoint>",
                 name, now_wall() / USEC_PER_SEC, target, name);
        c = virDomainCheckpointCreateXML(dom, xml, VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE);
        if (!c || delete_one(dom, c, text) < 0)
                virResetLastError(); /* it costs a little memory, and the next time is soon enough
                                      */
        if (c)
                (void)virDomainCheckpointFree(c);
}

static bool ours(const char *name) {
        return name && strncmp(name, OURS, strlen(OURS)) == 0 &&
               strlen(name) < PULL_CHECKPOINT_LEN &&
               strspn(name + strlen(OURS), "0123456789abcdef-") == strlen(name + strlen(OURS));
}

static void delete_bitmaps(const struct disk_driver *d, virDomainPtr dom, const char *target) {
        char source[DISK_PATH_LEN], text[TEXT_LEN];
        const char *const args[] = {"info", "-U", "-f", "qcow2", "--output=json", source, NULL};
        _cleanup_(freep) char *out = NULL;
        json_t *j, *bitmap;
        size_t i;

        if (disk_live_source(dom, target, source, text) < 0 || disk_tool(d, args, &out, text) < 0)
                return;
        j = json_loads(out, 0, NULL);
        json_array_foreach(
                json_object_get(json_object_get(json_object_get(j, "format-specific"), "data"),
                                "bitmaps"),
                i, bitmap) {
                const char *name = json_string_value(json_object_get(bitmap, "name"));

                if (ours(name))
                        delete_bitmap(dom, target, name);
        }
        json_decref(j);
}

int pull_forget(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
                char *err) {
        int r = pull_delete_others(d, dom, NULL, err);

        for (size_t i = 0; r == 0 && i < p->guest.n; i++)
                if (strcmp(p->guest.disks[i].format, "qcow2") == 0)
                        delete_bitmaps(d, dom, p->guest.disks[i].target);
        return r;
}

/* Return: 1 a backup of hawd's is under way, 0 none is, -EBUSY another one is, -errno. */
static int under_way(virDomainPtr dom, char *err) {
        _cleanup_(freep) char *xml = virDomainBackupGetXMLDesc(dom, 0);
        virErrorPtr e = virGetLastError();

        if (xml && strstr(xml, SCRATCH "'"))
                return 1;
        if (xml) {
                text_set(err, TEXT_LEN, "somebody else's backup of it is under way");
                return -EBUSY;
        }
        if (e && e->code == VIR_ERR_NO_DOMAIN_BACKUP) {
                virResetLastError();
                return 0;
        }
        return disk_failed(dom, "its backup cannot be seen", err);
}

int pull_end(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
             const char *step, char *err) {
        bool told = false;
        char path[DISK_PATH_LEN];
        int r;

        while ((r = under_way(dom, err)) > 0) {
                r = disk_step(d, step, err);
                if (r < 0)
                        return r;
                if (!told && virDomainAbortJob(dom) < 0 && under_way(dom, err) > 0)
                        return disk_failed(dom, "its backup does not end", err);
                told = true;
                (void)usleep(LOOK_EVERY_USEC);
        }
        for (size_t i = 0; r == 0 && i < p->guest.n; i++) {
                pull_scratch(path, &p->guest.disks[i]);
                (void)unlink(path); /* one of a libvirtd that was killed would be in the way */
        }
        return r;
}

void pull_thaw(virDomainPtr dom) {
        char text[TEXT_LEN];

        if (virDomainFSThaw(dom, NULL, 0, 0) < 0)
                (void)disk_failed(dom, "thaw", text); /* they were not frozen, or nobody answers */
}

int pull_clear(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
               bool thaw, char *err) {
        if (thaw)
                pull_thaw(dom);
        return pull_end(d, dom, p, "clear", err);
}
