/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/note.h"

static const struct {
        const char *name;
        int priority;
        const char *message_id;
} notes[] = {
        [NOTE_NONE] = {"none", 7, "00000000000000000000000000000000"},
        [NOTE_OPERATIONAL] = {"operational", 5, "4dd39ab6236b06a99a218e8fe01bb343"},
        [NOTE_NOT_OPERATIONAL] = {"not-operational", 4, "f14ef6d9eebb44335fd110cb9e83aa6e"},
        [NOTE_STORE_FAILED] = {"store-failed", 3, "f5d483beb062e2a2580446dabc5e1b80"},
        [NOTE_STORE_BACK] = {"store-back", 5, "e42059fbc96142d0d9afec2a3321cdbf"},
        [NOTE_STORE_ASIDE] = {"store-aside", 3, "fac4703b28c2447b808a64e5fb0b1047"},
        [NOTE_PEER_REFUSED] = {"peer-refused", 3, "05791c99e16fb89746759a02ecedb250"},
        [NOTE_PEER_SILENT] = {"peer-silent", 4, "41e0d92c6b265b9b943da51da1b9cdbf"},
        [NOTE_LIBVIRT_UP] = {"libvirt-up", 6, "a6a2d00c07e04f788625fc75bb1ad23b"},
        [NOTE_LIBVIRT_DOWN] = {"libvirt-down", 4, "0a46747231e3723a95d9f5520c90fbd2"},
        [NOTE_HOST_ADDED] = {"host-added", 5, "9e07e5b097721f8d2dd5efda799cada7"},
        [NOTE_HOST_REMOVED] = {"host-removed", 5, "e39945ab7457d7a93fd6d50745456fb1"},
        [NOTE_HOST_RENAMED] = {"host-renamed", 5, "187176f865dc4d0f8d795d8c86f79533"},
        [NOTE_HOST_JOINING] = {"host-joining", 5, "6df9259e660365d4e12528311705378f"},
        [NOTE_HOST_ONLINE] = {"host-online", 5, "a193a28c24fe064ca347c251af1e80be"},
        [NOTE_HOST_LOST] = {"host-lost", 3, "cdd0de680d6481315909e86517062c0d"},
        [NOTE_HOST_UNSUPERVISED] = {"host-unsupervised", 4, "c204c88efe5afdbcf80ca531308826ba"},
        [NOTE_HOST_AWAY] = {"host-away", 5, "93ea5bdbc4027c2ed4b80980a43ee1e3"},
        [NOTE_HOST_OFF] = {"host-off", 4, "2bd8ee1482dad69266d9756599aa0b58"},
        [NOTE_HOST_VOTE] = {"host-vote", 5, "5bf0ec269e1859d5b084e947cd418acc"},
        [NOTE_HOST_QUARANTINED] = {"host-quarantined", 4, "96a98410fc735d9297baca86aca3d504"},
        [NOTE_HOST_RELEASED] = {"host-released", 5, "46ac1477ab05592680e70e906a8ed12d"},
        [NOTE_FENCE_START] = {"fence-start", 4, "498855e59cdef5f6d084a334adf01739"},
        [NOTE_FENCE_RESULT] = {"fence-result", 4, "9af084de554e342b9b9b739b89721a31"},
        [NOTE_FENCE_WAIT] = {"fence-wait", 3, "a26003fc20c70ff783056c6678870d0d"},
        [NOTE_FENCE_CANCEL] = {"fence-cancel", 5, "617940da644818892458e56fa9a64865"},
        [NOTE_FENCE_CONFIRMED] = {"fence-confirmed", 4, "676007a54eedc46188809d346127549f"},
        [NOTE_FENCE_REQUESTED] = {"fence-requested", 4, "5b6d0624167d30c7885f11854e6e511e"},
        [NOTE_DEVICE] = {"device", 5, "bf0b487bea2d16e5fc764d5a9a2527d1"},
        [NOTE_GUEST_ADDED] = {"guest-added", 5, "f5bdece8b8ddaf7c00fea1dee7a95c26"},
        [NOTE_GUEST_REMOVED] = {"guest-removed", 5, "f29464be02fbdc9332e80a85b355fb5a"},
        [NOTE_GUEST_SET] = {"guest-set", 5, "09f312625914a00a0aaee2c628f1a731"},
        [NOTE_GUEST_DESIRED] = {"guest-desired", 5, "eaddd69cb96796f0213c3a689c3c0c0c"},
        [NOTE_GUEST_FAILED] = {"guest-failed", 4, "0d23634237887845293467b98b8f930d"},
        [NOTE_GUEST_PLACED] = {"guest-placed", 5, "dc3ddf8b08624b25974b75c8c60eaccb"},
        [NOTE_GUEST_STARTED] = {"guest-started", 5, "1027c86a88b9ea22b3d5e2f3d448bf5f"},
        [NOTE_GUEST_START_FAILED] = {"guest-start-failed", 4, "c22a2fd4cbc9b42ea9299314ef897917"},
        [NOTE_GUEST_HEALTHY] = {"guest-healthy", 5, "0bc344f5202a1b67fcd69a8eb4852af8"},
        [NOTE_GUEST_STOPPING] = {"guest-stopping", 5, "6478c1081a79dcf7d6917903adc6d623"},
        [NOTE_GUEST_STOPPED] = {"guest-stopped", 5, "cf3e7e0e48f3464e6bcce19114373c53"},
        [NOTE_GUEST_PAUSED] = {"guest-paused", 5, "f6fb7d031aa0a715879681d9f52e9e2b"},
        [NOTE_GUEST_RESUMED] = {"guest-resumed", 5, "71ce4889b7faaa22e261fd00ebc83f24"},
        [NOTE_GUEST_BLOCKED] = {"guest-blocked", 3, "505c8bffd8c50af1a2170db4a3eed94f"},
        [NOTE_GUEST_ROGUE] = {"guest-rogue", 3, "b811ee827d5988088f532727fd97b484"},
        [NOTE_GUEST_UNSETTLED] = {"guest-unsettled", 4, "d2fcb06abcaa9f1b1f437fd5d3138028"},
        [NOTE_RULE_SET] = {"rule-set", 5, "29114716a1804d7a89305305c001207a"},
        [NOTE_RULE_DELETED] = {"rule-deleted", 5, "c32dccc45122c0863adc8f71e81f357d"},
        [NOTE_INCIDENT_CLOSED] = {"incident-closed", 5, "711bb7b678ab7e2c56459e60504ff0fc"},
        [NOTE_WATCHDOG_ARMED] = {"watchdog-armed", 5, "f69d6ddb91dc4cfea7e30865de8b48da"},
        [NOTE_WATCHDOG_NONE] = {"watchdog-none", 4, "b9374ebe5eb2465ab50df14062137940"},
        [NOTE_LEASE_LOST] = {"lease-lost", 3, "410c8b9d530748ad9adcbef088328255"},
        [NOTE_SNAP_TAKEN] = {"snapshot-taken", 5, "5d0c7f5e86c74f0f8f6f1f3c9a5b7d21"},
        [NOTE_SNAP_FAILED] = {"snapshot-failed", 4, "9be14c3a70d24f8c8a0e6b52d7f3c184"},
        [NOTE_SNAP_DELETED] = {"snapshot-deleted", 5, "c3a86f1d25e94b7d9d40b8e1f67a2c95"},
        [NOTE_SNAP_ROLLED_BACK] = {"snapshot-rolled-back", 4, "7f1be2d94c6a4e53b7a05d8c31f69e20"},
        [NOTE_HOST_DEGRADED] = {"host-degraded", 4, "4fe1cca242b9af55ebaea8604212b95b"},
        [NOTE_HOST_WELL] = {"host-well", 5, "8a94388f4d95088a5b19f58f27ac05a1"},
        [NOTE_MOVE_ADVISED] = {"move-advised", 5, "387ca736ce3136952aa13267b857a2c8"},
        [NOTE_REPLICA_BEGIN] = {"replica-begin", 5, "0d8a3f0c5b7f4a6c9f1e62b7d3a45c18"},
        [NOTE_REPLICA_IN_STEP] = {"replica-in-step", 5, "5a1f6b2e9c344d0f8b7a4c61e2d93f07"},
        [NOTE_REPLICA_BEHIND] = {"replica-behind", 4, "9e27c4a1d85b4f3ab6c0178fd24e6b93"},
        [NOTE_REPLICA_BROKEN] = {"replica-broken", 4, "c6b05d7e31f84e29a4d29f8b60e17a5c"},
        [NOTE_REPLICA_PROMOTED] = {"replica-promoted", 4, "71d3e9b84a2f4c65b0f86e1c5d79a3f2"},
        [NOTE_REPLICA_FAILED] = {"replica-failed", 4, "8b62281654e74d73a335f807d63a57c0"},
};

_Static_assert(ARRAY_SIZE(notes) == NOTE_MAX_, "every note has its row");

static size_t row(enum note_id id) {
        return (size_t)id < ARRAY_SIZE(notes) ? (size_t)id : NOTE_NONE;
}

const char *note_name(enum note_id id) {
        return notes[row(id)].name;
}

enum note_id note_from_name(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
                if (strcmp(notes[i].name, name) == 0)
                        return (enum note_id)i;
        return NOTE_NONE;
}

int note_priority(enum note_id id) {
        return notes[row(id)].priority;
}

const char *note_message_id(enum note_id id) {
        return notes[row(id)].message_id;
}
