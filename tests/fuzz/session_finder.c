/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* mDNS messages of anybody in the network: two after each other into one finder. The
 * first byte, in fours, says where the second begins. */
#include <string.h>
#include "core/session/finder.h"
#include "tests/fuzz/fuzz.h"

static PunktfunkFoundHost hosts[PF_FINDER_HOSTS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t query[PF_FINDER_QUERY_MAX];
	struct pf_finder *f;
	size_t first, count;

	if (!size)
		return 0;
	first = data[0] * 4u;
	data++;
	size--;
	if (first > size)
		first = size;
	if (pf_finder_create(&f))
		return 0;
	(void)pf_finder_take(f, data, first, "eth0");
	(void)pf_finder_take(f, data + first, size - first, "");
	count = pf_finder_hosts(f, hosts);
	FUZZ_CHECK(count <= PF_FINDER_HOSTS);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(hosts[i].address_count >= 1 && hosts[i].address_count <= 8);
		FUZZ_CHECK(hosts[i].port);
		FUZZ_CHECK(memchr(hosts[i].name, 0, sizeof(hosts[i].name)));
		FUZZ_CHECK(!strpbrk(hosts[i].name, "\n\x1b") && !strpbrk(hosts[i].id, "\n\x1b"));
		for (unsigned a = 0; a < hosts[i].address_count; a++)
			FUZZ_CHECK(memchr(hosts[i].addresses[a], 0, sizeof(hosts[i].addresses[a])));
	}
	FUZZ_CHECK(pf_finder_query(f, 1, query) <= sizeof(query));
	pf_finder_destroy(f);
	return 0;
}
