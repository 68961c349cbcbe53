/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/bench/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/cpu.h"
#include "tools/bench/peer.h"

/* One repetition lasts at least REP_NS; a row has REPS of them, hot and rotating
 * each, unless that takes longer than ROW_NS: then it has at least one per turn. */
#define REPS   56u
#define REP_NS 40000u
#define ROW_NS 250000000u

#define QUICK_REPS PF_BENCH_TURNS

#define ROWS_MAX 24u

struct row {
	char kernel[16], row[24], shape[24];
	uint32_t lost, reps;
	double us_best, us_median, us_rotating_best, us_rotating_median;
	double ratio_c, ratio_copy;  /* 0 = there is none */
	double ratio_peer[ROWS_MAX]; /* by index in peers; 0 = it has no such block */
};

struct pf_bench {
	struct pf_bench_options options;
	const struct pf_bench_peer *const *peers;
	size_t peer_count;
	struct row *rows;
	size_t count, cap;
};

/* The times of one runner, hot or rotating. */
struct series {
	uint32_t inner, reps;
	uint64_t spent_ns;
	double ns[REPS];
	double best[PF_BENCH_TURNS];
};

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "pf-bench: out of memory\n");
		exit(1);
	}
	return p;
}

struct pf_bench *pf_bench_create(
	const struct pf_bench_options *o, const struct pf_bench_peer *const *peers, size_t count)
{
	struct pf_bench *b = must(calloc(1, sizeof(*b)));

	b->options = *o;
	b->peers = peers;
	b->peer_count = count < ROWS_MAX ? count : ROWS_MAX;
	return b;
}

void pf_bench_destroy(struct pf_bench *b)
{
	if (!b)
		return;
	free(b->rows);
	free(b);
}

/* `name` is one of the list; with `head`, so is what stands before its last x. */
static bool listed(const char *list, const char *name, bool head)
{
	size_t full = strlen(name), part = full;
	const char *x = strrchr(name, 'x');

	if (!list)
		return true;
	if (head && x)
		part = (size_t)(x - name);
	while (*list) {
		size_t n = strcspn(list, ",");

		if ((n == full || n == part) && !strncmp(list, name, n))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

bool pf_bench_wants(const struct pf_bench *b, const char *kernel, const char *shape)
{
	return listed(b->options.kernels, kernel, false) && listed(b->options.shapes, shape, true);
}

bool pf_bench_wants_row(const struct pf_bench *b, const char *row)
{
	return listed(b->options.rows, row, false);
}

bool pf_bench_quick(const struct pf_bench *b)
{
	return b->options.quick;
}

const struct pf_bench_peer *pf_bench_peer_of(const struct pf_bench *b, uint32_t bits, size_t i)
{
	for (size_t n = 0; n < b->peer_count; n++)
		if (b->peers[n]->bits == bits && !i--)
			return b->peers[n];
	return NULL;
}

/* One repetition. Hot ones keep to one pattern each, so that the best of each
 * pattern is known; rotating ones go on from frame to frame. */
static void repeat(struct series *s, const struct pf_bench_runner *r, bool rotating)
{
	uint32_t turn = s->reps % PF_BENCH_TURNS;
	uint64_t from, took;
	double ns;

	if (r->prepare)
		r->prepare(r->user, turn, rotating);
	from = pf_clock_mono_ns();
	for (uint32_t i = 0; i < s->inner; i++)
		r->work(r->user, rotating ? (turn + i) % PF_BENCH_TURNS : turn, rotating);
	took = pf_clock_mono_ns() - from;
	ns = (double)took / s->inner;
	if (s->reps < PF_BENCH_TURNS || ns < s->best[turn])
		s->best[turn] = ns;
	s->ns[s->reps++] = ns;
	s->spent_ns += took;
}

/* How many calls make a repetition; also warms up. */
static uint32_t inner_of(const struct pf_bench_runner *r)
{
	uint64_t took = UINT64_MAX;

	for (uint32_t i = 0; i < 3 && took > REP_NS; i++) {
		uint64_t from, now;

		if (r->prepare)
			r->prepare(r->user, i, false);
		from = pf_clock_mono_ns();
		r->work(r->user, i, false);
		now = pf_clock_mono_ns();
		took = now - from < took ? now - from : took;
	}
	return took >= REP_NS || r->prepare ? 1 : (uint32_t)(REP_NS / (took ? took : 1)) + 1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_us(const struct series *s)
{
	double sorted[REPS];

	memcpy(sorted, s->ns, s->reps * sizeof(*sorted));
	qsort(sorted, s->reps, sizeof(*sorted), compare);
	return sorted[s->reps / 2] / 1e3;
}

/* With patterns the mean of their bests: the easiest one must not stand for all. */
static double best_us(const struct series *s, bool patterns)
{
	uint32_t n = s->reps < PF_BENCH_TURNS ? s->reps : PF_BENCH_TURNS;
	double least = s->best[0], sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		least = s->best[i] < least ? s->best[i] : least;
		sum += s->best[i];
	}
	return (patterns ? sum / n : least) / 1e3;
}

static void time_all(const struct pf_bench *b, const struct pf_bench_case *c,
	const struct pf_bench_runner *all, size_t count, bool rotating, struct series *out)
{
	const uint32_t reps = b->options.quick ? QUICK_REPS : REPS;

	for (size_t i = 0; i < count; i++)
		out[i] = (struct series){ .inner = inner_of(&all[i]) };
	for (uint32_t r = 0; r < reps; r++)
		for (size_t i = 0; i < count; i++)
			if (r < PF_BENCH_TURNS || out[i].spent_ns < ROW_NS)
				repeat(&out[i], &all[i], rotating);
}

static struct row *new_row(struct pf_bench *b)
{
	if (b->count == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 256;
		b->rows = must(realloc(b->rows, b->cap * sizeof(*b->rows)));
	}
	b->rows[b->count] = (struct row){ 0 };
	return &b->rows[b->count++];
}

static double over(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static void print_ratio(double ratio)
{
	if (ratio > 0)
		printf(ratio < 0.1 ? " %8.4f" : " %8.3f", ratio);
	else
		printf(" %8s", "-");
}

static void print_head(const struct pf_bench *b, const struct pf_bench_case *c)
{
	printf("%s %s", c->kernel, c->shape);
	if (c->lost)
		printf(", %u lost", c->lost);
	printf("\n  %-16s %10s %10s %10s %10s %8s %8s", "", "best us", "median", "rotating",
		"median", "x c", "x copy");
	for (size_t n = 0; n < b->peer_count; n++)
		printf(" %8s", b->peers[n]->name);
	printf("\n");
}

static void print_row(const struct pf_bench *b, const struct row *r)
{
	printf("  %-16s %10.3f %10.3f", r->row, r->us_best, r->us_median);
	if (r->us_rotating_best > 0)
		printf(" %10.3f %10.3f", r->us_rotating_best, r->us_rotating_median);
	else
		printf(" %10s %10s", "-", "-");
	print_ratio(r->ratio_c);
	print_ratio(r->ratio_copy);
	for (size_t n = 0; n < b->peer_count; n++)
		print_ratio(r->ratio_peer[n]);
	printf("\n");
}

void pf_bench_measure(struct pf_bench *b, const struct pf_bench_case *c,
	const struct pf_bench_runner *runners, size_t count)
{
	struct pf_bench_runner all[ROWS_MAX + 1];
	struct series *hot = must(calloc(ROWS_MAX + 1, sizeof(*hot)));
	struct series *cold = must(calloc(ROWS_MAX + 1, sizeof(*cold)));
	double plain = 0, copy, peer[ROWS_MAX] = { 0 };

	if (count > ROWS_MAX)
		count = ROWS_MAX;
	memcpy(all, runners, count * sizeof(*all));
	all[count] = (struct pf_bench_runner){ .work = c->copy, .user = c->copy_user };
	time_all(b, c, all, count + 1, false, hot);
	if (!c->one_frame)
		time_all(b, c, all, count + 1, true, cold);
	copy = best_us(&hot[count], false);
	for (size_t i = 0; i < count; i++) {
		if (all[i].plain)
			plain = best_us(&hot[i], c->patterns);
		for (size_t n = 0; all[i].peer && n < b->peer_count; n++)
			if (!strcmp(b->peers[n]->name, strchr(all[i].row, ':') + 1))
				peer[n] = best_us(&hot[i], c->patterns);
	}
	print_head(b, c);
	for (size_t i = 0; i < count; i++) {
		struct row *r = new_row(b);

		snprintf(r->kernel, sizeof(r->kernel), "%s", c->kernel);
		snprintf(r->row, sizeof(r->row), "%s", all[i].row);
		snprintf(r->shape, sizeof(r->shape), "%s", c->shape);
		r->lost = c->lost;
		r->reps = hot[i].reps;
		r->us_best = best_us(&hot[i], c->patterns);
		r->us_median = median_us(&hot[i]);
		if (!c->one_frame) {
			r->us_rotating_best = best_us(&cold[i], false);
			r->us_rotating_median = median_us(&cold[i]);
		}
		r->ratio_c = over(r->us_best, plain);
		r->ratio_copy = over(r->us_best, copy);
		for (size_t n = 0; n < b->peer_count; n++)
			r->ratio_peer[n] = over(r->us_best, peer[n]);
		print_row(b, r);
	}
	fflush(stdout);
	free(hot);
	free(cold);
}

size_t pf_bench_count(const struct pf_bench *b)
{
	return b->count;
}

static void write_number(FILE *f, const char *key, double v)
{
	if (v > 0)
		fprintf(f, ",\"%s\":%.6g", key, v);
	else
		fprintf(f, ",\"%s\":null", key);
}

static void write_row(const struct pf_bench *b, FILE *f, const struct row *r)
{
	const char *between = "";

	fprintf(f, "{\"kernel\":\"%s\",\"row\":\"%s\",\"shape\":\"%s\",\"lost\":%u", r->kernel,
		r->row, r->shape, r->lost);
	write_number(f, "us_best", r->us_best);
	write_number(f, "us_median", r->us_median);
	write_number(f, "ratio_c", r->ratio_c);
	write_number(f, "ratio_copy", r->ratio_copy);
	write_number(f, "us_rotating_best", r->us_rotating_best);
	write_number(f, "us_rotating_median", r->us_rotating_median);
	fprintf(f, ",\"reps\":%u,\"ratio_peer\":{", r->reps);
	for (size_t n = 0; n < b->peer_count; n++)
		if (r->ratio_peer[n] > 0) {
			fprintf(f, "%s\"%s\":%.6g", between, b->peers[n]->name, r->ratio_peer[n]);
			between = ",";
		}
	fprintf(f, "}}");
}

/* The processor's name, without what JSON would have to escape. */
static void cpu_name(char *out, size_t cap)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256], *at;

	snprintf(out, cap, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "model name", 10) || !(at = strchr(line, ':')))
			continue;
		at += 1 + strspn(at + 1, " ");
		at[strcspn(at, "\n\"\\")] = 0;
		snprintf(out, cap, "%s", at);
		break;
	}
	if (f)
		fclose(f);
}

int pf_bench_write(const struct pf_bench *b, const char *path)
{
	FILE *f = fopen(path, "w");
	char cpu[256], flags[256];
	int r;

	if (!f)
		return -errno;
	cpu_name(cpu, sizeof(cpu));
	fprintf(f, "{\"cpu\":\"%s\",\"flags\":\"%s\",\"quick\":%s,\"rows\":[", cpu,
		pf_cpu_to_string(pf_cpu_flags(), flags, sizeof(flags)),
		b->options.quick ? "true" : "false");
	for (size_t i = 0; i < b->count; i++) {
		fputs(i ? ",\n" : "\n", f);
		write_row(b, f, &b->rows[i]);
	}
	fputs("\n]}\n", f);
	r = ferror(f) ? -EIO : 0;
	if (fclose(f) && !r)
		r = -errno;
	return r;
}
