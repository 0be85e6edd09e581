/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: control */
#include "tests/unit/api_client.h"

START_TEST(status_shows_what_is_wrong) {
        json_t *s = json_object_get(call("Status", NULL), "status");

        ck_assert_str_eq(text(s, "cluster"), "prod");
        ck_assert_str_eq(text(s, "host"), "node1");
        ck_assert(json_is_false(json_object_get(s, "operational")));
        ck_assert_str_ne(text(s, "missing"), "(null)");
        ck_assert_uint_eq(json_array_size(json_object_get(s, "hosts")), 3);
        ck_assert_int_eq(number(json_object_get(s, "guests"), "total"), 4);
        ck_assert_int_eq(number(json_object_get(s, "guests"), "as_wanted"), 3);
        ck_assert_uint_eq(json_array_size(json_object_get(s, "attention")), 1);
        ck_assert_str_eq(text(json_array_get(json_object_get(s, "attention"), 0), "name"), "dns");
        ck_assert_uint_eq(json_array_size(json_object_get(s, "incidents")), 1);
        ck_assert_int_gt(number(s, "now_usec"), (long long)FIX_WALL);
}
END_TEST

START_TEST(lost_hosts_say_why_what_next_and_the_mend) {
        json_t *h = json_object_get(call("Host", json_pack("{s:s}", "name", "node3")), "host");

        ck_assert_str_eq(text(h, "state"), "lost");
        ck_assert_str_eq(text(h, "not_proven_why"), "bmc3: no answer within 20 s");
        ck_assert_str_eq(text(h, "next"), "nothing until the cluster is operational again");
        ck_assert_str_eq(text(h, "mend"),
                         "repair bmc3 (no answer), or: when you have seen that node3 "
                         "is off: hawctl fence confirm node3 --yes");
        ck_assert_int_eq(number(h, "claims"), 1);
        ck_assert_uint_eq(json_array_size(json_object_get(h, "devices")), 1);
        ck_assert(json_is_null(json_object_get(h, "proof")));
        h = json_object_get(call("Host", json_pack("{s:s}", "name", "node1")), "host");
        ck_assert(json_is_null(json_object_get(h, "not_proven_why")));
        ck_assert(json_is_null(json_object_get(h, "mend")));
        ck_assert_uint_eq(json_array_size(json_object_get(call("Hosts", NULL), "hosts")), 3);
}
END_TEST

START_TEST(who_waits_for_a_name_is_told) {
        json_t *list, *w;

        ck_assert_uint_eq(json_array_size(json_object_get(call("Hosts", NULL), "waiting")), 0);
        fix_renumbered(fix);
        list = json_object_get(call("Hosts", NULL), "waiting");
        ck_assert_uint_eq(json_array_size(list), 1);
        w = json_array_get(list, 0);
        ck_assert_str_eq(text(w, "name"), "node3");
        ck_assert_int_eq(number(w, "nodeid"), 4);
        ck_assert_int_eq(number(w, "holder"), 3);
        ck_assert_ptr_nonnull(strstr(text(w, "why"), "it is lost and not proven off"));
        ck_assert_ptr_nonnull(strstr(text(w, "mend"), "hawctl explain host node3"));
        list = json_object_get(call("Host", json_pack("{s:s}", "name", "node3")), "waiting");
        ck_assert_uint_eq(json_array_size(list), 1);
        list = json_object_get(call("Host", json_pack("{s:s}", "name", "node1")), "waiting");
        ck_assert_uint_eq(json_array_size(list), 0);
        list = json_object_get(json_object_get(call("Status", NULL), "status"), "waiting");
        ck_assert_uint_eq(json_array_size(list), 1);
        list = json_object_get(
                call("Explain", json_pack("{s:s,s:s}", "kind", "host", "name", "node3")), "lines");
        ck_assert_ptr_nonnull(
                strstr(json_string_value(json_array_get(list, json_array_size(list) - 1)),
                       "node 4 of the nodelist waits for the name node3"));
}
END_TEST

START_TEST(a_fence_under_way_is_told) {
        struct model *m = fix_model(fix);
        struct fence_job *j = &m->fence_jobs[m->n_fence_jobs++];
        json_t *h;

        *j = (struct fence_job){.id = 5, .host = 3, .executor = 1, .level = 2, .n_devices = 2};
        text_set(j->devices[0], NAME_LEN, "pdu1");
        text_set(j->devices[1], NAME_LEN, "pdu2");
        m->hosts[2].state = HOST_FENCING;
        h = json_object_get(call("Host", json_pack("{s:s}", "name", "node3")), "host");
        ck_assert_str_eq(text(h, "not_proven_why"),
                         "node1 reads and switches pdu1, pdu2 (level 2), not yet read off twice; "
                         "before that: bmc3: no answer within 20 s");
        ck_assert_int_eq(number(json_object_get(h, "fence_job"), "level"), 2);
}
END_TEST

/* @config and @tries against what comes next */
static void next_is(const struct config *config, uint32_t tries, const char *next) {
        struct model *m = fix_model(fix);
        struct render_live live = {.operational = true};
        json_t *h;

        m->hosts[2].fence_tries = tries;
        h = render_host(m, &m->hosts[2], config, &live);
        ck_assert_str_eq(text(h, "next"), next);
        json_decref(h);
}

START_TEST(the_ladder_tells_what_comes_next) {
        struct config *config = xcalloc(1, sizeof(*config));
        char e[TEXT_LEN];

        config_defaults(config);
        next_is(config, 0, "the devices are tried again, after a pause, for ever");
        ck_assert_int_eq(config_set(config, "fence", "a", "host", "node3", e), 0);
        ck_assert_int_eq(config_set(config, "fence", "b", "host", "node3", e), 0);
        ck_assert_int_eq(config_set(config, "fence", "c", "host", "node3", e), 0);
        ck_assert_int_eq(config_set(config, "fence", "c", "level", "2", e), 0);
        next_is(config, 0, "after a pause: level 1 (a, b), and so on, for ever");
        next_is(config, 1, "after a pause: level 2 (c), and so on, for ever");
        free(config);
        fix_model(fix)->n_devices = 0;
        next_is(NULL, 0, "nothing by itself: an operator must act");
        fix_model(fix)->hosts[2].watchdog_usec = 4 * USEC_PER_SEC;
        fix_model(fix)->hosts[2].lease_usec = 8 * USEC_PER_SEC;
        next_is(NULL, 0, "its watchdog proves it off 18s after it left");
}
END_TEST

START_TEST(guests_come_in_pages_by_name) {
        json_t *p = call("Guests", json_pack("{s:i}", "limit", 3));

        ck_assert_uint_eq(json_array_size(json_object_get(p, "guests")), 3);
        ck_assert_str_eq(text(json_array_get(json_object_get(p, "guests"), 0), "name"), "dns");
        ck_assert_str_eq(text(p, "next"), "web");
        p = call("Guests", json_pack("{s:s}", "from", "web"));
        ck_assert_uint_eq(json_array_size(json_object_get(p, "guests")), 1);
        ck_assert(json_is_null(json_object_get(p, "next")));
}
END_TEST

START_TEST(one_guest) {
        json_t *p = call("Guest", json_pack("{s:s,s:b}", "name", "web", "xml", 1)), *g;

        g = json_object_get(p, "guest");
        ck_assert_str_eq(text(p, "xml"), "<domain/>");
        ck_assert_str_eq(text(g, "host"), "node2");
        ck_assert_str_eq(text(g, "since"), "2023-11-14T22:13:20.000000Z");
        ck_assert_int_eq(number(g, "since_usec"), (long long)FIX_WALL);
        ck_assert_int_eq(number(json_object_get(g, "settings"), "start_timeout_ms"), 90000);
        ck_assert_str_eq(json_string_value(json_array_get(json_object_get(g, "claims"), 0)),
                         "node2");
        g = json_object_get(
                call("Guest", json_pack("{s:s}", "name", "00000000-0000-0000-0000-000000000001")),
                "guest");
        ck_assert_str_eq(text(g, "name"), "dns");
        ck_assert_ptr_nonnull(
                strstr(fails("Guest", json_pack("{s:s}", "name", "none"), "io.hawd.NotFound"),
                       "guest add"));
}
END_TEST

START_TEST(incidents_have_parts) {
        json_t *list = json_object_get(call("Incidents", NULL), "incidents"), *parts;

        ck_assert_uint_eq(json_array_size(list), 2);
        parts = json_object_get(json_array_get(list, 1), "parts");
        ck_assert_int_eq(number(parts, "detect_ms"), 1000);
        ck_assert(json_is_null(json_object_get(parts, "fence_ms")));
        ck_assert_int_eq(number(parts, "place_ms"), 1000);
        ck_assert_int_eq(number(parts, "start_ms"), 3000);
        ck_assert_int_eq(number(parts, "healthy_ms"), 70000);
        ck_assert_int_eq(number(parts, "total_ms"), 75000);
        ck_assert(json_is_null(json_object_get(json_array_get(list, 1), "elapsed_ms")));
        ck_assert_int_gt(number(json_array_get(list, 0), "elapsed_ms"), 0);
        list = json_object_get(call("Incidents", json_pack("{s:b}", "open_only", 1)), "incidents");
        ck_assert_uint_eq(json_array_size(list), 1);
}
END_TEST

/* Half of the cluster is lost: the status is still to be had. */
START_TEST(many_incidents_come_in_pages) {
        struct model *m = fix_model(fix);
        json_t *p;

        for (size_t i = 0; i < 1200; i++) {
                struct incident *in = model_incident_add(m);

                in->kind = INCIDENT_GUEST;
                in->host = 3;
                in->open = true;
                memset(in->cause, 'c', sizeof(in->cause) - 1);
        }
        p = json_object_get(call("Status", NULL), "status");
        ck_assert_uint_eq(json_array_size(json_object_get(p, "incidents")), 200);
        ck_assert_int_eq(number(p, "incidents_open"), 1201);
        p = call("Incidents", json_pack("{s:b}", "open_only", 1));
        ck_assert_uint_eq(json_array_size(json_object_get(p, "incidents")), 500);
        ck_assert_int_eq(number(p, "next"), 502); /* 2 is closed */
        p = call("Incidents", json_pack("{s:i}", "from", 1002));
        ck_assert_uint_eq(json_array_size(json_object_get(p, "incidents")), 201);
        ck_assert(json_is_null(json_object_get(p, "next")));
        p = call("Incidents", json_pack("{s:i,s:i}", "from", 700, "limit", 1));
        ck_assert_uint_eq(json_array_size(json_object_get(p, "incidents")), 1);
        ck_assert_int_eq(number(json_array_get(json_object_get(p, "incidents"), 0), "id"), 700);
}
END_TEST

START_TEST(long_rules_come_in_pages) {
        struct model *m = fix_model(fix);
        static char list[RULE_LIST_MAX];
        size_t n = 0, pages = 0;
        json_t *p, *from = json_null();

        for (size_t i = 0; i + 1 < sizeof(list); i++)
                list[i] = i % 2 ? ' ' : 'g';
        for (size_t i = 0; i < 100; i++) {
                char name[NAME_LEN];
                struct rule *r;

                text_fmt(name, sizeof(name), "long%03zu", i);
                r = model_rule_add(m, name);
                r->kind = RULE_SEPARATE;
                r->guests = blob_new(list, sizeof(list) - 1);
        }
        do {
                p = call("Rules", json_pack("{s:o}", "from", from));
                n += json_array_size(json_object_get(p, "rules"));
                pages++;
                from = json_incref(json_object_get(p, "next"));
        } while (json_is_string(from));
        ck_assert_uint_eq(n, 101);
        ck_assert_uint_gt(pages, 1);
}
END_TEST

/* What is said of a host or guest may be somebody's file name, or QEMU's last words. */
START_TEST(texts_give_a_terminal_no_orders) {
        struct model *m = fix_model(fix);
        json_t *h;

        text_set(m->hosts[2].fence_error, TEXT_LEN,
                 "a\033[2Jb\x07"
                 "c\x7f"
                 "d\xc2\x9b"
                 "e\tf\xc3\xa9");
        h = json_object_get(call("Host", json_pack("{s:s}", "name", "node3")), "host");
        ck_assert_str_eq(text(h, "fence_error"), "a?[2Jb?c?d??e\tf\xc3\xa9");
        (void)fails("Host", json_pack("{s:s}", "name", "\033[31m"), "io.hawd.NotFound");
        ck_assert_ptr_null(strchr(text(json_object_get(answer, "parameters"), "message"), '\033'));
}
END_TEST

START_TEST(rules_devices_explain) {
        json_t *p = json_array_get(json_object_get(call("Rules", NULL), "rules"), 0);

        ck_assert_str_eq(text(p, "kind"), "separate");
        ck_assert_uint_eq(json_array_size(json_object_get(p, "guests")), 2);
        p = json_array_get(json_object_get(call("Devices", NULL), "devices"), 0);
        ck_assert_str_eq(text(p, "host"), "node3");
        p = call("Explain", json_pack("{s:s,s:s}", "kind", "guest", "name", "dns"));
        ck_assert_uint_gt(json_array_size(json_object_get(p, "lines")), 0);
        p = call("Explain", json_pack("{s:s,s:s}", "kind", "host", "name", "node3"));
        ck_assert_uint_gt(json_array_size(json_object_get(p, "lines")), 0);
        (void)fails("Explain", json_pack("{s:s,s:s}", "kind", "host", "name", "x"),
                    "io.hawd.NotFound");
        invalid("Explain", json_pack("{s:s,s:s}", "kind", "rule", "name", "x"), "kind");
}
END_TEST

START_TEST(history_comes_in_pages) {
        json_t *page = json_pack("{s:i}", "limit", 500);
        long long last = FIX_ROWS + 1;
        size_t n = 0, pages = 0;

        while (page) {
                json_t *p = call("History", json_pack("{s:o}", "page", page)), *row, *next;
                size_t i;

                json_array_foreach(json_object_get(p, "rows"), i, row) {
                        ck_assert_int_lt(number(row, "version"), last);
                        last = number(row, "version");
                        n++;
                }
                next = json_object_get(p, "next");
                page = json_is_object(next) ? json_deep_copy(next) : NULL;
                pages++;
        }
        ck_assert_uint_eq(n, FIX_ROWS);
        ck_assert_uint_eq(pages, 3);
}
END_TEST

START_TEST(history_of_a_host_that_has_left) {
        json_t *row, *rows, *p;

        rows = json_object_get(
                call("History", json_pack("{s:{s:s}}", "filter", "host", "node3old")), "rows");
        ck_assert_uint_eq(json_array_size(rows), 1);
        row = json_array_get(rows, 0);
        ck_assert_str_eq(text(row, "host"), "node3old"); /* though its number is node3's now */
        /* It was there: nothing of it matches, and that is no mistake. */
        rows = json_object_get(call("History", json_pack("{s:{s:s,s:s}}", "filter", "host",
                                                         "node3old", "guest", "web")),
                               "rows");
        ck_assert_uint_eq(json_array_size(rows), 0);
        p = json_pack("{s:{s:s},s:{s:i}}", "filter", "host", "node3old", "page", "before_version",
                      1);
        ck_assert_uint_eq(json_array_size(json_object_get(call("History", p), "rows")), 0);
        /* One of the cluster of which nothing is told yet. */
        rows = json_object_get(call("History", json_pack("{s:{s:s}}", "filter", "host", "node1")),
                               "rows");
        ck_assert_uint_eq(json_array_size(rows), 0);
        ck_assert_ptr_nonnull(
                strstr(fails("History", json_pack("{s:{s:s}}", "filter", "host", "node9"),
                             "io.hawd.NotFound"),
                       "history --event host-removed"));
}
END_TEST

START_TEST(history_is_filtered) {
        json_t *f = json_pack("{s:s,s:i,s:[s]}", "host", "node3", "incident", 1, "events", "host");
        json_t *rows = json_object_get(call("History", json_pack("{s:o}", "filter", f)), "rows");

        ck_assert_uint_eq(json_array_size(rows), 100);
        ck_assert_str_eq(text(json_array_get(rows, 0), "event"), "host-lost");
        ck_assert_str_eq(text(json_array_get(rows, 0), "host"), "node3");
        (void)fails("History", json_pack("{s:{s:[s]}}", "filter", "events", "hos"),
                    "io.hawd.NotFound");
        invalid("History", json_pack("{s:{s:s}}", "filter", "gest", "web"), "gest");
        fix->history_error = -EIO;
        (void)fails("History", NULL, "io.hawd.Failed");
}
END_TEST

START_TEST(watchers_see_notes) {
        struct note note = {.id = NOTE_HOST_LOST, .host = 3};

        text_set(note.text, sizeof(note.text), "node3 left \xff the ring");
        (void)fails("Watch", NULL, "org.varlink.service.ExpectedMore");
        api_note(fix->api, &note, FIX_WALL); /* nobody watches */
        send_call("Watch", NULL, true);
        (void)receive();
        ck_assert(json_is_true(json_object_get(answer, "continues")));
        ck_assert_ptr_nonnull(json_object_get(json_object_get(answer, "parameters"), "status"));
        api_note(fix->api, &note, FIX_WALL);
        (void)receive();
        ck_assert(json_is_true(json_object_get(answer, "continues")));
        ck_assert_str_eq(
                text(json_object_get(json_object_get(answer, "parameters"), "note"), "text"),
                "node3 left ? the ring");
        client(VARLINK_VIEW); /* the watcher hangs up */
        run(60);
        api_note(fix->api, &note, FIX_WALL);
        ck_assert_uint_eq(fix->api->n_watchers, 0);
}
END_TEST

/* The ledger's word on the device, a reading of it, and what comes of both (S2). */
static const struct {
        const char *host;
        bool in_ring, seen_on, distrusted;
        enum power_reading reading;
        bool proof;
        const char *why, *mend;
} verdicts[] = {
        {"node1", true, true, false, READING_ON, true, "(null)", "(null)"},
        {"node1", false, true, false, READING_OFF, true, "(null)", "(null)"},
        {"node1", false, true, false, READING_ON, true, "(null)", "(null)"},
        {"node1", true, true, false, READING_NONE, false, "no answer", "hawd-fence(8)"},
        {"node1", true, true, false, READING_OFF, false, "reads off while node1 is in the ring",
         "correct its address or plug in [fence dev]"},
        {"node1", true, true, true, READING_ON, false, "it read off while node1 was in the ring",
         "trusted again"},
        {"node1", true, false, false, READING_ON, false, "never seen to read on",
         "wait for the regular look"},
        {"node1", false, false, false, READING_OFF, false, "never seen to read on",
         "bring the host into the ring"},
        {"node9", false, true, false, READING_ON, false, "the cluster has no host 'node9'",
         "correct host ="},
        {"node2", true, true, false, READING_ON, false, "never seen", "wait"}, /* seen as node1's */
};

START_TEST(a_fence_test_says_what_is_proof) {
        const uint32_t ring[] = {2, 1};
        struct event ev = {.kind = EV_RING,
                           .ring = {.nodeids = ring, .n_nodeids = verdicts[_i].in_ring ? 2 : 0}};
        struct device_reading row = {.device = "dev", .by = 2, .took_usec = 1234567};
        struct conf_device *conf = &fix->config.devices[fix->config.n_devices++];
        struct device *d = &fix_model(fix)->devices[fix_model(fix)->n_devices++];
        struct actions out = {0};
        const json_t *r;

        ck_assert_int_eq(core_step(fix->core, &ev, &out), 0);
        actions_free(&out);
        text_set(conf->name, NAME_LEN, "dev");
        text_set(conf->host, NAME_LEN, verdicts[_i].host);
        conf->level = 2;
        text_set(d->name, NAME_LEN, "dev");
        d->host = 1;
        d->seen_on = verdicts[_i].seen_on;
        d->distrusted = verdicts[_i].distrusted;
        row.reading = verdicts[_i].reading;
        text_set(row.text, TEXT_LEN, row.reading == READING_NONE ? "no answer" : "");
        (void)fails("FenceTest", NULL, "org.varlink.service.ExpectedMore");
        send_call("FenceTest", json_pack("{s:s}", "from", "node2"), true);
        for (int i = 0; i < 50 && fix->n_requests == 0; i++)
                run(2);
        ck_assert_int_eq(fix->request.verb, VERB_FENCE_TEST);
        ck_assert_str_eq(fix->request.from, "node2");
        ck_assert_str_eq(fix->request.host, "");
        api_reading(fix->api, fix->request.id, &row);
        r = json_object_get(json_object_get(receive(), "parameters"), "reading");
        ck_assert(json_is_true(json_object_get(answer, "continues")));
        ck_assert_str_eq(text(r, "device"), "dev");
        ck_assert_str_eq(text(r, "host"), verdicts[_i].host);
        ck_assert_str_eq(text(r, "by"), "node2");
        ck_assert_int_eq(json_integer_value(json_object_get(r, "level")), 2);
        ck_assert_int_eq(json_integer_value(json_object_get(r, "took_ms")), 1234);
        ck_assert_int_eq(json_is_true(json_object_get(r, "in_ring")), verdicts[_i].in_ring);
        ck_assert_int_eq(json_is_true(json_object_get(r, "proof")), verdicts[_i].proof);
        ck_assert_msg(strstr(text(r, "why"), verdicts[_i].why) != NULL, "%s", text(r, "why"));
        ck_assert_msg(strstr(text(r, "mend"), verdicts[_i].mend) != NULL, "%s", text(r, "mend"));
        api_reply(fix->api, fix->request.id, REPLY_OK, "1 on");
        ck_assert_str_eq(text(json_object_get(receive(), "parameters"), "message"), "1 on");
        api_reading(fix->api, fix->request.id, &row); /* nobody waits */
}
END_TEST

START_TEST(a_fence_test_of_one_host) {
        send_call("FenceTest", json_pack("{s:s}", "host", "node3"), true);
        for (int i = 0; i < 50 && fix->n_requests == 0; i++)
                run(2);
        ck_assert_str_eq(fix->request.host, "node3");
        ck_assert_str_eq(fix->request.from, "");
        api_reply(fix->api, fix->request.id, REPLY_FAILED, "node1: no fence device");
        (void)receive();
        ck_assert_str_eq(text(answer, "error"), "io.hawd.Failed");
        send_call("FenceTest", json_pack("{s:s}", "host", "none"), true);
        (void)receive();
        ck_assert_str_eq(text(answer, "error"), "io.hawd.NotFound");
}
END_TEST

static const struct {
        const char *method, *key, *value;
        enum verb verb;
} simple[] = {
        {"GuestStart", "name", "web", VERB_GUEST_START},
        {"GuestStop", "name", "web", VERB_GUEST_STOP},
        {"GuestIgnore", "name", "web", VERB_GUEST_IGNORE},
        {"GuestPause", "name", "web", VERB_GUEST_PAUSE},
        {"GuestResume", "name", "web", VERB_GUEST_RESUME},
        {"GuestRecover", "name", "web", VERB_GUEST_RECOVER},
        {"GuestDelete", "name", "web", VERB_GUEST_DELETE},
        {"GuestRemove", "name", "web", VERB_GUEST_REMOVE},
        {"RuleDelete", "name", "apart", VERB_RULE_DELETE},
        {"FenceHost", "host", "node3", VERB_FENCE_HOST},
        {"FenceConfirm", "host", "node3", VERB_FENCE_CONFIRM},
};

START_TEST(simple_verbs) {
        const json_t *p = doing(simple[_i].method,
                                json_pack("{s:s}", simple[_i].key, simple[_i].value), REPLY_OK);
        const char *got = fix->request.guest[0]  ? fix->request.guest
                          : fix->request.host[0] ? fix->request.host
                                                 : fix->request.rule;

        ck_assert_str_eq(text(p, "message"), "because");
        ck_assert_int_eq(fix->request.verb, simple[_i].verb);
        ck_assert_str_eq(got, simple[_i].value);
        (void)fails(simple[_i].method, json_pack("{s:s}", simple[_i].key, "none"),
                    "io.hawd.NotFound");
        invalid(simple[_i].method, NULL, simple[_i].key);
        invalid(simple[_i].method, json_pack("{s:i}", simple[_i].key, 1), simple[_i].key);
        client(VARLINK_VIEW);
        (void)fails(simple[_i].method, json_pack("{s:s}", simple[_i].key, simple[_i].value),
                    "org.varlink.service.PermissionDenied");
        ck_assert_uint_eq(fix->n_requests, 1);
}
END_TEST

START_TEST(a_snapshot_without_its_agent) {
        (void)doing("SnapshotCreate", json_pack("{s:s,s:s}", "guest", "web", "name", "one"),
                    REPLY_OK);
        ck_assert_int_eq(fix->request.verb, VERB_SNAP_TAKE);
        ck_assert_str_eq(fix->request.snapshot, "one");
        ck_assert(!fix->request.no_quiesce);
        (void)doing("SnapshotCreate",
                    json_pack("{s:s,s:s,s:b}", "guest", "web", "name", "two", "no_quiesce", 1),
                    REPLY_OK);
        ck_assert(fix->request.no_quiesce);
        invalid("SnapshotCreate",
                json_pack("{s:s,s:s,s:s}", "guest", "web", "name", "two", "no_quiesce", "yes"),
                "no_quiesce");
        invalid("SnapshotDelete",
                json_pack("{s:s,s:s,s:b}", "guest", "web", "name", "two", "no_quiesce", 1),
                "no_quiesce");
}
END_TEST

START_TEST(codes_become_errors) {
        static const char *const errors[REPLY_CODE_MAX_] = {NULL, "io.hawd.Failed", "io.hawd.Usage",
                                                            "io.hawd.NotQuorate", "io.hawd.Busy"};

        for (int code = REPLY_FAILED; code < REPLY_CODE_MAX_; code++) {
                (void)doing("GuestStart", json_pack("{s:s}", "name", "web"), (enum reply_code)code);
                ck_assert_str_eq(text(answer, "error"), errors[code]);
                ck_assert_str_eq(text(json_object_get(answer, "parameters"), "message"), "because");
        }
        api_reply(fix->api, 12345, REPLY_OK, "nobody waits");
}
END_TEST

static void facts_of(uint64_t id, const char *facts, const char *why) {
        struct blob *b = facts ? blob_new(facts, strlen(facts)) : NULL;

        api_reply_facts(fix->api, id, b ? REPLY_OK : REPLY_FAILED, why, b);
        blob_unref(b);
}

/* Each host is asked, all in one answer. The fixture keeps the last request: those before it have
 * the numbers before. */
START_TEST(facts_are_gathered) {
        const json_t *hosts, *p;

        client(VARLINK_VIEW);
        send_call("Facts", NULL, false);
        for (int i = 0; i < 50 && fix->n_requests < 3; i++)
                run(2);
        ck_assert_uint_eq(fix->n_requests, 3);
        ck_assert_int_eq(fix->request.verb, VERB_FACTS);
        ck_assert_str_eq(fix->request.host, "node3");
        facts_of(fix->request.id - 1, NULL, "its hawd hangs");
        facts_of(fix->request.id, "{}", "");
        run(10);
        facts_of(fix->request.id - 2, "{\"a\": 1}", "");
        hosts = json_object_get(json_object_get(receive(), "parameters"), "hosts");
        ck_assert_uint_eq(json_array_size(hosts), 3);
        p = json_array_get(hosts, 0);
        ck_assert_str_eq(text(p, "name"), "node1");
        ck_assert_str_eq(text(p, "facts"), "{\"a\": 1}");
        ck_assert(json_is_null(json_object_get(p, "error")));
        p = json_array_get(hosts, 1);
        ck_assert_str_eq(text(p, "error"), "its hawd hangs");
        ck_assert(json_is_null(json_object_get(p, "facts")));
        (void)fails("Facts", json_pack("{s:s}", "host", "node9"), "io.hawd.NotFound");
        send_call("Facts", json_pack("{s:s}", "host", "node2"), false);
        run(20);
        ck_assert_uint_eq(fix->n_requests, 4);
        client(VARLINK_VIEW); /* who asked has left */
        run(20);
        facts_of(fix->request.id, "{}", "");
}
END_TEST

START_TEST(facts_for_many_at_once) {
        for (int i = 0; i < 8; i++) { /* clients that leave: their gatherings go on */
                send_call("Facts", json_pack("{s:s}", "host", "node1"), false);
                run(10);
                client(VARLINK_ADMIN);
        }
        ck_assert_uint_eq(fix->n_requests, 8);
        (void)fails("Facts", NULL, "io.hawd.Busy");
        facts_of(fix->request.id, "{}", "");
        send_call("Facts", json_pack("{s:s}", "host", "node1"), false);
        run(20);
        ck_assert_uint_eq(fix->n_requests, 9);
}
END_TEST

START_TEST(guests_are_enrolled_and_made) {
        (void)doing("GuestAdd",
                    json_pack("{s:s,s:s,s:{s:s,s:s}}", "name", "new", "host", "node2", "settings",
                              "priority", "500", "after", "dns, web"),
                    REPLY_OK);
        ck_assert_str_eq(fix->request.guest, "new");
        ck_assert_str_eq(fix->request.host, "node2");
        ck_assert_int_eq(fix->priority, 500);
        ck_assert_uint_eq(fix->n_after, 2);
        ck_assert_str_eq(fix->first_after, "dns");
        (void)fails("GuestAdd", json_pack("{s:s}", "name", "web"), "io.hawd.Usage");
        (void)fails("GuestAdd", json_pack("{s:s,s:{s:s}}", "name", "n", "settings", "prio", "1"),
                    "io.hawd.Usage");
        (void)fails("GuestAdd", json_pack("{s:s,s:{s:s}}", "name", "n", "settings", "after", "n"),
                    "io.hawd.Usage");
        ck_assert_str_eq(
                text(doing("GuestCreate", json_pack("{s:s}", "xml", "<domain>made"), REPLY_OK),
                     "name"),
                "made");
        ck_assert_int_eq(fix->request.desired, DESIRED_RUNNING);
        ck_assert_int_eq(fix->priority, 100);
        (void)doing("GuestCreate",
                    json_pack("{s:s,s:s}", "xml", "<domain>two", "desired", "paused"), REPLY_OK);
        ck_assert_int_eq(fix->request.desired, DESIRED_PAUSED);
        invalid("GuestCreate", json_pack("{s:s,s:s}", "xml", "<domain>x", "desired", "up"),
                "desired");
        ck_assert_ptr_nonnull(strstr(
                fails("GuestCreate", json_pack("{s:s}", "xml", "<x>"), "io.hawd.Usage"), "line 1"));
        (void)fails("GuestCreate", json_pack("{s:s}", "xml", "<domain>a b"), "io.hawd.Usage");
        (void)fails("GuestCreate", json_pack("{s:s}", "xml", "<domain>web"), "io.hawd.Usage");
}
END_TEST

START_TEST(settings_change_a_copy) {
        (void)doing("GuestSet",
                    json_pack("{s:s,s:{s:s}}", "name", "web", "settings", "priority", "7"),
                    REPLY_OK);
        ck_assert_int_eq(fix->priority, 7);
        ck_assert_int_eq(find_guest(fix_model(fix), "web")->spec->conf.priority, 100);
        invalid("GuestSet", json_pack("{s:s,s:{s:i}}", "name", "web", "settings", "priority", 7),
                "settings");
        (void)doing("GuestMove", json_pack("{s:s,s:s}", "name", "web", "host", "node1"), REPLY_OK);
        ck_assert_str_eq(fix->request.host, "node1");
}
END_TEST

START_TEST(a_new_definition_keeps_the_settings) {
        struct guest_spec *old = find_guest(fix_model(fix), "web")->spec;

        text_set(old->uuid, sizeof(old->uuid), ""); /* as fix_xml() makes it */
        old->conf.priority = 31;
        old->n_after = 1;
        text_set(old->after[0], NAME_LEN, "dns");
        (void)doing("GuestSet",
                    json_pack("{s:s,s:s,s:{s:s}}", "name", "web", "xml", "<domain>web", "settings",
                              "boot-time", "5s"),
                    REPLY_OK);
        ck_assert_int_eq(fix->request.verb, VERB_GUEST_SET);
        ck_assert_str_eq(fix->xml, "<domain>web");
        ck_assert_int_eq(fix->priority, 31);
        ck_assert_str_eq(fix->first_after, "dns");
        (void)doing("GuestSet", json_pack("{s:s,s:s}", "name", "web", "xml", "<domain>web"),
                    REPLY_OK);
        ck_assert_ptr_nonnull(strstr(
                fails("GuestSet", json_pack("{s:s,s:s}", "name", "web", "xml", "<domain>www"),
                      "io.hawd.Usage"),
                "the XML is of www"));
        (void)fails("GuestSet", json_pack("{s:s,s:s}", "name", "web", "xml", "<x>"),
                    "io.hawd.Usage");
        ck_assert_uint_eq(fix->n_requests, 2);
}
END_TEST

START_TEST(rules_are_checked) {
        (void)doing("RuleSet",
                    json_pack("{s:s,s:s,s:[s,s],s:[s],s:b}", "name", "r", "kind", "prefer",
                              "guests", "a", "b", "hosts", "node1", "strict", 1),
                    REPLY_OK);
        ck_assert_str_eq(fix->guests, "a b");
        ck_assert_str_eq(fix->hosts, "node1");
        ck_assert(fix->request.strict);
        (void)fails("RuleSet",
                    json_pack("{s:s,s:s,s:[s]}", "name", "r", "kind", "separate", "guests", "a"),
                    "io.hawd.Usage");
        (void)fails("RuleSet",
                    json_pack("{s:s,s:s,s:[s]}", "name", "r", "kind", "avoid", "guests", "a"),
                    "io.hawd.Usage");
        (void)fails("RuleSet",
                    json_pack("{s:s,s:s,s:[s],s:[s]}", "name", "r", "kind", "avoid", "guests", "a",
                              "hosts", "node9"),
                    "io.hawd.NotFound");
        (void)fails("RuleSet",
                    json_pack("{s:s,s:s,s:[s,s]}", "name", "r", "kind", "together", "guests", "a",
                              "b c"),
                    "io.hawd.Usage");
        ck_assert_ptr_nonnull(strstr(fails("RuleSet",
                                           json_pack("{s:s,s:s,s:[s,s,s]}", "name", "r", "kind",
                                                     "separate", "guests", "b", "a", "b"),
                                           "io.hawd.Usage"),
                                     "guests: 'b' is named twice"));
        invalid("RuleSet", json_pack("{s:s,s:s,s:[s]}", "name", "r", "kind", "x", "guests", "a"),
                "kind");
        invalid("RuleSet", json_pack("{s:s,s:s,s:s}", "name", "r", "kind", "x", "guests", "a"),
                "guests");
}
END_TEST

START_TEST(the_interface_describes_every_method) {
        static const char *const names[] = {
                "Status",      "Hosts",    "Host",    "Guests",    "Guest",     "Rules",
                "Incidents",   "Devices",  "History", "Explain",   "Watch",     "GuestAdd",
                "GuestCreate", "GuestSet", "RuleSet", "GuestMove", "FenceTest", "Facts"};

        for (size_t i = 0; i < ARRAY_SIZE(names) + ARRAY_SIZE(simple); i++) {
                char want[NAME_LEN];

                text_fmt(want, sizeof(want), "\nmethod %s(",
                         i < ARRAY_SIZE(names) ? names[i] : simple[i - ARRAY_SIZE(names)].method);
                ck_assert_msg(strstr(api_interface_text, want) != NULL, "%s", want);
        }
}
END_TEST

/* Every field that is rendered is in the interface, with its own name. */
static void described(const json_t *o) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)o, key, value) {
                char want[NAME_LEN + 4];

                text_fmt(want, sizeof(want), "  %s: ", key);
                ck_assert_msg(strstr(api_interface_text, want) != NULL, "%s", key);
                if (strcmp(key, "guests") != 0)
                        described(value);
                described(json_array_get(value, 0));
        }
}

START_TEST(the_interface_describes_every_field) {
        fix_renumbered(fix);
        described(json_object_get(call("Status", NULL), "status"));
        described(json_array_get(json_object_get(call("Rules", NULL), "rules"), 0));
        described(json_array_get(json_object_get(call("Devices", NULL), "devices"), 0));
        described(json_array_get(json_object_get(call("History", NULL), "rows"), 0));
        described(json_array_get(json_object_get(call("Guests", NULL), "guests"), 0));
        described(json_object_get(call("Reload", NULL), "parameters"));
}
END_TEST

START_TEST(stopping_ends_what_waits) {
        send_call("GuestStart", json_pack("{s:s}", "name", "web"), false);
        run(10);
        ck_assert_uint_eq(fix->n_requests, 1);
        client(VARLINK_ADMIN);
        run(60);
        api_reply(fix->api, fix->request.id, REPLY_OK, "the client is gone");
        for (int i = 0; i < 5; i++)
                send_call("History", NULL, false);
        run(1); /* and teardown while some wait */
}
END_TEST

static Suite *api_suite(void) {
        Suite *s = suite_create("api");
        TCase *tc = unit_case(s, "api");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, status_shows_what_is_wrong);
        tcase_add_test(tc, lost_hosts_say_why_what_next_and_the_mend);
        tcase_add_test(tc, who_waits_for_a_name_is_told);
        tcase_add_test(tc, a_fence_under_way_is_told);
        tcase_add_test(tc, the_ladder_tells_what_comes_next);
        tcase_add_test(tc, guests_come_in_pages_by_name);
        tcase_add_test(tc, one_guest);
        tcase_add_test(tc, incidents_have_parts);
        tcase_add_test(tc, many_incidents_come_in_pages);
        tcase_add_test(tc, long_rules_come_in_pages);
        tcase_add_test(tc, texts_give_a_terminal_no_orders);
        tcase_add_test(tc, rules_devices_explain);
        tcase_add_test(tc, history_comes_in_pages);
        tcase_add_test(tc, history_is_filtered);
        tcase_add_test(tc, history_of_a_host_that_has_left);
        tcase_add_test(tc, watchers_see_notes);
        tcase_add_loop_test(tc, a_fence_test_says_what_is_proof, 0, (int)ARRAY_SIZE(verdicts));
        tcase_add_test(tc, a_fence_test_of_one_host);
        tcase_add_loop_test(tc, simple_verbs, 0, (int)ARRAY_SIZE(simple));
        tcase_add_test(tc, a_snapshot_without_its_agent);
        tcase_add_test(tc, codes_become_errors);
        tcase_add_test(tc, facts_are_gathered);
        tcase_add_test(tc, facts_for_many_at_once);
        tcase_add_test(tc, guests_are_enrolled_and_made);
        tcase_add_test(tc, settings_change_a_copy);
        tcase_add_test(tc, a_new_definition_keeps_the_settings);
        tcase_add_test(tc, rules_are_checked);
        tcase_add_test(tc, the_interface_describes_every_method);
        tcase_add_test(tc, the_interface_describes_every_field);
        tcase_add_test(tc, stopping_ends_what_waits);
        return s;
}

UNIT_MAIN(api_suite)
