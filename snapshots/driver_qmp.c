/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libvirt has no call for is asked of QEMU itself. */
#include <jansson.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "snapshots/driver.h"

static void free_json(json_t **j) {
        json_decref(*j);
}

int disk_failed_run(virDomainPtr dom, const char *what, char *err) {
        bool over = virGetLastErrorCode() == VIR_ERR_OPERATION_INVALID;
        int r = disk_failed(dom, what, err);

        return over ? -ESRCH : r;
}

int disk_qmp(virDomainPtr dom, const char *command, json_t *arguments, json_t **ret, char *err) {
        _cleanup_(free_json) json_t *ask = json_pack("{s:s}", "execute", command), *said = NULL;
        _cleanup_(freep) char *text = NULL, *answer = NULL;
        const char *why;

        if (arguments)
                (void)json_object_set_new(ask, "arguments", arguments);
        text = json_dumps(ask, JSON_COMPACT);
        if (virDomainQemuMonitorCommand(dom, text, &answer, 0) < 0)
                return disk_failed_run(dom, command, err);
        said = json_loads(answer, 0, NULL);
        if (json_object_get(said, "return")) {
                if (ret)
                        *ret = json_incref(json_object_get(said, "return"));
                return 0;
        }
        why = json_string_value(json_object_get(json_object_get(said, "error"), "desc"));
        text_fmt(err, TEXT_LEN, "QEMU refuses %s: %.130s", command,
                 why ? why : "it gives no reason");
        return -EIO;
}
