/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The plane in a build without libmicrohttpd or libenet: it cannot be made. */
#include <errno.h>
#include "host/gamestream/gamestream.h"
#include "host/gamestream/routes.h"

int pf_gamestream_create(struct pf_gamestream **out, const struct pf_gamestream_params *params,
	struct pf_reason *why)
{
	return pf_reason_set(why, -ENOTSUP,
		"this build has no GameStream: build it with libmicrohttpd and libenet");
}

void pf_gamestream_shutdown(struct pf_gamestream *g, void (*done)(void *user), void *user)
{
	done(user);
}

void pf_gamestream_destroy(struct pf_gamestream *g) {}

uint16_t pf_gamestream_port(const struct pf_gamestream *g)
{
	return 0;
}

struct pf_gs_routes *pf_gamestream_routes(struct pf_gamestream *g)
{
	return NULL;
}

unsigned pf_gamestream_count(const struct pf_gamestream *g)
{
	return 0;
}

void pf_gamestream_end_sessions(struct pf_gamestream *g, const char *words) {}

void pf_gamestream_totals(const struct pf_gamestream *g, struct pf_gamestream_totals *out)
{
	*out = (struct pf_gamestream_totals){ 0 };
}

void pf_gamestream_each(struct pf_gamestream *g,
	void (*fn)(void *user, const struct pf_gs_session_report *r), void *user)
{
}

void pf_gamestream_hear(struct pf_gamestream *g, const struct pf_session_hearer *hearer) {}

int pf_gamestream_stop(
	struct pf_gamestream *g, uint64_t id, const char *words, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOENT, "this build has no GameStream");
}

int pf_gamestream_keyframe(struct pf_gamestream *g, uint64_t id, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOENT, "this build has no GameStream");
}

int pf_gamestream_set_bitrate(
	struct pf_gamestream *g, uint64_t id, uint32_t kbps, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOENT, "this build has no GameStream");
}

void pf_gs_routes_pending(struct pf_gs_routes *r,
	void (*fn)(void *user, const struct pf_gs_pair_pending *p), void *user)
{
}

int pf_gs_routes_pin(struct pf_gs_routes *r, uint32_t id, const char *pin, struct pf_reason *why)
{
	return pf_reason_set(why, -ENOTSUP, "this build has no GameStream");
}
