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

static const char *suspend_text(int detail) {
        switch (detail) {
        case VIR_DOMAIN_EVENT_SUSPENDED_IOERROR:
                return "paused by an I/O error of its disk";
        case VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG:
                return "paused by its watchdog";
        case VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR:
                return "paused by libvirt after an error";
        case VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED:
                return "paused, its post-copy migration failed";
        default:
                return "";
        }
}

/* What a STOPPED means, given the SHUTDOWN that came before it, if any. */
static enum end_why stop_why(const struct lifecycle_raw *raw, const struct lifecycle_note *before,
                             char *text) {
        const char *who = "";
        enum end_why why = END_UNKNOWN;

        switch (raw->detail) {
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
                if (!before || before->raw.event != VIR_DOMAIN_EVENT_SHUTDOWN) {
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
                seen_of(raw, SEEN_PAUSED, suspend_text(raw->detail), ret);
                return true;
        case VIR_DOMAIN_EVENT_PMSUSPENDED:
                seen_of(raw, SEEN_PAUSED, "asleep, by the guest itself", ret);
                return true;
        case VIR_DOMAIN_EVENT_SHUTDOWN:
                keep(l, raw, USEC_INFINITY);
                return false;
        case VIR_DOMAIN_EVENT_CRASHED:
                keep(l, raw, usec_add(now, CRASH_SETTLE_USEC));
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

enum seen_state seen_from_state(int state, int reason, char *text) {
        const char *why = "";
        enum seen_state seen = SEEN_GONE;

        switch (state) {
        case VIR_DOMAIN_RUNNING:
        case VIR_DOMAIN_BLOCKED:
        case VIR_DOMAIN_SHUTDOWN:
                seen = SEEN_RUNNING;
                break;
        case VIR_DOMAIN_PAUSED:
                seen = reason == VIR_DOMAIN_PAUSED_STARTING_UP ? SEEN_RUNNING : SEEN_PAUSED;
                if (reason == VIR_DOMAIN_PAUSED_IOERROR)
                        why = suspend_text(VIR_DOMAIN_EVENT_SUSPENDED_IOERROR);
                else if (reason == VIR_DOMAIN_PAUSED_WATCHDOG)
                        why = suspend_text(VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG);
                else if (reason == VIR_DOMAIN_PAUSED_MIGRATION)
                        why = "paused by a migration";
                else if (reason == VIR_DOMAIN_PAUSED_SHUTTING_DOWN)
                        why = "shutting down";
                break;
        case VIR_DOMAIN_PMSUSPENDED:
                seen = SEEN_PAUSED;
                why = "asleep, by the guest itself";
                break;
        case VIR_DOMAIN_CRASHED:
                /* Without an id it is a domain that ended by a crash; the caller looks. */
                seen = SEEN_CRASHED;
                break;
        default: /* SHUTOFF, NOSTATE */
                break;
        }
        if (text)
                text_set(text, TEXT_LEN, why);
        return seen;
}
