/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/cmd/api.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "core/base/utf8.h"
#include "core/crypto/secret.h"
#include "core/crypto/tls_client.h"
#include "host/mgmt/endpoint.h"
#include "host/registry/json_file.h"
#include "host/sys/files.h"

#define ANSWER_BYTES (4u << 20)
#define LIMIT_S	     15
/* The host is never silent for longer than 15 s. */
#define STREAM_LIMIT_S 45
#define EVENT_BYTES    (128u << 10)

int pf_api_set_terms(json_t *body, const char *name, const char *grants, const char *expires)
{
	if ((name && json_object_set_new(body, "name", json_string(name))) ||
		(grants && json_object_set_new(body, "grants", json_string(grants))) ||
		(expires &&
			json_object_set_new(body, "expires",
				!strcmp(expires, "never") ? json_null() : json_string(expires)))) {
		pf_complain("a value is not UTF-8");
		return PF_EXIT_USAGE;
	}
	return PF_EXIT_OK;
}

int pf_api_print(const json_t *o)
{
	return json_dumpf(
		       o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) ||
			       puts("") < 0
		       ? PF_EXIT_FAILURE
		       : PF_EXIT_OK;
}

const char *pf_api_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

const char *pf_printable(char *buf, size_t cap, const char *text)
{
	(void)pf_utf8_printable(buf, cap, text ? text : "", text ? strlen(text) : 0);
	return buf;
}

bool pf_api_begin(struct pf_options *o, const struct pf_cmd *cmd, const char *usage, int argc,
	char **argv, int *exit_code)
{
	*exit_code = pf_options_parse(o, argc, argv);
	if (!*exit_code && o->help) {
		pf_options_help_short(cmd, usage, o->extra);
		return false;
	}
	if (!*exit_code)
		*exit_code = pf_leave_root(o);
	return !*exit_code;
}

/* Where the host is; the words name what to do when there is none. */
static int find_host(struct pf_mgmt_endpoint *e, char token[PF_MGMT_TOKEN_BYTES], char *dir,
	size_t cap, struct pf_reason *why)
{
	struct pf_reason one = { 0 };
	int r = pf_dir_path(PF_DIR_STATE, dir, cap, why);

	if (r)
		return r;
	r = pf_mgmt_endpoint_read(e, dir, &one);
	if (r == -ENOENT)
		return pf_reason_set(why, r,
			"no punktfunk-host with a management API runs for this user (there is no "
			"%.100s/mgmt.json); start one: punktfunk-host serve",
			dir);
	if (!r)
		r = pf_mgmt_token_read(token, dir, &one);
	if (r == -EACCES || r == -EPERM)
		return pf_reason_set(
			why, -EACCES, "%.150s; run this as the user of the host", one.text);
	return r ? pf_reason_set(why, r, "%s", one.text) : 0;
}

static int connect_to(const struct pf_mgmt_endpoint *e, struct pf_reason *why)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	const struct timeval limit = { .tv_sec = LIMIT_S };
	struct addrinfo *list = NULL;
	char port[8];
	int fd = -1, r = 0;

	snprintf(port, sizeof(port), "%u", e->port);
	if (getaddrinfo(e->address, port, &hints, &list))
		return pf_reason_set(why, -EINVAL, "mgmt.json names no numeric address");
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
		connect(fd, list->ai_addr, list->ai_addrlen))
		r = -errno;
	freeaddrinfo(list);
	if (!r)
		return fd;
	if (fd >= 0)
		close(fd);
	if (r == -ECONNREFUSED)
		return pf_reason_set(why, -ENOENT,
			"the host (process %lld) does not answer at %s port %u: it ended without "
			"saying so; start one: punktfunk-host serve",
			(long long)e->pid, e->address, e->port);
	return pf_reason_set(why, r, "cannot reach the host at %s port %u: %s", e->address, e->port,
		strerror(-r));
}

/* What goes to the host. */
struct request {
	const char *method, *path;
	const char *type; /* of data; NULL = none */
	const void *data;
	size_t len;
};

static int send_request(struct pf_tls_client *tls, const struct pf_mgmt_endpoint *e,
	const char *token, const struct request *q)
{
	bool v6 = strchr(e->address, ':') != NULL;
	char *head = NULL;
	int r = -ENOMEM;

	if (asprintf(&head,
		    "%s /api/v1/%s HTTP/1.1\r\nHost: %s%s%s:%u\r\nConnection: close\r\n"
		    "Authorization: Bearer %s\r\n%s%s%sContent-Length: %zu\r\n\r\n",
		    q->method, q->path, v6 ? "[" : "", e->address, v6 ? "]" : "", e->port, token,
		    q->type ? "Content-Type: " : "", q->type ? q->type : "", q->type ? "\r\n" : "",
		    q->len) < 0)
		return r;
	r = pf_tls_client_write(tls, head, strlen(head));
	if (!r && q->len)
		r = pf_tls_client_write(tls, q->data, q->len);
	pf_secret_wipe(head, strlen(head));
	free(head);
	return r;
}

/* All that comes, zero-terminated. */
static int read_all(struct pf_tls_client *tls, char **out, size_t *out_len)
{
	size_t cap = 65536, len = 0;
	char *buf = malloc(cap);

	while (buf) {
		ssize_t n = pf_tls_client_read(tls, buf + len, cap - len - 1);
		char *grown;

		if (n <= 0 && (n < 0 && n != -EPIPE)) {
			free(buf);
			return (int)n;
		}
		if (n <= 0) {
			buf[len] = 0;
			*out = buf;
			*out_len = len;
			return 0;
		}
		len += (size_t)n;
		if (cap - len > 1)
			continue;
		cap *= 2;
		grown = cap > ANSWER_BYTES ? NULL : realloc(buf, cap);
		if (!grown)
			free(buf);
		buf = grown;
	}
	return -ENOMEM;
}

/* Cuts an answer: its body, whose length the head must name. */
static int cut_answer(char *text, size_t len, unsigned *status, char **body, size_t *body_len,
	struct pf_reason *why)
{
	char *end = strstr(text, "\r\n\r\n"), *line;
	long length = -1;
	unsigned code = 0;

	if (!end || sscanf(text, "HTTP/1.%*1[01] %3u", &code) != 1)
		return pf_reason_set(why, -EPROTO, "the host's answer is no HTTP");
	*end = 0;
	for (line = text; (line = strstr(line, "\r\n"));) {
		line += 2;
		if (!strncasecmp(line, "Content-Length:", 15))
			length = strtol(line + 15, NULL, 10);
	}
	*body = end + 4;
	*body_len = len - (size_t)(*body - text);
	if (code != 204 && (length < 0 || (size_t)length != *body_len))
		return pf_reason_set(why, -EPROTO, "the host's answer was cut off");
	*status = code;
	return 0;
}

/* A connection on which a request was sent; to be hung up, whatever came. */
struct call {
	struct pf_tls_client *tls;
	struct pf_mgmt_endpoint e;
	int fd;
};

static int no_answer(const struct call *k, int r, struct pf_reason *why)
{
	return pf_reason_set(why, r, "the host at %s port %u does not answer: %s", k->e.address,
		k->e.port, strerror(-r));
}

static int dial(struct call *k, const struct request *q, struct pf_reason *why)
{
	char token[PF_MGMT_TOKEN_BYTES], dir[PF_PATH_BYTES];
	struct pf_reason one = { 0 };
	int r;

	*k = (struct call){ .fd = -1 };
	r = find_host(&k->e, token, dir, sizeof(dir), why);
	if (r)
		goto out;
	r = k->fd = connect_to(&k->e, why);
	if (r < 0)
		goto out;
	r = pf_tls_client_open(&k->tls, k->fd, k->e.fingerprint, &one);
	if (r) {
		pf_reason_set(why, r, "%s port %u: %s", k->e.address, k->e.port, one.text);
		goto out;
	}
	r = send_request(k->tls, &k->e, token, q);
	if (r)
		no_answer(k, r, why);
out:
	pf_secret_wipe(token, sizeof(token));
	return r < 0 ? r : 0;
}

static void hang_up(struct call *k)
{
	pf_tls_client_close(k->tls);
	if (k->fd >= 0)
		close(k->fd);
}

/* One question: what the host answered, *text, with its status and body in it. */
static int exchange(const struct request *q, char **text, unsigned *status, char **body,
	size_t *body_len, struct pf_reason *why)
{
	size_t len = 0;
	struct call k;
	int r = dial(&k, q, why);

	*text = NULL;
	if (!r) {
		r = read_all(k.tls, text, &len);
		if (r)
			no_answer(&k, r, why);
		else
			r = cut_answer(*text, len, status, body, body_len, why);
	}
	hang_up(&k);
	return r;
}

int pf_api_call(const char *method, const char *path, const json_t *body, unsigned *status,
	json_t **answer, struct pf_reason *why)
{
	char *data = body ? json_dumps(body, JSON_COMPACT) : NULL, *text = NULL, *said;
	const struct request q = { .method = method,
		.path = path,
		.type = body ? "application/json" : NULL,
		.data = data,
		.len = data ? strlen(data) : 0 };
	json_t *o = NULL;
	size_t len;
	int r;

	if (body && !data)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r = exchange(&q, &text, status, &said, &len, why);
	if (!r && len && pf_json_parse(&o, said, len, NULL, NULL))
		r = pf_reason_set(why, -EPROTO, "the host's answer is no JSON");
	if (!r)
		*answer = o;
	free(text);
	free(data);
	return r;
}

/* Complains of what the host refused. */
static int refused(const json_t *o)
{
	const char *message = NULL;
	char clean[256];

	(void)json_unpack((json_t *)o, "{s:{s:s}}", "error", "message", &message);
	pf_complain("%s", pf_printable(clean, sizeof(clean), message ? message : "refused"));
	return PF_EXIT_FAILURE;
}

int pf_api_ask_raw(const char *method, const char *path, const char *type, const void *data,
	size_t len, uint8_t **answer, size_t *answer_len)
{
	const struct request q = { method, path, type, data, len };
	struct pf_reason why = { 0 };
	char *text = NULL, *said;
	unsigned status = 0;
	json_t *o = NULL;
	size_t said_len;
	int r = PF_EXIT_OK;

	if (exchange(&q, &text, &status, &said, &said_len, &why)) {
		pf_complain("%s", why.text);
		r = PF_EXIT_FAILURE;
	} else if (status < 200 || status > 299) {
		(void)pf_json_parse(&o, said, said_len, NULL, NULL);
		r = refused(o);
		json_decref(o);
	} else if (answer) {
		*answer_len = said_len;
		*answer = memmove(text, said, said_len);
		text = NULL;
	}
	free(text);
	return r;
}

int pf_api_ask(const char *method, const char *path, const json_t *body, json_t **answer)
{
	struct pf_reason why = { 0 };
	unsigned status = 0;
	json_t *o = NULL;

	if (pf_api_call(method, path, body, &status, &o, &why)) {
		pf_complain("%s", why.text);
		return PF_EXIT_FAILURE;
	}
	if (status >= 200 && status < 300) {
		*answer = o;
		return PF_EXIT_OK;
	}
	(void)refused(o);
	json_decref(o);
	return PF_EXIT_FAILURE;
}

/* ---- the stream of events ---- */

/* What comes, a byte at a time; of chunks what is in them. */
struct source {
	struct pf_tls_client *tls;
	bool chunked;
	size_t left; /* of the chunk */
	size_t at, len;
	char buf[8192];
};

/* Negative: the end (-EPIPE), or an error. */
static int raw_byte(struct source *s)
{
	ssize_t n;

	if (s->at == s->len) {
		n = pf_tls_client_read(s->tls, s->buf, sizeof(s->buf));
		if (n <= 0)
			return n ? (int)n : -EPIPE;
		s->at = 0;
		s->len = (size_t)n;
	}
	return (unsigned char)s->buf[s->at++];
}

/* A line without its end, zero-terminated: its length. */
static int take_line(struct source *s, char *line, size_t cap, int (*byte)(struct source *s))
{
	size_t n = 0;
	int c;

	while ((c = byte(s)) >= 0 && c != '\n') {
		if (n + 1 == cap)
			return -EMSGSIZE;
		line[n++] = (char)c;
	}
	if (c < 0)
		return c;
	n -= n && line[n - 1] == '\r';
	line[n] = 0;
	return (int)n;
}

static int body_byte(struct source *s)
{
	char line[32];
	int c, r;

	if (!s->left) {
		/* A chunk ends with an empty line, before the size of the next. */
		do
			r = take_line(s, line, sizeof(line), raw_byte);
		while (!r);
		if (r < 0)
			return r;
		s->left = strtoul(line, NULL, 16);
		if (!s->left || s->left > ANSWER_BYTES)
			return s->left ? -EPROTO : -EPIPE;
	}
	c = raw_byte(s);
	s->left -= c >= 0;
	return c;
}

/* The head of the answer; what the host refuses with goes to the words. */
static int read_head(struct source *s, struct pf_reason *why)
{
	const char *message = NULL;
	json_t *o = NULL;
	size_t length = 0, n = 0;
	unsigned status = 0;
	char line[4096];
	int r, c;

	while ((r = take_line(s, line, sizeof(line), raw_byte)) > 0) {
		if (!status && sscanf(line, "HTTP/1.%*1[01] %3u", &status) != 1)
			return pf_reason_set(why, -EPROTO, "the host's answer is no HTTP");
		if (!strncasecmp(line, "Content-Length:", 15))
			length = strtoul(line + 15, NULL, 10);
		s->chunked |= !strcasecmp(line, "Transfer-Encoding: chunked");
	}
	if (r < 0)
		return pf_reason_set(why, r, "the host does not answer: %s", strerror(-r));
	if (status == 200 && s->chunked)
		return 0;
	while (n < length && n + 1 < sizeof(line) && (c = raw_byte(s)) >= 0)
		line[n++] = (char)c;
	line[n] = 0;
	(void)pf_json_parse(&o, line, n, NULL, NULL);
	(void)json_unpack(o, "{s:{s:s}}", "error", "message", &message);
	pf_reason_set(why, -EPROTO, "%s", message ? message : "the host tells no events");
	json_decref(o);
	return -EPROTO;
}

/* Until fn has enough or the host ends the stream. */
static int read_events(
	struct source *s, bool (*fn)(void *user, const char *name, const char *data), void *user)
{
	char *line = malloc(EVENT_BYTES), *data = malloc(EVENT_BYTES), name[64] = "";
	int r = line && data ? 0 : -ENOMEM;

	while (r >= 0 && (r = take_line(s, line, EVENT_BYTES, body_byte)) >= 0) {
		if (!strncmp(line, "event: ", 7)) {
			snprintf(name, sizeof(name), "%s", line + 7);
		} else if (!strncmp(line, "data: ", 6)) {
			strcpy(data, line + 6);
		} else if (!r && *name) {
			if (!fn(user, name, data))
				break;
			*name = 0;
		}
	}
	free(line);
	free(data);
	return r < 0 && r != -EPIPE ? r : 0;
}

int pf_api_follow(
	const char *path, bool (*fn)(void *user, const char *name, const char *data), void *user)
{
	const struct timeval limit = { .tv_sec = STREAM_LIMIT_S };
	const struct request q = { .method = "GET", .path = path };
	struct source *s = calloc(1, sizeof(*s));
	struct pf_reason why = { 0 };
	struct call k = { .fd = -1 };
	int r = s ? dial(&k, &q, &why) : pf_reason_set(&why, -ENOMEM, "out of memory");

	if (!r && setsockopt(k.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		r = pf_reason_set(&why, -errno, "cannot set a limit: %s", strerror(errno));
	if (!r) {
		s->tls = k.tls;
		r = read_head(s, &why);
	}
	if (!r) {
		r = read_events(s, fn, user);
		if (r)
			no_answer(&k, r, &why);
	}
	hang_up(&k);
	free(s);
	if (r)
		pf_complain("%s", why.text);
	return r ? PF_EXIT_FAILURE : PF_EXIT_OK;
}
