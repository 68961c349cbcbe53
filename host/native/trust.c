/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* trust.c - who may connect to the native plane: the operator's list, those that
 * paired, pairing by PIN, and approval of those who ask. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/crypto/secret.h"
#include "host/native/session.h"
#include "host/registry/access.h"
#include "host/sys/files.h"

/* ---- admission ---- */

static void on_bad_line(void *user, unsigned line, const char *text)
{
	struct pf_native *n = user;

	/* The file is read at every knock: say it a few times, not for ever. */
	if (n->bad_lines_told++ < 20)
		pf_log(PF_LOG_WARN, "native", "%s:%u: %s", n->params.allowed_path, line, text);
}

int pf_native_admit(struct pf_native *n, const struct pf_peer *peer,
	struct pf_native_access *access, struct pf_reason *why)
{
	const struct pf_client *client;
	struct pf_access_entry entry;
	struct pf_reason read_why = { 0 };
	uint8_t *text = NULL;
	size_t len = 0;
	int r = -ENOENT;

	if (peer->has_certificate) {
		r = pf_file_read(
			n->params.allowed_path, PF_ACCESS_FILE_BYTES, &text, &len, &read_why);
		if (r && r != -ENOENT)
			pf_log(PF_LOG_ERROR, "native", "%s", read_why.text);
		if (!r)
			r = pf_access_find(&entry, text, len, peer->fingerprint, on_bad_line, n);
		free(text);
		if (!r) {
			*access = (struct pf_native_access){ .grants = entry.grants };
			return 0;
		}
	}
	client = n->params.clients && peer->has_certificate
			 ? pf_clients_find(n->params.clients, PF_PLANE_NATIVE, peer->fingerprint)
			 : NULL;
	if (client) {
		*access = (struct pf_native_access){ client->grants, client->expires_s };
		pf_clients_seen(n->params.clients, PF_PLANE_NATIVE, peer->fingerprint);
		return 0;
	}
	if (n->params.config->trust_on_first_use) {
		*access = (struct pf_native_access){ .grants = PF_GRANT_ALL };
		return 0;
	}
	if (peer->has_certificate)
		return pf_reason_set(why, -ENOKEY, "the client is not known");
	r = pf_reason_set(
		why, -EACCES, "this host knows its clients by their certificate; connect with one");
	why->close = PUNKTFUNK_CLOSE_IDENTITY_REQUIRED;
	return r;
}

/* ---- approval of unknown clients ---- */

static void set_knock_timer(struct pf_native *n);

static void on_knock_timer(void *user)
{
	struct pf_native *n = user;
	struct pf_native_session *ns;

	while ((ns = pf_knocks_expired(&n->knocks, pf_clock_mono_ns())))
		pf_native_session_end(ns, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT,
			"nobody answered the request for access");
	set_knock_timer(n);
}

static void tell(const struct pf_native *n)
{
	if (n->hearer.trust)
		n->hearer.trust(n->hearer.user);
}

static void set_knock_timer(struct pf_native *n)
{
	uint64_t due = pf_knocks_deadline(&n->knocks), now = pf_clock_mono_ns();

	tell(n);
	pf_timer_stop(&n->knock_timer);
	if (due != UINT64_MAX && pf_timer_start(&n->knock_timer, n->params.loop,
					 due > now ? due - now : 0, on_knock_timer, n))
		pf_log(PF_LOG_ERROR, "native", "out of memory: requests for access do not end");
}

void pf_native_knock(struct pf_native_session *ns)
{
	struct pf_native *n = ns->n;
	void *superseded, *dropped;
	char hex[65];
	uint32_t id = pf_knocks_add(&n->knocks, ns->peer.fingerprint, ns->hello.name,
		&ns->peer.addr, ns, pf_clock_mono_ns(), &superseded, &dropped);

	ns->knocking = true;
	if (superseded)
		pf_native_session_end(superseded, PUNKTFUNK_CLOSE_SUPERSEDED,
			"this client asked for access again");
	if (dropped)
		pf_native_session_end(dropped, PUNKTFUNK_CLOSE_APPROVAL_TIMEOUT,
			"too many clients ask for access at once");
	set_knock_timer(n);
	pf_access_format(ns->peer.fingerprint, hex);
	pf_native_log_knock(
		ns, "asks for access: punktfunk-host approve %u, or deny %u (%s)", id, id, hex);
}

void pf_native_knock_left(struct pf_native_session *ns)
{
	ns->knocking = false;
	if (pf_knocks_left(&ns->n->knocks, ns))
		set_knock_timer(ns->n);
}

void pf_native_knock_known(struct pf_native *n, const uint8_t fingerprint[32])
{
	const struct pf_knock *k = pf_knocks_find_device(&n->knocks, fingerprint);
	struct pf_native_session *ns = k ? k->parked : NULL;
	struct pf_native_access access;
	struct pf_peer peer = { .has_certificate = true };
	struct pf_reason why = { 0 };

	memcpy(peer.fingerprint, fingerprint, 32);
	if (!k || pf_native_admit(n, &peer, &access, &why))
		return;
	(void)pf_knocks_remove(&n->knocks, k->id);
	set_knock_timer(n);
	if (ns)
		pf_native_session_resume(ns);
}

void pf_native_each_knock(
	struct pf_native *n, void (*fn)(void *user, const struct pf_knock *k), void *user)
{
	for (unsigned i = 0; i < n->knocks.count; i++)
		fn(user, &n->knocks.list[i]);
}

static int no_knock(struct pf_reason *why)
{
	return pf_reason_set(why, -ENOENT, "no such client asks for access");
}

int pf_native_approve(struct pf_native *n, uint32_t id, const char *name, uint32_t grants,
	int64_t expires_s, struct pf_client *out, struct pf_reason *why)
{
	const struct pf_knock *k = pf_knocks_find(&n->knocks, id);
	struct pf_client client = { .plane = PF_PLANE_NATIVE,
		.grants = grants,
		.expires_s = expires_s,
		.paired_s = time(NULL) };
	int r;

	if (!k || !n->params.clients)
		return no_knock(why);
	if (expires_s && expires_s <= client.paired_s)
		return pf_reason_set(why, -EINVAL, "the access would have run out already");
	memcpy(client.fingerprint, k->fingerprint, 32);
	snprintf(client.name, sizeof(client.name), "%s", name ? name : k->name);
	/* Who waits hears of it as a watcher of the list, like everybody else. */
	r = pf_clients_add(n->params.clients, &client, why);
	if (!r)
		pf_log(PF_LOG_INFO, "native", "\"%s\" was let in", client.name);
	if (!r && out)
		*out = *pf_clients_entry(n->params.clients, PF_PLANE_NATIVE, client.fingerprint);
	return r;
}

int pf_native_deny(struct pf_native *n, uint32_t id, struct pf_reason *why)
{
	const struct pf_knock *k = pf_knocks_find(&n->knocks, id);
	struct pf_native_session *ns;

	if (!k)
		return no_knock(why);
	pf_log(PF_LOG_INFO, "native", "\"%s\" was not let in", k->name);
	ns = pf_knocks_remove(&n->knocks, id);
	set_knock_timer(n);
	if (ns)
		pf_native_session_end(ns, PUNKTFUNK_CLOSE_DENIED, "access was denied");
	return 0;
}

/* ---- pairing by PIN ---- */

int pf_native_arm(struct pf_native *n, const struct pf_arming *a, uint32_t ttl_s)
{
	struct pf_arming own = *a;
	int r = pf_pair_mint_pin(own.pin);

	if (!r) {
		own.id = ++n->arming_id;
		own.until_ns = ttl_s ? pf_clock_mono_ns() + ttl_s * PF_NS_PER_S : 0;
		pf_listener_arm(n->listener, &own);
		tell(n);
	}
	pf_secret_wipe(&own, sizeof(own));
	return r;
}

void pf_native_disarm(struct pf_native *n)
{
	pf_listener_disarm(n->listener);
	tell(n);
}

void pf_native_pairing(const struct pf_native *n, struct pf_native_pairing *out)
{
	const struct pf_pair_outcome *last = &n->last_pair;

	memset(out, 0, sizeof(*out));
	out->running = pf_listener_ceremonies(n->listener) != 0;
	out->armed = pf_listener_armed(n->listener, &out->arming);
	out->arming_id = n->arming_id;
	out->last_id = last->arming_id;
	out->last = last->result;
	(void)pf_utf8_printable(
		out->last_name, sizeof(out->last_name), last->name, strlen(last->name));
	memcpy(out->last_fingerprint, last->peer.fingerprint, 32);
}

/* Who pairs anew keeps what it may do, unless the PIN came with terms of its own. */
static void keep(struct pf_native *n, const struct pf_pair_outcome *o)
{
	struct pf_client client = {
		.plane = PF_PLANE_NATIVE, .grants = PF_GRANT_ALL, .paired_s = time(NULL)
	};
	const struct pf_client *old =
		pf_clients_entry(n->params.clients, PF_PLANE_NATIVE, o->peer.fingerprint);
	struct pf_reason why = { 0 };

	memcpy(client.fingerprint, o->peer.fingerprint, 32);
	(void)pf_utf8_printable(client.name, sizeof(client.name), o->name, strlen(o->name));
	if (old) {
		client.grants = old->grants;
		client.seen_s = old->seen_s;
		/* An expiry that has passed would undo the pairing at once. */
		client.expires_s = old->expires_s > client.paired_s ? old->expires_s : 0;
	}
	if (o->has_terms) {
		client.grants = o->grants;
		client.expires_s = o->expires_s;
	}
	if (pf_clients_add(n->params.clients, &client, &why))
		pf_log(PF_LOG_ERROR, "native", "\"%s\" paired, but is not kept: %s", client.name,
			why.text);
	else
		pf_log(PF_LOG_INFO, "native", "\"%s\" paired", client.name);
}

void pf_native_paired(void *native, void *outcome)
{
	const struct pf_pair_outcome *o = outcome;
	struct pf_native *n = native;

	n->last_pair = *o;
	tell(n);
	if (o->result != PF_PAIR_DONE)
		pf_log(PF_LOG_WARN, "native", "a client did not pair: %s; the PIN is used up",
			o->result == PF_PAIR_WRONG_PIN ? "it had another PIN"
						       : "it left before the end");
	else if (n->params.clients)
		keep(n, o);
}
