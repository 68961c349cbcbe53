/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* public.h - what the data plane knows, as the ABI shows it. Each call fills
 * *out whole, struct_size included. Any thread. */
#pragma once
#include "core/net/receiver.h"
#include "core/net/sender.h"
#include "punktfunk_core.h"

void pf_public_sender_stats(const struct pf_sender *s, PunktfunkStats *out);
void pf_public_receiver_stats(struct pf_receiver *r, PunktfunkStats *out);
/** `unix_offset_ns` is Unix time minus monotonic time, fixed per session. */
void pf_public_frame(
	const struct pf_received_frame *f, int64_t unix_offset_ns, PunktfunkFrame *out);
