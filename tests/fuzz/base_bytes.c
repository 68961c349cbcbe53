/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Reader and writer driven by a program in the input: the first byte is the
 * writer's room, then pairs of operation and length. What the reader yields the
 * writer must reproduce, as long as neither has failed. */
#include "core/base/bytes.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[256], copy[256];
	struct pf_reader r = pf_reader(data, size);
	size_t cap = pf_rd_u8(&r);
	struct pf_writer w = pf_writer(buf, cap);
	size_t same = 0; /* bytes of data that the writer has reproduced */
	const uint8_t *from;

	while (!r.err) {
		uint8_t op = pf_rd_u8(&r), n = pf_rd_u8(&r);
		bool failed = w.err;
		uint64_t v;

		from = r.p;
		if (r.err)
			break;
		switch (op % 6) {
		case 0:
			n = 1 + n % 8;
			v = pf_rd_le(&r, n);
			if (!r.err)
				pf_wr_le(&w, v, n);
			break;
		case 1:
			n = 1 + n % 8;
			v = pf_rd_be(&r, n);
			if (!r.err)
				pf_wr_be(&w, v, n);
			break;
		case 2:
			pf_rd_copy(&r, copy, n);
			if (!r.err)
				pf_wr_bytes(&w, copy, n);
			break;
		case 3:
			if (pf_rd_bytes(&r, n))
				pf_wr_bytes(&w, from, n);
			break;
		case 4:
			FUZZ_CHECK(!pf_rd_bytes(&r, SIZE_MAX - n));
			break;
		default:
			n = 0;
			FUZZ_CHECK(!pf_wr_room(&w, SIZE_MAX - n));
			FUZZ_CHECK(w.err);
			break;
		}
		FUZZ_CHECK(r.p + r.left == data + size);
		FUZZ_CHECK(w.len <= cap);
		if (!r.err && !w.err) {
			FUZZ_CHECK(w.len == same + n && !memcmp(buf + same, from, n));
			same = w.len;
		}
		FUZZ_CHECK(!failed || w.err);
		FUZZ_CHECK(!w.err || w.len == same);
	}
	FUZZ_CHECK(pf_rd_u64le(&r) == 0 && r.err);
	return 0;
}
