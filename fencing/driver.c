/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/driver.h"

/* A driver's word is checked: an unknown code or a failure without a reason is "protocol". */
static int checked(const struct fence_driver *driver, int r, struct fence_error *err) {
        if (r == 0) {
                err->code = FENCE_OK;
                err->message[0] = '\0';
                return 0;
        }
        if (r < 0)
                return fence_fail(err, FENCE_PROTOCOL, "%s driver: %s", driver->name, strerror(-r));
        if (r >= FENCE_CODE_MAX || err->code != (enum fence_code)r || err->message[0] == '\0')
                return fence_fail(err, FENCE_PROTOCOL, "%s driver failed without a reason (%d)",
                                  driver->name, r);
        return r;
}

int fence_open(const struct fence_driver *driver, const struct fence_target *t,
               struct fence_handle *ret, struct fence_error *err) {
        void *self = NULL;
        int r;

        assert(driver->open && driver->read && driver->send && driver->identify && driver->close);
        assert(t->device);
        *err = (struct fence_error){0};
        r = checked(driver, driver->open(t, &self, err), err);
        if (r == 0)
                *ret = (struct fence_handle){.driver = driver, .self = self};
        return r;
}

void fence_close(struct fence_handle *h) {
        if (h->driver)
                h->driver->close(h->self);
        *h = (struct fence_handle){0};
}

int fence_read(struct fence_handle *h, usec_t until, enum fence_power *ret,
               struct fence_error *err) {
        enum fence_power power = FENCE_POWER_UNKNOWN;
        int r;

        assert(h->driver);
        *err = (struct fence_error){0};
        r = checked(h->driver, h->driver->read(h->self, until, &power, err), err);
        if (r != 0)
                return r;
        if (power != FENCE_POWER_ON && power != FENCE_POWER_OFF)
                return fence_fail(err, FENCE_PROTOCOL, "%s driver read neither on nor off",
                                  h->driver->name);
        *ret = power;
        return 0;
}

int fence_send(struct fence_handle *h, usec_t until, enum fence_order order,
               struct fence_error *err) {
        assert(h->driver);
        assert(order == FENCE_ORDER_OFF || order == FENCE_ORDER_ON);
        *err = (struct fence_error){0};
        return checked(h->driver, h->driver->send(h->self, until, order, err), err);
}

void fence_identify(struct fence_handle *h, usec_t until, bool ask, struct fence_identity *ret) {
        assert(h->driver);
        *ret = (struct fence_identity){0};
        h->driver->identify(h->self, until, ask, ret);
}
