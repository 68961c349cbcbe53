/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* pf2_handshake.h - what opens a session of punktfunk/2, and its clock
 * (punktfunk1.md 20), from and to the structs of pf1_handshake.h and pf1_control.h.
 *
 * The rest of a session's messages is not built: pf_pf2_ctl_build gives -ENOTSUP.
 * Fields without a place in those structs are skipped. Parsers give 0 or -EPROTO,
 * builders the length or -ENOBUFS. Pure, any thread. */
#pragma once
#include "core/wire/wire.h"

int pf_pf2_hello_parse(struct pf_hello *out, const uint8_t *msg, size_t len);
int pf_pf2_hello_build(const struct pf_hello *h, uint8_t *buf, size_t cap);
int pf_pf2_answer_parse(enum pf_answer *kind, struct pf_welcome *w, struct pf_refusal *no,
	const uint8_t *msg, size_t len);
int pf_pf2_welcome_build(const struct pf_welcome *w, uint8_t *buf, size_t cap);
int pf_pf2_pending_build(uint8_t *buf, size_t cap);
int pf_pf2_refused_build(const struct pf_refusal *no, uint8_t *buf, size_t cap);
int pf_pf2_ready_parse(struct pf_start *out, const uint8_t *msg, size_t len);
int pf_pf2_ready_build(const struct pf_start *s, uint8_t *buf, size_t cap);
int pf_pf2_ctl_parse(struct pf_ctl *out, const uint8_t *msg, size_t len);
int pf_pf2_ctl_build(const struct pf_ctl *m, uint8_t *buf, size_t cap);
