/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/media/rate_control.h"
#include "core/wire/pf1_handshake.h"

#define MS 1000000ll

#define LOSS_BAD_PPM	 20000u
#define LOSS_SEVERE_PPM	 60000u
#define ASKS_BAD	 2u
#define ASKS_SEVERE	 4u
#define DELAY_BAD_NS	 (25 * MS)
#define DECODE_BAD_NS	 (15 * MS)
#define DECODE_SEVERE_NS (45 * MS)
#define ENCODE_BAD_NS	 (4 * MS)
#define ENCODE_SEVERE_NS (12 * MS)
#define NEVER_NS	 INT64_MAX
#define CLEAN_TO_CLIMB	 6u
/* Repaired loss that a lower rate does not lower is the link's own. */
#define OWN_LOSS_MAX_PPM (LOSS_SEVERE_PPM - LOSS_BAD_PPM)
#define TRIAL_WINDOWS	 2u
#define FLOOR_BAD_MAX	 3u /* pairs of windows */

enum verdict { CLEAN, BAD, SEVERE };

/* ---- baselines ---- */

static void learn(struct pf_rate_baseline *b, int64_t value)
{
	b->values[b->next] = value;
	b->next = (b->next + 1) % PF_RATE_BASELINE_WINDOWS;
	if (b->count < PF_RATE_BASELINE_WINDOWS)
		b->count++;
}

/* How `value` stands against the windows before, which it then joins. */
static enum verdict compare(
	struct pf_rate_baseline *b, int64_t value, int64_t bad_ns, int64_t severe_ns)
{
	enum verdict v = CLEAN;

	if (b->count >= PF_RATE_BASELINE_MIN) {
		int64_t least = b->values[0];

		for (unsigned i = 1; i < b->count; i++)
			if (b->values[i] < least)
				least = b->values[i];
		/* The peer's clock may say anything: no overflow. */
		if (value > least && (uint64_t)value - (uint64_t)least >= (uint64_t)severe_ns)
			v = SEVERE;
		else if (value > least && (uint64_t)value - (uint64_t)least >= (uint64_t)bad_ns)
			v = BAD;
	}
	learn(b, value);
	return v;
}

static enum verdict worse(enum verdict a, enum verdict b)
{
	return a > b ? a : b;
}

/* ---- caps ---- */

static void latch(struct pf_rate_cap *cap, uint32_t kbps)
{
	if (!cap->kbps)
		cap->patience = PF_RATE_PATIENCE_MIN;
	cap->kbps = kbps;
	cap->clean = 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Where `cap` ends the climb; once it has been respected for long enough, an
 * eighth above, which `tried` says. */
static uint32_t cap_limit(const struct pf_rate_cap *cap, bool *tried)
{
	*tried = cap->kbps && cap->clean >= cap->patience;
	if (!cap->kbps)
		return UINT32_MAX;
	return *tried ? cap->kbps + cap->kbps / 8 : cap->kbps;
}

static void cap_tried(struct pf_rate_cap *cap)
{
	cap->clean = 0;
	cap->patience = least(2 * cap->patience, PF_RATE_PATIENCE_MAX);
}

/* ---- life ---- */

void pf_rate_control_init(struct pf_rate_control *r, uint32_t start_kbps, uint32_t pixel_kbps)
{
	*r = (struct pf_rate_control){
		.target_kbps = start_kbps,
		.start_kbps = start_kbps,
		/* Who starts lower was told to by the operator. */
		.floor_kbps = least(PF_RATE_FLOOR_KBPS, start_kbps),
		.pixel_kbps = pixel_kbps,
		.doubling = true,
	};
}

uint32_t pf_rate_control_ceiling(const struct pf_rate_control *r)
{
	uint32_t kbps = least(r->link_kbps, r->pixel_kbps);

	if (!r->link_kbps)
		return r->start_kbps;
	return kbps > r->floor_kbps ? kbps : r->floor_kbps;
}

/* ---- a window ---- */

struct judgement {
	enum verdict verdict;
	bool decoder; /* nothing else is to blame */
	bool loss;    /* nothing but loss that parity repaired */
};

static struct judgement judge(
	struct pf_rate_control *r, const struct pf_rate_window *w, uint32_t delivered_kbps)
{
	enum verdict link = CLEAN, decoder = CLEAN;
	bool loss = w->loss_ppm >= LOSS_BAD_PPM + r->own_loss_ppm;

	if (w->frames_lost || w->flushes || w->loss_ppm >= LOSS_SEVERE_PPM ||
		w->keyframe_asks >= ASKS_SEVERE)
		link = SEVERE;
	else if (w->keyframe_asks >= ASKS_BAD)
		link = BAD;
	if (w->has_delay)
		link = worse(link, compare(&r->delay, w->delay_ns, DELAY_BAD_NS, NEVER_NS));
	/* A still picture says nothing of how long a moving one takes. */
	if (w->has_encode && delivered_kbps >= r->target_kbps / 4)
		link = worse(
			link, compare(&r->encode, w->encode_ns, ENCODE_BAD_NS, ENCODE_SEVERE_NS));
	if (w->has_decode)
		decoder = compare(&r->decode, w->decode_ns, DECODE_BAD_NS, DECODE_SEVERE_NS);
	loss = loss && link == CLEAN && decoder == CLEAN;
	if (loss)
		link = BAD;
	return (struct judgement){ worse(link, decoder), decoder > link, loss };
}

static uint32_t ask(struct pf_rate_control *r, uint32_t kbps, uint64_t now_ns)
{
	r->asked = r->pending = true;
	r->asked_ns = now_ns;
	r->asked_kbps = kbps;
	r->clean = r->bad = 0;
	return kbps;
}

/* ---- loss of the link's own ---- */

static void own_loss(struct pf_rate_control *r, uint32_t ppm)
{
	r->own_loss_ppm = least(ppm, OWN_LOSS_MAX_PPM);
	r->floor_bad = 0;
}

/* The window is the last of a trial that shows that a lower rate lost as much. */
static bool trial_shows(struct pf_rate_control *r, uint32_t loss_ppm)
{
	struct pf_rate_trial *t = &r->trial;

	t->sum_ppm += loss_ppm;
	if (++t->windows < TRIAL_WINDOWS)
		return false;
	return t->sum_ppm / TRIAL_WINDOWS >= t->loss_ppm - t->loss_ppm / 4;
}

static void begin_trial(struct pf_rate_control *r, uint32_t loss_ppm)
{
	r->trial = (struct pf_rate_trial){
		.kbps = r->target_kbps,
		.proven_kbps = r->proven_kbps,
		.doubling = r->doubled,
		.loss_ppm = loss_ppm,
	};
}

static uint32_t end_trial(struct pf_rate_control *r, uint64_t now_ns)
{
	struct pf_rate_trial t = r->trial;

	own_loss(r, t.sum_ppm / TRIAL_WINDOWS);
	r->trial = (struct pf_rate_trial){ 0 };
	r->proven_kbps = t.proven_kbps;
	r->doubling = t.doubling;
	return ask(r, least(t.kbps, pf_rate_control_ceiling(r)), now_ns);
}

/* ---- moves ---- */

static uint32_t back_off(
	struct pf_rate_control *r, const struct judgement *j, const struct pf_rate_window *w)
{
	uint32_t now = r->target_kbps, next = (uint32_t)((uint64_t)now * 7 / 10);

	if (j->decoder) {
		uint32_t before = r->decoder_kbps;
		uint32_t apart = before > now ? before - now : now - before;

		if (before && apart <= before / 8)
			latch(&r->decoder, least(before, now) / 16 * 15);
		r->decoder_kbps = now;
	}
	if (next < r->floor_kbps)
		next = r->floor_kbps;
	if (j->loss && next < now)
		begin_trial(r, w->loss_ppm);
	/* What was carried before is proven no more. */
	r->proven_kbps = least(r->proven_kbps, next);
	if (next >= now) {
		r->bad = 0;
		/* Nothing lower can be tried, so a little more is. */
		if (j->loss && ++r->floor_bad >= FLOOR_BAD_MAX)
			own_loss(r, w->loss_ppm);
		return 0;
	}
	return ask(r, next, w->end_ns);
}

static uint32_t climb(struct pf_rate_control *r, uint64_t now_ns)
{
	uint32_t now = r->target_kbps, limit = pf_rate_control_ceiling(r);
	bool try_host, try_decoder;
	uint32_t host = cap_limit(&r->host, &try_host);
	uint32_t decoder = cap_limit(&r->decoder, &try_decoder);
	uint64_t next = r->doubling ? 2ull * now : now + (uint64_t)now * 6 / 100;
	uint64_t proven = r->proven_kbps + r->proven_kbps / 2ull;

	if (r->clean < (r->doubling ? 1 : CLEAN_TO_CLIMB))
		return 0;
	if (proven < limit)
		limit = (uint32_t)proven;
	/* At a cap it is the cap's eighth that is tried, in one go. */
	if ((try_host && now >= r->host.kbps) || (try_decoder && now >= r->decoder.kbps))
		next = now + now / 8;
	limit = least(limit, least(host, decoder));
	if (next > limit)
		next = limit;
	if (next <= now)
		return 0;
	if (try_host && next > r->host.kbps)
		cap_tried(&r->host);
	if (try_decoder && next > r->decoder.kbps) {
		cap_tried(&r->decoder);
		r->decoder.kbps = decoder;
	}
	return ask(r, (uint32_t)next, now_ns);
}

static void count_clean(struct pf_rate_control *r, uint32_t delivered_kbps)
{
	r->bad = 0;
	if (delivered_kbps > r->proven_kbps)
		r->proven_kbps = delivered_kbps;
	if (delivered_kbps < r->target_kbps - r->target_kbps / 4)
		return;
	r->clean++;
	r->host.clean++;
	r->decoder.clean++;
}

uint32_t pf_rate_control_window(struct pf_rate_control *r, const struct pf_rate_window *w)
{
	uint64_t rate = w->span_ns ? w->frame_bytes * 8 * 1000000 / w->span_ns : 0;
	uint32_t delivered_kbps = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
	struct judgement j = judge(r, w, delivered_kbps);

	/* It can get less with time, but not creep up with the rate. */
	if (w->loss_ppm < r->own_loss_ppm)
		r->own_loss_ppm -= (r->own_loss_ppm - w->loss_ppm + 7) / 8;
	if (!j.loss)
		r->floor_bad = 0;
	if (j.verdict == CLEAN) {
		count_clean(r, delivered_kbps);
	} else {
		if (!r->bad)
			r->doubled = r->doubling;
		r->doubling = false;
		r->clean = 0;
		r->bad++;
		if (!j.loss)
			r->trial = (struct pf_rate_trial){ 0 };
	}
	if (r->disabled || (r->asked && w->end_ns - r->asked_ns < PF_RATE_SPACING_NS))
		return 0;
	if (r->pending) {
		r->pending = false;
		if (++r->unanswered >= PF_RATE_UNANSWERED_MAX) {
			r->disabled = true;
			return 0;
		}
	}
	if (r->trial.kbps) {
		if (trial_shows(r, w->loss_ppm))
			return end_trial(r, w->end_ns);
		if (r->trial.windows < TRIAL_WINDOWS)
			return 0;
		r->trial = (struct pf_rate_trial){ 0 };
	}
	if (j.verdict == SEVERE || r->bad >= 2)
		return back_off(r, &j, w);
	if (r->target_kbps > pf_rate_control_ceiling(r))
		return ask(r, pf_rate_control_ceiling(r), w->end_ns);
	return climb(r, w->end_ns);
}

/* ---- news ---- */

/* An answer below what a climb asked for: the second equal one is a limit. */
static void note_short(struct pf_rate_control *r, uint32_t kbps)
{
	r->shorts = r->short_kbps == kbps ? r->shorts + 1 : 1;
	r->short_kbps = kbps;
	if (r->host.kbps || r->shorts >= 2)
		latch(&r->host, kbps);
}

void pf_rate_control_answer(struct pf_rate_control *r, uint32_t kbps)
{
	bool climbed = r->pending && r->asked_kbps > r->target_kbps;

	if (!kbps)
		return;
	if (climbed && kbps < r->asked_kbps) {
		note_short(r, kbps);
	} else if (climbed) {
		r->shorts = 0;
		if (kbps > r->host.kbps)
			r->host = (struct pf_rate_cap){ 0 };
	}
	r->target_kbps = kbps;
	r->pending = false;
	r->unanswered = 0;
}

void pf_rate_control_capacity(struct pf_rate_control *r, uint32_t kbps, uint32_t asked_kbps)
{
	uint32_t link_kbps = (uint32_t)((uint64_t)kbps * 7 / 10);
	bool all_came = kbps >= asked_kbps - asked_kbps / 10;

	if (!kbps)
		return;
	if (all_came && asked_kbps < pf_rate_probe_kbps(r->pixel_kbps)) {
		if (r->link_kbps && link_kbps > r->link_kbps)
			r->link_kbps = link_kbps;
		return;
	}
	r->link_kbps = link_kbps;
}

void pf_rate_control_mode(struct pf_rate_control *r, uint32_t pixel_kbps)
{
	r->pixel_kbps = pixel_kbps;
	r->decode.count = r->decode.next = 0;
	r->encode.count = r->encode.next = 0;
	r->delay.count = r->delay.next = 0;
	r->clean = r->bad = 0;
	r->trial = (struct pf_rate_trial){ 0 };
	r->decoder = (struct pf_rate_cap){ 0 };
	r->decoder_kbps = 0;
}

uint32_t pf_rate_pixel_kbps(uint32_t width, uint32_t height, uint32_t refresh_hz, uint8_t codec,
	uint8_t bit_depth, uint8_t chroma_format_idc)
{
	double bits = codec == PF_CODEC_H264 ? 1.0 : 0.75;
	double kbps;

	if (bit_depth > 8)
		bits *= 1.25;
	if (chroma_format_idc == 3)
		bits *= 1.5;
	kbps = bits * width * height * refresh_hz / 1000;
	return kbps < UINT32_MAX ? (uint32_t)kbps : UINT32_MAX;
}

uint32_t pf_rate_probe_kbps(uint32_t pixel_kbps)
{
	/* An eighth over, for what is lost at both ends of the measurement. */
	uint64_t kbps = (uint64_t)pixel_kbps * 10 / 7;

	kbps += kbps / 8;
	return kbps < PF_RATE_PROBE_KBPS ? (uint32_t)kbps : PF_RATE_PROBE_KBPS;
}
