/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Findings for people and for scripts. */
#pragma once

#include "hawd/ctl/doctor/finding.h"

/** doctor_print() - the worst first, the same of several hosts together; @all: what is fine, too */
void doctor_print(const struct ctl *ctl, const struct findings *f, bool all);

/** doctor_json() - {findings, bad, warnings, notes, ok, hosts}; new. @hosts: of the exam */
json_t *doctor_json(const struct findings *f, const json_t *hosts);

size_t findings_count(const struct findings *f, enum severity s);
