/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gf8.h - the erasure codes of GameStream over GF(2^8), polynomial 0x11D.
 *
 * Video: parity_j = sum over i of inv((m + i) ^ j) * data_i, any k of the k + m
 * shards give the data back. Audio: the fixed 2 x 4 matrix of the protocol.
 * Shards are of any byte length, are borrowed for the call, lie anywhere, need
 * no alignment and do not overlap. No state, no allocation: any thread, RT safe. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PF_GF8_SHARDS_MAX   255
#define PF_GF8_AUDIO_DATA   4
#define PF_GF8_AUDIO_PARITY 2

/** The factor of data shard i in parity shard j of a block with m parity shards. */
uint8_t pf_gf8_factor(uint32_t m, uint32_t j, uint32_t i);

/** Writes parity[0..m-1]; m may be 0. -EINVAL when k is 0, k + m is above
 * PF_GF8_SHARDS_MAX or bytes is 0. */
int pf_gf8_encode(
	uint32_t k, uint32_t m, size_t bytes, const uint8_t *const *data, uint8_t *const *parity);
/** Recovers every lost data shard i (data[i] == NULL) into out[i]; parity[j] is
 * NULL where parity is lost; other out[i] are not used. -EINVAL as
 * pf_gf8_encode or when an out buffer is missing, -ENODATA when fewer than k
 * shards are present; then nothing is written. */
int pf_gf8_decode(uint32_t k, uint32_t m, size_t bytes, const uint8_t *const *data,
	const uint8_t *const *parity, uint8_t *const *out);

/** Audio: two parity payloads from four. -EINVAL when bytes is 0. */
int pf_gf8_audio_encode(size_t bytes, const uint8_t *const data[PF_GF8_AUDIO_DATA],
	uint8_t *const parity[PF_GF8_AUDIO_PARITY]);
/** Audio: recovery as pf_gf8_decode does it. */
int pf_gf8_audio_decode(size_t bytes, const uint8_t *const data[PF_GF8_AUDIO_DATA],
	const uint8_t *const parity[PF_GF8_AUDIO_PARITY], uint8_t *const out[PF_GF8_AUDIO_DATA]);

/** Name of the kernels in use, a static string. */
const char *pf_gf8_kernel_name(void);
