/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One key: from text into its member, and back. Declared in conf_keys.h. */
#include <stdio.h>

#include "hawd/base/conf_keys.h"

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static void *member(const struct conf_key *key, void *base) {
        return (char *)base + key->offset;
}

static int set_duration(const struct conf_key *key, void *base, const char *value, char *err) {
        char min[TEXT_LEN], max[TEXT_LEN];
        usec_t t;
        int r = parse_duration(value, &t, err);

        if (r < 0)
                return r;
        if (t < key->min || t > key->max) {
                format_duration(key->min, min, sizeof(min));
                format_duration(key->max, max, sizeof(max));
                text_fmt(err, TEXT_LEN, "'%s' must be from %.20s to %.20s, not %.60s", key->name,
                         min, max, value);
                return -EINVAL;
        }
        *(usec_t *)member(key, base) = t;
        return 0;
}

static void format_mib(uint64_t mib, char *buf, size_t size) {
        if (mib > 0 && mib % (1024 * 1024) == 0)
                text_fmt(buf, size, "%" PRIu64 "TiB", mib / (1024 * 1024));
        else if (mib > 0 && mib % 1024 == 0)
                text_fmt(buf, size, "%" PRIu64 "GiB", mib / 1024);
        else
                text_fmt(buf, size, mib > 0 ? "%" PRIu64 "MiB" : "%" PRIu64, mib);
}

static int set_mib(const struct conf_key *key, void *base, const char *value, char *err) {
        char max[32];
        uint64_t mib;
        int r = parse_size_mib(value, &mib, err);

        if (r < 0)
                return r;
        if (mib < key->min || mib > key->max) {
                format_mib(key->max, max, sizeof(max));
                text_fmt(err, TEXT_LEN, "'%s' must be at most %s, not %.60s", key->name, max,
                         value);
                return -EINVAL;
        }
        *(uint64_t *)member(key, base) = mib;
        return 0;
}

static int set_u32(const struct conf_key *key, void *base, const char *value, char *err) {
        char number[32];
        size_t len = strlen(value);

        if (key->type == CONF_PCT && len > 1 && len < sizeof(number) && value[len - 1] == '%') {
                text_set(number, sizeof(number), value);
                number[len - 1] = '\0';
                value = number;
        }
        return parse_u32(value, (uint32_t)key->min, (uint32_t)key->max, member(key, base), err);
}

static int set_i32(const struct conf_key *key, void *base, const char *value, char *err) {
        bool negative = *value == '-';
        uint32_t n = 0;
        char ignored[TEXT_LEN];
        int32_t i;

        if (parse_u32(value + negative, 0, INT32_MAX, &n, ignored) == 0) {
                i = negative ? -(int32_t)n : (int32_t)n;
                if (i >= key->imin && i <= key->imax) {
                        *(int32_t *)member(key, base) = i;
                        return 0;
                }
        }
        text_fmt(err, TEXT_LEN, "'%.60s' is not a number from %" PRId32 " to %" PRId32, value,
                 key->imin, key->imax);
        return -EINVAL;
}

/* "a, b or c", of @words */
static void list_words(const struct conf_word *words, char *buf, size_t size) {
        size_t len = 0;

        buf[0] = '\0';
        for (const struct conf_word *w = words; w->name; w++) {
                text_fmt(buf + len, size - len, "%s%s", len == 0 ? "" : (w[1].name ? ", " : " or "),
                         w->name);
                len = strlen(buf);
        }
}

static const struct conf_word *word_find(const struct conf_word *words, const char *s, size_t len) {
        for (const struct conf_word *w = words; w->name; w++)
                if (strlen(w->name) == len && memcmp(w->name, s, len) == 0)
                        return w;
        return NULL;
}

static int set_enum(const struct conf_key *key, void *base, const char *value, char *err) {
        const struct conf_word *w = word_find(key->words, value, strlen(value));
        char choices[TEXT_LEN];

        if (w) {
                memcpy(member(key, base), &w->value, sizeof(w->value));
                return 0;
        }
        list_words(key->words, choices, sizeof(choices));
        text_fmt(err, TEXT_LEN, "'%.60s' is no value for '%s': use %s", value, key->name, choices);
        return -EINVAL;
}

static int set_order(const struct conf_key *key, void *base, const char *value, char *err) {
        int32_t order[CONF_ORDER_MAX] = {0};
        size_t n = 0, max = key->size / sizeof(order[0]);
        char choices[TEXT_LEN];
        bool none = false;

        assert(max <= CONF_ORDER_MAX);
        for (const char *s = value + strspn(value, " \t"); *s != '\0';) {
                size_t len = strcspn(s, " \t");
                const struct conf_word *w = word_find(key->words, s, len);

                if (!w) {
                        list_words(key->words, choices, sizeof(choices));
                        text_fmt(err, TEXT_LEN, "'%.*s' is nothing for '%s': use %s",
                                 (int)MIN(len, 60u), s, key->name, choices);
                        return -EINVAL;
                }
                none |= w->value == 0;
                for (size_t i = 0; i < n; i++)
                        if (order[i] == w->value) {
                                text_fmt(err, TEXT_LEN, "'%s' has '%s' twice", key->name, w->name);
                                return -EINVAL;
                        }
                if (w->value != 0)
                        order[n++] = w->value;
                s += len + strspn(s + len, " \t");
        }
        if (none && n > 0) {
                text_fmt(err, TEXT_LEN, "'%s' is none, or a list without it", key->name);
                return -EINVAL;
        }
        memcpy(member(key, base), order, key->size);
        return 0;
}

static void format_order(const struct conf_key *key, const int32_t *order, char *buf, size_t size) {
        buf[0] = '\0';
        for (size_t i = 0; i < key->size / sizeof(*order); i++)
                for (const struct conf_word *w = key->words; w->name; w++)
                        if (w->value == order[i] && (i == 0 || order[i] != 0))
                                text_fmt(buf + strlen(buf), size - strlen(buf), "%s%s",
                                         i > 0 ? " " : "", w->name);
}

static int set_text(const struct conf_key *key, void *base, const char *value, char *err) {
        if (key->type == CONF_NAME && !name_valid(value)) {
                text_fmt(err, TEXT_LEN,
                         "'%.60s' is no name: use up to %d of letters, digits and . _ -", value,
                         NAME_LEN - 1);
                return -EINVAL;
        }
        if (key->type == CONF_ADDRESS &&
            (value[strspn(value, ALNUM ".:_-%[]")] != '\0' || strlen(value) >= key->size)) {
                text_fmt(err, TEXT_LEN, "'%.60s' is no address: use a host name or an IP address",
                         value);
                return -EINVAL;
        }
        if (key->type == CONF_PATH && strcmp(value, CONF_NONE) != 0 &&
            (value[0] != '/' || value[strspn(value, ALNUM "._-/")] != '\0' ||
             strlen(value) >= key->size)) {
                text_fmt(err, TEXT_LEN,
                         "'%s' must be the whole path of a file, as /dev/watchdog0, or " CONF_NONE
                         ", not '%.60s'",
                         key->name, value);
                return -EINVAL;
        }
        text_set(member(key, base), key->size, value);
        return 0;
}

static const char *const replica_modes[REPLICA_MODE_MAX_] = {
        [REPLICA_MODE_NONE] = CONF_NONE,
        [REPLICA_MODE_SYNC] = "sync",
        [REPLICA_MODE_ASYNC] = "async",
        [REPLICA_MODE_DRBD] = "drbd",
};

const char *replica_mode_name(enum replica_mode m) {
        return m < REPLICA_MODE_MAX_ ? replica_modes[m] : NULL;
}

static int set_replica(const struct conf_key *key, void *base, const char *value, char *err) {
        struct conf_replica r = {.mode = REPLICA_MODE_NONE};
        char word[3][NAME_LEN + 1] = {"", "", ""};
        size_t n = 0;

        for (const char *s = value + strspn(value, " \t"); *s != '\0'; n++) {
                size_t len = strcspn(s, " \t");

                if (n < ARRAY_SIZE(word))
                        text_fmt(word[n], sizeof(word[n]), "%.*s", (int)MIN(len, NAME_LEN), s);
                s += len + strspn(s + len, " \t");
        }
        if (n == 1 && strcmp(word[0], CONF_NONE) == 0) {
                memcpy(member(key, base), &r, sizeof(r));
                return 0;
        }
        for (enum replica_mode m = REPLICA_MODE_SYNC; n >= 2 && m < REPLICA_MODE_MAX_; m++)
                if (strcmp(word[1], replica_modes[m]) == 0)
                        r.mode = m;
        if (r.mode == REPLICA_MODE_NONE || n != (r.mode == REPLICA_MODE_DRBD ? 3u : 2u) ||
            !name_valid(word[0]) || (word[2][0] && !name_valid(word[2]))) {
                text_fmt(err, TEXT_LEN,
                         "'%.60s' is no value for '%s': use none, HOST sync, HOST async or HOST "
                         "drbd RESOURCE",
                         value, key->name);
                return -EINVAL;
        }
        text_set(r.host, sizeof(r.host), word[0]);
        text_set(r.resource, sizeof(r.resource), word[2]);
        memcpy(member(key, base), &r, sizeof(r));
        return 0;
}

static void format_replica(const struct conf_replica *r, char *buf, size_t size) {
        if (r->mode == REPLICA_MODE_NONE)
                text_set(buf, size, CONF_NONE);
        else
                text_fmt(buf, size, "%s %s%s%s", r->host, replica_mode_name(r->mode),
                         r->resource[0] ? " " : "", r->resource);
}

static bool is_none(const char *word, size_t len) {
        return len == strlen(CONF_NONE) && memcmp(word, CONF_NONE, len) == 0;
}

static int check_word(const struct conf_key *key, const char *word, size_t len, char *err) {
        char name[NAME_LEN];
        size_t name_len = strcspn(word, "=");

        if (len > CONF_WORD_MAX) {
                text_fmt(err, TEXT_LEN, "'%.20s...' is longer than %d characters", word,
                         CONF_WORD_MAX);
                return -EINVAL;
        }
        if (key->type == CONF_LABELS) {
                if (strspn(word, ALNUM "._-=/") >= len)
                        return 0;
                text_fmt(err, TEXT_LEN,
                         "'%.*s' is no label: use letters, digits and . _ - = / (a comment needs a "
                         "line of its own)",
                         (int)len, word);
                return -EINVAL;
        }
        if (key->type == CONF_PATHS) {
                if ((*word == '/' && len > 1) || is_none(word, len))
                        return 0;
                text_fmt(err, TEXT_LEN, "'%.*s' in '%s' is no whole path: it begins with '/'",
                         (int)len, word, key->name);
                return -EINVAL;
        }
        if (key->type == CONF_LINKS) {
                if (strcspn(word, "/:") >= len && len < LINK_LEN && *word != '.')
                        return 0;
                text_fmt(err, TEXT_LEN, "'%.*s' in '%s' is no network interface: see ip link",
                         (int)len, word, key->name);
                return -EINVAL;
        }
        if (name_len == 0 || name_len >= len || name_len >= sizeof(name)) {
                text_fmt(err, TEXT_LEN, "'%.*s' in '%s' is no key=value", (int)len, word,
                         key->name);
                return -EINVAL;
        }
        memcpy(name, word, name_len);
        name[name_len] = '\0';
        if (conf_is_secret(name)) {
                text_fmt(err, TEXT_LEN, "'%s' does not belong here: put it into fencing.conf",
                         name);
                return -EINVAL;
        }
        if (strcmp(name, "action") == 0 || strcmp(name, "option") == 0) {
                text_fmt(err, TEXT_LEN, "'%s' is given to the agent by hawd itself", name);
                return -EINVAL;
        }
        return 0;
}

static bool has_word(const char *list, const char *word, size_t len) {
        for (const char *s = list; *s != '\0';) {
                size_t n = strcspn(s, " ");

                if (n == len && memcmp(s, word, n) == 0)
                        return true;
                s += n + strspn(s + n, " ");
        }
        return false;
}

/* Insert @word in front of the first greater one, so that the order of the file is no matter. */
static void insert_sorted(char *list, const char *word, size_t len) {
        char *s = list;
        size_t rest;

        while (*s != '\0') {
                size_t n = strcspn(s, " ");
                int cmp = memcmp(s, word, MIN(n, len));

                if (cmp > 0 || (cmp == 0 && n > len))
                        break;
                s += n + strspn(s + n, " ");
        }
        rest = strlen(s);
        if (rest == 0) {
                if (s > list)
                        *s++ = ' ';
                memcpy(s, word, len);
                s[len] = '\0';
                return;
        }
        memmove(s + len + 1, s, rest + 1);
        memcpy(s, word, len);
        s[len] = ' ';
}

static int set_list(const struct conf_key *key, void *base, const char *value, bool append,
                    char *err) {
        _cleanup_(freep) char *list = xcalloc(key->size + 1, 1);

        if (append)
                text_set(list, key->size, member(key, base));
        for (const char *s = value + strspn(value, " \t"); *s != '\0';) {
                size_t len = strcspn(s, " \t"), used = strlen(list);
                int r = check_word(key, s, len, err);

                if (r < 0)
                        return r;
                if (key->type != CONF_OPTIONS && has_word(list, s, len)) {
                        s += len + strspn(s + len, " \t");
                        continue;
                }
                if (used + (used > 0) + len >= key->size) {
                        text_fmt(err, TEXT_LEN, "'%s' is longer than %zu characters", key->name,
                                 key->size - 1);
                        return -EINVAL;
                }
                if (key->type != CONF_OPTIONS)
                        insert_sorted(list, s, len);
                else
                        text_fmt(list + used, key->size - used, "%s%.*s", used > 0 ? " " : "",
                                 (int)len, s);
                s += len + strspn(s + len, " \t");
        }
        if ((key->type == CONF_PATHS || key->type == CONF_LINKS) &&
            has_word(list, CONF_NONE, strlen(CONF_NONE)) && strcmp(list, CONF_NONE) != 0) {
                text_fmt(err, TEXT_LEN, "'%s': " CONF_NONE " stands alone", key->name);
                return -EINVAL;
        }
        text_set(member(key, base), key->size, list);
        return 0;
}

int conf_key_set(const struct conf_key *key, void *base, const char *value, bool append,
                 char *err) {
        if (*value == '\0' && !conf_key_is_list(key)) {
                text_fmt(err, TEXT_LEN, "'%s' needs a value", key->name);
                return -EINVAL;
        }
        switch (key->type) {
        case CONF_DURATION:
                return set_duration(key, base, value, err);
        case CONF_U32:
        case CONF_PCT:
                return set_u32(key, base, value, err);
        case CONF_I32:
                return set_i32(key, base, value, err);
        case CONF_MIB:
                return set_mib(key, base, value, err);
        case CONF_ENUM:
                return set_enum(key, base, value, err);
        case CONF_ORDER:
                return set_order(key, base, value, err);
        case CONF_NAME:
        case CONF_ADDRESS:
        case CONF_PATH:
                return set_text(key, base, value, err);
        case CONF_LABELS:
        case CONF_OPTIONS:
        case CONF_PATHS:
        case CONF_LINKS:
                return set_list(key, base, value, append, err);
        case CONF_REPLICA:
                return set_replica(key, base, value, err);
        case CONF_SCHEDULE:
                return conf_set_schedule(key, member(key, base), value, err);
        case CONF_KEEP:
                return conf_set_keep(key, member(key, base), value, err);
        case CONF_NAMES:
        case CONF_BLOCK:
                break;
        }
        abort(); /* no member to set */
}

void conf_key_format(const struct conf_key *key, const void *base, char *buf, size_t size) {
        const void *p = (const char *)base + key->offset;
        int32_t value;

        switch (key->type) {
        case CONF_DURATION:
                format_duration(*(const usec_t *)p, buf, size);
                return;
        case CONF_U32:
                text_fmt(buf, size, "%" PRIu32, *(const uint32_t *)p);
                return;
        case CONF_PCT:
                text_fmt(buf, size, "%" PRIu32 "%%", *(const uint32_t *)p);
                return;
        case CONF_I32:
                text_fmt(buf, size, "%" PRId32, *(const int32_t *)p);
                return;
        case CONF_MIB:
                format_mib(*(const uint64_t *)p, buf, size);
                return;
        case CONF_ENUM:
                memcpy(&value, p, sizeof(value));
                for (const struct conf_word *w = key->words; w->name; w++)
                        if (w->value == value)
                                text_set(buf, size, w->name);
                return;
        case CONF_ORDER:
                format_order(key, p, buf, size);
                return;
        case CONF_NAME:
        case CONF_ADDRESS:
        case CONF_PATH:
        case CONF_LABELS:
        case CONF_OPTIONS:
        case CONF_PATHS:
        case CONF_LINKS:
                text_set(buf, size, p);
                return;
        case CONF_REPLICA:
                format_replica(p, buf, size);
                return;
        case CONF_SCHEDULE: /* of a ledger of before there were any */
                text_set(buf, size, *(const char *)p ? p : "off");
                return;
        case CONF_KEEP:
                conf_format_keep(p, buf, size);
                return;
        case CONF_NAMES:
        case CONF_BLOCK:
                break;
        }
        abort(); /* no member to read */
}

void conf_keys_default(const struct conf_section *s, void *base) {
        for (size_t i = 0; i < s->n_keys; i++) {
                const struct conf_key *key = &s->keys[i];
                char err[TEXT_LEN];

                if (key->def)
                        (void)conf_key_set(key, base, key->def, false, err); /* see test_config */
                else
                        memset(member(key, base), 0, key->size);
        }
}
