/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hosts whose hawd.conf is not that of the others. */
#include "hawd/ctl/show.h"

static void add_name(char *names, size_t size, const char *sep, const char *name) {
        size_t len = strlen(names);

        text_fmt(names + len, size - len, "%s%s", len ? sep : "", name);
}

/* No file is that of most hosts: those that have the same one, for each. */
static void show_parties(const struct ctl *ctl, const json_t *hosts) {
        char all[4 * TEXT_LEN] = "";
        const json_t *h, *other;
        size_t i, k;

        json_array_foreach(hosts, i, h) {
                char party[2 * TEXT_LEN] = "";
                bool first = true;

                json_array_foreach(hosts, k, other) {
                        if (!jbool(other, "config_differs") ||
                            strcmp(jtext(other, "config_hash"), jtext(h, "config_hash")) != 0)
                                continue;
                        first &= k >= i;
                        add_name(party, sizeof(party), ", ", jtext(other, "name"));
                }
                if (first && *party)
                        add_name(all, sizeof(all), " | ", party);
        }
        printf("%shawd.conf%s is not the same: %s: make the files equal, then hawctl reload on "
               "each\n",
               color_on(ctl, COLOR_WARN), color_off(ctl), all);
}

void show_config(const struct ctl *ctl, const json_t *hosts) {
        char common[2 * TEXT_LEN] = "";
        const json_t *h;
        size_t i, differ = 0;

        json_array_foreach(hosts, i, h) {
                differ += jbool(h, "config_differs");
                if (!jbool(h, "config_differs") && !jnull(h, "config_hash") && jbool(h, "in_group"))
                        add_name(common, sizeof(common), ", ", jtext(h, "name"));
        }
        if (differ > 0 && !*common && json_array_size(hosts) > 1) {
                show_parties(ctl, hosts);
                return;
        }
        json_array_foreach(hosts, i, h) {
                if (!jbool(h, "config_differs"))
                        continue;
                printf("%s%s:%s its hawd.conf is not that of %s: ", color_on(ctl, COLOR_WARN),
                       jtext(h, "name"), color_off(ctl), *common ? common : "most hosts");
                printf("make it equal, then hawctl reload on %s\n", jtext(h, "name"));
        }
}
