/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TLS certificates that libvirt and QEMU would use for a migration. */
#pragma once

#include "hawd/facts/facts.h"

/** certs_look() - those that are there: [{path, error, key, not_after_usec}], a time too late to
 * say is null */
json_t *certs_look(const char *root);
