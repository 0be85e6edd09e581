/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a guest hang? Agent silent, no disk operation completed and nothing sent, for `hang-after`
 * of time in which it could have done something. Pure: works on memory only.
 *
 * A sample is taken every hang_period(). The time between two of them counts, in this order:
 *
 *   1  not at all   QEMU's monitor does not answer one of the two
 *   2  from anew    it is paused; another QEMU than before; the first sample
 *   3  from anew    an operation completed, something was sent, or the agent answered
 *   4  not at all   the agent was not asked, or never answered in this run and `alone` is not set
 *   5  not at all   the sample came later than HANG_LATE_MAX, or the agent was waited for longer
 *                   than HANG_WAIT_MAX: whoever does so was not scheduled
 *   6  in part      less what the host took: steal, memory pressure, virtual CPUs that waited
 *   7  as a whole   else
 *
 * CPUs that spin or idle are part of the text, and decide nothing.
 */
#pragma once

#include "hawd/base/base.h"

#define HANG_AFTER_MIN (10 * USEC_PER_SEC) /* what is less counts as this */
#define HANG_LATE_MAX USEC_PER_SEC
#define HANG_AGENT_SECONDS                                                                         \
        5 /* libvirt waits so long for an agent's attention, then for its answer */
#define HANG_WAIT_MAX ((2 * HANG_AGENT_SECONDS + 2) * USEC_PER_SEC)
#define HANG_PERIOD_MIN (2 * USEC_PER_SEC)
#define HANG_PERIOD_MAX (10 * USEC_PER_SEC)
#define HANG_VCPUS_MAX 16 /* so many are looked at for their waiting */

enum hang_agent {
        HANG_AGENT_NOT_ASKED, /* or nobody knows what came of it */
        HANG_AGENT_ANSWERS,
        HANG_AGENT_SILENT, /* or not connected */
};

/** struct hang_host - what this host kept from whoever wants to run; totals since its boot */
struct hang_host {
        uint64_t memory_usec; /* all that could run waited for memory (PSI, full) */
        uint64_t cpu_usec;    /* somebody waited for a CPU (PSI, some) */
        uint64_t steal, all;  /* ticks of /proc/stat */
};

/** struct hang_sample - what was seen of a guest at a time */
struct hang_sample {
        usec_t planned; /* CLOCK_BOOTTIME: when it was to be taken */
        usec_t at;      /* when its counters had been read */
        usec_t ended;   /* when the agent had answered, or not */
        bool answered;  /* QEMU's monitor did, and there is a disk; else nothing else is known */
        bool running;
        uint64_t done; /* disk operations completed, since its QEMU began */
        uint64_t sent; /* packets, the same */
        enum hang_agent agent;
        uint64_t cpu_nsec;                    /* time that its CPUs ran */
        bool has_waited;                      /* the next is known */
        uint64_t waited_nsec[HANG_VCPUS_MAX]; /* time that each virtual CPU waited to run */
        struct hang_host host;
};

/** struct hang - what is remembered of one run of a guest; zero: nothing */
struct hang {
        bool known; /* there was a sample */
        bool spoke; /* its agent answered, or was connected */
        bool told;  /* it hangs */
        usec_t at;  /* end of the time that was counted or not */
        usec_t quiet_usec, not_counted_usec;
        struct hang_sample last; /* that QEMU's monitor answered */
        uint32_t cpu_pct;
};

enum hang_verdict { HANG_NO_NEWS, HANG_HANGS, HANG_GOES_ON };

/**
 * hang_take() - one sample more
 * @after: `hang-after` of the guest, not 0
 * @alone: disk and network count without an agent, too
 */
enum hang_verdict hang_take(struct hang *h, const struct hang_sample *s, usec_t after, bool alone);

/** hang_moved() - was there progress since the last sample? Then the agent need not be asked. */
bool hang_moved(const struct hang *h, const struct hang_sample *s);

/** hang_text() - why it hangs; @text: TEXT_LEN bytes */
void hang_text(const struct hang *h, char *text);

/** hang_period() - from one sample to the next, when the agent answers by then */
usec_t hang_period(usec_t after);

/** hang_starved_pct() - how much of the time between two samples the guest could not run */
uint32_t hang_starved_pct(const struct hang_sample *before, const struct hang_sample *s);

/** hang_host_parse() - of /proc/pressure/memory, .../cpu and /proc/stat; what is not there is 0. */
void hang_host_parse(const char *memory, const char *cpu, const char *stat, struct hang_host *ret);
