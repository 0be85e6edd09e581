/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model as JSON: the names below are what scripts rely on (io.hawd.varlink lists them).
 * Model in, json_t out: no socket, no clock, no adapter; the simulator links it too.
 *
 * snake_case; a time T is a string T (RFC 3339, UTC, or null when it has not come) and an integer
 * T_usec (since 1970, or null); durations end in _ms; what is not there is null, never left out.
 */
#pragma once

#include <jansson.h>

#include "hawd/core/core.h"
#include "hawd/core/note.h"

/** struct render_live - what is not in the ledger but shown with a host; NULL where it is not known
 */
struct render_live {
        const struct heartbeat *heartbeat;
        usec_t heard_usec_ago;
        const int64_t *clock_offset_usec;
        bool in_ring, in_group;
        bool operational; /* the cluster decides */
};

/** render_exact() - a string, or null when @s is NULL or empty; what is no UTF-8 becomes '?'. */
json_t *render_exact(const char *s);
/** render_text() - the same for people: what a terminal would take for an order becomes '?' too. */
json_t *render_text(const char *s);
/** render_xml() - with @secrets as it is, else with XML_HIDDEN where a password stands. */
json_t *render_xml(const struct blob *xml, bool secrets);
/** render_time() - set @name and @name_usec. */
void render_time(json_t *object, const char *name, usec_t wall);
/** render_waiting() - hosts of the nodelist that the ledger cannot take in; @nodeid 0: all, else
 * what concerns this one */
json_t *render_waiting(const struct core *c, uint32_t nodeid);
/** render_advice() - where the guests of degraded @nodeid should go */
json_t *render_advice(const struct core *c, uint32_t nodeid);
/** render_words() - the blank-separated words of @text (may be NULL). */
json_t *render_words(const char *text);
/** render_host_name() - of @nodeid; null for 0. */
json_t *render_host_name(const struct model *m, uint32_t nodeid);

json_t *render_host(const struct model *m, const struct host *h, const struct config *config,
                    const struct render_live *live);
json_t *render_guest(const struct model *m, const struct guest *g);
json_t *render_incident(const struct model *m, const struct incident *i, usec_t now_wall);
json_t *render_device(const struct model *m, const struct device *d, const struct config *config);
/** render_reading() - a fence test's; @ring: bits of the hosts in the ring */
json_t *render_reading(const struct model *m, const struct device_reading *r,
                       const struct config *config, uint32_t ring);
json_t *render_rule(const struct rule *r);
json_t *render_note(const struct model *m, const struct note *n, usec_t wall);
json_t *render_history_row(const struct model *m, const struct history_row *row);

/** render_other_configs() - hosts, but for @self, whose hawd is there with another hawd.conf */
json_t *render_other_configs(const struct model *m, uint32_t self, uint64_t hash);

/** render_guest_counts() - {total, as_wanted, stopped, starting, running, ...} */
json_t *render_guest_counts(const struct model *m);

/** guest_as_wanted() - it is in the state that its owner wants; ignored ones always are. */
bool guest_as_wanted(const struct guest *g);

/* The model's finders, for a model that is only read. */
const struct host *find_host(const struct model *m, const char *name);
const struct host *find_host_id(const struct model *m, uint32_t nodeid);
const struct guest *find_guest(const struct model *m, const char *name);
