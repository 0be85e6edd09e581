/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: ctl guest */
/*
 * hawctl doctor judges what other hosts say of themselves: as the facts of two hosts, and as a
 * whole exam. No crash; whatever is found has a text.
 */
#include "hawd/ctl/doctor/print.h"
#include "tests/fuzz/fuzz.h"

static void judge(const json_t *exam) {
        struct findings f = {0};
        json_t *j;

        doctor_judge(exam, &f);
        for (size_t i = 0; i < f.n; i++)
                must(f.list[i].text[0] && f.list[i].check);
        j = doctor_json(&f, json_object_get(exam, "hosts"));
        json_decref(j);
        findings_clear(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        json_t *input = json_loadb((const char *)data, size, 0, NULL), *exam;

        if (!json_is_object(input)) {
                json_decref(input);
                return 0;
        }
        judge(input);
        exam = json_pack("{s:b,s:I,s:n,s:[],s:[],s:[{s:s,s:O},{s:s,s:O}]}", "local", 0, "now_usec",
                         (json_int_t)1795407766000000, "status", "guests", "rules", "hosts", "name",
                         "node1", "facts", input, "name", "node2", "facts", input);
        judge(exam);
        json_decref(exam);
        json_decref(input);
        return 0;
}
