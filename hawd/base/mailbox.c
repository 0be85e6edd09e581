/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

int mailbox_open(struct mailbox *m, void (*drop)(struct letter *l)) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        if (fd < 0)
                return -errno;
        *m = (struct mailbox){.fd = fd, .drop = drop};
        m->last = &m->first;
        if (pthread_mutex_init(&m->lock, NULL) != 0)
                abort();
        return 0;
}

static void drop_all(struct mailbox *m, struct letter *l) {
        for (struct letter *next; l; l = next) {
                next = l->next;
                m->drop(l);
        }
}

void mailbox_free(struct mailbox *m) {
        drop_all(m, m->first);
        (void)close(m->fd);
        (void)pthread_mutex_destroy(&m->lock);
}

void mailbox_post(struct mailbox *m, struct letter *l) {
        const uint64_t one = 1;

        (void)pthread_mutex_lock(&m->lock);
        if (!m->closed) {
                l->next = NULL;
                *m->last = l;
                m->last = &l->next;
                l = NULL;
        }
        (void)pthread_mutex_unlock(&m->lock);
        if (l)
                m->drop(l);
        else
                /* Full means that the loop has been told already. */
                (void)!write(m->fd, &one, sizeof(one));
}

struct letter *mailbox_take(struct mailbox *m) {
        struct letter *first;
        uint64_t n;

        /* Nothing to read: another letter of the same wake-up. */
        (void)!read(m->fd, &n, sizeof(n));
        (void)pthread_mutex_lock(&m->lock);
        first = m->first;
        m->first = NULL;
        m->last = &m->first;
        (void)pthread_mutex_unlock(&m->lock);
        return first;
}

void mailbox_close(struct mailbox *m) {
        (void)pthread_mutex_lock(&m->lock);
        m->closed = true;
        (void)pthread_mutex_unlock(&m->lock);
        drop_all(m, mailbox_take(m));
}
