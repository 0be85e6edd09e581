/* SPDX-License-Identifier: GPL-3.0-or-later */
/* R's threads: a copy is received, looked at, vetoed, ended. */
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_work.h"

#define END_USEC (30 * USEC_PER_SEC)

struct receiving {
        struct worker *worker;
        usec_t hello_until;
};

/* P has to come within its time; what is made then may take as long as it takes. */
static bool go_on(void *userdata, const char *step) {
        struct receiving *g = userdata;

        return !worker_cancelled(g->worker) &&
               (strcmp(step, "hello") != 0 || now_boottime() < g->hello_until);
}

static struct export_place place_of(const struct worker *w) {
        const struct board *b = w->board;

        return (struct export_place){.folder = b->folder,
                                     .tls_dir = b->tls ? b->tls_dir : NULL,
                                     .hold_usec = w->hold_usec};
}

void work_end_older(const struct worker *w) {
        struct export_place place = place_of(w), *p = &place;
        struct export *list;
        char err[TEXT_LEN];
        size_t n;

        if (export_list(p, &list, &n, err) < 0)
                return; /* the making of the new one says why */
        for (size_t i = 0; i < n; i++)
                if (strcmp(list[i].uuid, w->uuid) == 0 && list[i].serial < w->serial &&
                    export_end(p, &list[i], usec_add(now_boottime(), END_USEC), err) == 0)
                        export_forget(p, &list[i]);
        free(list);
        export_sweep(p, w->uuid, w->serial);
}

void work_receive(struct worker *w) {
        struct receiving g = {w, usec_add(now_boottime(), MIRROR_HELLO_USEC)};
        struct mirror_work work = {.deadline = USEC_INFINITY, .go_on = go_on, .userdata = &g};
        struct export_place place = place_of(w);
        struct export *x = xcalloc(1, sizeof(*x));
        struct work_note *n;
        char err[TEXT_LEN];
        int r, fd;

        work_end_older(w);
        fd = export_listen(w->address, w->board->tls, w->where, err);
        x->gid = w->gid;
        x->serial = w->serial;
        text_set(x->uuid, sizeof(x->uuid), w->uuid);
        if (fd < 0) {
                worker_tell(w, TOLD_FAILED, 0, 0, err);
                free(x);
                return;
        }
        worker_tell(w, TOLD_EXPORTED, 0, 0, NULL);
        r = export_serve(&work, &place, fd, w->where, &w->disks, x, err);
        (void)close(fd);
        if (r < 0) {
                if (r == -ECANCELED && !worker_cancelled(w))
                        text_set(err, TEXT_LEN, "the host with the disks did not come for it");
                worker_tell(w, TOLD_EXPORT_ENDED, 0, 0, err);
                free(x);
                return;
        }
        n = xcalloc(1, sizeof(*n));
        n->serving = true;
        n->x = x;
        worker_post(w, n);
}

/* The veto is on the disk before anybody hears of it (S9). */
static void veto(struct worker *w, const struct export_place *p, const char *why) {
        char err[TEXT_LEN], text[TEXT_LEN];

        if (export_veto(p, w->x, why, err) < 0) {
                text_fmt(text, sizeof(text), "%.90s (%.90s)", why, err);
                why = text; /* it is said all the same: a server that has ended stays ended */
        }
        worker_tell(w, TOLD_EXPORT_ENDED, 0, 0, why);
}

static void check(struct worker *w, const struct export_place *p) {
        char why[TEXT_LEN];

        if (!export_lives(p, w->x, why)) {
                veto(w, p, why);
                return;
        }
        worker_tell(w, TOLD_EXPORTED, 0, 0, NULL);
        if (w->loss)
                worker_tell(w, TOLD_ALIVE, 0, 0, NULL);
}

static void end(struct worker *w, const struct export_place *p) {
        char err[TEXT_LEN] = "";
        int r = 0;

        if (w->x)
                r = export_end(p, w->x, usec_add(now_boottime(), END_USEC), err);
        if (r == 0 && w->x)
                export_forget(p, w->x);
        if (r == 0 && w->work == WORK_DROP)
                r = copy_drop(&w->disks, err);
        worker_tell(w, r < 0 ? TOLD_FAILED : TOLD_EXPORT_ENDED, 0, 0, r < 0 ? err : "as was asked");
}

void work_serves(struct worker *w) {
        struct export_place p = place_of(w);

        if (w->work == WORK_CHECK)
                check(w, &p);
        else if (w->work == WORK_VETO)
                veto(w, &p, w->text);
        else
                end(w, &p);
}
