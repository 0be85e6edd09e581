/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/model.h"

static const char *const host_states[] = {
        [HOST_NEW] = "new",
        [HOST_JOINING] = "joining",
        [HOST_ONLINE] = "online",
        [HOST_DRAINING] = "draining",
        [HOST_MAINTENANCE] = "maintenance",
        [HOST_DEGRADED] = "degraded",
        [HOST_UNSUPERVISED] = "unsupervised",
        [HOST_AWAY] = "away",
        [HOST_LOST] = "lost",
        [HOST_FENCING] = "fencing",
        [HOST_OFF] = "off",
        [HOST_QUARANTINED] = "quarantined",
};
static const char *const guest_states[] = {
        [GUEST_STOPPED] = "stopped", [GUEST_STARTING] = "starting", [GUEST_RUNNING] = "running",
        [GUEST_PAUSED] = "paused",   [GUEST_STOPPING] = "stopping", [GUEST_MIGRATING] = "migrating",
        [GUEST_FAILED] = "failed",   [GUEST_BLOCKED] = "blocked",
};
static const char *const desireds[] = {
        [DESIRED_RUNNING] = "running",
        [DESIRED_STOPPED] = "stopped",
        [DESIRED_PAUSED] = "paused",
        [DESIRED_IGNORED] = "ignored",
};
static const char *const healths[] = {
        [HEALTH_UNKNOWN] = "unknown",
        [HEALTH_BOOTING] = "booting",
        [HEALTH_HEALTHY] = "healthy",
};
static const char *const rule_kinds[] = {
        [RULE_SEPARATE] = "separate", [RULE_TOGETHER] = "together", [RULE_REQUIRE] = "require",
        [RULE_PREFER] = "prefer",     [RULE_AVOID] = "avoid",
};
static const char *const proofs[] = {
        [PROOF_NONE] = "none", [PROOF_DEVICES] = "devices", [PROOF_OPERATOR] = "operator",
        [PROOF_GONE] = "gone", [PROOF_LEASE] = "lease",
};
static const char *const jobs[] = {
        [JOB_NONE] = "none",         [JOB_START] = "start",
        [JOB_STOP] = "stop",         [JOB_PAUSE] = "pause",
        [JOB_RESUME] = "resume",     [JOB_SETTLE] = "settle",
        [JOB_SNAPSHOT] = "snapshot", [JOB_SNAP_DELETE] = "snapshot-delete",
};
static const char *const steps[] = {
        [STEP_LAST_GOOD] = "last_good", [STEP_DETECTED] = "detected", [STEP_FENCED] = "fenced",
        [STEP_PLACED] = "placed",       [STEP_STARTED] = "started",   [STEP_HEALTHY] = "healthy",
};

static const char *pick(const char *const *names, size_t n, size_t i) {
        return i < n ? names[i] : NULL;
}

static int find(const char *const *names, size_t n, const char *s) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], s) == 0)
                        return (int)i;
        return -1;
}

const char *host_state_name(enum host_state s) {
        return pick(host_states, ARRAY_SIZE(host_states), s);
}

const char *guest_state_name(enum guest_state s) {
        return pick(guest_states, ARRAY_SIZE(guest_states), s);
}

const char *desired_name(enum desired d) {
        return pick(desireds, ARRAY_SIZE(desireds), d);
}

const char *health_name(enum health h) {
        return pick(healths, ARRAY_SIZE(healths), h);
}

const char *rule_kind_name(enum rule_kind k) {
        return pick(rule_kinds, ARRAY_SIZE(rule_kinds), k);
}

const char *proof_name(enum proof p) {
        return pick(proofs, ARRAY_SIZE(proofs), p);
}

const char *guest_job_name(enum guest_job_kind k) {
        return pick(jobs, ARRAY_SIZE(jobs), k);
}

const char *incident_step_name(enum incident_step s) {
        return pick(steps, ARRAY_SIZE(steps), s);
}

int host_state_from(const char *s) {
        return find(host_states, ARRAY_SIZE(host_states), s);
}

int desired_from(const char *s) {
        return find(desireds, ARRAY_SIZE(desireds), s);
}

int rule_kind_from(const char *s) {
        return find(rule_kinds, ARRAY_SIZE(rule_kinds), s);
}

struct guest_spec *guest_spec_new(void) {
        struct guest_spec *s = xcalloc(1, sizeof(*s));

        s->refs = 1;
        return s;
}

struct guest_spec *guest_spec_ref(struct guest_spec *s) {
        if (s)
                s->refs++;
        return s;
}

struct guest_spec *guest_spec_unref(struct guest_spec *s) {
        if (s && --s->refs == 0) {
                blob_unref(s->xml);
                free(s);
        }
        return NULL;
}

void model_init(struct model *m) {
        *m = (struct model){.next_gid = 1, .next_incident = 1};
}

void model_clear(struct model *m) {
        for (size_t i = 0; i < m->n_guests; i++) {
                guest_spec_unref(m->guests[i].spec);
                blob_unref(m->guests[i].replica.where);
                free(m->guests[i].snaps);
        }
        for (size_t i = 0; i < m->n_rules; i++) {
                blob_unref(m->rules[i].guests);
                blob_unref(m->rules[i].hosts);
        }
        free(m->guests);
        free(m->rules);
        free(m->incidents);
        model_init(m);
}

static void *copy_array(const void *src, size_t n, size_t size) {
        void *dst;

        if (n == 0)
                return NULL;
        dst = xcalloc(n, size);
        memcpy(dst, src, n * size);
        return dst;
}

void model_copy(struct model *dst, const struct model *src) {
        if (dst == src)
                return;
        model_clear(dst);
        *dst = *src;
        dst->guests = copy_array(src->guests, src->n_guests, sizeof(*src->guests));
        dst->cap_guests = src->n_guests;
        dst->rules = copy_array(src->rules, src->n_rules, sizeof(*src->rules));
        dst->cap_rules = src->n_rules;
        dst->incidents = copy_array(src->incidents, src->n_incidents, sizeof(*src->incidents));
        dst->cap_incidents = src->n_incidents;
        for (size_t i = 0; i < dst->n_guests; i++) {
                guest_spec_ref(dst->guests[i].spec);
                blob_ref(dst->guests[i].replica.where);
                dst->guests[i].snaps = snaps_copy(dst->guests[i].snaps);
        }
        for (size_t i = 0; i < dst->n_rules; i++) {
                blob_ref(dst->rules[i].guests);
                blob_ref(dst->rules[i].hosts);
        }
}

static uint64_t hash_str(uint64_t h, const char *s) {
        return hash64(h, s, strlen(s) + 1);
}

#define HASH(h, x) ((h) = hash64((h), &(x), sizeof(x)))

static uint64_t hash_host(uint64_t h, const struct host *x) {
        HASH(h, x->nodeid);
        h = hash_str(h, x->name);
        HASH(h, x->version);
        HASH(h, x->state);
        HASH(h, x->incarnation);
        HASH(h, x->losses);
        HASH(h, x->loss_version);
        HASH(h, x->proof);
        h = hash_str(h, x->proof_text);
        HASH(h, x->fence_tries);
        HASH(h, x->fence_level);
        h = hash_str(h, x->fence_error);
        HASH(h, x->fence_forced);
        HASH(h, x->read_off);
        HASH(h, x->no_vote);
        h = hash64(h, x->fenced_wall, x->n_fenced * sizeof(x->fenced_wall[0]));
        HASH(h, x->power_on_wanted);
        HASH(h, x->reported);
        HASH(h, x->left_announced);
        HASH(h, x->watchdog_usec);
        HASH(h, x->lease_usec);
        h = hash_str(h, x->watchdog_error);
        HASH(h, x->facts.vcpus);
        HASH(h, x->facts.memory_mib);
        HASH(h, x->incident);
        HASH(h, x->ills);
        for (size_t i = 0; i < ILL_MAX_; i++)
                h = hash_str(h, x->ill_text[i]);
        return h;
}

static uint64_t hash_replica(uint64_t h, const struct replica *x) {
        HASH(h, x->data);
        HASH(h, x->host);
        HASH(h, x->serial);
        HASH(h, x->state);
        HASH(h, x->gen);
        HASH(h, x->as_of);
        HASH(h, x->stands_loss);
        HASH(h, x->unsure);
        HASH(h, x->forced);
        HASH(h, x->hold_usec);
        HASH(h, x->off_wall);
        HASH(h, x->promoted_gen);
        return x->where ? hash_str(h, x->where->data) : h;
}

static uint64_t hash_snaps(uint64_t h, const struct guest_snaps *s) {
        if (!s)
                return h;
        HASH(h, s->next);
        HASH(h, s->unmade);
        HASH(h, s->wish.act);
        HASH(h, s->wish.id);
        HASH(h, s->wish.target);
        HASH(h, s->deleted);
        HASH(h, s->trial);
        for (size_t i = 0; i < s->n; i++) {
                HASH(h, s->list[i].id);
                HASH(h, s->list[i].parent);
                HASH(h, s->list[i].file);
                HASH(h, s->list[i].kind);
                HASH(h, s->list[i].inside);
                HASH(h, s->list[i].deleting);
                HASH(h, s->list[i].good);
                HASH(h, s->list[i].failed);
                h = hash_str(h, s->list[i].name);
        }
        return h;
}

static uint64_t hash_guest(uint64_t h, const struct guest *x) {
        HASH(h, x->gid);
        HASH(h, x->version);
        h = hash_str(h, x->spec->name);
        h = hash_str(h, x->spec->uuid);
        HASH(h, x->desired);
        HASH(h, x->state);
        HASH(h, x->health);
        HASH(h, x->gen);
        HASH(h, x->host);
        HASH(h, x->claims);
        for (size_t i = 0; i < HOSTS_MAX; i++)
                if (x->claims & (1u << i)) {
                        HASH(h, x->claim[i].version);
                        HASH(h, x->claim[i].gen);
                }
        HASH(h, x->job_kind);
        HASH(h, x->job);
        HASH(h, x->job_host);
        HASH(h, x->move_to);
        HASH(h, x->tried);
        HASH(h, x->start_failures);
        HASH(h, x->recovery.why);
        HASH(h, x->recovery.failures);
        HASH(h, x->recovery.early);
        HASH(h, x->recovery.resumes);
        h = hash64(h, x->recovery.taken, sizeof(x->recovery.taken));
        HASH(h, x->late_end);
        HASH(h, x->deleting);
        HASH(h, x->incident);
        h = hash_replica(h, &x->replica);
        HASH(h, x->promoting);
        h = hash_snaps(h, x->snaps);
        return hash_str(h, x->reason);
}

uint64_t model_hash(const struct model *m) {
        uint64_t h = 1;

        HASH(h, m->version);
        HASH(h, m->next_gid);
        HASH(h, m->next_incident);
        for (size_t i = 0; i < m->n_hosts; i++)
                h = hash_host(h, &m->hosts[i]);
        for (size_t i = 0; i < m->n_devices; i++) {
                h = hash_str(h, m->devices[i].name);
                HASH(h, m->devices[i].host);
                HASH(h, m->devices[i].seen_on);
                HASH(h, m->devices[i].distrusted);
                HASH(h, m->devices[i].off_wall);
                HASH(h, m->devices[i].on_due);
                HASH(h, m->devices[i].reached_by);
                HASH(h, m->devices[i].settings);
                h = hash_str(h, m->devices[i].guid);
        }
        for (size_t i = 0; i < m->n_guests; i++)
                h = hash_guest(h, &m->guests[i]);
        for (size_t i = 0; i < m->n_rules; i++) {
                h = hash_str(h, m->rules[i].name);
                HASH(h, m->rules[i].kind);
                HASH(h, m->rules[i].strict);
                if (m->rules[i].guests)
                        h = hash_str(h, m->rules[i].guests->data);
                if (m->rules[i].hosts)
                        h = hash_str(h, m->rules[i].hosts->data);
        }
        for (size_t i = 0; i < m->n_fence_jobs; i++) {
                HASH(h, m->fence_jobs[i].id);
                HASH(h, m->fence_jobs[i].kind);
                HASH(h, m->fence_jobs[i].host);
                HASH(h, m->fence_jobs[i].loss);
                HASH(h, m->fence_jobs[i].executor);
                HASH(h, m->fence_jobs[i].cancelling);
        }
        for (size_t i = 0; i < m->n_incidents; i++) {
                HASH(h, m->incidents[i].id);
                HASH(h, m->incidents[i].open);
                HASH(h, m->incidents[i].at);
        }
        return h;
}

int model_host_index(const struct model *m, uint32_t nodeid) {
        for (size_t i = 0; i < m->n_hosts; i++)
                if (m->hosts[i].nodeid == nodeid)
                        return (int)i;
        return -1;
}

struct host *model_host(struct model *m, uint32_t nodeid) {
        int i = model_host_index(m, nodeid);

        return i < 0 ? NULL : &m->hosts[i];
}

struct host *model_host_named(struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_hosts; i++)
                if (strcmp(m->hosts[i].name, name) == 0)
                        return &m->hosts[i];
        return NULL;
}

struct guest *model_guest(struct model *m, uint32_t gid) {
        for (size_t i = 0; i < m->n_guests; i++)
                if (m->guests[i].gid == gid)
                        return &m->guests[i];
        return NULL;
}

struct guest *model_guest_named(struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_guests; i++)
                if (strcmp(m->guests[i].spec->name, name) == 0 ||
                    strcmp(m->guests[i].spec->uuid, name) == 0)
                        return &m->guests[i];
        return NULL;
}

struct device *model_device(struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (strcmp(m->devices[i].name, name) == 0)
                        return &m->devices[i];
        return NULL;
}

struct fence_job *model_fence_job(struct model *m, uint64_t id) {
        for (size_t i = 0; i < m->n_fence_jobs; i++)
                if (m->fence_jobs[i].id == id)
                        return &m->fence_jobs[i];
        return NULL;
}

struct incident *model_incident(struct model *m, uint64_t id) {
        for (size_t i = 0; id && i < m->n_incidents; i++)
                if (m->incidents[i].id == id)
                        return &m->incidents[i];
        return NULL;
}

struct rule *model_rule(struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_rules; i++)
                if (strcmp(m->rules[i].name, name) == 0)
                        return &m->rules[i];
        return NULL;
}

const char *model_host_name(const struct model *m, uint32_t nodeid) {
        static const char *const unknown = "an unknown host";
        int i = model_host_index(m, nodeid);

        return i < 0 ? unknown : m->hosts[i].name;
}

static void *grow(void *array, size_t *cap, size_t n, size_t size) {
        if (n < *cap)
                return array;
        *cap = MAX(8, *cap * 2);
        return xreallocarray(array, *cap, size);
}

bool host_present(const struct host *h) {
        switch (h->state) {
        case HOST_JOINING:
        case HOST_ONLINE:
        case HOST_DRAINING:
        case HOST_MAINTENANCE:
        case HOST_DEGRADED:
        case HOST_QUARANTINED:
                return true;
        default:
                return false;
        }
}

bool host_serves(const struct host *h) {
        return h->state == HOST_ONLINE || h->state == HOST_DEGRADED;
}

uint32_t host_fences_since(const struct host *h, usec_t wall) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < h->n_fenced; i++)
                n += h->fenced_wall[i] >= wall;
        return n;
}

struct guest *model_guest_add(struct model *m, struct guest_spec *spec) {
        struct guest *g;

        m->guests = grow(m->guests, &m->cap_guests, m->n_guests, sizeof(*m->guests));
        g = &m->guests[m->n_guests++];
        *g = (struct guest){.gid = m->next_gid++, .spec = guest_spec_ref(spec)};
        return g;
}

void model_guest_remove(struct model *m, uint32_t gid) {
        struct guest *g = model_guest(m, gid);
        size_t i;

        if (!g)
                return;
        i = (size_t)(g - m->guests);
        guest_spec_unref(g->spec);
        blob_unref(g->replica.where);
        free(g->snaps);
        memmove(g, g + 1, (m->n_guests - i - 1) * sizeof(*g));
        m->n_guests--;
}

struct rule *model_rule_add(struct model *m, const char *name) {
        struct rule *r;

        m->rules = grow(m->rules, &m->cap_rules, m->n_rules, sizeof(*m->rules));
        r = &m->rules[m->n_rules++];
        *r = (struct rule){0};
        text_set(r->name, sizeof(r->name), name);
        return r;
}

void model_rule_remove(struct model *m, const char *name) {
        struct rule *r = model_rule(m, name);
        size_t i;

        if (!r)
                return;
        i = (size_t)(r - m->rules);
        blob_unref(r->guests);
        blob_unref(r->hosts);
        memmove(r, r + 1, (m->n_rules - i - 1) * sizeof(*r));
        m->n_rules--;
}

/* Closed incidents beyond INCIDENTS_KEPT go, the oldest first; history keeps them all. */
static void incidents_trim(struct model *m) {
        size_t closed = 0, out = 0;

        for (size_t i = 0; i < m->n_incidents; i++)
                closed += !m->incidents[i].open;
        for (size_t i = 0; i < m->n_incidents; i++) {
                if (!m->incidents[i].open && closed > INCIDENTS_KEPT) {
                        closed--;
                        continue;
                }
                m->incidents[out++] = m->incidents[i];
        }
        m->n_incidents = out;
}

struct incident *model_incident_add(struct model *m) {
        struct incident *x;

        incidents_trim(m);
        m->incidents = grow(m->incidents, &m->cap_incidents, m->n_incidents, sizeof(*m->incidents));
        x = &m->incidents[m->n_incidents++];
        *x = (struct incident){.id = m->next_incident++, .open = true};
        return x;
}

static bool hex_bytes(const char *uuid, uint8_t ret[16]) {
        unsigned n = 0;

        for (; *uuid; uuid++) {
                const char *digits = "0123456789abcdef", *d = strchr(digits, *uuid | 0x20);

                if (*uuid == '-')
                        continue;
                if (!d || !*d || n == 32)
                        return false;
                ret[n / 2] = (uint8_t)(n % 2 ? ret[n / 2] | (d - digits) : (d - digits) << 4);
                n++;
        }
        return n == 32;
}

/* BMCs give the bytes in the order of DMI's text, in that of its table, or all backwards. */
static bool same_machine(const char *dmi, const char *guid) {
        static const uint8_t orders[][16] = {
                {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15},
                {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
        };
        uint8_t a[16], b[16];

        if (!hex_bytes(dmi, a) || !hex_bytes(guid, b))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
                size_t k = 0;

                while (k < 16 && a[k] == b[orders[i][k]])
                        k++;
                if (k == 16)
                        return true;
        }
        return false;
}

const struct host *device_of_other(const struct model *m, const struct device *d) {
        const struct host *found = NULL;

        for (size_t i = 0; i < m->n_hosts; i++) {
                if (!same_machine(m->hosts[i].facts.dmi, d->guid))
                        continue;
                if (found || m->hosts[i].nodeid == d->host)
                        return NULL; /* its own, or a UUID of several says nothing */
                found = &m->hosts[i];
        }
        return found;
}
