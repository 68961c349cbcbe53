/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* head.h - the head of a request, out of HTTP. Private to host/mgmt; HTTP thread. */
#pragma once
#include <microhttpd.h>
#include <netinet/in.h>
#include "host/mgmt/gate.h"

/* Who asks, and where. */
struct pf_mgmt_from {
	char address[INET6_ADDRSTRLEN];	    /* the client's, numeric; empty = not known */
	char own_address[INET6_ADDRSTRLEN]; /* by which it came */
	bool loopback, has_certificate;
	uint8_t certificate[32]; /* its fingerprint; proven is only that the key is there */
};

/** Fills in what comes from headers and connection; *h points into both from then on. */
void pf_head_read(struct pf_mgmt_head *h, struct pf_mgmt_from *from, struct MHD_Connection *http);
/** The query, not unescaped but for plus signs. Its length or -E2BIG. */
int pf_head_query(char *buf, size_t cap, struct MHD_Connection *http);
