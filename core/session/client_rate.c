/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* client_rate.c - rate control of a session with automatic bitrate, and the
 * capacity probe that it and the speed test use. State under the client's lock;
 * messages leave without it. */
#include <errno.h>
#include <string.h>
#include "core/base/clock.h"
#include "core/session/client_impl.h"
#include "core/session/limits.h"

/* A host leaves a second probe this soon unanswered (punktfunk1.md 6). */
/* What a host grants at most. */
#define SPEED_TEST_KBPS PF_RATE_PROBE_KBPS
#define SPEED_TEST_MS	PF_RATE_PROBE_MS

static uint32_t pixel_kbps(const struct pf_client *c)
{
	const PunktfunkConnectionInfo *i = &c->info;

	return pf_rate_pixel_kbps(
		i->width, i->height, i->refresh_hz, i->codec, i->bit_depth, i->chroma_format_idc);
}

/* ---- what a window saw ---- */

static void add(struct pf_client_mean *m, uint64_t ns)
{
	m->sum_ns += ns;
	m->count++;
}

static bool take(struct pf_client_mean *m, int64_t *out_ns)
{
	bool any = m->count > 0;

	if (any)
		*out_ns = (int64_t)(m->sum_ns / m->count);
	*m = (struct pf_client_mean){ 0 };
	return any;
}

void pf_client_rate_encoded(struct pf_client *c, uint32_t encode_us)
{
	pthread_mutex_lock(&c->lock);
	add(&c->rate.encode, encode_us * PF_NS_PER_US);
	pthread_mutex_unlock(&c->lock);
}

void pf_client_rate_asked_keyframe(struct pf_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->rate.keyframe_asks++;
	pthread_mutex_unlock(&c->lock);
}

void pf_client_rate_window(struct pf_client *c, const struct pf_receiver_window *in)
{
	struct pf_client_rate *r = &c->rate;
	struct pf_rate_window w = {
		.end_ns = in->end_ns,
		.span_ns = in->span_ns,
		.frame_bytes = in->frame_bytes,
		.loss_ppm = in->loss_ppm,
		.frames_lost = in->frames_lost,
		.flushes = in->frames_dropped,
		.has_delay = in->frames > 0,
		.delay_ns = in->delay_ns,
	};
	uint32_t kbps = 0;

	pthread_mutex_lock(&c->lock);
	w.has_decode = take(&r->decode, &w.decode_ns);
	w.has_encode = take(&r->encode, &w.encode_ns);
	w.keyframe_asks = r->keyframe_asks;
	r->keyframe_asks = 0;
	r->delivered_kbps = in->span_ns ? (uint32_t)(in->frame_bytes * 8000000 / in->span_ns) : 0;
	if (in->frames)
		r->complete_ns = in->complete_ns;
	if (r->skip)
		r->skip--;
	else if (r->active)
		kbps = pf_rate_control_window(&r->control, &w);
	pthread_mutex_unlock(&c->lock);
	if (kbps)
		pf_client_request_bitrate(c, kbps);
}

void pf_client_rate_gap(struct pf_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->rate.decode = c->rate.encode = (struct pf_client_mean){ 0 };
	c->rate.keyframe_asks = 0;
	pthread_mutex_unlock(&c->lock);
}

void pf_client_rate_changed(struct pf_client *c, uint32_t kbps)
{
	pthread_mutex_lock(&c->lock);
	if (c->rate.active)
		pf_rate_control_answer(&c->rate.control, kbps);
	pthread_mutex_unlock(&c->lock);
}

void pf_client_rate_mode(struct pf_client *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->rate.active)
		pf_rate_control_mode(&c->rate.control, pixel_kbps(c));
	pthread_mutex_unlock(&c->lock);
}

/* ---- the probe ---- */

/* Under the lock. */
static int begin_probe(struct pf_client *c, uint32_t kbps, uint64_t now_ns)
{
	struct pf_client_probe *p = &c->probe;

	if (p->state == PF_PROBE_RUNS ||
		(p->asked_ns && now_ns - p->asked_ns < PF_PROBE_INTERVAL_NS))
		return -EBUSY;
	p->state = PF_PROBE_RUNS;
	p->asked_ns = now_ns;
	p->asked_kbps = kbps;
	return 0;
}

static int send_probe(struct pf_client *c, uint32_t kbps, uint32_t duration_ms)
{
	struct pf_ctl m = { .type = PF_CTL_PROBE_REQUEST, .probe_request = { kbps, duration_ms } };

	pf_receiver_probe_begin(c->receiver);
	return pf_client_send_control(c, &m);
}

static uint32_t rate_of(const struct pf_received_probe *p, uint32_t duration_ms)
{
	uint64_t span = p->last_ns - p->first_ns, kbps;

	/* A burst that arrives faster than it was sent is no measure. */
	if (span < duration_ms * PF_NS_PER_MS)
		span = duration_ms * PF_NS_PER_MS;
	kbps = span ? p->bytes * 8000000 / span : 0;
	return kbps < UINT32_MAX ? (uint32_t)kbps : UINT32_MAX;
}

/* `m` NULL: the host did not answer. */
static void end_probe(struct pf_client *c, const struct pf_ctl *m)
{
	struct pf_received_probe got;
	PunktfunkSpeedTest *t = &c->probe.result;
	bool sent = m && m->probe_result.duration_ms;

	pf_receiver_probe_end(c->receiver, &got);
	pthread_mutex_lock(&c->lock);
	*t = (PunktfunkSpeedTest){ .struct_size = sizeof(*t) };
	c->probe.err = m ? (sent ? 0 : -ENOTSUP) : -ETIMEDOUT;
	if (sent) {
		t->kbps = rate_of(&got, m->probe_result.duration_ms);
		t->duration_ms = m->probe_result.duration_ms;
		t->bytes_sent = m->probe_result.bytes;
		t->bytes_received = got.bytes;
		t->packets_sent = m->probe_result.packets;
		if (m->probe_result.has_tail) {
			t->packets_sent = m->probe_result.wire_packets;
			t->packets_unsent = m->probe_result.send_dropped;
		}
		t->packets_received = (uint32_t)got.packets;
	}
	c->probe.state = PF_PROBE_OVER;
	/* Frames that the filler pushed aside are given up a little later. */
	c->rate.skip = 1;
	if (c->rate.active)
		pf_rate_control_capacity(&c->rate.control, t->kbps, c->probe.asked_kbps);
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void pf_client_probe_result(struct pf_client *c, const struct pf_ctl *m)
{
	bool runs;

	pthread_mutex_lock(&c->lock);
	runs = c->probe.state == PF_PROBE_RUNS;
	pthread_mutex_unlock(&c->lock);
	if (runs)
		end_probe(c, m);
}

void pf_client_rate_open(struct pf_client *c, uint64_t now_ns)
{
	pthread_mutex_lock(&c->lock);
	c->rate.active = !c->hello.bitrate_kbps && c->info.bitrate_kbps;
	if (c->rate.active) {
		pf_rate_control_init(&c->rate.control, c->info.bitrate_kbps, pixel_kbps(c));
		c->rate.probe_at_ns = now_ns + PF_RATE_PROBE_AT_NS;
	}
	pthread_mutex_unlock(&c->lock);
}

uint64_t pf_client_rate_poll(struct pf_client *c, uint64_t now_ns)
{
	struct pf_client_probe *p = &c->probe;
	uint64_t due = UINT64_MAX;
	bool begin = false, give_up = false;
	uint32_t kbps = 0;

	pthread_mutex_lock(&c->lock);
	if (c->rate.probe_at_ns && now_ns >= c->rate.probe_at_ns) {
		kbps = pf_rate_probe_kbps(c->rate.control.pixel_kbps);
		begin = !begin_probe(c, kbps, now_ns);
		/* Behind a speed test the host would not answer. */
		c->rate.probe_at_ns = begin ? 0 : now_ns + PF_PROBE_INTERVAL_NS;
	}
	if (begin)
		p->until_ns = now_ns + PF_RATE_PROBE_MS * PF_NS_PER_MS + PF_RATE_PROBE_PATIENCE_NS;
	give_up = p->state == PF_PROBE_RUNS && now_ns >= p->until_ns;
	if (c->rate.probe_at_ns)
		due = c->rate.probe_at_ns;
	if (p->state == PF_PROBE_RUNS && !give_up && p->until_ns < due)
		due = p->until_ns;
	pthread_mutex_unlock(&c->lock);
	if (begin)
		(void)send_probe(c, kbps, PF_RATE_PROBE_MS);
	if (give_up)
		end_probe(c, NULL);
	return due;
}

int pf_client_speed_test(
	struct pf_client *c, uint32_t kbps, uint32_t duration_ms, PunktfunkSpeedTest *out)
{
	uint64_t now = pf_clock_mono_ns(), end_ns;
	struct timespec ts;
	int err;

	kbps = !kbps ? SPEED_TEST_KBPS : kbps < PF_PROBE_KBPS_MAX ? kbps : PF_PROBE_KBPS_MAX;
	duration_ms = !duration_ms		      ? SPEED_TEST_MS
		      : duration_ms < PF_PROBE_MS_MAX ? duration_ms
						      : PF_PROBE_MS_MAX;
	end_ns = now + duration_ms * PF_NS_PER_MS + PF_RATE_PROBE_PATIENCE_NS;
	ts = (struct timespec){ .tv_sec = (time_t)(end_ns / PF_NS_PER_S),
		.tv_nsec = (long)(end_ns % PF_NS_PER_S) };
	pthread_mutex_lock(&c->lock);
	err = c->state == PF_CLIENT_OPEN ? begin_probe(c, kbps, now) : -EPIPE;
	/* The quic thread gives up only what nobody waits for. */
	if (!err)
		c->probe.until_ns = UINT64_MAX;
	pthread_mutex_unlock(&c->lock);
	if (!err)
		err = send_probe(c, kbps, duration_ms);
	else
		return err;
	pthread_mutex_lock(&c->lock);
	while (!err && c->probe.state == PF_PROBE_RUNS && c->state == PF_CLIENT_OPEN)
		if (pthread_cond_timedwait(&c->changed, &c->lock, &ts) == ETIMEDOUT)
			err = -ETIMEDOUT;
	if (!err && c->probe.state == PF_PROBE_RUNS)
		err = -EPIPE;
	pthread_mutex_unlock(&c->lock);
	if (err) {
		pf_client_probe_result(c, NULL);
		return err;
	}
	pthread_mutex_lock(&c->lock);
	err = c->probe.err;
	*out = c->probe.result;
	pthread_mutex_unlock(&c->lock);
	return err;
}

/* ---- the decoder's word ---- */

void pf_client_decoded(struct pf_client *c, const PunktfunkDecoded *d)
{
	if (d->decode_us) {
		pthread_mutex_lock(&c->lock);
		add(&c->rate.decode, d->decode_us * PF_NS_PER_US);
		pthread_mutex_unlock(&c->lock);
	}
	pf_receiver_decoded(c->receiver, d->frame_index, d->flags & PUNKTFUNK_DECODED_PICTURE,
		d->flags & PUNKTFUNK_DECODED_IDR);
}

/* Latency = our time + offset - capture time (punktfunk1.md 12). Under the lock. */
static uint32_t latency_us(const struct pf_client *c)
{
	/* Sums of two clocks and their difference: only the end is small. */
	int64_t ns = (int64_t)((uint64_t)c->rate.complete_ns + (uint64_t)c->unix_offset_ns +
			       (uint64_t)c->info.clock_offset_ns);

	if (!c->rate.complete_ns || ns <= 0)
		return 0;
	return ns / 1000 < UINT32_MAX ? (uint32_t)(ns / 1000) : UINT32_MAX;
}

void pf_client_rate_stats(struct pf_client *c, PunktfunkStats *out)
{
	pthread_mutex_lock(&c->lock);
	if (c->rate.active && !c->rate.control.disabled) {
		out->rate_target_kbps = c->rate.control.target_kbps;
		out->rate_ceiling_kbps = pf_rate_control_ceiling(&c->rate.control);
	}
	out->delivered_kbps = c->rate.delivered_kbps;
	out->latency_us = latency_us(c);
	pthread_mutex_unlock(&c->lock);
}
