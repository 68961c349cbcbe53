/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/http.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include "core/base/clock.h"
#include "core/crypto/cert.h"
#include "core/crypto/secret.h"
#include "host/gamestream/xml.h"
#include "host/sys/listen.h"

/* Request line, headers and what MHD adds; it counts per connection. */
#define POOL_BYTES   (PF_GS_TARGET_MAX + 16384)
#define BACKLOG	     32
#define SWEEP_MIN_NS (50 * PF_NS_PER_MS)
/* No tickets: a client that is no longer paired must not ride an old session. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS"

/* One connection, for the sweep of slow ones. MHD's threads make and free it. */
struct conn {
	struct conn *next, **at;
	int fd;
	uint64_t deadline_ns; /* UINT64_MAX while the loop owes the answer */
};

enum state {
	STATE_NEW,
	STATE_HEADERS, /* the first of MHD's calls has been */
	STATE_OPEN,    /* sleeps; the loop owes an answer */
	STATE_ANSWERED,
};

struct req {
	struct pf_gs_request pub;
	struct req *next, **at; /* in h->open */
	struct MHD_Connection *connection;
	struct conn *conn;
	enum state state;
	bool seen;	 /* the handler has it */
	int parse_error; /* of the target */
	struct MHD_Response *response;
	sd_event_source *watch;
	int watch_fd;
	uint8_t cert[PF_CERT_DER_BYTES];
};

struct listener {
	struct pf_gs_http *h;
	struct MHD_Daemon *daemon;
	uint16_t port;
	bool https;
};

struct pf_gs_http {
	struct pf_gs_http_params params;
	struct listener plain, tls;
	int wake_fd;
	sd_event_source *wake, *sweep;
	pthread_mutex_t lock;
	/* under lock */
	bool closing;
	struct conn *conns;
	struct req *open;
};

static void poke(struct pf_gs_http *h)
{
	uint64_t one = 1;

	(void)!write(h->wake_fd, &one, sizeof(one));
}

/* ---- on MHD's threads ---- */

static void address_text(
	const struct sockaddr *sa, char out[PF_GS_ADDRESS_BYTES], uint8_t ip[16], bool *is_ipv4)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*is_ipv4 = false;
	memset(ip, 0, 16);
	out[0] = 0;
	if (sa->sa_family == AF_INET) {
		memcpy(ip, mapped, sizeof(mapped));
		memcpy(ip + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(ip, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	}
	*is_ipv4 = !memcmp(ip, mapped, sizeof(mapped));
	if (*is_ipv4)
		inet_ntop(AF_INET, ip + 12, out, PF_GS_ADDRESS_BYTES);
	else
		inet_ntop(AF_INET6, ip, out, PF_GS_ADDRESS_BYTES);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = cls;
	struct pf_gs_http *h = l->h;
	const union MHD_ConnectionInfo *info;
	struct conn *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!c)
			return;
		/* MHD closes the descriptor after this: the sweep never sees a stale one. */
		pthread_mutex_lock(&h->lock);
		*c->at = c->next;
		if (c->next)
			c->next->at = c->at;
		pthread_mutex_unlock(&h->lock);
		free(c);
		return;
	}
	if (l->https) {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
		if (info) {
			/* Asked of everybody, without a list of authorities that a client
			 * would look for itself in. */
			gnutls_certificate_server_set_request(
				info->tls_session, GNUTLS_CERT_REQUEST);
			gnutls_certificate_send_x509_rdn_sequence(info->tls_session, 1);
		}
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	c = calloc(1, sizeof(*c));
	*context = c;
	if (!c || !info) {
		/* Without a record it could stay for ever. */
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		free(c);
		*context = NULL;
		return;
	}
	c->fd = info->connect_fd;
	c->deadline_ns = pf_clock_mono_ns() + h->params.patience_ms * PF_NS_PER_MS;
	pthread_mutex_lock(&h->lock);
	c->next = h->conns;
	c->at = &h->conns;
	if (c->next)
		c->next->at = &c->next;
	h->conns = c;
	pthread_mutex_unlock(&h->lock);
	poke(h);
}

/* The target in full, before MHD takes it apart; the result is the request's. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct listener *l = cls;
	struct req *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->pub.http = l->h;
	r->pub.https = l->https;
	r->connection = connection;
	r->watch_fd = -1;
	r->parse_error = pf_gs_query_parse(&r->pub.query, target, strlen(target));
	return r;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct req *r = *context;

	*context = NULL;
	if (!r)
		return;
	if (r->response)
		MHD_destroy_response(r->response);
	pf_secret_wipe(r, sizeof(*r));
	free(r);
}

static void take_addresses(struct req *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);
	uint8_t ip[16];
	bool is_ipv4;

	if (info && info->client_addr)
		address_text(info->client_addr, r->pub.peer, r->pub.peer_ip, &is_ipv4);
	if (!getsockname(r->conn->fd, (struct sockaddr *)&local, &len))
		address_text((struct sockaddr *)&local, r->pub.local, ip, &r->pub.local_is_ipv4);
}

static void take_certificate(struct req *r)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	const gnutls_datum_t *certs;
	unsigned count = 0;

	if (!info)
		return;
	certs = gnutls_certificate_get_peers(info->tls_session, &count);
	if (!certs || !count || certs[0].size > sizeof(r->cert))
		return;
	memcpy(r->cert, certs[0].data, certs[0].size);
	r->pub.cert = r->cert;
	r->pub.cert_len = certs[0].size;
	pf_cert_fingerprint_der(r->cert, r->pub.cert_len, r->pub.fingerprint);
}

static struct MHD_Response *make_response(const char *type, const void *body, size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_MUST_COPY);

	if (!response)
		return NULL;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_NO ||
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_NO) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}

static struct MHD_Response *make_status(uint32_t status, const char *message)
{
	struct pf_gs_xml x;
	char buf[1024];
	size_t len;

	pf_gs_xml_begin(&x, buf, sizeof(buf), status, message);
	if (pf_gs_xml_end(&x, &len))
		return NULL;
	return make_response(PF_GS_XML_TYPE, buf, len);
}

static enum MHD_Result answer_here(struct req *r, uint32_t status, const char *message)
{
	struct MHD_Response *response = make_status(status, message);
	enum MHD_Result result = MHD_NO;

	if (response) {
		result = MHD_queue_response(r->connection, MHD_HTTP_OK, response);
		MHD_destroy_response(response);
	}
	return result;
}

/* Puts the connection to sleep and hands the request to the loop. */
static enum MHD_Result hand_over(struct pf_gs_http *h, struct req *r)
{
	bool closing;

	take_addresses(r);
	if (r->pub.https)
		take_certificate(r);
	MHD_suspend_connection(r->connection);
	pthread_mutex_lock(&h->lock);
	closing = h->closing;
	if (!closing) {
		r->state = STATE_OPEN;
		r->conn->deadline_ns = UINT64_MAX;
		r->next = h->open;
		r->at = &h->open;
		if (r->next)
			r->next->at = &r->next;
		h->open = r;
	}
	pthread_mutex_unlock(&h->lock);
	if (closing) {
		r->state = STATE_ANSWERED;
		MHD_resume_connection(r->connection);
	} else {
		poke(h);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **context)
{
	struct listener *l = cls;
	struct req *r = *context;
	const union MHD_ConnectionInfo *info;

	if (!r || *upload_len)
		return MHD_NO;
	switch (r->state) {
	case STATE_NEW:
		r->state = STATE_HEADERS;
		return MHD_YES;
	case STATE_HEADERS:
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
		r->conn = info ? info->socket_context : NULL;
		if (!r->conn)
			return MHD_NO;
		if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
			return answer_here(r, 404, "only GET is served");
		if (r->parse_error)
			return answer_here(r, 400, "malformed request");
		return hand_over(l->h, r);
	case STATE_ANSWERED:
		return r->response ? MHD_queue_response(connection, MHD_HTTP_OK, r->response)
				   : MHD_NO;
	default:
		return MHD_NO;
	}
}

/* ---- on the control loop ---- */

static int on_sweep(sd_event_source *source, uint64_t usec, void *user);

/* Sets the timer to the nearest deadline; none while nobody can be late. */
static void arm_sweep(struct pf_gs_http *h, uint64_t now_ns)
{
	uint64_t next = UINT64_MAX;

	pthread_mutex_lock(&h->lock);
	for (struct conn *c = h->conns; c; c = c->next)
		if (c->deadline_ns < next)
			next = c->deadline_ns;
	pthread_mutex_unlock(&h->lock);
	if (next == UINT64_MAX) {
		(void)sd_event_source_set_enabled(h->sweep, SD_EVENT_OFF);
		return;
	}
	if (next < now_ns + SWEEP_MIN_NS)
		next = now_ns + SWEEP_MIN_NS;
	(void)sd_event_source_set_time(h->sweep, next / PF_NS_PER_US);
	(void)sd_event_source_set_enabled(h->sweep, SD_EVENT_ONESHOT);
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *user)
{
	struct pf_gs_http *h = user;
	uint64_t now_ns = pf_clock_mono_ns();

	pthread_mutex_lock(&h->lock);
	for (struct conn *c = h->conns; c; c = c->next) {
		if (c->deadline_ns > now_ns)
			continue;
		/* MHD sees the end of the stream and closes. */
		shutdown(c->fd, SHUT_RDWR);
		c->deadline_ns = UINT64_MAX;
	}
	pthread_mutex_unlock(&h->lock);
	arm_sweep(h, now_ns);
	return 0;
}

/* The oldest request that the handler has not seen. */
static struct req *take_unseen(struct pf_gs_http *h)
{
	struct req *found = NULL;

	pthread_mutex_lock(&h->lock);
	for (struct req *r = h->open; r; r = r->next)
		if (!r->seen)
			found = r; /* newest first: the last one is the oldest */
	if (found)
		found->seen = true;
	pthread_mutex_unlock(&h->lock);
	return found;
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct pf_gs_http *h = user;
	struct req *r;
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
	while ((r = take_unseen(h)))
		h->params.request(h->params.user, &r->pub);
	arm_sweep(h, pf_clock_mono_ns());
	return 0;
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct req *r = user;
	struct pf_gs_http *h = r->pub.http;

	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	h->params.gone(h->params.user, &r->pub);
	return 0;
}

int pf_gs_http_watch(struct pf_gs_request *pub)
{
	struct req *r = (struct req *)pub;
	struct pf_gs_http *h = pub->http;
	int result;

	if (r->watch)
		return 0;
	/* MHD does not close the connection while it sleeps; a copy of the
	 * descriptor because the original is in MHD's epoll set. */
	r->watch_fd = fcntl(r->conn->fd, F_DUPFD_CLOEXEC, 0);
	if (r->watch_fd < 0)
		return -errno;
	result = sd_event_add_io(
		pf_loop_event(h->params.loop), &r->watch, r->watch_fd, EPOLLRDHUP, on_hangup, r);
	if (result < 0) {
		close(r->watch_fd);
		r->watch_fd = -1;
	}
	return result < 0 ? result : 0;
}

/* Takes the response over; NULL ends the connection. */
static void finish(struct req *r, struct MHD_Response *response)
{
	struct pf_gs_http *h = r->pub.http;
	struct MHD_Connection *connection = r->connection;

	r->watch = sd_event_source_disable_unref(r->watch);
	if (r->watch_fd >= 0)
		close(r->watch_fd);
	r->watch_fd = -1;
	pthread_mutex_lock(&h->lock);
	*r->at = r->next;
	if (r->next)
		r->next->at = r->at;
	r->response = response;
	r->state = STATE_ANSWERED;
	r->conn->deadline_ns = pf_clock_mono_ns() + PF_GS_HTTP_SEND_MS * PF_NS_PER_MS;
	pthread_mutex_unlock(&h->lock);
	MHD_resume_connection(connection); /* `r` may be gone from here on */
}

void pf_gs_answer(struct pf_gs_request *pub, const char *type, const void *body, size_t len)
{
	struct pf_gs_http *h = pub->http;

	finish((struct req *)pub, make_response(type, body, len));
	poke(h); /* for the sweep of clients that do not read */
}

void pf_gs_answer_status(struct pf_gs_request *pub, uint32_t status, const char *message)
{
	struct pf_gs_http *h = pub->http;

	finish((struct req *)pub, make_status(status, message));
	poke(h);
}

/* ---- life ---- */

static int open_socket(const char *address, uint16_t port, uint16_t *bound, struct pf_reason *why)
{
	int fd, r;

	if (!address)
		address = "0.0.0.0";
	*bound = port;
	r = pf_tcp_listen(address, bound, BACKLOG, &fd);
	if (r == -EINVAL)
		return pf_reason_set(why, r, "%s is no IP address", address);
	if (r)
		return pf_reason_set(why, r,
			r == -EADDRINUSE ? "TCP port %u of %s is in use: end the other program "
					   "(does Sunshine run?) or set gamestream_port"
					 : "cannot listen on TCP port %u of %s",
			port, address);
	return fd;
}

static int open_listener(
	struct pf_gs_http *h, struct listener *l, bool https, uint16_t port, struct pf_reason *why)
{
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)h->params.key_pem },
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)h->params.cert_pem },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned patience_s = (h->params.patience_ms + 999) / 1000;
	int fd;

	l->h = h;
	l->https = https;
	fd = open_socket(h->params.bind_address, port, &l->port, why);
	if (fd < 0)
		return fd;
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
					     (https ? MHD_USE_TLS : 0),
		l->port, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, PF_GS_HTTP_CONNS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		PF_GS_HTTP_CONNS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT, patience_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_URI_LOG_CALLBACK,
		on_target, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_ARRAY,
		https ? tls : tls + 3, MHD_OPTION_END);
	if (!l->daemon) {
		close(fd);
		return pf_reason_set(why, -EIO, "cannot start the HTTP%s listener on TCP port %u",
			https ? "S" : "", l->port);
	}
	return 0;
}

int pf_gs_http_create(
	struct pf_gs_http **out, const struct pf_gs_http_params *params, struct pf_reason *why)
{
	struct pf_gs_http *h = calloc(1, sizeof(*h));
	sd_event *event = pf_loop_event(params->loop);
	int r;

	if (!h)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	pthread_mutex_init(&h->lock, NULL);
	h->params = *params;
	if (!h->params.patience_ms)
		h->params.patience_ms = PF_GS_HTTP_PATIENCE_MS;
	h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = h->wake_fd < 0 ? -errno
			   : sd_event_add_io(event, &h->wake, h->wake_fd, EPOLLIN, on_wake, h);
	if (r >= 0)
		r = sd_event_add_time(event, &h->sweep, CLOCK_MONOTONIC, 0,
			SWEEP_MIN_NS / PF_NS_PER_US, on_sweep, h);
	if (r < 0) {
		pf_reason_set(why, r, "cannot wait for requests: %s", strerror(-r));
		goto fail;
	}
	(void)sd_event_source_set_enabled(h->sweep, SD_EVENT_OFF);
	r = open_listener(h, &h->plain, false, params->port, why);
	if (!r)
		r = open_listener(h, &h->tls, true, params->https_port, why);
	if (r)
		goto fail;
	h->params.key_pem = h->params.cert_pem = NULL;
	*out = h;
	return 0;
fail:
	pf_gs_http_destroy(h);
	return r;
}

void pf_gs_http_destroy(struct pf_gs_http *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->closing = true;
	pthread_mutex_unlock(&h->lock);
	/* From here on nobody else adds to the list. */
	while (h->open)
		finish(h->open, make_status(503, "the host stops"));
	if (h->plain.daemon)
		MHD_stop_daemon(h->plain.daemon);
	if (h->tls.daemon)
		MHD_stop_daemon(h->tls.daemon);
	sd_event_source_disable_unref(h->wake);
	sd_event_source_disable_unref(h->sweep);
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

uint16_t pf_gs_http_port(const struct pf_gs_http *h)
{
	return h->plain.port;
}

uint16_t pf_gs_http_https_port(const struct pf_gs_http *h)
{
	return h->tls.port;
}
