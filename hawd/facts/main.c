/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawd-facts: print what this host says of itself, as JSON, for `hawctl doctor`. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/base/clock.h"
#include "hawd/base/program.h"
#include "hawd/facts/part.h"
#include "hawd/facts/wants.h"

/* Together less than what hawd and hawctl wait. */
#define HAWD_USEC (7 * USEC_PER_SEC)
#define DOMAINS_USEC (5 * USEC_PER_SEC)
#define PART_USEC (9 * USEC_PER_SEC)

static void usage(FILE *out) {
        fprintf(out, "Usage: hawd-facts [OPTION...]\n"
                     "Print what this host says of itself, for hawctl doctor, as JSON.\n\n"
                     "  --config FILE    hawd's configuration (" HAWD_CONF ")\n"
                     "  --secrets FILE   passwords of fence devices (" HAWD_FENCING_CONF ")\n"
                     "  --state-dir DIR  the ledger's place (" HAWD_STATE_DIR ")\n"
                     "  --run-dir DIR    the sockets' place (" HAWD_RUN_DIR ")\n"
                     "  --uri URI        libvirt connection (qemu:///system)\n"
                     "  --help           this text\n"
                     "  --version        the version\n");
}

/* Return: -1 to go on, else the exit status. */
static int parse(int argc, char **argv, struct places *p) {
        static const struct option longs[] = {
                {"config", required_argument, NULL, 'c'},
                {"secrets", required_argument, NULL, 's'},
                {"state-dir", required_argument, NULL, 't'},
                {"run-dir", required_argument, NULL, 'r'},
                {"uri", required_argument, NULL, 'u'},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'V'},
                {0},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
                switch (c) {
                case 'c':
                        p->config = optarg;
                        break;
                case 's':
                        p->secrets = optarg;
                        break;
                case 't':
                        p->state_dir = optarg;
                        break;
                case 'r':
                        p->run_dir = optarg;
                        break;
                case 'u':
                        p->uri = optarg;
                        break;
                case 'h':
                        usage(stdout);
                        return EXIT_SUCCESS;
                case 'V':
                        printf("hawd-facts %s\n", HAWD_VERSION);
                        return EXIT_SUCCESS;
                default:
                        usage(stderr);
                        return 2;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "hawd-facts: '%s' is one word too many\n", argv[optind]);
                return 2;
        }
        return -1;
}

struct looking {
        const struct places *places;
        const json_t *wants;
};

static json_t *look_host(const void *arg) {
        return facts_host(((const struct looking *)arg)->places);
}

static json_t *look_hawd(const void *arg) {
        const struct looking *l = arg;

        return facts_hawd(l->places->root, hawd_pid(l->places->run_dir));
}

static json_t *look_fence(const void *arg) {
        return facts_fence(((const struct looking *)arg)->places);
}

static json_t *look_corosync(const void *arg) {
        (void)arg;
        return facts_corosync();
}

static json_t *look_libvirt(const void *arg) {
        const struct looking *l = arg;

        return facts_libvirt(l->places->uri, l->wants);
}

static json_t *look_storage(const void *arg) {
        const struct looking *l = arg;

        return facts_storage(l->places->root, l->wants);
}

/* {"from", "n", "error"} of the facts; *ret has the guests themselves. */
static json_t *find_wants(const struct places *p, json_t **ret) {
        const struct wants_source source = {p->run_dir, p->uri};
        const struct part hawd = {"wants", wants_hawd, &source, HAWD_USEC};
        const struct part libvirt = {"wants", wants_libvirt, &source, DOMAINS_USEC};
        _cleanup_(facts_unrefp) json_t *o = json_object(), *why = NULL;
        const char *from = "hawd";

        parts_run(&hawd, 1, o);
        *ret = json_object_get(o, "wants");
        why = json_incref(json_object_get(*ret, "error"));
        if (json_is_string(why)) {
                from = "libvirt";
                parts_run(&libvirt, 1, o);
                *ret = json_object_get(o, "wants");
                if (json_object_get(*ret, "error"))
                        from = NULL;
        }
        json_incref(*ret);
        return json_pack("{s:s?,s:i,s:O}", "from", from, "n",
                         (int)json_array_size(json_object_get(*ret, "guests")), "hawd_error", why);
}

int main(int argc, char **argv) {
        struct places places = {.root = "",
                                .config = HAWD_CONF,
                                .secrets = HAWD_FENCING_CONF,
                                .state_dir = HAWD_STATE_DIR,
                                .run_dir = HAWD_RUN_DIR,
                                .uri = "qemu:///system"};
        struct looking l = {.places = &places};
        _cleanup_(facts_unrefp) json_t *facts = NULL, *wants = NULL, *summary = NULL;
        char name[NAME_LEN] = "", fence_program[PATH_MAX];
        int r = parse(argc, argv, &places);

        if (r >= 0)
                return r;
        program_find(fence_program, HAWD_FENCE_PROGRAM);
        places.fence_program = fence_program;
        summary = find_wants(&places, &wants);
        l.wants = wants;
        (void)gethostname(name, sizeof(name) - 1); /* cut is fine */
        facts = json_pack("{s:i,s:s,s:I,s:o,s:O}", "format", FACTS_FORMAT, "hawd_version",
                          HAWD_VERSION, "wall_usec", (json_int_t)now_wall(), "hostname", word(name),
                          "wants", summary);
        const struct part parts[] = {
                {"host", look_host, &l, PART_USEC},
                {"hawd", look_hawd, &l, PART_USEC},
                {"fence", look_fence, &l, PART_USEC},
                {"corosync", look_corosync, &l, PART_USEC},
                {"libvirt", look_libvirt, &l, PART_USEC},
                {"storage", look_storage, &l, PART_USEC},
        };
        parts_run(parts, ARRAY_SIZE(parts), facts);
        if (json_dumpf(facts, stdout, JSON_COMPACT) < 0 || printf("\n") < 0 || fflush(stdout) != 0)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
