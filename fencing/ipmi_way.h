/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ways to open an IPMI 2.0 session: cipher suite, privilege, workarounds for a BMC's faults; which
 * to try next after which error, and what an error means. Pure, but for libfreeipmi's names.
 *
 *   START -> (next way) -> worked            kept in the cache: first and alone next time
 *              ^------- failed, class        the deepest class seen decides which ways make sense,
 *                                            so that a wrong password costs few attempts (BMCs lock
 *                                            accounts), and is what is reported at the end
 */
#pragma once

#include "fencing/code.h"

/** How far a failed session got; higher is deeper, a bit each. */
enum ipmi_class {
        IPMI_CLASS_NONE = 0,
        IPMI_CLASS_SILENT = 1,  /* no answer at all: another way would not be heard either */
        IPMI_CLASS_STALLED = 2, /* answers stopped while the session was opened */
        IPMI_CLASS_OTHER = 4,   /* refused without a reason that is defined */
        IPMI_CLASS_CIPHER = 8,  /* cipher suite unknown to the BMC */
        IPMI_CLASS_PRIVILEGE = 16,
        IPMI_CLASS_USER = 32,
        IPMI_CLASS_PASSWORD = 64,
};

#define IPMI_PACES 5 /* from quick to slow, see driver_ipmi.c */

/** struct ipmi_way - all that a session needs beside address, user and password */
struct ipmi_way {
        uint8_t cipher;    /* 17 or 3 */
        uint8_t privilege; /* IPMI_PRIVILEGE_LEVEL_OPERATOR or _ADMIN */
        unsigned flags;    /* IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_* */
        uint8_t pace;      /* below IPMI_PACES */
};

/** struct ipmi_search - where the search stands */
struct ipmi_search {
        uint8_t ciphers[2]; /* still thought possible */
        size_t n_ciphers;
        size_t cipher, step; /* the current way */
        enum ipmi_class best;
        struct ipmi_way best_way;
        unsigned stalls; /* of the current way */
};

/** ipmi_search_start() - @cipher_suite: 17, 3 or -1 for 17, then 3 */
void ipmi_search_start(struct ipmi_search *s, int cipher_suite);
struct ipmi_way ipmi_search_way(const struct ipmi_search *s);

/**
 * ipmi_search_failed() - the current way failed with @class; go to the next
 *
 * 1 silence: the same way again  2 a stall: the next cipher, then the next step  3 an unknown
 * cipher or an undefined refusal drops the cipher while another is left  4 password, user and
 * privilege errors prove the cipher: the other is dropped  5 a step is tried only if it can mend
 * the deepest error seen
 *
 * Return: false when there is none left; the search then starts again by ipmi_search_start().
 */
bool ipmi_search_failed(struct ipmi_search *s, enum ipmi_class class);

enum ipmi_class ipmi_class_of(int errnum); /* of opening a session */

/** ipmi_way_format(), ipmi_way_parse() - as kept in the cache; -EINVAL on anything odd. */
void ipmi_way_format(const struct ipmi_way *w, char *buf, size_t size);
int ipmi_way_parse(const char *s, struct ipmi_way *ret);
void ipmi_way_workarounds(const struct ipmi_way *w, char *buf, size_t size); /* names, or "" */

/** struct ipmi_peer - for messages */
struct ipmi_peer {
        const char *device, *where, *user; /* where: "bmc1.example:623" */
        uint8_t cipher;
        bool fixed_cipher; /* set in the configuration */
};

/** ipmi_explain() - @errnum of opening (@opening) or of a command, @sys its errno. Return: the
 * code. */
int ipmi_explain(struct fence_error *err, const struct ipmi_peer *peer, int errnum, int sys,
                 bool opening);
