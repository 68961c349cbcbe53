/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/base/clock.h"
#include "tools/impair/options.h"

#define BASE "--listen", "127.0.0.2:9777", "--to", "127.0.0.1:9777"

static int parse(struct pf_impair_options *o, struct pf_reason *why, const char *const *args)
{
	char text[16][128] = { "pf-impair" };
	char *argv[17] = { text[0] };
	int argc = 1;

	for (; args[argc - 1]; argc++) {
		snprintf(text[argc], sizeof(text[argc]), "%s", args[argc - 1]);
		argv[argc] = text[argc];
	}
	return pf_impair_options_parse(o, argc, argv, why);
}
#define PARSE(o, why, ...) parse(o, why, (const char *const[]){ __VA_ARGS__, NULL })

static void rules_reach_the_directions_named(void **state)
{
	struct pf_impair_options o;
	const struct pf_impair_rules *up = &o.rules[PF_IMPAIR_UP], *down = &o.rules[PF_IMPAIR_DOWN];

	assert_int_equal(PARSE(&o, NULL, BASE, "--loss", "down:2%", "--delay", "5ms", "--jitter",
				 "up:800us:normal:0", "--burst", "1%:10%:70%:0.1%"),
		0);
	assert_true(up->loss == 0 && down->loss == 0.02);
	assert_int_equal(up->delay_ns, 5 * PF_NS_PER_MS);
	assert_int_equal(down->delay_ns, 5 * PF_NS_PER_MS);
	assert_int_equal(up->jitter_ns, 800000);
	assert_int_equal(up->jitter, PF_IMPAIR_NORMAL);
	assert_int_equal(up->jitter_slot_ns, 0);
	assert_int_equal(down->jitter_ns, 0);
	assert_true(up->burst_enter == 0.01 && up->burst_leave == 0.1);
	assert_true(down->burst_loss_bad == 0.7 && down->burst_loss_good == 0.001);
	assert_int_equal(o.seed, 1);
	assert_int_equal(o.run_ns, 0);

	assert_int_equal(
		PARSE(&o, NULL, BASE, "--rate", "down:20mbit:64k", "--reorder", "0.01:7ms", "--mtu",
			"1400", "--seed", "18446744073709551615", "--seconds", "1.5"),
		0);
	assert_int_equal(down->rate_bps, 20000000);
	assert_int_equal(down->queue_bytes, 64000);
	assert_int_equal(up->rate_bps, 0);
	assert_true(up->reorder == 0.01);
	assert_int_equal(up->reorder_ns, 7 * PF_NS_PER_MS);
	assert_int_equal(up->mtu_bytes, 1400);
	assert_true(o.seed == UINT64_MAX);
	assert_int_equal(o.run_ns, 1500000000);

	assert_int_equal(PARSE(&o, NULL, BASE, "--rate", "8mbit", "--jitter", "1ms"), 0);
	assert_int_equal(down->queue_bytes, 100000); /* 100 ms */
	assert_int_equal(down->jitter_slot_ns, 20 * PF_NS_PER_MS);
}

static void maps_take_ranges_and_both_families(void **state)
{
	struct pf_impair_options o;
	char text[64];

	assert_int_equal(PARSE(&o, NULL, "--map", "127.0.0.2:5000-5003=10.0.0.1:7000-7003", "--map",
				 "[::1]:0=[::1]:9", "--only", "5001", "--only", "0"),
		0);
	assert_int_equal(o.map_count, 5);
	assert_string_equal(
		pf_impair_addr_to_string(&o.maps[2].listen, text, sizeof(text)), "127.0.0.2:5002");
	assert_string_equal(
		pf_impair_addr_to_string(&o.maps[3].to, text, sizeof(text)), "10.0.0.1:7003");
	assert_string_equal(
		pf_impair_addr_to_string(&o.maps[4].listen, text, sizeof(text)), "[::1]:0");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(o.maps[i].rough, i == 1 || i == 4);
	assert_int_equal(PARSE(&o, NULL, BASE, "--from", "127.0.0.3"), 0);
	assert_true(o.has_from && o.maps[0].rough);
}

static void nonsense_is_refused_with_words(void **state)
{
	static const char *const bad[][2] = {
		{ "--loss", "2" },
		{ "--loss", "-1%" },
		{ "--loss", "101%" },
		{ "--loss", "nan" },
		{ "--loss", "" },
		{ "--loss", "1%:2%" },
		{ "--delay", "5" },
		{ "--delay", "5m" },
		{ "--delay", "61s" },
		{ "--jitter", "1ms:square" },
		{ "--jitter", "1ms:normal:1ms:1" },
		{ "--burst", "1%" },
		{ "--reorder", "1%:x" },
		{ "--rate", "20" },
		{ "--rate", "0mbit" },
		{ "--rate", "1e30mbit" },
		{ "--rate", "1mbit:0" },
		{ "--mtu", "0" },
		{ "--mtu", "70000" },
		{ "--seed", "-1" },
		{ "--seed", "18446744073709551616" },
		{ "--seconds", "x" },
		{ "--only", "1" },
		{ "--only", "65536" },
		{ "--from", "::1" },
		{ "--from", "localhost" },
		{ "--map", "127.0.0.1:1" },
		{ "--map", "127.0.0.1:1=127.0.0.1:0" },
		{ "--map", "127.0.0.1:1-3=127.0.0.1:1-2" },
		{ "--map", "127.0.0.1:3-1=127.0.0.1:3-1" },
		{ "--map", "127.0.0.1:1-65=127.0.0.1:1-65" },
		{ "--map", "127.0.0.1:0-2=127.0.0.1:1-3" },
		{ "--map", "127.0.0.1:65536=127.0.0.1:1" },
		{ "--map", "127.0.0.1:1=[::1]:1" },
		{ "--map", "[::1:1=[::1]:1" },
		{ "--map", "=" },
		{ "--speed", "1" },
		{ "--help=1", "x" },
	};
	struct pf_impair_options o;
	struct pf_reason why;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why = (struct pf_reason){ 0 };
		if (PARSE(&o, &why, BASE, bad[i][0], bad[i][1]) != -EINVAL)
			fail_msg("%s %s was taken", bad[i][0], bad[i][1]);
		assert_int_not_equal(why.text[0], 0);
	}
	assert_int_equal(PARSE(&o, &why, "--loss", "1%"), -EINVAL);
	assert_int_equal(PARSE(&o, &why, "--to", "127.0.0.1:1"), -EINVAL);
	assert_int_equal(PARSE(&o, &why, BASE, "--loss"), -EINVAL);
	assert_int_equal(PARSE(&o, &why, BASE, "more"), -EINVAL);
	assert_int_equal(PARSE(&o, &why, "--help"), 0);
	assert_true(o.help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_reach_the_directions_named),
		cmocka_unit_test(maps_take_ranges_and_both_families),
		cmocka_unit_test(nonsense_is_refused_with_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
