/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/net/receiver.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/media/cadence.h"
#include "core/media/jitter.h"
#include "core/media/packetizer.h"
#include "core/media/recovery.h"
#include "core/net/intake.h"
#include "core/net/os_linux.h"
#include "core/net/udp.h"
#include "core/wire/pf1_media.h"

#define RING_FRAMES    8u
#define RING_FACTOR    4u /* x max_frame_bytes: no more in the ring */
#define REPORT_NS      (750 * PF_NS_PER_MS)
#define PUNCH_QUICK_NS (200 * PF_NS_PER_MS)
#define PUNCH_SLOW_NS  (2 * PF_NS_PER_S)
#define PUNCHES_QUICK  15u
/* A delay further than this from the first frame's is a lie or a new clock. */
#define DELAY_MAX_NS (60 * (int64_t)PF_NS_PER_S)
/* All the frames there can be outside the reassembler between two batches. */
#define RETURNED_FRAMES (RING_FRAMES + 2)

struct ready {
	struct pf_assembled *f;
	uint64_t due_ns; /* not handed out before */
	bool hold;
};

struct pf_receiver {
	struct pf_receiver_params params;
	int wake_fd;  /* for the thread */
	int ready_fd; /* for the taker: set while the ring holds a frame */
	pthread_t thread;

	/* The thread's own. */
	struct pf_intake in;
	struct pf_cadence cadence;
	uint64_t report_at_ns, punch_at_ns;
	unsigned punches;
	uint64_t wakeups;

	/* Held for a few moves of pointers at a time, by the thread and by the one
	 * who pulls frames. */
	pthread_mutex_t lock;
	bool stop;
	bool discard;
	bool probing;
	struct pf_received_probe probe;
	uint64_t probe_packets, probe_bytes; /* of the reassembler, counted already */
	struct pf_receiver_window window;
	int64_t complete_sum_ns;
	int64_t delay_sum_ns;	/* of the window, less the base */
	uint64_t delay_base_ns; /* of the session's first frame */
	bool delay_based;
	uint64_t lost_before, dropped_before; /* counts when the window began */
	struct ready ring[RING_FRAMES];
	unsigned ring_first, ring_len;
	bool ring_ready; /* ready_fd is set: the oldest is due */
	struct pf_jitter jitter;
	uint64_t ring_bytes;
	struct pf_assembled *held; /* the taker's */
	struct pf_assembled *returned[RETURNED_FRAMES];
	unsigned returned_len;
	struct pf_recovery recovery;
	struct pf_ask ask; /* not yet handed to the events */
	struct pf_receiver_stats stats;
};

/* --- frames to the ring --- */

static void note_ask(struct pf_receiver *r, struct pf_ask ask)
{
	/* A keyframe answers every wish; a newer range replaces an older one, which
	 * the throttle makes rare. */
	if (ask.kind == PF_ASK_NONE || r->ask.kind == PF_ASK_KEYFRAME)
		return;
	r->ask = ask;
}

static struct ready *ring_at(struct pf_receiver *r, unsigned i)
{
	return &r->ring[(r->ring_first + i) % RING_FRAMES];
}

/* Says whether there is a frame to take. */
static void ring_show(struct pf_receiver *r, uint64_t now_ns)
{
	bool ready = r->ring_len && ring_at(r, 0)->due_ns <= now_ns;

	if (ready == r->ring_ready)
		return;
	r->ring_ready = ready;
	if (ready)
		pf_wake_set(r->ready_fd);
	else
		pf_wake_clear(r->ready_fd);
}

static void ring_add(struct pf_receiver *r, struct pf_assembled *f, bool hold, uint64_t now_ns)
{
	uint64_t due = now_ns;

	if (r->params.even_out_hz)
		due = pf_jitter_arrived(&r->jitter, f->pts_ns, now_ns);
	*ring_at(r, r->ring_len++) = (struct ready){ .f = f, .due_ns = due, .hold = hold };
	r->ring_bytes += f->len;
}

static struct ready ring_remove(struct pf_receiver *r)
{
	struct ready oldest = *ring_at(r, 0);

	r->ring_first = (r->ring_first + 1) % RING_FRAMES;
	r->ring_bytes -= oldest.f->len;
	r->ring_len--;
	return oldest;
}

static bool ring_full(const struct pf_receiver *r, uint32_t len)
{
	uint64_t limit = (uint64_t)r->params.max_frame_bytes * RING_FACTOR;

	return r->ring_len == RING_FRAMES || (r->ring_len && r->ring_bytes + len > limit);
}

static bool begins_anew(const struct pf_assembled *f)
{
	return f->user_flags & (PF_USER_IDR | PF_USER_RECOVERY_ANCHOR);
}

/* The taker is too slow for `incoming`: its oldest frame goes, and what builds on
 * it must not be shown. */
static void drop_oldest(struct pf_receiver *r, const struct pf_assembled *incoming, uint64_t now_ns)
{
	struct pf_assembled *f = ring_remove(r).f;
	uint32_t index = f->frame_index;

	r->stats.frames_dropped++;
	pf_reassembler_release(r->in.reassembler, f);
	for (unsigned i = 0; i < r->ring_len;) {
		if (begins_anew(ring_at(r, i)->f))
			return; /* the chain begins anew behind the gap */
		if (r->params.skip_held) {
			r->stats.frames_withheld++;
			pf_reassembler_release(r->in.reassembler, ring_remove(r).f);
		} else {
			ring_at(r, i++)->hold = true;
		}
	}
	if (!begins_anew(incoming))
		note_ask(r, pf_recovery_dropped(&r->recovery, index, now_ns));
}

/* With each frame, and at the end of a wake-up. Lock held. */
static void publish_stats(struct pf_receiver *r)
{
	const struct pf_reassembler_stats *a = pf_reassembler_stats(r->in.reassembler);
	struct pf_receiver_stats *s = &r->stats;
	struct pf_arrival_path path;
	struct pf_udp_rx_stats rx;

	pf_arrival_path(&r->in.arrival, &path);
	pf_udp_rx_stats(r->in.rx, &rx);
	s->frames = a->frames;
	s->frames_lost = a->frames_lost;
	s->frames_repaired = a->frames_repaired;
	s->packets = a->packets;
	s->packets_parity = a->packets_parity;
	s->bytes = r->in.bytes;
	s->shards_recovered = a->shards_recovered;
	s->shards_late = a->shards_late;
	s->packets_duplicate = a->duplicates + r->in.replayed;
	s->packets_forged = r->in.forged;
	s->packets_invalid = a->invalid + r->in.bad_length;
	s->in_flight_bytes = a->memory_bytes;
	s->wakeups = r->wakeups;
	s->receive_calls = rx.calls;
	s->receive_messages = rx.messages;
	s->packets_read = rx.packets;
	s->path_packets = path.packets;
	s->path_lost = path.lost;
	s->path_bursts = path.bursts;
	s->path_loss_ppm = path.loss_ppm;
	s->path_burst_x100 = path.burst_x100;
	s->stalls = r->cadence.stalls;
	s->gap_p99_ns = pf_cadence_p99_ns(&r->cadence);
}

/* From `pts_ns` to `at_ns` against the session's first frame. Two clocks: any
 * number, which wraps. */
static int64_t past_base(const struct pf_receiver *r, uint64_t at_ns, uint64_t pts_ns)
{
	int64_t off = (int64_t)(at_ns - pts_ns - r->delay_base_ns);

	if (off > DELAY_MAX_NS)
		return DELAY_MAX_NS;
	return off < -DELAY_MAX_NS ? -DELAY_MAX_NS : off;
}

static void count_frame(struct pf_receiver *r, const struct pf_assembled *f)
{
	if (!r->delay_based) {
		r->delay_based = true;
		r->delay_base_ns = f->first_ns - f->pts_ns;
	}
	r->delay_sum_ns += past_base(r, f->first_ns, f->pts_ns);
	r->complete_sum_ns += past_base(r, f->done_ns, f->pts_ns);
	r->window.frames++;
	r->window.frame_bytes += f->len;
}

/* Filler that came since the last look. */
static void count_probe(struct pf_receiver *r, uint64_t now_ns)
{
	const struct pf_reassembler_stats *a = pf_reassembler_stats(r->in.reassembler);
	uint64_t packets = a->probe_packets - r->probe_packets;
	uint64_t bytes = a->probe_bytes - r->probe_bytes;

	if (!packets)
		return;
	r->probe_packets = a->probe_packets;
	r->probe_bytes = a->probe_bytes;
	if (!r->probe.packets)
		r->probe.first_ns = now_ns;
	r->probe.last_ns = now_ns;
	r->probe.packets += packets;
	r->probe.bytes += bytes + packets * PF_SEAL_OVERHEAD;
}

/* A frame that must not be shown is of use only if it is part of the wave that
 * will end the freeze. */
static bool withhold(const struct pf_receiver *r)
{
	return r->params.skip_held && pf_recovery_holding(&r->recovery) && !r->recovery.points;
}

/* Moves complete frames to the ring, takes back used ones. Lock held. */
static void exchange(struct pf_receiver *r, bool idle, uint64_t now_ns)
{
	struct pf_assembled *f;
	bool publish = idle;
	uint32_t lost;

	while (r->returned_len)
		pf_reassembler_release(r->in.reassembler, r->returned[--r->returned_len]);
	while ((f = pf_reassembler_take(r->in.reassembler))) {
		publish = true;
		f->last_ns = f->done_ns;
		f->done_ns = now_ns;
		count_frame(r, f);
		pf_cadence_arrived(&r->cadence, f->frame_index, f->pts_ns, now_ns);
		note_ask(r,
			pf_recovery_delivered(&r->recovery, f->frame_index, f->user_flags, now_ns));
		while (!withhold(r) && ring_full(r, f->len))
			drop_oldest(r, f, now_ns);
		if (withhold(r)) {
			r->stats.frames_withheld++;
			pf_reassembler_release(r->in.reassembler, f);
			continue;
		}
		ring_add(r, f, pf_recovery_holding(&r->recovery), now_ns);
	}
	if (pf_reassembler_take_lost(r->in.reassembler, &lost))
		note_ask(r, pf_recovery_lost(&r->recovery, lost, now_ns));
	note_ask(r, pf_recovery_poll(&r->recovery, now_ns));
	count_probe(r, r->in.read_ns);
	if (publish)
		publish_stats(r);
	ring_show(r, now_ns);
}

/* --- the thread --- */

static void emit(struct pf_receiver *r, struct pf_ask ask)
{
	const struct pf_receiver_events *e = r->params.events;

	if (e && ask.kind == PF_ASK_KEYFRAME && e->request_keyframe)
		e->request_keyframe(r->params.user);
	if (e && ask.kind == PF_ASK_RFI && e->request_rfi)
		e->request_rfi(r->params.user, ask.first, ask.last);
}

/* Ends the window and begins the next. Lock held. */
static struct pf_receiver_window next_window(struct pf_receiver *r, uint32_t ppm, uint64_t now_ns)
{
	struct pf_receiver_window w = r->window;

	w.span_ns = now_ns - w.end_ns;
	w.end_ns = now_ns;
	w.loss_ppm = ppm;
	w.frames_lost = (uint32_t)(r->stats.frames_lost - r->lost_before);
	w.frames_dropped = (uint32_t)(r->stats.frames_dropped - r->dropped_before);
	if (w.frames) {
		w.delay_ns = r->delay_sum_ns / (int64_t)w.frames;
		w.complete_ns = (int64_t)(r->delay_base_ns +
					  (uint64_t)(r->complete_sum_ns / (int64_t)w.frames));
	}
	r->window = (struct pf_receiver_window){ .end_ns = now_ns };
	r->delay_sum_ns = r->complete_sum_ns = 0;
	r->lost_before = r->stats.frames_lost;
	r->dropped_before = r->stats.frames_dropped;
	return w;
}

static void report_loss(struct pf_receiver *r, bool discard, uint64_t now_ns)
{
	const struct pf_receiver_events *e = r->params.events;
	struct pf_receiver_window w;
	uint32_t ppm;

	if (!discard && now_ns < r->report_at_ns)
		return;
	ppm = pf_reassembler_loss_ppm(r->in.reassembler);
	r->report_at_ns = now_ns + REPORT_NS;
	pthread_mutex_lock(&r->lock);
	publish_stats(r);
	w = next_window(r, ppm, now_ns);
	discard = discard || r->probing;
	if (!discard)
		r->stats.loss_ppm = ppm;
	pthread_mutex_unlock(&r->lock);
	if (!discard && e && e->loss_report)
		e->loss_report(r->params.user, ppm);
	if (!discard && e && e->window)
		e->window(r->params.user, &w);
}

static void punch(struct pf_receiver *r, uint64_t now_ns)
{
	if (!r->params.punch || now_ns < r->punch_at_ns)
		return;
	(void)pf_udp_punch(r->params.fd, NULL);
	r->punches++;
	r->punch_at_ns = now_ns + (r->punches < PUNCHES_QUICK ? PUNCH_QUICK_NS : PUNCH_SLOW_NS);
}

static int timeout_ms(uint64_t now_ns, uint64_t at_ns)
{
	if (at_ns <= now_ns)
		return 0;
	/* Rounded up, or it would spin through the last millisecond. */
	return (int)((at_ns - now_ns + PF_NS_PER_MS - 1) / PF_NS_PER_MS);
}

static struct timespec time_left(uint64_t now_ns, uint64_t at_ns)
{
	uint64_t left = at_ns > now_ns ? at_ns - now_ns : 0;

	return (struct timespec){ .tv_sec = (time_t)(left / PF_NS_PER_S),
		.tv_nsec = (long)(left % PF_NS_PER_S) };
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void *run(void *arg)
{
	struct pf_receiver *r = arg;
	struct pollfd p[2] = { { .fd = r->params.fd, .events = POLLIN },
		{ .fd = r->wake_fd, .events = POLLIN } };
	uint64_t now = pf_clock_mono_ns(), at = now;

	r->report_at_ns = now + REPORT_NS;
	r->window.end_ns = now;
	for (;;) {
		struct timespec ts = time_left(now, at);
		struct pf_ask ask;
		bool stop, discard;
		int n = 0;

		if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR)
			return NULL;
		if (p[1].revents)
			pf_wake_clear(r->wake_fd);
		r->wakeups += p[0].revents != 0;
		do {
			n = pf_intake_step(&r->in);
			/* Opening and recovery took time: stamp what comes out now. */
			now = pf_clock_mono_ns();
			pf_reassembler_poll(r->in.reassembler, now);
			pf_arrival_poll(&r->in.arrival, &r->in.replay, now);
			pthread_mutex_lock(&r->lock);
			exchange(r, n <= 0, now);
			ask = r->ask;
			r->ask = (struct pf_ask){ .kind = PF_ASK_NONE };
			stop = r->stop;
			discard = r->discard;
			r->discard = false;
			at = pf_recovery_deadline_ns(&r->recovery);
			if (r->ring_len && !r->ring_ready)
				at = earliest(at, ring_at(r, 0)->due_ns);
			pthread_mutex_unlock(&r->lock);
			emit(r, ask);
			report_loss(r, discard, now);
			punch(r, now);
		} while (n > 0 && !stop);
		if (stop || n < 0)
			return NULL;
		at = earliest(at, r->report_at_ns);
		at = earliest(at, pf_reassembler_deadline_ns(r->in.reassembler));
		if (r->params.punch)
			at = earliest(at, r->punch_at_ns);
	}
}

/* --- the taker --- */

static bool take_frame(struct pf_receiver *r, struct pf_received_frame *out)
{
	uint64_t now_ns = pf_clock_mono_ns();
	const struct pf_assembled *f;
	struct ready oldest;
	bool later;

	pthread_mutex_lock(&r->lock);
	if (r->held) {
		r->returned[r->returned_len++] = r->held;
		r->held = NULL;
	}
	if (!r->ring_ready) {
		pthread_mutex_unlock(&r->lock);
		return false;
	}
	oldest = ring_remove(r);
	f = r->held = oldest.f;
	ring_show(r, now_ns);
	/* The thread sleeps to the first due time that it knew of. */
	later = r->ring_len && !r->ring_ready;
	pthread_mutex_unlock(&r->lock);
	if (later)
		pf_wake_set(r->wake_fd);
	*out = (struct pf_received_frame){
		.data = f->data,
		.len = f->len,
		.pts_unix_ns = f->pts_ns,
		.first_ns = f->first_ns,
		.completed_ns = f->done_ns,
		.frame_index = f->frame_index,
		.user_flags = f->user_flags,
		.shards_recovered = f->shards_recovered,
		.partial = f->partial,
		.hold = oldest.hold,
		.last_ns = f->last_ns,
	};
	return true;
}

int pf_receiver_next(struct pf_receiver *r, struct pf_received_frame *out, uint32_t timeout)
{
	uint64_t until = pf_clock_mono_ns() + timeout * PF_NS_PER_MS;

	while (!take_frame(r, out)) {
		struct pollfd p = { .fd = r->ready_fd, .events = POLLIN };
		uint64_t now = pf_clock_mono_ns();

		if (now >= until)
			return -EAGAIN;
		(void)poll(&p, 1, timeout_ms(now, until));
	}
	return 0;
}

int pf_receiver_fd(const struct pf_receiver *r)
{
	return r->ready_fd;
}

void pf_receiver_decoded(struct pf_receiver *r, uint32_t frame_index, bool output, bool idr)
{
	bool wake;

	pthread_mutex_lock(&r->lock);
	note_ask(
		r, pf_recovery_decoded(&r->recovery, frame_index, output, idr, pf_clock_mono_ns()));
	wake = r->ask.kind != PF_ASK_NONE;
	pthread_mutex_unlock(&r->lock);
	if (wake)
		pf_wake_set(r->wake_fd);
}

void pf_receiver_set_rate(struct pf_receiver *r, uint32_t refresh_hz)
{
	pthread_mutex_lock(&r->lock);
	pf_jitter_rate(&r->jitter, refresh_hz);
	pthread_mutex_unlock(&r->lock);
}

void pf_receiver_discard_window(struct pf_receiver *r)
{
	pthread_mutex_lock(&r->lock);
	r->discard = true;
	pthread_mutex_unlock(&r->lock);
	pf_wake_set(r->wake_fd);
}

void pf_receiver_probe_begin(struct pf_receiver *r)
{
	pthread_mutex_lock(&r->lock);
	r->probing = true;
	r->probe = (struct pf_received_probe){ 0 };
	pthread_mutex_unlock(&r->lock);
}

void pf_receiver_probe_end(struct pf_receiver *r, struct pf_received_probe *out)
{
	pthread_mutex_lock(&r->lock);
	r->probing = false;
	*out = r->probe;
	pthread_mutex_unlock(&r->lock);
	pf_receiver_discard_window(r);
}

void pf_receiver_stats(struct pf_receiver *r, struct pf_receiver_stats *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->stats;
	pthread_mutex_unlock(&r->lock);
}

/* --- life --- */

/* Everything but the socket, which only a finished receiver owns. */
static void free_parts(struct pf_receiver *r)
{
	pf_intake_finish(&r->in);
	if (r->wake_fd >= 0)
		close(r->wake_fd);
	if (r->ready_fd >= 0)
		close(r->ready_fd);
	pthread_mutex_destroy(&r->lock);
	pf_secret_wipe(&r->params.keys, sizeof(r->params.keys));
	free(r);
}

int pf_receiver_create(
	struct pf_receiver **out, const struct pf_receiver_params *params, struct pf_reason *why)
{
	struct pf_reassembler_params rp = {
		.shard_bytes = params->shard_bytes,
		.max_data_per_block = params->max_data_per_block,
		.max_frame_bytes = params->max_frame_bytes,
	};
	struct pf_receiver *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return pf_reason_set(why, -ENOMEM, "no memory for a receiver");
	r->params = *params;
	r->wake_fd = -1;
	r->ready_fd = -1;
	pthread_mutex_init(&r->lock, NULL);
	pf_cadence_init(&r->cadence);
	pf_recovery_init(&r->recovery);
	pf_jitter_init(&r->jitter, params->even_out_hz);
	err = pf_intake_init(&r->in, params->fd, &params->keys, params->direction, &rp);
	if (err) {
		pf_reason_set(why, err,
			"%s: shards of %u bytes, blocks of %u, frames of %u bytes, cipher %d",
			err == -ENOTSUP	 ? "no provider for the cipher"
			: err == -EINVAL ? "out of bounds"
					 : "no memory for the receiver",
			params->shard_bytes, params->max_data_per_block, params->max_frame_bytes,
			(int)params->keys.alg);
		goto fail;
	}
	err = pf_wake_open(&r->wake_fd);
	if (!err)
		err = pf_wake_open(&r->ready_fd);
	if (!err && params->peer.ss_family)
		err = pf_udp_connect(params->fd, &params->peer);
	if (err) {
		pf_reason_set(why, err, "cannot set up the data socket: %s", strerror(-err));
		goto fail;
	}
	err = -pthread_create(&r->thread, NULL, run, r);
	if (err) {
		pf_reason_set(why, err, "cannot start the receive thread: %s", strerror(-err));
		goto fail;
	}
	pthread_setname_np(r->thread, "pf-receive");
	*out = r;
	return 0;
fail:
	free_parts(r);
	return err;
}

void pf_receiver_destroy(struct pf_receiver *r)
{
	int fd;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_mutex_unlock(&r->lock);
	pf_wake_set(r->wake_fd);
	pthread_join(r->thread, NULL);
	fd = r->params.fd;
	free_parts(r);
	close(fd);
}
