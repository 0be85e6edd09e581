/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watchdog device of this host: opened, set, fed and closed as the core says (S7).
 *
 *   closed -> armed -> fed ... -> closed for good ('V')
 *   taken over from systemd's store of descriptors -> armed -> ...
 *
 * Called from the loop, and no thread stands between: these are short calls, a register or, for a
 * BMC's timer, one message to it. A thread that feeds would do so while the loop hangs, which is
 * what the device is there for. A call that hangs is a hang of hawd: it feeds no more.
 */
#pragma once

#include "hawd/base/config.h"

/** struct wdt_calls - of the kernel; tests have their own */
struct wdt_calls {
        int (*open)(const char *path);                            /* fd or -errno */
        int (*ioctl)(int fd, unsigned long request, void *value); /* 0 or -errno */
        int (*write)(int fd, const char *bytes, size_t n);        /* 0 or -errno */
        void (*close)(int fd);
        void (*keep)(int fd, bool keep); /* in systemd's store, or no more */
        usec_t (*now)(void);
};

struct wdt_settings {
        struct conf_watchdog conf;
        const char *root; /* of /proc and /sys; "" but in tests */
        const struct wdt_calls *calls;
};

/** struct wdt_said - what is so after a call */
struct wdt_said {
        bool armed;
        bool taken;    /* nothing but its timeout was read */
        bool no_proof; /* armed, but it is the timer of a BMC */
        usec_t timeout_usec;
        char text[TEXT_LEN];  /* why it is not armed, or no proof; "" */
        char notes[TEXT_LEN]; /* worth a line in the log; "" */
};

struct wdt;

extern const struct wdt_calls wdt_kernel;

struct wdt *wdt_new(const struct wdt_settings *s);
struct wdt *wdt_free(struct wdt *w); /* closes without 'V': what is armed stays armed */

/** wdt_inherit() - take over @fd of the hawd before: its timeout is read, nothing else is done */
void wdt_inherit(struct wdt *w, int fd, struct wdt_said *ret);
/** wdt_inherited() - the descriptor that systemd has kept, or -1 */
int wdt_inherited(void);
/** wdt_arm() - open it, if it is not; set the timeout and read it back; not from @until on */
void wdt_arm(struct wdt *w, usec_t timeout, usec_t until, struct wdt_said *ret);
/** wdt_pet() - feed it; not from @until on. Return: 0, -ETIME too late, -errno. */
int wdt_pet(struct wdt *w, usec_t until);
void wdt_disarm(struct wdt *w, struct wdt_said *ret);

/** wdt_look() - what sysfs says of the device, before it is opened, which arms it */
struct wdt_look {
        char identity[64]; /* "": not known */
        bool nowayout;
        bool no_action; /* a BMC's timer that does nothing when it runs out */
        bool virtual_machine;
};
void wdt_look(const char *root, const char *path, struct wdt_look *ret);
/** wdt_of_bmc() - it resets a host that hangs, but proves nothing of one whose BMC is dead */
bool wdt_of_bmc(const char *identity);
/** wdt_refuse() - is it no proof of anything? Return: the reason in @text, or false. */
bool wdt_refuse(const struct conf_watchdog *conf, const char *identity, const struct wdt_look *look,
                char text[TEXT_LEN]);
/** wdt_holder() - who has @path open, for people; "" when nobody is found. Return: a hawd has; then
 * systemd has it, too, in its store. */
bool wdt_holder(const char *root, const char *path, char text[TEXT_LEN]);
