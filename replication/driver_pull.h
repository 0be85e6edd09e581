/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asynchronous replicas by libvirt's pull backup, libnbd, qemu-nbd and qemu-img; pull.h says how.
 * For worker threads: each call may take long, and may be abandoned. Steps, deadline and errors are
 * those of snapshots/driver.h.
 *
 * Measured with QEMU 7.2 and libvirt 9.0:
 * - begin of a backup with a checkpoint 0.1 to 0.5 s, its end 0.05 to 0.15 s, deletion of a
 *   checkpoint 0.1 s. QEMU serves it on a socket of the host; the scratch file is removed by
 *   libvirt at the end of the job, also when QEMU was killed.
 * - A checkpoint lives on through a clean end of QEMU, and not through a kill: "missing or broken
 *   bitmap", and it can only be forgotten then. Between two runs of QEMU others may have written to
 *   the disk, so a checkpoint is used within one run only.
 * - Undefining a guest with its checkpoints' metadata leaves their bitmaps in the disk; one is got
 *   rid of by defining its checkpoint anew and deleting that.
 * - Raw disks: "checkpoint unsupported for storage type raw". They are read in full in each cycle,
 *   and what does not differ is not written.
 * - libvirt holds the guest's job as long as the backup: snapshot, save and migration wait 30 s and
 *   fail, destroying it does not.
 * - qemu-nbd takes its listening socket from who starts it (LISTEN_FDS) and ends with its last
 *   client, with status 0; a connection that comes while none runs waits for the next.
 */
#pragma once

#include <stdatomic.h>

#include "replication/pull.h"
#include "snapshots/driver.h"

struct pull_disk {
        char target[DISK_TARGET_LEN]; /* P: vda */
        char path[DISK_PATH_LEN];     /* the guest's disk */
        char format[16];              /* "raw" or "qcow2" */
        uint64_t size;                /* R: bytes */
};

/** struct pull_guest - both sides; all borrowed */
struct pull_guest {
        const struct pull_disk *disks;
        size_t n; /* 1 to PULL_DISKS_MAX */
        uint32_t serial;
        const char *tls_dir; /* ca-cert.pem, {client,server}-{cert,key}.pem; NULL: no TLS */
};

/* ---- R, the replica host
 * --------------------------------------------------------------------------------------
 */

/** pull_path() - of R's file of @path: "" the copy, ".next", ".mark", ".whole" */
void pull_path(char ret[DISK_PATH_LEN], const char *path, uint32_t serial, const char *suffix);

/**
 * pull_settle() - do what a crash left undone, so that the copy is at rest; no server may run
 *
 * Steps: adopt, commit, whole, clean. Before a promotion, too.
 *
 * @ret: of what it is as of
 * Return: 0, -ENODATA there is no whole copy, or as pull_resume() and disk_tool().
 */
int pull_settle(const struct disk_driver *d, const struct pull_guest *g, struct pull_mark *ret,
                char *err);

/**
 * pull_take_over() - the whole copy of an older serial becomes that of g->serial, which has none
 *
 * Step: take-over; repeated after a crash with the same serials. Return: 0, also when there is
 * nothing to take over; -errno.
 */
int pull_take_over(const struct disk_driver *d, const struct pull_guest *g, uint32_t older,
                   char *err);

/** pull_remove() - all files of a serial. Step: remove. Return: 0, -errno. */
int pull_remove(const struct disk_driver *d, const struct pull_guest *g, char *err);

/** struct pull_servers - listening sockets, kept from cycle to cycle */
struct pull_servers {
        int fds[PULL_DISKS_MAX + 1];
        struct pull_where where;
};

/** pull_listen() - on free ports of @host, an address of this host in numbers */
int pull_listen(const char *host, size_t disks, struct pull_servers *ret, char *err);
void pull_unlisten(struct pull_servers *s);

/**
 * pull_ask() - serve the question how large the disks are, until P has answered
 *
 * For a serial of which nothing is whole; otherwise pull_settle() says it. Steps: offer, serve.
 *
 * @sizes: of g->n disks; written on 0
 * Return: 0, -EAGAIN P broke off; as pull_serve().
 */
int pull_ask(const struct disk_driver *d, const struct pull_guest *g, const char *qemu_nbd,
             const struct pull_servers *s, uint64_t *sizes, char *err);

/** struct pull_entry - a thread that works on R's files of a serial; its go_on asks pull_halted()
 */
struct pull_entry {
        struct pull_entry *next;
        char path[DISK_PATH_LEN]; /* of the guest's first disk */
        uint32_t serial;
        atomic_bool halted;
};

void pull_enter(struct pull_entry *e, const struct pull_guest *g);
void pull_leave(struct pull_entry *e);
bool pull_halted(const struct pull_entry *e);

/**
 * pull_halt() - until no thread of this process works on them
 * @others: those of all other serials of the guest, instead of its own
 *
 * Return: 0, -ETIMEDOUT.
 */
int pull_halt(const struct pull_guest *g, bool others, usec_t deadline, char *err);

/**
 * pull_prepare() - the newest whole copy of an older serial is taken over; no other is kept
 *
 * Before the first pull_settle() of a serial. Steps: take-over, those of pull_settle(), remove.
 */
int pull_prepare(const struct disk_driver *d, const struct pull_guest *g, char *err);

/**
 * pull_serve() - one cycle: offer it, serve until P is done or gone, settle
 * @qemu_nbd: NULL: looked for in PATH
 * @s: from pull_listen(), for as many disks
 *
 * Its servers end with this thread at the latest. Steps: make, offer, serve (each time that it
 * looks), then those of pull_settle().
 *
 * @ret: of what the copy is as of, on 0
 * Return: 0 a cycle was whole, -EAGAIN it was broken off, -EBUSY a server was killed and does not
 * end: what is on the disk is not settled; else as pull_settle().
 */
int pull_serve(const struct disk_driver *d, const struct pull_guest *g, const char *qemu_nbd,
               const struct pull_servers *s, struct pull_mark *ret, char *err);

/* ---- P, the data host
 * -----------------------------------------------------------------------------------------
 */

/** struct pull_source - P's view of a guest that runs here; all borrowed */
struct pull_source {
        struct pull_guest guest;
        uint64_t gen;                /* of the run of QEMU */
        const struct pull_where *to; /* R's servers */
        const char *socket;          /* for QEMU's own server: a path that QEMU may make */
        bool quiesce;                /* its agent answers: freeze its filesystems meanwhile */
};

struct pull_done {
        usec_t base_as_of; /* R has a whole copy as of then; 0: none. Known as soon as R offers. */
        usec_t as_of;      /* on 0: and now as of then */
        bool full;         /* no checkpoint to go on from */
        uint64_t bytes;    /* written to R */
};

/**
 * pull_cycle() - bring R's copy up to date
 *
 * Steps: offer, clear, forget, freeze, begin, copy, mark; offer and copy each time that it looks.
 * The backup is ended in any case. What a cycle leaves that was cut off the next one clears, but
 * for filesystems that are frozen: see pull_clear().
 *
 * @ret: written in any case
 * Return: 0; -EAGAIN R does not offer a cycle now, or makes room first; -EACCES TLS with it fails;
 * -ENOTCONN, -ETIMEDOUT, -ECANCELED; -errno.
 */
int pull_cycle(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
               struct pull_done *ret, char *err);

/**
 * pull_clear() - end what a cycle left behind that was cut off, whether or not one was
 * @thaw: its agent answers
 *
 * Steps: clear. Return: 0, -EBUSY somebody else's backup is under way, -errno.
 */
int pull_clear(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
               bool thaw, char *err);

/** pull_forget() - delete all checkpoints of hawd, and the bitmaps that one left. Step: forget. */
int pull_forget(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
                char *err);

/* ---- internal
 * -------------------------------------------------------------------------------------------------
 */

/** pull_look() - at R's files. Return: 0, -errno. */
int pull_look(const struct pull_guest *g, struct pull_seen *ret, char *err);
/** pull_put() - @path is @m, on the disk, or what it was before */
int pull_put(const char *path, const struct pull_mark *m, char *err);
/** pull_sync(), pull_sync_folder() - a file's content; the names in the folder of @path */
int pull_sync(const char *path, char *err);
int pull_sync_folder(const char *path, char *err);

#define PULL_CHECKPOINT_LEN 64

/** pull_checkpoint_name() - of the cycle @id, in this run of QEMU */
void pull_checkpoint_name(char ret[PULL_CHECKPOINT_LEN], const struct pull_source *p,
                          const char *id);
/** pull_scratch() - where QEMU keeps what the guest overwrites meanwhile */
void pull_scratch(char ret[DISK_PATH_LEN], const struct pull_disk *disk);
/** pull_delete_others() - hawd's checkpoints but @keep; NULL: all */
int pull_delete_others(const struct disk_driver *d, virDomainPtr dom, const char *keep, char *err);
/** pull_end() - end hawd's backup, if there is one */
int pull_end(const struct disk_driver *d, virDomainPtr dom, const struct pull_source *p,
             const char *step, char *err);
void pull_thaw(virDomainPtr dom);

struct nbd_handle;

/** struct pull_peer - one end of a copy; from pull_connect() */
struct pull_peer {
        const struct disk_driver *d;
        const char *what; /* for errors */
        const char *step; /* each time that it looks */
        struct nbd_handle *nbd;
        uint64_t size;
};

/**
 * pull_connect() - to @socket, or else to @host and @port
 * @context: a metadata context that is needed, or NULL
 *
 * Return: 0, -EAGAIN nobody is there, -EACCES TLS fails, -ETIMEDOUT, -ECANCELED, -EPROTO.
 */
int pull_connect(struct pull_peer *p, const char *socket, const char *host, uint16_t port,
                 const char *name, const char *context, const char *tls_dir, char *err);
void pull_disconnect(struct pull_peer *p);
int pull_read(struct pull_peer *p, void *buf, size_t len, uint64_t offset, char *err);
/** pull_write() - @through: it is on the disk when this returns */
int pull_write(struct pull_peer *p, const void *buf, size_t len, uint64_t offset, bool through,
               char *err);

enum pull_how {
        PULL_CHANGED, /* what the dirty bitmap says */
        PULL_FRESH,   /* all, into a file that is all zeros */
        PULL_COMPARE, /* all that differs */
};

/** pull_copy() - from @from, connected with a context, and flush it; adds to *bytes */
int pull_copy(struct pull_peer *from, struct pull_peer *to, enum pull_how how, uint64_t *bytes,
              char *err);
