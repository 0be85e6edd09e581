/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "hawd/sense/sense.h"

static bool is_there(const char *path) {
        return access(path, F_OK) == 0;
}

/* The kernel refuses to say it of an interface that is switched off: that has none. */
static bool has_carrier(const char *root, const char *link) {
        char path[PATH_MAX], said = '0';
        int fd;

        text_fmt(path, sizeof(path), "%s/sys/class/net/%s/carrier", root, link);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        if (read(fd, &said, 1) != 1)
                said = '0';
        (void)close(fd);
        return said == '1';
}

/* The taps of guests, which have a carrier as long as their QEMU runs, lead nowhere. */
static bool is_tap(const char *root, const char *link) {
        char path[PATH_MAX];

        text_fmt(path, sizeof(path), "%s/sys/class/net/%s/tun_flags", root, link);
        return is_there(path);
}

static bool bridge_leads_out(const char *root, const char *bridge, DIR *ports,
                             char text[ILL_TEXT]) {
        const struct dirent *e;
        size_t n = 0;

        while ((e = readdir(ports)) != NULL) {
                if (e->d_name[0] == '.' || is_tap(root, e->d_name))
                        continue;
                if (has_carrier(root, e->d_name))
                        return true;
                n++;
        }
        text_fmt(text, ILL_TEXT, n ? "no port of %s has a carrier" : "%s has no port but guests'",
                 bridge);
        return false;
}

static bool leads_out(const char *root, const char *link, char text[ILL_TEXT]) {
        char path[PATH_MAX];
        DIR *ports;
        bool ok;

        text_fmt(path, sizeof(path), "%s/sys/class/net/%s", root, link);
        if (!is_there(path)) {
                text_fmt(text, ILL_TEXT, "there is no interface %s", link);
                return false;
        }
        text_fmt(path, sizeof(path), "%s/sys/class/net/%s/brif", root, link);
        ports = opendir(path);
        if (ports) {
                ok = bridge_leads_out(root, link, ports, text) && has_carrier(root, link);
                (void)closedir(ports);
        } else {
                ok = has_carrier(root, link);
        }
        if (!ok && !text[0])
                text_fmt(text, ILL_TEXT, "%s has no carrier", link);
        return ok;
}

bool sense_links(const char *root, const char *list, char text[ILL_TEXT]) {
        char link[LINK_LEN];

        text[0] = '\0';
        for (const char *s = list + strspn(list, " "); *s;) {
                size_t n = strcspn(s, " ");

                text_fmt(link, sizeof(link), "%.*s", (int)n, s);
                if (!leads_out(root, link, text))
                        return false;
                s += n + strspn(s + n, " ");
        }
        return true;
}
