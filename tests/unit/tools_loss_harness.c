/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/rng.h"
#include "tools/loss-harness/real.h"

/* P(more than m of n lost) independently: the binomial distribution. */
static double binomial_tail(uint32_t n, uint32_t m, double p)
{
	double sum = 0;

	for (uint32_t j = m + 1; j <= n; j++)
		sum += exp(lgamma(n + 1.0) - lgamma(j + 1.0) - lgamma(n - j + 1.0) + j * log(p) +
			   (n - j) * log1p(-p));
	return sum;
}

/* docs: field.md's table of what four blocks lose against one. */
static void exact_is_the_binomial_distribution(void **state)
{
	static const double losses[] = { 0.005, 0.02, 0.1, 0.15 };
	static const struct pf_lh_plan plans[] = {
		{ .blocks = 1, .k = { 1 }, .m = { 2 } },
		{ .blocks = 1, .k = { 15 }, .m = { 3 } },
		{ .blocks = 1, .k = { 520 }, .m = { 52 } },
		{ .blocks = 2, .k = { 30, 29 }, .m = { 6, 6 } },
		{ .blocks = 4, .k = { 212, 212, 212, 212 }, .m = { 43, 43, 43, 43 } },
		{ .blocks = 1, .k = { 40 }, .m = { 0 } },
	};

	for (unsigned i = 0; i < 6; i++)
		for (unsigned l = 0; l < 4; l++) {
			struct pf_lh_channel c = { losses[l], 1 };
			double good = 1, exact = pf_lh_exact(&plans[i], &c);

			for (uint32_t b = 0; b < plans[i].blocks; b++)
				good *= 1 - binomial_tail(plans[i].k[b] + plans[i].m[b],
						    plans[i].m[b], losses[l]);
			assert_true(fabs(exact - (1 - good)) <= 1e-6 * (1 - good) + 1e-12);
		}
}

/* One packet, no parity: lost as often as packets are. Two packets of one burst. */
static void exact_knows_bursts(void **state)
{
	struct pf_lh_plan one = { .blocks = 1, .k = { 1 } };
	struct pf_lh_plan three = { .blocks = 1, .k = { 1 }, .m = { 2 } };
	struct pf_lh_plan halves = { .blocks = 2, .k = { 1, 1 } };
	struct pf_lh_channel c = { 0.1, 4 };

	assert_true(fabs(pf_lh_exact(&one, &c) - 0.1) < 1e-12);
	/* all three lost: it begins bad and stays so twice, 3/4 each */
	assert_true(fabs(pf_lh_exact(&three, &c) - 0.1 * 0.75 * 0.75) < 1e-12);
	/* the chain goes on from block to block: both come if the first does and no burst
	 * begins, enter = 0.1 / 4 / 0.9 */
	assert_true(fabs(pf_lh_exact(&halves, &c) - (1 - 0.9 * (1 - 0.1 / 3.6))) < 1e-12);
}

static void traces_have_the_loss_and_bursts_that_they_should(void **state)
{
	static const struct pf_lh_channel channels[] = { { 0.02, 1 }, { 0.2, 1 }, { 0.05, 3 },
		{ 0.02, 8 } };
	struct pf_lh_trace t = { 0 }, again = { 0 };

	for (unsigned i = 0; i < 4; i++) {
		uint64_t lost = 0, first = 0, bursts = 0, whole = 0;
		double rate, length, want = channels[i].burst;

		for (unsigned f = 0; f < 40000; f++) {
			assert_int_equal(pf_lh_trace_make(&t, &channels[i], rng_seed(), f, 200), 0);
			lost += pf_lh_trace_lost(&t, 0, 200);
			first += pf_lh_trace_lost(&t, 0, 1);
			/* those that lie inside: neither begun before nor cut */
			for (uint32_t b = 0; b < t.count; b++)
				if (t.bursts[b].first) {
					bursts++;
					whole += t.bursts[b].count;
				}
		}
		rate = (double)lost / (40000 * 200.0);
		length = (double)whole / (double)bursts;
		if (want < 1 / (1 - channels[i].loss))
			want = 1 / (1 - channels[i].loss);
		assert_true(fabs(rate / channels[i].loss - 1) < 0.03);
		assert_true(fabs((double)first / 40000 / channels[i].loss - 1) < 0.2);
		assert_true(fabs(length / want - 1) < 0.03);
	}
	/* seed and frame say it all, however many packets are asked for */
	assert_int_equal(pf_lh_trace_make(&t, &channels[2], 7, 3, 100), 0);
	assert_int_equal(pf_lh_trace_make(&again, &channels[2], 7, 3, 900), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(pf_lh_trace_lost(&t, i, 1), pf_lh_trace_lost(&again, i, 1));
	/* counted one by one */
	for (uint32_t arrivals = 1; arrivals < 300; arrivals += 7) {
		uint32_t at = 5, came = 0, lost = 0;

		while (came < arrivals) {
			uint32_t is = pf_lh_trace_lost(&again, at++, 1);

			lost += is;
			came += !is;
		}
		assert_int_equal(pf_lh_trace_lost_before(&again, 5, arrivals), lost);
	}
	pf_lh_trace_finish(&t);
	pf_lh_trace_finish(&again);
}

static const struct pf_lh_scheme *scheme(const char *name)
{
	for (uint32_t i = 0; i < PF_LH_SCHEMES; i++)
		if (!strcmp(pf_lh_schemes[i].name, name))
			return &pf_lh_schemes[i];
	fail_msg("no scheme %s", name);
	return NULL;
}

/* Frames counted agree with what is computed, within five standard errors. */
static void counting_agrees_with_computing(void **state)
{
	static const struct pf_lh_point points[] = { { { 0.05, 1 }, 15 }, { { 0.1, 1 }, 520 },
		{ { 0.02, 8 }, 520 }, { { 0.05, 3 }, 60 }, { { 0.1, 1 }, 848 } };
	const struct pf_lh_scheme *s[] = { scheme("gf8-20"), scheme("gf16-10"), scheme("gf16-20") };
	struct pf_lh_run run = { .seed = rng_seed(), .frames = 20000, .report = 45 };

	for (unsigned i = 0; i < 5; i++) {
		struct pf_lh_result r[3];

		assert_int_equal(pf_lh_model(&run, &points[i], s, 3, r), 0);
		for (unsigned j = 0; j < 3; j++) {
			double want = r[j].exact * r[j].frames;

			assert_int_equal(r[j].frames, 20000);
			assert_true(fabs(r[j].lost - want) <= 5 * sqrt(want + 1));
		}
	}
}

/* The bars of the policy in its closed loop: of the frames at most 10^-5 at 2 % and 10^-4
 * at 5 % at every size, for at most 10 % and 15 % of parity from 120 packets up. Computed
 * for the blocks that were sent, so few frames tell. */
static void the_closed_loop_keeps_the_bars(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 6, 8, 11, 15, 22, 30, 45, 60, 90, 119, 120,
		150, 200, 300, 520, 1000, 2000, 4096 };
	const struct pf_lh_scheme *s[] = { scheme("gf16-adaptive"), scheme("gf8-adaptive") };
	struct pf_lh_run run = { .seed = rng_seed(), .frames = 4500, .warm = 7200, .report = 45 };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned five = 0; five < 2; five++) {
			struct pf_lh_point at = { { five ? 0.05 : 0.02, 1 }, sizes[i] };
			struct pf_lh_result r[2];

			if (sizes[i] > 1000)
				run.frames = run.warm = 1800;
			/* GameStream has no room for parity in larger frames */
			assert_int_equal(pf_lh_model(&run, &at, s, sizes[i] <= 520 ? 2 : 1, r), 0);
			for (unsigned j = 0; j < (sizes[i] <= 520 ? 2 : 1); j++)
				assert_true(r[j].exact <= (five ? 1e-4 : 1e-5));
			/* the mean keeps the bar; one run may take a chance for bursts */
			if (sizes[i] >= 120)
				assert_true((double)r[0].parity <=
					    (five ? 0.17 : 0.11) * (double)r[0].data);
		}
}

/* Bursts: what the estimate is worth beside a policy that is told, and one of 20 %. */
static void bursts_are_learnt(void **state)
{
	const struct pf_lh_scheme *s[] = { scheme("gf16-adaptive"), scheme("gf8-adaptive"),
		scheme("gf16-told"), scheme("gf16-20") };
	struct pf_lh_run run = { .seed = rng_seed(), .frames = 9000, .warm = 3600, .report = 45 };
	struct pf_lh_point wide = { { 0.02, 8 }, 520 }, narrow = { { 0.05, 3 }, 60 };
	struct pf_lh_result r[4];

	assert_int_equal(pf_lh_model(&run, &wide, s, 4, r), 0);
	assert_true(r[0].exact < 1e-3);
	assert_true(r[1].exact < 2e-3); /* 20 % in four blocks: 2.6e-2 */
	assert_true(r[2].exact < 1.01e-5);
	assert_true(r[0].parity < r[2].parity * 5 / 4);
	assert_int_equal(pf_lh_model(&run, &narrow, s, 4, r), 0);
	assert_true(r[3].exact > 2e-2);
	assert_true(r[0].exact < 2e-3);
	assert_true(r[1].exact < 2e-3);
	/* never more than the frame itself */
	for (unsigned j = 0; j < 3; j++)
		assert_true(r[j].parity <= r[j].data);
}

static void real_packets_fare_as_the_model_says(void **state)
{
	static const struct pf_lh_point points[] = { { { 0.1, 1 }, 1 }, { { 0.1, 1 }, 2 },
		{ { 0.15, 1 }, 15 }, { { 0.1, 5 }, 130 }, { { 0.15, 1 }, 213 }, { { 0.1, 8 }, 520 },
		{ { 0.02, 1 }, 1001 } };
	struct pf_lh_run run = { .seed = rng_seed(), .frames = 135, .report = 45 };
	uint32_t lost = 0, came = 0;

	for (unsigned i = 0; i < 7; i++)
		for (uint32_t j = 0; j < PF_LH_SCHEMES; j++) {
			struct pf_lh_real_result r;
			struct pf_reason why = { 0 };
			int err = pf_lh_real(&run, &points[i], &pf_lh_schemes[j], &r, &why);

			if (err)
				fail_msg("%s", why.text);
			assert_int_equal(r.frames, 135);
			assert_int_equal(r.different, 0);
			assert_int_equal(r.wrong, 0);
			lost += r.lost;
			came += r.frames - r.lost;
		}
	assert_true(lost > 500 && came > 500);
}

/* The program's CSV, against the same closed forms. */
static void the_program_writes_what_is_so(void **state)
{
	char dir[] = "/tmp/pf-loss-harness-XXXXXX", path[64], svg[64], command[512], line[256];
	unsigned rows = 0;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.csv", dir);
	snprintf(svg, sizeof(svg), "%s/a.svg", dir);
	snprintf(command, sizeof(command),
		"%s/tools/loss-harness/pf-loss-harness --loss 5,10 --burst 1 --packets 15,100 "
		"--schemes gf8-20,gf16-10 --frames 2000 --warm 0 --real 50 --csv %s --svg %s "
		">%s/table",
		getenv("PF_BUILD_ROOT"), path, svg, dir);
	assert_int_equal(system(command), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	while (fgets(line, sizeof(line), f)) {
		double burst, loss, exact, parity, want;
		unsigned k, m, frames, lost, real, real_lost, different, wrong;
		char name[32];

		assert_int_equal(sscanf(line, "%lf,%u,%lf,%31[^,],%u,%u,%lf,%lf,%u,%u,%u,%u",
					 &burst, &k, &loss, name, &frames, &lost, &exact, &parity,
					 &real, &real_lost, &different, &wrong),
			12);
		m = strcmp(name, "gf8-20") ? (k + 9) / 10 : k / 5;
		want = binomial_tail(k + m, m, loss / 100);
		assert_true(fabs(exact / want - 1) < 1e-3);
		assert_true(fabs(lost - 2000 * want) <= 5 * sqrt(2000 * want + 1));
		assert_true(fabs(parity - 100.0 * m / k) < 0.01);
		assert_int_equal(real, 50);
		assert_int_equal(different + wrong, 0);
		rows++;
	}
	fclose(f);
	assert_int_equal(rows, 8);
	f = fopen(svg, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_memory_equal(line, "<svg ", 5);
	fclose(f);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

static void bad_options_are_refused(void **state)
{
	static const char *const bad[] = { "--loss 0", "--loss 5,2", "--burst 0.5",
		"--packets 4097", "--schemes none", "--frames", "--packets 1,,2", "--loss nan",
		"extra" };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char command[512];

		snprintf(command, sizeof(command),
			"%s/tools/loss-harness/pf-loss-harness %s >/dev/null 2>&1",
			getenv("PF_BUILD_ROOT"), bad[i]);
		assert_int_equal(WEXITSTATUS(system(command)), 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_is_the_binomial_distribution),
		cmocka_unit_test(exact_knows_bursts),
		cmocka_unit_test(traces_have_the_loss_and_bursts_that_they_should),
		cmocka_unit_test(counting_agrees_with_computing),
		cmocka_unit_test(the_closed_loop_keeps_the_bars),
		cmocka_unit_test(bursts_are_learnt),
		cmocka_unit_test(real_packets_fare_as_the_model_says),
		cmocka_unit_test(the_program_writes_what_is_so),
		cmocka_unit_test(bad_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
