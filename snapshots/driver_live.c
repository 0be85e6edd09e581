/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that runs: libvirt has QEMU switch to overlays, and commit one into another. */
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "snapshots/driver.h"

#define LOOK_EVERY_USEC 50000
#define XML_LEN ((size_t)LIVE_DISKS_MAX * (DISK_PATH_LEN + 256))

int disk_failed(virDomainPtr dom, const char *what, char *err) {
        virErrorPtr e = virGetLastError();
        int code = e ? e->code : VIR_ERR_OK;

        text_fmt(err, TEXT_LEN, "%s: %.150s", what, e && e->message ? e->message : "unknown error");
        virResetLastError();
        if (code == VIR_ERR_NO_DOMAIN)
                return -ESRCH;
        if (virConnectIsAlive(virDomainGetConnect(dom)) != 1 || code == VIR_ERR_RPC)
                return -ENOTCONN;
        if (code == VIR_ERR_OPERATION_TIMEOUT)
                return -ETIMEDOUT;
        return -EIO;
}

static void attribute(xmlNode *disk, const char *child, const char *name, char *ret, size_t size) {
        for (xmlNode *n = disk->children; n; n = n->next) {
                xmlChar *s;

                if (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, child) != 0)
                        continue;
                s = xmlGetProp(n, (const xmlChar *)name);
                if (s)
                        text_set(ret, size, (const char *)s);
                xmlFree(s);
                return;
        }
}

/* All of them, into LIVE_DISKS_MAX. Return: how many, or -errno. */
static int list_disks(virDomainPtr dom, struct live_disk *disks, char *err) {
        _cleanup_(freep) char *xml = virDomainGetXMLDesc(dom, 0);
        xmlDoc *doc = xml ? xmlReadDoc((const xmlChar *)xml, NULL, NULL,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
                          : NULL;
        xmlXPathContext *ctx = doc ? xmlXPathNewContext(doc) : NULL;
        xmlXPathObject *found =
                ctx ? xmlXPathEvalExpression((const xmlChar *)"/domain/devices/disk", ctx) : NULL;
        int n = -EIO;

        if (!xml) {
                n = disk_failed(dom, "its disks cannot be seen", err);
        } else if (!found) {
                text_set(err, TEXT_LEN, "its XML cannot be read");
        } else if (found->nodesetval && found->nodesetval->nodeNr > LIVE_DISKS_MAX) {
                text_fmt(err, TEXT_LEN, "it has more than %d disks", LIVE_DISKS_MAX);
                n = -E2BIG;
        } else {
                n = found->nodesetval ? found->nodesetval->nodeNr : 0;
                for (int i = 0; i < n; i++) {
                        disks[i] = (struct live_disk){0};
                        attribute(found->nodesetval->nodeTab[i], "target", "dev", disks[i].target,
                                  sizeof(disks[i].target));
                        attribute(found->nodesetval->nodeTab[i], "source", "file", disks[i].source,
                                  sizeof(disks[i].source));
                        attribute(found->nodesetval->nodeTab[i], "alias", "name", disks[i].alias,
                                  sizeof(disks[i].alias));
                }
        }
        xmlXPathFreeObject(found);
        xmlXPathFreeContext(ctx);
        xmlFreeDoc(doc);
        return n;
}

int disk_live_find(virDomainPtr dom, const char *target, struct live_disk *ret, char *err) {
        _cleanup_(freep) struct live_disk *disks = xcalloc(LIVE_DISKS_MAX, sizeof(*disks));
        int n = list_disks(dom, disks, err);

        for (int i = 0; i < n; i++)
                if (strcmp(disks[i].target, target) == 0) {
                        *ret = disks[i];
                        return 0;
                }
        if (n < 0)
                return n;
        text_fmt(err, TEXT_LEN, "it has no disk %.30s", target);
        return -ENOENT;
}

int disk_live_source(virDomainPtr dom, const char *target, char ret[DISK_PATH_LEN], char *err) {
        struct live_disk disk;
        int r = disk_live_find(dom, target, &disk, err);

        if (r == 0 && !disk.source[0]) {
                text_fmt(err, TEXT_LEN, "its disk %.30s is no file", target);
                r = -ENOENT;
        }
        if (r == 0)
                text_set(ret, DISK_PATH_LEN, disk.source);
        return r;
}

static bool plain(const char *s) {
        return s[0] && !strpbrk(s, "<>&'\"\n\r\t");
}

/* All disks by name: one that is not named would get an overlay of libvirt's choice. */
static int snapshot_xml(virDomainPtr dom, const struct disk_switch *s, size_t n, char *xml,
                        char *err) {
        _cleanup_(freep) struct live_disk *disks = xcalloc(LIVE_DISKS_MAX, sizeof(*disks));
        int n_disks = list_disks(dom, disks, err);
        size_t found = 0, len;

        if (n_disks < 0)
                return n_disks;
        text_set(xml, XML_LEN, "<domainsnapshot><disks>");
        for (int i = 0; i < n_disks; i++) {
                const struct disk_switch *to = NULL;

                for (size_t k = 0; k < n; k++)
                        if (strcmp(s[k].target, disks[i].target) == 0)
                                to = &s[k];
                len = strlen(xml);
                if (!plain(disks[i].target) || (to && !plain(to->overlay))) {
                        text_fmt(err, TEXT_LEN, "no quotes and brackets in names of disks: %.100s",
                                 to ? to->overlay : disks[i].target);
                        return -EINVAL;
                }
                found += to != NULL;
                if (to)
                        text_fmt(xml + len, XML_LEN - len,
                                 "<disk name='%s' snapshot='external' type='file'>"
                                 "<driver type='qcow2'/><source file='%s'/></disk>",
                                 to->target, to->overlay);
                else
                        text_fmt(xml + len, XML_LEN - len, "<disk name='%s' snapshot='no'/>",
                                 disks[i].target);
        }
        len = strlen(xml);
        text_set(xml + len, XML_LEN - len, "</disks></domainsnapshot>");
        if (found == n)
                return 0;
        text_fmt(err, TEXT_LEN, "of %zu disks to be switched it has %zu", n, found);
        return -ENOENT;
}

/* 1 all are switched, 0 none, -errno. */
static int is_switched(virDomainPtr dom, const struct disk_switch *s, size_t n, char *err) {
        size_t count = 0;

        for (size_t i = 0; i < n; i++) {
                char source[DISK_PATH_LEN];
                int r = disk_live_source(dom, s[i].target, source, err);

                if (r < 0)
                        return r;
                count += strcmp(source, s[i].overlay) == 0;
        }
        if (count == 0 || count == n)
                return count > 0;
        text_fmt(err, TEXT_LEN, "%zu of %zu disks were switched", count, n);
        return -ENOTCONN;
}

/* QEMU would take any file: it has to rest on what it writes now. */
static int check_overlays(const struct disk_driver *d, virDomainPtr dom,
                          const struct disk_switch *s, size_t n, char *err) {
        for (size_t i = 0; i < n; i++) {
                char source[DISK_PATH_LEN];
                struct disk_image im;
                int r = disk_live_source(dom, s[i].target, source, err);

                if (r == 0)
                        r = disk_look(d, s[i].overlay, "qcow2", &im, err);
                if (r < 0)
                        return r;
                if (im.seen.state != FILE_GOOD || strcmp(im.seen.backing, source) != 0) {
                        text_fmt(err, TEXT_LEN, "%.80s does not rest on %.80s", s[i].overlay,
                                 source);
                        return -EUCLEAN;
                }
        }
        return 0;
}

void disk_thaw(virDomainPtr dom) {
        char said[TEXT_LEN];

        /* libvirt thawed them itself, unless it was cut off: then this is what helps. */
        if (virDomainFSThaw(dom, NULL, 0, 0) < 0)
                (void)disk_failed(dom, "thaw", said);
}

int disk_switch(const struct disk_driver *d, virDomainPtr dom, const struct disk_switch *s,
                size_t n, bool quiesce, char *err) {
        unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY |
                         VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC |
                         VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA;
        _cleanup_(freep) char *xml = xcalloc(XML_LEN, 1);
        virDomainSnapshotPtr snap;
        char text[TEXT_LEN];
        int r = is_switched(dom, s, n, err), is;

        if (r > 0) { /* by a call that was cut off */
                if (quiesce)
                        disk_thaw(dom);
                return 0;
        }
        if (r == 0)
                r = check_overlays(d, dom, s, n, err);
        if (r == 0)
                r = snapshot_xml(dom, s, n, xml, err);
        if (r < 0)
                return r;
        if (quiesce) {
                flags |= VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE;
                (void)virDomainAgentSetResponseTimeout(dom, DISK_AGENT_SECONDS,
                                                       0); /* or its default */
        }
        r = disk_step(d, "switch", err);
        if (r < 0)
                return r;
        snap = virDomainSnapshotCreateXML(dom, xml, flags);
        if (snap) {
                virDomainSnapshotFree(snap);
                return 0;
        }
        r = disk_failed(dom, "QEMU does not switch", err);
        if (quiesce && r != -ESRCH)
                disk_thaw(dom);
        if (r == -ENOTCONN || r == -ETIMEDOUT)
                return r;
        is = is_switched(dom, s, n, text);
        if (is == 0)
                return r;
        if (is < 0)
                text_set(err, TEXT_LEN, text);
        return is > 0 ? 0 : is;
}

/* Return: 1 a commit is under way, 0 nothing is, -errno. */
static int under_way(virDomainPtr dom, const char *target, char *err) {
        virDomainBlockJobInfo info = {0};
        int r = virDomainGetBlockJobInfo(dom, target, &info, 0);

        if (r < 0)
                return disk_failed(dom, "its block job cannot be seen", err);
        if (r == 0)
                return 0;
        if (info.type == VIR_DOMAIN_BLOCK_JOB_TYPE_COMMIT)
                return 1;
        text_fmt(err, TEXT_LEN, "another block job is under way on %.30s", target);
        return -EBUSY;
}

static int wait_commit(const struct disk_driver *d, virDomainPtr dom, const char *target,
                       char *err) {
        char text[TEXT_LEN];
        int r, step;

        while ((r = under_way(dom, target, err)) > 0) {
                step = disk_step(d, "commit-wait", err);
                if (step < 0 && d->leave_commit) {
                        text_fmt(err, TEXT_LEN, "a commit goes on in its QEMU (%.30s)", target);
                        return -EINPROGRESS;
                }
                if (step < 0) {
                        if (virDomainBlockJobAbort(dom, target, 0) < 0)
                                (void)disk_failed(dom, "abort",
                                                  text); /* goes on, and does no harm */
                        return step;
                }
                (void)usleep(LOOK_EVERY_USEC);
        }
        return r;
}

static int begin_commit(const struct disk_driver *d, virDomainPtr dom, const char *target,
                        const char *top, const char *base, char *err) {
        struct disk_image im;
        int r = disk_look(d, top, "qcow2", &im, err);

        if (r == 0 && im.has_internal) {
                text_fmt(err, TEXT_LEN, "%.100s has snapshots inside, which a commit would lose",
                         top);
                r = -EUCLEAN;
        }
        if (r == 0)
                r = disk_step(d, "commit-begin", err);
        if (r == 0 && virDomainBlockCommit(dom, target, base, top, d->commit_mib_s, 0) < 0)
                r = disk_failed(dom, "QEMU does not commit", err);
        return r;
}

/* Return: 1 @current rests on @base, 0 on another file, -errno. */
static int is_committed(const struct disk_driver *d, const char *current, const char *base,
                        char *err) {
        struct disk_image im;
        int r = disk_look(d, current, "qcow2", &im, err);

        return r < 0 ? r : im.seen.state == FILE_GOOD && strcmp(im.seen.backing, base) == 0;
}

int disk_commit_live(const struct disk_driver *d, virDomainPtr dom, const char *target,
                     const char *over, const char *top, const char *base, char *err) {
        char current[DISK_PATH_LEN], text[TEXT_LEN];
        int r = disk_live_source(dom, target, current, err);

        if (r == 0 && strcmp(current, top) == 0) {
                text_fmt(err, TEXT_LEN, "the guest writes %.100s: an overlay over it first", top);
                r = -EBUSY;
        }
        if (r == 0)
                r = under_way(dom, target, err);
        if (r > 0 && virDomainBlockJobSetSpeed(dom, target, d->commit_mib_s, 0) < 0)
                (void)disk_failed(dom, "speed",
                                  text); /* it has ended meanwhile, or keeps its own */
        if (r == 0) {
                r = is_committed(d, over ? over : current, base, err);
                if (r != 0)
                        return r < 0 ? r : 0;
                r = begin_commit(d, dom, target, top, base, err);
        }
        if (r >= 0)
                r = wait_commit(d, dom, target, err);
        if (r < 0)
                return r;
        /* The job is over; whether it came to its end, the file itself says. */
        r = is_committed(d, over ? over : current, base, err);
        if (r == 0)
                text_fmt(err, TEXT_LEN, "the commit of %.80s did not come to its end", top);
        return r > 0 ? 0 : r < 0 ? r : -EAGAIN;
}
