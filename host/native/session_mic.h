/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session_mic.h - a client's microphone, CB datagrams, becomes one of its desk.
 *
 * It comes with the first packet, if the client may (grant) and the settings let it,
 * and goes with the grant or with the session. */
#pragma once

struct pf_native_session;
struct pf_dgram;

/** Quic thread: a packet. */
void pf_native_mic_packet(struct pf_native_session *ns, const struct pf_dgram *d);
/** Loop: its grants are other ones. */
void pf_native_mic_access(struct pf_native_session *ns);
/** Loop: the settings are other ones. */
void pf_native_mic_reload(struct pf_native_session *ns);
/** Loop: before the desk is released. */
void pf_native_mic_close(struct pf_native_session *ns);
