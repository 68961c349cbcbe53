/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stream framing: byte 0 sets the message limit, byte 1 the piece size; however
 * the rest is cut, the same messages come out as from a walk over it whole. */
#include <errno.h>
#include <string.h>
#include "core/wire/pf1_frame.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_deframer d = { 0 };
	size_t limit, piece, pushed = 0, at = 0;
	uint8_t kind;
	int err = 0;

	if (size < 2)
		return 0;
	limit = 1 + (size_t)data[0] * 8;
	piece = 1 + data[1];
	data += 2;
	size -= 2;
	if (!pf_stream_head_parse(&kind, data, size))
		FUZZ_CHECK(size >= 5 && kind == data[4]);
	if (pf_deframer_init(&d, limit))
		return 0;
	while (pushed < size && !err) {
		size_t n = size - pushed < piece ? size - pushed : piece, len, took;
		const uint8_t *msg;

		took = pf_deframer_push(&d, data + pushed, n);
		FUZZ_CHECK(took >= 1 && took <= n);
		pushed += took;
		while ((err = pf_deframer_next(&d, &msg, &len)) == 1) {
			FUZZ_CHECK(at + 2 + len <= pushed && len <= limit);
			FUZZ_CHECK(len == (size_t)(data[at] | data[at + 1] << 8));
			FUZZ_CHECK(!memcmp(msg, data + at + 2, len));
			at += 2 + len;
		}
	}
	if (err) {
		FUZZ_CHECK(err == -EMSGSIZE && at + 2 <= pushed);
		FUZZ_CHECK((size_t)(data[at] | data[at + 1] << 8) > limit);
	} else if (size - at >= 2) {
		FUZZ_CHECK((size_t)(data[at] | data[at + 1] << 8) > size - at - 2);
	}
	pf_deframer_finish(&d);
	return 0;
}
