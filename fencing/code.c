/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/code.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
        const char *name;
        bool final;
} codes[FENCE_CODE_MAX] = {
        [FENCE_OK] = {"", false},
        [FENCE_TIMEOUT] = {"timeout", false},
        [FENCE_AUTH] = {"auth", true},
        [FENCE_PRIVILEGE] = {"privilege", true},
        [FENCE_CIPHER] = {"cipher", true},
        [FENCE_NO_ROUTE] = {"no-route", false},
        [FENCE_REFUSED] = {"refused", false},
        [FENCE_RESOLVE] = {"resolve", false},
        [FENCE_AGENT_MISSING] = {"agent-missing", true},
        [FENCE_AGENT_FAILED] = {"agent-failed", false},
        [FENCE_NO_STATUS] = {"no-status", true},
        [FENCE_BAD_CONFIG] = {"bad-config", true},
        [FENCE_NO_SECRET] = {"no-secret", true},
        [FENCE_DEADLINE] = {"deadline", true},
        [FENCE_STILL_ON] = {"still-on", false},
        [FENCE_STILL_OFF] = {"still-off", false},
        [FENCE_PROTOCOL] = {"protocol", false},
        [FENCE_CANCELLED] = {"cancelled", true},
};

int fence_fail(struct fence_error *err, enum fence_code code, const char *fmt, ...) {
        va_list args;

        err->code = code;
        va_start(args, fmt);
        (void)vsnprintf(err->message, sizeof(err->message), fmt, args); /* a cut message is fine */
        va_end(args);
        return (int)code;
}

const char *fence_code_name(enum fence_code code) {
        assert((unsigned)code < FENCE_CODE_MAX);
        return codes[code].name;
}

bool fence_code_final(enum fence_code code) {
        assert((unsigned)code < FENCE_CODE_MAX);
        return codes[code].final;
}

bool fence_code_refused(enum fence_code code) {
        return code == FENCE_BAD_CONFIG || code == FENCE_NO_SECRET || code == FENCE_NO_STATUS ||
               code == FENCE_AGENT_MISSING;
}

const char *fence_power_name(enum fence_power power) {
        switch (power) {
        case FENCE_POWER_ON:
                return "on";
        case FENCE_POWER_OFF:
                return "off";
        case FENCE_POWER_UNKNOWN:
                break;
        }
        return "unknown";
}

const char *fence_action_name(enum fence_action action) {
        switch (action) {
        case FENCE_ACTION_OFF:
                return "off";
        case FENCE_ACTION_ON:
                return "on";
        case FENCE_ACTION_STATUS:
                break;
        }
        return "status";
}

int fence_action_parse(const char *s, enum fence_action *ret) {
        static const enum fence_action all[] = {FENCE_ACTION_STATUS, FENCE_ACTION_OFF,
                                                FENCE_ACTION_ON};

        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                if (strcmp(s, fence_action_name(all[i])) == 0) {
                        *ret = all[i];
                        return 0;
                }
        }
        return -EINVAL;
}
