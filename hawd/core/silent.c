/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Members that are in the group and say nothing: their hawd hangs, or speaks another protocol.
 * Pure.
 *
 * A change of the group needs a word from each of its members, and only its leader decides, so one
 * that hangs would hold up all. Whoever misses its heartbeats says so in the ring; at that message
 * every member goes on without it (sync_exclude), and it joins anew when it reads the same message.
 * Its guests are not touched: its host counts as lost only after daemon-grace.
 */
#include "hawd/core/priv.h"

#define STALL_USEC USEC_PER_SEC /* a step so late that it says more of us than of the others */

usec_t silent_limit(const struct core *c) {
        return config_silent_limit(c->config);
}

static bool suspected(const struct core *c, struct ring_member m) {
        for (size_t i = 0; i < c->n_suspects; i++)
                if (c->suspects[i].nodeid == m.nodeid && c->suspects[i].pid == m.pid)
                        return true;
        return false;
}

bool silent_left_out(const struct core *c, uint32_t nodeid) {
        for (size_t i = 0; i < c->n_suspects; i++)
                if (c->suspects[i].nodeid == nodeid)
                        return true;
        return false;
}

static void suspect(struct core *c, struct ring_member m) {
        if (!suspected(c, m) && c->n_suspects < HOSTS_MAX)
                c->suspects[c->n_suspects++] = m;
}

static void say(struct core *c, const struct ring_member *members, uint32_t n) {
        struct msg *m;

        if (n == 0 || 2 * (c->n_peers - n) < c->n_group)
                return;
        m = msg_new(MSG_EXCLUDE);
        m->exclude.n = n;
        memcpy(m->exclude.members, members, n * sizeof(*members));
        core_send(c, m);
        c->exclude_told = MAX(c->now, 1);
}

/* A new configuration has everybody in it again: those known to be of no use are named at once. */
void silent_group(struct core *c) {
        struct ring_member still[HOSTS_MAX];
        uint32_t n = 0;

        c->listening_since = c->now;
        for (size_t i = 0; i < c->n_peers; i++)
                if (suspected(c, c->peers[i].id))
                        still[n++] = c->peers[i].id;
        memcpy(c->suspects, still, n * sizeof(*still));
        c->n_suspects = n;
        say(c, still, n);
}

/* Out of the group from here on; @left are the others. */
void silent_excluded(struct core *c, const struct ring_member *left, size_t n) {
        for (size_t i = 0, k = 0; i < c->n_peers; i++) {
                const struct ring_member id = c->peers[i].id;

                if (k < n && left[k].nodeid == id.nodeid) {
                        k++;
                        continue;
                }
                if (id.nodeid != c->nodeid) /* or it would leave itself out for ever */
                        suspect(c, id);
                core_note(c, NOTE_PEER_SILENT, id.nodeid, NULL,
                          "hawd on %s says nothing: the group goes on without it; its guests are "
                          "not touched",
                          core_node_name(c, id.nodeid));
        }
}

void silent_refused(struct core *c, struct ring_member from, uint32_t major) {
        struct ring_member m = from;

        c->refused_major = major;
        if (suspected(c, from))
                return;
        suspect(c, from);
        core_note(c, NOTE_PEER_REFUSED, from.nodeid, NULL,
                  "hawd on %s speaks protocol %u, this one %u: upgrade the older one",
                  core_node_name(c, from.nodeid), major, PROTO_MAJOR);
        say(c, &m, 1);
}

void silent_tick(struct core *c) {
        struct ring_member quiet[HOSTS_MAX];
        usec_t limit = silent_limit(c);
        uint32_t n = 0;

        /* We were stopped, or starved: what was not heard meanwhile is nobody's silence. */
        if (c->now > usec_add(c->last_step, usec_add(STALL_USEC, 2 * c->config->heartbeat_usec)))
                c->listening_since = c->now;
        c->last_step = c->now;
        for (size_t i = 0; i < c->n_peers; i++) {
                const struct peer *p = &c->peers[i];
                usec_t due = usec_add(MAX(p->heartbeat_now, c->listening_since), limit);

                if (p->id.nodeid == c->nodeid)
                        continue;
                if (c->now >= due)
                        quiet[n++] = p->id;
                else
                        wake_at(c, due);
        }
        if (n == 0)
                return;
        if (c->exclude_told == 0 || c->now >= usec_add(c->exclude_told, RESEND_USEC))
                say(c, quiet, n);
        wake_at(c, usec_add(c->now, RESEND_USEC));
}
