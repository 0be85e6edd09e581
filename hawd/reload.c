/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd.conf: read at the start and on demand, and the copy of the one in force that children read.
 */
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/log.h"
#include "hawd/base/program.h"
#include "hawd/hawd.h"

static void log_errors(const struct conf_errors *errors) {
        for (size_t i = 0; i < errors->n; i++)
                log_line(LOG_ERR, "%s", errors->lines[i]);
}

/* A fence must not fail because somebody is editing hawd.conf. */
void hawd_write_running_conf(const struct hawd *d) {
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

/* hawd.conf as it is now; false: @errors says why a hawd would not start with it. */
static bool load_fresh(const struct hawd *d, struct config *ret, struct conf_errors *errors) {
        int r = config_load(d->opt.config, ret, errors);

        if (r < 0)
                conf_errors_add(errors, d->opt.config, 0, "cannot be read: %s", strerror(-r));
        else if (r == 0 && strcmp(ret->cluster_name, d->config.cluster_name) != 0)
                conf_errors_add(errors, d->opt.config, 0,
                                "'name' cannot be changed to %s: the ledger is of cluster %s, and "
                                "hawd does not start on it with another name",
                                ret->cluster_name, d->config.cluster_name);
        return errors->n == 0;
}

int hawd_reload(struct hawd *d, struct conf_errors *errors, struct conf_errors *later) {
        struct config fresh;

        if (!load_fresh(d, &fresh, errors)) {
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
        hawd_write_running_conf(d);
        log_line(LOG_NOTICE, "%s is read again", d->opt.config);
        return 0;
}

bool hawd_could_start(const struct hawd *d) {
        struct conf_errors errors = {0};
        struct config fresh;
        bool could = load_fresh(d, &fresh, &errors);

        log_errors(&errors);
        conf_errors_clear(&errors);
        return could;
}

int hawd_load_config(struct hawd *d) {
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

static void say_wrong(const char *conf, const char *line) {
        json_t *d = json_loads(line, 0, NULL);
        const char *device = NULL, *message = NULL, *warning = NULL;

        if (json_unpack(d, "{s:s,s:s,s:s}", "device", &device, "message", &message, "warning",
                        &warning) == 0) {
                if (*message)
                        fprintf(stderr, "%s: warning: [fence %s] cannot be used on this host: %s\n",
                                conf, device, message);
                if (*warning)
                        fprintf(stderr, "%s: warning: [fence %s]: %s\n", conf, device, warning);
        }
        json_decref(d);
}

void hawd_check_fencing(const struct hawd *d) {
        const char *argv[] = {d->opt.fence_program, "--check",      "--config", d->opt.config,
                              "--secrets",          d->opt.secrets, NULL};
        char line[4096];
        pid_t pid;
        FILE *f;

        if (d->config.n_devices == 0)
                return;
        f = program_open(argv, &pid);
        if (!f) {
                fprintf(stderr, "%s: warning: fence devices are not looked at: %s: %s\n",
                        d->opt.config, d->opt.fence_program, strerror(errno));
                return;
        }
        while (fgets(line, sizeof(line), f))
                say_wrong(d->opt.config, line);
        (void)program_close(f, pid); /* its lines have said it */
}
