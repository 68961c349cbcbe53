/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "host/sys/logbook.h"

static struct pf_log_line lines[2 * PF_LOGBOOK_LINES];

static void newest_lines_are_kept_by_number(void **state)
{
	struct pf_logbook_range found;
	struct pf_logbook *b;
	char text[2000];
	uint64_t first, counts[PF_LOG_DEBUG + 1];

	assert_int_equal(pf_logbook_create(&b), 0);
	pf_logbook_read(b, 0, PF_LOG_DEBUG, lines, 10, &found);
	assert_int_equal(found.count, 0);
	first = found.newest + 1;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "line %u", i);
		pf_logbook_add(b, i % 2 ? PF_LOG_INFO : PF_LOG_WARN, "a topic that is long", text);
	}
	pf_logbook_read(b, 0, PF_LOG_DEBUG, lines, 3, &found);
	assert_int_equal(found.count, 3);
	assert_string_equal(lines[0].text, "line 7");
	assert_string_equal(lines[2].text, "line 9");
	assert_string_equal(lines[2].topic, "a topic that is");
	assert_int_equal(lines[2].id, first + 9);
	pf_logbook_read(b, 0, PF_LOG_WARN, lines, 2, &found);
	assert_int_equal(found.count, 2);
	assert_string_equal(lines[0].text, "line 6");
	pf_logbook_read(b, first + 1, PF_LOG_DEBUG, lines, 4, &found);
	assert_int_equal(found.count, 4);
	assert_int_equal(lines[0].id, first + 2);
	pf_logbook_read(b, first + 9, PF_LOG_DEBUG, lines, 4, &found);
	assert_int_equal(found.count, 0);
	assert_int_equal(found.missed, 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (unsigned i = 0; i < PF_LOGBOOK_LINES; i++)
		pf_logbook_add(b, PF_LOG_ERROR, "t", text);
	pf_logbook_read(b, first + 3, PF_LOG_DEBUG, lines, 2 * PF_LOGBOOK_LINES, &found);
	assert_int_equal(found.count, PF_LOGBOOK_LINES);
	assert_int_equal(found.missed, 6);
	assert_int_equal(strlen(lines[0].text), PF_LOGBOOK_TEXT - 1);
	/* Of the host before, or made up: all there is. */
	pf_logbook_read(b, found.newest + 5, PF_LOG_DEBUG, lines, 2 * PF_LOGBOOK_LINES, &found);
	assert_int_equal(found.count, PF_LOGBOOK_LINES);
	pf_logbook_count(b, counts);
	assert_int_equal(counts[PF_LOG_WARN], 5);
	assert_int_equal(counts[PF_LOG_ERROR], PF_LOGBOOK_LINES);
	pf_logbook_destroy(b);
}

/* ---- the watch ---- */

struct watcher {
	struct pf_loop_item item;
	struct pf_loop *loop;
	struct pf_logbook *book;
	uint64_t last;
	unsigned lines, wakes;
};

static void on_lines(struct pf_loop_item *item)
{
	struct watcher *w = (struct watcher *)item;
	struct pf_logbook_range found;

	w->wakes++;
	pf_logbook_watch(w->book, w->loop, &w->item);
	pf_logbook_read(w->book, w->last, PF_LOG_DEBUG, lines, 2 * PF_LOGBOOK_LINES, &found);
	w->last = found.newest;
	w->lines += (unsigned)(found.count + found.missed);
	if (w->lines == 4000)
		pf_loop_quit(w->loop, 7);
}

static void *log_main(void *book)
{
	for (unsigned i = 0; i < 2000; i++)
		pf_logbook_add(book, PF_LOG_INFO, "thread", "a line");
	return NULL;
}

static void a_watcher_misses_nothing(void **state)
{
	struct watcher w = { .item.run = on_lines };
	struct pf_logbook_range found;
	pthread_t threads[2];

	assert_int_equal(pf_logbook_create(&w.book), 0);
	assert_int_equal(pf_loop_create(&w.loop), 0);
	pf_logbook_read(w.book, 0, PF_LOG_DEBUG, lines, 1, &found);
	w.last = found.newest;
	pf_logbook_watch(w.book, w.loop, &w.item);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_main, w.book), 0);
	assert_int_equal(pf_loop_run(w.loop), 7);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(w.wakes >= 1 && w.wakes <= 4000);
	pf_logbook_watch(w.book, NULL, NULL);
	pf_logbook_add(w.book, PF_LOG_INFO, "t", "nobody hears");
	pf_loop_destroy(w.loop);
	pf_logbook_destroy(w.book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_lines_are_kept_by_number),
		cmocka_unit_test(a_watcher_misses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
