/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* identity.h - a private key and its self-signed certificate.
 *
 * Immutable after creation: any thread may read. The private key is wiped on
 * free by the TLS library. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

struct pf_identity;

/** A new ECDSA P-256 key with a self-signed certificate for `name` (subject CN
 * and DNS SAN), valid 20 years. 0, -ENOMEM, -EIO. */
int pf_identity_generate(struct pf_identity **out, const char *name, struct pf_reason *why);
/** Loads PEM (key and certificate in one file, mode checked: readable by others
 * is refused), or creates the file with mode 0600, atomically, when it is not
 * there. */
int pf_identity_open(
	struct pf_identity **out, const char *path, const char *name, struct pf_reason *why);
/** Another reference. */
struct pf_identity *pf_identity_ref(const struct pf_identity *id);
void pf_identity_unref(struct pf_identity *id);
/** SHA-256 of the certificate's DER. */
void pf_identity_fingerprint(const struct pf_identity *id, uint8_t out[32]);
/** PEM of key and certificate; borrowed, zero-terminated. For TLS set-up only. */
const char *pf_identity_key_pem(const struct pf_identity *id);
const char *pf_identity_cert_pem(const struct pf_identity *id);
