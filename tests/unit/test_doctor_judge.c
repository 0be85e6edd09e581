/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ctl guest */
/*
 * Every check of hawctl doctor: a sound cluster, and one thing of it changed in each row. Facts are
 * what hawd-facts said on a real one.
 */
#include "tests/unit/doctor_rows_cluster.h"
#include "tests/unit/doctor_rows_host.h"

#define N_ROWS (ARRAY_SIZE(cluster_rows) + ARRAY_SIZE(host_rows))

static const struct row *row_at(size_t i) {
        return i < ARRAY_SIZE(cluster_rows) ? &cluster_rows[i]
                                            : &host_rows[i - ARRAY_SIZE(cluster_rows)];
}

static const struct finding *find(const struct findings *f, const struct row *r) {
        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->list[i].check, r->check) == 0 &&
                    strcmp(f->list[i].host, r->host) == 0 && f->list[i].severity == r->severity &&
                    strstr(f->list[i].text, r->text) && strstr(f->list[i].mend, r->mend))
                        return &f->list[i];
        return NULL;
}

static void say(const struct findings *f, enum severity least) {
        for (size_t i = 0; i < f->n; i++)
                if (f->list[i].severity >= least)
                        printf("%s %s %s: %s (%s)\n", severity_name(f->list[i].severity),
                               f->list[i].check, f->list[i].host, f->list[i].text, f->list[i].mend);
}

START_TEST(one_change_is_found) {
        const struct row *r = row_at((size_t)_i);
        struct findings f = {0};
        json_t *exam = sound();

        for (size_t i = 0; i < ARRAY_SIZE(r->changes) && r->changes[i].path; i++)
                change(exam, r->changes[i].path, r->changes[i].value);
        doctor_judge(exam, &f);
        if (!find(&f, r)) {
                say(&f, SEVERITY_NOTE);
                ck_abort_msg("%s is not found: %s", r->check, r->text);
        }
        if (r->severity >= SEVERITY_WARNING) /* what hurts has a mend, or is only one more */
                ck_assert(find(&f, r)->mend[0] || strncmp(r->text, "and ", 4) == 0 ||
                          strcmp(r->check, "capacity") == 0);
        findings_clear(&f);
        json_decref(exam);
}
END_TEST

START_TEST(a_sound_cluster_has_nothing_but_good) {
        struct findings f = {0};
        json_t *exam = sound();

        doctor_judge(exam, &f);
        say(&f, SEVERITY_NOTE);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_int_eq(f.list[i].severity, SEVERITY_OK);
        for (size_t k = 0; k < n_doctor_checks; k++) {
                bool said = false, found_bad = false;

                for (size_t i = 0; i < f.n; i++)
                        said |= strcmp(f.list[i].check, doctor_checks[k].name) == 0;
                ck_assert_msg(said, "%s says nothing of a sound cluster", doctor_checks[k].name);
                for (size_t i = 0; i < N_ROWS; i++)
                        found_bad |= strcmp(row_at(i)->check, doctor_checks[k].name) == 0 &&
                                     row_at(i)->severity > SEVERITY_OK;
                ck_assert_msg(found_bad, "%s has no row", doctor_checks[k].name);
        }
        findings_clear(&f);
        json_decref(exam);
}
END_TEST

/* Another version of hawd-facts, or a broken one: whatever is missing is said, nothing crashes. */
START_TEST(facts_may_be_anything) {
        static const char *const parts[] = {"wants",
                                            "host",
                                            "hawd",
                                            "corosync",
                                            "libvirt",
                                            "storage",
                                            "host/config",
                                            "host/units",
                                            "host/managers",
                                            "corosync/quorum",
                                            "corosync/nodes",
                                            "libvirt/cpu",
                                            "host/certificates",
                                            "host/watchdogs",
                                            "host/secrets",
                                            "host/config/watchdog",
                                            "host/config/watchdog/hosts",
                                            "host/systemd_watchdog",
                                            "storage/missing",
                                            "storage/errors_pass",
                                            "libvirt/cpu/features",
                                            "libvirt/autostart",
                                            "corosync/links",
                                            "corosync/down",
                                            "libvirt/cpu_modes",
                                            "host/units/hawd/after",
                                            "libvirt/cpu_unfit"};
        static const char *const values[] = {"null",
                                             "[]",
                                             "{}",
                                             "'x'",
                                             "7",
                                             "[7]",
                                             "[[]]",
                                             "{'missing': [7], 'autostart': [7], 'after': [7]}",
                                             "{'error': 'y'}",
                                             "{'error': 7}"};

        for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
                for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
                        struct findings f = {0};
                        json_t *exam = sound();
                        char path[NAME_LEN];

                        text_fmt(path, sizeof(path), F2 "%s", parts[p]);
                        change(exam, path, values[v]);
                        doctor_judge(exam, &f);
                        ck_assert_uint_gt(f.n, 0);
                        findings_clear(&f);
                        json_decref(exam);
                }
}
END_TEST

START_TEST(one_host_alone) {
        struct findings f = {0};
        json_t *exam = json_pack("{s:b,s:I,s:n,s:n,s:n,s:[{s:s,s:n,s:o}]}", "local", 1, "now_usec",
                                 (json_int_t)NOW, "status", "guests", "rules", "hosts", "name",
                                 "node1", "error", "facts", parse(facts_text));

        doctor_judge(exam, &f);
        say(&f, SEVERITY_NOTE);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_int_eq(f.list[i].severity, SEVERITY_OK);
        findings_clear(&f);
        json_decref(exam);
}
END_TEST

/* A doctor who cries wolf is not read. */
static const struct {
        const char *path, *value, *path2, *value2;
} harmless[] = {
        {F2 "host/state_dir/free_mib", "90000", F2 "host/state_dir/total_mib", "4000000"},
        {"guests/0/desired", "'ignored'", "guests/0/memory_mib", "16000"}, /* is not recovered */
        {F1 "corosync/token_ms", "500", F1 "corosync/links",
         "[{'link': 0, 'ping_ms': 125, 'timeout_ms': 250}]"},
        {F2 "host/config/watchdog", "null", F2 "host/watchdogs", "[]"},
        {F2 "host/watchdogs", "[]", F2 "host/certificates", "[]"},
        {F2 "host/systemd_watchdog/runtime", "'30s'", F2 "host/systemd_watchdog/device",
         "'/dev/watchdog1'"}, /* two devices, one for each */
        {F2 "host/systemd_watchdog/runtime", "'off'", F2 "host/systemd_watchdog/reboot", "'0'"},
        {"status/hosts/2/state", "'maintenance'", "status/hosts/2/clock_offset_ms", "150"},
};

START_TEST(what_hurts_nobody_is_no_warning) {
        struct findings f = {0};
        json_t *exam = sound();

        change(exam, harmless[_i].path, harmless[_i].value);
        change(exam, harmless[_i].path2, harmless[_i].value2);
        doctor_judge(exam, &f);
        say(&f, SEVERITY_WARNING);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_int_le(f.list[i].severity, SEVERITY_NOTE);
        findings_clear(&f);
        json_decref(exam);
}
END_TEST

/* One host cannot be fenced by anybody, and nothing takes its guests over: that is said once. */
START_TEST(cluster_of_one_is_not_blamed_for_it) {
        struct findings f = {0};
        json_t *exam = sound();

        json_array_remove(json_object_get(exam, "hosts"), 2);
        json_array_remove(json_object_get(exam, "hosts"), 1);
        change(exam, "replicas", "[]");
        change(exam, "status/hosts",
               "[{'name': 'node1', 'nodeid': 1, 'state': 'online',"
               " 'in_group': true, 'clock_offset_ms': 0, 'vcpus': 8,"
               " 'memory_mib': 16384, 'devices': [], 'watchdog_ms': 10000}]");
        if (_i == 0) {
                change(exam, F1 "host/config/ring", "'solo'");
                change(exam, F1 "host/units/hawd-solo/enabled", "true");
                change(exam, F1 "host/units/hawd-solo/after",
                       "['libvirtd.service', 'virt-guest-shutdown.target']");
        } else {
                change(exam, F1 "corosync/nodes", "[{'nodeid': 1, 'links': [0, 1]}]");
                change(exam, F1 "corosync/quorum/expected", "1");
        }
        doctor_judge(exam, &f);
        say(&f, SEVERITY_NOTE);
        for (size_t i = 0; i < f.n; i++)
                ck_assert_int_le(f.list[i].severity, SEVERITY_NOTE);
        findings_clear(&f);
        json_decref(exam);
}
END_TEST

START_TEST(scripts_get_all_of_it) {
        struct findings f = {0};
        json_t *exam = sound(), *j;

        change(exam, F3 "libvirt/autostart", "['vm1']");
        doctor_judge(exam, &f);
        j = doctor_json(&f, json_object_get(exam, "hosts"));
        ck_assert_int_eq(jint(j, "bad"), 1);
        ck_assert_int_eq(jint(j, "warnings"), 0);
        ck_assert_uint_eq(json_array_size(json_object_get(j, "findings")), f.n);
        ck_assert_uint_eq(json_array_size(json_object_get(j, "hosts")), 3);
        ck_assert(jnull(json_array_get(json_object_get(j, "findings"), 0), "mend"));
        json_decref(j);
        findings_clear(&f);
        json_decref(exam);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("doctor judge");
        TCase *tc = unit_case(s, "judge");

        tcase_add_loop_test(tc, one_change_is_found, 0, (int)N_ROWS);
        tcase_add_test(tc, a_sound_cluster_has_nothing_but_good);
        tcase_add_test(tc, facts_may_be_anything);
        tcase_add_test(tc, one_host_alone);
        tcase_add_loop_test(tc, what_hurts_nobody_is_no_warning, 0, (int)ARRAY_SIZE(harmless));
        tcase_add_loop_test(tc, cluster_of_one_is_not_blamed_for_it, 0, 2);
        tcase_add_test(tc, scripts_get_all_of_it);
        return s;
}

UNIT_MAIN(suite)
