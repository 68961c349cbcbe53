/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/head.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include "core/crypto/hash.h"
#include "host/mgmt/conns.h"

static enum MHD_Result on_header(
	void *user, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct pf_mgmt_head *h = user;
	const struct {
		const char *name, **to;
	} rows[] = {
		{ "Host", &h->host },
		{ "Origin", &h->origin },
		{ "Authorization", &h->authorization },
		{ "Content-Type", &h->content_type },
		{ "Content-Length", &h->content_length },
		{ "Sec-Fetch-Site", &h->sec_fetch_site },
		{ "Sec-Fetch-Mode", &h->sec_fetch_mode },
		{ "Last-Event-ID", &h->last_event },
		{ "Cookie", &h->cookie },
		{ "X-CSRF-Token", &h->csrf_token },
		{ "Accept-Encoding", &h->accept_encoding },
		{ "If-None-Match", &h->if_none_match },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcasecmp(rows[i].name, key))
			continue;
		h->repeated |= *rows[i].to != NULL;
		*rows[i].to = value ? value : "";
	}
	return MHD_YES;
}

struct query {
	char *text;
	size_t cap, len;
	bool too_long;
};

static enum MHD_Result on_argument(
	void *user, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct query *q = user;
	int n = snprintf(q->text + q->len, q->cap - q->len, "%s%s%s%s", q->len ? "&" : "", key,
		value ? "=" : "", value ? value : "");

	if ((size_t)n >= q->cap - q->len) {
		q->too_long = true;
		return MHD_NO;
	}
	q->len += (size_t)n;
	return MHD_YES;
}

static void name_address(char out[INET6_ADDRSTRLEN], const struct sockaddr *sa, socklen_t len)
{
	if (getnameinfo(sa, len, out, INET6_ADDRSTRLEN, NULL, 0, NI_NUMERICHOST))
		*out = 0;
	else if (!strncmp(out, "::ffff:", 7))
		memmove(out, out + 7, INET6_ADDRSTRLEN - 7);
}

/* The fingerprint of what it showed; nobody else has looked at it. */
static void read_certificate(struct pf_mgmt_from *from, struct MHD_Connection *http)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(http, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	const gnutls_datum_t *chain = NULL;
	unsigned count = 0;

	if (info && info->tls_session)
		chain = gnutls_certificate_get_peers(info->tls_session, &count);
	if (!chain || !count)
		return;
	pf_sha256(chain[0].data, chain[0].size, from->certificate);
	from->has_certificate = true;
}

void pf_head_read(struct pf_mgmt_head *h, struct pf_mgmt_from *from, struct MHD_Connection *http)
{
	const union MHD_ConnectionInfo *info;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);

	memset(from, 0, sizeof(*from));
	(void)MHD_get_connection_values(http, MHD_HEADER_KIND, on_header, h);
	/* libmicrohttpd 1.0 answers in one place per connection: use each answer
	 * before the next question. */
	info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info && info->client_addr) {
		const struct sockaddr *sa = info->client_addr;

		from->loopback = pf_conn_is_loopback(sa);
		name_address(from->address, sa,
			sa->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						 : sizeof(struct sockaddr_in6));
	}
	info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info && !getsockname(info->connect_fd, (struct sockaddr *)&own, &len))
		name_address(from->own_address, (struct sockaddr *)&own, len);
	/* Nobody else has this machine's own address: it went by the loopback, too. */
	if (*from->own_address && !strcmp(from->own_address, from->address))
		from->loopback = true;
	read_certificate(from, http);
	h->address = *from->own_address ? from->own_address : NULL;
	h->from_loopback = from->loopback;
	h->has_certificate = from->has_certificate;
}

int pf_head_query(char *buf, size_t cap, struct MHD_Connection *http)
{
	struct query q = { .text = buf, .cap = cap };

	*buf = 0;
	(void)MHD_get_connection_values(http, MHD_GET_ARGUMENT_KIND, on_argument, &q);
	return q.too_long ? -E2BIG : (int)q.len;
}
