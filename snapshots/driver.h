/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots of disks by qemu-img and libvirt. For worker threads: each call may take long.
 *
 * Overlays are qcow2 files beside the disk, made by hawd itself (name decided before, backing file
 * and its format written into them) and only then given to QEMU. resume.h says why every step may
 * be the last one. Formats are recorded, never probed: a raw disk is what its guest wrote into it.
 *
 * Errors: negative errno with a text that names the cause. -ENOTCONN and -ETIMEDOUT of a call on a
 * domain: it may still take effect.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "snapshots/resume.h"

#define DISK_CHAIN_MAX 32
#define DISK_TARGET_LEN 32
#define DISKS_MAX 16 /* disks of a guest */
#define DISK_AGENT_SECONDS 10

/** struct disk_driver - how a job's calls are made; all borrowed */
struct disk_driver {
        const char *qemu_img;  /* NULL: "qemu-img", looked for in PATH */
        usec_t deadline;       /* CLOCK_BOOTTIME */
        uint32_t commit_mib_s; /* of a guest that runs: not faster; 0: no limit */
        bool leave_commit;     /* go_on("commit-wait") is false: QEMU goes on alone, -EINPROGRESS */
        /* Asked right before each side effect, by its name: false ends the call with -ECANCELED
         * (S6).
         */
        bool (*go_on)(void *userdata, const char *step);
        void *userdata;
};

/** struct disk_image - what a file says of itself */
struct disk_image {
        struct file_seen seen;
        char backing_format[16]; /* "": rests on nothing */
        uint64_t size, used;     /* bytes: virtual, on the disk */
        bool has_internal;       /* snapshots inside of it */
};

struct disk_layer {
        char path[DISK_PATH_LEN];
        char format[16];
        struct disk_image image;
};

struct disk_chain {
        struct disk_layer layers[DISK_CHAIN_MAX]; /* the guest's file first */
        size_t n;
};

/**
 * disk_look() - at one file
 * @format: "qcow2" or "raw"
 *
 * Return: 0 whatever state it is in; -ETIMEDOUT, -ECANCELED, or -errno of qemu-img itself with
 * @err.
 */
int disk_look(const struct disk_driver *d, const char *path, const char *format,
              struct disk_image *ret, char *err);

/**
 * disk_read_chain() - @path and all that it rests on
 * @given: the disk as its owner gave it; what is over it is hawd's and lies in the same folder
 * @ret: written in any case; the layers that were seen
 *
 * Return: 0, -EUCLEAN a layer is not as it should be, -ELOOP more than DISK_CHAIN_MAX, else as
 * disk_look().
 */
int disk_read_chain(const struct disk_driver *d, const char *path, const char *format,
                    const char *given, struct disk_chain *ret, char *err);

/**
 * disk_newest_overlay() - the highest number of an overlay that hawd may have made for @given
 * @ret: 0: there is none beside it, as in a folder that is not there or not for hawd to read
 *
 * By the names alone, whatever is in the files. Return: 0, -errno with @err: the folder does not
 * say.
 */
int disk_newest_overlay(const char *given, uint32_t *ret, char *err);

/**
 * disk_make_overlay() - an empty @overlay over @base, whole or not at all
 *
 * Steps: create, place. Return: 0, -EEXIST there is such a file, else -errno; then there is none.
 */
int disk_make_overlay(const struct disk_driver *d, const char *overlay, const char *base,
                      const char *base_format, char *err);

/**
 * disk_commit_offline() - @top into @base; @current, over @top, rests on @base afterwards
 *
 * For a guest that does not run; repeated after a crash. Steps: commit, rebase.
 */
int disk_commit_offline(const struct disk_driver *d, const char *current, const char *top,
                        const char *base, const char *base_format, char *err);

/**
 * disk_remove() - @path, on which none of @others rests
 * @others: all qcow2 files of the guest; itself and what is missing do not matter
 *
 * Step: remove. Return: 0, also when it is gone already; -EBUSY something rests on it, or may.
 */
int disk_remove(const struct disk_driver *d, const char *path, const char *const *others,
                size_t n_others, char *err);

/* ---- inside of qcow2 files ------------------------------------------------------------------- */

/** What may be done inside of a qcow2 file that nobody has open. */
enum disk_internal { DISK_INTERNAL_TAKE, DISK_INTERNAL_REVERT };

/**
 * disk_internal() - a snapshot inside of @path, whose guest does not run
 * @left: REVERT: what is left is kept under this name first (S8)
 * @done: REVERT: made when it is done, and while it is there nothing is done any more: the guest
 * may have run since
 *
 * May be repeated after a crash at any moment. Steps: internal-keep, internal, internal-done.
 */
int disk_internal(const struct disk_driver *d, enum disk_internal what, const char *path,
                  const char *name, const char *left, const char *done, char *err);

/** disk_internal_tidy() - the marks that REVERT made in @path, whose guest does not run, go. Step:
 * internal-tidy, for each. */
int disk_internal_tidy(const struct disk_driver *d, const char *path, char *err);

#define DISK_NODE_LEN 64

struct disk_inside {
        char target[DISK_TARGET_LEN]; /* vda */
        char node[DISK_NODE_LEN];     /* as QEMU calls it; written by the calls below */
        bool there;                   /* the snapshot; the same */
};

/**
 * disk_inside_take() - snapshots @name inside of all disks of a guest that runs, or of none
 * @quiesce: as for disk_switch()
 *
 * Step: inside-take. Return: 0, also when they are there already; -EUCLEAN only some are; -ENOTCONN
 * and -ETIMEDOUT they may be yet; else they are not.
 */
int disk_inside_take(const struct disk_driver *d, virDomainPtr dom, struct disk_inside *disks,
                     size_t n, const char *name, bool quiesce, char *err);

/** disk_inside_delete() - of one disk of a guest that runs. Step: inside-delete. */
int disk_inside_delete(const struct disk_driver *d, virDomainPtr dom, const char *target,
                       const char *name, char *err);

/* ---- of a guest that runs
 * -------------------------------------------------------------------------
 */

struct disk_switch {
        char target[DISK_TARGET_LEN]; /* vda */
        char overlay[DISK_PATH_LEN];
};

/** disk_live_source() - the file that QEMU writes. Return: 0, -ENOENT no such disk, -errno. */
int disk_live_source(virDomainPtr dom, const char *target, char ret[DISK_PATH_LEN], char *err);

/**
 * disk_switch() - QEMU goes on in the overlays, all of them or none
 * @quiesce: the guest's agent freezes its filesystems meanwhile; they are thawed whatever happens
 *
 * Step: switch. Return: 0, also when they were switched before; -EUCLEAN an overlay rests on
 * another file than the guest writes; -ENOTCONN and -ETIMEDOUT it may still; else it did not and
 * will not.
 */
int disk_switch(const struct disk_driver *d, virDomainPtr dom, const struct disk_switch *s,
                size_t n, bool quiesce, char *err);

/**
 * disk_commit_live() - @top into @base, while the guest writes a file over @top
 * @over: the file that rests on @top, and on @base afterwards; NULL: the one that the guest writes
 *
 * Joins a commit that is under way already; one that has come to its end is done. Steps:
 * commit-begin, commit-wait (each time it looks). What is cancelled can be done again.
 */
int disk_commit_live(const struct disk_driver *d, virDomainPtr dom, const char *target,
                     const char *over, const char *top, const char *base, char *err);

/* ---- internal
 * -------------------------------------------------------------------------------------
 */

/** disk_tool() - run qemu-img with @args, NULL-terminated; *ret_out, malloc'ed, may be NULL */
int disk_tool(const struct disk_driver *d, const char *const *args, char **ret_out, char *err);
/** disk_sync() - what was written to @path is on the disk; of a folder: it knows the names */
int disk_sync(const char *path, char *err);
/** disk_thaw() - the guest's filesystems, if they are frozen */
void disk_thaw(virDomainPtr dom);
/** disk_step() - 0, or -ECANCELED or -ETIMEDOUT with @err */
int disk_step(const struct disk_driver *d, const char *step, char *err);

#define LIVE_DISKS_MAX 64 /* with those that are read alone */

struct live_disk {
        char target[DISK_TARGET_LEN];
        char source[DISK_PATH_LEN]; /* "": no file */
        char alias[64];             /* what libvirt calls it to QEMU */
};

/** disk_live_find() - what @target is now. Return: 0, -ENOENT no such disk, -errno. */
int disk_live_find(virDomainPtr dom, const char *target, struct live_disk *ret, char *err);
/**
 * disk_failed() - this thread's last error of libvirt, after @what
 *
 * Return: -ENOTCONN or -ETIMEDOUT no answer, so it may still take effect; -ESRCH, -EIO.
 */
int disk_failed(virDomainPtr dom, const char *what, char *err);
/** disk_failed_run() - of a call that no guest takes that does not run: -ESRCH then */
int disk_failed_run(virDomainPtr dom, const char *what, char *err);

struct json_t;

/**
 * disk_qmp() - a command to QEMU itself
 * @arguments: taken; NULL: none
 * @ret: NULL, or what it returns; the caller's, written only on 0
 *
 * Return: 0; -EIO QEMU refuses it; as disk_failed_run().
 */
int disk_qmp(virDomainPtr dom, const char *command, struct json_t *arguments, struct json_t **ret,
             char *err);
