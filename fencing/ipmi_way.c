/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/ipmi_way.h"

#include <freeipmi/freeipmi.h>
#include <stdio.h>

#define W(name) IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_##name
#define OPERATOR IPMI_PRIVILEGE_LEVEL_OPERATOR
#define ADMIN IPMI_PRIVILEGE_LEVEL_ADMIN
#define VAGUE (IPMI_CLASS_STALLED | IPMI_CLASS_OTHER)

/*
 * By likelihood. @mends: the errors that this step is known to mend, from FreeIPMI's manual and its
 * list of faulty boards. Operator is enough for power and is asked for first.
 */
static const struct {
        unsigned flags;
        uint8_t privilege;
        unsigned mends;
} steps[] = {
        {0, OPERATOR, ~0U},
        {W(OPEN_SESSION_PRIVILEGE), OPERATOR, VAGUE | IPMI_CLASS_PRIVILEGE},
        {0, ADMIN, VAGUE | IPMI_CLASS_PRIVILEGE},
        {W(OPEN_SESSION_PRIVILEGE), ADMIN, IPMI_CLASS_PRIVILEGE},
        {W(AUTHENTICATION_CAPABILITIES), OPERATOR, VAGUE | IPMI_CLASS_USER},
        {W(SUPERMICRO_2_0_SESSION), ADMIN, VAGUE | IPMI_CLASS_PASSWORD},
        {W(INTEL_2_0_SESSION), ADMIN, VAGUE | IPMI_CLASS_PASSWORD},
        {W(SUN_2_0_SESSION), ADMIN, VAGUE | IPMI_CLASS_PASSWORD | IPMI_CLASS_PRIVILEGE},
        {W(NON_EMPTY_INTEGRITY_CHECK_VALUE), ADMIN, VAGUE},
        {W(NO_CHECKSUM_CHECK), ADMIN, VAGUE},
};

static const struct {
        unsigned flag;
        const char *name; /* as in FreeIPMI's own tools */
} names[] = {
        {W(AUTHENTICATION_CAPABILITIES), "authcap"},
        {W(INTEL_2_0_SESSION), "intel20"},
        {W(SUPERMICRO_2_0_SESSION), "supermicro20"},
        {W(SUN_2_0_SESSION), "sun20"},
        {W(OPEN_SESSION_PRIVILEGE), "opensesspriv"},
        {W(NON_EMPTY_INTEGRITY_CHECK_VALUE), "integritycheckvalue"},
        {W(NO_CHECKSUM_CHECK), "nochecksumcheck"},
};

void ipmi_search_start(struct ipmi_search *s, int cipher_suite) {
        *s = (struct ipmi_search){.ciphers = {17, 3}, .n_ciphers = 2};
        if (cipher_suite >= 0) {
                s->ciphers[0] = (uint8_t)cipher_suite;
                s->n_ciphers = 1;
        }
}

struct ipmi_way ipmi_search_way(const struct ipmi_search *s) {
        assert(s->step < ARRAY_SIZE(steps) && s->cipher < s->n_ciphers);
        return (struct ipmi_way){.cipher = s->ciphers[s->cipher],
                                 .privilege = steps[s->step].privilege,
                                 .flags = steps[s->step].flags};
}

/* Rule 5. */
static bool next_step(struct ipmi_search *s) {
        s->cipher = 0;
        while (++s->step < ARRAY_SIZE(steps)) {
                if (steps[s->step].mends & s->best)
                        return true;
        }
        return false;
}

bool ipmi_search_failed(struct ipmi_search *s, enum ipmi_class class) {
        if (class > s->best) {
                s->best = class;
                s->best_way = ipmi_search_way(s);
        }
        switch (class) {
        case IPMI_CLASS_NONE:
        case IPMI_CLASS_SILENT: /* rule 1 */
                return true;
        case IPMI_CLASS_STALLED: /* rule 2 */
                if (++s->cipher < s->n_ciphers)
                        return true;
                return next_step(s);
        case IPMI_CLASS_OTHER:
        case IPMI_CLASS_CIPHER: /* rule 3 */
                if (s->n_ciphers == 1)
                        return class == IPMI_CLASS_OTHER && next_step(s);
                s->ciphers[0] = s->ciphers[1 - s->cipher];
                s->n_ciphers = 1;
                s->cipher = 0;
                return true;
        case IPMI_CLASS_PRIVILEGE:
        case IPMI_CLASS_USER:
        case IPMI_CLASS_PASSWORD: /* rule 4 */
                s->ciphers[0] = s->ciphers[s->cipher];
                s->n_ciphers = 1;
                return next_step(s);
        }
        abort();
}

enum ipmi_class ipmi_class_of(int errnum) {
        switch (errnum) {
        case IPMI_ERR_CONNECTION_TIMEOUT:
        case IPMI_ERR_SYSTEM_ERROR:
                return IPMI_CLASS_SILENT;
        case IPMI_ERR_SESSION_TIMEOUT:
        case IPMI_ERR_PASSWORD_VERIFICATION_TIMEOUT:
        case IPMI_ERR_MESSAGE_TIMEOUT:
        case IPMI_ERR_BMC_BUSY:
                return IPMI_CLASS_STALLED;
        case IPMI_ERR_CIPHER_SUITE_ID_UNAVAILABLE:
                return IPMI_CLASS_CIPHER;
        case IPMI_ERR_PRIVILEGE_LEVEL_INSUFFICIENT:
        case IPMI_ERR_PRIVILEGE_LEVEL_CANNOT_BE_OBTAINED:
                return IPMI_CLASS_PRIVILEGE;
        case IPMI_ERR_USERNAME_INVALID:
        case IPMI_ERR_K_G_INVALID:
        case IPMI_ERR_AUTHENTICATION_TYPE_UNAVAILABLE:
        case IPMI_ERR_IPMI_2_0_UNAVAILABLE:
                return IPMI_CLASS_USER;
        case IPMI_ERR_PASSWORD_INVALID:
                return IPMI_CLASS_PASSWORD;
        default:
                return IPMI_CLASS_OTHER;
        }
}

void ipmi_way_format(const struct ipmi_way *w, char *buf, size_t size) {
        text_fmt(buf, size, "cipher=%u privilege=%u workarounds=0x%x pace=%u", w->cipher,
                 w->privilege, w->flags, w->pace);
}

int ipmi_way_parse(const char *s, struct ipmi_way *ret) {
        unsigned cipher, privilege, flags, pace, known = 0;
        char again[96];
        struct ipmi_way w;

        if (sscanf(s, "cipher=%3u privilege=%1u workarounds=0x%8x pace=%1u", &cipher, &privilege,
                   &flags, &pace) != 4)
                return -EINVAL;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                known |= names[i].flag;
        if ((cipher != 17 && cipher != 3) || (privilege != OPERATOR && privilege != ADMIN) ||
            (flags & ~known) || pace >= IPMI_PACES)
                return -EINVAL;
        w = (struct ipmi_way){(uint8_t)cipher, (uint8_t)privilege, flags, (uint8_t)pace};
        ipmi_way_format(&w, again, sizeof(again));
        if (strcmp(again, s) != 0)
                return -EINVAL;
        *ret = w;
        return 0;
}

void ipmi_way_workarounds(const struct ipmi_way *w, char *buf, size_t size) {
        size_t len = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (!(w->flags & names[i].flag))
                        continue;
                text_fmt(buf + len, size - len, "%s%s", len ? " " : "", names[i].name);
                len = strlen(buf);
        }
}
