/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl fence test: what each device reads, who reaches it, and whether it could be a proof. */
#include "hawd/ctl/fence.h"
#include "hawd/ctl/show.h"

#define WAIT_USEC (15 * USEC_PER_MINUTE) /* for one reading: the longest time-out, and some */

/* Of the device's host: on when it is in the ring; a host asked for by name must be read at all. */
static bool as_it_should(const json_t *r, bool all) {
        const char *power = jtext(r, "power");

        return jbool(r, "in_ring") ? strcmp(power, "on") == 0 : all || *power;
}

static int order(const void *a, const void *b) {
        static const char *const keys[] = {"host", "level", "device", "by"};
        const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(keys) && r == 0; i++) {
                int64_t n = jint(x, keys[i]) - jint(y, keys[i]);

                r = n ? (n < 0 ? -1 : 1) : strcmp(jtext(x, keys[i]), jtext(y, keys[i]));
        }
        return r;
}

/* They come as they end: a table reads better by host and device. Return: new. */
static json_t *sorted(const json_t *readings) {
        size_t n = json_array_size(readings);
        _cleanup_(freep) json_t **list = xcalloc(n, sizeof(*list));
        json_t *ret = json_array();

        for (size_t i = 0; i < n; i++)
                list[i] = json_array_get(readings, i);
        qsort(list, n, sizeof(*list), order);
        for (size_t i = 0; i < n; i++)
                json_array_append(ret, list[i]);
        return ret;
}

static void show_readings(const struct ctl *ctl, const json_t *readings, bool all) {
        struct table *t = table_new(ctl, "HOST >LEVEL DEVICE READ_BY POWER >TIME PROOF");
        char buf[NAME_LEN];
        const json_t *r;
        size_t i;

        json_array_foreach(readings, i, r) {
                bool good = as_it_should(r, all);

                table_row(t);
                table_cell(t, or_dash(jtext(r, "host")));
                table_cell_fmt(t, "%lld", (long long)jint(r, "level"));
                table_cell(t, jtext(r, "device"));
                table_cell(t, jtext(r, "by"));
                table_cell_color(t, jnull(r, "power") ? "not read" : jtext(r, "power"),
                                 good ? COLOR_GOOD : COLOR_BAD);
                span_short(jint(r, "took_ms"), buf, sizeof(buf));
                table_cell(t, buf);
                table_cell_color(t, jbool(r, "proof") ? "yes" : "no",
                                 jbool(r, "proof") ? COLOR_GOOD : COLOR_BAD);
        }
        table_print(t, NULL);
        json_array_foreach(readings, i, r) {
                if (jbool(r, "proof"))
                        continue;
                printf("\n%s%s%s, read by %s, proves nothing\n", color_on(ctl, COLOR_BAD),
                       jtext(r, "device"), color_off(ctl), or_dash(jtext(r, "by")));
                show_pair("why", jtext(r, "why"));
                show_pair("mend", jtext(r, "mend"));
        }
}

static void progress(const struct ctl *ctl, size_t n) {
        if (ctl->progress && !ctl->json)
                fprintf(stderr, "\r%zu read ...", n);
}

/* Everything up to the last word, which is *@ret_last. Return: an enum ctl_exit. */
static int collect(struct ctl *ctl, json_t *parameters, json_t *readings, json_t **ret_last) {
        for (;;) {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                int r = ctl_next(ctl, "FenceTest", parameters, WAIT_USEC, &answer);

                if (r != CTL_DONE)
                        return r;
                if (!jbool(answer, "continues")) {
                        *ret_last = TAKE_PTR(answer);
                        return CTL_DONE;
                }
                json_array_append(readings, json_object_get(json_object_get(answer, "parameters"),
                                                            "reading"));
                progress(ctl, json_array_size(readings));
        }
}

static int check(const json_t *readings, bool all) {
        const json_t *r;
        size_t i;

        json_array_foreach(readings, i, r) {
                if (!as_it_should(r, all))
                        return CTL_FAILED;
        }
        return CTL_DONE;
}

/* A member that could not read all: what the others read is shown nevertheless. */
static int finish(const struct ctl *ctl, json_t *readings, const json_t *last, bool all) {
        const char *error = jtext(last, "error");
        const char *message = jtext(json_object_get(last, "parameters"), "message");

        if (*error && json_array_size(readings) == 0)
                return ctl_complain(ctl, last);
        if (ctl->json)
                ctl_print_json(json_pack("{s:O,s:s?,s:s}", "readings", readings, "error",
                                         *error ? error : NULL, "message", message));
        else
                show_readings(ctl, readings, all);
        if (*error)
                return ctl_fail("%s", message);
        return check(readings, all);
}

int fence_test_run(struct ctl *ctl, const struct ctl_args *args) {
        bool all = args_has(args, "all");
        const char *from = args_get(args, "from");
        _cleanup_(json_unrefp) json_t *parameters = NULL;
        _cleanup_(json_unrefp) json_t *readings = json_array();
        _cleanup_(json_unrefp) json_t *last = NULL, *list = NULL;
        int r;

        if (all == (args->n_words > 0))
                return ctl_usage("fence test takes %s", all ? "a HOST or --all, not both"
                                                            : "a HOST, or --all for every host");
        parameters = json_pack("{s:s*,s:s*}", "host", all ? NULL : args->words[0], "from", from);
        progress(ctl, 0);
        r = collect(ctl, parameters, readings, &last);
        if (ctl->progress && !ctl->json)
                fprintf(stderr, "\r%20s\r", "");
        if (r != CTL_DONE)
                return r;
        list = sorted(readings);
        return finish(ctl, list, last, all);
}
