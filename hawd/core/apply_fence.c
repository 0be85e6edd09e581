/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: fence jobs, their results, and what counts as proof (S2, S3). Pure.
 */
#include "hawd/core/apply.h"

#define OFF_LATE_USEC                                                                              \
        (15 * USEC_PER_MINUTE) /* an off that a BMC was sent may take effect so late */

bool fence_job_open(const struct model *m, uint32_t nodeid) {
        for (size_t i = 0; i < m->n_fence_jobs; i++)
                if (m->fence_jobs[i].host == nodeid)
                        return true;
        return false;
}

void fence_job_remove(struct ledger *l, struct fence_job *j) {
        size_t i = (size_t)(j - l->m->fence_jobs);

        memmove(j, j + 1, (l->m->n_fence_jobs - i - 1) * sizeof(*j));
        l->m->n_fence_jobs--;
}

bool fence_on_again(const struct host *h, const struct device *d) {
        return host_serves(h) && d->host == h->nodeid && d->distrusted && d->on_due > 0;
}

static bool all_on_again(struct ledger *l, const struct host *h) {
        for (uint32_t i = 0; i < l->op->n_devices && i < LEVEL_DEVICES_MAX; i++) {
                const struct device *d = model_device(l->m, l->op->devices[i]);

                if (!d || !fence_on_again(h, d))
                        return false;
        }
        return true;
}

/* A job of these devices begins or has ended: what one that switches off has sent may come later.
 */
static void devices_switched(struct ledger *l, const struct fence_job *j, bool begins) {
        for (uint32_t i = 0; i < j->n_devices; i++) {
                struct device *d = model_device(l->m, j->devices[i]);

                if (d && j->kind == FENCE_OFF)
                        d->off_wall = l->op->wall;
                else if (d && j->kind == FENCE_ON && begins && d->on_due)
                        d->on_due = MIN(d->on_due + 1, ON_DUE_MAX);
        }
}

static bool may_start(struct ledger *l, const struct host *h) {
        if (l->op->fence_kind != FENCE_ON)
                return h->state == HOST_LOST;
        return h->state == HOST_OFF || all_on_again(l, h);
}

static void fence_start(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);
        struct fence_job *j;
        bool off = op->fence_kind != FENCE_ON;
        char what[TEXT_LEN];

        if (!h || op->loss != h->losses || op->n_devices == 0 || fence_job_open(l->m, h->nodeid) ||
            l->m->n_fence_jobs == FENCE_JOBS_MAX)
                return;
        if (!may_start(l, h))
                return;
        j = &l->m->fence_jobs[l->m->n_fence_jobs++];
        *j = (struct fence_job){
                .id = ledger_job_id(l),
                .kind = op->fence_kind,
                .host = op->host,
                .loss = op->loss,
                .executor = op->executor,
                .level = op->level,
                .version = l->version,
                .n_devices = MIN(op->n_devices, LEVEL_DEVICES_MAX),
                .budget_usec = op->budget_usec,
        };
        memcpy(j->devices, op->devices, sizeof(j->devices));
        devices_switched(l, j, true);
        if (off)
                host_to(l, h, HOST_FENCING);
        else
                h->version = l->version;
        h->fence_tries += op->fence_kind != FENCE_LOOK;
        h->fence_level = op->level;
        text_fmt(what, sizeof(what),
                 op->fence_kind == FENCE_LOOK ? "looks at %s"
                 : op->fence_kind == FENCE_ON ? "switches %s on"
                                              : "switches %s off",
                 h->name);
        ledger_note(l, NOTE_FENCE_START, h->nodeid, NULL, h->incident, "%s %s: %s",
                    model_host_name(l->m, op->executor), what, op->text);
}

#define OF_OTHER "%s switches %s, by its System GUID: it is not used"

/* Not even where an operator asks for it: it would switch off another host. */
static bool wrong_machine(struct model *m, const char *const *names, uint32_t n) {
        for (uint32_t i = 0; i < n; i++) {
                const struct device *d = model_device(m, names[i]);

                if (d && device_of_other(m, d))
                        return true;
        }
        return false;
}

/*
 * S2: a device proves something only if it was seen to read on while its host was in the ring,
 * and is not distrusted for having read off then.
 */
bool devices_prove(struct model *m, uint32_t nodeid, const char *const *names, uint32_t n,
                   char *why, size_t size) {
        for (uint32_t i = 0; i < n; i++) {
                const struct device *d = model_device(m, names[i]);

                if (!d || !d->seen_on || d->host != nodeid) {
                        text_fmt(why, size,
                                 "%s was never seen to read on while %s was in the ring: it proves "
                                 "nothing",
                                 names[i], model_host_name(m, nodeid));
                        return false;
                }
                if (device_of_other(m, d)) {
                        text_fmt(why, size, OF_OTHER, names[i], device_of_other(m, d)->name);
                        return false;
                }
                if (d->distrusted) {
                        text_fmt(why, size,
                                 "%s read off while %s was in the ring: it proves nothing",
                                 names[i], model_host_name(m, nodeid));
                        return false;
                }
        }
        return true;
}

int level_to_try(struct model *m, const struct config *config, const struct host *h, uint32_t tries,
                 struct ladder_step *ret, char *why, size_t size) {
        struct ladder_step first = {0}, s;

        if (ladder_next(config, h->name, tries, &first) < 0) {
                text_set(why, size, "has no fence device");
                return -ENOENT;
        }
        for (uint32_t k = 0; k < DEVICES_MAX; k++) {
                const char *names[LEVEL_DEVICES_MAX];

                if (ladder_next(config, h->name, tries + k, &s) < 0 ||
                    (k > 0 && s.level == first.level))
                        break;
                for (uint32_t i = 0; i < s.n_devices; i++)
                        names[i] = s.devices[i]->name;
                /* Asked for by an operator it is switched off, whether that proves anything or not;
                 * once it reads off, nothing is gained by that any more. */
                if (devices_prove(m, h->nodeid, names, s.n_devices, why, size) ||
                    (h->fence_forced && (s.round == 0 || !h->read_off) &&
                     !wrong_machine(m, names, s.n_devices))) {
                        s.pause_usec = MAX(s.pause_usec, first.pause_usec);
                        *ret = s;
                        return 0;
                }
        }
        return -ENOENT;
}

static void off_done(struct ledger *l, const struct fence_job *j, struct host *h) {
        const struct op *op = l->op;
        const char *names[LEVEL_DEVICES_MAX];
        char why[TEXT_LEN];

        for (uint32_t i = 0; i < j->n_devices; i++)
                names[i] = j->devices[i];
        if (op->fence_result == FENCE_PROVEN_OFF) {
                if (devices_prove(l->m, j->host, names, j->n_devices, why, sizeof(why))) {
                        host_proven(l, h, PROOF_DEVICES, op->text);
                        return;
                }
                h->read_off = true;
        } else {
                text_set(why, sizeof(why), op->text);
        }
        host_to(l, h, HOST_LOST);
        if (j->kind != FENCE_LOOK || h->fence_error[0] == '\0') /* a look is no reason */
                text_set(h->fence_error, sizeof(h->fence_error), why);
        ledger_note(l, NOTE_FENCE_RESULT, h->nodeid, NULL, h->incident,
                    "%s is not proven off (try %u): %s", h->name, h->fence_tries, why);
}

static void fence_done(struct ledger *l) {
        const struct op *op = l->op;
        struct fence_job *found = model_fence_job(l->m, op->job);
        struct fence_job j;
        struct host *h;

        if (!found || found->executor != op->executor)
                return;
        j = *found;
        fence_job_remove(l, found);
        devices_switched(l, &j, false);
        h = model_host(l->m, j.host);
        if (!h)
                return;
        if (j.cancelling || j.loss != h->losses) {
                h->version = l->version;
                ledger_note(l, NOTE_FENCE_CANCEL, h->nodeid, NULL, h->incident,
                            "the called-off fencing of %s has ended: %s", h->name, op->text);
        } else if (j.kind != FENCE_ON && h->state == HOST_FENCING) {
                off_done(l, &j, h);
        } else if (j.kind == FENCE_ON && h->state == HOST_OFF) {
                h->version = l->version;
                /* One more look later: a late off of a called-off job may still come. */
                if (op->fence_result == FENCE_IS_ON) {
                        h->power_on_wanted = h->fence_tries == 1 || h->fence_error[0] != '\0';
                        h->fence_error[0] = '\0';
                } else {
                        text_set(h->fence_error, sizeof(h->fence_error), op->text);
                }
                ledger_note(l, NOTE_FENCE_RESULT, h->nodeid, NULL, h->incident, "%s: %s", h->name,
                            op->text);
        } else if (j.kind == FENCE_ON) { /* of a host that is there: the next look says the rest */
                h->version = l->version;
                ledger_note(l, NOTE_FENCE_RESULT, h->nodeid, NULL, h->incident, "%s: %s", h->name,
                            op->text);
        }
}

static usec_t apart(usec_t a, usec_t b) {
        return a > b ? a - b : b - a;
}

/* The executor is gone, and its budget has surely run out: nothing can be switched any more. */
static void fence_close(struct ledger *l) {
        struct fence_job *j = model_fence_job(l->m, l->op->job);
        struct host *h = j ? model_host(l->m, j->host) : NULL;

        if (!j)
                return;
        devices_switched(l, j, false);
        if (h && h->state == HOST_FENCING && j->loss == h->losses) {
                host_to(l, h, HOST_LOST);
                text_fmt(h->fence_error, sizeof(h->fence_error), "%s was lost while it fenced",
                         model_host_name(l->m, j->executor));
                ledger_note(l, NOTE_FENCE_RESULT, h->nodeid, NULL, h->incident,
                            "%s is not proven off: %s", h->name, h->fence_error);
        } else if (h) {
                h->version = l->version;
        }
        fence_job_remove(l, j);
}

static void fence_wait(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h || (h->state != HOST_LOST && h->state != HOST_OFF))
                return;
        h->version = l->version;
        text_set(h->fence_error, sizeof(h->fence_error), l->op->text);
        ledger_note(l, NOTE_FENCE_WAIT, h->nodeid, NULL, h->incident, "%s: %s", h->name,
                    l->op->text);
}

/* What a lost host may still be proven off by is kept. */
bool device_idle(const struct model *m, const struct device *d) {
        const struct host *h = model_host((struct model *)(uintptr_t)m, d->host);

        return !h || (host_present(h) && !fence_job_open(m, h->nodeid));
}

static struct device *device_get(struct model *m, const char *name, uint32_t host,
                                 uint64_t settings) {
        struct device *d = model_device(m, name);

        if (!d && m->n_devices < DEVICES_MAX) {
                d = &m->devices[m->n_devices++];
                *d = (struct device){0};
                text_set(d->name, sizeof(d->name), name);
        }
        /* Another host's, or another switch: what was seen counts no more. */
        if (d && (d->host != host || (settings && d->settings && d->settings != settings))) {
                d->seen_on = d->distrusted = false;
                d->guid[0] = '\0';
                d->off_wall = 0;
                d->on_due = 0;
        }
        if (d)
                d->host = host;
        if (d && settings)
                d->settings = settings;
        return d;
}

static void device_seen(struct ledger *l) {
        const struct op *op = l->op;
        struct host *h = ledger_host(l);
        struct device *d = h ? device_get(l->m, op->name, op->host, op->settings) : NULL;
        const struct host *other, *other_before = NULL;
        struct device before;
        bool in_ring;

        if (!d)
                return;
        /* Readings of a host that the ledger does not hold to be in the ring say nothing. */
        before = *d;
        in_ring = host_present(h);
        d->checked_wall = op->wall;
        d->reachable = op->reading != READING_NONE;
        text_set(d->error, sizeof(d->error), op->text);
        if (d->reachable)
                d->reached_by = op->executor;
        if (d->guid[0])
                other_before = device_of_other(l->m, d);
        if (op->guid[0])
                text_set(d->guid, sizeof(d->guid), op->guid);
        other = device_of_other(l->m, d);
        if (op->reading == READING_ON && in_ring) {
                d->seen_on = true;
                d->distrusted = false;
                d->on_due = 0;
        } else if (op->reading == READING_OFF && in_ring && op->flag) {
                if (!d->distrusted && d->off_wall && apart(op->wall, d->off_wall) <= OFF_LATE_USEC)
                        d->on_due = 1;
                d->distrusted = true;
        }
        if (before.checked_wall && before.reachable == d->reachable &&
            before.seen_on == d->seen_on && before.distrusted == d->distrusted &&
            other == other_before)
                return; /* only another member reached it */
        ledger_note(l, NOTE_DEVICE, op->host, NULL, 0, "%s of %s, read by %s: %s", op->name,
                    h->name, model_host_name(l->m, op->executor),
                    other ? "switches another host, by its System GUID: not used"
                    : d->on_due
                            ? "reads off while its host is in the ring, after hawd was about to "
                              "switch it off: distrusted until it reads on again"
                    : d->distrusted    ? "reads off while its host is in the ring: distrusted"
                    : d->reachable     ? "answers"
                    : op->text[0] != 0 ? op->text
                                       : "does not answer");
}

static void device_drop(struct model *m, struct device *d) {
        size_t i = (size_t)(d - m->devices);

        memmove(d, d + 1, (m->n_devices - i - 1) * sizeof(*d));
        m->n_devices--;
}

static void device_forget(struct ledger *l) {
        struct device *d = model_device(l->m, l->op->name);
        const struct host *h = d ? model_host(l->m, d->host) : NULL;

        if (!d || !device_idle(l->m, d))
                return;
        ledger_note(l, NOTE_DEVICE, d->host, NULL, 0, "%s of %s is in no hawd.conf any more",
                    d->name, h ? h->name : "a host that is gone");
        device_drop(l->m, d);
}

void devices_drop_of(struct model *m, uint32_t nodeid) {
        for (size_t i = m->n_devices; i-- > 0;)
                if (m->devices[i].host == nodeid)
                        device_drop(m, &m->devices[i]);
}

static void device_off(struct ledger *l) {
        struct device *d = model_device(l->m, l->op->name);

        if (d && d->host == l->op->host)
                d->off_wall = l->op->wall;
}

void fence_jobs_call_off(struct ledger *l, const struct host *h) {
        for (size_t i = 0; i < l->m->n_fence_jobs; i++)
                if (l->m->fence_jobs[i].host == h->nodeid)
                        l->m->fence_jobs[i].cancelling = true;
}

static void fence_confirm(struct ledger *l) {
        struct host *h = ledger_host(l);
        char text[TEXT_LEN];

        if (!h)
                return;
        if (h->state != HOST_LOST && h->state != HOST_FENCING) {
                ledger_refuse(l, REPLY_USAGE,
                              "%s is %s: there is nothing to confirm (only a lost host can be)",
                              h->name, host_state_name(h->state));
                return;
        }
        fence_jobs_call_off(l, h);
        ledger_note(l, NOTE_FENCE_CONFIRMED, h->nodeid, NULL, h->incident,
                    "%s confirms that %s is off", l->op->text, h->name);
        text_fmt(text, sizeof(text), "confirmed by %.64s", l->op->text);
        host_proven(l, h, PROOF_OPERATOR, text);
}

/* S7: what this was decided on must still be so: its host has not joined since, nor told of another
 * timeout, and this is its latest loss. */
static void fence_lease(struct ledger *l) {
        struct host *h = ledger_host(l);

        if (!h || (h->state != HOST_LOST && h->state != HOST_FENCING) || l->op->host_version == 0 ||
            l->op->loss != h->losses || h->watchdog_usec == 0)
                return;
        fence_jobs_call_off(l, h);
        host_proven(l, h, PROOF_LEASE, l->op->text);
}

static void fence_request(struct ledger *l) {
        struct host *h = ledger_host(l);
        char why[TEXT_LEN];

        if (!h)
                return;
        if (l->m->n_hosts < 2) {
                ledger_refuse(l, REPLY_USAGE, "%s is the only host: none other could fence it",
                              h->name);
                return;
        }
        if (h->state == HOST_NEW || h->state == HOST_OFF) {
                ledger_refuse(l, REPLY_USAGE, "%s is %s: there is nothing to fence", h->name,
                              host_state_name(h->state));
                return;
        }
        ledger_note(l, NOTE_FENCE_REQUESTED, h->nodeid, NULL, h->incident,
                    "%s asks for %s to be fenced", l->op->text, h->name);
        h->fence_forced = true;
        if (h->state == HOST_LOST || h->state == HOST_FENCING)
                return;
        text_fmt(why, sizeof(why), "fencing asked for by %.64s", l->op->text);
        host_lost(l, h, why, l->op->wall);
}

void apply_fence_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_FENCE_START:
                fence_start(l);
                break;
        case OP_FENCE_CLOSE:
                fence_close(l);
                break;
        case OP_FENCE_WAIT:
                fence_wait(l);
                break;
        case OP_FENCE_DONE:
                fence_done(l);
                break;
        case OP_DEVICE_SEEN:
                device_seen(l);
                break;
        case OP_DEVICE_FORGET:
                device_forget(l);
                break;
        case OP_DEVICE_OFF:
                device_off(l);
                break;
        case OP_FENCE_CONFIRM:
                fence_confirm(l);
                break;
        case OP_FENCE_REQUEST:
                fence_request(l);
                break;
        case OP_FENCE_LEASE:
                fence_lease(l);
                break;
        default:
                break;
        }
}
