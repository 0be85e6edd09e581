/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a certificate ends and what its key is: as much of X.509 as doctor needs. Pure.
 * Checks no signature; whoever uses the certificate does.
 */
#pragma once

#include "hawd/base/base.h"

struct x509 {
        usec_t not_before, not_after; /* CLOCK_REALTIME; USEC_INFINITY: after the year 9999 */
        const char *key;              /* "RSA", "EC", "Ed25519", "another" */
};

/**
 * x509_read() - the first certificate in the PEM text @pem
 * @ret: written only on 0
 *
 * Return: 0, -ENOENT when there is none in it, -EBADMSG when it is broken.
 */
int x509_read(const char *pem, size_t len, struct x509 *ret);
