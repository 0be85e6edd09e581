/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/guard.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { FD_HARD, FD_DEADLINE, FD_SIGNAL, N_FDS };

static struct {
        pthread_mutex_t lock; /* covers the next three */
        struct fence_result result;
        bool settled;
        int status;
        usec_t start;
        struct pollfd fds[N_FDS];
        atomic_bool sending;
        atomic_int group;
        atomic_flag answered;
} guard = {.lock = PTHREAD_MUTEX_INITIALIZER, .answered = ATOMIC_FLAG_INIT};

usec_t guard_now(void) {
        struct timespec ts;

        if (clock_gettime(CLOCK_BOOTTIME, &ts) < 0)
                abort(); /* without a clock no deadline can be kept */
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

void guard_stopwatch(usec_t t) {
        guard.start = t;
}

void guard_publish(const struct fence_result *r) {
        (void)pthread_mutex_lock(&guard.lock); /* cannot fail: plain, initialised */
        guard.result = *r;
        (void)pthread_mutex_unlock(&guard.lock);
}

void guard_settle(const struct fence_result *r, int status) {
        (void)pthread_mutex_lock(&guard.lock); /* as above */
        guard.result = *r;
        guard.settled = true;
        guard.status = status;
        (void)pthread_mutex_unlock(&guard.lock);
}

void guard_sending(bool in_flight) {
        atomic_store(&guard.sending, in_flight);
}

void guard_group(pid_t pg) {
        atomic_store(&guard.group, pg);
}

static void write_all(const char *p, size_t len) {
        while (len > 0) {
                ssize_t n = write(STDOUT_FILENO, p, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return; /* nobody reads: the exit status still says it */
                p += n;
                len -= (size_t)n;
        }
}

void guard_finish(const struct fence_result *r, int status) {
        static char line[FENCE_LINE_LEN];
        struct fence_result last = *r;

        if (atomic_flag_test_and_set(&guard.answered)) {
                for (;;) /* the other thread is answering, and exits */
                        (void)pause();
        }
        last.elapsed_usec = usec_sub(guard_now(), guard.start);
        write_all(line, result_format(&last, line, sizeof(line)));
        _exit(status); /* no destructors: libraries may be in the middle of anything */
}

/* End early: whatever was read last, nothing is known now. */
static void end(enum fence_code code, const char *message) {
        struct fence_result r;
        bool settled;
        int status;
        int group = atomic_load(&guard.group);

        if (group > 0)
                (void)kill(-group, SIGKILL); /* gone already is as good */
        (void)pthread_mutex_lock(&guard.lock);
        r = guard.result;
        settled = guard.settled;
        status = guard.status;
        (void)pthread_mutex_unlock(&guard.lock);
        if (settled)
                guard_finish(&r, status);
        r.power = FENCE_POWER_UNKNOWN;
        r.reads = 0;
        if (code != FENCE_TIMEOUT || r.error.code == FENCE_OK) /* the last failure says more */
                (void)fence_fail(&r.error, code, "%s%s", message,
                                 r.switched ? "; an order had been sent and may take effect" : "");
        guard_finish(&r, EXIT_FAILURE);
}

static void *watch(void *unused) {
        (void)unused;
        for (;;) {
                int n = poll(guard.fds, N_FDS, -1);

                if (n < 0 && errno != EINTR)
                        end(FENCE_TIMEOUT, "poll failed in the guard thread");
                if (n <= 0)
                        continue;
                if (guard.fds[FD_SIGNAL].revents)
                        end(FENCE_CANCELLED, "cancelled by a signal");
                if (guard.fds[FD_HARD].revents)
                        end(FENCE_TIMEOUT, "the device or a library did not answer before the "
                                           "time-out of the action");
                if (guard.fds[FD_DEADLINE].revents) {
                        if (atomic_load(&guard.sending))
                                end(FENCE_DEADLINE, "the deadline passed while sending");
                        guard.fds[FD_DEADLINE].fd = -1; /* action.c checks before each order */
                }
        }
        return NULL;
}

static int timer_at(usec_t t) {
        struct itimerspec its = {0};
        int fd, r;

        fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
        if (fd < 0 || t == USEC_INFINITY) /* a disarmed one never fires */
                return fd < 0 ? -errno : fd;
        t = MAX(t, (usec_t)1); /* 0 would disarm */
        its.it_value.tv_sec = (time_t)MIN(t / USEC_PER_SEC, (usec_t)INT32_MAX);
        its.it_value.tv_nsec = (long)(t % USEC_PER_SEC) * 1000;
        if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) < 0) {
                r = -errno;
                (void)close(fd);
                return r;
        }
        return fd;
}

int guard_start(usec_t hard, usec_t deadline, const struct fence_result *initial) {
        pthread_t thread;
        sigset_t set;
        int fds[N_FDS];
        int r;

        guard.result = *initial;
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGHUP);
        r = pthread_sigmask(SIG_BLOCK, &set, NULL);
        if (r != 0)
                return -r;
        fds[FD_HARD] = timer_at(hard);
        fds[FD_DEADLINE] = timer_at(deadline);
        fds[FD_SIGNAL] = signalfd(-1, &set, SFD_CLOEXEC);
        for (size_t i = 0; i < N_FDS; i++) {
                if (fds[i] < 0)
                        return i == FD_SIGNAL ? -errno : fds[i];
                guard.fds[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        }
        return -pthread_create(&thread, NULL, watch, NULL);
}
