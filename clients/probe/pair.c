/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/pair.h"
#include <stdlib.h>
#include <string.h>
#include "clients/probe/dial.h"
#include "clients/probe/known.h"
#include "punktfunk_core.h"

static void print_hex(const uint8_t fp[32])
{
	for (unsigned i = 0; i < 32; i++)
		printf("%02x", fp[i]);
}

static int keep(const struct pf_probe_options *o, const uint8_t fp[32])
{
	int r = pf_known_put(o->host, o->port, fp);

	if (r) {
		fprintf(stderr, "punktfunk-probe: cannot keep the host's fingerprint: %s\n",
			strerror(-r));
		return PF_PROBE_LOCAL;
	}
	return PF_PROBE_OK;
}

static int ceremony(
	const struct pf_probe_options *o, const PunktfunkIdentity *identity, uint8_t fp[32])
{
	const PunktfunkPairOptions p = { .struct_size = sizeof(p),
		.port = o->port,
		.host = o->host,
		.identity = identity,
		.pin = o->pin,
		.name = o->name,
		.timeout_ms = (uint32_t)(o->timeout * 1000) };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	int r = punktfunk_pair(&p, fp, &why);

	if (!r)
		return keep(o, fp);
	fprintf(stderr, "punktfunk-probe: %s\n", why.text[0] ? why.text : punktfunk_strerror(r));
	if (o->json)
		printf("{\"paired\": false, \"close_code\": %u}\n", why.close_code);
	return pf_probe_exit_of(r);
}

int pf_probe_pair(const struct pf_probe_options *o)
{
	PunktfunkIdentity *identity;
	uint8_t fp[32], own[32];
	int r = pf_probe_identity(o, &identity);

	if (r)
		return r;
	punktfunk_identity_fingerprint(identity, own);
	r = ceremony(o, identity, fp);
	if (!r && o->json) {
		printf("{\"paired\": true, \"host_fingerprint\": \"");
		print_hex(fp);
		printf("\", \"fingerprint\": \"");
		print_hex(own);
		puts("\"}");
	} else if (!r && !o->quiet) {
		printf("paired with %s, fingerprint ", o->host);
		print_hex(fp);
		puts("");
	}
	punktfunk_identity_free(identity);
	return r;
}

/* ---- asking for access ---- */

static void print_terms(const struct pf_probe_options *o, const PunktfunkConnectionInfo *info,
	const uint8_t own[32])
{
	static const char *const names[] = { "gamepad", "pointer", "keyboard", "clipboard",
		"microphone", "launch" };

	if (o->json) {
		printf("{\"allowed\": true, \"grants\": %u, \"expires_in_s\": %u, "
		       "\"host_fingerprint\": \"",
			info->grants, info->expires_in_s);
		print_hex(info->host_fingerprint);
		printf("\", \"fingerprint\": \"");
		print_hex(own);
		puts("\"}");
		return;
	}
	printf("%s lets us in", o->host);
	for (unsigned i = 0; i < 6; i++)
		if (info->grants & 1u << i)
			printf(" %s", names[i]);
	if (info->expires_in_s)
		printf(" for %u s", info->expires_in_s);
	printf(", fingerprint ");
	print_hex(info->host_fingerprint);
	puts("");
}

int pf_probe_request(const struct pf_probe_options *o)
{
	PunktfunkConnectionInfo info = { .struct_size = sizeof(info) };
	PunktfunkReason why = { .struct_size = sizeof(why) };
	PunktfunkConnectOptions c = { .struct_size = sizeof(c),
		.port = o->port,
		.host = o->host,
		.host_fingerprint = o->pinned ? o->fingerprint : NULL,
		.name = o->name,
		.width = o->width,
		.height = o->height,
		.refresh_hz = o->refresh_hz,
		.timeout_ms = (uint32_t)(o->timeout * 1000) };
	PunktfunkConnection *conn;
	PunktfunkIdentity *identity;
	uint8_t own[32];
	int r = pf_probe_identity(o, &identity);

	if (r)
		return r;
	punktfunk_identity_fingerprint(identity, own);
	if (!o->json && !o->quiet) {
		printf("asking %s for access as ", o->host);
		print_hex(own);
		puts("; the host lists it by punktfunk-host pending");
		fflush(stdout);
	}
	c.identity = identity;
	r = punktfunk_connect(&c, &conn, &why);
	if (r) {
		fprintf(stderr, "punktfunk-probe: %s\n",
			why.text[0] ? why.text : punktfunk_strerror(r));
		if (o->json)
			printf("{\"allowed\": false, \"close_code\": %u}\n", why.close_code);
		r = pf_probe_exit_of(r);
	} else {
		punktfunk_connection_info(conn, &info);
		/* It asked for a way in, not for a desktop. */
		punktfunk_connection_close(conn, PUNKTFUNK_CLOSE_QUIT);
		r = keep(o, info.host_fingerprint);
		if (!r && !o->quiet)
			print_terms(o, &info, own);
	}
	punktfunk_identity_free(identity);
	return r;
}
