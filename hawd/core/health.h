/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a host suffers from, judged by what it measures, so that it never flaps. Pure.
 * The ledger keeps the verdict; here is only what was measured since.
 *
 *   well -> bad for degraded-after -> degraded -> good for well-after -> well
 *             good in between: anew               bad in between: anew
 *
 * One that is degraded again soon after it was well has to be good for twice as long each time.
 */
#pragma once

#include "hawd/base/config.h"

enum ill {
        ILL_LIBVIRT, /* does not answer */
        ILL_STORAGE, /* one of storage-paths is lost */
        ILL_UPLINK,  /* one of uplink has no carrier */
        ILL_MEMORY,  /* all wait for memory */
        ILL_SENSORS, /* its hardware, by its BMC */
        ILL_MAX_,
};

#define ILL_TEXT 96
#define ILL_BIT(i) (1u << (i))
/* A start there fails, or hangs; with the others it only does less well than elsewhere. */
#define ILLS_NO_START (ILL_BIT(ILL_LIBVIRT) | ILL_BIT(ILL_STORAGE))

#define HEALTH_SAMPLES 3                    /* at least, whatever their time */
#define HEALTH_GAP_USEC (10 * USEC_PER_SEC) /* for those that come with each heartbeat */
#define HEALTH_DOUBLINGS 4
#define HEALTH_RELAPSE 16 /* times well-after: degraded again within that is a relapse */
#define HEALTH_NO_PRESSURE UINT32_MAX

/** struct health_sample - what a host measured of itself now */
struct health_sample {
        enum measured { MEASURED_NOT, MEASURED_GOOD, MEASURED_BAD } storage, uplink;
        char storage_text[ILL_TEXT], uplink_text[ILL_TEXT]; /* BAD: which, and how */
        uint32_t memory_full; /* "full avg60" of /proc/pressure/memory, in hundredths of a percent;
                                 HEALTH_NO_PRESSURE: not known */
};

/** struct ill_watch - one ill of one host; all zero at the start */
struct ill_watch {
        bool bad; /* what the latest samples, without a break, said */
        uint32_t n;
        usec_t since, latest;
        bool was;          /* degraded by it, as the ledger said then */
        usec_t well_at;    /* since when the ledger says that it is well; 0: not seen */
        uint32_t relapses; /* well-after is doubled so often */
};

/**
 * health_judge() - one more sample
 * @degraded: what the ledger says of it
 * @gap: longer without a sample, and nothing is known of before
 *
 * Return: what the ledger should say.
 * Source: tests/unit/test_health.c has a row for each rule.
 */
bool health_judge(struct ill_watch *w, bool degraded, bool bad, usec_t now, usec_t gap,
                  const struct config *config);

/** health_memory() - is @full too much? One that is @degraded by it is good below half of that. */
bool health_memory(uint32_t full, uint32_t bound_pct, bool degraded);

const char *ill_name(enum ill i);
/** ills_text() - "storage, uplink" of the bits of @ills. Return: @buf. */
const char *ills_text(uint32_t ills, char *buf, size_t size);
