/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/session_clip.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/log.h"
#include "core/crypto/secret.h"
#include "host/clipboard/clipboard.h"
#include "host/native/session.h"

#define FLAG_FILES 1

/* Reasons of message 41. */
enum reason { NO_REASON = 0, NO_BACKEND = 1, POLICY = 3, NO_FILES = 4, NOT_PERMITTED = 5 };

/* What a program waits for while the client is asked. */
struct gift {
	uint32_t fetch, gift; /* fetch 0 = unused */
};

struct pf_native_clip {
	struct pf_native_session *ns;
	struct pf_loop_item item;

	/* loop */
	bool wanted, files, due; /* due: the wish waits for its answer */
	struct pf_clipboard *board;

	pthread_mutex_t lock; /* the rest */
	bool posted;	      /* item is on its way */
	bool up, dead;	      /* the board said so */
	struct pf_reason why;
	bool active; /* both ends may see each other's offers */
	bool images;
	struct pf_clipboard *reach; /* board, while it lives */

	struct pf_clip_offer ours;  /* of the desk; its seq counts up */
	struct pf_clip_local local; /* what it stands for */
	uint32_t serial;	    /* as the board calls it */
	bool told;		    /* the client knows of formats that it could ask for */
	bool offered;		    /* theirs is one at all */
	bool newest;		    /* no program has copied anything since */
	struct pf_clip_offer theirs;
	struct gift gifts[PF_CLIPBOARD_GIFTS];
};

/* ---- under the lock ---- */

static void tell_state(struct pf_native_clip *k, bool enabled, bool policy, enum reason reason)
{
	struct pf_ctl m = { .type = PF_CTL_CLIP_STATE };

	m.clip_state.enabled = enabled;
	m.clip_state.policy = policy;
	m.clip_state.reason = reason;
	(void)pf_host_session_control(k->ns->s, &m);
}

static void tell_offer(struct pf_native_clip *k)
{
	struct pf_ctl m;

	/* That there is nothing is news only after something. */
	if (!k->active || (!k->ours.count && !k->told))
		return;
	k->told = k->ours.count > 0;
	k->ours.seq++;
	pf_clip_offer_message(&m, &k->ours);
	(void)pf_host_session_control(k->ns->s, &m);
}

static void offer_theirs(struct pf_native_clip *k)
{
	struct pf_clip_local l = { 0 };

	if (!k->reach)
		return;
	if (k->active && k->newest)
		pf_clip_to_local(&l, &k->theirs, k->images);
	pf_clipboard_offer(k->reach, &l);
	/* The desk's own clipboard is replaced by it. */
	if (l.count) {
		k->ours.count = 0;
		k->told = false;
	}
}

static void post(struct pf_native_clip *k)
{
	if (k->posted)
		return;
	k->posted = true;
	pf_loop_post_item(k->ns->n->params.loop, &k->item);
}

static struct gift *find_gift(struct pf_native_clip *k, uint32_t fetch)
{
	for (unsigned i = 0; i < PF_CLIPBOARD_GIFTS; i++)
		if (k->gifts[i].fetch == fetch)
			return &k->gifts[i];
	return NULL;
}

/* ---- the clipboard's thread ---- */

static void on_state(void *user, const struct pf_reason *why)
{
	struct pf_native_clip *k = user;

	pthread_mutex_lock(&k->lock);
	k->up = !why;
	k->dead = why;
	if (why)
		k->why = *why;
	post(k);
	pthread_mutex_unlock(&k->lock);
}

static void on_selection(void *user, uint32_t serial, const struct pf_clip_local *l)
{
	struct pf_native_clip *k = user;

	pthread_mutex_lock(&k->lock);
	/* The first is what was there before anyone could tell us. */
	if (serial > 1 && l->count)
		k->newest = false;
	k->serial = serial;
	k->local = *l;
	pf_clip_to_wire(&k->ours, l, k->images);
	tell_offer(k);
	pthread_mutex_unlock(&k->lock);
}

static void on_wanted(void *user, uint32_t gift, const char *name)
{
	struct pf_native_clip *k = user;
	const char *wire = pf_clip_wire_of(name);
	struct gift *g;
	int64_t id = -ENOENT;

	pthread_mutex_lock(&k->lock);
	g = find_gift(k, 0);
	if (g && k->reach && k->active && wire && pf_clip_offer_has(&k->theirs, wire))
		id = pf_host_session_clip_fetch(k->ns->s, k->theirs.seq, wire);
	if (id > 0)
		*g = (struct gift){ (uint32_t)id, gift };
	else if (k->reach)
		pf_clipboard_give(k->reach, gift, NULL, 0);
	pthread_mutex_unlock(&k->lock);
}

static void on_read(void *user, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct pf_native_clip *k = user;
	bool active;

	pthread_mutex_lock(&k->lock);
	active = k->active;
	pthread_mutex_unlock(&k->lock);
	/* What was taken away while a program wrote is not sent any more. */
	(void)pf_host_session_clip_answer(k->ns->s, id,
		!active		    ? PF_CLIP_DENIED
		: result == -ESTALE ? PF_CLIP_STALE
		: result	    ? PF_CLIP_UNAVAILABLE
				    : PF_CLIP_OK,
		data, len);
}

static const struct pf_clipboard_events board_events = {
	.state = on_state,
	.selection = on_selection,
	.wanted = on_wanted,
	.read = on_read,
};

/* ---- quic thread ---- */

void pf_native_clip_offered(struct pf_native_session *ns, const struct pf_ctl *m)
{
	struct pf_native_clip *k = ns->clip;
	struct pf_clip_offer o;

	if (!k)
		return;
	pf_clip_offer_read(&o, m);
	pthread_mutex_lock(&k->lock);
	if (!k->offered || pf_clip_newer(o.seq, k->theirs.seq)) {
		k->theirs = o;
		k->offered = k->newest = true;
		if (k->active)
			offer_theirs(k);
	}
	pthread_mutex_unlock(&k->lock);
}

void pf_native_clip_asked(struct pf_native_session *ns, uint32_t id, uint32_t seq, const char *mime)
{
	struct pf_native_clip *k = ns->clip;
	enum pf_clip_status status = PF_CLIP_OK;
	const char *name = NULL;

	if (!k) {
		(void)pf_host_session_clip_answer(ns->s, id, PF_CLIP_DENIED, NULL, 0);
		return;
	}
	pthread_mutex_lock(&k->lock);
	if (!k->active || !k->reach)
		status = PF_CLIP_DENIED;
	else if (!k->told || seq != k->ours.seq)
		status = PF_CLIP_STALE;
	else if (pf_clip_offer_has(&k->ours, mime))
		name = pf_clip_pick(&k->local, mime);
	if (!status && !name)
		status = PF_CLIP_UNAVAILABLE;
	if (status)
		(void)pf_host_session_clip_answer(ns->s, id, status, NULL, 0);
	else
		pf_clipboard_read(k->reach, id, k->serial, name);
	pthread_mutex_unlock(&k->lock);
}

void pf_native_clip_withdrawn(struct pf_native_session *ns, uint32_t id)
{
	struct pf_native_clip *k = ns->clip;

	if (!k)
		return;
	pthread_mutex_lock(&k->lock);
	if (k->reach)
		pf_clipboard_cancel(k->reach, id);
	pthread_mutex_unlock(&k->lock);
}

void pf_native_clip_fetched(
	struct pf_native_session *ns, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct pf_native_clip *k = ns->clip;
	struct gift *g;

	if (!k) {
		pf_secret_free(data, len);
		return;
	}
	pthread_mutex_lock(&k->lock);
	g = find_gift(k, id);
	if (g && k->reach && k->active) {
		pf_clipboard_give(k->reach, g->gift, data, len);
	} else {
		if (g && k->reach)
			pf_clipboard_give(k->reach, g->gift, NULL, 0);
		pf_secret_free(data, len);
	}
	if (g)
		g->fetch = 0;
	pthread_mutex_unlock(&k->lock);
}

/* ---- loop ---- */

static uint32_t policy_of(const struct pf_native_session *ns)
{
	return ns->n->params.config->clipboard;
}

bool pf_native_clip_possible(const struct pf_native_session *ns)
{
	uint32_t display = ns->n->params.config->display_backend;

	return policy_of(ns) != PF_CONFIG_CLIPBOARD_OFF && ns->grants & PF_GRANT_CLIPBOARD &&
	       display != PF_CONFIG_DISPLAY_PATTERN && display != PF_CONFIG_DISPLAY_NULL;
}

/* A board that ended is gone at once; its thread has returned or is about to. */
static void drop_board(struct pf_native_clip *k)
{
	struct pf_clipboard *board = k->board;

	pthread_mutex_lock(&k->lock);
	k->reach = NULL;
	k->up = k->dead = false;
	k->ours.count = k->local.count = 0;
	memset(k->gifts, 0, sizeof(k->gifts));
	pthread_mutex_unlock(&k->lock);
	k->board = NULL;
	pf_clipboard_close(board);
}

/* True once it is known whether there is one. */
static bool get_board(struct pf_native_clip *k, bool *up)
{
	struct pf_native_session *ns = k->ns;
	const struct pf_source *source;
	bool known;

	*up = false;
	if (!k->board) {
		if (!ns->desk_ready)
			return false;
		source = pf_desk_source(ns->desk);
		if (source->kind != PF_SOURCE_WAYLAND)
			return true;
		if (pf_clipboard_open(
			    &k->board, source->wayland_socket, &board_events, k, &k->why)) {
			pf_log(PF_LOG_WARN, "native", "%s: no clipboard: %s", ns->name,
				k->why.text);
			return true;
		}
		pthread_mutex_lock(&k->lock);
		k->reach = k->board;
		pthread_mutex_unlock(&k->lock);
	}
	pthread_mutex_lock(&k->lock);
	*up = k->up;
	known = k->up || k->dead;
	pthread_mutex_unlock(&k->lock);
	return known;
}

static void set_active(struct pf_native_clip *k, bool active, bool policy, enum reason reason)
{
	bool images = policy_of(k->ns) == PF_CONFIG_CLIPBOARD_ON;

	pthread_mutex_lock(&k->lock);
	if (k->due || k->active != active)
		tell_state(k, active, policy, reason);
	k->due = false;
	if (k->active != active || k->images != images) {
		k->images = images;
		k->told &= k->active == active;
		k->active = active;
		/* What still comes would be dropped: it need not come. */
		for (unsigned i = 0; !active && i < PF_CLIPBOARD_GIFTS; i++)
			if (k->gifts[i].fetch)
				pf_host_session_clip_cancel(k->ns->s, k->gifts[i].fetch);
		offer_theirs(k);
		if (active && !k->newest) {
			pf_clip_to_wire(&k->ours, &k->local, k->images);
			tell_offer(k);
		}
	}
	pthread_mutex_unlock(&k->lock);
}

void pf_native_clip_update(struct pf_native_session *ns)
{
	struct pf_native_clip *k = ns->clip;
	bool up = false;

	if (!k || ns->ending || (!k->wanted && !k->due))
		return;
	if (policy_of(ns) == PF_CONFIG_CLIPBOARD_OFF)
		set_active(k, false, false, POLICY);
	else if (!(ns->grants & PF_GRANT_CLIPBOARD))
		set_active(k, false, true, NOT_PERMITTED);
	else if (!k->wanted)
		set_active(k, false, true, NO_REASON);
	else if (get_board(k, &up))
		set_active(k, up, true, !up ? NO_BACKEND : k->files ? NO_FILES : NO_REASON);
}

static void run_item(struct pf_loop_item *item)
{
	struct pf_native_clip *k =
		(struct pf_native_clip *)((char *)item - offsetof(struct pf_native_clip, item));
	bool dead;

	pthread_mutex_lock(&k->lock);
	k->posted = false;
	dead = k->dead;
	pthread_mutex_unlock(&k->lock);
	/* Then a worker may be at the board. */
	if (k->ns->ending)
		return;
	if (dead)
		pf_log(PF_LOG_WARN, "native", "%s: no clipboard: %s", k->ns->name, k->why.text);
	pf_native_clip_update(k->ns);
	/* The next desk that is ready may have one. */
	if (dead)
		drop_board(k);
}

void pf_native_clip_control(struct pf_native_session *ns, bool enabled, uint8_t flags)
{
	struct pf_native_clip *k = ns->clip;

	k->wanted = enabled;
	k->files = flags & FLAG_FILES;
	k->due = true;
	pf_native_clip_update(ns);
}

int pf_native_clip_create(struct pf_native_session *ns)
{
	struct pf_native_clip *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->ns = ns;
	k->item.run = run_item;
	pthread_mutex_init(&k->lock, NULL);
	ns->clip = k;
	return 0;
}

void pf_native_clip_close(struct pf_native_session *ns)
{
	if (ns->clip && ns->clip->board)
		drop_board(ns->clip);
}

void pf_native_clip_free(struct pf_native_session *ns)
{
	if (!ns->clip)
		return;
	pthread_mutex_destroy(&ns->clip->lock);
	free(ns->clip);
	ns->clip = NULL;
}
