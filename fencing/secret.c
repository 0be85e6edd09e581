/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/secret.h"
#include "hawd/base/conf_keys.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_MAX ((size_t)256 * 1024)

void *guarded_new(size_t size) {
        void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                abort();
        (void)madvise(p, size, MADV_DONTDUMP); /* a second line: core files are off anyway */
        (void)madvise(p, size, MADV_DONTFORK);
        (void)mlock(p, size); /* refused in some containers: no reason to stop */
        return p;
}

void guarded_free(void *p, size_t size) {
        explicit_bzero(p, size);
        (void)munmap(p, size);
}

struct secret *secret_new(void) {
        return guarded_new(sizeof(struct secret));
}

struct secret *secret_free(struct secret *s) {
        if (s)
                guarded_free(s, sizeof(*s));
        return NULL;
}

int secret_file_safe(const char *path, const struct stat *st, uid_t uid, struct fence_error *err) {
        if (!S_ISREG(st->st_mode))
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s is no regular file", path);
        if (st->st_uid != 0 && st->st_uid != uid)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "%.150s belongs to uid %u: chown root:root it", path,
                                  (unsigned)st->st_uid);
        if (st->st_mode & (S_IRWXG | S_IRWXO))
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "%.150s can be read by others (mode %04o): chmod 600 it, and "
                                  "change the passwords in it",
                                  path, (unsigned)(st->st_mode & 07777));
        if (st->st_size < 0 || (size_t)st->st_size > FILE_MAX)
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s is too large", path);
        return 0;
}

/* Read @path into @buf of FILE_MAX + 1 bytes. */
static int read_safe(const char *path, char *buf, struct fence_error *err) {
        struct stat st;
        size_t len = 0;
        int fd, r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return fence_fail(err, FENCE_NO_SECRET, "%.150s: %s", path, strerror(errno));
        if (fstat(fd, &st) < 0)
                r = fence_fail(err, FENCE_NO_SECRET, "%.150s: %s", path, strerror(errno));
        else
                r = secret_file_safe(path, &st, geteuid(), err);
        while (r == 0 && len < FILE_MAX) {
                ssize_t n = read(fd, buf + len, FILE_MAX - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        r = fence_fail(err, FENCE_NO_SECRET, "%.150s: %s", path, strerror(errno));
                if (n <= 0)
                        break;
                len += (size_t)n;
        }
        (void)close(fd);
        buf[len] = '\0';
        if (r == 0 && strlen(buf) != len)
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s holds a NUL byte", path);
        return r;
}

static bool blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

/* struct span - a piece of the borrowed text, so that no copy of it needs wiping */
struct span {
        const char *p;
        size_t len;
};

static struct span trim(struct span s) {
        while (s.len > 0 && blank(*s.p)) {
                s.p++;
                s.len--;
        }
        while (s.len > 0 && blank(s.p[s.len - 1]))
                s.len--;
        return s;
}

static bool span_is(struct span s, const char *text) {
        return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static bool span_copy(struct span s, char dst[SECRET_LEN]) {
        if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"')
                s = (struct span){s.p + 1, s.len - 2};
        if (s.len >= SECRET_LEN)
                return false;
        memcpy(dst, s.p, s.len);
        dst[s.len] = '\0';
        return true;
}

/* The name of an agent's own secret: what conf_is_secret() keeps out of hawd.conf belongs here. */
static bool extra_name(struct span key, char name[NAME_LEN]) {
        text_fmt(name, NAME_LEN, "%.*s", (int)MIN(key.len, (size_t)NAME_LEN - 1), key.p);
        return key.len < NAME_LEN && name_valid(name) && conf_is_secret(name);
}

static int take_extra(const char *path, int line, const char *name, struct span value,
                      struct secret *ret, struct fence_error *err) {
        size_t n = ret->n_extra;

        for (size_t i = 0; i < n; i++)
                if (strcmp(ret->keys[i], name) == 0)
                        return fence_fail(err, FENCE_BAD_CONFIG, "%.150s:%d: a second %s", path,
                                          line, name);
        if (n == FENCE_EXTRAS)
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s:%d: more than %d further secrets",
                                  path, line, FENCE_EXTRAS);
        text_set(ret->keys[n], NAME_LEN, name);
        if (!span_copy(value, ret->values[n]))
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s:%d: value too long", path, line);
        ret->extra[n] = (struct fence_extra){ret->keys[n], ret->values[n]};
        ret->n_extra++;
        return 0;
}

/* A line of the device's own section, or of another, of which only the key is checked. */
static int take_line(const char *path, int line, bool inside, struct span key, struct span value,
                     struct secret *ret, char file_ret[SECRET_LEN], struct fence_error *err) {
        bool file = span_is(key, "password-file"), password = span_is(key, "password");
        char name[NAME_LEN];

        if (!file && !password && !extra_name(key, name))
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "%.150s:%d: unknown key, known are password, password-file and "
                                  "an agent's own secrets, as community",
                                  path, line);
        if (!inside)
                return 0;
        if (!file && !password)
                return take_extra(path, line, name, value, ret, err);
        if (ret->password[0] || file_ret[0])
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s:%d: a second password", path,
                                  line);
        if (!span_copy(value, file ? file_ret : ret->password))
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s:%d: value too long", path, line);
        return 0;
}

int secret_parse(const char *path, const char *text, const char *device, struct secret *ret,
                 char file_ret[SECRET_LEN], struct fence_error *err) {
        bool inside = false, found = false, section = false;
        int line = 0, r;

        ret->password[0] = file_ret[0] = '\0';
        ret->n_extra = 0;
        while (*text) {
                struct span s = {text, strcspn(text, "\n")}, key, value;
                const char *eq;

                text += s.len + (text[s.len] == '\n');
                line++;
                s = trim(s);
                if (s.len == 0 || *s.p == '#' || *s.p == ';')
                        continue;
                if (*s.p == '[') {
                        if (s.p[s.len - 1] != ']')
                                return fence_fail(err, FENCE_BAD_CONFIG,
                                                  "%.150s:%d: a section is [DEVICE]", path, line);
                        section = true;
                        inside = span_is(trim((struct span){s.p + 1, s.len - 2}), device);
                        found = found || inside;
                        continue;
                }
                eq = memchr(s.p, '=', s.len);
                if (!eq || !section)
                        return fence_fail(err, FENCE_BAD_CONFIG, "%.150s:%d: %s", path, line,
                                          eq ? "a key before the first [DEVICE]"
                                             : "expected [DEVICE] or key = value");
                key = trim((struct span){s.p, (size_t)(eq - s.p)});
                value = trim((struct span){eq + 1, (size_t)(s.p + s.len - eq - 1)});
                r = take_line(path, line, inside, key, value, ret, file_ret, err);
                if (r != 0)
                        return r;
        }
        if (!found)
                return fence_fail(err, FENCE_NO_SECRET,
                                  "%.150s has no section [%s]: add it with its password", path,
                                  device);
        return 0;
}

/* The first line of a file of its own. */
static int load_file(const char *path, struct secret *ret, char *buf, struct fence_error *err) {
        int r;

        if (path[0] != '/')
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "password-file = %.100s: give an absolute path", path);
        r = read_safe(path, buf, err);
        if (r != 0)
                return r;
        if (!span_copy(trim((struct span){buf, strcspn(buf, "\n")}), ret->password))
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s: password too long", path);
        if (!ret->password[0])
                return fence_fail(err, FENCE_NO_SECRET, "%.150s: its first line is empty", path);
        return 0;
}

static bool there(char path[PATH_MAX], const char *dir, const char *prefix, const char *name) {
        if (!dir || dir[0] != '/')
                return false;
        text_fmt(path, PATH_MAX, "%s/%s%s", dir, prefix, name);
        return access(path, F_OK) == 0;
}

int secret_load(const char *path, const char *credentials, const char *device, struct secret *ret,
                struct fence_error *err) {
        char credential[PATH_MAX];
        char file[SECRET_LEN] = "";
        char *buf = guarded_new(FILE_MAX + 1);
        int r;

        if (there(credential, credentials, "fence_", device)) {
                r = load_file(credential, ret, buf, err);
        } else {
                if (there(credential, credentials, "", "fencing.conf"))
                        path = credential;
                r = read_safe(path, buf, err);
                if (r == 0)
                        r = secret_parse(path, buf, device, ret, file, err);
                if (r == 0 && file[0])
                        r = load_file(file, ret, buf, err);
        }
        guarded_free(buf, FILE_MAX + 1);
        if (r != 0)
                explicit_bzero(ret, sizeof(*ret));
        return r;
}
