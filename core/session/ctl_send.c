/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/ctl_send.h"

int pf_ctl_send(struct pf_quic_conn *c, const struct pf_ctl *m)
{
	uint8_t buf[256];
	int n = pf_ctl_build(m, buf, sizeof(buf));

	return n < 0 ? n : pf_quic_conn_send(c, buf, (size_t)n);
}
