/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/mgmt/mgmt.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <jansson.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/mgmt/api.h"
#include "host/mgmt/assets.h"
#include "host/mgmt/conns.h"
#include "host/mgmt/endpoint.h"
#include "host/mgmt/feed.h"
#include "host/mgmt/gate.h"
#include "host/mgmt/head.h"
#include "host/mgmt/login_jobs.h"
#include "host/mgmt/respond.h"
#include "host/registry/access.h"
#include "host/registry/config.h"
#include "host/sys/files.h"
#include "host/sys/listen.h"
#include "pf_config.h"

/* Who is not accepted yet waits; a full queue would send him into TCP's retries, for minutes. */
#define LISTEN_QUEUE	  1024
#define CONNECTION_MEMORY 32768 /* head of a request, at most */
#define IDLE_LIMIT_S	  10u
#define QUERY_BYTES	  1024
#define HTTP_NICE	  10

/* Belongs to the HTTP thread, but for what the lock covers. */
struct request {
	struct pf_mgmt *m;
	struct MHD_Connection *http;
	struct pf_conn *conn; /* may be NULL */
	uint64_t id;
	struct request *next, **link; /* under lock, while it waits */
	bool answered;		      /* under lock */
	struct pf_mgmt_answer answer; /* under lock */
	struct pf_mgmt_pass pass;
	struct pf_mgmt_from from;
	char *method, *path, *query, *content_type, *last_event;
	const struct pf_asset *asset; /* which is all there is to answer */
	bool gz, known;		      /* compressed; the client has it */
	char *body;
	size_t body_max;
	size_t body_len;
	bool too_large;
};

struct pf_mgmt {
	struct pf_mgmt_params p;
	char token[PF_MGMT_TOKEN_BYTES];
	uint16_t port;
	struct MHD_Daemon *daemon;
	struct pf_feed *feed; /* loop */
	struct pf_conns *conns;
	struct pf_logins *logins;
	struct pf_streams *streams;
	struct pf_assets *assets; /* NULL = no web console */
	char hosts[PF_CONFIG_TEXT_BYTES];
	pthread_mutex_t lock;
	/* Under lock. */
	struct request *waiting;
	uint64_t last_id;
	bool stopping;
	struct later *laters; /* loop */
	bool is_nice;	      /* HTTP thread */
};

/* Loop. Outlives the request if need be. */
struct later {
	struct pf_mgmt_later base;
	struct pf_mgmt *m;
	uint64_t id; /* of the request */
	struct later *next, **link;
};

/* ---- connections ---- */

static void on_connection(void *user, struct MHD_Connection *http, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct pf_mgmt *m = user;
	const struct sockaddr *sa;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		pf_conn_close(*context);
		*context = NULL;
		return;
	}
	if (!m->is_nice) {
		/* Of the calling thread alone: streams come before what is told of them. */
		(void)setpriority(PRIO_PROCESS, 0, HTTP_NICE);
		m->is_nice = true;
	}
	info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info && info->tls_session) {
		/* A client may show its certificate, of whatever issuer: its fingerprint counts. */
		gnutls_certificate_server_set_request(info->tls_session, GNUTLS_CERT_REQUEST);
		gnutls_certificate_send_x509_rdn_sequence(info->tls_session, 1);
	}
	/* libmicrohttpd 1.0 answers in one place per connection: use each answer
	 * before the next question. */
	info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	sa = info ? info->client_addr : NULL;
	info = MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (sa && info)
		*context = pf_conn_open(m->conns, info->connect_fd, sa);
}

static struct pf_conn *conn_of(struct MHD_Connection *http)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* ---- one request ---- */

static void free_request(struct request *r)
{
	if (!r)
		return;
	pf_mgmt_answer_finish(&r->answer);
	free(r->method);
	free(r->path);
	free(r->query);
	free(r->content_type);
	free(r->last_event);
	pf_secret_wipe(&r->pass, sizeof(r->pass));
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
	pf_conn_busy(conn_of(http), false);
	free_request(r);
}

static enum MHD_Result refuse(struct request *r, unsigned status, const char *message)
{
	pf_conn_busy(conn_of(r->http), true);
	pf_mgmt_answer_error(&r->answer, status, message);
	return pf_respond(r->http, &r->answer);
}

/* For strangers. */
static enum MHD_Result refuse_for_now(struct request *r)
{
	r->answer.retry_after_s = 1;
	return refuse(r, 429, "too many requests");
}

/* ---- files of the console ---- */

/* What is no path of the API. The answer waits for the end of the request, or the
 * connection would be closed. */
static enum MHD_Result begin_file(struct request *r, const struct pf_mgmt_head *h)
{
	struct pf_mgmt *m = r->m;
	const struct pf_asset *f = pf_assets_find(m->assets, r->path);
	const char *message = NULL;
	unsigned status =
		pf_mgmt_gate_file(h, &(struct pf_mgmt_keys){ .hosts = m->hosts }, &message);

	if (status)
		return refuse(r, status, message);
	if (!pf_conn_may_ask(conn_of(r->http)))
		return refuse_for_now(r);
	if (!f)
		return refuse(r, 404,
			m->assets ? "there is nothing at this path"
				  : "there is nothing at this path: the web console is not "
				    "installed");
	if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD")) {
		r->answer.allow = "GET, HEAD";
		return refuse(r, 405, "this path does not know this method");
	}
	r->asset = f;
	r->gz = f->gz_len && pf_assets_takes_gzip(h->accept_encoding);
	r->known = h->if_none_match && strstr(h->if_none_match, r->gz ? f->gz_etag : f->etag);
	return MHD_YES;
}

/* Copies `s` unless it is NULL. */
static bool keep(char **out, const char *s)
{
	*out = s ? strdup(s) : NULL;
	return !s || *out;
}

static enum MHD_Result begin(struct pf_mgmt *m, struct MHD_Connection *http, const char *path,
	const char *method, void **context)
{
	const struct pf_mgmt_route *route = pf_mgmt_route_find(path);
	struct request *r = calloc(1, sizeof(*r));
	struct pf_mgmt_head head = { .port = m->port };
	char query[QUERY_BYTES];
	const char *message = NULL;
	unsigned status;

	if (!r)
		return MHD_NO;
	*context = r;
	r->m = m;
	r->http = http;
	r->body_max = route && route->body_max ? route->body_max : PF_MGMT_BODY_BYTES;
	if (!keep(&r->method, method) || !keep(&r->path, path))
		return MHD_NO;
	head.method = r->method;
	head.path = r->path;
	pf_head_read(&head, &r->from, http);
	if (!route && strncmp(path, "/api/", 5) && strncmp(path, "/metrics/", 9))
		return begin_file(r, &head);
	status = pf_mgmt_gate(&head,
		&(struct pf_mgmt_keys){ m->token, m->logins, m->hosts, pf_clock_mono_ns() },
		&r->pass, &message);
	if (status)
		return refuse(r, status, message);
	r->conn = conn_of(http);
	if (r->pass.lane == PF_MGMT_LANE_BROWSER || r->pass.lane == PF_MGMT_LANE_ADMIN)
		pf_conn_signed_in(r->conn);
	else if (!pf_conn_may_ask(r->conn))
		return refuse_for_now(r);
	else /* anybody may show a certificate: large bodies are not for strangers */
		r->body_max = PF_MGMT_BODY_BYTES;
	if (pf_head_query(query, sizeof(query), http) < 0)
		return refuse(r, 400, "the query is too long");
	if (!keep(&r->content_type, head.content_type) || !keep(&r->last_event, head.last_event) ||
		!keep(&r->query, *query ? query : NULL))
		return MHD_NO;
	return MHD_YES;
}

static void take_body(struct request *r, const char *data, size_t len)
{
	char *grown;

	if (r->too_large || len > r->body_max - r->body_len) {
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

/* The request `id` if it still waits. Loop thread, which alone takes requests off the
 * list while the API runs, so it stays. */
static struct request *find_waiting(struct pf_mgmt *m, uint64_t id)
{
	struct request *r;

	pthread_mutex_lock(&m->lock);
	for (r = m->waiting; r && r->id != id;)
		r = r->next;
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* Loop thread: takes over the answer; the connection goes on. */
static void settle(struct pf_mgmt *m, struct request *r, const struct pf_mgmt_answer *a)
{
	if (a->stream)
		pf_stream_begin(m->streams, a->stream, r->http, r->pass.login.id);
	pthread_mutex_lock(&m->lock);
	take_waiting(r);
	r->answer = *a;
	r->answered = true;
	pthread_mutex_unlock(&m->lock);
	MHD_resume_connection(r->http);
}

static void later_done(struct pf_mgmt_later *base, struct pf_mgmt_answer *a)
{
	struct later *l = (struct later *)base;
	struct request *r = find_waiting(l->m, l->id);

	if (r)
		settle(l->m, r, a);
	else
		pf_mgmt_answer_finish(a);
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	free(l);
}

static struct pf_mgmt_later *make_later(void *user)
{
	struct request *r = user;
	struct pf_mgmt *m = r->m;
	struct later *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->base.done = later_done;
	l->m = m;
	l->id = r->id;
	l->next = m->laters;
	l->link = &m->laters;
	if (l->next)
		l->next->link = &l->next;
	m->laters = l;
	return &l->base;
}

/* Whether the certificate is that of an enabled client of the native plane: as its
 * sessions are let in, by the exact fingerprint alone. Loop thread. */
static bool is_client(const struct pf_mgmt_params *p, const uint8_t fingerprint[32])
{
	struct pf_access_entry e;
	uint8_t *text;
	size_t len;
	int r = -ENOENT;

	if (p->allowed_path &&
		!pf_file_read(p->allowed_path, PF_ACCESS_FILE_BYTES, &text, &len, NULL)) {
		r = pf_access_find(&e, text, len, fingerprint, NULL, NULL);
		free(text);
	}
	return !r || (p->clients && pf_clients_find(p->clients, PF_PLANE_NATIVE, fingerprint));
}

/* Loop thread. */
static void run_request(void *user, void *msg)
{
	struct pf_mgmt *m = user;
	struct pf_mgmt_answer a;
	struct request *r;
	uint64_t id;

	memcpy(&id, msg, sizeof(id));
	r = find_waiting(m, id);
	if (!r)
		return;
	if (r->pass.lane == PF_MGMT_LANE_CLIENT && !is_client(&m->p, r->from.certificate)) {
		memset(&a, 0, sizeof(a));
		pf_mgmt_answer_error(&a, 401, "the certificate is of no client that is let in now");
		settle(m, r, &a);
		return;
	}
	pf_mgmt_answer_call(&a, &m->p,
		&(struct pf_mgmt_call){ .method = r->method,
			.path = r->path,
			.body = r->body,
			.body_len = r->body_len,
			.query = r->query,
			.content_type = r->content_type,
			.address = r->from.address,
			.last_event = r->last_event,
			.from_loopback = r->from.loopback,
			.lane = r->pass.lane,
			.login = r->pass.lane == PF_MGMT_LANE_BROWSER ? &r->pass.login : NULL,
			.mgmt = m,
			.defer = make_later,
			.defer_user = r });
	if (!a.later)
		settle(m, r, &a);
}

static enum MHD_Result hand_over(struct request *r)
{
	struct pf_mgmt *m = r->m;
	bool posted = false;

	pf_conn_busy(conn_of(r->http), true);
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
	if (r->asset) {
		pf_conn_busy(conn_of(http), true);
		return pf_respond_asset(http, r->asset, r->gz, r->known);
	}
	if (r->too_large)
		return refuse(r, 413, "the body is too large");
	pthread_mutex_lock(&m->lock);
	answered = r->answered;
	pthread_mutex_unlock(&m->lock);
	return answered ? pf_respond(http, &r->answer) : hand_over(r);
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
	r = pf_tcp_listen(p->bind_address, port, LISTEN_QUEUE, &fd);
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

static void load_console(struct pf_mgmt *m, const char *dir)
{
	struct pf_reason why = { 0 };

	if (pf_assets_load(&m->assets, *dir ? dir : PF_CONSOLE_DIR, &why))
		pf_log(*dir ? PF_LOG_WARN : PF_LOG_INFO, "mgmt", "no web console is served: %s",
			why.text);
}

static int set_up(struct pf_mgmt *m, const struct pf_mgmt_params *params)
{
	int r = pf_conns_create(&m->conns, params->loop);

	if (!r)
		r = pf_feed_create(&m->feed, &m->p);
	if (params->config) {
		snprintf(m->hosts, sizeof(m->hosts), "%s", params->config->mgmt_hosts);
		load_console(m, params->config->mgmt_console);
	}
	if (!r && params->password_path)
		r = pf_logins_create(&m->logins, params->password_path);
	if (!r && m->logins)
		r = pf_login_jobs_create(&m->p.login_jobs, m->logins);
	return r ? r : pf_streams_create(&m->streams, m->logins);
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
	m->p.token = m->p.bind_address = m->p.password_path = NULL; /* the caller's, from now on */
	if (fd < 0) {
		r = fd;
		goto fail;
	}
	r = set_up(m, params);
	if (r) {
		close(fd);
		(void)pf_reason_set(why, r, "out of memory");
		goto fail;
	}
	m->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS |
					     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, m, MHD_OPTION_EXTERNAL_LOGGER, on_server_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY,
		pf_identity_key_pem(params->identity), MHD_OPTION_HTTPS_MEM_CERT,
		pf_identity_cert_pem(params->identity), MHD_OPTION_HTTPS_PRIORITIES,
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS",
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)PF_CONNS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
		IDLE_LIMIT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, m, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, m, MHD_OPTION_END);
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

void pf_mgmt_event(struct pf_mgmt *m, const char *name, json_t *data)
{
	if (m)
		pf_feed_publish(m->feed, name, data);
	else
		json_decref(data);
}

struct pf_feed *pf_mgmt_feed(struct pf_mgmt *m)
{
	return m ? m->feed : NULL;
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
	pf_feed_stop(m->feed);
	pf_conns_stop(m->conns);
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
	pf_streams_stop(m->streams);
	MHD_stop_daemon(m->daemon);
	m->daemon = NULL;
}

void pf_mgmt_destroy(struct pf_mgmt *m)
{
	struct later *l;

	if (!m)
		return;
	pf_mgmt_stop(m);
	pf_feed_destroy(m->feed);
	while ((l = m->laters)) {
		m->laters = l->next;
		free(l);
	}
	pf_streams_destroy(m->streams);
	pf_login_jobs_destroy(m->p.login_jobs);
	pf_logins_destroy(m->logins);
	pf_conns_destroy(m->conns);
	pf_assets_free(m->assets);
	pf_secret_wipe(m->token, sizeof(m->token));
	pthread_mutex_destroy(&m->lock);
	free(m);
}
