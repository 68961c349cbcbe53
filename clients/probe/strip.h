/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* strip.h - reads the clock strip (docs/clock-strip.md) from a luma plane. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pf_strip {
	uint64_t unix_ns; /* when the picture was drawn, on the host's clock */
	uint32_t number;  /* of the picture */
};

/** False when the picture carries no strip: a block is neither black nor white,
 * or its time is more than a minute away from `near_unix_ns`. */
bool pf_strip_read(const uint8_t *luma, ptrdiff_t stride, uint32_t width, uint32_t height,
	uint64_t near_unix_ns, struct pf_strip *out);
