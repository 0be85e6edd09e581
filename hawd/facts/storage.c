/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, devices and bridges that guests need here. A dead NFS hangs this. */
#include <limits.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/facts/files.h"
#include "hawd/facts/part.h"

static const char *path_why(const char *root, const char *kind, const char *path) {
        char full[PATH_MAX];
        struct stat st;

        text_fmt(full, sizeof(full), "%s%s", root, path);
        if (stat(full, &st) < 0)
                return strerror(errno);
        if ((strcmp(kind, "disk") == 0 || strcmp(kind, "cdrom") == 0) && !S_ISREG(st.st_mode) &&
            !S_ISBLK(st.st_mode) && !S_ISDIR(st.st_mode))
                return "it is neither a file nor a block device";
        if (strcmp(kind, "emulator") == 0 && access(full, X_OK) < 0)
                return "it cannot be executed";
        return NULL;
}

static bool is_up(const char *root, const char *dev) {
        _cleanup_(freep) char *text = NULL;
        char path[FACTS_WORD_MAX + 32];
        size_t len;

        text_fmt(path, sizeof(path), "/sys/class/net/%s/flags", dev);
        return file_text(root, path, &text, &len) < 0 || (strtoul(text, NULL, 16) & IFF_UP);
}

static const char *net_why(const char *root, const char *kind, const char *dev, bool ovs) {
        char path[FACTS_WORD_MAX + 32];

        text_fmt(path, sizeof(path), "/sys/class/net/%s", dev);
        if (strchr(dev, '/') || !file_there(root, path))
                return "there is no such interface";
        text_fmt(path, sizeof(path), "/sys/class/net/%s/bridge", dev);
        if (strcmp(kind, "bridge") == 0 && !ovs && !file_there(root, path))
                return "it is no bridge";
        return is_up(root, dev) ? NULL : "it is down";
}

static const char *why(const char *root, const json_t *need) {
        const char *kind = json_string_value(json_object_get(need, "kind"));
        const char *what = json_string_value(json_object_get(need, "what"));

        if (strcmp(kind, "bridge") == 0 || strcmp(kind, "netdev") == 0)
                return net_why(root, kind, what, json_is_true(json_object_get(need, "ovs")));
        return what[0] == '/' ? path_why(root, kind, what) : NULL; /* else: libvirt's */
}

/* This host's or another's: it is the guest's own setting. */
static void errors_pass(const json_t *guest, json_t *o) {
        const json_t *disk;
        size_t i;

        json_array_foreach(json_object_get(guest, "errors_pass"), i, disk) list_add(
                o, "errors_pass",
                json_pack("{s:O,s:O}", "guest", json_object_get(guest, "name"), "disk", disk));
}

json_t *facts_storage(const char *root, const json_t *wants) {
        json_t *o = json_pack("{s:[],s:[]}", "missing", "errors_pass");
        const json_t *guest, *need;
        size_t i, k;

        json_array_foreach(json_object_get(wants, "guests"), i, guest) {
                errors_pass(guest, o);
                json_array_foreach(json_object_get(guest, "needs"), k, need) {
                        const char *trouble_of;

                        part_at("%.100s of guest %.40s",
                                json_string_value(json_object_get(need, "what")),
                                json_string_value(json_object_get(guest, "name")));
                        trouble_of = why(root, need);
                        if (trouble_of)
                                list_add(o, "missing",
                                         json_pack("{s:O,s:O,s:O,s:o}", "guest",
                                                   json_object_get(guest, "name"), "kind",
                                                   json_object_get(need, "kind"), "what",
                                                   json_object_get(need, "what"), "why",
                                                   word(trouble_of)));
                }
        }
        return o;
}
