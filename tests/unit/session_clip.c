/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The data of clipboards over loopback: between a listener and the public
 * interface, and against a peer that does not keep to the rules. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/session/clip.h"
#include "tests/unit/session_host.h"

#define PLAIN "text/plain;charset=utf-8"

static uint8_t *bulk(size_t len)
{
	uint8_t *p = malloc(len ? len : 1);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 9));
	return p;
}

/* ---- a whole session ---- */

/* What the host does about clipboards; under the host's lock. */
struct board {
	struct host h;
	struct pf_listener_events events;
	uint8_t status; /* of its answers; 0xff = none comes */
	size_t answer;
	unsigned asked, withdrawn, fetched;
	uint32_t seq;
	char mime[PF_CLIP_MIME_MAX + 1];
	int result;
	uint8_t *data;
	size_t len;
};

static void on_asked(
	void *user, struct pf_host_session *s, uint32_t id, uint32_t seq, const char *mime)
{
	struct board *b = user;
	uint8_t status;

	pthread_mutex_lock(&b->h.lock);
	status = b->status;
	b->seq = seq;
	snprintf(b->mime, sizeof(b->mime), "%s", mime);
	bump(&b->h, &b->asked);
	pthread_mutex_unlock(&b->h.lock);
	if (status != 0xff)
		(void)pf_host_session_clip_answer(
			s, id, status, status ? NULL : bulk(b->answer), b->answer);
}

static void on_withdrawn(void *user, struct pf_host_session *s, uint32_t id)
{
	struct board *b = user;

	pthread_mutex_lock(&b->h.lock);
	bump(&b->h, &b->withdrawn);
	pthread_mutex_unlock(&b->h.lock);
}

static void on_fetched(
	void *user, struct pf_host_session *s, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct board *b = user;

	pthread_mutex_lock(&b->h.lock);
	free(b->data);
	b->result = result;
	b->data = data;
	b->len = len;
	bump(&b->h, &b->fetched);
	pthread_mutex_unlock(&b->h.lock);
}

static PunktfunkConnection *begin(struct board *b)
{
	PunktfunkConnectOptions o = { .struct_size = sizeof(o),
		.host = "127.0.0.1",
		.width = 1280,
		.height = 720,
		.refresh_hz = 60,
		.timeout_ms = PATIENCE_MS };
	PunktfunkConnection *c;

	memset(b, 0, sizeof(*b));
	host_init(&b->h);
	b->events = events;
	b->events.clip_asked = on_asked;
	b->events.clip_withdrawn = on_withdrawn;
	b->events.clip_fetched = on_fetched;
	b->h.params.events = &b->events;
	host_start(&b->h);
	o.port = pf_listener_port(b->h.l);
	assert_int_equal(punktfunk_connect(&o, &c, NULL), 0);
	assert_true(wait_count(&b->h, &b->h.started, 1));
	return c;
}

static void end(struct board *b, PunktfunkConnection *c)
{
	punktfunk_connection_close(c, 0);
	host_stop(&b->h);
	free(b->data);
}

static PunktfunkEvent next(PunktfunkConnection *c, uint32_t type)
{
	PunktfunkEvent e = { .struct_size = sizeof(e) };

	do
		assert_int_equal(punktfunk_connection_next_event(c, &e, PATIENCE_MS), 0);
	while (e.type != type);
	return e;
}

static void offer(struct board *b, uint32_t seq, const char *mime)
{
	struct pf_clip_offer o = { .seq = seq, .count = 1 };
	struct pf_ctl m;

	snprintf(o.formats[0].mime, sizeof(o.formats[0].mime), "%s", mime);
	o.formats[0].size_hint = 77;
	pf_clip_offer_message(&m, &o);
	assert_int_equal(pf_host_session_control(b->h.sessions[0], &m), 0);
}

static void the_hosts_clipboard_is_fetched(void **state)
{
	enum { LARGE = 2 * 1024 * 1024 };
	PunktfunkClipOffer o = { .struct_size = sizeof(o) };
	PunktfunkConnection *c;
	struct board b;
	PunktfunkEvent e;
	uint8_t *data, *want;
	size_t len;

	c = begin(&b);
	assert_int_equal(punktfunk_clip_control(c, 1), 0);
	assert_true(wait_count(&b.h, &b.h.controls, 1));
	assert_int_equal(b.h.control.type, PF_CTL_CLIP_CONTROL);
	assert_true(b.h.control.clip_control.enabled);
	assert_int_equal(punktfunk_clip_offered(c, &o), PUNKTFUNK_EAGAIN);
	offer(&b, 5, "image/png");
	e = next(c, PUNKTFUNK_EVENT_CLIP_OFFER);
	assert_int_equal(e.a, 5);
	assert_int_equal(e.b, 1);
	assert_int_equal(punktfunk_clip_offered(c, &o), 0);
	assert_int_equal(o.seq, 5);
	assert_string_equal(o.formats[0].mime, "image/png");
	assert_int_equal(o.formats[0].size_hint, 77);

	b.answer = LARGE;
	assert_int_equal(punktfunk_clip_fetch(c, 5, "image/png", 0, &data, &len), 0);
	want = bulk(LARGE);
	assert_int_equal(len, LARGE);
	assert_memory_equal(data, want, LARGE);
	assert_int_equal(b.seq, 5);
	assert_string_equal(b.mime, "image/png");
	free(want);
	punktfunk_clip_free(data, len);
	/* Nothing at all is a clipboard, too. */
	b.answer = 0;
	assert_int_equal(punktfunk_clip_fetch(c, 5, "image/png", 0, &data, &len), 0);
	assert_int_equal(len, 0);
	punktfunk_clip_free(data, len);

	for (uint8_t i = PF_CLIP_STALE; i <= PF_CLIP_DENIED; i++) {
		static const int want_err[] = { 0, PUNKTFUNK_EINVAL, PUNKTFUNK_ENOTSUP,
			PUNKTFUNK_EACCES };

		b.status = i;
		assert_int_equal(
			punktfunk_clip_fetch(c, 5, "image/png", 0, &data, &len), want_err[i]);
	}
	/* Not offered, and not any more: nobody is asked. */
	assert_int_equal(punktfunk_clip_fetch(c, 5, PLAIN, 0, &data, &len), PUNKTFUNK_EINVAL);
	assert_int_equal(punktfunk_clip_fetch(c, 4, "image/png", 0, &data, &len), PUNKTFUNK_EINVAL);
	assert_int_equal(b.asked, 5);
	/* An offer that a newer one overtook changes nothing. */
	offer(&b, 4, PLAIN);
	offer(&b, 6, PLAIN);
	assert_int_equal(next(c, PUNKTFUNK_EVENT_CLIP_OFFER).a, 6);
	end(&b, c);
}

static void a_fetch_that_takes_too_long_is_cancelled(void **state)
{
	PunktfunkConnection *c;
	struct board b;
	uint8_t *data;
	size_t len;

	c = begin(&b);
	b.status = 0xff;
	offer(&b, 1, PLAIN);
	(void)next(c, PUNKTFUNK_EVENT_CLIP_OFFER);
	assert_int_equal(punktfunk_clip_fetch(c, 1, PLAIN, 50, &data, &len), PUNKTFUNK_ETIMEDOUT);
	assert_true(wait_count(&b.h, &b.withdrawn, 1));
	/* And the next is as good as any. */
	b.status = 0;
	b.answer = 9;
	assert_int_equal(punktfunk_clip_fetch(c, 1, PLAIN, 0, &data, &len), 0);
	assert_int_equal(len, 9);
	punktfunk_clip_free(data, len);
	end(&b, c);
}

struct waiting {
	PunktfunkConnection *c;
	int result;
};

static void *fetch_in_vain(void *arg)
{
	struct waiting *w = arg;
	uint8_t *data;
	size_t len;

	w->result = punktfunk_clip_fetch(w->c, 1, PLAIN, 0, &data, &len);
	return NULL;
}

static void a_fetch_ends_with_its_connection(void **state)
{
	struct waiting w;
	struct board b;
	pthread_t thread;

	w.c = begin(&b);
	b.status = 0xff;
	offer(&b, 1, PLAIN);
	(void)next(w.c, PUNKTFUNK_EVENT_CLIP_OFFER);
	assert_int_equal(pthread_create(&thread, NULL, fetch_in_vain, &w), 0);
	assert_true(wait_count(&b.h, &b.asked, 1));
	pf_host_session_close(b.h.sessions[0], 0, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(w.result, PUNKTFUNK_EPIPE);
	end(&b, w.c);
}

static int64_t host_fetch(struct board *b, uint32_t seq, const char *mime)
{
	return pf_host_session_clip_fetch(b->h.sessions[0], seq, mime);
}

static void the_clients_clipboard_is_fetched(void **state)
{
	static const char text[] = "gr\xc3\xbc\xc3\x9f dich";
	PunktfunkClipOffer o = { .struct_size = sizeof(o), .count = 2 };
	PunktfunkConnection *c;
	PunktfunkEvent e;
	struct board b;

	c = begin(&b);
	snprintf(o.formats[0].mime, sizeof(o.formats[0].mime), PLAIN);
	snprintf(o.formats[1].mime, sizeof(o.formats[1].mime), "image/png");
	assert_int_equal(punktfunk_clip_offer(c, &o), 0);
	assert_true(wait_count(&b.h, &b.h.controls, 1));
	assert_int_equal(b.h.control.type, PF_CTL_CLIP_OFFER);
	assert_int_equal(b.h.control.clip_offer.seq, 1);
	assert_int_equal(b.h.control.clip_offer.count, 2);

	assert_true(host_fetch(&b, 1, PLAIN) > 0);
	e = next(c, PUNKTFUNK_EVENT_CLIP_REQUEST);
	assert_int_equal(e.b, 1);
	assert_string_equal(e.text, PLAIN);
	assert_int_equal(punktfunk_clip_serve(c, e.a, (const uint8_t *)text, strlen(text)), 0);
	assert_true(wait_count(&b.h, &b.fetched, 1));
	assert_int_equal(b.result, 0);
	assert_int_equal(b.len, strlen(text));
	assert_memory_equal(b.data, text, b.len);
	/* Twice is once too often. */
	assert_int_equal(punktfunk_clip_serve(c, e.a, NULL, 0), PUNKTFUNK_EINVAL);

	assert_true(host_fetch(&b, 1, "image/png") > 0);
	e = next(c, PUNKTFUNK_EVENT_CLIP_REQUEST);
	assert_int_equal(punktfunk_clip_serve(c, e.a, NULL, 0), 0);
	assert_true(wait_count(&b.h, &b.fetched, 2));
	assert_int_equal(b.result, PF_CLIP_UNAVAILABLE);
	/* What was not offered, or is not any more, the application hears nothing of. */
	assert_true(host_fetch(&b, 1, "text/html") > 0);
	assert_true(wait_count(&b.h, &b.fetched, 3));
	assert_int_equal(b.result, PF_CLIP_UNAVAILABLE);
	o.count = 0;
	assert_int_equal(punktfunk_clip_offer(c, &o), 0);
	assert_true(host_fetch(&b, 1, PLAIN) > 0);
	assert_true(wait_count(&b.h, &b.fetched, 4));
	assert_int_equal(b.result, PF_CLIP_STALE);

	o.count = 17;
	assert_int_equal(punktfunk_clip_offer(c, &o), PUNKTFUNK_EINVAL);
	o.count = 1;
	memset(o.formats[0].mime, 'x', 128);
	o.formats[0].mime[128] = 0;
	assert_int_equal(punktfunk_clip_offer(c, &o), PUNKTFUNK_EINVAL);
	end(&b, c);
}

static void a_host_without_clipboard_says_so(void **state)
{
	PunktfunkConnection *c;
	struct board b;
	uint8_t *data;
	size_t len;

	memset(&b, 0, sizeof(b));
	host_init(&b.h);
	host_start(&b.h);
	{
		PunktfunkConnectOptions o = { .struct_size = sizeof(o),
			.port = pf_listener_port(b.h.l),
			.host = "127.0.0.1",
			.width = 640,
			.height = 480,
			.refresh_hz = 60 };

		assert_int_equal(punktfunk_connect(&o, &c, NULL), 0);
	}
	assert_true(wait_count(&b.h, &b.h.started, 1));
	offer(&b, 1, PLAIN);
	(void)next(c, PUNKTFUNK_EVENT_CLIP_OFFER);
	assert_int_equal(punktfunk_clip_fetch(c, 1, PLAIN, 0, &data, &len), PUNKTFUNK_ENOTSUP);
	end(&b, c);
}

/* ---- a peer of its own mind ---- */

/* One end has the link under test, the other answers or asks with plain bytes. */
struct odd {
	struct pf_clip clip;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pf_quic *hq, *cq;
	struct pf_quic_conn *host, *client;
	unsigned asked, fetched, closed;
	int result;
	size_t len;
	uint64_t code;
	const uint8_t *answer; /* what the odd one says to a fetch */
	size_t answer_len;
	bool fin;
};

static void odd_bump(struct odd *o, unsigned *counter)
{
	pthread_mutex_lock(&o->lock);
	++*counter;
	pthread_cond_broadcast(&o->changed);
	pthread_mutex_unlock(&o->lock);
}

static void odd_wait(struct odd *o, const unsigned *counter, unsigned want)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&o->lock);
	while (*counter < want)
		assert_int_equal(pthread_cond_timedwait(&o->changed, &o->lock, &ts), 0);
	pthread_mutex_unlock(&o->lock);
}

static void odd_asked(void *user, uint32_t id, uint32_t seq, const char *mime)
{
	struct odd *o = user;

	(void)pf_clip_answer(&o->clip, id, PF_CLIP_OK, bulk(10), 10);
	odd_bump(o, &o->asked);
}

static void odd_withdrawn(void *user, uint32_t id) {}

static void odd_fetched(void *user, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct odd *o = user;

	o->result = result;
	o->len = len;
	free(data);
	odd_bump(o, &o->fetched);
}

static const struct pf_clip_events odd_clip = { odd_asked, odd_withdrawn, odd_fetched };

static void host_opened(void *user, struct pf_quic_conn *c)
{
	struct odd *o = user;

	pf_quic_conn_settle(c);
	o->host = pf_quic_conn_ref(c);
}

static void host_stream(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st)
{
	pf_clip_stream_opened(&((struct odd *)user)->clip, st);
}

static void host_data(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st,
	const uint8_t *data, size_t len, bool fin)
{
	pf_clip_stream_data(&((struct odd *)user)->clip, st, data, len, fin);
}

static void host_closed(
	void *user, struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code)
{
	pf_clip_stream_closed(&((struct odd *)user)->clip, st, code);
}

static void host_message(void *user, struct pf_quic_conn *c, const uint8_t *msg, size_t len)
{
	odd_bump(user, &((struct odd *)user)->asked);
}

static void client_opened(void *user, struct pf_quic_conn *c)
{
	struct odd *o = user;

	o->client = pf_quic_conn_ref(c);
	(void)pf_quic_conn_send(c, (const uint8_t *)"hi", 2);
}

static void client_stream(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st) {}

static void client_data(void *user, struct pf_quic_conn *c, struct pf_quic_stream *st,
	const uint8_t *data, size_t len, bool fin)
{
	struct odd *o = user;
	uint8_t *copy;

	if (!fin || !o->answer)
		return;
	copy = malloc(o->answer_len + 1);
	memcpy(copy, o->answer, o->answer_len);
	(void)pf_quic_stream_send(st, copy, o->answer_len, o->fin);
}

static void client_closed(
	void *user, struct pf_quic_conn *c, struct pf_quic_stream *st, uint64_t code)
{
	struct odd *o = user;

	o->code = code;
	odd_bump(o, &o->closed);
}

static void odd_open(struct odd *o)
{
	static const struct pf_quic_events he = { .opened = host_opened,
		.message = host_message,
		.stream_opened = host_stream,
		.stream_data = host_data,
		.stream_closed = host_closed };
	static const struct pf_quic_events ce = { .opened = client_opened,
		.stream_opened = client_stream,
		.stream_data = client_data,
		.stream_closed = client_closed };
	struct pf_quic_params hp = {
		.identity = host_id, .events = &he, .user = o, .bind_address = "127.0.0.1"
	};
	struct pf_quic_params cp = { .events = &ce, .user = o };
	struct sockaddr_in *to = (struct sockaddr_in *)&cp.remote;

	memset(o, 0, sizeof(*o));
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->changed, NULL);
	pf_clip_init(&o->clip, &odd_clip, o);
	o->clip.max_bytes = 200000;
	assert_int_equal(pf_quic_listen(&o->hq, &hp, NULL), 0);
	to->sin_family = AF_INET;
	to->sin_port = htons(pf_quic_port(o->hq));
	to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cp.remote_len = sizeof(*to);
	assert_int_equal(pf_quic_dial(&o->cq, &cp, NULL), 0);
	odd_wait(o, &o->asked, 1); /* its first message */
	o->asked = 0;
}

static void odd_close(struct odd *o)
{
	pf_quic_destroy(o->cq);
	pf_quic_destroy(o->hq);
	pf_quic_conn_unref(o->host);
	pf_quic_conn_unref(o->client);
	assert_int_equal(o->clip.coming, 0);
	assert_int_equal(o->clip.going, 0);
	pf_clip_finish(&o->clip);
	pthread_cond_destroy(&o->changed);
	pthread_mutex_destroy(&o->lock);
}

/* The result of a fetch that is answered with these bytes. */
static int answered(struct odd *o, const uint8_t *p, size_t len, bool fin)
{
	unsigned before = o->fetched;

	o->answer = p;
	o->answer_len = len;
	o->fin = fin;
	assert_true(pf_clip_fetch(&o->clip, o->host, 1, PLAIN) > 0);
	odd_wait(o, &o->fetched, before + 1);
	return o->result;
}

/* A head that says `total`, and room for what follows. */
static uint8_t *head(uint64_t total, size_t follow, size_t *len)
{
	struct pf_ctl m = { .type = PF_CTL_CLIP_FETCH_HDR };
	uint8_t *p = calloc(1, 64 + follow);
	int n;

	assert_non_null(p);
	m.clip_fetch_hdr.total = total;
	n = pf_ctl_build(&m, p + 2, 62);
	assert_true(n > 0);
	pf_frame_head_build(p, (uint16_t)n);
	*len = 2 + (size_t)n + follow;
	return p;
}

static void odd_answers_end_the_fetch(void **state)
{
	static const struct {
		uint64_t total;
		size_t follow;
		bool fin;
		int want;
	} rows[] = {
		{ 0, 1000, true, 0 },
		{ 1000, 1000, true, 0 },
		{ 1000, 999, true, -EPROTO },
		{ 1000, 1001, false, -EPROTO },
		{ 200001, 0, false, -EMSGSIZE },
		{ UINT64_MAX, 0, false, -EMSGSIZE },
		/* Says nothing and does not stop. */
		{ 0, 300000, false, -EMSGSIZE },
	};
	static const uint8_t huge[] = { 0xff, 0xff, 1, 2, 3 }, none[] = { 0, 0 },
			     other[] = { 5, 0, 'P', 'K', 'F', 'c', 3 };
	struct odd o;

	odd_open(&o);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len;
		uint8_t *p = head(rows[i].total, rows[i].follow, &len);

		assert_int_equal(answered(&o, p, len, rows[i].fin), rows[i].want);
		if (!rows[i].want)
			assert_int_equal(o.len, rows[i].follow);
		odd_wait(&o, &o.closed, i + 1);
		free(p);
	}
	assert_int_equal(answered(&o, huge, sizeof(huge), false), -EPROTO);
	assert_int_equal(answered(&o, none, sizeof(none), false), -EPROTO);
	assert_int_equal(answered(&o, other, sizeof(other), false), -EPROTO);
	assert_int_equal(answered(&o, none, 1, true), -EPROTO);
	/* Nothing at all: we give up. */
	o.answer = NULL;
	pf_clip_cancel(&o.clip, (uint32_t)pf_clip_fetch(&o.clip, o.host, 1, PLAIN));
	odd_wait(&o, &o.fetched, 12);
	assert_int_equal(o.result, -ECANCELED);
	odd_close(&o);
}

/* Opens a stream to the link with these words; the code it ends with. */
static uint64_t asked_with(struct odd *o, const void *words, size_t len, bool fin)
{
	struct pf_quic_stream *st;
	unsigned before = o->closed;
	uint8_t *copy = malloc(len + 1);

	memcpy(copy, words, len);
	assert_int_equal(pf_quic_stream_open(&st, o->client, 0), 0);
	assert_int_equal(pf_quic_stream_send(st, copy, len, fin), 0);
	odd_wait(o, &o->closed, before + 1);
	pf_quic_stream_unref(st);
	return o->code;
}

static void odd_questions_are_reset(void **state)
{
	/* A fetch of offer 1, "a/b", no file. */
	static const uint8_t good[] = { 'P', 'K', 'F', 's', 1, 17, 0, 'P', 'K', 'F', 'c', 0x43, 1,
		0, 0, 0, 0xff, 0xff, 0xff, 0xff, 3, 'a', '/', 'b' };
	uint8_t bad[sizeof(good)];
	struct odd o;

	odd_open(&o);
	assert_int_equal(asked_with(&o, good, sizeof(good), true), 0);
	odd_wait(&o, &o.asked, 1);
	assert_int_equal(asked_with(&o, "PKFs\x02", 5, false), 0x71);
	assert_int_equal(asked_with(&o, "GET / HTTP/1.1", 14, false), 0x71);
	assert_int_equal(asked_with(&o, good, sizeof(good) - 1, true), 0x70);
	assert_int_equal(asked_with(&o, "", 0, true), 0x70);
	memcpy(bad, good, sizeof(bad));
	bad[5] = bad[6] = 0xff; /* longer than any question */
	assert_int_equal(asked_with(&o, bad, sizeof(bad), false), 0x70);
	memcpy(bad, good, sizeof(bad));
	bad[11] = 0x44;
	assert_int_equal(asked_with(&o, bad, sizeof(bad), false), 0x70);
	assert_int_equal(o.asked, 1);
	odd_close(&o);
}

static void offers_are_cleaned(void **state)
{
	static const char *const mimes[] = { "a/b", "", "a b", "a/b", "c/d", "e\x01", "\xc3\xbc" };
	struct pf_clip_offer o;
	struct pf_ctl m = { .type = PF_CTL_CLIP_OFFER };

	m.clip_offer.seq = 9;
	m.clip_offer.count = 7;
	for (unsigned i = 0; i < 7; i++)
		m.clip_offer.formats[i].mime =
			(struct pf_ctl_bytes){ (const uint8_t *)mimes[i], strlen(mimes[i]) };
	pf_clip_offer_read(&o, &m);
	assert_int_equal(o.seq, 9);
	assert_int_equal(o.count, 2);
	assert_string_equal(o.formats[0].mime, "a/b");
	assert_string_equal(o.formats[1].mime, "c/d");
	assert_true(pf_clip_newer(0, UINT32_MAX));
	assert_false(pf_clip_newer(5, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_clipboard_is_fetched),
		cmocka_unit_test(a_fetch_that_takes_too_long_is_cancelled),
		cmocka_unit_test(a_fetch_ends_with_its_connection),
		cmocka_unit_test(the_clients_clipboard_is_fetched),
		cmocka_unit_test(a_host_without_clipboard_says_so),
		cmocka_unit_test(odd_answers_end_the_fetch),
		cmocka_unit_test(odd_questions_are_reset),
		cmocka_unit_test(offers_are_cleaned),
	};
	int failed;

	if (pf_identity_generate(&host_id, "host", NULL) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pf_identity_unref(host_id);
	return failed;
}
