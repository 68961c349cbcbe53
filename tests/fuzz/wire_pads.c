/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Rich input and HID output: the first byte chooses; what parses builds, and the built
 * form is a fixed point. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "core/wire/pf1_pads.h"
#include "tests/fuzz/fuzz.h"

#define CHECK(what)                                                                                \
	static void check_##what(const uint8_t *data, size_t size)                                 \
	{                                                                                          \
		uint8_t first[PF_RICH_MAX_BYTES], second[PF_RICH_MAX_BYTES];                       \
		struct pf_##what x;                                                                \
		int err = pf_##what##_parse(&x, data, size), len;                                  \
                                                                                                   \
		FUZZ_CHECK(err == 0 || err == -EPROTO);                                            \
		if (err)                                                                           \
			return;                                                                    \
		FUZZ_CHECK(x.pad < PF_PADS_MAX);                                                   \
		len = pf_##what##_build(&x, first, sizeof(first));                                 \
		FUZZ_CHECK(len > 0 && (size_t)len <= size);                                        \
		FUZZ_CHECK(pf_##what##_parse(&x, first, (size_t)len) == 0);                        \
		FUZZ_CHECK(pf_##what##_build(&x, second, sizeof(second)) == len);                  \
		FUZZ_CHECK(!memcmp(first, second, (size_t)len));                                   \
		FUZZ_CHECK(pf_##what##_build(&x, second, (size_t)len - 1) == -ENOBUFS);            \
	}

CHECK(rich)
CHECK(hid)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_rich r;

	if (!size)
		return 0;
	if (data[0] & 1)
		check_hid(data + 1, size - 1);
	else
		check_rich(data + 1, size - 1);
	if (!(data[0] & 1) && !pf_rich_parse(&r, data + 1, size - 1) && r.kind == PF_RICH_PEN)
		for (unsigned i = 0; i < r.pen.count; i++) {
			const struct pf_pen_sample *s = &r.pen.samples[i];

			FUZZ_CHECK(s->x >= 0 && s->x <= 1 && s->y >= 0 && s->y <= 1);
			FUZZ_CHECK(!(s->state & PF_PEN_TOUCHING) || s->state & PF_PEN_IN_RANGE);
		}
	return 0;
}
