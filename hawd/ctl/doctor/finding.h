/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What doctor found. Judging is apart from gathering: checks are functions of facts (JSON), and
 * call nothing else; facts that could not be got are findings too, never guessed.
 */
#pragma once

#include "hawd/ctl/ctl.h"

enum severity { SEVERITY_OK, SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_BAD, SEVERITY_MAX_ };

#define FINDING_LEN 512

struct finding {
        enum severity severity;
        const char *check;   /* name of the check; static */
        char host[NAME_LEN]; /* empty: of the cluster */
        char text[FINDING_LEN];
        char mend[FINDING_LEN]; /* what a person can do; empty: nothing, or nothing needed */
};

/** struct findings - check and host of what is judged now, and all findings so far */
struct findings {
        const char *check;
        char host[NAME_LEN];
        struct finding *list;
        size_t n, cap;
};

void findings_clear(struct findings *f);
const char *severity_name(enum severity s);

/** found() - one more, of f->check and f->host */
void found(struct findings *f, enum severity s, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** found_on() - the same on another host; "" for the cluster */
void found_on(struct findings *f, const char *host, enum severity s, const char *fmt, ...)
        PRINTF_LIKE(4, 5);
/** mend() - of the last one found */
void mend(struct findings *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

/**
 * not_known() - is there no such part of the facts? Then that is said, with the reason.
 * @part: an object, {"error": why}, or NULL
 */
bool not_known(struct findings *f, const json_t *part, const char *what);

/** struct doctor_check - one of the two is there */
struct doctor_check {
        const char *name;
        void (*host)(struct findings *f, const json_t *facts);
        void (*cluster)(struct findings *f, const json_t *exam);
};

/**
 * An exam is what the checks judge:
 *     {"local": bool, "now_usec", "status", "guests", "rules", "replicas",
 *      "hosts": [{name, error, running_version, facts}]}
 * local: of one host alone; status, guests and rules are null then.
 */
extern const struct doctor_check doctor_checks[];
extern const size_t n_doctor_checks;

/** doctor_judge() - all checks; findings come by check, then by host */
void doctor_judge(const json_t *exam, struct findings *f);

/* ---- ways into an exam ---- */

/** facts_of() - of a host of exam.hosts, NULL when it gave none */
static inline const json_t *facts_of(const json_t *host) {
        const json_t *facts = json_object_get(host, "facts");

        return json_is_object(facts) ? facts : NULL;
}

/** jword() - of an element of a list; "" for what is no string: facts come from other hosts */
static inline const char *jword(const json_t *j) {
        return json_is_string(j) ? json_string_value(j) : "";
}

/** jnum() - a number of facts, so that sums, and products with 100, stay within 64 bits */
static inline int64_t jnum(const json_t *o, const char *key) {
        const int64_t most = INT64_C(1) << 55;

        return MAX(-most, MIN(most, jint(o, key)));
}

/** part_of() - "host/units" of @facts; NULL: it is not there */
const json_t *part_of(const json_t *facts, const char *path);

/** row_of() - that of @list whose @key is @value; NULL: none is */
const json_t *row_of(const json_t *list, const char *key, const char *value);

/** guest_of() - what is told of it; NULL: nothing */
const json_t *guest_of(const json_t *exam, const char *name);

/** replica_of() - of @guest, NULL: it has none */
const json_t *replica_of(const json_t *exam, const char *guest);

/** may_run() - do strict rules let @guest run on @host? */
bool may_run(const json_t *exam, const char *guest, const char *host);

/* The checks, by file. */
typedef void doctor_host_check(struct findings *f, const json_t *facts);
typedef void doctor_cluster_check(struct findings *f, const json_t *exam);
doctor_cluster_check judge_answers, judge_cluster, judge_hosts, judge_nodelist, judge_guests,
        judge_config_equal, judge_versions, judge_clocks; /* judge_cluster.c */
doctor_cluster_check judge_fencing;                       /* judge_fence.c */
doctor_host_check judge_fence_setup;                      /* the same */
doctor_cluster_check judge_storage, judge_io_errors;      /* judge_storage.c */
doctor_cluster_check judge_cpus;                          /* judge_cpu.c */
doctor_cluster_check judge_capacity;                      /* judge_capacity.c */
doctor_cluster_check judge_watchdogs;                     /* judge_watchdog.c */
doctor_cluster_check judge_replicas, judge_snapshots;     /* judge_copies.c */
doctor_host_check judge_corosync, judge_quorum, judge_token, judge_links,
        judge_crypto; /* judge_corosync.c */
doctor_host_check judge_libvirt, judge_autostart, judge_libvirt_guests, judge_lock_manager,
        judge_certificates; /* judge_libvirt.c */
doctor_host_check judge_hawd, judge_config, judge_secrets, judge_service, judge_limits, judge_disk,
        judge_time, judge_managers, judge_uplink; /* judge_host.c */
