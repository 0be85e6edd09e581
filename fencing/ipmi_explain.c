/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libfreeipmi's errors mean for people: cause and mend. */
#include "fencing/ipmi_way.h"

#include <freeipmi/freeipmi.h>

static int explain_system(struct fence_error *err, const struct ipmi_peer *p, int sys) {
        switch (sys) {
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
        case EADDRNOTAVAIL:
                return fence_fail(err, FENCE_NO_ROUTE,
                                  "no route to %.100s (%s): check this host's network to its BMCs",
                                  p->where, strerror(sys));
        case ECONNREFUSED:
                return fence_fail(err, FENCE_REFUSED,
                                  "%.100s refuses: nothing listens there; check the port, and that "
                                  "IPMI over LAN is enabled",
                                  p->where);
        case EPERM:
        case EACCES:
                return fence_fail(err, FENCE_NO_ROUTE,
                                  "this host's firewall forbids packets to %.100s", p->where);
        default:
                return fence_fail(err, FENCE_PROTOCOL, "%.100s: system error: %s", p->where,
                                  strerror(sys));
        }
}

/* A refusal without a defined reason; while opening, mostly an unknown cipher suite. */
static int explain_other(struct fence_error *err, const struct ipmi_peer *p, int errnum,
                         bool opening) {
        if (opening && p->fixed_cipher)
                return fence_fail(
                        err, FENCE_CIPHER,
                        "%.100s refused the session, most likely for its cipher suite %u: "
                        "try cipher-suite = %u, or leave it out",
                        p->where, p->cipher, p->cipher == 17 ? 3 : 17);
        if (opening)
                return fence_fail(err, FENCE_PROTOCOL,
                                  "%.80s refused the session (%s): check rights over LAN of user "
                                  "'%.16s' and the cipher suites, or reset the BMC",
                                  p->where, ipmi_ctx_strerror(errnum), p->user);
        return fence_fail(err, FENCE_PROTOCOL,
                          "%.100s answered with an error: %s; reset the BMC, update its firmware",
                          p->where, ipmi_ctx_strerror(errnum));
}

int ipmi_explain(struct fence_error *err, const struct ipmi_peer *p, int errnum, int sys,
                 bool opening) {
        switch (errnum) {
        case IPMI_ERR_SYSTEM_ERROR:
                return explain_system(err, p, sys);
        case IPMI_ERR_PASSWORD_INVALID:
                return fence_fail(err, FENCE_AUTH,
                                  "%.100s: wrong password for user '%.32s': correct [%s] in "
                                  "fencing.conf",
                                  p->where, p->user, p->device);
        case IPMI_ERR_USERNAME_INVALID:
                return fence_fail(err, FENCE_AUTH,
                                  "%.100s: no such user '%.32s', or it may not log in over LAN: "
                                  "correct user = in [fence %s]",
                                  p->where, p->user, p->device);
        case IPMI_ERR_K_G_INVALID:
                return fence_fail(err, FENCE_AUTH,
                                  "%.100s wants a BMC key (K_g): clear it on the BMC", p->where);
        case IPMI_ERR_AUTHENTICATION_TYPE_UNAVAILABLE:
        case IPMI_ERR_IPMI_2_0_UNAVAILABLE:
                return fence_fail(
                        err, FENCE_PROTOCOL,
                        "%.100s does not offer IPMI 2.0 (lanplus) to user '%.32s': enable "
                        "it on the BMC",
                        p->where, p->user);
        case IPMI_ERR_PRIVILEGE_LEVEL_INSUFFICIENT:
        case IPMI_ERR_PRIVILEGE_LEVEL_CANNOT_BE_OBTAINED:
                return fence_fail(
                        err, FENCE_PRIVILEGE,
                        "%.100s: user '%.32s' may not %s: give it the operator privilege on "
                        "the BMC's LAN channel",
                        p->where, p->user, opening ? "log in as operator" : "switch power");
        case IPMI_ERR_CIPHER_SUITE_ID_UNAVAILABLE:
                return fence_fail(err, FENCE_CIPHER, "%.100s does not know cipher suite %s: %s",
                                  p->where,
                                  !p->fixed_cipher  ? "17 or 3"
                                  : p->cipher == 17 ? "17"
                                                    : "3",
                                  p->fixed_cipher ? "change or leave out cipher-suite"
                                                  : "enable one of them on the BMC");
        case IPMI_ERR_CONNECTION_TIMEOUT:
                return fence_fail(err, FENCE_TIMEOUT,
                                  "no answer from %.100s: BMC without power, hung, or cut off",
                                  p->where);
        case IPMI_ERR_SESSION_TIMEOUT:
        case IPMI_ERR_PASSWORD_VERIFICATION_TIMEOUT:
        case IPMI_ERR_MESSAGE_TIMEOUT:
        case IPMI_ERR_DRIVER_TIMEOUT:
                return fence_fail(
                        err, FENCE_TIMEOUT,
                        "%.100s stopped answering in the middle of a session: BMC hung or "
                        "overloaded; reset it if that lasts",
                        p->where);
        case IPMI_ERR_BMC_BUSY:
        case IPMI_ERR_DRIVER_BUSY:
                return fence_fail(
                        err, FENCE_TIMEOUT,
                        "%.100s is busy: out of sessions, or in a firmware update; reset it "
                        "if that lasts",
                        p->where);
        default:
                return explain_other(err, p, errnum, opening);
        }
}
