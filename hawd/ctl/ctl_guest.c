/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl guest: the table of its verbs, and those that only look. */
#include "hawd/ctl/guest.h"

#include "hawd/base/config.h"
#include "hawd/core/model.h"
#include "hawd/ctl/show.h"
#include "hawd/ctl/wait.h"

static bool keep(const json_t *guest, const struct ctl_args *args) {
        const char *host = args_get(args, "host"), *state = args_get(args, "state");

        return !(args_has(args, "wrong") && jbool(guest, "as_wanted")) &&
               !(host && strcmp(jtext(guest, "host"), host) != 0) &&
               !(state && strcmp(jtext(guest, "state"), state) != 0);
}

static int check_state(const char *state) {
        const char *names[GUEST_STATE_MAX_ + 1] = {0}, *nearest;

        for (unsigned s = 0; s < GUEST_STATE_MAX_; s++) {
                names[s] = guest_state_name((enum guest_state)s);
                if (strcmp(names[s], state) == 0)
                        return CTL_DONE;
        }
        nearest = ctl_nearest(state, names);
        return nearest ? ctl_usage("no guest is ever '%s'; do you mean '%s'?", state, nearest)
                       : ctl_usage(
                                 "no guest is ever '%s': it is stopped, starting, running, paused, "
                                 "stopping, migrating, failed or blocked",
                                 state);
}

static int guest_list(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *all = NULL, *guests = json_array();
        json_t *guest;
        size_t i;
        int r = args_get(args, "state") ? check_state(args_get(args, "state")) : CTL_DONE;

        if (r == CTL_DONE)
                r = ctl_call_pages(ctl, "Guests", "guests", &all);
        if (r != CTL_DONE)
                return r;
        json_array_foreach(all, i, guest) if (keep(guest, args)) json_array_append(guests, guest);
        if (ctl->json)
                ctl_print_json(json_pack("{s:O}", "guests", guests));
        else
                show_guests(ctl, guests,
                            args->n_options ? "no such guests"
                                            : "no guests: hawctl guest add enrols a domain");
        return CTL_DONE;
}

static void show_settings(const json_t *settings) {
        const char *key;
        json_t *value;

        printf("Settings\n");
        json_object_foreach((json_t *)settings, key, value) {
                char name[NAME_LEN], text[NAME_LEN];
                size_t len;

                text_set(name, sizeof(name), key);
                for (char *p = strchr(name, '_'); p; p = strchr(p, '_'))
                        *p = '-';
                len = strlen(name);
                if (json_is_string(value)) {
                        text_set(text, sizeof(text), json_string_value(value));
                } else if (len > 3 && strcmp(name + len - 3, "-ms") == 0) {
                        name[len - 3] = '\0';
                        format_duration((usec_t)json_integer_value(value) * USEC_PER_MSEC, text,
                                        sizeof(text));
                } else {
                        text_fmt(text, sizeof(text), "%lld", (long long)json_integer_value(value));
                }
                printf("  %-16s %s\n", name, text);
        }
}

static void show_guest(const struct ctl *ctl, const json_t *g) {
        const char *state = jtext(g, "state");
        const json_t *job = json_object_get(g, "job");
        char buf[CELL_LEN], when[NAME_LEN];

        printf("Guest %s%s%s: %s%s%s%s%s, wanted %s\n", color_on(ctl, COLOR_BOLD), jtext(g, "name"),
               color_off(ctl), color_on(ctl, state_color(state)), state, color_off(ctl),
               jnull(g, "host") ? "" : " on ", jtext(g, "host"),
               jbool(g, "deleting") ? "deleted" : jtext(g, "desired"));
        clock_time(jint(g, "since_usec"), when, sizeof(when));
        ago(jint(g, "since_usec"), buf, sizeof(buf));
        printf("  %-13s %s (%s)\n", "since:", when, buf);
        show_pair("health", jtext(g, "health"));
        show_pair("reason", jtext(g, "reason"));
        show_pair("placed", jtext(g, "placed_why"));
        show_pair("failed start", jtext(g, "start_error"));
        if (json_is_object(job)) {
                text_fmt(buf, sizeof(buf), "%s on %s", jtext(job, "kind"), jtext(job, "host"));
                show_pair("under way", buf);
        }
        show_pair("moves to", jtext(g, "move_to"));
        join(json_object_get(g, "claims"), buf, sizeof(buf));
        show_pair("may run on", buf);
        show_pair("recovers from", jtext(g, "recovers_from"));
        if (jint(g, "failures") > 0 || jint(g, "start_failures") > 0) {
                text_fmt(buf, sizeof(buf),
                         "failed %lld times: %lld restarts, %lld relocations, %lld rollbacks, "
                         "%lld failed starts",
                         (long long)jint(g, "failures"), (long long)jint(g, "restarts"),
                         (long long)jint(g, "relocations"), (long long)jint(g, "rollbacks"),
                         (long long)jint(g, "start_failures"));
                show_pair("recovery", buf);
        }
        if (!jnull(g, "incident")) {
                text_fmt(buf, sizeof(buf), "%lld: hawctl history --incident %lld",
                         (long long)jint(g, "incident"), (long long)jint(g, "incident"));
                show_pair("incident", buf);
        }
        text_fmt(buf, sizeof(buf), "%lld vCPUs, %lld MiB%s", (long long)jint(g, "vcpus"),
                 (long long)jint(g, "memory_mib"), jbool(g, "has_agent") ? ", guest agent" : "");
        show_pair("size", buf);
        show_pair("uuid", jtext(g, "uuid"));
        if (json_array_size(json_object_get(g, "after")) > 0) {
                join(json_object_get(g, "after"), buf, sizeof(buf));
                show_pair("starts after", buf);
        }
        show_settings(json_object_get(g, "settings"));
}

static int guest_show(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r = ctl_call(
                ctl, "Guest",
                json_pack("{s:s,s:b}", "name", args->words[0], "xml", args_has(args, "xml")),
                &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json)
                ctl_print_json(TAKE_PTR(answer));
        else if (!args_has(args, "xml"))
                show_guest(ctl, json_object_get(answer, "guest"));
        else if (jnull(answer, "xml"))
                return ctl_fail("hawd has no XML of %s", args->words[0]);
        else
                printf("%s\n", jtext(answer, "xml"));
        return CTL_DONE;
}

static const struct ctl_option list_options[] = {
        {"wrong", NULL, "only those that are not as wanted"},
        {"host", "HOST", "only those of this host"},
        {"state", "STATE", "only those in this state"},
        {NULL, NULL, NULL},
};
static const struct ctl_option show_options[] = {{"xml", NULL, "print its domain XML"},
                                                 {NULL, NULL, NULL}};
static const struct ctl_option add_options[] = {
        {"host", "HOST", "where it is defined; else: on this host"},
        GUEST_SETTING_OPTIONS,
        {NULL, NULL, NULL},
};
static const struct ctl_option create_options[] = {
        {"stopped", NULL, "do not start it"},
        GUEST_SETTING_OPTIONS,
        WAIT_OPTIONS,
        {NULL, NULL, NULL},
};
static const struct ctl_option wait_options[] = {WAIT_OPTIONS, {NULL, NULL, NULL}};
static const struct ctl_option yes_options[] = {CTL_OPTION_YES, WAIT_OPTIONS, {NULL, NULL, NULL}};

#define ONE_GUEST .args = "NAME", .min_words = 1, .max_words = 1, .options = wait_options

static const struct ctl_verb verbs[] = {
        {.name = "list",
         .args = "",
         .help = "All guests: state, host, and why one is not as wanted.",
         .options = list_options,
         .run = guest_list},
        {.name = "show",
         .args = "NAME",
         .help = "One guest with its settings.",
         .options = show_options,
         .min_words = 1,
         .max_words = 1,
         .run = guest_show},
        {.name = "add",
         .args = "NAME",
         .help = "Enrol a libvirt domain: from then on hawd keeps it as it is wanted.",
         .options = add_options,
         .min_words = 1,
         .max_words = 1,
         .run = guest_add},
        {.name = "create",
         .args = "FILE.xml",
         .help = "Make a guest of a domain XML ('-': standard input) and start it.",
         .options = create_options,
         .min_words = 1,
         .max_words = 1,
         .run = guest_create},
        {.name = "set",
         .args = "NAME KEY=VALUE...",
         .help = "Change settings.",
         .more = GUEST_SETTINGS_HELP,
         .min_words = 2,
         .max_words = CTL_WORDS_MAX,
         .run = guest_set},
        {.name = "start", ONE_GUEST, .help = "Want it running.", .run = guest_start},
        {.name = "stop",
         ONE_GUEST,
         .help = "Want it stopped: shut down, after its stop-timeout destroyed.",
         .run = guest_stop},
        {.name = "ignore",
         .args = "NAME",
         .help = "Leave it alone, whatever happens, until start or stop.",
         .min_words = 1,
         .max_words = 1,
         .run = guest_ignore},
        {.name = "pause", ONE_GUEST, .help = "Want it paused.", .run = guest_pause},
        {.name = "resume", ONE_GUEST, .help = "Let a paused guest run on.", .run = guest_resume},
        {.name = "recover",
         ONE_GUEST,
         .help = "Try again to recover a guest that failed too often.",
         .run = guest_recover},
        {.name = "move",
         .args = "NAME HOST",
         .help = "Stop it and start it on another host.",
         .options = wait_options,
         .min_words = 2,
         .max_words = 2,
         .run = guest_move},
        {.name = "delete",
         .args = "NAME",
         .help = "Stop it, undefine it and forget it; its disks stay.",
         .options = yes_options,
         .min_words = 1,
         .max_words = 1,
         .run = guest_delete},
        {.name = "remove",
         ONE_GUEST,
         .help = "Forget it and leave it as it is: the opposite of add.",
         .run = guest_remove},
};

const struct ctl_noun ctl_noun_guest = {
        "guest", "guests: list, show, add, create, set, start, stop, move ...", verbs,
        ARRAY_SIZE(verbs)};
