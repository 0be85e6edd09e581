/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The model as a placement problem. Pure. Borrows the model for its life.
 */
#pragma once

#include "hawd/core/model.h"
#include "policy/placement.h"

struct plan {
        struct place_problem problem;
        struct place_host hosts[HOSTS_MAX];
        struct place_rule *rules;
        char why[HOSTS_MAX][64];
        uint32_t starting[HOSTS_MAX]; /* starts under way, those of this plan included */
        uint32_t starting_all;
};

void plan_init(struct plan *p, const struct model *m, const struct config *config);
void plan_free(struct plan *p);
/** plan_ails() - @host suffers from @ills, besides what the model says of it. */
void plan_ails(struct plan *p, uint32_t host, uint32_t ills);
/** plan_place_on() - may guest @g start on @host of all? Return: as place_guest(). */
int plan_place_on(struct plan *p, uint32_t g, uint32_t host, struct place_result *ret);
/** plan_slot() - take a start slot on @host. Return: false when there is none now. */
bool plan_slot(struct plan *p, uint32_t host, const struct config *config);
