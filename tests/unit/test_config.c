/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "hawd/base/conf_keys.h"
#include "tests/unit/unit.h"

static struct config *parse_ok(const char *text) {
        struct config *c = xcalloc(1, sizeof(*c));
        struct conf_errors errors = {0};
        int r = config_parse("t", text, c, &errors);

        ck_assert_msg(r == 0 && errors.n == 0, "%s", errors.n ? errors.lines[0] : "?");
        return c;
}

START_TEST(durations) {
        static const struct {
                const char *text;
                usec_t usec;
                const char *shortest;
        } rows[] = {
                {"10s", 10 * USEC_PER_SEC, "10s"},
                {"500ms", 500 * USEC_PER_MSEC, "500ms"},
                {"2min", 2 * USEC_PER_MINUTE, "2min"},
                {"1h", 60 * USEC_PER_MINUTE, "1h"},
                {"1d", 24 * 60 * USEC_PER_MINUTE, "1d"},
                {"1min 30s", 90 * USEC_PER_SEC, "90s"},
                {"1min30s", 90 * USEC_PER_SEC, "90s"},
                {" 5 s ", 5 * USEC_PER_SEC, "5s"},
                {"60s", USEC_PER_MINUTE, "1min"},
                {"7us", 7, "7us"},
                {"86401s", 86401 * USEC_PER_SEC, "1d 1s"},
                {"1s 1us", USEC_PER_SEC + 1, "1s 1us"},
                {"0", 0, "0s"},
                {"infinity", USEC_INFINITY, "infinity"},
        };
        char err[TEXT_LEN], buf[64];
        usec_t t;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert_msg(parse_duration(rows[i].text, &t, err) == 0, "%s", rows[i].text);
                ck_assert_uint_eq(t, rows[i].usec);
                format_duration(t, buf, sizeof(buf));
                ck_assert_str_eq(buf, rows[i].shortest);
                ck_assert_int_eq(parse_duration(buf, &t, err), 0);
                ck_assert_uint_eq(t, rows[i].usec);
        }
}
END_TEST

START_TEST(no_durations) {
        static const char *const rows[] = {"",
                                           " ",
                                           "10",
                                           "10x",
                                           "s",
                                           "-1s",
                                           "1.5s",
                                           "10m",
                                           "1s,",
                                           "0x1",
                                           "1s 5",
                                           "+1s",
                                           "10 Min",
                                           "18446744073709551616us",
                                           "18446744073709551615us",
                                           "99999999999999999d"};
        char err[TEXT_LEN];
        usec_t t = 42;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ck_assert_msg(parse_duration(rows[i], &t, err) == -EINVAL, "%s", rows[i]);
                ck_assert_uint_eq(t, 42);
        }
        parse_duration("10x", &t, err);
        ck_assert_str_eq(err, "'10x' is no time: use a number and ms, s, min, h or d");
}
END_TEST

START_TEST(durations_of_all_sizes_come_back) {
        uint64_t x = 1;
        char err[TEXT_LEN], buf[128];

        for (int i = 0; i < 20000; i++) {
                usec_t t, back = 0;

                x = hash64(x, &i, sizeof(i));
                t = x >> (i % 64);
                format_duration(t, buf, sizeof(buf));
                ck_assert_msg(parse_duration(buf, &back, err) == 0 && back == t, "%s", buf);
        }
}
END_TEST

START_TEST(sizes_numbers_words) {
        char err[TEXT_LEN];
        uint64_t mib = 7;
        uint32_t n = 7;
        bool b = false;

        ck_assert_int_eq(parse_size_mib("512MiB", &mib, err), 0);
        ck_assert_uint_eq(mib, 512);
        ck_assert_int_eq(parse_size_mib("4GiB", &mib, err), 0);
        ck_assert_uint_eq(mib, 4096);
        ck_assert_int_eq(parse_size_mib("1TiB", &mib, err), 0);
        ck_assert_uint_eq(mib, 1024 * 1024);
        ck_assert_int_eq(parse_size_mib("512", &mib, err), -EINVAL);
        ck_assert_str_eq(err, "'512' is no size: use a number and MiB, GiB or TiB");
        ck_assert_int_eq(parse_size_mib("512MB", &mib, err), -EINVAL);

        ck_assert_int_eq(parse_u32("9", 1, 9, &n, err), 0);
        ck_assert_uint_eq(n, 9);
        ck_assert_int_eq(parse_u32("10", 1, 9, &n, err), -EINVAL);
        ck_assert_str_eq(err, "'10' is not a number from 1 to 9");
        ck_assert_int_eq(parse_u32("0", 1, 9, &n, err), -EINVAL);
        ck_assert_int_eq(parse_u32("4294967296", 0, UINT32_MAX, &n, err), -EINVAL);
        ck_assert_int_eq(parse_u32("1 ", 0, 9, &n, err), -EINVAL);
        ck_assert_int_eq(parse_u32("", 0, 9, &n, err), -EINVAL);
        ck_assert_uint_eq(n, 9);

        ck_assert_int_eq(parse_bool("yes", &b, err), 0);
        ck_assert(b);
        ck_assert_int_eq(parse_bool("off", &b, err), 0);
        ck_assert(!b);
        ck_assert_int_eq(parse_bool("maybe", &b, err), -EINVAL);
        ck_assert_str_eq(err, "'maybe' is neither yes nor no");
}
END_TEST

START_TEST(every_default_is_a_valid_value) {
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        char err[TEXT_LEN], value[1024];

        for (int kind = 0; kind < CONF_SECTIONS; kind++) {
                const struct conf_section *s = &conf_sections[kind];

                for (size_t i = 0; i < s->n_keys; i++) {
                        const struct conf_key *key = &s->keys[i];

                        ck_assert_msg(key->help && *key->help, "%s has no help", key->name);
                        if (!key->def)
                                continue;
                        memset(c, 0, sizeof(*c));
                        ck_assert_msg(conf_key_set(key, c, key->def, false, err) == 0, "%s", err);
                        conf_key_format(key, c, value, sizeof(value));
                        ck_assert_str_eq(value, key->def);
                }
        }
}
END_TEST

START_TEST(defaults_are_those_of_the_header) {
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));

        config_defaults(c);
        ck_assert_str_eq(c->cluster_name, "hawd");
        ck_assert_uint_eq(c->heartbeat_usec, USEC_PER_SEC);
        ck_assert_uint_eq(c->daemon_grace_usec, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(c->host_start_slots, 4);
        ck_assert_uint_eq(c->cluster_start_slots, 16);
        ck_assert_uint_eq(c->fence_retry_min_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(c->fence_retry_max_usec, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(c->fence_check_usec, 60 * USEC_PER_SEC);
        ck_assert_int_eq((int)c->after_fence, AFTER_FENCE_ON);
        ck_assert_uint_eq(c->cpu_overcommit_pct, 400);
        ck_assert_uint_eq(c->memory_reserve_mib, 512);
        ck_assert_int_eq(c->guest_defaults.priority, 100);
        ck_assert_uint_eq(c->guest_defaults.start_timeout_usec, 90 * USEC_PER_SEC);
        ck_assert_uint_eq(c->guest_defaults.stop_timeout_usec, 60 * USEC_PER_SEC);
        ck_assert_uint_eq(c->guest_defaults.boot_usec, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(c->guest_defaults.restart_limit, 3);
        ck_assert_uint_eq(c->guest_defaults.restart_window_usec, 10 * USEC_PER_MINUTE);
        ck_assert_int_eq((int)c->guest_defaults.on_shutdown, ON_SHUTDOWN_RESPECT);
}
END_TEST

/* A key that hawd.conf does not explain does not exist for the people who write one. */
START_TEST(shipped_file_names_every_key) {
        _cleanup_(freep) char *text = xcalloc(65536, 1);
        FILE *f = fopen("hawd.conf", "re");

        ck_assert_msg(f != NULL, "run it in the top folder of the tree");
        ck_assert_uint_gt(fread(text, 1, 65535, f), 0);
        fclose(f);
        for (int kind = 0; kind < CONF_SECTIONS; kind++) {
                const struct conf_section *s = &conf_sections[kind];

                for (size_t i = 0; i < s->n_keys; i++) {
                        char line[TEXT_LEN];

                        text_fmt(line, sizeof(line), s->named ? "\n#  %s = " : "\n#%s = %s\n",
                                 s->keys[i].name, s->keys[i].def ? s->keys[i].def : "");
                        ck_assert_msg(strstr(text, line) != NULL, "hawd.conf: no %s", line + 1);
                }
        }
}
END_TEST

START_TEST(the_hash_is_of_the_meaning) {
        _cleanup_(freep) struct config *a = parse_ok("[cluster]\nheartbeat=2s\n[host b]\n"
                                                     "labels = y x\n[host a]\nmemory=1024MiB\n");
        _cleanup_(freep) struct config *b =
                parse_ok("\xef\xbb\xbf# text\n[host a]\r\n  memory : 1GiB\r\n[host b]\n"
                         "labels = x\n  labels = y\n[cluster]\nheartbeat = 2000ms\n; why\n");
        _cleanup_(freep) struct config *d = parse_ok("[cluster]\nheartbeat=3s\n");

        ck_assert_uint_eq(a->hash, b->hash);
        ck_assert_uint_ne(a->hash, d->hash);
        ck_assert_uint_eq(a->n_hosts, 2);
        ck_assert_str_eq(a->hosts[0].name, "a");
        ck_assert_str_eq(b->hosts[1].labels, "x y");
        ck_assert_uint_eq(b->hosts[0].memory_mib, 1024);
}
END_TEST

START_TEST(long_lists_come_back) {
        _cleanup_(freep) struct config *c = parse_ok("");
        _cleanup_(freep) struct config *again = NULL;
        _cleanup_(freep) char *text = NULL;
        char options[512] = "", err[TEXT_LEN];

        for (int i = 0; strlen(options) + 24 < sizeof(options); i++)
                text_fmt(options + strlen(options), sizeof(options) - strlen(options),
                         "%skey%02d=%.*s", i ? " " : "", i, 1 + i % 13, "valuevaluevalue");
        ck_assert_int_eq(config_set(c, "fence", "d", "options", options, err), 0);
        ck_assert_int_eq(config_set(c, "fence", "d", "driver", "agent", err), 0);
        ck_assert_int_eq(config_set(c, "fence", "d", "agent", "fence_x", err), 0);
        ck_assert_int_eq(config_set(c, "fence", "d", "host", "h", err), 0);
        text = config_dump(c);
        again = parse_ok(text);
        ck_assert_str_eq(again->devices[0].options, options);
        ck_assert_uint_eq(again->hash, c->hash);
        ck_assert_ptr_nonnull(config_device(again, "d"));
        ck_assert_ptr_null(config_device(again, "e"));
}
END_TEST

START_TEST(one_key_at_a_time) {
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        char err[TEXT_LEN];
        uint64_t hash;

        config_defaults(c);
        hash = c->hash;
        ck_assert_int_eq(config_set(c, "cluster", NULL, "heartbeat", "2s", err), 0);
        ck_assert_uint_eq(c->heartbeat_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_ne(c->hash, hash);
        ck_assert_int_eq(config_set(c, "guest-defaults", NULL, "priority", "-5", err), 0);
        ck_assert_int_eq(c->guest_defaults.priority, -5);
        ck_assert_int_eq(config_set(c, "clusters", NULL, "heartbeat", "2s", err), -ENOENT);
        ck_assert_str_eq(err, "there is no section [clusters]");
        ck_assert_int_eq(config_set(c, "cluster", NULL, "hartbeat", "2s", err), -ENOENT);
        ck_assert_str_eq(err, "[cluster] has no key 'hartbeat': did you mean 'heartbeat'?");
        ck_assert_int_eq(config_set(c, "cluster", NULL, "heartbeat", "2", err), -EINVAL);
        ck_assert_uint_eq(c->heartbeat_usec, 2 * USEC_PER_SEC);
        ck_assert_int_eq(config_set(c, "host", NULL, "vcpus", "2", err), -EINVAL);
        ck_assert_str_eq(err, "[host] needs a name");
        ck_assert_int_eq(config_set(c, "cluster", "x", "heartbeat", "2s", err), -EINVAL);
        ck_assert_str_eq(err, "[cluster] has not a name");
        ck_assert_int_eq(config_set(c, "host", "a", "vcpus", "two", err), -EINVAL);
        ck_assert_uint_eq(c->n_hosts, 0);
        ck_assert_int_eq(config_set(c, "host", "b", "vcpus", "2", err), 0);
        ck_assert_int_eq(config_set(c, "host", "a", "vcpus", "3", err), 0);
        ck_assert_int_eq(config_set(c, "host", "b", "labels", "x", err), 0);
        ck_assert_int_eq(config_set(c, "host", "b", "labels", "y", err), 0);
        ck_assert_uint_eq(c->n_hosts, 2);
        ck_assert_str_eq(c->hosts[0].name, "a");
        ck_assert_str_eq(config_host(c, "b")->labels, "y");
        ck_assert_uint_eq(config_host(c, "b")->vcpus, 2);
        ck_assert_int_eq(config_set(c, "host", "a b", "vcpus", "3", err), -EINVAL);
}
END_TEST

START_TEST(a_guests_own_keys) {
        struct conf_guest g = {0};
        char err[TEXT_LEN];

        ck_assert_int_eq(guest_conf_set(&g, "boot-time", "5s", err), 0);
        ck_assert_uint_eq(g.boot_usec, 5 * USEC_PER_SEC);
        ck_assert_int_eq(guest_conf_set(&g, "on-shutdown", "restart", err), 0);
        ck_assert_int_eq((int)g.on_shutdown, ON_SHUTDOWN_RESTART);
        ck_assert_int_eq(guest_conf_set(&g, "boot", "5s", err), -ENOENT);
        ck_assert_str_eq(err, "a guest has no key 'boot': did you mean 'boot-time'?");
        ck_assert_int_eq(guest_conf_set(&g, "colour", "5s", err), -ENOENT);
        ck_assert_str_eq(err, "a guest has no key 'colour'");
        ck_assert_int_eq(guest_conf_set(&g, "restart-limits", "5", err), -ENOENT);
        ck_assert_str_eq(err, "a guest has no key 'restart-limits': did you mean 'restart-limit'?");
        ck_assert_int_eq(guest_conf_set(&g, "on-shutdown", "maybe", err), -EINVAL);
        ck_assert_str_eq(err, "'maybe' is no value for 'on-shutdown': use respect or restart");
}
END_TEST

START_TEST(what_is_not_read_is_untouched) {
        _cleanup_(freep) struct config *c = parse_ok("[cluster]\nname = before\n");
        struct conf_errors errors = {0};

        ck_assert_int_eq(config_parse("t", "[cluster]\nname = after\nx = y\n", c, &errors), 1);
        ck_assert_str_eq(c->cluster_name, "before");
        ck_assert_uint_eq(errors.n, 1);
        ck_assert_str_eq(errors.lines[0], "t:3: [cluster] has no key 'x'");
        conf_errors_clear(&errors);
        ck_assert_int_eq(config_load("/nonexistent/hawd.conf", c, &errors), -ENOENT);
        ck_assert_int_eq(config_load("/", c, &errors), -EISDIR);
        ck_assert_int_eq(config_load("/dev/null", c, &errors), -EINVAL);
        ck_assert_uint_eq(errors.n, 0);
}
END_TEST

/* Damaged copies of the shipped file: never a crash, and 0 exactly when there is no message. */
START_TEST(damaged_files_are_reported) {
        static const char *const bits[] = {
                "[",  "]",  "=",    "\n",   "[fence x]\n", "[host a]\nlabels=",
                "\\", "\t", "\r\n", "\x01", ";",           "options = a=b\n"};
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        uint64_t x = 1;

        for (uint64_t i = 0; i < 3000; i++) {
                char text[2048] = "[cluster]\nname = a\n";
                struct conf_errors errors = {0};
                int r;

                for (uint64_t j = 0; j < 1 + i % 40; j++) {
                        char *at = text + hash64(x, &j, sizeof(j)) % (strlen(text) + 1);
                        const char *bit;

                        x = hash64(x, &i, sizeof(i));
                        bit = bits[x % ARRAY_SIZE(bits)];
                        memmove(at + strlen(bit), at, strlen(at) + 1);
                        memcpy(at, bit, strlen(bit));
                }
                r = config_parse("t", text, c, &errors);
                ck_assert_int_ge(r, 0);
                ck_assert_uint_eq((size_t)r, errors.n);
                conf_errors_clear(&errors);
                if (r == 0) {
                        _cleanup_(freep) char *dump = config_dump(c);
                        _cleanup_(freep) struct config *again = parse_ok(dump);

                        ck_assert_uint_eq(again->hash, c->hash);
                }
        }
}
END_TEST

START_TEST(too_many_sections) {
        _cleanup_(freep) char *text = xcalloc(65536, 1);
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        struct conf_errors errors = {0};
        size_t len = 0;

        for (int i = 0; i < HOSTS_MAX + 1; i++)
                len += (size_t)snprintf(text + len, 65536 - len, "[host h%d]\n", i);
        ck_assert_int_eq(config_parse("t", text, c, &errors), 1);
        ck_assert_str_eq(errors.lines[0], "t:33: more than 32 [host] sections");
        conf_errors_clear(&errors);
        len = 0;
        for (int i = 0; i < DEVICES_MAX + 1; i++)
                len += (size_t)snprintf(text + len, 65536 - len,
                                        "[fence d%d]\nhost = h%d\naddress = a%d\n", i, i, i);
        ck_assert_int_eq(config_parse("t", text, c, &errors), 1);
        ck_assert_str_eq(errors.lines[0], "t:385: more than 128 [fence] sections");
        conf_errors_clear(&errors);
}
END_TEST

START_TEST(an_endless_file) {
        size_t lines = 200000;
        _cleanup_(freep) char *text = xcalloc(lines + 1, 1);
        _cleanup_(freep) struct config *c = xcalloc(1, sizeof(*c));
        struct conf_errors errors = {0};

        memset(text, '\n', lines);
        ck_assert_int_eq(config_parse("t", text, c, &errors), 1);
        ck_assert_str_eq(errors.lines[0], "t:100000: the rest of the file is not read");
        conf_errors_clear(&errors);
}
END_TEST

static Suite *config_suite(void) {
        Suite *s = suite_create("config");
        TCase *tc = unit_case(s, "config");

        tcase_add_test(tc, durations);
        tcase_add_test(tc, no_durations);
        tcase_add_test(tc, durations_of_all_sizes_come_back);
        tcase_add_test(tc, sizes_numbers_words);
        tcase_add_test(tc, every_default_is_a_valid_value);
        tcase_add_test(tc, defaults_are_those_of_the_header);
        tcase_add_test(tc, shipped_file_names_every_key);
        tcase_add_test(tc, the_hash_is_of_the_meaning);
        tcase_add_test(tc, long_lists_come_back);
        tcase_add_test(tc, one_key_at_a_time);
        tcase_add_test(tc, a_guests_own_keys);
        tcase_add_test(tc, what_is_not_read_is_untouched);
        tcase_add_test(tc, damaged_files_are_reported);
        tcase_add_test(tc, too_many_sections);
        tcase_add_test(tc, an_endless_file);
        return s;
}

UNIT_MAIN(config_suite)
