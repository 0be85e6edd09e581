/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl apply: the changes are made. What was done, what failed and what was not begun is told. */
#include "hawd/ctl/apply.h"
#include "hawd/ctl/await.h"

struct run {
        struct ctl *ctl;
        const struct changes *changes;
        const struct steps *steps;
        const json_t *deleting;
        const struct apply_how *how;
        json_t *report;
        char error[4 * TEXT_LEN]; /* why the last step failed */
};

/* ---- the calls ---- */

/* @keys: of the change, but for desired and xml; a guest that is made gets all that is said. */
static json_t *settings_of(const struct change *c) {
        const struct conf_section *s = object_section(OBJECT_GUEST);
        json_t *settings = json_object();

        for (size_t i = 0; i < s->n_keys; i++)
                if (c->keys & UINT64_C(1) << i && s->keys[i].type != CONF_BLOCK &&
                    strcmp(s->keys[i].name, "desired") != 0)
                        json_object_set_new(settings, s->keys[i].name,
                                            json_string(change_value(c, i)));
        return settings;
}

static json_t *guest_parameters(const struct change *c) {
        const struct object *o = change_object(c);
        json_t *p = json_pack("{s:o}", "settings", settings_of(c));

        if (c->kind == CHANGE_SET)
                json_object_set_new(p, "name", json_string(o->name));
        else if (*object_get(o, "desired"))
                json_object_set_new(p, "desired", json_string(object_get(o, "desired")));
        if (change_has(c, "xml"))
                json_object_set_new(p, "xml", json_string(object_get(o, "xml")));
        return p;
}

static const char *value(const struct change *c, const char *key) {
        return change_value(c, object_key(OBJECT_RULE, key));
}

static json_t *rule_parameters(const struct change *c) {
        return json_pack("{s:s,s:s,s:o,s:o,s:b}", "name", c->want->name, "kind", value(c, "kind"),
                         "guests", ctl_words(value(c, "guests")), "hosts",
                         ctl_words(value(c, "hosts")), "strict",
                         strcmp(value(c, "strict"), "yes") == 0);
}

static int call(struct run *run, const struct step *step, json_t **ret) {
        static const char *const methods[STEP_KINDS] = {
                [STEP_RULE_SET] = "RuleSet",         [STEP_GUEST_SET] = "GuestSet",
                [STEP_GUEST_STOP] = "GuestStop",     [STEP_GUEST_IGNORE] = "GuestIgnore",
                [STEP_GUEST_DELETE] = "GuestDelete", [STEP_GUEST_CREATE] = "GuestCreate",
                [STEP_GUEST_START] = "GuestStart",   [STEP_GUEST_PAUSE] = "GuestPause",
                [STEP_RULE_DELETE] = "RuleDelete",
        };
        const struct change *c = step->change;
        json_t *p;

        if (step->kind == STEP_RULE_SET)
                p = rule_parameters(c);
        else if (step->kind == STEP_GUEST_SET || step->kind == STEP_GUEST_CREATE)
                p = guest_parameters(c);
        else
                p = json_pack("{s:s}", "name", change_object(c)->name);
        return ctl_ask(run->ctl, methods[step->kind], p, ret);
}

/* ---- the waits ---- */

static void await_ends(const struct run *run, struct await *a) {
        const json_t *name;
        size_t i;

        json_array_foreach(run->deleting, i, name) await_add(a, json_string_value(name), NULL);
        for (i = 0; i < run->steps->n; i++) {
                const struct step *s = &run->steps->list[i];

                if (s->kind == STEP_GUEST_STOP || s->kind == STEP_GUEST_DELETE)
                        await_add(a, change_object(s->change)->name,
                                  s->kind == STEP_GUEST_STOP ? "stopped" : NULL);
        }
}

static void await_to_pause(const struct run *run, struct await *a) {
        for (size_t i = 0; i < run->steps->n; i++)
                if (run->steps->list[i].kind == STEP_GUEST_PAUSE)
                        await_add(a, run->steps->list[i].change->want->name, "running");
}

/* Everything as wanted, of what was changed. */
static void await_all(const struct run *run, struct await *a) {
        for (size_t i = 0; i < run->changes->n; i++) {
                const struct change *c = &run->changes->list[i];
                const char *desired;

                if (change_object(c)->kind != OBJECT_GUEST)
                        continue;
                if (c->kind == CHANGE_REMOVE) {
                        await_add(a, c->now->name, NULL);
                        continue;
                }
                desired = object_get(c->want, "desired");
                if (c->kind == CHANGE_ADD && !*desired)
                        desired = "running";
                if ((c->kind == CHANGE_ADD || change_has(c, "desired")) &&
                    strcmp(desired, "ignored") != 0)
                        await_add(a, c->want->name, desired);
        }
}

static int await(struct run *run, void (*add)(const struct run *, struct await *)) {
        struct await a = {0};
        int r;

        add(run, &a);
        r = await_run(run->ctl, &a, run->how->timeout);
        await_clear(&a);
        return r;
}

/* ---- the row of steps ---- */

static json_t *step_json(const struct step *s) {
        const struct object *o = s->change ? change_object(s->change) : NULL;

        return json_pack("{s:s?,s:s?,s:s}", "object", o ? object_section(o->kind)->name : NULL,
                         "name", o ? o->name : NULL, "step", step_doing(s->kind));
}

static void tell(const struct run *run, const struct step *s, const char *what) {
        const struct object *o = change_object(s->change);

        if (!run->how->json)
                printf("%s %s: %s\n", object_section(o->kind)->name, o->name, what);
}

/* Return: an enum ctl_exit, complained about. */
static int do_step(struct run *run, const struct step *s) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r;

        text_set(run->error, sizeof(run->error), "");
        if (s->kind == STEP_WAIT_ENDED)
                return await(run, await_ends);
        if (s->kind == STEP_WAIT_RUNNING)
                return await(run, await_to_pause);
        r = call(run, s, &answer);
        if (r == CTL_DONE && *jtext(answer, "error")) {
                r = ctl_error(run->ctl, answer, run->error, sizeof(run->error));
                (void)ctl_fail("%s %s: %s", object_section(change_object(s->change)->kind)->name,
                               change_object(s->change)->name, run->error);
        }
        tell(run, s, r == CTL_DONE ? step_done(s->kind) : "FAILED");
        return r;
}

/* From step @failed on nothing is done. */
static void tell_rest(struct run *run, size_t failed) {
        const struct step *s = &run->steps->list[failed];
        json_t *rest = json_object_get(run->report, "not_done");

        json_object_set_new(run->report, "failed", step_json(s));
        json_object_set_new(run->report, "error",
                            *run->error ? json_string(run->error) : json_null());
        for (size_t i = failed + 1; i < run->steps->n; i++) {
                s = &run->steps->list[i];
                if (!s->change)
                        continue;
                json_array_append_new(rest, step_json(s));
                if (!run->how->json)
                        printf("%s %s: not done (%s)\n",
                               object_section(change_object(s->change)->kind)->name,
                               change_object(s->change)->name, step_doing(s->kind));
        }
        (void)ctl_fail("%zu of %zu steps are done; apply the file again to do the rest",
                       json_array_size(json_object_get(run->report, "done")),
                       json_array_size(json_object_get(run->report, "done")) + 1 +
                               json_array_size(rest));
}

int apply_run(struct ctl *ctl, const struct changes *changes, const struct steps *steps,
              const json_t *deleting, const struct apply_how *how, json_t *report) {
        struct run run = {ctl, changes, steps, deleting, how, report, ""};
        json_t *done = json_array();

        json_object_set_new(report, "done", done);
        json_object_set_new(report, "failed", json_null());
        json_object_set_new(report, "error", json_null());
        json_object_set_new(report, "not_done", json_array());
        for (size_t i = 0; i < steps->n; i++) {
                int r = do_step(&run, &steps->list[i]);

                if (r != CTL_DONE) {
                        tell_rest(&run, i);
                        return r;
                }
                if (steps->list[i].change)
                        json_array_append_new(done, step_json(&steps->list[i]));
        }
        return how->no_wait ? CTL_DONE : await(&run, await_all);
}
