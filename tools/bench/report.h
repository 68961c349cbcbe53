/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* report.h - the timing loop, the table and report.json of pf-bench.
 *
 * A group (gf16.c, gf8.c, ...) prepares one case at a time: a kernel and a shape,
 * and for each row a function that does the work once. pf_bench_measure() times all
 * rows of the case in turn, beside a copy of the same bytes, and notes the figures.
 * The group has checked the bytes before. One thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_bench_peer;

#define PF_BENCH_TURNS 8 /* loss patterns, and frames that rotate */

struct pf_bench_options {
	const char *kernels; /* names with commas between, NULL = all */
	const char *rows;    /* likewise; peers are always measured */
	const char *shapes;  /* likewise; the part before the x will do */
	bool quick;	     /* few repetitions of few shapes: only shows that all works */
};

/* Work to be timed. Hot: the same frame each time, with the loss pattern `turn`.
 * Rotating: the frame `turn`. turn < PF_BENCH_TURNS. */
typedef void pf_bench_work(void *user, uint32_t turn, bool rotating);

struct pf_bench_runner {
	const char *row;
	pf_bench_work *work;
	pf_bench_work *prepare; /* not timed, before each call of work; NULL = nothing */
	void *user;
	bool plain; /* what ratio_c refers to; at most one of a case */
	bool peer;  /* what ratio_peer refers to; row is then peer:NAME */
};

struct pf_bench_case {
	const char *kernel; /* as in report.json: "gf16_encode" */
	const char *shape;  /* "520+104x1408" */
	uint32_t lost;
	bool patterns;	     /* hot work differs by turn: each turn's best counts */
	bool one_frame;	     /* nothing to rotate over */
	pf_bench_work *copy; /* a copy of the bytes that come in */
	void *copy_user;
};

struct pf_bench;

/** Aborts when out of memory, as everything here does. `peers` stay borrowed. */
struct pf_bench *pf_bench_create(
	const struct pf_bench_options *o, const struct pf_bench_peer *const *peers, size_t count);
void pf_bench_destroy(struct pf_bench *b);

/** The options' filters, for groups to leave out what nobody asked for. */
bool pf_bench_wants(const struct pf_bench *b, const char *kernel, const char *shape);
bool pf_bench_wants_row(const struct pf_bench *b, const char *row);
bool pf_bench_quick(const struct pf_bench *b);
/** The i-th peer with a field of `bits`, NULL after the last. */
const struct pf_bench_peer *pf_bench_peer_of(const struct pf_bench *b, uint32_t bits, size_t i);

/** Times the runners of one case in turn, prints and notes their rows. */
void pf_bench_measure(struct pf_bench *b, const struct pf_bench_case *c,
	const struct pf_bench_runner *runners, size_t count);

/** Rows noted so far. */
size_t pf_bench_count(const struct pf_bench *b);

/** Writes all rows noted. 0 or a negative errno. */
int pf_bench_write(const struct pf_bench *b, const char *path);

/* The groups: 0, or -1 when something did not work or bytes differ; they have
 * printed what. */
int pf_bench_gf16(struct pf_bench *b);
int pf_bench_stream(struct pf_bench *b);
int pf_bench_gf8(struct pf_bench *b);
int pf_bench_packets(struct pf_bench *b);
int pf_bench_seal(struct pf_bench *b);
int pf_bench_pipeline(struct pf_bench *b);
