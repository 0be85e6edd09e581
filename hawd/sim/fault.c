/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/sim/fault.h"

static void start_hawd(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];

        if (!h->lv.up || (h->hawd_off && c->a))
                return; /* it boots: that starts everything by itself */
        if (h->core && h->stopping) {
                sim_at(s, 2 * USEC_PER_SEC, OWNER_HOST, h->index, start_hawd, 0, 0);
                return;
        }
        h->hawd_off = false;
        if (!h->cs.up) {
                corosync_start(s, h);
                sim_at(s, 200 * USEC_PER_MSEC, OWNER_HOST, h->index, start_hawd, 0, 0);
                return;
        }
        node_start(s, h);
}

static void kill_process(struct sim *s, struct sim_host *h, bool ring, uint64_t again_msec) {
        if (ring)
                corosync_kill(s, h);
        else
                node_kill(s, h);
        h->hawd_off = again_msec == 0;
        if (again_msec && h->powered)
                sim_at(s, again_msec * USEC_PER_MSEC, OWNER_HOST, h->index, start_hawd, 1, 0);
}

static void switch_on(struct sim *s, const struct call *c) {
        power_on(s, &s->hosts[c->host]);
}

static void split(struct sim *s, uint64_t mask) {
        for (size_t i = 0; i < s->n_hosts; i++)
                s->hosts[i].net = mask >> i & 1 ? 100 : 0;
        totem_changed(s);
}

static void orderly_down(struct sim *s, struct sim_host *h, bool again) {
        if (!h->powered || h->frozen)
                return;
        h->shutdown = !again;
        h->reboot = again;
        if (h->core) {
                node_stop(s, h);
        } else {
                power_off(s, h);
                if (again)
                        power_on(s, h);
        }
}

static void guest_fault(struct sim *s, const struct fault *f) {
        bool inside = f->kind == FAULT_GUEST_SHUTDOWN;
        int at = qemu_where(s, f->guest, 0);

        if (at < 0 || s->hosts[at].frozen || s->hosts[at].lv.dom[f->guest].state != SEEN_RUNNING)
                return;
        if (inside)
                s->guests[f->guest].wish_unclear = true;
        qemu_end(s, &s->hosts[at], f->guest, inside ? END_GUEST_SHUTDOWN : END_FAILED);
}

static void ask(struct sim *s, const struct fault *f) {
        struct sim_request *r = people_new(s, (enum verb)f->arg,
                                           f->guest >= 0 ? s->conf->guests[f->guest].name : "",
                                           f->host >= 0 ? s->conf->hosts[f->host].name : "");

        text_set(r->rq.rule, NAME_LEN, f->name);
        if (f->guest >= 0)
                s->guests[f->guest].wish_unclear = true;
        people_send(s, r->id);
}

static void confirm_true(struct sim *s, const struct fault *f) {
        struct sim_request *r;

        if (s->hosts[f->host].powered)
                return;
        s->stats.confirms++;
        r = people_new(s, VERB_FENCE_CONFIRM, "", s->conf->hosts[f->host].name);
        r->until = s->now; /* true now: it is not said again later */
        people_send(s, r->id);
}

static void host_fault(struct sim *s, struct sim_host *h, const struct fault *f) {
        switch (f->kind) {
        case FAULT_POWER_OFF:
                power_off(s, h);
                break;
        case FAULT_POWER_ON:
                power_on(s, h);
                break;
        case FAULT_POWER_RESET:
                power_off(s, h);
                sim_at(s, USEC_PER_SEC, OWNER_WORLD, h->index, switch_on, 0, 0);
                break;
        case FAULT_NET_CUT:
                totem_cut(s, h);
                /* fall through */
        case FAULT_NET_RESTORE:
                h->net = f->kind == FAULT_NET_CUT ? h->index + 1 : 0;
                totem_changed(s);
                break;
        case FAULT_MGMT_CUT:
        case FAULT_MGMT_RESTORE:
                h->mgmt_cut = f->kind == FAULT_MGMT_CUT;
                break;
        case FAULT_FREEZE:
                power_freeze(s, h);
                break;
        case FAULT_THAW:
                power_thaw(s, h);
                break;
        case FAULT_BMC:
                h->bmc = h->conf->bmc == BMC_NONE ? BMC_NONE : (enum bmc_mode)f->arg;
                break;
        case FAULT_DISK:
                h->store.disk = (enum disk_mode)f->arg;
                break;
        case FAULT_SHUTDOWN:
        case FAULT_REBOOT:
                orderly_down(s, h, f->kind == FAULT_REBOOT);
                break;
        default:
                assert(false);
        }
}

static void process_fault(struct sim *s, struct sim_host *h, const struct fault *f) {
        if (!h->powered || h->frozen)
                return;
        switch (f->kind) {
        case FAULT_HAWD_KILL:
                kill_process(s, h, false, f->arg);
                break;
        case FAULT_RING_KILL:
                kill_process(s, h, true, f->arg);
                break;
        case FAULT_HAWD_START:
                h->hawd_off = false;
                sim_at(s, 0, OWNER_HOST, h->index, start_hawd, 0, 0);
                break;
        case FAULT_HAWD_STOP:
                node_stop(s, h);
                break;
        case FAULT_LIBVIRT_HANG:
                virtd_hang(s, h);
                break;
        case FAULT_LIBVIRT_RESUME:
                virtd_resume(s, h);
                break;
        case FAULT_LIBVIRT_SLOW:
                h->lv.slow = f->arg != 0;
                break;
        case FAULT_LIBVIRT_RESTART:
                virtd_restart(s, h);
                break;
        default:
                assert(false);
        }
}

void fault_apply(struct sim *s, const struct fault *f) {
        char text[256];

        fault_text(s->conf, f, text, sizeof(text));
        sim_trace(s, NULL, "DO %s", text);
        switch (f->kind) {
        case FAULT_NET_SPLIT:
                split(s, f->arg);
                break;
        case FAULT_GUEST_CRASH:
        case FAULT_GUEST_SHUTDOWN:
                guest_fault(s, f);
                break;
        case FAULT_REQUEST:
                ask(s, f);
                break;
        case FAULT_CONFIRM_TRUE:
                confirm_true(s, f);
                break;
        case FAULT_AMBUSH:
                ambush_set(s, f->arg);
                break;
        case FAULT_HAWD_KILL ... FAULT_LIBVIRT_RESTART:
                process_fault(s, &s->hosts[f->host], f);
                break;
        default:
                host_fault(s, &s->hosts[f->host], f);
        }
}

static void heal_host(struct sim *s, struct sim_host *h) {
        h->net = 0;
        h->dark = false;
        h->mgmt_cut = false;
        h->bmc = h->conf->bmc == BMC_NONE ? BMC_NONE : BMC_OK;
        h->store.disk = DISK_OK;
        h->reboot = h->reboot || h->shutdown;
        h->shutdown = false;
        power_thaw(s, h);
        if (h->lv.hung || h->lv.slow)
                virtd_restart(s, h);
        if (!h->powered)
                power_on(s, h);
        else if (!h->core || h->stopping)
                sim_at(s, 10 * USEC_PER_SEC, OWNER_HOST, h->index, start_hawd, 0, 0);
}

void fault_heal(struct sim *s) {
        sim_trace(s, NULL, "all faults end");
        s->n_ambushes = 0;
        s->peace = true;
        for (size_t i = 0; i < s->n_hosts; i++)
                heal_host(s, &s->hosts[i]);
        totem_changed(s);
}

static void due(struct sim *s, const struct call *c) {
        fault_apply(s, (const struct fault *)(uintptr_t)c->a);
}

void fault_plan(struct sim *s, const struct fault *faults, size_t n) {
        for (size_t i = 0; i < n; i++)
                sim_at(s, s->zero + faults[i].at - s->now, OWNER_WORLD, -1, due,
                       (uint64_t)(uintptr_t)&faults[i], 0);
}

/* ---- as text ---- */

static const struct {
        const char *verb, *what;
} words[FAULT_KIND_MAX_] = {
        [FAULT_POWER_OFF] = {"power", " off"},
        [FAULT_POWER_ON] = {"power", " on"},
        [FAULT_POWER_RESET] = {"power", " reset"},
        [FAULT_NET_CUT] = {"network", " cut"},
        [FAULT_NET_RESTORE] = {"network", " restore"},
        [FAULT_MGMT_CUT] = {"mgmt", " cut"},
        [FAULT_MGMT_RESTORE] = {"mgmt", " restore"},
        [FAULT_FREEZE] = {"freeze", ""},
        [FAULT_THAW] = {"thaw", ""},
        [FAULT_HAWD_START] = {"daemon", " start"},
        [FAULT_HAWD_STOP] = {"daemon", " stop"},
        [FAULT_LIBVIRT_HANG] = {"libvirt", " hang"},
        [FAULT_LIBVIRT_RESUME] = {"libvirt", " resume"},
        [FAULT_LIBVIRT_RESTART] = {"libvirt", " restart"},
        [FAULT_SHUTDOWN] = {"shutdown", ""},
        [FAULT_REBOOT] = {"reboot", ""},
};

void fault_text(const struct sim_conf *c, const struct fault *f, char *buf, size_t size) {
        static const char *const bmc[] = {"alive", "dead", "lie", "slow", "none"};
        static const char *const disk[] = {"ok", "slow", "full"};
        const char *host = f->host >= 0 ? c->hosts[f->host].name : "";
        const char *guest = f->guest >= 0 ? c->guests[f->guest].name : "";

        switch (f->kind) {
        case FAULT_NET_SPLIT:
                text_fmt(buf, size, "network split %#" PRIx64, f->arg);
                break;
        case FAULT_LIBVIRT_SLOW:
                text_fmt(buf, size, "libvirt %s %s", host, f->arg ? "slow" : "fast");
                break;
        case FAULT_BMC:
                text_fmt(buf, size, "bmc %s %s", host, bmc[f->arg]);
                break;
        case FAULT_DISK:
                text_fmt(buf, size, "disk %s %s", host, disk[f->arg]);
                break;
        case FAULT_GUEST_CRASH:
        case FAULT_GUEST_SHUTDOWN:
                text_fmt(buf, size, "guest %s %s", guest,
                         f->kind == FAULT_GUEST_CRASH ? "crash" : "shutdown");
                break;
        case FAULT_REQUEST:
                text_fmt(buf, size, "%s %s%s%s%s", verb_name((enum verb)f->arg), guest,
                         guest[0] && host[0] ? " " : "", host, f->name);
                break;
        case FAULT_AMBUSH:
                ambush_text(f->arg, buf, size);
                break;
        case FAULT_CONFIRM_TRUE:
                text_fmt(buf, size, "fence confirm %s (if it is off)", host);
                break;
        case FAULT_HAWD_KILL:
        case FAULT_RING_KILL:
                text_fmt(buf, size, "%s %s kill", f->kind == FAULT_RING_KILL ? "ring" : "daemon",
                         host);
                if (f->arg)
                        text_fmt(buf + strlen(buf), size - strlen(buf),
                                 " (back after %" PRIu64 " ms)", f->arg);
                break;
        default:
                text_fmt(buf, size, "%s %s%s", words[f->kind].verb, host, words[f->kind].what);
        }
}
