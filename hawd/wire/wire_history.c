/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/note.h"
#include "hawd/wire/wire.h"
#include "hawd/wire/wire_pb.h"

static ProtobufCBinaryData put_kind(struct wire_out *o, uint32_t id) {
        const char *name = note_name((enum note_id)id);

        if (id >= NOTE_MAX_)
                o->failed = true;
        return wire_put_text(name, strlen(name) + 1);
}

static uint32_t get_kind(struct wire_in *in, ProtobufCBinaryData b) {
        char name[NAME_LEN] = "";

        wire_get_name(in, "kind of a note", WIRE_REQUIRED, b, name);
        for (uint32_t id = NOTE_NONE; id < NOTE_MAX_; id++)
                if (strcmp(note_name((enum note_id)id), name) == 0)
                        return id;
        return NOTE_NONE;
}

static void put_row(struct wire_out *o, const struct history_row *r, Hawd__HistoryRow *p) {
        hawd__history_row__init(p);
        p->version = r->version;
        p->seq = r->seq;
        p->wall = r->wall;
        p->kind = put_kind(o, r->note.id);
        p->host = r->note.host;
        p->incident = r->note.incident;
        p->note_version = r->note.version;
        p->guest = WIRE_PUT_TEXT(r->note.guest);
        p->host_name = WIRE_PUT_TEXT(r->host_name);
        p->text = WIRE_PUT_TEXT(r->note.text);
}

static void get_row(struct wire_in *in, const Hawd__HistoryRow *p, struct history_row *r) {
        r->version = p->version;
        r->seq = p->seq;
        r->wall = p->wall;
        r->note.id = get_kind(in, p->kind);
        r->note.host = p->host;
        r->note.incident = p->incident;
        r->note.version = p->note_version;
        WIRE_GET_TEXT(in, "guest of a note", p->guest, r->note.guest);
        WIRE_GET_TEXT(in, "host of a note", p->host_name, r->host_name);
        WIRE_GET_TEXT(in, "text of a note", p->text, r->note.text);
}

Hawd__History *wire_put_history(struct wire_out *o, const struct msg *m) {
        Hawd__History *p = wire_alloc(o, 1, sizeof(*p));

        hawd__history__init(p);
        p->to = m->history.to;
        p->ask = m->history.ask;
        p->version = m->history.version;
        p->seq = m->history.seq;
        p->until = m->history.until;
        p->end = m->history.end;
        p->partial = m->history.partial;
        p->n_rows = wire_put_count(o, m->history.n_rows, WIRE_ROWS_MAX);
        p->rows = (Hawd__HistoryRow **)wire_array(o, p->n_rows, sizeof(Hawd__HistoryRow));
        for (size_t i = 0; i < p->n_rows; i++)
                put_row(o, &m->history.rows[i], p->rows[i]);
        return p;
}

void wire_get_history(struct wire_in *in, const Hawd__History *p, struct msg *m) {
        size_t n = wire_get_count(in, "history rows", p->n_rows, WIRE_ROWS_MAX);

        m->history.to = p->to;
        m->history.ask = p->ask;
        m->history.version = p->version;
        m->history.seq = p->seq;
        m->history.until = p->until;
        m->history.end = p->end;
        m->history.partial = p->partial;
        if (n == 0)
                return;
        m->history.rows = xcalloc(n, sizeof(*m->history.rows));
        m->history.n_rows = (uint32_t)n;
        for (size_t i = 0; i < n && !in->failed; i++)
                get_row(in, p->rows[i], &m->history.rows[i]);
}
