/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ring/task.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hawd/base/thread.h"

struct task {
        int refs; /* the caller's and the thread's */
        int fd;
        void (*run)(void *arg);
        void (*drop)(void *arg);
        void *arg;
};

static void unref(struct task *t) {
        if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0)
                return;
        t->drop(t->arg);
        (void)close(t->fd);
        free(t);
}

static void *thread(void *data) {
        const uint64_t one = 1;
        struct task *t = data;

        t->run(t->arg);
        (void)!write(t->fd, &one, sizeof(one)); /* an eventfd at 0 takes it */
        unref(t);
        return NULL;
}

int task_start(void (*run)(void *arg), void (*drop)(void *arg), void *arg, struct task **ret) {
        struct task *t;
        int rc, fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        if (fd < 0)
                return -errno;
        t = xcalloc(1, sizeof(*t));
        *t = (struct task){.refs = 2, .fd = fd, .run = run, .drop = drop, .arg = arg};
        rc = thread_spawn(thread, t);
        if (rc < 0) {
                (void)close(fd);
                free(t);
                return rc;
        }
        *ret = t;
        return 0;
}

int task_fd(const struct task *t) {
        return t->fd;
}

bool task_wait(struct task *t, usec_t timeout) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        int rc;

        do
                rc = poll(&p, 1, (int)(timeout / USEC_PER_MSEC));
        while (rc < 0 && errno == EINTR);
        return rc > 0;
}

struct task *task_free(struct task *t) {
        if (t)
                unref(t);
        return NULL;
}
