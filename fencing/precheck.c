/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/precheck.h"
#include "fencing/agent_meta.h"
#include "fencing/guard.h"
#include "fencing/secret.h"

#include <jansson.h>

/* The driver is opened, and no more. Return: 0 or the error's code. */
static int look(const struct conf_device *device, const struct precheck_places *p,
                struct fence_error *err) {
        const bool ipmi = device->driver == FENCE_DRIVER_IPMI;
        struct fence_target target = {.device = device,
                                      .cache_dir = p->cache_dir,
                                      .agent_dir = p->agent_dir,
                                      .on_group = guard_group,
                                      .judge_until = usec_add(guard_now(), p->agent_usec)};
        struct secret *secret = secret_new();
        struct fence_handle handle = {0};
        int r;

        r = secret_load(p->secrets, p->credentials, device->name, secret, err);
        if (r == 0) {
                target.secret = secret->password;
                target.extra = secret->extra;
                target.n_extra = secret->n_extra;
        } else if (r == FENCE_NO_SECRET && !ipmi) { /* there are agents that need none */
                r = 0;
        }
        if (r == 0)
                r = fence_open(ipmi ? &fence_driver_ipmi : &fence_driver_agent, &target, &handle,
                               err);
        fence_close(&handle);
        (void)secret_free(secret);
        return r;
}

/* Messages quote agents, which may print anything. */
static json_t *text(char *s) {
        for (char *c = s; *c; c++)
                if (*c < 0x20 || *c > 0x7e)
                        *c = '?';
        return json_string(s);
}

size_t precheck(const struct config *c, const struct precheck_places *p, FILE *out) {
        size_t wrong = 0;

        for (size_t i = 0; i < c->n_devices; i++) {
                const struct conf_device *d = &c->devices[i];
                const char *warning =
                        d->driver == FENCE_DRIVER_AGENT ? agent_warning(d->agent) : NULL;
                struct fence_error err = {0};
                int r = look(d, p, &err);
                json_t *o = json_pack("{s:s,s:s,s:s,s:o,s:s}", "device", d->name, "host", d->host,
                                      "error", r == 0 ? "" : fence_code_name(err.code), "message",
                                      text(r == 0 ? (char[]){""} : err.message), "warning",
                                      warning ? warning : "");

                wrong += r != 0;
                (void)json_dumpf(o, out, JSON_COMPACT); /* nobody reads: the exit status says it */
                (void)fputc('\n', out);
                json_decref(o);
        }
        return wrong;
}
