/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seeds DIR: what DIR/wire, DIR/core, DIR/store and DIR/frag begin with, made by the codec itself
 * from random objects and from a small cluster. To be run again when the formats have grown; what
 * is there is kept.
 */
#include <stdio.h>

#include "tests/unit/test_wire_random.h"

/** struct bytes - a seed that is being put together */
struct bytes {
        uint8_t data[65536];
        size_t len;
};

static const char *top;

static void put(struct bytes *b, unsigned byte) {
        b->data[b->len++] = (uint8_t)byte;
}

static void put_raw(struct bytes *b, const void *data, size_t len) {
        memcpy(b->data + b->len, data, len);
        b->len += len;
}

static void put_part(struct bytes *b, const void *data, size_t len) {
        put(b, (unsigned)(len >> 8));
        put(b, (unsigned)(len & 0xff));
        put_raw(b, data, len);
}

static void save(const char *folder, const char *name, const struct bytes *b) {
        char path[4096];
        FILE *f;

        text_fmt(path, sizeof(path), "%s/%s/%s", top, folder, name);
        f = fopen(path, "we");
        if (!f || fwrite(b->data, 1, b->len, f) != b->len || fclose(f) != 0) {
                perror(path);
                exit(1);
        }
}

/* ---- a small cluster ------------------------------------------------------------------------- */

static struct guest_spec *spec(const char *name) {
        struct guest_spec *s = guest_spec_new();

        text_set(s->name, sizeof(s->name), name);
        text_fmt(s->uuid, sizeof(s->uuid), "00000000-0000-4000-8000-0000000000%02x", name[0]);
        s->vcpus = 2;
        s->memory_mib = 1024;
        s->conf = (struct conf_guest){.priority = 100,
                                      .start_timeout_usec = 90 * USEC_PER_SEC,
                                      .stop_timeout_usec = 60 * USEC_PER_SEC,
                                      .boot_usec = 20 * USEC_PER_SEC,
                                      .restart_limit = 3,
                                      .relocate_limit = 2,
                                      .healthy_after_usec = 10 * USEC_PER_MINUTE,
                                      .recovery = {RUNG_RESTART, RUNG_RELOCATE},
                                      .restart_window_usec = 10 * USEC_PER_MINUTE};
        s->xml = blob_new("<domain/>", 9);
        return s;
}

static void guest(struct model *m, const char *name, size_t host) {
        struct guest_spec *s = spec(name);
        struct guest *g = model_guest_add(m, s);

        guest_spec_unref(s);
        g->desired = DESIRED_RUNNING;
        g->state = GUEST_RUNNING;
        g->health = HEALTH_HEALTHY;
        g->gen = 1;
        g->host = m->hosts[host].nodeid;
        g->claims = 1u << host;
        g->claim[host] = (struct claim){.version = 5, .gen = 1};
}

/* Three hosts and three guests; one host in @third, which may have guests and a fence job. */
static void cluster(struct model *m, enum host_state third) {
        model_init(m);
        m->version = 20;
        m->n_hosts = 3;
        for (size_t i = 0; i < 3; i++) {
                struct host *h = &m->hosts[i];

                h->nodeid = (uint32_t)i + 1;
                text_fmt(h->name, sizeof(h->name), "node%zu", i + 1);
                h->state = i == 2 ? third : HOST_ONLINE;
                h->facts = (struct host_facts){.vcpus = 8, .memory_mib = 16384};
                h->incarnation = 7;
                m->devices[i] = (struct device){.host = h->nodeid, .seen_on = true};
                text_fmt(m->devices[i].name, NAME_LEN, "bmc%zu", i + 1);
        }
        m->n_devices = 3;
        guest(m, "a", 0);
        guest(m, "b", 1);
        guest(m, "c", 2);
        text_set(model_rule_add(m, "apart")->name, NAME_LEN, "apart");
        m->rules[0].guests = blob_new("a b", 3);
        if (third == HOST_LOST || third == HOST_FENCING) {
                m->hosts[2].losses = 1;
                m->hosts[2].loss_version = 18;
                m->hosts[2].incident = model_incident_add(m)->id;
                m->guests[2].state = GUEST_FAILED;
        }
        if (third == HOST_FENCING) {
                m->n_fence_jobs = 1;
                m->fence_jobs[0] = (struct fence_job){.id = 19 * 4096,
                                                      .host = 3,
                                                      .loss = 1,
                                                      .executor = 1,
                                                      .level = 1,
                                                      .n_devices = 1,
                                                      .budget_usec = 20 * USEC_PER_SEC};
                text_set(m->fence_jobs[0].devices[0], NAME_LEN, "bmc3");
        }
}

static void put_model(struct bytes *b, const struct model *m) {
        uint8_t *bytes;
        size_t len;

        if (wire_model_encode(m, &bytes, &len) < 0)
                exit(1);
        put_part(b, bytes, len);
        free(bytes);
}

static void put_entry(struct bytes *b, const struct op *op) {
        struct entry *e = entry_new();
        uint8_t *bytes;
        size_t len;

        *entry_add(e, op->kind) = *op;
        if (wire_entry_encode(e, &bytes, &len) < 0)
                exit(1);
        put_part(b, bytes, len);
        free(bytes);
        entry_unref(e);
}

/* One op of each kind, about what is there, with values that mean something. */
static struct op sensible(enum op_kind kind) {
        struct op op = {.kind = kind, .wall = 1700000000 * USEC_PER_SEC};

        op.host = kind == OP_HOST_ADD ? 4 : 3;
        op.gid = 3;
        op.gen = 1;
        op.incarnation = 7;
        op.executor = 1;
        op.loss = 1;
        op.level = 1;
        op.job = 19 * 4096;
        op.job_kind = JOB_STOP;
        op.seen = SEEN_RUNNING;
        op.end_why = END_FAILED;
        op.reading = READING_ON;
        op.guest_state = GUEST_BLOCKED;
        op.budget_usec = 20 * USEC_PER_SEC;
        text_set(op.name, sizeof(op.name), kind == OP_DEVICE_SEEN ? "bmc3" : "apart");
        text_set(op.text, sizeof(op.text), "why");
        text_set(op.devices[0], NAME_LEN, "bmc3");
        op.n_devices = 1;
        if (kind == OP_GUEST_ADD || kind == OP_GUEST_SET)
                op.spec = spec(kind == OP_GUEST_ADD ? "d" : "c");
        if (kind == OP_HOST_REPORT) {
                op.seen_list = xcalloc(1, sizeof(*op.seen_list));
                op.seen_list[0] = (struct seen){3, SEEN_RUNNING};
                op.n_seen = 1;
        }
        if (kind == OP_RULE_SET)
                op.list = blob_new("a c", 3);
        return op;
}

static void core_seeds(void) {
        static const enum host_state states[] = {HOST_ONLINE, HOST_JOINING, HOST_LOST, HOST_FENCING,
                                                 HOST_OFF};
        struct bytes *b = xcalloc(1, sizeof(*b));
        struct model m;
        char name[64];

        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                cluster(&m, states[i]);
                b->len = 0;
                put_model(b, &m);
                put_raw(b, "\0\5\4\3\0\20\4\7\0\20\6\0", 12); /* time, node3 goes, comes back */
                text_fmt(name, sizeof(name), "cluster-%s", host_state_name(states[i]));
                save("core", name, b);
                b->len = 0;
                put_raw(b, "\1\1\1", 3); /* a snapshot, epoch, promised */
                put_model(b, &m);
                put_raw(b, "\0\5\4\3\0\20", 6);
                save("store", name, b);
                model_clear(&m);
        }
        for (enum op_kind k = OP_NONE + 1; k < OP_KIND_MAX_; k++) {
                struct op op = sensible(k);

                cluster(&m, HOST_FENCING);
                b->len = 0;
                put_model(b, &m);
                put_raw(b, "\2\0", 2);
                put_entry(b, &op); /* has taken what op owned */
                text_fmt(name, sizeof(name), "op-%s", op_kind_name(k));
                save("core", name, b);
                model_clear(&m);
        }
        b->len = 0;
        put_raw(b, "\0\0\4\3\0\20\5\15", 8); /* nothing stored */
        save("core", "first-start", b);
        free(b);
}

static void store_seeds(void) {
        struct bytes *b = xcalloc(1, sizeof(*b));
        struct op op = sensible(OP_GUEST_DESIRE);
        struct model m;

        cluster(&m, HOST_LOST);
        put_raw(b, "\41\3\4", 3); /* a snapshot, two entries */
        put_model(b, &m);
        put_entry(b, &op);
        op = sensible(OP_FENCE_CONFIRM);
        put_entry(b, &op);
        put_raw(b, "\0\5", 2);
        save("store", "entries", b);
        memmove(b->data + 1, b->data, b->len++);
        b->data[0] = 0xf8; /* through a file */
        save("store", "file", b);
        model_clear(&m);
        free(b);
}

/* ---- the codec ------------------------------------------------------------------------------- */

static void wire_seeds(void) {
        struct bytes *b = xcalloc(1, sizeof(*b));
        char name[64];

        for (unsigned i = 0; i < 36; i++) {
                enum msg_kind kind = 1 + i % (MSG_KIND_MAX_ - 1);
                uint8_t *bytes = NULL;
                size_t len = 0;
                int r;

                seed = i + 1;
                b->len = 0;
                put(b, i < 18 ? 0 : i % 2 + 1);
                if (i < 18) {
                        struct msg *m = rnd_msg(kind);

                        r = wire_msg_encode(m, &bytes, &len);
                        msg_unref(m);
                        text_fmt(name, sizeof(name), "msg-%u-%u", kind, i);
                } else if (i % 2 == 0) {
                        struct entry *e = rnd_entry();

                        r = wire_entry_encode(e, &bytes, &len);
                        entry_unref(e);
                        text_fmt(name, sizeof(name), "entry-%u", i);
                } else {
                        struct model m;

                        model_init(&m);
                        rnd_model(&m);
                        r = wire_model_encode(&m, &bytes, &len);
                        model_clear(&m);
                        text_fmt(name, sizeof(name), "model-%u", i);
                }
                if (r == 0 && len < 6000) {
                        put_raw(b, bytes, len);
                        save("wire", name, b);
                }
                free(bytes);
        }
        free(b);
}

static void frag_seeds(void) {
        static const char *const texts[] = {"short", "a message that is cut in several pieces, "
                                                     "as it is longer than one of them takes; "
                                                     "this is the end of it, and of the test"};
        struct bytes b = {.len = 0};

        for (size_t i = 0; i < 4; i++) {
                b.len = 0;
                put(&b, (unsigned)i % 3);
                put(&b, 0);
                put_part(&b, texts[i % 2], strlen(texts[i % 2]));
                put_raw(&b, "\0\0\0\0\0\0", i < 2 ? 6 : 0);
                put_raw(&b, "\377\0\360\1", i < 2 ? 0 : 4);
                put(&b, 1);
                put(&b, 32);
                put_part(&b, texts[1], strlen(texts[1]));
                save("frag",
                     i == 0   ? "whole"
                     : i == 1 ? "pieces"
                     : i == 2 ? "left-out"
                              : "touched",
                     &b);
        }
}

int main(int argc, char **argv) {
        if (argc != 2)
                return 2;
        top = argv[1];
        core_seeds();
        store_seeds();
        wire_seeds();
        frag_seeds();
        return 0;
}
