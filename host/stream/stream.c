/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Between the threads lie only atomics: the mailbox (one frame pointer, swapped),
 * flags for what the client asks, counters. The eventfd wakes the encode thread,
 * which otherwise sleeps until the next repeat or token. */
#include "host/stream/stream.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/media/idr_gate.h"
#include "core/wire/pf1_media.h"
#include "host/encode/fit.h"
#include "host/stream/meter.h"
#include "host/stream/pace.h"

/* Encode waits while this many frames are not yet sent: each one more is delay. */
#define LINK_FULL_FRAMES 2
/* How often it looks again; the ring has no wake-up of its own. */
#define LINK_POLL_NS (1 * PF_NS_PER_MS)
/* An encoder that fails again this soon after it was reopened is broken. */
#define REOPEN_GRACE_NS (2 * PF_NS_PER_S)
/* Frame numbers remembered for invalidation: what one request may span. */
#define NUMBERS PF_IDR_RFI_MAX
#define NO_LOSS UINT64_MAX

enum counter {
	CAPTURED,
	SKIPPED,
	HELD,
	ENCODED,
	REPEATED,
	IDRS,
	SUBMITTED,
	DROPPED,
	BYTES,
	COUNTERS,
};

struct pf_stream {
	struct pf_stream_params params;
	char encoder_name[64], preset[64];
	int wake_fd; /* eventfd, for the whole life */

	/* Owned by the worker that starts and stops. */
	unsigned stage; /* stages up */
	struct pf_mode mode;
	struct pf_parked *parked;	/* for the next start */
	bool park;			/* the encoder outlives the thread */
	const struct pf_source *source; /* during attach */
	pthread_t thread;
	struct pf_capture *capture;

	/* How the encode thread tells what became of its start. */
	pthread_mutex_t start_lock;
	pthread_cond_t start_cond;
	bool start_known;
	int start_result;
	struct pf_reason start_why;

	/* Shared. */
	_Atomic(struct pf_frame *) mailbox;
	_Atomic bool stop, playing, keyframe_now;
	_Atomic uint32_t want_kbps; /* 0 = nothing new */
	_Atomic uint32_t keyframe_asks;
	_Atomic uint64_t lost; /* first << 32 | last, or NO_LOSS */
	_Atomic uint32_t kbps; /* in force */
	_Atomic bool error_told, encoder_kept;
	const char *_Atomic encoder_used;
	_Atomic uint64_t counters[COUNTERS];
	struct pf_stream_meters meters;

	/* The encode thread's own; numbers outlive a restart. */
	struct pf_encoder *encoder;
	struct pf_encoder_params encoder_params; /* as it was opened */
	uint32_t width, height;			 /* the encoder's */
	uint32_t fitted_w, fitted_h;		 /* of the source, with fixed_size */
	struct pf_fitter fitter;
	struct pf_frame *last;
	struct pf_pace pace;
	struct pf_idr_gate gate;
	bool force_idr, anchor, again, broken, holding;
	uint64_t reopened_ns;
	uint64_t encoder_frames;      /* pictures this encoder took */
	uint32_t wire_next;	      /* number of the next frame on the wire */
	uint32_t wire_base;	      /* first wire number of this encoder */
	uint64_t encoder_no[NUMBERS]; /* by wire number */
};

static void count(struct pf_stream *s, enum counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&s->counters[c], n, memory_order_relaxed);
}

static void wake(struct pf_stream *s)
{
	uint64_t one = 1;

	(void)!write(s->wake_fd, &one, sizeof(one));
}

static void tell_error(struct pf_stream *s, int err, const char *text)
{
	if (!atomic_exchange(&s->error_told, true) && s->params.on_error)
		s->params.on_error(s->params.user, err, text);
}

/* ---- capture thread ---- */

static void on_frame(void *user, struct pf_frame *frame)
{
	struct pf_stream *s = user;
	struct pf_frame *old;

	frame->taken_ns = pf_clock_mono_ns();
	count(s, CAPTURED, 1);
	old = atomic_exchange_explicit(&s->mailbox, frame, memory_order_acq_rel);
	if (old) {
		count(s, SKIPPED, 1);
		pf_frame_unref(&old);
	}
	wake(s);
}

static void on_capture_error(void *user, int err, const char *text)
{
	tell_error(user, err, text);
}

/* ---- encode thread ---- */

static int open_encoder(
	struct pf_stream *s, uint32_t width, uint32_t height, uint32_t kbps, struct pf_reason *why)
{
	const struct pf_encoder_params p = {
		.codec = s->params.codec,
		.shape = s->params.shape,
		.width = width,
		.height = height,
		.fps_mhz = s->mode.refresh_mhz,
		.bitrate_kbps = kbps,
		.colour = s->params.colour,
		.slices = s->params.slices,
		.references = s->params.references,
		.threads = s->params.threads,
		.preset = *s->preset ? s->preset : NULL,
	};
	uint64_t pictures = 0;
	int r = 0;

	s->encoder = pf_parked_take(s->parked, s->encoder_name, &p, &pictures);
	s->parked = NULL;
	atomic_store(&s->encoder_kept, s->encoder != NULL);
	if (!s->encoder)
		r = pf_encoder_open(
			&s->encoder, *s->encoder_name ? s->encoder_name : NULL, &p, why);
	if (r)
		return r;
	s->encoder_params = p;
	s->width = width;
	s->height = height;
	s->encoder_frames = pictures;
	s->wire_base = s->wire_next;
	s->force_idr = true;
	s->anchor = false;
	pf_idr_gate_init(&s->gate, s->encoder->ops->invalidate != NULL, false);
	if (s->params.idr_cooldown_ms)
		s->gate.cooldown_ns = s->gate.flight_ns = s->params.idr_cooldown_ms * PF_NS_PER_MS;
	atomic_store(&s->kbps, kbps);
	atomic_store(&s->encoder_used, s->encoder->ops->name);
	return 0;
}

static void close_encoder(struct pf_stream *s)
{
	if (s->encoder)
		s->encoder->ops->close(s->encoder);
	s->encoder = NULL;
}

static void break_down(struct pf_stream *s, int err, const char *text)
{
	s->broken = true;
	tell_error(s, err, text);
}

static void reopen_encoder(struct pf_stream *s, uint32_t width, uint32_t height, uint32_t kbps)
{
	uint32_t before = atomic_load(&s->kbps);
	struct pf_reason why = { 0 };
	int r;

	close_encoder(s);
	r = open_encoder(s, width, height, kbps, &why);
	if (r && kbps != before)
		r = open_encoder(s, width, height, before, &why);
	if (r)
		break_down(s, r, why.text);
}

static void change_bitrate(struct pf_stream *s, uint32_t kbps)
{
	if (kbps == atomic_load(&s->kbps))
		return;
	if (s->encoder->ops->set_bitrate && !s->encoder->ops->set_bitrate(s->encoder, kbps))
		atomic_store(&s->kbps, kbps);
	else
		reopen_encoder(s, s->width, s->height, kbps);
	s->params.sink.set_bitrate(s->params.user, atomic_load(&s->kbps));
}

/* Lost frames first..last of the wire. An IDR when the encoder cannot help. */
static void invalidate(struct pf_stream *s, uint32_t first, uint32_t last, uint64_t now_ns)
{
	uint32_t newest = s->wire_next - 1;

	/* Distances back from the newest frame; what is ahead of it is no frame. */
	if ((int32_t)(newest - last) < 0)
		last = newest;
	if ((int32_t)(last - first) < 0 || s->wire_next == s->wire_base)
		return;
	/* This encoder began with an IDR: what came before it is out of use. */
	if ((int32_t)(last - s->wire_base) < 0)
		return;
	if ((int32_t)(first - s->wire_base) < 0)
		first = s->wire_base;
	if (newest - first < NUMBERS &&
		!s->encoder->ops->invalidate(s->encoder, s->encoder_no[first % NUMBERS],
			s->encoder_no[last % NUMBERS])) {
		s->anchor = true;
		return;
	}
	pf_idr_gate_sent(&s->gate, now_ns);
	s->force_idr = true;
}

static void apply(struct pf_stream *s, struct pf_answer a, uint64_t now_ns)
{
	switch (a.kind) {
	case PF_ANSWER_NONE:
		return;
	case PF_ANSWER_IDR:
		s->force_idr = true;
		break;
	case PF_ANSWER_INVALIDATE:
		invalidate(s, a.first, a.last, now_ns);
		break;
	}
	/* The client shows a frozen picture: mend it even if nothing changes. */
	s->again = true;
}

static void take_requests(struct pf_stream *s, uint64_t now_ns)
{
	uint32_t kbps = atomic_exchange(&s->want_kbps, 0);
	uint64_t lost = atomic_exchange(&s->lost, NO_LOSS);

	if (kbps)
		change_bitrate(s, kbps);
	if (s->broken)
		return;
	if (lost != NO_LOSS)
		apply(s, pf_idr_gate_rfi(&s->gate, (uint32_t)(lost >> 32), (uint32_t)lost, now_ns),
			now_ns);
	if (atomic_exchange(&s->keyframe_now, false))
		s->force_idr = s->again = true;
	if (atomic_exchange(&s->keyframe_asks, 0))
		apply(s, pf_idr_gate_keyframe(&s->gate, now_ns), now_ns);
	apply(s, pf_idr_gate_poll(&s->gate, now_ns), now_ns);
}

/* Takes the newest picture, if there is one, into s->last. */
static bool take_frame(struct pf_stream *s)
{
	struct pf_frame *f = atomic_exchange_explicit(&s->mailbox, NULL, memory_order_acq_rel);

	if (!f)
		return false;
	pf_frame_unref(&s->last);
	s->last = f;
	return true;
}

/* The source changed its size by itself. */
static void follow_size(struct pf_stream *s)
{
	struct pf_mode mode = { s->last->width, s->last->height, s->mode.refresh_mhz };

	reopen_encoder(s, mode.width, mode.height, atomic_load(&s->kbps));
	if (!s->broken && s->params.on_mode)
		s->params.on_mode(s->params.user, &mode);
}

/* The newest picture in the encoder's size. NULL: it cannot be had. */
static const struct pf_frame *fit(struct pf_stream *s)
{
	struct pf_mode mode = { s->last->width, s->last->height, s->mode.refresh_mhz };
	const struct pf_frame *out = s->last;
	int r;

	if (mode.width != s->fitted_w || mode.height != s->fitted_h) {
		s->fitted_w = mode.width;
		s->fitted_h = mode.height;
		if (s->params.on_mode)
			s->params.on_mode(s->params.user, &mode);
	}
	if (mode.width == s->width && mode.height == s->height)
		return out;
	r = pf_fitter_show(&s->fitter, s->last, s->width, s->height, &out);
	if (!r)
		return out;
	break_down(s, r, "the picture cannot be fitted into the client's size");
	return NULL;
}

static void submit(
	struct pf_stream *s, const struct pf_packet *pkt, const struct pf_frame_stamps *stamps)
{
	uint32_t flags = PF_USER_VIDEO;
	int r;

	if (pkt->idr)
		flags |= PF_USER_IDR;
	else if (s->anchor)
		flags |= PF_USER_RECOVERY_ANCHOR;
	r = s->params.sink.submit(s->params.user, pkt->data, pkt->size, flags, stamps);
	if (r == -EPIPE) {
		atomic_store(&s->playing, false);
		return;
	}
	s->encoder_no[s->wire_next % NUMBERS] = s->encoder_frames - 1;
	s->wire_next++;
	if (r) {
		/* The client sees a gap in the numbers, and the next frames would build on
		 * what is missing. */
		count(s, DROPPED, 1);
		/* A key frame that is too large is not tried again at once: the next would
		 * be as large, and so on at every picture. */
		if (pkt->idr && r != -EAGAIN)
			s->gate.pending = true;
		else
			s->force_idr = s->again = true;
		return;
	}
	s->anchor = false;
	count(s, SUBMITTED, 1);
	count(s, BYTES, pkt->size);
}

static void encode(struct pf_stream *s, bool fresh)
{
	struct pf_frame_stamps stamps;
	const struct pf_frame *picture;
	struct pf_packet pkt;
	uint64_t took_ns;
	uint32_t flags;
	int r;

	stamps.encode_start_ns = pf_clock_mono_ns();
	if (!s->params.fixed_size && (s->last->width != s->width || s->last->height != s->height)) {
		follow_size(s);
		stamps.encode_start_ns = pf_clock_mono_ns();
	}
	if (s->broken)
		return;
	picture = s->params.fixed_size ? fit(s) : s->last;
	if (!picture)
		return;
	flags = s->force_idr ? PF_ENCODE_IDR : 0;
	stamps.capture_ns = fresh ? s->last->capture_ns : stamps.encode_start_ns;
	r = s->encoder->ops->encode(s->encoder, picture, flags, &pkt);
	stamps.encode_end_ns = pf_clock_mono_ns();
	pf_pace_encoded(&s->pace, stamps.encode_start_ns, fresh);
	s->again = false;
	if (r) {
		char text[96];

		if (s->reopened_ns && stamps.encode_end_ns - s->reopened_ns < REOPEN_GRACE_NS) {
			snprintf(text, sizeof(text), "the encoder %s fails: %s",
				s->encoder->ops->name, strerror(-r));
			break_down(s, r, text);
			return;
		}
		s->reopened_ns = stamps.encode_end_ns;
		s->again = true;
		reopen_encoder(s, s->width, s->height, atomic_load(&s->kbps));
		return;
	}
	s->encoder_frames++;
	count(s, ENCODED, 1);
	if (!fresh)
		count(s, REPEATED, 1);
	if (pkt.idr) {
		count(s, IDRS, 1);
		s->force_idr = false;
		pf_idr_gate_sent(&s->gate, stamps.encode_end_ns);
	}
	took_ns = stamps.encode_end_ns - stamps.encode_start_ns;
	pf_meter_add(&s->meters.convert_encode, took_ns);
	pf_meter_add(&s->meters.convert, pkt.convert_ns);
	pf_meter_add(&s->meters.encode, took_ns > pkt.convert_ns ? took_ns - pkt.convert_ns : 0);
	if (fresh) {
		/* The compositor's stamp may be of a refresh that is still to come. */
		pf_meter_add(&s->meters.capture, s->last->taken_ns > s->last->capture_ns
							 ? s->last->taken_ns - s->last->capture_ns
							 : 0);
		pf_meter_add(&s->meters.queue, stamps.encode_start_ns - s->last->taken_ns);
	}
	/* The null encoder can be told to hold pictures back. */
	if (pkt.size)
		submit(s, &pkt, &stamps);
}

/* When an IDR that waits for its cool-down is due. */
static uint64_t idr_due_ns(const struct pf_stream *s)
{
	return s->gate.pending ? s->gate.idr_ns + s->gate.cooldown_ns : PF_PACE_NEVER;
}

/* Encodes one picture if there is reason and leave to; else says until when to
 * sleep (PF_PACE_NEVER: until woken). 0 = look again at once. */
static uint64_t step(struct pf_stream *s)
{
	uint64_t now_ns = pf_clock_mono_ns(), ready_ns, repeat_ns;
	bool waiting, fresh;

	if (s->broken || !atomic_load(&s->playing))
		return PF_PACE_NEVER;
	take_requests(s, now_ns);
	if (s->broken)
		return PF_PACE_NEVER;
	waiting = atomic_load_explicit(&s->mailbox, memory_order_relaxed) != NULL;
	repeat_ns = s->last ? pf_pace_repeat_ns(&s->pace) : PF_PACE_NEVER;
	if (!waiting && !(s->last && s->again) && now_ns < repeat_ns) {
		uint64_t gate_ns = s->last ? idr_due_ns(s) : PF_PACE_NEVER;

		return repeat_ns < gate_ns ? repeat_ns : gate_ns;
	}
	ready_ns = pf_pace_ready_ns(&s->pace);
	if (now_ns < ready_ns)
		return ready_ns;
	if (s->params.sink.queued(s->params.user) >= LINK_FULL_FRAMES) {
		if (!s->holding)
			count(s, HELD, 1);
		s->holding = true;
		return now_ns + LINK_POLL_NS;
	}
	s->holding = false;
	fresh = take_frame(s);
	/* A capture that ends takes back what nobody took: there may be no picture yet. */
	if (s->last)
		encode(s, fresh);
	return 0;
}

static void sleep_until(struct pf_stream *s, uint64_t until_ns)
{
	struct pollfd p = { .fd = s->wake_fd, .events = POLLIN };
	uint64_t now_ns = pf_clock_mono_ns(), n;
	struct timespec ts = { 0 };

	if (until_ns != PF_PACE_NEVER && until_ns > now_ns) {
		ts.tv_sec = (time_t)((until_ns - now_ns) / PF_NS_PER_S);
		ts.tv_nsec = (long)((until_ns - now_ns) % PF_NS_PER_S);
	}
	if (ppoll(&p, 1, until_ns == PF_PACE_NEVER ? NULL : &ts, NULL) > 0)
		(void)!read(s->wake_fd, &n, sizeof(n));
}

static void *encode_main(void *arg)
{
	struct pf_stream *s = arg;
	int r;

	pthread_setname_np(pthread_self(), "pf-encode");
	/* The default slack of 50 us would be added to every wait. */
	(void)prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	r = open_encoder(s, s->mode.width, s->mode.height, atomic_load(&s->kbps), &s->start_why);
	pthread_mutex_lock(&s->start_lock);
	s->start_result = r;
	s->start_known = true;
	pthread_cond_signal(&s->start_cond);
	pthread_mutex_unlock(&s->start_lock);
	while (!r && !atomic_load(&s->stop)) {
		uint64_t until_ns = step(s);

		if (until_ns)
			sleep_until(s, until_ns);
	}
	pf_frame_unref(&s->last);
	pf_fitter_finish(&s->fitter);
	if (!s->park || s->broken)
		close_encoder(s);
	return NULL;
}

/* ---- stages ---- */

static int encode_up(struct pf_stream *s, struct pf_reason *why)
{
	int r;

	pf_pace_init(&s->pace, s->mode.refresh_mhz, s->params.repeats,
		s->params.repeat_delay_ms * PF_NS_PER_MS);
	memset(&s->start_why, 0, sizeof(s->start_why));
	s->start_known = s->broken = s->again = s->holding = false;
	s->reopened_ns = 0;
	/* What needs no word is a source of just the mode. */
	s->fitted_w = s->mode.width;
	s->fitted_h = s->mode.height;
	atomic_store(&s->stop, false);
	atomic_store(&s->error_told, false);
	r = pthread_create(&s->thread, NULL, encode_main, s);
	if (r)
		return pf_reason_set(why, -r, "cannot start the encode thread: %s", strerror(r));
	pthread_mutex_lock(&s->start_lock);
	while (!s->start_known)
		pthread_cond_wait(&s->start_cond, &s->start_lock);
	r = s->start_result;
	pthread_mutex_unlock(&s->start_lock);
	if (!r)
		return 0;
	pthread_join(s->thread, NULL);
	return pf_reason_set(why, r, "%s", s->start_why.text);
}

static void encode_down(struct pf_stream *s)
{
	atomic_store(&s->stop, true);
	wake(s);
	pthread_join(s->thread, NULL);
}

static int capture_up(struct pf_stream *s, struct pf_reason *why)
{
	const struct pf_capture_ops *ops = s->params.capture;
	const struct pf_capture_params p = {
		.source = s->source,
		.cursor = s->params.cursor,
		.on_frame = on_frame,
		.on_error = on_capture_error,
		.user = s,
	};

	if (!ops)
		ops = pf_capture_for(s->source->kind);
	if (!ops)
		return pf_reason_set(why, -ENOTSUP,
			"this build cannot capture from such a display (source kind %d)",
			(int)s->source->kind);
	return ops->open(&s->capture, &p, why);
}

static void capture_down(struct pf_stream *s)
{
	struct pf_frame *f;

	s->capture->ops->close(s->capture);
	s->capture = NULL;
	f = atomic_exchange(&s->mailbox, NULL);
	pf_frame_unref(&f);
}

static const struct {
	const char *name;
	int (*up)(struct pf_stream *s, struct pf_reason *why);
	void (*down)(struct pf_stream *s);
} stages[] = {
	{ "encode", encode_up, encode_down },
	{ "capture", capture_up, capture_down },
};
enum { STAGE_ENCODE = 1, STAGE_CAPTURE = 2 };

unsigned pf_stream_stage_count(void)
{
	return sizeof(stages) / sizeof(stages[0]);
}

const char *pf_stream_stage_name(unsigned stage)
{
	return stages[stage - 1].name;
}

/* Up to and including `target`; on failure what this call brought up is down. */
static int climb(struct pf_stream *s, unsigned target, struct pf_reason *why)
{
	unsigned from = s->stage;
	int r;

	while (s->stage < target) {
		if (s->params.fail_stage == s->stage + 1)
			r = pf_reason_set(why, -ECANCELED, "stage \"%s\" is told to fail",
				stages[s->stage].name);
		else
			r = stages[s->stage].up(s, why);
		if (r) {
			while (s->stage > from)
				stages[--s->stage].down(s);
			return r;
		}
		s->stage++;
	}
	return 0;
}

int pf_stream_start(struct pf_stream *s, const struct pf_mode *mode, struct pf_reason *why)
{
	assert(s->stage == 0);
	s->mode = *mode;
	return climb(s, STAGE_ENCODE, why);
}

int pf_stream_attach(struct pf_stream *s, const struct pf_source *source, struct pf_reason *why)
{
	int r;

	assert(s->stage == STAGE_ENCODE);
	s->source = source;
	r = climb(s, STAGE_CAPTURE, why);
	s->source = NULL;
	return r;
}

void pf_stream_stop(struct pf_stream *s)
{
	while (s->stage)
		stages[--s->stage].down(s);
}

struct pf_parked *pf_stream_park(struct pf_stream *s)
{
	struct pf_encoder *e;

	/* Before the thread is told to stop, which orders it. */
	s->park = true;
	pf_stream_stop(s);
	s->park = false;
	e = s->encoder;
	s->encoder = NULL;
	s->encoder_params.bitrate_kbps = atomic_load(&s->kbps);
	return e ? pf_parked_make(e, s->encoder_name, &s->encoder_params, s->encoder_frames) : NULL;
}

void pf_stream_reuse(struct pf_stream *s, struct pf_parked *parked)
{
	assert(!s->stage && !s->parked);
	s->parked = parked;
}

/* ---- control ---- */

int pf_stream_create(struct pf_stream **out, const struct pf_stream_params *params)
{
	struct pf_stream *s;

	if ((params->encoder && strlen(params->encoder) >= sizeof(s->encoder_name)) ||
		(params->preset && strlen(params->preset) >= sizeof(s->preset)))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->params = *params;
	snprintf(s->encoder_name, sizeof(s->encoder_name), "%s",
		params->encoder ? params->encoder : "");
	snprintf(s->preset, sizeof(s->preset), "%s", params->preset ? params->preset : "");
	s->params.encoder = s->params.preset = NULL;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0) {
		int r = -errno;

		free(s);
		return r;
	}
	pthread_mutex_init(&s->start_lock, NULL);
	pthread_cond_init(&s->start_cond, NULL);
	atomic_init(&s->lost, NO_LOSS);
	atomic_init(&s->kbps, params->bitrate_kbps);
	*out = s;
	return 0;
}

void pf_stream_destroy(struct pf_stream *s)
{
	if (!s)
		return;
	pf_stream_stop(s);
	pf_parked_drop(s->parked);
	pthread_cond_destroy(&s->start_cond);
	pthread_mutex_destroy(&s->start_lock);
	close(s->wake_fd);
	free(s);
}

void pf_stream_play(struct pf_stream *s)
{
	atomic_store(&s->playing, true);
	wake(s);
}

void pf_stream_keyframe(struct pf_stream *s)
{
	atomic_fetch_add(&s->keyframe_asks, 1);
	wake(s);
}

void pf_stream_keyframe_now(struct pf_stream *s)
{
	atomic_store(&s->keyframe_now, true);
	wake(s);
}

void pf_stream_lost(struct pf_stream *s, uint32_t first, uint32_t last)
{
	uint64_t old = atomic_load(&s->lost), merged;

	/* Several that wait become one range. */
	do {
		uint32_t a = first, b = last;

		if (old != NO_LOSS) {
			if ((int32_t)((uint32_t)(old >> 32) - a) < 0)
				a = (uint32_t)(old >> 32);
			if ((int32_t)((uint32_t)old - b) > 0)
				b = (uint32_t)old;
		}
		merged = (uint64_t)a << 32 | b;
	} while (!atomic_compare_exchange_weak(&s->lost, &old, merged));
	wake(s);
}

void pf_stream_set_bitrate(struct pf_stream *s, uint32_t kbps)
{
	atomic_store(&s->want_kbps, kbps);
	wake(s);
}

const struct pf_stream_meters *pf_stream_meters(const struct pf_stream *s)
{
	return &s->meters;
}

void pf_stream_stats(const struct pf_stream *s, struct pf_stream_stats *out)
{
	const char *encoder = atomic_load(&s->encoder_used);
	const struct pf_stream_meters *m = &s->meters;
	uint64_t v[COUNTERS];

	for (unsigned i = 0; i < COUNTERS; i++)
		v[i] = atomic_load_explicit(&s->counters[i], memory_order_relaxed);
	*out = (struct pf_stream_stats){
		.captured = v[CAPTURED],
		.skipped = v[SKIPPED],
		.held_for_link = v[HELD],
		.encoded = v[ENCODED],
		.repeated = v[REPEATED],
		.idrs = v[IDRS],
		.submitted = v[SUBMITTED],
		.dropped = v[DROPPED],
		.bytes = v[BYTES],
		.convert_encode_p50_ns = pf_meter_quantile(&m->convert_encode, 500),
		.convert_encode_p99_ns = pf_meter_quantile(&m->convert_encode, 990),
		.convert_p50_ns = pf_meter_quantile(&m->convert, 500),
		.convert_p99_ns = pf_meter_quantile(&m->convert, 990),
		.capture_p50_ns = pf_meter_quantile(&m->capture, 500),
		.capture_p99_ns = pf_meter_quantile(&m->capture, 990),
		.queue_p50_ns = pf_meter_quantile(&m->queue, 500),
		.queue_p99_ns = pf_meter_quantile(&m->queue, 990),
		.bitrate_kbps = atomic_load(&s->kbps),
	};
	out->encoder_kept = atomic_load(&s->encoder_kept);
	snprintf(out->encoder, sizeof(out->encoder), "%s", encoder ? encoder : "");
}
