/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* fec.h - blocks of an erasure code under test, ours and the peers' alike; for
 * gf16.c and gf8.c. Our own code stands behind the interface of a peer too. */
#pragma once
#include "tools/bench/peer.h"
#include "tools/bench/report.h"

#define PF_BENCH_LOSSES 12

struct pf_bench_shape {
	uint32_t k, m, bytes;
	uint32_t lost[PF_BENCH_LOSSES]; /* up to the first 0 */
	bool quick;			/* measured with --quick too */
};

struct pf_bench_code {
	const char *encode, *decode; /* kernels in the report */
	/* Ours. Open gets the flags that rows may use from pf_cpu_flags(). */
	const struct pf_bench_peer *own;
	const struct pf_bench_shape *shapes;
	size_t shape_count;
};

/** Checks and times every row and peer on every shape. 0, or -1: printed what. */
int pf_bench_fec(struct pf_bench *b, const struct pf_bench_code *code);
