/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Talking to libvirt from a part: it may hang here, and is killed then. */
#pragma once

#include <libvirt/libvirt.h>

#include "hawd/facts/facts.h"

/** facts_connect() - read-only is not enough for CPU comparison and some storage; NULL: see
 * virt_why() */
virConnectPtr facts_connect(const char *uri);

/** virt_why() - the last error of libvirt, on one line; static */
const char *virt_why(void);
