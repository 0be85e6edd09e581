/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/facts/certs.h"

#include "hawd/facts/files.h"
#include "hawd/facts/x509.h"

#define CONF "/etc/libvirt/qemu.conf"

static const char *const libvirts[] = {
        "/etc/pki/CA/cacert.pem",
        "/etc/pki/libvirt/servercert.pem",
        "/etc/pki/libvirt/clientcert.pem",
};

/* QEMU's, in each of its folders. */
static const char *const qemus[] = {"ca-cert.pem", "server-cert.pem", "client-cert.pem"};

static const struct {
        const char *key, *usual;
} dirs[] = {
        {"default_tls_x509_cert_dir", "/etc/pki/qemu"},
        {"migrate_tls_x509_cert_dir", "/etc/pki/libvirt-migrate"},
};

static void look(const char *root, const char *path, json_t *list) {
        _cleanup_(freep) char *text = NULL;
        json_t *o = json_pack("{s:o,s:n,s:n,s:n}", "path", word(path), "error", "key",
                              "not_after_usec");
        struct x509 x;
        size_t len;
        int r = file_text(root, path, &text, &len);

        if (r == -ENOENT || r == -ENOTDIR) {
                json_decref(o);
                return;
        }
        if (r < 0) {
                json_object_set_new(o, "error", word(strerror(-r)));
        } else if (x509_read(text, len, &x) < 0) {
                json_object_set_new(o, "error", word("it holds no certificate that can be read"));
        } else {
                json_object_set_new(o, "key", word(x.key));
                if (x.not_after != USEC_INFINITY)
                        json_object_set_new(o, "not_after_usec",
                                            json_integer((json_int_t)x.not_after));
        }
        json_array_append_new(list, o);
}

json_t *certs_look(const char *root) {
        _cleanup_(freep) char *conf = NULL;
        json_t *list = json_array();
        size_t len;

        (void)file_text(root, CONF, &conf, &len); /* not there: the usual folders */
        for (size_t i = 0; i < ARRAY_SIZE(libvirts); i++)
                look(root, libvirts[i], list);
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                char dir[FACTS_WORD_MAX], path[2 * FACTS_WORD_MAX];

                if (!conf || !conf_value(conf, dirs[i].key, dir, sizeof(dir)))
                        text_set(dir, sizeof(dir), dirs[i].usual);
                for (size_t k = 0; k < ARRAY_SIZE(qemus); k++) {
                        text_fmt(path, sizeof(path), "%s/%s", dir, qemus[k]);
                        look(root, path, list);
                }
        }
        return list;
}
