/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>

#include "hawd/runner/child.h"
#include "hawd/runner/sensors.h"

/** struct look - one child */
struct look {
        struct sensors *sensors;
        uint32_t nodeid;
        struct child *child; /* NULL: this place is free */
};

struct sensors {
        qb_loop_t *loop;
        const struct runner_paths *paths;
        sensors_done_fn done;
        void *userdata;
        struct look looks[SENSORS_LOOKS_MAX];
};

struct sensors *sensors_new(qb_loop_t *loop, const struct runner_paths *paths, sensors_done_fn done,
                            void *userdata) {
        struct sensors *s = xcalloc(1, sizeof(*s));

        *s = (struct sensors){.loop = loop, .paths = paths, .done = done, .userdata = userdata};
        return s;
}

struct sensors *sensors_free(struct sensors *s) {
        for (size_t i = 0; s && i < SENSORS_LOOKS_MAX; i++)
                s->looks[i].child = child_free(s->looks[i].child);
        free(s);
        return NULL;
}

enum measured sensors_parse(const char *line, char text[ILL_TEXT]) {
        json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        const char *said = json_string_value(json_object_get(o, "sensors"));
        const char *message = json_string_value(json_object_get(o, "message"));
        enum measured ret = MEASURED_NOT;

        if (said && strcmp(said, "good") == 0)
                ret = MEASURED_GOOD;
        else if (said && strcmp(said, "critical") == 0)
                ret = MEASURED_BAD;
        text_set(text, ILL_TEXT, message ? message : "");
        json_decref(o);
        return ret;
}

static void on_end(void *userdata, enum child_end end, int status, const char *output, size_t len) {
        struct look *l = userdata;
        struct sensors *s = l->sensors;
        uint32_t nodeid = l->nodeid;
        char text[ILL_TEXT] = "";
        enum measured said = end == CHILD_ENDED ? sensors_parse(output, text) : MEASURED_NOT;

        (void)status; /* the line says it */
        (void)len;
        l->child = child_free(l->child);
        s->done(s->userdata, nodeid, said, text);
}

void sensors_start(struct sensors *s, const struct action *act) {
        char timeout[24];
        const char *argv[] = {s->paths->program,
                              "--config",
                              s->paths->config,
                              "--secrets",
                              s->paths->secrets,
                              "--device",
                              act->sensors.device,
                              "--sensors",
                              "--timeout",
                              timeout,
                              NULL};
        struct child_spec spec = {
                .argv = argv,
                .limit_usec = usec_add(act->sensors.timeout_usec, RUNNER_GRACE_USEC),
                .output_max = RUNNER_OUTPUT_MAX,
                .ordinary = true,
                .end = on_end,
        };

        text_fmt(timeout, sizeof(timeout), "%" PRIu64, act->sensors.timeout_usec / USEC_PER_MSEC);
        for (size_t i = 0; i < SENSORS_LOOKS_MAX; i++) {
                struct look *l = &s->looks[i];

                if (l->child)
                        continue;
                *l = (struct look){.sensors = s, .nodeid = act->sensors.nodeid};
                spec.userdata = l;
                l->child = child_new(s->loop, &spec);
                return;
        }
        /* Too many hang: the core asks again later. */
}
