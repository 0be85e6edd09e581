/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replication/drbd.h"

struct word {
        const char *text;
        int value;
};

static const struct word roles[] = {{"Primary", DRBD_PRIMARY}, {"Secondary", DRBD_SECONDARY}, {0}};

static const struct word disks[] = {
        {"Diskless", DRBD_DISKLESS},
        {"Attaching", DRBD_ATTACHING},
        {"Detaching", DRBD_DETACHING},
        {"Failed", DRBD_FAILED},
        {"Negotiating", DRBD_NEGOTIATING},
        {"Inconsistent", DRBD_INCONSISTENT},
        {"Outdated", DRBD_OUTDATED},
        {"DUnknown", DRBD_DUNKNOWN},
        {"Consistent", DRBD_CONSISTENT},
        {"UpToDate", DRBD_UPTODATE},
        {0},
};

static const struct word connections[] = {
        {"StandAlone", DRBD_STANDALONE},
        {"Disconnecting", DRBD_STANDALONE}, /* which it leads to */
        {"Unconnected", DRBD_CONNECTING},
        {"Timeout", DRBD_CONNECTING},
        {"BrokenPipe", DRBD_CONNECTING},
        {"NetworkFailure", DRBD_CONNECTING},
        {"ProtocolError", DRBD_CONNECTING},
        {"TearDown", DRBD_CONNECTING},
        {"Connecting", DRBD_CONNECTING},
        {"Connected", DRBD_CONNECTED},
        {0},
};

static const struct word replications[] = {
        {"Off", DRBD_OFF},
        {"Established", DRBD_ESTABLISHED},
        {"StartingSyncS", DRBD_RESYNC_OUT},
        {"StartingSyncT", DRBD_RESYNC_IN},
        {"WFBitMapS", DRBD_RESYNC_OUT},
        {"WFBitMapT", DRBD_RESYNC_IN},
        {"WFSyncUUID", DRBD_RESYNC_IN},
        {"SyncSource", DRBD_RESYNC_OUT},
        {"SyncTarget", DRBD_RESYNC_IN},
        {"PausedSyncS", DRBD_RESYNC_OUT},
        {"PausedSyncT", DRBD_RESYNC_IN},
        {"VerifyS", DRBD_ESTABLISHED},
        {"VerifyT", DRBD_ESTABLISHED},
        {"Ahead", DRBD_RESYNC_OUT},
        {"Behind", DRBD_RESYNC_IN},
        {0},
};

/** struct parsing - the text, line by line */
struct parsing {
        struct drbd_status s;
        char ids[DRBD_PEERS_MAX][NAME_LEN]; /* of peers: node id, else name */
        size_t volumes[DRBD_PEERS_MAX];
        const char *line;
        size_t len;
        char *err;
};

/* The line's value of @key. Return: 0, -ENOENT it has none, -E2BIG it is longer than @size. */
static int field(const struct parsing *p, const char *key, char *buf, size_t size) {
        const char *end = p->line + p->len, *w = p->line;
        size_t n = strlen(key);

        while (w < end) {
                const char *blank = memchr(w, ' ', (size_t)(end - w));
                size_t len = blank ? (size_t)(blank - w) : (size_t)(end - w);

                if (len > n && memcmp(w, key, n) == 0 && w[n] == ':') {
                        if (len - n - 1 >= size) {
                                text_fmt(p->err, TEXT_LEN, "DRBD tells a %s that is too long", key);
                                return -E2BIG;
                        }
                        memcpy(buf, w + n + 1, len - n - 1);
                        buf[len - n - 1] = '\0';
                        return 0;
                }
                w += len + 1;
        }
        return -ENOENT;
}

/* 0 for what is not there, or is no word that is known. */
static int word_of(const struct parsing *p, const char *key, const struct word *words) {
        char buf[NAME_LEN];

        if (field(p, key, buf, sizeof(buf)) == 0)
                for (; words->text; words++)
                        if (strcmp(words->text, buf) == 0)
                                return words->value;
        return 0;
}

/* Up to @max; a part behind a point is left out. Return: whether there was a number. */
static bool number_of(const struct parsing *p, const char *key, uint64_t max, uint64_t *ret) {
        char buf[32], *end;
        unsigned long long v;

        if (field(p, key, buf, sizeof(buf)) < 0 || buf[0] < '0' || buf[0] > '9')
                return false;
        errno = 0;
        v = strtoull(buf, &end, 10);
        if (errno != 0 || (*end != '\0' && *end != '.') || v > max)
                return false;
        *ret = v;
        return true;
}

static bool is_no(const struct parsing *p, const char *key, bool absent) {
        char buf[NAME_LEN];

        return field(p, key, buf, sizeof(buf)) < 0 ? absent : strcmp(buf, "no") == 0;
}

static int take_resource(struct parsing *p) {
        p->s.up = true;
        p->s.role = (enum drbd_role)word_of(p, "role", roles);
        p->s.suspended = !is_no(p, "suspended", true);
        return 0;
}

static int take_device(struct parsing *p) {
        enum drbd_disk disk = (enum drbd_disk)word_of(p, "disk", disks);
        uint64_t n = 0;

        if (p->s.n_minors == DRBD_VOLUMES_MAX) {
                text_fmt(p->err, TEXT_LEN, "%s has more than %d volumes", p->s.name,
                         DRBD_VOLUMES_MAX);
                return -E2BIG;
        }
        p->s.disk = p->s.n_minors == 0 ? disk : MIN(p->s.disk, disk);
        if (is_no(p, "quorum", false))
                p->s.no_quorum = true;
        p->s.minors[p->s.n_minors++] =
                number_of(p, "minor", UINT32_MAX, &n) ? (uint32_t)n : UINT32_MAX;
        if (number_of(p, "size", UINT64_MAX / DRBD_VOLUMES_MAX, &n))
                p->s.size_kib += n;
        return 0;
}

/* The peer that the line is about, new if need be. Return: its index, or -E2BIG. */
static int peer_of(struct parsing *p) {
        char id[NAME_LEN] = "", name[NAME_LEN] = "";
        size_t i;

        if (field(p, "conn-name", name, sizeof(name)) == -E2BIG)
                return -E2BIG;
        if (field(p, "peer-node-id", id, sizeof(id)) < 0)
                text_set(id, sizeof(id), name);
        for (i = 0; i < p->s.n_peers; i++)
                if (strcmp(p->ids[i], id) == 0)
                        return (int)i;
        if (i == DRBD_PEERS_MAX) {
                text_fmt(p->err, TEXT_LEN, "%s has more than %d peers", p->s.name, DRBD_PEERS_MAX);
                return -E2BIG;
        }
        text_set(p->ids[i], NAME_LEN, id);
        text_set(p->s.peers[i].name, NAME_LEN, name);
        p->s.n_peers++;
        return (int)i;
}

static int take_connection(struct parsing *p) {
        int i = peer_of(p);

        if (i < 0)
                return i;
        p->s.peers[i].connection = (enum drbd_connection)word_of(p, "connection", connections);
        p->s.peers[i].role = (enum drbd_role)word_of(p, "role", roles);
        return 0;
}

static int take_peer_device(struct parsing *p) {
        enum drbd_disk disk = (enum drbd_disk)word_of(p, "peer-disk", disks);
        enum drbd_replication repl = (enum drbd_replication)word_of(p, "replication", replications);
        struct drbd_peer *peer;
        uint64_t n = 0;
        int i = peer_of(p);

        if (i < 0)
                return i;
        peer = &p->s.peers[i];
        if (p->volumes[i]++ == 0) {
                peer->disk = disk;
                peer->replication = repl;
                peer->done_pct = UINT32_MAX;
        } else {
                peer->disk = MIN(peer->disk, disk);
                peer->replication = MIN(peer->replication, repl);
        }
        if (number_of(p, "out-of-sync", UINT64_MAX, &n) &&
            __builtin_add_overflow(peer->behind_kib, n, &peer->behind_kib))
                peer->behind_kib = UINT64_MAX;
        if (number_of(p, "done", 100, &n))
                peer->done_pct = MIN(peer->done_pct, (uint32_t)n);
        return 0;
}

static void set_done(struct drbd_status *s) {
        for (size_t i = 0; i < s->n_peers; i++) {
                struct drbd_peer *peer = &s->peers[i];

                if (peer->replication != DRBD_RESYNC_IN && peer->replication != DRBD_RESYNC_OUT)
                        peer->done_pct = 0;
                else if (peer->done_pct == UINT32_MAX)
                        peer->done_pct = peer->behind_kib < s->size_kib
                                                 ? (uint32_t)(100 - (double)peer->behind_kib * 100 /
                                                                            (double)s->size_kib)
                                                 : 0;
        }
}

static bool begins(const struct parsing *p, const char *with) {
        return p->len >= strlen(with) && memcmp(p->line, with, strlen(with)) == 0;
}

static int take_line(struct parsing *p) {
        static const struct {
                const char *begin;
                int (*take)(struct parsing *p);
        } kinds[] = {
                {"exists resource ", take_resource},
                {"exists connection ", take_connection},
                {"exists device ", take_device},
                {"exists peer-device ", take_peer_device},
        };
        char name[NAME_LEN];

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (begins(p, kinds[i].begin)) {
                        int r = field(p, "name", name, sizeof(name));

                        /* Another's: one that is too long for hawd. */
                        return r < 0 || strcmp(name, p->s.name) != 0 ? 0 : kinds[i].take(p);
                }
        return 0;
}

int drbd_parse(const char *text, const char *resource, struct drbd_status *ret, char *err) {
        struct parsing p = {.err = err};
        bool whole = false;

        text_set(p.s.name, sizeof(p.s.name), resource);
        for (p.line = text; *p.line != '\0' && !whole;
             p.line += p.line[p.len] ? p.len + 1 : p.len) {
                int r;

                p.len = strcspn(p.line, "\n");
                whole = p.len == strlen("exists -") && begins(&p, "exists -");
                r = whole ? 0 : take_line(&p);
                if (r < 0)
                        return r;
        }
        if (!whole) {
                text_fmt(err, TEXT_LEN, "drbdsetup does not say \"exists -\" at the end");
                return -EBADMSG;
        }
        if (!p.s.up)
                p.s = (struct drbd_status){0};
        text_set(p.s.name, sizeof(p.s.name), resource);
        set_done(&p.s);
        *ret = p.s;
        return 0;
}

/* Is @line's subject, "drbd NAME: " or "drbd NAME PEER: " or "... drbdMINOR...", this resource? */
static bool about(const struct drbd_status *s, const char *line) {
        char name[NAME_LEN + sizeof("drbd ")], minor[24];
        const char *at;

        text_fmt(name, sizeof(name), "drbd %s", s->name);
        at = strstr(line, name);
        if (at && strchr(" :/", at[strlen(name)]) && at[strlen(name)])
                return true;
        for (size_t i = 0; i < s->n_minors; i++) {
                text_fmt(minor, sizeof(minor), "block drbd%" PRIu32 ":", s->minors[i]);
                if (strstr(line, minor))
                        return true;
        }
        return false;
}

void drbd_split_brain(struct drbd_status *s, const char *line) {
        if (!strstr(line, "drbd") || !about(s, line))
                return;
        if (strstr(line, "Split-Brain detected but unresolved"))
                s->split_brain = true;
        else if (strstr(line, "conn( StandAlone -> "))
                s->split_brain = false;
}
