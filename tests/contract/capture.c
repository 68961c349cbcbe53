/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What every capture owes, asked of those that need no compositor; then the
 * pictures of `pattern` and the faults of `null`. */
#include "host/capture/capture.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/base/clock.h"
#include "tools/pattern/strip.h"

#define KEEP 64

/* Collects frames; gives each back at once unless told to keep them. */
struct sink {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct pf_frame *kept[KEEP];
	unsigned count; /* frames that came */
	unsigned keep;	/* how many of them to hold */
	unsigned errors;
	int error;
};

static void on_frame(void *user, struct pf_frame *f)
{
	struct sink *s = user;

	pthread_mutex_lock(&s->lock);
	if (s->count < s->keep)
		s->kept[s->count] = f;
	else
		pf_frame_unref(&f);
	s->count++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void on_error(void *user, int err, const char *text)
{
	struct sink *s = user;

	assert_true(text && text[0]);
	pthread_mutex_lock(&s->lock);
	s->errors++;
	s->error = err;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void sink_init(struct sink *s, unsigned keep)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->keep = keep;
}

static void sink_finish(struct sink *s)
{
	for (unsigned i = 0; i < KEEP; i++)
		pf_frame_unref(&s->kept[i]);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
}

/* Waits until `count` frames came or an error did; false after `ms`. */
static bool sink_wait(struct sink *s, unsigned count, unsigned ms)
{
	struct timespec until;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000l;
	if (until.tv_nsec >= 1000000000l) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000l;
	}
	pthread_mutex_lock(&s->lock);
	while (s->count < count && !s->errors)
		if (pthread_cond_timedwait(&s->changed, &s->lock, &until))
			break;
	ok = s->count >= count;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static struct pf_source source_for(const char *name, const char *options)
{
	return (struct pf_source){ .kind = !strcmp(name, "null") ? PF_SOURCE_NONE
								 : PF_SOURCE_PATTERN,
		.pipewire_fd = -1,
		.mode = { 640, 360, 120000 },
		.options = options };
}

static struct pf_capture *open_or_fail(const char *name, const char *options, struct sink *s)
{
	struct pf_source source = source_for(name, options);
	struct pf_capture_params params = {
		.source = &source, .on_frame = on_frame, .on_error = on_error, .user = s
	};
	struct pf_capture *c = NULL;
	struct pf_reason why = { 0 };

	if (pf_capture_find(name)->open(&c, &params, &why))
		fail_msg("%s: %s", name, why.text);
	return c;
}

static void check_frame(const struct pf_frame *f)
{
	assert_int_equal(atomic_load(&f->refs), 1);
	assert_int_equal(f->kind, PF_MEM_CPU);
	assert_int_equal(f->format, PF_PIXEL_BGRX);
	assert_int_equal(f->width, 640);
	assert_int_equal(f->height, 360);
	assert_true(f->strides[0] >= 4 * 640);
	assert_non_null(f->planes[0]);
	assert_int_equal(f->acquire_fence, -1);
	assert_true(f->damage_count <= PF_FRAME_DAMAGE);
	assert_true(f->capture_ns <= pf_clock_mono_ns());
}

static void keeps_the_contract(const char *name)
{
	const struct pf_capture_ops *ops = pf_capture_find(name);
	struct pf_source odd = source_for(name, NULL);
	struct pf_capture_params params = { .source = &odd };
	struct pf_capture *c = (void *)name;
	struct pf_reason why = { 0 };
	struct sink s;
	unsigned before;

	assert_non_null(ops);
	assert_true(ops->memory == PF_MEM_CPU);
	ops->close(NULL);
	odd.mode.width = 0;
	assert_int_equal(ops->open(&c, &params, &why), -EINVAL);
	assert_ptr_equal(c, name);
	assert_true(why.text[0]);

	/* All pictures out: it waits instead of taking more memory. */
	sink_init(&s, KEEP);
	c = open_or_fail(name, NULL, &s);
	assert_ptr_equal(c->ops, ops);
	assert_true(sink_wait(&s, 3, 5000));
	usleep(200000);
	pthread_mutex_lock(&s.lock);
	before = s.count;
	assert_true(before >= 3 && before <= 16);
	for (unsigned i = 0; i < before; i++) {
		check_frame(s.kept[i]);
		if (i) {
			assert_true(s.kept[i]->seq > s.kept[i - 1]->seq);
			assert_true(s.kept[i]->capture_ns > s.kept[i - 1]->capture_ns);
		}
	}
	for (unsigned i = 0; i + 1 < before; i++)
		pf_frame_unref(&s.kept[i]);
	pthread_mutex_unlock(&s.lock);

	/* They flow again, the gap shows in seq; a frame outlives its capture. */
	assert_true(sink_wait(&s, before + 2, 5000));
	assert_true(s.kept[before]->seq > s.kept[before - 1]->seq + 1);
	ops->close(c);
	before = s.count;
	for (unsigned i = 0; i < KEEP; i++)
		if (s.kept[i])
			memset(s.kept[i]->planes[0], 1, 4 * 640);
	usleep(50000);
	assert_int_equal(s.count, before);
	assert_int_equal(s.errors, 0);
	sink_finish(&s);
}

static void test_pattern_contract(void **state)
{
	keeps_the_contract("pattern");
}

static void test_null_contract(void **state)
{
	keeps_the_contract("null");
}

static void fails_at(const char *name)
{
	struct pf_capture *c;
	struct sink s;

	sink_init(&s, 0);
	c = open_or_fail(name, "fail-at=3", &s);
	assert_false(sink_wait(&s, 100, 5000));
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.error, -EIO);
	assert_int_equal(s.count, 3);
	c->ops->refresh(c);
	usleep(50000);
	c->ops->close(c);
	assert_int_equal(s.errors, 1);
	assert_int_equal(s.count, 3);
	sink_finish(&s);
}

static void test_fail_at(void **state)
{
	fails_at("pattern");
	fails_at("null");
}

static void test_refresh(void **state)
{
	static const char *const cases[][2] = { { "pattern", "scene=still" },
		{ "null", "frames=1" } };

	for (unsigned i = 0; i < 2; i++) {
		struct pf_capture *c;
		struct sink s;

		sink_init(&s, 2);
		c = open_or_fail(cases[i][0], cases[i][1], &s);
		assert_true(sink_wait(&s, 1, 5000));
		assert_false(sink_wait(&s, 2, 100));
		c->ops->refresh(c);
		assert_true(sink_wait(&s, 2, 5000));
		assert_int_equal(s.kept[1]->damage_count, 0);
		c->ops->close(c);
		sink_finish(&s);
	}
}

static uint64_t read_bits(const struct pf_frame *f, uint32_t y, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bits; i++) {
		const uint8_t *p = f->planes[0] + (size_t)y * f->strides[0] +
				   4 * (size_t)(i * PF_STRIP_BLOCK + PF_STRIP_BLOCK / 2);

		assert_true((p[0] == 0 || p[0] == 255) && p[1] == p[0] && p[2] == p[0]);
		value |= (uint64_t)(p[0] == 255) << i;
	}
	return value;
}

static void check_strip(const char *scene)
{
	uint64_t last = 0;
	struct pf_capture *c;
	struct sink s;

	sink_init(&s, 4);
	c = open_or_fail("pattern", scene, &s);
	assert_true(sink_wait(&s, 4, 5000));
	c->ops->close(c);
	for (unsigned i = 0; i < 4; i++) {
		const struct pf_frame *f = s.kept[i];
		uint64_t clock = read_bits(f, 8, PF_STRIP_CLOCK_BITS);
		uint64_t now =
			pf_clock_unix_ns() / PF_STRIP_UNIT_NS % (1ull << PF_STRIP_CLOCK_BITS);

		assert_int_equal(
			read_bits(f, PF_STRIP_NUMBER_Y + 16, PF_STRIP_NUMBER_BITS), f->seq);
		assert_true(
			clock > last && clock <= now && now - clock < 20 * PF_STRIP_UNITS_PER_S);
		last = clock;
	}
	sink_finish(&s);
}

/* What one capture draws, the other tools read: the strip of docs/clock-strip.md. */
static void test_strip(void **state)
{
	check_strip("scene=box");
	check_strip("scene=scroll");
	check_strip("scene=noise");
	check_strip("scene=isolated");
}

/* The strip as a whole is that of tools/pattern, pixel for pixel. */
static void test_strip_drawing(void **state)
{
	uint32_t *want = calloc(PF_STRIP_WIDTH * PF_STRIP_HEIGHT, 4);
	struct pf_capture *c;
	struct sink s;

	sink_init(&s, 1);
	c = open_or_fail("pattern", "scene=still", &s);
	assert_true(sink_wait(&s, 1, 5000));
	c->ops->close(c);
	pf_strip_draw(want, PF_STRIP_WIDTH,
		read_bits(s.kept[0], 8, PF_STRIP_CLOCK_BITS) * PF_STRIP_UNIT_NS, 0);
	for (unsigned y = 0; y < PF_STRIP_HEIGHT; y++)
		assert_memory_equal(s.kept[0]->planes[0] + (size_t)y * s.kept[0]->strides[0],
			want + (size_t)y * PF_STRIP_WIDTH,
			4 * PF_STRIP_BLOCK *
				(y < PF_STRIP_NUMBER_Y ? PF_STRIP_CLOCK_BITS
						       : PF_STRIP_NUMBER_BITS));
	free(want);
	sink_finish(&s);
}

static bool damaged(const struct pf_frame *f, int32_t x, int32_t y)
{
	for (unsigned i = 0; i < f->damage_count; i++) {
		const struct pf_rect *r = &f->damage[i];

		if (x >= r->x && x < r->x + r->w && y >= r->y && y < r->y + r->h)
			return true;
	}
	return !f->damage_count;
}

/* A pixel outside the damage is the one of the picture before. */
static void test_damage_is_true(void **state)
{
	static const char *const scenes[] = { "scene=box", "scene=isolated", "scene=scroll" };

	for (unsigned n = 0; n < 3; n++) {
		uint8_t *before = malloc(4 * 640 * 360);
		struct pf_capture *c;
		unsigned changed = 0;
		struct sink s;

		/* As many at a time as the pool has, several rounds. */
		sink_init(&s, KEEP);
		c = open_or_fail("pattern", scenes[n], &s);
		for (unsigned i = 0; i < 14; i++) {
			struct pf_frame *f;

			assert_true(sink_wait(&s, i + 1, 5000));
			pthread_mutex_lock(&s.lock);
			f = s.kept[i];
			s.kept[i] = NULL;
			pthread_mutex_unlock(&s.lock);
			for (int32_t y = 0; y < 360; y++)
				for (int32_t x = 0; x < 640; x++) {
					const uint8_t *now = f->planes[0] +
							     (size_t)y * f->strides[0] +
							     4 * (size_t)x;
					uint8_t *was = before + 4 * (size_t)(y * 640 + x);

					if (i && memcmp(now, was, 4)) {
						changed++;
						assert_true(damaged(f, x, y));
					}
					memcpy(was, now, 4);
				}
			pf_frame_unref(&f);
		}
		assert_true(changed > 0);
		c->ops->close(c);
		sink_finish(&s);
		free(before);
	}
}

static void test_isolated_gaps(void **state)
{
	struct pf_capture *c;
	struct sink s;

	sink_init(&s, 5);
	c = open_or_fail("pattern", "scene=isolated,seed=7", &s);
	assert_true(sink_wait(&s, 5, 10000));
	c->ops->close(c);
	for (unsigned i = 1; i < 5; i++)
		assert_true(s.kept[i]->capture_ns - s.kept[i - 1]->capture_ns >= 38 * PF_NS_PER_MS);
	sink_finish(&s);
}

/* A picture too small for the strip carries none, but is drawn. */
static void test_small(void **state)
{
	struct pf_source source = source_for("pattern", NULL);
	struct pf_capture_params params = {
		.source = &source, .on_frame = on_frame, .on_error = on_error
	};
	struct pf_capture *c = NULL;
	struct sink s;

	source.mode.width = 64;
	source.mode.height = 32;
	sink_init(&s, 3);
	params.user = &s;
	assert_int_equal(pf_capture_find("pattern")->open(&c, &params, NULL), 0);
	assert_true(sink_wait(&s, 3, 5000));
	c->ops->close(c);
	assert_int_equal(s.kept[2]->width, 64);
	sink_finish(&s);
}

static void test_null_knobs(void **state)
{
	struct pf_source source = source_for("null", "fail-open=1");
	struct pf_capture_params params = { .source = &source };
	struct pf_capture *c = NULL;
	struct pf_reason why = { 0 };
	struct sink s;
	char byte;

	assert_int_equal(pf_capture_find("null")->open(&c, &params, &why), -EIO);
	assert_null(c);
	sink_init(&s, 2);
	c = open_or_fail("null", "dmabuf=1,frames=2", &s);
	assert_true(sink_wait(&s, 2, 5000));
	assert_false(sink_wait(&s, 3, 100));
	assert_int_equal(s.kept[0]->kind, PF_MEM_DMABUF);
	assert_null(s.kept[0]->planes[0]);
	assert_int_equal(pread(s.kept[0]->fds[0], &byte, 1, 4 * 640 * 360 - 1), 1);
	c->ops->close(c);
	sink_finish(&s);
}

static void test_registry(void **state)
{
	for (unsigned i = 0; pf_capture_backends()[i]; i++)
		assert_ptr_equal(
			pf_capture_find(pf_capture_backends()[i]->name), pf_capture_backends()[i]);
	assert_string_equal(pf_capture_for(PF_SOURCE_PATTERN)->name, "pattern");
	assert_string_equal(pf_capture_for(PF_SOURCE_NONE)->name, "null");
	assert_null(pf_capture_find("nonsense"));
	assert_null(pf_capture_for(PF_SOURCE_PIPEWIRE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern_contract),
		cmocka_unit_test(test_null_contract),
		cmocka_unit_test(test_fail_at),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_strip_drawing),
		cmocka_unit_test(test_damage_is_true),
		cmocka_unit_test(test_isolated_gaps),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_null_knobs),
		cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
