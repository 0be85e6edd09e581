/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libvirt/libvirt.h>

#include "hawd/guest/lifecycle.h"

static struct lifecycle_note *find(struct lifecycle *l, const char *uuid) {
        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->notes[i].raw.uuid, uuid) == 0)
                        return &l->notes[i];
        return NULL;
}

static void forget(struct lifecycle *l, const char *uuid) {
        struct lifecycle_note *n = find(l, uuid);

        if (n)
                *n = l->notes[--l->n];
}

static void keep(struct lifecycle *l, const struct lifecycle_raw *raw, usec_t due) {
        struct lifecycle_note *n = find(l, raw->uuid);

        if (!n) {
                if (l->n == l->cap) {
                        l->cap = l->cap ? 2 * l->cap : 8;
                        l->notes = xreallocarray(l->notes, l->cap, sizeof(*l->notes));
                }
                n = &l->notes[l->n++];
        }
        n->raw = *raw;
        n->due = due;
}

/* A pause, and what QEMU paused it for. @disk: which one and why, if that was said. */
static void paused_by(int detail, const char *disk, struct domain_seen *d) {
        const char *text = "";

        d->state = SEEN_PAUSED;
        switch (detail) {
        case VIR_DOMAIN_EVENT_SUSPENDED_IOERROR:
                d->end_why = END_IO_ERROR;
                text = "paused by an I/O error of its disk";
                break;
        case VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG:
                d->end_why = END_WATCHDOG;
                text = "paused by its watchdog, which ran out";
                break;
        case VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR:
                text = "paused by libvirt after an error";
                break;
        case VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED:
                text = "paused, its post-copy migration failed";
                break;
        default:
                break;
        }
        text_fmt(d->text, sizeof(d->text), "%s%s%s", text, disk[0] ? " " : "", disk);
}

static bool is_note(const struct lifecycle_note *n, int event) {
        return n && n->raw.event == event;
}

/* What a STOPPED means, given what came before it and said who asked, if anything did. */
static enum end_why stop_why(const struct lifecycle_raw *raw, const struct lifecycle_note *before,
                             char *text) {
        const char *who = "";
        enum end_why why = END_UNKNOWN;

        if (is_note(before, LIFECYCLE_WATCHDOG) &&
            raw->detail != VIR_DOMAIN_EVENT_STOPPED_DESTROYED) {
                text_set(text, TEXT_LEN, "its watchdog ran out, and QEMU ended it");
                return END_WATCHDOG;
        }
        switch (raw->detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
                if (!is_note(before, VIR_DOMAIN_EVENT_SHUTDOWN)) {
                        who = "ended without saying why";
                } else if (before->raw.detail == VIR_DOMAIN_EVENT_SHUTDOWN_HOST) {
                        why = END_HOST_SHUTDOWN;
                        who = "QEMU was told to end from the host side";
                } else {
                        why = END_GUEST_SHUTDOWN;
                        who = "shut down from inside";
                }
                break;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
                why = END_DESTROYED;
                who = "destroyed by somebody on its host";
                break;
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
                why = END_CRASHED;
                who = "the guest's kernel panicked";
                break;
        case VIR_DOMAIN_EVENT_STOPPED_MIGRATED:
                why = END_DESTROYED;
                who = "migrated away by somebody else";
                break;
        case VIR_DOMAIN_EVENT_STOPPED_SAVED:
                why = END_DESTROYED;
                who = "saved to a file by somebody else";
                break;
        case VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT:
                why = END_DESTROYED;
                who = "reverted to a snapshot of a stopped guest by somebody else";
                break;
        case VIR_DOMAIN_EVENT_STOPPED_FAILED:
                why = END_FAILED;
                who = "QEMU died";
                break;
        default:
                break;
        }
        if (raw->text[0])
                text_fmt(text, TEXT_LEN, "%s: %s", who, raw->text);
        else
                text_set(text, TEXT_LEN, who);
        return why;
}

static void seen_of(const struct lifecycle_raw *raw, enum seen_state state, const char *text,
                    struct domain_seen *ret) {
        *ret = (struct domain_seen){.state = state, .wall = raw->wall};
        text_set(ret->uuid, sizeof(ret->uuid), raw->uuid);
        text_set(ret->name, sizeof(ret->name), raw->name);
        text_set(ret->text, sizeof(ret->text), text);
}

/*
 * The watchdog device ran out. What QEMU does by itself ends nothing, or comes as its own event:
 * the guest is to be recovered either way. Only an end is waited for: it says SEEN_GONE.
 */
static bool take_watchdog(struct lifecycle *l, const struct lifecycle_raw *raw,
                          struct domain_seen *ret) {
        static const char *const actions[] = {
                [VIR_DOMAIN_EVENT_WATCHDOG_NONE] = "none",
                [VIR_DOMAIN_EVENT_WATCHDOG_PAUSE] = "pause",
                [VIR_DOMAIN_EVENT_WATCHDOG_RESET] = "reset",
                [VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF] = "poweroff",
                [VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN] = "shutdown",
                [VIR_DOMAIN_EVENT_WATCHDOG_DEBUG] = "debug",
                [VIR_DOMAIN_EVENT_WATCHDOG_INJECTNMI] = "inject-nmi",
        };
        bool known = raw->detail >= 0 && (size_t)raw->detail < ARRAY_SIZE(actions);

        if (raw->detail == VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF ||
            raw->detail == VIR_DOMAIN_EVENT_WATCHDOG_SHUTDOWN)
                keep(l, raw, USEC_INFINITY);
        if (raw->detail == VIR_DOMAIN_EVENT_WATCHDOG_POWEROFF)
                return false;
        seen_of(raw, SEEN_RUNNING, "", ret);
        ret->end_why = END_WATCHDOG;
        text_fmt(ret->text, sizeof(ret->text), "its watchdog ran out (action %s)",
                 known ? actions[raw->detail] : "not known");
        if (raw->detail == VIR_DOMAIN_EVENT_WATCHDOG_PAUSE)
                paused_by(VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG, "", ret);
        return true;
}

static void take_suspended(struct lifecycle *l, const struct lifecycle_raw *raw,
                           struct domain_seen *ret) {
        const struct lifecycle_note *before = find(l, raw->uuid);
        bool disk = raw->detail == VIR_DOMAIN_EVENT_SUSPENDED_IOERROR &&
                    is_note(before, LIFECYCLE_IO_ERROR);

        seen_of(raw, SEEN_PAUSED, "", ret);
        paused_by(raw->detail, disk ? before->raw.text : "", ret);
        if (is_note(before, LIFECYCLE_IO_ERROR))
                forget(l, raw->uuid);
}

bool lifecycle_take(struct lifecycle *l, const struct lifecycle_raw *raw, usec_t now,
                    struct domain_seen *ret) {
        switch (raw->event) {
        case VIR_DOMAIN_EVENT_STARTED:
        case VIR_DOMAIN_EVENT_RESUMED:
                forget(l, raw->uuid);
                seen_of(raw, SEEN_RUNNING, "", ret);
                return true;
        case VIR_DOMAIN_EVENT_SUSPENDED:
                /* The last step of somebody's migration: it ends here, or goes on, in a moment. */
                if (raw->detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED)
                        return false;
                take_suspended(l, raw, ret);
                return true;
        case VIR_DOMAIN_EVENT_PMSUSPENDED:
                seen_of(raw, SEEN_PAUSED, "asleep, by the guest itself", ret);
                return true;
        case VIR_DOMAIN_EVENT_SHUTDOWN:
                if (!is_note(find(l, raw->uuid), LIFECYCLE_WATCHDOG)) /* who asked for this one */
                        keep(l, raw, USEC_INFINITY);
                return false;
        case VIR_DOMAIN_EVENT_CRASHED:
                keep(l, raw, usec_add(now, CRASH_SETTLE_USEC));
                return false;
        case LIFECYCLE_WATCHDOG:
                return take_watchdog(l, raw, ret);
        case LIFECYCLE_IO_ERROR:
                if (raw->detail == VIR_DOMAIN_EVENT_IO_ERROR_PAUSE && !find(l, raw->uuid))
                        keep(l, raw, USEC_INFINITY);
                return false;
        case VIR_DOMAIN_EVENT_STOPPED:
                seen_of(raw, SEEN_GONE, "", ret);
                ret->end_why = stop_why(raw, find(l, raw->uuid), ret->text);
                forget(l, raw->uuid);
                return true;
        default: /* DEFINED, UNDEFINED: nothing began or ended */
                return false;
        }
}

bool lifecycle_due(struct lifecycle *l, usec_t now, struct domain_seen *ret) {
        for (size_t i = 0; i < l->n; i++) {
                struct lifecycle_note *n = &l->notes[i];

                if (n->due > now)
                        continue;
                seen_of(&n->raw, SEEN_CRASHED, "the guest's kernel panicked", ret);
                ret->end_why = END_CRASHED;
                *n = l->notes[--l->n];
                return true;
        }
        return false;
}

usec_t lifecycle_deadline(const struct lifecycle *l) {
        usec_t due = USEC_INFINITY;

        for (size_t i = 0; i < l->n; i++)
                due = MIN(due, l->notes[i].due);
        return due;
}

void lifecycle_clear(struct lifecycle *l) {
        free(l->notes);
        *l = (struct lifecycle){0};
}

void seen_from_state(int state, int reason, struct domain_seen *d) {
        d->state = SEEN_GONE;
        d->end_why = END_NONE;
        d->text[0] = '\0';
        switch (state) {
        case VIR_DOMAIN_RUNNING:
        case VIR_DOMAIN_BLOCKED:
        case VIR_DOMAIN_SHUTDOWN:
                d->state = SEEN_RUNNING;
                break;
        case VIR_DOMAIN_PAUSED:
                d->state = reason == VIR_DOMAIN_PAUSED_STARTING_UP ? SEEN_RUNNING : SEEN_PAUSED;
                if (reason == VIR_DOMAIN_PAUSED_IOERROR)
                        paused_by(VIR_DOMAIN_EVENT_SUSPENDED_IOERROR, "", d);
                else if (reason == VIR_DOMAIN_PAUSED_WATCHDOG)
                        paused_by(VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG, "", d);
                else if (reason == VIR_DOMAIN_PAUSED_MIGRATION)
                        text_set(d->text, sizeof(d->text), "paused by a migration");
                else if (reason == VIR_DOMAIN_PAUSED_SHUTTING_DOWN)
                        text_set(d->text, sizeof(d->text), "shutting down");
                break;
        case VIR_DOMAIN_PMSUSPENDED:
                d->state = SEEN_PAUSED;
                text_set(d->text, sizeof(d->text), "asleep, by the guest itself");
                break;
        case VIR_DOMAIN_CRASHED:
                /* Without an id it is a domain that ended by a crash; the caller looks. */
                d->state = SEEN_CRASHED;
                d->end_why = END_CRASHED;
                break;
        default: /* SHUTOFF, NOSTATE */
                break;
        }
}
