/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/watchdog/wdt.h"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "hawd/base/clock.h"

#define FD_NAME "watchdog"
#define SLOW_USEC (USEC_PER_SEC / 2)

struct wdt {
        struct wdt_settings s;
        int fd;
        bool taken;
        bool pings; /* by ioctl; else by a write */
        bool of_bmc;
};

static int kernel_open(const char *path) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int kernel_ioctl(int fd, unsigned long request, void *value) {
        return ioctl(fd, request, value) < 0 ? -errno : 0;
}

static int kernel_write(int fd, const char *bytes, size_t n) {
        ssize_t r = write(fd, bytes, n);

        return r < 0 ? -errno : r == (ssize_t)n ? 0 : -EIO;
}

static void kernel_close(int fd) {
        (void)close(fd);
}

/* Without a manager that keeps it: nobody listens, and the kernel resets the host when hawd ends.
 */
static void kernel_keep(int fd, bool keep) {
        if (keep)
                (void)sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=" FD_NAME "\nFDPOLL=0", &fd,
                                             1);
        else
                (void)sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" FD_NAME);
}

const struct wdt_calls wdt_kernel = {kernel_open,  kernel_ioctl, kernel_write,
                                     kernel_close, kernel_keep,  now_boottime};

struct wdt *wdt_new(const struct wdt_settings *s) {
        struct wdt *w = xcalloc(1, sizeof(*w));

        w->s = *s;
        w->fd = -1;
        w->pings = true;
        return w;
}

struct wdt *wdt_free(struct wdt *w) {
        if (w && w->fd >= 0)
                w->s.calls->close(w->fd);
        free(w);
        return NULL;
}

int wdt_inherited(void) {
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names), fd = -1;

        for (int i = 0; i < n; i++) {
                if (fd < 0 && strcmp(names[i], FD_NAME) == 0)
                        fd = SD_LISTEN_FDS_START + i;
                else
                        (void)close(SD_LISTEN_FDS_START + i); /* nothing of ours */
        }
        for (int i = 0; i < n; i++)
                free(names[i]);
        free(names);
        return fd;
}

static int read_timeout(struct wdt *w, usec_t *ret) {
        int seconds = 0;
        int r = w->s.calls->ioctl(w->fd, WDIOC_GETTIMEOUT, &seconds);

        if (r < 0)
                return r;
        if (seconds < 1)
                return -ERANGE;
        *ret = (usec_t)seconds * USEC_PER_SEC;
        return 0;
}

void wdt_inherit(struct wdt *w, int fd, struct wdt_said *ret) {
        int r;

        *ret = (struct wdt_said){.armed = true, .taken = true};
        w->fd = fd;
        w->taken = true;
        r = read_timeout(w, &ret->timeout_usec);
        if (r < 0) { /* armed all the same */
                ret->timeout_usec = USEC_INFINITY;
                text_fmt(ret->notes, sizeof(ret->notes), "its timeout cannot be read: %s",
                         strerror(-r));
        }
}

static void open_failed(struct wdt *w, int r, char text[TEXT_LEN]) {
        char holder[TEXT_LEN] = "";

        if (r == -EBUSY)
                (void)wdt_holder(w->s.root, w->s.conf.path, holder); /* not by this hawd */
        text_fmt(text, TEXT_LEN, "%s cannot be opened: %s%s%.120s", w->s.conf.path, strerror(-r),
                 *holder ? ": " : "", holder);
}

static void shut(struct wdt *w) {
        int off = WDIOS_DISABLECARD;

        /* The magic close takes effect with the last descriptor: systemd has one, too. */
        w->s.calls->keep(w->fd, false);
        (void)w->s.calls->write(w->fd, "V", 1);
        (void)w->s.calls->ioctl(w->fd, WDIOC_SETOPTIONS, &off); /* at once, where it can */
        (void)w->s.calls->write(w->fd, "V", 1);
        w->s.calls->close(w->fd);
        w->fd = -1;
        w->taken = false;
}

/* It is open now, and armed by that. */
static bool usable(struct wdt *w, const struct wdt_look *look, char text[TEXT_LEN]) {
        struct watchdog_info info = {0};
        char identity[sizeof(info.identity) + 1];
        int r = w->s.calls->ioctl(w->fd, WDIOC_GETSUPPORT, &info);

        if (r < 0) {
                text_fmt(text, TEXT_LEN, "%s is no watchdog: %s", w->s.conf.path, strerror(-r));
                return false;
        }
        memcpy(identity, info.identity, sizeof(info.identity));
        identity[sizeof(info.identity)] = '\0';
        w->pings = info.options & WDIOF_KEEPALIVEPING;
        w->of_bmc = wdt_of_bmc(identity);
        if (wdt_refuse(&w->s.conf, identity, look, text))
                return false;
        if (!(info.options & WDIOF_MAGICCLOSE)) {
                text_fmt(text, TEXT_LEN,
                         "%s (%s) is disarmed whenever it is closed: a hawd that dies would not be "
                         "missed",
                         w->s.conf.path, identity);
                return false;
        }
        if (info.options & WDIOF_PRETIMEOUT)
                text_set(text, TEXT_LEN, "pretimeout");
        return true;
}

static int set_timeout(struct wdt *w, usec_t timeout, bool pretimeout, struct wdt_said *ret) {
        int seconds = (int)(timeout / USEC_PER_SEC), before = MAX(seconds / 4, 1);
        int r = w->s.calls->ioctl(w->fd, WDIOC_SETTIMEOUT, &seconds), k;

        k = read_timeout(w, &ret->timeout_usec);
        if (k < 0)
                return k;
        /* One that cannot be set says what it has: that is announced, and right. */
        if (ret->timeout_usec != timeout)
                text_fmt(ret->notes, sizeof(ret->notes),
                         "its timeout is %" PRIu64 " s: %s; that is what the others are told",
                         ret->timeout_usec / USEC_PER_SEC,
                         r < 0 ? strerror(-r) : "the device takes no other");
        if (pretimeout)
                (void)w->s.calls->ioctl(w->fd, WDIOC_SETPRETIMEOUT, &before); /* only a courtesy */
        return 0;
}

void wdt_arm(struct wdt *w, usec_t timeout, usec_t until, struct wdt_said *ret) {
        char text[TEXT_LEN] = "";
        struct wdt_look look;
        int r;

        *ret = (struct wdt_said){.armed = w->fd >= 0, .taken = w->taken};
        wdt_look(w->s.root, w->s.conf.path, &look);
        if (w->fd < 0 && look.identity[0] &&
            wdt_refuse(&w->s.conf, look.identity, &look, ret->text))
                return;
        if (w->s.calls->now() >= until) {
                text_set(ret->text, sizeof(ret->text), "the lease ran out before it was armed");
                return;
        }
        if (w->fd < 0) {
                w->fd = w->s.calls->open(w->s.conf.path);
                if (w->fd < 0) {
                        open_failed(w, w->fd, ret->text);
                        return;
                }
        }
        /* What was taken over may be another device by now than hawd.conf names: it is used up. */
        if (!usable(w, &look, text)) {
                shut(w);
                *ret = (struct wdt_said){0};
                text_set(ret->text, sizeof(ret->text), text);
                return;
        }
        r = set_timeout(w, timeout, *text, ret);
        if (r < 0) {
                shut(w);
                *ret = (struct wdt_said){0};
                text_fmt(ret->text, sizeof(ret->text), "the timeout of %s cannot be read: %s",
                         w->s.conf.path, strerror(-r));
                return;
        }
        w->taken = false;
        w->s.calls->keep(w->fd, true);
        ret->armed = true;
        ret->taken = false;
        ret->no_proof = w->of_bmc;
        if (w->of_bmc)
                text_fmt(ret->text, sizeof(ret->text),
                         "%s is armed, but it is the timer of this host's BMC, and dead when that "
                         "is: the others cannot count on it",
                         w->s.conf.path);
        if (look.nowayout && !*ret->notes)
                text_set(ret->notes, sizeof(ret->notes),
                         "nowayout: it cannot be disarmed, so a stop of hawd resets this host (a "
                         "restart does not)");
}

int wdt_pet(struct wdt *w, usec_t until) {
        usec_t begun = w->s.calls->now();
        int dummy = 0, r;

        if (w->fd < 0)
                return -EBADF;
        /* The last look: this process may have stood still since the core decided. */
        if (begun >= until)
                return -ETIME;
        r = w->pings ? w->s.calls->ioctl(w->fd, WDIOC_KEEPALIVE, &dummy)
                     : w->s.calls->write(w->fd, "", 1);
        return r < 0 ? r : w->s.calls->now() - begun > SLOW_USEC ? 1 : 0;
}

void wdt_disarm(struct wdt *w, struct wdt_said *ret) {
        *ret = (struct wdt_said){0};
        if (w->fd >= 0)
                shut(w);
}
