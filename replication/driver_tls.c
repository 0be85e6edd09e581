/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt's own settings for NBD: what its administrator has set up is used here, too. */
#include <stdio.h>
#include <unistd.h>

#include "replication/driver_work.h"

#define NBD_DIR "/etc/pki/libvirt-nbd" /* libvirt's defaults, in this order */
#define QEMU_DIR "/etc/pki/qemu"

/* key = "value" or key = 1, with blanks anywhere. */
static bool is_key(const char *line, const char *key, char *ret, size_t size) {
        size_t len = strlen(key);

        line += strspn(line, " \t");
        if (strncmp(line, key, len) != 0)
                return false;
        line += len + strspn(line + len, " \t");
        if (*line++ != '=')
                return false;
        line += strspn(line, " \t\"");
        text_set(ret, size, line);
        ret[strcspn(ret, "\"# \t\r\n")] = '\0';
        return true;
}

void mirror_tls(const char *qemu_conf, bool *ret_must, char *ret_dir, size_t size) {
        char line[1024], value[256], nbd[256] = "", any[256] = "";
        FILE *f = fopen(qemu_conf, "re");

        *ret_must = false;
        while (f && fgets(line, sizeof(line), f)) {
                if (is_key(line, "nbd_tls", value, sizeof(value)))
                        *ret_must = strcmp(value, "1") == 0;
                else if (is_key(line, "nbd_tls_x509_cert_dir", value, sizeof(value)))
                        text_set(nbd, sizeof(nbd), value);
                else if (is_key(line, "default_tls_x509_cert_dir", value, sizeof(value)))
                        text_set(any, sizeof(any), value);
        }
        if (f)
                (void)fclose(f);
        if (!nbd[0] && access(NBD_DIR, F_OK) == 0)
                text_set(nbd, sizeof(nbd), NBD_DIR);
        if (!any[0] && access(QEMU_DIR, F_OK) == 0)
                text_set(any, sizeof(any), QEMU_DIR);
        text_set(ret_dir, size, nbd[0] ? nbd : any);
        if (*ret_must && !ret_dir[0]) /* QEMU says then what is missing */
                text_set(ret_dir, size, QEMU_DIR);
}

int mirror_tls_fits(const struct board *b, bool tls, char *err) {
        if (tls && !b->tls_dir[0])
                text_set(err, TEXT_LEN,
                         "the other host wants TLS (nbd_tls in its qemu.conf), and this one has no "
                         "certificates for QEMU");
        else if (!tls && b->tls)
                text_set(err, TEXT_LEN,
                         "this host's qemu.conf says nbd_tls = 1, and the other one's does not: "
                         "nothing is copied in the clear");
        else
                return 0;
        return -EPERM;
}
