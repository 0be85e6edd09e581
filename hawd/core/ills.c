/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This host's health: each sample is judged (health.h), and what the ledger should say of it is
 * said in the ring until the ledger does. Pure.
 */
#include "hawd/core/priv.h"

static void judge(struct core *c, const struct host *self, enum ill i, bool bad, const char *text) {
        uint32_t bit = ILL_BIT(i);
        bool degraded = (self->ills & bit) != 0;

        c->ills_now = (c->ills_now & ~bit) | (bad ? bit : 0);
        c->ills_due &= ~bit;
        if (health_judge(&c->ill_watch[i], degraded, bad, c->now, HEALTH_GAP_USEC, c->config) !=
            degraded)
                c->ills_due |= bit;
        if (bad)
                text_set(c->ill_text[i], ILL_TEXT, text);
}

void ills_sample(struct core *c, const struct health_sample *s) {
        const struct host *self = core_self(c);
        char text[ILL_TEXT];
        bool memory;

        if (!self)
                return;
        judge(c, self, ILL_LIBVIRT, c->libvirt_known && !c->libvirt_up, "it does not answer");
        judge(c, self, ILL_STORAGE, s->storage == MEASURED_BAD, s->storage_text);
        judge(c, self, ILL_UPLINK, s->uplink == MEASURED_BAD, s->uplink_text);
        memory = health_memory(s->memory_full, c->config->memory_pressure_pct,
                               self->ills & ILL_BIT(ILL_MEMORY));
        text_fmt(text, sizeof(text), "all tasks wait for it %u %% of the time",
                 s->memory_full / 100);
        judge(c, self, ILL_MEMORY, memory, text);
}

/* The ledger may have changed since the sample: then there is nothing left to say. */
static bool still_due(const struct core *c, const struct host *self, size_t i) {
        bool degraded = self->ills >> i & 1;

        return (c->ills_due >> i & 1) && c->ill_watch[i].bad != degraded;
}

void ills_tick(struct core *c) {
        const struct host *self = core_self(c);
        bool any = false;

        if (!self || !core_operational(c) || c->stopping || self->incarnation != c->incarnation ||
            !host_present(self))
                return;
        for (size_t i = 0; i < ILL_MAX_; i++)
                any |= still_due(c, self, i);
        if (!any || (c->ills_told && c->now < usec_add(c->ills_told, RESEND_USEC)))
                return; /* the next sample comes by itself */
        c->ills_told = MAX(c->now, 1);
        for (size_t i = 0; i < ILL_MAX_; i++) {
                struct entry *e;
                struct op *op;

                if (!still_due(c, self, i))
                        continue;
                e = observation(c, OP_HOST_HEALTH, &op);
                op->incarnation = c->incarnation;
                op->ill = (enum ill)i;
                op->flag = c->ill_watch[i].bad;
                text_set(op->text, sizeof(op->text), op->flag ? c->ill_text[i] : "");
                log_propose(c, e);
        }
}
