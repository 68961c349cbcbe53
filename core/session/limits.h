/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* limits.h - figures that both ends hold alike. */
#pragma once
#include <stdint.h>
#include "core/base/clock.h"

#define PF_SHARD_IPV4 1408 /* sealed: 1472 bytes, a full Ethernet packet */
#define PF_SHARD_IPV6 1388

/* A capacity probe (punktfunk1.md 6, messages 20 and 21). */
#define PF_PROBE_INTERVAL_NS (10 * PF_NS_PER_S) /* a host answers no second one before */
#define PF_PROBE_KBPS_MAX    10000000u
#define PF_PROBE_MS_MAX	     5000u

/** Largest access unit (punktfunk1.md 4.2): four times the average one, within 8
 * .. 64 MiB; 64 MiB when the bitrate is unknown. */
static inline uint32_t pf_max_frame_bytes(uint32_t bitrate_kbps, uint32_t refresh_hz)
{
	uint64_t bytes = refresh_hz ? 4ull * bitrate_kbps * 1000 / 8 / refresh_hz : 0;

	if (!bytes || bytes > 64u << 20)
		return 64u << 20;
	return bytes < 8u << 20 ? 8u << 20 : (uint32_t)bytes;
}
