/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reading of a fence test as JSON, with what keeps it from being a proof, and the mend (S2). */
#include "hawd/control/render.h"

static const struct device *find_device(const struct model *m, const char *name) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (strcmp(m->devices[i].name, name) == 0)
                        return &m->devices[i];
        return NULL;
}

struct verdict {
        char why[2 * TEXT_LEN], mend[2 * TEXT_LEN];
};

/* In the order in which they must be mended; nothing said: it is a proof. */
static void judge(const struct model *m, const struct device_reading *r, const struct device *d,
                  const char *host, bool known, bool in_ring, struct verdict *v) {
        if (!known) {
                text_fmt(v->why, sizeof(v->why), "the cluster has no host '%s'", host);
                text_fmt(v->mend, sizeof(v->mend),
                         "correct host = in [fence %s] of hawd.conf, and reload", r->device);
        } else if (r->reading == READING_NONE) {
                text_set(v->why, sizeof(v->why), r->text[0] ? r->text : "it gives no reading");
                text_fmt(v->mend, sizeof(v->mend),
                         "mend that; see hawd-fence(8) to try %s by hand on that host", r->device);
        } else if (r->reading == READING_OFF && in_ring) {
                text_fmt(v->why, sizeof(v->why), "it reads off while %s is in the ring", host);
                text_fmt(v->mend, sizeof(v->mend),
                         "it switches something else: correct its address or plug in "
                         "[fence %s], on all hosts",
                         r->device);
        } else if (d && device_of_other(m, d)) {
                text_fmt(v->why, sizeof(v->why), "it switches %s, by its System GUID",
                         device_of_other(m, d)->name);
                text_fmt(v->mend, sizeof(v->mend),
                         "correct address and host of [fence %s], on all hosts", r->device);
        } else if (d && d->distrusted) {
                text_fmt(v->why, sizeof(v->why), "it read off while %s was in the ring", host);
                text_set(v->mend, sizeof(v->mend),
                         "correct its address or plug; it is trusted again once the regular look "
                         "(fence-check) reads on");
        } else if (!d || !d->seen_on) {
                text_fmt(v->why, sizeof(v->why),
                         "it was never seen to read on while %s was in the ring", host);
                text_set(v->mend, sizeof(v->mend),
                         in_ring ? "wait for the regular look (fence-check)"
                                 : "bring the host into the ring, and wait for the regular look "
                                   "(fence-check)");
        }
}

json_t *render_reading(const struct model *m, const struct device_reading *r,
                       const struct config *config, uint32_t ring) {
        const struct conf_device *conf = config_device(config, r->device);
        const struct device *d = find_device(m, r->device);
        const char *host = conf ? conf->host : d ? model_host_name(m, d->host) : "";
        const struct host *h = find_host(m, host);
        bool in_ring = h && ring >> model_host_index(m, h->nodeid) & 1;
        struct verdict v = {{0}, {0}};
        json_t *o = json_object();

        if (d && h && d->host != h->nodeid)
                d = NULL; /* given to another host: what was seen counts no more */
        judge(m, r, d, host, h, in_ring, &v);
        json_object_set_new(o, "device", render_text(r->device));
        json_object_set_new(o, "host", render_text(host));
        json_object_set_new(o, "level", conf ? json_integer(conf->level) : json_null());
        json_object_set_new(o, "driver",
                            render_text(!conf                               ? NULL
                                        : conf->driver == FENCE_DRIVER_IPMI ? "ipmi"
                                                                            : conf->agent));
        json_object_set_new(o, "address", render_text(conf ? conf->address : NULL));
        json_object_set_new(o, "by", render_host_name(m, r->by));
        json_object_set_new(o, "power",
                            render_text(r->reading == READING_ON    ? "on"
                                        : r->reading == READING_OFF ? "off"
                                                                    : NULL));
        json_object_set_new(o, "in_ring", json_boolean(in_ring));
        json_object_set_new(o, "took_ms", json_integer((json_int_t)(r->took_usec / USEC_PER_MSEC)));
        json_object_set_new(o, "error", render_text(r->text));
        json_object_set_new(o, "seen_on", json_boolean(d && d->seen_on));
        json_object_set_new(o, "distrusted",
                            json_boolean(d && (d->distrusted || device_of_other(m, d))));
        json_object_set_new(o, "proof", json_boolean(!v.why[0]));
        json_object_set_new(o, "why", render_text(v.why));
        json_object_set_new(o, "mend", render_text(v.mend));
        return o;
}
