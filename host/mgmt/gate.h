/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* gate.h - who may ask the management API what.
 *
 * Decides from the head of a request alone: name of the host (against DNS
 * rebinding), origin (against other web sites), token, log-in, content type. A cookie
 * alone changes nothing: the change must name its CSRF token and come from a page of our
 * own. A client's certificate is only noted here; the control loop knows the clients.
 * Any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/mgmt/api.h"
#include "host/mgmt/logins.h"

/* The head of a request as far as it matters; NULL = not there. */
struct pf_mgmt_head {
	const char *method, *path;
	const char *host, *origin, *authorization, *content_type, *content_length;
	const char *sec_fetch_site, *sec_fetch_mode, *last_event;
	const char *cookie, *csrf_token, *accept_encoding, *if_none_match;
	bool repeated;	      /* one of these came twice */
	bool from_loopback;   /* the peer is on this machine */
	bool has_certificate; /* it showed one */
	const char *address;  /* the connection's own address, numeric */
	uint16_t port;	      /* the API's */
};

/* What opens. */
struct pf_mgmt_keys {
	const char *token;
	struct pf_logins *logins; /* NULL = none */
	const char *hosts;	  /* further names of this host, a comma list */
	uint64_t now_ns;
};

struct pf_mgmt_pass {
	enum pf_mgmt_lane lane;
	struct pf_login login; /* of the lane BROWSER */
};

/** 0 to let it pass as *out says, else the status to answer with *message. */
unsigned pf_mgmt_gate(const struct pf_mgmt_head *h, const struct pf_mgmt_keys *keys,
	struct pf_mgmt_pass *out, const char **message);
/** The same for a file of the console, which needs no log-in. */
unsigned pf_mgmt_gate_file(
	const struct pf_mgmt_head *h, const struct pf_mgmt_keys *keys, const char **message);
