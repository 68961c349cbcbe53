/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* endpoint.h - where the management API of this user's host is and what opens it.
 *
 * Two files in the state directory, both 0600: mgmt-token, made once and kept,
 * and mgmt.json, written at each start of a host and removed at its end, with
 * address, port, process and the certificate's fingerprint, which the command
 * line pins. Any thread; calls block on the disk. */
#pragma once
#include <stdint.h>
#include "core/base/reason.h"

#define PF_MGMT_TOKEN_BYTES 65 /* 64 hex digits and a zero */

struct pf_mgmt_endpoint {
	char address[64]; /* numeric; where this machine reaches it */
	char bind[64];	  /* numeric; where it listens */
	uint16_t port;
	uint8_t fingerprint[32]; /* SHA-256 of the certificate's DER */
	int64_t pid;
};

/** The token of `dir`, made if there is none. One that others could read is
 * replaced. The caller wipes it. */
int pf_mgmt_token_open(char out[PF_MGMT_TOKEN_BYTES], const char *dir, struct pf_reason *why);
/** The token of `dir`. -ENOENT, -EACCES, -EBADMSG with the words. */
int pf_mgmt_token_read(char out[PF_MGMT_TOKEN_BYTES], const char *dir, struct pf_reason *why);
int pf_mgmt_endpoint_write(
	const char *dir, const struct pf_mgmt_endpoint *e, struct pf_reason *why);
/** -ENOENT when no host runs or none told. */
int pf_mgmt_endpoint_read(struct pf_mgmt_endpoint *out, const char *dir, struct pf_reason *why);
void pf_mgmt_endpoint_remove(const char *dir);
