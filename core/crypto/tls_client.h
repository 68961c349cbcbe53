/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* tls_client.h - TLS 1.3 over a connected socket to a peer known by its
 * certificate's fingerprint.
 *
 * Blocking; time limits are those of the socket (SO_RCVTIMEO, SO_SNDTIMEO). One
 * thread at a time. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "core/base/reason.h"

struct pf_tls_client;

/** Shakes hands on `fd`, which stays the caller's. -EACCES when the peer has another
 * certificate than `pin` (SHA-256 of its DER), -ETIMEDOUT, -EPROTO, -EPIPE, -ENOMEM. */
int pf_tls_client_open(
	struct pf_tls_client **out, int fd, const uint8_t pin[32], struct pf_reason *why);
/** All of it, or a negative errno. */
int pf_tls_client_write(struct pf_tls_client *c, const void *data, size_t len);
/** Up to `cap` bytes; 0 at the end, or a negative errno. A peer that ends without a goodbye
 * is -EPIPE. */
ssize_t pf_tls_client_read(struct pf_tls_client *c, void *buf, size_t cap);
/** Says goodbye. Accepts NULL. */
void pf_tls_client_close(struct pf_tls_client *c);
