/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Those of tests/certs, which is called from the top of the tree as the tests are. */
#pragma once

#include "tests/unit/sh.h"

/* In @dir: certs; others, of an authority that nobody knows; mixed: a client's of that one which
 * trusts the first. */
static inline void certificates(const char *dir, const char *address) {
        sh("mkdir %s/certs %s/others %s/mixed", dir, dir, dir);
        sh("tests/certs %s/certs %s && tests/certs %s/others %s", dir, address, dir, address);
        sh("cp %s/certs/ca-cert.pem %s/others/client-* %s/mixed", dir, dir, dir);
}
