/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * decode(encode(x)) = x for random x of every kind. Objects are compared as memory, so the
 * generator and the codec both start from zeroed ones.
 */
#include "hawd/wire/wire.h"
#include "tests/unit/test_wire_random.h"
#include "tests/unit/unit.h"

/* ---- equality -------------------------------------------------------------------------------- */

static void same_blob(const struct blob *a, const struct blob *b) {
        ck_assert_int_eq(!a, !b);
        if (!a)
                return;
        ck_assert_uint_eq(a->len, b->len);
        ck_assert_mem_eq(a->data, b->data, a->len + 1);
}

/* A copy of *a and *b without their pointers: then memory decides. */
#define SAME_WITHOUT(type, a, b, ...)                                                              \
        do {                                                                                       \
                type x_ = *(a), y_ = *(b);                                                         \
                type *const both_[] = {&x_, &y_};                                                  \
                for (size_t k_ = 0; k_ < 2; k_++) {                                                \
                        type *const o = both_[k_];                                                 \
                        __VA_ARGS__;                                                               \
                }                                                                                  \
                ck_assert_mem_eq(&x_, &y_, sizeof(x_));                                            \
        } while (0)

static void same_spec(const struct guest_spec *a, const struct guest_spec *b) {
        ck_assert_int_eq(!a, !b);
        if (!a)
                return;
        same_blob(a->xml, b->xml);
        SAME_WITHOUT(struct guest_spec, a, b, o->xml = NULL);
}

static void same_op(const struct op *a, const struct op *b) {
        same_spec(a->spec, b->spec);
        same_blob(a->list, b->list);
        same_blob(a->list2, b->list2);
        ck_assert_uint_eq(a->n_seen, b->n_seen);
        if (a->n_seen > 0)
                ck_assert_mem_eq(a->seen_list, b->seen_list, a->n_seen * sizeof(*a->seen_list));
        SAME_WITHOUT(struct op, a, b, o->spec = NULL, o->list = o->list2 = NULL,
                     o->seen_list = NULL);
}

static void same_entry(const struct entry *a, const struct entry *b) {
        ck_assert_uint_eq(a->n_ops, b->n_ops);
        for (size_t i = 0; i < a->n_ops; i++)
                same_op(&a->ops[i], &b->ops[i]);
        SAME_WITHOUT(struct entry, a, b, o->ops = NULL, o->cap_ops = 0, o->refs = 1);
}

static void same_snaps(const struct guest_snaps *a, const struct guest_snaps *b) {
        ck_assert_int_eq(!a, !b);
        for (size_t i = 0; a && i < a->n; i++) {
                const struct snapshot *x = &a->list[i], *y = &b->list[i];

                ck_assert(x->id == y->id && x->parent == y->parent && x->file == y->file &&
                          x->kind == y->kind && x->inside == y->inside &&
                          x->deleting == y->deleting && x->by_hand == y->by_hand &&
                          x->good == y->good && x->failed == y->failed && x->wall == y->wall &&
                          x->mib == y->mib);
                ck_assert_str_eq(x->name, y->name);
        }
        if (!a)
                return;
        ck_assert(a->n == b->n && a->next == b->next && a->unmade == b->unmade &&
                  a->deleted == b->deleted && a->taken_wall == b->taken_wall &&
                  a->pause_usec == b->pause_usec && a->trial == b->trial &&
                  a->incident == b->incident);
        ck_assert_str_eq(a->error, b->error);
        ck_assert_str_eq(a->left, b->left);
        ck_assert(a->wish.act == b->wish.act && a->wish.id == b->wish.id &&
                  a->wish.target == b->wish.target && a->wish.by_hand == b->wish.by_hand &&
                  a->wish.good == b->wish.good && a->wish.no_quiesce == b->wish.no_quiesce &&
                  a->wish.wall == b->wish.wall);
        ck_assert_str_eq(a->wish.name, b->wish.name);
}

static void same_model(const struct model *a, const struct model *b) {
        ck_assert_uint_eq(a->n_guests, b->n_guests);
        for (size_t i = 0; i < a->n_guests; i++) {
                same_spec(a->guests[i].spec, b->guests[i].spec);
                same_blob(a->guests[i].replica.where, b->guests[i].replica.where);
                same_snaps(a->guests[i].snaps, b->guests[i].snaps);
                SAME_WITHOUT(struct guest, &a->guests[i], &b->guests[i], o->spec = NULL,
                             o->replica.where = NULL, o->snaps = NULL);
        }
        ck_assert_uint_eq(a->n_rules, b->n_rules);
        for (size_t i = 0; i < a->n_rules; i++) {
                same_blob(a->rules[i].guests, b->rules[i].guests);
                same_blob(a->rules[i].hosts, b->rules[i].hosts);
                SAME_WITHOUT(struct rule, &a->rules[i], &b->rules[i], o->guests = o->hosts = NULL);
        }
        ck_assert_uint_eq(a->n_incidents, b->n_incidents);
        if (a->n_incidents > 0)
                ck_assert_mem_eq(a->incidents, b->incidents,
                                 a->n_incidents * sizeof(*a->incidents));
        SAME_WITHOUT(struct model, a, b, o->guests = NULL, o->rules = NULL, o->incidents = NULL,
                     o->cap_guests = o->cap_rules = o->cap_incidents = 0);
        ck_assert_uint_eq(model_hash(a), model_hash(b));
}

static void same_msg(const struct msg *a, const struct msg *b) {
        ck_assert_int_eq((int)a->kind, (int)b->kind);
        if (a->kind == MSG_STATE) {
                const struct state *s = a->state.state, *t = b->state.state;

                same_model(&s->model, &t->model);
                ck_assert_uint_eq(s->epoch, t->epoch);
                ck_assert_uint_eq(s->version, t->version);
                ck_assert_uint_eq(s->n_tail, t->n_tail);
                for (size_t i = 0; i < s->n_tail; i++)
                        same_entry(s->tail[i], t->tail[i]);
                SAME_WITHOUT(struct msg, a, b, o->state.state = NULL);
        } else if (a->kind == MSG_ENTRY) {
                same_entry(a->entry, b->entry);
                SAME_WITHOUT(struct msg, a, b, o->entry = NULL);
        } else if (a->kind == MSG_ASK) {
                same_spec(a->ask.spec, b->ask.spec);
                SAME_WITHOUT(struct msg, a, b, o->ask.spec = NULL);
        } else if (a->kind == MSG_TELL) {
                same_blob(a->tell.facts, b->tell.facts);
                SAME_WITHOUT(struct msg, a, b, o->tell.facts = NULL);
        } else if (a->kind == MSG_HISTORY) {
                ck_assert_uint_eq(a->history.n_rows, b->history.n_rows);
                if (a->history.n_rows > 0)
                        ck_assert_mem_eq(a->history.rows, b->history.rows,
                                         a->history.n_rows * sizeof(*a->history.rows));
                SAME_WITHOUT(struct msg, a, b, o->history.rows = NULL);
        } else if (a->kind == MSG_PROVEN) {
                ck_assert_uint_eq(a->proven.n, b->proven.n);
                if (a->proven.n > 0)
                        ck_assert_mem_eq(a->proven.hosts, b->proven.hosts,
                                         a->proven.n * sizeof(*a->proven.hosts));
                SAME_WITHOUT(struct msg, a, b, o->proven.hosts = NULL);
        } else {
                ck_assert_mem_eq(a, b, sizeof(*a));
        }
}

/* ---- tests ----------------------------------------------------------------------------------- */

START_TEST(message_comes_back) {
        for (seed = 1; seed < 60; seed++) {
                uint64_t first = seed;
                struct msg *m = rnd_msg((enum msg_kind)_i), *back = NULL;
                uint8_t *bytes = NULL;
                size_t len = 0;
                char err[TEXT_LEN] = "";

                ck_assert_int_eq(wire_msg_encode(m, &bytes, &len), 0);
                ck_assert_msg(wire_msg_decode(bytes, len, &back, err) == 0, "seed %u: %s",
                              (unsigned)first, err);
                same_msg(m, back);
                msg_unref(m);
                msg_unref(back);
                free(bytes);
                seed = first;
        }
}
END_TEST

START_TEST(entry_comes_back) {
        for (seed = 1; seed < 200; seed++) {
                uint64_t first = seed;
                struct entry *e = rnd_entry(), *back = NULL;
                uint8_t *bytes = NULL;
                size_t len = 0;
                char err[TEXT_LEN] = "";

                ck_assert_int_eq(wire_entry_encode(e, &bytes, &len), 0);
                ck_assert_msg(wire_entry_decode(bytes, len, &back, err) == 0, "%s", err);
                same_entry(e, back);
                entry_unref(e);
                entry_unref(back);
                free(bytes);
                seed = first;
        }
}
END_TEST

START_TEST(model_comes_back) {
        for (seed = 1; seed < 100; seed++) {
                uint64_t first = seed;
                struct model m, back;
                uint8_t *bytes = NULL;
                size_t len = 0;
                char err[TEXT_LEN] = "";

                model_init(&m);
                rnd_model(&m);
                ck_assert_int_eq(wire_model_encode(&m, &bytes, &len), 0);
                ck_assert_msg(wire_model_decode(bytes, len, &back, err) == 0, "%s", err);
                same_model(&m, &back);
                model_clear(&m);
                model_clear(&back);
                free(bytes);
                seed = first;
        }
}
END_TEST

START_TEST(empty_ones_come_back) {
        for (int kind = MSG_NONE + 1; kind < MSG_KIND_MAX_; kind++) {
                struct msg *m = msg_new((enum msg_kind)kind), *back = NULL;
                uint8_t *bytes = NULL;
                size_t len = 0;
                char err[TEXT_LEN] = "";

                if (kind == MSG_STATE)
                        m->state.state = state_new();
                if (kind == MSG_ENTRY)
                        m->entry = entry_new();
                ck_assert_int_eq(wire_msg_encode(m, &bytes, &len), 0);
                ck_assert_uint_gt(len, 0);
                ck_assert_msg(wire_msg_decode(bytes, len, &back, err) == 0, "%s", err);
                same_msg(m, back);
                msg_unref(m);
                msg_unref(back);
                free(bytes);
        }
}
END_TEST

/* A cluster as large as it gets, with a long domain XML each. */
START_TEST(large_state) {
        struct msg *m = msg_new(MSG_STATE), *back = NULL;
        struct blob *xml;
        char *text = xcalloc(1, 8001);
        uint8_t *bytes = NULL;
        size_t len = 0;
        char err[TEXT_LEN] = "";

        memset(text, '<', 8000);
        xml = blob_new(text, 8000);
        m->state.state = state_new();
        for (int i = 0; i < 4000; i++) {
                struct guest_spec *s = guest_spec_new();

                text_fmt(s->name, sizeof(s->name), "guest-%d", i);
                text_fmt(s->uuid, sizeof(s->uuid), "7f3c2f0e-1b1d-4f0a-9c55-%012d", i);
                s->xml = blob_ref(xml);
                model_guest_add(&m->state.state->model, s);
                guest_spec_unref(s);
        }
        ck_assert_int_eq(wire_msg_encode(m, &bytes, &len), 0);
        ck_assert_msg(wire_msg_decode(bytes, len, &back, err) == 0, "%s", err);
        same_msg(m, back);
        msg_unref(back);
        free(bytes);

        for (int i = 0; i < 5000; i++) {
                struct guest_spec *s = guest_spec_new();

                text_set(s->name, sizeof(s->name), "more");
                s->xml = blob_ref(xml);
                model_guest_add(&m->state.state->model, s);
                guest_spec_unref(s);
        }
        ck_assert_int_eq(wire_msg_encode(m, &bytes, &len), -EMSGSIZE);
        msg_unref(m);
        blob_unref(xml);
        free(text);
}
END_TEST

static Suite *wire_suite(void) {
        Suite *s = suite_create("wire");
        TCase *tc = unit_case(s, "round trip");

        tcase_add_loop_test(tc, message_comes_back, MSG_NONE + 1, MSG_KIND_MAX_);
        tcase_add_test(tc, entry_comes_back);
        tcase_add_test(tc, model_comes_back);
        tcase_add_test(tc, empty_ones_come_back);
        tcase_add_test(tc, large_state);
        return s;
}

UNIT_MAIN(wire_suite)
