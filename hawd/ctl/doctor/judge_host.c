/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host itself: hawd on it, its files, its service, its clock. */
#include "hawd/ctl/doctor/finding.h"

#define DISK_BAD_MIB 64
#define DISK_LOW_MIB 1024

void judge_hawd(struct findings *f, const json_t *facts) {
        const json_t *wants = json_object_get(facts, "wants");

        if (!json_is_object(wants)) {
                (void)not_known(f, NULL, "whether hawd answers");
        } else if (!jnull(wants, "hawd_error")) {
                found(f, SEVERITY_BAD, "%s: nobody watches its guests", jtext(wants, "hawd_error"));
                mend(f, "systemctl restart hawd; journalctl -u hawd");
                if (jnull(wants, "from"))
                        found(f, SEVERITY_NOTE,
                              "not known: what guests need here: because neither hawd nor libvirt "
                              "answers");
        } else {
                found(f, SEVERITY_OK, "hawd answers, it keeps %lld guests",
                      (long long)jnum(wants, "n"));
        }
}

void judge_config(struct findings *f, const json_t *facts) {
        const json_t *c = part_of(facts, "host/config");

        if (!json_is_object(c)) {
                (void)not_known(f, NULL, "hawd's configuration");
        } else if (!jnull(c, "error")) {
                found(f, SEVERITY_BAD, "%s; hawd would not start with it", jtext(c, "error"));
                mend(f, "hawd --check-config shows every mistake");
        } else if (!jnull(c, "running_error")) {
                found(f, SEVERITY_NOTE,
                      "not known: whether the configuration in use is that of %s: because %s",
                      jtext(c, "path"), jtext(c, "running_error"));
        } else if (strcmp(jtext(c, "hash"), jtext(c, "running_hash")) != 0) {
                found(f, SEVERITY_WARNING, "%s was changed, and hawd has not read it yet",
                      jtext(c, "path"));
                mend(f, "systemctl reload hawd");
        } else {
                found(f, SEVERITY_OK, "the configuration has no mistake and is in use");
        }
}

void judge_secrets(struct findings *f, const json_t *facts) {
        const json_t *s = part_of(facts, "host/secrets");

        if (not_known(f, s, "who can read the passwords of the fence devices"))
                return;
        if (!jbool(s, "found")) {
                found(f, SEVERITY_NOTE,
                      "%s is not there: devices that need a password then take it from a systemd "
                      "credential, or fail",
                      jtext(s, "path"));
        } else if (!jnull(s, "unsafe")) {
                found(f, SEVERITY_BAD, "%s; no device that needs it can be used",
                      jtext(s, "unsafe"));
                mend(f, "chown root:root and chmod 600 %s, and change the passwords in it",
                     jtext(s, "path"));
        } else {
                found(f, SEVERITY_OK, "only root reads the passwords");
        }
}

/* ---- the service ------------------------------------------------------------------------------
 */

static bool after(const json_t *unit, const char *other) {
        const json_t *j;
        size_t i;

        json_array_foreach(json_object_get(unit, "after"), i,
                           j) if (strcmp(jword(j), other) == 0) return true;
        return false;
}

static bool service_order(struct findings *f, const json_t *unit, bool solo) {
        static const struct {
                const char *name, *other, *why;
        } wanted[] = {
                {"corosync.service", NULL, "hawd cannot join before it"},
                {"libvirtd.service", "virtqemud.service",
                 "when the host stops, libvirt may go before the guests are moved away"},
                {"virt-guest-shutdown.target", NULL,
                 "when the host stops, systemd may end guests before they are moved away"},
        };
        bool any = false;

        for (size_t i = solo ? 1 : 0; i < ARRAY_SIZE(wanted); i++) {
                if (after(unit, wanted[i].name) ||
                    (wanted[i].other && after(unit, wanted[i].other)))
                        continue;
                found(f, SEVERITY_WARNING, "hawd.service is not ordered after %s: %s",
                      wanted[i].name, wanted[i].why);
                mend(f, "After=%s in a drop-in: systemctl edit hawd", wanted[i].name);
                any = true;
        }
        return any;
}

void judge_service(struct findings *f, const json_t *facts) {
        const json_t *units = part_of(facts, "host/units"), *u;
        bool solo = strcmp(jtext(part_of(facts, "host/config"), "ring"), "solo") == 0;
        const char *name = solo ? "hawd-solo" : "hawd";

        if (not_known(f, units, "whether hawd starts with the host"))
                return;
        u = json_object_get(units, name);
        if (!jbool(u, "found") || jbool(u, "masked")) {
                found(f, SEVERITY_BAD, "%s.service is %s", name,
                      jbool(u, "masked") ? "masked" : "not installed");
                mend(f, "install it, systemctl unmask %s, systemctl enable %s", name, name);
        } else if (!jbool(u, "enabled")) {
                found(f, SEVERITY_BAD,
                      "%s.service is not enabled: after a boot this host comes back without hawd, "
                      "and counts as lost",
                      name);
                mend(f, "systemctl enable %s", name);
        } else if (!service_order(f, u, solo)) {
                found(f, SEVERITY_OK, "%s.service is enabled, and in order", name);
        }
}

void judge_limits(struct findings *f, const json_t *facts) {
        const json_t *h = json_object_get(facts, "hawd");

        if (!jnull(json_object_get(facts, "wants"), "hawd_error") && json_is_object(h) &&
            !jnull(h, "error"))
                return; /* it does not run: said already */
        if (not_known(f, h, "whether hawd is real-time and locked in memory"))
                return;
        if (!jbool(h, "real_time")) {
                found(f, SEVERITY_WARNING,
                      "hawd has no real-time scheduling: on a busy host it may miss its "
                      "heartbeats");
                mend(f, "LimitRTPRIO=infinity for hawd.service, and no cgroup that forbids it "
                        "(CAP_SYS_NICE in a container)");
        }
        if (jnum(h, "locked_kib") == 0) {
                found(f, SEVERITY_WARNING,
                      "hawd is not locked in memory: a host that swaps stalls it");
                mend(f, "LimitMEMLOCK=infinity for hawd.service (CAP_IPC_LOCK in a container)");
        }
        if (jbool(h, "real_time") && jnum(h, "locked_kib") > 0)
                found(f, SEVERITY_OK, "hawd is real-time and locked in memory");
}

/* ---- disk, clock, others -----------------------------------------------------------------------
 */

void judge_disk(struct findings *f, const json_t *facts) {
        const json_t *d = part_of(facts, "host/state_dir");
        int64_t mib = jnum(d, "free_mib");
        bool low = mib < DISK_LOW_MIB; /* whatever its share of the disk: the ledger is small */

        if (not_known(f, d, "the room for the ledger"))
                return;
        found(f,
              mib < DISK_BAD_MIB ? SEVERITY_BAD
              : low              ? SEVERITY_WARNING
                                 : SEVERITY_OK,
              "%lld MiB free for the ledger in %s", (long long)mib, jtext(d, "path"));
        if (low)
                mend(f, "make room there: without it hawd decides nothing new");
}

void judge_time(struct findings *f, const json_t *facts) {
        const json_t *c = part_of(facts, "host/clock");

        if (not_known(f, c, "whether the clock is synchronised"))
                return;
        if (jbool(c, "synchronised")) {
                found(f, SEVERITY_OK, "the clock is synchronised");
        } else {
                found(f, SEVERITY_WARNING,
                      "the clock is not synchronised: times of incidents, MTTR and SLA will be "
                      "wrong");
                mend(f, "chrony, or systemd-timesyncd: timedatectl set-ntp true");
        }
}

void judge_managers(struct findings *f, const json_t *facts) {
        const json_t *list = part_of(facts, "host/managers"), *m;
        size_t i;

        if (!json_is_array(list)) {
                (void)not_known(f, NULL, "other cluster managers");
                return;
        }
        json_array_foreach(list, i, m) {
                found(f, jbool(m, "running") ? SEVERITY_BAD : SEVERITY_WARNING,
                      "%s %s: two that start and fence what the other stopped", jtext(m, "name"),
                      jbool(m, "running") ? "runs here too" : "is enabled at boot");
                mend(f, "systemctl disable --now %s", jtext(m, "unit"));
        }
        if (i == 0)
                found(f, SEVERITY_OK, "no other cluster manager");
}

void judge_uplink(struct findings *f, const json_t *facts) {
        const json_t *list = json_object_get(part_of(facts, "host/config"), "uplinks"), *u, *x,
                     *own = NULL;
        size_t i;

        json_array_foreach(list, i, u) if (jnull(u, "name") ||
                                           strcmp(jtext(u, "name"), f->host) == 0) own = u;
        json_array_foreach(json_object_get(own, "missing"), i, x) {
                found(f, SEVERITY_BAD, "there is no interface %s, which is its uplink in hawd.conf",
                      jword(x));
                mend(f,
                     "uplink = in hawd.conf (ip link has the names), in [host %s] if it is called "
                     "otherwise on others",
                     f->host);
        }
        if (own && i == 0)
                found(f, SEVERITY_OK, "its uplink is there, or it has none");
}
