/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The HTTP(S) part of the GameStream plane over real sockets: a client with its
 * own pairing and TLS code against the routes, with a session part that only
 * takes notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/rsa_identity.h"
#include "core/wire/pf1_handshake.h"
#include "host/gamestream/routes.h"
#include "host/registry/apps.h"
#include "host/registry/clients.h"
#include "host/sys/worker.h"
#include "tests/unit/gs_pair_client.h"

#define UNIQUE	    "11111111-2222-3333-4444-555555555555"
#define ID	    "0123456789ABCDEF"
#define COMMON	    "uniqueid=" ID "&uuid=00112233445566778899aabbccddeeff"
#define PATIENCE_MS 1500
#define WAIT_MS	    20000 /* for what must happen, on a loaded machine */
#define LAUNCH_ARGS                                                                                \
	"&mode=1280x720x60&additionalStates=1&sops=0&rikeyid=-5&localAudioPlayMode=0"              \
	"&surroundAudioInfo=196610&remoteControllersBitmap=0&gcmap=0&gcpersist=0"

struct fixture {
	char dir[64];
	struct pf_loop *loop;
	struct pf_workers *workers;
	struct pf_clients *clients;
	struct pf_apps *apps;
	struct pf_gs_routes *routes;
	pthread_t thread;
	uint16_t port, https_port;
	/* the session part; loop thread, or with the loop idle */
	uint32_t running_app;
	uint8_t running_fp[32];
	struct pf_gs_launch launched;
	unsigned launches, cancels;
	bool hold_launch;
	struct pf_gs_request *held;
};

static struct pf_identity *identity;
static struct gs_client alice, bob;

/* ---- log ---- */

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[1 << 16];
static size_t log_len;

static void on_log(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	pthread_mutex_lock(&log_lock);
	log_len += (size_t)snprintf(log_text + log_len, sizeof(log_text) - log_len, "%s\n", text);
	if (log_len >= sizeof(log_text))
		log_len = 0;
	pthread_mutex_unlock(&log_lock);
}

/* ---- the session part ---- */

static uint32_t running(void *user, const uint8_t fingerprint[32])
{
	struct fixture *f = user;

	return memcmp(f->running_fp, fingerprint, 32) ? 0 : f->running_app;
}

static void launch(void *user, const struct pf_gs_launch *l, struct pf_gs_request *r)
{
	struct fixture *f = user;

	f->launched = *l;
	f->launches++;
	if (f->hold_launch) {
		f->held = r;
		return;
	}
	if (l->app_id == PF_APP_DESKTOP_ID || l->resume) {
		f->running_app = PF_APP_DESKTOP_ID;
		memcpy(f->running_fp, l->fingerprint, 32);
		pf_gs_answer_launch(r, l->corever, 48010);
	} else {
		pf_gs_answer_refuse(r, 503, "no such <app>");
	}
}

static void cancel(void *user, const uint8_t fingerprint[32], struct pf_gs_request *r)
{
	struct fixture *f = user;

	f->cancels++;
	if (!memcmp(f->running_fp, fingerprint, 32))
		f->running_app = 0;
	pf_gs_answer_cancel(r, 200, NULL);
}

static const struct pf_gs_session_ops session_ops = {
	.running = running,
	.launch = launch,
	.cancel = cancel,
};

/* ---- work on the loop ---- */

struct call {
	void (*fn)(struct fixture *f, void *arg);
	struct fixture *f;
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
};

static void run_call(void *user, void *msg)
{
	struct call *c = user;

	c->fn(c->f, c->arg);
	pthread_mutex_lock(&c->lock);
	c->done = true;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->lock);
}

static void on_loop(struct fixture *f, void (*fn)(struct fixture *f, void *arg), void *arg)
{
	struct call c = { .fn = fn,
		.f = f,
		.arg = arg,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER };

	assert_int_equal(pf_loop_post(f->loop, run_call, &c, NULL, 0), 0);
	pthread_mutex_lock(&c.lock);
	while (!c.done)
		pthread_cond_wait(&c.cond, &c.lock);
	pthread_mutex_unlock(&c.lock);
}

static void *run_loop(void *arg)
{
	struct fixture *f = arg;

	pf_loop_run(f->loop);
	return NULL;
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static const char own_image[] = "\x89PNG\r\n\x1a\nand more";

static int setup_with(void **state, bool plain_rtsp)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct pf_gs_routes_params params;
	struct pf_reason why = { 0 };
	char path[128], text[512];

	assert_non_null(f);
	strcpy(f->dir, "/tmp/pf-gshttp-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof(path), "%s/art.png", f->dir);
	write_file(path, own_image, sizeof(own_image) - 1);
	snprintf(path, sizeof(path), "%s/secret.txt", f->dir);
	write_file(path, "not a picture", 13);
	snprintf(text, sizeof(text),
		"{ \"version\": 1, \"apps\": [ { \"id\": 70, \"title\": \"R&D <1>\", \"image\": "
		"\"%s/art.png\" }, { \"id\": 71, \"title\": \"Föö\", \"image\": \"%s/secret.txt\" "
		"} "
		"] }",
		f->dir, f->dir);
	snprintf(path, sizeof(path), "%s/apps.json", f->dir);
	write_file(path, text, strlen(text));
	assert_int_equal(pf_loop_create(&f->loop), 0);
	assert_int_equal(pf_workers_create(&f->workers, f->loop), 0);
	assert_int_equal(pf_apps_open(&f->apps, path, &why), 0);
	snprintf(path, sizeof(path), "%s/clients.json", f->dir);
	assert_int_equal(pf_clients_open(&f->clients, path, NULL, &why), 0);
	params = (struct pf_gs_routes_params){
		.loop = f->loop,
		.workers = f->workers,
		.bind_address = "127.0.0.1",
		.patience_ms = PATIENCE_MS,
		.identity = identity,
		.clients = f->clients,
		.apps = f->apps,
		.hostname = "test & host",
		.unique_id = UNIQUE,
		.codec_modes = PF_GS_MODE_H264 | PF_GS_MODE_HEVC,
		.allow_plain_rtsp = plain_rtsp,
		.session = &session_ops,
		.user = f,
	};
	if (pf_gs_routes_create(&f->routes, &params, &why))
		fail_msg("%s", why.text);
	f->port = pf_gs_routes_port(f->routes);
	f->https_port = pf_gs_routes_https_port(f->routes);
	assert_int_equal(pthread_create(&f->thread, NULL, run_loop, f), 0);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, false);
}

static int setup_plain_rtsp(void **state)
{
	return setup_with(state, true);
}

static void destroy_routes(struct fixture *f, void *arg)
{
	pf_gs_routes_destroy(f->routes);
	f->routes = NULL;
}

static void quit_loop(struct fixture *f, void *arg)
{
	pf_loop_quit(f->loop, 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *d;

	if (f->routes)
		on_loop(f, destroy_routes, NULL);
	on_loop(f, quit_loop, NULL);
	pthread_join(f->thread, NULL);
	pf_workers_destroy(f->workers);
	pf_clients_close(f->clients);
	pf_apps_close(f->apps);
	pf_loop_destroy(f->loop);
	d = opendir(f->dir);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(f->dir);
	free(f);
	return 0;
}

/* ---- the client's sockets ---- */

struct link {
	int fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t cred;
};

static int dial(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval tv = { .tv_sec = WAIT_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* Shakes hands, with the client's certificate if there is one. `resume` may hold a
 * session to ride on. 0 or GnuTLS's error. */
static int tls_open(struct link *l, int fd, const struct gs_client *c, const char *priority,
	const gnutls_datum_t *resume)
{
	int r;

	l->fd = fd;
	gs_must(!gnutls_certificate_allocate_credentials(&l->cred), "credentials");
	if (c)
		gs_must(!gnutls_certificate_set_x509_key_mem(
				l->cred, &c->crt_pem, &c->key_pem, GNUTLS_X509_FMT_PEM),
			"client certificate");
	gs_must(!gnutls_init(&l->tls, GNUTLS_CLIENT), "session");
	r = gnutls_priority_set_direct(l->tls, priority, NULL);
	if (r)
		return r;
	gnutls_credentials_set(l->tls, GNUTLS_CRD_CERTIFICATE, l->cred);
	if (resume)
		gnutls_session_set_data(l->tls, resume->data, resume->size);
	gnutls_transport_set_int(l->tls, fd);
	do
		r = gnutls_handshake(l->tls);
	while (r == GNUTLS_E_INTERRUPTED);
	return r;
}

static void link_close(struct link *l)
{
	if (l->tls)
		gnutls_deinit(l->tls);
	if (l->cred)
		gnutls_certificate_free_credentials(l->cred);
	close(l->fd);
	memset(l, 0, sizeof(*l));
}

static ssize_t link_send(struct link *l, const char *s, size_t len)
{
	return l->tls ? gnutls_record_send(l->tls, s, len) : send(l->fd, s, len, MSG_NOSIGNAL);
}

static ssize_t link_recv(struct link *l, void *buf, size_t cap)
{
	ssize_t n;

	if (!l->tls)
		return recv(l->fd, buf, cap, 0);
	do
		n = gnutls_record_recv(l->tls, buf, cap);
	while (n == GNUTLS_E_INTERRUPTED);
	/* Some ends come without a word. */
	return n == GNUTLS_E_PREMATURE_TERMINATION ? 0 : n;
}

static void ask_only(struct link *l, const char *method, const char *target)
{
	static char line[40000];
	int n = snprintf(line, sizeof(line), "%s %s HTTP/1.1\r\nHost: h\r\n\r\n", method, target);

	assert_true(n > 0 && (size_t)n < sizeof(line));
	assert_int_equal(link_send(l, line, (size_t)n), n);
}

/* The answer's text, whole; *body points behind its head. Empty when the host
 * hung up. */
static char *read_answer(struct link *l, char **body, size_t *body_len)
{
	static char buf[1 << 18];
	size_t len = 0;
	ssize_t n;

	while ((n = link_recv(l, buf + len, sizeof(buf) - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = 0;
	*body = strstr(buf, "\r\n\r\n");
	*body = *body ? *body + 4 : buf + len;
	*body_len = len - (size_t)(*body - buf);
	link_close(l);
	return buf;
}

/* An XML answer, checked for what every client needs. */
static const char *read_xml(struct link *l)
{
	char *body, length[64];
	size_t body_len;
	char *head = read_answer(l, &body, &body_len);

	assert_int_equal(strncmp(head, "HTTP/1.1 200 OK\r\n", 17), 0);
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", body_len);
	assert_non_null(strstr(head, length));
	assert_non_null(strstr(head, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(head, "\r\nContent-Type: application/xml; charset=utf-8\r\n"));
	assert_non_null(strstr(body, "<root status_code=\""));
	assert_null(strstr(body, "> <"));
	assert_null(strstr(body, ">\n"));
	return body;
}

static const char *get(struct fixture *f, const char *target)
{
	struct link l = { .fd = dial(f->port) };

	ask_only(&l, "GET", target);
	return read_xml(&l);
}

static struct link secure(struct fixture *f, const struct gs_client *c)
{
	struct link l;
	int r = tls_open(&l, dial(f->https_port), c, "NORMAL", NULL);

	if (r)
		fail_msg("TLS: %s", gnutls_strerror(r));
	return l;
}

static const char *get_s(struct fixture *f, const struct gs_client *c, const char *target)
{
	struct link l = secure(f, c);

	ask_only(&l, "GET", target);
	return read_xml(&l);
}

static void has(const char *xml, const char *element, const char *value)
{
	char want[512];

	snprintf(want, sizeof(want), "<%s>%s</%s>", element, value, element);
	if (!strstr(xml, want))
		fail_msg("%s not in %s", want, xml);
}

static void has_status(const char *xml, unsigned status)
{
	char want[64];

	snprintf(want, sizeof(want), "<root status_code=\"%u\"", status);
	if (!strstr(xml, want))
		fail_msg("%s not in %s", want, xml);
}

static void element(const char *xml, const char *name, char *out, size_t cap)
{
	char open[64], close_tag[64];
	const char *a, *b;

	snprintf(open, sizeof(open), "<%s>", name);
	snprintf(close_tag, sizeof(close_tag), "</%s>", name);
	a = strstr(xml, open);
	b = a ? strstr(a, close_tag) : NULL;
	if (!a || !b)
		fail_msg("no %s in %s", name, xml);
	a += strlen(open);
	assert_true((size_t)(b - a) < cap);
	memcpy(out, a, (size_t)(b - a));
	out[b - a] = 0;
}

/* ---- pairing through the sockets ---- */

struct pin {
	uint32_t id;
	const char *pin;
	int result;
};

static void give_pin(struct fixture *f, void *arg)
{
	struct pin *p = arg;

	p->result = pf_gs_routes_pin(f->routes, p->id, p->pin, NULL);
}

struct pendings {
	unsigned count;
	struct pf_gs_pair_pending last;
};

static void note_pending(void *user, const struct pf_gs_pair_pending *p)
{
	struct pendings *s = user;

	s->count++;
	s->last = *p;
}

static void list_pending(struct fixture *f, void *arg)
{
	memset(arg, 0, sizeof(struct pendings));
	pf_gs_routes_pending(f->routes, note_pending, arg);
}

static struct pendings await_pending(struct fixture *f, unsigned count)
{
	struct pendings s;

	for (unsigned i = 0; i < WAIT_MS / 10; i++) {
		on_loop(f, list_pending, &s);
		if (s.count == count)
			return s;
		usleep(10000);
	}
	fail_msg("%u pending, not %u", s.count, count);
	return s;
}

static char args[GS_ARGS_BYTES], target[GS_ARGS_BYTES + 256], hex[8192];

static const char *pair_target(const char *rest)
{
	snprintf(target, sizeof(target), "/pair?" COMMON "&devicename=roth&updateState=1&%s", rest);
	return target;
}

/* Phases 1 to 4; true when the host says paired. */
static bool pair_up(struct fixture *f, struct gs_client *c, const char *shown, const char *typed)
{
	struct link l = { .fd = dial(f->port) };
	struct pin p = { .pin = typed };
	const char *xml;

	gs_client_start(c, shown, args);
	ask_only(&l, "GET", pair_target(args));
	await_pending(f, 1);
	on_loop(f, give_pin, &p);
	assert_int_equal(p.result, 0);
	xml = read_xml(&l);
	has_status(xml, 200);
	has(xml, "paired", "1");
	element(xml, "plaincert", hex, sizeof(hex));
	assert_true(gs_client_take_cert(c, hex, args));
	xml = get(f, pair_target(args));
	has(xml, "paired", "1");
	element(xml, "challengeresponse", hex, sizeof(hex));
	assert_true(gs_client_take_challenge(c, hex, args));
	xml = get(f, pair_target(args));
	element(xml, "pairingsecret", hex, sizeof(hex));
	assert_int_equal(
		gs_client_take_secret(c, hex, args), strcmp(shown, typed) ? GS_WRONG_PIN : GS_OK);
	xml = get(f, pair_target(args));
	has_status(xml, 200);
	return strstr(xml, "<paired>1</paired>");
}

struct grant {
	const struct gs_client *c;
	uint32_t grants;
};

static void set_grants(struct fixture *f, void *arg)
{
	const struct grant *g = arg;
	struct pf_client c = {
		.plane = PF_PLANE_GAMESTREAM, .grants = g->grants, .name = "x", .paired_s = 1
	};
	size_t len = 32;

	gs_must(!gnutls_x509_crt_get_fingerprint(g->c->crt, GNUTLS_DIG_SHA256, c.fingerprint, &len),
		"fingerprint");
	assert_int_equal(pf_clients_add(f->clients, &c, NULL), 0);
}

static void unpair_client(struct fixture *f, void *arg)
{
	const struct gs_client *c = arg;
	uint8_t fp[32];
	size_t len = 32;

	gs_must(!gnutls_x509_crt_get_fingerprint(c->crt, GNUTLS_DIG_SHA256, fp, &len), "fp");
	assert_int_equal(pf_clients_remove(f->clients, PF_PLANE_GAMESTREAM, fp, NULL), 0);
}

static void know(struct fixture *f, const struct gs_client *c, uint32_t grants)
{
	struct grant g = { c, grants };

	on_loop(f, set_grants, &g);
}

/* ---- tests ---- */

static void strangers(void **state)
{
	struct fixture *f = *state;
	static const char *const closed[] = { "/serverinfo", "/applist", "/appasset?appid=1",
		"/launch?appid=1", "/resume", "/cancel" };
	char port[8];
	const char *xml = get(f, "/serverinfo?" COMMON);

	has_status(xml, 200);
	has(xml, "hostname", "test &amp; host");
	has(xml, "appversion", "7.1.431.-1");
	has(xml, "GfeVersion", "3.23.0.74");
	has(xml, "uniqueid", UNIQUE);
	snprintf(port, sizeof(port), "%u", f->https_port);
	has(xml, "HttpsPort", port);
	has(xml, "LocalIP", "127.0.0.1");
	has(xml, "mac", "00:00:00:00:00:00");
	has(xml, "MaxLumaPixelsHEVC", "1869449984");
	has(xml, "ServerCodecModeSupport", "257");
	has(xml, "PairStatus", "0");
	has(xml, "currentgame", "0");
	assert_non_null(strstr(xml, "_SERVER_FREE</state>"));
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		has_status(get_s(f, &alice, closed[i]), 401);
		has_status(get_s(f, NULL, closed[i]), 401);
		/* Over HTTP most of them are not even there. */
		if (i)
			has_status(get(f, closed[i]), 404);
	}
	has_status(get_s(f, &alice, "/pair?" COMMON "&phrase=pairchallenge"), 401);
	has_status(get(f, "/"), 404);
	has_status(get(f, "/pair/../serverinfo"), 404);
	has_status(get(f, "/serverinfo%00"), 404);
	has_status(get(f, "/serverinfo?a=%zz"), 400);
	assert_int_equal(f->launches + f->cancels, 0);
}

static void pairs_and_asks(void **state)
{
	struct fixture *f = *state;
	const char *xml;

	assert_true(pair_up(f, &alice, "2580", "2580"));
	xml = get_s(f, &alice, "/pair?" COMMON "&phrase=pairchallenge");
	has_status(xml, 200);
	has(xml, "paired", "1");
	xml = get_s(f, &alice, "/serverinfo?" COMMON);
	has(xml, "PairStatus", "1");
	/* The other one is as strange as before, and so is plain HTTP. */
	has_status(get_s(f, &bob, "/serverinfo?" COMMON), 401);
	has(get(f, "/serverinfo?" COMMON), "PairStatus", "0");

	xml = get_s(f, &alice, "/applist?" COMMON);
	assert_non_null(
		strstr(xml, "<root status_code=\"200\"><App><IsHdrSupported>0</IsHdrSupported>"
			    "<AppTitle>Desktop</AppTitle><ID>1</ID></App><App>"));
	has(xml, "AppTitle", "R&amp;D &lt;1&gt;");
	has(xml, "ID", "70");
	has(xml, "AppTitle", "Föö");
}

static void wrong_pin_over_sockets(void **state)
{
	struct fixture *f = *state;

	assert_false(pair_up(f, &alice, "2580", "2581"));
	has_status(get_s(f, &alice, "/serverinfo?" COMMON), 401);
	/* The client says good-bye as it does, and another attempt works. */
	has_status(get(f, "/unpair?" COMMON), 200);
	assert_true(pair_up(f, &alice, "1111", "1111"));
	has(get_s(f, &alice, "/serverinfo"), "PairStatus", "1");
	/* Row 5 over sockets: anybody may ask it, the client stays paired. */
	has_status(get(f, "/unpair?" COMMON), 200);
	has(get_s(f, &alice, "/serverinfo"), "PairStatus", "1");
}

static void box_art(void **state)
{
	struct fixture *f = *state;
	static const char *const none[] = { "/appasset", "/appasset?appid=", "/appasset?appid=5",
		"/appasset?appid=../secret.txt", "/appasset?appid=-1", "/appasset?appid=1e0" };
	struct link l;
	size_t len;
	char *body, *head;

	know(f, &alice, PF_GRANT_ALL);
	l = secure(f, &alice);
	ask_only(&l, "GET", "/appasset?appid=70&AssetType=2&AssetIdx=0");
	head = read_answer(&l, &body, &len);
	assert_non_null(strstr(head, "\r\nContent-Type: image/png\r\n"));
	assert_int_equal(len, sizeof(own_image) - 1);
	assert_memory_equal(body, own_image, len);
	/* Desktop has none of its own; a file that is no picture is not handed out. */
	for (int i = 0; i < 2; i++) {
		l = secure(f, &alice);
		ask_only(&l, "GET", i ? "/appasset?appid=71" : "/appasset?appid=1");
		head = read_answer(&l, &body, &len);
		assert_non_null(strstr(head, "\r\nContent-Type: image/png\r\n"));
		assert_true(len > 1000);
		assert_memory_equal(
			body, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x58\0\0\x03\x20", 24);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		has_status(get_s(f, &alice, none[i]), 404);
}

static void sessions(void **state)
{
	struct fixture *f = *state;
	const char *xml;

	know(f, &alice, PF_GRANT_ALL);
	xml = get_s(f, &alice,
		"/launch?" COMMON
		"&appid=1&corever=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	has_status(xml, 200);
	has(xml, "sessionUrl0", "rtspenc://127.0.0.1:48010");
	has(xml, "gamesession", "1");
	assert_int_equal(f->launched.width, 1280);
	assert_int_equal(f->launched.rikeyid, -5);
	assert_int_equal(f->launched.rikey[15], 15);
	assert_int_equal(f->launched.grants, PF_GRANT_ALL);
	assert_string_equal(f->launched.peer, "127.0.0.1");
	xml = get_s(f, &alice, "/serverinfo?" COMMON);
	has(xml, "currentgame", "1");
	assert_non_null(strstr(xml, "_SERVER_BUSY</state>"));
	xml = get_s(
		f, &alice, "/resume?corever=1&rikey=100102030405060708090a0b0c0d0e0f&rikeyid=7");
	has(xml, "resume", "1");
	has(xml, "sessionUrl0", "rtspenc://127.0.0.1:48010");
	assert_true(f->launched.resume);
	xml = get_s(f, &alice, "/cancel?" COMMON);
	has_status(xml, 200);
	has(xml, "cancel", "1");
	has(get_s(f, &alice, "/serverinfo?" COMMON), "currentgame", "0");
	/* What the session part refuses arrives in the verb's own element. */
	xml = get_s(f, &alice,
		"/launch?appid=70&corever=1&rikey=200102030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	has_status(xml, 503);
	assert_non_null(strstr(xml, "status_message=\"no such &lt;app&gt;\""));
	has(xml, "gamesession", "0");
	xml = get_s(f, &alice, "/launch?appid=1&corever=1" LAUNCH_ARGS);
	has_status(xml, 400);
	has(xml, "gamesession", "0");
	has(get_s(f, &alice, "/resume?corever=1"), "resume", "0");
	assert_int_equal(f->launches, 3);
}

static void answer_held(struct fixture *f, void *arg)
{
	pf_gs_answer_launch(f->held, true, 48010);
}

static void slow_launch(void **state)
{
	struct fixture *f = *state;
	struct link l;

	know(f, &alice, PF_GRANT_ALL);
	f->hold_launch = true;
	l = secure(f, &alice);
	ask_only(&l, "GET",
		"/launch?appid=1&corever=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	/* Longer than a silent connection may last. */
	usleep((PATIENCE_MS + 1000) * 1000);
	has(get_s(f, &alice, "/serverinfo"), "PairStatus", "1");
	on_loop(f, answer_held, NULL);
	has(read_xml(&l), "gamesession", "1");
}

static void count_launches(struct fixture *f, void *arg)
{
	*(unsigned *)arg = f->launches;
}

/* The host stops while requests wait. */
static void stops_with_open_requests(void **state)
{
	struct fixture *f = *state;
	struct link pairing = { .fd = dial(f->port) }, launching, silent = { .fd = dial(f->port) };
	char c;

	know(f, &alice, PF_GRANT_ALL);
	f->hold_launch = true;
	gs_client_start(&bob, "1234", args);
	ask_only(&pairing, "GET", pair_target(args));
	await_pending(f, 1);
	launching = secure(f, &alice);
	ask_only(&launching, "GET",
		"/launch?appid=1&corever=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	for (unsigned launches = 0; !launches; usleep(10000))
		on_loop(f, count_launches, &launches);
	on_loop(f, destroy_routes, NULL);
	/* All of them see an end. */
	while (link_recv(&pairing, &c, 1) > 0)
		;
	while (link_recv(&launching, &c, 1) > 0)
		;
	assert_true(link_recv(&silent, &c, 1) <= 0);
	link_close(&pairing);
	link_close(&launching);
	link_close(&silent);
}

static void client_hangs_up(void **state)
{
	struct fixture *f = *state;
	struct link l = { .fd = dial(f->port) };

	gs_client_start(&alice, "1234", args);
	ask_only(&l, "GET", pair_target(args));
	assert_string_equal(await_pending(f, 1).last.peer, "127.0.0.1");
	link_close(&l);
	await_pending(f, 0);
}

static void request_line_bounds(void **state)
{
	struct fixture *f = *state;
	static char big[20000];
	struct link l = { .fd = dial(f->port) };
	size_t len;
	char *body;

	memset(big, 'x', sizeof(big));
	memcpy(big, "/serverinfo?a=", 14);
	big[PF_GS_TARGET_MAX] = 0;
	has_status(get(f, big), 200);
	big[PF_GS_TARGET_MAX] = 'x';
	big[PF_GS_TARGET_MAX + 1] = 0;
	has_status(get(f, big), 400);
	/* Far more than that is cut off. */
	for (int i = 0; i < 40; i++)
		if (link_send(&l, big, 16000) < 0)
			break;
	assert_null(strstr(read_answer(&l, &body, &len), "200 OK"));
}

static void other_methods(void **state)
{
	struct fixture *f = *state;
	struct link l = { .fd = dial(f->port) };
	size_t len;
	char *body;

	ask_only(&l, "DELETE", "/serverinfo");
	has_status(read_xml(&l), 404);
	l.fd = dial(f->port);
	assert_true(
		link_send(&l, "POST /pair HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
			53) > 0);
	assert_null(strstr(read_answer(&l, &body, &len), "status_code=\"200\""));
	l.fd = dial(f->port);
	assert_true(link_send(&l, "\x16\x03\x01\0\x05hello\r\n\r\n", 14) > 0);
	assert_null(strstr(read_answer(&l, &body, &len), "200 OK"));
	has_status(get(f, "/serverinfo"), 200);
}

/* ---- gamestream.md 11, by row ---- */

/* Row 1: a certificate that looks like a paired one, or that a paired client's key
 * signed, passes nothing. */
static void row_1_exact_certificate_only(void **state)
{
	struct fixture *f = *state;
	struct gs_client twin, child;
	uint8_t serial = 7;

	know(f, &alice, PF_GRANT_ALL);
	gs_client_init(&twin); /* the same names, another key */
	gs_client_init(&child);
	gnutls_x509_crt_deinit(child.crt);
	gs_must(!gnutls_x509_crt_init(&child.crt) && !gnutls_x509_crt_set_version(child.crt, 3) &&
			!gnutls_x509_crt_set_serial(child.crt, &serial, 1) &&
			!gnutls_x509_crt_set_activation_time(child.crt, time(NULL) - 1000) &&
			!gnutls_x509_crt_set_expiration_time(child.crt, time(NULL) + 1000) &&
			!gnutls_x509_crt_set_key(child.crt, child.key) &&
			!gnutls_x509_crt_sign2(
				child.crt, alice.crt, alice.key, GNUTLS_DIG_SHA256, 0),
		"child");
	gnutls_free(child.crt_pem.data);
	gs_must(!gnutls_x509_crt_export2(child.crt, GNUTLS_X509_FMT_PEM, &child.crt_pem), "export");
	has(get_s(f, &alice, "/serverinfo"), "PairStatus", "1");
	has_status(get_s(f, &twin, "/serverinfo"), 401);
	has_status(get_s(f, &child, "/serverinfo"), 401);
	has_status(get_s(f, NULL, "/serverinfo"), 401);
	gs_client_finish(&twin);
	gs_client_finish(&child);
}

/* Nor is a path validated: versions without extensions and any dates will do. */
static void odd_certificates_are_let_in(void **state)
{
	struct fixture *f = *state;
	static const struct {
		unsigned version;
		int days;
	} rows[] = { { 1, 10 }, { 2, 10 }, { 3, -30 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gs_client c;

		gs_client_init_with(&c, rows[i].version, rows[i].days);
		know(f, &c, PF_GRANT_ALL);
		has(get_s(f, &c, "/serverinfo"), "PairStatus", "1");
		gs_client_finish(&c);
	}
}

/* Row 5: what plain HTTP tells is the same, whatever happens here. */
static void row_5_http_tells_nothing(void **state)
{
	struct fixture *f = *state;
	char before[4096];

	know(f, &alice, PF_GRANT_ALL);
	snprintf(before, sizeof(before), "%s", get(f, "/serverinfo?" COMMON));
	get_s(f, &alice,
		"/launch?appid=1&corever=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	has(get_s(f, &alice, "/serverinfo"), "currentgame", "1");
	assert_string_equal(get(f, "/serverinfo?" COMMON), before);
}

/* Row 7: a removed client is out at once. */
static void row_7_removed_client_is_refused_at_once(void **state)
{
	struct fixture *f = *state;
	struct link l;

	know(f, &alice, PF_GRANT_ALL);
	l = secure(f, &alice);
	/* On a connection that was open before, too. */
	on_loop(f, unpair_client, &alice);
	ask_only(&l, "GET", "/serverinfo");
	has_status(read_xml(&l), 401);
	has_status(get_s(f, &alice, "/applist"), 401);
}

/* Row 7: no session of before can be ridden. */
static void row_7_no_tls_resumption(void **state)
{
	struct fixture *f = *state;
	static const char *const versions[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.2",
		"NORMAL:-VERS-ALL:+VERS-TLS1.3" };

	know(f, &alice, PF_GRANT_ALL);
	for (int i = 0; i < 2; i++) {
		gnutls_datum_t data = { 0 };
		struct link l;
		char c;

		assert_int_equal(tls_open(&l, dial(f->https_port), &alice, versions[i], NULL), 0);
		ask_only(&l, "GET", "/serverinfo");
		while (link_recv(&l, &c, 1) > 0)
			;
		assert_false(gnutls_session_get_flags(l.tls) & GNUTLS_SFLAGS_SESSION_TICKET);
		gnutls_session_get_data2(l.tls, &data);
		link_close(&l);
		assert_int_equal(tls_open(&l, dial(f->https_port), &alice, versions[i],
					 data.size ? &data : NULL),
			0);
		assert_false(gnutls_session_is_resumed(l.tls));
		link_close(&l);
		gnutls_free(data.data);
	}
}

static void old_tls_is_refused(void **state)
{
	struct fixture *f = *state;
	struct link l;

	assert_int_not_equal(tls_open(&l, dial(f->https_port), NULL,
				     "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:%COMPAT", NULL),
		0);
	link_close(&l);
}

/* Row 8: RTSP in clear only where the operator allows it. */
static void row_8_plain_rtsp_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *xml;

	know(f, &alice, PF_GRANT_ALL);
	xml = get_s(
		f, &alice, "/launch?appid=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	has_status(xml, 403);
	has(xml, "gamesession", "0");
	has_status(
		get_s(f, &alice, "/resume?rikey=010102030405060708090a0b0c0d0e0f&rikeyid=1"), 403);
	assert_int_equal(f->launches, 0);
}

static void plain_rtsp_where_allowed(void **state)
{
	struct fixture *f = *state;

	know(f, &alice, PF_GRANT_ALL);
	has(get_s(f, &alice, "/launch?appid=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS),
		"sessionUrl0", "rtsp://127.0.0.1:48010");
}

/* Row 12: a key seen before on this host is refused, whoever brings it. */
static void row_12_rikey_seen_before_is_refused(void **state)
{
	struct fixture *f = *state;
	const char *target_a =
		"/launch?appid=1&corever=1&rikey=000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS;

	know(f, &alice, PF_GRANT_ALL);
	know(f, &bob, PF_GRANT_ALL);
	has_status(get_s(f, &alice, target_a), 200);
	has_status(get_s(f, &alice, target_a), 400);
	has_status(get_s(f, &bob, target_a), 400);
	has_status(get_s(f, &alice,
			   "/resume?corever=1&rikey=000102030405060708090A0B0C0D0E0F&rikeyid=9"),
		400);
	assert_int_equal(f->launches, 1);
}

/* Row 20: a client sees and starts what its grants allow, and others' sessions are
 * none of its business. */
static void row_20_grants_and_owners(void **state)
{
	struct fixture *f = *state;
	const char *xml;

	know(f, &alice, PF_GRANT_ALL);
	know(f, &bob, PF_GRANT_ALL & ~(uint32_t)PF_GRANT_LAUNCH);
	xml = get_s(f, &bob, "/applist");
	has(xml, "AppTitle", "Desktop");
	assert_null(strstr(xml, "R&amp;D"));
	has_status(get_s(f, &bob, "/appasset?appid=70"), 404);
	has_status(get_s(f, &bob,
			   "/launch?appid=70&corever=1&rikey="
			   "000102030405060708090a0b0c0d0e0f" LAUNCH_ARGS),
		403);
	assert_int_equal(f->launches, 0);
	has_status(get_s(f, &alice,
			   "/launch?appid=1&corever=1&rikey="
			   "010102030405060708090a0b0c0d0e0f" LAUNCH_ARGS),
		200);
	xml = get_s(f, &bob, "/serverinfo");
	has(xml, "currentgame", "0");
	assert_non_null(strstr(xml, "_SERVER_FREE</state>"));
	get_s(f, &bob, "/cancel");
	has(get_s(f, &alice, "/serverinfo"), "currentgame", "1");
}

/* Row 22: silent and slow connections are dropped, and one address cannot take
 * every place. */
static void row_22_slow_clients_are_dropped(void **state)
{
	struct fixture *f = *state;
	struct link silent = { .fd = dial(f->port) }, silent_tls = { .fd = dial(f->https_port) };
	struct link slow = { .fd = dial(f->port) };
	uint64_t start = pf_clock_mono_ns();
	char c;

	/* One byte now and then keeps nobody in. */
	assert_int_equal(link_send(&slow, "GET /serverinfo?", 16), 16);
	for (;;) {
		struct pollfd p = { .fd = slow.fd, .events = POLLIN };

		if (link_send(&slow, "a", 1) < 0 || poll(&p, 1, 100) > 0)
			break;
		assert_true(pf_clock_mono_ns() - start < WAIT_MS * PF_NS_PER_MS);
	}
	assert_true(pf_clock_mono_ns() - start >= (PATIENCE_MS - 100) * PF_NS_PER_MS);
	assert_int_equal(link_recv(&silent, &c, 1), 0);
	assert_true(link_recv(&silent_tls, &c, 1) <= 0);
	link_close(&silent);
	link_close(&silent_tls);
	link_close(&slow);
	has_status(get(f, "/serverinfo"), 200);
}

static void row_22_connections_per_address(void **state)
{
	struct fixture *f = *state;
	int fds[PF_GS_HTTP_CONNS_PER_IP + 8];
	unsigned n = sizeof(fds) / sizeof(fds[0]), refused = 0;

	for (unsigned i = 0; i < n; i++)
		fds[i] = dial(f->port);
	/* Well before patience ends some are turned away: just those too many. */
	for (unsigned i = 0; i < n; i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN | POLLRDHUP };

		refused += poll(&p, 1, i ? 0 : 300) > 0;
	}
	assert_int_equal(refused, n - PF_GS_HTTP_CONNS_PER_IP);
	/* The other listener is not concerned. */
	has_status(get_s(f, NULL, "/serverinfo"), 401);
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	for (unsigned i = 0; i < 100; i++) {
		struct link l = { .fd = dial(f->port) };
		size_t len;
		char *body;

		/* Their places become free as the host notices. */
		ask_only(&l, "GET", "/serverinfo");
		if (strstr(read_answer(&l, &body, &len), "200 OK"))
			return;
		usleep(20000);
	}
	fail_msg("no place became free");
}

/* Row 23: keys and certificates of request lines are in no log line. */
static void row_23_nothing_secret_is_logged(void **state)
{
	struct fixture *f = *state;
	char salt[33], text[sizeof(log_text)];

	pf_log_set(on_log, NULL, PF_LOG_DEBUG);
	assert_true(pair_up(f, &alice, "8642", "8642"));
	gs_to_hex(salt, alice.salt, 16);
	get_s(f, &alice,
		"/launch?appid=1&corever=1&rikey=c0ffee030405060708090a0b0c0d0e0f" LAUNCH_ARGS);
	get_s(f, &alice,
		"/launch?appid=1&corever=1&rikey=c0ffee030405060708090a0b0c0d0e0f00" LAUNCH_ARGS);
	pthread_mutex_lock(&log_lock);
	memcpy(text, log_text, sizeof(text));
	pthread_mutex_unlock(&log_lock);
	pf_log_set(NULL, NULL, PF_LOG_WARN);
	assert_non_null(strstr(text, "127.0.0.1 wants to pair"));
	assert_non_null(strstr(text, "127.0.0.1: paired"));
	assert_null(strstr(text, "c0ffee"));
	assert_null(strstr(text, "8642"));
	assert_null(strstr(text, salt));
	assert_null(strstr(text, "2d2d2d2d2d"));
	assert_null(strstr(text, "uniqueid"));
}

static int group_setup(void **state)
{
	pf_log_set(NULL, NULL, PF_LOG_ERROR);
	gs_client_init(&alice);
	gs_client_init(&bob);
	return pf_rsa_identity_generate(&identity, "test host", NULL);
}

static int group_teardown(void **state)
{
	gs_client_finish(&alice);
	gs_client_finish(&bob);
	pf_identity_unref(identity);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(strangers),
		T(pairs_and_asks),
		T(wrong_pin_over_sockets),
		T(box_art),
		T(sessions),
		T(slow_launch),
		T(stops_with_open_requests),
		T(client_hangs_up),
		T(request_line_bounds),
		T(other_methods),
		T(odd_certificates_are_let_in),
		T(old_tls_is_refused),
		T(row_1_exact_certificate_only),
		T(row_5_http_tells_nothing),
		T(row_7_removed_client_is_refused_at_once),
		T(row_7_no_tls_resumption),
		T(row_8_plain_rtsp_is_refused),
		cmocka_unit_test_setup_teardown(
			plain_rtsp_where_allowed, setup_plain_rtsp, teardown),
		T(row_12_rikey_seen_before_is_refused),
		T(row_20_grants_and_owners),
		T(row_22_slow_clients_are_dropped),
		T(row_22_connections_per_address),
		T(row_23_nothing_secret_is_logged),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
