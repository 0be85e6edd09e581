/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: control ctl guest facts */
/*
 * hawctl against a server on a real socket. The server is a child that plays what the cluster would
 * do; with an argument this program only serves, to try hawctl by hand: test_ctl_run DIRECTORY
 */
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hawd/ctl/client.h"
#include "hawd/ctl/ctl.h"
#include "hawd/facts/wants.h"
#include "tests/unit/api_fixture.h"
#include "tests/unit/unit.h"

#define REPLY_NSEC UINT64_C(5000000)
#define EFFECT_NSEC UINT64_C(250000000)

/* ---- the server ---- */

static struct fix *served;
static unsigned busy = 2;

static struct guest *requested(void) {
        return model_guest_named(fix_model(served), served->request.guest);
}

static void on_effect(void *data) {
        struct model *m = fix_model(served);
        struct guest *g = requested();

        (void)data;
        if (!g)
                return;
        switch (served->request.verb) {
        case VERB_GUEST_START:
        case VERB_GUEST_RESUME:
                g->state = strcmp(g->spec->name, "dns") == 0 ? GUEST_BLOCKED : GUEST_RUNNING;
                text_set(g->reason, TEXT_LEN, g->state == GUEST_BLOCKED ? "no host has room" : "");
                g->host = g->host ? g->host : 1;
                break;
        case VERB_GUEST_STOP:
                g->state = GUEST_STOPPED;
                break;
        case VERB_GUEST_PAUSE:
                g->state = GUEST_PAUSED;
                break;
        case VERB_GUEST_MOVE:
                g->host = model_host_named(m, served->request.host)->nodeid;
                g->move_to = 0;
                break;
        default:
                model_guest_remove(m, g->gid);
                break;
        }
}

static void begin(struct guest *g) {
        switch (served->request.verb) {
        case VERB_GUEST_START:
        case VERB_GUEST_RESUME:
                g->desired = DESIRED_RUNNING;
                g->state = GUEST_STARTING;
                break;
        case VERB_GUEST_STOP:
                g->desired = DESIRED_STOPPED;
                g->state = GUEST_STOPPING;
                break;
        case VERB_GUEST_PAUSE:
                g->desired = DESIRED_PAUSED;
                break;
        case VERB_GUEST_MOVE:
                g->move_to = model_host_named(fix_model(served), served->request.host)->nodeid;
                break;
        default:
                break;
        }
}

/* node1 and node2 are in the ring; bmc3's host is lost, and cannot be read from node2. */
static void read_devices(const struct request *r) {
        const uint32_t ring[] = {1, 2};
        struct event ev = {.kind = EV_RING, .ring = {.nodeids = ring, .n_nodeids = 2}};
        struct device_reading on = {.device = "bmc1", .by = 1, .reading = READING_ON};
        struct device_reading none = {.device = "bmc3", .by = 1, .text = "no answer"};
        struct actions out = {0};
        bool sick = strcmp(r->from, "node2") == 0;

        (void)core_step(served->core, &ev, &out);
        actions_free(&out);
        on.took_usec = 1500 * USEC_PER_MSEC;
        on.reading = sick ? READING_OFF : READING_ON;
        api_reading(served->api, r->id, &none);
        if (!r->host[0])
                api_reading(served->api, r->id, &on);
        if (strcmp(r->from, FENCE_TEST_ALL) == 0)
                api_reply(served->api, r->id, REPLY_FAILED, "node2: left before it was done");
        else
                api_reply(served->api, r->id, REPLY_OK, "read");
}

static void on_answer(void *data) {
        const struct request *r = &served->request;
        qb_loop_timer_handle h;
        struct note note = {.id = NOTE_GUEST_DESIRED};

        (void)data;
        if (r->verb == VERB_FENCE_CONFIRM) {
                api_reply(served->api, r->id, REPLY_NOT_QUORATE, "1 of 3 hosts: not quorate");
                return;
        }
        if (r->verb == VERB_FENCE_TEST) {
                read_devices(r);
                return;
        }
        if (r->verb == VERB_RULE_SET && busy-- > 0) {
                api_reply(served->api, r->id, REPLY_BUSY, "being agreed on; try again");
                return;
        }
        if (strcmp(r->guest, "refused") == 0) {
                api_reply(served->api, r->id, REPLY_FAILED, "the ledger is full");
                return;
        }
        if (r->guest[0] && requested())
                begin(requested());
        else if (r->verb == VERB_GUEST_CREATE)
                fix_guest(fix_model(served), r->guest, r->desired,
                          r->desired == DESIRED_RUNNING ? GUEST_RUNNING : GUEST_STOPPED, 1, "");
        text_fmt(note.text, sizeof(note.text), "%s wants %s of %s", r->who, verb_name(r->verb),
                 r->guest);
        api_note(served->api, &note, FIX_WALL);
        api_reply(served->api, r->id, REPLY_OK, "agreed");
        if (r->verb != VERB_GUEST_SET && r->verb != VERB_GUEST_ADD)
                qb_loop_timer_add(served->loop, QB_LOOP_LOW, EFFECT_NSEC, NULL, on_effect, &h);
}

/* node2 hangs; the others say little, and that node1's libvirt starts web by itself. */
static void say_facts(const struct request *r) {
        static const char good[] = "{\"wants\": {\"from\": \"hawd\", \"hawd_error\": null}}";
        static const char bad[] =
                "{\"wants\": {\"from\": \"hawd\", \"hawd_error\": null}, \"libvirt\": "
                "{\"driver\": \"QEMU\", \"autostart\": [\"web\"]}}";
        const char *text = strcmp(r->host, "node1") == 0 ? bad : good;
        struct blob *facts = strcmp(r->host, "node2") == 0 ? NULL : blob_new(text, strlen(text));

        api_reply_facts(served->api, r->id, facts ? REPLY_OK : REPLY_FAILED,
                        facts ? "" : "its hawd hangs", facts);
        blob_unref(facts);
}

static int play(void *ud, const struct request *request) {
        qb_loop_timer_handle h;

        if (request->verb == VERB_FACTS) {
                say_facts(request);
                return 0;
        }
        (void)fix_request(ud, request);
        served->request.spec = NULL;
        qb_loop_timer_add(served->loop, QB_LOOP_LOW, REPLY_NSEC, NULL, on_answer, &h);
        return 0;
}

static int32_t on_term(int32_t sig, void *data) {
        (void)sig;
        (void)data;
        qb_loop_stop(served->loop);
        return 0;
}

static void served_device(const char *name, const char *host) {
        struct conf_device *d = &served->config.devices[served->config.n_devices++];

        text_set(d->name, NAME_LEN, name);
        text_set(d->host, NAME_LEN, host);
        d->level = 1;
}

static int serve(const char *dir) {
        qb_loop_signal_handle h;

        served = fix_new(play);
        fix_renumbered(served);
        served_device("bmc1", "node1");
        served_device("bmc3", "node3");
        if (api_listen(served->api, dir) < 0) {
                fprintf(stderr, "%s", served->log);
                return EXIT_FAILURE;
        }
        qb_loop_signal_add(served->loop, QB_LOOP_HIGH, SIGTERM, NULL, on_term, &h);
        qb_loop_signal_add(served->loop, QB_LOOP_HIGH, SIGINT, NULL, on_term, &h);
        qb_loop_run(served->loop);
        fix_free(served);
        return EXIT_SUCCESS;
}

/* ---- the tests ---- */

static char dir[] = "/tmp/hawctl-XXXXXX", socket_path[64], view_path[64], out[1 << 16],
            complaint[4096];
static char arg_name[] = "hawctl", arg_socket[] = "--socket", arg_watch[] = "watch";
static pid_t server;

static bool answers(const char *path) {
        struct client *c;

        if (client_open(path, USEC_PER_SEC, &c) < 0)
                return false;
        client_close(c);
        return true;
}

static void setup(void) {
        text_set(dir, sizeof(dir), "/tmp/hawctl-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        text_fmt(socket_path, sizeof(socket_path), "%s/admin.sock", dir);
        server = fork();
        if (server == 0)
                _exit(serve(dir));
        text_fmt(view_path, sizeof(view_path), "%s/view.sock", dir);
        for (int i = 0; i < 500 && !answers(view_path); i++) /* the later one of the two */
                usleep(10000);
}

static void teardown(void) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
        rmdir(dir);
}

static void slurp(FILE *f, char *buf, size_t size) {
        rewind(f);
        buf[fread(buf, 1, size - 1, f)] = '\0';
        fclose(f);
}

/* @text: words parted by one blank. */
_Noreturn static void run_line(const char *text, int output, int error) {
        char copy[512], *save = NULL, *argv[32] = {arg_name, arg_socket, socket_path};
        int argc = 3;

        text_set(copy, sizeof(copy), text);
        for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
                argv[argc++] = w;
        dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
        dup2(output, STDOUT_FILENO);
        dup2(error, STDERR_FILENO);
        _exit(ctl_main(argc, argv));
}

/* Without a terminal. Return: the exit status. */
static int hawctl(const char *text) {
        FILE *o = tmpfile(), *e = tmpfile();
        pid_t pid = fork();
        int status;

        if (pid == 0)
                run_line(text, fileno(o), fileno(e));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        slurp(o, out, sizeof(out));
        slurp(e, complaint, sizeof(complaint));
        ck_assert_msg(WIFEXITED(status), "died by signal %d", WTERMSIG(status));
        return WEXITSTATUS(status);
}

static void says(const char *text) {
        ck_assert_msg(strstr(out, text) != NULL, "no '%s' in:\n%s%s", text, out, complaint);
}

static void complains(const char *text) {
        ck_assert_msg(strstr(complaint, text) != NULL, "no '%s' in:\n%s", text, complaint);
}

START_TEST(status_fits_one_screen) {
        ck_assert_int_eq(hawctl("status"), CTL_NOT_QUORATE); /* this core has met nobody */
        says("Cluster prod: NOT QUORATE");
        says("missing:");
        says("node3 is not proven off; 1 guest waits for that");
        says("node3 waits: node 4 is called so in the nodelist");
        says("mend:         repair bmc3");
        says("dns   failed running");
        says("Guests: 4 (1 running, 1 stopped, 2 failed, 1 of them ignored); 1 not as wanted");
        says("Open incidents: 1");
        ck_assert_ptr_null(strchr(out, '\033'));
}
END_TEST

static const struct {
        const char *line, *out;
} shows[] = {
        {"host list", "node2 online"},
        {"host show node3", "Host node3 (node 3): lost"},
        {"host show node3", "bmc3"},
        {"host show node3", "node3 waits: node 4 is called so in the nodelist"},
        {"host list", "why:          the ledger knows node3 as node 3, which is not in"},
        {"guest list", "web   running"},
        {"guest list --wrong", "dns   failed"},
        {"guest list --host node9", "no such guests"},
        {"guest show web", "Guest web: running on node2, wanted running"},
        {"guest show web", "start-timeout    "},
        {"guest show web --xml", "<domain/>"},
        {"rule list", "apart separate yes"},
        {"fence list", "bmc3"},
        {"explain dns", "1  "},
        {"explain host node3", "1  "},
        {"history --limit 3", "row 1200"},
        {"history --guest web --limit 1000", "guest-started"},
        {"history --incident 2", "Incident 2: guest web, closed"},
        {"history --incident 2", "1 min 10 s"},
        {"history --since 2023-11-14T22:14:00", "row 1200"},
        {"history --since 1h", "nothing is recorded for that"},
        {"fence history", "host-lost"},
        {"fence test --all", "node1     1 bmc1   node1   on       1.5 s no"},
        {"fence test --all", "node3     1 bmc3   node1   not read 0.0 s no"},
        {"fence test --all", "bmc3, read by node1, proves nothing"},
        {"fence test --all", "why:          no answer"},
        {"fence test --all --from node1 --json", "\"took_ms\": 1500"},
        {"fence host node3 --yes", "agreed"},
        {"reload", "hawd.conf is read again; nothing in it has changed"},
        {"rule add far separate --guests a,b", "agreed"}, /* busy at first */
        {"guest add new --priority 5 --after web", "agreed"},
        {"guest set web priority=5", "agreed"},
        {"guest ignore web", "agreed"},
        {"--version", "hawctl "},
        {"--help", "Exit status:"},
};

START_TEST(shown) {
        ck_assert_msg(hawctl(shows[_i].line) == CTL_DONE, "%s", complaint);
        says(shows[_i].out);
}
END_TEST

/* What it prints on a terminal of so many columns: less than the terminal holds back. */
static int on_terminal(unsigned short columns, const char *text) {
        const struct winsize size = {.ws_row = 24, .ws_col = columns};
        int outer, inner, status;
        size_t len = 0;
        ssize_t n;
        pid_t pid;

        ck_assert_int_eq(openpty(&outer, &inner, NULL, NULL, &size), 0);
        pid = fork();
        if (pid == 0)
                run_line(text, inner, inner);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        close(inner);
        while (len + 1 < sizeof(out) && (n = read(outer, out + len, sizeof(out) - 1 - len)) > 0)
                len += (size_t)n;
        out[len] = '\0';
        close(outer);
        return WEXITSTATUS(status);
}

START_TEST(a_complaint_has_its_own_line) {
        ck_assert_int_eq(on_terminal(80, "guest start dns"), CTL_FAILED);
        says("dns: "); /* how far it is */
        says("\r\033[Khawctl: dns is blocked");
}
END_TEST

START_TEST(a_narrow_terminal_gets_whole_words) {
        setenv("NO_COLOR", "1", 1);
        ck_assert_int_eq(on_terminal(200, "guest list"), CTL_DONE);
        says("waits for node3 to be proven off\r\n");
        ck_assert_int_eq(on_terminal(70, "guest list"), CTL_DONE);
        says("waits for node3 to be\r\n");
        says("  proven off\r\n");
        ck_assert_int_eq(on_terminal(10, "guest list"),
                         CTL_DONE); /* then a line is longer than it */
        says("waits for node3 to be\r\n");
        ck_assert_int_eq(on_terminal(0, "guest list"), CTL_DONE);
        says("dns   failed");
        ck_assert_int_eq(hawctl("guest list"), CTL_DONE); /* a line a row for scripts */
        says("waits for node3 to be proven off\n");
}
END_TEST

START_TEST(every_reading_verb_speaks_json) {
        static const char *const lines[] = {
                "host list --json",      "host show node1 --json",
                "guest list --json",     "rule list --json",
                "guest show web --json", "fence list --json",
                "history --json",        "explain guest dns --json",
                "fence history --json",  "guest set web priority=5 --json"};

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                json_t *j;

                ck_assert_int_eq(hawctl(lines[i]), CTL_DONE);
                j = json_loads(out, 0, NULL);
                ck_assert_msg(json_is_object(j), "%s: %s", lines[i], out);
                json_decref(j);
        }
        ck_assert_int_eq(hawctl("status --json"), CTL_NOT_QUORATE);
        says("\"cluster\": \"prod\"");
        ck_assert_int_eq(hawctl("host show none --json"), CTL_FAILED);
        says("\"error\": \"io.hawd.NotFound\"");
        ck_assert_int_eq(hawctl("history --limit 1000 --json"), CTL_DONE); /* more than a page */
}
END_TEST

static const struct {
        const char *line, *out;
        int status;
} waits[] = {
        {"guest start old", "old is running on node1", CTL_DONE},
        {"guest start old --json", "\"done\": true", CTL_DONE},
        {"guest stop web", "web is stopped", CTL_DONE},
        {"guest stop web --no-wait", "agreed", CTL_DONE},
        {"guest pause web", "web is paused", CTL_DONE},
        {"guest move web node1", "web is running on node1", CTL_DONE},
        {"guest delete web --yes", "web is no longer kept", CTL_DONE},
        {"guest remove web", "web is no longer kept", CTL_DONE},
};

START_TEST(verbs_wait_until_it_is_so) {
        ck_assert_msg(hawctl(waits[_i].line) == waits[_i].status, "%s", complaint);
        says(waits[_i].out);
}
END_TEST

static const struct {
        const char *line, *complaint;
        int status;
} failures[] = {
        {"guest start dns", "dns is blocked: no host has room", CTL_FAILED},
        {"guest stop web --timeout 0s", "is stopping; hawd goes on with it", CTL_FAILED},
        {"guest stop web --timeout soon", "--timeout: ", CTL_USAGE},
        {"guest show none", "hawd keeps no guest none", CTL_FAILED},
        {"guest set web prio=3", "prio", CTL_USAGE},
        {"guest set web nonsense", "write KEY=VALUE", CTL_USAGE},
        {"guest list --state runing", "do you mean 'running'?", CTL_USAGE},
        {"guest list --state on", "it is stopped, starting, running,", CTL_USAGE},
        {"fence test \xff", "'?' is no UTF-8 text", CTL_USAGE}, /* not of all hosts */
        {"history --host=a\xff\033", "is no UTF-8 text", CTL_USAGE},
        {"rule add x separate --guests a,b,c\xe9", "is no UTF-8 text", CTL_USAGE},
        {"guest delete web", "say --yes", CTL_USAGE},
        {"fence host node3", "say --yes", CTL_USAGE},
        {"fence test", "a HOST, or --all", CTL_USAGE},
        {"fence test node1 --all", "not both", CTL_USAGE},
        {"fence test node3", "", CTL_FAILED},              /* asked for by name, and not read */
        {"fence test --all --from node2", "", CTL_FAILED}, /* off, and its host in the ring */
        {"fence test --all --from all", "node2: left before", CTL_FAILED},
        {"fence test node9", "no host node9", CTL_FAILED},
        {"fence confirm node3", "You say that you have SEEN node3", CTL_USAGE},
        {"fence confirm node3 --yes", "not quorate", CTL_NOT_QUORATE},
        {"rule add x separat --guests a,b", "do you mean 'separate'?", CTL_USAGE},
        {"rule add x avoid --guests a", "avoid needs guests and hosts", CTL_USAGE},
        {"rule add x avoid", "--guests", CTL_USAGE},
        {"history --since never", "is no time", CTL_USAGE},
        {"history --event frob", "there is no event frob", CTL_FAILED},
        {"guest create /nonexistent.xml", "No such file", CTL_FAILED},
        {"guest create /dev/null", "not usable", CTL_USAGE},
        {"guest create /dev/zero", "too long", CTL_FAILED},
        {"simulate /nonexistent", "", CTL_USAGE},
};

START_TEST(failures_say_why) {
        ck_assert_msg(hawctl(failures[_i].line) == failures[_i].status, "%s%s", out, complaint);
        complains(failures[_i].complaint);
}
END_TEST

START_TEST(guests_are_made_of_files) {
        char path[64], command[128];
        FILE *f;

        text_fmt(path, sizeof(path), "%s/x.xml", dir);
        f = fopen(path, "w");
        ck_assert_ptr_nonnull(f);
        fputs("<domain>fresh", f);
        fclose(f);
        text_fmt(command, sizeof(command), "guest create %s --set start-timeout=5min", path);
        ck_assert_msg(hawctl(command) == CTL_DONE, "%s", complaint);
        says("fresh is running on node1");
        unlink(path);
}
END_TEST

static const struct {
        const char *line, *out;
        int status;
} doctors[] = {
        {"doctor", "bad      node2: no answer from this host, so it is not known", CTL_FAILED},
        {"doctor", "its hawd hangs [answers]\n         mend: hawctl doctor --local on", CTL_FAILED},
        {"doctor", "bad      node1: libvirt starts guest web at boot", CTL_FAILED},
        {"doctor", "bad      node3: it is lost and not proven off [hosts]", CTL_FAILED},
        {"doctor", "note     node1, node3: not known: corosync: because", CTL_FAILED},
        {"doctor --all", "ok       node1, node3: it answers [answers]", CTL_FAILED},
        {"doctor --json", "\"severity\": \"bad\"", CTL_FAILED},
        {"doctor --json", "\"name\": \"node2\",\n      \"error\": \"its hawd hangs\"", CTL_FAILED},
        {"doctor --host node2", "node2: no answer from this host", CTL_FAILED},
        {"doctor --local", "Only this host was looked at", CTL_FAILED},
};

START_TEST(doctor_finds) {
        ck_assert_msg(hawctl(doctors[_i].line) == doctors[_i].status, "%s", complaint);
        says(doctors[_i].out);
}
END_TEST

/* The worst first, and each host that says the same in one line; of one host, only that. */
START_TEST(doctor_is_short) {
        const char *bad, *note;

        ck_assert_int_eq(hawctl("doctor"), CTL_FAILED);
        bad = strstr(out, "\nbad ");
        note = strstr(out, "\nnote ");
        ck_assert(bad && note && bad < note);
        ck_assert_ptr_null(strstr(note, "\nbad "));
        ck_assert_ptr_null(strstr(out, "\nok "));
        ck_assert_int_eq(hawctl("doctor --host node2"), CTL_FAILED);
        ck_assert_ptr_null(strstr(out, "node1: libvirt"));
        ck_assert_int_eq(hawctl("doctor --host node9"), CTL_FAILED);
        complains("the cluster has no host node9");
        ck_assert_int_eq(hawctl("doctor --local --host node2"), CTL_USAGE);
}
END_TEST

/* hawd-facts asks the hawd of its host for the guests. */
START_TEST(guests_for_the_facts) {
        struct wants_source source = {.run_dir = dir};
        json_t *wants = wants_hawd(&source);

        ck_assert(json_is_null(json_object_get(wants, "error")));
        ck_assert_uint_eq(json_array_size(json_object_get(wants, "guests")), 4);
        ck_assert_int_eq(hawd_pid(dir), server);
        json_decref(wants);
        source.run_dir = "/nonexistent";
        wants = wants_hawd(&source);
        ck_assert_ptr_nonnull(strstr(jtext(wants, "error"), "hawd does not run"));
        ck_assert_int_eq(hawd_pid("/nonexistent"), 0);
        json_decref(wants);
}
END_TEST

START_TEST(nobody_answers) {
        text_fmt(socket_path, sizeof(socket_path), "%s/none.sock", dir);
        ck_assert_int_eq(hawctl("status"), CTL_NO_ANSWER);
        complains("hawd does not run on this host: systemctl start hawd");
        ck_assert_int_eq(hawctl("doctor"), CTL_FAILED); /* looks at this host, as far as it can */
        says("Only this host was looked at");
}
END_TEST

START_TEST(viewers_may_look_only) {
        text_set(socket_path, sizeof(socket_path), view_path);
        ck_assert_int_eq(hawctl("host list"), CTL_DONE);
        ck_assert_int_eq(hawctl("guest stop web"), CTL_FAILED);
        complains("GuestStop changes something");
        complains("view.sock is for looking only: be root, or a member of the group hawd");
        ck_assert_int_eq(hawctl("reload"), CTL_FAILED);
        complains("Reload changes something");
        ck_assert_int_eq(hawctl("export"), CTL_DONE);
}
END_TEST

static char file_path[64];

static const char *file(const char *text) {
        FILE *f;

        text_fmt(file_path, sizeof(file_path), "%s/file", dir);
        f = fopen(file_path, "w");
        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        fclose(f);
        return file_path;
}

static int apply(const char *text, const char *options) {
        char command[128];

        text_fmt(command, sizeof(command), "apply %s%s", file(text), options);
        return hawctl(command);
}

#define XML(name, n)                                                                               \
        "xml =\n  <domain type='kvm'>\n    <name>" name                                            \
        "</name>\n    <uuid>00000000-0000-4000-8000-00000000000" n                                 \
        "</uuid>\n    <memory>65536</memory>\n  </domain>\n"

START_TEST(what_is_exported_is_so) {
        char command[128], text[sizeof(out)];

        ck_assert_int_eq(hawctl("export"), CTL_DONE);
        says("[guest web]\ndesired = running\npriority = 100\n");
        says("xml =\n  <domain/>\n");
        says("[rule apart]\nkind = separate\nstrict = yes\nguests = dns web\n");
        text_set(text, sizeof(text), out);
        ck_assert_int_eq(apply(text, " --prune"), CTL_DONE);
        ck_assert_str_eq(out, "nothing to change\n");
        ck_assert_int_eq(apply(text, " --json"), CTL_DONE);
        says("\"changes\": []");
        text_fmt(command, sizeof(command), "export %s", file("old"));
        ck_assert_int_eq(hawctl(command), CTL_DONE);
        text_fmt(command, sizeof(command), "apply %s --prune", file_path);
        ck_assert_int_eq(hawctl(command), CTL_DONE);
        says("nothing to change");
        ck_assert_int_eq(hawctl("export /nonexistent/x"), CTL_FAILED);
        complains("/nonexistent/x: No such file");
        ck_assert_int_eq(hawctl("export /proc/version"), CTL_FAILED); /* not to be replaced */
        unlink(file_path);
}
END_TEST

START_TEST(apply_changes_what_differs) {
        static const char text[] = "[guest fresh]\n" XML(
                "fresh", "1") "[guest web]\n"
                              "priority = 7\ndesired = stopped\n[rule apart]\nguests = web old\n";

        ck_assert_int_eq(apply(text, " --dry-run"), CTL_DONE);
        says("+ guest fresh\n  xml: 5 lines\n");
        says("~ guest web\n  desired: running -> stopped\n  priority: 100 -> 7\n");
        says("~ rule apart\n  guests: dns web -> old web\n");
        ck_assert_int_eq(hawctl("guest show fresh"), CTL_FAILED);
        ck_assert_int_eq(apply(text, ""), CTL_USAGE);
        complains("1 guest is stopped: web. Go on? There is no terminal to ask on: say --yes");
        ck_assert_int_eq(hawctl("guest show fresh"), CTL_FAILED);
        ck_assert_msg(apply(text, " --yes") == CTL_DONE, "%s%s", out, complaint);
        says("rule apart: set\nguest web: changed\nguest web: wanted stopped\n"
             "guest fresh: created\n");
        ck_assert_int_eq(hawctl("guest show web"), CTL_DONE);
        says("Guest web: stopped");
        ck_assert_int_eq(hawctl("guest show fresh"), CTL_DONE);
        says("Guest fresh: running");
        ck_assert_int_eq(apply("[guest web]\n", " --prune"), CTL_USAGE);
        complains(
                "4 guests are stopped, undefined and forgotten (disks stay): dns, fresh, lab, old. "
                "1 rule is deleted: apart. Go on?");
        unlink(file_path);
}
END_TEST

START_TEST(a_failure_says_what_is_not_done) {
        static const char text[] = "[guest refused]\n" XML(
                "refused", "1") "[guest dns]\n"
                                "priority = 7\n[guest zoo]\n" XML("zoo", "2");

        ck_assert_int_eq(apply(text, ""), CTL_FAILED);
        says("guest dns: changed\nguest refused: FAILED\nguest zoo: not done (create)\n");
        complains("guest refused: the ledger is full");
        complains("1 of 3 steps are done");
        ck_assert_int_eq(apply(text, " --json"), CTL_FAILED);
        says("\"error\": \"the ledger is full\"");
        says("\"not_done\": [\n    {");
        ck_assert_int_eq(hawctl("guest show zoo"), CTL_FAILED);
        unlink(file_path);
}
END_TEST

START_TEST(mistakes_stop_all) {
        ck_assert_int_eq(apply("[guest web]\npriority = 1\nprio = 1\n[rule x]\nkind = y\n", ""),
                         CTL_USAGE);
        complains("file:3: [guest] has no key 'prio'");
        complains("file:5: 'y' is no value for 'kind'");
        complains("2 mistakes in ");
        ck_assert_int_eq(apply("[guest web]\n", " --timeout soon"), CTL_USAGE);
        ck_assert_int_eq(hawctl("apply /nonexistent"), CTL_FAILED);
        ck_assert_int_eq(hawctl("apply /dev/null"), CTL_DONE);
        says("nothing to change");
        text_set(socket_path, sizeof(socket_path), "/nonexistent");
        ck_assert_int_eq(apply("[guest web]\nprio = 1\n", ""), CTL_NO_ANSWER);
        complains("file:2: [guest] has no key");
        unlink(file_path);
}
END_TEST

START_TEST(a_guest_that_does_not_come_is_told) {
        ck_assert_int_eq(apply("[guest old]\ndesired = running\n", " --timeout 20s"), CTL_DONE);
        ck_assert_int_eq(apply("[guest dns]\ndesired = stopped\n", " --yes"), CTL_DONE);
        ck_assert_int_eq(apply("[guest dns]\ndesired = running\n", " --timeout 2s"), CTL_FAILED);
        complains("dns is blocked: no host has room");
        complains("not all guests are as wanted");
        unlink(file_path);
}
END_TEST

START_TEST(watch_ends_when_hawd_does) {
        FILE *o = tmpfile(), *e = tmpfile();
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                char *argv[] = {arg_name, arg_socket, socket_path, arg_watch};

                dup2(fileno(o), STDOUT_FILENO);
                dup2(fileno(e), STDERR_FILENO);
                _exit(ctl_main(4, argv));
        }
        usleep(300000);
        ck_assert_int_eq(hawctl("guest ignore web"), CTL_DONE);
        kill(server, SIGTERM);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        slurp(o, out, sizeof(out));
        slurp(e, complaint, sizeof(complaint));
        says("Cluster prod");
        says("of web");
        complains("hawd ended the stream");
        ck_assert_int_eq(WEXITSTATUS(status), CTL_FAILED);
}
END_TEST

static Suite *ctl_run_suite(void) {
        Suite *s = suite_create("ctl_run");
        TCase *tc = unit_case(s, "ctl_run");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, status_fits_one_screen);
        tcase_add_loop_test(tc, shown, 0, (int)ARRAY_SIZE(shows));
        tcase_add_test(tc, a_narrow_terminal_gets_whole_words);
        tcase_add_test(tc, a_complaint_has_its_own_line);
        tcase_add_test(tc, every_reading_verb_speaks_json);
        tcase_add_loop_test(tc, verbs_wait_until_it_is_so, 0, (int)ARRAY_SIZE(waits));
        tcase_add_loop_test(tc, failures_say_why, 0, (int)ARRAY_SIZE(failures));
        tcase_add_test(tc, guests_are_made_of_files);
        tcase_add_loop_test(tc, doctor_finds, 0, (int)ARRAY_SIZE(doctors));
        tcase_add_test(tc, doctor_is_short);
        tcase_add_test(tc, guests_for_the_facts);
        tcase_add_test(tc, nobody_answers);
        tcase_add_test(tc, viewers_may_look_only);
        tcase_add_test(tc, what_is_exported_is_so);
        tcase_add_test(tc, apply_changes_what_differs);
        tcase_add_test(tc, a_failure_says_what_is_not_done);
        tcase_add_test(tc, mistakes_stop_all);
        tcase_add_test(tc, a_guest_that_does_not_come_is_told);
        tcase_add_test(tc, watch_ends_when_hawd_does);
        return s;
}

int main(int argc, char **argv) {
        SRunner *runner;
        int failed;

        if (argc > 1)
                return serve(argv[1]);
        runner = srunner_create(ctl_run_suite());
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
