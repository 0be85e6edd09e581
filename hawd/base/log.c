/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "hawd/base/clock.h"

#define QUEUE_MAX 1024
#define MESSAGE_LEN 1024
#define CLOSE_USEC (2 * USEC_PER_SEC)

struct line {
        usec_t wall;
        int priority;
        uint64_t incident, version;
        char message_id[33];
        char host[NAME_LEN], guest[NAME_LEN];
        char text[MESSAGE_LEN];
};

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t thread;
        bool running, ending, idle;
        bool journal;
        int max;
        const char *program;
        struct line *queue[QUEUE_MAX];
        size_t first, n;
        uint64_t dropped;
} log_ = {
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .max = LOG_INFO,
        .program = "hawd",
};

static const char *priority_name(int priority) {
        static const char *const names[] = {"emergency", "alert",  "critical", "error",
                                            "warning",   "notice", "info",     "debug"};

        return names[MIN(MAX(priority, 0), 7)];
}

/* One write, so that lines of several processes do not mix. Text of guests may hold anything. */
static void write_stderr(const struct line *l) {
        char buf[MESSAGE_LEN + 512], when[WALL_TEXT_LEN];
        size_t len;

        wall_format(l->wall, when);
        text_fmt(buf, sizeof(buf) - 1, "%s %s: %s", when, priority_name(l->priority), l->text);
        len = strlen(buf);
        for (size_t i = 0; i < len; i++)
                if ((unsigned char)buf[i] < ' ' || buf[i] == 0x7f)
                        buf[i] = buf[i] == '\n' || buf[i] == '\t' ? ' ' : '?';
        buf[len++] = '\n';
        if (write(STDERR_FILENO, buf, len) < 0) {
                /* Nobody is left to be told. */
        }
}

static void write_journal(const struct line *l) {
        char text[8][MESSAGE_LEN + 32];
        struct iovec iov[8];
        int n = 0, r;

#define FIELD(...) text_fmt(text[n], sizeof(text[n]), __VA_ARGS__), n++
        FIELD("MESSAGE=%s", l->text);
        FIELD("PRIORITY=%d", l->priority);
        FIELD("SYSLOG_IDENTIFIER=%s", log_.program);
        if (*l->message_id)
                FIELD("MESSAGE_ID=%s", l->message_id);
        if (*l->host)
                FIELD("HAWD_HOST=%s", l->host);
        if (*l->guest)
                FIELD("HAWD_GUEST=%s", l->guest);
        if (l->incident > 0)
                FIELD("HAWD_INCIDENT=%" PRIu64, l->incident);
        if (l->version > 0)
                FIELD("HAWD_VERSION=%" PRIu64, l->version);
#undef FIELD
        for (int i = 0; i < n; i++) {
                iov[i].iov_base = text[i];
                iov[i].iov_len = strlen(text[i]);
        }
        r = sd_journal_sendv(iov, n);
        if (r < 0)
                write_stderr(l);
}

static void write_line(const struct line *l) {
        if (log_.journal)
                write_journal(l);
        else
                write_stderr(l);
}

static void write_dropped(uint64_t n) {
        struct line l = {.wall = now_wall(), .priority = LOG_WARNING};

        text_fmt(l.text, sizeof(l.text), "%" PRIu64 " log lines were dropped: the log was not read",
                 n);
        write_line(&l);
}

static void *writer(void *unused) {
        (void)unused;
        (void)pthread_mutex_lock(&log_.lock);
        for (;;) {
                struct line *l;
                uint64_t dropped;

                while (log_.n == 0 && !log_.ending) {
                        log_.idle = true;
                        (void)pthread_cond_wait(&log_.changed, &log_.lock);
                }
                log_.idle = false;
                if (log_.n == 0)
                        break;
                l = log_.queue[log_.first];
                log_.first = (log_.first + 1) % QUEUE_MAX;
                log_.n--;
                dropped = log_.n == 0 ? log_.dropped : 0;
                log_.dropped -= dropped;
                (void)pthread_mutex_unlock(&log_.lock);
                write_line(l);
                free(l);
                if (dropped > 0)
                        write_dropped(dropped);
                (void)pthread_mutex_lock(&log_.lock);
        }
        (void)pthread_mutex_unlock(&log_.lock);
        return NULL;
}

/* systemd names device and inode of the stream it gave us; a redirected stderr is another one. */
static bool stderr_is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
               fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

int log_open(const char *program, enum log_target target) {
        struct sched_param param = {0};
        sigset_t all, before;
        pthread_attr_t attr;
        int r;

        assert(!log_.running);
        log_.program = program;
        log_.journal =
                target == LOG_TARGET_JOURNAL || (target == LOG_TARGET_AUTO && stderr_is_journal());
        log_.ending = false;

        r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        (void)pthread_attr_setstacksize(&attr, 256 * 1024); /* else it is larger */
        (void)pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
        (void)pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
        (void)pthread_attr_setschedparam(&attr, &param);
        sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&log_.thread, &attr, writer, NULL);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        log_.running = r == 0;
        return -r;
}

void log_close(void) {
        struct timespec ts = monotonic_in(CLOSE_USEC);

        if (!log_.running)
                return;
        (void)pthread_mutex_lock(&log_.lock);
        log_.running = false;
        log_.ending = true;
        (void)pthread_cond_broadcast(&log_.changed);
        (void)pthread_mutex_unlock(&log_.lock);
        if (pthread_clockjoin_np(log_.thread, NULL, CLOCK_MONOTONIC, &ts) != 0)
                (void)pthread_detach(log_.thread); /* the journal hangs; the process ends anyway */
}

void log_set_max(int priority) {
        log_.max = priority;
}

static void enqueue(struct line *l) {
        bool queued = false;

        (void)pthread_mutex_lock(&log_.lock);
        if (log_.running && log_.n < QUEUE_MAX) {
                log_.queue[(log_.first + log_.n++) % QUEUE_MAX] = l;
                queued = true;
                if (log_.idle)
                        (void)pthread_cond_signal(&log_.changed);
        } else if (log_.running) {
                log_.dropped++;
                queued = true;
                free(l);
        }
        (void)pthread_mutex_unlock(&log_.lock);
        if (!queued) {
                write_line(l);
                free(l);
        }
}

static void log_va(int priority, const struct log_fields *f, const char *fmt, va_list ap)
        PRINTF_LIKE(3, 0);

static void log_va(int priority, const struct log_fields *f, const char *fmt, va_list ap) {
        int saved = errno;
        struct line *l;

        if (priority > log_.max)
                return;
        l = xcalloc(1, sizeof(*l));
        l->wall = now_wall();
        l->priority = priority;
        if (f) {
                l->incident = f->incident;
                l->version = f->version;
                text_set(l->message_id, sizeof(l->message_id), f->message_id ? f->message_id : "");
                text_set(l->host, sizeof(l->host), f->host ? f->host : "");
                text_set(l->guest, sizeof(l->guest), f->guest ? f->guest : "");
        }
        if (vsnprintf(l->text, sizeof(l->text), fmt, ap) < 0)
                text_set(l->text, sizeof(l->text), fmt);
        enqueue(l);
        errno = saved;
}

void log_line(int priority, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        log_va(priority, NULL, fmt, ap);
        va_end(ap);
}

void log_note(int priority, const struct log_fields *fields, const char *fmt, ...) {
        va_list ap;

        va_start(ap, fmt);
        log_va(priority, fields, fmt, ap);
        va_end(ap);
}
