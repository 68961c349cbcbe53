/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* peer.h - what a shared object given to pf-bench with --peer shows of itself.
 *
 * It is an erasure code with the same bytes as one of ours, from whatever library,
 * behind five functions. pf-bench looks up the one symbol below, checks that the
 * peer's parity equals ours and that it gives lost data back, then times it in turn
 * with our rows in the same process, on one thread. A peer may keep what it likes in
 * its context; open and close are not timed. This header needs nothing else of ours:
 *
 *	static void *my_open(uint32_t k, uint32_t m, size_t bytes) { ... }
 *	...
 *	const struct pf_bench_peer pf_bench_peer = { PF_BENCH_PEER_VERSION, "mine", 16,
 *		my_open, my_close, my_encode, my_decode };
 *
 *	cc -O2 -shared -fPIC -o mine.so mine.c && pf-bench --peer ./mine.so */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_BENCH_PEER_VERSION 1
#define PF_BENCH_PEER_SYMBOL  "pf_bench_peer"

struct pf_bench_peer {
	uint32_t version; /* PF_BENCH_PEER_VERSION */
	const char *name; /* a-z, 0-9, _ and -; its rows are called peer:NAME */
	uint32_t bits;	  /* of the field: 16 for gf16_*, 8 for gf8_* */

	/* Makes room for blocks of k data and m parity shards of `bytes` each. NULL: this
	 * library has no such block, and its rows are left out. */
	void *(*open)(uint32_t k, uint32_t m, size_t bytes);
	void (*close)(void *ctx);
	/* Writes parity[0..m-1] from data[0..k-1], 0 or anything else on failure. Shards
	 * lie at any alignment and do not overlap. */
	int (*encode)(void *ctx, const uint8_t *const *data, uint8_t *const *parity);
	/* data[i] and parity[j] are NULL where lost: writes every lost data shard i to
	 * out[i], the others are not to be written. */
	int (*decode)(void *ctx, const uint8_t *const *data, const uint8_t *const *parity,
		uint8_t *const *out);
};

extern const struct pf_bench_peer pf_bench_peer;
