/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/byhand.h"

const struct guest *byhand_kept(const struct model *m, const char *uuid) {
        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];

                if (strcmp(g->spec->uuid, uuid) == 0)
                        return g->desired == DESIRED_IGNORED || g->deleting ? NULL : g;
        }
        return NULL;
}

static struct guest_spec *with_settings(const struct guest_spec *fresh,
                                        const struct guest_spec *old) {
        struct guest_spec *s = guest_spec_new();
        unsigned refs = s->refs;

        *s = *old;
        s->refs = refs;
        s->vcpus = fresh->vcpus;
        s->memory_mib = fresh->memory_mib;
        s->has_agent = fresh->has_agent;
        s->disks = fresh->disks;
        s->xml = blob_ref(fresh->xml);
        return s;
}

int byhand_redefined(const struct model *m, uint32_t nodeid, const struct guest_spec *spec,
                     struct request *ret, char *text) {
        const struct guest *g = byhand_kept(m, spec->uuid);
        int index = model_host_index(m, nodeid);

        text[0] = '\0';
        if (!g || index < 0)
                return 0;
        if (!(g->claims & (1u << index))) {
                if (g->claims || g->desired == DESIRED_STOPPED)
                        text_set(
                                text, TEXT_LEN,
                                "somebody defined it here, where it is not to run: it is undefined "
                                "again (hawctl apply changes its definition)");
                return 0;
        }
        if (strcmp(g->spec->name, spec->name) != 0) {
                text_fmt(text, TEXT_LEN,
                         "somebody gave its definition another name, %s, which is not taken over",
                         spec->name);
                return 0;
        }
        if (g->spec->xml && g->spec->xml->len == spec->xml->len &&
            memcmp(g->spec->xml->data, spec->xml->data, spec->xml->len) == 0)
                return 0;
        if (spec->disks != g->spec->disks && snaps_any(g->snaps)) {
                text_set(text, TEXT_LEN,
                         "somebody gave it other disks, and its snapshots are of those that it "
                         "has: not taken over (hawctl snapshot delete, then hawctl apply)");
                return 0;
        }
        *ret = (struct request){.verb = VERB_GUEST_SET, .spec = with_settings(spec, g->spec)};
        text_set(ret->guest, sizeof(ret->guest), g->spec->name);
        text_fmt(ret->who, sizeof(ret->who), "libvirt on %.40s", m->hosts[index].name);
        text_set(text, TEXT_LEN,
                 "somebody changed its definition: taken over, from its next start on");
        return 1;
}
