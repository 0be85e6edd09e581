/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/plan.h"

static const struct {
        enum rule_kind kind;
        enum place_rule_kind place;
} kinds[] = {
        {RULE_SEPARATE, PLACE_SEPARATE}, {RULE_TOGETHER, PLACE_TOGETHER},
        {RULE_REQUIRE, PLACE_REQUIRE},   {RULE_PREFER, PLACE_PREFER},
        {RULE_AVOID, PLACE_AVOID},
};

/* The next blank-separated word at *s, into @word; false at the end. */
static bool next_word(const char **s, char *word, size_t size) {
        size_t n;

        *s += strspn(*s, " \t,");
        n = strcspn(*s, " \t,");
        if (n == 0)
                return false;
        if (n >= size)
                n = size - 1;
        memcpy(word, *s, n);
        word[n] = '\0';
        *s += strcspn(*s, " \t,");
        return true;
}

static void rule_init(struct place_rule *r, const struct model *m, const struct rule *rule) {
        const char *s = rule->guests ? rule->guests->data : "";
        uint32_t *guests = xcalloc(m->n_guests + 1, sizeof(*guests));
        char word[NAME_LEN];

        *r = (struct place_rule){.name = rule->name, .strict = rule->strict, .guests = guests};
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (kinds[i].kind == rule->kind)
                        r->kind = kinds[i].place;
        for (size_t i = 0; i < m->n_guests; i++)
                for (s = rule->guests ? rule->guests->data : ""; next_word(&s, word, sizeof(word));)
                        if (strcmp(word, m->guests[i].spec->name) == 0) {
                                guests[r->n_guests++] = (uint32_t)i;
                                break;
                        }
        if (rule->hosts) {
                bool *hosts = xcalloc(HOSTS_MAX, sizeof(*hosts));

                for (s = rule->hosts->data; next_word(&s, word, sizeof(word));)
                        for (size_t h = 0; h < m->n_hosts; h++)
                                hosts[h] |= strcmp(word, m->hosts[h].name) == 0;
                r->hosts = hosts;
        }
}

void plan_ails(struct plan *p, uint32_t host, uint32_t ills) {
        struct place_host *x = &p->hosts[host];
        char names[64];

        if (x->unusable || (ills & ((1u << ILL_MAX_) - 1)) == 0)
                return;
        text_fmt(p->why[host], sizeof(p->why[host]), "degraded: %s",
                 ills_text(ills, names, sizeof(names)));
        if (ills & ILLS_NO_START)
                x->unusable = p->why[host];
        else
                x->ailing = p->why[host];
}

static void host_init(struct plan *p, size_t i, const struct host *h, const struct config *config) {
        struct place_host *x = &p->hosts[i];

        *x = (struct place_host){
                .id = h->nodeid,
                .name = h->name,
                .memory_mib = usec_sub(h->facts.memory_mib, config->memory_reserve_mib),
                .vcpus = (uint32_t)((uint64_t)h->facts.vcpus * config->cpu_overcommit_pct / 100),
        };
        if (!host_serves(h)) {
                text_set(p->why[i], sizeof(p->why[i]), host_state_name(h->state));
                x->unusable = p->why[i];
        } else if (h->ills) {
                plan_ails(p, (uint32_t)i, h->ills);
        }
        if (x->unusable) {
                return;
        } else if (x->memory_mib == 0 || x->vcpus == 0) {
                x->unusable = "its size is not known yet";
        }
}

/* A claim is room taken, wherever it is: what may run counts as running. */
static void guest_init(struct plan *p, const struct model *m, uint32_t i) {
        const struct guest *g = &m->guests[i];
        struct place_guest *x = &p->problem.guests[i];

        *x = (struct place_guest){
                .id = g->gid,
                .name = g->spec->name,
                .vcpus = g->spec->vcpus,
                .memory_mib = g->spec->memory_mib,
                .host = -1,
                .last = g->host ? model_host_index(m, g->host) : -1,
        };
        for (size_t h = 0; h < m->n_hosts; h++)
                if (g->claims & (1u << h))
                        place_charge(&p->problem, i, (uint32_t)h);
        if (g->job_kind == JOB_START) {
                int h = model_host_index(m, g->job_host);

                p->starting_all++;
                if (h >= 0)
                        p->starting[h]++;
        }
}

void plan_init(struct plan *p, const struct model *m, const struct config *config) {
        *p = (struct plan){0};
        for (size_t i = 0; i < m->n_hosts; i++)
                host_init(p, i, &m->hosts[i], config);
        p->rules = xcalloc(m->n_rules + 1, sizeof(*p->rules));
        for (size_t i = 0; i < m->n_rules; i++)
                rule_init(&p->rules[i], m, &m->rules[i]);
        p->problem = (struct place_problem){
                .hosts = p->hosts,
                .n_hosts = m->n_hosts,
                .guests = xcalloc(m->n_guests + 1, sizeof(struct place_guest)),
                .n_guests = m->n_guests,
                .rules = p->rules,
                .n_rules = m->n_rules,
        };
        for (uint32_t i = 0; i < m->n_guests; i++)
                guest_init(p, m, i);
}

void plan_free(struct plan *p) {
        for (size_t i = 0; i < p->problem.n_rules; i++) {
                free((void *)(uintptr_t)p->rules[i].guests);
                free((void *)(uintptr_t)p->rules[i].hosts);
        }
        free(p->rules);
        free(p->problem.guests);
}

int plan_place_on(struct plan *p, uint32_t g, uint32_t host, struct place_result *ret) {
        bool others[HOSTS_MAX];

        for (size_t i = 0; i < HOSTS_MAX; i++)
                others[i] = i != host;
        return place_guest(&p->problem, g, others, ret);
}

bool plan_slot(struct plan *p, uint32_t host, const struct config *config) {
        if (p->starting[host] >= config->host_start_slots ||
            p->starting_all >= config->cluster_start_slots)
                return false;
        p->starting[host]++;
        p->starting_all++;
        return true;
}
