/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/base/tool.h"
#include "replication/driver_drbd.h"

#define AGAIN_MSEC 300
#define LOG_RECORD_MAX 8192 /* the kernel's own bound */
#define LOG_RECORDS_MAX 200000

static int step(const struct drbd_driver *d, const char *what, char *err) {
        if (now_boottime() >= d->deadline) {
                text_fmt(err, TEXT_LEN, "no time is left before: %s", what);
                return -ETIMEDOUT;
        }
        if (d->go_on && !d->go_on(d->userdata)) {
                text_fmt(err, TEXT_LEN, "no longer wanted, ended before: %s", what);
                return -ECANCELED;
        }
        return 0;
}

static int call(const struct drbd_driver *d, const char *program, const char *const *args,
                char **ret_out, char *err) {
        const char *argv[TOOL_ARGS_MAX + 1] = {program};
        const struct tool tool = {.name = program,
                                  .argv = argv,
                                  .noise = "Command '",
                                  .deadline = d->deadline,
                                  .go_on = d->go_on,
                                  .userdata = d->userdata};
        int status = 0, r;

        for (size_t i = 0; args[i]; i++)
                argv[i + 1] = args[i];
        r = tool_run(&tool, &status, ret_out, err);
        if (r == -EIO && status == 127) {
                text_fmt(err, TEXT_LEN, "%s cannot be run: install drbd-utils", program);
                r = -ENODEV;
        } else if (r == -EIO && strstr(err, "not defined in your config")) {
                r = -ENODEV;
        }
        return r;
}

/* Each record: "PRIORITY,NUMBER,TIME,FLAGS;text\n key=value\n". Read anew each time, from the
 * oldest that there is: it is asked for only where a connection was dropped. */
static void read_log(struct drbd_status *s) {
        _cleanup_(freep) char *buf = NULL;
        int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return; /* the state is bad enough without it */
        buf = xcalloc(1, LOG_RECORD_MAX + 1);
        for (unsigned i = 0; i < LOG_RECORDS_MAX; i++) {
                ssize_t n = read(fd, buf, LOG_RECORD_MAX);
                char *text;

                if (n < 0 && (errno == EPIPE || errno == EINTR))
                        continue; /* overwritten meanwhile: on with the oldest that is left */
                if (n <= 0)
                        break;
                buf[n] = '\0';
                buf[strcspn(buf, "\n")] = '\0';
                text = strchr(buf, ';');
                if (text)
                        drbd_split_brain(s, text + 1);
        }
        (void)close(fd);
}

static bool any_standalone(const struct drbd_status *s) {
        for (size_t i = 0; i < s->n_peers; i++)
                if (s->peers[i].connection == DRBD_STANDALONE)
                        return true;
        return false;
}

int drbd_look(const struct drbd_driver *d, const char *resource, struct drbd_status *ret,
              char *err) {
        const char *args[] = {"events2", "--now", "--statistics", resource, NULL};
        _cleanup_(freep) char *out = NULL;
        int r = call(d, "drbdsetup", args, &out, err);

        if (r == -EIO && strstr(err, "generic netlink")) { /* the module is not loaded */
                *ret = (struct drbd_status){0};
                text_set(ret->name, sizeof(ret->name), resource);
                return 0;
        }
        if (r < 0)
                return r;
        r = drbd_parse(out, resource, ret, err);
        if (r < 0)
                return -EIO;
        if (any_standalone(ret))
                read_log(ret);
        return 0;
}

int drbd_rely(const struct drbd_driver *d, const char *resource, char *err) {
        const char *args[] = {"dump", resource, NULL};
        _cleanup_(freep) char *out = NULL;
        int r = call(d, "drbdadm", args, &out, err);

        if (r < 0)
                return r;
        return drbd_settings(out, resource, err) < 0 ? -EUCLEAN : 0;
}

/* drbdadm VERB RESOURCE, right after it was asked whether to. */
static int adm(const struct drbd_driver *d, const char *verb, const char *option,
               const char *resource, char *err) {
        const char *args[] = {verb, option ? option : resource, option ? resource : NULL, NULL};
        int r = step(d, verb, err);

        return r < 0 ? r : call(d, "drbdadm", args, NULL, err);
}

/* An `up` that was cut off leaves a resource without its disk, or without its peer. */
static bool is_half_up(const struct drbd_status *s) {
        bool connected = false;

        for (size_t i = 0; i < s->n_peers; i++)
                connected = connected || s->peers[i].connection == DRBD_CONNECTED;
        return s->n_minors == 0 || s->n_peers == 0 ||
               (s->disk == DRBD_DISKLESS && s->role == DRBD_SECONDARY && !connected);
}

int drbd_up(const struct drbd_driver *d, const char *resource, char *err) {
        struct drbd_status s;
        int r = drbd_look(d, resource, &s, err);

        if (r < 0 || (s.up && !is_half_up(&s)))
                return r;
        return adm(d, s.up ? "adjust" : "up", NULL, resource, err);
}

static void pause_a_moment(void) {
        const struct timespec t = {.tv_nsec = AGAIN_MSEC * 1000000};

        (void)nanosleep(&t, NULL);
}

/* May it be tried? A whole disk whose age DRBD does not know, as after a start without the peer, is
 * for the ledger to judge: DRBD asks it by the fence-peer handler. Return: 0, -EAGAIN not yet,
 * -EUCLEAN it may not. */
static int judge(const struct drbd_driver *d, const struct drbd_status *s, const char *there,
                 enum drbd_take how, char *err) {
        struct drbd_verdict v;
        bool whole = s->disk == DRBD_UPTODATE || s->disk == DRBD_CONSISTENT;

        drbd_judge(s, d->here, there, &v);
        if (v.may_promote || (whole && how == DRBD_TAKE_ANYHOW) ||
            (whole && how == DRBD_TAKE_OWN && v.state != DRBD_STATE_SPLIT_BRAIN &&
             v.state != DRBD_STATE_RESYNC_IN))
                return 0;
        text_fmt(err, TEXT_LEN, "%s%s%s", v.text, v.mend[0] ? ": " : "", v.mend);
        return how == DRBD_TAKE_OWN && v.state == DRBD_STATE_RESYNC_IN ? -EAGAIN : -EUCLEAN;
}

/* DRBD counts its peer as there until it has missed pings, and as up to date until the handler has
 * said otherwise. */
static bool passes(const char *err) {
        return strstr(err, "(-1)") || strstr(err, "(-7)");
}

static int take(const struct drbd_driver *d, const char *resource, const char *there,
                enum drbd_take how, char *err) {
        struct drbd_status s;
        int r = drbd_look(d, resource, &s, err);

        if (r < 0)
                return r;
        if (s.up && s.role == DRBD_PRIMARY)
                return 0;
        if (!s.up || is_half_up(&s)) {
                r = drbd_up(d, resource, err);
                if (r < 0)
                        return r;
                r = drbd_look(d, resource, &s, err);
                if (r < 0)
                        return r;
        }
        r = judge(d, &s, there, how, err);
        if (r < 0)
                return r;
        r = adm(d, "primary", NULL, resource, err);
        if (r == -EIO)
                r = passes(err) ? -EAGAIN : -EUCLEAN;
        return r;
}

int drbd_take(const struct drbd_driver *d, const char *resource, const char *there,
              enum drbd_take how, char *err) {
        char why[TEXT_LEN] = "";
        int r;

        while ((r = take(d, resource, there, how, err)) == -EAGAIN) {
                text_set(why, sizeof(why), err);
                pause_a_moment();
                r = step(d, "primary", err);
                if (r < 0)
                        break;
        }
        if (r == -ETIMEDOUT && why[0] != '\0')
                text_fmt(err, TEXT_LEN, "not in time: %.170s", why);
        return r;
}

int drbd_release(const struct drbd_driver *d, const char *resource, const char *there,
                 bool *ret_equal, char *err) {
        struct drbd_status s;
        struct drbd_verdict v;
        int r = drbd_look(d, resource, &s, err);

        if (r == 0 && s.up && s.role == DRBD_PRIMARY) {
                r = adm(d, "secondary", NULL, resource, err);
                if (r == -EIO)
                        r = strstr(err, "(-12)") ? -EBUSY : -EUCLEAN;
                if (r == 0)
                        r = drbd_look(d, resource, &s, err);
        }
        if (r < 0)
                return r;
        drbd_judge(&s, d->here, there, &v);
        *ret_equal = v.state == DRBD_STATE_IN_STEP && s.role == DRBD_SECONDARY;
        return 0;
}

int drbd_connect(const struct drbd_driver *d, const char *resource, bool discard, char *err) {
        struct drbd_status s;
        int r = drbd_look(d, resource, &s, err);

        if (r < 0)
                return r;
        if (!s.up) {
                text_fmt(err, TEXT_LEN, "DRBD on %s does not have %s up: drbdadm up %s", d->here,
                         resource, resource);
                return -EUCLEAN;
        }
        if (!any_standalone(&s) && !discard)
                return 0;
        if (discard && s.role == DRBD_PRIMARY) {
                text_fmt(err, TEXT_LEN,
                         "%s is primary on %s, whose data are in use: nothing is discarded",
                         resource, d->here);
                return -EBUSY;
        }
        if (discard && !any_standalone(&s)) {
                r = adm(d, "disconnect", NULL, resource, err);
                if (r < 0)
                        return r;
        }
        return adm(d, "connect", discard ? "--discard-my-data" : NULL, resource, err);
}

int drbd_disconnect(const struct drbd_driver *d, const char *resource, char *err) {
        return adm(d, "disconnect", NULL, resource, err);
}
