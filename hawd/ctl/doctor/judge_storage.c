/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is what a guest needs there on every host that it may run on? Does a failing disk pause it? */
#include "hawd/ctl/doctor/finding.h"

/* A guest that nobody wants to run hurts nobody yet; firmware state is made anew where it lacks. */
static enum severity how_bad(const json_t *exam, const char *guest, const char *kind) {
        const json_t *g = guest_of(exam, guest);

        if (strcmp(kind, "nvram") == 0 || strcmp(kind, "tpm") == 0 || !g)
                return SEVERITY_WARNING;
        return strcmp(jtext(g, "desired"), "stopped") == 0 ||
                               strcmp(jtext(g, "desired"), "ignored") == 0
                       ? SEVERITY_WARNING
                       : SEVERITY_BAD;
}

static void say_missing(struct findings *f, const json_t *exam, const char *host, const json_t *m) {
        const char *guest = jtext(m, "guest"), *kind = jtext(m, "kind"), *what = jtext(m, "what");

        if (strcmp(kind, "nvram") == 0 || strcmp(kind, "tpm") == 0) {
                found_on(f, host, how_bad(exam, guest, kind),
                         "guest %s would start here with another %s: %s: %s", guest,
                         strcmp(kind, "tpm") == 0 ? "TPM" : "set of UEFI variables", what,
                         jtext(m, "why"));
                mend(f, "keep it on storage that all hosts share");
                return;
        }
        found_on(f, host, how_bad(exam, guest, kind), "guest %s cannot start here: %s %s: %s",
                 guest, kind, what, jtext(m, "why"));
        if (strcmp(kind, "bridge") == 0 || strcmp(kind, "netdev") == 0 ||
            strcmp(kind, "network") == 0)
                mend(f, "set it up here as on the other hosts, and at boot");
        else
                mend(f,
                     "share or mount it here too; or keep the guest off: hawctl rule add NAME "
                     "avoid --guests %s --hosts %s --strict",
                     guest, host);
}

/* One with a replica starts where its disks are, and after a promotion where the copy is. */
static bool may_start(const json_t *exam, const json_t *m, const char *host) {
        const json_t *r = replica_of(exam, jtext(m, "guest"));

        if (!may_run(exam, jtext(m, "guest"), host))
                return false;
        if (!r || strcmp(jtext(r, "data"), host) == 0)
                return true;
        return strcmp(jtext(r, "host"), host) == 0 && strcmp(jtext(m, "kind"), "disk") != 0;
}

/* Return: how many are missing of @part's list. */
static size_t missing(struct findings *f, const json_t *exam, const char *host,
                      const json_t *part) {
        int64_t more = jnum(part, "missing_more");
        const json_t *m;
        size_t i, n = 0;

        json_array_foreach(json_object_get(part, "missing"), i, m) {
                if (!may_start(exam, m, host))
                        continue;
                say_missing(f, exam, host, m);
                n++;
        }
        if (more > 0)
                found_on(f, host, SEVERITY_BAD, "and %lld more that is missing", (long long)more);
        return n;
}

static size_t unfit(struct findings *f, const json_t *exam, const char *host, const json_t *l) {
        const json_t *u;
        size_t i, n = 0;

        json_array_foreach(json_object_get(l, "cpu_unfit"), i, u) {
                const char *guest = jtext(u, "guest");

                if (!may_run(exam, guest, host))
                        continue;
                n++;
                found_on(f, host, how_bad(exam, guest, "cpu"),
                         "guest %s cannot start here: this host cannot give it its CPU: %s", guest,
                         jtext(u, "why"));
                mend(f,
                     "a <cpu> in its domain that all hosts have (virsh hypervisor-cpu-baseline); "
                     "or keep the guest off: hawctl rule add NAME avoid --guests %s --hosts %s "
                     "--strict",
                     guest, host);
        }
        if (!jnull(l, "cpu_error"))
                found_on(f, host, SEVERITY_NOTE,
                         "not known: whether it has the CPU of every guest: because %s",
                         jtext(l, "cpu_error"));
        return n;
}

void judge_storage(struct findings *f, const json_t *exam) {
        const json_t *h;
        size_t i;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const json_t *facts = facts_of(h), *l = json_object_get(facts, "libvirt");
                const char *name = jtext(h, "name");
                size_t n;

                if (!facts || jnull(json_object_get(facts, "wants"), "from"))
                        continue; /* said by others */
                text_set(f->host, sizeof(f->host), name);
                if (not_known(f, json_object_get(facts, "storage"),
                              "disks and bridges that guests need"))
                        continue;
                n = missing(f, exam, name, json_object_get(facts, "storage"));
                n += missing(f, exam, name, l);
                n += unfit(f, exam, name, l);
                if (n == 0)
                        found(f, SEVERITY_OK, "what %lld guests need is there",
                              (long long)jnum(json_object_get(facts, "wants"), "n"));
        }
        f->host[0] = '\0';
}

/* All hosts see the same settings: the first that knows them is heard. */
void judge_io_errors(struct findings *f, const json_t *exam) {
        const json_t *h, *list = NULL, *x;
        int64_t more = 0;
        size_t i;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const json_t *storage = part_of(facts_of(h), "storage");

                if (list || !json_is_array(json_object_get(storage, "errors_pass")))
                        continue;
                list = json_object_get(storage, "errors_pass");
                more = jnum(storage, "errors_pass_more");
        }
        json_array_foreach(list, i, x) {
                found(f, SEVERITY_WARNING,
                      "guest %s is not paused when its disk %s fails: its system gets the errors, "
                      "and hawd cannot wait for the disk",
                      jtext(x, "guest"), jtext(x, "disk"));
                mend(f, "error_policy='stop' rerror_policy='stop' in the <driver> of that disk");
        }
        if (more > 0)
                found(f, SEVERITY_WARNING, "and %lld more such disks", (long long)more);
        if (list && json_array_size(list) == 0)
                found(f, SEVERITY_OK, "guests are paused when a disk of theirs fails");
}
