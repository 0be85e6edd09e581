/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd-fence: one fence action, one line of JSON, done. The only program that reads fence
 * passwords.
 */
#include "fencing/action.h"
#include "fencing/guard.h"
#include "fencing/precheck.h"
#include "fencing/secret.h"
#include "fencing/sensors.h"
#include "hawd/base/build.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define AGENT_USEC (5 * USEC_PER_SEC) /* with --check: for what an agent says of itself */

struct options {
        const char *config, *secrets, *cache, *agent_dir, *device;
        enum fence_action action;
        bool has_action, check, sensors;
        usec_t timeout; /* 0: as configured */
        usec_t deadline;
};

static const char help[] =
        "hawd-fence - read or switch the power of a host, once\n"
        "\n"
        "  hawd-fence --device NAME --action status|off|on [OPTION]...\n"
        "  hawd-fence --device NAME --sensors [OPTION]...\n"
        "  hawd-fence --check [OPTION]...\n"
        "\n"
        "  --check           ask no device: say of each what is wrong with its settings,\n"
        "                    password or agent\n"
        "  --config FILE     cluster configuration (" HAWD_CONF ")\n"
        "  --secrets FILE    passwords (" HAWD_FENCING_CONF ";\n"
        "                    $CREDENTIALS_DIRECTORY/fencing.conf is preferred when there)\n"
        "  --device NAME     the [fence NAME] section to use\n"
        "  --action ACTION   status: one reading; off: until it reads off twice; on: until it "
        "reads on\n"
        "  --sensors         read the hardware's sensors and log (ipmi only): good or critical\n"
        "  --timeout MS      the whole action (default: the device's timeout); with --check one\n"
        "                    agent's metadata (5000)\n"
        "  --deadline-boottime-usec N   send nothing after this time of CLOCK_BOOTTIME\n"
        "  --cache DIR       remember here what worked (" HAWD_RUN_DIR "/fence), \"\" for nothing\n"
        "  --agent-dir DIR   look for fence agents only here (/usr/sbin, /sbin)\n"
        "  --help, --version\n"
        "\n"
        "Prints one line of JSON, with --check one for each device. Exit status: 0 the goal was\n"
        "reached, or nothing is wrong, 1 it was not, or something is, 2 usage or\n"
        "configuration. Off is what was read off twice, never what was merely accepted.\n";

static int usage(const char *message, const char *value) {
        fprintf(stderr, "hawd-fence: %s%s%s; see hawd-fence --help\n", message, *value ? ": " : "",
                value);
        return EXIT_USAGE;
}

static int parse_number(const char *s, uint64_t max, uint64_t *ret) {
        char *end;

        if (s[0] < '0' || s[0] > '9')
                return -EINVAL;
        errno = 0;
        *ret = strtoull(s, &end, 10);
        return errno != 0 || *end || *ret > max ? -EINVAL : 0;
}

enum {
        OPT_CONFIG = 256,
        OPT_SECRETS,
        OPT_DEVICE,
        OPT_ACTION,
        OPT_TIMEOUT,
        OPT_DEADLINE,
        OPT_CACHE,
        OPT_AGENT_DIR,
        OPT_CHECK,
        OPT_SENSORS,
        OPT_HELP,
        OPT_VERSION
};

static const struct option long_options[] = {
        {"config", required_argument, NULL, OPT_CONFIG},
        {"secrets", required_argument, NULL, OPT_SECRETS},
        {"device", required_argument, NULL, OPT_DEVICE},
        {"action", required_argument, NULL, OPT_ACTION},
        {"timeout", required_argument, NULL, OPT_TIMEOUT},
        {"deadline-boottime-usec", required_argument, NULL, OPT_DEADLINE},
        {"cache", required_argument, NULL, OPT_CACHE},
        {"agent-dir", required_argument, NULL, OPT_AGENT_DIR},
        {"check", no_argument, NULL, OPT_CHECK},
        {"sensors", no_argument, NULL, OPT_SENSORS},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {0},
};

/* One option. Return: 0, or an exit status with the reason told. */
static int parse_option(struct options *o, int opt) {
        uint64_t n;

        switch (opt) {
        case OPT_CONFIG:
                o->config = optarg;
                return 0;
        case OPT_SECRETS:
                o->secrets = optarg;
                return 0;
        case OPT_DEVICE:
                o->device = optarg;
                return name_valid(optarg) ? 0 : usage("not a device name", optarg);
        case OPT_ACTION:
                o->has_action = true;
                if (fence_action_parse(optarg, &o->action) < 0)
                        return usage("the action is status, off or on, not", optarg);
                return 0;
        case OPT_TIMEOUT:
                if (parse_number(optarg, 3600000, &n) < 0 || n < 100)
                        return usage("--timeout takes 100 to 3600000 ms, not", optarg);
                o->timeout = n * USEC_PER_MSEC;
                return 0;
        case OPT_DEADLINE:
                if (parse_number(optarg, USEC_INFINITY, &o->deadline) < 0)
                        return usage("--deadline-boottime-usec takes microseconds, not", optarg);
                return 0;
        case OPT_CACHE:
                o->cache = optarg[0] ? optarg : NULL;
                return 0;
        case OPT_AGENT_DIR:
                o->agent_dir = optarg;
                return 0;
        case OPT_CHECK:
                o->check = true;
                return 0;
        case OPT_SENSORS:
                o->sensors = true;
                return 0;
        default:
                return usage("unknown option, or one without its value", "");
        }
}

/* Return: -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *o) {
        int opt, r;

        opterr = 0;
        while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
                if (opt == OPT_HELP || opt == OPT_VERSION) {
                        fputs(opt == OPT_HELP ? help : "hawd-fence " HAWD_VERSION "\n", stdout);
                        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
                }
                r = parse_option(o, opt);
                if (r != 0)
                        return r;
        }
        if (optind < argc)
                return usage("unexpected argument", argv[optind]);
        if (o->sensors && o->has_action)
                return usage("--sensors only reads, and takes no --action", "");
        if (o->check && (o->device || o->has_action || o->sensors))
                return usage("--check is of all devices, and takes no --device or --action", "");
        if (!o->check && (!o->device || (!o->has_action && !o->sensors)))
                return usage("--device and --action or --sensors, or --check, are needed", "");
        return -1;
}

static void harden(void) {
        /* 1, which no core fits: with 0 cores still go where core_pattern names a program. */
        const struct rlimit none = {1, 1};

        /* Descriptors 0 to 2 exist, or the next file opened would be written to as "stdout". */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
                        _exit(EXIT_USAGE);
        }
        (void)setrlimit(RLIMIT_CORE, &none);      /* refused: it was 0 before */
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail with 0 */
        (void)umask(077);
}

static int load(const struct options *o, struct config *config, struct fence_error *err) {
        struct conf_errors errors = {0};
        int r;

        r = config_load(o->config, config, &errors);
        if (r < 0)
                (void)fence_fail(err, FENCE_BAD_CONFIG, "%.150s: %s", o->config, strerror(-r));
        else if (r > 0)
                (void)fence_fail(err, FENCE_BAD_CONFIG, "%.240s",
                                 errors.n > 0 ? errors.lines[0] : "mistakes in the configuration");
        conf_errors_clear(&errors);
        return r == 0 ? 0 : FENCE_BAD_CONFIG;
}

static int load_device(const struct options *o, struct config *config, struct fence_error *err,
                       const struct conf_device **ret) {
        if (load(o, config, err) != 0)
                return FENCE_BAD_CONFIG;
        *ret = config_device(config, o->device);
        if (!*ret)
                return fence_fail(err, FENCE_BAD_CONFIG, "%.150s has no section [fence %s]",
                                  o->config, o->device);
        return 0;
}

static usec_t op_now(void *ctx) {
        (void)ctx;
        return guard_now();
}

static void op_sleep(void *ctx, usec_t usec) {
        struct timespec ts = {.tv_sec = (time_t)(usec / USEC_PER_SEC),
                              .tv_nsec = (long)(usec % USEC_PER_SEC) * 1000};

        (void)ctx;
        (void)nanosleep(&ts, NULL); /* waking early is harmless */
}

static void op_publish(void *ctx, const struct fence_result *r) {
        (void)ctx;
        guard_publish(r);
}

static void op_sending(void *ctx, bool in_flight) {
        (void)ctx;
        guard_sending(in_flight);
}

/* Return: true when the sensors could be read, whatever they say. */
static bool look(struct fence_handle *h, usec_t until, struct fence_result *result) {
        struct sensors_said said;

        if (h->driver != &fence_driver_ipmi) {
                (void)fence_fail(&result->error, FENCE_BAD_CONFIG, "only driver ipmi has sensors");
                return false;
        }
        if (fence_sensors_ipmi(h->self, until, &said, &result->error) != 0)
                return false;
        result->error = (struct fence_error){0};
        result->sensors = said.critical ? SENSORS_CRITICAL : SENSORS_GOOD;
        if (said.critical > 1)
                text_fmt(result->error.message, sizeof(result->error.message),
                         "%.200s; and %u more", said.text, said.critical - 1);
        else
                text_set(result->error.message, sizeof(result->error.message), said.text);
        return true;
}

/* Secrets, driver, action. Return: exit status. */
static int act(const struct options *o, const struct conf_device *device, usec_t until,
               struct fence_result *result) {
        const struct fence_ops ops = {op_now, op_sleep, op_publish, op_sending, NULL};
        const struct fence_job job = {o->action, until, o->deadline};
        const bool ipmi = device->driver == FENCE_DRIVER_IPMI;
        struct fence_target target = {.device = device,
                                      .cache_dir = o->cache,
                                      .agent_dir = o->agent_dir,
                                      .on_group = guard_group};
        struct secret *secret = secret_new();
        struct fence_handle handle = {0};
        bool reached = false;
        int r;

        r = secret_load(o->secrets, getenv("CREDENTIALS_DIRECTORY"), device->name, secret,
                        &result->error);
        if (r == 0) {
                target.secret = secret->password;
                target.extra = secret->extra;
                target.n_extra = secret->n_extra;
        } else if (r == FENCE_NO_SECRET && !ipmi) /* there are agents that need none */
                r = 0;
        if (r == 0)
                r = fence_open(ipmi ? &fence_driver_ipmi : &fence_driver_agent, &target, &handle,
                               &result->error);
        if (r == 0)
                reached = o->sensors ? look(&handle, until, result)
                                     : fence_act(&handle, &job, &ops, result);
        r = reached                                  ? EXIT_SUCCESS
            : fence_code_refused(result->error.code) ? EXIT_USAGE
                                                     : EXIT_FAILURE;
        guard_settle(result, r);
        fence_close(&handle);
        (void)secret_free(secret);
        return r;
}

static int check(const struct options *o, struct config *config) {
        const struct precheck_places places = {.secrets = o->secrets,
                                               .credentials = getenv("CREDENTIALS_DIRECTORY"),
                                               .cache_dir = o->cache,
                                               .agent_dir = o->agent_dir,
                                               .agent_usec = o->timeout ? o->timeout : AGENT_USEC};
        struct fence_error err = {0};
        size_t wrong;

        if (load(o, config, &err) != 0) {
                fprintf(stderr, "hawd-fence: %s\n", err.message);
                return EXIT_USAGE;
        }
        wrong = precheck(config, &places, stdout);
        return fflush(stdout) == 0 && wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
        struct options o = {.config = HAWD_CONF,
                            .secrets = HAWD_FENCING_CONF,
                            .cache = HAWD_RUN_DIR "/fence",
                            .deadline = USEC_INFINITY};
        static struct config config;
        const struct conf_device *device = NULL;
        struct fence_result result = {0};
        usec_t start, timeout;
        int status, r;

        harden();
        status = parse_options(argc, argv, &o);
        if (status >= 0)
                return status;
        if (o.check)
                return check(&o, &config);
        start = guard_now();
        guard_stopwatch(start);
        text_set(result.device, sizeof(result.device), o.device);
        result.action = o.action;
        result.sensors = o.sensors ? SENSORS_UNKNOWN : SENSORS_NOT_ASKED;
        if (load_device(&o, &config, &result.error, &device) != 0)
                guard_finish(&result, EXIT_USAGE);

        timeout = o.timeout ? o.timeout : device->timeout_usec;
        r = guard_start(start + timeout, o.deadline, &result);
        if (r < 0) {
                (void)fence_fail(&result.error, FENCE_BAD_CONFIG, "cannot start: %s", strerror(-r));
                guard_finish(&result, EXIT_FAILURE);
        }
        /* The action ends a little before the guard, so that it can say more than "timeout". */
        status = act(&o, device, start + timeout - MIN(timeout / 10, 300 * USEC_PER_MSEC), &result);
        guard_finish(&result, status);
}
