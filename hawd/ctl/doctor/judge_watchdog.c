/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watchdogs: used where they could be, armed where they should be, and in nobody else's hands. */
#include "hawd/ctl/doctor/finding.h"

struct dogs {
        const char *host;
        const json_t *facts;
        const json_t *list;   /* devices there */
        const json_t *wanted; /* what hawd.conf says for this host; NULL: not known */
        const json_t *status; /* what hawd says of it; NULL: not asked */
        int64_t lease_ms;
};

static bool is_softdog(const json_t *w) {
        const char *what = jtext(w, "identity");

        return strstr(what, "Software Watchdog") || strcmp(what, "softdog") == 0;
}

/* The device behind a path of hawd.conf, where sysfs has it. */
static const json_t *device(const struct dogs *d) {
        const char *path = jtext(d->wanted, "path"), *name = strrchr(path, '/');

        name = name ? name + 1 : path;
        return row_of(d->list, "name", strcmp(name, "watchdog") == 0 ? "watchdog0" : name);
}

/* ---- none is wanted ---------------------------------------------------------------------------
 */

static void judge_unused(struct findings *f, const struct dogs *d) {
        bool never = jbool(d->wanted, "never");
        const json_t *w;
        size_t i;

        if (never)
                found(f, SEVERITY_OK,
                      "self-fence = never: only fence devices, or an operator, prove it off");
        json_array_foreach(d->list, i, w) {
                const char *name = jtext(w, "name"), *what = jtext(w, "identity");

                if (is_softdog(w)) {
                        found(f, SEVERITY_NOTE,
                              "%s is softdog: it stands still with the kernel, and proves nothing",
                              name);
                } else if (!jnull(w, "useless")) {
                        found(f, SEVERITY_NOTE, "%s", jtext(w, "useless"));
                } else if (never || !d->wanted) {
                        found(f, SEVERITY_OK, "%s: %s", name, *what ? what : "unknown");
                } else {
                        found(f, SEVERITY_NOTE,
                              "%s (%s) is not used: with it this host would be proven off though "
                              "its fence devices had died with it",
                              name, *what ? what : "unknown");
                        mend(f,
                             "watchdog = /dev/%s in hawd.conf; WATCHDOGS in hawd.conf(5) has "
                             "the price",
                             name);
                }
        }
        if (i == 0)
                found(f, SEVERITY_NOTE,
                      "no watchdog device: a host that hangs stays on until it is "
                      "fenced");
}

/* ---- one is wanted ----------------------------------------------------------------------------
 */

/* Return: whether it can be armed at all. */
static bool judge_usable(struct findings *f, const struct dogs *d) {
        const json_t *w = device(d);
        const char *path = jtext(d->wanted, "path");

        if (jbool(w, "of_bmc") && jnull(w, "useless") && jbool(d->wanted, "there") &&
            jnull(w, "held_by")) {
                found(f, SEVERITY_NOTE,
                      "%s is the timer of its BMC: it resets a host that hangs, but proves "
                      "nothing to the others, since it is dead when that is",
                      path);
        } else if (!jnull(d->status, "watchdog_error")) {
                found(f, SEVERITY_BAD, "its watchdog is not armed: %s",
                      jtext(d->status, "watchdog_error"));
                mend(f, "WATCHDOGS in hawd.conf(5); hawd tries it again every 30 s");
        } else if (!jbool(d->wanted, "there")) {
                found(f, SEVERITY_BAD, "hawd.conf names %s, and there is no such device", path);
                mend(f,
                     "load its driver, at boot too (/etc/modules-load.d); ls /sys/class/watchdog");
        } else if (!jbool(d->wanted, "allowed")) {
                found(f, SEVERITY_BAD, "it is not armed: %s", jtext(d->wanted, "useless"));
                mend(f, "another device, or watchdog = none for this host");
        } else if (!jnull(w, "held_by")) {
                found(f, SEVERITY_BAD, "%s: %s", path, jtext(w, "held_by"));
                mend(f, "one program can have it: stop the other, then it is armed within 30 s");
        } else {
                return true;
        }
        return false;
}

static void judge_armed(struct findings *f, const struct dogs *d) {
        const char *path = jtext(d->wanted, "path");

        if (!jnull(d->wanted, "useless")) {
                found(f, SEVERITY_WARNING, "taken all the same: %s", jtext(d->wanted, "useless"));
                mend(f, "a device that runs on while the host stands still, where there is one");
        }
        if (!d->status) {
                found(f, SEVERITY_OK, "%s is there for hawd", path);
        } else if (jnum(d->status, "watchdog_ms") > 0) {
                found(f, SEVERITY_OK, "%s is armed: %.0f s, lease %.0f s", path,
                      (double)jnum(d->status, "watchdog_ms") / 1000,
                      (double)jnum(d->status, "lease_ms") / 1000);
        } else if (strcmp(jtext(d->status, "state"), "online") == 0) {
                found(f, SEVERITY_WARNING, "%s is not armed", path);
                mend(f, "systemctl restart hawd, if hawd.conf was changed since hawd started; else "
                        "it is armed within moments");
        }
}

/* systemd's timers, which look like off in more ways than one. */
static bool is_off(const json_t *o, const char *key) {
        const char *value = jtext(o, key);

        return !*value || strcmp(value, "off") == 0 || strcmp(value, "0") == 0 ||
               strcmp(value, "0s") == 0;
}

/* At the next boot it would be first. */
static void judge_systemd(struct findings *f, const struct dogs *d) {
        const json_t *s = part_of(d->facts, "host/systemd_watchdog"), *w = device(d);
        const char *path = jtext(d->wanted, "path"), *theirs = jtext(s, "device");

        if (!is_off(s, "runtime") && (!*theirs || strcmp(theirs, path) == 0)) {
                found(f, SEVERITY_BAD,
                      "RuntimeWatchdogSec=%s: systemd takes the watchdog at boot, before hawd "
                      "can, and feeds it whatever becomes of hawd",
                      jtext(s, "runtime"));
                mend(f, "take RuntimeWatchdogSec out of /etc/systemd/system.conf and "
                        "system.conf.d, and boot");
        }
        if (!jbool(w, "nowayout"))
                return;
        found(f, SEVERITY_NOTE, "%s has nowayout: a stop of hawd resets this host%s", path,
              !jnull(s, "reboot") && is_off(s, "reboot")
                      ? ", and so does a shutdown that takes longer than watchdog-timeout, since "
                        "RebootWatchdogSec is off"
                      : "");
        mend(f, "nowayout=0 for its driver in /etc/modprobe.d; a restart of hawd is safe");
}

/* corosync forgives a stall shorter than that. */
static void judge_lease(struct findings *f, const struct dogs *d) {
        const json_t *c = json_object_get(d->facts, "corosync");
        int64_t time = jnum(c, "token_ms") + jnum(c, "consensus_ms");

        if (d->lease_ms <= 0 || time < d->lease_ms)
                return;
        found(f, SEVERITY_WARNING,
              "the lease of %.1f s is no longer than corosync takes to notice a loss (%.1f s): a "
              "host is reset for a stall after which it would have gone on",
              (double)d->lease_ms / 1000, (double)time / 1000);
        mend(f, "a longer lease in hawd.conf, or a shorter token in corosync.conf");
}

static void judge_host(struct findings *f, const struct dogs *d) {
        if (jnull(d->wanted, "path")) {
                judge_unused(f, d);
                return;
        }
        if (judge_usable(f, d))
                judge_armed(f, d);
        judge_systemd(f, d);
        judge_lease(f, d);
}

/* ---- all of them ------------------------------------------------------------------------------
 */

/* Each of the two needs the other to be fed, and nobody can count on what ran out. */
static void judge_two(struct findings *f, const json_t *hosts) {
        const json_t *h;
        bool any = false;
        size_t i;

        json_array_foreach(hosts, i, h) any |= jnum(h, "watchdog_ms") > 0;
        if (!any || i != 2)
                return;
        found(f, SEVERITY_WARNING,
              "two hosts with watchdogs: when one is lost, or its hawd, and its fence devices do "
              "not "
              "prove it off in time, the other resets itself too; a lease proves nothing where "
              "half "
              "of the hosts may go on");
        mend(f, "a third host; or self-fence = never in hawd.conf");
}

void judge_watchdogs(struct findings *f, const json_t *exam) {
        const json_t *live = part_of(exam, "status/hosts"), *h;
        size_t i;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const char *name = jtext(h, "name");
                const json_t *facts = facts_of(h), *conf = part_of(facts, "host/config/watchdog");
                const json_t *hosts = json_object_get(conf, "hosts");
                struct dogs d = {.host = name,
                                 .facts = facts,
                                 .list = part_of(facts, "host/watchdogs"),
                                 .wanted = row_of(hosts, "name", name),
                                 .status = row_of(live, "name", name),
                                 .lease_ms = jnum(conf, "lease_ms")};

                if (!facts)
                        continue;
                if (!d.wanted)
                        d.wanted = row_of(hosts, "name",
                                          ""); /* what holds for hosts without a section */
                text_set(f->host, sizeof(f->host), name);
                if (json_is_array(d.list))
                        judge_host(f, &d);
                else
                        (void)not_known(f, NULL, "the watchdog device");
        }
        f->host[0] = '\0';
        judge_two(f, live);
}
