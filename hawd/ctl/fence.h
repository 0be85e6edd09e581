/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "hawd/ctl/ctl.h"

/** fence_test_run() - hawctl fence test. Return: an enum ctl_exit. */
int fence_test_run(struct ctl *ctl, const struct ctl_args *args);
