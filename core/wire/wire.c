/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/wire.h"
#include <string.h>
#include "core/wire/pf1_frame.h"

static int answer_parse(enum pf_answer *kind, struct pf_welcome *w, struct pf_refusal *no,
	const uint8_t *msg, size_t len)
{
	*kind = PF_ANSWER_WELCOME;
	return pf_welcome_parse(w, msg, len);
}

const struct pf_wire pf_pf1_wire = {
	.alpn = "pkf1",
	.framing = &pf_pf1_framing,
	.hello_parse = pf_hello_parse,
	.hello_build = pf_hello_build,
	.answer_parse = answer_parse,
	.welcome_build = pf_welcome_build,
	.start_parse = pf_start_parse,
	.start_build = pf_start_build,
	.ctl_parse = pf_ctl_parse,
	.ctl_build = pf_ctl_build,
};

const struct pf_wire *const pf_wires[] = {
	&pf_pf1_wire,
#ifdef PF_PKF2
	&pf_pf2_wire,
#endif
};
const unsigned pf_wire_count = sizeof(pf_wires) / sizeof(pf_wires[0]);

const struct pf_wire *pf_wire_find(const void *alpn, size_t len)
{
	for (unsigned i = 0; i < pf_wire_count; i++)
		if (strlen(pf_wires[i]->alpn) == len && !memcmp(pf_wires[i]->alpn, alpn, len))
			return pf_wires[i];
	return NULL;
}
