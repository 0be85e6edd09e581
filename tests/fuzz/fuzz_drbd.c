/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Anything as DRBD's status and as the kernel's log: no crash, a text for people, and nothing that
 * may be promoted unless its disk was said to be up to date and it was not told to stay apart.
 */
#include "replication/drbd.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = input_text(data, size);
        struct drbd_status s;
        struct drbd_verdict v;
        char err[TEXT_LEN] = "";
        int r = drbd_settings(text, "r0", err);

        must(r == 0 ? strstr(text, "drbd-fence-peer") != NULL : err[0] != '\0');
        r = drbd_parse(text, "r0", &s, err);
        must(r == 0 || (r < 0 && err[0] != '\0'));
        if (r < 0)
                return 0;
        must(s.n_peers <= DRBD_PEERS_MAX && s.n_minors <= DRBD_VOLUMES_MAX);
        must(s.up || (s.n_peers == 0 && s.n_minors == 0));
        for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
                drbd_split_brain(&s, line);
        drbd_judge(&s, "node1", "node2", &v);
        must(v.state < DRBD_STATE_MAX_ && v.done_pct <= 100);
        must(v.text[0] != '\0' && strlen(v.text) < TEXT_LEN && strlen(v.mend) < TEXT_LEN);
        if (v.may_promote) {
                const struct drbd_peer *p = drbd_peer(&s, "node2");

                must(s.disk == DRBD_UPTODATE && !s.split_brain && !s.suspended && !s.no_quorum);
                must(p && p->connection != DRBD_STANDALONE && p->replication != DRBD_RESYNC_IN);
        }
        return 0;
}
