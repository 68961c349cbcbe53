/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* cert.h - the RSA certificate of a GameStream peer.
 *
 * A certificate here is a public key with a name, trusted by its fingerprint
 * alone: no path, name or date is checked, and X.509 v1 to v3 with or without
 * extensions will do. Immutable after creation: any thread may read. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"

#define PF_CERT_TEXT_BYTES 8192 /* longest PEM text */
#define PF_CERT_DER_BYTES  6144 /* longest certificate */

struct pf_cert;

/** Takes a certificate with an RSA key of 2048 to 4096 bits. -EBADMSG with the
 * words for what is none, -ENOMEM. The input is copied. */
int pf_cert_from_der(struct pf_cert **out, const uint8_t *der, size_t len, struct pf_reason *why);
/** From PEM text: exactly one certificate, blanks around it. */
int pf_cert_from_pem(struct pf_cert **out, const char *text, size_t len, struct pf_reason *why);
/** From the hex digits, upper or lower case, of PEM text, as a client of GameStream
 * sends it. */
int pf_cert_from_hex(struct pf_cert **out, const char *hex, size_t len, struct pf_reason *why);
/** Accepts NULL. */
void pf_cert_free(struct pf_cert *c);

/** The encoded certificate; borrowed. */
const uint8_t *pf_cert_der(const struct pf_cert *c, size_t *len);
/** The bit string with which the issuer signed it (256 bytes for RSA-2048);
 * borrowed. */
const uint8_t *pf_cert_signature(const struct pf_cert *c, size_t *len);
/** SHA-256 of the DER. */
void pf_cert_fingerprint(const struct pf_cert *c, uint8_t out[32]);
/** SHA-256 of a DER as it came from a TLS session. */
void pf_cert_fingerprint_der(const uint8_t *der, size_t len, uint8_t out[32]);
/** Whether `sig` is an RSA PKCS#1 v1.5 signature over SHA-256 of `data` by the
 * certificate's key: 0, or -EBADMSG. */
int pf_cert_verify_sha256(
	const struct pf_cert *c, const void *data, size_t len, const uint8_t *sig, size_t sig_len);
