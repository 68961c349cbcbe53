/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two clipboards on a real compositor: one is the host's, the other plays a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "core/base/clock.h"
#include "host/clipboard/clipboard.h"
#include "host/display/display.h"
#include "pf_config.h"
#include "tests/contract/plain_user.h"

#define PATIENCE_S 20
#define PLAIN	   "text/plain;charset=utf-8"

/* What one of them saw. */
struct side {
	struct pf_clipboard *board;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned states, selections, wanted, reads;
	bool up;
	struct pf_reason why;
	uint32_t serial, gift;
	struct pf_clip_local local;
	char name[PF_CLIP_LOCAL_NAME];
	int result;
	uint8_t *data;
	size_t len;
};

static void bump(struct side *s, unsigned *counter)
{
	++*counter;
	pthread_cond_broadcast(&s->changed);
}

static void await(struct side *s, const unsigned *counter, unsigned want)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&s->lock);
	while (*counter < want)
		assert_int_equal(pthread_cond_timedwait(&s->changed, &s->lock, &end), 0);
	pthread_mutex_unlock(&s->lock);
}

static void on_state(void *user, const struct pf_reason *why)
{
	struct side *s = user;

	pthread_mutex_lock(&s->lock);
	s->up = !why;
	if (why)
		s->why = *why;
	bump(s, &s->states);
	pthread_mutex_unlock(&s->lock);
}

static void on_selection(void *user, uint32_t serial, const struct pf_clip_local *l)
{
	struct side *s = user;

	pthread_mutex_lock(&s->lock);
	s->serial = serial;
	s->local = *l;
	bump(s, &s->selections);
	pthread_mutex_unlock(&s->lock);
}

static void on_wanted(void *user, uint32_t gift, const char *name)
{
	struct side *s = user;

	pthread_mutex_lock(&s->lock);
	s->gift = gift;
	snprintf(s->name, sizeof(s->name), "%s", name);
	bump(s, &s->wanted);
	pthread_mutex_unlock(&s->lock);
}

static void on_read(void *user, uint32_t id, int result, uint8_t *data, size_t len)
{
	struct side *s = user;

	pthread_mutex_lock(&s->lock);
	free(s->data);
	s->result = result;
	s->data = data;
	s->len = len;
	bump(s, &s->reads);
	pthread_mutex_unlock(&s->lock);
}

static const struct pf_clipboard_events events = {
	.state = on_state,
	.selection = on_selection,
	.wanted = on_wanted,
	.read = on_read,
};

static void side_open(struct side *s, const char *socket)
{
	struct pf_reason why = { 0 };

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (pf_clipboard_open(&s->board, socket, &events, s, &why))
		fail_msg("%s", why.text);
	await(s, &s->states, 1);
}

static void side_close(struct side *s)
{
	pf_clipboard_close(s->board);
	free(s->data);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

struct stage {
	const struct pf_display_ops *ops;
	struct pf_display *display;
	char *dir;
	struct side host, program;
};

static void stage_up(struct stage *st)
{
	struct pf_display_params params = { .mode = { 640, 480, 30000 } };
	struct pf_reason why = { 0 };
	const char *socket;

	memset(st, 0, sizeof(*st));
	st->ops = pf_display_find("wlroots");
	if (!st->ops || st->ops->probe(&params, &why)) {
		print_message("# skipped: %s\n", st->ops ? why.text : "a build without Wayland");
		skip();
	}
	st->dir = pf_test_subdir("desk-");
	params.runtime_dir = params.log_dir = st->dir;
	if (st->ops->open(&st->display, &params, &why))
		fail_msg("%s", why.text);
	socket = st->ops->source(st->display)->wayland_socket;
	side_open(&st->host, socket);
	side_open(&st->program, socket);
	if (!st->host.up)
		fail_msg("%s", st->host.why.text);
	/* Both hear of the empty clipboard first. */
	await(&st->host, &st->host.selections, 1);
	await(&st->program, &st->program.selections, 1);
	assert_int_equal(st->host.local.count, 0);
}

static void stage_down(struct stage *st)
{
	side_close(&st->program);
	side_close(&st->host);
	st->ops->close(st->display);
	free(st->dir);
}

static void offer(struct side *s, unsigned count, const char *const names[])
{
	struct pf_clip_local l = { .count = count };

	for (unsigned i = 0; i < count; i++)
		snprintf(l.names[i], sizeof(l.names[i]), "%s", names[i]);
	pf_clipboard_offer(s->board, &l);
}

static bool has(const struct pf_clip_local *l, const char *name)
{
	for (unsigned i = 0; i < l->count; i++)
		if (!strcmp(l->names[i], name))
			return true;
	return false;
}

static uint8_t *bulk(size_t len)
{
	uint8_t *p = malloc(len);

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 31 + (i >> 9));
	return p;
}

static void data_goes_from_one_to_the_other(void **state)
{
	static const char *const names[] = { PLAIN, "image/png" };
	enum { LARGE = 2 * 1024 * 1024 };
	uint8_t *want = bulk(LARGE);
	struct stage st;

	stage_up(&st);
	offer(&st.program, 2, names);
	await(&st.host, &st.host.selections, 2);
	assert_true(has(&st.host.local, PLAIN) && has(&st.host.local, "image/png"));
	/* Who offers does not hear of it. */
	assert_int_equal(st.program.selections, 1);

	pf_clipboard_read(st.host.board, 1, st.host.serial, "image/png");
	await(&st.program, &st.program.wanted, 1);
	assert_string_equal(st.program.name, "image/png");
	pf_clipboard_give(st.program.board, st.program.gift, bulk(LARGE), LARGE);
	await(&st.host, &st.host.reads, 1);
	assert_int_equal(st.host.result, 0);
	assert_int_equal(st.host.len, LARGE);
	assert_memory_equal(st.host.data, want, LARGE);

	/* Nothing to give reads as nothing. */
	pf_clipboard_read(st.host.board, 2, st.host.serial, PLAIN);
	await(&st.program, &st.program.wanted, 2);
	pf_clipboard_give(st.program.board, st.program.gift, NULL, 0);
	await(&st.host, &st.host.reads, 2);
	assert_int_equal(st.host.result, 0);
	assert_int_equal(st.host.len, 0);
	free(want);
	stage_down(&st);
}

static void a_password_is_not_for_the_wire(void **state)
{
	static const char *const names[] = { PLAIN, "x-kde-passwordManagerHint" };
	struct pf_clip_offer o;
	struct stage st;

	stage_up(&st);
	offer(&st.program, 2, names);
	await(&st.host, &st.host.selections, 2);
	assert_true(has(&st.host.local, PLAIN) && has(&st.host.local, names[1]));
	pf_clip_to_wire(&o, &st.host.local, true);
	assert_int_equal(o.count, 0);
	/* The same without the hint is. */
	offer(&st.program, 1, names);
	await(&st.host, &st.host.selections, 3);
	pf_clip_to_wire(&o, &st.host.local, true);
	assert_int_equal(o.count, 1);
	stage_down(&st);
}

static void of_a_flood_the_newest_offer_counts(void **state)
{
	static const char *const text[] = { PLAIN }, *const last[] = { "image/gif" };
	bool there = false;
	struct stage st;

	stage_up(&st);
	for (unsigned i = 0; i < 2000; i++)
		offer(&st.program, 1, text);
	offer(&st.program, 1, last);
	for (unsigned n = 2; !there; n++) {
		await(&st.host, &st.host.selections, n);
		pthread_mutex_lock(&st.host.lock);
		there = has(&st.host.local, last[0]);
		pthread_mutex_unlock(&st.host.lock);
	}
	stage_down(&st);
}

static void who_takes_it_ends_the_others_offer(void **state)
{
	static const char *const names[] = { PLAIN };
	uint32_t before;
	struct stage st;

	stage_up(&st);
	offer(&st.program, 1, names);
	await(&st.host, &st.host.selections, 2);
	before = st.host.serial;
	offer(&st.host, 1, names);
	await(&st.program, &st.program.selections, 2);
	assert_true(has(&st.program.local, PLAIN));
	/* Our own is none that we could read. */
	pf_clipboard_read(st.host.board, 7, before, PLAIN);
	await(&st.host, &st.host.reads, 1);
	assert_int_equal(st.host.result, -ESTALE);
	/* Given back, it is empty for all. */
	offer(&st.host, 0, NULL);
	await(&st.program, &st.program.selections, 3);
	assert_int_equal(st.program.local.count, 0);
	await(&st.host, &st.host.selections, 3);
	assert_int_equal(st.host.local.count, 0);
	stage_down(&st);
}

static int result_of(struct side *s)
{
	int result;

	pthread_mutex_lock(&s->lock);
	result = s->result;
	pthread_mutex_unlock(&s->lock);
	return result;
}

static void a_read_can_be_given_up(void **state)
{
	static const char *const names[] = { PLAIN };
	struct stage st;

	stage_up(&st);
	offer(&st.program, 1, names);
	await(&st.host, &st.host.selections, 2);
	for (unsigned i = 0; i < PF_CLIPBOARD_READS; i++)
		pf_clipboard_read(st.host.board, 10 + i, st.host.serial, PLAIN);
	await(&st.program, &st.program.wanted, PF_CLIPBOARD_READS);
	/* As many as may be wait already. */
	pf_clipboard_read(st.host.board, 20, st.host.serial, PLAIN);
	await(&st.host, &st.host.reads, 1);
	assert_int_equal(result_of(&st.host), -EBUSY);
	pf_clipboard_cancel(st.host.board, 11);
	await(&st.host, &st.host.reads, 2);
	assert_int_equal(result_of(&st.host), -ECANCELED);
	/* The program writes into a pipe that nobody reads: its affair alone. */
	pf_clipboard_give(st.program.board, 2, bulk(300000), 300000);
	pf_clipboard_give(st.program.board, 1, bulk(5), 5);
	await(&st.host, &st.host.reads, 3);
	assert_int_equal(result_of(&st.host), 0);
	stage_down(&st);
}

static void a_compositor_that_goes_is_told(void **state)
{
	struct stage st;

	stage_up(&st);
	st.ops->close(st.display);
	st.display = NULL;
	await(&st.host, &st.host.states, 2);
	assert_false(st.host.up);
	/* Calls do no harm. */
	offer(&st.host, 0, NULL);
	pf_clipboard_read(st.host.board, 1, 1, PLAIN);
	stage_down(&st);
}

static void no_compositor_is_told(void **state)
{
	struct side s;

	side_open(&s, "/nonexistent/wayland-0");
	assert_false(s.up);
	assert_true(s.why.code < 0 && *s.why.text);
	side_close(&s);
}

int main(void)
{
	static const char *const tools[] = { NULL };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_goes_from_one_to_the_other),
		cmocka_unit_test(a_password_is_not_for_the_wire),
		cmocka_unit_test(of_a_flood_the_newest_offer_counts),
		cmocka_unit_test(who_takes_it_ends_the_others_offer),
		cmocka_unit_test(a_read_can_be_given_up),
		cmocka_unit_test(a_compositor_that_goes_is_told),
		cmocka_unit_test(no_compositor_is_told),
	};

	pf_test_become_user(tools);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
