/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A request target of the GameStream plane: what is found was sent and fits its
 * bounds, and the arguments of a launch keep theirs. */
#include <string.h>
#include "host/gamestream/launch.h"
#include "host/gamestream/query.h"
#include "tests/fuzz/fuzz.h"

static void check_launch(const struct pf_gs_query *q, bool resume)
{
	struct pf_gs_launch l, before;

	/* With its padding, since it is compared. */
	memset(&l, 0, sizeof(l));
	l.grants = 0xabcd;
	memcpy(&before, &l, sizeof(before));
	if (pf_gs_launch_parse(&l, q, resume, NULL)) {
		FUZZ_CHECK(!memcmp(&l, &before, sizeof(l)));
		return;
	}
	FUZZ_CHECK(l.grants == 0xabcd && l.resume == resume);
	FUZZ_CHECK(l.app_id <= INT32_MAX && (l.app_id || resume));
	FUZZ_CHECK(l.width || resume);
	FUZZ_CHECK(!l.width == !l.height && !l.width == !l.refresh_mhz);
	FUZZ_CHECK(!l.width || (l.width >= 16 && l.width <= 16384));
	FUZZ_CHECK(!l.width || (l.height >= 16 && l.height <= 16384));
	FUZZ_CHECK(!l.width || (l.refresh_mhz >= 1000 && l.refresh_mhz <= 480000));
	FUZZ_CHECK(!l.channels || l.channels == 2 || l.channels == 6 || l.channels == 8);
	FUZZ_CHECK(l.scale_percent >= 20 && l.scale_percent <= 400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pf_gs_query q;
	uint8_t bytes[64];
	int64_t v;
	size_t len;

	if (pf_gs_query_parse(&q, (const char *)data, size)) {
		FUZZ_CHECK(!q.count);
		return 0;
	}
	FUZZ_CHECK(size <= PF_GS_TARGET_MAX && q.count <= PF_GS_QUERY_ARGS);
	FUZZ_CHECK(q.path[0] == '/' && memchr(q.path, 0, sizeof(q.path)));
	for (unsigned i = 0; i < q.count; i++) {
		const char *name = q.text + q.args[i].name, *value = q.text + q.args[i].value;
		const char *first = pf_gs_query_get(&q, name);

		FUZZ_CHECK(q.args[i].name < sizeof(q.text) && q.args[i].value < sizeof(q.text));
		FUZZ_CHECK(memchr(name, 0, sizeof(q.text) - q.args[i].name));
		FUZZ_CHECK(memchr(value, 0, sizeof(q.text) - q.args[i].value));
		FUZZ_CHECK(first && first <= value);
		if (!pf_gs_query_number(&q, name, -100, 100, &v))
			FUZZ_CHECK(v >= -100 && v <= 100);
		if (!pf_gs_query_hex(&q, name, bytes, sizeof(bytes), &len))
			FUZZ_CHECK(len <= sizeof(bytes) && strlen(first) == 2 * len);
	}
	check_launch(&q, false);
	check_launch(&q, true);
	return 0;
}
