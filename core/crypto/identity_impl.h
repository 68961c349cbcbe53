/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* identity_impl.h - what the kinds of identities share. Private to core/crypto. */
#pragma once
#include "core/crypto/identity.h"

enum pf_identity_kind {
	PF_IDENTITY_P256,
	PF_IDENTITY_RSA2048,
};

int pf_identity_generate_kind(struct pf_identity **out, enum pf_identity_kind kind,
	const char *name, struct pf_reason *why);
int pf_identity_open_kind(struct pf_identity **out, enum pf_identity_kind kind, const char *path,
	const char *name, struct pf_reason *why);
