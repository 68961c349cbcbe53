/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/session/clip.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"

#define NOT_KNOWN 0x71 /* a stream of another kind */
#define FIRST_CAP (64 * 1024)
#define HEADS_MAX (PF_STREAM_HEAD_BYTES + PF_FRAME_HEAD_BYTES + 256)

/* An event that is due once the lock is free. */
struct due {
	enum { NOTHING, ASKED, WITHDRAWN, FETCHED } what;
	uint32_t id, seq;
	char mime[PF_CLIP_MIME_MAX + 1];
	int result;
	uint8_t *data;
	size_t len;
};

void pf_clip_init(struct pf_clip *clip, const struct pf_clip_events *events, void *user)
{
	*clip = (struct pf_clip){ .events = events, .user = user, .max_bytes = PF_CLIP_BYTES_MAX };
	pthread_mutex_init(&clip->lock, NULL);
}

static void wipe_data(struct pf_clip *clip, struct pf_clip_exchange *x)
{
	pf_secret_free(x->data, x->len);
	clip->coming -= x->cap;
	x->data = NULL;
	x->len = x->cap = 0;
}

static void clear(struct pf_clip *clip, struct pf_clip_exchange *x)
{
	wipe_data(clip, x);
	clip->going -= x->answer;
	pf_quic_stream_unref(x->st);
	memset(x, 0, sizeof(*x));
}

void pf_clip_finish(struct pf_clip *clip)
{
	for (unsigned i = 0; i < PF_CLIP_EXCHANGES; i++)
		clear(clip, &clip->exchanges[i]);
	pthread_mutex_destroy(&clip->lock);
}

static struct pf_clip_exchange *take_slot(struct pf_clip *clip, bool ours)
{
	for (unsigned i = 0; i < PF_CLIP_EXCHANGES; i++) {
		struct pf_clip_exchange *x = &clip->exchanges[i];

		if (x->id)
			continue;
		x->id = ++clip->next_id & INT32_MAX;
		if (!x->id)
			x->id = clip->next_id = 1;
		x->ours = ours;
		return x;
	}
	return NULL;
}

static struct pf_clip_exchange *find_id(struct pf_clip *clip, uint32_t id, bool ours)
{
	for (unsigned i = 0; i < PF_CLIP_EXCHANGES; i++)
		if (id && clip->exchanges[i].id == id && clip->exchanges[i].ours == ours)
			return &clip->exchanges[i];
	return NULL;
}

static struct pf_clip_exchange *find(struct pf_clip *clip, const struct pf_quic_stream *st)
{
	for (unsigned i = 0; i < PF_CLIP_EXCHANGES; i++)
		if (clip->exchanges[i].id && clip->exchanges[i].st == st)
			return &clip->exchanges[i];
	return NULL;
}

static void tell(struct pf_clip *clip, struct due *d)
{
	switch (d->what) {
	case ASKED:
		clip->events->asked(clip->user, d->id, d->seq, d->mime);
		break;
	case WITHDRAWN:
		clip->events->withdrawn(clip->user, d->id);
		break;
	case FETCHED:
		clip->events->fetched(clip->user, d->id, d->result, d->data, d->len);
		break;
	case NOTHING:
		break;
	}
}

/* The outcome of a fetch, once. */
static void end_fetch(struct pf_clip *clip, struct pf_clip_exchange *x, int result, struct due *d)
{
	if (x->told)
		return;
	x->told = true;
	*d = (struct due){ .what = FETCHED, .id = x->id, .result = result };
	if (result)
		return;
	d->data = x->data;
	d->len = x->len;
	clip->coming -= x->cap;
	x->data = NULL;
	x->len = x->cap = 0;
}

/* ---- calls ---- */

/* The message in `buf` behind a frame head; malloc's, or NULL. */
static uint8_t *framed(const struct pf_ctl *m, size_t before, size_t *len)
{
	uint8_t *buf = malloc(HEADS_MAX);
	int n;

	if (!buf)
		return NULL;
	n = pf_ctl_build(
		m, buf + before + PF_FRAME_HEAD_BYTES, HEADS_MAX - before - PF_FRAME_HEAD_BYTES);
	if (n < 0) {
		free(buf);
		return NULL;
	}
	pf_frame_head_build(buf + before, (uint16_t)n);
	*len = before + PF_FRAME_HEAD_BYTES + (size_t)n;
	return buf;
}

/* Half of what was to be said is worse than nothing: the other end would wait for it. */
static void send_or_reset(struct pf_clip_exchange *x, uint8_t *data, size_t len, bool fin)
{
	if (pf_quic_stream_send(x->st, data, len, fin))
		pf_quic_stream_reset(x->st, PF_QUIC_STREAM_CANCELLED);
}

int64_t pf_clip_fetch(struct pf_clip *clip, struct pf_quic_conn *c, uint32_t seq, const char *mime)
{
	struct pf_ctl m = { .type = PF_CTL_CLIP_FETCH };
	struct pf_clip_exchange *x;
	uint8_t *buf;
	int64_t id = 0;
	size_t len;

	m.clip_fetch.seq = seq;
	m.clip_fetch.file_index = PF_CLIP_NO_FILE;
	m.clip_fetch.mime = (struct pf_ctl_bytes){ (const uint8_t *)mime, strlen(mime) };
	if (m.clip_fetch.mime.len > PF_CLIP_MIME_MAX)
		return -EINVAL;
	buf = framed(&m, PF_STREAM_HEAD_BYTES, &len);
	if (!buf)
		return -ENOMEM;
	pf_stream_head_build(buf, PF_STREAM_CLIP_FETCH);
	pthread_mutex_lock(&clip->lock);
	x = take_slot(clip, true);
	if (!x)
		id = -EAGAIN;
	else
		id = pf_quic_stream_open(&x->st, c, pf_clock_mono_ns() + PF_CLIP_TIME_NS);
	if (id) {
		if (x)
			clear(clip, x);
		free(buf);
	} else {
		/* The end of our words tells the holder that this is all. */
		send_or_reset(x, buf, len, true);
		id = x->id;
	}
	pthread_mutex_unlock(&clip->lock);
	return id;
}

void pf_clip_cancel(struct pf_clip *clip, uint32_t id)
{
	struct pf_clip_exchange *x;

	pthread_mutex_lock(&clip->lock);
	x = find_id(clip, id, true);
	if (x)
		pf_quic_stream_reset(x->st, PF_QUIC_STREAM_CANCELLED);
	pthread_mutex_unlock(&clip->lock);
}

int pf_clip_answer(
	struct pf_clip *clip, uint32_t id, enum pf_clip_status status, uint8_t *data, size_t len)
{
	struct pf_ctl m = { .type = PF_CTL_CLIP_FETCH_HDR };
	struct pf_clip_exchange *x;
	const size_t data_len = len;
	uint8_t *head = NULL;
	size_t head_len = 0;
	int err = 0;

	pthread_mutex_lock(&clip->lock);
	x = find_id(clip, id, false);
	if (!x || x->told) {
		err = -ENOENT;
	} else {
		x->told = true;
		if (status == PF_CLIP_OK && len > clip->max_bytes - clip->going) {
			status = PF_CLIP_UNAVAILABLE;
			err = -EMSGSIZE;
		}
		if (status != PF_CLIP_OK)
			len = 0;
		m.clip_fetch_hdr.status = status;
		m.clip_fetch_hdr.total = len;
		head = framed(&m, 0, &head_len);
		if (!head)
			err = -ENOMEM;
	}
	if (head) {
		send_or_reset(x, head, head_len, !len);
		if (len) {
			x->answer = len;
			clip->going += len;
			send_or_reset(x, data, len, true);
			data = NULL;
		}
	} else if (x && err != -ENOENT) {
		pf_quic_stream_reset(x->st, PF_QUIC_STREAM_CANCELLED);
	}
	pthread_mutex_unlock(&clip->lock);
	pf_secret_free(data, data_len);
	return err;
}

/* ---- streams ---- */

void pf_clip_stream_opened(struct pf_clip *clip, struct pf_quic_stream *st)
{
	struct pf_clip_exchange *x;

	pthread_mutex_lock(&clip->lock);
	x = take_slot(clip, false);
	if (x) {
		x->st = pf_quic_stream_ref(st);
		pf_quic_stream_set_deadline(st, pf_clock_mono_ns() + PF_CLIP_TIME_NS);
	} else {
		pf_quic_stream_reset(st, PF_QUIC_STREAM_CANCELLED);
	}
	pthread_mutex_unlock(&clip->lock);
}

/* The asker's first words. 0 when more are needed, 1, or a code to reset with. */
static int read_question(struct pf_clip_exchange *x, struct due *d)
{
	const uint8_t *p = x->head + PF_STREAM_HEAD_BYTES;
	struct pf_ctl m;
	uint8_t kind;
	size_t n;
	int err = pf_stream_head_parse(&kind, x->head, x->head_len);

	if (err == -EAGAIN)
		return 0;
	if (err || kind != PF_STREAM_CLIP_FETCH)
		return NOT_KNOWN;
	if (x->head_len < PF_STREAM_HEAD_BYTES + PF_FRAME_HEAD_BYTES)
		return 0;
	n = (size_t)p[0] | (size_t)p[1] << 8;
	if (n > sizeof(x->head) - PF_STREAM_HEAD_BYTES - PF_FRAME_HEAD_BYTES)
		return PF_QUIC_STREAM_CANCELLED;
	if (x->head_len < PF_STREAM_HEAD_BYTES + PF_FRAME_HEAD_BYTES + n)
		return 0;
	if (pf_ctl_parse(&m, p + PF_FRAME_HEAD_BYTES, n) || m.type != PF_CTL_CLIP_FETCH)
		return PF_QUIC_STREAM_CANCELLED;
	*d = (struct due){ .what = ASKED, .id = x->id, .seq = m.clip_fetch.seq };
	/* A zero byte inside ends the name, which then is none that was offered. */
	memcpy(d->mime, m.clip_fetch.mime.p, m.clip_fetch.mime.len);
	/* Files are not offered. */
	if (m.clip_fetch.file_index != PF_CLIP_NO_FILE)
		d->mime[0] = 0;
	return 1;
}

/* The holder's first words: how many of the bytes they are; 0 = more are needed;
 * or a result to end with, in *result. */
static size_t read_answer(const struct pf_clip *clip, struct pf_clip_exchange *x, int *result)
{
	struct pf_ctl m;
	size_t n;

	*result = 0;
	if (x->head_len < PF_FRAME_HEAD_BYTES)
		return 0;
	n = (size_t)x->head[0] | (size_t)x->head[1] << 8;
	if (n > sizeof(x->head) - PF_FRAME_HEAD_BYTES) {
		*result = -EPROTO;
		return 0;
	}
	if (x->head_len < PF_FRAME_HEAD_BYTES + n)
		return 0;
	if (pf_ctl_parse(&m, x->head + PF_FRAME_HEAD_BYTES, n) || m.type != PF_CTL_CLIP_FETCH_HDR)
		*result = -EPROTO;
	else if (m.clip_fetch_hdr.status)
		*result = m.clip_fetch_hdr.status <= PF_CLIP_DENIED ? m.clip_fetch_hdr.status
								    : PF_CLIP_UNAVAILABLE;
	else if (m.clip_fetch_hdr.total > clip->max_bytes)
		*result = -EMSGSIZE;
	else
		x->total = m.clip_fetch_hdr.total;
	return PF_FRAME_HEAD_BYTES + n;
}

static int append(struct pf_clip *clip, struct pf_clip_exchange *x, const uint8_t *data, size_t len)
{
	size_t cap = x->cap ? x->cap : FIRST_CAP;
	uint8_t *grown;

	if (x->total && len > x->total - x->len)
		return -EPROTO;
	/* Never more memory than has really come, twice over. */
	while (cap - x->len < len && cap < clip->max_bytes)
		cap *= 2;
	if (cap - x->len < len || cap - x->cap > clip->max_bytes - clip->coming)
		return -EMSGSIZE;
	if (cap > x->cap) {
		grown = pf_secret_grow(x->data, x->len, cap);
		if (!grown)
			return -ENOMEM;
		clip->coming += cap - x->cap;
		x->data = grown;
		x->cap = cap;
	}
	if (len)
		memcpy(x->data + x->len, data, len);
	x->len += len;
	return 0;
}

/* Takes in the bytes of a head; those that were not it are left. */
static void add_head(struct pf_clip_exchange *x, const uint8_t **data, size_t *len)
{
	size_t n = sizeof(x->head) - x->head_len < *len ? sizeof(x->head) - x->head_len : *len;

	if (n)
		memcpy(x->head + x->head_len, *data, n);
	x->head_len += n;
	*data += n;
	*len -= n;
}

static void on_question(
	struct pf_clip_exchange *x, const uint8_t *data, size_t len, bool fin, struct due *d)
{
	int r;

	if (x->headed)
		return; /* nothing may follow; nobody looks at it */
	add_head(x, &data, &len);
	r = read_question(x, d);
	x->headed = r == 1;
	if (r > 1)
		pf_quic_stream_reset(x->st, (uint32_t)r);
	else if (!r && fin)
		pf_quic_stream_reset(x->st, PF_QUIC_STREAM_CANCELLED);
}

static void on_answer(struct pf_clip *clip, struct pf_clip_exchange *x, const uint8_t *data,
	size_t len, bool fin, struct due *d)
{
	int result = 0;

	if (x->told)
		return;
	if (!x->headed) {
		size_t used;

		add_head(x, &data, &len);
		used = read_answer(clip, x, &result);
		x->headed = used > 0;
		/* What of this piece came behind the head. */
		if (x->headed && !result && x->head_len > used)
			result = append(clip, x, x->head + used, x->head_len - used);
	}
	if (!result && len && x->headed)
		result = append(clip, x, data, len);
	if (!result && fin && (!x->headed || (x->total && x->len != x->total)))
		result = -EPROTO; /* cut short */
	if (result || fin)
		end_fetch(clip, x, result, d);
	if (result && !fin)
		pf_quic_stream_reset(x->st, PF_QUIC_STREAM_CANCELLED);
}

void pf_clip_stream_data(
	struct pf_clip *clip, struct pf_quic_stream *st, const uint8_t *data, size_t len, bool fin)
{
	struct due d = { 0 };
	struct pf_clip_exchange *x;

	pthread_mutex_lock(&clip->lock);
	x = find(clip, st);
	if (x && x->ours)
		on_answer(clip, x, data, len, fin, &d);
	else if (x)
		on_question(x, data, len, fin, &d);
	pthread_mutex_unlock(&clip->lock);
	tell(clip, &d);
}

void pf_clip_stream_closed(struct pf_clip *clip, struct pf_quic_stream *st, uint64_t code)
{
	struct due d = { 0 };
	struct pf_clip_exchange *x;

	pthread_mutex_lock(&clip->lock);
	x = find(clip, st);
	if (x && x->ours)
		end_fetch(clip, x,
			code == PF_QUIC_STREAM_LATE ? -ETIMEDOUT
			: code == PF_QUIC_CODE_LOST ? -EPIPE
						    : -ECANCELED,
			&d);
	else if (x && x->headed && !x->told)
		d = (struct due){ .what = WITHDRAWN, .id = x->id };
	if (x)
		clear(clip, x);
	pthread_mutex_unlock(&clip->lock);
	tell(clip, &d);
}

/* ---- offers ---- */

static bool is_name(const struct pf_ctl_bytes *mime)
{
	for (size_t i = 0; i < mime->len; i++)
		if (mime->p[i] <= ' ' || mime->p[i] > '~')
			return false;
	return mime->len > 0;
}

void pf_clip_offer_read(struct pf_clip_offer *out, const struct pf_ctl *m)
{
	memset(out, 0, sizeof(*out));
	out->seq = m->clip_offer.seq;
	for (unsigned i = 0; i < m->clip_offer.count; i++) {
		const struct pf_ctl_bytes *mime = &m->clip_offer.formats[i].mime;
		struct pf_clip_format *f = &out->formats[out->count];

		if (!is_name(mime))
			continue;
		memcpy(f->mime, mime->p, mime->len);
		f->mime[mime->len] = 0;
		f->size_hint = m->clip_offer.formats[i].size_hint;
		if (pf_clip_offer_has(out, f->mime))
			*f = (struct pf_clip_format){ 0 };
		else
			out->count++;
	}
}

void pf_clip_offer_message(struct pf_ctl *out, const struct pf_clip_offer *o)
{
	memset(out, 0, sizeof(*out));
	out->type = PF_CTL_CLIP_OFFER;
	out->clip_offer.seq = o->seq;
	out->clip_offer.count = (uint8_t)o->count;
	for (unsigned i = 0; i < o->count; i++) {
		out->clip_offer.formats[i].mime.p = (const uint8_t *)o->formats[i].mime;
		out->clip_offer.formats[i].mime.len = strlen(o->formats[i].mime);
		out->clip_offer.formats[i].size_hint = o->formats[i].size_hint;
	}
}

bool pf_clip_offer_has(const struct pf_clip_offer *o, const char *mime)
{
	for (unsigned i = 0; i < o->count; i++)
		if (!strcmp(o->formats[i].mime, mime))
			return true;
	return false;
}
