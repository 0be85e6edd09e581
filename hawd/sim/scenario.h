/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scenario files: a cluster, its guests and rules, and what is done to it when, in the INI of
 * hawd.conf. Every mistake is "file:line: message", all of them at once.
 *
 *   [host NAME]   vcpus memory bmc watchdog power labels
 *   [guest NAME]  host state vcpus memory boot start-failures after, and what hawd.conf gives
 * guests [rule NAME]   type guests hosts strict [cluster]     what hawd.conf has there, detect,
 * fence-time; [guest-defaults] as there [at TIME]     do, as often as needed [run]         end seed
 */
#pragma once

#include "hawd/sim/fault.h"

struct scenario {
        struct sim_conf conf;
        struct fault *faults; /* in the order of the file */
        size_t n_faults;
        usec_t end_usec;
};

/**
 * scenario_parse() - read @text, named @file in messages
 * @ret: initialised here; for scenario_clear() in any case
 *
 * Return: 0, or the number of mistakes, which are in @errors.
 */
int scenario_parse(const char *file, const char *text, struct scenario *ret,
                   struct conf_errors *errors);
void scenario_clear(struct scenario *sc);

/** scenario_verb() - one `do =` line. Return: 0, or -EINVAL with @err of TEXT_LEN. */
int scenario_verb(const struct sim_conf *c, const char *line, struct fault *ret, char *err);

/**
 * simulate_main() - run the scenario in the file @path and print what happens to @out
 * @json: the timeline, hosts, guests, incidents and violations as one JSON object
 *
 * Return: the exit status: 0, 1 when a promise was broken, 2 on bad input.
 */
int simulate_main(const char *path, bool json, FILE *out);

/* For the files of the simulator and their tests alone. */
struct report;
struct report *report_new(struct sim *s, FILE *live); /* @live: each line as it happens, or NULL */
struct report *report_free(struct report *r);
void report_did(struct report *r, const struct fault *f);
void report_finish(struct report *r); /* closes the timeline; for people: the sum */
char *report_json(struct report *r);  /* malloc'ed text */
