/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reload: hawd.conf is read again, and who asks is told every mistake of it. */
#include "hawd/control/api_internal.h"

static json_t *lines(const struct conf_errors *e) {
        json_t *list = json_array();

        for (size_t i = 0; i < e->n; i++)
                json_array_append_new(list, render_text(e->lines[i]));
        return list;
}

static void bad_config(struct api *api, uint64_t call, const struct conf_errors *mistakes) {
        char text[MESSAGE_LEN];

        text_fmt(text, sizeof(text), "%zu %s: the configuration in force is kept", mistakes->n,
                 mistakes->n == 1 ? "mistake" : "mistakes");
        (void)varlink_error(api->varlink, call, IO_HAWD ".BadConfig",
                            json_pack("{s:s,s:o}", "message", text, "mistakes", lines(mistakes)));
}

void api_reload(void *ud, uint64_t call, json_t *params) {
        static const struct api_param none[] = {{.name = NULL}};
        struct api *api = ud;
        const struct config *config;
        struct conf_errors mistakes = {0}, later = {0};
        struct core_status status;
        uint64_t before;
        json_t *differs;
        char text[MESSAGE_LEN];

        if (!api_params(api, call, params, none))
                return;
        before = api->ports.config(api->ports.ud)->hash;
        if (api->ports.reload(api->ports.ud, &mistakes, &later) < 0) {
                bad_config(api, call, &mistakes);
                conf_errors_clear(&mistakes);
                return;
        }
        config = api->ports.config(api->ports.ud);
        core_status(api->core, &status);
        differs = render_other_configs(core_model(api->core), status.nodeid, config->hash);
        text_fmt(text, sizeof(text), "hawd.conf is read again%s",
                 config->hash == before ? "; nothing in it has changed" : "");
        (void)varlink_reply(api->varlink, call,
                            json_pack("{s:s,s:b,s:o,s:o}", "message", text, "changed",
                                      config->hash != before, "restart", lines(&later), "differs",
                                      differs));
        conf_errors_clear(&later);
}
