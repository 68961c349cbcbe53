/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A whole stream on the pattern and null back ends, into a sink that takes notes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "core/wire/pf1_media.h"
#include "host/stream/stream.h"

#define NOTES 4096

struct sink {
	pthread_mutex_t lock;
	unsigned frames;       /* accepted */
	uint32_t flags[NOTES]; /* of them */
	uint64_t at_ns[NOTES]; /* when they came */
	uint64_t capture_ns[NOTES];
	int answer;	  /* of the next submit only, then 0 again */
	unsigned refused; /* submits answered with an error */
	uint32_t kbps;
	_Atomic unsigned queued, asked;
	unsigned nap_us; /* the link takes its time to answer */
	_Atomic unsigned errors;
	char error[256];
	_Atomic uint32_t followed; /* width of on_mode */
};

static int submit(void *user, const uint8_t *data, size_t len, uint32_t user_flags,
	const struct pf_frame_stamps *stamps)
{
	struct sink *k = user;
	int r;

	assert_true(len > 0 && data);
	assert_true(stamps->capture_ns <= stamps->encode_start_ns);
	assert_true(stamps->encode_start_ns <= stamps->encode_end_ns);
	pthread_mutex_lock(&k->lock);
	r = k->answer;
	k->answer = 0;
	if (r) {
		k->refused++;
	} else if (k->frames < NOTES) {
		k->flags[k->frames] = user_flags;
		k->at_ns[k->frames] = pf_clock_mono_ns();
		k->capture_ns[k->frames] = stamps->capture_ns;
		k->frames++;
	}
	pthread_mutex_unlock(&k->lock);
	return r;
}

static unsigned queued(void *user)
{
	struct sink *k = user;

	atomic_fetch_add(&k->asked, 1);
	usleep(k->nap_us);
	return atomic_load(&k->queued);
}

static void set_bitrate(void *user, uint32_t kbps)
{
	struct sink *k = user;

	pthread_mutex_lock(&k->lock);
	k->kbps = kbps;
	pthread_mutex_unlock(&k->lock);
}

static void on_error(void *user, int err, const char *text)
{
	struct sink *k = user;

	snprintf(k->error, sizeof(k->error), "%s", text);
	atomic_fetch_add(&k->errors, 1);
}

static void on_mode(void *user, const struct pf_mode *mode)
{
	struct sink *k = user;

	atomic_store(&k->followed, mode->width);
}

static const struct pf_mode mode_320 = { 320, 180, 60000 };

struct fixture {
	struct sink sink;
	struct pf_stream_params params;
	struct pf_source source;
	struct pf_stream *stream;
};

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pthread_mutex_init(&f->sink.lock, NULL);
	f->params = (struct pf_stream_params){
		.codec = PF_CODEC_H264,
		.colour = PF_COLOUR_BT709,
		.bitrate_kbps = 2000,
		.encoder = "null",
		.repeats = 2,
		.repeat_delay_ms = 30,
		.sink = { submit, queued, set_bitrate },
		.on_error = on_error,
		.on_mode = on_mode,
		.user = &f->sink,
	};
	f->source = (struct pf_source){ .kind = PF_SOURCE_PATTERN,
		.pipewire_fd = -1,
		.mode = mode_320,
		.options = "scene=box" };
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;

	pf_stream_destroy(f->stream);
	pthread_mutex_destroy(&f->sink.lock);
	free(f);
	return 0;
}

static void bring_up(struct fixture *f, const char *scene)
{
	struct pf_reason why = { 0 };

	f->source.options = scene;
	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	if (pf_stream_start(f->stream, &f->source.mode, &why))
		fail_msg("%s", why.text);
	if (pf_stream_attach(f->stream, &f->source, &why))
		fail_msg("%s", why.text);
}

static unsigned frames(struct fixture *f)
{
	unsigned n;

	pthread_mutex_lock(&f->sink.lock);
	n = f->sink.frames;
	pthread_mutex_unlock(&f->sink.lock);
	return n;
}

static uint32_t flags_of(struct fixture *f, unsigned i)
{
	uint32_t v;

	pthread_mutex_lock(&f->sink.lock);
	v = f->sink.flags[i];
	pthread_mutex_unlock(&f->sink.lock);
	return v;
}

static void wait_frames(struct fixture *f, unsigned n)
{
	for (unsigned i = 0; i < 10000 && frames(f) < n; i++)
		usleep(1000);
	if (frames(f) < n)
		fail_msg("%u frames of %u; error \"%s\"", frames(f), n, f->sink.error);
}

static void an_animation_flows(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;

	bring_up(f, "scene=box");
	usleep(100000);
	assert_int_equal(frames(f), 0); /* nobody listens yet */
	pf_stream_play(f->stream);
	wait_frames(f, 30);
	pf_stream_stop(f->stream);
	assert_int_equal(flags_of(f, 0), PF_USER_VIDEO | PF_USER_IDR);
	for (unsigned i = 1; i < 30; i++) {
		assert_int_equal(flags_of(f, i), PF_USER_VIDEO);
		assert_true(f->sink.capture_ns[i] > f->sink.capture_ns[i - 1]);
	}
	/* Never faster than the rate but for half an interval of jitter. */
	assert_true(f->sink.at_ns[29] - f->sink.at_ns[0] > 28 * 16 * PF_NS_PER_MS);
	pf_stream_stats(f->stream, &st);
	assert_string_equal(st.encoder, "null");
	assert_int_equal(st.submitted, frames(f));
	assert_int_equal(st.encoded, st.submitted);
	assert_int_equal(st.dropped, 0);
	assert_int_equal(st.idrs, 1);
	assert_true(st.captured >= st.encoded);
	assert_true(st.skipped >= 1); /* while nobody listened */
	assert_true(st.convert_encode_p99_ns > 0);
	assert_int_equal(atomic_load(&f->sink.errors), 0);
}

static void a_still_picture_falls_silent(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;

	bring_up(f, "scene=still");
	pf_stream_play(f->stream);
	wait_frames(f, 3); /* itself and two repeats */
	usleep(300000);
	assert_int_equal(frames(f), 3);
	pf_stream_stats(f->stream, &st);
	assert_int_equal(st.captured, 1);
	assert_int_equal(st.repeated, 2);
}

/* The link is full, and what was on its way has arrived: the second to ask since saw it. */
static void fill_link(struct fixture *f)
{
	unsigned asked;

	atomic_store(&f->sink.queued, 2);
	asked = atomic_load(&f->sink.asked);
	for (unsigned i = 0; i < 10000 && atomic_load(&f->sink.asked) < asked + 2; i++)
		usleep(1000);
	assert_true(atomic_load(&f->sink.asked) >= asked + 2);
}

static void a_keyframe_comes_though_nothing_changes(void **state)
{
	struct fixture *f = *state;

	f->params.repeats = 0;
	bring_up(f, "scene=still");
	pf_stream_play(f->stream);
	wait_frames(f, 1);
	usleep(200000); /* an ask sooner would be older than the first IDR */
	pf_stream_keyframe(f->stream);
	pf_stream_keyframe(f->stream);
	wait_frames(f, 2); /* at the end of the cool-down */
	assert_int_equal(flags_of(f, 1), PF_USER_VIDEO | PF_USER_IDR);
	assert_true(f->sink.at_ns[1] - f->sink.at_ns[0] > 700 * PF_NS_PER_MS);
	usleep(100000);
	assert_int_equal(frames(f), 2);
	/* An encoder that cannot invalidate answers a loss with an IDR, too. */
	usleep(800000);
	pf_stream_lost(f->stream, 1, 1);
	wait_frames(f, 3);
	assert_int_equal(flags_of(f, 2), PF_USER_VIDEO | PF_USER_IDR);
}

static void the_operators_keyframe_waits_for_nothing(void **state)
{
	struct fixture *f = *state;

	f->params.repeats = 0;
	bring_up(f, "scene=still");
	pf_stream_play(f->stream);
	wait_frames(f, 1);
	pf_stream_keyframe_now(f->stream);
	wait_frames(f, 2);
	assert_int_equal(flags_of(f, 1), PF_USER_VIDEO | PF_USER_IDR);
	assert_true(f->sink.at_ns[1] - f->sink.at_ns[0] < 700 * PF_NS_PER_MS);
	usleep(100000);
	assert_int_equal(frames(f), 2);
}

static void lost_frames_are_left_out_where_the_encoder_can(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;
	unsigned n, anchors = 0;

	f->params.preset = "invalidate=1";
	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 8);
	/* One that never reached the wire moves the two counts apart. */
	pthread_mutex_lock(&f->sink.lock);
	f->sink.answer = -EAGAIN;
	pthread_mutex_unlock(&f->sink.lock);
	wait_frames(f, 12);
	pf_stream_lost(f->stream, 9, 9);
	pf_stream_lost(f->stream, 10, 200); /* merged; what is ahead of all is cut */
	n = frames(f);
	wait_frames(f, n + 4);
	for (unsigned i = n; i < n + 4; i++) {
		uint32_t flags = flags_of(f, i);

		anchors += flags == (PF_USER_VIDEO | PF_USER_RECOVERY_ANCHOR);
	}
	assert_in_range(anchors, 1, 2);
	pf_stream_stats(f->stream, &st);
	assert_int_equal(st.idrs, 2); /* the first, and the one after the drop */
	/* A range from before this encoder's IDR needs nothing. */
	n = frames(f);
	pf_stream_lost(f->stream, UINT32_MAX - 20, UINT32_MAX - 10);
	wait_frames(f, n + 4);
	for (unsigned i = n; i < n + 4; i++)
		assert_int_equal(flags_of(f, i), PF_USER_VIDEO);
}

static void a_dropped_frame_uses_up_its_number(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	f->params.preset = "invalidate=1";
	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 3);
	pthread_mutex_lock(&f->sink.lock);
	f->sink.answer = -EAGAIN;
	pthread_mutex_unlock(&f->sink.lock);
	wait_frames(f, 8);
	fill_link(f);
	n = frames(f);
	/* The newest one is n - 1 of those that arrived, the dropped one was before. */
	pf_stream_lost(f->stream, n, n);
	atomic_store(&f->sink.queued, 0);
	wait_frames(f, n + 1);
	assert_int_equal(flags_of(f, n), PF_USER_VIDEO | PF_USER_RECOVERY_ANCHOR);
}

static void a_full_link_skips_raw_pictures(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;
	uint64_t before_ns;
	unsigned n;

	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 5);
	fill_link(f);
	n = frames(f);
	usleep(300000);
	assert_int_equal(frames(f), n);
	before_ns = pf_clock_mono_ns();
	atomic_store(&f->sink.queued, 1);
	wait_frames(f, n + 1);
	/* The newest picture, not one from the time of waiting. */
	assert_true(f->sink.capture_ns[n] + 200 * PF_NS_PER_MS > before_ns);
	pf_stream_stats(f->stream, &st);
	assert_true(st.held_for_link >= 1);
	assert_true(st.skipped >= 10);
	assert_int_equal(st.dropped, 0);
	assert_int_equal(st.idrs, 1);
}

static void a_dropped_frame_is_followed_by_an_idr(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;
	unsigned n;

	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 5);
	pthread_mutex_lock(&f->sink.lock);
	f->sink.answer = -EAGAIN;
	n = f->sink.frames;
	pthread_mutex_unlock(&f->sink.lock);
	wait_frames(f, n + 2);
	assert_int_equal(flags_of(f, n), PF_USER_VIDEO | PF_USER_IDR);
	assert_int_equal(flags_of(f, n + 1), PF_USER_VIDEO);
	pf_stream_stats(f->stream, &st);
	assert_int_equal(st.dropped, 1);
	assert_int_equal(f->sink.refused, 1);
}

static void a_gone_client_ends_the_encoding(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 2);
	pthread_mutex_lock(&f->sink.lock);
	f->sink.answer = -EPIPE;
	n = f->sink.frames;
	pthread_mutex_unlock(&f->sink.lock);
	usleep(200000);
	assert_int_equal(frames(f), n);
	assert_int_equal(atomic_load(&f->sink.errors), 0);
}

static void a_new_bitrate_reaches_encoder_and_pacer(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;
	unsigned n;

	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 3);
	pf_stream_set_bitrate(f->stream, 5000);
	n = frames(f);
	wait_frames(f, n + 3);
	pf_stream_stats(f->stream, &st);
	assert_int_equal(st.bitrate_kbps, 5000);
	pthread_mutex_lock(&f->sink.lock);
	assert_int_equal(f->sink.kbps, 5000);
	pthread_mutex_unlock(&f->sink.lock);
	assert_int_equal(st.idrs, 1); /* in place */
}

static void another_mode_begins_with_an_idr(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };
	unsigned n;

	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 5);
	pf_stream_stop(f->stream);
	n = frames(f);
	f->source.mode = (struct pf_mode){ 640, 360, 120000 };
	assert_int_equal(pf_stream_start(f->stream, &f->source.mode, &why), 0);
	assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), 0);
	wait_frames(f, n + 10);
	assert_int_equal(flags_of(f, n), PF_USER_VIDEO | PF_USER_IDR);
	assert_int_equal(flags_of(f, n + 1), PF_USER_VIDEO);
	assert_int_equal(atomic_load(&f->sink.followed), 0);
}

/* Ends the stream, and begins another one with what is in the parameters. */
static bool go_on_with(struct fixture *f, unsigned *first)
{
	struct pf_parked *parked = pf_stream_park(f->stream);
	struct pf_stream_stats st;
	struct pf_reason why = { 0 };

	assert_non_null(parked);
	assert_null(pf_stream_park(f->stream));
	pf_stream_destroy(f->stream);
	*first = frames(f);
	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	pf_stream_reuse(f->stream, parked);
	assert_int_equal(pf_stream_start(f->stream, &f->source.mode, &why), 0);
	assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), 0);
	pf_stream_play(f->stream);
	wait_frames(f, *first + 5);
	assert_int_equal(flags_of(f, *first), PF_USER_VIDEO | PF_USER_IDR);
	assert_int_equal(flags_of(f, *first + 1), PF_USER_VIDEO);
	pf_stream_stats(f->stream, &st);
	return st.encoder_kept;
}

static void an_encoder_outlives_its_stream(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;
	unsigned first;

	f->params.preset = "invalidate=1";
	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 5);
	pf_stream_stats(f->stream, &st);
	assert_false(st.encoder_kept);
	assert_true(go_on_with(f, &first));
	/* Its count of pictures goes on, the wire's begins anew: what was lost is still
	 * found, so no IDR but an anchor answers. */
	pf_stream_lost(f->stream, 2, 2);
	for (unsigned i = first + 2;; i++) {
		wait_frames(f, i + 1);
		assert_false(flags_of(f, i) & PF_USER_IDR);
		if (flags_of(f, i) & PF_USER_RECOVERY_ANCHOR)
			break;
	}
	/* The bit rate may differ. */
	f->params.bitrate_kbps = 3000;
	assert_true(go_on_with(f, &first));
	pf_stream_stats(f->stream, &st);
	assert_int_equal(st.bitrate_kbps, 3000);
}

static void an_encoder_for_something_else_is_opened_anew(void **state)
{
	struct fixture *f = *state;
	unsigned first;

	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_frames(f, 5);
	f->params.colour.full_range = true;
	assert_false(go_on_with(f, &first));
	f->params.slices = 2;
	assert_false(go_on_with(f, &first));
	f->params.references = 1;
	assert_false(go_on_with(f, &first));
	f->params.preset = "bytes=100";
	assert_false(go_on_with(f, &first));
	f->source.mode.refresh_mhz = 120000;
	assert_false(go_on_with(f, &first));
	f->source.mode.width = 640;
	assert_false(go_on_with(f, &first));
	assert_true(go_on_with(f, &first));
	/* Nobody starts: it is closed with its stream. */
	pf_stream_destroy(f->stream);
	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	pf_stream_reuse(f->stream, NULL);
	assert_null(pf_stream_park(f->stream));
}

static void it_follows_a_source_of_another_size(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };

	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	assert_int_equal(pf_stream_start(f->stream, &mode_320, &why), 0);
	f->source.mode = (struct pf_mode){ 400, 240, 60000 };
	assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), 0);
	pf_stream_play(f->stream);
	wait_frames(f, 3);
	assert_int_equal(flags_of(f, 0), PF_USER_VIDEO | PF_USER_IDR);
	assert_int_equal(atomic_load(&f->sink.followed), 400);
	assert_int_equal(atomic_load(&f->sink.errors), 0);
}

/* The null encoder takes pictures of its own size only, so what comes is fitted. */
static void it_fits_a_source_of_another_size(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats stats;
	struct pf_reason why = { 0 };

	f->params.fixed_size = true;
	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	assert_int_equal(pf_stream_start(f->stream, &mode_320, &why), 0);
	f->source.mode = (struct pf_mode){ 400, 240, 60000 };
	assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), 0);
	pf_stream_play(f->stream);
	wait_frames(f, 5);
	assert_int_equal(atomic_load(&f->sink.followed), 400);
	assert_int_equal(atomic_load(&f->sink.errors), 0);
	pf_stream_stats(f->stream, &stats);
	assert_int_equal(stats.idrs, 1);
	/* The same again from a screen of the mode: not a word. */
	pf_stream_stop(f->stream);
	atomic_store(&f->sink.followed, 0);
	f->source.mode = mode_320;
	assert_int_equal(pf_stream_start(f->stream, &mode_320, &why), 0);
	assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), 0);
	wait_frames(f, 8);
	assert_int_equal(atomic_load(&f->sink.followed), 0);
	assert_int_equal(atomic_load(&f->sink.errors), 0);
}

static void every_stage_can_fail(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };
	unsigned stages = pf_stream_stage_count();

	assert_int_equal(stages, 2);
	for (unsigned n = 1; n <= stages; n++) {
		f->params.fail_stage = n;
		memset(&why, 0, sizeof(why));
		assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
		pf_stream_play(f->stream);
		if (n == 1) {
			assert_int_equal(pf_stream_start(f->stream, &mode_320, &why), -ECANCELED);
		} else {
			assert_int_equal(pf_stream_start(f->stream, &mode_320, &why), 0);
			assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), -ECANCELED);
		}
		assert_non_null(strstr(why.text, pf_stream_stage_name(n)));
		pf_stream_destroy(f->stream);
		f->stream = NULL;
		assert_int_equal(frames(f), 0);
	}
	f->params.fail_stage = 0;

	/* The same through the back ends' own faults, from inside. */
	f->params.preset = "fail-open=1";
	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	assert_true(pf_stream_start(f->stream, &mode_320, &why) < 0);
	assert_non_null(strstr(why.text, "null encoder"));
	pf_stream_stop(f->stream);
	pf_stream_destroy(f->stream);
	f->params.preset = NULL;
	f->params.capture = pf_capture_find("null");
	f->source.options = "fail-open=1";
	assert_int_equal(pf_stream_create(&f->stream, &f->params), 0);
	assert_int_equal(pf_stream_start(f->stream, &mode_320, &why), 0);
	assert_true(pf_stream_attach(f->stream, &f->source, &why) < 0);
	/* It stayed started: another source will do. */
	f->source.options = "frames=1";
	assert_int_equal(pf_stream_attach(f->stream, &f->source, &why), 0);
	pf_stream_play(f->stream);
	wait_frames(f, 1);
}

static void wait_error(struct fixture *f)
{
	for (unsigned i = 0; i < 10000 && !atomic_load(&f->sink.errors); i++)
		usleep(1000);
	usleep(50000);
	assert_int_equal(atomic_load(&f->sink.errors), 1);
}

static void a_broken_encoder_is_reopened_once(void **state)
{
	struct fixture *f = *state;
	struct pf_stream_stats st;

	f->params.preset = "fail-at=5"; /* the new one fails at its 5th again */
	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	wait_error(f);
	assert_non_null(strstr(f->sink.error, "null"));
	pf_stream_stats(f->stream, &st);
	assert_int_equal(st.submitted, 10);
	assert_int_equal(st.idrs, 2);
}

static void a_broken_capture_is_told(void **state)
{
	struct fixture *f = *state;

	bring_up(f, "scene=box,fail-at=3");
	pf_stream_play(f->stream);
	wait_error(f);
}

/* Between the look whether a picture waits and its taking, the capture takes it back. */
static void the_first_picture_may_go_as_it_came(void **state)
{
	struct fixture *f = *state;

	f->sink.nap_us = 50000;
	bring_up(f, "scene=box");
	pf_stream_play(f->stream);
	for (unsigned i = 0; i < 10000 && !atomic_load(&f->sink.asked); i++)
		usleep(1000);
	assert_int_not_equal(atomic_load(&f->sink.asked), 0);
	pf_stream_stop(f->stream);
	assert_int_equal(frames(f), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		T(an_animation_flows),
		T(a_still_picture_falls_silent),
		T(a_keyframe_comes_though_nothing_changes),
		T(the_operators_keyframe_waits_for_nothing),
		T(lost_frames_are_left_out_where_the_encoder_can),
		T(a_full_link_skips_raw_pictures),
		T(a_dropped_frame_uses_up_its_number),
		T(a_dropped_frame_is_followed_by_an_idr),
		T(a_gone_client_ends_the_encoding),
		T(a_new_bitrate_reaches_encoder_and_pacer),
		T(another_mode_begins_with_an_idr),
		T(an_encoder_outlives_its_stream),
		T(an_encoder_for_something_else_is_opened_anew),
		T(it_follows_a_source_of_another_size),
		T(it_fits_a_source_of_another_size),
		T(every_stage_can_fail),
		T(a_broken_encoder_is_reopened_once),
		T(a_broken_capture_is_told),
		T(the_first_picture_may_go_as_it_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
