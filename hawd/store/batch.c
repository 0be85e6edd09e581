/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/store/batch.h"

/* What SQLite's signed integers hold. */
static bool number_fits(uint64_t n) {
        return n <= INT64_MAX;
}

static bool row_fits(const struct store_row *r) {
        return number_fits(r->version) && number_fits(r->wall_usec) && number_fits(r->incident) &&
               r->kind && r->guest && r->text && r->host_name;
}

static int check(const struct store_batch *b) {
        if (!number_fits(b->promised) || !number_fits(b->epoch) || !number_fits(b->base_version) ||
            !number_fits(b->gap_from) || !number_fits(b->gap_to) || (b->install && b->compact))
                return -EINVAL;
        if (b->snapshot.len > STORE_BLOB_MAX)
                return -E2BIG;
        for (size_t i = 0; i < b->n_entries; i++) {
                if (b->entries[i].bytes.len > STORE_BLOB_MAX)
                        return -E2BIG;
                if (!number_fits(b->entries[i].version) || !number_fits(b->entries[i].epoch))
                        return -EINVAL;
        }
        for (size_t i = 0; i < b->n_rows; i++)
                if (!row_fits(&b->rows[i]))
                        return -EINVAL;
        return 0;
}

static size_t text_size(const struct store_row *r) {
        return strlen(r->kind) + strlen(r->guest) + strlen(r->text) + strlen(r->host_name) + 4;
}

static void copy_bytes(struct store_bytes *b, char **at) {
        if (b->len > 0)
                memcpy(*at, b->data, b->len);
        b->data = *at;
        *at += b->len;
}

static void copy_text(const char **text, char **at) {
        size_t size = strlen(*text) + 1;

        memcpy(*at, *text, size);
        *text = *at;
        *at += size;
}

int batch_copy(const struct store_batch *b, struct batch **ret) {
        bool base = b->install || b->compact;
        struct store_entry *entries;
        struct store_row *rows;
        struct batch *copy;
        size_t size;
        char *at;
        int r = check(b);

        if (r < 0)
                return r;
        size = sizeof(*copy) + b->n_entries * sizeof(*entries) + b->n_rows * sizeof(*rows) +
               (base ? b->snapshot.len : 0);
        for (size_t i = 0; i < b->n_entries; i++)
                size += b->entries[i].bytes.len;
        for (size_t i = 0; i < b->n_rows; i++)
                size += text_size(&b->rows[i]);

        copy = xcalloc(1, size);
        copy->batch = *b;
        copy->size = size;
        entries = (struct store_entry *)(copy + 1);
        rows = (struct store_row *)(entries + b->n_entries);
        at = (char *)(rows + b->n_rows);
        if (b->n_entries > 0)
                memcpy(entries, b->entries, b->n_entries * sizeof(*entries));
        if (b->n_rows > 0)
                memcpy(rows, b->rows, b->n_rows * sizeof(*rows));
        copy->batch.entries = entries;
        copy->batch.rows = rows;
        if (base)
                copy_bytes(&copy->batch.snapshot, &at);
        for (size_t i = 0; i < b->n_entries; i++)
                copy_bytes(&entries[i].bytes, &at);
        for (size_t i = 0; i < b->n_rows; i++) {
                copy_text(&rows[i].kind, &at);
                copy_text(&rows[i].guest, &at);
                copy_text(&rows[i].text, &at);
                copy_text(&rows[i].host_name, &at);
        }
        assert(at == (char *)copy + size);
        *ret = copy;
        return 0;
}

void batch_free_list(struct batch *b) {
        while (b) {
                struct batch *next = b->next;

                free(b);
                b = next;
        }
}
