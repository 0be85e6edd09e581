/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ctl guest */
/*
 * Any text as a file of hawctl apply: every mistake has its line; what is right is written and read
 * back as the same, differs in nothing from itself, and makes no step.
 */
#include "hawd/ctl/steps.h"
#include "tests/fuzz/fuzz.h"

static void against(const struct objects *o, const struct objects *other, size_t want) {
        struct changes changes;
        struct steps steps;

        diff_objects(o, other, true, &changes);
        must(want == SIZE_MAX || changes.n == want);
        steps_of(&changes, false, &steps);
        must(changes.n > 0 || steps.n == 0);
        steps_clear(&steps);
        changes_clear(&changes);
}

static size_t mistakes(const struct conf_file *f) {
        struct conf_errors errors = {0};
        size_t n = conf_file_errors(f, "x", &errors);

        must(n == errors.n);
        for (size_t i = 0; i < n; i++)
                must(strncmp(errors.lines[i], "x:", 2) == 0);
        conf_errors_clear(&errors);
        return n;
}

static void write_and_read(const struct objects *o) {
        char *text = objects_write(o), *again;
        struct objects back = {0};
        struct conf_file *f = objects_read(text, &back);

        must(mistakes(f) == 0);
        again = objects_write(&back);
        must(strcmp(text, again) == 0);
        against(o, &back, 0);
        conf_file_free(f);
        objects_clear(&back);
        free(text);
        free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = input_text(data, size);
        struct objects o = {0}, none = {0};
        struct conf_file *f = objects_read(text, &o);

        objects_sort(&o);
        objects_xml(&o, &none, f);
        objects_check(&o, &none, "node1 node2", true, f);
        against(&none, &o, SIZE_MAX);
        against(&o, &none, o.n);
        if (mistakes(f) == 0)
                write_and_read(&o);
        conf_file_free(f);
        objects_clear(&o);
        return 0;
}
