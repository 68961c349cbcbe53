/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/net/os_linux.h"
#include "core/net/sender.h"
#include "core/net/udp.h"
#include "core/session/limits.h"
#include "tools/impair/latency.h"
#include "tools/linerate/linerate.h"
#include "tools/linerate/link.h"

#define PEER_WAIT_MS 20000
/* How long frames may wait before it counts as not being sent at all. */
#define DRAIN_NS (5 * PF_NS_PER_S)
/* Percent of a full block, as Welcome has it for an adaptive stream. */
#define WELCOME_PERCENT 10

/* Once a second. */
struct sample {
	uint64_t rss_kb;
	unsigned queued_max;
	uint32_t loss_ppm, fec_percent;
};

struct run {
	const struct pf_linerate_options *o;
	struct pf_content content;
	struct pf_sender *sender;
	int link;
	uint32_t frames;
	uint64_t frame_bytes, late_max_ns;
	unsigned keyframes, reports, keyframe_requests, rfi_requests;
	bool want_keyframe, want_anchor;
	unsigned queued_max;
	struct sample *samples;
	unsigned samples_len, samples_cap;
	/* The sender's thread writes these; read when it has ended. */
	struct pf_latency queue, pace;
};

static void on_sent(void *user, const struct pf_sent_frame *f)
{
	struct run *r = user;

	pf_latency_add(&r->queue, f->start_ns - f->submit_ns);
	pf_latency_add(&r->pace, f->sent_ns - f->submit_ns);
}

static void take_messages(struct run *r)
{
	struct pf_link_message m;

	while (!pf_link_receive(r->link, &m, 0)) {
		switch (m.kind) {
		case PF_LINK_LOSS:
			r->reports++;
			pf_sender_loss_report(r->sender, m.loss_ppm);
			break;
		case PF_LINK_KEYFRAME:
			r->keyframe_requests++;
			pf_sender_frame_lost(r->sender);
			r->want_keyframe = true;
			break;
		case PF_LINK_RFI:
			r->rfi_requests++;
			pf_sender_frame_lost(r->sender);
			r->want_anchor = true;
			break;
		default:
			break;
		}
	}
}

static void sample(struct run *r)
{
	struct pf_sender_stats s;

	if (r->samples_len == r->samples_cap)
		return;
	pf_sender_stats(r->sender, &s);
	r->samples[r->samples_len++] = (struct sample){
		.rss_kb = pf_linerate_rss_kb(),
		.queued_max = r->queued_max,
		.loss_ppm = s.loss_ppm,
		.fec_percent = s.fec_percent,
	};
	r->queued_max = 0;
}

static void submit(struct run *r, uint32_t index)
{
	bool keyframe = pf_content_due_keyframe(&r->content, index) || r->want_keyframe;
	struct pf_sender_frame f = { .user_flags = PF_USER_VIDEO };
	unsigned queued;

	if (keyframe)
		f.user_flags |= PF_USER_IDR;
	else if (r->want_anchor)
		f.user_flags |= PF_USER_RECOVERY_ANCHOR;
	f.data = pf_content_frame(&r->content, index, keyframe, &f.len);
	f.pts_unix_ns = pf_clock_unix_ns();
	r->frame_bytes += f.len;
	if (!pf_sender_submit(r->sender, &f)) {
		r->keyframes += keyframe;
		r->want_keyframe = r->want_keyframe && !keyframe;
		r->want_anchor = false;
	}
	queued = pf_sender_queued(r->sender);
	if (queued > r->queued_max)
		r->queued_max = queued;
}

static void stream(struct run *r)
{
	uint64_t start = pf_clock_mono_ns();

	for (uint32_t i = 0; i < r->frames; i++) {
		uint64_t due = start + (uint64_t)i * PF_NS_PER_S / r->o->fps, now;

		pf_sleep_until_ns(due);
		now = pf_clock_mono_ns();
		if (now - due > r->late_max_ns)
			r->late_max_ns = now - due;
		take_messages(r);
		submit(r, i);
		if ((i + 1) % r->o->fps == 0)
			sample(r);
	}
	for (uint64_t end = pf_clock_mono_ns() + DRAIN_NS;
		pf_sender_queued(r->sender) && pf_clock_mono_ns() < end;)
		(void)usleep(1000);
}

static void write_quantiles(FILE *out, const char *name, const struct pf_latency *l)
{
	fprintf(out, " \"%s\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f},\n", name,
		(double)pf_latency_quantile(l, 0.5) / 1e3,
		(double)pf_latency_quantile(l, 0.99) / 1e3, (double)l->max_ns / 1e3);
}

static void report(struct run *r, const struct pf_sender_stats *s, uint64_t cpu_ns, FILE *out)
{
	fprintf(out,
		"{\"frames\": %" PRIu32 ", \"frame_bytes\": %" PRIu64
		", \"keyframes\": %u, \"refused\": %" PRIu64 ", \"sent\": %" PRIu64 ",\n",
		r->frames, r->frame_bytes, r->keyframes, s->dropped, s->sent);
	fprintf(out,
		" \"packets\": %" PRIu64 ", \"packets_parity\": %" PRIu64 ", \"bytes\": %" PRIu64
		", \"send_errors\": %" PRIu64 ",\n",
		s->packets, s->packets_parity, s->bytes, s->send_errors);
	fprintf(out, " \"loss_reports\": %u, \"keyframe_requests\": %u, \"rfi_requests\": %u,\n",
		r->reports, r->keyframe_requests, r->rfi_requests);
	write_quantiles(out, "queue_us", &r->queue);
	write_quantiles(out, "sent_us", &r->pace);
	fprintf(out,
		" \"submit_late_max_us\": %.1f, \"cpu_ns_per_packet\": %.1f, "
		"\"spin_ns_per_packet\": %.1f, \"calls\": %" PRIu64 ", \"gso\": %s,\n",
		(double)r->late_max_ns / 1e3,
		s->packets ? (double)cpu_ns / (double)s->packets : 0.0,
		s->packets ? (double)s->spin_ns / (double)s->packets : 0.0, s->calls,
		s->gso ? "true" : "false");
	fputs(" \"samples\": [", out);
	for (unsigned i = 0; i < r->samples_len; i++) {
		const struct sample *p = &r->samples[i];

		fprintf(out,
			"%s\n  {\"rss_kb\": %" PRIu64
			", \"queued_max\": %u, \"loss_ppm\": %u, \"fec_percent\": %u}",
			i ? "," : "", p->rss_kb, p->queued_max, p->loss_ppm, p->fec_percent);
	}
	fputs("]}\n", out);
}

static int make_rules(
	const struct pf_linerate_options *o, struct pf_content_rules *rules, struct pf_reason *why)
{
	*rules = (struct pf_content_rules){
		.seed = o->seed,
		.fps = o->fps,
		.keyframe_bytes = o->keyframe_bytes,
		.keyframe_every = (uint32_t)lround(o->keyframe_seconds * o->fps),
		.fixed = o->fixed,
	};
	if (pf_content_mean(rules, o->bps) || !rules->mean_bytes)
		return pf_reason_set(why, -EINVAL,
			"keyframes alone are more than the rate: fewer or smaller ones, see "
			"--keyframe");
	return 0;
}

static int start_sender(struct run *r, const struct pf_link_message *begin, struct pf_reason *why)
{
	static const struct pf_sender_events events = { .sent = on_sent };
	struct pf_sender_params p = {
		.peer = r->o->address,
		.direction = PF_FROM_HOST,
		.shard_bytes = begin->shard_bytes,
		.max_data_per_block = 4096,
		.fec_percent = r->o->fec_percent,
		.welcome_percent =
			r->o->fec_percent == PF_FEC_ADAPTIVE ? WELCOME_PERCENT : r->o->fec_percent,
		.max_frame_bytes = begin->max_frame_bytes,
		.bitrate_kbps = (uint32_t)(r->o->bps / 1000),
		.delivery = r->o->delivery,
		.events = &events,
		.user = r,
	};
	int err = pf_udp_open(NULL, 0, &p.fd);

	if (err)
		return pf_reason_set(why, err, "cannot open a socket: %s", strerror(-err));
	pf_linerate_buffers(p.fd, r->o->buffer_bytes);
	err = pf_udp_connect(p.fd, &p.peer);
	if (err)
		pf_reason_set(why, err, "no way to that address: %s", strerror(-err));
	pf_linerate_keys(&p.keys);
	err = err ? err : pf_sender_create(&r->sender, &p, why);
	if (err)
		close(p.fd);
	return err;
}

static int meet(struct run *r, struct pf_link_message *begin, struct pf_reason *why)
{
	struct pf_link_message m;
	int err;

	r->link = pf_link_connect(r->o->control, PEER_WAIT_MS);
	if (r->link < 0)
		return pf_reason_set(
			why, r->link, "no receiver at %s: %s", r->o->control, strerror(-r->link));
	err = pf_link_send(r->link, begin);
	err = err ? err : pf_link_receive(r->link, &m, PEER_WAIT_MS);
	if (err || m.kind != PF_LINK_READY)
		return pf_reason_set(why, err ? err : -EPROTO, "the receiver did not start");
	return 0;
}

int pf_linerate_send(const struct pf_linerate_options *o, FILE *out, struct pf_reason *why)
{
	struct pf_link_message begin = { .kind = PF_LINK_BEGIN, .shard_bytes = o->shard_bytes };
	struct run *r = calloc(1, sizeof(*r));
	struct pf_sender_stats s;
	uint64_t cpu;
	int err;

	if (!r)
		return pf_reason_set(why, -ENOMEM, "out of memory");
	r->o = o;
	r->link = -1;
	r->frames = (uint32_t)ceil(o->seconds * o->fps);
	r->samples_cap = r->frames / o->fps + 1;
	r->samples = calloc(r->samples_cap, sizeof(*r->samples));
	err = r->samples ? make_rules(o, &begin.rules, why)
			 : pf_reason_set(why, -ENOMEM, "out of memory");
	if (err)
		goto done;
	begin.unix_offset_ns = pf_clock_unix_offset_ns();
	begin.max_frame_bytes = pf_max_frame_bytes((uint32_t)(o->bps / 1000), o->fps);
	if (pf_content_max_bytes(&begin.rules) > begin.max_frame_bytes) {
		err = pf_reason_set(why, -EINVAL,
			"frames of up to %zu bytes: such a stream may have %u",
			pf_content_max_bytes(&begin.rules), begin.max_frame_bytes);
		goto done;
	}
	err = pf_content_init(&r->content, &begin.rules);
	if (err) {
		pf_reason_set(why, err, "out of memory");
		goto done;
	}
	err = meet(r, &begin, why);
	err = err ? err : start_sender(r, &begin, why);
	if (err)
		goto done;
	cpu = pf_linerate_cpu_ns();
	stream(r);
	pf_sender_stats(r->sender, &s);
	cpu = pf_linerate_cpu_ns() - cpu;
	pf_sender_destroy(r->sender);
	(void)pf_link_send(r->link, &(struct pf_link_message){ .kind = PF_LINK_END,
					    .frames = r->frames,
					    .packets = s.packets + s.send_errors });
	report(r, &s, cpu, out);
done:
	pf_content_finish(&r->content);
	if (r->link >= 0)
		close(r->link);
	free(r->samples);
	free(r);
	return err;
}
