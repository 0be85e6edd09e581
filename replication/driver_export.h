/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the mirror driver share. Internal; see mirror.h. */
#pragma once

#include "replication/mirror.h"

#define EXPORT_FILE_LEN 320
#define EXPORT_REFUSED "nbd_co_send_structured_error" /* qemu-nbd traces it before it answers */

/** export_file() - the path of what is kept, "" the record, ".veto", ".0.log" */
void export_file(const struct export_place *p, const struct export *x, const char *what, char *ret);
void export_boot_id(char ret[UUID_LEN]);
/** export_start_time() - of a process, as /proc has it; false: there is none */
bool export_start_time(pid_t pid, uint64_t *ret, char *ret_state);
/** export_keep() - write the record down */
int export_keep(const struct export_place *p, const struct export *x, char *err);
/** export_spawn() - a server for disk @i of @x at @listener, which it gets */
int export_spawn(const struct export_place *p, struct export *x, size_t i, int listener,
                 const char *token, char *err);
