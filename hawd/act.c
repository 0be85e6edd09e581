/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A step of the core: the event goes in, the actions that come out are carried out in their order
 * by the adapters that main.c opened.
 */
#include <systemd/sd-daemon.h>

#include "hawd/base/clock.h"
#include "hawd/base/log.h"
#include "hawd/hawd.h"
#include "hawd/wire/wire.h"

void hawd_note(struct hawd *d, const struct note *n) {
        const struct log_fields f = {
                .message_id = note_message_id(n->id),
                .host = n->host && d->core ? model_host_name(core_model(d->core), n->host) : NULL,
                .guest = n->guest,
                .incident = n->incident,
                .version = n->version,
        };

        log_note(note_priority(n->id), &f, "%s: %s", note_name(n->id), n->text);
        if (d->api)
                api_note(d->api, n, now_wall());
}

int hawd_send(struct hawd *d, const struct msg *m) {
        uint8_t *bytes;
        size_t len;
        int r = wire_msg_encode(m, &bytes, &len);

        if (r < 0) {
                log_line(LOG_ERR, "a message cannot be encoded: %s", strerror(-r));
                return r;
        }
        r = ring_send(d->ring, bytes, len);
        free(bytes);
        if (r < 0)
                log_line(LOG_WARNING, "a message cannot be sent: %s", strerror(-r));
        return r;
}

void hawd_stop(struct hawd *d, int code) {
        d->exit_code = code;
        qb_loop_stop(d->loop);
}

/* It has its place in the log already: all that comes behind it would wait for it for ever. */
static void entry_unsent(struct hawd *d) {
        log_line(LOG_CRIT, "an entry of the ledger cannot be sent: hawd starts anew without it, "
                           "guests run on");
        hawd_stop(d, EXIT_FAILURE);
}

static void carry_out(struct hawd *d, struct action *a) {
        switch (a->kind) {
        case ACT_PERSIST:
                ledger_store_submit(d->store, a->persist);
                break;
        case ACT_SEND:
                if (hawd_send(d, a->send) < 0 && a->send->kind == MSG_ENTRY)
                        entry_unsent(d);
                break;
        case ACT_GUEST_JOB:
                guest_submit(d->guest, a);
                break;
        case ACT_GUEST_CANCEL:
                guest_cancel(d->guest, a->cancel.id);
                break;
        case ACT_FENCE:
                runner_start(d->runner, a);
                break;
        case ACT_FENCE_CANCEL:
                runner_cancel(d->runner, a->cancel.id);
                break;
        case ACT_REJOIN:
                log_line(LOG_NOTICE, "the others went on without this hawd: it joins them anew");
                ring_rejoin(d->ring);
                break;
        case ACT_READING:
                api_reading(d->api, a->reading.request, &a->reading.row);
                break;
        case ACT_FACTS:
                facts_start(d->facts, a->facts.id);
                break;
        case ACT_REPLY:
                if (a->reply.request & HAWD_OWN_REQUEST) {
                        if (a->reply.code != REPLY_OK)
                                log_line(LOG_WARNING, "not taken over: %s", a->reply.text);
                        break;
                }
                api_reply_facts(d->api, a->reply.request, a->reply.code, a->reply.text,
                                a->reply.facts);
                break;
        case ACT_NOTE:
                hawd_note(d, a->note);
                break;
        case ACT_SENSORS:
                sensors_start(d->sensors, a);
                break;
        case ACT_WATCHDOG:
                hawd_watchdog(d, a);
                break;
        case ACT_STOPPED:
                hawd_stop(d, EXIT_SUCCESS);
                break;
        case ACT_REPLICA:
                replica_submit(d->replica, a);
                break;
        case ACT_KIND_MAX_:
                break;
        }
}

void hawd_say_status(struct hawd *d) {
        struct core_status st;

        core_status(d->core, &st);
        if (!d->ready && st.n_group) {
                d->ready = true;
                (void)sd_notify(0, "READY=1"); /* no manager: nobody listens */
        }
        (void)sd_notifyf(0, "STATUS=%s", st.operational ? "deciding" : st.missing);
}

static void on_deadline(void *data);

void hawd_step(struct hawd *d, struct event *ev) {
        usec_t deadline;

        ev->now = now_boottime();
        ev->wall = now_wall();
        (void)core_step(d->core, ev, &d->actions); /* an unknown event is dropped */
        for (size_t i = 0; i < d->actions.n; i++)
                carry_out(d, &d->actions.list[i]);
        actions_clear(&d->actions);
        if (d->timer)
                (void)qb_loop_timer_del(d->loop, d->timer); /* fired already: no matter */
        d->timer = 0;
        deadline = core_deadline(d->core);
        if (deadline != USEC_INFINITY)
                (void)qb_loop_timer_add(d->loop, QB_LOOP_HIGH,
                                        (usec_sub(deadline, ev->now) + USEC_PER_MSEC) * 1000, d,
                                        on_deadline, &d->timer);
}

static void on_deadline(void *data) {
        struct hawd *d = data;
        struct event ev = {.kind = EV_TIMEOUT};

        d->timer = 0;
        hawd_step(d, &ev);
}
