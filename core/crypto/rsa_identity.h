/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* rsa_identity.h - the RSA-2048 identity of the GameStream plane.
 *
 * A struct pf_identity like the native one (fingerprint, PEM, references: see
 * identity.h) whose key is RSA-2048 and whose certificate is one self-signed
 * leaf with SHA-256, valid 20 years, as every Moonlight client expects. Making
 * one takes 30 to 50 ms, often more: on a worker, or before the loop runs. */
#pragma once
#include "core/crypto/cert.h"
#include "core/crypto/identity.h"

#define PF_RSA_SIG_BYTES 256

/** A new key and certificate for `name` (subject CN and DNS SAN). 0, -ENOMEM,
 * -EIO. */
int pf_rsa_identity_generate(struct pf_identity **out, const char *name, struct pf_reason *why);
/** As pf_identity_open; -EBADMSG when the file's key is not RSA-2048. */
int pf_rsa_identity_open(
	struct pf_identity **out, const char *path, const char *name, struct pf_reason *why);
/** Signs `data` (RSA PKCS#1 v1.5 over SHA-256) with an identity of this module.
 * 0, -ENOMEM, -EIO. Takes about 1 ms. */
int pf_rsa_sign_sha256(const struct pf_identity *id, const void *data, size_t len,
	uint8_t sig[PF_RSA_SIG_BYTES], struct pf_reason *why);
/** The identity's certificate: its DER and signature bits. */
int pf_rsa_identity_cert(struct pf_cert **out, const struct pf_identity *id, struct pf_reason *why);
