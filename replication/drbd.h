/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DRBD: what its tools say of a resource, and what that means for a guest on it. Pure.
 *
 * One text serves both versions, `drbdsetup events2 --now --statistics RESOURCE`:
 *
 *   exists resource name:r0 role:Primary suspended:no ...
 *   exists connection name:r0 peer-node-id:0 conn-name:node2 connection:Connected role:Secondary
 * ... exists device name:r0 volume:0 minor:0 disk:UpToDate size:65496 ... exists peer-device
 * name:r0 conn-name:node2 volume:0 replication:Established peer-disk:UpToDate out-of-sync:0 ...
 *   exists -
 *
 * Sizes are KiB. 8.4 calls its one peer "peer", or leaves its name out; 9 tells done:PERCENT, node
 * ids, and quorum. A word that is not known here is "unknown", which nothing good follows from.
 * That a connection was dropped for a split brain is in the kernel's log alone.
 */
#pragma once

#include "hawd/base/base.h"

#define DRBD_PEERS_MAX 8
#define DRBD_VOLUMES_MAX 16
#define DRBD_OUTPUT_MAX 65536 /* more than DRBD says of a resource */

enum drbd_role { DRBD_ROLE_UNKNOWN, DRBD_PRIMARY, DRBD_SECONDARY };

/* DRBD's own order: what is worse comes first. */
enum drbd_disk {
        DRBD_DISK_UNKNOWN, /* no word of it, or not one of these */
        DRBD_DISKLESS,
        DRBD_ATTACHING,
        DRBD_DETACHING,
        DRBD_FAILED,
        DRBD_NEGOTIATING,
        DRBD_INCONSISTENT,
        DRBD_OUTDATED,
        DRBD_DUNKNOWN, /* a peer's, that is not connected */
        DRBD_CONSISTENT,
        DRBD_UPTODATE,
};

enum drbd_connection {
        DRBD_CONN_UNKNOWN,
        DRBD_STANDALONE, /* does not try: told so, or given up */
        DRBD_CONNECTING, /* tries, or is about to */
        DRBD_CONNECTED,
};

/* Of several volumes the first of these counts. */
enum drbd_replication {
        DRBD_REPL_UNKNOWN,
        DRBD_RESYNC_IN,  /* from the peer to here */
        DRBD_RESYNC_OUT, /* from here to the peer */
        DRBD_OFF,
        DRBD_ESTABLISHED, /* each write goes to both; verifying is this, too */
};

/** struct drbd_peer - the worst of all volumes */
struct drbd_peer {
        char name[NAME_LEN]; /* conn-name; "" not told */
        enum drbd_connection connection;
        enum drbd_role role;
        enum drbd_disk disk;
        enum drbd_replication replication;
        uint64_t behind_kib; /* out of sync, of all volumes */
        uint32_t done_pct;   /* of a resync; by 8.4, of all that there is */
};

/** struct drbd_status - a resource on this host, the worst of all volumes */
struct drbd_status {
        char name[NAME_LEN];
        bool up; /* the kernel knows it; else nothing below is set */
        enum drbd_role role;
        enum drbd_disk disk;
        bool suspended; /* its I/O stands still */
        bool no_quorum;
        bool split_brain; /* by drbd_split_brain(), not by drbd_parse() */
        uint32_t minors[DRBD_VOLUMES_MAX];
        size_t n_minors;
        uint64_t size_kib;
        struct drbd_peer peers[DRBD_PEERS_MAX];
        size_t n_peers;
};

/**
 * drbd_parse() - what `drbdsetup events2 --now --statistics` says of @resource
 * @text: NUL-terminated; other resources and kinds of lines are passed over
 * @ret:  written only on 0
 * @err:  TEXT_LEN bytes, filled on failure
 *
 * Return: 0, also when the kernel does not know @resource; -EBADMSG the text is cut off or no such
 * text; -E2BIG more peers or volumes than hawd handles.
 */
int drbd_parse(const char *text, const char *resource, struct drbd_status *ret, char *err);

/**
 * drbd_split_brain() - take the next line of the kernel's log, the oldest first
 *
 * Sets s->split_brain when the connection was dropped for a split brain, and clears it when it was
 * asked for again.
 */
void drbd_split_brain(struct drbd_status *s, const char *line);

/** drbd_peer() - the one called @host, else the only one; NULL: none. */
const struct drbd_peer *drbd_peer(const struct drbd_status *s, const char *host);

enum drbd_state {
        DRBD_STATE_DOWN,         /* the kernel does not know the resource */
        DRBD_STATE_SPLIT_BRAIN,  /* both sides wrote by themselves */
        DRBD_STATE_DISKLESS,     /* no disk here */
        DRBD_STATE_RESYNC_IN,    /* the peer sends what is missing */
        DRBD_STATE_INCONSISTENT, /* half old, half new, and nothing comes */
        DRBD_STATE_OUTDATED,     /* whole, but old */
        DRBD_STATE_UNSURE,       /* whole; not known whether old */
        DRBD_STATE_IN_STEP,      /* each write is acknowledged by both */
        DRBD_STATE_RESYNC_OUT,   /* up to date here; the peer gets what it lacks */
        DRBD_STATE_PEER_BAD,     /* up to date here; the peer is connected and has no good disk */
        DRBD_STATE_ALONE,        /* was up to date when the peer went; tries to reach it */
        DRBD_STATE_APART,        /* the same, and does not try */
        DRBD_STATE_MAX_,
};

/** struct drbd_verdict - what a status means */
struct drbd_verdict {
        enum drbd_state state;
        bool may_promote;    /* as far as this side's DRBD knows (S9) */
        uint64_t behind_kib; /* what this side's bitmap says that the sides differ by */
        uint32_t done_pct;   /* RESYNC_*: so much of it is done */
        char text[TEXT_LEN]; /* for people */
        char mend[TEXT_LEN]; /* "": nothing to do */
};

/**
 * drbd_judge() - what @s means for this host, @here, whose peer is @there
 *
 * 1 not up  2 split brain  3 no disk  4 the peer sends what is missing  5 inconsistent
 * 6 outdated  7 consistent only, or a word that is not known  8 in step  9 the peer is resynced
 * 10 the peer is there, without a good disk  11 the peer is not there  12 told not to look for it
 * Of these 8 to 11 may be promoted; none whose I/O stands still or that lost DRBD's own quorum.
 */
void drbd_judge(const struct drbd_status *s, const char *here, const char *there,
                struct drbd_verdict *ret);

/** drbd_state_name() - "in-step", "split-brain" ... */
const char *drbd_state_name(enum drbd_state state);

/**
 * drbd_settings() - may hawd rely on the settings of a resource?
 * @dump:     what `drbdadm dump RESOURCE` says
 * @resource: for the text
 * @err:      TEXT_LEN bytes, filled on -EINVAL: the first that is not so, and the mend
 *
 * 1 protocol C, or writes are acknowledged that the peer does not have
 * 2 fencing resource-and-stonith: writes stand still, when the peer is lost, until
 * 3 the fence-peer handler has said so to hawd's ledger
 * 4 a split brain is settled by people: no after-sb-* that throws away what was written
 *
 * Return: 0, -EINVAL.
 */
int drbd_settings(const char *dump, const char *resource, char *err);
