/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <unistd.h>

#include "hawd/guest/hostinfo.h"

#define PROC_FILE_MAX 8192

static int read_text(const char *path, char buf[PROC_FILE_MAX]) {
        size_t len = 0;
        ssize_t n;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        while (len < PROC_FILE_MAX - 1) {
                n = read(fd, buf + len, PROC_FILE_MAX - 1 - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        int r = -errno;

                        close(fd);
                        return r;
                }
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        close(fd);
        buf[len] = '\0';
        return 0;
}

int hostinfo_parse(const char *meminfo, const char *loadavg, uint32_t cpus, uint64_t *ret_free_mib,
                   uint32_t *ret_load_pct) {
        const char *line = strstr(meminfo, "MemAvailable:");
        char *end;
        uint64_t kib;
        double load;

        if (!line || (line != meminfo && line[-1] != '\n') || cpus == 0)
                return -EBADMSG;
        line += strlen("MemAvailable:");
        kib = strtoull(line, &end, 10);
        if (end == line || strncmp(end, " kB", 3) != 0)
                return -EBADMSG;
        load = strtod(loadavg, &end);
        if (end == loadavg || !(load >= 0 && load < 1e6))
                return -EBADMSG;
        *ret_free_mib = kib / 1024;
        *ret_load_pct = (uint32_t)(load * 100 / cpus + 0.5);
        return 0;
}

int hostinfo_read(uint64_t *ret_free_mib, uint32_t *ret_load_pct) {
        char meminfo[PROC_FILE_MAX], loadavg[PROC_FILE_MAX];
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        int r;

        r = read_text("/proc/meminfo", meminfo);
        if (r == 0)
                r = read_text("/proc/loadavg", loadavg);
        if (r < 0)
                return r;
        return hostinfo_parse(meminfo, loadavg, cpus > 0 ? (uint32_t)cpus : 1, ret_free_mib,
                              ret_load_pct);
}

void hostinfo_dmi(char ret[UUID_LEN]) {
        char text[PROC_FILE_MAX];

        ret[0] = '\0';
        if (read_text("/sys/class/dmi/id/product_uuid", text) < 0)
                return; /* no DMI here, or hidden */
        text[strcspn(text, "\n")] = '\0';
        if (strlen(text) == UUID_LEN - 1)
                text_set(ret, UUID_LEN, text);
}
