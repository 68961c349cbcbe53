/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "core/base/log.h"

struct heard {
	unsigned count;
	enum pf_log_level level;
	char topic[32], text[2000];
};

static void hear(void *user, enum pf_log_level level, const char *topic, const char *text)
{
	struct heard *h = user;

	h->count++;
	h->level = level;
	snprintf(h->topic, sizeof(h->topic), "%s", topic);
	snprintf(h->text, sizeof(h->text), "%s", text);
}

static void lines_up_to_the_level_reach_the_hook(void **state)
{
	struct heard h = { 0 };
	char lengthy[1500];

	pf_log_set(hear, &h, PF_LOG_WARN);
	pf_log(PF_LOG_INFO, "x", "not this");
	pf_log(PF_LOG_DEBUG, "x", "nor this");
	assert_int_equal(h.count, 0);
	pf_log(PF_LOG_WARN, "quic", "%s came %u times", "it", 3u);
	assert_int_equal(h.count, 1);
	assert_int_equal(h.level, PF_LOG_WARN);
	assert_string_equal(h.topic, "quic");
	assert_string_equal(h.text, "it came 3 times");
	pf_log(PF_LOG_ERROR, "x", "worse");
	assert_int_equal(h.count, 2);
	pf_log_set(hear, &h, PF_LOG_DEBUG);
	pf_log(PF_LOG_DEBUG, "x", "all");
	assert_int_equal(h.count, 3);
	/* A line is cut, not left out. */
	memset(lengthy, 'a', sizeof(lengthy) - 1);
	lengthy[sizeof(lengthy) - 1] = 0;
	pf_log(PF_LOG_INFO, "x", "%s", lengthy);
	assert_int_equal(h.count, 4);
	assert_int_equal(strlen(h.text), 1023);
	pf_log_set(NULL, NULL, PF_LOG_INFO);
}

/* Without a hook: time, level, topic, text on standard error. */
static void without_a_hook_lines_go_to_stderr(void **state)
{
	unsigned hour, minute, second, ms;
	char line[200], level[16];
	int old = dup(STDERR_FILENO), ends[2], got;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	fflush(stderr);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	pf_log(PF_LOG_INFO, "desk", "is %d", 7);
	pf_log(PF_LOG_DEBUG, "desk", "below the level");
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	close(old);
	close(ends[1]);
	n = read(ends[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = 0;
	close(ends[0]);
	got = sscanf(line, "%u:%u:%u.%u %15s", &hour, &minute, &second, &ms, level);
	assert_int_equal(got, 5);
	assert_true(hour < 24 && minute < 60 && second < 60 && ms < 1000);
	assert_string_equal(level, "info");
	assert_non_null(strstr(line, " desk: is 7\n"));
	assert_null(strstr(line, "below"));
}

static void levels_have_names(void **state)
{
	assert_string_equal(pf_log_level_to_string(PF_LOG_ERROR), "error");
	assert_string_equal(pf_log_level_to_string(PF_LOG_DEBUG), "debug");
	assert_string_equal(pf_log_level_to_string((enum pf_log_level)4), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_up_to_the_level_reach_the_hook),
		cmocka_unit_test(without_a_hook_lines_go_to_stderr),
		cmocka_unit_test(levels_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
