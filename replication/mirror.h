/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mirror driver: disks of a guest copied by QEMU to another host, over NBD. For worker threads:
 * each call may take long. P is the host with the disks, R the one with the copy; a serial is one
 * run of copying.
 *
 *   P                                              R
 *                                                  export_listen()       a port, a secret
 *   hello_ask() ------ secret, disks, sizes -----> export_serve()        files, a qemu-nbd each
 *               <----- ports ---------------------
 *   mirror_begin() === NBD ======================> (they outlive hawd)
 *
 * On R the copy of PATH is PATH.hawd-replica-SERIAL, preallocated, and never PATH itself before it
 * is promoted. Promotion is two renames, repeated after a crash:
 *
 *   PATH -> PATH.hawd-left-SERIAL (empty when there is no PATH), PATH.hawd-replica-SERIAL -> PATH
 *
 * so a copy was promoted when the first exists and the last does not.
 *
 * A server of R serves one client and ends with it: while it lives, the mirror never broke off.
 * What it refused to write is in its log before P can know. R writes its veto down (fsync) before
 * it tells that a server has ended (S9).
 *
 * Measured with QEMU 7.2 and libvirt 9.0, two hosts, a guest that writes every 80 ms:
 *
 *   what happens                      | writes of the guest            | the job
 *   server killed, no delay           | go on at once, not mirrored    | ended
 *   server killed, delay of 5 s       | stand still for 5.1 s          | "ready", then ended
 *   R silent: frozen, link down,      | stand still, until TCP gives   | "ready"
 *     power lost                      |   up (15 min) and the delay    |
 *   yank, then cancel, in each state  | go on within 0.1 s             | ended
 *   cancel while R is silent          | QEMU's monitor hangs           |
 *   suspend, reset while R is silent  | the same; destroy takes 10 s   |
 *   suspend, cancel without force     | (paused) both are equal        | concluded without error
 *   refused by R's file system        | go on at once, not mirrored    | ended
 *
 * libvirt 9.0 does not pass the reconnect delay of NBD on to QEMU: so QEMU is told by itself
 * (virDomainQemuMonitorCommand, which marks the domain as tainted in libvirt's log). libvirt leaves
 * jobs alone that it does not know, after its own restart, too; QEMU refuses what would disturb
 * them. Job and node are named hawd-GID.SERIAL-TARGET, by which a hawd that was restarted finds
 * them.
 *
 * Errors: negative errno with a text that names the cause. -ENOTCONN and -ETIMEDOUT of a call on a
 * domain: it may still take effect.
 */
#pragma once

#include <libvirt/libvirt.h>
#include <sys/types.h>

#include "hawd/base/base.h"

#define MIRROR_DISKS_MAX 16
#define MIRROR_PATH_LEN 512
#define MIRROR_TARGET_LEN 16 /* a node's name has 31 bytes */
#define MIRROR_TOKEN_LEN 33  /* 128 random bits */
#define MIRROR_WHERE_LEN 256
#define MIRROR_HELLO_USEC (600 * USEC_PER_SEC) /* R waits so long for P */

struct mirror_disk {
        char target[MIRROR_TARGET_LEN]; /* vda */
        char path[MIRROR_PATH_LEN];
        char format[8]; /* raw, qcow2; never probed */
        uint64_t size;  /* virtual, bytes; told by P */
};

struct mirror_disks {
        struct mirror_disk disks[MIRROR_DISKS_MAX];
        size_t n;
};

/** struct mirror_work - how long, and whether it is wanted any more; borrowed */
struct mirror_work {
        usec_t deadline; /* CLOCK_BOOTTIME */
        /* Asked before each side effect, by its name: false ends the call with -ECANCELED. */
        bool (*go_on)(void *userdata, const char *step);
        void *userdata;
};

/** mirror_step() - 0, or -ECANCELED or -ETIMEDOUT with @err */
int mirror_step(const struct mirror_work *w, const char *step, char *err);

/* ---- files of R ------------------------------------------------------------------------------ */

/**
 * copy_make() - the file that receives, of the disk's format and size, preallocated
 *
 * An older copy is renamed: it will be written in full. Steps: make, place. Return: 0; -ENOSPC with
 * what is missing; -errno.
 */
int copy_make(const struct mirror_work *w, const struct mirror_disk *d, uint32_t serial, char *err);

/**
 * copy_promote() - the copies of @serial become the disks; what was there is kept (S8)
 *
 * The server must be gone. All of them, or none is begun. Steps, for each: leave, promote. Return:
 * 0, also when they were promoted before; -ENOENT a copy is gone; -errno, to be repeated.
 */
int copy_promote(const struct mirror_work *w, const struct mirror_disks *disks, uint32_t serial,
                 char *err);

/**
 * pull_promote_ready() - the copies of an asynchronous replica are at rest (pull.h), alone with
 * them
 *
 * Before copy_promote(). Steps: those of pull_settle(). Return: 0, -ENODATA there is no whole copy.
 */
int pull_promote_ready(const struct mirror_work *w, const struct mirror_disks *disks,
                       uint32_t serial, char *err);

/** copy_drop() - remove every copy, of whatever serial; what was left is kept */
int copy_drop(const struct mirror_disks *disks, char *err);

/** copy_path() - PATH.hawd-WHAT-SERIAL, into MIRROR_PATH_LEN + 32 bytes */
void copy_path(const char *path, const char *what, uint32_t serial, char *ret);

/* ---- servers of R ---------------------------------------------------------------------------- */

/** struct export - what R keeps of a serial, in its state folder as UUID.SERIAL */
struct export {
        char uuid[UUID_LEN];
        uint32_t gid, serial;
        char boot[UUID_LEN]; /* of the kernel that runs the servers */
        struct mirror_disks disks;
        struct export_server {
                pid_t pid;
                uint64_t start; /* of the process, clock ticks since boot */
        } servers[MIRROR_DISKS_MAX];
};

/** struct export_place - where R keeps what must outlive hawd; borrowed */
struct export_place {
        const char *folder;   /* made when it is missing */
        const char *qemu_nbd; /* NULL: "qemu-nbd", looked for in PATH */
        const char *tls_dir;  /* NULL: in the clear; else certificates, as QEMU has them */
        usec_t hold_usec;     /* see mirror_begin(); a server without P ends within half of it */
};

/**
 * export_listen() - at a free port of @address, for export_serve()
 * @where: MIRROR_WHERE_LEN bytes, for hello_ask(); holds the secret
 *
 * Return: a descriptor, -errno.
 */
int export_listen(const char *address, bool tls, char *where, char *err);

/**
 * export_serve() - wait for P at @listener, make the files, start the servers, write down, answer
 * @disks: what the guest's XML says; P must mean the same
 * @x: uuid, gid and serial are set; the rest is written
 *
 * Steps: hello, those of copy_make(), serve, keep. Return: 0: the servers run; else none does.
 */
int export_serve(const struct mirror_work *w, const struct export_place *p, int listener,
                 const char *where, const struct mirror_disks *disks, struct export *x, char *err);

/** export_lives() - all servers run, nothing was refused, there is no veto. @why: TEXT_LEN bytes */
bool export_lives(const struct export_place *p, const struct export *x, char *why);
/** export_pidfd() - of a server, readable when it ends. -ESRCH: it has; -errno. */
int export_pidfd(const struct export *x, size_t i);
/** export_veto() - written down for good: this serial is not up to date by itself (S9) */
int export_veto(const struct export_place *p, const struct export *x, const char *text, char *err);
/** export_end() - end the servers and see them gone */
int export_end(const struct export_place *p, const struct export *x, usec_t deadline, char *err);
/** export_forget() - what was kept of it, but for the copies */
void export_forget(const struct export_place *p, const struct export *x);
/** export_sweep() - what is left of serials before @serial that have no record: vetoes, logs */
void export_sweep(const struct export_place *p, const char *uuid, uint32_t serial);

/** export_read() - -ENOENT, -EUCLEAN it is not what was written */
int export_read(const struct export_place *p, const char *uuid, uint32_t serial, struct export *ret,
                char *err);
/** export_list() - all that is kept; malloc'ed. What cannot be read is left out. */
int export_list(const struct export_place *p, struct export **ret, size_t *ret_n, char *err);

/* ---- P --------------------------------------------------------------------------------------- */

/** struct mirror_ports - of R's servers, in the order of the disks */
struct mirror_ports {
        char address[128], token[MIRROR_TOKEN_LEN];
        bool tls;
        uint16_t port[MIRROR_DISKS_MAX];
};

/** hello_ask() - R makes room at @where and starts its servers. What R says against it is @err. */
int hello_ask(const struct mirror_work *w, const char *where, const struct mirror_disks *disks,
              uint32_t serial, struct mirror_ports *ret, char *err);

struct mirror_seen {
        uint32_t gid, serial; /* serial 0: nothing copies */
        size_t n;             /* disks that copy */
        bool ready;           /* all are in step */
        bool ended;           /* one has ended, or all are gone; error says why */
        uint64_t lag_bytes;
        char error[TEXT_LEN];
};

/** mirror_sizes() - of the disks that the guest has, which are @disks. -EUCLEAN: they are not */
int mirror_sizes(virDomainPtr dom, struct mirror_disks *disks, char *err);

/**
 * mirror_begin() - copy each disk in full, and each write with it from now on
 * @hold_usec: a write waits at least so long for R before QEMU goes on alone
 * @tls_dir: NULL, or P's certificates; needed when R wants TLS
 *
 * Steps: mirror, for each disk. Return: 0: they copy; else none does.
 */
int mirror_begin(const struct mirror_work *w, virDomainPtr dom, const struct mirror_disks *disks,
                 const struct mirror_ports *ports, uint32_t gid, uint32_t serial, usec_t hold_usec,
                 const char *tls_dir, char *err);

/** mirror_look() - what copies in this domain, of whatever serial */
int mirror_look(virDomainPtr dom, struct mirror_seen *ret, char *err);

/** mirror_cancel() - end it, whatever state R is in; the guest goes on alone */
int mirror_cancel(const struct mirror_work *w, virDomainPtr dom, uint32_t serial, char *err);

/**
 * mirror_final() - the guest is suspended, and its copies are equal
 * @ret_serial: of the copies; 0: it is not in step, and was not touched
 *
 * For a guest that is destroyed next. Return: 0; -errno: it may be suspended, and is not equal.
 */
int mirror_final(const struct mirror_work *w, virDomainPtr dom, uint32_t *ret_serial, char *err);
