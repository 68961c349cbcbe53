/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/net/sender.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/crypto/secret.h"
#include "core/media/packetizer.h"
#include "core/net/os_linux.h"
#include "core/net/udp.h"
#include "core/wire/pf1_media.h"

/* FEC status messages are summed up over this long, as a LossReport is. */
#define FEC_STATUS_NS 750000000ull
/* A LossReport adds this when a frame was beyond repair (punktfunk1.md 11). */
#define FRAME_LOST_PPM 50000u

/* A probe's filler: one train, as long as it takes to send for this long. */
#define PROBE_TRAIN_NS 1000000ull
#define PROBE_SLEEP_NS 500000ull /* shorter waits are not worth a sleep */
#define PROBE_NONE     0ull	 /* kbps << 32 | ms otherwise */

_Static_assert(PF_FEC_ADAPTIVE == PF_PARITY_ADAPTIVE, "one number for both");

struct slot {
	uint8_t *packets; /* the access unit, laid out in them */
	size_t cap;
	uint16_t shard_bytes; /* that it is laid out for; pf1 */
	uint32_t index;
	uint64_t submit_ns;
	struct pf_sender_frame f; /* f.data is not used any more */
};

struct pf_sender {
	struct pf_sender_params params;
	uint32_t frame_bytes_max; /* the smaller of the caller's and the format's */
	int wake_fd;
	sem_t work; /* posted for each frame, a probe, the end */
	bool work_ready;
	pthread_t thread;
	bool thread_runs;
	atomic_bool stop;

	/* The ring: submit writes head, the thread writes tail. */
	struct slot slots[PF_SENDER_SLOTS];
	atomic_uint head, tail;
	uint32_t next_index; /* submit's */

	atomic_uint kbps;
	atomic_uint delivery;
	atomic_uint lost;	      /* frames, as the client told at once */
	atomic_uint shard_bytes;      /* of frames to come; pf1 */
	atomic_uint_least64_t report; /* count << 32 | ppm of the newest report */
	/* Sums over all FEC status messages; one writer. */
	atomic_uint_least64_t missing, missing_sq, missing_data, blocks_lost;
	atomic_bool fec_status;	     /* there was one */
	atomic_uint_least64_t probe; /* asked for and not over */

	/* The thread's own. */
	uint32_t reports_seen;
	struct pf_gentle gentle;
	unsigned lost_seen, lost_reported;
	struct pf_parity_missed missed_seen;
	uint64_t blocks_lost_seen, dropped_seen, status_ns, silence_ns;
	uint32_t probe_index;
	uint64_t sealed_ns; /* of the frame under way, its first train; 0 = not yet */
	unsigned sent_tail; /* frames that left: what `tail` is set to */
	struct pf_seal seal;
	struct pf_gs_video_seal gs_seal;
	uint16_t shard_now;    /* of the packetizer; pf1 */
	uint8_t *sealed;       /* a train, where plain packets are kept */
	uint32_t prefix_bytes; /* that this sealing adds */
	struct pf_parity parity;
	struct pf_packetizer *packetizer;
	struct pf_pacer pacer;
	struct pf_udp_tx tx;

	/* One writer each: frames and dropped submit's, the others the thread's. */
	atomic_uint_least64_t frames, dropped, sent, packets, packets_parity, bytes, send_errors;
	atomic_uint_least64_t trains, calls, queue_ns, queue_max_ns, pace_ns, pace_max_ns, spin_ns;
	atomic_bool gso, is_gentle;
	atomic_uint loss_ppm, reported_ppm, fec_percent;
};

static void add(atomic_uint_least64_t *counter, uint64_t n)
{
	/* Only one thread writes it: no read-modify-write needed. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static void add_time(
	atomic_uint_least64_t *sum, atomic_uint_least64_t *most, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns = to_ns > from_ns ? to_ns - from_ns : 0;

	add(sum, ns);
	if (ns > atomic_load_explicit(most, memory_order_relaxed))
		atomic_store_explicit(most, ns, memory_order_relaxed);
}

/* --- submit --- */

/* The only copy of a frame on its way to the packets that the kernel takes. */
static int fill_slot(struct pf_sender *s, struct slot *slot, const struct pf_sender_frame *f)
{
	struct pf_au_layout l;
	size_t bytes;

	slot->shard_bytes = (uint16_t)atomic_load_explicit(&s->shard_bytes, memory_order_relaxed);
	if (s->params.format == PF_SENDER_GS)
		pf_gs_layout(s->params.gs.packet_size, &l);
	else
		pf_pf1_layout(slot->shard_bytes, &l);
	bytes = (size_t)pf_au_packets(&l, (uint32_t)f->len) * l.stride;
	if (bytes > slot->cap) {
		size_t cap = bytes + bytes / 4;
		uint8_t *p = malloc(cap);

		if (!p)
			return -ENOMEM;
		free(slot->packets);
		slot->packets = p;
		slot->cap = cap;
	}
	slot->f = *f;
	pf_au_lay_out(&l, slot->packets, f->data, (uint32_t)f->len);
	return 0;
}

/* Few frames, or fresh ones: at 240 Hz a keyframe on its way is longer than four frames,
 * at 60 Hz more than four are delay that no one wants. */
static bool has_room(const struct pf_sender *s, unsigned head)
{
	unsigned tail = atomic_load_explicit(&s->tail, memory_order_acquire);

	if (head - tail < PF_SENDER_SLOTS_LOW)
		return true;
	return head - tail < PF_SENDER_SLOTS &&
	       pf_clock_mono_ns() - s->slots[tail % PF_SENDER_SLOTS].submit_ns <
		       PF_SENDER_WAIT_MS * PF_NS_PER_MS;
}

int pf_sender_submit(struct pf_sender *s, const struct pf_sender_frame *f)
{
	unsigned head = atomic_load_explicit(&s->head, memory_order_relaxed);
	struct slot *slot = &s->slots[head % PF_SENDER_SLOTS];
	/* A dropped frame uses up its number: the client must see the gap. */
	uint32_t index = s->next_index++;
	int err;

	if (f->len > s->frame_bytes_max)
		err = -EMSGSIZE;
	else if (!has_room(s, head))
		err = -EAGAIN;
	else
		err = fill_slot(s, slot, f);
	add(&s->frames, 1);
	if (err) {
		add(&s->dropped, 1);
		return err;
	}
	slot->index = index;
	slot->submit_ns = pf_clock_mono_ns();
	atomic_store_explicit(&s->head, head + 1, memory_order_release);
	sem_post(&s->work);
	return 0;
}

unsigned pf_sender_queued(const struct pf_sender *s)
{
	return atomic_load_explicit(&s->head, memory_order_acquire) -
	       atomic_load_explicit(&s->tail, memory_order_acquire);
}

void pf_sender_set_bitrate(struct pf_sender *s, uint32_t kbps)
{
	atomic_store_explicit(&s->kbps, kbps, memory_order_relaxed);
}

void pf_sender_set_delivery(struct pf_sender *s, enum pf_delivery delivery)
{
	if ((unsigned)delivery < PF_DELIVERIES)
		atomic_store_explicit(&s->delivery, delivery, memory_order_relaxed);
}

void pf_sender_frame_lost(struct pf_sender *s)
{
	atomic_fetch_add_explicit(&s->lost, 1, memory_order_relaxed);
}

void pf_sender_loss_report(struct pf_sender *s, uint32_t loss_ppm)
{
	uint64_t old = atomic_load_explicit(&s->report, memory_order_relaxed), next;

	do {
		next = ((old >> 32) + 1) << 32 | loss_ppm;
	} while (!atomic_compare_exchange_weak_explicit(
		&s->report, &old, next, memory_order_relaxed, memory_order_relaxed));
}

void pf_sender_fec_status(struct pf_sender *s, uint32_t missing, uint32_t data, bool lost)
{
	add(&s->missing, missing);
	add(&s->missing_sq, (uint64_t)missing * missing);
	add(&s->missing_data, (uint64_t)missing * data);
	add(&s->blocks_lost, lost);
	atomic_store_explicit(&s->fec_status, true, memory_order_release);
}

int pf_sender_probe(struct pf_sender *s, uint32_t kbps, uint32_t duration_ms)
{
	uint64_t none = PROBE_NONE, probe = (uint64_t)kbps << 32 | duration_ms;

	if (s->params.format != PF_SENDER_PF1)
		return -ENOTSUP;
	if (!kbps || !duration_ms)
		return -EINVAL;
	if (!atomic_compare_exchange_strong(&s->probe, &none, probe))
		return -EBUSY;
	sem_post(&s->work);
	return 0;
}

void pf_sender_set_shard(struct pf_sender *s, uint16_t bytes)
{
	if (s->params.format == PF_SENDER_PF1 && bytes >= PF_SHARD_MIN && !(bytes % 2) &&
		bytes <= s->params.shard_bytes_max)
		atomic_store_explicit(&s->shard_bytes, bytes, memory_order_relaxed);
}

int pf_sender_set_peer(struct pf_sender *s, const struct sockaddr_storage *peer)
{
	return pf_udp_connect(s->params.fd, peer);
}

/* --- the thread --- */

static void tell_loss(struct pf_sender *s)
{
	atomic_store_explicit(&s->loss_ppm, pf_parity_loss_ppm(&s->parity), memory_order_relaxed);
	atomic_store_explicit(
		&s->reported_ppm, pf_parity_newest_ppm(&s->parity), memory_order_relaxed);
}

static void take_report(struct pf_sender *s)
{
	uint64_t report = atomic_load_explicit(&s->report, memory_order_relaxed), dropped;
	unsigned lost;

	if ((uint32_t)(report >> 32) == s->reports_seen)
		return;
	s->reports_seen = (uint32_t)(report >> 32);
	lost = atomic_load_explicit(&s->lost, memory_order_relaxed);
	dropped = atomic_load_explicit(&s->dropped, memory_order_relaxed);
	/* A frame that never left is missed by the client, too. */
	if (dropped == s->dropped_seen)
		pf_parity_frames_lost(&s->parity, lost - s->lost_reported);
	s->lost_reported = lost;
	s->dropped_seen = dropped;
	pf_parity_report(&s->parity, (uint32_t)report);
	if ((uint32_t)report >= FRAME_LOST_PPM)
		pf_gentle_lost(&s->gentle, PF_GENTLE_REPORTS);
	else
		pf_gentle_report(&s->gentle, (uint32_t)report);
	tell_loss(s);
}

static void take_alarm(struct pf_sender *s)
{
	unsigned lost = atomic_load_explicit(&s->lost, memory_order_relaxed);

	if (lost != s->lost_seen)
		pf_gentle_lost(&s->gentle, PF_GENTLE_ALARM);
	s->lost_seen = lost;
	s->pacer.percent = s->gentle.percent;
	s->pacer.gentle = s->gentle.percent > 0;
	atomic_store_explicit(&s->is_gentle, s->pacer.gentle, memory_order_relaxed);
}

/* gs: what its clients have for a report. Status messages come for damaged blocks only:
 * silence is good news, for parity once it is known that the client sends them. */
static void take_fec_status(struct pf_sender *s, uint64_t now_ns)
{
	bool told = atomic_load_explicit(&s->fec_status, memory_order_acquire);
	uint64_t *last_ns = told ? &s->status_ns : &s->silence_ns;
	uint64_t lost, data = s->parity.data;
	struct pf_parity_missed all, news;

	if (s->params.format != PF_SENDER_GS || now_ns - *last_ns < FEC_STATUS_NS)
		return;
	*last_ns = now_ns;
	all.lost = atomic_load_explicit(&s->missing, memory_order_relaxed);
	all.lost_sq = atomic_load_explicit(&s->missing_sq, memory_order_relaxed);
	all.lost_data = atomic_load_explicit(&s->missing_data, memory_order_relaxed);
	lost = atomic_load_explicit(&s->blocks_lost, memory_order_relaxed);
	news = (struct pf_parity_missed){
		.lost = all.lost - s->missed_seen.lost,
		.lost_sq = all.lost_sq - s->missed_seen.lost_sq,
		.lost_data = all.lost_data - s->missed_seen.lost_data,
		.frame_lost = lost != s->blocks_lost_seen,
	};
	pf_gentle_report(&s->gentle, (uint32_t)(news.lost * 1000000 / (data + news.lost + 1)));
	if (!told)
		return;
	s->missed_seen = all;
	s->blocks_lost_seen = lost;
	pf_parity_missed(&s->parity, &news);
	tell_loss(s);
}

static void take_shard(struct pf_sender *s, uint16_t bytes)
{
	if (s->params.format != PF_SENDER_PF1 || bytes == s->shard_now)
		return;
	pf_packetizer_pf1_set_shard(s->packetizer, bytes);
	s->shard_now = bytes;
}

static void wait_until_due(struct pf_sender *s, uint64_t sent_bytes)
{
	uint64_t due = pf_pacer_due_ns(&s->pacer, sent_bytes);

	if (due > pf_clock_mono_ns() + PF_PACER_EARLY_NS)
		add(&s->spin_ns, pf_wait_until_ns(due));
	pf_pacer_leaves(&s->pacer, sent_bytes, pf_clock_mono_ns());
}

/* The train as it goes on the wire, or NULL. */
static const uint8_t *seal_train(struct pf_sender *s, const struct pf_train *t, uint32_t index)
{
	int err;

	if (s->params.format == PF_SENDER_PF1) {
		uint8_t *to = t->keep ? s->sealed : t->base;

		err = pf_seal_packets_from(
			&s->seal, to, t->stride, t->base, t->plain_bytes, t->count);
		return err ? NULL : to;
	}
	if (!s->sealed)
		return t->base;
	err = pf_gs_video_seal_packets(
		&s->gs_seal, index, t->base, t->plain_bytes, t->count - !!t->unused, s->sealed);
	/* The one that is cut gets a tag of its own length. */
	if (!err && t->unused)
		err = pf_gs_video_seal_packets(&s->gs_seal, index,
			t->base + (size_t)(t->count - 1) * t->stride, t->plain_bytes - t->unused, 1,
			s->sealed + (size_t)(t->count - 1) * (t->plain_bytes + s->prefix_bytes));
	return err ? NULL : s->sealed;
}

static void send_train(struct pf_sender *s, const struct pf_train *t, uint32_t index)
{
	const uint8_t *base = seal_train(s, t, index);
	uint32_t bytes = t->stride + s->prefix_bytes;
	unsigned taken;

	if (!s->sealed_ns)
		s->sealed_ns = pf_clock_mono_ns();
	taken = base ? pf_udp_send_train_cut(
			       &s->tx, base, bytes, bytes, t->count, bytes - t->unused)
		     : 0;

	add(&s->trains, 1);
	add(&s->packets, taken);
	add(&s->packets_parity, t->parity < taken ? t->parity : taken);
	add(&s->bytes, (uint64_t)taken * bytes - (taken == t->count ? t->unused : 0));
	add(&s->send_errors, t->count - taken);
}

/* From capture to now in the unit of the wire; 0 when there is nothing to tell. */
static uint16_t latency_100us(uint64_t capture_ns, uint64_t now_ns)
{
	uint64_t units = capture_ns && now_ns > capture_ns ? (now_ns - capture_ns) / 100000 : 0;

	return units < UINT16_MAX ? (uint16_t)units : UINT16_MAX;
}

static void send_frame(struct pf_sender *s, const struct slot *slot)
{
	struct pf_au au = {
		.packets = slot->packets,
		.len = (uint32_t)slot->f.len,
		.frame_index = slot->index,
		.user_flags = slot->f.user_flags,
		.pts_ns = slot->f.pts_unix_ns,
	};
	struct pf_sent_frame done = {
		.frame_index = slot->index,
		.user_flags = slot->f.user_flags,
		.pts_unix_ns = slot->f.pts_unix_ns,
		.submit_ns = slot->submit_ns,
		.start_ns = pf_clock_mono_ns(),
	};
	struct pf_au_plan plan;
	struct pf_train train;
	uint64_t out = 0;
	uint32_t data, most, packet_bytes;

	s->sealed_ns = 0;
	take_report(s);
	take_shard(s, slot->shard_bytes);
	take_fec_status(s, done.start_ns);
	take_alarm(s);
	au.latency_100us = latency_100us(slot->f.capture_ns, done.start_ns);
	s->pacer.rate_bps = atomic_load_explicit(&s->kbps, memory_order_relaxed) * 1000ull;
	s->pacer.delivery = atomic_load_explicit(&s->delivery, memory_order_relaxed);
	pf_pacer_frame_at(&s->pacer, slot->f.pts_unix_ns);
	if (s->packetizer->ops->begin(s->packetizer, &au, &plan))
		return; /* no memory: to the client it is a gap like any other */
	data = plan.packets - plan.parity_packets;
	pf_parity_sent(&s->parity, data, plan.parity_packets, plan.blocks);
	atomic_store_explicit(&s->fec_percent, (plan.parity_packets * 100 + data - 1) / data,
		memory_order_relaxed);
	packet_bytes = plan.packet_bytes + s->prefix_bytes;
	most = pf_udp_train_max(packet_bytes);
	/* A host's encoder waits while two frames do; a source that does not would only fill
	 * the ring: with its parity it may be more than a gentle pace carries. */
	if (pf_sender_queued(s) > PF_SENDER_SLOTS_LOW)
		s->pacer.gentle = false;
	pf_pacer_begin(&s->pacer, (uint64_t)plan.packets * packet_bytes, done.start_ns);
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint32_t n;

		pf_pacer_hurry(&s->pacer, pf_sender_queued(s) - 1, out, pf_clock_mono_ns());
		n = pf_pacer_train(&s->pacer, out, packet_bytes);
		s->packetizer->ops->next(s->packetizer, n < most ? n : most, &train);
		if (!train.count)
			break;
		wait_until_due(s, out);
		send_train(s, &train, slot->index);
		out += (uint64_t)train.count * packet_bytes;
	}
	done.sent_ns = pf_clock_mono_ns();
	add(&s->sent, 1);
	add_time(&s->queue_ns, &s->queue_max_ns, done.submit_ns, done.start_ns);
	add_time(&s->pace_ns, &s->pace_max_ns, done.start_ns, done.sent_ns);
	atomic_store_explicit(&s->calls, s->tx.calls, memory_order_relaxed);
	atomic_store_explicit(&s->gso, !s->tx.no_gso, memory_order_relaxed);
	done.packets = plan.packets;
	done.parity_packets = plan.parity_packets;
	memcpy(done.user, slot->f.user, sizeof(done.user));
	done.sealed_ns = s->sealed_ns;
	if (s->params.events && s->params.events->sent)
		s->params.events->sent(s->params.user, &done);
}

/* All frames that wait; each may have posted `work`, or not any more. */
static void send_waiting(struct pf_sender *s)
{
	while (s->sent_tail != atomic_load_explicit(&s->head, memory_order_acquire) &&
		!atomic_load_explicit(&s->stop, memory_order_acquire)) {
		send_frame(s, &s->slots[s->sent_tail % PF_SENDER_SLOTS]);
		atomic_store_explicit(&s->tail, ++s->sent_tail, memory_order_release);
	}
}

/* --- capacity probe --- */

/* One train of filler of `count` packets; false when it cannot be made. */
static bool send_filler(
	struct pf_sender *s, const uint8_t *filler, uint32_t count, struct pf_sent_probe *out)
{
	struct pf_au au = {
		.data = filler,
		.len = count * s->shard_now,
		.frame_index = s->probe_index++,
		.user_flags = PF_USER_PROBE,
		.pts_ns = pf_clock_unix_ns(),
	};
	struct pf_au_plan plan;
	struct pf_train t;
	const uint8_t *base;

	if (s->packetizer->ops->begin(s->packetizer, &au, &plan))
		return false;
	s->packetizer->ops->next(s->packetizer, count, &t);
	out->packets += t.count;
	base = seal_train(s, &t, 0);
	if (base) {
		uint32_t taken = pf_udp_send_train(&s->tx, base, t.stride, t.stride, t.count);

		out->wire_packets += taken;
		out->bytes += (uint64_t)taken * t.stride;
	}
	return true;
}

/* Sleeps until `due_ns`, a frame, or the end. */
static void wait_for_work(struct pf_sender *s, uint64_t due_ns)
{
	struct timespec ts = { .tv_sec = (time_t)(due_ns / PF_NS_PER_S),
		.tv_nsec = (long)(due_ns % PF_NS_PER_S) };

	while (sem_clockwait(&s->work, CLOCK_MONOTONIC, &ts) && errno == EINTR)
		;
}

static void run_probe(struct pf_sender *s, uint32_t kbps, uint32_t duration_ms)
{
	uint64_t start = pf_clock_mono_ns(), end = start + duration_ms * PF_NS_PER_MS, now = start;
	uint32_t stride = PF_SEAL_OVERHEAD + PF_MEDIA_HDR_BYTES + s->shard_now;
	uint64_t train = kbps * PROBE_TRAIN_NS / 8000000 / stride;
	uint32_t most = pf_udp_train_max(stride);
	struct pf_sent_probe out = { 0 };
	bool can = true;
	uint8_t *filler;

	if (most > PF_PACER_TRAIN_MAX)
		most = PF_PACER_TRAIN_MAX;
	if (train < most)
		most = train ? (uint32_t)train : 1;
	filler = calloc(most, s->params.shard_bytes_max);
	while (filler && can && now < end &&
		!atomic_load_explicit(&s->stop, memory_order_acquire)) {
		/* When the filler so far should have left. */
		uint64_t due = start + (uint64_t)out.packets * stride * 8000000 / kbps;

		send_waiting(s);
		if (due <= now || due - now < PROBE_SLEEP_NS)
			can = send_filler(s, filler, most, &out);
		else
			wait_for_work(s, due < end ? due : end);
		now = pf_clock_mono_ns();
	}
	free(filler);
	out.duration_ms = (uint32_t)((now - start) / PF_NS_PER_MS);
	atomic_store(&s->probe, PROBE_NONE);
	if (s->params.events && s->params.events->probed)
		s->params.events->probed(s->params.user, &out);
}

/* Settles the destination; false when the sender stops before. */
static bool find_peer(struct pf_sender *s)
{
	struct sockaddr_storage peer = s->params.peer;

	if (s->params.await_punch) {
		uint64_t until = pf_clock_mono_ns() + PF_PUNCH_WAIT_MS * PF_NS_PER_MS;

		if (pf_udp_wait_punch(s->params.fd, s->wake_fd, &s->params.peer, until, &peer) ==
			-ECANCELED)
			return false;
		/* An address that cannot be reached shows as send errors. */
		(void)pf_udp_connect(s->params.fd, &peer);
	}
	/* The client's later punches pile up there, unread. */
	if (!s->params.shared_fd)
		pf_udp_shrink_receive(s->params.fd);
	if (s->params.events && s->params.events->ready)
		s->params.events->ready(s->params.user, &peer);
	return true;
}

static void *run(void *arg)
{
	struct pf_sender *s = arg;

	if (!find_peer(s))
		return NULL;
	/* Asked before each wait, too: a probe may have taken the post of the end. */
	while (!atomic_load_explicit(&s->stop, memory_order_acquire)) {
		uint64_t probe;

		while (sem_wait(&s->work) && errno == EINTR)
			;
		send_waiting(s);
		probe = atomic_load_explicit(&s->probe, memory_order_acquire);
		if (probe != PROBE_NONE)
			run_probe(s, (uint32_t)(probe >> 32), (uint32_t)probe);
	}
	return NULL;
}

/* --- life --- */

/* Everything but the socket, which only a finished sender owns. */
static void free_parts(struct pf_sender *s)
{
	if (s->packetizer)
		s->packetizer->ops->destroy(s->packetizer);
	pf_seal_finish(&s->seal);
	pf_gs_video_seal_finish(&s->gs_seal);
	free(s->sealed);
	if (s->work_ready)
		sem_destroy(&s->work);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	for (unsigned i = 0; i < PF_SENDER_SLOTS; i++)
		free(s->slots[i].packets);
	pf_secret_wipe(&s->params.keys, sizeof(s->params.keys));
	pf_secret_wipe(s->params.gs.key, sizeof(s->params.gs.key));
	free(s);
}

static int check_params(const struct pf_sender_params *p, struct pf_reason *why)
{
	if (p->max_frame_bytes < PF_FRAME_BYTES_MIN || p->max_frame_bytes > PF_FRAME_BYTES_LIMIT)
		return pf_reason_set(why, -EINVAL, "a frame limit of %u bytes is not in %u..%u",
			p->max_frame_bytes, PF_FRAME_BYTES_MIN, PF_FRAME_BYTES_LIMIT);
	if ((unsigned)p->delivery >= PF_DELIVERIES)
		return pf_reason_set(why, -EINVAL, "no such delivery: %u", (unsigned)p->delivery);
	if (p->await_punch && !p->peer.ss_family)
		return pf_reason_set(why, -EINVAL, "no address to expect the client from");
	return 0;
}

/* Packetizer, parity policy and sealing of each format. */

static int open_pf1(struct pf_sender *s, struct pf_reason *why)
{
	const struct pf_sender_params *p = &s->params;
	struct pf_pf1_params pp = {
		.shard_bytes = p->shard_bytes,
		.shard_bytes_max = p->shard_bytes_max,
		.max_data_per_block = p->max_data_per_block,
		.max_frame_bytes = p->max_frame_bytes,
		.parity = &s->parity,
	};
	int err;

	err = pf_parity_init(&s->parity, p->fec_percent, p->welcome_percent, p->max_data_per_block);
	if (err)
		return pf_reason_set(why, err, "a parity of %u %% is not in 0..%u", p->fec_percent,
			PF_PARITY_PERCENT_MAX);
	err = pf_packetizer_pf1_create(&s->packetizer, &pp);
	if (err)
		return pf_reason_set(why, err,
			"packets of %u bytes in blocks of %u are out of bounds", p->shard_bytes,
			p->max_data_per_block);
	s->sealed = malloc(PF_UDP_TRAIN_BYTES);
	if (!s->sealed)
		return pf_reason_set(why, -ENOMEM, "no memory for sealed packets");
	s->shard_now = p->shard_bytes;
	err = pf_seal_init(&s->seal, &p->keys, p->direction);
	if (err)
		return pf_reason_set(why, err, "no provider for cipher %d", (int)p->keys.alg);
	return 0;
}

static int open_gs(struct pf_sender *s, struct pf_reason *why)
{
	const struct pf_sender_gs *p = &s->params.gs;
	struct pf_gs_params pp = {
		.packet_size = p->packet_size,
		.fec_percent = p->fec_percent,
		.min_parity = p->min_parity,
		.max_frame_bytes = s->params.max_frame_bytes,
		.parity = &s->parity,
	};
	int err;

	s->next_index = 1;
	err = pf_parity_init(&s->parity, PF_PARITY_ADAPTIVE, 0, PF_GS_DATA_MAX);
	if (!err)
		err = pf_packetizer_gs_create(&s->packetizer, &pp);
	if (err)
		return pf_reason_set(why, err,
			"packets of %u bytes with %u %% parity, at least %u, are out of bounds",
			p->packet_size, p->fec_percent, p->min_parity);
	if (pf_gs_frame_bytes_max(p->packet_size) < s->frame_bytes_max)
		s->frame_bytes_max = pf_gs_frame_bytes_max(p->packet_size);
	if (!p->encrypt)
		return 0;
	s->prefix_bytes = PF_GS_PREFIX_BYTES;
	s->sealed = malloc(
		(size_t)PF_TRAIN_MAX * (p->packet_size + PF_GS_VIDEO_EXTRA + PF_GS_PREFIX_BYTES));
	if (!s->sealed)
		return pf_reason_set(why, -ENOMEM, "no memory for encrypted packets");
	err = pf_gs_video_seal_init(&s->gs_seal, p->key);
	if (err)
		return pf_reason_set(why, err, "no provider for AES-128-GCM");
	return 0;
}

int pf_sender_create(
	struct pf_sender **out, const struct pf_sender_params *params, struct pf_reason *why)
{
	int err = check_params(params, why);
	struct pf_sender *s;

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return pf_reason_set(why, -ENOMEM, "no memory for a sender");
	s->params = *params;
	if (!s->params.shard_bytes_max)
		s->params.shard_bytes_max = params->shard_bytes;
	s->frame_bytes_max = params->max_frame_bytes;
	s->wake_fd = -1;
	atomic_init(&s->kbps, params->bitrate_kbps);
	atomic_init(&s->delivery, params->delivery);
	atomic_init(&s->shard_bytes, params->shard_bytes);
	atomic_init(&s->gso, true);
	err = params->format == PF_SENDER_GS ? open_gs(s, why) : open_pf1(s, why);
	if (err)
		goto fail;
	atomic_init(&s->loss_ppm, pf_parity_loss_ppm(&s->parity));
	err = pf_wake_open(&s->wake_fd);
	if (!err && sem_init(&s->work, 0, 0))
		err = -errno;
	s->work_ready = !err;
	if (!err && !params->await_punch && params->peer.ss_family)
		err = pf_udp_connect(params->fd, &params->peer);
	if (err) {
		pf_reason_set(why, err, "cannot set up the data socket: %s", strerror(-err));
		goto fail;
	}
	pf_udp_tx_init(&s->tx, params->fd);
	err = -pthread_create(&s->thread, NULL, run, s);
	if (err) {
		pf_reason_set(why, err, "cannot start the send thread: %s", strerror(-err));
		goto fail;
	}
	pthread_setname_np(s->thread, "pf-send");
	*out = s;
	return 0;
fail:
	free_parts(s);
	return err;
}

void pf_sender_destroy(struct pf_sender *s)
{
	int fd;

	if (!s)
		return;
	atomic_store_explicit(&s->stop, true, memory_order_release);
	pf_wake_set(s->wake_fd);
	sem_post(&s->work);
	pthread_join(s->thread, NULL);
	fd = s->params.fd;
	free_parts(s);
	close(fd);
}

void pf_sender_stats(const struct pf_sender *s, struct pf_sender_stats *out)
{
#define GET(field) .field = atomic_load_explicit(&s->field, memory_order_relaxed)
	*out = (struct pf_sender_stats){
		GET(frames),
		GET(dropped),
		GET(sent),
		GET(packets),
		GET(packets_parity),
		GET(bytes),
		GET(send_errors),
		GET(loss_ppm),
		GET(fec_percent),
		GET(trains),
		GET(calls),
		GET(queue_ns),
		GET(queue_max_ns),
		GET(pace_ns),
		GET(pace_max_ns),
		GET(spin_ns),
		GET(gso),
		.gentle = atomic_load_explicit(&s->is_gentle, memory_order_relaxed),
		GET(reported_ppm),
	};
#undef GET
}
