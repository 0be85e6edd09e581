/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Will replicas and snapshots be there when they are needed? */
#include "hawd/ctl/doctor/finding.h"

static const json_t *host_facts(const json_t *exam, const char *name) {
        return facts_of(row_of(json_object_get(exam, "hosts"), "name", name));
}

/* ---- replicas ---------------------------------------------------------------------------------
 */

/* Between which hosts? Return: whether there are two. */
static bool has_hosts(struct findings *f, const json_t *exam, const json_t *r) {
        const char *guest = jtext(r, "guest"), *to = jtext(r, "host"), *from = jtext(r, "data");
        const json_t *g = guest_of(exam, guest);

        if (!*to || !row_of(part_of(exam, "status/hosts"), "name", to)) {
                found(f, SEVERITY_BAD,
                      "the replica of guest %s is to be on a host that is not there%s%s", guest,
                      *to ? ": " : "", to);
                mend(f, "hawctl replica add %s HOST %s, another host", guest, jtext(r, "mode"));
                return false;
        }
        if (strcmp(jtext(g, "host"), to) == 0 && (!*from || strcmp(from, to) == 0)) {
                found_on(f, to, SEVERITY_BAD,
                         "guest %s runs on the host of its replica itself: it is not copied",
                         guest);
                mend(f, "hawctl replica add %s HOST %s, another host", guest, jtext(r, "mode"));
                return false;
        }
        return *from;
}

static void judge_hold(struct findings *f, const json_t *exam, const json_t *r) {
        const char *from = jtext(r, "data");
        const json_t *c = part_of(host_facts(exam, from), "host/config");
        int64_t hold = jnum(c, "replica_hold_ms"), least = jnum(c, "replica_hold_least_ms");

        if (strcmp(jtext(r, "mode"), "sync") != 0 || hold == 0 || hold >= least)
                return;
        found_on(
                f, from, SEVERITY_BAD,
                "replica-hold of %lld s is too short: it may take longer until this host is proven "
                "off, and then no replica of it is started from",
                (long long)(hold / 1000));
        mend(f, "replica-hold = %llds or more in hawd.conf; it holds for copies that begin then",
             (long long)((least + 999) / 1000));
}

static const json_t *file_of(const json_t *facts, const char *guest, const char *what) {
        const json_t *x;
        size_t i;

        json_array_foreach(json_object_get(json_object_get(facts, "storage"), "copies"), i,
                           x) if (strcmp(jtext(x, "guest"), guest) == 0 &&
                                  strcmp(jtext(x, "what"), what) == 0) return x;
        return NULL;
}

/* Each file is preallocated there; a copy that is under way has its room already. */
static void judge_room(struct findings *f, const json_t *exam, const json_t *r) {
        const char *guest = jtext(r, "guest"), *to = jtext(r, "host");
        const json_t *there = host_facts(exam, to), *x;
        const json_t *here = host_facts(exam, jtext(r, "data"));
        int64_t needs = 0;
        size_t i;

        if (strcmp(jtext(r, "state"), "in-step") == 0 || strcmp(jtext(r, "state"), "copying") == 0)
                return;
        json_array_foreach(json_object_get(json_object_get(here, "storage"), "copies"), i, x) {
                const json_t *other = file_of(there, guest, jtext(x, "what"));

                if (strcmp(jtext(x, "guest"), guest) != 0 || !other)
                        continue;
                if (!jnull(other, "why")) {
                        found_on(f, to, SEVERITY_BAD,
                                 "the replica of guest %s cannot be received: the folder of %s: %s",
                                 guest, jtext(x, "what"), jtext(other, "why"));
                        mend(f, "make it, or mount there what is to hold it, as on %s",
                             jtext(r, "data"));
                        return;
                }
                needs += jnum(x, "size_mib");
                if (needs <= jnum(other, "free_mib") + jnum(other, "copy_mib"))
                        continue;
                found_on(
                        f, to, SEVERITY_BAD,
                        "no room for the replica of guest %s: %s needs %lld MiB, and %lld are free",
                        guest, jtext(x, "what"), (long long)needs,
                        (long long)jnum(other, "free_mib"));
                mend(f, "make room on %s, or hawctl replica add %s HOST %s, another host", to,
                     guest, jtext(r, "mode"));
                return;
        }
}

/* S8: what a start from a copy left is kept until somebody removes it. */
static void say_left(struct findings *f, const json_t *exam, const char *host, const char *guest) {
        const json_t *facts = host_facts(exam, host), *x, *left;
        size_t i, k;

        json_array_foreach(json_object_get(json_object_get(facts, "storage"), "copies"), i, x) {
                if (strcmp(jtext(x, "guest"), guest) != 0)
                        continue;
                json_array_foreach(json_object_get(x, "left"), k, left) {
                        found_on(f, host, SEVERITY_NOTE,
                                 "%s beside the disk of guest %s is what a start from its replica "
                                 "left: %lld MiB",
                                 jtext(left, "what"), guest, (long long)jnum(left, "mib"));
                        mend(f, "remove it when nothing in it is missed: hawd never does");
                }
        }
}

void judge_replicas(struct findings *f, const json_t *exam) {
        const json_t *list = json_object_get(exam, "replicas"), *r;
        size_t before = f->n, i;

        json_array_foreach(list, i, r) {
                const json_t *settings =
                        json_object_get(guest_of(exam, jtext(r, "guest")), "settings");
                int64_t lag = jnum(settings, "replica_lag_ms"), loss = jnum(r, "loss_allowed_ms");

                if (!has_hosts(f, exam, r))
                        continue;
                judge_hold(f, exam, r);
                judge_room(f, exam, r);
                say_left(f, exam, jtext(r, "data"), jtext(r, "guest"));
                say_left(f, exam, jtext(r, "host"), jtext(r, "guest"));
                if (strcmp(jtext(r, "mode"), "async") == 0 && loss > 0 && loss < lag) {
                        found(f, SEVERITY_WARNING,
                              "the replica of guest %s may get older (replica-lag %lld s) than it "
                              "may "
                              "be started from (replica-loss %lld s)",
                              jtext(r, "guest"), (long long)(lag / 1000), (long long)(loss / 1000));
                        mend(f, "hawctl guest set %s replica-lag=%llds", jtext(r, "guest"),
                             (long long)(loss / 2000));
                }
        }
        if (json_array_size(list) > 0 && f->n == before)
                found(f, SEVERITY_OK, "hosts and room for %zu replicas", json_array_size(list));
}

/* ---- snapshots --------------------------------------------------------------------------------
 */

static bool has_rung(const json_t *settings, const char *rung) {
        return strstr(jtext(settings, "recovery"), rung);
}

static void judge_rungs(struct findings *f, const json_t *g) {
        const json_t *settings = json_object_get(g, "settings");
        const char *name = jtext(g, "name");
        bool replica = strcmp(jtext(settings, "replica"), "none") != 0;

        if (has_rung(settings, "rollback") && strcmp(jtext(settings, "snapshot"), "off") == 0 &&
            json_array_size(json_object_get(json_object_get(g, "snapshots"), "snapshots")) == 0) {
                found(f, SEVERITY_WARNING,
                      "guest %s is to go back to a snapshot when nothing else helps, and has none",
                      name);
                mend(f, "hawctl guest set %s snapshot=1h (or another time), or another recovery",
                     name);
        }
        if (has_rung(settings, "replica") && !replica) {
                found(f, SEVERITY_WARNING,
                      "guest %s is to start from a replica when nothing else helps, and has none",
                      name);
                mend(f, "hawctl replica add %s HOST sync, or another recovery", name);
        }
}

/* The newest alone is above the limit: then there is never more than that one. */
static void judge_space(struct findings *f, const json_t *g) {
        int64_t limit = jnum(json_object_get(g, "settings"), "snapshot_space_mib"), most = 0;
        const json_t *s;
        size_t i;

        json_array_foreach(json_object_get(json_object_get(g, "snapshots"), "snapshots"), i, s)
                most = MAX(most, jnum(s, "mib"));
        if (limit == 0 || most <= limit)
                return;
        found(f, SEVERITY_WARNING,
              "snapshot-space of guest %s is %lld MiB, and one snapshot alone takes %lld: only the "
              "newest stays",
              jtext(g, "name"), (long long)limit, (long long)most);
        mend(f, "hawctl guest set %s snapshot-space=%lldMiB or more", jtext(g, "name"),
             (long long)most * 3);
}

void judge_snapshots(struct findings *f, const json_t *exam) {
        size_t i, before = f->n, n = 0;
        const json_t *g;

        json_array_foreach(json_object_get(exam, "guests"), i, g) {
                const char *when = jtext(json_object_get(g, "settings"), "snapshot");

                judge_rungs(f, g);
                judge_space(f, g);
                if (!*when || strcmp(when, "off") == 0)
                        continue;
                n++;
                if (jnull(g, "no_snapshot"))
                        continue;
                found(f, SEVERITY_BAD, "no snapshot of guest %s can be taken: %s", jtext(g, "name"),
                      jtext(g, "no_snapshot"));
                mend(f, "other disks for it, or hawctl guest set %s snapshot=off",
                     jtext(g, "name"));
        }
        if (n > 0 && f->n == before)
                found(f, SEVERITY_OK, "all disks of %zu guests can be in snapshots", n);
}
