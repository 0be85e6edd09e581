/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as people write them: times, sizes, numbers. Declared in config.h. */
#include <stdio.h>

#include "hawd/base/config.h"

/* Longest first where one is the beginning of the other. */
static const struct unit {
        const char *name;
        uint64_t factor;
} time_units[] = {
        {"d", 24 * 60 * USEC_PER_MINUTE},
        {"h", 60 * USEC_PER_MINUTE},
        {"min", USEC_PER_MINUTE},
        {"s", USEC_PER_SEC},
        {"ms", USEC_PER_MSEC},
        {"us", 1},
};

static const struct unit size_units[] = {
        {"TiB", 1024 * 1024},
        {"GiB", 1024},
        {"MiB", 1},
};

static const char *skip_blanks(const char *s) {
        return s + strspn(s, " \t");
}

/* Digits only: no sign, no base, no blanks. Return: the first character after them, or NULL. */
static const char *read_digits(const char *s, uint64_t *ret) {
        uint64_t value = 0;

        if (*s < '0' || *s > '9')
                return NULL;
        for (; *s >= '0' && *s <= '9'; s++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
                        return NULL;
        *ret = value;
        return s;
}

static const struct unit *find_unit(const struct unit *units, size_t n, const char *s, size_t len) {
        for (size_t i = 0; i < n; i++)
                if (strlen(units[i].name) == len && strncmp(units[i].name, s, len) == 0)
                        return &units[i];
        return NULL;
}

/* The sum of number-unit pairs. Return: 0 or -EINVAL, no message. */
static int read_sum(const struct unit *units, size_t n, const char *s, uint64_t *ret) {
        uint64_t sum = 0, value;

        s = skip_blanks(s);
        if (*s == '\0')
                return -EINVAL;
        while (*s != '\0') {
                const struct unit *unit;
                size_t len;

                s = read_digits(s, &value);
                if (!s)
                        return -EINVAL;
                s = skip_blanks(s);
                len = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
                unit = find_unit(units, n, s, len);
                if (unit) {
                        if (__builtin_mul_overflow(value, unit->factor, &value))
                                return -EINVAL;
                } else if (len > 0 || value > 0) {
                        return -EINVAL; /* only a zero needs no unit */
                }
                if (__builtin_add_overflow(sum, value, &sum))
                        return -EINVAL;
                s = skip_blanks(s + len);
        }
        *ret = sum;
        return 0;
}

int parse_duration(const char *s, usec_t *ret, char *err) {
        usec_t value;

        if (strcmp(s, "infinity") == 0) {
                *ret = USEC_INFINITY;
                return 0;
        }
        if (read_sum(time_units, ARRAY_SIZE(time_units), s, &value) < 0 || value == USEC_INFINITY) {
                text_fmt(err, TEXT_LEN, "'%.60s' is no time: use a number and ms, s, min, h or d",
                         s);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

int parse_size_mib(const char *s, uint64_t *ret, char *err) {
        uint64_t value;

        if (read_sum(size_units, ARRAY_SIZE(size_units), s, &value) < 0) {
                text_fmt(err, TEXT_LEN, "'%.60s' is no size: use a number and MiB, GiB or TiB", s);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret, char *err) {
        uint64_t value;
        const char *end = read_digits(s, &value);

        if (!end || *end != '\0' || value < min || value > max) {
                text_fmt(err, TEXT_LEN, "'%.60s' is not a number from %" PRIu32 " to %" PRIu32, s,
                         min, max);
                return -EINVAL;
        }
        *ret = (uint32_t)value;
        return 0;
}

int parse_bool(const char *s, bool *ret, char *err) {
        static const char *const yes[] = {"yes", "true", "on", "1"};
        static const char *const no[] = {"no", "false", "off", "0"};

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcmp(s, yes[i]) == 0) {
                        *ret = true;
                        return 0;
                }
                if (strcmp(s, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }
        }
        text_fmt(err, TEXT_LEN, "'%.60s' is neither yes nor no", s);
        return -EINVAL;
}

void format_duration(usec_t t, char *buf, size_t size) {
        char sum[TEXT_LEN] = "", one[TEXT_LEN] = "";
        size_t len = 0;

        if (t == USEC_INFINITY || t == 0) {
                text_set(buf, size, t == 0 ? "0s" : "infinity");
                return;
        }
        /* Either "90s", in the largest unit that divides it, or "1d 1s": the shorter one. */
        for (size_t i = 0; i < ARRAY_SIZE(time_units); i++) {
                const struct unit *u = &time_units[i];

                if (t % u->factor == 0) {
                        text_fmt(one, sizeof(one), "%" PRIu64 "%s", t / u->factor, u->name);
                        break;
                }
        }
        for (size_t i = 0; i < ARRAY_SIZE(time_units); i++) {
                const struct unit *u = &time_units[i];

                if (t < u->factor)
                        continue;
                text_fmt(sum + len, sizeof(sum) - len, "%s%" PRIu64 "%s", len > 0 ? " " : "",
                         t / u->factor, u->name);
                len = strlen(sum);
                t %= u->factor;
        }
        text_set(buf, size, strlen(sum) < strlen(one) ? sum : one);
}
