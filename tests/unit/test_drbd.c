/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DRBD's status: texts of drbd-utils 9.22 on a kernel with 8.4.11, as they came from two machines
 * (tests/machines), and of DRBD 9; what they mean for the host that says them.
 */
#include "replication/drbd.h"
#include "tests/unit/unit.h"

/* 8.4 has one peer, and calls it so. */
#define OLD(role, disk, conn, peer_role, repl, peer_disk, oos)                                     \
        "exists resource name:r0 role:" role " suspended:no write-ordering:flush\n"                \
        "exists connection name:r0 peer-node-id:0 conn-name:peer connection:" conn                 \
        " role:" peer_role " congested:no\n"                                                       \
        "exists device name:r0 volume:0 minor:0 disk:" disk                                        \
        " size:65496 read:0 written:0 al-writes:8 bm-writes:0 upper-pending:0 lower-pending:0 "    \
        "al-suspended:no blocked:no\n"                                                             \
        "exists peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:" repl      \
        " peer-disk:" peer_disk " resync-suspended:no received:0 sent:0 out-of-sync:" oos          \
        " pending:0 unacked:0\n"                                                                   \
        "exists -\n"

/* It leaves out the peer's name when it does not try to reach it. */
#define OLD_STANDALONE                                                                             \
        "exists resource name:r0 role:Secondary suspended:no write-ordering:flush\n"               \
        "exists connection name:r0 peer-node-id:0 connection:StandAlone role:Unknown "             \
        "congested:no\n"                                                                           \
        "exists device name:r0 volume:0 minor:0 disk:UpToDate size:65496 read:0 written:65816 "    \
        "al-writes:9 bm-writes:0 upper-pending:0 lower-pending:0 al-suspended:no blocked:no\n"     \
        "exists peer-device name:r0 peer-node-id:0 volume:0 replication:Off peer-disk:DUnknown "   \
        "resync-suspended:no received:0 sent:0 out-of-sync:320 pending:0 unacked:0\n"              \
        "exists -\n"

#define NEW_HEAD(role, suspended, quorum, disk)                                                    \
        "exists resource name:r0 role:" role " suspended:" suspended                               \
        " force-io-failures:no may_promote:no promotion_score:10103\n"                             \
        "exists device name:r0 volume:0 minor:1000 backing_dev:/dev/vdb disk:" disk                \
        " client:no open:no quorum:" quorum " size:65436 read:0 written:0 al-writes:0 "            \
        "bm-writes:0 upper-pending:0 lower-pending:0 al-suspended:no blocked:no\n"
#define NEW_PEER(id, name, conn, role, repl, disk, oos, done)                                      \
        "exists connection name:r0 peer-node-id:" id " conn-name:" name " connection:" conn        \
        " role:" role " tls:no congested:no ap-in-flight:0 rs-in-flight:0\n"                       \
        "exists path name:r0 peer-node-id:" id " conn-name:" name                                  \
        " local:ipv4:10.77.0.1:7788 peer:ipv4:10.77.0.2:7788 established:yes\n"                    \
        "exists peer-device name:r0 peer-node-id:" id " conn-name:" name                           \
        " volume:0 replication:" repl " peer-disk:" disk                                           \
        " peer-client:no resync-suspended:no received:0 sent:0 out-of-sync:" oos                   \
        " pending:0 unacked:0" done "\n"
#define NEW(role, disk, conn, peer_role, repl, peer_disk, oos, done)                               \
        NEW_HEAD(role, "no", "yes", disk)                                                          \
        NEW_PEER("1", "node2", conn, peer_role, repl, peer_disk, oos, done) "exists -\n"
#define END "exists -\n"

static const struct {
        const char *text;
        enum drbd_state state;
        bool may_promote;
        uint64_t behind_kib;
        uint32_t done_pct;
} rows[] = {
        /* 1 not up */
        {END, DRBD_STATE_DOWN, false, 0, 0},
        {"exists resource name:r1 role:Primary suspended:no\n" END, DRBD_STATE_DOWN, false, 0, 0},
        {"exists device name:r0 volume:0 minor:0 disk:UpToDate size:1\n" END, DRBD_STATE_DOWN,
         false, 0, 0},
        /* 3 no disk */
        {OLD("Secondary", "Diskless", "Connected", "Primary", "Established", "UpToDate", "0"),
         DRBD_STATE_DISKLESS, false, 0, 0},
        {NEW("Primary", "Failed", "Connected", "Secondary", "Established", "UpToDate", "0", ""),
         DRBD_STATE_DISKLESS, false, 0, 0},
        {NEW("Secondary", "Attaching", "Connecting", "Unknown", "Off", "DUnknown", "0", ""),
         DRBD_STATE_DISKLESS, false, 0, 0},
        /* 4 the peer sends what is missing, 5 or nobody does */
        {OLD("Secondary", "Inconsistent", "Connecting", "Unknown", "Off", "DUnknown", "65496"),
         DRBD_STATE_INCONSISTENT, false, 65496, 0},
        {OLD("Secondary", "Inconsistent", "Connected", "Secondary", "Established", "Inconsistent",
             "65496"),
         DRBD_STATE_INCONSISTENT, false, 65496, 0},
        {OLD("Secondary", "Inconsistent", "Connected", "Primary", "SyncTarget", "UpToDate",
             "35900"),
         DRBD_STATE_RESYNC_IN, false, 35900, 45},
        {NEW("Secondary", "Inconsistent", "Connected", "Primary", "SyncTarget", "UpToDate", "4096",
             " done:93.74"),
         DRBD_STATE_RESYNC_IN, false, 4096, 93},
        {NEW("Secondary", "Inconsistent", "Connected", "Primary", "PausedSyncT", "UpToDate",
             "65436", " done:0.00"),
         DRBD_STATE_RESYNC_IN, false, 65436, 0},
        {NEW("Secondary", "UpToDate", "Connected", "Primary", "WFBitMapT", "UpToDate", "8", ""),
         DRBD_STATE_RESYNC_IN, false, 8, 99},
        /* As 8.4 begins when its machine has come back. */
        {OLD("Secondary", "Outdated", "Connected", "Primary", "WFSyncUUID", "UpToDate", "4"),
         DRBD_STATE_RESYNC_IN, false, 4, 99},
        {NEW("Secondary", "UpToDate", "Connected", "Primary", "Behind", "UpToDate", "8", ""),
         DRBD_STATE_RESYNC_IN, false, 8, 99},
        /* 6 outdated */
        {NEW("Secondary", "Outdated", "Connecting", "Unknown", "Off", "DUnknown", "0", ""),
         DRBD_STATE_OUTDATED, false, 0, 0},
        /* 7 nobody knows */
        {NEW("Secondary", "Consistent", "Connecting", "Unknown", "Off", "DUnknown", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 0},
        {NEW("Secondary", "Negotiating", "Connected", "Primary", "Off", "UpToDate", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 0},
        {NEW("Secondary", "Splendid", "Connected", "Primary", "Established", "UpToDate", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 0},
        {NEW("Secondary", "UpToDate", "Elsewhere", "Primary", "Established", "UpToDate", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 0},
        {NEW("Secondary", "UpToDate", "Connecting", "Unknown", "SyncTarget", "DUnknown", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 100},
        {NEW("Secondary", "UpToDate", "Connected", "Primary", "Elsewhere", "UpToDate", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 0},
        {NEW("Secondary", "UpToDate", "Connected", "Primary", "Established", "Splendid", "0", ""),
         DRBD_STATE_UNSURE, false, 0, 0},
        {"exists resource name:r0 role:Secondary suspended:no\n" END, DRBD_STATE_UNSURE, false, 0,
         0},
        /* 8 in step */
        {OLD("Primary", "UpToDate", "Connected", "Secondary", "Established", "UpToDate", "0"),
         DRBD_STATE_IN_STEP, true, 0, 0},
        {OLD("Secondary", "UpToDate", "Connected", "Primary", "Established", "UpToDate", "0"),
         DRBD_STATE_IN_STEP, true, 0, 0},
        {NEW("Secondary", "UpToDate", "Connected", "Primary", "VerifyT", "UpToDate", "0",
             " done:12.00"),
         DRBD_STATE_IN_STEP, true, 0, 0},
        /* 9 the peer is resynced */
        {OLD("Primary", "UpToDate", "Connected", "Secondary", "SyncSource", "Inconsistent",
             "46284"),
         DRBD_STATE_RESYNC_OUT, true, 46284, 29},
        {NEW("Primary", "UpToDate", "Connected", "Secondary", "SyncSource", "Inconsistent", "46284",
             " done:100.00"),
         DRBD_STATE_RESYNC_OUT, true, 46284, 100},
        {NEW("Primary", "UpToDate", "Connected", "Secondary", "Ahead", "Consistent", "46284", ""),
         DRBD_STATE_RESYNC_OUT, true, 46284, 29},
        /* 10 the peer has no good disk */
        {NEW("Primary", "UpToDate", "Connected", "Secondary", "Established", "Diskless", "0", ""),
         DRBD_STATE_PEER_BAD, true, 0, 0},
        {NEW("Primary", "UpToDate", "Connected", "Secondary", "Off", "Failed", "0", ""),
         DRBD_STATE_PEER_BAD, true, 0, 0},
        /* 11 the peer is not there */
        {OLD("Secondary", "UpToDate", "Connecting", "Unknown", "Off", "DUnknown", "0"),
         DRBD_STATE_ALONE, true, 0, 0},
        {NEW("Primary", "UpToDate", "NetworkFailure", "Unknown", "Off", "Outdated", "12", ""),
         DRBD_STATE_ALONE, true, 12, 0},
        /* 12 told not to look for it */
        {OLD_STANDALONE, DRBD_STATE_APART, false, 320, 0},
        {NEW("Secondary", "UpToDate", "Disconnecting", "Unknown", "Off", "DUnknown", "0", ""),
         DRBD_STATE_APART, false, 0, 0},
        {NEW_HEAD("Secondary", "no", "yes", "UpToDate") END, DRBD_STATE_APART, false, 0, 0},
        /* Its I/O stands still, or DRBD's own quorum is lost. */
        {NEW_HEAD("Primary", "fencing", "yes", "UpToDate")
                 NEW_PEER("1", "node2", "Connecting", "Unknown", "Off", "DUnknown", "0", "") END,
         DRBD_STATE_ALONE, false, 0, 0},
        {NEW_HEAD("Secondary", "no", "no", "UpToDate")
                 NEW_PEER("1", "node2", "Connecting", "Unknown", "Off", "DUnknown", "0", "") END,
         DRBD_STATE_ALONE, false, 0, 0},
};

START_TEST(row) {
        char err[TEXT_LEN] = "";
        struct drbd_status s;
        struct drbd_verdict v;

        ck_assert_int_eq(drbd_parse(rows[_i].text, "r0", &s, err), 0);
        ck_assert_str_eq(s.name, "r0");
        ck_assert_str_eq(err, "");
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_str_eq(drbd_state_name(v.state), drbd_state_name(rows[_i].state));
        ck_assert_int_eq(v.may_promote, rows[_i].may_promote);
        ck_assert_uint_eq(v.behind_kib, rows[_i].behind_kib);
        ck_assert_uint_eq(v.done_pct, rows[_i].done_pct);
        ck_assert_str_ne(v.text, "");
        if (!v.may_promote && v.state != DRBD_STATE_RESYNC_IN)
                ck_assert_str_ne(v.mend, "");
}
END_TEST

static struct drbd_status parsed(const char *text) {
        char err[TEXT_LEN];
        struct drbd_status s;

        ck_assert_int_eq(drbd_parse(text, "r0", &s, err), 0);
        return s;
}

START_TEST(everything_is_read) {
        struct drbd_status s = parsed(OLD("Primary", "UpToDate", "Connected", "Secondary",
                                          "SyncSource", "Inconsistent", "46284"));

        ck_assert(s.up && !s.suspended && !s.no_quorum && !s.split_brain);
        ck_assert_int_eq(s.role, DRBD_PRIMARY);
        ck_assert_int_eq(s.disk, DRBD_UPTODATE);
        ck_assert_uint_eq(s.size_kib, 65496);
        ck_assert_uint_eq(s.n_minors, 1);
        ck_assert_uint_eq(s.minors[0], 0);
        ck_assert_uint_eq(s.n_peers, 1);
        ck_assert_str_eq(s.peers[0].name, "peer");
        ck_assert_int_eq(s.peers[0].connection, DRBD_CONNECTED);
        ck_assert_int_eq(s.peers[0].role, DRBD_SECONDARY);
        ck_assert_int_eq(s.peers[0].disk, DRBD_INCONSISTENT);
        ck_assert_int_eq(s.peers[0].replication, DRBD_RESYNC_OUT);
        ck_assert_ptr_eq(drbd_peer(&s, "node2"), &s.peers[0]); /* the only one */
}
END_TEST

#define VOLUME(n, disk, repl, peer_disk, oos)                                                      \
        "exists device name:r0 volume:" n " minor:" n " disk:" disk " size:1000\n"                 \
        "exists peer-device name:r0 peer-node-id:1 conn-name:node2 volume:" n " replication:" repl \
        " peer-disk:" peer_disk " out-of-sync:" oos "\n"
#define NO_VOLUMES                                                                                 \
        "exists resource name:r0 role:Secondary suspended:no\n"                                    \
        "exists connection name:r0 peer-node-id:1 conn-name:node2 connection:Connected "           \
        "role:Primary\n"
#define VOLUMES NO_VOLUMES VOLUME("0", "UpToDate", "Established", "UpToDate", "0")

START_TEST(the_worst_volume_counts) {
        struct drbd_status s =
                parsed(VOLUMES VOLUME("1", "Inconsistent", "SyncTarget", "UpToDate", "500") END);
        struct drbd_verdict v;

        ck_assert_uint_eq(s.n_minors, 2);
        ck_assert_uint_eq(s.size_kib, 2000);
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_RESYNC_IN);
        ck_assert_uint_eq(v.behind_kib, 500);
        ck_assert_uint_eq(v.done_pct, 75);
        s = parsed(VOLUMES VOLUME("1", "UpToDate", "Off", "Diskless", "0") END);
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_PEER_BAD);
        s = parsed(VOLUMES VOLUME("1", "Outdated", "Established", "UpToDate", "0") END);
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_OUTDATED);
        s = parsed(NO_VOLUMES VOLUME("0", "Outdated", "Established", "UpToDate", "0")
                           VOLUME("1", "UpToDate", "Established", "UpToDate", "0") END);
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_OUTDATED);
}
END_TEST

START_TEST(the_peer_that_is_meant) {
        struct drbd_status s = parsed(NEW_HEAD("Secondary", "no", "yes", "UpToDate") NEW_PEER(
                "1", "node2", "Connected", "Primary", "Established", "UpToDate", "0",
                "") NEW_PEER("2", "node3", "StandAlone", "Unknown", "Off", "DUnknown", "7", "")
                                              END);
        struct drbd_verdict v;

        ck_assert_uint_eq(s.n_peers, 2);
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_IN_STEP);
        drbd_judge(&s, "node1", "node3", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_APART);
        drbd_judge(&s, "node1", "node4", &v); /* no connection to it at all */
        ck_assert_int_eq(v.state, DRBD_STATE_APART);
        ck_assert(!v.may_promote);
}
END_TEST

/* Both sides' kernels, word for word; and 9's. */
START_TEST(split_brain) {
        static const char *const log[] = {
                "<6>[  122.332375] block drbd0: drbd_sync_handshake:",
                "<6>[  122.333159] block drbd0: uuid_compare()=100 by rule 90",
                ("<1>[  122.803115] block drbd0: Split-Brain detected but unresolved, dropping "
                 "connection!"),
                "<6>[  123.009353] drbd r0: conn( NetworkFailure -> Disconnecting ) ",
                "<6>[  123.049497] drbd r0: conn( Disconnecting -> StandAlone ) "};
        struct drbd_status s = parsed(OLD_STANDALONE);
        struct drbd_verdict v;

        drbd_split_brain(&s, "block drbd1: Split-Brain detected but unresolved, dropping");
        drbd_split_brain(&s, "drbd r01/0 drbd10 node2: Split-Brain detected but unresolved");
        ck_assert(!s.split_brain);
        for (size_t i = 0; i < ARRAY_SIZE(log); i++)
                drbd_split_brain(&s, log[i]);
        ck_assert(s.split_brain);
        drbd_judge(&s, "node1", "node2", &v);
        ck_assert_int_eq(v.state, DRBD_STATE_SPLIT_BRAIN);
        ck_assert(!v.may_promote);
        ck_assert_ptr_nonnull(strstr(v.text, "node1 and node2"));
        ck_assert_str_eq(v.mend,
                         "on the side to be discarded drbdadm connect --discard-my-data r0, "
                         "then on the other drbdadm connect r0");
        drbd_split_brain(&s, "drbd r1: conn( StandAlone -> Unconnected ) ");
        ck_assert(s.split_brain);
        drbd_split_brain(&s, "drbd r0: conn( StandAlone -> Unconnected ) ");
        ck_assert(!s.split_brain);
        drbd_split_brain(&s, "drbd r0/0 drbd1000 node2: Split-Brain detected but unresolved, "
                             "dropping connection!");
        ck_assert(s.split_brain);
        drbd_split_brain(&s, "drbd r0 node2: conn( StandAlone -> Unconnected ) [connect]");
        ck_assert(!s.split_brain);
}
END_TEST

static void refused(const char *text, int expected) {
        struct drbd_status s = {.size_kib = 77};
        char err[TEXT_LEN] = "";

        ck_assert_int_eq(drbd_parse(text, "r0", &s, err), expected);
        ck_assert_str_ne(err, "");
        ck_assert_uint_eq(s.size_kib, 77);
}

START_TEST(bad_texts) {
        char many[DRBD_OUTPUT_MAX] = "exists resource name:r0 role:Primary suspended:no\n";
        size_t head = strlen(many);

        refused("", -EBADMSG);
        refused("drbdsetup: unknown command\n", -EBADMSG);
        refused("exists resource name:r0 role:Primary suspended:no\n", -EBADMSG);
        refused("exists resource name:r0 role:Primary\nexists -x\n", -EBADMSG);
        for (int i = 0; i <= DRBD_VOLUMES_MAX; i++)
                text_fmt(many + strlen(many), 64, "exists device name:r0 volume:%d minor:%d\n", i,
                         i);
        refused(many, -E2BIG);
        many[head] = '\0';
        for (int i = 0; i <= DRBD_PEERS_MAX; i++)
                text_fmt(many + strlen(many), 96,
                         "exists connection name:r0 peer-node-id:%d conn-name:n%d\n", i, i);
        refused(many, -E2BIG);
        many[head] = '\0';
        text_fmt(many + head, 200, "exists connection name:r0 conn-name:%0100d\n", 0);
        refused(many, -E2BIG);
}
END_TEST

/* A number that is none, or too great, is left out; it never wraps. */
START_TEST(odd_numbers) {
        struct drbd_status s =
                parsed(NEW("Secondary", "Inconsistent", "Connected", "Primary", "SyncTarget",
                           "UpToDate", "99999999999999999999999", " done:101.00"));

        ck_assert_uint_eq(s.peers[0].behind_kib, 0);
        ck_assert_uint_eq(s.peers[0].done_pct, 100);
        s = parsed(VOLUMES VOLUME("1", "Inconsistent", "SyncTarget", "UpToDate",
                                  "18446744073709551615")
                           VOLUME("2", "Inconsistent", "SyncTarget", "UpToDate", "-5")
                                   VOLUME("3", "Inconsistent", "SyncTarget", "UpToDate", "5") END);
        ck_assert_uint_eq(s.peers[0].behind_kib, UINT64_MAX);
        ck_assert_uint_eq(s.peers[0].done_pct, 0);
}
END_TEST

#define DUMP(net, disk, handlers)                                                                  \
        "# resource r0 on node1: not ignored, not stacked\n"                                       \
        "# defined at /etc/drbd.d/r0.res:1\n"                                                      \
        "resource r0 {\n    on node1 {\n        device           /dev/drbd0 minor 0;\n"            \
        "        disk             /dev/vdb;\n        meta-disk        internal;\n    }\n"          \
        "    net {\n" net "    }\n    disk {\n        resync-rate      40M;\n" disk                \
        "    }\n    handlers {\n" handlers "    }\n}\n"
#define PROTOCOL(p) "        protocol           " p ";\n"
#define FENCING(f) "        fencing          " f ";\n"
#define HANDLER "        fence-peer       /usr/libexec/hawd/drbd-fence-peer;\n"

static const struct {
        const char *dump, *says; /* NULL: relied on */
} settings_rows[] = {
        {DUMP(PROTOCOL("C"), FENCING("resource-and-stonith"), HANDLER), NULL},
        {DUMP("", FENCING("resource-and-stonith"), HANDLER), NULL},
        {DUMP(FENCING("resource-and-stonith") "        after-sb-0pri    discard-zero-changes;\n"
                                              "        after-sb-1pri    disconnect;\n",
              "", "        fence-peer       \"/usr/libexec/hawd/drbd-fence-peer --x\";\n"),
         NULL},
        {DUMP(PROTOCOL("A"), FENCING("resource-and-stonith"), HANDLER), "protocol C"},
        {DUMP(PROTOCOL("C"), FENCING("resource-only"), HANDLER), "resource-and-stonith"},
        {DUMP(PROTOCOL("C"), "", HANDLER), "resource-and-stonith"},
        {DUMP("", "# fencing resource-and-stonith;\n", HANDLER), "resource-and-stonith"},
        {DUMP(PROTOCOL("C"), FENCING("resource-and-stonith"), ""), "fence-peer"},
        {DUMP(PROTOCOL("C"), FENCING("resource-and-stonith"), "  fence-peer /bin/true;\n"),
         "fence-peer"},
        {DUMP("        after-sb-1pri    discard-secondary;\n", FENCING("resource-and-stonith"),
              HANDLER),
         "after-sb-1pri discard-secondary"},
        {"", "resource-and-stonith"},
        {"fencing resource-and-stonith", "resource-and-stonith"}, /* cut off */
};

START_TEST(settings) {
        char err[TEXT_LEN] = "";
        int r = drbd_settings(settings_rows[_i].dump, "r0", err);

        ck_assert_int_eq(r, settings_rows[_i].says ? -EINVAL : 0);
        if (settings_rows[_i].says)
                ck_assert_ptr_nonnull(strstr(err, settings_rows[_i].says));
}
END_TEST

static Suite *drbd_suite(void) {
        Suite *suite = suite_create("drbd");
        TCase *tc = unit_case(suite, "drbd");

        tcase_add_loop_test(tc, row, 0, ARRAY_SIZE(rows));
        tcase_add_loop_test(tc, settings, 0, ARRAY_SIZE(settings_rows));
        tcase_add_test(tc, everything_is_read);
        tcase_add_test(tc, the_worst_volume_counts);
        tcase_add_test(tc, the_peer_that_is_meant);
        tcase_add_test(tc, split_brain);
        tcase_add_test(tc, bad_texts);
        tcase_add_test(tc, odd_numbers);
        return suite;
}

UNIT_MAIN(drbd_suite)
