/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corosync: quorum, its timers, its links, its encryption. */
#include "hawd/ctl/doctor/finding.h"

#define SLOW_MS 10000
#define SLOWISH_MS 5000
#define KNET_TICK_MS 200    /* knet looks at its links this often */
#define KNET_TIMEOUT_MS 250 /* half of token 500; below, an idle network loses sound links */

/* corosync's facts; NULL: there are none, which judge_corosync() says, or none are needed. */
static const json_t *corosync_of(const json_t *facts) {
        const json_t *c = json_object_get(facts, "corosync");

        return json_is_object(c) && jnull(c, "error") ? c : NULL;
}

static bool solo(const json_t *facts) {
        return strcmp(jtext(part_of(facts, "host/config"), "ring"), "solo") == 0;
}

void judge_corosync(struct findings *f, const json_t *facts) {
        const json_t *c = json_object_get(facts, "corosync");

        if (solo(facts)) {
                found(f, SEVERITY_NOTE,
                      "ring = solo: this host is alone, nothing takes its guests over");
        } else if (json_is_object(c) && !jnull(c, "error")) {
                found(f, SEVERITY_BAD,
                      "corosync does not answer: %s; so quorum, timers, links and encryption are "
                      "not known",
                      jtext(c, "error"));
                mend(f, "systemctl start corosync; journalctl -u corosync");
        } else if (!not_known(f, c, "corosync")) {
                found(f, SEVERITY_OK, "corosync answers");
        }
}

/* ---- quorum -----------------------------------------------------------------------------------
 */

static bool quorum_of_two(struct findings *f, const json_t *q, bool qdevice) {
        if (jbool(q, "two_node") && !jbool(q, "wait_for_all")) {
                found(f, SEVERITY_WARNING,
                      "two_node without wait_for_all: after a cold start each host may think it is "
                      "quorate alone, and fence the other");
                mend(f, "quorum { two_node: 1 } and no wait_for_all: 0 in corosync.conf");
                return true;
        }
        if (!jbool(q, "two_node") && !qdevice) {
                found(f, SEVERITY_WARNING,
                      "two hosts without two_node and without a qdevice: when one is lost, the "
                      "other may decide nothing");
                mend(f, "quorum { two_node: 1 } in corosync.conf, or a qdevice on a third machine");
                return true;
        }
        return false;
}

static bool quorum_votes(struct findings *f, const json_t *q, int64_t n, int64_t qdevice_votes) {
        int64_t expected = jnum(q, "expected");

        if (expected == n + qdevice_votes)
                return false;
        found(f, SEVERITY_WARNING,
              "corosync expects %lld votes, the nodelist has %lld hosts%s: hawd wants hosts with a "
              "majority of the votes",
              (long long)expected, (long long)n, qdevice_votes ? " and a qdevice" : "");
        mend(f, "take expected_votes out of corosync.conf and give each host one vote");
        return true;
}

static bool quorum_kind(struct findings *f, const json_t *q, int64_t n, bool qdevice) {
        bool any = false;

        if (qdevice && !jbool(q, "qdevice_alive")) {
                found(f, SEVERITY_WARNING, "the qdevice is configured and does not vote");
                mend(f, "corosync-qdevice-tool -sv; systemctl status corosync-qdevice, "
                        "corosync-qnetd");
                any = true;
        }
        if (jbool(q, "last_man_standing")) {
                found(f, SEVERITY_WARNING,
                      "last_man_standing: the votes follow the members, so two parts of the "
                      "cluster may each be quorate; a lone host then needs proof that the others "
                      "are off");
                mend(f, "take last_man_standing out of corosync.conf, or keep its cost in mind");
                any = true;
        }
        if (n > 2 && n % 2 == 0 && !qdevice) {
                found(f, SEVERITY_NOTE,
                      "%lld hosts and no qdevice: cut in two halves, neither may decide%s",
                      (long long)n,
                      jbool(q, "auto_tie_breaker") ? " but the one with the lowest node id" : "");
                mend(f, "a qdevice on another machine gives one half the deciding vote");
                any = true;
        }
        return any;
}

void judge_quorum(struct findings *f, const json_t *facts) {
        const json_t *c = corosync_of(facts), *q = json_object_get(c, "quorum");
        int64_t n = (int64_t)json_array_size(json_object_get(c, "nodes"));
        bool qdevice, any;

        if (!c || solo(facts) || not_known(f, q, "the quorum"))
                return;
        qdevice = !jnull(q, "qdevice_model") || jbool(q, "qdevice_registered");
        if (!jbool(q, "quorate")) {
                found(f, SEVERITY_BAD,
                      "corosync has no quorum here: %lld of %lld votes, %lld needed",
                      (long long)jnum(q, "total"), (long long)jnum(q, "expected"),
                      (long long)jnum(q, "quorum"));
                mend(f, "bring hosts back; corosync-quorumtool -s shows who is missing");
        }
        any = quorum_votes(f, q, n, qdevice ? jnum(q, "qdevice_votes") : 0);
        any |= quorum_kind(f, q, n, qdevice);
        if (n == 2)
                any |= quorum_of_two(f, q, qdevice);
        if (n == 1) {
                found(f, SEVERITY_NOTE, "one host: nothing takes its guests over");
                any = true;
        }
        if (!any && jbool(q, "quorate"))
                found(f, SEVERITY_OK, "%lld hosts, %lld votes, %lld are a majority", (long long)n,
                      (long long)jnum(q, "expected"), (long long)jnum(q, "quorum"));
}

/* ---- timers -----------------------------------------------------------------------------------
 */

/*
 * A lost host is noticed when its token has run out and the others have agreed (consensus): with
 * the defaults 2.2 times the token, 8 s with 3 hosts and 27 s with 16.
 */
void judge_token(struct findings *f, const json_t *facts) {
        const json_t *c = corosync_of(facts);
        int64_t token = jnum(c, "token_ms"), time = token + jnum(c, "consensus_ms");

        if (!c || solo(facts))
                return;
        if (token <= 0 || jnum(c, "consensus_ms") <= 0) {
                found(f, SEVERITY_NOTE, "not known: corosync's timers: because its map has none");
                return;
        }
        if (token < 500) {
                found(f, SEVERITY_WARNING,
                      "token %lld ms: a short stall of the network or of a host counts as its "
                      "loss, "
                      "and it is fenced",
                      (long long)token);
                mend(f, "totem { token: 1000 } in corosync.conf");
        } else if (time > SLOWISH_MS) {
                found(f, time > SLOW_MS ? SEVERITY_WARNING : SEVERITY_NOTE,
                      "a lost host is noticed only after %.1f s (token %lld ms, consensus %lld "
                      "ms), "
                      "and recovery begins then",
                      (double)time / 1000, (long long)token, (long long)jnum(c, "consensus_ms"));
                mend(f, "totem { token: 1000, token_coefficient: 0 } in corosync.conf makes it 2.2 "
                        "s; not below 1000 on a busy network");
        } else {
                found(f, SEVERITY_OK, "a lost host is noticed after %.1f s", (double)time / 1000);
        }
}

/* ---- links ------------------------------------------------------------------------------------
 */

static const char *node_name(const json_t *c, int64_t nodeid, char buf[NAME_LEN]) {
        const json_t *n;
        size_t i;

        json_array_foreach(json_object_get(c, "nodes"), i,
                           n) if (jnum(n, "nodeid") == nodeid && *jtext(n, "name")) {
                text_set(buf, NAME_LEN, jtext(n, "name"));
                return buf;
        }
        text_fmt(buf, NAME_LEN, "node %lld", (long long)nodeid);
        return buf;
}

/* Of the host that has the fewest. */
static size_t least_links(const json_t *c) {
        size_t i, least = SIZE_MAX;
        const json_t *n;

        json_array_foreach(json_object_get(c, "nodes"), i, n) least =
                MIN(least, json_array_size(json_object_get(n, "links")));
        return least == SIZE_MAX ? 0 : least;
}

static bool link_timers(struct findings *f, const json_t *c, size_t links) {
        int64_t token = jnum(c, "token_ms");
        const json_t *l;
        bool any = false;
        size_t i;

        json_array_foreach(json_object_get(c, "links"), i, l) {
                int64_t timeout = jnum(l, "timeout_ms"), ping = jnum(l, "ping_ms");

                if (timeout < KNET_TIMEOUT_MS || timeout < ping) {
                        found(f, SEVERITY_WARNING,
                              "link %lld: pings every %lld ms may take %lld ms: too short for "
                              "knet, "
                              "which looks every %d ms; it drops a sound link",
                              (long long)jnum(l, "link"), (long long)ping, (long long)timeout,
                              KNET_TICK_MS);
                        mend(f, "knet_ping_interval: 200, knet_ping_timeout: 1000 for the link in "
                                "corosync.conf, or a longer token");
                        any = true;
                } else if (links > 1 && timeout > token) {
                        found(f, SEVERITY_WARNING,
                              "link %lld: a dead one is noticed after %lld ms, but the token runs "
                              "out after %lld ms: a second link saves no host then",
                              (long long)jnum(l, "link"), (long long)timeout, (long long)token);
                        mend(f, "a shorter knet_ping_timeout for the link in corosync.conf, or a "
                                "longer token");
                        any = true;
                }
        }
        return any;
}

static bool links_down(struct findings *f, const json_t *c) {
        const json_t *l, *down = json_object_get(c, "down");
        char name[NAME_LEN];
        size_t i;

        json_array_foreach(down, i, l) {
                found(f, SEVERITY_WARNING, "link %lld to %s is down", (long long)jnum(l, "link"),
                      node_name(c, jnum(l, "nodeid"), name));
                mend(f, "corosync-cfgtool -s; look at cables, switch and firewall of that network");
        }
        return json_array_size(down) > 0;
}

void judge_links(struct findings *f, const json_t *facts) {
        const json_t *c = corosync_of(facts);
        size_t links = least_links(c);
        bool any = false;

        if (!c || solo(facts))
                return;
        if (!jnull(c, "transport") && strcmp(jtext(c, "transport"), "knet") != 0) {
                found(f, SEVERITY_WARNING, "transport %s: one link, and no encryption",
                      jtext(c, "transport"));
                mend(f, "totem { transport: knet } in corosync.conf");
                return;
        }
        if (links == 1) {
                found(f, SEVERITY_WARNING,
                      "one link only: its switch or its network card is the loss of a host");
                mend(f, "a second network for corosync: ring1_addr for each host in its nodelist");
                any = true;
        }
        any |= link_timers(f, c, links);
        any |= links_down(f, c);
        if (json_is_null(json_object_get(c, "down")))
                found(f, SEVERITY_NOTE,
                      "not known: whether links are down: because knet does not "
                      "say");
        else if (!any)
                found(f, SEVERITY_OK, "%zu links, all connected", links);
}

void judge_crypto(struct findings *f, const json_t *facts) {
        const json_t *c = corosync_of(facts);
        const char *cipher = jtext(c, "cipher"), *hash = jtext(c, "hash");
        bool secauth = strcmp(jtext(c, "secauth"), "on") == 0;

        if (!c || solo(facts))
                return;
        if ((!*hash || strcmp(hash, "none") == 0) && !secauth) {
                found(f, SEVERITY_BAD,
                      "corosync's messages are not authenticated: whoever reaches its network can "
                      "fence hosts and start guests");
                mend(f, "corosync-keygen, the key on all hosts, and totem { crypto_cipher: aes256, "
                        "crypto_hash: sha256 } in corosync.conf");
        } else if ((!*cipher || strcmp(cipher, "none") == 0) && !secauth) {
                found(f, SEVERITY_NOTE,
                      "corosync's messages are authenticated, but not encrypted: domain XML can be "
                      "read on its network");
                mend(f, "totem { crypto_cipher: aes256 } in corosync.conf");
        } else {
                found(f, SEVERITY_OK, "messages are encrypted and authenticated");
        }
}
