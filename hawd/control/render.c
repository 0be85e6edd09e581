/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/control/render.h"

#include <stdio.h>
#include <time.h>

#define WALL_MAX (USEC_PER_SEC * UINT64_C(253402300799)) /* end of the year 9999 */

/* What a terminal takes for an order: control characters, but for those that lay text out. */
static bool is_order(const char *p) {
        unsigned char c = (unsigned char)*p, next = (unsigned char)p[c != 0];

        return (c < ' ' && !strchr("\n\t\r", c)) || c == 0x7f ||
               (c == 0xc2 && next >= 0x80 && next < 0xa0); /* U+0080 to U+009F */
}

json_t *render_exact(const char *s) {
        json_t *j;

        if (!s || !*s)
                return json_null();
        j = json_string(s);
        if (!j) {
                _cleanup_(freep) char *clean = xstrdup(s);

                for (char *p = clean; *p; p++)
                        if ((unsigned char)*p >= 0x80)
                                *p = '?';
                j = json_string(clean);
        }
        return j;
}

json_t *render_text(const char *s) {
        _cleanup_(freep) char *harmless = NULL;

        for (size_t i = 0; s && s[i]; i++) {
                if (!is_order(&s[i]))
                        continue;
                if (!harmless)
                        s = harmless = xstrdup(s);
                if ((unsigned char)harmless[i] == 0xc2)
                        harmless[i++] = '?';
                harmless[i] = '?';
        }
        return render_exact(s);
}

static json_t *render_uint(uint64_t n) {
        return json_integer((json_int_t)MIN(n, (uint64_t)INT64_MAX));
}

static void set_uint(json_t *object, const char *name, uint64_t n) {
        json_object_set_new(object, name, render_uint(n));
}

/* 0 stands for "none" in the model. */
static void set_uint_or_null(json_t *object, const char *name, uint64_t n) {
        json_object_set_new(object, name, n ? render_uint(n) : json_null());
}

static void set_text(json_t *object, const char *name, const char *text) {
        json_object_set_new(object, name, render_text(text));
}

static void set_bool(json_t *object, const char *name, bool value) {
        json_object_set_new(object, name, json_boolean(value));
}

void render_time(json_t *object, const char *name, usec_t wall) {
        char key[NAME_LEN], text[40];
        time_t sec = (time_t)(MIN(wall, WALL_MAX) / USEC_PER_SEC);
        size_t n;
        struct tm tm;

        text_fmt(key, sizeof(key), "%s_usec", name);
        if (wall == 0) {
                json_object_set_new(object, name, json_null());
                json_object_set_new(object, key, json_null());
                return;
        }
        gmtime_r(&sec, &tm);
        n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        text_fmt(text + n, sizeof(text) - n, ".%06uZ", (unsigned)(wall % USEC_PER_SEC));
        set_text(object, name, text);
        set_uint(object, key, wall);
}

json_t *render_words(const char *text) {
        json_t *list = json_array();

        while (text && *(text += strspn(text, " \t")) != '\0') {
                size_t len = strcspn(text, " \t");

                json_array_append_new(list, json_stringn(text, len));
                text += len;
        }
        return list;
}

json_t *render_host_name(const struct model *m, uint32_t nodeid) {
        return nodeid ? render_text(model_host_name(m, nodeid)) : json_null();
}

static json_t *render_host_bits(const struct model *m, uint32_t bits) {
        json_t *list = json_array();

        for (size_t i = 0; i < m->n_hosts; i++)
                if (bits & (UINT32_C(1) << i))
                        json_array_append_new(list, render_text(m->hosts[i].name));
        return list;
}

const struct host *find_host(const struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_hosts; i++)
                if (strcmp(m->hosts[i].name, name) == 0)
                        return &m->hosts[i];
        return NULL;
}

const struct host *find_host_id(const struct model *m, uint32_t nodeid) {
        int i = model_host_index(m, nodeid);

        return i < 0 ? NULL : &m->hosts[i];
}

const struct guest *find_guest(const struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_guests; i++)
                if (strcmp(m->guests[i].spec->name, name) == 0)
                        return &m->guests[i];
        for (size_t i = 0; i < m->n_guests; i++)
                if (strcmp(m->guests[i].spec->uuid, name) == 0)
                        return &m->guests[i];
        return NULL;
}

bool guest_as_wanted(const struct guest *g) {
        if (g->deleting)
                return false;
        switch (g->desired) {
        case DESIRED_RUNNING:
                return g->state == GUEST_RUNNING && g->move_to == 0;
        case DESIRED_STOPPED:
                return g->state == GUEST_STOPPED;
        case DESIRED_PAUSED:
                return g->state == GUEST_PAUSED;
        case DESIRED_IGNORED:
                return true;
        case DESIRED_MAX_:
                break;
        }
        return false;
}

json_t *render_guest_counts(const struct model *m) {
        json_t *o = json_object();
        size_t n[GUEST_STATE_MAX_] = {0}, wanted = 0, ignored = 0;

        for (size_t i = 0; i < m->n_guests; i++) {
                n[m->guests[i].state]++;
                wanted += guest_as_wanted(&m->guests[i]);
                ignored += m->guests[i].desired == DESIRED_IGNORED;
        }
        set_uint(o, "total", m->n_guests);
        set_uint(o, "as_wanted", wanted);
        set_uint(o, "ignored", ignored);
        for (unsigned s = 0; s < GUEST_STATE_MAX_; s++)
                set_uint(o, guest_state_name((enum guest_state)s), n[s]);
        return o;
}

/* Settings that are words are shown as they are written. */
static void render_word(void *ud, const char *key, const char *value) {
        static const struct {
                const char *key, *name;
        } words[] = {{"on-shutdown", "on_shutdown"},
                     {"recovery", "recovery"},
                     {"health", "health"},
                     {"snapshot", "snapshot"},
                     {"snapshot-keep", "snapshot_keep"},
                     {"snapshot-quiesce", "snapshot_quiesce"},
                     {"snapshot-kind", "snapshot_kind"},
                     {"replica", "replica"}};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcmp(words[i].key, key) == 0)
                        set_text(ud, words[i].name, value);
}

static json_t *render_settings(const struct conf_guest *c) {
        json_t *o = json_object();

        json_object_set_new(o, "priority", json_integer(c->priority));
        set_uint(o, "start_timeout_ms", c->start_timeout_usec / USEC_PER_MSEC);
        set_uint(o, "stop_timeout_ms", c->stop_timeout_usec / USEC_PER_MSEC);
        set_uint(o, "boot_time_ms", c->boot_usec / USEC_PER_MSEC);
        set_uint(o, "restart_limit", c->restart_limit);
        set_uint(o, "restart_window_ms", c->restart_window_usec / USEC_PER_MSEC);
        set_uint(o, "hang_after_ms", c->hang_after_usec / USEC_PER_MSEC);
        set_uint(o, "relocate_limit", c->relocate_limit);
        set_uint(o, "rollback_limit", c->rollback_limit);
        set_uint(o, "snapshot_space_mib", c->snapshot_space_mib);
        set_uint(o, "snapshot_keep_left_ms", c->snapshot_left_usec / USEC_PER_MSEC);
        set_uint(o, "healthy_after_ms", c->healthy_after_usec / USEC_PER_MSEC);
        set_uint(o, "replica_lag_ms", c->replica_lag_usec / USEC_PER_MSEC);
        set_uint(o, "replica_loss_ms", c->replica_loss_usec / USEC_PER_MSEC);
        guest_conf_each(c, render_word, o);
        return o;
}

static json_t *render_guest_job(const struct model *m, const struct guest *g) {
        json_t *o;

        if (g->job_kind == JOB_NONE)
                return json_null();
        o = json_object();
        set_text(o, "kind", guest_job_name(g->job_kind));
        json_object_set_new(o, "host", render_host_name(m, g->job_host));
        return o;
}

json_t *render_guest(const struct model *m, const struct guest *g) {
        const struct guest_spec *spec = g->spec;
        json_t *o = json_object(), *after = json_array();

        for (uint32_t i = 0; i < spec->n_after; i++)
                json_array_append_new(after, render_text(spec->after[i]));
        set_text(o, "name", spec->name);
        set_text(o, "uuid", spec->uuid);
        set_uint(o, "gid", g->gid);
        set_text(o, "desired", desired_name(g->desired));
        set_text(o, "state", guest_state_name(g->state));
        set_text(o, "health", health_name(g->health));
        set_bool(o, "as_wanted", guest_as_wanted(g));
        json_object_set_new(o, "host", render_host_name(m, g->host));
        json_object_set_new(o, "claims", render_host_bits(m, g->claims));
        set_text(o, "reason", g->reason);
        set_text(o, "placed_why", g->placed_why);
        set_text(o, "start_error", g->start_error);
        render_time(o, "since", g->since_wall);
        json_object_set_new(o, "job", render_guest_job(m, g));
        json_object_set_new(o, "move_to", render_host_name(m, g->move_to));
        set_bool(o, "deleting", g->deleting);
        set_text(o, "recovers_from",
                 g->recovery.why == END_NONE ? "" : end_why_name(g->recovery.why));
        set_uint(o, "failures", g->recovery.failures);
        set_uint(o, "restarts", g->recovery.taken[RUNG_RESTART]);
        set_uint(o, "relocations", g->recovery.taken[RUNG_RELOCATE]);
        set_uint(o, "rollbacks", g->recovery.taken[RUNG_ROLLBACK]);
        set_uint(o, "promotions", g->recovery.taken[RUNG_REPLICA]);
        set_uint(o, "start_failures", g->start_failures);
        json_object_set_new(o, "failed_on", render_host_bits(m, g->tried));
        set_uint_or_null(o, "incident", g->incident);
        set_uint(o, "vcpus", spec->vcpus);
        set_uint(o, "memory_mib", spec->memory_mib);
        set_bool(o, "has_agent", spec->has_agent);
        json_object_set_new(o, "after", after);
        json_object_set_new(o, "settings", render_settings(&spec->conf));
        set_uint(o, "generation", g->gen);
        set_uint(o, "version", g->version);
        return o;
}

/* A part of the repair: from @from to @to, null unless both have come. */
static void set_part(json_t *o, const char *name, usec_t from, usec_t to) {
        json_object_set_new(o, name,
                            from && to ? render_uint(usec_sub(to, from) / USEC_PER_MSEC)
                                       : json_null());
}

/* Steps that this incident did not need (a guest's own death fences nobody) join two parts. */
static json_t *render_parts(const struct incident *i) {
        static const char *const names[STEP_MAX_] = {
                [STEP_DETECTED] = "detect_ms", [STEP_FENCED] = "fence_ms",
                [STEP_PLACED] = "place_ms",    [STEP_STARTED] = "start_ms",
                [STEP_HEALTHY] = "healthy_ms",
        };
        json_t *o = json_object();
        usec_t before = i->at[STEP_LAST_GOOD];

        for (unsigned s = STEP_DETECTED; s < STEP_MAX_; s++) {
                set_part(o, names[s], before, i->at[s]);
                before = i->at[s] ? i->at[s] : before;
        }
        set_part(o, "total_ms",
                 i->at[STEP_LAST_GOOD] ? i->at[STEP_LAST_GOOD] : i->at[STEP_DETECTED],
                 i->at[STEP_HEALTHY]);
        return o;
}

json_t *render_incident(const struct model *m, const struct incident *i, usec_t now_wall) {
        json_t *o = json_object();
        usec_t begun = i->at[STEP_LAST_GOOD] ? i->at[STEP_LAST_GOOD] : i->at[STEP_DETECTED];

        set_uint(o, "id", i->id);
        set_text(o, "kind", i->kind == INCIDENT_HOST ? "host" : "guest");
        json_object_set_new(o, "host", render_host_name(m, i->host));
        set_text(o, "guest", i->guest);
        set_text(o, "cause", i->cause);
        set_bool(o, "open", i->open);
        set_text(o, "outcome", i->outcome);
        json_object_set_new(o, "to_host", render_host_name(m, i->to_host));
        for (unsigned s = 0; s < STEP_MAX_; s++)
                render_time(o, incident_step_name((enum incident_step)s), i->at[s]);
        json_object_set_new(o, "parts", render_parts(i));
        if (i->open)
                set_part(o, "elapsed_ms", begun, now_wall);
        else
                json_object_set_new(o, "elapsed_ms", json_null());
        return o;
}

json_t *render_device(const struct model *m, const struct device *d, const struct config *config) {
        const struct host *other = device_of_other(m, d);
        char why[TEXT_LEN];
        const struct conf_device *c = config ? config_device(config, d->name) : NULL;
        json_t *o = json_object();

        set_text(o, "name", d->name);
        json_object_set_new(o, "host", render_host_name(m, d->host));
        set_uint_or_null(o, "level", c ? c->level : 0);
        set_text(o, "driver", !c ? NULL : (c->driver == FENCE_DRIVER_IPMI ? "ipmi" : c->agent));
        set_text(o, "address", c ? c->address : NULL);
        set_bool(o, "seen_on", d->seen_on);
        set_bool(o, "distrusted", d->distrusted || other);
        set_bool(o, "reachable", d->reachable);
        json_object_set_new(o, "reached_by", render_host_name(m, d->reached_by));
        render_time(o, "checked", d->checked_wall);
        if (other)
                text_fmt(why, sizeof(why), "switches %s, by its System GUID", other->name);
        set_text(o, "error", other ? why : d->error);
        set_text(o, "switches", other ? other->name : NULL);
        return o;
}

json_t *render_rule(const struct rule *r) {
        json_t *o = json_object();

        set_text(o, "name", r->name);
        set_text(o, "kind", rule_kind_name(r->kind));
        set_bool(o, "strict", r->strict);
        json_object_set_new(o, "guests", render_words(r->guests ? r->guests->data : NULL));
        json_object_set_new(o, "hosts", render_words(r->hosts ? r->hosts->data : NULL));
        set_uint(o, "version", r->version);
        return o;
}

json_t *render_note(const struct model *m, const struct note *n, usec_t wall) {
        json_t *o = json_object();

        render_time(o, "time", wall);
        set_text(o, "event", note_name((enum note_id)n->id));
        json_object_set_new(o, "priority", json_integer(note_priority((enum note_id)n->id)));
        json_object_set_new(o, "host", render_host_name(m, n->host));
        set_text(o, "guest", n->guest);
        set_uint_or_null(o, "incident", n->incident);
        set_text(o, "text", n->text);
        set_uint_or_null(o, "version", n->version);
        json_object_set_new(o, "seq", json_null());
        return o;
}

json_t *render_history_row(const struct model *m, const struct history_row *row) {
        json_t *o = render_note(m, &row->note, row->wall);

        if (row->host_name[0])
                set_text(o, "host", row->host_name);
        set_uint(o, "version", row->version);
        set_uint(o, "seq", row->seq);
        return o;
}
