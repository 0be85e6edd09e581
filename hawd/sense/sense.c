/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

#include "hawd/base/thread.h"
#include "hawd/sense/sense.h"

#define PROC_FILE_MAX 512

/** struct look - shared by the loop and a thread; the last of both frees it */
struct look {
        atomic_int refs;
        atomic_bool done; /* what follows is written */
        char path[PATHS_SIZE];
        bool good;
        char text[ILL_TEXT];
};

/** struct place - a path, and what is known of it */
struct place {
        char path[PATHS_SIZE];
        struct look *look; /* under way; NULL: none */
        usec_t began, next;
        bool known, good; /* by the latest look that came back */
        bool wanted;
        char text[ILL_TEXT];
};

struct sense {
        const char *root;
        struct place places[SENSE_PATHS_MAX];
        size_t n_places;
};

/* ---- one look at a path -------------------------------------------------------------------------
 */

static void look_unref(struct look *l) {
        if (l && atomic_fetch_sub(&l->refs, 1) == 1)
                free(l);
}

static void *look_thread(void *arg) {
        struct look *l = arg;

        l->good = sense_storage(l->path, l->text);
        atomic_store(&l->done, true);
        look_unref(l);
        return NULL;
}

static void begin(struct place *p, usec_t now) {
        struct look *l = xcalloc(1, sizeof(*l));

        atomic_init(&l->refs, 2);
        text_set(l->path, sizeof(l->path), p->path);
        if (thread_spawn(look_thread, l) < 0) { /* no thread now: nothing is known anew */
                free(l);
                p->next = usec_add(now, SENSE_EVERY);
                return;
        }
        p->look = l;
        p->began = now;
}

static void end(struct place *p, usec_t now) {
        p->known = true;
        p->good = p->look->good;
        text_set(p->text, sizeof(p->text), p->look->text);
        look_unref(p->look);
        p->look = NULL;
        p->next = usec_add(now, SENSE_EVERY);
}

/* ---- all paths ----------------------------------------------------------------------------------
 */

static struct place *place_get(struct sense *s, const char *path) {
        struct place *p;

        for (size_t i = 0; i < s->n_places; i++)
                if (strcmp(s->places[i].path, path) == 0)
                        return &s->places[i];
        if (s->n_places == SENSE_PATHS_MAX)
                return NULL;
        p = &s->places[s->n_places++];
        *p = (struct place){0};
        text_set(p->path, sizeof(p->path), path);
        return p;
}

/* Not configured any more. A thread that hangs there keeps its place until it is back: so there are
 * never more of them than places. */
static void forget_unwanted(struct sense *s) {
        for (size_t i = 0; i < s->n_places;) {
                struct place *p = &s->places[i];

                if (!p->wanted && p->look && atomic_load(&p->look->done))
                        end(p, 0);
                if (p->wanted || p->look)
                        i++;
                else
                        *p = s->places[--s->n_places];
        }
}

static enum measured place_read(struct place *p, usec_t timeout, usec_t now, char text[ILL_TEXT]) {
        char bound[32];

        if (p->look && atomic_load(&p->look->done))
                end(p, now);
        if (!p->look && now >= p->next)
                begin(p, now);
        if (p->look && usec_sub(now, p->began) >= timeout) {
                format_duration(timeout, bound, sizeof(bound));
                text_fmt(text, ILL_TEXT, "%.60s: no answer for %s", p->path, bound);
                return MEASURED_BAD;
        }
        if (!p->known)
                return MEASURED_NOT;
        if (p->good)
                return MEASURED_GOOD;
        text_set(text, ILL_TEXT, p->text);
        return MEASURED_BAD;
}

static void read_storage(struct sense *s, const struct sense_wants *w, usec_t now,
                         struct health_sample *ret) {
        char path[PATHS_SIZE], text[ILL_TEXT];

        for (size_t i = 0; i < s->n_places; i++)
                s->places[i].wanted = false;
        for (const char *c = w->storage_paths + strspn(w->storage_paths, " "); *c;) {
                size_t n = strcspn(c, " ");
                struct place *p;
                enum measured m;

                text_fmt(path, sizeof(path), "%.*s", (int)n, c);
                c += n + strspn(c + n, " ");
                p = place_get(s, path);
                if (p)
                        p->wanted = true;
                else
                        text_fmt(text, sizeof(text), "%.60s: too many paths hang", path);
                m = p ? place_read(p, w->storage_timeout_usec, now, text) : MEASURED_BAD;
                if (m == MEASURED_BAD && ret->storage != MEASURED_BAD)
                        text_set(ret->storage_text, ILL_TEXT, text);
                ret->storage = MAX(ret->storage, m);
        }
        forget_unwanted(s);
}

/* ---- memory -------------------------------------------------------------------------------------
 */

uint32_t sense_pressure(const char *text) {
        const char *full = strstr(text, "full "), *avg;
        char *end_of;
        double pct;

        avg = full ? strstr(full, "avg60=") : NULL;
        if (!avg)
                return HEALTH_NO_PRESSURE;
        pct = strtod(avg + strlen("avg60="), &end_of);
        if (end_of == avg + strlen("avg60=") || !(pct >= 0 && pct <= 100))
                return HEALTH_NO_PRESSURE;
        return (uint32_t)(pct * 100 + 0.5);
}

static uint32_t read_pressure(const char *root) {
        char path[PATH_MAX], text[PROC_FILE_MAX];
        ssize_t n;
        int fd;

        text_fmt(path, sizeof(path), "%s/proc/pressure/memory", root);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return HEALTH_NO_PRESSURE; /* a kernel without it, or booted without psi=1 */
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
        text[n > 0 ? n : 0] = '\0';
        return sense_pressure(text);
}

struct sense *sense_new(const char *root) {
        struct sense *s = xcalloc(1, sizeof(*s));

        s->root = root;
        return s;
}

struct sense *sense_free(struct sense *s) {
        for (size_t i = 0; s && i < s->n_places; i++)
                look_unref(s->places[i].look);
        free(s);
        return NULL;
}

void sense_read(struct sense *s, const struct sense_wants *wants, usec_t now,
                struct health_sample *ret) {
        *ret = (struct health_sample){.memory_full = read_pressure(s->root)};
        read_storage(s, wants, now, ret);
        if (wants->uplink[0])
                ret->uplink = sense_links(s->root, wants->uplink, ret->uplink_text) ? MEASURED_GOOD
                                                                                    : MEASURED_BAD;
}
