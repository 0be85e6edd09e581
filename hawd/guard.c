/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The watchdog device, between the core and hawd/watchdog/; and whether systemd stops hawd for
 * good.
 */
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "hawd/base/log.h"
#include "hawd/hawd.h"

#define BUS_USEC (500 * USEC_PER_MSEC) /* each question; the watchdog is not fed meanwhile */
#define MANAGER "org.freedesktop.systemd1"

static void say(struct hawd *d, const struct wdt_said *said) {
        struct event ev = {.kind = EV_WATCHDOG,
                           .watchdog = {.armed = said->armed,
                                        .taken = said->taken,
                                        .timeout_usec = said->timeout_usec,
                                        .no_proof = said->no_proof,
                                        .text = said->text[0] ? said->text : NULL}};

        if (said->notes[0])
                log_line(LOG_NOTICE, "watchdog: %s", said->notes);
        hawd_step(d, &ev);
}

/* Not within the step whose action this was. */
static void say_later(void *data) {
        struct hawd *d = data;

        say(d, &d->wdt_said);
}

static void pet(struct hawd *d, usec_t until) {
        int r = wdt_pet(d->wdt, until);

        if (r == 0) {
                d->pet_failed = false;
                return;
        }
        if (!d->pet_failed)
                log_line(LOG_ERR, "the watchdog %s",
                         r == -ETIME ? "is not fed: hawd stood still until its lease had run out"
                         : r > 0     ? "took more than half a second to be fed"
                                     : strerror(-r));
        d->pet_failed = true;
}

void hawd_watchdog(struct hawd *d, const struct action *a) {
        switch (a->watchdog.op) {
        case WATCHDOG_PET:
                pet(d, a->watchdog.until_usec);
                return;
        case WATCHDOG_ARM:
                wdt_arm(d->wdt, a->watchdog.timeout_usec, a->watchdog.until_usec, &d->wdt_said);
                break;
        case WATCHDOG_DISARM:
                wdt_disarm(d->wdt, &d->wdt_said);
                log_line(LOG_NOTICE, "the watchdog is disarmed");
                break;
        }
        (void)qb_loop_job_add(d->loop, QB_LOOP_HIGH, d, say_later);
}

void hawd_watchdog_open(struct hawd *d, const char *host) {
        struct wdt_settings s = {config_watchdog(&d->config, host), "", &wdt_kernel};
        struct wdt_said said;
        int fd = wdt_inherited();

        d->wdt = wdt_new(&s);
        if (fd < 0)
                return;
        wdt_inherit(d->wdt, fd, &said);
        log_line(LOG_NOTICE, "the watchdog of the hawd before is taken over, armed");
        say(d, &said);
}

/* ---- systemd ------------------------------------------------------------------------------------
 */

static bool job_restarts(sd_bus *bus, const char *unit) {
        _cleanup_(freep) char *type = NULL;
        sd_bus_message *m = NULL;
        const char *job = NULL;
        uint32_t id = 0;

        if (sd_bus_get_property(bus, MANAGER, unit, MANAGER ".Unit", "Job", NULL, &m, "(uo)") >= 0)
                (void)sd_bus_message_read(m, "(uo)", &id, &job); /* none: id stays 0 */
        if (id != 0)
                (void)sd_bus_get_property_string(bus, MANAGER, job, MANAGER ".Job", "JobType", NULL,
                                                 &type);
        sd_bus_message_unref(m);
        return type && strstr(type, "restart");
}

bool hawd_restarts(void) {
        sd_bus *bus = NULL;
        sd_bus_message *m = NULL;
        const char *unit = NULL;
        bool yes = false;

        if (!getenv("NOTIFY_SOCKET") || sd_bus_open_system(&bus) < 0)
                return false;
        (void)sd_bus_set_method_call_timeout(bus, BUS_USEC);
        if (sd_bus_call_method(bus, MANAGER, "/org/freedesktop/systemd1", MANAGER ".Manager",
                               "GetUnitByPID", NULL, &m, "u", (uint32_t)getpid()) >= 0 &&
            sd_bus_message_read(m, "o", &unit) > 0)
                yes = job_restarts(bus, unit);
        sd_bus_message_unref(m);
        sd_bus_unref(bus);
        return yes;
}
