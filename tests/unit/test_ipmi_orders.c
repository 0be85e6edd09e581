/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: fence */
/*
 * What the ipmi driver asks of a BMC (S3): down and up, never a cycle; and power is what the
 * chassis status says. libfreeipmi's calls are taken over here: no session is opened.
 */
#include <arpa/inet.h>
#include <freeipmi/freeipmi.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fencing/driver.h"
#include "fencing/guard.h"
#include "tests/unit/unit.h"

static unsigned opened, sent[8], n_sent;
static uint64_t power = 1;
static int refuse;

int ipmi_ctx_open_outofband_2_0(ipmi_ctx_t ctx, const char *hostname, const char *username,
                                const char *password, const unsigned char *k_g,
                                unsigned int k_g_len, uint8_t privilege_level,
                                uint8_t cipher_suite_id, unsigned int session_timeout,
                                unsigned int retransmission_timeout, unsigned int workaround_flags,
                                unsigned int flags) {
        (void)ctx, (void)hostname, (void)username, (void)password, (void)k_g, (void)k_g_len;
        (void)privilege_level, (void)cipher_suite_id, (void)session_timeout;
        (void)retransmission_timeout, (void)workaround_flags, (void)flags;
        opened++;
        return 0;
}

int ipmi_cmd_chassis_control(ipmi_ctx_t ctx, uint8_t chassis_control, fiid_obj_t obj_cmd_rs) {
        (void)ctx, (void)obj_cmd_rs;
        ck_assert_uint_lt(n_sent, ARRAY_SIZE(sent));
        sent[n_sent++] = chassis_control;
        return refuse;
}

int ipmi_cmd_get_chassis_status(ipmi_ctx_t ctx, fiid_obj_t obj_cmd_rs) {
        (void)ctx;
        ck_assert_int_eq(fiid_obj_set(obj_cmd_rs, "current_power_state.power_is_on", power), 0);
        return refuse;
}

/* Somebody listens at the address: the driver looks whether the network says otherwise. */
static struct fence_handle open_driver(void) {
        static struct conf_device device = {
                .name = "bmc1", .address = "127.0.0.1", .user = "u", .cipher_suite = -1};
        static const struct fence_target target = {.device = &device, .secret = "s"};
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct fence_handle h;
        struct fence_error err;

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        device.port = ntohs(at.sin_port);
        ck_assert_int_eq(fence_open(&fence_driver_ipmi, &target, &h, &err), 0);
        return h;
}

static usec_t soon(void) {
        return guard_now() + 20 * USEC_PER_SEC;
}

START_TEST(down_and_up_and_never_a_cycle) {
        struct fence_handle h = open_driver();
        struct fence_error err = {0};

        ck_assert_int_eq(fence_send(&h, soon(), FENCE_ORDER_OFF, &err), 0);
        ck_assert_int_eq(fence_send(&h, soon(), FENCE_ORDER_ON, &err), 0);
        ck_assert_uint_eq(n_sent, 2);
        ck_assert_uint_eq(sent[0], IPMI_CHASSIS_CONTROL_POWER_DOWN);
        ck_assert_uint_eq(sent[1], IPMI_CHASSIS_CONTROL_POWER_UP);
        ck_assert_uint_eq(opened, 1);
        fence_close(&h);
}
END_TEST

START_TEST(power_is_what_the_status_says) {
        struct fence_handle h = open_driver();
        enum fence_power p = FENCE_POWER_UNKNOWN;
        struct fence_error err = {0};

        ck_assert_int_eq(fence_read(&h, soon(), &p, &err), 0);
        ck_assert_int_eq(p, FENCE_POWER_ON);
        power = 0;
        ck_assert_int_eq(fence_read(&h, soon(), &p, &err), 0);
        ck_assert_int_eq(p, FENCE_POWER_OFF);
        ck_assert_uint_eq(n_sent, 0);
        p = FENCE_POWER_UNKNOWN;
        refuse = -1; /* whatever stands in the answer */
        ck_assert_int_gt(fence_read(&h, soon(), &p, &err), 0);
        ck_assert_int_eq(p, FENCE_POWER_UNKNOWN);
        fence_close(&h);
}
END_TEST

static Suite *ipmi_orders_suite(void) {
        Suite *s = suite_create("ipmi_orders");
        TCase *tc = unit_case(s, "orders");

        tcase_add_test(tc, down_and_up_and_never_a_cycle);
        tcase_add_test(tc, power_is_what_the_status_says);
        return s;
}

UNIT_MAIN(ipmi_orders_suite)
