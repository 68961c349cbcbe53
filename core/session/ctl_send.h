/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ctl_send.h - one control message on a connection's control stream. */
#pragma once
#include "core/quic/endpoint.h"
#include "core/wire/pf1_control.h"

/** For all messages but pictures of pointers. Any thread. 0, or what building or pf_quic_conn_send
 * says. */
int pf_ctl_send(struct pf_quic_conn *c, const struct pf_ctl *m);
