/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can be known of a watchdog without opening it, which arms it; and who else has it open.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/watchdog/wdt.h"

#define SOFTDOG "Software Watchdog"

/* The first line of a small file; "" when there is none. */
static void line_of(char *buf, size_t size, const char *root, const char *dir, const char *name) {
        char path[PATH_MAX];
        FILE *f;

        text_fmt(path, sizeof(path), "%s%s%s", root, dir, name);
        f = fopen(path, "re");
        buf[0] = '\0';
        if (f && !fgets(buf, (int)size, f))
                buf[0] = '\0';
        buf[strcspn(buf, "\n")] = '\0';
        if (f)
                (void)fclose(f);
}

static bool cpu_is_virtual(const char *root) {
        char path[PATH_MAX], *line = NULL;
        size_t size = 0;
        bool found = false;
        FILE *f;

        text_fmt(path, sizeof(path), "%s/proc/cpuinfo", root);
        f = fopen(path, "re");
        while (f && !found && getline(&line, &size, f) > 0)
                found = strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor");
        free(line);
        if (f)
                (void)fclose(f);
        return found;
}

static bool board_is_virtual(const char *root) {
        static const char *const vendors[] = {"QEMU", "VMware", "Xen", "innotek"};
        char vendor[64];

        line_of(vendor, sizeof(vendor), root, "/sys/class/dmi/id/", "sys_vendor");
        for (size_t i = 0; i < ARRAY_SIZE(vendors); i++)
                if (strncmp(vendor, vendors[i], strlen(vendors[i])) == 0)
                        return true;
        return false;
}

void wdt_look(const char *root, const char *path, struct wdt_look *ret) {
        const char *name = strrchr(path, '/');
        char dir[PATH_MAX], value[32];

        *ret = (struct wdt_look){0};
        name = name ? name + 1 : path;
        if (strcmp(name, "watchdog") == 0) /* the old name of the first */
                name = "watchdog0";
        text_fmt(dir, sizeof(dir), "/sys/class/watchdog/%.64s/", name);
        line_of(ret->identity, sizeof(ret->identity), root, dir, "identity");
        line_of(value, sizeof(value), root, dir, "nowayout");
        ret->nowayout = strcmp(value, "1") == 0;
        line_of(value, sizeof(value), root, "/sys/module/ipmi_watchdog/parameters/", "action");
        ret->no_action = strcmp(value, "none") == 0;
        ret->virtual_machine = cpu_is_virtual(root) || board_is_virtual(root);
}

bool wdt_of_bmc(const char *identity) {
        return strncmp(identity, "IPMI", 4) == 0;
}

bool wdt_refuse(const struct conf_watchdog *conf, const char *identity, const struct wdt_look *look,
                char text[TEXT_LEN]) {
        if (strncmp(identity, SOFTDOG, strlen(SOFTDOG)) == 0 && !conf->allow_softdog)
                text_fmt(text, TEXT_LEN,
                         "%s is softdog, a timer of the kernel: it does not run while the host "
                         "stands still, so it proves nothing (allow-softdog = yes takes it)",
                         conf->path);
        else if (look->virtual_machine && !conf->allow_vm)
                text_fmt(text, TEXT_LEN,
                         "%s (%s) is of a virtual machine: it stops when that is paused, so it "
                         "proves nothing (allow-vm-watchdog = yes takes it)",
                         conf->path, identity);
        else if (wdt_of_bmc(identity) && look->no_action)
                text_fmt(text, TEXT_LEN,
                         "%s (%s) does nothing when it runs out: load ipmi_watchdog with "
                         "action=reset",
                         conf->path, identity);
        else
                return false;
        return true;
}

static bool has_open(const char *root, const char *pid, const char *real) {
        char dir[PATH_MAX], link[PATH_MAX];
        struct dirent *e;
        bool found = false;
        DIR *d;

        text_fmt(dir, sizeof(dir), "%s/proc/%.32s/fd", root, pid);
        d = opendir(dir);
        while (d && !found && (e = readdir(d))) {
                ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

                if (n < 0)
                        continue;
                link[n] = '\0';
                found = strcmp(link, real) == 0 ||
                        (strcmp(link, "/dev/watchdog") == 0 && strcmp(real, "/dev/watchdog0") == 0);
        }
        if (d)
                (void)closedir(d);
        return found;
}

/* The next process that has @real open; false at the end. */
static bool next_holder(DIR *d, const char *root, const char *real, char comm[32], char pid[32]) {
        char dir[PATH_MAX];
        struct dirent *e;

        while (d && (e = readdir(d))) {
                if (e->d_name[0] < '1' || e->d_name[0] > '9' || !has_open(root, e->d_name, real))
                        continue;
                text_fmt(pid, 32, "%.20s", e->d_name);
                text_fmt(dir, sizeof(dir), "/proc/%s/", pid);
                line_of(comm, 32, root, dir, "comm");
                return true;
        }
        return false;
}

bool wdt_holder(const char *root, const char *path, char text[TEXT_LEN]) {
        char dir[PATH_MAX], comm[32], pid[32], real[PATH_MAX];
        bool hawd = false;
        DIR *d;

        text[0] = '\0';
        if (!realpath(path, real))
                text_set(real, sizeof(real), path);
        text_fmt(dir, sizeof(dir), "%s/proc", root);
        d = opendir(dir);
        while (next_holder(d, root, real, comm, pid)) {
                hawd |= strcmp(comm, "hawd") == 0;
                if (*text)
                        continue;
                text_fmt(text, TEXT_LEN, "%s (process %s) holds it%s", *comm ? comm : "?", pid,
                         strcmp(comm, "systemd") == 0
                                 ? ": take RuntimeWatchdogSec= out of system.conf"
                         : strncmp(comm, "sbd", 3) == 0 ? ": disable sbd"
                                                        : "");
        }
        if (d)
                (void)closedir(d);
        return hawd;
}
