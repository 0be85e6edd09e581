/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host's hardware, as its BMC sees it: the sensors of temperature, fans, voltage, supplies and
 * memory, and the latest events of those kinds in its log (SEL). Reads only.
 */
#pragma once

#include "fencing/driver.h"

#include <freeipmi/freeipmi.h>

#define SENSORS_SEL_LAST 64U                        /* so many events are looked at */
#define SENSORS_SEL_AGE (24 * 60 * USEC_PER_MINUTE) /* not older than this */

/** struct sensors_said - of one look */
struct sensors_said {
        unsigned n;                   /* sensors that could be read */
        unsigned critical;            /* of them, and events */
        char text[FENCE_MESSAGE_LEN]; /* the first that is critical, with its reading */
};

/**
 * sensors_read() - by the open session @ctx
 * @sdr: file where the BMC's list of sensors is kept from one look to the next
 *
 * Return: 0, or -EIO with @err what libfreeipmi says.
 */
int sensors_read(ipmi_ctx_t ctx, const char *sdr, struct sensors_said *ret, char err[TEXT_LEN]);

/** fence_sensors_ipmi() - the same by an open ipmi driver. Return: as the driver's functions. */
int fence_sensors_ipmi(void *self, usec_t until, struct sensors_said *ret, struct fence_error *err);
