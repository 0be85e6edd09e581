/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/runner/facts.h"

#include "hawd/runner/child.h"

struct facts {
        qb_loop_t *loop;
        const struct facts_paths *paths;
        facts_done_fn done;
        void *userdata;
        uint64_t id;
        struct child *child;
};

struct facts *facts_new(qb_loop_t *loop, const struct facts_paths *paths, facts_done_fn done,
                        void *userdata) {
        struct facts *f = xcalloc(1, sizeof(*f));

        *f = (struct facts){.loop = loop, .paths = paths, .done = done, .userdata = userdata};
        return f;
}

struct facts *facts_free(struct facts *f) {
        if (!f)
                return NULL;
        f->child = child_free(f->child);
        free(f);
        return NULL;
}

static void explain(const struct facts *f, enum child_end end, int status, size_t len, char *text) {
        const char *program = f->paths->program;

        text[0] = '\0';
        if (end == CHILD_NOT_STARTED)
                text_fmt(text, TEXT_LEN, "%.100s cannot be run: %s", program, strerror(-status));
        else if (end == CHILD_TOO_LONG)
                text_fmt(text, TEXT_LEN, "%.100s did not end in time and was killed", program);
        else if (end == CHILD_TOO_MUCH)
                text_fmt(text, TEXT_LEN, "%.100s says too much", program);
        else if (status != 0 || len == 0)
                text_fmt(text, TEXT_LEN, "%.100s ended with status %d: run it there by hand",
                         program, status);
}

static void on_end(void *userdata, enum child_end end, int status, const char *output, size_t len) {
        struct facts *f = userdata;
        struct blob *facts = NULL;
        uint64_t id = f->id;
        char text[TEXT_LEN];

        explain(f, end, status, len, text);
        if (!text[0])
                facts = blob_new(output, len);
        f->child = child_free(f->child);
        f->done(f->userdata, id, facts, text);
}

void facts_start(struct facts *f, uint64_t id) {
        const char *argv[] = {f->paths->program, "--config",    f->paths->config,    "--secrets",
                              f->paths->secrets, "--state-dir", f->paths->state_dir, "--run-dir",
                              f->paths->run_dir, "--uri",       f->paths->uri,       NULL};
        const struct child_spec spec = {
                .argv = argv,
                .limit_usec = FACTS_LIMIT_USEC,
                .output_max = FACTS_MAX,
                .ordinary = true,
                .end = on_end,
                .userdata = f,
        };

        assert(!f->child);
        f->id = id;
        f->child = child_new(f->loop, &spec);
}
