/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/* The two files hawd-fence reads for itself: passwords, which must be safe, and hints, which must
 * be harmless. */
#include "fencing/cache.h"
#include "fencing/secret.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static char dir[] = "/tmp/test_fence.XXXXXX";
static char path[PATH_MAX];
static struct secret *secret;
static struct fence_error err;

static void setup(void) {
        strcpy(dir + sizeof(dir) - 7, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(path, sizeof(path), "%s/fencing.conf", dir);
        secret = secret_new();
}

static void teardown(void) {
        char command[PATH_MAX];

        secret = secret_free(secret);
        text_fmt(command, sizeof(command), "rm -rf '%s'", dir);
        ck_assert_int_eq(system(command), 0);
}

static void put(const char *file, const char *text, mode_t mode) {
        int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
}

static const struct {
        const char *text;
        int code;
        const char *password; /* of [bmc1], or part of the message */
} texts[] = {
        {"[bmc1]\npassword = s3cret\n", 0, "s3cret"},
        {"[bmc1]\npassword=s3cret", 0, "s3cret"},
        {"# c\n; c\n\n [ bmc1 ] \r\n\tpassword\t=  a b # no comment  \r\n", 0, "a b # no comment"},
        {"[bmc1]\npassword = \"  kept  \"\n", 0, "  kept  "},
        {"[bmc1]\npassword = \"\n", 0, "\""},
        {"[bmc1]\npassword = p=q=[r];\n", 0, "p=q=[r];"},
        {"[bmc2]\npassword = other\n[bmc1]\npassword = mine\n[bmc3]\npassword = third\n", 0,
         "mine"},
        {"[bmc1]\n", 0, ""},
        {"", FENCE_NO_SECRET, "no section [bmc1]"},
        {"[bmc]\npassword = x\n[bmc11]\npassword = y\n", FENCE_NO_SECRET, "no section [bmc1]"},
        {"password = x\n", FENCE_BAD_CONFIG, ":1: a key before"},
        {"[bmc1]\nnonsense\n", FENCE_BAD_CONFIG, ":2: expected"},
        {"[bmc1\n", FENCE_BAD_CONFIG, ":1: a section"},
        {"[bmc1]\npasword = hunter2\n", FENCE_BAD_CONFIG, ":2: unknown key"},
        {"[bmc1]\npassword = hunter2\npassword = hunter2\n", FENCE_BAD_CONFIG, ":3: a second"},
        {"[bmc1]\npassword = s3cret\ncommunity = hunter2\nsnmp_priv_passwd = x\n", 0, "s3cret"},
        {"[bmc1]\ncommunity = hunter2\ncommunity = x\n", FENCE_BAD_CONFIG, ":3: a second comm"},
        {"[b]\nplug = hunter2\n[bmc1]\npassword = x\n", FENCE_BAD_CONFIG, ":2: unknown key"},
        {"[bmc1]\npw_a_secret = 1\nb_secret = 2\nc_secret = 3\nd_secret = 4\ne_secret = hunter2",
         FENCE_BAD_CONFIG, ":6: more than 4"},
};

START_TEST(syntax) {
        char file[SECRET_LEN];
        int r = secret_parse("f", texts[_i].text, "bmc1", secret, file, &err);

        ck_assert_int_eq(r, texts[_i].code);
        if (r == 0) {
                ck_assert_str_eq(secret->password, texts[_i].password);
                return;
        }
        ck_assert_msg(strstr(err.message, texts[_i].password), "%s", err.message);
        ck_assert_ptr_null(strstr(err.message, "hunter2"));
}
END_TEST

START_TEST(further_secrets_are_kept_by_name) {
        char file[SECRET_LEN];

        ck_assert_int_eq(secret_parse("f",
                                      "[other]\ncommunity = theirs\n[bmc1]\n"
                                      "community = \" kept \"\npassword = p\ntoken = t=1\n",
                                      "bmc1", secret, file, &err),
                         0);
        ck_assert_uint_eq(secret->n_extra, 2);
        ck_assert_str_eq(secret->extra[0].key, "community");
        ck_assert_str_eq(secret->extra[0].value, " kept ");
        ck_assert_str_eq(secret->extra[1].key, "token");
        ck_assert_str_eq(secret->extra[1].value, "t=1");
        ck_assert_str_eq(secret->password, "p");
}
END_TEST

START_TEST(modes_and_owners) {
        struct stat st = {.st_mode = S_IFREG | 0600, .st_uid = 1000};

        ck_assert_int_eq(secret_file_safe("f", &st, 1000, &err), 0);
        ck_assert_int_eq(secret_file_safe("f", &st, 0, &err), FENCE_BAD_CONFIG);
        st.st_uid = 0;
        ck_assert_int_eq(secret_file_safe("f", &st, 1000, &err), 0);
        st.st_mode = S_IFREG | 0400;
        ck_assert_int_eq(secret_file_safe("f", &st, 0, &err), 0);
        for (mode_t bit = 1; bit < 0100; bit <<= 1) {
                st.st_mode = S_IFREG | 0600 | bit;
                ck_assert_int_eq(secret_file_safe("f", &st, 0, &err), FENCE_BAD_CONFIG);
                ck_assert_ptr_nonnull(strstr(err.message, "chmod 600"));
        }
        st.st_mode = S_IFDIR | 0700;
        ck_assert_int_eq(secret_file_safe("f", &st, 0, &err), FENCE_BAD_CONFIG);
}
END_TEST

START_TEST(loaded_from_a_safe_file_only) {
        put(path, "[bmc1]\npassword = s3cret\n", 0600);
        ck_assert_int_eq(secret_load(path, NULL, "bmc1", secret, &err), 0);
        ck_assert_str_eq(secret->password, "s3cret");
        ck_assert_int_eq(chmod(path, 0640), 0);
        ck_assert_int_eq(secret_load(path, NULL, "bmc1", secret, &err), FENCE_BAD_CONFIG);
        ck_assert_str_eq(secret->password, "");
        ck_assert_int_eq(secret_load("/nonexistent/f", NULL, "bmc1", secret, &err),
                         FENCE_NO_SECRET);
        ck_assert_int_eq(secret_load(dir, NULL, "bmc1", secret, &err), FENCE_BAD_CONFIG);
}
END_TEST

START_TEST(a_credential_wins) {
        char creds[PATH_MAX - 32], credential[PATH_MAX];

        put(path, "[bmc1]\npassword = file\n", 0600);
        text_fmt(creds, sizeof(creds), "%s/credentials", dir);
        ck_assert_int_eq(mkdir(creds, 0700), 0);
        ck_assert_int_eq(secret_load(path, creds, "bmc1", secret, &err), 0);
        ck_assert_str_eq(secret->password, "file");
        text_fmt(credential, sizeof(credential), "%s/fencing.conf", creds);
        put(credential, "[bmc1]\npassword = credential\n", 0400);
        ck_assert_int_eq(secret_load(path, creds, "bmc1", secret, &err), 0);
        ck_assert_str_eq(secret->password, "credential");
        /* One of the device's own wins over both, and needs neither. */
        text_fmt(credential, sizeof(credential), "%s/fence_bmc1", creds);
        put(credential, "its own\n", 0400);
        ck_assert_int_eq(secret_load(path, creds, "bmc1", secret, &err), 0);
        ck_assert_str_eq(secret->password, "its own");
        ck_assert_int_eq(secret_load(path, creds, "bmc2", secret, &err), FENCE_NO_SECRET);
        ck_assert_int_eq(secret_load("/nonexistent/f", creds, "bmc1", secret, &err), 0);
        ck_assert_int_eq(chmod(credential, 0440), 0);
        ck_assert_int_eq(secret_load(path, creds, "bmc1", secret, &err), FENCE_BAD_CONFIG);
        put(credential, "\n", 0400);
        ck_assert_int_eq(secret_load(path, creds, "bmc1", secret, &err), FENCE_NO_SECRET);
        ck_assert_ptr_nonnull(strstr(err.message, "first line is empty"));
}
END_TEST

START_TEST(password_files) {
        char file[PATH_MAX - 64], text[PATH_MAX];

        text_fmt(file, sizeof(file), "%s/pw", dir);
        text_fmt(text, sizeof(text), "[bmc1]\npassword-file = %s\n", file);
        put(path, text, 0600);
        ck_assert_int_eq(secret_load(path, NULL, "bmc1", secret, &err), FENCE_NO_SECRET);
        put(file, "from a file\nsecond line\n", 0600);
        ck_assert_int_eq(secret_load(path, NULL, "bmc1", secret, &err), 0);
        ck_assert_str_eq(secret->password, "from a file");
        ck_assert_int_eq(chmod(file, 0604), 0);
        ck_assert_int_eq(secret_load(path, NULL, "bmc1", secret, &err), FENCE_BAD_CONFIG);
        put(path, "[bmc1]\npassword-file = pw\n", 0600);
        ck_assert_int_eq(secret_load(path, NULL, "bmc1", secret, &err), FENCE_BAD_CONFIG);
}
END_TEST

START_TEST(hints_are_kept) {
        char sub[PATH_MAX - 32], file[PATH_MAX], value[CACHE_VALUE_LEN];
        struct stat st;
        usec_t age;

        text_fmt(sub, sizeof(sub), "%s/run/fence", dir);
        ck_assert_int_eq(cache_load(sub, "bmc1", 7, value, &age), -ENOENT);
        ck_assert_int_eq(cache_store(sub, "bmc1", 7, "cipher=3"), 0);
        ck_assert_int_eq(cache_load(sub, "bmc1", 7, value, &age), 0);
        ck_assert_str_eq(value, "cipher=3");
        ck_assert_uint_lt(age, 60 * USEC_PER_SEC);
        ck_assert_int_eq(cache_load(sub, "bmc1", 8, value, &age), -ENOENT); /* other settings */
        ck_assert_int_eq(cache_store(sub, "bmc1", 7, "cipher=17"), 0);
        ck_assert_int_eq(cache_load(sub, "bmc1", 7, value, &age), 0);
        ck_assert_str_eq(value, "cipher=17");
        text_fmt(file, sizeof(file), "%s/bmc1", sub);
        ck_assert_int_eq(stat(file, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_int_eq(chmod(file, 0644), 0); /* not as it was left: odd */
        ck_assert_int_eq(cache_load(sub, "bmc1", 7, value, &age), -ENOENT);
        ck_assert_int_lt(cache_store("/proc/nowhere", "bmc1", 7, "x"), 0);
}
END_TEST

START_TEST(odd_hints_are_ignored) {
        static const char *const odd[] = {
                "",
                "v1",
                "v1 0000000000000007 ",
                "v1 0000000000000007 \n",
                "v1 0000000000000007 value",
                "v1 0000000000000008 value\n",
                "v2 0000000000000007 value\n",
                "v1 0000000000000007 value\nmore\n",
                "v1 0000000000000007 val\x01ue\n",
                "v1 0000000000000007 val\xc3\xbc\n",
                " v1 0000000000000007 value\n",
        };
        char value[CACHE_VALUE_LEN], longest[400];

        ck_assert_int_eq(cache_parse("v1 0000000000000007 value\n", 7, value), 0);
        ck_assert_str_eq(value, "value");
        for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
                ck_assert_msg(cache_parse(odd[i], 7, value) == -EINVAL, "taken: %s", odd[i]);
        text_fmt(longest, sizeof(longest), "v1 0000000000000007 %0*d\n", CACHE_VALUE_LEN, 0);
        ck_assert_int_eq(cache_parse(longest, 7, value), -EINVAL);
        text_fmt(longest, sizeof(longest), "v1 0000000000000007 %0*d\n", CACHE_VALUE_LEN - 1, 0);
        ck_assert_int_eq(cache_parse(longest, 7, value), 0);
}
END_TEST

static Suite *fence_files_suite(void) {
        Suite *suite = suite_create("fence_files");
        TCase *tc = unit_case(suite, "files");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(tc, syntax, 0, (int)ARRAY_SIZE(texts));
        tcase_add_test(tc, further_secrets_are_kept_by_name);
        tcase_add_test(tc, modes_and_owners);
        tcase_add_test(tc, loaded_from_a_safe_file_only);
        tcase_add_test(tc, a_credential_wins);
        tcase_add_test(tc, password_files);
        tcase_add_test(tc, hints_are_kept);
        tcase_add_test(tc, odd_hints_are_ignored);
        return suite;
}

UNIT_MAIN(fence_files_suite)
