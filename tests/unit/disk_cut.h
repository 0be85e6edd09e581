/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a power cut leaves of a folder: plays back what disk_shim.h recorded, up to any point.
 *
 * What was synced is there. What was written since its file's last sync is there or not, each write
 * for itself, or in part; names changed since the folder's last sync are as they were up to some
 * point. What the kernel forgot at a sync that failed stays uncertain for ever.
 */
#pragma once

#include "tests/unit/disk_shim.h"

#include "hawd/base/base.h"

enum cut_mode {
        CUT_KILL, /* only the process dies: all is there */
        CUT_NONE, /* nothing that was not synced */
        CUT_SOME, /* by chance */
};

#define CUT_FILES 64

struct cut_file {
        uint8_t *data; /* as of its last sync */
        size_t len, cap;
        size_t pending[SHIM_OPS / 8]; /* ops since */
        bool sure[SHIM_OPS / 8];      /* synced, but one before them is not */
        size_t n_pending;
        size_t n_forgot; /* of them, uncertain for ever */
};

struct cut_names {
        size_t n;
        struct {
                char name[48];
                uint32_t id;
        } list[64];
};

/** struct cut - the state of the disk before op @at */
struct cut {
        size_t at;
        struct cut_file *files; /* by id */
        struct cut_names names; /* as of the folder's last sync */
        size_t pending[256];    /* ops on names since */
        size_t n_pending;
};

static inline struct cut *cut_new(void) {
        struct cut *c = xcalloc(1, sizeof(*c));

        c->files = xcalloc(CUT_FILES, sizeof(*c->files));
        return c;
}

static inline void cut_free(struct cut *c) {
        for (size_t i = 0; i < CUT_FILES; i++)
                free(c->files[i].data);
        free(c->files);
        free(c);
}

static inline void cut_put(struct cut_file *f, const struct shim_op *op, size_t len) {
        size_t end = op->kind == SHIM_TRUNCATE ? op->at : op->at + len;

        if (end > f->cap) {
                size_t cap = end * 2;

                f->data = xreallocarray(f->data, cap, 1);
                memset(f->data + f->cap, 0, cap - f->cap);
                f->cap = cap;
        }
        if (op->kind == SHIM_TRUNCATE) {
                if (op->at < f->len)
                        memset(f->data + op->at, 0, f->len - op->at);
                f->len = op->at;
                return;
        }
        memcpy(f->data + op->at, shim->data + op->data, len);
        f->len = MAX(f->len, end);
}

static inline void cut_rename(struct cut_names *names, const struct shim_op *op) {
        size_t from = SIZE_MAX;

        for (size_t i = 0; i < names->n;) {
                bool gone = op->kind == SHIM_UNLINK
                                    ? strcmp(names->list[i].name, op->name) == 0
                                    : op->kind == SHIM_RENAME &&
                                              strcmp(names->list[i].name, op->to) == 0;

                if (gone)
                        names->list[i] = names->list[--names->n];
                else
                        i++;
        }
        for (size_t i = 0; i < names->n; i++)
                if (op->kind == SHIM_RENAME && strcmp(names->list[i].name, op->name) == 0)
                        from = i;
        if (op->kind == SHIM_CREATE) {
                snprintf(names->list[names->n].name, 48, "%s", op->name);
                names->list[names->n++].id = op->id;
        } else if (op->kind == SHIM_RENAME && from != SIZE_MAX) {
                snprintf(names->list[from].name, 48, "%s", op->to);
        }
}

/** cut_advance() - op c->at has happened */
static inline void cut_advance(struct cut *c) {
        const struct shim_op *op = &shim->ops[c->at];
        struct cut_file *f = &c->files[op->id < CUT_FILES ? op->id : 0];

        switch (op->kind) {
        case SHIM_CREATE:
        case SHIM_RENAME:
        case SHIM_UNLINK:
                c->pending[c->n_pending++] = c->at;
                break;
        case SHIM_DIRSYNC:
                for (size_t i = 0; i < c->n_pending; i++)
                        cut_rename(&c->names, &shim->ops[c->pending[i]]);
                c->n_pending = 0;
                break;
        case SHIM_WRITE:
        case SHIM_TRUNCATE:
                f->sure[f->n_pending] = false;
                f->pending[f->n_pending++] = c->at;
                break;
        case SHIM_SYNC_BAD:
                f->n_forgot = f->n_pending;
                break;
        case SHIM_SYNC:
                for (size_t i = f->n_forgot; i < f->n_pending; i++)
                        f->sure[i] = true;
                for (size_t i = 0; i < f->n_pending && f->n_forgot == 0; i++)
                        cut_put(f, &shim->ops[f->pending[i]], shim->ops[f->pending[i]].len);
                if (f->n_forgot == 0)
                        f->n_pending = 0;
                break;
        case SHIM_ACK:
                break;
        }
        c->at++;
}

/* What a cut now leaves of @f. */
static inline struct cut_file cut_look(const struct cut_file *f, enum cut_mode mode,
                                       uint64_t *seed) {
        struct cut_file out = {.len = f->len, .cap = f->cap};

        out.data = xcalloc(f->cap + 1, 1);
        if (f->cap > 0)
                memcpy(out.data, f->data, f->cap);
        for (size_t i = 0; i < f->n_pending; i++) {
                const struct shim_op *op = &shim->ops[f->pending[i]];
                uint64_t chance = *seed = hash64(*seed, &i, sizeof(i));

                if (mode == CUT_KILL || f->sure[i] || (mode == CUT_SOME && chance % 4 < 2))
                        cut_put(&out, op, op->len);
                else if (mode == CUT_SOME && chance % 4 == 2 && op->kind == SHIM_WRITE &&
                         op->len > 512)
                        cut_put(&out, op, 512 * (1 + chance / 4 % (op->len / 512)));
        }
        return out;
}

/** cut_make() - the folder @into as a cut before op c->at leaves it */
static inline void cut_make(const struct cut *c, enum cut_mode mode, uint64_t seed,
                            const char *into) {
        struct cut_names names = c->names;
        size_t n = mode == CUT_KILL ? c->n_pending : 0;

        if (mode == CUT_SOME)
                n = hash64(seed, &c->at, sizeof(c->at)) % (c->n_pending + 1);
        for (size_t i = 0; i < n; i++)
                cut_rename(&names, &shim->ops[c->pending[i]]);
        for (size_t i = 0; i < names.n; i++) {
                struct cut_file f = cut_look(&c->files[names.list[i].id], mode, &seed);
                char file[160];
                FILE *out;

                snprintf(file, sizeof(file), "%s/%s", into, names.list[i].name);
                out = fopen(file, "we");
                if (!out || fwrite(f.data, 1, f.len, out) != f.len || fclose(out) != 0)
                        abort();
                free(f.data);
        }
}
