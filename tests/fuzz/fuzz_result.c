/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: runner */
/*
 * What hawd-fence prints, or whatever else stands there: no crash, and off only where it is said.
 */
#include "hawd/runner/runner.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const enum fence_action actions[] = {FENCE_ACT_STATUS, FENCE_ACT_OFF, FENCE_ACT_ON};
        _cleanup_(freep) char *text = input_text(data, size);

        for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
                struct runner_said said = {.reading = READING_MAX_};

                if (runner_parse(text, actions[i], &said) < 0)
                        continue;
                must(said.reading < READING_MAX_ && strlen(said.text) < sizeof(said.text));
                must(strlen(said.guid) < sizeof(said.guid));
                /* A word in JSON may be spelt with escapes. */
                must(said.reading != READING_OFF || strstr(text, "off") || strchr(text, '\\'));
        }
        return 0;
}
