/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/show.h"

static const char *subject(const json_t *i, char *buf, size_t size) {
        if (jnull(i, "guest"))
                text_fmt(buf, size, "host %s", or_dash(jtext(i, "host")));
        else
                text_fmt(buf, size, "guest %s", jtext(i, "guest"));
        return buf;
}

static const struct step {
        const char *time, *part, *label, *what;
} steps[] = {
        {"last_good_usec", NULL, "last good", ""},
        {"detected_usec", "detect_ms", "detected", "to see it"},
        {"fenced_usec", "fence_ms", "proven off", "to be sure that the host is off"},
        {"placed_usec", "place_ms", "placed", "to decide where it starts"},
        {"started_usec", "start_ms", "started", "to start it"},
        {"healthy_usec", "healthy_ms", "healthy", "to boot"},
};

/* The last step that has come. */
static const char *reached(const json_t *incident) {
        const char *label = "begun";

        for (size_t s = 0; s < ARRAY_SIZE(steps); s++)
                if (!jnull(incident, steps[s].time))
                        label = steps[s].label;
        return label;
}

void show_open_incidents(const struct ctl *ctl, const json_t *incidents) {
        struct table *t = table_new(ctl, ">INCIDENT OF HOST REACHED ELAPSED CAUSE~");
        char buf[2 * NAME_LEN];
        const json_t *incident;
        size_t i;

        json_array_foreach(incidents, i, incident) {
                table_row(t);
                table_cell_fmt(t, "%lld", (long long)jint(incident, "id"));
                table_cell(t, subject(incident, buf, sizeof(buf)));
                table_cell(t, jtext(incident, "host"));
                table_cell(t, reached(incident));
                span(jint(incident, "elapsed_ms"), buf, sizeof(buf));
                table_cell_color(t, buf, COLOR_WARN);
                table_cell(t, jtext(incident, "cause"));
        }
        table_print(t, NULL);
}

static void show_parts(const struct ctl *ctl, const json_t *incident) {
        const json_t *parts = json_object_get(incident, "parts");
        struct table *t = table_new(ctl, "STEP TIME >TOOK");
        char buf[NAME_LEN];

        for (size_t s = 0; s < ARRAY_SIZE(steps); s++) {
                if (jnull(incident, steps[s].time))
                        continue;
                table_row(t);
                table_cell(t, steps[s].label);
                clock_time(jint(incident, steps[s].time), buf, sizeof(buf));
                table_cell(t, buf);
                if (steps[s].part && !jnull(parts, steps[s].part))
                        span_short(jint(parts, steps[s].part), buf, sizeof(buf));
                else
                        buf[0] = '\0';
                table_cell(t, buf);
        }
        if (!jnull(parts, "total_ms")) {
                table_row(t);
                table_cell(t, "all");
                table_cell(t, "");
                span_short(jint(parts, "total_ms"), buf, sizeof(buf));
                table_cell_color(t, buf, COLOR_BOLD);
        }
        table_print(t, NULL);
}

void show_incident(const struct ctl *ctl, const json_t *incident) {
        char buf[2 * NAME_LEN];
        bool open = jbool(incident, "open");

        printf("%sIncident %lld: %s%s, %s\n", color_on(ctl, COLOR_BOLD),
               (long long)jint(incident, "id"), subject(incident, buf, sizeof(buf)), color_off(ctl),
               open ? "open" : "closed");
        show_pair("cause", jtext(incident, "cause"));
        show_pair("was on", jnull(incident, "guest") ? "" : jtext(incident, "host"));
        show_pair("came to", jtext(incident, "to_host"));
        show_pair("outcome", jtext(incident, "outcome"));
        if (open) {
                span(jint(incident, "elapsed_ms"), buf, sizeof(buf));
                show_pair("elapsed", buf);
        }
        show_parts(ctl, incident);
}

static enum ctl_color priority_color(const json_t *note) {
        int64_t priority = jint(note, "priority");

        if (priority <= 3)
                return COLOR_BAD;
        return priority == 4 ? COLOR_WARN : COLOR_NONE;
}

void show_note(const struct ctl *ctl, const json_t *note) {
        char when[NAME_LEN];
        enum ctl_color color = priority_color(note);

        clock_time(jint(note, "time_usec"), when, sizeof(when));
        printf("%s %s%s%s\n", when, color_on(ctl, color), jtext(note, "text"),
               color == COLOR_NONE ? "" : color_off(ctl));
}

void show_notes(const struct ctl *ctl, const json_t *rows) {
        struct table *t = table_new(ctl, "TIME EVENT HOST GUEST >INCIDENT TEXT~");
        char buf[NAME_LEN];
        const json_t *row;
        size_t i;

        json_array_foreach(rows, i, row) {
                table_row(t);
                clock_time(jint(row, "time_usec"), buf, sizeof(buf));
                table_cell(t, buf);
                table_cell_color(t, jtext(row, "event"), priority_color(row));
                table_cell(t, jtext(row, "host"));
                table_cell(t, jtext(row, "guest"));
                if (jnull(row, "incident"))
                        table_cell(t, "");
                else
                        table_cell_fmt(t, "%lld", (long long)jint(row, "incident"));
                table_cell(t, jtext(row, "text"));
        }
        table_print(t, "nothing is recorded for that");
}
