/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/*
 * What a fence agent prints as its metadata, what is kept of it, the options that hawd.conf gives
 * it, and what it says on standard error. No crash; the traits come back from the cache as they
 * were, and no secret comes back at all.
 */
#include "fencing/agent_meta.h"
#include "fencing/agent_said.h"
#include "tests/fuzz/fuzz.h"

static void try_metadata(const char *text) {
        struct agent_traits t, again;
        struct fence_error err = {0};
        char kept[64];

        if (agent_judge("fence_some", text, &t, &err) != 0) {
                must(err.message[0]);
                return;
        }
        agent_traits_format(&t, kept, sizeof(kept));
        must(agent_traits_parse(kept, &again) == 0);
        must(strcmp(t.address, again.address) == 0 && strcmp(t.user, again.user) == 0 &&
             strcmp(t.password, again.password) == 0);
}

static void try_options(const char *text) {
        struct agent_traits t;
        char key[64], value[256];
        int r;

        (void)agent_traits_parse(text, &t); /* whatever it says of it */
        while ((r = agent_option_next(&text, key, value)) > 0) {
                must(key[0] && strlen(key) < sizeof(key) && strlen(value) < sizeof(value));
                (void)agent_option_allowed(key, value);
        }
        must(r == 0 || r == -EINVAL);
}

/* The first line is a secret. */
static void try_said(const char *text) {
        size_t len = strcspn(text, "\n");
        _cleanup_(freep) char *secret = input_text((const uint8_t *)text, len);
        const char *secrets[] = {NULL, secret};
        char said[100];

        agent_said(text + len, secrets, ARRAY_SIZE(secrets), said, sizeof(said));
        must(strlen(said) < sizeof(said));
        /* Stars stand for it. */
        must(!secret[0] || strchr(secret, '*') || !strstr(said, secret));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static void (*const all[])(const char *) = {try_metadata, try_options, try_said};
        _cleanup_(freep) char *text = NULL;

        if (size == 0)
                return 0;
        text = input_text(data + 1, size - 1);
        all[data[0] % ARRAY_SIZE(all)](text);
        return 0;
}
