/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corosync as it runs: its map, the state of its links, its quorum. */
#include <corosync/cmap.h>
#include <corosync/corotypes.h>
#include <corosync/votequorum.h>
#include <stdio.h>

#include "hawd/facts/part.h"

#define LINKS_MAX 8
#define RUNNING "runtime.config.totem."

static json_t *number(cmap_handle_t map, const char *key) {
        uint32_t n;

        return cmap_get_uint32(map, key, &n) == CS_OK ? json_integer(n) : json_null();
}

static json_t *text(cmap_handle_t map, const char *key) {
        _cleanup_(freep) char *s = NULL;

        return cmap_get_string(map, key, &s) == CS_OK ? word(s) : json_null();
}

static json_t *links_of(cmap_handle_t map, unsigned position) {
        json_t *list = json_array();

        for (unsigned i = 0; i < LINKS_MAX; i++) {
                _cleanup_(freep) char *s = NULL;
                char key[CMAP_KEYNAME_MAXLEN + 1];

                text_fmt(key, sizeof(key), "nodelist.node.%u.ring%u_addr", position, i);
                if (cmap_get_string(map, key, &s) == CS_OK)
                        json_array_append_new(list, json_integer(i));
        }
        return list;
}

static json_t *nodes(cmap_handle_t map) {
        json_t *list = json_array();
        char key[CMAP_KEYNAME_MAXLEN + 1], last[NAME_LEN] = "";
        cmap_iter_handle_t iter;

        if (cmap_iter_init(map, "nodelist.node.", &iter) != CS_OK)
                return list;
        while (cmap_iter_next(map, iter, key, NULL, NULL) == CS_OK) {
                char what[NAME_LEN];
                unsigned n;
                json_t *o;

                /* Keys come sorted, but 10 before 2: each position's stand together. */
                if (sscanf(key, "nodelist.node.%u.%63s", &n, what) != 2)
                        continue;
                text_fmt(what, sizeof(what), "%u", n);
                if (strcmp(what, last) == 0)
                        continue;
                text_set(last, sizeof(last), what);
                text_fmt(key, sizeof(key), "nodelist.node.%u.name", n);
                o = json_pack("{s:o,s:o}", "name", text(map, key), "links", links_of(map, n));
                text_fmt(key, sizeof(key), "nodelist.node.%u.nodeid", n);
                json_object_set_new(o, "nodeid", number(map, key));
                json_array_append_new(list, o);
        }
        (void)cmap_iter_finalize(map, iter); /* ends with the connection at the latest */
        return list;
}

static json_t *timers(cmap_handle_t map) {
        json_t *list = json_array();

        for (unsigned i = 0; i < LINKS_MAX; i++) {
                char key[CMAP_KEYNAME_MAXLEN + 1];
                uint32_t interval, timeout;

                text_fmt(key, sizeof(key), RUNNING "interface.%u.knet_ping_interval", i);
                if (cmap_get_uint32(map, key, &interval) != CS_OK)
                        continue;
                text_fmt(key, sizeof(key), RUNNING "interface.%u.knet_ping_timeout", i);
                if (cmap_get_uint32(map, key, &timeout) != CS_OK)
                        continue;
                json_array_append_new(list, json_pack("{s:i,s:I,s:I}", "link", (int)i, "ping_ms",
                                                      (json_int_t)interval, "timeout_ms",
                                                      (json_int_t)timeout));
        }
        return list;
}

/* Links that are configured, and not connected now; null: knet does not say. */
static json_t *links_down(void) {
        char key[CMAP_KEYNAME_MAXLEN + 1];
        cmap_iter_handle_t iter;
        cmap_handle_t stats;
        json_t *list;

        if (cmap_initialize_map(&stats, CMAP_MAP_STATS) != CS_OK)
                return json_null();
        list = json_array();
        if (cmap_iter_init(stats, "stats.knet.node", &iter) == CS_OK)
                while (cmap_iter_next(stats, iter, key, NULL, NULL) == CS_OK) {
                        unsigned node, link;
                        char what[NAME_LEN];
                        uint8_t on = 1;

                        if (sscanf(key, "stats.knet.node%u.link%u.%63s", &node, &link, what) != 3 ||
                            strcmp(what, "connected") != 0 ||
                            cmap_get_uint8(stats, key, &on) != CS_OK || on ||
                            json_array_size(list) == FACTS_LIST_MAX)
                                continue;
                        json_array_append_new(list,
                                              json_pack("{s:I,s:I}", "nodeid", (json_int_t)node,
                                                        "link", (json_int_t)link));
                }
        (void)cmap_finalize(stats);
        return list;
}

static const struct {
        const char *name;
        unsigned flag;
} flags[] = {
        {"quorate", VOTEQUORUM_INFO_QUORATE},
        {"two_node", VOTEQUORUM_INFO_TWONODE},
        {"wait_for_all", VOTEQUORUM_INFO_WAIT_FOR_ALL},
        {"last_man_standing", VOTEQUORUM_INFO_LAST_MAN_STANDING},
        {"auto_tie_breaker", VOTEQUORUM_INFO_AUTO_TIE_BREAKER},
        {"qdevice_registered", VOTEQUORUM_INFO_QDEVICE_REGISTERED},
        {"qdevice_alive", VOTEQUORUM_INFO_QDEVICE_ALIVE},
        {"qdevice_votes_cast", VOTEQUORUM_INFO_QDEVICE_CAST_VOTE},
};

static json_t *quorum(cmap_handle_t map) {
        struct votequorum_info info;
        votequorum_handle_t handle;
        uint32_t self = 0;
        json_t *o;
        cs_error_t e;

        part_at("votequorum");
        e = votequorum_initialize(&handle, NULL);
        if (e != CS_OK)
                return trouble("votequorum: %s; is `provider: corosync_votequorum` set?",
                               cs_strerror(e));
        (void)cmap_get_uint32(map, "runtime.votequorum.this_node_id", &self);
        e = votequorum_getinfo(handle, self, &info);
        (void)votequorum_finalize(handle);
        if (e != CS_OK)
                return trouble("votequorum: %s", cs_strerror(e));
        o = json_pack("{s:I,s:I,s:I,s:I}", "expected", (json_int_t)info.node_expected_votes,
                      "highest_expected", (json_int_t)info.highest_expected, "total",
                      (json_int_t)info.total_votes, "quorum", (json_int_t)info.quorum);
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
                json_object_set_new(o, flags[i].name, json_boolean(info.flags & flags[i].flag));
        json_object_set_new(o, "qdevice_votes", json_integer(info.qdevice_votes));
        json_object_set_new(o, "qdevice_model", text(map, "quorum.device.model"));
        return o;
}

json_t *facts_corosync(void) {
        cmap_handle_t map;
        cs_error_t e;
        json_t *o;

        part_at("cmap");
        e = cmap_initialize(&map);
        if (e == CS_ERR_LIBRARY || e == CS_ERR_TRY_AGAIN)
                return trouble("it does not run, or hangs (%s)", cs_strerror(e));
        if (e != CS_OK)
                return trouble("corosync's map: %s", cs_strerror(e));
        o = json_pack("{s:o,s:o,s:o,s:o,s:o}", "transport", text(map, "totem.transport"), "cipher",
                      text(map, "totem.crypto_cipher"), "hash", text(map, "totem.crypto_hash"),
                      "secauth", text(map, "totem.secauth"), "nodes", nodes(map));
        json_object_set_new(o, "token_ms", number(map, RUNNING "token"));
        json_object_set_new(o, "consensus_ms", number(map, RUNNING "consensus"));
        json_object_set_new(o, "links", timers(map));
        json_object_set_new(o, "down", links_down());
        json_object_set_new(o, "quorum", quorum(map));
        (void)cmap_finalize(map);
        return o;
}
