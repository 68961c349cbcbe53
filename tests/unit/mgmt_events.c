/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host/mgmt/events.h"

#define TEXT_BYTES (1u << 20)

struct bed {
	struct pf_events *e;
	char *text;
};

static int set_up(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->text = malloc(TEXT_BYTES);
	assert_non_null(b->text);
	assert_int_equal(pf_events_create(&b->e), 0);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bed *b = *state;

	pf_events_destroy(b->e);
	free(b->text);
	free(b);
	return 0;
}

/* All that waits for the reader, in pieces of `piece` bytes. */
static const char *drain(struct bed *b, struct pf_event_reader *r, size_t piece)
{
	size_t len = 0, n;

	while ((n = pf_event_read(r, b->e, b->text + len, piece))) {
		len += n;
		assert_true(len + piece < TEXT_BYTES);
	}
	b->text[len] = 0;
	return b->text;
}

static void topics_have_names(void **state)
{
	uint32_t bits = 77;

	assert_true(pf_topics_parse(&bits, "session"));
	assert_int_equal(bits, 1u << PF_TOPIC_SESSION);
	assert_true(pf_topics_parse(&bits, "live,log,live"));
	assert_int_equal(bits, 1u << PF_TOPIC_LIVE | 1u << PF_TOPIC_LOG);
	for (size_t i = 0; i < 6; i++) {
		static const char *const bad[] = { "", ",", "session,", "sessions", "Live", "*" };

		assert_false(pf_topics_parse(&bits, bad[i]));
	}
	assert_int_equal(bits, 1u << PF_TOPIC_LIVE | 1u << PF_TOPIC_LOG);
}

static void a_reader_gets_what_it_wants_once(void **state)
{
	struct bed *b = *state;
	struct pf_event_reader all, some;
	char want[512];
	uint64_t before = pf_events_newest(b->e), first, last;

	assert_int_equal(pf_event_reader_init(&all, b->e, PF_TOPICS_ALL, 0), 0);
	assert_int_equal(pf_event_reader_init(&some, b->e, 1u << PF_TOPIC_LIVE, 0), 0);
	snprintf(want, sizeof(want), "retry: 2000\nid: %llu\n\n", (unsigned long long)before);
	assert_string_equal(drain(b, &all, 4096), want);
	assert_string_equal(drain(b, &some, 1), want);
	first = pf_events_publish(b->e, "session.started", json_pack("{s:i}", "id", 7));
	assert_true(first > before);
	last = pf_events_publish(b->e, "live", NULL);
	assert_true(last > first);
	assert_int_equal(pf_events_publish(b->e, "weather.changed", json_object()), 0);
	snprintf(want, sizeof(want),
		"id: %llu\nevent: session.started\ndata: {\"id\":7}\n\n"
		"id: %llu\nevent: live\ndata: {}\n\n",
		(unsigned long long)first, (unsigned long long)last);
	assert_string_equal(drain(b, &all, 3), want);
	assert_string_equal(drain(b, &all, 3), "");
	assert_string_equal(drain(b, &some, 4096), strstr(want, "live") - strlen("id: ") - 21);
	pf_event_reader_finish(&all, b->e);
	pf_event_reader_finish(&some, b->e);
}

/* The number at the start of the events in b->text; counts them in *count. */
static uint64_t last_id(const struct bed *b, const char *name, unsigned *count)
{
	unsigned long long id = 0, newest = 0;
	const char *p = b->text;
	char kind[32];

	*count = 0;
	for (; *p; p = strstr(p, "\n\n") + 2) {
		if (sscanf(p, "id: %llu\nevent: %31s\n", &id, kind) != 2)
			continue;
		assert_string_equal(kind, name);
		assert_true(id > newest);
		newest = id;
		++*count;
	}
	return newest;
}

static void a_reader_resumes_behind_its_last(void **state)
{
	struct bed *b = *state;
	struct pf_event_reader r;
	uint64_t ids[10];
	unsigned count;

	for (int i = 0; i < 10; i++)
		ids[i] = pf_events_publish(b->e, "clients.changed", NULL);
	assert_int_equal(pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, ids[6]), 0);
	drain(b, &r, 4096);
	assert_int_equal(last_id(b, "clients.changed", &count), ids[9]);
	assert_int_equal(count, 3);
	pf_event_reader_finish(&r, b->e);
	/* Nothing was missed, and nothing is told twice. */
	assert_int_equal(pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, ids[9]), 0);
	drain(b, &r, 4096);
	assert_int_equal(last_id(b, "", &count), 0);
	pf_event_reader_finish(&r, b->e);
}

static void who_missed_some_is_told_to_reset(void **state)
{
	struct bed *b = *state;
	const uint64_t old = pf_events_newest(b->e) - 1;
	struct pf_event_reader r;
	uint64_t id, first;
	unsigned count;

	/* Of the process before, or made up. */
	for (int i = 0; i < 2; i++) {
		id = pf_events_publish(b->e, "apps.changed", NULL);
		assert_int_equal(
			pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, i ? UINT64_MAX : old), 0);
		drain(b, &r, 4096);
		assert_int_equal(last_id(b, "reset", &count), id);
		assert_int_equal(count, 1);
		/* After it all is as ever. */
		id = pf_events_publish(b->e, "apps.changed", NULL);
		drain(b, &r, 4096);
		assert_int_equal(last_id(b, "apps.changed", &count), id);
		assert_int_equal(count, 1);
		pf_event_reader_finish(&r, b->e);
	}
	/* One that reads too slowly. */
	assert_int_equal(pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, 0), 0);
	drain(b, &r, 4096);
	first = pf_events_newest(b->e);
	for (unsigned i = 0; i <= PF_EVENTS_COUNT; i++)
		id = pf_events_publish(b->e, "apps.changed", NULL);
	drain(b, &r, 4096);
	assert_int_equal(last_id(b, "reset", &count), id);
	pf_event_reader_finish(&r, b->e);
	/* All but the oldest are still there. */
	assert_int_equal(pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, first + 1), 0);
	drain(b, &r, 4096);
	assert_int_equal(last_id(b, "apps.changed", &count), id);
	assert_int_equal(count, PF_EVENTS_COUNT);
	pf_event_reader_finish(&r, b->e);
}

static void log_and_figures_push_nothing_out(void **state)
{
	struct bed *b = *state;
	struct pf_event_reader news, log, live;
	uint64_t start = pf_events_newest(b->e), id;
	unsigned count;

	id = pf_events_publish(b->e, "access.changed", NULL);
	for (unsigned i = 0; i < 2 * PF_EVENTS_COUNT; i++) {
		pf_events_publish(b->e, "log", NULL);
		pf_events_publish(b->e, "live", NULL);
	}
	assert_int_equal(pf_event_reader_init(&news, b->e, 1u << PF_TOPIC_ACCESS, start), 0);
	drain(b, &news, 4096);
	assert_int_equal(last_id(b, "access.changed", &count), id);
	assert_int_equal(pf_event_reader_init(&log, b->e, 1u << PF_TOPIC_LOG, start), 0);
	drain(b, &log, 4096);
	assert_int_equal(last_id(b, "reset", &count), pf_events_newest(b->e));
	/* Figures of the past are no loss. */
	assert_int_equal(pf_event_reader_init(&live, b->e, 1u << PF_TOPIC_LIVE, start), 0);
	drain(b, &live, 4096);
	(void)last_id(b, "live", &count);
	assert_int_equal(count, PF_EVENTS_COUNT);
	pf_event_reader_finish(&news, b->e);
	pf_event_reader_finish(&log, b->e);
	pf_event_reader_finish(&live, b->e);
}

static json_t *blob(size_t len)
{
	char *text = malloc(len);
	json_t *o;

	assert_non_null(text);
	memset(text, 'x', len);
	o = json_pack("{s:o}", "x", json_stringn(text, len));
	free(text);
	return o;
}

static void memory_is_bounded(void **state)
{
	struct bed *b = *state;
	struct pf_event_reader r;
	uint64_t id = 0;
	unsigned count;

	assert_int_equal(pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, 0), 0);
	drain(b, &r, 4096);
	/* Larger than any: it is not kept, and that is told. */
	assert_int_equal(pf_events_publish(b->e, "game.started", blob(PF_EVENT_BYTES_MAX)), 0);
	drain(b, &r, 4096);
	assert_int_equal(last_id(b, "reset", &count), pf_events_newest(b->e));
	for (unsigned i = 0; i < 40; i++)
		id = pf_events_publish(b->e, "game.started", blob(20000));
	pf_event_reader_finish(&r, b->e);
	assert_int_equal(pf_event_reader_init(&r, b->e, PF_TOPICS_ALL, id - 12), 0);
	assert_true(strlen(drain(b, &r, 4096)) < PF_EVENTS_BYTES);
	assert_int_equal(last_id(b, "game.started", &count), id);
	assert_int_equal(count, 12);
	/* One on its way outlives the store: no text is torn. */
	id = pf_events_publish(b->e, "game.ended", blob(3000));
	assert_int_equal(pf_event_read(&r, b->e, b->text, 1000), 1000);
	for (unsigned i = 0; i < PF_EVENTS_COUNT; i++)
		pf_events_publish(b->e, "game.started", NULL);
	drain(b, &r, 4096);
	b->text[2000] = 0;
	assert_null(strstr(b->text, "event:"));
	assert_true(strspn(b->text, "x") > 1900);
	pf_event_reader_finish(&r, b->e);
}

/* ---- threads ---- */

struct listener {
	struct pf_events *e;
	_Atomic bool *over;
	unsigned events;
	uint64_t last;
};

static void *listen_main(void *arg)
{
	struct listener *l = arg;
	struct pf_event_reader r;
	unsigned long long id;
	char text[65];
	size_t n;

	assert_int_equal(pf_event_reader_init(&r, l->e, PF_TOPICS_ALL, 0), 0);
	do {
		bool over = atomic_load(l->over);

		while ((n = pf_event_read(&r, l->e, text, 64))) {
			text[n] = 0;
			for (char *p = text; (p = strstr(p, "id: ")); p += 4)
				if (sscanf(p, "id: %llu\n", &id) == 1 && strchr(p, '\n'))
					l->last = id;
			l->events++;
		}
		if (over)
			break;
	} while (true);
	pf_event_reader_finish(&r, l->e);
	return NULL;
}

static void readers_and_the_loop_run_side_by_side(void **state)
{
	struct bed *b = *state;
	_Atomic bool over = false;
	struct listener l[3];
	pthread_t threads[3];

	for (unsigned i = 0; i < 3; i++) {
		l[i] = (struct listener){ .e = b->e, .over = &over };
		assert_int_equal(pthread_create(&threads[i], NULL, listen_main, &l[i]), 0);
	}
	for (unsigned i = 0; i < 5000; i++)
		pf_events_publish(b->e, i % 2 ? "log" : "session.changed", NULL);
	atomic_store(&over, true);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		assert_true(l[i].events > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(topics_have_names),
		cmocka_unit_test_setup_teardown(
			a_reader_gets_what_it_wants_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_reader_resumes_behind_its_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_missed_some_is_told_to_reset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			log_and_figures_push_nothing_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			readers_and_the_loop_run_side_by_side, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
