/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/routes.h"
#include <errno.h>
#include <ifaddrs.h>
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/crypto/identity.h"
#include "core/crypto/secret.h"
#include "core/wire/pf1_handshake.h"
#include "host/gamestream/boxart.h"
#include "host/gamestream/xml.h"
#include "host/registry/apps.h"
#include "host/registry/art.h"
#include "host/registry/clients.h"
#include "host/sys/files.h"
#include "host/sys/worker.h"

#define TOPIC "gamestream"
/* One generation that every current client is tested with; the negative last
 * number turns on the extensions (gamestream.md 0, 2.3). */
#define APP_VERSION   "7.1.431.-1"
#define GFE_VERSION   "3.23.0.74"
#define HTTPS_OFFSET  5
#define MAX_LUMA_HEVC 1869449984
#define TEN_BIT_MODES (PF_GS_MODE_HEVC_10 | PF_GS_MODE_AV1_10)
#define ANSWER_BYTES  2048
#define APP_XML_BYTES 1024 /* a title of PF_APP_TEXT_BYTES, escaped, and its tags */
#define NO_MAC	      "00:00:00:00:00:00"

struct asset_job {
	struct pf_job job;
	struct asset_job *next, **at;  /* in routes->assets */
	struct pf_gs_request *request; /* NULL: the listeners are gone */
	struct pf_app *app;
	const char *art_dir, *type;
	uint8_t *image;
	size_t image_len;
	struct pf_reason why;
};

struct pf_gs_routes {
	struct pf_gs_routes_params params;
	struct pf_gs_http *http;
	struct pf_gs_pairing *pairing;
	struct pf_gs_keys *keys;
	struct pf_timer *expiry;
	struct asset_job *assets;
	struct pf_gs_pair_answer answer; /* too big for a stack */
	struct pf_session_hearer hearer;
};

/* ---- answers ---- */

static void send_xml(struct pf_gs_request *r, struct pf_gs_xml *x)
{
	size_t len;

	if (pf_gs_xml_end(x, &len))
		pf_gs_answer_status(r, 500, "the answer is too long");
	else
		pf_gs_answer(r, PF_GS_XML_TYPE, x->buf, len);
}

/* <root ..><name>value</name></root> */
static void send_number(struct pf_gs_request *r, uint32_t status, const char *message,
	const char *name, int64_t value)
{
	char buf[ANSWER_BYTES];
	struct pf_gs_xml x;

	pf_gs_xml_begin(&x, buf, sizeof(buf), status, message);
	pf_gs_xml_number(&x, name, value);
	send_xml(r, &x);
}

static const char *launch_element(const struct pf_gs_request *r)
{
	return strcmp(r->query.path, "/resume") ? "gamesession" : "resume";
}

void pf_gs_answer_launch(struct pf_gs_request *r, bool encrypted, uint16_t rtsp_port)
{
	char url[96], buf[ANSWER_BYTES];
	bool v6 = strchr(r->local, ':');
	struct pf_gs_xml x;

	snprintf(url, sizeof(url), "%s://%s%s%s:%u", encrypted ? "rtspenc" : "rtsp", v6 ? "[" : "",
		r->local, v6 ? "]" : "", rtsp_port);
	pf_gs_xml_begin(&x, buf, sizeof(buf), 200, NULL);
	pf_gs_xml_text(&x, "sessionUrl0", url);
	pf_gs_xml_number(&x, launch_element(r), 1);
	send_xml(r, &x);
}

void pf_gs_answer_refuse(struct pf_gs_request *r, uint32_t status, const char *message)
{
	send_number(r, status, message, launch_element(r), 0);
}

void pf_gs_answer_cancel(struct pf_gs_request *r, uint32_t status, const char *message)
{
	send_number(r, status, message, "cancel", status == 200);
}

/* ---- serverinfo ---- */

/* The hardware address of the interface that has `address`. */
static void find_mac(const char *address, char out[18])
{
	struct ifaddrs *all, *i;
	struct in_addr v4;
	const char *name = NULL;

	strcpy(out, NO_MAC);
	if (inet_pton(AF_INET, address, &v4) != 1 || getifaddrs(&all))
		return;
	for (i = all; i && !name; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET &&
			((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr == v4.s_addr)
			name = i->ifa_name;
	for (i = all; i && name; i = i->ifa_next) {
		const struct sockaddr_ll *ll = (struct sockaddr_ll *)i->ifa_addr;

		if (ll && ll->sll_family == AF_PACKET && ll->sll_halen == 6 &&
			!strcmp(i->ifa_name, name)) {
			snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", ll->sll_addr[0],
				ll->sll_addr[1], ll->sll_addr[2], ll->sll_addr[3], ll->sll_addr[4],
				ll->sll_addr[5]);
			break;
		}
	}
	freeifaddrs(all);
}

/* `client` NULL: a stranger, who learns nothing that changes. */
static void serverinfo(
	struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	const struct pf_gs_routes_params *p = &s->params;
	uint32_t app = client ? p->session->running(p->user, client->fingerprint) : 0;
	char buf[ANSWER_BYTES], mac[18] = NO_MAC;
	struct pf_gs_xml x;

	if (client)
		find_mac(r->local, mac);
	pf_gs_xml_begin(&x, buf, sizeof(buf), 200, NULL);
	pf_gs_xml_text(&x, "hostname", p->hostname);
	pf_gs_xml_text(&x, "appversion", APP_VERSION);
	pf_gs_xml_text(&x, "GfeVersion", GFE_VERSION);
	pf_gs_xml_text(&x, "uniqueid", p->unique_id);
	pf_gs_xml_number(&x, "HttpsPort", pf_gs_http_https_port(s->http));
	pf_gs_xml_number(&x, "ExternalPort", pf_gs_http_port(s->http));
	pf_gs_xml_number(
		&x, "MaxLumaPixelsHEVC", p->codec_modes & PF_GS_MODES_HEVC ? MAX_LUMA_HEVC : 0);
	pf_gs_xml_text(&x, "mac", mac);
	/* Clients ignore 127.*, but would take another family's address for ours. */
	pf_gs_xml_text(&x, "LocalIP", r->local_is_ipv4 ? r->local : "127.0.0.1");
	pf_gs_xml_number(&x, "ServerCodecModeSupport", p->codec_modes);
	pf_gs_xml_number(&x, "PairStatus", !!client);
	pf_gs_xml_number(&x, "currentgame", app);
	pf_gs_xml_text(&x, "state", app ? "PUNKTFUNK_SERVER_BUSY" : "PUNKTFUNK_SERVER_FREE");
	send_xml(r, &x);
}

/* ---- pairing ---- */

static void on_expiry(void *user);

static void arm_expiry(struct pf_gs_routes *s)
{
	uint64_t next = pf_gs_pairing_next_ns(s->pairing), now = pf_clock_mono_ns();

	if (s->hearer.trust)
		s->hearer.trust(s->hearer.user);
	pf_timer_stop(&s->expiry);
	if (next != UINT64_MAX)
		(void)pf_timer_start(
			&s->expiry, s->params.loop, next > now ? next - now : 0, on_expiry, s);
}

static void on_expiry(void *user)
{
	struct pf_gs_routes *s = user;

	pf_gs_pairing_expire(s->pairing, pf_clock_mono_ns());
	arm_expiry(s);
}

static void send_pair_answer(struct pf_gs_request *r, const struct pf_gs_pair_answer *a)
{
	char buf[PF_GS_PAIR_HEX_BYTES + ANSWER_BYTES];
	struct pf_gs_xml x;

	pf_gs_xml_begin(&x, buf, sizeof(buf), a->status, a->message);
	pf_gs_xml_number(&x, "paired", a->paired);
	if (a->element)
		pf_gs_xml_text(&x, a->element, a->hex);
	send_xml(r, &x);
}

static void on_pair_answer(void *user, void *held, const struct pf_gs_pair_answer *a)
{
	send_pair_answer(held, a);
}

static int on_trust(void *user, const struct pf_gs_pair_pending *who, struct pf_reason *why)
{
	struct pf_gs_routes *s = user;
	const struct pf_client *known =
		pf_clients_find(s->params.clients, PF_PLANE_GAMESTREAM, who->fingerprint);
	struct pf_client c = { .plane = PF_PLANE_GAMESTREAM, .grants = PF_GRANT_ALL };
	int r;

	/* Pairing again does not undo what the operator took away. */
	if (known)
		c = *known;
	memcpy(c.fingerprint, who->fingerprint, sizeof(c.fingerprint));
	c.paired_s = time(NULL);
	/* Nearly every client calls itself "roth". */
	if (!known && *who->name && strcmp(who->name, "roth") != 0)
		snprintf(c.name, sizeof(c.name), "%s", who->name);
	else if (!known)
		snprintf(c.name, sizeof(c.name), "Moonlight %s", who->peer);
	r = pf_clients_add(s->params.clients, &c, why);
	if (r)
		pf_log(PF_LOG_ERROR, TOPIC, "cannot keep the client %s: %s", c.name, why->text);
	return r;
}

static void on_pair_ended(
	void *user, const struct pf_gs_pair_pending *who, int error, const char *text)
{
	pf_log(error ? PF_LOG_WARN : PF_LOG_INFO, TOPIC, "pairing %" PRIu32 " of %s: %s", who->id,
		who->peer, text);
}

static void take_newest(void *user, const struct pf_gs_pair_pending *p)
{
	struct pf_gs_pair_pending *newest = user;

	*newest = *p;
}

static void pair_challenge(
	struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	/* Who comes so far without being paired failed or skipped a phase. */
	if (client)
		send_number(r, 200, NULL, "paired", 1);
	else
		send_number(r, 401, "not paired", "paired", 0);
}

static void pair(struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	const char *phrase = pf_gs_query_get(&r->query, "phrase");
	struct pf_gs_pair_pending newest = { 0 };

	if (r->https) {
		if (phrase && !strcmp(phrase, "pairchallenge"))
			pair_challenge(s, r, client);
		else
			send_number(r, 400, "pairing begins over HTTP", "paired", 0);
		return;
	}
	if (pf_gs_pairing_request(s->pairing, pf_clock_mono_ns(), &r->query, r->peer_ip, r->peer, r,
		    &s->answer)) {
		send_pair_answer(r, &s->answer);
	} else {
		pf_gs_pair_each(s->pairing, take_newest, &newest);
		pf_log(PF_LOG_INFO, TOPIC,
			"%s wants to pair (request %" PRIu32
			"): type the PIN that it shows: punktfunk-host pair PIN",
			newest.peer, newest.id);
		if (pf_gs_http_watch(r))
			pf_log(PF_LOG_DEBUG, TOPIC, "cannot see when %s hangs up", newest.peer);
	}
	arm_expiry(s);
}

static void unpair(struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	pf_gs_pairing_unpair(s->pairing, &r->query, r->peer_ip);
	arm_expiry(s);
	pf_gs_answer_status(r, 200, NULL);
}

/* ---- apps ---- */

/* Without the grant a client gets its desktop, no other app. */
static bool may_launch(const struct pf_client *client, uint32_t app_id)
{
	return app_id == PF_APP_DESKTOP_ID || client->grants & PF_GRANT_LAUNCH;
}

struct app_list {
	const struct pf_gs_routes *routes;
	const struct pf_client *client;
	struct pf_gs_xml xml;
	size_t count;
};

static void count_app(void *user, struct pf_app *app)
{
	((struct app_list *)user)->count++;
}

static void write_app(void *user, struct pf_app *app)
{
	struct app_list *l = user;

	if (!may_launch(l->client, app->id))
		return;
	pf_gs_xml_open(&l->xml, "App");
	pf_gs_xml_number(
		&l->xml, "IsHdrSupported", !!(l->routes->params.codec_modes & TEN_BIT_MODES));
	pf_gs_xml_text(&l->xml, "AppTitle", app->title);
	pf_gs_xml_number(&l->xml, "ID", app->id);
	pf_gs_xml_close(&l->xml, "App");
}

static void applist(struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	struct app_list l = { .routes = s, .client = client };
	size_t cap;
	char *buf;

	pf_apps_each(s->params.apps, count_app, &l);
	cap = ANSWER_BYTES + l.count * APP_XML_BYTES;
	buf = malloc(cap);
	if (!buf) {
		pf_gs_answer_status(r, 503, "out of memory");
		return;
	}
	pf_gs_xml_begin(&l.xml, buf, cap, 200, NULL);
	pf_apps_each(s->params.apps, write_app, &l);
	send_xml(r, &l.xml);
	free(buf);
}

static void read_image(struct pf_job *job)
{
	struct asset_job *a = (struct asset_job *)job;

	(void)pf_art_read(a->art_dir, a->app, &a->image, &a->image_len, &a->type, &a->why);
}

static void image_read(struct pf_job *job)
{
	struct asset_job *a = (struct asset_job *)job;

	*a->at = a->next;
	if (a->next)
		a->next->at = a->at;
	if (a->why.code && *a->app->image)
		pf_log(PF_LOG_WARN, TOPIC, "image of \"%s\": %s", a->app->title, a->why.text);
	if (a->request && a->image)
		pf_gs_answer(a->request, a->type, a->image, a->image_len);
	else if (a->request)
		pf_gs_answer(a->request, "image/png", boxart_png, sizeof(boxart_png));
	pf_app_unref(a->app);
	free(a->image);
	free(a);
}

static void appasset(
	struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	struct pf_app *app = NULL;
	struct asset_job *a;
	int64_t id;

	if (!pf_gs_query_number(&r->query, "appid", 1, INT32_MAX, &id) &&
		may_launch(client, (uint32_t)id))
		app = pf_apps_find(s->params.apps, (uint32_t)id);
	if (!app) {
		pf_gs_answer_status(r, 404, "there is no such app");
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		pf_app_unref(app);
		pf_gs_answer(r, "image/png", boxart_png, sizeof(boxart_png));
		return;
	}
	a->job.work = read_image;
	a->job.done = image_read;
	a->app = app;
	a->art_dir = pf_apps_art_dir(s->params.apps);
	a->request = r;
	a->next = s->assets;
	a->at = &s->assets;
	if (a->next)
		a->next->at = &a->next;
	s->assets = a;
	if (s->params.workers) {
		pf_workers_submit(s->params.workers, &a->job);
	} else {
		read_image(&a->job);
		image_read(&a->job);
	}
}

/* ---- sessions ---- */

static void launch(struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	struct pf_gs_launch l = { .grants = client->grants };
	bool resume = !strcmp(r->query.path, "/resume");
	struct pf_reason why = { 0 };

	memcpy(l.fingerprint, client->fingerprint, sizeof(l.fingerprint));
	snprintf(l.peer, sizeof(l.peer), "%s", r->peer);
	if (pf_gs_launch_parse(&l, &r->query, resume, &why))
		pf_gs_answer_refuse(r, 400, why.text);
	else if (!resume && !may_launch(client, l.app_id))
		pf_gs_answer_refuse(r, 403, "This client may not launch apps");
	else if (!l.corever && !s->params.allow_plain_rtsp)
		pf_gs_answer_refuse(
			r, 403, "This host needs a Moonlight of 2024 or newer (encrypted RTSP)");
	else if (pf_gs_keys_take(s->keys, l.rikey))
		pf_gs_answer_refuse(r, 400, "This session key was used before");
	else
		s->params.session->launch(s->params.user, &l, r);
	pf_secret_wipe(&l, sizeof(l));
}

static void cancel(struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client)
{
	uint8_t fingerprint[32];

	/* `client` may go while its sessions end. */
	memcpy(fingerprint, client->fingerprint, sizeof(fingerprint));
	s->params.session->cancel(s->params.user, fingerprint, r);
}

/* ---- requests ---- */

static const struct route {
	const char *path;
	bool http;    /* served there, too */
	bool anybody; /* `client` may be NULL */
	void (*serve)(
		struct pf_gs_routes *s, struct pf_gs_request *r, const struct pf_client *client);
} routes[] = {
	{ "/serverinfo", true, false, serverinfo },
	{ "/pair", true, true, pair },
	{ "/unpair", true, true, unpair },
	{ "/applist", false, false, applist },
	{ "/appasset", false, false, appasset },
	{ "/launch", false, false, launch },
	{ "/resume", false, false, launch },
	{ "/cancel", false, false, cancel },
};

static void on_request(void *user, struct pf_gs_request *r)
{
	struct pf_gs_routes *s = user;
	const struct pf_client *client = NULL;
	const struct route *found = NULL;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(routes[i].path, r->query.path) && (r->https || routes[i].http))
			found = &routes[i];
	if (r->https && r->cert)
		client = pf_clients_find(s->params.clients, PF_PLANE_GAMESTREAM, r->fingerprint);
	if (client)
		pf_clients_seen(s->params.clients, PF_PLANE_GAMESTREAM, r->fingerprint);
	if (!found)
		pf_gs_answer_status(r, 404, "there is no such page");
	else if (r->https && !client && !found->anybody)
		pf_gs_answer_status(r, 401, "this client is not paired");
	else
		found->serve(s, r, client);
}

static void on_gone(void *user, struct pf_gs_request *r)
{
	struct pf_gs_routes *s = user;

	pf_gs_pairing_gone(s->pairing, r);
	arm_expiry(s);
}

/* ---- life and management ---- */

int pf_gs_routes_create(
	struct pf_gs_routes **out, const struct pf_gs_routes_params *params, struct pf_reason *why)
{
	struct pf_gs_routes *s = calloc(1, sizeof(*s));
	struct pf_gs_pair_params pairing = {
		.identity = params->identity,
		.trust = on_trust,
		.answer = on_pair_answer,
		.ended = on_pair_ended,
		.user = s,
	};
	struct pf_gs_http_params http = {
		.loop = params->loop,
		.bind_address = params->bind_address,
		.port = params->port,
		.https_port = params->port ? params->port - HTTPS_OFFSET : 0,
		.key_pem = pf_identity_key_pem(params->identity),
		.cert_pem = pf_identity_cert_pem(params->identity),
		.patience_ms = params->patience_ms,
		.request = on_request,
		.gone = on_gone,
		.user = s,
	};
	int r;

	if (!s)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	s->params = *params;
	r = pf_gs_keys_create(&s->keys);
	if (r)
		pf_reason_set(why, r, "cannot remember session keys");
	if (!r)
		r = pf_gs_pairing_create(&s->pairing, &pairing, why);
	if (!r)
		r = pf_gs_http_create(&s->http, &http, why);
	if (r) {
		pf_gs_routes_destroy(s);
		return r;
	}
	*out = s;
	return 0;
}

void pf_gs_routes_destroy(struct pf_gs_routes *s)
{
	if (!s)
		return;
	pf_timer_stop(&s->expiry);
	pf_gs_pairing_destroy(s->pairing);
	/* Jobs that still read end by themselves. */
	while (s->assets) {
		struct asset_job *a = s->assets;

		s->assets = a->next;
		a->request = NULL;
		a->next = NULL;
		a->at = &a->next;
	}
	pf_gs_http_destroy(s->http);
	pf_gs_keys_destroy(s->keys);
	free(s);
}

void pf_gs_routes_hear(struct pf_gs_routes *s, const struct pf_session_hearer *hearer)
{
	s->hearer = *hearer;
}

uint16_t pf_gs_routes_port(const struct pf_gs_routes *s)
{
	return pf_gs_http_port(s->http);
}

uint16_t pf_gs_routes_https_port(const struct pf_gs_routes *s)
{
	return pf_gs_http_https_port(s->http);
}

void pf_gs_routes_pending(struct pf_gs_routes *s,
	void (*fn)(void *user, const struct pf_gs_pair_pending *p), void *user)
{
	pf_gs_pair_each(s->pairing, fn, user);
}

int pf_gs_routes_pin(struct pf_gs_routes *s, uint32_t id, const char *pin, struct pf_reason *why)
{
	int r = pf_gs_pair_pin(s->pairing, pf_clock_mono_ns(), id, pin, why);

	arm_expiry(s);
	return r;
}

int pf_gs_routes_drop(struct pf_gs_routes *s, uint32_t id)
{
	int r = pf_gs_pair_drop(s->pairing, id);

	arm_expiry(s);
	return r;
}
