/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd.conf, typed. Parsed by conf.c from tables, borrowed by everybody else.
 *
 * INI in the style of systemd: sections [cluster], [guest-defaults], [host NAME], [fence NAME];
 * a list is blanks or the key repeated; units as in 10s, 500ms, 4GiB. Every mistake is reported
 * as "file:line: message", all of them at once.
 */
#pragma once

#include "hawd/base/base.h"

enum after_fence { AFTER_FENCE_ON, AFTER_FENCE_OFF, AFTER_FENCE_STAY };
enum ring_kind { RING_COROSYNC, RING_SOLO };
enum on_shutdown { ON_SHUTDOWN_RESPECT, ON_SHUTDOWN_RESTART };
/** What is tried with a guest that failed, in the order of its policy. */
enum rung {
        RUNG_NONE,
        RUNG_RESTART,
        RUNG_RELOCATE,
        RUNG_ROLLBACK,
        RUNG_REPLICA,
        RUNG_MAX_,
};
#define RUNGS (RUNG_MAX_ - 1) /* of one policy, at most */
/** By what a guest counts as healthy, and as hanging. */
enum health_by {
        HEALTH_BY_AUTO, /* by its agent if the domain has a channel for one, else as progress */
        HEALTH_BY_AGENT,
        HEALTH_BY_WATCHDOG,
        HEALTH_BY_PROGRESS,
        HEALTH_BY_NONE,
};
enum self_fence { SELF_FENCE_CLUSTER, SELF_FENCE_ALWAYS, SELF_FENCE_NEVER };
enum yes_no { SAID_NO, SAID_YES };
/** How a guest's disks are copied to another host while it runs. */
enum replica_mode {
        REPLICA_MODE_NONE,
        REPLICA_MODE_SYNC,  /* a write is done when both have it */
        REPLICA_MODE_ASYNC, /* as a whole, again and again, within a bound */
        REPLICA_MODE_DRBD,  /* as sync, by a DRBD resource */
        REPLICA_MODE_MAX_,
};
enum fence_driver_kind { FENCE_DRIVER_IPMI, FENCE_DRIVER_AGENT };

/** struct conf_device - one [fence NAME] section; secrets are in fencing.conf, never here */
struct conf_device {
        char name[NAME_LEN];
        char host[NAME_LEN]; /* whose power it switches */
        enum fence_driver_kind driver;
        uint32_t level;      /* from 1; all devices of a level must read off */
        usec_t timeout_usec; /* one action, everything included (default 20s) */
        char address[128];   /* ipmi: BMC address */
        uint32_t port;       /* ipmi: 623 */
        char user[NAME_LEN];
        int32_t cipher_suite; /* ipmi: 17 or 3; -1: 17, then 3 */
        char agent[NAME_LEN]; /* agent: e.g. fence_apc */
        char options[512];    /* agent: "key=value key=value" */
};

#define PATHS_SIZE 512
#define LINK_LEN 16 /* as the kernel's IFNAMSIZ */

/** What is done with the guests of a degraded host. */
enum proactive {
        PROACTIVE_CLUSTER, /* of a host: as in [cluster] */
        PROACTIVE_OFF,
        PROACTIVE_ADVISE,
        PROACTIVE_EVACUATE,
};

/** struct conf_host - one [host NAME] section */
struct conf_host {
        char name[NAME_LEN];
        char labels[256];    /* blank-separated */
        uint32_t vcpus;      /* 0: as libvirt reports */
        uint64_t memory_mib; /* 0: as libvirt reports */
        char watchdog[128];  /* its device, or none; empty: as in [cluster], as below */
        usec_t watchdog_timeout_usec;
        enum self_fence self_fence;
        char replica_address[128]; /* where replicas are received; empty: its address of ring 0 */
        char storage_paths[PATHS_SIZE]; /* blank-separated, or none; empty: as in [cluster] */
        char uplink[256];               /* the same */
        enum proactive proactive;
};

/** struct conf_replica - `replica` of a guest: none, HOST sync, HOST async, HOST drbd RESOURCE */
struct conf_replica {
        enum replica_mode mode;
        char host[NAME_LEN];     /* "" with NONE */
        char resource[NAME_LEN]; /* DRBD, else "" */
};

/** struct conf_watchdog - what holds for one host, by its own section and that of the cluster */
struct conf_watchdog {
        char path[128]; /* empty: none is armed */
        usec_t timeout_usec;
        usec_t lease_usec;
        bool allow_softdog;
        bool allow_vm;
};

/** Does the guest's agent freeze its filesystems for a snapshot? */
enum quiesce {
        QUIESCE_AUTO, /* if it is connected */
        QUIESCE_ALWAYS,
        QUIESCE_NEVER,
};
/** What a snapshot is. */
enum snapshot_kind {
        SNAPSHOT_EXTERNAL, /* the guest goes on in a new file over the disk */
        SNAPSHOT_INTERNAL, /* inside of the disk, which is qcow2 */
};
#define SCHEDULE_LEN 96

/** struct conf_guest - what a guest has when its own definition does not say (also per guest) */
struct conf_guest {
        int32_t priority;             /* higher first, default 100 */
        usec_t start_timeout_usec;    /* start command to running, default 90s */
        usec_t stop_timeout_usec;     /* ACPI or agent shutdown, then destroy; default 60s */
        usec_t boot_usec;             /* without an agent: running to healthy, default 20s */
        uint32_t restart_limit;       /* restarts in place within the window, 3 */
        usec_t restart_window_usec;   /* for all rungs, default 10min */
        enum on_shutdown on_shutdown; /* default respect */
        usec_t hang_after_usec;       /* no sign of life for so long: it hangs; 0: never; 2min */
        enum rung recovery[RUNGS];    /* in this order, RUNG_NONE ends it; restart, relocate */
        uint32_t relocate_limit;      /* starts elsewhere within the window, 2 */
        usec_t healthy_after_usec;    /* healthy for so long: the ladder begins anew; 10min */
        enum health_by health_by;     /* default auto */
        struct conf_replica replica;  /* default none */
        usec_t replica_lag_usec;      /* async: no older than this while all works; 5min */
        usec_t replica_loss_usec;     /* so old a copy may be promoted by hawd itself; 0: none */
        uint32_t rollback_limit;      /* rollbacks to a snapshot within the window, 2 */
        char snapshot[SCHEDULE_LEN];  /* when, as snapshots/schedule.h reads it; default off */
        struct conf_keep {            /* which stay: so many newest, and of hours, days, weeks */
                uint32_t last, hourly, daily, weekly;
        } snapshot_keep;
        uint64_t snapshot_space_mib;      /* of all of them; 0: no limit, the default */
        usec_t snapshot_left_usec;        /* disks that rollbacks leave; 0: for ever, the default */
        enum quiesce snapshot_quiesce;    /* default auto */
        enum snapshot_kind snapshot_kind; /* default external; holds from a guest's first one on */
};

struct config {
        char cluster_name[NAME_LEN];
        enum ring_kind ring;            /* default corosync */
        usec_t heartbeat_usec;          /* default 1s */
        usec_t daemon_grace_usec;       /* hawd gone, corosync alive: default 30s */
        uint32_t host_start_slots;      /* starts at once on one host, default 4 */
        uint32_t cluster_start_slots;   /* and in the cluster, default 16 */
        usec_t fence_retry_min_usec;    /* back-off between rounds of the ladder, default 2s */
        usec_t fence_retry_max_usec;    /* default 60s */
        usec_t fence_check_usec;        /* every device is read this often, default 60s */
        enum after_fence after_fence;   /* default on */
        uint32_t fence_storm_limit;     /* hosts lost within the window; 0: a quarter, at least 2 */
        usec_t fence_storm_window_usec; /* default 5min */
        uint32_t fence_limit;           /* fences of a host within the window, default 3 */
        usec_t fence_window_usec;       /* default 1h */
        usec_t kdump_wait_usec;         /* default 0 */
        usec_t priority_fencing_delay_usec; /* half of the votes: the lesser side waits, 10s */
        uint32_t cpu_overcommit_pct;        /* vCPUs over host CPUs, default 400 */
        uint64_t memory_reserve_mib;        /* kept for the host itself, default 512 */
        char watchdog[128];                 /* default none */
        usec_t watchdog_timeout_usec;       /* default 10s */
        usec_t lease_usec;              /* a watchdog is fed no longer without the others, 10s */
        enum self_fence self_fence;     /* default always */
        enum yes_no allow_softdog;      /* default no */
        enum yes_no allow_vm_watchdog;  /* default no */
        usec_t replica_hold_usec;       /* a write waits so long for a replica, default 5min */
        char storage_paths[PATHS_SIZE]; /* what must answer on each host, or none */
        usec_t storage_timeout_usec;    /* default 10s */
        char uplink[256];               /* interfaces that must have a carrier, or none */
        uint32_t memory_pressure_pct;   /* of a minute all waited for memory; 0: not judged, 20 */
        usec_t degraded_after_usec;     /* bad for so long: degraded, 10s */
        usec_t well_after_usec;         /* good for so long: well again, 1min */
        enum proactive proactive;       /* default advise */
        usec_t sensor_check_usec;       /* BMCs are asked this often, default 1min; 0: never */
        struct conf_guest guest_defaults;
        struct conf_host hosts[HOSTS_MAX];
        size_t n_hosts;
        struct conf_device devices[DEVICES_MAX];
        size_t n_devices;
        uint64_t hash; /* of the parsed meaning, not of the bytes: equal on all hosts */
};

/**
 * struct conf_errors - "file:line: message" lines, in the order of the file
 */
struct conf_errors {
        char **lines;
        size_t n;
};

void conf_errors_add(struct conf_errors *e, const char *file, int line, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
void conf_errors_clear(struct conf_errors *e);

/** config_defaults() - @c as an empty file would give it. */
void config_defaults(struct config *c);
/** conf_guest_defaults() - the same of a guest's settings alone */
void conf_guest_defaults(struct conf_guest *c);

/**
 * config_parse() - parse @text (NUL-terminated), named @file in messages
 * @ret: written only on 0
 * @errors: every mistake, also when 0 is returned none are there
 *
 * Return: 0, or the number of mistakes (positive); never negative.
 */
int config_parse(const char *file, const char *text, struct config *ret,
                 struct conf_errors *errors);

/** config_load() - the same from @path. Return: as config_parse(), or -errno when unreadable. */
int config_load(const char *path, struct config *ret, struct conf_errors *errors);

/**
 * config_dump() - canonical text of @c: parse(dump(c)) gives c again
 * Return: malloc'ed text.
 */
char *config_dump(const struct config *c);

const char *replica_mode_name(enum replica_mode m);                            /* sync, or NULL */
const struct conf_host *config_host(const struct config *c, const char *name); /* or NULL */
const struct conf_device *config_device(const struct config *c, const char *name); /* or NULL */
/** config_watchdog() - what holds for @host, which need not have a section of its own */
struct conf_watchdog config_watchdog(const struct config *c, const char *host);
/** config_storage_paths(), config_uplink() - of @host: its own, or the cluster's; "" none */
const char *config_storage_paths(const struct config *c, const char *host);
const char *config_uplink(const struct config *c, const char *host);
enum proactive config_proactive(const struct config *c, const char *host); /* never CLUSTER */
/**
 * config_off_bound() - so long it may take until @host, lost, is proven off; 0: nothing proves it
 *
 * One round of its fence levels after kdump-wait, or its watchdog's lease: what takes longer.
 */
usec_t config_off_bound(const struct config *c, const char *host);
/** config_hold_least() - replica-hold with which each host is proven off in time, see promotion.h
 */
usec_t config_hold_least(const struct config *c);
/** config_silent_limit() - a hawd that says nothing for so long is left out by the others */
usec_t config_silent_limit(const struct config *c);
/** config_device_settings() - of all that says which switch @d is; never 0 */
uint64_t config_device_settings(const struct conf_device *d);

/*
 * Pieces that scenario files and hawctl's options share with hawd.conf. Each returns 0, or
 * -EINVAL with a message for people ("'10x' is no time: use a number and ms, s, min, h or d")
 * in @err of TEXT_LEN bytes.
 */
int parse_duration(const char *s, usec_t *ret, char *err); /* 10s 500ms 2min 1h 1d, or "1min 30s" */
int parse_size_mib(const char *s, uint64_t *ret, char *err); /* 512MiB 4GiB 1TiB */
int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret, char *err);
int parse_bool(const char *s, bool *ret, char *err);

/** format_duration() - the shortest form that parse_duration() reads back exactly. */
void format_duration(usec_t t, char *buf, size_t size);

/**
 * config_set() - set one key by name, as the file would ("cluster", NULL, "heartbeat", "2s")
 * @section, @name: "fence", "bmc1" for [fence bmc1]; @name NULL for sections without one
 *
 * Return: 0, -ENOENT unknown section or key, -EINVAL bad value; the last two with @err filled.
 */
int config_set(struct config *c, const char *section, const char *name, const char *key,
               const char *value, char *err);
/** guest_conf_set() - the same for one key of a guest's own settings. */
int guest_conf_set(struct conf_guest *g, const char *key, const char *value, char *err);
/**
 * guest_conf_wrong() - do its settings contradict each other?
 * @text: TEXT_LEN bytes, filled when they do, with the mend
 *
 * Return: the key that it is about; NULL: they do not.
 */
const char *guest_conf_wrong(const struct conf_guest *g, char *text);
/** guest_conf_each() - every key of a guest's settings with the text that guest_conf_set() takes.
 */
void guest_conf_each(const struct conf_guest *g,
                     void (*fn)(void *ud, const char *key, const char *value), void *ud);
