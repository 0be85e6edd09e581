/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages in the ring, as the core sees them. Pure. wire/ turns them into protobuf and back, cuts
 * what is longer than corosync takes into pieces and joins them again, so that here every message
 * is whole and in the one order of the ring.
 *
 * A message names the configuration of the group that it was sent in (view); one of another
 * configuration is dropped, but for HEARTBEAT, ENTRY, ASK and TELL, which have their own rules.
 */
#pragma once

#include "hawd/core/op.h"

#define PROTO_MAJOR 1
#define PROTO_MINOR 0

enum msg_kind {
        MSG_NONE,
        MSG_EXCHANGE,  /* after every change of the group, by each member */
        MSG_PROMISE,   /* promised is stored */
        MSG_STATE,     /* the winner's state, for those who need it */
        MSG_ACK,       /* stored up to (epoch, version); implies the install */
        MSG_ENTRY,     /* with a version: of the leader, the next in the log; with 0: a proposal */
        MSG_HEARTBEAT, /* not stored */
        MSG_ASK,       /* a client's request that only another host can serve */
        MSG_TELL,      /* its answer (success of what changes shows as an applied entry) */
        MSG_HISTORY,   /* rows that a member lacks, asked for by it; the core takes no part */
        MSG_EXCLUDE,   /* these members are silent: from here on the group goes without them */
        MSG_PROVEN,    /* an even split: these absent members are proven off (lone.c) */
        MSG_KIND_MAX_,
};

struct msg_exchange {
        uint32_t proto_major, proto_minor;
        uint64_t round; /* a higher round starts the exchange anew for everybody */
        uint64_t incarnation;
        uint64_t epoch, promised, version; /* version: of the last stored entry */
        bool virgin; /* no ledger at all: counts only when all are (lost disks do not) */
        bool lost;   /* a virgin that had a ledger: no first start where one is */
        uint32_t members[HOSTS_MAX]; /* who votes by its ledger, unstable changes included */
        uint32_t n_members;
        bool voter;       /* it votes itself, by what is stable */
        bool continuous;  /* it was synced before, since its hawd started: nobody went on alone */
        usec_t cold_usec; /* continuous: how much longer it waits for hosts that may be booting */
};

/** struct state - a whole ledger: model as of model.version, then entries not known to be stable */
struct state {
        unsigned refs;
        uint64_t epoch, version; /* the winner's (epoch, version) */
        struct model model;
        struct entry **tail; /* versions model.version + 1 .. version */
        size_t n_tail;
};

struct state *state_new(void);
struct state *state_ref(struct state *s);
struct state *state_unref(struct state *s); /* returns NULL */

#define HEARTBEAT_ECHOES HOSTS_MAX

/** struct heartbeat - what placement and the lease need; sent every `heartbeat` */
struct heartbeat {
        usec_t sent_usec; /* the sender's CLOCK_BOOTTIME */
        usec_t wall;
        uint64_t memory_free_mib;
        uint32_t load_pct; /* 1-minute load over CPUs, in percent */
        bool libvirt_ok;
        bool watchdog_armed;        /* by this hawd, or taken over from the one before it */
        uint32_t ills;              /* bit i: enum ill i is bad now, whatever the ledger says yet */
        char store_error[TEXT_LEN]; /* why its ledger cannot be stored; "": it can */
        uint32_t n_echoes;          /* latest sent_usec heard from each other member */
        struct {
                uint32_t nodeid;
                usec_t sent_usec;
        } echoes[HEARTBEAT_ECHOES];
};

enum ask_kind {
        ASK_NONE,
        ASK_GUEST_ADD,
        ASK_FENCE_TEST,
        ASK_FACTS,
        ASK_GUEST_RUNS, /* spec: name and uuid */
        ASK_KIND_MAX_
};

#define FACTS_MAX ((size_t)64 << 10) /* what a host says of itself to hawctl doctor: JSON */

/** struct note - something decided or seen, rendered once for journal, trace, history, explain */
struct note {
        uint32_t id;       /* enum note_id, see note.h: text, priority, message id */
        uint32_t host;     /* node id, or 0 */
        uint64_t incident; /* or 0 */
        uint64_t version;  /* ledger version, or 0 when it is local */
        char guest[NAME_LEN];
        char text[2 * TEXT_LEN];
};

/** struct history_row - what the store keeps for ever; key (version, seq), equal on all members */
struct history_row {
        uint64_t version;
        uint32_t seq;
        usec_t wall;
        char host_name[NAME_LEN]; /* of note.host, as it was called then */
        struct note note;
};

struct ring_member {
        uint32_t nodeid;
        uint32_t pid;
};

/** struct proven - an absent host that an even split has proven off, or is about to switch off */
struct proven {
        uint32_t nodeid;
        enum proof proof;   /* NONE: about to be switched off by the sender */
        usec_t budget_usec; /* NONE: nothing is switched later than this after it was said */
        char text[TEXT_LEN];
};

struct msg {
        unsigned refs;
        enum msg_kind kind;
        uint64_t view;
        uint64_t entry_version; /* ENTRY: its place in the log, given by the leader; 0: none yet */
        union {
                struct msg_exchange exchange;
                struct {
                        uint64_t number;
                } promise;
                struct {
                        uint64_t number;     /* the promised epoch it is installed under */
                        struct state *state; /* owned reference */
                } state;
                struct {
                        uint64_t epoch, version;
                } ack;
                struct entry *entry; /* owned reference */
                struct heartbeat heartbeat;
                struct {
                        enum ask_kind kind;
                        uint32_t to;     /* node id that shall serve it */
                        uint32_t origin; /* node id whose client waits */
                        uint64_t request;
                        char name[NAME_LEN];
                        struct guest_spec *spec; /* settings given by the client; owned, or NULL */
                } ask;
                struct {
                        uint32_t to;
                        uint64_t request;
                        int32_t code; /* enum reply_code */
                        char text[TEXT_LEN];
                        char device[NAME_LEN]; /* of a fence test; empty: the last word on it */
                        enum power_reading reading;
                        usec_t took_usec;
                        struct blob *facts; /* answer to ASK_FACTS; owned reference, or NULL */
                } tell;
                struct {
                        uint32_t to;
                        bool ask; /* for rows behind (version, seq), of versions up to until */
                        uint64_t version;
                        uint32_t seq;
                        uint64_t until;
                        bool end;     /* answer: there are no more */
                        bool partial; /* answer: of one that lacks some itself */
                        uint32_t n_rows;
                        struct history_row *rows; /* owned */
                } history;
                struct {
                        uint32_t n;
                        struct ring_member members[HOSTS_MAX];
                } exclude;
                struct {
                        uint64_t round;
                        uint32_t n;
                        struct proven *hosts; /* owned */
                } proven;
        };
};

struct msg *msg_new(enum msg_kind kind);
struct msg *msg_ref(struct msg *m);
struct msg *msg_unref(struct msg *m); /* returns NULL; frees what it owns */
