/* SPDX-License-Identifier: GPL-3.0-or-later */
/* P: one cycle, from R's offer to the mark. */
#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>

#include "hawd/base/clock.h"
#include "replication/driver_pull.h"

#define BITMAP "hawd"
#define AGENT_SECONDS 10
#define END_USEC (20 * USEC_PER_SEC)
#define XML_LEN ((size_t)PULL_DISKS_MAX * (DISK_PATH_LEN + 512))

struct cycle {
        const struct disk_driver *d;
        virDomainPtr dom;
        const struct pull_source *p;
        struct pull_peer mark;
        struct pull_mark offer;
        char buf[PULL_MARK_SIZE];
        char from[PULL_CHECKPOINT_LEN]; /* "": in full */
        char to[PULL_CHECKPOINT_LEN];
};

/* R cannot know it. */
static int say_sizes(struct cycle *c, char *err) {
        struct pull_mark m = c->offer;
        int r;

        for (size_t i = 0; i < c->p->guest.n; i++) {
                virDomainBlockInfo info;

                if (virDomainGetBlockInfo(c->dom, c->p->guest.disks[i].target, &info, 0) < 0)
                        return disk_failed(c->dom, "the size of a disk is not known", err);
                m.sizes[i] = info.capacity;
        }
        m.kind = PULL_SIZES;
        pull_mark_put(&m, c->buf);
        r = pull_write(&c->mark, c->buf, sizeof(c->buf), 0, true, err);
        if (r == 0)
                text_set(err, TEXT_LEN, "the replica host makes room");
        return r == 0 ? -EAGAIN : r;
}

static int read_offer(struct cycle *c, char *err) {
        const struct pull_where *w = c->p->to;
        int r;

        if (w->n != c->p->guest.n + 1) {
                text_fmt(err, TEXT_LEN, "the replica host serves %zu disks, and there are %zu",
                         w->n - 1, c->p->guest.n);
                return -EINVAL;
        }
        r = pull_connect(&c->mark, NULL, w->host, w->ports[w->n - 1], w->name, NULL,
                         c->p->guest.tls_dir, err);
        if (r == 0)
                r = c->mark.size == PULL_MARK_SIZE
                            ? pull_read(&c->mark, c->buf, sizeof(c->buf), 0, err)
                            : -EPROTO;
        if (r == 0 &&
            (pull_mark_get(c->buf, &c->offer) < 0 ||
             (c->offer.kind != PULL_OFFER && c->offer.kind != PULL_ASK) ||
             c->offer.serial != c->p->guest.serial || c->offer.disks != (uint32_t)c->p->guest.n))
                r = -EPROTO;
        if (r == -EPROTO)
                text_set(err, TEXT_LEN, "the replica host offers something else");
        return r == 0 && c->offer.kind == PULL_ASK ? say_sizes(c, err) : r;
}

static bool qcow2(const struct pull_disk *disk) {
        return strcmp(disk->format, "qcow2") == 0;
}

/* The checkpoint that belongs to R's copy is kept, and no other. */
static int choose(struct cycle *c, char *err) {
        virDomainCheckpointPtr there = NULL;

        pull_checkpoint_name(c->to, c->p, c->offer.id);
        if (c->offer.base[0]) {
                pull_checkpoint_name(c->from, c->p, c->offer.base);
                there = virDomainCheckpointLookupByName(c->dom, c->from, 0);
        }
        if (!there) {
                virResetLastError();
                c->from[0] = '\0';
                return pull_forget(c->d, c->dom, c->p, err);
        }
        (void)virDomainCheckpointFree(there);
        return pull_delete_others(c->d, c->dom, c->from, err);
}

static bool plain(const char *s) {
        return s[0] && !strpbrk(s, "<>&'\"\n\r\t");
}

__attribute__((format(printf, 2, 3))) static void add(char *xml, const char *fmt, ...) {
        size_t len = strlen(xml);
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(xml + len, XML_LEN - len, fmt, ap);
        va_end(ap);
}

static int describe(const struct cycle *c, char *backup, char *checkpoint, char *err) {
        bool any = false;

        add(backup, "<domainbackup mode='pull'><server transport='unix' socket='%s'/><disks>",
            c->p->socket);
        add(checkpoint, "<domaincheckpoint><name>%s</name><disks>", c->to);
        for (size_t i = 0; i < c->p->guest.n; i++) {
                const struct pull_disk *disk = &c->p->guest.disks[i];
                char scratch[DISK_PATH_LEN];

                if (!plain(disk->target) || !plain(disk->path) || !plain(c->p->socket)) {
                        text_fmt(err, TEXT_LEN, "no quotes and brackets in names of disks: %.100s",
                                 disk->path);
                        return -EINVAL;
                }
                pull_scratch(scratch, disk);
                add(backup, "<disk name='%s' backup='yes' type='file' exportname='%s' ",
                    disk->target, disk->target);
                if (c->from[0] && qcow2(disk))
                        add(backup,
                            "backupmode='incremental' incremental='%s' exportbitmap='" BITMAP "'",
                            c->from);
                else
                        add(backup, "backupmode='full'");
                add(backup, "><driver type='qcow2'/><scratch file='%s'/></disk>", scratch);
                if (qcow2(disk)) {
                        add(checkpoint, "<disk name='%s' checkpoint='bitmap'/>", disk->target);
                        any = true;
                }
        }
        add(backup, "</disks></domainbackup>");
        add(checkpoint, "</disks></domaincheckpoint>");
        if (!any)
                checkpoint[0] = '\0';
        return 0;
}

static int begin_once(struct cycle *c, usec_t *as_of, bool *broken, char *err) {
        _cleanup_(freep) char *backup = xcalloc(XML_LEN, 1);
        _cleanup_(freep) char *checkpoint = xcalloc(XML_LEN, 1);
        virErrorPtr e;
        int r = describe(c, backup, checkpoint, err);

        *broken = false;
        if (r == 0 && c->p->quiesce) {
                r = disk_step(c->d, "freeze", err);
                if (r == 0) {
                        (void)virDomainAgentSetResponseTimeout(c->dom, AGENT_SECONDS, 0);
                        if (virDomainFSFreeze(c->dom, NULL, 0, 0) < 0)
                                virResetLastError(); /* then as after a loss of power */
                }
        }
        if (r < 0)
                return r;
        r = disk_step(c->d, "begin", err);
        *as_of = now_wall();
        if (r == 0 &&
            virDomainBackupBegin(c->dom, backup, checkpoint[0] ? checkpoint : NULL, 0) < 0) {
                e = virGetLastError();
                *broken = e && e->code == VIR_ERR_CHECKPOINT_INCONSISTENT;
                r = disk_failed(c->dom, "no view of its disks", err);
        }
        if (c->p->quiesce)
                pull_thaw(c->dom);
        return r;
}

static int begin(struct cycle *c, usec_t *as_of, char *err) {
        bool broken;
        int r = begin_once(c, as_of, &broken, err);

        if (r == 0 || !broken || !c->from[0])
                return r;
        c->from[0] = '\0'; /* its bitmap is not what it should be: in full */
        r = pull_forget(c->d, c->dom, c->p, err);
        return r == 0 ? begin_once(c, as_of, &broken, err) : r;
}

static int copy_disk(struct cycle *c, size_t i, uint64_t *bytes, char *err) {
        const struct pull_disk *disk = &c->p->guest.disks[i];
        const struct pull_where *w = c->p->to;
        struct pull_peer from = {.d = c->d, .what = "QEMU's server", .step = "copy"};
        struct pull_peer to = {.d = c->d, .what = "the replica host", .step = "copy"};
        enum pull_how how = c->from[0] && qcow2(disk) ? PULL_CHANGED
                            : c->offer.base[0]        ? PULL_COMPARE
                                                      : PULL_FRESH;
        int r = pull_connect(&from, c->p->socket, NULL, 0, disk->target,
                             how == PULL_CHANGED ? "qemu:dirty-bitmap:" BITMAP : "base:allocation",
                             NULL, err);

        if (r == 0)
                r = pull_connect(&to, NULL, w->host, w->ports[i], w->name, NULL,
                                 c->p->guest.tls_dir, err);
        if (r == 0)
                r = pull_copy(&from, &to, how, bytes, err);
        pull_disconnect(&from);
        pull_disconnect(&to);
        return r;
}

static int write_mark(struct cycle *c, usec_t as_of, char *err) {
        struct pull_mark m = c->offer;
        int r = disk_step(c->d, "mark", err);

        m.kind = PULL_WHOLE;
        m.as_of = as_of;
        pull_mark_put(&m, c->buf);
        return r == 0 ? pull_write(&c->mark, c->buf, sizeof(c->buf), 0, true, err) : r;
}

static int run(struct cycle *c, struct pull_done *ret, char *err) {
        struct disk_driver last = *c->d;
        char text[TEXT_LEN];
        usec_t as_of;
        int r = read_offer(c, err), end;

        if (r < 0)
                return r;
        ret->base_as_of = c->offer.as_of;
        r = pull_end(c->d, c->dom, c->p, "clear", err);
        if (r == 0)
                r = choose(c, err);
        if (r == 0)
                r = begin(c, &as_of, err);
        ret->full = !c->from[0];
        for (size_t i = 0; r == 0 && i < c->p->guest.n; i++)
                r = copy_disk(c, i, &ret->bytes, err);
        if (r == 0)
                r = write_mark(c, as_of, err);
        if (r == 0)
                ret->as_of = as_of;
        /* Whether or not it was begun, as an answer may have been lost, and also when nothing more
         * is wanted: it holds up whatever else is to be done with the guest. */
        last.go_on = NULL;
        last.deadline = usec_add(now_boottime(), END_USEC);
        end = pull_end(&last, c->dom, c->p, "end", text);
        if (r == 0 && end == 0)
                (void)pull_delete_others(c->d, c->dom, c->to, text); /* or the next cycle does */
        return r;
}

int pull_cycle(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
               struct pull_done *ret, char *err) {
        struct cycle *c = xcalloc(1, sizeof(*c));
        int r;

        *ret = (struct pull_done){0};
        c->d = d;
        c->dom = dom;
        c->p = p;
        c->mark = (struct pull_peer){.d = d, .what = "the replica host", .step = "offer"};
        assert(p->guest.n >= 1 && p->guest.n <= PULL_DISKS_MAX);
        r = run(c, ret, err);
        pull_disconnect(&c->mark); /* before its buffer goes */
        free(c);
        return r;
}
