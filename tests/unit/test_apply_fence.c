/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: fence jobs, devices, and what counts as proof (S2, S3).
 */
#include "hawd/core/apply.h"
#include "tests/unit/ledger_fixture.h"

/* node1..3, bmc2 can prove, "web" ran on node2, which is lost. */
static uint32_t lost_with_guest(struct led *l) {
        uint32_t gid;

        led_open(l, 3);
        led_device(l, "bmc2", 2);
        gid = led_running(l, "web", 2);
        led_lose(l, 2);
        return gid;
}

START_TEST(start_needs_lost_and_its_number) {
        struct led l;

        led_open(&l, 3);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_OFF, "bmc2"), 0); /* online */
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_FENCE_START, .host = 2, .loss = 0, .executor = 1,
                  .devices = {"bmc2"}, .n_devices = 1);
        UNCHANGED(&l, .kind = OP_FENCE_START, .host = 2, .loss = 1, .executor = 1);
        UNCHANGED(&l, .kind = OP_FENCE_START, .host = 2, .loss = 1, .executor = 1,
                  .host_version = H(&l, 2)->version - 1, .devices = {"bmc2"}, .n_devices = 1);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0); /* not off */
        ck_assert_uint_ne(led_fence(&l, 2, FENCE_OFF, "bmc2"), 0);
        ck_assert_int_eq(H(&l, 2)->state, HOST_FENCING);
        ck_assert_uint_eq(H(&l, 2)->fence_tries, 1);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_OFF, "bmc2"), 0); /* one at a time */
        ck_assert_uint_eq(l.m.n_fence_jobs, 1);
        led_close(&l);
}
END_TEST

START_TEST(proven_off_ends_the_claim) {
        struct led l;
        uint32_t gid = lost_with_guest(&l);

        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_DEVICES);
        ck_assert(H(&l, 2)->power_on_wanted);
        ck_assert_uint_eq(l.m.n_fence_jobs, 0);
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        ck_assert_uint_ne(led_incident(&l, G(&l, gid)->incident)->at[STEP_FENCED], 0);
        CHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        led_close(&l);
}
END_TEST

/* Two BMCs whose addresses were exchanged read on, both: only their GUIDs tell. */
static const struct {
        const char *dmi1, *dmi2, *guid; /* of node1, node2 and bmc2 */
        const char *other;              /* the host that bmc2 is known to switch */
} guids[] = {
#define UUID_A "00112233-4455-6677-8899-aabbccddeeff"
#define UUID_B "4c4c4544-0031-3510-8052-b4c04f4a3732"
        {UUID_A, UUID_B, UUID_A, "node1"},
        {"00112233-4455-6677-8899-AABBCCDDEEFF", UUID_B, UUID_A, "node1"},
        {UUID_A, UUID_B, "33221100-5544-7766-8899-aabbccddeeff", "node1"}, /* as in DMI's table */
        {UUID_A, UUID_B, "ffeeddcc-bbaa-9988-7766-554433221100", "node1"}, /* backwards */
        {UUID_A, UUID_B, UUID_B, NULL},                                    /* its own */
        {UUID_A, UUID_A, UUID_A, NULL}, /* a board of which all are alike */
        {UUID_A, UUID_B, "", NULL},
        {"", "", UUID_A, NULL},
        {"", "", "", NULL},
        {UUID_A, UUID_B, "11111111-1111-1111-1111-111111111111", NULL}, /* made up by the BMC */
};

START_TEST(device_of_another_machine_is_not_used) {
        const char *const names[] = {"bmc2"};
        struct config *config = xcalloc(1, sizeof(*config));
        struct ladder_step step;
        char why[TEXT_LEN];
        struct led l;
        bool good = !guids[_i].other;

        config_defaults(config);
        config->devices[config->n_devices++] = (struct conf_device){
                .name = "bmc2", .host = "node2", .level = 1, .timeout_usec = USEC_PER_SEC};
        lost_with_guest(&l);
        text_set(H(&l, 1)->facts.dmi, UUID_LEN, guids[_i].dmi1);
        text_set(H(&l, 2)->facts.dmi, UUID_LEN, guids[_i].dmi2);
        text_set(l.m.devices[0].guid, UUID_LEN, guids[_i].guid);
        ck_assert_int_eq(devices_prove(&l.m, 2, names, 1, why, sizeof(why)), good);
        if (!good) {
                ck_assert_str_eq(device_of_other(&l.m, &l.m.devices[0])->name, guids[_i].other);
                ck_assert_ptr_nonnull(strstr(why, "bmc2 switches node1"));
        }
        CHANGED(&l, .kind = OP_FENCE_REQUEST, .host = 2, .text = "ann"); /* and not by force */
        ck_assert_int_eq(level_to_try(&l.m, config, H(&l, 2), 0, &step, why, sizeof(why)) == 0,
                         good);
        free(config);
        led_close(&l);
}
END_TEST

static const char *noted(const struct led *l) {
        return l->a.n ? l->a.rows[l->a.n - 1].note.text : "";
}

START_TEST(device_that_becomes_another_is_told) {
        struct led l;

        led_open(&l, 3);
        text_set(H(&l, 1)->facts.dmi, UUID_LEN, UUID_A);
        APPLY(&l, .kind = OP_DEVICE_SEEN, .host = 2, .name = "bmc2", .executor = 3,
              .reading = READING_ON, .settings = 5, .guid = UUID_B);
        ck_assert_ptr_nonnull(strstr(noted(&l), "bmc2 of node2, read by node3: answers"));
        APPLY(&l, .kind = OP_DEVICE_SEEN, .host = 2, .name = "bmc2", .executor = 3,
              .reading = READING_ON, .settings = 5, .guid = UUID_A);
        ck_assert_ptr_nonnull(strstr(noted(&l), "switches another host"));
        APPLY(&l, .kind = OP_DEVICE_SEEN, .host = 2, .name = "bmc2", .executor = 1,
              .reading = READING_NONE, .settings = 6,
              .text = "no answer"); /* given another address */
        ck_assert(!l.m.devices[0].seen_on);
        ck_assert_str_eq(l.m.devices[0].guid, "");
        led_close(&l);
}
END_TEST

/* S3: what timed out, failed, or still reads on, is not off. */
static const enum fence_result no_proof[] = {FENCE_IS_ON, FENCE_FAILED, FENCE_CANCELLED};

START_TEST(anything_else_is_no_proof) {
        struct led l;
        uint32_t gid = lost_with_guest(&l);

        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), no_proof[_i]);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_NONE);
        ck_assert_str_eq(H(&l, 2)->fence_error, "what was read");
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_uint_eq(l.m.n_fence_jobs, 0);
        UNCHANGED(&l, .kind = OP_GUEST_START, .gid = gid, .host = 3);
        led_close(&l);
}
END_TEST

START_TEST(device_never_seen_on_proves_nothing) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        gid = led_running(&l, "web", 2);
        led_lose(&l, 2);
        led_device(&l, "bmc2", 2); /* read as on, but its host was not in the ring any more */
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_ptr_nonnull(strstr(H(&l, 2)->fence_error, "never seen to read on"));
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "unknown"), FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_close(&l);
}
END_TEST

START_TEST(distrusted_device_proves_nothing) {
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc2", 2);
        APPLY(&l, .kind = OP_DEVICE_SEEN, .name = "bmc2", .host = 2, .executor = 1,
              .reading = READING_OFF);
        ck_assert(!model_device(&l.m, "bmc2")->distrusted); /* once is not sure */
        APPLY(&l, .kind = OP_DEVICE_SEEN, .name = "bmc2", .host = 2, .executor = 1,
              .reading = READING_OFF, .flag = true);
        ck_assert(model_device(&l.m, "bmc2")->distrusted);
        ck_assert(led_noted(&l, NOTE_DEVICE));
        led_lose(&l, 2);
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_ptr_nonnull(
                strstr(H(&l, 2)->fence_error, "read off while node2 was in the ring"));
        led_online(&l, 2);
        led_device(&l, "bmc2", 2); /* reads on again while its host is there */
        ck_assert(!model_device(&l.m, "bmc2")->distrusted);
        led_close(&l);
}
END_TEST

/* All devices of the level must be able to prove: one that cannot spoils it. */
START_TEST(every_device_of_the_level_counts) {
        struct led l;

        led_open(&l, 3);
        led_device(&l, "psu-a", 2);
        led_lose(&l, 2);
        APPLY(&l, .kind = OP_FENCE_START, .host = 2, .loss = 1, .executor = 1,
              .devices = {"psu-a", "psu-b"}, .n_devices = 2);
        led_fenced(&l, l.m.fence_jobs[0].id, FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_ptr_nonnull(strstr(H(&l, 2)->fence_error, "psu-b"));
        led_close(&l);
}
END_TEST

START_TEST(device_given_to_another_host_starts_anew) {
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc", 2);
        ck_assert(model_device(&l.m, "bmc")->seen_on);
        APPLY(&l, .kind = OP_DEVICE_SEEN, .name = "bmc", .host = 3, .executor = 1,
              .reading = READING_NONE, .text = "no answer");
        ck_assert_uint_eq(model_device(&l.m, "bmc")->host, 3);
        ck_assert(!model_device(&l.m, "bmc")->seen_on);
        ck_assert(!model_device(&l.m, "bmc")->reachable);
        ck_assert_str_eq(model_device(&l.m, "bmc")->error, "no answer");
        led_close(&l);
}
END_TEST

/* S2: a job counts for its loss only. */
START_TEST(job_of_an_older_loss_never_counts) {
        struct led l;
        uint32_t gid = lost_with_guest(&l);
        uint64_t job = led_fence(&l, 2, FENCE_OFF, "bmc2");

        led_join(&l, 2);
        ck_assert(model_fence_job(&l.m, job)->cancelling);
        led_lose(&l, 2); /* loss 2, and the job of loss 1 is still open */
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_OFF, "bmc2"), 0);
        led_fenced(&l, job, FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_NONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_uint_eq(l.m.n_fence_jobs, 0);
        ck_assert_uint_ne(led_fence(&l, 2, FENCE_OFF, "bmc2"), 0);
        led_close(&l);
}
END_TEST

/* The same without the call-off: the number alone is enough. */
START_TEST(the_number_alone_refuses_it) {
        struct led l;
        uint32_t gid = lost_with_guest(&l);
        uint64_t job = led_fence(&l, 2, FENCE_OFF, "bmc2");

        H(&l, 2)->losses++;
        led_fenced(&l, job, FENCE_PROVEN_OFF);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_NONE);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_close(&l);
}
END_TEST

/* S3: online only when every open job has ended, as its executor says. */
START_TEST(back_but_not_online_before_its_fencing_ended) {
        struct led l;
        uint64_t job;

        lost_with_guest(&l);
        job = led_fence(&l, 2, FENCE_OFF, "bmc2");
        led_join(&l, 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_JOINING);
        ck_assert(led_noted(&l, NOTE_FENCE_CANCEL));
        CHANGED(&l, .kind = OP_HOST_REPORT, .host = 2, .incarnation = INCARNATION(2));
        UNCHANGED(&l, .kind = OP_HOST_ONLINE, .host = 2);
        UNCHANGED(&l, .kind = OP_FENCE_DONE, .job = job, .host = 2, .executor = 3, .loss = 1,
                  .fence_result = FENCE_CANCELLED); /* not its executor */
        led_fenced(&l, job, FENCE_CANCELLED);
        CHANGED(&l, .kind = OP_HOST_ONLINE, .host = 2);
        led_close(&l);
}
END_TEST

START_TEST(result_of_a_cancelled_job_proves_nothing) {
        struct led l;
        uint32_t gid = lost_with_guest(&l);
        uint64_t job = led_fence(&l, 2, FENCE_OFF, "bmc2");

        led_join(&l, 2);
        led_fenced(&l, job, FENCE_PROVEN_OFF);
        ck_assert(led_noted(&l, NOTE_FENCE_CANCEL));
        ck_assert_int_eq(H(&l, 2)->state, HOST_JOINING);
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        ck_assert_uint_eq(l.m.n_fence_jobs, 0);
        led_close(&l);
}
END_TEST

START_TEST(result_counts_once) {
        struct led l;
        uint64_t job;

        lost_with_guest(&l);
        job = led_fence(&l, 2, FENCE_OFF, "bmc2");
        led_fenced(&l, job, FENCE_FAILED);
        UNCHANGED(&l, .kind = OP_FENCE_DONE, .job = job, .host = 2, .executor = 1, .loss = 1,
                  .fence_result = FENCE_PROVEN_OFF);
        led_close(&l);
}
END_TEST

START_TEST(close_ends_a_job_without_proof) {
        struct led l;
        uint64_t job;

        lost_with_guest(&l);
        job = led_fence(&l, 2, FENCE_OFF, "bmc2");
        UNCHANGED(&l, .kind = OP_FENCE_CLOSE, .job = job + 1, .host = 2);
        CHANGED(&l, .kind = OP_FENCE_CLOSE, .job = job, .host = 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert_str_eq(H(&l, 2)->fence_error, "node1 was lost while it fenced");
        ck_assert_uint_eq(l.m.guests[0].claims, 1u << 1);
        UNCHANGED(&l, .kind = OP_FENCE_DONE, .job = job, .host = 2, .executor = 1, .loss = 1,
                  .fence_result = FENCE_PROVEN_OFF);
        led_close(&l);
}
END_TEST

START_TEST(wait_says_why) {
        struct led l;

        led_open(&l, 2);
        UNCHANGED(&l, .kind = OP_FENCE_WAIT, .host = 2, .text = "no device"); /* online */
        led_lose(&l, 2);
        UNCHANGED(&l, .kind = OP_FENCE_WAIT, .host = 2, .host_version = 1, .text = "no device");
        CHANGED(&l, .kind = OP_FENCE_WAIT, .host = 2, .text = "no device");
        ck_assert_str_eq(H(&l, 2)->fence_error, "no device");
        ck_assert(led_noted(&l, NOTE_FENCE_WAIT));
        led_close(&l);
}
END_TEST

START_TEST(confirm_is_proof_of_a_lost_host_only) {
        struct led l;
        uint32_t gid;
        uint64_t job;

        led_open(&l, 3);
        led_device(&l, "bmc2", 2);
        gid = led_running(&l, "web", 2);
        UNCHANGED(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        led_lose(&l, 2);
        job = led_fence(&l, 2, FENCE_OFF, "bmc2");
        CHANGED(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_OPERATOR);
        ck_assert_str_eq(H(&l, 2)->proof_text, "confirmed by ann");
        ck_assert_uint_eq(G(&l, gid)->claims, 0);
        /* Its fencing is called off, and nobody switches it on before that has ended. */
        ck_assert(model_fence_job(&l.m, job)->cancelling);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        led_fenced(&l, job, FENCE_CANCELLED);
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        ck_assert_uint_ne(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        led_close(&l);
}
END_TEST

/* A proof is for one loss: the next one needs its own. */
START_TEST(proof_does_not_outlive_its_loss) {
        struct led l;
        uint32_t gid;

        led_open(&l, 3);
        led_lose(&l, 2);
        APPLY(&l, .kind = OP_FENCE_CONFIRM, .host = 2, .text = "ann");
        led_online(&l, 2);
        gid = led_running(&l, "web", 2);
        led_lose(&l, 2);
        ck_assert_int_eq(H(&l, 2)->proof, PROOF_NONE);
        ck_assert_str_eq(H(&l, 2)->proof_text, "");
        ck_assert_uint_eq(G(&l, gid)->claims, 1u << 1);
        led_close(&l);
}
END_TEST

START_TEST(request_makes_it_lost_and_keeps_it_out) {
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc2", 2);
        CHANGED(&l, .kind = OP_FENCE_REQUEST, .host = 2, .text = "ann");
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert(H(&l, 2)->fence_forced);
        UNCHANGED(&l, .kind = OP_HOST_JOIN, .host = 2, .incarnation = 12345);
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_FAILED);
        UNCHANGED(&l, .kind = OP_HOST_JOIN, .host = 2, .incarnation = 12345);
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        ck_assert(!H(&l, 2)->fence_forced);
        CHANGED(&l, .kind = OP_HOST_JOIN, .host = 2, .incarnation = 12345);
        led_close(&l);
}
END_TEST

START_TEST(request_needs_something_to_fence) {
        struct led l;

        led_open(&l, 2);
        APPLY(&l, .kind = OP_HOST_ADD, .host = 3, .name = "node3");
        UNCHANGED(&l, .kind = OP_FENCE_REQUEST, .host = 3, .text = "ann");
        ck_assert_int_eq(l.a.code, REPLY_USAGE);
        led_lose(&l, 2);
        CHANGED(&l, .kind = OP_FENCE_REQUEST, .host = 2, .text = "ann"); /* forced from now on */
        ck_assert_uint_eq(H(&l, 2)->losses, 1);
        led_close(&l);
}
END_TEST

START_TEST(power_on_ends_by_reading_on) {
        struct led l;

        led_open(&l, 2);
        led_device(&l, "bmc2", 2);
        led_lose(&l, 2);
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF);
        led_fenced(&l, led_fence(&l, 2, FENCE_ON, "bmc2"), FENCE_FAILED);
        ck_assert(H(&l, 2)->power_on_wanted);
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        led_fenced(&l, led_fence(&l, 2, FENCE_ON, "bmc2"), FENCE_IS_ON);
        ck_assert(H(&l, 2)->power_on_wanted); /* once more, later: a late off may still come */
        led_fenced(&l, led_fence(&l, 2, FENCE_ON, "bmc2"), FENCE_IS_ON);
        ck_assert(!H(&l, 2)->power_on_wanted);
        ck_assert_int_eq(H(&l, 2)->state, HOST_OFF);
        led_close(&l);
}
END_TEST

static void reads_off(struct led *l, const char *device) {
        struct op op = {.kind = OP_DEVICE_SEEN,
                        .host = 2,
                        .executor = 1,
                        .reading = READING_OFF,
                        .flag = true};

        text_set(op.name, sizeof(op.name), device);
        led_apply(l, op);
}

/* Called off, and yet its off came: hawd's own is distrusted only until it reads on again. */
START_TEST(own_off_that_came_late_is_switched_on_again) {
        struct led l;

        lost_with_guest(&l);
        led_device(&l, "psu2", 2);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        l.wall += 60 * USEC_PER_SEC;
        led_fence(&l, 2, FENCE_OFF, "bmc2");
        led_online(&l, 2);
        led_fenced(&l, l.m.fence_jobs[0].id, FENCE_CANCELLED);
        led_online(&l, 2);
        ck_assert_int_eq(H(&l, 2)->state, HOST_ONLINE);
        l.wall += 10 * USEC_PER_MINUTE;
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0); /* it does not read off */
        reads_off(&l, "bmc2");
        reads_off(&l, "psu2"); /* somebody else's */
        ck_assert(model_device(&l.m, "bmc2")->distrusted);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "psu2"), 0);
        led_fenced(&l, led_fence(&l, 2, FENCE_ON, "bmc2"), FENCE_FAILED);
        ck_assert_int_eq(H(&l, 2)->state, HOST_ONLINE);
        ck_assert_uint_eq(model_device(&l.m, "bmc2")->on_due, 2);
        led_fenced(&l, led_fence(&l, 2, FENCE_ON, "bmc2"), FENCE_IS_ON);
        led_device(&l, "bmc2", 2);
        ck_assert(!model_device(&l.m, "bmc2")->distrusted);
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        l.wall += 20 * USEC_PER_MINUTE;
        reads_off(&l, "bmc2"); /* much later: somebody else's too */
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        led_close(&l);
}
END_TEST

/* An even split's is told afterwards; of an online host only, and a loss calls it off. */
START_TEST(on_again_is_called_off_by_a_loss) {
        struct led l;

        led_open(&l, 3);
        led_device(&l, "bmc2", 2);
        CHANGED(&l, .kind = OP_DEVICE_OFF, .name = "bmc2", .host = 2);
        UNCHANGED(&l, .kind = OP_DEVICE_OFF, .name = "bmc2", .host = 3, .wall = 1);
        reads_off(&l, "bmc2");
        H(&l, 2)->state = HOST_MAINTENANCE; /* somebody works there */
        ck_assert_uint_eq(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        H(&l, 2)->state = HOST_ONLINE;
        ck_assert_uint_ne(led_fence(&l, 2, FENCE_ON, "bmc2"), 0);
        led_lose(&l, 2);
        ck_assert(l.m.fence_jobs[0].cancelling);
        led_fenced(&l, l.m.fence_jobs[0].id, FENCE_CANCELLED);
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        led_fenced(&l, led_fence(&l, 2, FENCE_OFF, "bmc2"), FENCE_PROVEN_OFF); /* distrusted */
        ck_assert_int_eq(H(&l, 2)->state, HOST_LOST);
        ck_assert(H(&l, 2)->read_off);
        led_close(&l);
}
END_TEST

static Suite *suite(void) {
        Suite *s = suite_create("apply_fence");
        TCase *tc = unit_case(s, "proof");

        tcase_add_test(tc, start_needs_lost_and_its_number);
        tcase_add_test(tc, proven_off_ends_the_claim);
        tcase_add_loop_test(tc, anything_else_is_no_proof, 0, (int)ARRAY_SIZE(no_proof));
        tcase_add_test(tc, device_never_seen_on_proves_nothing);
        tcase_add_test(tc, distrusted_device_proves_nothing);
        tcase_add_test(tc, every_device_of_the_level_counts);
        tcase_add_test(tc, device_given_to_another_host_starts_anew);
        tcase_add_loop_test(tc, device_of_another_machine_is_not_used, 0, (int)ARRAY_SIZE(guids));
        tcase_add_test(tc, device_that_becomes_another_is_told);
        tcase_add_test(tc, job_of_an_older_loss_never_counts);
        tcase_add_test(tc, the_number_alone_refuses_it);
        tcase_add_test(tc, back_but_not_online_before_its_fencing_ended);
        tcase_add_test(tc, result_of_a_cancelled_job_proves_nothing);
        tcase_add_test(tc, result_counts_once);
        tcase_add_test(tc, close_ends_a_job_without_proof);
        tcase_add_test(tc, wait_says_why);
        tcase_add_test(tc, confirm_is_proof_of_a_lost_host_only);
        tcase_add_test(tc, proof_does_not_outlive_its_loss);
        tcase_add_test(tc, request_makes_it_lost_and_keeps_it_out);
        tcase_add_test(tc, request_needs_something_to_fence);
        tcase_add_test(tc, power_on_ends_by_reading_on);
        tcase_add_test(tc, own_off_that_came_late_is_switched_on_again);
        tcase_add_test(tc, on_again_is_called_off_by_a_loss);
        return s;
}

UNIT_MAIN(suite)
