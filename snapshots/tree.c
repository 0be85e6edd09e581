/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots/tree.h"

int snap_find(const struct snapshot *s, size_t n, uint32_t id) {
        for (size_t i = 0; i < n; i++)
                if (s[i].id == id)
                        return (int)i;
        return -1;
}

int snap_find_name(const struct snapshot *s, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (s[i].kind != SNAP_CURRENT && strcmp(s[i].name, name) == 0)
                        return (int)i;
        return -1;
}

int snap_current(const struct snapshot *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (s[i].kind == SNAP_CURRENT)
                        return (int)i;
        return -1;
}

size_t snap_depth(const struct snapshot *s, size_t n, size_t i) {
        for (size_t depth = 1; depth <= n; depth++) {
                int parent;

                if (s[i].parent == 0)
                        return depth;
                parent = snap_find(s, n, s[i].parent);
                if (parent < 0)
                        return 0;
                i = (size_t)parent;
        }
        return 0;
}

/* Rules 2, 4 and 5 for one. */
static const char *wrong_with(const struct snapshot *s, size_t n, size_t i) {
        int parent = snap_find(s, n, s[i].parent);

        if (s[i].id == 0 || snap_find(s, n, s[i].id) != (int)i)
                return "has no number of its own";
        if (s[i].parent != 0 && (parent < 0 || s[parent].kind != SNAP_POINT))
                return "rests on no snapshot";
        if (snap_depth(s, n, i) == 0)
                return "rests on itself";
        if (s[i].kind == SNAP_CURRENT)
                return NULL;
        if (!name_valid(s[i].name) || snap_find_name(s, n, s[i].name) != (int)i)
                return "has no name of its own";
        return NULL;
}

int snap_check(const struct snapshot *s, size_t n, char *err) {
        size_t n_current = 0;

        if (n > SNAPSHOTS_MAX) {
                text_fmt(err, TEXT_LEN, "%zu snapshots, more than %d", n, SNAPSHOTS_MAX);
                return -EINVAL;
        }
        for (size_t i = 0; i < n; i++) {
                const char *wrong = wrong_with(s, n, i);

                if (wrong) {
                        text_fmt(err, TEXT_LEN, "snapshot %" PRIu32 " '%s' %s", s[i].id, s[i].name,
                                 wrong);
                        return -EINVAL;
                }
                if (s[i].inside != s[0].inside) {
                        text_set(err, TEXT_LEN, "some are inside of the disks, and others are not");
                        return -EINVAL;
                }
                n_current += s[i].kind == SNAP_CURRENT;
        }
        if (n_current != 1) {
                text_fmt(err, TEXT_LEN, "%zu of the snapshots are the guest's disks, not one",
                         n_current);
                return -EINVAL;
        }
        return 0;
}

/* How many rest on @id; the first of them, and a LEFT among them. */
static size_t over(const struct snapshot *s, size_t n, uint32_t id, size_t *ret_first,
                   const struct snapshot **ret_left) {
        size_t count = 0;

        *ret_left = NULL;
        for (size_t i = 0; i < n; i++) {
                if (s[i].parent != id)
                        continue;
                if (count++ == 0)
                        *ret_first = i;
                if (s[i].kind == SNAP_LEFT)
                        *ret_left = &s[i];
        }
        return count;
}

enum snap_way snap_delete_way(const struct snapshot *s, size_t n, size_t i, uint32_t *ret_over,
                              char *why) {
        const struct snapshot *left, *pinned;
        size_t k = 0, g = 0, count, above;

        if (s[i].kind == SNAP_CURRENT) {
                text_set(why, TEXT_LEN, "these are the guest's disks");
                return SNAP_WAY_NONE;
        }
        if (s[i].inside)
                return SNAP_WAY_INSIDE;
        count = over(s, n, s[i].id, &k, &pinned);
        if (count == 0)
                return SNAP_WAY_UNLINK;
        above = over(s, n, s[k].id, &g, &left);
        if (!pinned)
                pinned = left;
        if (pinned) {
                text_fmt(why, TEXT_LEN, "the kept disk %s needs it: delete that one first",
                         pinned->name);
                return SNAP_WAY_NONE;
        }
        if (count > 1 || above > 1) {
                text_fmt(why, TEXT_LEN, "two branches rest on %s: delete one of them first",
                         s[count > 1 ? i : k].name);
                return SNAP_WAY_NONE;
        }
        for (size_t d = 0; d < n; d++)
                if (d != i && s[d].deleting && (d == k || s[i].parent == s[d].id)) {
                        text_fmt(why, TEXT_LEN, "%s beside it is being deleted: after that",
                                 s[d].name);
                        return SNAP_WAY_NONE;
                }
        *ret_over = s[k].id;
        return s[k].kind == SNAP_CURRENT ? SNAP_WAY_OVERLAY : SNAP_WAY_COMMIT;
}

bool snap_rollback_ok(const struct snapshot *s, size_t n, size_t i, char *why) {
        if (s[i].kind == SNAP_CURRENT)
                text_set(why, TEXT_LEN, "these are the guest's disks as they are");
        else if (s[i].kind == SNAP_LEFT)
                text_fmt(why, TEXT_LEN, "%s is a kept disk, which stays as it was left", s[i].name);
        else if (s[i].deleting)
                text_fmt(why, TEXT_LEN, "%s is being deleted", s[i].name);
        else if (n >= SNAPSHOTS_MAX)
                text_fmt(why, TEXT_LEN, "%zu snapshots and kept disks are the most: delete some",
                         n - 1);
        else
                return true;
        return false;
}

bool snap_take_ok(const struct snapshot *s, size_t n, const char *name, char *why) {
        if (!name_valid(name))
                text_fmt(why, TEXT_LEN,
                         "'%.60s' cannot name a snapshot: letters, digits, '.', '_' and '-'", name);
        else if (snap_find_name(s, n, name) >= 0)
                text_fmt(why, TEXT_LEN, "there is a snapshot %s already", name);
        else if (n >= SNAPSHOTS_MAX)
                text_fmt(why, TEXT_LEN, "%zu snapshots and kept disks are the most: delete some",
                         n - 1);
        else
                return true;
        return false;
}

int snap_file(const char *given, uint32_t file, char *ret, size_t size) {
        static const char *const endings[] = {".qcow2", ".raw", ".img"};
        const char *slash = strrchr(given, '/');
        size_t len = strlen(given);
        char path[512];

        if (given[0] != '/' || slash[1] == '\0')
                return -EINVAL;
        if (len >= sizeof(path) - 32)
                return -ENAMETOOLONG;
        for (size_t i = 0; file > 0 && i < ARRAY_SIZE(endings); i++) {
                size_t cut = strlen(endings[i]);

                if (strlen(slash + 1) > cut && strcmp(given + len - cut, endings[i]) == 0) {
                        len -= cut;
                        break;
                }
        }
        if (file > 0)
                text_fmt(path, sizeof(path), "%.*s.hawd-%" PRIu32 ".qcow2", (int)len, given, file);
        else
                text_set(path, sizeof(path), given);
        /* A folder takes names of 255 bytes, and an overlay is made under a longer one. */
        if (strlen(path) >= size || strlen(strrchr(path, '/')) > 240)
                return -ENAMETOOLONG;
        text_set(ret, size, path);
        return 0;
}

void snap_inside(uint32_t file, usec_t wall, bool done, char ret[NAME_LEN]) {
        text_fmt(ret, NAME_LEN, "hawd-%s%" PRIu32 "-%" PRIu64, done ? "at-" : "", file,
                 wall / USEC_PER_SEC);
}

void snap_first(struct snapshot *s, size_t *n) {
        s[0] = (struct snapshot){.id = 1, .kind = SNAP_CURRENT};
        *n = 1;
}

/* @was, which the guest has no more, keeps its files; or what was in them is kept inside of them.
 */
static void new_current(struct snapshot *s, size_t *n, struct snapshot *was, uint32_t id,
                        uint32_t parent) {
        assert(*n < SNAPSHOTS_MAX && snap_find(s, *n, id) < 0);
        s[*n] = (struct snapshot){.id = id,
                                  .parent = parent,
                                  .file = was->inside ? was->file : id,
                                  .kind = SNAP_CURRENT,
                                  .inside = was->inside};
        (*n)++;
        if (was->inside)
                was->file = id;
}

struct snapshot *snap_taken(struct snapshot *s, size_t *n, uint32_t id, const char *name,
                            usec_t wall) {
        struct snapshot *was = &s[snap_current(s, *n)];

        was->kind = SNAP_POINT;
        was->wall = wall;
        text_set(was->name, sizeof(was->name), name);
        new_current(s, n, was, id, was->id);
        return was;
}

void snap_rolled_back(struct snapshot *s, size_t *n, size_t i, uint32_t id, const char *left,
                      usec_t wall) {
        struct snapshot *was = &s[snap_current(s, *n)];

        assert(s[i].kind == SNAP_POINT && !s[i].deleting);
        was->kind = SNAP_LEFT;
        was->wall = wall;
        text_set(was->name, sizeof(was->name), left);
        new_current(s, n, was, id, s[i].id);
}

void snap_deleted(struct snapshot *s, size_t *n, size_t i) {
        struct snapshot gone = s[i];

        assert(gone.kind != SNAP_CURRENT);
        for (size_t k = 0; k < *n; k++) {
                if (s[k].parent != gone.id)
                        continue;
                s[k].parent = gone.parent;
                if (!gone.inside)
                        s[k].file = gone.file;
        }
        memmove(&s[i], &s[i + 1], (*n - i - 1) * sizeof(*s));
        (*n)--;
}

int snap_known_good(const struct snapshot *s, size_t n) {
        int best = -1;

        for (size_t i = 0; i < n; i++) {
                if (s[i].kind != SNAP_POINT || !s[i].good || s[i].failed || s[i].deleting)
                        continue;
                if (best < 0 || s[i].wall > s[best].wall ||
                    (s[i].wall == s[best].wall && s[i].id > s[best].id))
                        best = (int)i;
        }
        return best;
}

size_t snap_doubt(struct snapshot *s, size_t n, usec_t last_good, usec_t detected) {
        size_t count = 0;

        for (size_t i = 0; i < n; i++) {
                if (s[i].kind != SNAP_POINT || !s[i].good || s[i].wall <= last_good ||
                    s[i].wall > detected)
                        continue;
                s[i].good = false;
                count++;
        }
        return count;
}
