/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any power-switching fence agent: options as key=value lines on standard input, the exit status of
 * its action status as the reading. What it says after "off" is not trusted; action.c reads again.
 */
#include "fencing/agent_meta.h"
#include "fencing/agent_run.h"
#include "fencing/agent_said.h"
#include "fencing/cache.h"
#include "fencing/driver.h"
#include "fencing/secret.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_LEN ((size_t)8192)

struct agent {
        const struct fence_target *t;
        char path[PATH_MAX];
        struct agent_traits traits;
        bool judged; /* traits are filled */
};

static int find(const struct fence_target *t, char path[PATH_MAX], struct stat *ret_st,
                struct fence_error *err) {
        const char *const usual[] = {"/usr/sbin", "/sbin"};
        const char *agent = t->device->agent;

        for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
                text_fmt(path, PATH_MAX, "%s/%s", t->agent_dir ? t->agent_dir : usual[i], agent);
                if (stat(path, ret_st) == 0 && S_ISREG(ret_st->st_mode) && access(path, X_OK) == 0)
                        return 0;
        }
        return fence_fail(err, FENCE_AGENT_MISSING,
                          "fence agent %s is not installed on this host: look for it in /usr/sbin "
                          "(package fence-agents)",
                          agent);
}

static uint64_t agent_key(const char *path, const struct stat *st) {
        char text[PATH_MAX + 64];

        text_fmt(text, sizeof(text), "agent %s %lld %lld.%09ld", path, (long long)st->st_size,
                 (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
        return hash64(0, text, strlen(text));
}

static int check_options(const struct conf_device *d, struct fence_error *err) {
        char key[64], value[256];
        const char *p = d->options, *why;
        int r;

        while ((r = agent_option_next(&p, key, value)) > 0) {
                why = agent_option_allowed(key, value);
                if (why)
                        return fence_fail(err, FENCE_BAD_CONFIG,
                                          "[fence %s] options: %s= is not allowed: %s", d->name,
                                          key, why);
        }
        if (r < 0)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "[fence %s] options: expected key=value at '%.60s'", d->name, p);
        return 0;
}

/* What it said to a failure, without the secrets that it was given. */
static int failed(const struct agent *s, const char *action, const struct agent_run *run,
                  struct fence_error *err) {
        const char *secrets[FENCE_EXTRAS + 1] = {s->t->secret};
        char text[128];

        for (size_t i = 0; i < s->t->n_extra; i++)
                secrets[i + 1] = s->t->extra[i].value;
        agent_said(run->err, secrets, s->t->n_extra + 1, text, sizeof(text));
        return fence_fail(err, FENCE_AGENT_FAILED, "%s %s failed (%d): %s", s->t->device->agent,
                          action, run->status, text[0] ? text : "no message");
}

static int judge(struct agent *s, usec_t until, struct fence_error *err) {
        const struct conf_device *d = s->t->device;
        char value[CACHE_VALUE_LEN];
        struct agent_run run;
        struct stat st;
        int r;

        if (s->judged)
                return 0;
        r = agent_run(s->path, "action=metadata\n", until, s->t->on_group, &run, err);
        if (r != 0)
                return r;
        if (run.status != 0)
                r = failed(s, "metadata", &run, err);
        else
                r = agent_judge(d->agent, run.out, &s->traits, err);
        agent_run_clear(&run);
        if (r != 0)
                return r;
        s->judged = true;
        if (s->t->cache_dir && stat(s->path, &st) == 0) {
                agent_traits_format(&s->traits, value, sizeof(value));
                /* Only a hint: without it the next action asks again. */
                (void)cache_store(s->t->cache_dir, d->agent, agent_key(s->path, &st), value);
        }
        return 0;
}

static void agent_close(void *self) {
        free(self);
}

static int agent_open(const struct fence_target *t, void **ret_self, struct fence_error *err) {
        const struct conf_device *d = t->device;
        char value[CACHE_VALUE_LEN];
        struct agent *s;
        struct stat st;
        usec_t age;
        int r;

        if (!name_valid(d->agent) || strncmp(d->agent, "fence_", 6) != 0)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "[fence %s] agent: '%s' is no fence agent's name (fence_...)",
                                  d->name, d->agent);
        if (t->secret && strpbrk(t->secret, "\r\n"))
                return fence_fail(err, FENCE_BAD_CONFIG, "the password of %s has a line break",
                                  d->name);
        r = check_options(d, err);
        if (r != 0)
                return r;
        s = xcalloc(1, sizeof(*s));
        s->t = t;
        r = find(t, s->path, &st, err);
        if (r != 0) {
                free(s);
                return r;
        }
        if (t->cache_dir &&
            cache_load(t->cache_dir, d->agent, agent_key(s->path, &st), value, &age) == 0)
                s->judged = agent_traits_parse(value, &s->traits) == 0;
        r = t->judge_until ? judge(s, t->judge_until, err) : 0;
        if (r != 0) {
                free(s);
                return r;
        }
        *ret_self = s;
        return 0;
}

static bool has_option(const char *options, const char *wanted) {
        char key[64], value[256];

        while (agent_option_next(&options, key, value) > 0) {
                if (strcmp(key, wanted) == 0)
                        return true;
        }
        return false;
}

static void add(char *input, const char *key, const char *value) {
        size_t len = strlen(input);

        assert(len + strlen(key) + strlen(value) + 2 < INPUT_LEN); /* all of it is bounded */
        text_fmt(input + len, INPUT_LEN - len, "%s=%s\n", key, value);
}

/* The lines an agent reads. Wiped by the caller. */
static void compose(const struct agent *s, const char *action, char *input) {
        const struct conf_device *d = s->t->device;
        char key[64], value[256];
        const char *p = d->options;

        input[0] = '\0';
        add(input, "action", action);
        while (agent_option_next(&p, key, value) > 0)
                add(input, key, value);
        if (d->address[0] && s->traits.address[0] && !has_option(d->options, "ip") &&
            !has_option(d->options, "ipaddr"))
                add(input, s->traits.address, d->address);
        if (d->user[0] && s->traits.user[0] && !has_option(d->options, "username") &&
            !has_option(d->options, "login"))
                add(input, s->traits.user, d->user);
        if (s->t->secret && s->t->secret[0])
                add(input, s->traits.password[0] ? s->traits.password : "password", s->t->secret);
        for (size_t i = 0; i < s->t->n_extra; i++)
                add(input, s->t->extra[i].key, s->t->extra[i].value);
}

static int call(struct agent *s, const char *action, usec_t until, struct agent_run *ret,
                struct fence_error *err) {
        char *input;
        int r;

        r = judge(s, until, err);
        if (r != 0)
                return r;
        input = guarded_new(INPUT_LEN);
        compose(s, action, input);
        r = agent_run(s->path, input, until, s->t->on_group, ret, err);
        guarded_free(input, INPUT_LEN);
        return r;
}

static int agent_read(void *self, usec_t until, enum fence_power *ret, struct fence_error *err) {
        struct agent *s = self;
        struct agent_run run;
        int r;

        r = call(s, "status", until, &run, err);
        if (r != 0)
                return r;
        *ret = agent_status(run.status);
        if (*ret == FENCE_POWER_UNKNOWN)
                r = failed(s, "status", &run, err);
        agent_run_clear(&run);
        return r;
}

static int agent_send(void *self, usec_t until, enum fence_order order, struct fence_error *err) {
        const char *action = order == FENCE_ORDER_OFF ? "off" : "on";
        struct agent *s = self;
        struct agent_run run;
        int r;

        r = call(s, action, until, &run, err);
        if (r != 0)
                return r;
        if (run.status != 0)
                r = failed(s, action, &run, err);
        agent_run_clear(&run);
        return r;
}

static void agent_identify(void *self, usec_t until, bool ask, struct fence_identity *ret) {
        (void)self;
        (void)until;
        (void)ask;
        (void)ret; /* agents have no common way to ask for it */
}

const struct fence_driver fence_driver_agent = {
        .name = "agent",
        .open = agent_open,
        .read = agent_read,
        .send = agent_send,
        .identify = agent_identify,
        .close = agent_close,
};
