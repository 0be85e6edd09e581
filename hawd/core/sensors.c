/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hardware of other hosts, by their BMCs: the host that looks at a host's fence devices asks
 * for its sensors, too, judges them (health.h), and says in the ring what the ledger should say.
 * What cannot be read says nothing. Pure.
 */
#include "hawd/core/priv.h"

#define LONG_USEC USEC_PER_MINUTE       /* the first look fetches the list of sensors */
#define AGAIN_USEC (5 * USEC_PER_SEC)   /* what differs from the ledger is looked at sooner */
#define LOST_USEC (2 * USEC_PER_MINUTE) /* a look that never came back */

static const struct conf_device *device_of(const struct core *c, const struct host *h) {
        for (size_t i = 0; i < c->config->n_devices; i++)
                if (strcmp(c->config->devices[i].host, h->name) == 0 &&
                    c->config->devices[i].driver == FENCE_DRIVER_IPMI)
                        return &c->config->devices[i];
        return NULL;
}

static void say(struct core *c, const struct host *h, struct sensor_watch *w) {
        bool degraded = h->ills & ILL_BIT(ILL_SENSORS);
        struct entry *e;
        struct op *op;

        if (!w->due || w->watch.bad == degraded ||
            (w->told && c->now < usec_add(w->told, RESEND_USEC)))
                return;
        w->told = MAX(c->now, 1);
        e = observation(c, OP_HOST_HEALTH, &op);
        op->host = h->nodeid;
        op->ill = ILL_SENSORS;
        op->flag = w->watch.bad;
        text_set(op->text, sizeof(op->text), op->flag ? w->text : "");
        log_propose(c, e);
}

static void ask(struct core *c, const struct host *h, struct sensor_watch *w) {
        const struct conf_device *d = device_of(c, h);
        struct action *a;

        if (c->now < w->next || !d) {
                if (d)
                        wake_at(c, w->next);
                return;
        }
        w->next = usec_add(c->now, LOST_USEC);
        a = actions_add(c->out, ACT_SENSORS);
        a->sensors.nodeid = h->nodeid;
        text_set(a->sensors.device, NAME_LEN, d->name);
        a->sensors.timeout_usec = MAX(d->timeout_usec, LONG_USEC);
}

void sensors_tick(struct core *c) {
        if (!core_operational(c) || c->stopping || c->config->sensor_check_usec == 0)
                return;
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];
                struct sensor_watch *w = &c->sensors[i];

                if (w->nodeid != h->nodeid || fencer_checker_of(&c->model, i) != c->nodeid)
                        *w = (struct sensor_watch){.nodeid = h->nodeid};
                if (fencer_checker_of(&c->model, i) != c->nodeid || !host_present(h) ||
                    !core_in_group(c, h->nodeid))
                        continue;
                if (w->next == 0) /* not all at once, when the cluster starts */
                        w->next = usec_add(c->now, MIN(c->config->sensor_check_usec, AGAIN_USEC));
                say(c, h, w);
                ask(c, h, w);
        }
}

void sensors_done(struct core *c, const struct event *ev) {
        int i = model_host_index(&c->model, ev->sensors.nodeid);
        struct sensor_watch *w = i < 0 ? NULL : &c->sensors[i];
        usec_t every = c->config->sensor_check_usec;
        bool degraded, bad = ev->sensors.said == MEASURED_BAD;

        if (!w || w->nodeid != ev->sensors.nodeid)
                return;
        w->next = usec_add(c->now, every);
        if (ev->sensors.said == MEASURED_NOT)
                return;
        degraded = c->model.hosts[i].ills & ILL_BIT(ILL_SENSORS);
        w->due = health_judge(&w->watch, degraded, bad, c->now, 3 * every, c->config) != degraded;
        if (bad)
                text_set(w->text, ILL_TEXT, ev->sensors.text);
        if (bad != degraded)
                w->next = usec_add(c->now, MIN(every, AGAIN_USEC));
}
