/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fence devices as this host could use them: what hawd-fence finds wrong without asking one. */
#include <unistd.h>

#include "hawd/base/program.h"
#include "hawd/facts/facts.h"

#define AGENT_MS "3000" /* less than the whole part may take */

static void add(json_t *o, const char *line) {
        _cleanup_(facts_unrefp) json_t *d = json_loads(line, 0, NULL);
        const char *error = json_string_value(json_object_get(d, "error"));
        const char *message = json_string_value(json_object_get(d, "message"));
        const char *warning = json_string_value(json_object_get(d, "warning"));

        if (!error || !message || !warning || (!*error && !*warning))
                return;
        list_add(o, "wrong",
                 json_pack("{s:o,s:o,s:o,s:o}", "device",
                           word(json_string_value(json_object_get(d, "device"))), "error",
                           word(error), "message", json_string(message), "warning", word(warning)));
}

json_t *facts_fence(const struct places *p) {
        char running[FACTS_WORD_MAX + 32], cache[FACTS_WORD_MAX + 32], line[4096];
        const char *argv[] = {p->fence_program, "--check",  "--config",  running,
                              "--secrets",      p->secrets, "--timeout", AGENT_MS,
                              "--cache",        cache,      NULL};
        json_t *o = json_pack("{s:n,s:[]}", "devices", "wrong");
        json_int_t n = 0;
        pid_t pid;
        FILE *f;
        int status;

        text_fmt(running, sizeof(running), "%.160s/running.conf", p->run_dir);
        if (access(running, F_OK) < 0)
                text_set(running, sizeof(running), p->config);
        text_fmt(cache, sizeof(cache), "%.160s/fence", p->run_dir);
        f = program_open(argv, &pid);
        if (!f) {
                json_decref(o);
                return trouble("%.100s cannot be run: %s", p->fence_program, strerror(errno));
        }
        for (; fgets(line, sizeof(line), f); n++)
                add(o, line);
        status = program_close(f, pid);
        if (status > 1) { /* no hawd.conf, most likely */
                json_decref(o);
                return trouble("hawd-fence --check ended with status %d: run it there by hand",
                               status);
        }
        json_object_set_new(o, "devices", json_integer(n));
        return o;
}
