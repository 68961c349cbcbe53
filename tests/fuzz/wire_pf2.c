/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The second wire: a control stream in two pieces, and whatever each of its messages
 * parses as. What parses builds, and the built form is a fixed point. */
#include <string.h>
#include "core/wire/pf1_frame.h"
#include "core/wire/pf2_frame.h"
#include "core/wire/pf2_handshake.h"
#include "tests/fuzz/fuzz.h"

static void try_hello(const uint8_t *msg, size_t len)
{
	uint8_t first[1024], second[1024];
	struct pf_hello h;
	int n;

	if (pf_pf2_hello_parse(&h, msg, len))
		return;
	n = pf_pf2_hello_build(&h, first, sizeof(first));
	FUZZ_CHECK(n > 0 && !pf_pf2_hello_parse(&h, first, (size_t)n));
	FUZZ_CHECK(pf_pf2_hello_build(&h, second, sizeof(second)) == n);
	FUZZ_CHECK(!memcmp(first, second, (size_t)n));
}

static void try_answer(const uint8_t *msg, size_t len)
{
	uint8_t first[1024], second[1024];
	struct pf_welcome w;
	struct pf_refusal no;
	enum pf_answer kind;
	int n;

	if (pf_pf2_answer_parse(&kind, &w, &no, msg, len))
		return;
	if (kind == PF_ANSWER_REFUSED)
		FUZZ_CHECK(memchr(no.text, 0, sizeof(no.text)));
	if (kind != PF_ANSWER_WELCOME)
		return;
	n = pf_pf2_welcome_build(&w, first, sizeof(first));
	FUZZ_CHECK(n > 0 && !pf_pf2_answer_parse(&kind, &w, &no, first, (size_t)n));
	FUZZ_CHECK(pf_pf2_welcome_build(&w, second, sizeof(second)) == n);
	FUZZ_CHECK(!memcmp(first, second, (size_t)n));
}

static void try_rest(const uint8_t *msg, size_t len)
{
	uint8_t buf[64];
	struct pf_start start;
	struct pf_ctl m;

	(void)pf_pf2_ready_parse(&start, msg, len);
	if (!pf_pf2_ctl_parse(&m, msg, len))
		FUZZ_CHECK(pf_pf2_ctl_build(&m, buf, sizeof(buf)) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t cut = size ? data[0] % size : 0;
	const uint8_t *msg;
	struct pf_deframer d;
	size_t len, at = 0;
	int r = 0;

	if (pf_deframer_init_as(&d, &pf_pf2_framing, true))
		return 0;
	while (at < size && r >= 0) {
		at += pf_deframer_push(&d, data + at, (at < cut ? cut : size) - at);
		while ((r = pf_deframer_next(&d, &msg, &len)) > 0) {
			FUZZ_CHECK(len <= PF_PF2_FRAME_MAX);
			try_hello(msg, len);
			try_answer(msg, len);
			try_rest(msg, len);
		}
	}
	pf_deframer_finish(&d);
	return 0;
}
