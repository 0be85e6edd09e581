/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libs: check */
/*
 * Golden traces: what happens to one member, and what it does, as a story that people can read.
 *
 *   trace FILE...           run each, compare        trace --write FILE...   run each, write anew
 *
 * A line of a trace is a comment (#), an event, or, two blanks in, an action that followed from the
 * events above. The words of the events are in the tables of trace_events.h.
 */
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/rig_fixture.h"

struct text {
        char *buf;
        size_t len;
};

struct trace {
        const char *file;
        unsigned line;
        struct rig *r;
        struct led l;
        uint32_t node;
        bool open, show_wire;
        struct text out;
};

static void say(struct trace *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct trace *t, const char *fmt, ...) {
        char line[1024];
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(line, sizeof(line), fmt, ap);
        va_end(ap);
        n = MIN(MAX(n, 0), (int)sizeof(line) - 1);
        t->out.buf = xreallocarray(t->out.buf, t->out.len + (size_t)n + 2, 1);
        memcpy(t->out.buf + t->out.len, line, (size_t)n);
        t->out.len += (size_t)n;
        t->out.buf[t->out.len++] = '\n';
        t->out.buf[t->out.len] = '\0';
}

static _Noreturn void bad(struct trace *t, const char *what, const char *word) {
        ck_abort_msg("%s:%u: %s '%s'", t->file, t->line, what, word);
        abort(); /* not reached */
}

/* ---- actions --------------------------------------------------------------------------------- */

static const char *host_name(struct trace *t, uint32_t nodeid) {
        return model_host_name(core_model(t->r->c), nodeid);
}

static const char *guest_name(struct trace *t, uint32_t gid) {
        const struct guest *g = model_guest(rig_model(t->r), gid);

        return g ? g->spec->name : "?";
}

static void show_op(struct trace *t, const struct op *op) {
        char buf[512] = "";
        size_t n = 0;

#define ADD(...) n += (size_t)snprintf(buf + n, sizeof(buf) - n, __VA_ARGS__)
        if (op->gid)
                ADD(" %s", guest_name(t, op->gid));
        if (op->host)
                ADD(" %s%s", op->gid ? "on " : "", host_name(t, op->host));
        if (op->kind == OP_GUEST_JOB)
                ADD(" %s", guest_job_name(op->job_kind));
        if (op->kind == OP_GUEST_DONE)
                ADD(" %s, %s", job_result_name(op->result), seen_state_name(op->seen));
        if (op->kind == OP_GUEST_SEEN)
                ADD(" %s%s%s", seen_state_name(op->seen), op->seen == SEEN_GONE ? ", " : "",
                    op->seen == SEEN_GONE ? end_why_name(op->end_why) : "");
        if (op->kind == OP_GUEST_REASON)
                ADD(" %s", guest_state_name(op->guest_state));
        if (op->kind == OP_FENCE_START)
                ADD(" %s by %s, loss %u, level %u", op->fence_kind == FENCE_OFF ? "off" : "on",
                    host_name(t, op->executor), op->loss, op->level);
        if (op->kind == OP_FENCE_DONE)
                ADD(" %s, loss %u", fence_result_name(op->fence_result), op->loss);
        if (op->kind == OP_HOST_REPORT)
                ADD(" of %u guests", op->n_seen);
        if (op->name[0])
                ADD(" %s", op->name);
        if (op->text[0])
                ADD(": %s", op->text);
#undef ADD
        say(t, "  propose %s%s", op_kind_name(op->kind), buf);
}

static void show_send(struct trace *t, const struct msg *m) {
        switch (m->kind) {
        case MSG_ENTRY: /* those that it only numbers, as the leader, are others' */
                for (size_t i = 0; m->entry->origin == t->node && i < m->entry->n_ops; i++)
                        show_op(t, &m->entry->ops[i]);
                break;
        case MSG_EXCHANGE:
                if (t->show_wire)
                        say(t, "  say epoch %" PRIu64 ", promised %" PRIu64 ", version %" PRIu64,
                            m->exchange.epoch, m->exchange.promised, m->exchange.version);
                break;
        case MSG_PROMISE:
                if (t->show_wire)
                        say(t, "  say promised %" PRIu64, m->promise.number);
                break;
        case MSG_ACK:
                if (t->show_wire)
                        say(t, "  say stored to %" PRIu64 ".%" PRIu64, m->ack.epoch,
                            m->ack.version);
                break;
        default:
                break;
        }
}

static void show_persist(struct trace *t, const struct persist *p) {
        if (!t->show_wire)
                return;
        if (p->set_promised)
                say(t, "  store promise %" PRIu64, p->promised);
        if (p->install_epoch)
                say(t, "  store epoch %" PRIu64 "%s", p->install_epoch,
                    p->install ? " with the winner's state" : "");
        if (p->n_entries)
                say(t, "  store %zu entries from %" PRIu64, p->n_entries, p->first_version);
        if (p->n_rows)
                say(t, "  store %zu rows of history", p->n_rows);
}

static void show(void *userdata, const struct action *a) {
        static const char *const jobs[] = {"start", "stop",   "destroy",  "settle",
                                           "pause", "resume", "undefine", "dump"};
        static const char *const fences[] = {"read", "switch off", "switch on"};
        static const char *const codes[] = {"ok", "failed", "usage", "not quorate", "busy"};
        static const char *const dogs[] = {"arm", "feed", "disarm"};
        static const char *const copies[] = {"export", "end the export of", "drop",
                                             "mirror", "end the mirror of", "check"};
        struct trace *t = userdata;

        switch (a->kind) {
        case ACT_PERSIST:
                show_persist(t, a->persist);
                break;
        case ACT_SEND:
                show_send(t, a->send);
                break;
        case ACT_GUEST_JOB:
                say(t, "  libvirt: %s %s%s", jobs[a->guest_job.op], a->guest_job.name,
                    a->guest_job.keep_running ? ", keep it if it runs" : "");
                break;
        case ACT_REJOIN:
                say(t, "  ring: leave the group and join it anew");
                break;
        case ACT_GUEST_CANCEL:
                say(t, "  libvirt: call off");
                break;
        case ACT_FENCE:
                say(t, "  fence: %s %s", fences[a->fence.action], a->fence.device);
                break;
        case ACT_FENCE_CANCEL:
                say(t, "  fence: call off");
                break;
        case ACT_REPLY:
                say(t, "  reply %s%s%s", codes[a->reply.code], a->reply.text[0] ? ": " : "",
                    a->reply.text);
                break;
        case ACT_NOTE:
                say(t, "  note %s: %s", note_name((enum note_id)a->note->id), a->note->text);
                break;
        case ACT_SENSORS: /* of no interest here */
                return;
        case ACT_WATCHDOG:
                if (a->watchdog.op != WATCHDOG_PET)
                        say(t, "  watchdog: %s", dogs[a->watchdog.op]);
                break;
        case ACT_REPLICA:
                say(t, "  replica: %s %s, serial %u", copies[a->replica.op], a->replica.spec->name,
                    a->replica.serial);
                break;
        case ACT_STOPPED:
                say(t, "  stopped");
                break;
        case ACT_FACTS:
        case ACT_READING:
        case ACT_KIND_MAX_:
                break;
        }
}

#include "tests/trace/trace_events.h"

/* ---- files ----------------------------------------------------------------------------------- */

static char *slurp(const char *path) {
        FILE *f = fopen(path, "re");
        char *buf = NULL;
        size_t len = 0, n;

        ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
        do {
                buf = xreallocarray(buf, len + 4097, 1);
                n = fread(buf + len, 1, 4096, f);
                len += n;
        } while (n);
        buf[len] = '\0';
        (void)fclose(f); /* was only read */
        return buf;
}

static void run(struct trace *t, const char *golden) {
        char *copy = xstrdup(golden), *rest = copy, *line;

        while ((line = strsep(&rest, "\n")) && (rest || *line)) {
                t->line++;
                if (strncmp(line, "  ", 2) == 0)
                        continue;
                say(t, "%s", line);
                if (*line && *line != '#')
                        take_line(t, line);
        }
        free(copy);
}

static void compare(const char *file, const char *golden, const char *now) {
        const char *g = golden, *n = now;
        unsigned line = 1;

        if (strcmp(golden, now) == 0)
                return;
        for (; *g && *g == *n; g++, n++)
                line += *g == '\n';
        while (g > golden && g[-1] != '\n') {
                g--;
                n--;
        }
        ck_abort_msg("%s:%u: expected\n%.500s\nbut it was\n%.500s\n", file, line, g, n);
}

static void write_anew(const char *file, const char *now) {
        FILE *f = fopen(file, "we");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(now, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static char **files;
static bool writing;

START_TEST(golden_trace) {
        struct trace t = {.file = files[_i], .r = rig_new(), .node = 1};
        char *golden = slurp(files[_i]);

        t.r->told = show;
        t.r->userdata = &t;
        run(&t, golden);
        if (!t.open)
                bad(&t, "no start", "");
        if (writing)
                write_anew(files[_i], t.out.buf);
        else
                compare(files[_i], golden, t.out.buf);
        rig_close(t.r);
        free(t.out.buf);
        free(golden);
}
END_TEST

int main(int argc, char **argv) {
        Suite *s = suite_create("trace");
        SRunner *runner;
        int failed;

        writing = argc > 1 && strcmp(argv[1], "--write") == 0;
        files = argv + (writing ? 2 : 1);
        tcase_add_loop_test(unit_case(s, "golden"), golden_trace, 0, (int)(argv + argc - files));
        runner = srunner_create(s);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner) + (srunner_ntests_run(runner) == 0);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
