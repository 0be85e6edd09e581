/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One `do =` line of a scenario. What hawd can not do yet is refused, never ignored.
 */
#include "hawd/sim/scenario.h"

#define WORDS_MAX 8

struct words {
        char text[256];
        char *w[WORDS_MAX];
        size_t n;
};

/* What follows the noun: HOST or GUEST in its place, or a word that must stand there. */
static const struct pattern {
        const char *words; /* H host, G guest, anything else itself */
        enum fault_kind kind;
        uint64_t arg;
} patterns[] = {
        {"power H off", FAULT_POWER_OFF, 0},
        {"power H on", FAULT_POWER_ON, 0},
        {"power H reset", FAULT_POWER_RESET, 0},
        {"network H cut", FAULT_NET_CUT, 0},
        {"network H restore", FAULT_NET_RESTORE, 0},
        {"mgmt H cut", FAULT_MGMT_CUT, 0},
        {"mgmt H restore", FAULT_MGMT_RESTORE, 0},
        {"freeze H", FAULT_FREEZE, 0},
        {"thaw H", FAULT_THAW, 0},
        {"daemon H kill", FAULT_HAWD_KILL, 0},
        {"daemon H start", FAULT_HAWD_START, 0},
        {"daemon H stop", FAULT_HAWD_STOP, 0},
        {"ring H kill", FAULT_RING_KILL, 0},
        {"libvirt H hang", FAULT_LIBVIRT_HANG, 0},
        {"libvirt H resume", FAULT_LIBVIRT_RESUME, 0},
        {"libvirt H restart", FAULT_LIBVIRT_RESTART, 0},
        {"libvirt H slow", FAULT_LIBVIRT_SLOW, 1},
        {"libvirt H fast", FAULT_LIBVIRT_SLOW, 0},
        {"bmc H dead", FAULT_BMC, BMC_DEAD},
        {"bmc H alive", FAULT_BMC, BMC_OK},
        {"bmc H lie", FAULT_BMC, BMC_LYING},
        {"bmc H slow", FAULT_BMC, BMC_SLOW},
        {"disk H full", FAULT_DISK, DISK_FULL},
        {"disk H slow", FAULT_DISK, DISK_SLOW},
        {"disk H ok", FAULT_DISK, DISK_OK},
        {"guest G crash", FAULT_GUEST_CRASH, 0},
        {"guest G shutdown", FAULT_GUEST_SHUTDOWN, 0},
        {"reboot H", FAULT_REBOOT, 0},
        {"shutdown H", FAULT_SHUTDOWN, 0},
        /* hawctl's verbs, and with the object first as it is said of guests */
        {"guest start G", FAULT_REQUEST, VERB_GUEST_START},
        {"guest stop G", FAULT_REQUEST, VERB_GUEST_STOP},
        {"guest ignore G", FAULT_REQUEST, VERB_GUEST_IGNORE},
        {"guest pause G", FAULT_REQUEST, VERB_GUEST_PAUSE},
        {"guest resume G", FAULT_REQUEST, VERB_GUEST_RESUME},
        {"guest move G H", FAULT_REQUEST, VERB_GUEST_MOVE},
        {"guest delete G", FAULT_REQUEST, VERB_GUEST_DELETE},
        {"guest remove G", FAULT_REQUEST, VERB_GUEST_REMOVE},
        {"rule delete N", FAULT_REQUEST, VERB_RULE_DELETE},
        {"fence test H", FAULT_REQUEST, VERB_FENCE_TEST},
        {"fence host H", FAULT_REQUEST, VERB_FENCE_HOST},
        {"fence confirm H", FAULT_REQUEST, VERB_FENCE_CONFIRM},
};

/* Nouns and verbs that are hawd's, but not done yet. */
static const char *const not_yet[] = {
        "guest G hang",
        "guest G panic",
        "guest G io-error",
        "storage H lose",
        "storage H restore",
        "host maintenance",
        "host evacuate",
        "guest set",
        "guest add",
        "guest create",
        "rule add",
        "snapshot",
        "replica",
        "plan",
        "queue",
        "apply",
        "evacuate",
        "maintenance",
        "guest migrate",
};

static void split(const char *line, struct words *ret) {
        char *save = NULL;

        memset(ret, 0, sizeof(*ret));
        text_set(ret->text, sizeof(ret->text), line);
        for (char *w = strtok_r(ret->text, " \t", &save); w && ret->n < WORDS_MAX;
             w = strtok_r(NULL, " \t", &save))
                ret->w[ret->n++] = w;
}

static int host_named(const struct sim_conf *c, const char *name) {
        for (size_t i = 0; i < c->n_hosts; i++)
                if (strcmp(c->hosts[i].name, name) == 0)
                        return (int)i;
        return -1;
}

static int guest_named(const struct sim_conf *c, const char *name) {
        for (size_t i = 0; i < c->n_guests; i++)
                if (strcmp(c->guests[i].name, name) == 0)
                        return (int)i;
        return -1;
}

static bool placeholder(const char *w) {
        return w[1] == '\0' && (*w == 'H' || *w == 'G' || *w == 'N');
}

/* Do the fixed words stand where they should? @whole: and is nothing behind them? */
static bool fits(const struct words *p, const struct words *l, bool whole) {
        if (l->n < p->n || (whole && l->n != p->n))
                return false;
        for (size_t i = 0; i < p->n; i++)
                if (!placeholder(p->w[i]) && strcmp(p->w[i], l->w[i]) != 0)
                        return false;
        return true;
}

static int fill(const struct sim_conf *c, const struct words *p, const struct words *l,
                struct fault *f, char *err) {
        for (size_t i = 0; i < p->n; i++) {
                if (!placeholder(p->w[i]))
                        continue;
                if (*p->w[i] == 'N') {
                        text_set(f->name, NAME_LEN, l->w[i]);
                } else if (*p->w[i] == 'H') {
                        f->host = host_named(c, l->w[i]);
                        if (f->host < 0) {
                                text_fmt(err, TEXT_LEN, "there is no host '%.60s'", l->w[i]);
                                return -EINVAL;
                        }
                } else {
                        f->guest = guest_named(c, l->w[i]);
                        if (f->guest < 0) {
                                text_fmt(err, TEXT_LEN, "there is no guest '%.60s'", l->w[i]);
                                return -EINVAL;
                        }
                }
        }
        return 0;
}

int scenario_verb(const struct sim_conf *c, const char *line, struct fault *ret, char *err) {
        struct words l, p;

        split(line, &l);
        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
                split(patterns[i].words, &p);
                if (!fits(&p, &l, true))
                        continue;
                *ret = (struct fault){
                        .kind = patterns[i].kind, .host = -1, .guest = -1, .arg = patterns[i].arg};
                return fill(c, &p, &l, ret, err);
        }
        for (size_t i = 0; i < ARRAY_SIZE(not_yet); i++) {
                split(not_yet[i], &p);
                if (fits(&p, &l, false)) {
                        text_fmt(err, TEXT_LEN, "'%.100s': not yet supported", line);
                        return -EINVAL;
                }
        }
        text_fmt(err, TEXT_LEN, "'%.100s' is no verb of a scenario", line);
        return -EINVAL;
}
