/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd: the only file that names concrete adapters. Events of theirs go into the core, actions of
 * the core go to them, on one loop that never waits.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/base/clock.h"
#include "hawd/base/log.h"
#include "hawd/control/api.h"
#include "hawd/core/byhand.h"
#include "hawd/core/core.h"
#include "hawd/core/note.h"
#include "hawd/guest/domxml.h"
#include "hawd/guest/guest.h"
#include "hawd/guest/hostinfo.h"
#include "hawd/ledger/ledger.h"
#include "hawd/options.h"
#include "hawd/ring/identity.h"
#include "hawd/ring/ring.h"
#include "hawd/runner/facts.h"
#include "hawd/runner/runner.h"
#include "hawd/wire/wire.h"

#define GROUP "hawd"
#define REFUSED_EVERY USEC_PER_MINUTE
#define OWN_REQUEST (UINT64_C(1) << 63) /* of no client: set in its number */
_Static_assert(OWN_REQUEST > API_FACTS_ID, "replies to the API would be taken for hawd's own");
#define EXIT_CONFIG 78 /* EX_CONFIG of sysexits.h; the unit does not try again then */

struct hawd {
        struct options opt;
        struct config config;
        qb_loop_t *loop;
        struct core *core;
        struct ledger_store *store;
        struct ring *ring;
        usec_t refused_said[HOSTS_MAX]; /* by position in the nodelist */
        struct guest_adapter *guest;
        char running_conf[PATH_MAX]; /* what hawd-fence reads: hawd.conf may be half edited */
        struct runner_paths runner_paths;
        struct runner *runner;
        struct facts_paths facts_paths;
        struct facts *facts;
        struct api *api;
        struct actions actions;
        qb_loop_timer_handle timer, load_timer, pet_timer;
        usec_t pet_usec;
        uint32_t vcpus;
        uint64_t memory_mib;
        uint64_t own_requests;
        bool ready;
        int exit_code;
};

/* ---- actions ------------------------------------------------------------------------------- */

static void log_the_note(struct hawd *d, const struct note *n) {
        const struct log_fields f = {
                .message_id = note_message_id(n->id),
                .host = n->host && d->core ? model_host_name(core_model(d->core), n->host) : NULL,
                .guest = n->guest,
                .incident = n->incident,
                .version = n->version,
        };

        log_note(note_priority(n->id), &f, "%s: %s", note_name(n->id), n->text);
        if (d->api)
                api_note(d->api, n, now_wall());
}

static void send_message(struct hawd *d, const struct msg *m) {
        uint8_t *bytes;
        size_t len;
        int r = wire_msg_encode(m, &bytes, &len);

        if (r < 0) {
                log_line(LOG_ERR, "a message cannot be encoded: %s", strerror(-r));
                return;
        }
        r = ring_send(d->ring, bytes, len);
        free(bytes);
        if (r < 0)
                log_line(LOG_WARNING, "a message cannot be sent: %s", strerror(-r));
}

static void stop_loop(struct hawd *d, int code) {
        d->exit_code = code;
        qb_loop_stop(d->loop);
}

static void carry_out(struct hawd *d, struct action *a) {
        switch (a->kind) {
        case ACT_PERSIST:
                ledger_store_submit(d->store, a->persist);
                break;
        case ACT_SEND:
                send_message(d, a->send);
                break;
        case ACT_GUEST_JOB:
                guest_submit(d->guest, a);
                break;
        case ACT_GUEST_CANCEL:
                guest_cancel(d->guest, a->cancel.id);
                break;
        case ACT_FENCE:
                runner_start(d->runner, a);
                break;
        case ACT_FENCE_CANCEL:
                runner_cancel(d->runner, a->cancel.id);
                break;
        case ACT_REJOIN:
                log_line(LOG_NOTICE, "the others went on without this hawd: it joins them anew");
                ring_rejoin(d->ring);
                break;
        case ACT_HISTORY_SEND: /* who lacks some asks for it */
                break;
        case ACT_READING:
                api_reading(d->api, a->reading.request, &a->reading.row);
                break;
        case ACT_FACTS:
                facts_start(d->facts, a->facts.id);
                break;
        case ACT_REPLY:
                if (a->reply.request & OWN_REQUEST) {
                        if (a->reply.code != REPLY_OK)
                                log_line(LOG_WARNING, "not taken over: %s", a->reply.text);
                        break;
                }
                api_reply_facts(d->api, a->reply.request, a->reply.code, a->reply.text,
                                a->reply.facts);
                break;
        case ACT_NOTE:
                log_the_note(d, a->note);
                break;
        case ACT_STOPPED:
                stop_loop(d, EXIT_SUCCESS);
                break;
        case ACT_KIND_MAX_:
                break;
        }
}

static void say_status(struct hawd *d) {
        struct core_status st;

        core_status(d->core, &st);
        if (!d->ready && st.n_group) {
                d->ready = true;
                (void)sd_notify(0, "READY=1"); /* no manager: nobody listens */
        }
        (void)sd_notifyf(0, "STATUS=%s", st.operational ? "deciding" : st.missing);
}

static void on_deadline(void *data);

static void step(struct hawd *d, struct event *ev) {
        usec_t deadline;

        ev->now = now_boottime();
        ev->wall = now_wall();
        (void)core_step(d->core, ev, &d->actions); /* an unknown event is dropped */
        for (size_t i = 0; i < d->actions.n; i++)
                carry_out(d, &d->actions.list[i]);
        actions_clear(&d->actions);
        if (d->timer)
                (void)qb_loop_timer_del(d->loop, d->timer); /* fired already: no matter */
        d->timer = 0;
        deadline = core_deadline(d->core);
        if (deadline != USEC_INFINITY)
                (void)qb_loop_timer_add(d->loop, QB_LOOP_HIGH,
                                        (usec_sub(deadline, ev->now) + USEC_PER_MSEC) * 1000, d,
                                        on_deadline, &d->timer);
}

static void on_deadline(void *data) {
        struct hawd *d = data;
        struct event ev = {.kind = EV_TIMEOUT};

        d->timer = 0;
        step(d, &ev);
}

/* ---- the ring ------------------------------------------------------------------------------- */

static void on_group(void *ud, const struct ring_member *members, size_t n) {
        struct event ev = {.kind = EV_GROUP, .group = {.members = members, .n_members = n}};
        struct hawd *d = ud;
        uint32_t nodeids[HOSTS_MAX];

        for (size_t i = 0; i < n && i < HOSTS_MAX; i++)
                nodeids[i] = members[i].nodeid;
        step(d, &ev);
        ledger_store_peers(d->store, ring_nodeid(d->ring), nodeids, MIN(n, HOSTS_MAX));
        say_status(d);
}

static void on_ring(void *ud, struct ring_id id, const uint32_t *nodeids, size_t n) {
        struct event ev = {.kind = EV_RING, .ring = {id, nodeids, n}};

        step(ud, &ev);
}

static void on_quorum(void *ud, const struct ring_quorum *q) {
        struct event ev = {.kind = EV_QUORUM,
                           .quorum = {.id = q->id,
                                      .quorate = q->quorate,
                                      .waiting = q->waiting,
                                      .two_node = q->two_node,
                                      .last_man_standing = q->last_man_standing}};

        step(ud, &ev);
}

static void on_nodelist(void *ud, const struct conf_node *nodes, size_t n) {
        struct event ev = {.kind = EV_NODELIST, .nodelist = {nodes, n}};

        step(ud, &ev);
}

static const char *node_name(struct hawd *d, uint32_t nodeid) {
        size_t n;
        const struct conf_node *nodes = ring_nodes(d->ring, &n);

        for (size_t i = 0; i < n; i++)
                if (nodes[i].nodeid == nodeid)
                        return nodes[i].name;
        return model_host_name(core_model(d->core), nodeid);
}

/* A peer of another kind may say so with every heartbeat. */
static void message_refused(struct hawd *d, struct ring_member from, const char *why) {
        size_t n, i = 0;
        const struct conf_node *nodes = ring_nodes(d->ring, &n);

        while (i < n && nodes[i].nodeid != from.nodeid)
                i++;
        if (i < n) {
                usec_t said = d->refused_said[i], now = now_boottime();

                if (said && now < usec_add(said, REFUSED_EVERY))
                        return;
                d->refused_said[i] = now;
        }
        log_line(LOG_ERR, "a message of %s is refused: %s", node_name(d, from.nodeid), why);
}

static void on_message(void *ud, struct ring_member from, const uint8_t *bytes, size_t len) {
        struct hawd *d = ud;
        struct event ev = {.kind = EV_MESSAGE, .message = {.from = from}};
        char err[TEXT_LEN];

        if (wire_msg_decode(bytes, len, &ev.message.msg, err) < 0) {
                message_refused(d, from, err);
                return;
        }
        if (ev.message.msg->kind == MSG_HISTORY)
                ledger_store_message(d->store, from.nodeid, ev.message.msg);
        else
                step(d, &ev);
        msg_unref(ev.message.msg);
}

static void on_peer_refused(void *ud, struct ring_member from, const char *why) {
        log_line(LOG_ERR, "%s is refused: %s", node_name(ud, from.nodeid), why);
}

static void on_ring_complaint(void *ud, const char *why) {
        (void)ud;
        log_line(LOG_ERR, "a change of the ring is not followed: %s", why);
}

static void on_ring_down(void *ud, const char *why) {
        log_line(LOG_CRIT, "the ring is gone: %s; hawd ends, guests run on", why);
        stop_loop(ud, EXIT_FAILURE);
}

static const struct ring_callbacks ring_callbacks = {
        .group = on_group,
        .ring = on_ring,
        .quorum = on_quorum,
        .nodelist = on_nodelist,
        .message = on_message,
        .peer_refused = on_peer_refused,
        .complain = on_ring_complaint,
        .down = on_ring_down,
};

/* ---- store, guests, fencing ----------------------------------------------------------------- */

static void on_persisted(void *ud, uint64_t batch, int code, const char *text) {
        struct event ev = {.kind = code == 0 ? EV_PERSISTED : EV_PERSIST_FAILED,
                           .persist = {batch, code, text}};

        step(ud, &ev);
}

static void on_history(void *ud, const struct msg *m) {
        send_message(ud, m);
}

static void on_store_note(void *ud, enum note_id id, const char *text) {
        struct note n = {.id = id};

        text_set(n.text, sizeof(n.text), text);
        log_the_note(ud, &n);
}

static void on_reopened(void *ud) {
        log_line(LOG_NOTICE, "the ledger can be read again: hawd starts anew, guests run on");
        stop_loop(ud, EXIT_FAILURE);
}

static void on_libvirt_up(void *ud, const struct domain_seen *domains, size_t n) {
        struct event ev = {.kind = EV_LIBVIRT_UP, .libvirt = {domains, n}};

        step(ud, &ev);
}

static void on_libvirt_down(void *ud, const char *why) {
        struct event ev = {.kind = EV_LIBVIRT_DOWN};

        log_line(LOG_WARNING, "libvirt: %s", why);
        step(ud, &ev);
}

static void on_domain(void *ud, const struct domain_seen *domain) {
        struct event ev = {.kind = EV_DOMAIN, .domain = *domain};

        step(ud, &ev);
}

static void on_healthy(void *ud, const char *uuid, const char *evidence) {
        struct event ev = {.kind = EV_DOMAIN_HEALTHY, .domain = {.wall = now_wall()}};

        text_set(ev.domain.uuid, sizeof(ev.domain.uuid), uuid);
        text_set(ev.domain.text, sizeof(ev.domain.text), evidence);
        step(ud, &ev);
}

static void on_job_done(void *ud, uint64_t id, enum job_result result, enum seen_state seen,
                        const char *text, struct guest_spec *spec, usec_t wall) {
        struct event ev = {.kind = EV_GUEST_JOB_DONE,
                           .guest_job = {.id = id,
                                         .result = result,
                                         .seen = seen,
                                         .text = text,
                                         .spec = spec,
                                         .wall = wall}};

        step(ud, &ev);
}

static void say_load(struct hawd *d) {
        struct event ev = {.kind = EV_HOST_LOAD,
                           .load = {.vcpus = d->vcpus, .memory_mib = d->memory_mib}};

        if (d->vcpus && hostinfo_read(&ev.load.memory_free_mib, &ev.load.load_pct) == 0)
                step(d, &ev);
}

static void on_host(void *ud, uint32_t vcpus, uint64_t memory_mib) {
        struct hawd *d = ud;

        d->vcpus = vcpus;
        d->memory_mib = memory_mib;
        say_load(d);
}

static bool on_kept(void *ud, const char *uuid) {
        return byhand_kept(core_model(((struct hawd *)ud)->core), uuid);
}

static void say_by_hand(struct hawd *d, const char *uuid, const char *text) {
        const struct guest *g = byhand_kept(core_model(d->core), uuid);
        struct log_fields f = {.guest = g ? g->spec->name : NULL};

        log_note(LOG_WARNING, &f, "%s: %s", g ? g->spec->name : uuid, text);
}

static void on_by_hand(void *ud, const char *uuid, const char *text) {
        say_by_hand(ud, uuid, text);
}

static void on_redefined(void *ud, struct guest_spec *spec) {
        struct hawd *d = ud;
        struct event ev = {.kind = EV_REQUEST};
        char text[TEXT_LEN];
        int taken = byhand_redefined(core_model(d->core), ring_nodeid(d->ring), spec, &ev.request,
                                     text);

        if (text[0])
                say_by_hand(d, spec->uuid, text);
        if (!taken)
                return;
        ev.request.id = OWN_REQUEST | ++d->own_requests;
        step(d, &ev);
        guest_spec_unref(ev.request.spec);
}

static const struct guest_callbacks guest_callbacks = {
        .up = on_libvirt_up,
        .down = on_libvirt_down,
        .domain = on_domain,
        .healthy = on_healthy,
        .job_done = on_job_done,
        .host = on_host,
        .kept = on_kept,
        .by_hand = on_by_hand,
        .redefined = on_redefined,
};

static void on_fence_done(void *ud, uint64_t id, enum power_reading reading, bool switched,
                          const char *text, usec_t wall) {
        struct event ev = {.kind = EV_FENCE_DONE,
                           .fence = {.id = id,
                                     .reading = reading,
                                     .switched = switched,
                                     .text = text,
                                     .wall = wall}};

        step(ud, &ev);
}

static void on_facts_done(void *ud, uint64_t id, struct blob *facts, const char *text) {
        struct event ev = {.kind = EV_FACTS_DONE,
                           .facts = {.id = id, .facts = facts, .text = text}};

        step(ud, &ev);
        blob_unref(facts);
}

static int32_t on_guest_fd(int32_t fd, int32_t revents, void *data) {
        (void)fd;
        (void)revents;
        guest_dispatch(((struct hawd *)data)->guest);
        return 0;
}

static int32_t on_store_fd(int32_t fd, int32_t revents, void *data) {
        (void)fd;
        (void)revents;
        ledger_store_dispatch(((struct hawd *)data)->store);
        return 0;
}

/* ---- clients -------------------------------------------------------------------------------- */

static int port_request(void *ud, const struct request *request) {
        struct event ev = {.kind = EV_REQUEST, .request = *request};

        step(ud, &ev);
        return 0;
}

static int port_history(void *ud, const struct api_history_filter *f, api_row_fn row,
                        void *row_ud) {
        const struct ledger_history_filter filter = {
                .since_wall = f->since_wall,
                .until_wall = f->until_wall,
                .host = f->host,
                .guest = f->guest,
                .incident = f->incident,
                .kinds = f->kinds,
                .n_kinds = f->n_kinds,
                .before_version = f->before_version,
                .before_seq = f->before_seq,
                .limit = f->limit,
        };

        return ledger_store_history(((struct hawd *)ud)->store, &filter, row, row_ud);
}

static void port_store(void *ud, struct api_store *ret) {
        const struct ledger_report *r = ledger_store_report(((struct hawd *)ud)->store);

        *ret = (struct api_store){.error = r->error, .lost = r->lost, .kept = r->kept};
}

static const struct config *port_config(void *ud) {
        return &((struct hawd *)ud)->config;
}

static void port_log(void *ud, int priority, const char *text) {
        (void)ud;
        log_line(priority, "%s", text);
}

/* ---- timers and signals --------------------------------------------------------------------- */

static void on_load(void *data) {
        struct hawd *d = data;

        say_load(d);
        say_status(d);
        ledger_store_tick(d->store);
        (void)qb_loop_timer_add(d->loop, QB_LOOP_LOW, d->config.heartbeat_usec * 1000, d, on_load,
                                &d->load_timer);
}

/* systemd's watchdog is fed from the loop: one that hangs is restarted. */
static void on_pet(void *data) {
        struct hawd *d = data;

        (void)sd_notify(0, "WATCHDOG=1"); /* no manager: nobody listens */
        (void)qb_loop_timer_add(d->loop, QB_LOOP_HIGH, d->pet_usec * 1000, d, on_pet,
                                &d->pet_timer);
}

static int32_t on_terminate(int32_t signal_number, void *data) {
        struct event ev = {.kind = EV_STOP};

        log_line(LOG_NOTICE, "signal %d: hawd stops, its guests run on", signal_number);
        (void)sd_notify(0, "STOPPING=1");
        step(data, &ev);
        return 0;
}

static void log_errors(const struct conf_errors *errors) {
        for (size_t i = 0; i < errors->n; i++)
                log_line(LOG_ERR, "%s", errors->lines[i]);
}

/* A fence must not fail because somebody is editing hawd.conf. */
static void write_running_conf(struct hawd *d) {
        char fresh[PATH_MAX + 8];
        char *text = config_dump(&d->config);
        FILE *f;
        int r = 0;

        text_fmt(fresh, sizeof(fresh), "%s.new", d->running_conf);
        f = fopen(fresh, "we");
        if (!f || fputs(text, f) == EOF || fflush(f) == EOF || rename(fresh, d->running_conf) < 0)
                r = -errno;
        if (f)
                (void)fclose(f);
        free(text);
        if (r < 0)
                log_line(LOG_ERR, "%s cannot be written, so no fence device can be used: %s",
                         d->running_conf, strerror(-r));
}

/* Return: 0, with what has to wait for a restart in @later; or -EINVAL with all mistakes in
 * @errors: the configuration in force is kept. Both are logged. */
static int reload(struct hawd *d, struct conf_errors *errors, struct conf_errors *later) {
        struct config fresh;
        int r = config_load(d->opt.config, &fresh, errors);

        if (r < 0)
                conf_errors_add(errors, d->opt.config, 0, "cannot be read: %s", strerror(-r));
        if (r != 0) {
                log_errors(errors);
                log_line(LOG_ERR, "%s: the configuration in force is kept", d->opt.config);
                return -EINVAL;
        }
        if (fresh.ring != d->config.ring) {
                conf_errors_add(later, d->opt.config, 0, "'ring' changes when hawd is restarted");
                log_line(LOG_WARNING, "%s", later->lines[later->n - 1]);
        }
        fresh.ring = d->config.ring;
        d->config = fresh;
        core_set_config(d->core, &d->config);
        write_running_conf(d);
        log_line(LOG_NOTICE, "%s is read again", d->opt.config);
        return 0;
}

static int port_reload(void *ud, struct conf_errors *mistakes, struct conf_errors *later) {
        return reload(ud, mistakes, later);
}

static int32_t on_reload(int32_t signal_number, void *data) {
        struct conf_errors errors = {0}, later = {0};

        (void)signal_number;
        (void)reload(data, &errors, &later); /* logged */
        conf_errors_clear(&errors);
        conf_errors_clear(&later);
        return 0;
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Best effort, each: hawd works without, only less surely under memory or CPU pressure. */
static void lock_down(void) {
        const struct sched_param param = {.sched_priority = 1};

        if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
                log_line(LOG_INFO, "memory is not locked: %s", strerror(errno));
        if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
                log_line(LOG_INFO, "no real-time scheduling: %s", strerror(errno));
        (void)signal(SIGPIPE, SIG_IGN);
}

static int open_solo(struct hawd *d, const struct state *ledger, char *err) {
        char name[HOST_NAME_MAX + 1];
        uint32_t nodeid;
        int r;

        if (gethostname(name, sizeof(name)) < 0) {
                r = -errno;
                text_fmt(err, TEXT_LEN, "the name of this host: %s", strerror(-r));
                return r;
        }
        name[sizeof(name) - 1] = '\0';
        r = identity_solo(ledger, name, &nodeid, err);
        if (r == 0)
                d->ring = ring_open_solo(nodeid, name, &ring_callbacks, d);
        return r;
}

static int open_corosync(struct hawd *d, const struct state *ledger, char *err) {
        const struct conf_node *nodes;
        size_t n;
        int r = ring_open_corosync(GROUP, &ring_callbacks, d, &d->ring, err);

        if (r < 0)
                return r;
        nodes = ring_nodes(d->ring, &n);
        return identity_check(ledger, nodes, n, err);
}

static int open_ring(struct hawd *d, const struct state *ledger, char *err) {
        int r = d->config.ring == RING_SOLO ? open_solo(d, ledger, err)
                                            : open_corosync(d, ledger, err);

        if (r == -EINVAL)
                d->exit_code = EXIT_CONFIG;
        return r;
}

/* The name of this host in the nodelist. */
static const char *own_name(const struct hawd *d) {
        size_t n;
        const struct conf_node *nodes = ring_nodes(d->ring, &n);

        for (size_t i = 0; i < n; i++)
                if (nodes[i].nodeid == ring_nodeid(d->ring))
                        return nodes[i].name;
        return "";
}

/* The ledger before the ring: who is in the group must answer, and a disk may take its time. */
static int start_core(struct hawd *d) {
        const struct ledger_callbacks callbacks = {.persisted = on_persisted,
                                                   .send = on_history,
                                                   .note = on_store_note,
                                                   .reopened = on_reopened,
                                                   .ud = d};
        struct core_boot boot = {.hawd_version = HAWD_VERSION};
        char err[TEXT_LEN];
        int r = ledger_store_open(d->opt.state_dir, d->config.cluster_name, &callbacks, &boot,
                                  &d->store, err);

        if (r == 0)
                r = open_ring(d, boot.state, err);
        if (r == 0)
                r = ledger_store_claim(d->store, ring_nodeid(d->ring), own_name(d), &boot, err);
        if (r == 0 && (getrandom(&boot.incarnation, sizeof(boot.incarnation), 0) < 0 ||
                       getrandom(&boot.seed, sizeof(boot.seed), 0) < 0)) {
                r = -errno;
                text_fmt(err, sizeof(err), "no random numbers: %s", strerror(-r));
        }
        if (r == 0) {
                boot.nodeid = ring_nodeid(d->ring);
                d->core = core_new(&boot, &d->config);
                if (boot.store_error)
                        on_store_note(d, NOTE_STORE_FAILED, boot.store_error);
        } else {
                log_line(LOG_CRIT, "%s", err);
        }
        state_unref(boot.state);
        return r;
}

static int start_adapters(struct hawd *d) {
        const struct api_ports ports = {.ud = d,
                                        .request = port_request,
                                        .history = port_history,
                                        .spec_from_xml = spec_from_xml,
                                        .config = port_config,
                                        .store = port_store,
                                        .reload = port_reload,
                                        .log = port_log};
        char err[TEXT_LEN];
        int r;

        text_fmt(d->running_conf, sizeof(d->running_conf), "%s/running.conf", d->opt.run_dir);
        write_running_conf(d);
        d->runner_paths =
                (struct runner_paths){d->opt.fence_program, d->running_conf, d->opt.secrets};
        d->runner = runner_new(d->loop, &d->runner_paths, on_fence_done, d);
        d->facts_paths = (struct facts_paths){d->opt.facts_program, d->opt.config,  d->opt.secrets,
                                              d->opt.state_dir,     d->opt.run_dir, d->opt.uri};
        d->facts = facts_new(d->loop, &d->facts_paths, on_facts_done, d);
        r = api_new(d->loop, d->core, &ports, HAWD_VERSION, &d->api);
        if (r == 0)
                r = api_listen(d->api, d->opt.run_dir);
        if (r < 0)
                return r;
        r = guest_open(d->opt.uri, &guest_callbacks, d, &d->guest, err);
        if (r < 0) {
                log_line(LOG_CRIT, "%s", err);
                return r;
        }
        (void)qb_loop_poll_add(d->loop, QB_LOOP_MED, guest_fd(d->guest), POLLIN, d, on_guest_fd);
        (void)qb_loop_poll_add(d->loop, QB_LOOP_HIGH, ledger_store_fd(d->store), POLLIN, d,
                               on_store_fd);
        r = ring_attach(d->ring, d->loop, err);
        if (r < 0)
                log_line(LOG_CRIT, "%s", err);
        return r;
}

static void start_timers(struct hawd *d) {
        qb_loop_signal_handle h;
        uint64_t usec = 0;

        (void)qb_loop_signal_add(d->loop, QB_LOOP_HIGH, SIGTERM, d, on_terminate, &h);
        (void)qb_loop_signal_add(d->loop, QB_LOOP_HIGH, SIGINT, d, on_terminate, &h);
        (void)qb_loop_signal_add(d->loop, QB_LOOP_LOW, SIGHUP, d, on_reload, &h);
        on_load(d);
        if (sd_watchdog_enabled(0, &usec) > 0 && usec) {
                d->pet_usec = usec / 3;
                on_pet(d);
        }
}

static int run(struct hawd *d) {
        int r;

        (void)mkdir(d->opt.run_dir, 0755); /* it may be there; what matters shows on listening */
        (void)mkdir(d->opt.state_dir, 0700);
        d->loop = qb_loop_create();
        r = start_core(d);
        if (r == 0)
                r = start_adapters(d);
        if (r < 0)
                return r;
        lock_down();
        start_timers(d);
        log_line(LOG_NOTICE, "hawd %s, node %u of cluster %s", HAWD_VERSION, ring_nodeid(d->ring),
                 d->config.cluster_name);
        qb_loop_run(d->loop);
        return 0;
}

static void end(struct hawd *d) {
        if (d->ring)
                ring_leave(d->ring);
        if (d->store && ledger_store_report(d->store)->error[0])
                _exit(d->exit_code); /* threads may wait for the disk for ever */
        d->api = api_free(d->api);
        d->runner = runner_free(d->runner);
        d->facts = facts_free(d->facts);
        d->guest = guest_close(d->guest);
        d->store = ledger_store_close(d->store);
        d->ring = ring_close(d->ring);
        d->core = core_free(d->core);
        actions_free(&d->actions);
        if (d->loop)
                qb_loop_destroy(d->loop);
}

/* Every mistake, then how many. Return: 0, or EXIT_CONFIG. */
static int load_config(struct hawd *d) {
        struct conf_errors errors = {0};
        int r = config_load(d->opt.config, &d->config, &errors);

        if (r < 0)
                conf_errors_add(&errors, d->opt.config, 0, "cannot be read: %s", strerror(-r));
        if (d->opt.check) {
                for (size_t i = 0; i < errors.n; i++)
                        fprintf(stderr, "%s\n", errors.lines[i]);
        } else if (r != 0) {
                log_errors(&errors);
                log_line(LOG_CRIT, "hawd does not start: %zu %s in %s", errors.n,
                         errors.n == 1 ? "mistake" : "mistakes", d->opt.config);
        }
        conf_errors_clear(&errors);
        return r == 0 ? 0 : EXIT_CONFIG;
}

int main(int argc, char **argv) {
        static struct hawd d;
        int r = options_parse(argc, argv, &d.opt);

        if (r >= 0)
                return r;
        if (d.opt.check)
                return load_config(&d);
        (void)log_open("hawd", d.opt.foreground ? LOG_TARGET_STDERR : LOG_TARGET_AUTO);
        r = load_config(&d);
        if (r == 0) {
                r = run(&d);
                r = r == 0 || d.exit_code != 0 ? d.exit_code : EXIT_FAILURE;
                end(&d);
        }
        log_close();
        return r;
}
