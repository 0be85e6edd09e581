/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a simulated cluster is at the start: hosts, guests, rules, and how fast things are. Pure.
 */
#pragma once

#include "hawd/core/model.h"

struct msg;

#define SIM_HOSTS_MAX HOSTS_MAX
#define SIM_GUESTS_MAX 512
#define SIM_RULES_MAX 64
#define SIM_EPOCH_WALL (1700000000 * USEC_PER_SEC)

#define SIM_DEVICES 2

enum bmc_mode {
        BMC_OK,
        BMC_DEAD,
        BMC_LYING,    /* says done, and does nothing */
        BMC_SLOW,     /* answers late, and switches later */
        BMC_NONE,     /* there is none */
        BMC_FLAP,     /* answers now and then */
        BMC_SAYS_OFF, /* reads off whatever is true */
        BMC_MODE_MAX_,
};
enum disk_mode {
        DISK_OK,
        DISK_SLOW,
        DISK_FULL,
        DISK_FAILING, /* some writes fail; one that failed may be found there after a restart */
};

/** What the second fence device of a host is. */
enum second_device {
        SECOND_NONE,
        SECOND_SUPPLY, /* of the other supply: both must be off, and are one level */
        SECOND_LEVEL,  /* another way to switch the same power, tried when the first fails */
};

struct sim_host_conf {
        char name[NAME_LEN];
        char labels[256];
        uint32_t vcpus;
        uint64_t memory_mib;
        enum bmc_mode bmc;
        enum second_device second;
        bool power_off;
        bool unlisted;       /* not in corosync's nodelist at the start */
        int64_t wall_offset; /* of its clock, microseconds */
        int32_t drift_ppm;   /* of CLOCK_BOOTTIME */
        bool watchdog;
        bool local;           /* its storage is its own: no other host sees the disks on it */
        int32_t dog_permille; /* so much late it is, by its own clock */
};

struct sim_guest_conf {
        char name[NAME_LEN];
        int host; /* runs there at the start; -1: nowhere */
        enum desired desired;
        uint32_t vcpus;
        uint64_t memory_mib;
        struct conf_guest conf;
        usec_t boot_usec; /* start to healthy */
        uint32_t start_failures;
        char after[8][NAME_LEN];
        uint32_t n_after;
        int line; /* where it is defined, for messages */
};

struct sim_rule_conf {
        char name[NAME_LEN];
        enum rule_kind kind;
        bool strict;
        char guests[512];
        char hosts[512];
        int line;
};

/** struct sim_quorum - the section quorum of corosync.conf */
struct sim_quorum {
        bool two_node;
        bool wait_for_all;
        bool last_man_standing;
        bool auto_tie_breaker; /* half of the votes will do with the lowest node id among them */
        bool qdevice;          /* a third party gives one half its vote */
        usec_t window_usec;    /* of last_man_standing */
};

struct sim_conf {
        uint64_t seed;
        struct config config;
        struct sim_quorum quorum;
        struct sim_host_conf hosts[SIM_HOSTS_MAX];
        size_t n_hosts;
        struct sim_guest_conf guests[SIM_GUESTS_MAX];
        size_t n_guests;
        struct sim_rule_conf rules[SIM_RULES_MAX];
        size_t n_rules;
        usec_t detect_usec; /* death to membership change */
        usec_t fence_usec;  /* one switching by a BMC */
        usec_t boot_usec;   /* power on to corosync */
        bool calm;          /* no rare delays: scenarios show what is usual */
        bool excuse_lies; /* what comes of a false word of a person or a device breaks no promise */
        bool second_line; /* executors check versions again right before (S6) */
        /* Passes each message through a codec (the wire's); NULL: as it is. */
        struct msg *(*recode)(const struct msg *m);
};

/** sim_conf_init() - an empty cluster with the defaults of hawd.conf. */
void sim_conf_init(struct sim_conf *c);
/** sim_conf_host() - host @i and its fence device, if it has one, go into the config. */
void sim_conf_host(struct sim_conf *c, size_t i);
