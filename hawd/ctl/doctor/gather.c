/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/doctor/gather.h"

#include "hawd/ctl/text.h"
#include "hawd/guest/domxml.h"

#define DISKS_MAX 16 /* of a guest with snapshots */

/* Why its disks cannot be in a snapshot; NULL: they can. */
static json_t *why_not(const json_t *answer, const json_t *settings) {
        const json_t *xml = json_object_get(answer, "xml");
        struct dom_disk disks[DISKS_MAX];
        char err[TEXT_LEN] = "it has no disk that it may write";
        int n;

        if (!json_is_string(xml)) /* not shown to everybody */
                return json_null();
        n = domxml_disks(json_string_value(xml), json_string_length(xml), disks, DISKS_MAX, err);
        for (int i = 0; i < n; i++)
                if (strcmp(jtext(settings, "snapshot_kind"), "internal") == 0 &&
                    strcmp(disks[i].format, "qcow2") != 0) {
                        text_fmt(err, sizeof(err),
                                 "snapshot-kind = internal needs qcow2, and disk %s is %s",
                                 disks[i].target, disks[i].format);
                        n = 0;
                }
        return n > 0 ? json_null() : json_string(err);
}

int gather_snapshots(struct ctl *ctl, json_t *guests) {
        json_t *g;
        size_t i;

        json_array_foreach(guests, i, g) {
                const json_t *settings = json_object_get(g, "settings");
                bool planned = strcmp(jtext(settings, "snapshot"), "off") != 0;
                json_t *answer = NULL;
                int r = CTL_DONE;

                if (planned)
                        r = ctl_call(ctl, "Guest",
                                     json_pack("{s:s,s:b}", "name", jtext(g, "name"), "xml", 1),
                                     &answer);
                if (planned && r == CTL_DONE)
                        json_object_set_new(g, "no_snapshot", why_not(answer, settings));
                json_decref(answer);
                answer = NULL;
                if (r == CTL_DONE && (strstr(jtext(settings, "recovery"), "rollback") ||
                                      jint(settings, "snapshot_space_mib") > 0))
                        r = ctl_call(ctl, "Snapshots",
                                     json_pack("{s:s}", "guest", jtext(g, "name")), &answer);
                if (answer)
                        json_object_set_new(g, "snapshots", answer);
                if (r != CTL_DONE)
                        return r;
        }
        return CTL_DONE;
}
