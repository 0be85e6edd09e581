/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/base/clock.h"
#include "hawd/base/tool.h"
#include "snapshots/driver.h"

int disk_step(const struct disk_driver *d, const char *step, char *err) {
        if (now_boottime() >= d->deadline) {
                text_fmt(err, TEXT_LEN, "no time is left before: %s", step);
                return -ETIMEDOUT;
        }
        if (d->go_on && !d->go_on(d->userdata, step)) {
                text_fmt(err, TEXT_LEN, "no longer wanted, ended before: %s", step);
                return -ECANCELED;
        }
        return 0;
}

static bool go_on(void *userdata) {
        const struct disk_driver *d = userdata;

        return !d->go_on || d->go_on(d->userdata, "qemu-img");
}

int disk_tool(const struct disk_driver *d, const char *const *args, char **ret_out, char *err) {
        const char *argv[TOOL_ARGS_MAX + 1] = {d->qemu_img ? d->qemu_img : "qemu-img"};
        const struct tool tool = {.name = "qemu-img",
                                  .argv = argv,
                                  .deadline = d->deadline,
                                  .go_on = go_on,
                                  .userdata = (void *)(uintptr_t)d};

        for (size_t i = 0; args[i]; i++) {
                assert(i + 2 <= TOOL_ARGS_MAX);
                argv[i + 1] = args[i];
        }
        return tool_run(&tool, NULL, ret_out, err);
}
