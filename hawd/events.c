/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the store, libvirt and the children tell, as events for the core.
 */
#include "hawd/base/clock.h"
#include "hawd/base/log.h"
#include "hawd/core/byhand.h"
#include "hawd/core/judged.h"
#include "hawd/guest/domxml.h"
#include "hawd/guest/hostinfo.h"
#include "hawd/hawd.h"

static void on_persisted(void *ud, uint64_t batch, int code, const char *text) {
        struct event ev = {.kind = code == 0 ? EV_PERSISTED : EV_PERSIST_FAILED,
                           .persist = {batch, code, text}};

        hawd_step(ud, &ev);
}

static void on_history(void *ud, const struct msg *m) {
        (void)hawd_send(ud, m); /* who asked asks again */
}

void hawd_on_store_note(void *ud, enum note_id id, const char *text) {
        struct note n = {.id = id};

        text_set(n.text, sizeof(n.text), text);
        hawd_note(ud, &n);
}

static void on_reopened(void *ud) {
        log_line(LOG_NOTICE, "the ledger can be read again: hawd starts anew, guests run on");
        hawd_stop(ud, EXIT_FAILURE);
}

struct ledger_callbacks hawd_ledger_callbacks(struct hawd *d) {
        return (struct ledger_callbacks){.persisted = on_persisted,
                                         .send = on_history,
                                         .note = hawd_on_store_note,
                                         .reopened = on_reopened,
                                         .ud = d};
}

static void on_libvirt_up(void *ud, const struct domain_seen *domains, size_t n) {
        struct event ev = {.kind = EV_LIBVIRT_UP, .libvirt = {domains, n}};

        hawd_step(ud, &ev);
}

static void on_libvirt_down(void *ud, const char *why) {
        struct event ev = {.kind = EV_LIBVIRT_DOWN};

        log_line(LOG_WARNING, "libvirt: %s", why);
        hawd_step(ud, &ev);
}

static void on_domain(void *ud, const struct domain_seen *domain) {
        struct event ev = {.kind = EV_DOMAIN, .domain = *domain};

        hawd_step(ud, &ev);
}

static void on_definition(void *ud, const char *uuid, const char *name, bool defined) {
        struct event ev = {.kind = EV_DEFINITION, .definition = {uuid, name, defined}};

        hawd_step(ud, &ev);
}

static void on_healthy(void *ud, const char *uuid, const char *evidence) {
        struct event ev = {.kind = EV_DOMAIN_HEALTHY, .domain = {.wall = now_wall()}};

        text_set(ev.domain.uuid, sizeof(ev.domain.uuid), uuid);
        text_set(ev.domain.text, sizeof(ev.domain.text), evidence);
        hawd_step(ud, &ev);
}

static void on_job_done(void *ud, uint64_t id, enum job_result result, enum seen_state seen,
                        const char *text, struct guest_spec *spec, usec_t wall,
                        const struct snap_figures *figures) {
        struct event ev = {.kind = EV_GUEST_JOB_DONE,
                           .guest_job = {.id = id,
                                         .result = result,
                                         .seen = seen,
                                         .text = text,
                                         .spec = spec,
                                         .wall = wall,
                                         .figures = *figures}};

        hawd_step(ud, &ev);
}

void hawd_say_load(struct hawd *d) {
        struct event ev = {.kind = EV_HOST_LOAD,
                           .load = {.vcpus = d->vcpus, .memory_mib = d->memory_mib}};

        if (d->vcpus && hostinfo_read(&ev.load.memory_free_mib, &ev.load.load_pct) == 0)
                hawd_step(d, &ev);
}

void hawd_say_health(struct hawd *d) {
        struct event ev = {.kind = EV_HOST_HEALTH};
        const char *name = hawd_own_name(d);
        const struct sense_wants wants = {
                .storage_paths = config_storage_paths(&d->config, name),
                .uplink = config_uplink(&d->config, name),
                .storage_timeout_usec = d->config.storage_timeout_usec,
        };

        sense_read(d->sense, &wants, now_boottime(), &ev.health);
        hawd_step(d, &ev);
}

static void on_host(void *ud, uint32_t vcpus, uint64_t memory_mib) {
        struct hawd *d = ud;

        d->vcpus = vcpus;
        d->memory_mib = memory_mib;
        hawd_say_load(d);
}

static bool on_kept(void *ud, const char *uuid) {
        return byhand_kept(core_model(((struct hawd *)ud)->core), uuid);
}

static void say_by_hand(struct hawd *d, const char *uuid, const char *text) {
        const struct guest *g = byhand_kept(core_model(d->core), uuid);
        struct log_fields f = {.guest = g ? g->spec->name : NULL};

        log_note(LOG_WARNING, &f, "%s: %s", g ? g->spec->name : uuid, text);
}

static void on_by_hand(void *ud, const char *uuid, const char *text) {
        say_by_hand(ud, uuid, text);
}

static void on_redefined(void *ud, struct guest_spec *spec) {
        struct hawd *d = ud;
        const struct guest *g = byhand_kept(core_model(d->core), spec->uuid);
        struct event ev = {.kind = EV_REQUEST};
        char text[TEXT_LEN] = "";
        int taken = 0;

        if (g) {
                struct guest_spec *given = domxml_as_given(g->spec, g->snaps, spec);

                taken = byhand_redefined(core_model(d->core), ring_nodeid(d->ring), given,
                                         &ev.request, text);
                guest_spec_unref(given);
        }
        if (text[0])
                say_by_hand(d, spec->uuid, text);
        if (!taken)
                return;
        ev.request.id = HAWD_OWN_REQUEST | ++d->own_requests;
        hawd_step(d, &ev);
        guest_spec_unref(ev.request.spec);
}

static usec_t on_hang_after(void *ud, const char *uuid, bool *ret_alone) {
        struct hawd *d = ud;

        return judged_hang_after(core_model(d->core), ring_nodeid(d->ring), uuid, ret_alone);
}

void hawd_on_replica(void *ud, const struct replica_told *told) {
        struct event ev = {.kind = EV_REPLICA, .replica = *told};

        hawd_step(ud, &ev);
}

static void on_replica_final(void *ud, uint32_t gid, uint32_t serial) {
        const struct replica_told told = {
                .what = TOLD_FINAL, .gid = gid, .serial = serial, .as_of = now_wall()};

        hawd_on_replica(ud, &told);
}

const struct guest_callbacks hawd_guest_callbacks = {
        .up = on_libvirt_up,
        .down = on_libvirt_down,
        .domain = on_domain,
        .definition = on_definition,
        .healthy = on_healthy,
        .job_done = on_job_done,
        .host = on_host,
        .kept = on_kept,
        .by_hand = on_by_hand,
        .redefined = on_redefined,
        .hang_after = on_hang_after,
        .replica_final = on_replica_final,
};

void hawd_on_fence_done(void *ud, uint64_t id, const struct runner_said *said, usec_t wall) {
        struct event ev = {.kind = EV_FENCE_DONE,
                           .fence = {.id = id,
                                     .reading = said->reading,
                                     .switched = said->switched,
                                     .text = said->text,
                                     .guid = said->guid,
                                     .wall = wall}};

        hawd_step(ud, &ev);
}

void hawd_on_sensors(void *ud, uint32_t nodeid, enum measured said, const char *text) {
        struct event ev = {.kind = EV_SENSORS,
                           .sensors = {.nodeid = nodeid, .said = said, .text = text}};

        hawd_step(ud, &ev);
}

void hawd_on_facts_done(void *ud, uint64_t id, struct blob *facts, const char *text) {
        struct event ev = {.kind = EV_FACTS_DONE,
                           .facts = {.id = id, .facts = facts, .text = text}};

        hawd_step(ud, &ev);
        blob_unref(facts);
}
