/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fence devices: without one that works, the guests of a lost host wait for a person. */
#include "hawd/ctl/doctor/finding.h"
#include "hawd/ctl/text.h"

#define CHECK_MS 60000 /* fence-check, where it is not known */
#define CHECKS_LATE 3
#define DAY_MS INT64_C(86400000)
#define NAMES_SHOWN 3

static int64_t check_ms(const json_t *exam) {
        const json_t *h;
        size_t i;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const json_t *c = part_of(facts_of(h), "host/config");

                if (jnum(c, "fence_check_ms") > 0)
                        return MIN(jnum(c, "fence_check_ms"), DAY_MS);
        }
        return CHECK_MS;
}

/* Return: whether it would work, as far as is known. */
static bool device(struct findings *f, const char *host, const json_t *d, int64_t late_usec,
                   int64_t now) {
        const char *name = jtext(d, "name");
        int64_t checked = jnum(d, "checked_usec");
        char when[NAME_LEN];

        if (!jnull(d, "switches")) {
                found_on(f, host, SEVERITY_BAD,
                         "%s is not used: it switches %s, by its System GUID", name,
                         jtext(d, "switches"));
                mend(f, "correct address and host of [fence %s] in hawd.conf, on all hosts", name);
                return false;
        }
        if (jbool(d, "distrusted")) {
                found_on(f, host, SEVERITY_BAD,
                         "%s read off while its host was up: it proves nothing", name);
                mend(f,
                     "see that it switches the power of %s and of no other: hawctl fence test "
                     "%s",
                     host, host);
                return false;
        }
        if (!jnull(d, "error") || !jbool(d, "reachable")) {
                found_on(f, host, SEVERITY_BAD, "%s cannot be used: %s", name,
                         jnull(d, "error") ? "nobody has reached it yet" : jtext(d, "error"));
                mend(f, "repair it, then hawctl fence test %s", host);
                return false;
        }
        if (!jbool(d, "seen_on")) {
                found_on(
                        f, host, SEVERITY_BAD,
                        "%s was never seen to read on while its host was up: it proves nothing yet",
                        name);
                mend(f, "hawctl fence test %s; a new one is read within a minute", host);
                return false;
        }
        if (checked == 0 || now - checked > late_usec) {
                ago(checked, when, sizeof(when));
                found_on(f, host, SEVERITY_WARNING, "%s was not read for %s", name, when);
                mend(f, "hawctl fence test %s", host);
        }
        return true;
}

static void levels(struct findings *f, const char *host, const json_t *devices) {
        int64_t first = 0;
        const json_t *d;
        size_t i;

        json_array_foreach(devices, i, d) {
                if (jnull(d, "level"))
                        found_on(f, host, SEVERITY_NOTE,
                                 "%s is in the ledger, and not in the hawd.conf of this member",
                                 jtext(d, "name"));
                else if (first == 0)
                        first = jnum(d, "level");
                else if (first != jnum(d, "level"))
                        return;
        }
        found_on(f, host, SEVERITY_WARNING,
                 "all its fence devices are of one level: when they fail with the host (a BMC "
                 "without "
                 "power), only a person can prove it off");
        mend(f, "a second level, e.g. a switched PDU: [fence NAME] with level = 2");
}

void judge_fencing(struct findings *f, const json_t *exam) {
        int64_t now = jnum(exam, "now_usec");
        int64_t late = CHECKS_LATE * check_ms(exam) * 1000 + (int64_t)DEVICE_SAID_USEC;
        const json_t *h, *d;
        size_t i, k;

        if (json_array_size(part_of(exam, "status/hosts")) == 1)
                return; /* there is nobody to fence it */
        json_array_foreach(part_of(exam, "status/hosts"), i, h) {
                const json_t *devices = json_object_get(h, "devices");
                const char *name = jtext(h, "name");
                bool good = true;

                if (json_array_size(devices) == 0) {
                        found_on(f, name, SEVERITY_BAD,
                                 "it has no fence device: when it is lost, its guests wait for a "
                                 "person");
                        mend(f, "[fence NAME] with host = %s in hawd.conf on all hosts", name);
                        continue;
                }
                json_array_foreach(devices, k, d) good &= device(f, name, d, late, now);
                levels(f, name, devices);
                if (good)
                        found_on(f, name, SEVERITY_OK, "its fence devices work (%zu)", k);
        }
}

/* How many say the same, by name; false when one before @at has said it already. */
static bool who_says(const json_t *wrong, size_t at, const char *key, char names[TEXT_LEN]) {
        const char *what = jtext(json_array_get(wrong, at), key);
        const json_t *d;
        size_t i, len = 0, n = 0;

        names[0] = '\0';
        json_array_foreach(wrong, i, d) {
                if (strcmp(jtext(d, key), what) != 0)
                        continue;
                if (i < at)
                        return false;
                if (n++ < NAMES_SHOWN)
                        text_fmt(names + len, TEXT_LEN - len, "%s%.60s", len ? ", " : "",
                                 jtext(d, "device"));
                len = strlen(names);
        }
        if (n > NAMES_SHOWN)
                text_fmt(names + len, TEXT_LEN - len, " and %zu more", n - NAMES_SHOWN);
        return true;
}

/* On each host, before anything is lost: any of them may have to fence. */
void judge_fence_setup(struct findings *f, const json_t *facts) {
        const json_t *part = json_object_get(facts, "fence");
        const json_t *wrong = json_object_get(part, "wrong"), *d;
        char names[TEXT_LEN];
        bool bad = false;
        size_t i;

        if (not_known(f, part, "whether it could fence the others"))
                return;
        json_array_foreach(wrong, i, d) {
                if (!jnull(d, "error")) {
                        bad = true;
                        if (!who_says(wrong, i, "message", names))
                                continue;
                        found(f, SEVERITY_BAD, "it cannot use %s: %s", names, jtext(d, "message"));
                        mend(f, "mend that there, then hawctl fence test --all --from all");
                } else if (who_says(wrong, i, "warning", names)) {
                        found(f, SEVERITY_WARNING, "%s: %s", names, jtext(d, "warning"));
                        mend(f, "driver = ipmi in [fence NAME] of hawd.conf, see hawd.conf(5)");
                }
        }
        if (!bad && jnum(part, "devices") > 0)
                found(f, SEVERITY_OK, "it has the passwords and agents of all fence devices (%lld)",
                      (long long)jnum(part, "devices"));
}
