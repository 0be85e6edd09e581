/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd: opens the concrete adapters around the core, on one loop that never waits, and ends them.
 */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/base/log.h"
#include "hawd/guest/hostinfo.h"
#include "hawd/hawd.h"
#include "hawd/ring/identity.h"

#define GROUP "hawd"

/* ---- the loop ------------------------------------------------------------------------------- */

static int32_t on_guest_fd(int32_t fd, int32_t revents, void *data) {
        (void)fd;
        (void)revents;
        guest_dispatch(((struct hawd *)data)->guest);
        return 0;
}

static int32_t on_replica_fd(int32_t fd, int32_t revents, void *data) {
        (void)fd;
        (void)revents;
        replica_dispatch(((struct hawd *)data)->replica);
        return 0;
}

static int32_t on_store_fd(int32_t fd, int32_t revents, void *data) {
        (void)fd;
        (void)revents;
        ledger_store_dispatch(((struct hawd *)data)->store);
        return 0;
}

static void on_load(void *data) {
        struct hawd *d = data;

        hawd_say_load(d);
        hawd_say_health(d);
        hawd_say_status(d);
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

/* A restart leaves the watchdog armed for the hawd that follows: not where none would. */
static int32_t on_terminate(int32_t signal_number, void *data) {
        struct event ev = {.kind = EV_STOP,
                           .stop = {.restart = hawd_restarts() && hawd_could_start(data)}};

        log_line(LOG_NOTICE, "signal %d: hawd stops, its guests run on", signal_number);
        (void)sd_notify(0, "STOPPING=1");
        hawd_step(data, &ev);
        return 0;
}

static int32_t on_reload(int32_t signal_number, void *data) {
        struct conf_errors errors = {0}, later = {0};

        (void)signal_number;
        (void)hawd_reload(data, &errors, &later); /* logged */
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
                d->ring = ring_open_solo(nodeid, name, &hawd_ring_callbacks, d);
        return r;
}

static int open_corosync(struct hawd *d, const struct state *ledger, char *err) {
        const struct conf_node *nodes;
        size_t n;
        int r = ring_open_corosync(GROUP, &hawd_ring_callbacks, d, &d->ring, err);

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
const char *hawd_own_name(const struct hawd *d) {
        size_t n;
        const struct conf_node *nodes = ring_nodes(d->ring, &n);

        for (size_t i = 0; i < n; i++)
                if (nodes[i].nodeid == ring_nodeid(d->ring))
                        return nodes[i].name;
        return "";
}

/* The ledger before the ring: who is in the group must answer, and a disk may take its time. */
static int start_core(struct hawd *d) {
        const struct ledger_callbacks callbacks = hawd_ledger_callbacks(d);
        struct core_boot boot = {.hawd_version = HAWD_VERSION};
        char err[TEXT_LEN], dmi[UUID_LEN];
        int r = ledger_store_open(d->opt.state_dir, d->config.cluster_name, &callbacks, &boot,
                                  &d->store, err);

        if (r == -EPROTONOSUPPORT) /* written by a newer hawd */
                d->exit_code = EXIT_CONFIG;
        if (r == 0)
                r = open_ring(d, boot.state, err);
        if (r == 0)
                r = ledger_store_claim(d->store, ring_nodeid(d->ring), hawd_own_name(d), &boot,
                                       err);
        if (r == -EXDEV) /* the ledger of another cluster */
                d->exit_code = EXIT_CONFIG;
        if (r == 0 && (getrandom(&boot.incarnation, sizeof(boot.incarnation), 0) < 0 ||
                       getrandom(&boot.seed, sizeof(boot.seed), 0) < 0)) {
                r = -errno;
                text_fmt(err, sizeof(err), "no random numbers: %s", strerror(-r));
        }
        if (r == 0) {
                boot.nodeid = ring_nodeid(d->ring);
                boot.dmi = dmi;
                hostinfo_dmi(dmi);
                d->core = core_new(&boot, &d->config);
                if (boot.store_error)
                        hawd_on_store_note(d, NOTE_STORE_FAILED, boot.store_error);
        } else {
                log_line(LOG_CRIT, "%s", err);
        }
        state_unref(boot.state);
        return r;
}

static int start_adapters(struct hawd *d) {
        const struct api_ports ports = hawd_api_ports(d);
        char err[TEXT_LEN];
        int r;

        text_fmt(d->running_conf, sizeof(d->running_conf), "%s/running.conf", d->opt.run_dir);
        hawd_write_running_conf(d);
        d->runner_paths =
                (struct runner_paths){d->opt.fence_program, d->running_conf, d->opt.secrets};
        d->runner = runner_new(d->loop, &d->runner_paths, hawd_on_fence_done, d);
        d->sense = sense_new("");
        d->sensors = sensors_new(d->loop, &d->runner_paths, hawd_on_sensors, d);
        d->facts_paths = (struct facts_paths){d->opt.facts_program, d->opt.config,  d->opt.secrets,
                                              d->opt.state_dir,     d->opt.run_dir, d->opt.uri};
        d->facts = facts_new(d->loop, &d->facts_paths, hawd_on_facts_done, d);
        r = api_new(d->loop, d->core, &ports, HAWD_VERSION, &d->api);
        if (r == 0)
                r = api_listen(d->api, d->opt.run_dir);
        if (r < 0)
                return r;
        r = guest_open(d->opt.uri, d->opt.state_dir, &hawd_guest_callbacks, d, &d->guest, err);
        if (r < 0) {
                log_line(LOG_CRIT, "%s", err);
                return r;
        }
        r = replica_open(d->opt.uri, d->opt.state_dir, ring_address(d->ring), hawd_on_replica, d,
                         &d->replica, err);
        if (r < 0) {
                log_line(LOG_CRIT, "%s", err);
                return r;
        }
        (void)qb_loop_poll_add(d->loop, QB_LOOP_MED, guest_fd(d->guest), POLLIN, d, on_guest_fd);
        (void)qb_loop_poll_add(d->loop, QB_LOOP_MED, replica_fd(d->replica), POLLIN, d,
                               on_replica_fd);
        (void)qb_loop_poll_add(d->loop, QB_LOOP_HIGH, ledger_store_fd(d->store), POLLIN, d,
                               on_store_fd);
        hawd_watchdog_open(d, hawd_own_name(d));
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
        d->sense = sense_free(d->sense);
        d->sensors = sensors_free(d->sensors);
        d->guest = guest_close(d->guest);
        d->replica = replica_close(d->replica);
        d->store = ledger_store_close(d->store);
        d->wdt = wdt_free(d->wdt);
        d->ring = ring_close(d->ring);
        d->core = core_free(d->core);
        actions_free(&d->actions);
        if (d->loop)
                qb_loop_destroy(d->loop);
}

int main(int argc, char **argv) {
        static struct hawd d;
        int r = options_parse(argc, argv, &d.opt);

        if (r >= 0)
                return r;
        if (d.opt.check) {
                r = hawd_load_config(&d);
                if (r == 0)
                        hawd_check_fencing(&d);
                return r;
        }
        (void)log_open("hawd", d.opt.foreground ? LOG_TARGET_STDERR : LOG_TARGET_AUTO);
        r = hawd_load_config(&d);
        if (r == 0) {
                r = run(&d);
                r = r == 0 || d.exit_code != 0 ? d.exit_code : EXIT_FAILURE;
                end(&d);
        }
        log_close();
        return r;
}
