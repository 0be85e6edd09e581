/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before time counts: the hosts come up, their guests run, and a person tells hawd of them.
 */
#include "hawd/sim/parts.h"

#define SETUP_MAX (300 * USEC_PER_SEC)

void sim_conf_init(struct sim_conf *c) {
        memset(c, 0, sizeof(*c));
        config_defaults(&c->config);
        c->seed = 1;
        c->detect_usec = 2 * USEC_PER_SEC;
        c->fence_usec = 3 * USEC_PER_SEC;
        c->boot_usec = 20 * USEC_PER_SEC;
        c->second_line = true;
        c->quorum.window_usec = 10 * USEC_PER_SEC;
}

static void add_device(struct sim_conf *c, size_t i, const char *prefix, uint32_t level) {
        struct conf_device *d = &c->config.devices[c->config.n_devices++];

        memset(d, 0, sizeof(*d));
        text_fmt(d->name, NAME_LEN, "%s-%.50s", prefix, c->hosts[i].name);
        text_set(d->host, NAME_LEN, c->hosts[i].name);
        text_set(d->address, sizeof(d->address), d->name);
        d->level = level;
        d->timeout_usec = 20 * USEC_PER_SEC;
        d->cipher_suite = -1;
}

void sim_conf_host(struct sim_conf *c, size_t i) {
        struct conf_host *ch = &c->config.hosts[c->config.n_hosts++];

        memset(ch, 0, sizeof(*ch));
        text_set(ch->name, NAME_LEN, c->hosts[i].name);
        text_set(ch->labels, sizeof(ch->labels), c->hosts[i].labels);
        if (c->hosts[i].watchdog)
                text_set(ch->watchdog, sizeof(ch->watchdog), "/dev/watchdog0");
        if (c->hosts[i].bmc == BMC_NONE)
                return;
        add_device(c, i, "bmc", 1);
        if (c->hosts[i].second != SECOND_NONE)
                add_device(c, i, "bmc2", c->hosts[i].second == SECOND_LEVEL ? 2 : 1);
}

static bool hosts_up(struct sim *s) {
        struct sim_host *best = sim_best_host(s);
        const struct model *m;
        struct core_status st;

        if (!best)
                return false;
        m = core_model(best->core);
        core_status(best->core, &st);
        if (!st.operational || m->n_hosts < (size_t)__builtin_popcount(s->listed))
                return false;
        for (size_t i = 0; i < m->n_hosts; i++) {
                int k = sim_host_index(s, m->hosts[i].name);

                if (k >= 0 && s->hosts[k].powered && m->hosts[i].state != HOST_ONLINE)
                        return false;
        }
        return true;
}

static struct guest_spec *spec_of(const struct sim_guest *g) {
        struct guest_spec *spec = guest_spec_new();

        text_set(spec->name, NAME_LEN, g->conf->name);
        text_set(spec->uuid, UUID_LEN, g->uuid);
        spec->vcpus = g->conf->vcpus;
        spec->memory_mib = g->conf->memory_mib;
        spec->has_agent = true;
        spec->conf = g->conf->conf;
        memcpy(spec->after, g->conf->after, sizeof(spec->after));
        spec->n_after = g->conf->n_after;
        return spec;
}

static void ask(struct sim *s, struct sim_request *r) {
        r->retry = true;
        r->until = s->now + SETUP_MAX;
        people_send(s, r->id);
}

static void ask_guests(struct sim *s) {
        for (size_t i = 0; i < s->n_guests; i++) {
                const struct sim_guest *g = &s->guests[i];
                bool here = g->conf->host >= 0 && g->conf->desired != DESIRED_STOPPED;
                struct sim_request *r =
                        people_new(s, here ? VERB_GUEST_ADD : VERB_GUEST_CREATE, g->conf->name,
                                   here ? s->conf->hosts[g->conf->host].name : "");

                r->rq.spec = spec_of(g);
                r->rq.desired = g->conf->desired;
                ask(s, r);
        }
}

static void ask_rules(struct sim *s) {
        for (size_t i = 0; i < s->conf->n_rules; i++) {
                const struct sim_rule_conf *rule = &s->conf->rules[i];
                struct sim_request *r = people_new(s, VERB_RULE_SET, "", "");

                text_set(r->rq.rule, NAME_LEN, rule->name);
                r->rq.rule_kind = rule->kind;
                r->rq.strict = rule->strict;
                r->rq.guests = rule->guests;
                r->rq.hosts = rule->hosts[0] ? rule->hosts : NULL;
                ask(s, r);
        }
}

static void ask_ignore(struct sim *s) {
        for (size_t i = 0; i < s->n_guests; i++)
                if (s->guests[i].conf->desired == DESIRED_IGNORED)
                        ask(s, people_new(s, VERB_GUEST_IGNORE, s->guests[i].conf->name, ""));
}

static bool answered(struct sim *s) {
        for (size_t i = 0; i < s->n_requests; i++)
                if (!s->requests[i].done)
                        return false;
        return true;
}

static int refused(struct sim *s, char *err) {
        for (size_t i = 0; i < s->n_requests; i++) {
                const struct sim_request *r = &s->requests[i];

                if (r->done && r->code == REPLY_OK)
                        continue;
                text_fmt(err, SIM_VIOLATION_LEN, "%s %s: %s", verb_name(r->rq.verb),
                         r->rq.guest[0] ? r->rq.guest : r->rq.rule,
                         r->done ? r->text : "no answer");
                return -1;
        }
        return 0;
}

/* Every guest that should run does and is healthy; every device was seen on. */
static bool quiet(struct sim *s) {
        const struct sim_host *best = sim_best_host(s);
        const struct model *m;

        if (!best)
                return false;
        m = core_model(best->core);
        for (size_t i = 0; i < m->n_guests; i++)
                if (m->guests[i].desired == DESIRED_RUNNING &&
                    (m->guests[i].state != GUEST_RUNNING || m->guests[i].health != HEALTH_HEALTHY ||
                     m->guests[i].job_kind != JOB_NONE))
                        return false;
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *h = &s->hosts[i];
                size_t wanted = 0, seen = 0;

                for (int d = 0; d < SIM_DEVICES && h->powered; d++)
                        wanted += h->bmc[d].mode == BMC_OK || h->bmc[d].mode == BMC_LYING;
                for (size_t d = 0; d < m->n_devices; d++)
                        seen += m->devices[d].host == h->nodeid && m->devices[d].seen_on;
                if (seen < wanted)
                        return false;
        }
        return true;
}

static bool wait_for(struct sim *s, bool (*cond)(struct sim *), usec_t max) {
        usec_t until = s->now + max;

        while (!cond(s)) {
                if (s->now >= until || !sim_run(s, s->now + 100 * USEC_PER_MSEC))
                        return false;
        }
        return true;
}

static void begin(struct sim *s) {
        for (size_t i = 0; i < s->n_hosts; i++)
                if (!s->hosts[i].conf->power_off)
                        power_on(s, &s->hosts[i]);
        for (size_t g = 0; g < s->n_guests; g++) {
                const struct sim_guest_conf *gc = s->guests[g].conf;
                struct domain *d;

                if (gc->host < 0 || gc->desired == DESIRED_STOPPED || !s->hosts[gc->host].powered)
                        continue;
                qemu_start(s, &s->hosts[gc->host], (int)g, false);
                d = &s->hosts[gc->host].lv.dom[g];
                d->healthy = true;
                if (gc->desired == DESIRED_PAUSED)
                        d->state = SEEN_PAUSED;
        }
}

static int not_up(struct sim *s, char *err) {
        struct sim_host *best = sim_best_host(s);
        struct core_status st;

        if (!best) {
                text_set(err, SIM_VIOLATION_LEN, "no host runs hawd at the start");
                return -1;
        }
        core_status(best->core, &st);
        text_fmt(err, SIM_VIOLATION_LEN, "the cluster does not come up: %s",
                 st.missing[0] ? st.missing : "a host does not become online");
        return -1;
}

int sim_setup(struct sim *s, char *err) {
        err[0] = '\0';
        begin(s);
        if (!wait_for(s, hosts_up, SETUP_MAX))
                return not_up(s, err);
        ask_guests(s);
        (void)wait_for(s, answered, SETUP_MAX); /* refused() says what is missing */
        ask_ignore(s);
        ask_rules(s);
        (void)wait_for(s, answered, SETUP_MAX); /* likewise */
        if (refused(s, err) < 0)
                return -1;
        (void)wait_for(s, quiet, SETUP_MAX); /* a guest that can not start is part of the story */
        for (size_t g = 0; g < s->n_guests; g++)
                s->guests[g].n_starts = 0;
        s->zero = s->now;
        return 0;
}
