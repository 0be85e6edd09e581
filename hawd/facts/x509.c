/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/facts/x509.h"

#include <time.h>

#define DER_MAX 16384

/* ---- DER: tag, length, value, in definite form ------------------------------------------------
 */

enum {
        TAG_INTEGER = 0x02,
        TAG_OID = 0x06,
        TAG_UTC_TIME = 0x17,
        TAG_GENERALIZED_TIME = 0x18,
        TAG_SEQUENCE = 0x30,
        TAG_VERSION = 0xa0,
};

struct der {
        const uint8_t *p;
        size_t len;
};

/* Takes the first value off @d. */
static bool der_next(struct der *d, uint8_t *ret_tag, struct der *ret) {
        size_t len, head = 2;

        if (d->len < 2)
                return false;
        len = d->p[1];
        if (len & 0x80) {
                size_t n = len & 0x7f;

                if (n == 0 || n > 4 || d->len < 2 + n)
                        return false;
                len = 0;
                for (size_t i = 0; i < n; i++)
                        len = len << 8 | d->p[2 + i];
                head += n;
        }
        if (len > d->len - head)
                return false;
        *ret_tag = d->p[0];
        *ret = (struct der){d->p + head, len};
        d->p += head + len;
        d->len -= head + len;
        return true;
}

static bool der_take(struct der *d, uint8_t tag, struct der *ret) {
        uint8_t found;

        return der_next(d, &found, ret) && found == tag;
}

static int two(const uint8_t *p) {
        if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
                return -1;
        return (p[0] - '0') * 10 + (p[1] - '0');
}

/* YYMMDDHHMMSSZ (1950 to 2049) or YYYYMMDDHHMMSSZ, as RFC 5280 wants them. */
static bool der_time(struct der *d, usec_t *ret) {
        struct tm tm = {0};
        struct der t;
        uint8_t tag;
        int century = 0, part[6];
        time_t sec;

        if (!der_next(d, &tag, &t) || (tag != TAG_UTC_TIME && tag != TAG_GENERALIZED_TIME))
                return false;
        if (tag == TAG_GENERALIZED_TIME) {
                if (t.len < 2)
                        return false;
                century = two(t.p);
                t = (struct der){t.p + 2, t.len - 2};
        }
        if (t.len != 13 || t.p[12] != 'Z' || century < 0)
                return false;
        for (int i = 0; i < 6; i++) {
                part[i] = two(t.p + 2 * i);
                if (part[i] < 0)
                        return false;
        }
        if (tag == TAG_UTC_TIME)
                century = part[0] < 50 ? 20 : 19;
        tm.tm_year = century * 100 + part[0] - 1900;
        tm.tm_mon = part[1] - 1;
        tm.tm_mday = part[2];
        tm.tm_hour = part[3];
        tm.tm_min = part[4];
        tm.tm_sec = part[5];
        sec = timegm(&tm);
        *ret = sec > 0 ? (usec_t)sec * USEC_PER_SEC : 0;
        if (century == 99 && part[0] == 99) /* "no well-defined end" */
                *ret = USEC_INFINITY;
        return true;
}

static const struct {
        const char *name;
        uint8_t oid[9];
        size_t len;
} keys[] = {
        {"RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01}, 9},
        {"RSA", {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}, 9}, /* PSS */
        {"EC", {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}, 7},
        {"Ed25519", {0x2b, 0x65, 0x70}, 3},
};

static const char *key_name(struct der oid) {
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (oid.len == keys[i].len && memcmp(oid.p, keys[i].oid, oid.len) == 0)
                        return keys[i].name;
        return "another";
}

static bool read_der(struct der d, struct x509 *ret) {
        struct der certificate, tbs, skipped, validity, spki, algorithm, oid;
        struct x509 x;

        if (!der_take(&d, TAG_SEQUENCE, &certificate) ||
            !der_take(&certificate, TAG_SEQUENCE, &tbs))
                return false;
        if (tbs.len > 0 && tbs.p[0] == TAG_VERSION && !der_take(&tbs, TAG_VERSION, &skipped))
                return false;
        if (!der_take(&tbs, TAG_INTEGER, &skipped) ||  /* serial number */
            !der_take(&tbs, TAG_SEQUENCE, &skipped) || /* signature */
            !der_take(&tbs, TAG_SEQUENCE, &skipped) || /* issuer */
            !der_take(&tbs, TAG_SEQUENCE, &validity) || !der_time(&validity, &x.not_before) ||
            !der_time(&validity, &x.not_after) ||
            !der_take(&tbs, TAG_SEQUENCE, &skipped) || /* subject */
            !der_take(&tbs, TAG_SEQUENCE, &spki) || !der_take(&spki, TAG_SEQUENCE, &algorithm) ||
            !der_take(&algorithm, TAG_OID, &oid))
                return false;
        x.key = key_name(oid);
        *ret = x;
        return true;
}

/* ---- PEM --------------------------------------------------------------------------------------
 */

static int digit(char c) {
        static const char digits[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = c ? strchr(digits, c) : NULL;

        return p ? (int)(p - digits) : -1;
}

/* Return: how many bytes, or -EBADMSG. */
static ssize_t base64(const char *s, size_t len, uint8_t *out, size_t max) {
        uint32_t bits = 0;
        unsigned n_bits = 0;
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                int d;

                if (strchr(" \t\r\n", s[i]))
                        continue;
                if (s[i] == '=')
                        break;
                d = digit(s[i]);
                if (d < 0 || n == max)
                        return -EBADMSG;
                bits = bits << 6 | (uint32_t)d;
                n_bits += 6;
                if (n_bits >= 8) {
                        n_bits -= 8;
                        out[n++] = (uint8_t)(bits >> n_bits);
                }
        }
        return (ssize_t)n;
}

int x509_read(const char *pem, size_t len, struct x509 *ret) {
        static const char begin[] = "-----BEGIN CERTIFICATE-----";
        static const char end[] = "-----END CERTIFICATE-----";
        uint8_t der[DER_MAX];
        const char *from, *to;
        ssize_t n;

        from = memmem(pem, len, begin, sizeof(begin) - 1);
        if (!from)
                return -ENOENT;
        from += sizeof(begin) - 1;
        to = memmem(from, len - (size_t)(from - pem), end, sizeof(end) - 1);
        if (!to)
                return -EBADMSG;
        n = base64(from, (size_t)(to - from), der, sizeof(der));
        if (n < 0 || !read_der((struct der){der, (size_t)n}, ret))
                return -EBADMSG;
        return 0;
}
