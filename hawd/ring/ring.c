/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/ring/driver.h"
#include "hawd/wire/frag.h"

void ring_init(struct ring *r, const struct ring_driver *driver,
               const struct ring_callbacks *callbacks, void *userdata) {
        r->driver = driver;
        r->callbacks = callbacks;
        r->userdata = userdata;
}

void ring_down(struct ring *r, const char *fmt, ...) {
        char why[TEXT_LEN];
        va_list ap;

        if (r->phase == RING_DOWN || r->phase == RING_LEFT)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(why, sizeof(why), fmt, ap); /* cut is good enough */
        va_end(ap);
        r->driver->detach(r, false);
        r->phase = RING_DOWN;
        r->callbacks->down(r->userdata, why);
}

int ring_attach(struct ring *r, qb_loop_t *loop, char *err) {
        int rc;

        assert(r->phase == RING_OPEN);
        r->loop = loop;
        r->phase = RING_ATTACHED;
        rc = r->driver->attach(r, err);
        if (rc == 0 && r->phase == RING_ATTACHED)
                r->callbacks->nodelist(r->userdata, r->nodes, r->n_nodes);
        return rc;
}

int ring_send(struct ring *r, const uint8_t *bytes, size_t len) {
        if (r->phase == RING_DOWN || r->phase == RING_LEFT)
                return -ENOTCONN;
        if (len == 0)
                return -EINVAL;
        if (len > FRAG_TOTAL_MAX)
                return -EMSGSIZE;
        return r->driver->send(r, bytes, len);
}

void ring_rejoin(struct ring *r) {
        if (r->phase == RING_ATTACHED)
                r->driver->rejoin(r);
}

void ring_leave(struct ring *r) {
        if (r->phase == RING_ATTACHED)
                r->driver->detach(r, true);
        r->phase = RING_LEFT;
}

struct ring *ring_close(struct ring *r) {
        if (!r)
                return NULL;
        if (r->phase == RING_ATTACHED)
                r->driver->detach(r, false);
        r->driver->close(r);
        return NULL;
}

uint32_t ring_nodeid(const struct ring *r) {
        return r->self.nodeid;
}

const char *ring_address(const struct ring *r) {
        return r->address;
}

const struct conf_node *ring_nodes(const struct ring *r, size_t *ret_n) {
        *ret_n = r->n_nodes;
        return r->nodes;
}
