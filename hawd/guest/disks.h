/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disks of a guest with snapshots, for jobs: which files they are now. Internal; may wait for
 * disks.
 */
#pragma once

#include "hawd/guest/domxml.h"
#include "hawd/guest/job.h"
#include "snapshots/driver.h"

/** struct guest_disks - as the XML of a job has them */
struct guest_disks {
        struct dom_disk given[DISKS_MAX];
        size_t n;
};

/** disks_driver() - how a job calls the driver: it asks job_wanted() before each side effect */
struct disk_driver disks_driver(struct job *j);

/** disks_given() - of the job's XML, as its owner gave it. Return: 0, -errno with @err. */
int disks_given(const struct job *j, struct guest_disks *ret, char *err);

/** disks_inside() - can each have snapshots inside? Return: 0, -EOPNOTSUPP with @err. */
int disks_inside(const struct guest_disks *disks, char *err);

/**
 * disks_for_start() - the files that the guest starts from, into *@xml; makes what is not made yet
 * @xml: normalised; replaced, unless its snapshots are inside
 *
 * Of one without snapshots: only seen to. Return: 0, -ECANCELED not wanted any more, -EEXIST beside
 * a disk is an overlay that the ledger does not know (S8), else -errno with @err: which file is not
 * as it should be; nothing was started.
 */
int disks_for_start(struct job *j, struct blob **xml, char *err);

/** struct disk_files - all files of one disk that are hawd's, and the given one */
struct disk_files {
        char path[SNAPSHOTS_MAX + 1][DISK_PATH_LEN];
        const char *list[SNAPSHOTS_MAX + 1];
        size_t n;
};

/** disks_files() - for disk_remove(): what may rest on another one */
int disks_files(const struct guest_snaps *s, const struct dom_disk *given, struct disk_files *ret,
                char *err);
