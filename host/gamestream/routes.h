/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* routes.h - what Moonlight clients ask over HTTP(S): serverinfo, pair, unpair,
 * applist, appasset, launch, resume, cancel (gamestream.md 2).
 *
 * Joins the listeners, the pairing machine, the registry and the session part of
 * the plane. Clients are known by their certificate alone. Control loop. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/base/reason.h"
#include "core/wire/gs_sdp.h"
#include "host/gamestream/http.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/pairing.h"
#include "host/stream/news.h"
#include "host/sys/loop.h"

struct pf_apps;
struct pf_clients;
struct pf_gs_routes;
struct pf_identity;
struct pf_workers;

/* The session part of the plane. */
struct pf_gs_session_ops {
	/* The app that runs for this client, 0 = none. Others' sessions do not count:
	 * every client has a desk of its own. */
	uint32_t (*running)(void *user, const uint8_t fingerprint[32]);
	/* Answer with pf_gs_answer_launch or _refuse, now or later; not after
	 * pf_gs_routes_destroy. `l` is valid for the call; its key is new here. */
	void (*launch)(void *user, const struct pf_gs_launch *l, struct pf_gs_request *r);
	/* Ends this client's app and sessions; answer with pf_gs_answer_cancel. */
	void (*cancel)(void *user, const uint8_t fingerprint[32], struct pf_gs_request *r);
};

struct pf_gs_routes_params {
	struct pf_loop *loop;
	struct pf_workers *workers; /* read box art; NULL = read it at once, for tests */
	const char *bind_address;
	uint16_t port;			    /* base; HTTPS is port - 5; 0 = any two, for tests */
	uint32_t patience_ms;		    /* 0 = as http.h says */
	const struct pf_identity *identity; /* RSA; outlives this */
	struct pf_clients *clients;
	struct pf_apps *apps;
	const char *hostname;  /* shown to people */
	const char *unique_id; /* stable UUID of this host */
	uint32_t codec_modes;  /* pf_gs_mode bits (gs_sdp.h), never 0 */
	bool allow_plain_rtsp; /* corever 0 is let in */
	const struct pf_gs_session_ops *session;
	void *user;
};

/** Opens the ports. -EADDRINUSE etc. with the words. */
int pf_gs_routes_create(
	struct pf_gs_routes **out, const struct pf_gs_routes_params *params, struct pf_reason *why);
/** Ends the listeners; answers what waits. Accepts NULL. */
void pf_gs_routes_destroy(struct pf_gs_routes *r);
uint16_t pf_gs_routes_port(const struct pf_gs_routes *r);
uint16_t pf_gs_routes_https_port(const struct pf_gs_routes *r);

/** Who hears that clients pair from now on; copied. */
void pf_gs_routes_hear(struct pf_gs_routes *r, const struct pf_session_hearer *hearer);
/** For mgmt: see pairing.h. */
void pf_gs_routes_pending(struct pf_gs_routes *r,
	void (*fn)(void *user, const struct pf_gs_pair_pending *p), void *user);
int pf_gs_routes_pin(struct pf_gs_routes *r, uint32_t id, const char *pin, struct pf_reason *why);
int pf_gs_routes_drop(struct pf_gs_routes *r, uint32_t id);

/** Launch or resume succeeded: where RTSP waits. */
void pf_gs_answer_launch(struct pf_gs_request *r, bool encrypted, uint16_t rtsp_port);
/** Launch or resume failed: a status of gamestream.md 2.7 and its words. */
void pf_gs_answer_refuse(struct pf_gs_request *r, uint32_t status, const char *message);
/** Cancel is done, or refused with a status other than 200. */
void pf_gs_answer_cancel(struct pf_gs_request *r, uint32_t status, const char *message);
