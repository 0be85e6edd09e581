/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/thread.h"

#include <pthread.h>
#include <signal.h>

int thread_spawn(void *(*fn)(void *), void *arg) {
        pthread_attr_t attr;
        pthread_t thread;
        sigset_t all, before;
        int r;

        if (pthread_attr_init(&attr) != 0)
                abort();
        (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
        (void)pthread_attr_setstacksize(&attr, THREAD_STACK);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attr, fn, arg);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        return -r;
}
