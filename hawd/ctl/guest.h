/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of hawctl guest that change something. */
#pragma once

#include "hawd/ctl/ctl.h"

#define GUEST_SETTINGS_HELP                                                                        \
        "Settings: priority=N, after=GUEST,..., start-timeout=TIME, stop-timeout=TIME, "           \
        "boot-time=TIME,\nrecovery='restart relocate rollback', restart-limit=N, "                 \
        "relocate-limit=N, "                                                                       \
        "rollback-limit=N, restart-window=TIME,\nhealthy-after=TIME, "                             \
        "health=auto|agent|watchdog|progress|none, "                                               \
        "on-shutdown=respect|restart, hang-after=TIME,\n"                                          \
        "snapshot=off|1h|daily|auto, snapshot-keep='last 3 daily 7', snapshot-space=SIZE, "        \
        "snapshot-keep-left=TIME,\nsnapshot-quiesce=auto|always|never, "                           \
        "snapshot-kind=external|internal.\nTimes as in 90s, 2min."

#define GUEST_SETTING_OPTIONS                                                                      \
        {"priority", "N", "higher is recovered first (100)"},                                      \
                {"after", "A,B", "start only when these guests are healthy"}, {                    \
                "set", "KEY=VALUE", "any setting, see hawctl guest set --help; may be repeated"    \
        }

int guest_add(struct ctl *ctl, const struct ctl_args *args);
int guest_create(struct ctl *ctl, const struct ctl_args *args);
int guest_set(struct ctl *ctl, const struct ctl_args *args);
int guest_start(struct ctl *ctl, const struct ctl_args *args);
int guest_stop(struct ctl *ctl, const struct ctl_args *args);
int guest_ignore(struct ctl *ctl, const struct ctl_args *args);
int guest_pause(struct ctl *ctl, const struct ctl_args *args);
int guest_resume(struct ctl *ctl, const struct ctl_args *args);
int guest_recover(struct ctl *ctl, const struct ctl_args *args);
int guest_move(struct ctl *ctl, const struct ctl_args *args);
int guest_delete(struct ctl *ctl, const struct ctl_args *args);
int guest_remove(struct ctl *ctl, const struct ctl_args *args);
