/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where hawd's other programs are. Not for the pure parts: it looks at files. */
#pragma once

#include <limits.h>

#include "hawd/base/base.h"

/** program_find() - @installed where it can be run; else the one of that name beside this program,
 * which then runs from where it was built */
void program_find(char ret[PATH_MAX], const char *installed);
