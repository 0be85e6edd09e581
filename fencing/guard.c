/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/guard.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GROUP_POLL_MS 5
#define GROUP_POLLS 200 /* 1 s: the kernel frees what was killed, and may be busy */

enum { FD_HARD, FD_SIGNAL, N_FDS };

static struct {
        pthread_mutex_t lock; /* covers the next three */
        struct fence_result result;
        bool settled;
        int status;
        usec_t start;
        struct pollfd fds[N_FDS];
        usec_t deadline;
        timer_t alarm; /* armed only while an order may be on the wire */
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

/* The agent, and what it started, are gone before anybody is told so. */
static void end_group(void) {
        const struct timespec pause_for = {.tv_nsec = GROUP_POLL_MS * 1000000};
        pid_t group = atomic_load(&guard.group);
        siginfo_t info;

        if (group <= 0)
                return;
        (void)kill(-group, SIGKILL); /* gone already is as good */
        for (int i = 0; i < GROUP_POLLS; i++) {
                info.si_pid = 0;
                if (waitid(P_PID, (id_t)group, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
                    info.si_pid != 0)
                        return;
                (void)nanosleep(&pause_for, NULL);
        }
}

/* End early: whatever was read last, nothing is known now. */
static void end(enum fence_code code, const char *message) {
        struct fence_result r;
        bool settled;
        int status;

        end_group();
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
        }
        return NULL;
}

static struct timespec timespec_of(usec_t t) {
        return (struct timespec){.tv_sec = (time_t)MIN(t / USEC_PER_SEC, (usec_t)INT32_MAX),
                                 .tv_nsec = (long)(t % USEC_PER_SEC) * 1000};
}

/*
 * On the main thread, in the middle of sending. A process that was stopped there runs this before
 * its next instruction when it is continued after the deadline: what it was about to send stays
 * unsent (S3). A thread of its own would race with it.
 */
static void on_deadline(int sig) {
        (void)sig;
        end(FENCE_DEADLINE, "the deadline passed while sending");
}

void guard_sending(bool in_flight) {
        struct itimerspec its = {0};

        if (guard.deadline == USEC_INFINITY)
                return;
        if (in_flight)
                its.it_value = timespec_of(MAX(guard.deadline, (usec_t)1)); /* 0 would disarm */
        if (timer_settime(guard.alarm, TIMER_ABSTIME, &its, NULL) < 0)
                abort(); /* no order without it */
}

static int alarm_new(usec_t deadline) {
        struct sigaction sa = {.sa_handler = on_deadline};
        struct sigevent to_main = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};

        guard.deadline = deadline;
        to_main._sigev_un._tid = gettid();
        if (sigaction(SIGALRM, &sa, NULL) < 0 ||
            timer_create(CLOCK_BOOTTIME, &to_main, &guard.alarm) < 0)
                return -errno;
        return 0;
}

static int timer_at(usec_t t) {
        struct itimerspec its = {0};
        int fd, r;

        fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        its.it_value = timespec_of(t);
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
        r = alarm_new(deadline);
        if (r < 0)
                return r;
        fds[FD_HARD] = timer_at(hard);
        fds[FD_SIGNAL] = signalfd(-1, &set, SFD_CLOEXEC);
        for (size_t i = 0; i < N_FDS; i++) {
                if (fds[i] < 0)
                        return i == FD_SIGNAL ? -errno : fds[i];
                guard.fds[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
        }
        return -pthread_create(&thread, NULL, watch, NULL);
}
