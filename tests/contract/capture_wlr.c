/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a capture backend owes, on a real compositor with a real client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "core/base/clock.h"
#include "host/capture/capture.h"
#include "host/display/display.h"
#include "host/input/input.h"
#include "tests/contract/pattern_client.h"
#include "tests/contract/plain_user.h"
#include "tools/pattern/strip.h"

#define KEEP	   16
#define PATIENT_MS 20000

static const struct pf_mode hd = { 1280, 720, 60000 };

/* Takes frames on the capture thread and keeps up to `hold` of them. */
struct sink {
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned count, hold, held, errors;
	struct pf_frame *frames[KEEP];
	/* Of the newest frame. */
	uint32_t width, height, number;
	uint64_t seq, capture_ns, clock, arrived_unix_ns;
	unsigned damage_count;
	struct pf_rect damage[PF_FRAME_DAMAGE];
	int error;
};

static uint64_t read_row(const struct pf_frame *f, int y, int height, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bits; i++) {
		const uint8_t *p = f->planes[0] + (size_t)(y + height / 2) * f->strides[0] +
				   (i * PF_STRIP_BLOCK + PF_STRIP_BLOCK / 2) * 4;

		value |= (uint64_t)(p[1] > 127) << i;
	}
	return value;
}

static void take(void *user, struct pf_frame *f)
{
	struct sink *s = user;

	pthread_mutex_lock(&s->lock);
	s->count++;
	s->width = f->width;
	s->height = f->height;
	s->seq = f->seq;
	s->capture_ns = f->capture_ns;
	s->damage_count = f->damage_count;
	memcpy(s->damage, f->damage, sizeof(s->damage));
	if (f->kind == PF_MEM_CPU && f->width >= PF_STRIP_WIDTH && f->height >= PF_STRIP_HEIGHT) {
		s->clock = read_row(f, PF_STRIP_CLOCK_Y, PF_STRIP_BLOCK, PF_STRIP_CLOCK_BITS);
		s->number = (uint32_t)read_row(
			f, PF_STRIP_NUMBER_Y, PF_STRIP_NUMBER_HEIGHT, PF_STRIP_NUMBER_BITS);
		s->arrived_unix_ns = pf_clock_unix_ns();
	}
	if (s->held < s->hold)
		s->frames[s->held++] = f;
	else
		pf_frame_unref(&f);
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static void broke(void *user, int err, const char *text)
{
	struct sink *s = user;

	pthread_mutex_lock(&s->lock);
	s->errors++;
	s->error = err;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

static void sink_init(struct sink *s, unsigned hold)
{
	memset(s, 0, sizeof(*s));
	s->hold = hold;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->news, NULL);
}

/* Waits until `done(s)`, at most `ms`; says whether it came true. */
static bool await(
	struct sink *s, bool (*done)(const struct sink *s, uint64_t arg), uint64_t arg, unsigned ms)
{
	struct timespec until;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	while (!(ok = done(s, arg)))
		if (pthread_cond_timedwait(&s->news, &s->lock, &until))
			break;
	ok = done(s, arg);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool has_count(const struct sink *s, uint64_t n)
{
	return s->count >= n;
}

static bool has_error(const struct sink *s, uint64_t n)
{
	return s->errors >= n;
}

static bool has_width(const struct sink *s, uint64_t w)
{
	return s->width == w;
}

static unsigned count_of(struct sink *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->count;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void let_go(struct sink *s)
{
	for (;;) {
		struct pf_frame *f = NULL;

		pthread_mutex_lock(&s->lock);
		s->hold = 0;
		if (s->held)
			f = s->frames[--s->held];
		pthread_mutex_unlock(&s->lock);
		if (!f)
			return;
		pf_frame_unref(&f);
	}
}

/* A private sway with a capture on it, and perhaps the pattern client. */
struct stage {
	const struct pf_display_ops *display_ops;
	const struct pf_capture_ops *ops;
	struct pf_display *display;
	struct pf_capture *capture;
	struct pf_test_pattern client;
	struct sink sink;
	char *dir;
};

static void stage_up_cursor(
	struct stage *st, const struct pf_mode *mode, unsigned hold, bool cursor)
{
	struct pf_display_params params = { .mode = *mode };
	struct pf_reason why = { 0 };

	memset(st, 0, sizeof(*st));
	st->display_ops = pf_display_find("wlroots");
	st->ops = pf_capture_find("wlr-screencopy");
	if (!st->display_ops || !st->ops) {
		print_message("# skipped: built without wayland\n");
		skip();
	}
	if (st->display_ops->probe(&params, &why)) {
		print_message("# skipped: %s\n", why.text);
		skip();
	}
	st->dir = pf_test_subdir("desk-");
	params.runtime_dir = params.log_dir = st->dir;
	if (st->display_ops->open(&st->display, &params, &why))
		fail_msg("%s", why.text);
	sink_init(&st->sink, hold);
	if (st->ops->open(&st->capture,
		    &(struct pf_capture_params){
			    .source = st->display_ops->source(st->display),
			    .cursor = cursor,
			    .on_frame = take,
			    .on_error = broke,
			    .user = &st->sink,
		    },
		    &why))
		fail_msg("%s", why.text);
}

static void stage_up(struct stage *st, const struct pf_mode *mode, unsigned hold)
{
	stage_up_cursor(st, mode, hold, false);
}

static void start_pattern(struct stage *st, const char *mode, const char *content)
{
	const char *args[] = { "--mode", mode, "--content", content, NULL };

	pf_test_pattern_start(&st->client, st->display, st->dir, args);
}

static void stage_down(struct stage *st)
{
	pf_test_pattern_stop(&st->client);
	st->ops->close(st->capture);
	let_go(&st->sink);
	st->display_ops->close(st->display);
	pthread_mutex_destroy(&st->sink.lock);
	pthread_cond_destroy(&st->sink.news);
	free(st->dir);
}

static void pause_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static void the_first_picture_comes_at_once_and_then_only_on_request(void **state)
{
	struct stage st;
	struct pf_frame *f;
	unsigned before;

	stage_up(&st, &hd, 1);
	assert_true(await(&st.sink, has_count, 1, PATIENT_MS));
	f = st.sink.frames[0];
	assert_int_equal(f->kind, PF_MEM_CPU);
	assert_int_equal(f->format, PF_PIXEL_BGRX);
	assert_int_equal(f->width, 1280);
	assert_int_equal(f->height, 720);
	assert_true(f->strides[0] >= 1280 * 4);
	assert_int_equal(f->seq, 0);
	assert_int_equal(f->damage_count, 0);
	assert_true(f->capture_ns <= pf_clock_mono_ns());
	assert_true(pf_clock_mono_ns() - f->capture_ns < PATIENT_MS * PF_NS_PER_MS);
	/* sway draws its empty desktop once or twice at the start. */
	pause_ms(200);
	before = count_of(&st.sink);
	pause_ms(500);
	assert_int_equal(count_of(&st.sink), before);
	st.ops->refresh(st.capture);
	assert_true(await(&st.sink, has_count, before + 1, PATIENT_MS));
	pause_ms(200);
	assert_int_equal(count_of(&st.sink), before + 1);
	st.ops->refresh(st.capture);
	assert_true(await(&st.sink, has_count, before + 2, PATIENT_MS));
	stage_down(&st);
}

static bool has_clock(const struct sink *s, uint64_t arg)
{
	const uint64_t now = s->arrived_unix_ns / PF_STRIP_UNIT_NS;

	/* Drawn in the last 10 s: a real strip, not the empty desktop. */
	return s->arrived_unix_ns &&
	       ((now - s->clock) & ((1ull << PF_STRIP_CLOCK_BITS) - 1)) < 10 * PF_STRIP_UNITS_PER_S;
}

static void damage_brings_each_picture_with_its_place(void **state)
{
	struct stage st;
	uint32_t last;

	stage_up(&st, &hd, 0);
	start_pattern(&st, "isolated", "box");
	assert_true(await(&st.sink, has_clock, 0, PATIENT_MS));
	last = st.sink.number;
	for (int i = 0; i < 10; i++) {
		const unsigned n = count_of(&st.sink);
		unsigned rects;

		assert_true(await(&st.sink, has_count, n + 1, PATIENT_MS));
		pthread_mutex_lock(&st.sink.lock);
		rects = st.sink.damage_count;
		assert_true(st.sink.number >= last);
		last = st.sink.number;
		for (unsigned k = 0; k < rects; k++) {
			const struct pf_rect *r = &st.sink.damage[k];

			assert_true(r->x >= 0 && r->y >= 0 && r->w > 0 && r->h > 0);
			assert_true(r->x + r->w <= 1280 && r->y + r->h <= 720);
		}
		assert_true(rects > 0);
		pthread_mutex_unlock(&st.sink.lock);
	}
	stage_down(&st);
}

static uint32_t number_of(struct sink *s)
{
	uint32_t number;

	pthread_mutex_lock(&s->lock);
	number = s->number;
	pthread_mutex_unlock(&s->lock);
	return number;
}

static void an_animation_comes_whole_and_in_order(void **state)
{
	struct stage st;
	uint32_t drawn = 0;

	stage_up(&st, &hd, 0);
	start_pattern(&st, "animate", "box");
	assert_true(await(&st.sink, has_clock, 0, PATIENT_MS));
	/* Every drawn frame is seen. A loaded machine is late for some, so one
	 * round of many has to show it; a capture that skips by itself, as one that
	 * asks too late for its next frame does, never gets there. */
	for (int round = 0; round < 20 && (!drawn || drawn > 34); round++) {
		const unsigned frames = count_of(&st.sink);
		const uint32_t first = number_of(&st.sink);

		assert_true(await(&st.sink, has_count, frames + 30, PATIENT_MS));
		drawn = number_of(&st.sink) - first;
		assert_in_range(drawn, 26, UINT32_MAX / 2);
	}
	assert_true(drawn <= 34);
	stage_down(&st);
}

static void a_consumer_that_keeps_frames_starves_the_capture_only(void **state)
{
	struct stage st;
	unsigned stuck;

	stage_up(&st, &hd, KEEP);
	start_pattern(&st, "animate", "box");
	assert_true(await(&st.sink, has_count, 4, PATIENT_MS));
	pause_ms(500);
	stuck = count_of(&st.sink);
	assert_in_range(stuck, 4, KEEP - 1);
	pause_ms(200);
	assert_int_equal(count_of(&st.sink), stuck);
	assert_int_equal(st.sink.errors, 0);
	let_go(&st.sink);
	assert_true(await(&st.sink, has_count, stuck + 10, PATIENT_MS));
	stage_down(&st);
}

static void frames_outlive_the_capture(void **state)
{
	struct stage st;
	uint8_t sum = 0; /* read, so that ASan looks */

	stage_up(&st, &hd, 2);
	start_pattern(&st, "animate", "scroll");
	assert_true(await(&st.sink, has_count, 3, PATIENT_MS));
	pf_test_pattern_stop(&st.client);
	st.ops->close(st.capture);
	st.capture = NULL;
	for (unsigned i = 0; i < st.sink.held; i++) {
		const struct pf_frame *f = st.sink.frames[i];

		for (uint32_t y = 0; y < f->height; y++)
			sum ^= f->planes[0][(size_t)y * f->strides[0] + f->width * 4 - 1];
	}
	print_message("# checksum %02x of %u frames\n", sum, st.sink.held);
	assert_int_equal(st.sink.held, 2);
	stage_down(&st);
}

static void a_new_mode_changes_the_pictures(void **state)
{
	static const struct pf_mode modes[] = { { 1920, 1080, 60000 }, { 800, 600, 60000 },
		{ 2560, 1440, 120000 } };
	struct stage st;

	stage_up(&st, &hd, 0);
	start_pattern(&st, "animate", "box");
	assert_true(await(&st.sink, has_clock, 0, PATIENT_MS));
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		unsigned n;

		assert_int_equal(st.display_ops->set_mode(st.display, &modes[i], NULL), 0);
		assert_true(await(&st.sink, has_width, modes[i].width, PATIENT_MS));
		n = count_of(&st.sink);
		assert_true(await(&st.sink, has_count, n + 5, PATIENT_MS));
		assert_int_equal(st.sink.height, modes[i].height);
	}
	assert_int_equal(st.sink.errors, 0);
	stage_down(&st);
}

/* Pixels near the middle that are not the desktop's. */
static unsigned pixels_at_pointer(const struct pf_frame *f)
{
	const uint8_t *corner = f->planes[0];
	unsigned n = 0;

	for (uint32_t y = 340; y < 400; y++)
		for (uint32_t x = 620; x < 680; x++)
			n += memcmp(f->planes[0] + (size_t)y * f->strides[0] + x * 4, corner, 3) !=
			     0;
	return n;
}

/* The other way round has no test: headless outputs of wlroots 0.15 have no
 * cursor plane, the pointer is in every picture. */
static void the_pointer_is_drawn_if_asked(void **state)
{
	const struct pf_input_event middle = {
		.kind = 3, .x = 640, .y = 360, .flags = 1280u << 16 | 720
	};
	const struct pf_input_ops *ops = pf_input_for(PF_INPUT_WAYLAND);
	struct pf_input_params params = { 0 };
	struct pf_input *in = NULL;
	struct stage st;
	unsigned drawn = 0;

	stage_up_cursor(&st, &hd, 0, true);
	params.target = st.display_ops->input_target(st.display);
	assert_int_equal(ops->open(&in, &params, NULL), 0);
	assert_int_equal(ops->post(in, &middle), 0);
	/* The pointer's way through sway has no answer to wait for. */
	for (int i = 0; i < 200 && !drawn; i++) {
		unsigned before;

		pause_ms(20);
		pthread_mutex_lock(&st.sink.lock);
		before = st.sink.count;
		st.sink.hold = 1;
		pthread_mutex_unlock(&st.sink.lock);
		st.ops->refresh(st.capture);
		assert_true(await(&st.sink, has_count, before + 1, PATIENT_MS));
		drawn = pixels_at_pointer(st.sink.frames[0]);
		let_go(&st.sink);
	}
	assert_true(drawn > 0);
	ops->close(in);
	stage_down(&st);
}

static void the_end_of_the_compositor_is_told_once(void **state)
{
	struct stage st;

	stage_up(&st, &hd, 0);
	assert_true(await(&st.sink, has_count, 1, PATIENT_MS));
	st.display_ops->close(st.display);
	st.display = NULL;
	assert_true(await(&st.sink, has_error, 1, PATIENT_MS));
	assert_true(st.sink.error < 0);
	st.ops->refresh(st.capture);
	pause_ms(50);
	assert_int_equal(st.sink.errors, 1);
	stage_down(&st);
}

static void wrong_sources_are_refused_with_words(void **state)
{
	struct stage st;
	struct pf_source s;
	struct pf_capture_params params = { .source = &s, .on_frame = take, .on_error = broke };
	struct pf_capture *c = NULL;
	struct pf_reason why = { 0 };

	stage_up(&st, &hd, 0);
	s = *st.display_ops->source(st.display);
	s.output_name = "NONE-7";
	assert_int_equal(st.ops->open(&c, &params, &why), -ENODEV);
	assert_true(why.text[0]);
	s = *st.display_ops->source(st.display);
	s.wayland_socket = "/nonexistent/wayland-1";
	assert_int_equal(st.ops->open(&c, &params, &why), -ENOENT);
	assert_non_null(strstr(why.text, "/nonexistent"));
	s.kind = PF_SOURCE_NONE;
	assert_int_equal(st.ops->open(&c, &params, &why), -EINVAL);
	assert_null(c);
	st.ops->close(NULL);
	stage_down(&st);
}

int main(void)
{
	static const char *const tools[] = { PF_TEST_PATTERN, NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_picture_comes_at_once_and_then_only_on_request),
		cmocka_unit_test(damage_brings_each_picture_with_its_place),
		cmocka_unit_test(an_animation_comes_whole_and_in_order),
		cmocka_unit_test(a_consumer_that_keeps_frames_starves_the_capture_only),
		cmocka_unit_test(frames_outlive_the_capture),
		cmocka_unit_test(a_new_mode_changes_the_pictures),
		cmocka_unit_test(the_pointer_is_drawn_if_asked),
		cmocka_unit_test(the_end_of_the_compositor_is_told_once),
		cmocka_unit_test(wrong_sources_are_refused_with_words),
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
