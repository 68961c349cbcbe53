/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/ctl_send.h"
#include "core/wire/wire.h"

int pf_ctl_send(struct pf_quic_conn *c, const struct pf_ctl *m)
{
	/* The longest is an offer of a clipboard. */
	uint8_t buf[16 + PF_CLIP_FORMATS_MAX * (PF_CLIP_MIME_MAX + 9)];
	int n = pf_quic_conn_wire(c)->ctl_build(m, buf, sizeof(buf));

	return n < 0 ? n : pf_quic_conn_send(c, buf, (size_t)n);
}
