/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which threads of this process work on R's files, so that a promotion is alone with them. */
#include <pthread.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_pull.h"

#define LOOK_EVERY_USEC 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct pull_entry *entries; /* under lock */

void pull_enter(struct pull_entry *e, const struct pull_guest *g) {
        text_set(e->path, sizeof(e->path), g->disks[0].path);
        e->serial = g->serial;
        atomic_init(&e->halted, false);
        pthread_mutex_lock(&lock);
        e->next = entries;
        entries = e;
        pthread_mutex_unlock(&lock);
}

void pull_leave(struct pull_entry *e) {
        struct pull_entry **link = &entries;

        pthread_mutex_lock(&lock);
        while (*link != e)
                link = &(*link)->next;
        *link = e->next;
        pthread_mutex_unlock(&lock);
}

bool pull_halted(const struct pull_entry *e) {
        return atomic_load(&e->halted);
}

static bool halt_all(const struct pull_guest *g, bool others) {
        bool any = false;

        pthread_mutex_lock(&lock);
        for (struct pull_entry *e = entries; e; e = e->next)
                if (strcmp(e->path, g->disks[0].path) == 0 && (e->serial != g->serial) == others) {
                        atomic_store(&e->halted, true);
                        any = true;
                }
        pthread_mutex_unlock(&lock);
        return any;
}

int pull_halt(const struct pull_guest *g, bool others, usec_t deadline, char *err) {
        while (halt_all(g, others)) {
                if (now_boottime() >= deadline) {
                        text_set(err, TEXT_LEN, "what receives the replica does not end");
                        return -ETIMEDOUT;
                }
                (void)usleep(LOOK_EVERY_USEC);
        }
        return 0;
}
