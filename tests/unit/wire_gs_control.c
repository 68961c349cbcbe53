/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "core/wire/gs_control.h"
#include "tests/unit/hex.h"

static int parse_hex(struct pf_gs_ctl *out, enum pf_gs_origin origin, const char *hex)
{
	static uint8_t buf[256];

	return pf_gs_ctl_parse(out, origin, buf, hex_bytes(hex, buf, sizeof(buf)));
}

/* Builds to exactly these bytes, and they parse to the same message. */
static void check(const struct pf_gs_ctl *m, const char *hex)
{
	enum pf_gs_origin origin = pf_gs_ctl_origin(m->kind);
	uint8_t want[256], got[256], again[256];
	size_t len = hex_bytes(hex, want, sizeof(want));
	struct pf_gs_ctl back;

	assert_int_equal(pf_gs_ctl_build(m, got, sizeof(got)), len);
	assert_memory_equal(got, want, len);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(pf_gs_ctl_build(m, got, cap), -ENOBUFS);
	assert_int_equal(pf_gs_ctl_parse(&back, origin, want, len), 0);
	assert_int_equal(back.kind, m->kind);
	assert_int_equal(pf_gs_ctl_build(&back, again, sizeof(again)), len);
	assert_memory_equal(again, want, len);
	/* No shorter form but the old termination's. */
	for (size_t n = 0; n < len; n++)
		assert_int_equal(pf_gs_ctl_parse(&back, origin, want, n), -EPROTO);
	/* The length must be the payload's. */
	want[2]++;
	assert_int_equal(pf_gs_ctl_parse(&back, origin, want, len), -EPROTO);
	want[2]--;
	want[3]++;
	assert_int_equal(pf_gs_ctl_parse(&back, origin, want, len), -EPROTO);
}

static void client_messages(void **state)
{
	struct pf_gs_ctl m = { .kind = PF_GS_CTL_IDR_REQUEST };

	check(&m, "0203 0200 0000");
	m.kind = PF_GS_CTL_START;
	check(&m, "0703 0100 00");
	m.kind = PF_GS_CTL_PING;
	check(&m, "0002 0800 0400 000000000000");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_INVALIDATE, .invalidate = { 60, 0x01020304 } };
	check(&m, "0103 1800 3c000000 00000000 04030201 00000000 0000000000000000");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_LTR_ACK, .ltr_ack = { 0x01020304 } };
	check(&m, "5003 0800 04030201 00000000");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_LOSS_STATS, .loss_stats = { 0x0102030405 } };
	check(&m, "0102 2000 00000000 32000000 e8030000 0504030201000000 00000000 00000000"
		  "14000000");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_FEC_STATUS,
		.fec_status = { 0x01020304, 0x1112, 0x1314, 0x1516, 0x1718, 0x191a, 0x1b1c, 0x1d1e,
			20, 1, 4 } };
	check(&m, "0255 1500 01020304 1112 1314 1516 1718 191a 1b1c 1d1e 14 01 04");
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT,
				 "0255 1500 01020304 1112 1314 1516 1718 191a 1b1c 1d1e 14 01 04"),
		0);
	assert_int_equal(m.kind, PF_GS_CTL_FEC_STATUS);
	assert_int_equal(m.fec_status.frame, 0x01020304);
	assert_int_equal(m.fec_status.parity_received, 0x1d1e);
	assert_int_equal(m.fec_status.block_count, 4);
}

static void input_is_handed_on(void **state)
{
	static const char hex[] = "0602 0900 00000005 08000000 01";
	uint8_t buf[64];
	size_t len = hex_bytes(hex, buf, sizeof(buf));
	struct pf_gs_ctl m;

	assert_int_equal(pf_gs_ctl_parse(&m, PF_GS_FROM_CLIENT, buf, len), 0);
	assert_int_equal(m.kind, PF_GS_CTL_INPUT);
	assert_ptr_equal(m.input.data, buf + 4);
	assert_int_equal(m.input.len, 9);
	check(&m, hex);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT, "0602 0700 00000003 080000"), -EPROTO);
	m.input.len = 7;
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m.input.len = PF_GS_CTL_MSG_MAX - PF_GS_CTL_HEAD_BYTES + 1;
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
}

static void host_messages(void **state)
{
	struct pf_gs_ctl m = { .kind = PF_GS_CTL_RUMBLE, .rumble = { 3, 0x1122, 0xffff } };

	check(&m, "0b01 0a00 00000000 0300 2211 ffff");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_TRIGGER_RUMBLE,
		.trigger_rumble = { 15, 0x0102, 0x0304 } };
	check(&m, "0055 0600 0f00 0201 0403");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_MOTION_REQUEST,
		.motion_request = { 1, 100, PF_GS_MOTION_GYRO } };
	check(&m, "0155 0500 0100 6400 02");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_LED, .led = { 2, 1, 2, 0xff } };
	check(&m, "0255 0500 0200 01 02 ff");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_ADAPTIVE_TRIGGERS,
		.adaptive_triggers = { 0, PF_GS_TRIGGER_LEFT | PF_GS_TRIGGER_RIGHT, 0x21, 0x26,
			"abcdefghij", "0123456789" } };
	check(&m, "0355 1900 0000 0c 21 26 6162636465666768696a 30313233343536373839");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_HDR,
		.hdr = { true, { { 34000, 16000 }, { 13250, 34500 }, { 7500, 3000 } },
			{ 15635, 16450 }, 1000, 50, 999, 400, 300 } };
	check(&m, "0e01 1b00 01 d084 803e c233 c486 4c1d b80b 133d 4240 e803 3200 e703 9001 2c01");
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_TERMINATION,
		.termination = { PF_GS_TERM_NORMAL } };
	check(&m, "0901 0400 80030023");
}

static void termination_has_an_old_form(void **state)
{
	struct pf_gs_ctl m;

	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0901 0200 0001"), 0);
	assert_int_equal(m.termination.code, 0x0100);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0901 0300 800300"), -EPROTO);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0901 0100 80"), -EPROTO);
}

static void directions_do_not_mix(void **state)
{
	struct pf_gs_ctl m;

	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0255 0500 0200 01 02 ff"), 0);
	assert_int_equal(m.kind, PF_GS_CTL_LED);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT, "0255 0500 0200 01 02 ff"), -EPROTO);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0203 0200 0000"), -ENOTSUP);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT, "0901 0400 80030023"), -ENOTSUP);
	/* Other generations and other hosts' extensions. */
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT, "0503 0200 0000"), -ENOTSUP);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT, "0030 0400 00000000"), -ENOTSUP);
	for (int k = 0; k < PF_GS_CTL_KINDS; k++) {
		assert_int_equal(pf_gs_ctl_origin((enum pf_gs_ctl_kind)k),
			k < PF_GS_CTL_RUMBLE ? PF_GS_FROM_CLIENT : PF_GS_FROM_HOST);
		assert_true(strlen(pf_gs_ctl_kind_to_string((enum pf_gs_ctl_kind)k)) > 1);
	}
	assert_string_equal(pf_gs_ctl_kind_to_string(PF_GS_CTL_KINDS), "?");
}

static void refused_values_leave_the_output_alone(void **state)
{
	uint8_t buf[64];
	struct pf_gs_ctl m = { .kind = PF_GS_CTL_PING };

	/* Last before first. */
	assert_int_equal(parse_hex(&m, PF_GS_FROM_CLIENT,
				 "0103 1800 05000000 00000000 04000000 00000000 0000000000000000"),
		-EPROTO);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0255 0500 1000 01 02 ff"), -EPROTO);
	assert_int_equal(parse_hex(&m, PF_GS_FROM_HOST, "0155 0500 0100 6400 03"), -EPROTO);
	assert_int_equal(m.kind, PF_GS_CTL_PING);

	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_INVALIDATE, .invalidate = { 2, 1 } };
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_RUMBLE, .rumble = { .pad = 16 } };
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_TRIGGER_RUMBLE, .trigger_rumble = { .pad = 16 } };
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_ADAPTIVE_TRIGGERS,
		.adaptive_triggers = { .pad = 16 } };
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_MOTION_REQUEST };
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
	m = (struct pf_gs_ctl){ .kind = PF_GS_CTL_KINDS };
	assert_int_equal(pf_gs_ctl_build(&m, buf, sizeof(buf)), -EINVAL);
}

static void packets_on_their_way_are_not_lost(void **state)
{
	struct pf_gs_ctl m = { .kind = PF_GS_CTL_FEC_STATUS };

	(void)state;
	/* Rebuilt from 48 + 2 of 50 + 10: two of those before the newest are missing. */
	m.fec_status.data_total = 50;
	m.fec_status.parity_total = 10;
	m.fec_status.data_received = 48;
	m.fec_status.parity_received = 2;
	m.fec_status.missing_before_highest = 2;
	assert_int_equal(pf_gs_ctl_fec_lost(&m), 2);
	/* Given up with 45 of them. */
	m.fec_status.data_received = 43;
	assert_int_equal(pf_gs_ctl_fec_lost(&m), 15);
	m.fec_status.missing_before_highest = 16;
	assert_int_equal(pf_gs_ctl_fec_lost(&m), -EPROTO);
	m.fec_status.data_received = UINT16_MAX;
	m.fec_status.parity_received = UINT16_MAX;
	assert_int_equal(pf_gs_ctl_fec_lost(&m), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_on_their_way_are_not_lost),
		cmocka_unit_test(client_messages),
		cmocka_unit_test(input_is_handed_on),
		cmocka_unit_test(host_messages),
		cmocka_unit_test(termination_has_an_old_form),
		cmocka_unit_test(directions_do_not_mix),
		cmocka_unit_test(refused_values_leave_the_output_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
