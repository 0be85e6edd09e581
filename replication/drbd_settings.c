/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/drbd.h"

#define HANDLER "drbd-fence-peer"

/* `drbdadm dump` prints a setting a line: blanks, its name, blanks, its value, a semicolon. @line
 * moves on behind it. Return: whether there is one more. */
static bool next_setting(const char **line, char *name, char *value, size_t size) {
        while (**line != '\0') {
                const char *at = *line + strspn(*line, " \t"), *end = at + strcspn(at, "\n");
                size_t n = strcspn(at, " \t\n;{}"), m;

                *line = *end == '\0' ? end : end + 1;
                if (n == 0 || n >= size || *at == '#')
                        continue;
                memcpy(name, at, n);
                name[n] = '\0';
                at += n;
                at += strspn(at, " \t");
                m = strcspn(at, ";\n");
                if (at[m] != ';')
                        continue;
                m = MIN(m, size - 1);
                memcpy(value, at, m);
                value[m] = '\0';
                return true;
        }
        return false;
}

static bool throws_away(const char *name, const char *value) {
        return strncmp(name, "after-sb-", strlen("after-sb-")) == 0 &&
               strcmp(value, "disconnect") != 0 && strcmp(value, "discard-zero-changes") != 0;
}

int drbd_settings(const char *dump, const char *resource, char *err) {
        bool sync = true, stonith = false, handler = false; /* C is DRBD's default */
        char name[TEXT_LEN], value[TEXT_LEN], odd[TEXT_LEN] = "";

        while (next_setting(&dump, name, value, sizeof(name))) {
                if (strcmp(name, "protocol") == 0)
                        sync = sync && strcmp(value, "C") == 0;
                else if (strcmp(name, "fencing") == 0)
                        stonith = strcmp(value, "resource-and-stonith") == 0;
                else if (strcmp(name, "fence-peer") == 0)
                        handler = strstr(value, HANDLER) != NULL;
                else if (throws_away(name, value))
                        text_fmt(odd, sizeof(odd), "%.40s %.40s", name, value);
        }
        if (!sync)
                text_fmt(err, TEXT_LEN, "%s does not use protocol C: set it in its net section",
                         resource);
        else if (!stonith)
                text_fmt(err, TEXT_LEN,
                         "%s does not stop writing when its peer is lost: set fencing "
                         "resource-and-stonith",
                         resource);
        else if (!handler)
                text_fmt(err, TEXT_LEN,
                         "%s does not tell hawd when its peer is lost: set its handler fence-peer "
                         "to " HANDLER ", see hawctl-replica(1)",
                         resource);
        else if (odd[0] != '\0')
                text_fmt(err, TEXT_LEN,
                         "%s throws away what was written in a split brain by itself: %s; set "
                         "disconnect",
                         resource, odd);
        else
                return 0;
        return -EINVAL;
}
