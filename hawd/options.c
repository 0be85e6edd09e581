/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/options.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "hawd/base/build.h"
#include "hawd/base/program.h"

#define URI "qemu:///system"

static void usage(FILE *out) {
        fprintf(out,
                "Usage: hawd [OPTION...]\n"
                "Keep this host's virtual machines running, with the others of its cluster.\n\n"
                "  -f, --foreground     log to standard error\n"
                "      --config FILE    configuration (" HAWD_CONF ")\n"
                "      --secrets FILE   passwords of fence devices (" HAWD_FENCING_CONF ")\n"
                "      --state-dir DIR  the ledger's place (" HAWD_STATE_DIR ")\n"
                "      --run-dir DIR    the sockets' place (" HAWD_RUN_DIR ")\n"
                "      --uri URI        libvirt connection (" URI ")\n"
                "      --fence-program FILE  hawd-fence\n"
                "      --facts-program FILE  hawd-facts\n"
                "      --check-config [FILE]  only check the configuration\n"
                "  -h, --help           this text\n"
                "  -V, --version        the version\n");
}

int options_parse(int argc, char **argv, struct options *o) {
        enum {
                OPT_CONFIG = 256,
                OPT_SECRETS,
                OPT_STATE,
                OPT_RUN,
                OPT_URI,
                OPT_FENCE,
                OPT_FACTS,
                OPT_CHECK
        };
        static const struct option longs[] = {
                {"foreground", no_argument, NULL, 'f'},
                {"config", required_argument, NULL, OPT_CONFIG},
                {"secrets", required_argument, NULL, OPT_SECRETS},
                {"state-dir", required_argument, NULL, OPT_STATE},
                {"run-dir", required_argument, NULL, OPT_RUN},
                {"uri", required_argument, NULL, OPT_URI},
                {"fence-program", required_argument, NULL, OPT_FENCE},
                {"facts-program", required_argument, NULL, OPT_FACTS},
                {"check-config", no_argument, NULL, OPT_CHECK},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, 'V'},
                {0},
        };
        int c;

        *o = (struct options){.config = HAWD_CONF,
                              .secrets = HAWD_FENCING_CONF,
                              .state_dir = HAWD_STATE_DIR,
                              .run_dir = HAWD_RUN_DIR,
                              .uri = URI};
        program_find(o->fence_program, HAWD_FENCE_PROGRAM);
        program_find(o->facts_program, HAWD_FACTS_PROGRAM);
        while ((c = getopt_long(argc, argv, "fhV", longs, NULL)) >= 0) {
                switch (c) {
                case 'f':
                        o->foreground = true;
                        break;
                case OPT_CONFIG:
                        o->config = optarg;
                        break;
                case OPT_SECRETS:
                        o->secrets = optarg;
                        break;
                case OPT_STATE:
                        o->state_dir = optarg;
                        break;
                case OPT_RUN:
                        o->run_dir = optarg;
                        break;
                case OPT_URI:
                        o->uri = optarg;
                        break;
                case OPT_FENCE:
                        text_set(o->fence_program, sizeof(o->fence_program), optarg);
                        break;
                case OPT_FACTS:
                        text_set(o->facts_program, sizeof(o->facts_program), optarg);
                        break;
                case OPT_CHECK:
                        o->check = true;
                        break;
                case 'h':
                        usage(stdout);
                        return EXIT_SUCCESS;
                case 'V':
                        printf("hawd %s\n", HAWD_VERSION);
                        return EXIT_SUCCESS;
                default:
                        usage(stderr);
                        return 2;
                }
        }
        if (o->check && optind < argc)
                o->config = argv[optind++];
        if (optind < argc) {
                fprintf(stderr, "hawd: '%s' is one word too many: see hawd --help\n", argv[optind]);
                return 2;
        }
        return -1;
}
