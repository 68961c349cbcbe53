/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/mgmt.h"
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/mgmt/api.h"
#include "host/mgmt/endpoint.h"
#include "host/mgmt/gate.h"
#include "host/sys/listen.h"

#define CONNECTIONS_MAX	  64
#define CONNECTION_MEMORY 32768 /* head of a request, at most */
#define IDLE_LIMIT_S	  10u
/* From the first byte of a request to its last: what drips longer is cut off. */
#define REQUEST_LIMIT_NS (20 * PF_NS_PER_S)
#define SWEEP_NS	 (5 * PF_NS_PER_S)

struct connection {
	struct pf_mgmt *m;
	struct connection *next, **link; /* under lock */
	int fd;
	uint64_t since_ns; /* under lock: opened, or its last request ended */
	bool busy;	   /* under lock: a whole request is being answered */
};

/* Belongs to the HTTP thread, but for what the lock covers. */
struct request {
	struct pf_mgmt *m;
	struct MHD_Connection *http;
	uint64_t id;
	struct request *next, **link; /* under lock, while it waits */
	bool answered;		      /* under lock */
	struct pf_mgmt_answer answer; /* under lock */
	char *method, *path;
	char *body;
	size_t body_len;
	bool too_large;
};

struct pf_mgmt {
	struct pf_mgmt_params p;
	char token[PF_MGMT_TOKEN_BYTES];
	uint16_t port;
	struct MHD_Daemon *daemon;
	struct pf_timer *sweep; /* loop */
	pthread_mutex_t lock;
	/* Under lock. */
	struct request *waiting;
	struct connection *connections;
	uint64_t last_id;
	bool stopping, sweeping;
};

/* ---- connections ---- */

static void sweep(void *user)
{
	struct pf_mgmt *m = user;
	uint64_t now = pf_clock_mono_ns();
	bool more;

	pf_timer_stop(&m->sweep);
	pthread_mutex_lock(&m->lock);
	/* The descriptor is open as long as its connection is listed. */
	for (struct connection *c = m->connections; c; c = c->next)
		if (!c->busy && now - c->since_ns > REQUEST_LIMIT_NS)
			(void)shutdown(c->fd, SHUT_RDWR);
	more = m->connections && !m->stopping;
	m->sweeping = more;
	pthread_mutex_unlock(&m->lock);
	if (more && pf_timer_start(&m->sweep, m->p.loop, SWEEP_NS, sweep, m)) {
		pthread_mutex_lock(&m->lock);
		m->sweeping = false; /* the next connection tries again */
		pthread_mutex_unlock(&m->lock);
	}
}

static void run_sweep_start(void *user, void *msg)
{
	struct pf_mgmt *m = user;

	if (!m->sweep)
		sweep(m);
}

static void on_connection(void *user, struct MHD_Connection *http, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct pf_mgmt *m = user;
	struct connection *c = *context;
	bool start = false;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
		c = calloc(1, sizeof(*c));
		if (!c || !info) {
			free(c); /* then it lives without this limit */
			return;
		}
		c->m = m;
		c->fd = info->connect_fd;
		c->since_ns = pf_clock_mono_ns();
		pthread_mutex_lock(&m->lock);
		c->next = m->connections;
		c->link = &m->connections;
		if (c->next)
			c->next->link = &c->next;
		m->connections = c;
		if (!m->sweeping && !m->stopping)
			start = m->sweeping = true;
		pthread_mutex_unlock(&m->lock);
		*context = c;
		if (start && pf_loop_post(m->p.loop, run_sweep_start, m, NULL, 0)) {
			pthread_mutex_lock(&m->lock);
			m->sweeping = false;
			pthread_mutex_unlock(&m->lock);
		}
	} else if (c) {
		pthread_mutex_lock(&m->lock);
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		pthread_mutex_unlock(&m->lock);
		free(c);
		*context = NULL;
	}
}

static void mark_busy(struct MHD_Connection *http, struct pf_mgmt *m, bool busy)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *c = info ? info->socket_context : NULL;

	if (!c)
		return;
	pthread_mutex_lock(&m->lock);
	c->busy = busy;
	c->since_ns = pf_clock_mono_ns();
	pthread_mutex_unlock(&m->lock);
}

/* ---- one request ---- */

static void free_request(struct request *r)
{
	if (!r)
		return;
	json_decref(r->answer.body);
	free(r->method);
	free(r->path);
	if (r->body)
		pf_secret_wipe(r->body, r->body_len); /* a PIN may be in it */
	free(r->body);
	free(r);
}

static void on_completed(void *user, struct MHD_Connection *http, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct request *r = *context;

	if (!r)
		return;
	*context = NULL;
	mark_busy(http, r->m, false);
	free_request(r);
}

static enum MHD_Result send_answer(struct MHD_Connection *http, const struct pf_mgmt_answer *a)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
		{ "Content-Type", "application/json" },
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
	};
	char *text = a->body ? json_dumps(a->body, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	struct MHD_Response *response;
	enum MHD_Result r = MHD_NO;

	if (a->body && !text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(
		text ? strlen(text) : 0, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	for (size_t i = text ? 0 : 1; i < sizeof(headers) / sizeof(headers[0]); i++)
		(void)MHD_add_response_header(response, headers[i].name, headers[i].value);
	if (a->allow)
		(void)MHD_add_response_header(response, "Allow", a->allow);
	if (a->status == 401)
		(void)MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	r = MHD_queue_response(http, a->status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result refuse(struct request *r, unsigned status, const char *message)
{
	mark_busy(r->http, r->m, true);
	pf_mgmt_answer_error(&r->answer, status, message);
	return send_answer(r->http, &r->answer);
}

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
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcasecmp(rows[i].name, key))
			continue;
		h->repeated |= *rows[i].to != NULL;
		*rows[i].to = value ? value : "";
	}
	return MHD_YES;
}

static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

		return IN6_IS_ADDR_LOOPBACK(a) ||
		       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
	}
	return false;
}

static void read_head(
	struct pf_mgmt_head *h, char address[INET6_ADDRSTRLEN], const struct request *r)
{
	const union MHD_ConnectionInfo *info;
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);

	*h = (struct pf_mgmt_head){ .method = r->method, .path = r->path, .port = r->m->port };
	(void)MHD_get_connection_values(r->http, MHD_HEADER_KIND, on_header, h);
	/* libmicrohttpd 1.0 answers in one place per connection: use each answer
	 * before the next question. */
	info = MHD_get_connection_info(r->http, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	h->from_loopback = info && info->client_addr && is_loopback(info->client_addr);
	info = MHD_get_connection_info(r->http, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info && !getsockname(info->connect_fd, (struct sockaddr *)&own, &len) &&
		!getnameinfo((struct sockaddr *)&own, len, address, INET6_ADDRSTRLEN, NULL, 0,
			NI_NUMERICHOST))
		h->address = strncmp(address, "::ffff:", 7) ? address : address + 7;
}

static enum MHD_Result begin(struct pf_mgmt *m, struct MHD_Connection *http, const char *path,
	const char *method, void **context)
{
	struct request *r = calloc(1, sizeof(*r));
	char address[INET6_ADDRSTRLEN];
	const char *message = NULL;
	struct pf_mgmt_head head;
	unsigned status;

	if (!r)
		return MHD_NO;
	r->m = m;
	r->http = http;
	r->method = strdup(method);
	r->path = strdup(path);
	*context = r;
	if (!r->method || !r->path)
		return MHD_NO;
	read_head(&head, address, r);
	status = pf_mgmt_gate(&head, m->token, &message);
	return status ? refuse(r, status, message) : MHD_YES;
}

static void take_body(struct request *r, const char *data, size_t len)
{
	char *grown;

	if (r->too_large || len > PF_MGMT_BODY_BYTES - r->body_len) {
		r->too_large = true;
		return;
	}
	grown = malloc(r->body_len + len);
	if (!grown) {
		r->too_large = true;
		return;
	}
	if (r->body) {
		memcpy(grown, r->body, r->body_len);
		pf_secret_wipe(r->body, r->body_len);
		free(r->body);
	}
	memcpy(grown + r->body_len, data, len);
	r->body = grown;
	r->body_len += len;
}

/* Takes `r` off the list of those that wait. Under lock. */
static void take_waiting(struct request *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
}

/* Loop thread: the answer, then the connection goes on. */
static void run_request(void *user, void *msg)
{
	struct pf_mgmt *m = user;
	struct pf_mgmt_answer a;
	struct request *r;
	uint64_t id;

	memcpy(&id, msg, sizeof(id));
	pthread_mutex_lock(&m->lock);
	for (r = m->waiting; r && r->id != id;)
		r = r->next;
	pthread_mutex_unlock(&m->lock);
	/* Only this thread takes requests off the list, so it stays. */
	if (!r)
		return;
	pf_mgmt_answer_call(&a, &m->p,
		&(struct pf_mgmt_call){ .method = r->method,
			.path = r->path,
			.body = r->body,
			.body_len = r->body_len });
	pthread_mutex_lock(&m->lock);
	take_waiting(r);
	r->answer = a;
	r->answered = true;
	pthread_mutex_unlock(&m->lock);
	MHD_resume_connection(r->http);
}

static enum MHD_Result hand_over(struct request *r)
{
	struct pf_mgmt *m = r->m;
	bool posted = false;

	mark_busy(r->http, m, true);
	MHD_suspend_connection(r->http);
	pthread_mutex_lock(&m->lock);
	if (!m->stopping) {
		r->id = ++m->last_id;
		r->next = m->waiting;
		r->link = &m->waiting;
		if (r->next)
			r->next->link = &r->next;
		m->waiting = r;
		posted = !pf_loop_post(m->p.loop, run_request, m, &r->id, sizeof(r->id));
		if (!posted)
			take_waiting(r);
	}
	if (!posted) {
		pf_mgmt_answer_error(&r->answer, 503, "the host is too busy or shutting down");
		r->answered = true;
	}
	pthread_mutex_unlock(&m->lock);
	if (!posted)
		MHD_resume_connection(r->http);
	return MHD_YES;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *http, const char *path,
	const char *method, const char *version, const char *data, size_t *len, void **context)
{
	struct pf_mgmt *m = user;
	struct request *r = *context;
	bool answered;

	if (!r)
		return begin(m, http, path, method, context);
	if (*len) {
		take_body(r, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (r->too_large)
		return refuse(r, 413, "the body is larger than 64 KB");
	pthread_mutex_lock(&m->lock);
	answered = r->answered;
	pthread_mutex_unlock(&m->lock);
	return answered ? send_answer(http, &r->answer) : hand_over(r);
}

/* Paths are compared as they came: what is escaped names nothing. */
static size_t keep_escapes(void *user, struct MHD_Connection *http, char *text)
{
	return strlen(text);
}

static void on_server_log(void *user, const char *format, va_list ap)
{
	char text[256];
	int n;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = vsnprintf(text, sizeof(text), format, ap);
#pragma GCC diagnostic pop
	for (; n > 0 && (size_t)n < sizeof(text) && text[n - 1] == '\n'; n--)
		text[n - 1] = 0;
	pf_log(PF_LOG_DEBUG, "mgmt", "%s", text);
}

/* ---- life ---- */

static int open_port(const struct pf_mgmt_params *p, uint16_t *port, struct pf_reason *why)
{
	int fd, r;

	*port = p->port;
	r = pf_tcp_listen(p->bind_address, port, CONNECTIONS_MAX, &fd);
	if (r == -EINVAL)
		return pf_reason_set(why, r,
			"mgmt_bind = %.60s is no numeric address; 127.0.0.1 is the usual one",
			p->bind_address);
	if (r)
		return pf_reason_set(why, r,
			"cannot open the management API at %.60s port %u: %s%s", p->bind_address,
			p->port, strerror(-r),
			r == -EADDRINUSE ? "; another punktfunk-host or Sunshine may run: choose "
					   "another mgmt_port (0 = any free one) or mgmt = no"
					 : "; see mgmt_bind and mgmt_port");
	return fd;
}

int pf_mgmt_create(struct pf_mgmt **out, const struct pf_mgmt_params *params, struct pf_reason *why)
{
	struct pf_mgmt *m = calloc(1, sizeof(*m));
	int fd, r;

	if (!m)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	m->p = *params;
	pthread_mutex_init(&m->lock, NULL);
	snprintf(m->token, sizeof(m->token), "%s", params->token);
	fd = open_port(params, &m->port, why);
	m->p.token = m->p.bind_address = NULL; /* the caller's, from now on */
	if (fd < 0) {
		r = fd;
		goto fail;
	}
	m->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS |
					     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, m, MHD_OPTION_EXTERNAL_LOGGER, on_server_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY,
		pf_identity_key_pem(params->identity), MHD_OPTION_HTTPS_MEM_CERT,
		pf_identity_cert_pem(params->identity), MHD_OPTION_HTTPS_PRIORITIES,
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS",
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_LIMIT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, m, MHD_OPTION_NOTIFY_COMPLETED, on_completed, m, MHD_OPTION_END);
	if (!m->daemon) {
		close(fd);
		r = pf_reason_set(why, -EIO, "the HTTP server of the management API did not start");
		goto fail;
	}
	*out = m;
	return 0;
fail:
	pf_mgmt_destroy(m);
	return r;
}

uint16_t pf_mgmt_port(const struct pf_mgmt *m)
{
	return m->port;
}

void pf_mgmt_stop(struct pf_mgmt *m)
{
	struct request *r;

	if (!m || !m->daemon)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	while ((r = m->waiting)) {
		take_waiting(r);
		pf_mgmt_answer_error(&r->answer, 503, "the host is shutting down");
		r->answered = true;
		pthread_mutex_unlock(&m->lock);
		MHD_resume_connection(r->http);
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	MHD_stop_daemon(m->daemon);
	m->daemon = NULL;
	pf_timer_stop(&m->sweep);
}

void pf_mgmt_destroy(struct pf_mgmt *m)
{
	if (!m)
		return;
	pf_mgmt_stop(m);
	pf_secret_wipe(m->token, sizeof(m->token));
	pthread_mutex_destroy(&m->lock);
	free(m);
}
