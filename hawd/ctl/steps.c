/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/steps.h"

#include "hawd/ctl/order.h"

static const struct {
        const char *doing, *done;
        bool ends;
} words[STEP_KINDS] = {
        [STEP_RULE_SET] = {"set", "set", false},
        [STEP_GUEST_SET] = {"change", "changed", false},
        [STEP_GUEST_STOP] = {"stop", "wanted stopped", true},
        [STEP_GUEST_IGNORE] = {"ignore", "ignored", false},
        [STEP_GUEST_DELETE] = {"delete", "to be deleted", true},
        [STEP_WAIT_ENDED] = {"wait", "", false},
        [STEP_GUEST_CREATE] = {"create", "created", false},
        [STEP_GUEST_START] = {"start", "wanted running", false},
        [STEP_WAIT_RUNNING] = {"wait", "", false},
        [STEP_GUEST_PAUSE] = {"pause", "wanted paused", false},
        [STEP_RULE_DELETE] = {"delete", "deleted", true},
};

const char *step_doing(enum step_kind kind) {
        return words[kind].doing;
}

const char *step_done(enum step_kind kind) {
        return words[kind].done;
}

bool step_ends(enum step_kind kind) {
        return words[kind].ends;
}

/* Is it wanted otherwise now, and so? */
static bool becomes(const struct change *c, const char *desired) {
        return c->kind == CHANGE_SET && change_has(c, "desired") &&
               strcmp(object_get(c->want, "desired"), desired) == 0;
}

static bool guest_needs(const struct change *c, enum step_kind kind) {
        uint64_t desired = UINT64_C(1) << object_key(OBJECT_GUEST, "desired");

        switch (kind) {
        case STEP_GUEST_SET:
                return c->kind == CHANGE_SET && (c->keys & ~desired) != 0;
        case STEP_GUEST_STOP:
                return becomes(c, "stopped");
        case STEP_GUEST_IGNORE:
                return becomes(c, "ignored");
        case STEP_GUEST_DELETE:
                return c->kind == CHANGE_REMOVE;
        case STEP_GUEST_CREATE:
                return c->kind == CHANGE_ADD;
        case STEP_GUEST_START: /* only what runs can be paused */
                return becomes(c, "running") ||
                       (becomes(c, "paused") &&
                        strcmp(object_get(c->now, "desired"), "running") != 0);
        case STEP_GUEST_PAUSE:
                return becomes(c, "paused");
        default:
                return false;
        }
}

static bool needs(const struct change *c, enum step_kind kind) {
        if (change_object(c)->kind == OBJECT_GUEST)
                return guest_needs(c, kind);
        return kind == (c->kind == CHANGE_REMOVE ? STEP_RULE_DELETE : STEP_RULE_SET);
}

static size_t count(const struct changes *changes, enum step_kind kind) {
        size_t n = 0;

        for (size_t i = 0; i < changes->n; i++)
                n += needs(&changes->list[i], kind);
        return n;
}

static bool wait_is_needed(const struct changes *changes, enum step_kind kind, bool ending) {
        if (kind == STEP_WAIT_RUNNING)
                return count(changes, STEP_GUEST_PAUSE) > 0;
        return (ending ||
                count(changes, STEP_GUEST_STOP) + count(changes, STEP_GUEST_DELETE) > 0) &&
               count(changes, STEP_GUEST_CREATE) + count(changes, STEP_GUEST_START) > 0;
}

static size_t add_all(const struct changes *changes, enum step_kind kind, struct step *to) {
        size_t n = 0;

        for (size_t i = 0; i < changes->n; i++)
                if (needs(&changes->list[i], kind))
                        to[n++] = (struct step){kind, &changes->list[i]};
        return n;
}

/* Those first for which others wait; among them by name, as they come. */
static size_t add_created(const struct changes *changes, struct step *to) {
        size_t n = add_all(changes, STEP_GUEST_CREATE, to), done = 0;
        struct order_node *nodes = xcalloc(n, sizeof(*nodes));
        struct step *sorted = xcalloc(n, sizeof(*sorted));

        for (size_t i = 0; i < n; i++)
                nodes[i] = (struct order_node){.name = to[i].change->want->name,
                                               .after = object_get(to[i].change->want, "after")};
        order_nodes(nodes, n);
        for (size_t rank = 0; done < n; rank++)
                for (size_t i = 0; i < n; i++)
                        if (MIN(nodes[i].rank, n) == rank)
                                sorted[done++] = to[i];
        if (n > 0)
                memcpy(to, sorted, n * sizeof(*to));
        free(sorted);
        free(nodes);
        return n;
}

void steps_of(const struct changes *changes, bool ending, struct steps *ret) {
        /* The most a change needs is three: set, start, pause. */
        *ret = (struct steps){.list = xcalloc(3 * changes->n + 2, sizeof(*ret->list))};
        for (enum step_kind kind = 0; kind < STEP_KINDS; kind++) {
                struct step *to = ret->list + ret->n;

                if (kind == STEP_WAIT_ENDED || kind == STEP_WAIT_RUNNING) {
                        if (wait_is_needed(changes, kind, ending))
                                ret->list[ret->n++] = (struct step){kind, NULL};
                } else if (kind == STEP_GUEST_CREATE) {
                        ret->n += add_created(changes, to);
                } else {
                        ret->n += add_all(changes, kind, to);
                }
        }
}

void steps_clear(struct steps *s) {
        free(s->list);
        *s = (struct steps){0};
}
