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
        if (!h->powered || sim_still(h, OWNER_HAWD))
                return;
        h->shutdown = !again;
        h->reboot = again;
        if (h->core) {
                node_stop(s, h, false);
        } else {
                power_off(s, h);
                if (again)
                        power_on(s, h);
        }
}

/* ---- guests and people ---- */

static void guest_fault(struct sim *s, const struct fault *f) {
        static const enum end_why why[FAULT_KIND_MAX_] = {
                [FAULT_GUEST_CRASH] = END_FAILED,
                [FAULT_GUEST_SHUTDOWN] = END_GUEST_SHUTDOWN,
                [FAULT_GUEST_DESTROY] = END_DESTROYED,
        };
        int at = qemu_where(s, f->guest, 0);

        if (at < 0 || s->hosts[at].frozen || s->hosts[at].lv.dom[f->guest].state != SEEN_RUNNING)
                return;
        if (f->kind != FAULT_GUEST_CRASH)
                s->guests[f->guest].wish_unclear = true;
        qemu_end(s, &s->hosts[at], f->guest, why[f->kind]);
}

static bool of_snapshot(uint64_t verb) {
        return verb == VERB_SNAP_TAKE || verb == VERB_SNAP_DELETE || verb == VERB_SNAP_ROLLBACK;
}

static void ask(struct sim *s, const struct fault *f) {
        struct sim_request *r = people_new(s, (enum verb)f->arg,
                                           f->guest >= 0 ? s->conf->guests[f->guest].name : "",
                                           f->host >= 0 ? s->conf->hosts[f->host].name : "");

        if (f->arg == VERB_ACCEPT_LOSS)
                truth_loss_accepted(s);
        text_set(of_snapshot(f->arg) ? r->rq.snapshot : r->rq.rule, NAME_LEN, f->name);
        if (f->guest >= 0 && f->arg != VERB_GUEST_RECOVER && f->arg != VERB_REPLICA_PROMOTE &&
            f->arg != VERB_REPLICA_FORCE && f->arg != VERB_REPLICA_RESYNC && !of_snapshot(f->arg))
                s->guests[f->guest].wish_unclear = true;
        if (f->arg == VERB_REPLICA_FORCE)
                s->guests[f->guest].forced = true;
        people_send(s, r->id);
}

static void confirm_true(struct sim *s, const struct fault *f) {
        struct sim_request *r;

        if (s->hosts[f->host].powered)
                return;
        s->stats.confirms++;
        r = people_new(s, VERB_FENCE_CONFIRM, "", s->conf->hosts[f->host].name);
        r->only_true = true;
        r->until = s->now;
        people_send(s, r->id);
}

/* ---- hosts ---- */

static void set_bmc(struct sim *s, struct sim_host *h, uint64_t arg) {
        uint64_t which = arg >> 8;

        for (int k = 0; k < SIM_DEVICES; k++)
                if (which == 0 || which == (uint64_t)k + 1)
                        bmc_set(s, h, k, (enum bmc_mode)(arg & 0xff));
}

static void pull(struct sim *s, struct sim_host *h) {
        for (int k = 0; k < SIM_DEVICES; k++)
                h->bmc[k].no_power = true;
        power_off(s, h);
}

static void ring_fault(struct sim *s, struct sim_host *h, const struct fault *f) {
        switch (f->kind) {
        case FAULT_NET_CUT:
                totem_cut(s, h);
                /* fall through */
        case FAULT_NET_RESTORE:
                h->net = f->kind == FAULT_NET_CUT ? h->index + 1 : 0;
                totem_changed(s);
                break;
        case FAULT_RING_FREEZE:
                corosync_freeze(s, h);
                break;
        case FAULT_RING_THAW:
                corosync_thaw(s, h);
                break;
        case FAULT_RING_LATE:
                s->stats.late_rings++;
                h->cs.late_until = s->now + f->arg * USEC_PER_MSEC;
                break;
        default:
                assert(false);
        }
}

static void disk_fault(struct sim *s, struct sim_host *h, const struct fault *f) {
        if (f->kind == FAULT_DISK) {
                h->store.disk = (enum disk_mode)f->arg;
                return;
        }
        if (h->core)
                kill_process(s, h, false, f->arg);
        disk_lose(s, h);
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
        case FAULT_POWER_PULL:
                pull(s, h);
                break;
        case FAULT_MGMT_CUT:
        case FAULT_MGMT_RESTORE:
                h->mgmt_cut = f->kind == FAULT_MGMT_CUT;
                break;
        case FAULT_WATCHDOG:
                if (!h->powered)
                        break;
                power_off(s, h);
                power_on(s, h);
                break;
        case FAULT_FREEZE:
                power_freeze(s, h);
                break;
        case FAULT_THAW:
                power_thaw(s, h);
                break;
        case FAULT_BMC:
                set_bmc(s, h, f->arg);
                break;
        case FAULT_CLOCK:
                s->stats.clock_steps++;
                h->wall_step += (int64_t)f->arg * (int64_t)USEC_PER_MSEC;
                break;
        case FAULT_CONFIG:
                node_config(s, h, f->arg);
                break;
        case FAULT_NODE_ADD:
        case FAULT_NODE_REMOVE:
                nodelist_set(s, h, f->kind == FAULT_NODE_ADD);
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
        case FAULT_HAWD_RESTART:
                if (!h->hawd_still)
                        node_stop(s, h, f->kind == FAULT_HAWD_RESTART);
                break;
        case FAULT_HAWD_FREEZE:
                hawd_freeze(s, h);
                break;
        case FAULT_HAWD_THAW:
                hawd_thaw(s, h);
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
        case FAULT_GUEST_ROGUE:
                virtd_by_person(s, h, f->guest);
                break;
        default:
                assert(false);
        }
}

static void health_fault(struct sim_host *h, enum fault_kind kind) {
        static const enum ill ills[] = {ILL_STORAGE, ILL_UPLINK, ILL_MEMORY, ILL_SENSORS};

        if (kind == FAULT_WELL)
                h->ills = 0;
        else if (kind < FAULT_WELL_STORAGE)
                h->ills |= ILL_BIT(ills[kind - FAULT_ILL_STORAGE]);
        else
                h->ills &= ~ILL_BIT(ills[kind - FAULT_WELL_STORAGE]);
}

/* ---- for a time ---- */

static void undo(struct sim *s, const struct call *c) {
        struct fault f = {.kind = (enum fault_kind)c->a, .host = c->host, .guest = -1};

        fault_apply(s, &f);
}

static void undo_later(struct sim *s, const struct fault *f) {
        static const enum fault_kind by[FAULT_KIND_MAX_] = {
                [FAULT_NET_CUT] = FAULT_NET_RESTORE,
                [FAULT_FREEZE] = FAULT_THAW,
                [FAULT_HAWD_FREEZE] = FAULT_HAWD_THAW,
                [FAULT_RING_FREEZE] = FAULT_RING_THAW,
                [FAULT_LIBVIRT_HANG] = FAULT_LIBVIRT_RESUME,
                [FAULT_STORAGE_LOSE] = FAULT_STORAGE_RESTORE,
                [FAULT_ILL_STORAGE] = FAULT_WELL_STORAGE,
                [FAULT_ILL_UPLINK] = FAULT_WELL_UPLINK,
                [FAULT_ILL_MEMORY] = FAULT_WELL_MEMORY,
                [FAULT_REPLICA_CUT] = FAULT_REPLICA_RESTORE,
                [FAULT_ILL_SENSORS] = FAULT_WELL_SENSORS,
        };

        if (f->arg && by[f->kind])
                sim_at(s, f->arg * USEC_PER_MSEC, OWNER_WORLD, f->host, undo, (uint64_t)by[f->kind],
                       0);
}

void fault_apply(struct sim *s, const struct fault *f) {
        struct sim_host *h = f->host >= 0 ? &s->hosts[f->host] : NULL;
        char text[256];

        fault_text(s->conf, f, text, sizeof(text));
        sim_trace(s, NULL, "DO %s", text);
        undo_later(s, f);
        switch (f->kind) {
        case FAULT_NET_SPLIT:
                split(s, f->arg);
                break;
        case FAULT_TOKEN_LATE:
                s->stats.late_rings++;
                s->token_until = s->now + f->arg * USEC_PER_MSEC;
                break;
        case FAULT_GUEST_CRASH:
        case FAULT_GUEST_SHUTDOWN:
        case FAULT_GUEST_DESTROY:
                guest_fault(s, f);
                break;
        case FAULT_GUEST_HANG ... FAULT_GUEST_LOOP:
                ill_fault(s, f);
                break;
        case FAULT_STORAGE_LOSE:
        case FAULT_STORAGE_RESTORE:
                ill_storage(s, h, f->kind == FAULT_STORAGE_LOSE);
                break;
        case FAULT_ILL_STORAGE ... FAULT_WELL:
                health_fault(h, f->kind);
                break;
        case FAULT_REPLICA_KILL:
        case FAULT_REPLICA_CUT:
        case FAULT_REPLICA_RESTORE:
                copies_fault(s, f);
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
        case FAULT_HEAL:
                fault_heal(s);
                break;
        case FAULT_NET_CUT:
        case FAULT_NET_RESTORE:
        case FAULT_RING_FREEZE:
        case FAULT_RING_THAW:
        case FAULT_RING_LATE:
                ring_fault(s, h, f);
                break;
        case FAULT_DISK:
        case FAULT_DISK_LOST:
                disk_fault(s, h, f);
                break;
        case FAULT_HAWD_KILL ... FAULT_RING_KILL:
        case FAULT_LIBVIRT_HANG ... FAULT_LIBVIRT_RESTART:
        case FAULT_GUEST_ROGUE:
                process_fault(s, h, f);
                break;
        default:
                host_fault(s, h, f);
        }
}

static void heal_host(struct sim *s, struct sim_host *h) {
        h->net = 0;
        h->dark = false;
        h->mgmt_cut = false;
        for (int k = 0; k < SIM_DEVICES; k++) {
                bmc_set(s, h, k, BMC_OK);
                h->bmc[k].outlet_off = h->bmc[k].no_power = false;
        }
        h->store.disk = DISK_OK;
        h->storage_lost = h->copies_cut = false;
        h->ills = 0;
        h->cs.late_until = 0;
        if (h->config)
                node_config(s, h, 0);
        h->reboot = h->reboot || h->shutdown;
        h->shutdown = false;
        power_thaw(s, h);
        hawd_thaw(s, h);
        corosync_thaw(s, h);
        if (h->lv.hung || h->lv.slow)
                virtd_restart(s, h);
        if (!nodelist_has(s, h))
                return;
        if (!h->powered)
                power_on(s, h);
        else if (!h->core || h->stopping)
                sim_at(s, 10 * USEC_PER_SEC, OWNER_HOST, h->index, start_hawd, 0, 0);
}

void fault_heal(struct sim *s) {
        sim_trace(s, NULL, "all faults end");
        s->n_ambushes = 0;
        s->token_until = 0;
        s->peace = true;
        for (size_t g = 0; g < s->n_guests; g++)
                s->guests[g].loop_until = 0;
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
