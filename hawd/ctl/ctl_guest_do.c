/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/file.h"
#include "hawd/ctl/guest.h"
#include "hawd/ctl/wait.h"

#define XML_MAX ((size_t)1 << 20) /* what hawd takes */

/* "key=value" into @settings. Return: CTL_DONE or CTL_USAGE. */
static int take_setting(json_t *settings, const char *text) {
        const char *eq = strchr(text, '=');
        char key[NAME_LEN];

        if (!eq || eq == text || (size_t)(eq - text) >= sizeof(key))
                return ctl_usage("'%s' is no setting: write KEY=VALUE, e.g. priority=200", text);
        text_fmt(key, sizeof(key), "%.*s", (int)(eq - text), text);
        json_object_set_new(settings, key, json_string(eq + 1));
        return CTL_DONE;
}

static int take_settings(const struct ctl_args *args, json_t **ret) {
        _cleanup_(json_unrefp) json_t *settings = json_object();

        for (size_t i = 0; i < args->n_options; i++) {
                const char *name = args->options[i].option->name;
                const char *value = args->options[i].value;

                if (strcmp(name, "priority") == 0 || strcmp(name, "after") == 0)
                        json_object_set_new(settings, name, json_string(value));
                else if (strcmp(name, "set") == 0 && take_setting(settings, value) != CTL_DONE)
                        return CTL_USAGE;
        }
        *ret = TAKE_PTR(settings);
        return CTL_DONE;
}

int guest_add(struct ctl *ctl, const struct ctl_args *args) {
        json_t *settings;
        int r = take_settings(args, &settings);

        if (r != CTL_DONE)
                return r;
        return ctl_do(ctl, "GuestAdd",
                      json_pack("{s:s,s:s?,s:o}", "name", args->words[0], "host",
                                args_get(args, "host"), "settings", settings));
}

int guest_create(struct ctl *ctl, const struct ctl_args *args) {
        struct goal goal = {.state = args_has(args, "stopped") ? "stopped" : "running"};
        _cleanup_(freep) char *xml = NULL;
        json_t *settings, *text;
        int r = take_settings(args, &settings);

        if (r != CTL_DONE)
                return r;
        xml = file_read(args->words[0], XML_MAX, "a domain XML, of which hawd takes 1 MiB");
        text = xml ? json_string(xml) : NULL;
        if (!text) {
                json_decref(settings);
                return xml ? ctl_fail("%s: this is no UTF-8 text", args->words[0]) : CTL_FAILED;
        }
        return wait_do(ctl, args, "GuestCreate",
                       json_pack("{s:o,s:o,s:s}", "xml", text, "settings", settings, "desired",
                                 goal.state),
                       NULL, &goal);
}

int guest_set(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *settings = json_object();

        for (size_t i = 1; i < args->n_words; i++)
                if (take_setting(settings, args->words[i]) != CTL_DONE)
                        return CTL_USAGE;
        return ctl_do(ctl, "GuestSet",
                      json_pack("{s:s,s:O}", "name", args->words[0], "settings", settings));
}

static int do_wait(struct ctl *ctl, const struct ctl_args *args, const char *method,
                   const struct goal *goal) {
        return wait_do(ctl, args, method, json_pack("{s:s}", "name", args->words[0]),
                       args->words[0], goal);
}

int guest_start(struct ctl *ctl, const struct ctl_args *args) {
        return do_wait(ctl, args, "GuestStart",
                       &(struct goal){.state = "running", .desired = "running"});
}

int guest_stop(struct ctl *ctl, const struct ctl_args *args) {
        return do_wait(ctl, args, "GuestStop",
                       &(struct goal){.state = "stopped", .desired = "stopped"});
}

int guest_ignore(struct ctl *ctl, const struct ctl_args *args) {
        return ctl_do(ctl, "GuestIgnore", json_pack("{s:s}", "name", args->words[0]));
}

int guest_pause(struct ctl *ctl, const struct ctl_args *args) {
        return do_wait(ctl, args, "GuestPause",
                       &(struct goal){.state = "paused", .desired = "paused"});
}

int guest_resume(struct ctl *ctl, const struct ctl_args *args) {
        return do_wait(ctl, args, "GuestResume",
                       &(struct goal){.state = "running", .desired = "running"});
}

int guest_recover(struct ctl *ctl, const struct ctl_args *args) {
        return do_wait(ctl, args, "GuestRecover",
                       &(struct goal){.state = "running", .desired = "running"});
}

int guest_move(struct ctl *ctl, const struct ctl_args *args) {
        return wait_do(
                ctl, args, "GuestMove",
                json_pack("{s:s,s:s}", "name", args->words[0], "host", args->words[1]),
                args->words[0],
                &(struct goal){.state = "running", .desired = "running", .host = args->words[1]});
}

int guest_delete(struct ctl *ctl, const struct ctl_args *args) {
        char question[2 * TEXT_LEN];
        int r;

        text_fmt(question, sizeof(question),
                 "%s will be stopped, undefined and forgotten; its disks stay.", args->words[0]);
        r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE ? do_wait(ctl, args, "GuestDelete", &(struct goal){.state = NULL}) : r;
}

int guest_remove(struct ctl *ctl, const struct ctl_args *args) {
        return do_wait(ctl, args, "GuestRemove", &(struct goal){.state = NULL});
}
