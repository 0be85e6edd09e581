/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest driver */
/*
 * Names and numbers of libvirt's statistics, the kernel's files about pressure, and the judgement
 * over any samples: no crash, no hang without an answer of the monitor, none before its time.
 */
#include "hawd/guest/sample.h"
#include "tests/fuzz/fuzz.h"

/* Each line is the name of a parameter; its length stands for the number. */
static int read_params(char *text, virTypedParameter *params, int max) {
        int n = 0;

        for (char *save = NULL, *line = strtok_r(text, "\n", &save); line && n < max;
             line = strtok_r(NULL, "\n", &save)) {
                params[n] = (virTypedParameter){.type = (int)(strlen(line) % 8),
                                                .value.ul = strlen(line)};
                text_set(params[n].field, sizeof(params[n].field), line);
                n++;
        }
        return n;
}

static uint64_t take(const uint8_t **data, size_t *size) {
        uint64_t v = 0;
        size_t n = MIN(*size, sizeof(v));

        memcpy(&v, *data, n);
        *data += n;
        *size -= n;
        return v;
}

static void judge(const uint8_t *data, size_t size) {
        usec_t after = take(&data, &size);
        struct hang h = {0};
        char text[TEXT_LEN];

        while (size > 0) {
                uint64_t bits = take(&data, &size);
                struct hang_sample s = {.answered = bits & 1,
                                        .running = bits & 2,
                                        .agent = (enum hang_agent)(bits >> 2 & 3) % 3,
                                        .has_waited = bits & 16,
                                        .done = bits >> 8 & 3,
                                        .sent = bits >> 10 & 3};
                enum hang_verdict v;

                s.planned = take(&data, &size);
                s.at = take(&data, &size);
                s.ended = take(&data, &size);
                s.cpu_nsec = take(&data, &size);
                s.waited_nsec[0] = s.host.memory_usec = take(&data, &size);
                v = hang_take(&h, &s, after, bits & 32);
                if (v == HANG_HANGS)
                        must(s.answered && s.running && h.quiet_usec >= MAX(after, HANG_AFTER_MIN));
                hang_text(&h, text);
                must(strlen(text) < sizeof(text));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = input_text(data, size);
        virTypedParameter params[32];
        struct hang_sample s = {0};
        struct hang_host host;
        int n;

        hang_host_parse(text, text, text, &host);
        judge(data, size);
        n = read_params(text, params, ARRAY_SIZE(params));
        sample_read(params, n, &s);
        must(!s.answered || n > 0);
        return 0;
}
