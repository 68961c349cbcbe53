/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Settings files: whatever parses is allowed, and written out reads back the same. */
#include <string.h>
#include "host/registry/config.h"
#include "tests/fuzz/fuzz.h"

static void count(void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	unsigned *errors = user;

	FUZZ_CHECK(line > 0 && *text && strlen(text) < 256);
	*errors += is_error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[64 << 10];
	struct pf_config c, back;
	unsigned told = 0, errors;
	const struct pf_config_sink sink = { count, &told };
	FILE *out;
	long len;

	pf_config_init(&c);
	errors = pf_config_parse(&c, "f", data, size, &sink);
	FUZZ_CHECK(errors == told);
	out = fmemopen(text, sizeof(text), "w");
	if (!out)
		return 0;
	pf_config_write(&c, out);
	len = ftell(out);
	fclose(out);
	FUZZ_CHECK(len > 0 && len < (long)sizeof(text));
	pf_config_init(&back);
	FUZZ_CHECK(pf_config_parse(&back, "f", (const uint8_t *)text, (size_t)len, NULL) == 0);
	FUZZ_CHECK(!memcmp(&c, &back, sizeof(c)));
	return 0;
}
