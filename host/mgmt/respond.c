/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/respond.h"
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "core/base/clock.h"

#define STREAM_BLOCK	    4096
#define STREAM_SOCKET_BYTES 32768

struct pf_streams {
	struct pf_logins *logins;
	pthread_mutex_t lock;
	struct pf_mgmt_stream *first; /* under lock, as below */
	bool stopping;
};

/* ---- streams ---- */

int pf_streams_create(struct pf_streams **out, struct pf_logins *logins)
{
	struct pf_streams *all = calloc(1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	all->logins = logins;
	pthread_mutex_init(&all->lock, NULL);
	*out = all;
	return 0;
}

/* Under lock. */
static struct pf_mgmt_stream *find_asleep(struct pf_streams *all)
{
	struct pf_mgmt_stream *s = all->first;

	while (s && !s->asleep)
		s = s->next;
	return s;
}

void pf_streams_stop(struct pf_streams *all)
{
	struct pf_mgmt_stream *s;

	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	while ((s = find_asleep(all))) {
		s->asleep = false;
		pthread_mutex_unlock(&all->lock);
		MHD_resume_connection(s->http);
		pthread_mutex_lock(&all->lock);
	}
	pthread_mutex_unlock(&all->lock);
}

void pf_streams_destroy(struct pf_streams *all)
{
	if (!all)
		return;
	pthread_mutex_destroy(&all->lock);
	free(all);
}

void pf_stream_begin(struct pf_streams *all, struct pf_mgmt_stream *s, struct MHD_Connection *http,
	uint64_t login)
{
	s->all = all;
	s->http = http;
	s->login = login;
}

static ssize_t read_stream(void *user, uint64_t at, char *buf, size_t cap)
{
	struct pf_mgmt_stream *s = user;
	struct pf_streams *all = s->all;
	bool again;
	ssize_t n;

	pthread_mutex_lock(&all->lock);
	s->woken = false;
	n = all->stopping ? -1 : 0;
	pthread_mutex_unlock(&all->lock);
	if (s->login && !pf_logins_lives(all->logins, s->login, pf_clock_mono_ns()))
		n = -1;
	if (!n)
		n = s->read(s, buf, cap);
	if (n)
		return n > 0 ? n : MHD_CONTENT_READER_END_OF_STREAM;
	MHD_suspend_connection(s->http);
	pthread_mutex_lock(&all->lock);
	again = s->woken || all->stopping;
	s->asleep = !again;
	pthread_mutex_unlock(&all->lock);
	if (again)
		MHD_resume_connection(s->http);
	return 0;
}

static void close_stream(void *user)
{
	struct pf_mgmt_stream *s = user;
	struct pf_streams *all = s->all;

	pthread_mutex_lock(&all->lock);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	pthread_mutex_unlock(&all->lock);
	s->close(s);
}

void pf_mgmt_stream_wake(struct pf_mgmt_stream *s)
{
	struct pf_streams *all = s->all;
	bool resume;

	pthread_mutex_lock(&all->lock);
	resume = s->asleep;
	s->asleep = false;
	s->woken = true;
	pthread_mutex_unlock(&all->lock);
	if (resume)
		MHD_resume_connection(s->http);
}

/* ---- answers ---- */

/* A client that does not read shall cost the kernel no more than this. */
static void bound_socket(struct MHD_Connection *http)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
	const int bytes = STREAM_SOCKET_BYTES;

	if (info)
		(void)setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static struct MHD_Response *make_stream(struct pf_mgmt_stream *s)
{
	struct pf_streams *all = s->all;
	struct MHD_Response *response;

	pthread_mutex_lock(&all->lock);
	s->next = all->first;
	s->link = &all->first;
	if (s->next)
		s->next->link = &s->next;
	all->first = s;
	pthread_mutex_unlock(&all->lock);
	bound_socket(s->http);
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, s, close_stream);
	if (!response)
		close_stream(s);
	return response;
}

static struct MHD_Response *make_response(struct pf_mgmt_answer *a)
{
	struct MHD_Response *response;
	size_t len = a->raw_len;
	void *data = a->raw;

	if (a->stream) {
		response = make_stream(a->stream);
		a->stream = NULL;
		return response;
	}
	a->raw = NULL;
	if (a->body) {
		data = json_dumps(a->body, JSON_COMPACT | JSON_REAL_PRECISION(9));
		if (!data)
			return NULL;
		len = strlen(data);
	}
	response = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(data);
	return response;
}

struct header {
	const char *name, *value;
};

static void add_headers(struct MHD_Response *response, const struct header *headers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)MHD_add_response_header(response, headers[i].name, headers[i].value);
}

enum MHD_Result pf_respond(struct MHD_Connection *http, struct pf_mgmt_answer *a)
{
	static const struct header headers[] = {
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
	};
	const char *type = a->body ? "application/json" : a->content_type;
	struct MHD_Response *response = make_response(a);
	enum MHD_Result r;
	char number[16];

	if (!response)
		return MHD_NO;
	if (type)
		(void)MHD_add_response_header(response, "Content-Type", type);
	add_headers(response, headers, sizeof(headers) / sizeof(headers[0]));
	if (a->allow)
		(void)MHD_add_response_header(response, "Allow", a->allow);
	if (*a->cookie)
		(void)MHD_add_response_header(response, "Set-Cookie", a->cookie);
	if (a->retry_after_s) {
		snprintf(number, sizeof(number), "%u", a->retry_after_s);
		(void)MHD_add_response_header(response, "Retry-After", number);
	}
	if (a->status == 401)
		(void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	r = MHD_queue_response(http, a->status, response);
	MHD_destroy_response(response);
	return r;
}

enum MHD_Result pf_respond_asset(
	struct MHD_Connection *http, const struct pf_asset *f, bool gz, bool known)
{
	static const struct header headers[] = {
		{ "Vary", "Accept-Encoding" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		/* Scripts and styles of our own files alone; no page may frame this one. */
		{ "Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; "
			"img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
			"manifest-src 'self'; base-uri 'none'; form-action 'self'; "
			"frame-ancestors 'none'" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
		{ "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Permissions-Policy", "camera=(), geolocation=(), microphone=()" },
	};
	const char *etag = gz ? f->gz_etag : f->etag;
	struct MHD_Response *response = MHD_create_response_from_buffer(known ? 0
									: gz  ? f->gz_len
									      : f->len,
		gz ? f->gz : f->data, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	add_headers(response, headers, sizeof(headers) / sizeof(headers[0]));
	add_headers(response,
		(const struct header[]){ { "Content-Type", f->type }, { "ETag", etag },
			{ "Cache-Control",
				f->immutable ? "public, max-age=31536000, immutable" : "no-cache" },
			{ "Content-Encoding", "gzip" } },
		gz ? 4 : 3);
	r = MHD_queue_response(http, known ? 304 : 200, response);
	MHD_destroy_response(response);
	return r;
}
