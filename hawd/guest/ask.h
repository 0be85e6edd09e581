/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ask a guest to shut down, from a thread and connection beside the job's. Internal.
 *
 * The call waits for the guest's agent (a minute, whatever time-out is set) or for QEMU's monitor
 * (for ever); a stopped QEMU answers neither, and a destroy from another connection ends both. So
 * the job counts its grace meanwhile, destroys, and only then waits for this call to come back:
 * nothing of it may reach the guest's next run.
 */
#pragma once

#include "hawd/guest/shared.h"

struct ask;

/** ask_start() - by the agent if @agent and it takes it, else by ACPI. NULL: no thread. */
struct ask *ask_start(struct shared *shared, const char *uuid, bool agent);
/** ask_refused() - has libvirt said that it cannot ask? @text: TEXT_LEN bytes. */
bool ask_refused(struct ask *a, char *text);
/** ask_join() - nothing more is asked, and the call has returned. Returns NULL, takes NULL. */
struct ask *ask_join(struct ask *a);
