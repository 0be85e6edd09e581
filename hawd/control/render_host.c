/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host as JSON, with what keeps a lost one from being proven off, what comes next, the mend. */
#include <stdio.h>

#include "fencing/ladder.h"
#include "hawd/control/render.h"
#include "hawd/core/lease.h"

#define ADVICE_MAX 64

static const struct fence_job *open_job(const struct model *m, const struct host *h) {
        for (size_t i = 0; i < m->n_fence_jobs; i++)
                if (m->fence_jobs[i].host == h->nodeid)
                        return &m->fence_jobs[i];
        return NULL;
}

static void comma_list(char *buf, size_t size, size_t i, const char *name) {
        size_t n = i ? strlen(buf) : 0;

        text_fmt(buf + n, size - n, "%s%s", i ? ", " : "", name);
}

static void device_list(const struct fence_job *j, char *buf, size_t size) {
        buf[0] = '\0';
        for (uint32_t i = 0; i < j->n_devices; i++)
                comma_list(buf, size, i, j->devices[i]);
}

static json_t *render_fence_job(const struct model *m, const struct fence_job *j) {
        json_t *devices;

        if (!j)
                return json_null();
        devices = json_array();
        for (uint32_t i = 0; i < j->n_devices; i++)
                json_array_append_new(devices, render_text(j->devices[i]));
        return json_pack("{s:I,s:s,s:o,s:I,s:o,s:b}", "id", (json_int_t)j->id, "kind",
                         j->kind == FENCE_OFF ? "off" : "on", "executor",
                         render_host_name(m, j->executor), "level", (json_int_t)j->level, "devices",
                         devices, "cancelling", j->cancelling);
}

static size_t devices_of(const struct model *m, const struct host *h) {
        size_t n = 0;

        for (size_t i = 0; i < m->n_devices; i++)
                n += m->devices[i].host == h->nodeid;
        return n;
}

/* The guests that wait for the proof (S2). */
static size_t claims_of(const struct model *m, const struct host *h) {
        int index = model_host_index(m, h->nodeid);
        size_t n = 0;

        for (size_t i = 0; i < m->n_guests; i++)
                n += (m->guests[i].claims >> index) & 1;
        return n;
}

/* The first device that would not work for this host, for "mend". */
static const struct device *broken_device(const struct model *m, const struct host *h) {
        for (size_t i = 0; i < m->n_devices; i++) {
                const struct device *d = &m->devices[i];

                if (d->host == h->nodeid &&
                    (d->error[0] || d->distrusted || !d->seen_on || device_of_other(m, d)))
                        return d;
        }
        return NULL;
}

static void why_not_proven(const struct model *m, const struct host *h, const struct fence_job *j,
                           char *buf, size_t size) {
        char devices[TEXT_LEN];

        if (j) {
                device_list(j, devices, sizeof(devices));
                text_fmt(buf, size,
                         "%s reads and switches %s (level %u), not yet read off twice%s%s",
                         model_host_name(m, j->executor), devices, (unsigned)j->level,
                         h->fence_error[0] ? "; before that: " : "", h->fence_error);
        } else if (h->fence_error[0]) {
                text_set(buf, size, h->fence_error);
        } else if (devices_of(m, h) == 0) {
                text_fmt(buf, size, "no fence device of %s is known", h->name);
        } else {
                text_set(buf, size, "no fence device was tried yet");
        }
}

static void mend(const struct model *m, const struct host *h, char *buf, size_t size) {
        const struct device *d = broken_device(m, h);
        char repair[2 * TEXT_LEN] = "";

        if (d)
                text_fmt(repair, sizeof(repair), "repair %s (%s), or: ", d->name,
                         d->error[0]             ? d->error
                         : device_of_other(m, d) ? "it switches another host, by its System GUID"
                         : d->distrusted         ? "it read off while its host was up"
                                                 : "it was never seen to read on");
        text_fmt(buf, size, "%swhen you have seen that %s is off: hawctl fence confirm %s --yes",
                 repair, h->name, h->name);
}

static void what_next(const struct model *m, const struct host *h, const struct fence_job *j,
                      const struct config *config, const struct render_live *live, char *buf,
                      size_t size) {
        struct ladder_step step;
        char names[TEXT_LEN] = "", gone[32], dog[96] = "";

        if (lease_gone_text(h, gone, sizeof(gone)))
                text_fmt(dog, sizeof(dog), "; its watchdog proves it off %s after it left", gone);
        if (live && !live->operational) {
                text_set(buf, size, "nothing until the cluster is operational again");
        } else if (j && j->cancelling) {
                text_set(buf, size, "the host came back: the fence job is being ended");
        } else if (config && ladder_next(config, h->name, h->fence_tries, &step) == 0) {
                for (uint32_t i = 0; i < step.n_devices; i++)
                        comma_list(names, sizeof(names), i, step.devices[i]->name);
                text_fmt(buf, size, "%slevel %u (%s), and so on, for ever%s",
                         j ? "if this proves nothing: " : "after a pause: ", (unsigned)step.level,
                         names, dog);
        } else if (devices_of(m, h) > 0) {
                text_fmt(buf, size, "the devices are tried again, after a pause, for ever%s", dog);
        } else if (*dog) {
                text_set(buf, size, dog + strlen("; "));
        } else {
                text_set(buf, size, "nothing by itself: an operator must act");
        }
}

/* Nulls where the host is not one that waits for a proof. */
static void set_fence(json_t *o, const struct model *m, const struct host *h,
                      const struct config *config, const struct render_live *live) {
        const struct fence_job *j = open_job(m, h);
        char why[3 * TEXT_LEN] = "", help[3 * TEXT_LEN] = "", next[2 * TEXT_LEN] = "";

        json_object_set_new(o, "fence_job", render_fence_job(m, j));
        if (h->state == HOST_LOST || h->state == HOST_FENCING) {
                why_not_proven(m, h, j && j->kind == FENCE_OFF ? j : NULL, why, sizeof(why));
                mend(m, h, help, sizeof(help));
                what_next(m, h, j, config, live, next, sizeof(next));
        }
        json_object_set_new(o, "not_proven_why", render_text(why));
        json_object_set_new(o, "next", render_text(next));
        json_object_set_new(o, "mend", render_text(help));
}

static void set_live(json_t *o, const struct render_live *live) {
        const struct heartbeat *hb = live ? live->heartbeat : NULL;

        json_object_set_new(o, "in_ring", live ? json_boolean(live->in_ring) : json_null());
        json_object_set_new(o, "in_group", live ? json_boolean(live->in_group) : json_null());
        json_object_set_new(o, "memory_free_mib",
                            hb ? json_integer((json_int_t)hb->memory_free_mib) : json_null());
        json_object_set_new(o, "load_pct", hb ? json_integer(hb->load_pct) : json_null());
        json_object_set_new(o, "libvirt_ok", hb ? json_boolean(hb->libvirt_ok) : json_null());
        json_object_set_new(o, "store_error", render_text(hb ? hb->store_error : NULL));
        json_object_set_new(o, "heard_ms_ago",
                            hb ? json_integer((json_int_t)(live->heard_usec_ago / USEC_PER_MSEC))
                               : json_null());
        json_object_set_new(o, "clock_offset_ms",
                            hb && live->clock_offset_usec
                                    ? json_integer(*live->clock_offset_usec / 1000)
                                    : json_null());
}

static void set_load(json_t *o, const struct model *m, const struct host *h) {
        uint64_t guests = 0, vcpus = 0, memory = 0;

        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];

                if (g->host != h->nodeid ||
                    (g->state != GUEST_RUNNING && g->state != GUEST_PAUSED &&
                     g->state != GUEST_STARTING && g->state != GUEST_STOPPING))
                        continue;
                guests++;
                vcpus += g->spec->vcpus;
                memory += g->spec->memory_mib;
        }
        json_object_set_new(o, "guests", json_integer((json_int_t)guests));
        json_object_set_new(o, "claims", json_integer((json_int_t)claims_of(m, h)));
        json_object_set_new(o, "guest_vcpus", json_integer((json_int_t)vcpus));
        json_object_set_new(o, "guest_memory_mib", json_integer((json_int_t)memory));
}

static json_t *render_devices(const struct model *m, const struct host *h,
                              const struct config *config) {
        json_t *list = json_array();

        for (size_t i = 0; i < m->n_devices; i++)
                if (m->devices[i].host == h->nodeid)
                        json_array_append_new(list, render_device(m, &m->devices[i], config));
        return list;
}

static json_t *number_or_null(uint64_t n) {
        return n ? json_integer((json_int_t)n) : json_null();
}

/* Its hawd takes part, and has said what its hawd.conf is. */
static bool has_config(const struct host *h) {
        return host_present(h) && h->facts.config_hash != 0;
}

/* Is the configuration of @h that of most hosts? */
static bool config_is_common(const struct model *m, const struct host *h) {
        size_t n = 0, same = 0;

        for (size_t i = 0; i < m->n_hosts; i++) {
                if (!has_config(&m->hosts[i]))
                        continue;
                n++;
                same += m->hosts[i].facts.config_hash == h->facts.config_hash;
        }
        return 2 * same > n;
}

json_t *render_other_configs(const struct model *m, uint32_t self, uint64_t hash) {
        json_t *list = json_array();

        for (size_t i = 0; i < m->n_hosts; i++) {
                const struct host *h = &m->hosts[i];

                if (h->nodeid != self && has_config(h) && h->facts.config_hash != hash)
                        json_array_append_new(list, render_text(h->name));
        }
        return list;
}

static void set_config(json_t *o, const struct model *m, const struct host *h) {
        char hash[17];

        text_fmt(hash, sizeof(hash), "%016" PRIx64, h->facts.config_hash);
        json_object_set_new(o, "config_hash",
                            h->facts.config_hash ? render_text(hash) : json_null());
        json_object_set_new(o, "config_differs",
                            json_boolean(has_config(h) && !config_is_common(m, h)));
}

json_t *render_waiting(const struct core *c, uint32_t nodeid) {
        struct core_waiting list[HOSTS_MAX];
        size_t n = core_waiting(c, list);
        json_t *all = json_array();

        for (size_t i = 0; i < n; i++) {
                const struct core_waiting *w = &list[i];

                if (nodeid && w->nodeid != nodeid && w->holder != nodeid)
                        continue;
                json_array_append_new(
                        all,
                        json_pack("{s:o,s:I,s:o,s:o,s:o}", "name", render_text(w->name), "nodeid",
                                  (json_int_t)w->nodeid, "holder", number_or_null(w->holder), "why",
                                  render_text(w->why), "mend", render_text(w->mend)));
        }
        return all;
}

static json_t *render_ills(const struct host *h) {
        json_t *list = json_array();

        for (size_t i = 0; i < ILL_MAX_; i++)
                if (h->ills & ILL_BIT(i))
                        json_array_append_new(list, json_pack("{s:s,s:o}", "reason",
                                                              ill_name((enum ill)i), "text",
                                                              render_text(h->ill_text[i])));
        return list;
}

json_t *render_advice(const struct core *c, uint32_t nodeid) {
        struct core_advice a[ADVICE_MAX];
        size_t n = core_advice(c, nodeid, a, ADVICE_MAX);
        json_t *list = json_array();

        for (size_t i = 0; i < n; i++)
                json_array_append_new(list,
                                      json_pack("{s:o,s:o,s:o}", "guest", render_text(a[i].guest),
                                                "to", render_host_name(core_model(c), a[i].to),
                                                "why", render_text(a[i].why)));
        return list;
}

json_t *render_host(const struct model *m, const struct host *h, const struct config *config,
                    const struct render_live *live) {
        json_t *o = json_object();

        json_object_set_new(o, "name", render_text(h->name));
        json_object_set_new(o, "nodeid", json_integer(h->nodeid));
        json_object_set_new(o, "state", render_text(host_state_name(h->state)));
        render_time(o, "since", h->since_wall);
        json_object_set_new(o, "degraded_by", render_ills(h));
        set_live(o, live);
        set_load(o, m, h);
        json_object_set_new(o, "vcpus", number_or_null(h->facts.vcpus));
        json_object_set_new(o, "memory_mib", number_or_null(h->facts.memory_mib));
        json_object_set_new(o, "labels", render_words(h->facts.labels));
        json_object_set_new(o, "hawd_version", render_text(h->facts.hawd_version));
        set_config(o, m, h);
        json_object_set_new(o, "watchdog_ms", number_or_null(h->watchdog_usec / USEC_PER_MSEC));
        json_object_set_new(o, "lease_ms", number_or_null(h->lease_usec / USEC_PER_MSEC));
        json_object_set_new(o, "watchdog_error", render_text(h->watchdog_error));
        json_object_set_new(o, "losses", json_integer(h->losses));
        render_time(o, "lost", h->lost_wall);
        json_object_set_new(o, "proof",
                            render_text(h->proof == PROOF_NONE ? NULL : proof_name(h->proof)));
        json_object_set_new(o, "proof_text", render_text(h->proof_text));
        json_object_set_new(o, "fence_tries", json_integer(h->fence_tries));
        json_object_set_new(o, "fence_level", number_or_null(h->fence_level));
        json_object_set_new(o, "fence_error", render_text(h->fence_error));
        set_fence(o, m, h, config, live);
        json_object_set_new(o, "incident", number_or_null(h->incident));
        json_object_set_new(o, "devices", render_devices(m, h, config));
        json_object_set_new(o, "version", json_integer((json_int_t)h->version));
        return o;
}
