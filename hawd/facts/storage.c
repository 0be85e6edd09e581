/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, devices and bridges that guests need here. A dead NFS hangs this. */
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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

/* ---- room for replicas ------------------------------------------------------------------------
 */

/* What QEMU shows of it; 0: there is no such file. */
static uint64_t virtual_size(const char *full) {
        unsigned char head[32] = {0};
        uint64_t size = 0;
        struct stat st;
        int fd = open(full, O_RDONLY | O_CLOEXEC);

        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                size = (uint64_t)st.st_size;
        if (size >= sizeof(head) && pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
            memcmp(head, "QFI\xfb", 4) == 0) {
                size = 0;
                for (int i = 24; i < 32; i++)
                        size = size << 8 | head[i];
        }
        if (fd >= 0)
                (void)close(fd);
        return size;
}

/* Beside a disk, by the start of their names: copies, which a new one takes the room of, and disks
 * that starts from a copy left. */
struct beside {
        uint64_t copies;
        json_t *left; /* {what, mib} */
};

static bool begins(const char *name, const char *disk, const char *with) {
        size_t n = strlen(disk);

        return strncmp(name, disk, n) == 0 && strncmp(name + n, with, strlen(with)) == 0;
}

static void look_beside(const char *folder, const char *path, struct beside *ret) {
        const char *disk = strrchr(path, '/') + 1;
        DIR *d = opendir(folder);
        struct dirent *e;
        struct stat st;

        while (d && (e = readdir(d))) {
                bool copy = begins(e->d_name, disk, ".hawd-replica-");

                if ((!copy && !begins(e->d_name, disk, ".hawd-left-")) ||
                    fstatat(dirfd(d), e->d_name, &st, 0) < 0)
                        continue;
                if (copy)
                        ret->copies += (uint64_t)st.st_blocks * 512;
                else if (json_array_size(ret->left) < FACTS_LIST_MAX)
                        json_array_append_new(
                                ret->left,
                                json_pack("{s:o,s:I}", "what", word(e->d_name), "mib",
                                          (json_int_t)((uint64_t)st.st_blocks * 512 >> 20)));
        }
        if (d)
                closedir(d);
}

static json_t *look_copy(const char *root, const char *guest, const char *path) {
        char full[PATH_MAX], folder[PATH_MAX];
        struct beside beside = {.left = json_array()};
        const char *why = NULL;
        struct statvfs fs = {0};

        text_fmt(full, sizeof(full), "%s%s", root, path);
        text_set(folder, sizeof(folder), full);
        *strrchr(folder, '/') = '\0';
        if (statvfs(folder, &fs) < 0)
                why = strerror(errno);
        look_beside(folder, path, &beside);
        return json_pack("{s:o,s:o,s:I,s:I,s:I,s:o,s:o}", "guest", word(guest), "what", word(path),
                         "size_mib", (json_int_t)(virtual_size(full) >> 20), "free_mib",
                         (json_int_t)((uint64_t)fs.f_bavail * fs.f_frsize >> 20), "copy_mib",
                         (json_int_t)(beside.copies >> 20), "left", beside.left, "why", word(why));
}

/* Of a guest that has one, by files. */
static void look_copies(const char *root, const json_t *guest, json_t *o) {
        const char *replica = json_string_value(json_object_get(guest, "replica"));
        const json_t *need;
        size_t i;

        if (!replica || (!strstr(replica, " sync") && !strstr(replica, " async")))
                return;
        json_array_foreach(json_object_get(guest, "needs"), i, need) {
                const char *what = json_string_value(json_object_get(need, "what"));

                if (what[0] != '/' ||
                    strcmp(json_string_value(json_object_get(need, "kind")), "disk") != 0)
                        continue;
                part_at("room for a copy of %.100s", what);
                list_add(o, "copies",
                         look_copy(root, json_string_value(json_object_get(guest, "name")), what));
        }
}

json_t *facts_storage(const char *root, const json_t *wants) {
        json_t *o = json_pack("{s:[],s:[],s:[]}", "missing", "errors_pass", "copies");
        const json_t *guest, *need;
        size_t i, k;

        json_array_foreach(json_object_get(wants, "guests"), i, guest) {
                errors_pass(guest, o);
                look_copies(root, guest, o);
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
