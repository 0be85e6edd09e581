/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: facts */
/* Certificates made by openssl: when they end, what key they have; and what is broken. */
#include "hawd/facts/x509.h"
#include "tests/unit/unit.h"

static const char rsa[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIB6TCCAVKgAwIBAgIBATANBgkqhkiG9w0BAQsFADAQMQ4wDAYDVQQDDAVub2Rl\n"
                          "MTAeFw0yNjExMjMwNDU1MzFaFw0zNjExMjAwNDU1MzFaMBAxDjAMBgNVBAMMBW5v\n"
                          "ZGUxMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/a9wqGqcAb1JLCpqZGWTp\n"
                          "QkTt7ahV6LILfwV/2fGEgkrqKRa6fO0FNUfgNqVxkCiL6U1u1vDHox+ekgC3rM8c\n"
                          "IRw3eTcITNPrkm9k1/+p3k6V56E4vLnHLsTBvv8fXAOS5kRYAgRUhbdxs6nupV+w\n"
                          "F/gyUPWzV7dnY9xXiYfTuQIDAQABo1MwUTAdBgNVHQ4EFgQU4336a8A2BYMF3JwG\n"
                          "MJYEdKM9/GQwHwYDVR0jBBgwFoAU4336a8A2BYMF3JwGMJYEdKM9/GQwDwYDVR0T\n"
                          "AQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOBgQCxvFc0439yxjvFivP4/QrS1u30\n"
                          "0fe9+vs2719hTpEAPEOHqsJnN10r2XMC6a52uS9/1hJewZGTy+3FNKsqyiar+kSN\n"
                          "m47QN+cVy+L3hLjVbg5k0y21R5ODiK5ksDvrLWTuzWyBmVEjtOveR8J7MbDOLdni\n"
                          "+hGtigqyUZX3m1Zn7g==\n"
                          "-----END CERTIFICATE-----\n";
/* Ends in 2126: another form of time. */
static const char ec[] = "-----BEGIN CERTIFICATE-----\n"
                         "MIIBXDCCAQKgAwIBAgIBATAKBggqhkjOPQQDAjAMMQowCAYDVQQDDAFuMCAXDTI2\n"
                         "MTEyMzA0NTUzMVoYDzIxMjYxMDMwMDQ1NTMxWjAMMQowCAYDVQQDDAFuMFkwEwYH\n"
                         "KoZIzj0CAQYIKoZIzj0DAQcDQgAEtQpuHwlgcN1VP6M32MMDqjotVEA7/gV1Ekdy\n"
                         "VnXpeLConCvaaK/MiyKN2XAUEVBhSiRPyX4RjGXws3NR4BQ2vqNTMFEwHQYDVR0O\n"
                         "BBYEFB4r4pfMHypbtn4lc4ZfU1JOujlmMB8GA1UdIwQYMBaAFB4r4pfMHypbtn4l\n"
                         "c4ZfU1JOujlmMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgFmS4\n"
                         "ugXFi7rxClQYgrY5RuM8JHKHgUTmD3ZAmLhdTmgCIQDUd5SjuAR2E+vo6pFzz9nb\n"
                         "YXrpzaXC3ABXPGU6E66MDg==\n"
                         "-----END CERTIFICATE-----\n";
static const char ed25519[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBLDCB36ADAgECAhRnB1O2ZcpY2d5KOaV1UoiYSOROtDAFBgMrZXAwDDEKMAgG\n"
                              "A1UEAwwBbjAeFw0yNjExMjMwNDU1MzFaFw0yNjExMjQwNDU1MzFaMAwxCjAIBgNV\n"
                              "BAMMAW4wKjAFBgMrZXADIQDJ7OyhMX1nOrNNJhucYpJ1u1cueqhGdhd+fC/CBFtG\n"
                              "fqNTMFEwHQYDVR0OBBYEFPxNG1JEoNe0Z3A9ScSKXlZzfJp8MB8GA1UdIwQYMBaA\n"
                              "FPxNG1JEoNe0Z3A9ScSKXlZzfJp8MA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA\n"
                              "p7QUrjhxdxlPi3TVA3J9DhO2pnjdNsAKpj6FKrajN6q+N5KDh0BWvti54pfSTtuS\n"
                              "3hHQ8LN+lf3VOJ7LYcMJDw==\n"
                              "-----END CERTIFICATE-----\n";

static const struct {
        const char *pem, *key;
        uint64_t end_sec;
} good[] = {
        {rsa, "RSA", 2110769731},
        {ec, "EC", UINT64_C(4949009731)},
        {ed25519, "Ed25519", 1795496131},
};

START_TEST(certificates_are_read) {
        char bundle[8192];
        struct x509 x;

        ck_assert_int_eq(x509_read(good[_i].pem, strlen(good[_i].pem), &x), 0);
        ck_assert_str_eq(x.key, good[_i].key);
        ck_assert_uint_eq(x.not_after, good[_i].end_sec * USEC_PER_SEC);
        ck_assert_uint_eq(x.not_before, UINT64_C(1795409731) * USEC_PER_SEC);
        text_fmt(bundle, sizeof(bundle), "Certificate:\n    Data: ...\n%s%s", good[_i].pem, rsa);
        ck_assert_int_eq(x509_read(bundle, strlen(bundle), &x), 0);
        ck_assert_str_eq(x.key, good[_i].key);
}
END_TEST

static const struct {
        const char *pem;
        int result;
} bad[] = {
        {"", -ENOENT},
        {"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", -ENOENT},
        {"-----BEGIN CERTIFICATE-----\nMIIB", -EBADMSG},
        {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", -EBADMSG},
        {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----", -EBADMSG},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", -EBADMSG},
        {"-----BEGIN CERTIFICATE-----\nMIT/////\n-----END CERTIFICATE-----", -EBADMSG},
};

START_TEST(broken_ones_are_refused) {
        struct x509 x = {.key = "untouched"};

        ck_assert_int_eq(x509_read(bad[_i].pem, strlen(bad[_i].pem), &x), bad[_i].result);
        ck_assert_str_eq(x.key, "untouched");
}
END_TEST

/* Any byte of it may be wrong: an answer or a refusal, and nothing read outside of it. */
START_TEST(any_damage_is_survived) {
        for (size_t i = 0; i < strlen(ed25519); i++)
                for (char c = '/'; c <= 'z'; c = (char)(c + 9)) {
                        char *copy = xstrdup(ed25519);
                        struct x509 x;

                        copy[i] = c;
                        (void)x509_read(copy, strlen(copy), &x);
                        (void)x509_read(copy, i, &x);
                        free(copy);
                }
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("doctor x509");
        TCase *tc = unit_case(s, "x509");

        tcase_add_loop_test(tc, certificates_are_read, 0, (int)ARRAY_SIZE(good));
        tcase_add_loop_test(tc, broken_ones_are_refused, 0, (int)ARRAY_SIZE(bad));
        tcase_add_test(tc, any_damage_is_survived);
        return s;
}

UNIT_MAIN(suite)
