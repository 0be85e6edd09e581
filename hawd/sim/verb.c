/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One `do =` line of a scenario. What hawd can not do yet is refused, never ignored.
 */
#include "hawd/sim/scenario.h"

#define WORDS_MAX 40

struct words {
        char text[256];
        char *w[WORDS_MAX];
        size_t n;
};

/* What follows the noun: HOST or GUEST in its place, or a word that must stand there. */
static const struct pattern {
        const char *words; /* H host, G guest, N a name, anything else itself */
        enum fault_kind kind;
        uint64_t arg;
} patterns[] = {
        {"power H off", FAULT_POWER_OFF, 0},
        {"power H on", FAULT_POWER_ON, 0},
        {"power H reset", FAULT_POWER_RESET, 0},
        {"power H pull", FAULT_POWER_PULL, 0},
        {"network H cut", FAULT_NET_CUT, 0},
        {"network H restore", FAULT_NET_RESTORE, 0},
        {"network whole", FAULT_NET_SPLIT, 0},
        {"mgmt H cut", FAULT_MGMT_CUT, 0},
        {"mgmt H restore", FAULT_MGMT_RESTORE, 0},
        {"watchdog H expire", FAULT_WATCHDOG, 0},
        {"daemon H restart", FAULT_HAWD_RESTART, 0},
        {"freeze H", FAULT_FREEZE, 0},
        {"thaw H", FAULT_THAW, 0},
        {"daemon H kill", FAULT_HAWD_KILL, 0},
        {"daemon H start", FAULT_HAWD_START, 0},
        {"daemon H stop", FAULT_HAWD_STOP, 0},
        {"daemon H freeze", FAULT_HAWD_FREEZE, 0},
        {"daemon H thaw", FAULT_HAWD_THAW, 0},
        {"ring H kill", FAULT_RING_KILL, 0},
        {"ring H freeze", FAULT_RING_FREEZE, 0},
        {"ring H thaw", FAULT_RING_THAW, 0},
        {"ring H late", FAULT_RING_LATE, 0},
        {"token late", FAULT_TOKEN_LATE, 0},
        {"libvirt H hang", FAULT_LIBVIRT_HANG, 0},
        {"libvirt H resume", FAULT_LIBVIRT_RESUME, 0},
        {"libvirt H restart", FAULT_LIBVIRT_RESTART, 0},
        {"libvirt H slow", FAULT_LIBVIRT_SLOW, 1},
        {"libvirt H fast", FAULT_LIBVIRT_SLOW, 0},
        {"disk H full", FAULT_DISK, DISK_FULL},
        {"disk H slow", FAULT_DISK, DISK_SLOW},
        {"disk H failing", FAULT_DISK, DISK_FAILING},
        {"disk H ok", FAULT_DISK, DISK_OK},
        {"disk H lost", FAULT_DISK_LOST, 0},
        {"node H add", FAULT_NODE_ADD, 0},
        {"node H remove", FAULT_NODE_REMOVE, 0},
        {"guest G crash", FAULT_GUEST_CRASH, 0},
        {"guest G shutdown", FAULT_GUEST_SHUTDOWN, 0},
        {"guest G hang", FAULT_GUEST_HANG, 0},
        {"guest G watchdog", FAULT_GUEST_WATCHDOG, 0},
        {"guest G panic", FAULT_GUEST_PANIC, 0},
        {"guest G io-error", FAULT_GUEST_IO, 0},
        {"guest G boot-loop", FAULT_GUEST_LOOP, 0},
        {"storage H lose", FAULT_STORAGE_LOSE, 0},
        {"storage H restore", FAULT_STORAGE_RESTORE, 0},
        {"host H degrade storage", FAULT_ILL_STORAGE, 0},
        {"host H degrade uplink", FAULT_ILL_UPLINK, 0},
        {"host H degrade memory", FAULT_ILL_MEMORY, 0},
        {"host H degrade sensors", FAULT_ILL_SENSORS, 0},
        {"host H heal sensors", FAULT_WELL_SENSORS, 0},
        {"host H heal storage", FAULT_WELL_STORAGE, 0},
        {"host H heal uplink", FAULT_WELL_UPLINK, 0},
        {"host H heal memory", FAULT_WELL_MEMORY, 0},
        {"host H heal", FAULT_WELL, 0},
        {"replica G kill", FAULT_REPLICA_KILL, 0},
        {"replicas H cut", FAULT_REPLICA_CUT, 0},
        {"replicas H restore", FAULT_REPLICA_RESTORE, 0},
        {"virsh destroy G", FAULT_GUEST_DESTROY, 0},
        {"virsh start G H", FAULT_GUEST_ROGUE, 0},
        {"reboot H", FAULT_REBOOT, 0},
        {"shutdown H", FAULT_SHUTDOWN, 0},
        {"mend all", FAULT_HEAL, 0},
        /* hawctl's verbs, and with the object first as it is said of guests */
        {"guest start G", FAULT_REQUEST, VERB_GUEST_START},
        {"guest stop G", FAULT_REQUEST, VERB_GUEST_STOP},
        {"guest ignore G", FAULT_REQUEST, VERB_GUEST_IGNORE},
        {"guest pause G", FAULT_REQUEST, VERB_GUEST_PAUSE},
        {"guest resume G", FAULT_REQUEST, VERB_GUEST_RESUME},
        {"guest recover G", FAULT_REQUEST, VERB_GUEST_RECOVER},
        {"guest move G H", FAULT_REQUEST, VERB_GUEST_MOVE},
        {"guest delete G", FAULT_REQUEST, VERB_GUEST_DELETE},
        {"guest remove G", FAULT_REQUEST, VERB_GUEST_REMOVE},
        {"replica promote G", FAULT_REQUEST, VERB_REPLICA_PROMOTE},
        {"replica promote --accept-loss G", FAULT_REQUEST, VERB_REPLICA_FORCE},
        {"replica resync G", FAULT_REQUEST, VERB_REPLICA_RESYNC},
        {"rule delete N", FAULT_REQUEST, VERB_RULE_DELETE},
        {"fence test H", FAULT_REQUEST, VERB_FENCE_TEST},
        {"fence host H", FAULT_REQUEST, VERB_FENCE_HOST},
        {"fence confirm H", FAULT_REQUEST, VERB_FENCE_CONFIRM},
        {"fence confirm H if off", FAULT_CONFIRM_TRUE, 0},
        {"host release H", FAULT_REQUEST, VERB_HOST_RELEASE},
        {"host accept-loss", FAULT_REQUEST, VERB_ACCEPT_LOSS},
        {"snapshot create G N", FAULT_REQUEST, VERB_SNAP_TAKE},
        {"snapshot delete G N", FAULT_REQUEST, VERB_SNAP_DELETE},
        {"snapshot rollback G N", FAULT_REQUEST, VERB_SNAP_ROLLBACK},
};

/* Nouns and verbs that are hawd's, but not done yet. */
static const char *const not_yet[] = {
        "host maintenance", "host evacuate", "guest set",     "guest add", "guest create",
        "rule add",         "replica add",   "plan",          "queue",     "apply",
        "evacuate",         "maintenance",   "guest migrate",
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

/* ---- those with words of their own ---- */

static int known_host(const struct sim_conf *c, const char *name, char *err) {
        int h = host_named(c, name);

        if (h < 0)
                text_fmt(err, TEXT_LEN, "there is no host '%.60s'", name);
        return h;
}

/* The words from @from on, as one text: "1min 30s". */
static void join(const struct words *l, size_t from, char *buf, size_t size) {
        buf[0] = '\0';
        for (size_t i = from; i < l->n; i++)
                text_fmt(buf + strlen(buf), size - strlen(buf), "%s%s", i > from ? " " : "",
                         l->w[i]);
}

static int read_msec(const struct words *l, size_t from, uint64_t *ret, char *err) {
        char text[256];
        usec_t t;

        join(l, from, text, sizeof(text));
        if (parse_duration(text, &t, err) < 0)
                return -EINVAL;
        *ret = t / USEC_PER_MSEC;
        return 0;
}

static int read_split(const struct sim_conf *c, const struct words *l, struct fault *f, char *err) {
        f->kind = FAULT_NET_SPLIT;
        for (size_t i = 2; i < l->n; i++) {
                int h = known_host(c, l->w[i], err);

                if (h < 0)
                        return -EINVAL;
                f->arg |= UINT64_C(1) << h;
        }
        return 0;
}

static int read_bmc(const struct sim_conf *c, const struct words *l, struct fault *f, char *err) {
        f->kind = FAULT_BMC;
        f->host = known_host(c, l->w[1], err);
        f->arg = l->w[0][3] ? (uint64_t)(l->w[0][3] - '0') << 8 : 0;
        for (uint64_t m = 0; f->host >= 0 && m < BMC_MODE_MAX_; m++) {
                if (!fault_bmc_words[m] || strcmp(fault_bmc_words[m], l->w[2]) != 0)
                        continue;
                f->arg |= m;
                return 0;
        }
        if (f->host >= 0)
                text_fmt(err, TEXT_LEN,
                         "'%.30s': a bmc is alive, dead, slow, flap, lie (does nothing) or "
                         "says-off",
                         l->w[2]);
        return -EINVAL;
}

static int read_clock(const struct sim_conf *c, const struct words *l, struct fault *f, char *err) {
        bool back = strcmp(l->w[2], "back") == 0;

        f->kind = FAULT_CLOCK;
        f->host = known_host(c, l->w[1], err);
        if (f->host < 0)
                return -EINVAL;
        if (!back && strcmp(l->w[2], "forward") != 0) {
                text_fmt(err, TEXT_LEN, "a clock is set forward or back, not '%.30s'", l->w[2]);
                return -EINVAL;
        }
        if (read_msec(l, 3, &f->arg, err) < 0)
                return -EINVAL;
        f->arg = back ? -f->arg : f->arg;
        return 0;
}

static int read_config(const struct sim_conf *c, const struct words *l, struct fault *f,
                       char *err) {
        char *end;

        f->kind = FAULT_CONFIG;
        f->host = known_host(c, l->w[1], err);
        f->arg = strtoull(l->w[2], &end, 0);
        if (f->host < 0)
                return -EINVAL;
        if (*end || *l->w[2] == '-') {
                text_fmt(err, TEXT_LEN, "'%.30s' is no number of a configuration", l->w[2]);
                return -EINVAL;
        }
        return 0;
}

static int read_ambush(const struct words *l, struct fault *f, char *err) {
        char within[64];

        f->kind = FAULT_AMBUSH;
        join(l, 7, within, sizeof(within));
        return ambush_parse(l->w[1], l->w[3], l->w[5], within, &f->arg, err);
}

/* Return: as scenario_verb(); 1: it is none of these. */
static int read_other(const struct sim_conf *c, const struct words *l, struct fault *f, char *err) {
        const char *noun = l->n ? l->w[0] : "";

        if (l->n > 2 && strcmp(noun, "network") == 0 && strcmp(l->w[1], "split") == 0)
                return read_split(c, l, f, err);
        if (l->n == 3 &&
            (strcmp(noun, "bmc") == 0 || strcmp(noun, "bmc1") == 0 || strcmp(noun, "bmc2") == 0))
                return read_bmc(c, l, f, err);
        if (l->n > 3 && strcmp(noun, "clock") == 0)
                return read_clock(c, l, f, err);
        if (l->n == 3 && strcmp(noun, "config") == 0)
                return read_config(c, l, f, err);
        if (l->n > 7 && strcmp(noun, "ambush") == 0 && strcmp(l->w[2], "on") == 0 &&
            strcmp(l->w[4], "skip") == 0 && strcmp(l->w[6], "within") == 0)
                return read_ambush(l, f, err);
        return 1;
}

/* "... for 10s": taken off the words. Return: 0, or -EINVAL with @err; *@ret 0: it says none. */
static int take_time(struct words *l, uint64_t *ret, char *err) {
        *ret = 0;
        for (size_t i = 1; i + 1 < l->n; i++) {
                if (strcmp(l->w[i], "for") != 0)
                        continue;
                if (read_msec(l, i + 1, ret, err) < 0)
                        return -EINVAL;
                l->n = i;
                if (*ret == 0) {
                        text_set(err, TEXT_LEN, "for no time at all");
                        return -EINVAL;
                }
        }
        return 0;
}

static int check_time(const struct fault *f, uint64_t msec, char *err) {
        bool must = f->kind == FAULT_RING_LATE || f->kind == FAULT_TOKEN_LATE;

        if (msec ? fault_timed(f->kind) : !must)
                return 0;
        text_set(err, TEXT_LEN,
                 msec ? "this is not done for a time: 'for' has no place there"
                      : "for how long? (for 500ms)");
        return -EINVAL;
}

int scenario_verb(const struct sim_conf *c, const char *line, struct fault *ret, char *err) {
        struct words l, p;
        uint64_t msec;
        int r;

        *ret = (struct fault){.host = -1, .guest = -1};
        split(line, &l);
        r = read_other(c, &l, ret, err);
        if (r <= 0)
                return r;
        if (take_time(&l, &msec, err) < 0)
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
                split(patterns[i].words, &p);
                if (!fits(&p, &l, true))
                        continue;
                ret->kind = patterns[i].kind;
                ret->arg = msec ? msec : patterns[i].arg;
                r = check_time(ret, msec, err);
                return r < 0 ? r : fill(c, &p, &l, ret, err);
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
