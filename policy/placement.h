/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Placement: on which host a guest starts. Pure; the same answer on every member.
 *
 * A problem is hosts, guests and rules by index. The caller marks which hosts may be used at all
 * and why not the others; place_guest() chooses for one guest and charges nothing: place_charge()
 * does, so that a caller who plans many guests goes through them in its order.
 */
#pragma once

#include "hawd/base/base.h"

enum place_error {
        PLACE_OK,
        PLACE_E_NO_HOST,     /* no host may be used at all */
        PLACE_E_RULE,        /* strict rules leave none */
        PLACE_E_NO_CAPACITY, /* none of those left has room */
};

enum place_rule_kind {
        PLACE_SEPARATE,
        PLACE_TOGETHER,
        PLACE_REQUIRE,
        PLACE_PREFER,
        PLACE_AVOID,
};

struct place_host {
        uint32_t id;         /* total order: the lowest wins ties */
        const char *name;    /* borrowed, for reasons */
        uint64_t memory_mib; /* for guests, reserve taken off */
        uint32_t vcpus;      /* overcommit applied */
        uint64_t memory_used_mib;
        uint32_t vcpus_used;
        const char *unusable; /* why no guest may start there; NULL: it may */
        const char *ailing;   /* why one starts there only where nothing else can be used; NULL */
};

struct place_guest {
        uint32_t id;
        const char *name; /* borrowed */
        uint32_t vcpus;
        uint64_t memory_mib;
        int32_t host; /* index where it is or is planned to be; -1: nowhere */
        int32_t last; /* index where it ran last; -1: nowhere */
};

struct place_rule {
        const char *name; /* borrowed */
        enum place_rule_kind kind;
        bool strict;
        const uint32_t *guests; /* indexes */
        size_t n_guests;
        const bool *hosts; /* by host index; NULL where the kind has none */
};

struct place_problem {
        struct place_host *hosts;
        size_t n_hosts;
        struct place_guest *guests;
        size_t n_guests;
        const struct place_rule *rules;
        size_t n_rules;
};

struct place_result {
        uint32_t host;      /* index */
        char why[TEXT_LEN]; /* the rule that decided, and what lost */
};

/**
 * place_guest() - choose a host for guest @g
 * @excluded: by host index, hosts not to be taken (a start failed there); NULL: none
 * @ret: host written only on 0; why always
 *
 * 1 usable and not excluded  2 strict rules  3 fits (MiB, vCPU)  4 not ailing  5 fewest broken
 * soft rules  6 the host it ran on last  7 least squared residual  8 lowest host id
 *
 * Return: PLACE_OK or one of enum place_error.
 */
int place_guest(const struct place_problem *p, uint32_t g, const bool *excluded,
                struct place_result *ret);

/** place_charge() - guest @g is on host @host from now on in this problem. */
void place_charge(struct place_problem *p, uint32_t g, uint32_t host);
