/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest driver */
/*
 * guestprobe [URI [SECONDS]]: the libvirt adapter by itself. Prints each callback as a line; takes
 * commands from standard input, one a line:
 *
 *   start XMLFILE [SECONDS]          stop|destroy|settle|keep|undefine|pause|resume UUID [SECONDS]
 *   dump NAME                        cancel ID             quit
 *
 * Jobs are numbered from 1 in the order of the commands. `keep` is a settle with keep_running.
 * SECONDS: a domain that gives no sign of life for so long hangs.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "hawd/guest/domxml.h"
#include "hawd/guest/guest.h"
#include "hawd/guest/hostinfo.h"

static uint64_t last_id;
static usec_t hang_after; /* of every domain; 0: none is judged */

static void print_time(void) {
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        printf("%ld.%03ld ", (long)ts.tv_sec, ts.tv_nsec / 1000000);
}

static unsigned count_threads(void) {
        char line[256];
        unsigned n = 0;
        FILE *f = fopen("/proc/self/status", "re");

        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "Threads: %u", &n) == 1)
                        break;
        if (f)
                fclose(f);
        return n;
}

static void on_up(void *userdata, const struct domain_seen *d, size_t n) {
        (void)userdata;
        print_time();
        printf("up %zu", n);
        for (size_t i = 0; i < n; i++)
                printf(" %s=%s%s%s", d[i].name, seen_state_name(d[i].state),
                       d[i].end_why ? ":" : "", d[i].end_why ? end_why_name(d[i].end_why) : "");
        printf("\n");
}

static void on_down(void *userdata, const char *why) {
        (void)userdata;
        print_time();
        printf("down: %s\n", why);
}

static void on_domain(void *userdata, const struct domain_seen *d) {
        (void)userdata;
        print_time();
        printf("domain %s %s %s [%s]\n", d->name, seen_state_name(d->state),
               end_why_name(d->end_why), d->text);
}

static void on_healthy(void *userdata, const char *uuid, const char *evidence) {
        (void)userdata;
        print_time();
        printf("healthy %s [%s]\n", uuid, evidence);
}

static void on_job(void *userdata, uint64_t id, enum job_result result, enum seen_state seen,
                   const char *text, struct guest_spec *spec, usec_t wall,
                   const struct snap_figures *figures) {
        (void)userdata;
        (void)figures;
        (void)wall;
        print_time();
        printf("job %" PRIu64 " %s %s [%s] threads=%u", id, job_result_name(result),
               seen_state_name(seen), text, count_threads());
        if (spec)
                printf(" spec %s %s vcpus=%u memory=%" PRIu64 " agent=%d xml=%zu", spec->name,
                       spec->uuid, spec->vcpus, spec->memory_mib, spec->has_agent, spec->xml->len);
        printf("\n");
}

static void on_host(void *userdata, uint32_t vcpus, uint64_t memory_mib) {
        uint64_t free_mib = 0;
        uint32_t load = 0;

        (void)userdata;
        (void)hostinfo_read(&free_mib, &load); /* zero shows */
        print_time();
        printf("host vcpus=%u memory=%" PRIu64 " free=%" PRIu64 " load=%u%%\n", vcpus, memory_mib,
               free_mib, load);
}

static void on_definition(void *ud, const char *uuid, const char *name, bool defined) {
        (void)ud;
        (void)name;
        printf("definition %s %d\n", uuid, defined);
}

static bool on_kept(void *userdata, const char *uuid) {
        (void)userdata;
        (void)uuid;
        return true;
}

static void on_by_hand(void *userdata, const char *uuid, const char *text) {
        (void)userdata;
        print_time();
        printf("by hand %s [%s]\n", uuid, text);
}

static void on_redefined(void *userdata, struct guest_spec *spec) {
        (void)userdata;
        print_time();
        printf("redefined %s memory=%" PRIu64 "\n", spec->name, spec->memory_mib);
}

static usec_t on_hang_after(void *userdata, const char *uuid, bool *ret_alone) {
        (void)userdata;
        (void)uuid;
        *ret_alone = false;
        return hang_after;
}

static struct guest_spec *spec_from_file(const char *path) {
        static char xml[DOMXML_MAX];
        struct guest_spec *spec = NULL;
        char err[TEXT_LEN];
        FILE *f = fopen(path, "re");
        size_t len = f ? fread(xml, 1, sizeof(xml), f) : 0;

        if (f)
                fclose(f);
        if (spec_from_xml(xml, len, &spec, err) < 0)
                printf("%s: %s\n", path, err);
        return spec;
}

static void command(struct guest_adapter *a, char *line) {
        static const struct {
                const char *name;
                enum guest_job_op op;
        } ops[] = {
                {"start", GJOB_START},   {"stop", GJOB_STOP},     {"destroy", GJOB_DESTROY},
                {"settle", GJOB_SETTLE}, {"keep", GJOB_SETTLE},   {"undefine", GJOB_UNDEFINE},
                {"pause", GJOB_PAUSE},   {"resume", GJOB_RESUME}, {"dump", GJOB_DUMP},
        };
        struct action act = {.kind = ACT_GUEST_JOB};
        char verb[16] = "", arg[512] = "";
        unsigned seconds = 90;

        if (sscanf(line, "%15s %511s %u", verb, arg, &seconds) < 2)
                return;
        if (strcmp(verb, "cancel") == 0)
                guest_cancel(a, strtoull(arg, NULL, 10));
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
                struct guest_spec *spec = NULL;

                if (strcmp(verb, ops[i].name) != 0)
                        continue;
                if (ops[i].op == GJOB_START && !(spec = spec_from_file(arg)))
                        return;
                act.guest_job.id = ++last_id;
                act.guest_job.op = ops[i].op;
                act.guest_job.keep_running = strcmp(verb, "keep") == 0;
                act.guest_job.timeout_usec = seconds * USEC_PER_SEC;
                act.guest_job.spec = spec;
                text_set(act.guest_job.name, NAME_LEN,
                         spec                     ? spec->name
                         : ops[i].op == GJOB_DUMP ? arg
                                                  : "");
                text_set(act.guest_job.uuid, UUID_LEN, spec ? spec->uuid : arg);
                print_time();
                printf("submit %" PRIu64 " %s %s\n", last_id, verb, arg);
                guest_submit(a, &act);
                guest_spec_unref(spec);
        }
}

/* Whole lines out of what came; false at the end of input or at `quit`. */
static bool read_commands(struct guest_adapter *a) {
        static char buf[4096];
        static size_t len;
        ssize_t n = read(STDIN_FILENO, buf + len, sizeof(buf) - 1 - len);
        char *nl;

        if (n <= 0)
                return false;
        len += (size_t)n;
        buf[len] = '\0';
        while ((nl = strchr(buf, '\n'))) {
                *nl = '\0';
                if (strcmp(buf, "quit") == 0)
                        return false;
                command(a, buf);
                len -= (size_t)(nl + 1 - buf);
                memmove(buf, nl + 1, len + 1);
        }
        return len < sizeof(buf) - 1;
}

static void on_replica_final(void *userdata, uint32_t gid, uint32_t serial) {
        (void)userdata;
        printf("final %" PRIu32 " %" PRIu32 "\n", gid, serial);
}

int main(int argc, char **argv) {
        static const struct guest_callbacks callbacks = {
                .up = on_up,
                .down = on_down,
                .domain = on_domain,
                .definition = on_definition,
                .healthy = on_healthy,
                .job_done = on_job,
                .host = on_host,
                .kept = on_kept,
                .by_hand = on_by_hand,
                .redefined = on_redefined,
                .hang_after = on_hang_after,
                .replica_final = on_replica_final,
        };
        struct guest_adapter *a;
        char err[TEXT_LEN];

        signal(SIGPIPE, SIG_IGN);
        setvbuf(stdout, NULL, _IOLBF, 0);
        hang_after = argc > 2 ? (usec_t)atoi(argv[2]) * USEC_PER_SEC : 0;
        if (guest_open(argc > 1 ? argv[1] : NULL, "/tmp", &callbacks, NULL, &a, err) < 0) {
                fprintf(stderr, "guestprobe: %s\n", err);
                return EXIT_FAILURE;
        }
        for (;;) {
                struct pollfd fds[] = {
                        {.fd = STDIN_FILENO, .events = POLLIN},
                        {.fd = guest_fd(a), .events = POLLIN},
                };

                if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
                        break;
                if (fds[1].revents)
                        guest_dispatch(a);
                if (fds[0].revents && !read_commands(a))
                        break;
        }
        guest_close(a);
        /* What hangs in libvirt goes on; all else ends: this thread and libvirt's loop are left. */
        for (int tries = 0; tries < 50 && count_threads() > 2; tries++)
                usleep(100000);
        print_time();
        printf("closed threads=%u\n", count_threads());
        return EXIT_SUCCESS;
}
