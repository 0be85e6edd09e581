/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IPMI 2.0 over LAN (RMCP+, "lanplus") by libfreeipmi.
 *
 * The library is never given a name to resolve, and its time-outs are kept short, because some BMCs
 * lose a session now and then and answer a new one at once.
 */
#include "fencing/cache.h"
#include "fencing/driver.h"
#include "fencing/guard.h"
#include "fencing/ipmi_way.h"
#include "fencing/probe.h"
#include "fencing/sensors.h"

#include <freeipmi/freeipmi.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SESSION_MIN_MS 100U
#define OVERRUN_MS 1000U
#define UNREACHABLE_POLL_MS 200
#define CACHE_TRUST_USEC (60 * USEC_PER_MINUTE) /* a way that worked lately is not at fault */
#define CACHED_STALLS 2U

/*
 * How long one try may take, and when a request is repeated. libfreeipmi ignores the answer to a
 * request that it has repeated since, so a slow BMC is heard only at a slower pace.
 */
static const struct {
        unsigned session_ms, repeat_ms;
} paces[IPMI_PACES] = {{2000, 500}, {4000, 1500}, {8000, 3500}, {20000, 9000}, {75000, 36000}};

/* Short tries, many of them; slower ones in between, the slowest for time-outs of minutes. */
static const uint8_t pace_of_try[] = {0, 0, 1, 0, 2, 1, 3, 2, 0, 4};

struct ipmi {
        const struct fence_target *t;
        struct ipmi_peer peer;
        char where[160];
        struct addrinfo *addrs, *addr; /* addr: the one in use */
        int probe;                     /* socket or -1 */
        ipmi_ctx_t ctx;                /* open session or NULL */
        struct ipmi_way way;           /* of ctx, or known from before */
        bool known;                    /* way worked before */
        bool stored;                   /* and is in the cache as it is */
        usec_t known_age;
        unsigned known_stalls;
        bool opened; /* a session was open at least once */
        struct ipmi_search search;
        unsigned tries;
        int best_errnum;
        struct fence_error silence; /* the last time that nothing came back */
        struct fence_error stall;   /* the last time that it began to answer, and did not go on */
};

static uint64_t settings_key(const struct conf_device *d) {
        char text[sizeof(d->address) + sizeof(d->user) + 32];

        text_fmt(text, sizeof(text), "ipmi %s %u %s %d", d->address, d->port, d->user,
                 d->cipher_suite);
        return hash64(0, text, strlen(text));
}

static void way_recall(struct ipmi *s) {
        const struct conf_device *d = s->t->device;
        char value[CACHE_VALUE_LEN];

        ipmi_search_start(&s->search, d->cipher_suite);
        if (s->t->cache_dir &&
            cache_load(s->t->cache_dir, d->name, settings_key(d), value, &s->known_age) == 0)
                s->known = s->stored = ipmi_way_parse(value, &s->way) == 0;
        if (s->known && s->way.pace > 0 && s->known_age > CACHE_TRUST_USEC) {
                s->way.pace = 0; /* it may have been a bad moment */
                s->stored = false;
        }
}

static void way_remember(struct ipmi *s, const struct ipmi_way *way) {
        const struct conf_device *d = s->t->device;
        char value[CACHE_VALUE_LEN];

        if (!s->t->cache_dir)
                return;
        ipmi_way_format(way, value, sizeof(value));
        /* Only a hint: without it the next action searches again. */
        (void)cache_store(s->t->cache_dir, d->name, settings_key(d), value);
}

static int ipmi_open(const struct fence_target *t, void **ret_self, struct fence_error *err) {
        const struct conf_device *d = t->device;
        struct ipmi *s;

        if (!d->address[0])
                return fence_fail(err, FENCE_BAD_CONFIG, "[fence %s] has no address", d->name);
        if (!t->secret || !t->secret[0])
                return fence_fail(err, FENCE_NO_SECRET,
                                  "no password for %s: add [%s] with password = to fencing.conf",
                                  d->name, d->name);
        if (t->n_extra > 0)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "[%s] of fencing.conf: driver ipmi takes no %s", d->name,
                                  t->extra[0].key);
        if (strlen(d->user) > IPMI_MAX_USER_NAME_LENGTH)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "[fence %s] user: IPMI names have at most %d bytes", d->name,
                                  IPMI_MAX_USER_NAME_LENGTH);
        if (strlen(t->secret) > IPMI_2_0_MAX_PASSWORD_LENGTH)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "the password of %s is too long: IPMI 2.0 has at most %d bytes",
                                  d->name, IPMI_2_0_MAX_PASSWORD_LENGTH);
        if (d->cipher_suite != -1 && d->cipher_suite != 3 && d->cipher_suite != 17)
                return fence_fail(err, FENCE_BAD_CONFIG,
                                  "[fence %s] cipher suite %d is not supported: use 17 or 3",
                                  d->name, d->cipher_suite);

        s = xcalloc(1, sizeof(*s));
        s->t = t;
        s->probe = -1;
        text_fmt(s->where, sizeof(s->where), strchr(d->address, ':') ? "[%s]:%u" : "%s:%u",
                 d->address, d->port ? d->port : 623);
        s->peer = (struct ipmi_peer){.device = d->name,
                                     .where = s->where,
                                     .user = d->user,
                                     .fixed_cipher = d->cipher_suite != -1};
        way_recall(s);
        *ret_self = s;
        return 0;
}

static void session_drop(struct ipmi *s) {
        if (!s->ctx)
                return;
        ipmi_ctx_destroy(s->ctx); /* closes the session, so that the BMC's slot is free again */
        s->ctx = NULL;
}

static void ipmi_close(void *self) {
        struct ipmi *s = self;

        session_drop(s);
        if (s->probe >= 0)
                (void)close(s->probe);
        if (s->addrs)
                freeaddrinfo(s->addrs);
        free(s);
}

static int resolve(struct ipmi *s, struct fence_error *err) {
        const struct conf_device *d = s->t->device;
        struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
        char port[12];
        int r;

        if (s->addrs)
                return 0;
        text_fmt(port, sizeof(port), "%u", d->port ? d->port : 623);
        r = getaddrinfo(d->address, port, &hints, &s->addrs);
        if (r != 0) {
                s->addrs = NULL;
                return fence_fail(
                        err, FENCE_RESOLVE,
                        "cannot resolve %.100s: %s; a numeric address needs no name server",
                        d->address, gai_strerror(r));
        }
        s->addr = s->addrs;
        return 0;
}

/* The address as libfreeipmi wants it: numeric, with the port. */
static int numeric(const struct ipmi *s, char *buf, size_t size, struct fence_error *err) {
        char host[NI_MAXHOST], port[NI_MAXSERV];
        int r;

        r = getnameinfo(s->addr->ai_addr, s->addr->ai_addrlen, host, sizeof(host), port,
                        sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM);
        if (r != 0)
                return fence_fail(err, FENCE_RESOLVE, "%.100s: %s", s->where, gai_strerror(r));
        text_fmt(buf, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
        return 0;
}

static void next_address(struct ipmi *s) {
        if (!s->addr->ai_next && s->addr == s->addrs)
                return; /* the only one */
        s->addr = s->addr->ai_next ? s->addr->ai_next : s->addrs;
        if (s->probe >= 0)
                (void)close(s->probe);
        s->probe = -1;
}

/* Nothing came back: say why, as far as the network tells. */
static int explain_network(struct ipmi *s, struct fence_error *err) {
        int sys = 0;

        if (s->probe < 0)
                return ipmi_explain(err, &s->peer, IPMI_ERR_CONNECTION_TIMEOUT, 0, true);
        switch (probe_verdict(s->probe, &sys)) {
        case PROBE_ERROR:
                return ipmi_explain(err, &s->peer, IPMI_ERR_SYSTEM_ERROR, sys, true);
        case PROBE_GARBAGE:
                return fence_fail(err, FENCE_PROTOCOL,
                                  "what answers at %.100s is no BMC: check address and port",
                                  s->where);
        case PROBE_PONG:
                return fence_fail(
                        err, FENCE_TIMEOUT,
                        "%.100s answers a ping (RMCP) but no session: enable IPMI over LAN, "
                        "or reset the BMC",
                        s->where);
        case PROBE_SILENT:
                break;
        }
        if (s->silence.code != FENCE_OK) { /* routers tell a cause only now and then */
                *err = s->silence;
                return (int)err->code;
        }
        return ipmi_explain(err, &s->peer, IPMI_ERR_CONNECTION_TIMEOUT, 0, true);
}

/* The same, but a BMC that began to answer in this action is neither cut off nor without power. */
static int explain_silence(struct ipmi *s, struct fence_error *err) {
        int r = explain_network(s, err);

        if (r != FENCE_TIMEOUT || s->stall.code == FENCE_OK)
                return r;
        *err = s->stall;
        return (int)err->code;
}

/* The network said no before: ask it again, which takes less than a session's time-out. */
static bool still_unreachable(struct ipmi *s, struct fence_error *err) {
        struct pollfd pfd = {.fd = s->probe, .events = POLLIN};
        int sys = 0;

        if (s->probe < 0 || (s->silence.code != FENCE_REFUSED && s->silence.code != FENCE_NO_ROUTE))
                return false;
        if (poll(&pfd, 1, UNREACHABLE_POLL_MS) <= 0 ||
            probe_verdict(s->probe, &sys) != PROBE_ERROR) {
                s->silence = (struct fence_error){0};
                return false;
        }
        (void)ipmi_explain(err, &s->peer, IPMI_ERR_SYSTEM_ERROR, sys, true);
        return true;
}

/* libfreeipmi was seen to overrun by up to a second: leave room for that. */
static unsigned session_ms(unsigned pace, usec_t left_ms) {
        usec_t most = left_ms > 2 * OVERRUN_MS ? left_ms - OVERRUN_MS : left_ms;

        return (unsigned)MIN((usec_t)paces[pace].session_ms, most);
}

/* One attempt to open a session by @way. Return: libfreeipmi's error number, errno in @ret_sys. */
static int attempt(struct ipmi *s, const char *address, const struct ipmi_way *way, usec_t left_ms,
                   int *ret_sys) {
        const struct conf_device *d = s->t->device;
        unsigned timeout_ms = session_ms(way->pace, left_ms);
        int errnum = IPMI_ERR_SUCCESS;
        ipmi_ctx_t ctx;

        ctx = ipmi_ctx_create();
        if (!ctx) {
                *ret_sys = errno;
                return IPMI_ERR_SYSTEM_ERROR;
        }
        errno = 0;
        if (ipmi_ctx_open_outofband_2_0(ctx, address, d->user, s->t->secret, NULL, 0,
                                        way->privilege, way->cipher, timeout_ms,
                                        MIN(paces[way->pace].repeat_ms, timeout_ms / 2), way->flags,
                                        IPMI_FLAGS_DEFAULT) < 0) {
                *ret_sys = errno;
                errnum = ipmi_ctx_errnum(ctx);
                ipmi_ctx_destroy(ctx);
                return errnum != IPMI_ERR_SUCCESS ? errnum : IPMI_ERR_INTERNAL_ERROR;
        }
        s->ctx = ctx;
        return IPMI_ERR_SUCCESS;
}

/* The way known from before failed. Return: true to search for another within this action. */
static bool distrust_known(struct ipmi *s, enum ipmi_class class) {
        switch (class) {
        case IPMI_CLASS_NONE:
        case IPMI_CLASS_SILENT:
                return false;
        case IPMI_CLASS_STALLED:
                return ++s->known_stalls > CACHED_STALLS;
        case IPMI_CLASS_PRIVILEGE:
        case IPMI_CLASS_USER:
        case IPMI_CLASS_PASSWORD: /* search again after an hour, not at each check: accounts lock */
                return s->known_age > CACHE_TRUST_USEC;
        case IPMI_CLASS_OTHER:
        case IPMI_CLASS_CIPHER:
                break;
        }
        return true;
}

/* All ways failed: the deepest error tells the cause. */
static int give_up(struct ipmi *s, struct fence_error *err) {
        enum ipmi_class best = s->search.best;
        struct ipmi_way way = s->search.best_way;

        s->peer.cipher = way.cipher;
        ipmi_search_start(&s->search, s->t->device->cipher_suite);
        if (best >= IPMI_CLASS_PRIVILEGE)
                way_remember(s, &way);
        return ipmi_explain(err, &s->peer, s->best_errnum, 0, true);
}

static int opened(struct ipmi *s, const struct ipmi_way *way) {
        if (!s->known || s->way.pace != way->pace)
                s->stored = false;
        s->way = *way;
        s->known = s->opened = true;
        s->known_age = 0;
        s->known_stalls = 0;
        return 0;
}

/* Tell what went wrong while there was time. */
static int out_of_time(const struct ipmi *s, struct fence_error *err) {
        if (err->code == FENCE_OK)
                *err = s->stall.code != FENCE_OK ? s->stall : s->silence;
        if (err->code != FENCE_OK)
                return (int)err->code;
        return fence_fail(err, FENCE_TIMEOUT, "no time left to reach %.100s", s->where);
}

/* Open a session, by whatever way works, before @until. */
static int connect_bmc(struct ipmi *s, usec_t until, struct fence_error *err) {
        char address[NI_MAXHOST + 16];
        int r;

        for (;;) {
                struct ipmi_way way = s->known ? s->way : ipmi_search_way(&s->search);
                usec_t left_ms = usec_sub(until, guard_now()) / USEC_PER_MSEC;
                enum ipmi_class class;
                int errnum, sys = 0;

                way.pace = MAX(way.pace, pace_of_try[s->tries % ARRAY_SIZE(pace_of_try)]);
                if (left_ms < SESSION_MIN_MS)
                        return out_of_time(s, err);
                r = resolve(s, err);
                if (r == 0)
                        r = numeric(s, address, sizeof(address), err);
                if (r != 0)
                        return r;
                if (s->probe < 0)
                        s->probe = probe_open(s->addr->ai_addr, s->addr->ai_addrlen);
                if (s->probe >= 0)
                        probe_ping(s->probe);
                if (still_unreachable(s, err))
                        return (int)err->code;

                errnum = attempt(s, address, &way, left_ms, &sys);
                if (errnum == IPMI_ERR_SUCCESS)
                        return opened(s, &way);
                s->peer.cipher = way.cipher;
                class = ipmi_class_of(errnum);
                if (class == IPMI_CLASS_SILENT || class == IPMI_CLASS_STALLED)
                        s->tries++;
                if (errnum == IPMI_ERR_CONNECTION_TIMEOUT)
                        r = explain_silence(s, err);
                else
                        r = ipmi_explain(err, &s->peer, errnum, sys, true);
                if (class == IPMI_CLASS_STALLED)
                        s->stall = *err;
                if (class == IPMI_CLASS_SILENT) {
                        s->silence = *err;
                        next_address(s);
                        return r;
                }
                if (s->known) {
                        if (!distrust_known(s, class))
                                return r;
                        s->known = false;
                        continue;
                }
                if (class > s->search.best)
                        s->best_errnum = errnum;
                if (!ipmi_search_failed(&s->search, class))
                        return give_up(s, err);
        }
}

/* A command failed: forget the session unless the BMC merely said no. */
static int command_failed(struct ipmi *s, struct fence_error *err) {
        int sys = errno, r;
        int errnum = ipmi_ctx_errnum(s->ctx);

        session_drop(s);
        r = ipmi_explain(err, &s->peer, errnum, sys, false);
        if (ipmi_class_of(errnum) == IPMI_CLASS_STALLED) {
                s->tries++;
                s->stall = *err;
        }
        return r;
}

static int ipmi_read(void *self, usec_t until, enum fence_power *ret, struct fence_error *err) {
        struct ipmi *s = self;
        uint64_t on = 0;
        fiid_obj_t rs;
        int r;

        r = s->ctx ? 0 : connect_bmc(s, until, err);
        if (r != 0)
                return r;
        rs = fiid_obj_create(tmpl_cmd_get_chassis_status_rs);
        if (!rs)
                return -ENOMEM;
        if (ipmi_cmd_get_chassis_status(s->ctx, rs) < 0)
                r = command_failed(s, err);
        else if (fiid_obj_get(rs, "current_power_state.power_is_on", &on) != 1 || on > 1)
                r = fence_fail(err, FENCE_PROTOCOL, "%.100s: chassis status without a power state",
                               s->where);
        else
                *ret = on ? FENCE_POWER_ON : FENCE_POWER_OFF;
        fiid_obj_destroy(rs);
        if (r == 0)
                s->stall = (struct fence_error){0};
        if (r == 0 && !s->stored) {
                way_remember(s, &s->way);
                s->stored = true;
        }
        return r;
}

static int ipmi_send(void *self, usec_t until, enum fence_order order, struct fence_error *err) {
        struct ipmi *s = self;
        fiid_obj_t rs;
        int r;

        r = s->ctx ? 0 : connect_bmc(s, until, err);
        if (r != 0)
                return r;
        rs = fiid_obj_create(tmpl_cmd_chassis_control_rs);
        if (!rs)
                return -ENOMEM;
        /* Down and up only: a cycle would be on again before anybody could read off (S3). */
        if (ipmi_cmd_chassis_control(s->ctx,
                                     order == FENCE_ORDER_OFF ? IPMI_CHASSIS_CONTROL_POWER_DOWN
                                                              : IPMI_CHASSIS_CONTROL_POWER_UP,
                                     rs) < 0)
                r = command_failed(s, err);
        fiid_obj_destroy(rs);
        return r;
}

static void read_guid(struct ipmi *s, char buf[UUID_LEN]) {
        fiid_obj_t rs = fiid_obj_create(tmpl_cmd_get_system_guid_rs);
        uint8_t g[16];
        size_t len = 0;

        if (!rs)
                return;
        if (ipmi_cmd_get_system_guid(s->ctx, rs) == 0 &&
            fiid_obj_get_data(rs, "guid", g, sizeof(g)) == (int)sizeof(g)) {
                for (size_t i = 0; i < sizeof(g); i++) {
                        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";

                        text_fmt(buf + len, UUID_LEN - len, "%s%02x", dash, g[i]);
                        len = strlen(buf);
                }
        }
        fiid_obj_destroy(rs);
}

static void ipmi_identify(void *self, usec_t until, bool ask, struct fence_identity *ret) {
        struct ipmi *s = self;

        if (!s->opened)
                return;
        ret->cipher = s->way.cipher;
        ipmi_way_workarounds(&s->way, ret->workarounds, sizeof(ret->workarounds));
        /* Optional in IPMI, and some BMCs never answer it: only while there is time for that. */
        if (ask && s->ctx && usec_sub(until, guard_now()) > 3 * USEC_PER_SEC)
                read_guid(s, ret->guid);
}

int fence_sensors_ipmi(void *self, usec_t until, struct sensors_said *ret,
                       struct fence_error *err) {
        struct ipmi *s = self;
        char path[PATH_MAX], why[TEXT_LEN];
        int r;

        if (!s->t->cache_dir)
                return fence_fail(err, FENCE_BAD_CONFIG, "--sensors needs --cache");
        r = s->ctx ? 0 : connect_bmc(s, until, err);
        if (r != 0)
                return r;
        (void)mkdir(s->t->cache_dir, 0700); /* there already, or the list cannot be kept: said */
        text_fmt(path, sizeof(path), "%s/%s.sdr", s->t->cache_dir, s->t->device->name);
        if (sensors_read(s->ctx, path, ret, why) < 0)
                return fence_fail(err, FENCE_PROTOCOL, "%.60s: %.150s", s->where, why);
        return 0;
}

const struct fence_driver fence_driver_ipmi = {
        .name = "ipmi",
        .open = ipmi_open,
        .read = ipmi_read,
        .send = ipmi_send,
        .identify = ipmi_identify,
        .close = ipmi_close,
};
