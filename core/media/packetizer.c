/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/packetizer.h"
#include <string.h>

uint32_t pf_au_packets(const struct pf_au_layout *l, uint32_t len)
{
	uint32_t bytes = l->skip + len;

	return bytes ? (bytes + l->piece - 1) / l->piece : 1;
}

void pf_au_lay_out(
	const struct pf_au_layout *l, uint8_t *packets, const uint8_t *data, uint32_t len)
{
	uint32_t count = pf_au_packets(l, len), room = l->piece - l->skip;

	packets += l->head + l->skip;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t n = len < room ? len : room;

		if (n)
			memcpy(packets, data, n);
		memset(packets + n, 0, room - n);
		data += n;
		len -= n;
		packets += l->stride - (i ? 0 : l->skip);
		room = l->piece;
	}
}
