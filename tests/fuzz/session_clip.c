/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a peer says on a clipboard's stream, in pieces, as question and as answer; and
 * its offers. The first byte says which, the second how large the pieces are. */
#include <stdlib.h>
#include <string.h>
#include "core/session/clip.c"
#include "tests/fuzz/fuzz.h"

struct seen {
	unsigned asked, fetched;
};

/* The streams' side is not of concern here: what would be sent goes nowhere. */
void pf_quic_stream_reset(struct pf_quic_stream *st, uint32_t code) {}
void pf_quic_stream_unref(struct pf_quic_stream *st) {}
void pf_quic_stream_set_deadline(struct pf_quic_stream *st, uint64_t deadline_ns) {}

struct pf_quic_stream *pf_quic_stream_ref(struct pf_quic_stream *st)
{
	return st;
}

int pf_quic_stream_send(struct pf_quic_stream *st, uint8_t *data, size_t len, bool fin)
{
	free(data);
	return 0;
}

int pf_quic_stream_open(struct pf_quic_stream **out, struct pf_quic_conn *c, uint64_t deadline_ns)
{
	*out = (struct pf_quic_stream *)c;
	return 0;
}

static void on_asked(void *user, uint32_t id, uint32_t seq, const char *mime)
{
	struct seen *s = user;

	if (strlen(mime) > PF_CLIP_MIME_MAX)
		abort();
	s->asked++;
}

static void on_withdrawn(void *user, uint32_t id) {}

static void on_fetched(void *user, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct seen *s = user;

	if ((result && (data || len)) || len > 4096)
		abort();
	free(data);
	s->fetched++;
}

static void offers(const uint8_t *data, size_t len)
{
	struct pf_clip_offer o, again;
	struct pf_ctl m;

	if (pf_ctl_parse(&m, data, len) || m.type != PF_CTL_CLIP_OFFER)
		return;
	pf_clip_offer_read(&o, &m);
	pf_clip_offer_message(&m, &o);
	pf_clip_offer_read(&again, &m);
	if (o.count > PF_CLIP_FORMATS_MAX || memcmp(&o, &again, sizeof(o)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct pf_clip_events events = { on_asked, on_withdrawn, on_fetched };
	struct pf_quic_stream *st = (struct pf_quic_stream *)&events;
	struct seen seen = { 0 };
	struct pf_clip clip;
	unsigned fetches = 0;
	bool ours;
	size_t step;

	if (len < 2)
		return 0;
	offers(data, len);
	ours = data[0] & 1;
	step = 1u + data[1];
	data += 2;
	len -= 2;
	pf_clip_init(&clip, &events, &seen);
	clip.max_bytes = 4096;
	if (ours)
		fetches = pf_clip_fetch(&clip, (struct pf_quic_conn *)st, 1, "text/plain") > 0;
	else
		pf_clip_stream_opened(&clip, st);
	for (size_t n; len; data += n, len -= n) {
		n = len < step ? len : step;
		pf_clip_stream_data(&clip, st, data, n, n == len && step & 1);
	}
	pf_clip_stream_closed(&clip, st, 0);
	if (ours ? seen.fetched != fetches : seen.asked > 1)
		abort();
	if (clip.coming || clip.going)
		abort();
	pf_clip_finish(&clip);
	return 0;
}
