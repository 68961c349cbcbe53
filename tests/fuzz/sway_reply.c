/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A message from sway's IPC socket: header, then the reply to a command. */
#include <string.h>
#include "host/display/sway_ipc.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_reason why = { 0 };
	uint32_t type, len;
	int r;

	if (size < PF_SWAY_HEADER_BYTES || pf_sway_header_parse(data, &type, &len))
		return 0;
	FUZZ_CHECK(len <= PF_SWAY_REPLY_MAX);
	data += PF_SWAY_HEADER_BYTES;
	size -= PF_SWAY_HEADER_BYTES;
	r = pf_sway_reply_check((const char *)data, size < len ? size : len, &why);
	FUZZ_CHECK(r <= 0 && why.code == r);
	FUZZ_CHECK(memchr(why.text, '\0', sizeof(why.text)) && (!r || why.text[0]));
	return 0;
}
