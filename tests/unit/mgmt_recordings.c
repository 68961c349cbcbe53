/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/mgmt/recordings.h"

static char dir[128], folder[160];

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%.80s/pf-rec-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(folder, sizeof(folder), "%s/recordings", dir);
	return 0;
}

static int tear_down(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static json_t *sample(int n)
{
	return json_pack("{s:s, s:[{s:i}]}", "at", "2026-01-31T12:00:00.000Z", "sessions", "id", n);
}

static bool add(struct pf_recordings *r, int n)
{
	json_t *o = sample(n);
	bool ended = pf_recordings_sample(r, o);

	json_decref(o);
	return ended;
}

static json_t *whole(const struct pf_recordings *r, uint32_t id)
{
	json_t *o;
	char *text;
	size_t len;

	assert_int_equal(pf_recordings_read(r, id, &text, &len, NULL), 0);
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	free(text);
	return o;
}

static long long number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void one_at_a_time_and_they_survive(void **state)
{
	struct pf_reason why = { 0 };
	struct pf_recordings *r;
	uint32_t id, other;
	json_t *o;

	assert_int_equal(pf_recordings_open(&r, folder), 0);
	assert_false(add(r, 1)); /* none runs */
	assert_int_equal(pf_recordings_start(r, "one \x1b[1m", &id, &why), 0);
	assert_int_equal(pf_recordings_start(r, "two", &other, &why), -EBUSY);
	for (int i = 0; i < 5; i++)
		assert_false(add(r, i));
	o = whole(r, id);
	assert_int_equal(number(o, "seconds"), 5);
	assert_true(json_is_true(json_object_get(o, "running")));
	assert_null(strchr(json_string_value(json_object_get(o, "name")), '\x1b'));
	json_decref(o);
	assert_int_equal(pf_recordings_stop(r, id, &why), 0);
	assert_int_equal(pf_recordings_stop(r, id, &why), -EALREADY);
	assert_int_equal(pf_recordings_start(r, NULL, &other, &why), 0);
	assert_int_equal(other, id + 1);
	add(r, 7);
	pf_recordings_close(r); /* while it runs */
	assert_int_equal(pf_recordings_open(&r, folder), 0);
	assert_false(pf_recordings_running(r));
	o = pf_recordings_list(r);
	assert_int_equal(json_array_size(o), 2);
	assert_int_equal(number(json_array_get(o, 0), "seconds"), 5);
	assert_int_equal(number(json_array_get(o, 1), "seconds"), 1);
	json_decref(o);
	o = whole(r, id);
	assert_int_equal(json_array_size(json_object_get(o, "samples")), 5);
	json_decref(o);
	assert_int_equal(pf_recordings_remove(r, id, &why), 0);
	assert_int_equal(pf_recordings_remove(r, id, &why), -ENOENT);
	assert_null(pf_recordings_one(r, id));
	/* Numbers are not used again while a later one is there. */
	assert_int_equal(pf_recordings_start(r, "three", &id, &why), 0);
	assert_int_equal(id, other + 1);
	pf_recordings_close(r);
}

static void what_a_killed_host_left_is_read(void **state)
{
	static const char text[] =
		"{\"name\":\"x\",\"started\":\"2026-01-31T12:00:00.000Z\"}\n"
		"{\"at\":\"a\",\"sessions\":[]}\n{\"at\":\"b\",\"sessions\":[]}\n"
		"{\"at\":\"c\",\"sess";
	static const struct {
		const char *name, *text;
	} others[] = {
		{ "8.jsonl", "" },
		{ "9.jsonl", "{\"name\":\"x\"}\n" },
		{ "10.jsonl", "\n\n\n" },
		{ "0.jsonl", text },
		{ "x.jsonl", text },
		{ "../7.jsonl", text },
		{ "12345678901.jsonl", text },
		{ "11.json", text },
	};
	struct pf_recordings *r;
	char path[256];
	json_t *o;
	FILE *f;

	assert_int_equal(mkdir(folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/7.jsonl", folder);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, others[i].name);
		f = fopen(path, "w");
		fputs(others[i].text, f);
		fclose(f);
	}
	snprintf(path, sizeof(path), "%s/13.jsonl", folder);
	assert_int_equal(symlink("7.jsonl", path), 0);
	snprintf(path, sizeof(path), "%s/14.jsonl", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pf_recordings_open(&r, folder), 0);
	o = pf_recordings_list(r);
	assert_int_equal(json_array_size(o), 1);
	assert_int_equal(number(json_array_get(o, 0), "seconds"), 2);
	json_decref(o);
	o = whole(r, 7);
	assert_int_equal(json_array_size(json_object_get(o, "samples")), 2);
	json_decref(o);
	pf_recordings_close(r);
}

static void length_and_number_are_bounded(void **state)
{
	struct pf_reason why = { 0 };
	struct pf_recordings *r;
	json_t *o, *large;
	char *filler = malloc(50001);
	uint32_t id;
	unsigned n = 0;

	assert_non_null(filler);
	memset(filler, 'x', 50000);
	filler[50000] = 0;
	assert_int_equal(pf_recordings_open(&r, folder), 0);
	assert_int_equal(pf_recordings_start(r, "long", &id, &why), 0);
	for (unsigned i = 1; i < PF_RECORDING_SAMPLES_MAX; i++)
		assert_false(add(r, (int)i));
	assert_true(add(r, 0));
	assert_false(pf_recordings_running(r));
	assert_int_equal(pf_recordings_start(r, "large", &id, &why), 0);
	large = json_pack("{s:s}", "x", filler);
	while (!pf_recordings_sample(r, large))
		n++;
	assert_true(n <= PF_RECORDING_BYTES_MAX / 50000);
	json_decref(large);
	free(filler);
	for (unsigned i = 2; i < PF_RECORDINGS_MAX; i++) {
		assert_int_equal(pf_recordings_start(r, "x", &id, &why), 0);
		assert_int_equal(pf_recordings_stop(r, id, &why), 0);
	}
	assert_int_equal(pf_recordings_start(r, "x", &id, &why), -ENOSPC);
	pf_recordings_close(r);
	assert_int_equal(pf_recordings_open(&r, folder), 0);
	o = pf_recordings_list(r);
	assert_int_equal(json_array_size(o), PF_RECORDINGS_MAX);
	assert_int_equal(number(json_array_get(o, 0), "seconds"), PF_RECORDING_SAMPLES_MAX);
	json_decref(o);
	assert_int_equal(pf_recordings_start(r, "x", &id, &why), -ENOSPC);
	pf_recordings_close(r);
}

/* The room ends within a line; what was freed then takes the end. */
static void a_full_disk_ends_it_in_order(void **state)
{
	const char end[] = "}\n{\"seconds\":1}\n";
	struct pf_reason why = { 0 };
	struct pf_recordings *r;
	struct rlimit before, now;
	uint32_t id;
	char text[512], path[256];
	FILE *f;
	size_t n;
	json_t *o;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(pf_recordings_open(&r, folder), 0);
	assert_int_equal(pf_recordings_start(r, "x", &id, &why), 0);
	assert_false(add(r, 1));
	o = pf_recordings_one(r, id);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	now = before;
	now.rlim_cur = (rlim_t)number(o, "bytes") + 40;
	json_decref(o);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_true(add(r, 2));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	snprintf(path, sizeof(path), "%s/%u.jsonl", folder, id);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_true(n > sizeof(end));
	assert_memory_equal(text + n - sizeof(end) + 1, end, sizeof(end) - 1);
	o = whole(r, id);
	assert_int_equal(json_array_size(json_object_get(o, "samples")), 1);
	json_decref(o);
	pf_recordings_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_at_a_time_and_they_survive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_a_killed_host_left_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(length_and_number_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_ends_it_in_order, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
