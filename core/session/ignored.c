/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/ignored.h"
#include <stdio.h>
#include <string.h>
#include "core/wire/pf1_control.h"
#include "core/wire/pf1_dgram.h"

static void name(char *out, size_t cap, bool datagram, uint8_t number)
{
	const char *known =
		datagram ? pf_dgram_tag_to_string(number) : pf_ctl_type_to_string(number);

	if (strcmp(known, "?") != 0)
		snprintf(out, cap, "%s", known);
	else
		snprintf(out, cap, "%s-%02x", datagram ? "datagram" : "control", number);
}

bool pf_ignored_get(struct pf_ignored *g, unsigned index, PunktfunkIgnored *out)
{
	for (unsigned i = 0; i < 512; i++) {
		bool datagram = i >= 256;
		atomic_uint_fast32_t *n = datagram ? &g->datagram[i - 256] : &g->control[i];
		uint64_t count = atomic_load_explicit(n, memory_order_relaxed);

		if (!count || index--)
			continue;
		*out = (PunktfunkIgnored){ .struct_size = sizeof(*out),
			.datagram = datagram,
			.number = (uint8_t)i,
			.count = count };
		name(out->name, sizeof(out->name), datagram, (uint8_t)i);
		return true;
	}
	return false;
}
