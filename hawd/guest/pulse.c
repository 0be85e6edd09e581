/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <strings.h>

#include "hawd/guest/pulse.h"

static struct pulse_guest *find(struct pulse *p, const char *uuid) {
        for (size_t i = 0; i < p->n; i++)
                if (strcasecmp(p->guests[i].uuid, uuid) == 0)
                        return &p->guests[i];
        return NULL;
}

static void add(struct pulse *p, const struct domain_seen *d, usec_t now) {
        struct pulse_guest *g;

        if (p->n == p->cap) {
                p->cap = p->cap ? 2 * p->cap : 16;
                p->guests = xreallocarray(p->guests, p->cap, sizeof(*p->guests));
        }
        g = &p->guests[p->n++];
        *g = (struct pulse_guest){.serial = ++p->serial, .due = now};
        text_set(g->uuid, sizeof(g->uuid), d->uuid);
        text_set(g->name, sizeof(g->name), d->name);
}

void pulse_open(struct pulse *p, struct shared *shared, const struct guest_callbacks *callbacks,
                void *userdata) {
        *p = (struct pulse){
                .sampler = sampler_new(shared), .callbacks = callbacks, .userdata = userdata};
}

void pulse_up(struct pulse *p, const struct domain_seen *domains, size_t n, usec_t now) {
        p->n = 0;
        for (size_t i = 0; i < n; i++)
                if (domains[i].state == SEEN_RUNNING || domains[i].state == SEEN_PAUSED)
                        add(p, &domains[i], now);
}

void pulse_down(struct pulse *p) {
        p->n = 0;
}

void pulse_seen(struct pulse *p, const struct domain_seen *d, usec_t now) {
        struct pulse_guest *g = find(p, d->uuid);
        bool live = d->state == SEEN_RUNNING || d->state == SEEN_PAUSED;

        if (live && !g)
                add(p, d, now);
        else if (!live && g)
                *g = p->guests[--p->n];
}

void pulse_spoke(struct pulse *p, const char *uuid) {
        struct pulse_guest *g = find(p, uuid);

        if (g)
                g->hang.spoke = true;
}

void pulse_reboot(struct pulse *p, const char *uuid) {
        struct pulse_guest *g = find(p, uuid);

        if (g)
                g->hang = (struct hang){0};
}

/* A state is told as a whole: its cause ends with it. */
static void tell(struct pulse *p, const struct pulse_guest *g, enum end_why why) {
        struct domain_seen d = {.state = SEEN_RUNNING, .end_why = why, .wall = now_wall()};

        text_set(d.uuid, sizeof(d.uuid), g->uuid);
        text_set(d.name, sizeof(d.name), g->name);
        if (why == END_HANG) {
                d.good_wall =
                        usec_sub(d.wall, usec_add(g->hang.quiet_usec, g->hang.not_counted_usec));
                hang_text(&g->hang, d.text);
        }
        p->callbacks->domain(p->userdata, &d);
}

void pulse_sample(struct pulse *p, const struct report *r) {
        struct pulse_guest *g = find(p, r->uuid);

        if (!g || g->serial != r->serial || !g->asked) /* of another run of it */
                return;
        g->asked = false;
        /* What comes late is not made up for. */
        g->due = MAX(usec_add(MAX(r->sample.planned, usec_sub(r->sample.at, HANG_LATE_MAX)),
                              hang_period(g->after)),
                     r->sample.ended);
        switch (hang_take(&g->hang, &r->sample, g->after, g->alone)) {
        case HANG_HANGS:
                tell(p, g, END_HANG);
                break;
        case HANG_GOES_ON:
                tell(p, g, END_NONE);
                break;
        case HANG_NO_NEWS:
                break;
        }
}

static void ask(struct pulse *p, struct pulse_guest *g, usec_t now) {
        struct sample_order *o;
        bool spoke = g->hang.spoke;

        g->after = p->callbacks->hang_after(p->userdata, g->uuid, &g->alone);
        if (g->after == 0) { /* not to be judged now: what was, is not carried over */
                g->hang = (struct hang){.spoke = spoke};
                g->due = usec_add(now, HANG_PERIOD_MIN);
                return;
        }
        o = xcalloc(1, sizeof(*o));
        text_set(o->uuid, sizeof(o->uuid), g->uuid);
        o->serial = g->serial;
        o->planned = MAX(g->due, usec_sub(now, HANG_LATE_MAX + 1));
        o->before = g->hang;
        g->asked = true;
        g->due = usec_add(now, PULSE_STUCK);
        sampler_ask(p->sampler, o);
}

void pulse_tick(struct pulse *p, usec_t now) {
        for (size_t i = 0; i < p->n; i++) {
                struct pulse_guest *g = &p->guests[i];

                if (now < g->due)
                        continue;
                if (!g->asked) {
                        ask(p, g, now);
                        continue;
                }
                g->due = USEC_INFINITY;
                p->callbacks->by_hand(
                        p->userdata, g->uuid,
                        "libvirt does not say what it does: its QEMU does not answer, "
                        "and whether the guest hangs is not known meanwhile");
        }
}

usec_t pulse_deadline(const struct pulse *p) {
        usec_t due = USEC_INFINITY;

        for (size_t i = 0; i < p->n; i++)
                due = MIN(due, p->guests[i].due);
        return due;
}

void pulse_close(struct pulse *p) {
        p->sampler = sampler_close(p->sampler);
        free(p->guests);
        *p = (struct pulse){0};
}
