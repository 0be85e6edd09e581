/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "hawd/base/config.h"
#include "hawd/guest/hang.h"

usec_t hang_period(usec_t after) {
        return MIN(MAX(after / 6, HANG_PERIOD_MIN), HANG_PERIOD_MAX);
}

/* Of two totals; one that went back tells nothing. */
static uint64_t grown(uint64_t before, uint64_t now) {
        return now > before ? now - before : 0;
}

static uint32_t pct_of(uint64_t part, uint64_t whole) {
        return whole == 0 ? 0 : part >= whole ? 100 : (uint32_t)(part * 100 / whole);
}

uint32_t hang_starved_pct(const struct hang_sample *before, const struct hang_sample *s) {
        usec_t took = usec_sub(s->at, before->at);
        const struct hang_host *a = &before->host, *b = &s->host;
        uint32_t pct = pct_of(grown(a->steal, b->steal), grown(a->all, b->all));

        pct = MAX(pct, pct_of(grown(a->memory_usec, b->memory_usec), took));
        if (!before->has_waited || !s->has_waited)
                return MAX(pct, pct_of(grown(a->cpu_usec, b->cpu_usec), took));
        for (size_t i = 0; i < HANG_VCPUS_MAX; i++)
                pct = MAX(pct,
                          pct_of(grown(before->waited_nsec[i], s->waited_nsec[i]) / 1000, took));
        return pct;
}

bool hang_moved(const struct hang *h, const struct hang_sample *s) {
        return h->known && (s->done != h->last.done || s->sent != h->last.sent);
}

static void begin_anew(struct hang *h, const struct hang_sample *s) {
        h->known = true;
        h->last = *s;
        h->at = s->at;
        h->quiet_usec = h->not_counted_usec = 0;
}

static enum hang_verdict moves(struct hang *h, const struct hang_sample *s) {
        bool told = h->told;

        begin_anew(h, s);
        h->told = false;
        return told ? HANG_GOES_ON : HANG_NO_NEWS;
}

static bool counts(const struct hang *h, const struct hang_sample *s, bool alone) {
        if (s->agent == HANG_AGENT_NOT_ASKED || (!h->spoke && !alone))
                return false;
        return usec_sub(s->at, s->planned) <= HANG_LATE_MAX &&
               usec_sub(h->last.ended, h->last.at) <= HANG_WAIT_MAX;
}

enum hang_verdict hang_take(struct hang *h, const struct hang_sample *s, usec_t after, bool alone) {
        usec_t took = usec_sub(s->at, h->at), part = 0;

        if (!s->answered) {
                h->not_counted_usec = usec_add(h->not_counted_usec, h->known ? took : 0);
                h->at = s->at;
                return HANG_NO_NEWS;
        }
        h->spoke |= s->agent == HANG_AGENT_ANSWERS;
        if (!h->known || s->done < h->last.done || s->sent < h->last.sent) {
                begin_anew(h, s);
                return HANG_NO_NEWS;
        }
        if (!s->running || hang_moved(h, s) || s->agent == HANG_AGENT_ANSWERS)
                return moves(h, s);
        /* Of a time in which a sample is missing nothing is known. */
        if (h->at == h->last.at && counts(h, s, alone))
                part = took / 100 * (100 - hang_starved_pct(&h->last, s));
        h->quiet_usec = usec_add(h->quiet_usec, part);
        h->not_counted_usec = usec_add(h->not_counted_usec, took - part);
        h->cpu_pct = (uint32_t)MIN(grown(h->last.cpu_nsec, s->cpu_nsec) / MAX(took * 10, 1), 99999);
        h->last = *s;
        h->at = s->at;
        if (h->told || h->quiet_usec < MAX(after, HANG_AFTER_MIN))
                return HANG_NO_NEWS;
        h->told = true;
        return HANG_HANGS;
}

void hang_text(const struct hang *h, char *text) {
        char quiet[64], more[64], lost[96] = "";

        /* Whole seconds: the rest is chance. */
        format_duration(h->quiet_usec / USEC_PER_SEC * USEC_PER_SEC, quiet, sizeof(quiet));
        if (h->not_counted_usec >= USEC_PER_SEC) {
                format_duration(h->not_counted_usec / USEC_PER_SEC * USEC_PER_SEC, more,
                                sizeof(more));
                text_fmt(lost, sizeof(lost), "; %s not counted", more);
        }
        text_fmt(text, TEXT_LEN, "%sno disk I/O, nothing sent for %s; CPUs %s (%" PRIu32 "%%)%s",
                 h->spoke ? "agent silent, " : "", quiet, h->cpu_pct >= 50 ? "spin" : "idle",
                 h->cpu_pct, lost);
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345" */
static uint64_t pressure_total(const char *text, const char *line) {
        const char *s = text, *total;

        while (strncmp(s, line, strlen(line)) != 0) {
                s = strchr(s, '\n');
                if (!s)
                        return 0;
                s++;
        }
        total = strstr(s, " total=");
        if (!total || total > s + strcspn(s, "\n"))
                return 0;
        return strtoull(total + strlen(" total="), NULL, 10);
}

void hang_host_parse(const char *memory, const char *cpu, const char *stat, struct hang_host *ret) {
        unsigned long long ticks[8];

        *ret = (struct hang_host){.memory_usec = pressure_total(memory, "full "),
                                  .cpu_usec = pressure_total(cpu, "some ")};
        /* user nice system idle iowait irq softirq steal; what guests took is in user */
        if (sscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1],
                   &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != 8)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(ticks); i++)
                ret->all += ticks[i];
        ret->steal = ticks[7];
}
