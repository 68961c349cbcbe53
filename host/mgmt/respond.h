/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* respond.h - answers on their way into HTTP: JSON, bytes, files of the console, and
 * streams without an end.
 *
 * A stream's connection sleeps while there is nothing to read, and ends with the log-in
 * that asked for it. Private to host/mgmt; HTTP thread unless it says otherwise. */
#pragma once
#include <microhttpd.h>
#include "host/mgmt/api.h"
#include "host/mgmt/assets.h"
#include "host/mgmt/logins.h"

struct pf_streams;

/** `logins` may be NULL. 0 or -ENOMEM. Control loop. */
int pf_streams_create(struct pf_streams **out, struct pf_logins *logins);
/** All end, and new ones at once. Control loop, before the HTTP server ends. */
void pf_streams_stop(struct pf_streams *all);
/** After all streams were closed. Accepts NULL. */
void pf_streams_destroy(struct pf_streams *all);
/** A stream was opened for this request, whose answer it will be. Control loop. */
void pf_stream_begin(struct pf_streams *all, struct pf_mgmt_stream *s, struct MHD_Connection *http,
	uint64_t login);

/** Sends it; takes raw bytes and stream out of the answer. */
enum MHD_Result pf_respond(struct MHD_Connection *http, struct pf_mgmt_answer *a);
/** `gz`: compressed. `known`: the client has it. */
enum MHD_Result pf_respond_asset(
	struct MHD_Connection *http, const struct pf_asset *f, bool gz, bool known);
