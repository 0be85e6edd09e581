/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys about snapshots. Declared in conf_keys.h. The schedule's grammar is that of snapshots/. */
#include "hawd/base/conf_keys.h"
#include "snapshots/schedule.h"

#define KEEP_MAX 1000

int conf_set_schedule(const struct conf_key *key, char *member, const char *value, char *err) {
        char text[TEXT_LEN], why[TEXT_LEN];
        struct schedule s;

        if (schedule_parse(value, &s, why) < 0) {
                text_fmt(err, TEXT_LEN, "'%s': %.200s", key->name, why);
                return -EINVAL;
        }
        schedule_format(&s, text, sizeof(text));
        if (strlen(text) >= key->size) {
                text_fmt(err, TEXT_LEN, "'%s' is longer than %zu characters", key->name,
                         key->size - 1);
                return -EINVAL;
        }
        text_set(member, key->size, text);
        return 0;
}

static uint32_t *part_of(struct conf_keep *keep, const char *word, size_t len) {
        const struct {
                const char *name;
                uint32_t *n;
        } parts[] = {{"last", &keep->last},
                     {"hourly", &keep->hourly},
                     {"daily", &keep->daily},
                     {"weekly", &keep->weekly}};

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (strlen(parts[i].name) == len && memcmp(parts[i].name, word, len) == 0)
                        return parts[i].n;
        return NULL;
}

static int keep_wrong(const struct conf_key *key, const char *what, size_t len, char *err) {
        text_fmt(
                err, TEXT_LEN,
                "'%.*s' in '%s': write none, or last, hourly, daily and weekly, each once and with "
                "a number up to %d, as in: last 3 daily 7",
                (int)MIN(len, 40u), what, key->name, KEEP_MAX);
        return -EINVAL;
}

int conf_set_keep(const struct conf_key *key, struct conf_keep *member, const char *value,
                  char *err) {
        struct conf_keep keep = {0};
        char number[16], ignored[TEXT_LEN];

        if (strcmp(value, CONF_NONE) == 0) {
                *member = keep;
                return 0;
        }
        for (const char *s = value + strspn(value, " \t"); *s != '\0';) {
                size_t len = strcspn(s, " \t"), digits;
                uint32_t *part = part_of(&keep, s, len);
                const char *n = s + len + strspn(s + len, " \t");

                digits = strcspn(n, " \t");
                if (!part || *part != 0 || digits == 0 || digits >= sizeof(number))
                        return keep_wrong(key, s, len, err);
                text_fmt(number, sizeof(number), "%.*s", (int)digits, n);
                if (parse_u32(number, 1, KEEP_MAX, part, ignored) < 0)
                        return keep_wrong(key, n, digits, err);
                s = n + digits + strspn(n + digits, " \t");
        }
        *member = keep;
        return 0;
}

void conf_format_keep(const struct conf_keep *keep, char *buf, size_t size) {
        const struct {
                const char *name;
                uint32_t n;
        } parts[] = {{"last", keep->last},
                     {"hourly", keep->hourly},
                     {"daily", keep->daily},
                     {"weekly", keep->weekly}};

        buf[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (parts[i].n > 0)
                        text_fmt(buf + strlen(buf), size - strlen(buf), "%s%s %" PRIu32,
                                 buf[0] ? " " : "", parts[i].name, parts[i].n);
        if (!buf[0])
                text_set(buf, size, CONF_NONE);
}
