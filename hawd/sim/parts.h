/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the simulator call of each other. Internal.
 */
#pragma once

#include "hawd/sim/sim.h"

/* power.c */
void power_on(struct sim *s, struct sim_host *h);
void power_off(struct sim *s, struct sim_host *h);
void power_freeze(struct sim *s, struct sim_host *h);
void power_thaw(struct sim *s, struct sim_host *h);
/* One process stopped by a signal, and continued. */
void hawd_freeze(struct sim *s, struct sim_host *h);
void hawd_thaw(struct sim *s, struct sim_host *h);
void corosync_freeze(struct sim *s, struct sim_host *h);
void corosync_thaw(struct sim *s, struct sim_host *h);

/* node.c: the hawd process of a host */
void node_start(struct sim *s, struct sim_host *h);
void node_kill(struct sim *s, struct sim_host *h);
void node_stop(struct sim *s, struct sim_host *h, bool restart); /* orderly */
void node_feed(struct sim *s, struct sim_host *h, struct event *ev);
void node_rest(struct sim *s, struct sim_host *h); /* what it was stopped in the middle of */
void node_config(struct sim *s, struct sim_host *h, uint64_t variant); /* a hawd.conf of its own */
const struct config *node_conf(const struct sim *s, const struct sim_host *h);

/* totem.c, totem_form.c */
void corosync_start(struct sim *s, struct sim_host *h);
void corosync_kill(struct sim *s, struct sim_host *h);
void totem_changed(struct sim *s); /* a link, corosync or host came, went, froze or thawed */
void totem_cut(struct sim *s, struct sim_host *h); /* before its link goes */
void totem_join(struct sim *s, struct sim_host *h);
void totem_send(struct sim *s, struct sim_host *h, struct msg *m); /* takes the reference */
void totem_leave(struct sim *s, struct sim_host *h);               /* its hawd is gone */
void totem_rejoin(struct sim *s, struct sim_host *h); /* its hawd leaves the group and joins anew */
void totem_resume(struct sim *s, struct sim_host *h);
bool totem_reachable(const struct sim_host *a, const struct sim_host *b);
void totem_receive(struct sim *s, struct sim_host *h, const struct ring_item *it);
void totem_token(struct sim *s, struct sim_host *h, usec_t delay);
void totem_push_group(struct sim *s, struct sim_host *h);
struct inbox_item *totem_push(struct sim *s, struct sim_host *h);
struct totem *totem_conf_unref(struct totem *c);
void totem_form(struct sim *s, uint32_t comp);
void totem_enter_late(struct sim *s, const struct call *c);
void totem_forget_entering(struct sim_host *h);

/* votes.c: votequorum */
void votes_boot(struct sim *s, struct sim_host *h);
void votes_ring(struct sim *s, struct sim_host *h); /* it has entered h->cs.conf */
void votes_say(struct sim *s, struct sim_host *h);
void votes_listed(struct sim *s, struct sim_host *h); /* it has loaded another nodelist */

/* nodelist.c: corosync.conf, changed while it runs */
void nodelist_set(struct sim *s, struct sim_host *h, bool listed);
void nodelist_tell(struct sim *s, struct sim_host *h); /* to its hawd */
bool nodelist_has(const struct sim *s, const struct sim_host *h);

/* disk.c */
void disk_persist(struct sim *s, struct sim_host *h, struct persist *p); /* takes it */
void disk_crash(struct sim *s, struct sim_host *h);
void disk_lose(struct sim *s, struct sim_host *h); /* nothing is on it; its hawd is dead */
struct state *disk_load(struct sim_host *h);       /* NULL: virgin; the caller's reference */
uint64_t disk_version(const struct disk *st);
void disk_free(struct disk *st);

/* qemu.c: the QEMU processes, and what libvirt tells of them */
void qemu_start(struct sim *s, struct sim_host *h, int g, bool by_person);
void qemu_end(struct sim *s, struct sim_host *h, int g, enum end_why why);
void qemu_pause(struct sim *s, struct sim_host *h, int g, bool pause);
void qemu_tell(struct sim *s, struct sim_host *h, int g);
void qemu_tell_healthy(struct sim *s, struct sim_host *h);
void qemu_seen(const struct sim *s, const struct sim_host *h, int g, struct domain_seen *ret);
int qemu_where(const struct sim *s, int g, int from); /* next host >= @from with a live copy, -1 */

/* ill.c: guests that fail though their QEMU is there */
struct fault;
void ill_fault(struct sim *s, const struct fault *f);
void ill_resumed(struct sim *s, struct sim_host *h, int g);
void ill_boots(struct sim *s, struct sim_host *h, int g);
void ill_storage(struct sim *s, struct sim_host *h, bool lost);

/* virtd.c: libvirtd and hawd's workers */
void virtd_job(struct sim *s, struct sim_host *h, const struct action *a);
void virtd_cancel(struct sim *s, struct sim_host *h, uint64_t id);
void virtd_connect(struct sim *s, struct sim_host *h, usec_t delay);
void virtd_hawd_gone(struct sim *s, struct sim_host *h);
void virtd_hang(struct sim *s, struct sim_host *h);
void virtd_resume(struct sim *s, struct sim_host *h);
void virtd_restart(struct sim *s, struct sim_host *h);
void virtd_power_off(struct sim *s, struct sim_host *h);

/* virtd_job.c: what hawd's workers ask of it */
void virtd_report(struct sim *s, struct sim_host *h, struct lv_job *j, enum job_result r);
void virtd_effect(struct sim *s, const struct call *c); /* a: seq of the job */
enum job_result virtd_start(struct sim *s, struct sim_host *h, const struct lv_job *j);
/** virtd_by_person() - root starts guest @g on @h with virsh. */
void virtd_by_person(struct sim *s, struct sim_host *h, int g);
void virtd_job_remove(struct sim_host *h, uint64_t seq);

/* bmc.c: hawd-fence and what it talks to */
void bmc_begin(struct sim *s, struct sim_host *h, const struct action *a);
void bmc_cancel(struct sim *s, struct sim_host *h, uint64_t id);
void bmc_hawd_gone(struct sim_host *h);
void bmc_set(struct sim *s, struct sim_host *h, int device, enum bmc_mode mode);
/** bmc_may_switch_off() - the host of a hawd-fence begun before that could still do so, or NULL. */
const struct sim_host *bmc_may_switch_off(const struct sim *s, int target, usec_t before);

/* ambush.c */
void ambush_look(struct sim *s, const struct sim_host *h, const struct action *a);
void ambush_set(struct sim *s, uint64_t arg); /* when | how << 8 | skip << 16 | usec << 24 */
void ambush_text(uint64_t arg, char *buf, size_t size);
int ambush_parse(const char *how, const char *when, const char *skip, const char *within,
                 uint64_t *ret, char *err);

/* dog.c: the watchdog of a host */
void dog_act(struct sim *s, struct sim_host *h, const struct action *a);
void dog_hawd_starts(struct sim *s, struct sim_host *h);
/** dog_hawd_gone() - @for_good: systemd does not start it again, and keeps nothing. */
void dog_hawd_gone(struct sim *s, struct sim_host *h, bool for_good);
void dog_power_off(struct sim_host *h);

/* copies.c: replicas of guests' disks */
void copies_begin(struct sim *s);
void copies_act(struct sim *s, struct sim_host *h, const struct action *a);
void copies_hawd_starts(struct sim *s, struct sim_host *h);
/** copies_final() - hawd is about to end @g in good order on @h */
void copies_final(struct sim *s, struct sim_host *h, int g);
/** copies_promote() - the copy becomes the disk. Return: false: there is none. */
bool copies_promote(struct sim *s, struct sim_host *h, int g, uint32_t serial);
/** copies_sees_disk() - has @h the disks of @g at all? */
bool copies_sees_disk(struct sim *s, const struct sim_host *h, int g);
void copies_fault(struct sim *s, const struct fault *f);

/* people.c */
struct sim_request *people_new(struct sim *s, enum verb verb, const char *guest, const char *host);
void people_send(struct sim *s, uint64_t id); /* to a host that decides; retried as it says */
void people_reply(struct sim *s, uint64_t id, enum reply_code code, const char *text);
struct sim_request *people_find(struct sim *s, uint64_t id);

/* truth.c, truth_guest.c, truth_end.c: what is true against what was promised */
struct truth *truth_new(void);
struct truth *truth_free(struct truth *k);
void truth_core(struct sim *s, struct sim_host *h); /* after each step of it */
void truth_stored(struct sim *s, const struct sim_host *h, uint64_t version, uint64_t print);
void truth_switch_off(struct sim *s, struct sim_host *by, int target); /* before power goes */
void truth_guests(struct sim *s, struct sim_host *h);
void truth_start(struct sim *s, struct sim_host *h, int g);   /* before hawd really starts it */
void truth_kill(struct sim *s, struct sim_host *by, int g);   /* before hawd ends a running guest */
void truth_group(struct sim *s, struct sim_host *h);          /* that of its hawd has changed */
void truth_decides(struct sim *s, const struct sim_host *by); /* something, with its group */
void truth_decided(struct sim *s, const struct sim_host *by, const struct msg *said);
void truth_heartbeat(struct sim *s, const struct sim_host *h); /* it has got one */
void truth_loss_accepted(struct sim *s); /* what only absent ones have stored is given up */
void truth_disk(struct sim *s, struct sim_host *h, int g);   /* before hawd really starts it */
void truth_copied(struct sim *s, struct sim_host *h, int g); /* from @h, before it begins */
void truth_rogue(struct sim *s, const char *guest); /* the ledger says that one was stopped */
/** truth_settled() - L1, L2, L3 hold now; what does not is named in @why of SIM_VIOLATION_LEN. */
bool truth_settled(struct sim *s, char *promise, char *why);

/* snaps.c: the guests' disks, and jobs on them */
bool snaps_start(struct sim *s, struct sim_host *h, const struct lv_job *j); /* false: it fails */
void snaps_runs(struct sim *s, struct sim_host *h, int g, bool by_person);
void snaps_ends(struct sim *s, struct sim_host *h, int g);
enum job_result snaps_take(struct sim *s, struct sim_host *h, const struct lv_job *j);
enum job_result snaps_delete(struct sim *s, struct sim_host *h, const struct lv_job *j);
/** snaps_check() - what the newest ledger has of them is there, as it was (S8) */
void snaps_check(struct sim *s, int g, const struct guest *mg);
void snaps_free(struct sim_guest *g);
