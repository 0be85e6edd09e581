/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sound cluster as an exam, changes of it, and the form of a row: what one change is found as.
 */
#pragma once

#include "hawd/ctl/doctor/print.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(1795407766000000)

static const char facts_text[] =
        "{'format': 1, 'hawd_version': '0.1.0', 'wall_usec': 1795407766000000,"
        " 'wants': {'from': 'hawd', 'n': 2, 'hawd_error': null},"
        " 'host': {"
        "  'config': {'path': '/etc/hawd/hawd.conf', 'error': null, 'hash': '6d86f879c867c33e',"
        "   'running_error': null, 'running_hash': '6d86f879c867c33e', 'ring': 'corosync',"
        "   'replica_hold_ms': 300000, 'replica_hold_least_ms': 90000, 'uplinks': [{'name': null,"
        "   'missing': []}], 'cpu_overcommit_pct': 400, 'memory_reserve_mib': 512, "
        "'fence_check_ms': 60000,"
        "   'watchdog': {'lease_ms': 10000, 'hosts': [{'name': null, 'path': '/dev/watchdog0',"
        "    'never': false, 'timeout_ms': 10000, 'there': true, 'useless': null,"
        "    'allowed': true}]}},"
        "  'secrets': {'path': '/etc/hawd/fencing.conf', 'found': true, 'unsafe': null},"
        "  'state_dir': {'path': '/var/lib/hawd', 'free_mib': 80151, 'total_mib': 258019},"
        "  'clock': {'synchronised': true}, 'managers': [],"
        "  'units': {"
        "   'hawd': {'found': true, 'enabled': true, 'masked': false, 'after':"
        "    ['corosync.service', 'virtqemud.service', 'virt-guest-shutdown.target']},"
        "   'hawd-solo': {'found': true, 'enabled': false, 'masked': false, 'after': []},"
        "   'libvirt-guests': {'found': true, 'enabled': false, 'masked': false, 'after': []}},"
        "  'watchdogs': [{'name': 'watchdog0', 'identity': 'iTCO_wdt', 'nowayout': false, "
        "'of_bmc': false,"
        "   'useless': null, 'held_by': null}],"
        "  'systemd_watchdog': {'runtime': null, 'reboot': '10min', 'device': null},"
        "  'qemu_conf': {'lock_manager': 'lockd'},"
        "  'certificates': [{'path': '/etc/pki/qemu/server-cert.pem', 'error': null, 'key': 'RSA',"
        "   'not_after_usec': 1999999999000000}]},"
        " 'hawd': {'pid': 74, 'real_time': true, 'locked_kib': 433012},"
        " 'fence': {'devices': 6, 'wrong': []},"
        " 'corosync': {'transport': 'knet', 'cipher': 'aes256', 'hash': 'sha256', 'secauth': null,"
        "  'nodes': [{'name': 'node1', 'links': [0, 1], 'nodeid': 1},"
        "   {'name': 'node2', 'links': [0, 1], 'nodeid': 2},"
        "   {'name': 'node3', 'links': [0, 1], 'nodeid': 3}],"
        "  'token_ms': 1000, 'consensus_ms': 1200,"
        "  'links': [{'link': 0, 'ping_ms': 250, 'timeout_ms': 500},"
        "   {'link': 1, 'ping_ms': 250, 'timeout_ms': 500}], 'down': [],"
        "  'quorum': {'expected': 3, 'highest_expected': 3, 'total': 3, 'quorum': 2,"
        "   'quorate': true, 'two_node': false, 'wait_for_all': false, 'last_man_standing': false,"
        "   'auto_tie_breaker': false, 'qdevice_registered': false, 'qdevice_alive': false,"
        "   'qdevice_votes': 0, 'qdevice_model': null}},"
        " 'libvirt': {'driver': 'QEMU', 'version': '9.0.0', 'hypervisor_version': '7.2.22',"
        "  'cpu': {'model': 'EPYC', 'vendor': 'AMD', 'features': ['aes', 'avx', 'fma', 'sse']},"
        "  'autostart': [], 'missing': [], 'cpu_unfit': [],"
        "  'cpu_modes': {'host-passthrough': {'n': 7, 'some': ['vm1', 'vm2']}}},"
        " 'storage': {'missing': [], 'errors_pass': [], 'copies': [{'guest': 'vm2', 'what': "
        "'/img/b', 'size_mib': "
        "1000,"
        "   'free_mib': 800, 'copy_mib': 200, 'left': [], 'why': null}]}}";

static const char host_text[] =
        "{'name': 'node%d', 'nodeid': %d, 'state': 'online', 'in_group': true,"
        " 'watchdog_ms': 10000, 'lease_ms': 10000, 'watchdog_error': null,"
        " 'clock_offset_ms': -3, 'vcpus': 8, 'memory_mib': 16384, 'devices': [{'name': 'bmc%d',"
        " 'level': 1, 'seen_on': true, 'distrusted': false, 'reachable': true, 'error': null, "
        "'switches': null,"
        " 'checked_usec': 1795407700000000}, {'name': 'pdu%d', 'level': 2, 'seen_on': true,"
        " 'distrusted': false, 'reachable': true, 'error': null, 'switches': null,"
        " 'checked_usec': 1795407700000000}]}";

static const char guests_text[] =
        "[{'name': 'vm1', 'host': 'node1', 'desired': 'running', 'state': 'running',"
        "  'as_wanted': true, 'reason': null, 'vcpus': 2, 'memory_mib': 4096, 'claims': ['node1'],"
        "  'settings': {'priority': 100, 'snapshot': 'daily', 'snapshot_kind': 'external',"
        "   'snapshot_space_mib': 900, 'recovery': 'restart relocate rollback', 'replica': 'none',"
        "   'replica_lag_ms': 300000}, 'no_snapshot': null,"
        "  'snapshots': {'snapshots': [{'name': 'a', 'mib': 300}]}},"
        " {'name': 'vm2', 'host': 'node2', 'desired': 'stopped', 'state': 'stopped',"
        "  'as_wanted': true, 'reason': null, 'vcpus': 2, 'memory_mib': 4096, 'claims': [],"
        "  'settings': {'priority': 100, 'snapshot': 'off', 'snapshot_kind': 'external',"
        "   'snapshot_space_mib': 0, 'recovery': 'restart', 'replica': 'node3 sync',"
        "   'replica_lag_ms': 300000}}]";

static const char replicas_text[] =
        "[{'guest': 'vm2', 'mode': 'sync', 'data': 'node2', 'host': 'node3', 'state': 'behind',"
        "  'loss_allowed_ms': 0}]";

/* JSON with ' for ". */
static inline json_t *parse(const char *text) {
        char *copy = xstrdup(text);
        json_error_t error;
        json_t *j;

        for (char *c = copy; *c; c++)
                if (*c == '\'')
                        *c = '"';
        j = json_loads(copy, JSON_DECODE_ANY, &error);
        ck_assert_msg(j != NULL, "%s at %d of %s", error.text, error.position, text);
        free(copy);
        return j;
}

static inline json_t *sound(void) {
        json_t *live = json_array(), *hosts = json_array();

        for (int i = 1; i <= 3; i++) {
                char text[2048], name[16];

                text_fmt(name, sizeof(name), "node%d", i);
                text_fmt(text, sizeof(text), host_text, i, i, i, i);
                json_array_append_new(live, parse(text));
                json_array_append_new(hosts, json_pack("{s:s,s:n,s:s,s:o}", "name", name, "error",
                                                       "running_version", "0.1.0", "facts",
                                                       parse(facts_text)));
        }
        return json_pack("{s:b,s:I,s:{s:b,s:n,s:n,s:s,s:o,s:[]},s:o,s:[],s:o,s:o}", "local", 0,
                         "now_usec", (json_int_t)NOW, "status", "operational", 1, "missing",
                         "store_error", "host", "node1", "hosts", live, "waiting", "guests",
                         parse(guests_text), "rules", "replicas", parse(replicas_text), "hosts",
                         hosts);
}

/* @value replaces what is at "hosts/0/facts/..."; numbers are positions, and all members must be.
 */
static inline void change(json_t *exam, const char *path, const char *value) {
        json_t *at = exam;
        char key[NAME_LEN];

        for (;;) {
                size_t n = strcspn(path, "/");
                json_t *next;

                text_fmt(key, sizeof(key), "%.*s", (int)n, path);
                next = json_is_array(at) ? json_array_get(at, strtoul(key, NULL, 10))
                                         : json_object_get(at, key);
                ck_assert_msg(next != NULL, "there is no %s", key);
                path += n;
                if (!*path)
                        break;
                path++;
                at = next;
        }
        if (json_is_array(at))
                json_array_set_new(at, strtoul(key, NULL, 10), parse(value));
        else
                json_object_set_new(at, key, parse(value));
}

/** struct row - these changes make @check find, on @host, what has these texts in it */
struct row {
        const char *check, *host;
        enum severity severity;
        const char *text, *mend;
        struct {
                const char *path, *value;
        } changes[4];
};

#define ROW(check_, host_, severity_, text_, mend_, ...)                                           \
        {                                                                                          \
                .check = (check_), .host = (host_), .severity = SEVERITY_##severity_,              \
                .text = (text_), .mend = (mend_), .changes = {                                     \
                        __VA_ARGS__                                                                \
                }                                                                                  \
        }

#define F1 "hosts/0/facts/"
#define F2 "hosts/1/facts/"
#define F3 "hosts/2/facts/"
