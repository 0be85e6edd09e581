/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: guest */
/*
 * Any text as domain XML: no crash, no leak; what is taken is normalised, and stays as it is when
 * that is done once more.
 */
#include "hawd/guest/domxml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = input_text(data, size);
        struct guest_spec *first, *again;
        char err[TEXT_LEN] = "", uuid[UUID_LEN];

        (void)domxml_agent_connected(text, size);
        if (size < 64 && uuid_normalise(text, uuid) == 0)
                must(strlen(uuid) == UUID_LEN - 1);
        if (spec_from_xml(text, size, &first, err) < 0) {
                must(err[0]);
                return 0;
        }
        must(first->name[0] && strlen(first->uuid) == UUID_LEN - 1);
        must(spec_from_xml(first->xml->data, first->xml->len, &again, err) == 0);
        must(strcmp(first->name, again->name) == 0 && strcmp(first->uuid, again->uuid) == 0);
        must(first->vcpus == again->vcpus && first->memory_mib == again->memory_mib);
        must(first->xml->len == again->xml->len &&
             memcmp(first->xml->data, again->xml->data, first->xml->len) == 0);
        guest_spec_unref(first);
        guest_spec_unref(again);
        return 0;
}
