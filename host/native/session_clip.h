/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* session_clip.h - a native session's clipboard: the desk's offers for the client and
 * the client's for the desk (punktfunk1.md 6, 15).
 *
 * The desk's clipboard is opened when the client first asks. Its thread, the quic
 * thread and the loop meet under one lock, which is held while the wire and the
 * clipboard's queue are called, never the other way round. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/wire/pf1_control.h"

struct pf_native_session;
struct pf_native_clip;

/** Loop, at admission. 0 or -ENOMEM. */
int pf_native_clip_create(struct pf_native_session *ns);
/** Worker, when the connection is gone: ends the clipboard's thread. */
void pf_native_clip_close(struct pf_native_session *ns);
/** Loop, after it. Both accept a session without one. */
void pf_native_clip_free(struct pf_native_session *ns);
/** Loop: whether Welcome may promise a clipboard. */
bool pf_native_clip_possible(const struct pf_native_session *ns);
/** Loop: the client's wish, which is answered as soon as the answer is known. */
void pf_native_clip_control(struct pf_native_session *ns, bool enabled, uint8_t flags);
/** Loop: the desk is ready, or the client's grants or the settings changed. */
void pf_native_clip_update(struct pf_native_session *ns);

/* Quic thread. */

/** Message 42. */
void pf_native_clip_offered(struct pf_native_session *ns, const struct pf_ctl *m);
void pf_native_clip_asked(
	struct pf_native_session *ns, uint32_t id, uint32_t seq, const char *mime);
void pf_native_clip_withdrawn(struct pf_native_session *ns, uint32_t id);
void pf_native_clip_fetched(
	struct pf_native_session *ns, uint32_t id, int result, uint8_t *data, size_t len);
