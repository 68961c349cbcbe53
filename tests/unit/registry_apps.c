/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/base/log.h"
#include "host/registry/apps.h"
#include "host/sys/files.h"

struct fixture {
	char dir[64], path[96];
};

static void no_log(void *user, enum pf_log_level level, const char *topic, const char *text) {}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	pf_log_set(no_log, NULL, PF_LOG_ERROR);
	strcpy(f->dir, "/tmp/pf-apps-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/apps.json", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* and nothing beside it */
	free(f);
	return 0;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(pf_file_replace(path, 0640, text, strlen(text), NULL), 0);
}

struct seen {
	unsigned count;
	uint32_t ids[8];
	char titles[8][PF_APP_TITLE_BYTES];
};

static void see(void *user, struct pf_app *app)
{
	struct seen *s = user;

	assert_true(s->count < 8);
	s->ids[s->count] = app->id;
	strcpy(s->titles[s->count++], app->title);
}

static struct seen list(struct pf_apps *a)
{
	struct seen s = { 0 };

	pf_apps_each(a, see, &s);
	return s;
}

static const char full[] =
	"{ \"version\": 1, \"apps\": [\n"
	"  { \"id\": 77, \"title\": \"Steam\", \"command\": \"steam -gamepadui\",\n"
	"    \"workdir\": \"/tmp\", \"env\": { \"A\": \"1\", \"B_2\": \"x=y\" },\n"
	"    \"prep\": [ { \"do\": \"one\", \"undo\": \"two\" }, { \"do\": \"three\" } ],\n"
	"    \"image\": \"/tmp/steam.png\", \"detached\": true, \"on_exit\": \"stay\",\n"
	"    \"exit_timeout_s\": 9 },\n"
	"  { \"title\": \"Föö\", \"command\": \"foot\" } ] }\n";

static void reads_every_field(void **state)
{
	struct fixture *f = *state;
	struct pf_apps *a = NULL;
	struct pf_app *app;
	struct seen s;

	put(f->path, full);
	assert_int_equal(pf_apps_open(&a, f->path, NULL), 0);
	s = list(a);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.ids[0], PF_APP_DESKTOP_ID);
	assert_string_equal(s.titles[0], "Desktop");
	assert_string_equal(s.titles[2], "Föö");
	assert_true(s.ids[2] > 1 && s.ids[2] <= INT32_MAX);

	app = pf_apps_find(a, 77);
	pf_apps_close(a); /* a launch keeps its own */
	assert_string_equal(app->title, "Steam");
	assert_string_equal(app->command, "steam -gamepadui");
	assert_string_equal(app->workdir, "/tmp");
	assert_string_equal(app->image, "/tmp/steam.png");
	assert_int_equal(app->env_count, 2);
	assert_string_equal(app->env[0], "A=1");
	assert_string_equal(app->env[1], "B_2=x=y");
	assert_int_equal(app->prep_count, 2);
	assert_string_equal(app->prep[0].undo_command, "two");
	assert_string_equal(app->prep[1].do_command, "three");
	assert_string_equal(app->prep[1].undo_command, "");
	assert_true(app->detached);
	assert_int_equal(app->exit_policy, PF_APP_EXIT_STAY);
	assert_int_equal(app->exit_timeout_ms, 9000);
	pf_app_unref(app);
	pf_app_unref(NULL);
	pf_apps_close(NULL);
}

static void ids_are_stable(void **state)
{
	struct fixture *f = *state;
	struct pf_apps *a = NULL;
	uint32_t id;

	put(f->path, full);
	assert_int_equal(pf_apps_open(&a, f->path, NULL), 0);
	id = list(a).ids[2];
	pf_apps_close(a);
	/* Another order, other neighbours. */
	put(f->path,
		"{ \"version\": 1, \"apps\": [ { \"title\": \"Föö\" }, { \"title\": \"Föö\" }, "
		"{ \"title\": \"x\" } ] }");
	assert_int_equal(pf_apps_open(&a, f->path, NULL), 0);
	assert_int_equal(list(a).ids[1], id);
	assert_int_not_equal(list(a).ids[2], id);
	pf_apps_close(a);
	/* This is what clients have stored. */
	assert_int_equal(id, 486990974);
}

struct said {
	char text[2048];
	size_t len;
};

static void say(void *user, bool is_error, unsigned line, const char *text)
{
	struct said *s = user;

	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len, "%s:%u: %s\n",
		is_error ? "error" : "warning", line, text);
}

static void errors_have_lines(void **state)
{
	static const struct {
		const char *text, *words;
		unsigned count, errors;
	} rows[] = {
		{ "", "error:1:", 0, 1 },
		{ "[]", "one JSON object", 0, 1 },
		{ "{}", "version", 0, 1 },
		{ "{\"version\": 1,\n\"apps\": [}", "error:2:", 0, 1 },
		{ "{\"version\":1,\"apps\":[\n{\"title\":\"a\"},\n{\"title\":\"\"}]}",
			"error:3: \"title\"", 1, 1 },
		{ "{\"version\":1,\"x\":[{},{}],\n\"apps\":[\n\n{\"command\":\"]}\\\"\"},\n7]}",
			"error:4: \"title\" is missing\nerror:5: an app must be", 0, 2 },
		{ "{\"version\":1,\"apps\":[\n{\"title\":\"a\",\"wokdir\":\"/\"}]}",
			"warning:2: unknown field \"wokdir\"", 1, 0 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"id\":1}]}", "\"id\" must be", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"id\":2147483648}]}", "\"id\" must",
			0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"id\":9},{\"title\":\"b\",\"id\":9}]"
		  "}",
			"another app", 1, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"workdir\":\"x\"}]}", "absolute", 0,
			1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"image\":7}]}", "absolute", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\\nb\"}]}", "one line", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"command\":\"\\u0001\"}]}", "text", 0,
			1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"env\":{\"A B\":\"\"}}]}", "\"A B\"",
			0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"env\":{\"A\":1}}]}", "\"A\"", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"env\":[]}]}", "variables", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"prep\":[{\"d\":\"\"}]}]}",
			"\"d\" means", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"prep\":[1]}]}", "prep", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"on_exit\":\"explode\"}]}", "on_exit",
			0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"detached\":1}]}", "true or", 0, 1 },
		{ "{\"version\":1,\"apps\":[{\"title\":\"a\",\"exit_timeout_s\":61}]}", "0 to 60",
			0, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_app *apps[PF_APPS_MAX];
		struct said s = { 0 };
		const struct pf_apps_sink sink = { say, &s };
		unsigned errors = 99;
		unsigned n =
			pf_apps_parse(apps, rows[i].text, strlen(rows[i].text), &sink, &errors);

		if (n != rows[i].count || errors != rows[i].errors ||
			!strstr(s.text, rows[i].words))
			fail_msg("%s\n%u apps, %u errors: %s", rows[i].text, n, errors, s.text);
		while (n)
			pf_app_unref(apps[--n]);
	}
}

static json_t *fields(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

static int add(struct pf_apps *a, const char *text, uint32_t *id, struct pf_reason *why)
{
	json_t *o = fields(text);
	int r = pf_apps_add(a, o, id, why);

	json_decref(o);
	return r;
}

static int edit(struct pf_apps *a, uint32_t id, const char *text, struct pf_reason *why)
{
	json_t *o = fields(text);
	int r = pf_apps_edit(a, id, o, why);

	json_decref(o);
	return r;
}

static void changes_reach_the_file(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };
	struct pf_apps *a = NULL, *b = NULL;
	struct pf_app *before, *app;
	struct stat st;
	uint32_t id = 0, second = 0;

	assert_int_equal(pf_apps_open(&a, f->path, NULL), 0);
	assert_int_equal(list(a).count, 1);
	assert_int_equal(
		add(a, "{\"title\":\"A\",\"command\":\"a\",\"env\":{\"X\":\"1\"}}", &id, NULL), 0);
	assert_int_equal(add(a, "{\"title\":\"A\"}", &second, NULL), 0);
	assert_int_not_equal(id, second);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	before = pf_apps_find(a, id);
	assert_int_equal(
		edit(a, id, "{\"title\":\"B\",\"env\":null,\"on_exit\":\"stay\"}", NULL), 0);
	assert_string_equal(before->title, "A");
	assert_int_equal(before->env_count, 1);
	pf_app_unref(before);
	assert_int_equal(pf_apps_remove(a, second, NULL), 0);

	assert_int_equal(pf_apps_open(&b, f->path, NULL), 0);
	assert_int_equal(list(b).count, 2);
	app = pf_apps_find(b, id);
	assert_string_equal(app->title, "B");
	assert_string_equal(app->command, "a");
	assert_int_equal(app->env_count, 0);
	assert_int_equal(app->exit_policy, PF_APP_EXIT_STAY);
	pf_app_unref(app);
	pf_apps_close(b);

	assert_int_equal(add(a, "{\"title\":\"C\",\"id\":5}", &second, &why), -EINVAL);
	assert_int_equal(add(a, "{\"title\":\"C\",\"wokdir\":\"\"}", &second, &why), -EINVAL);
	assert_non_null(strstr(why.text, "wokdir"));
	assert_int_equal(add(a, "[]", &second, &why), -EINVAL);
	assert_int_equal(edit(a, id, "{\"title\":null}", &why), -EINVAL);
	assert_int_equal(edit(a, id, "{\"id\":5}", &why), -EINVAL);
	assert_int_equal(edit(a, 5, "{}", &why), -ENOENT);
	assert_int_equal(edit(a, PF_APP_DESKTOP_ID, "{}", &why), -EPERM);
	assert_int_equal(pf_apps_remove(a, PF_APP_DESKTOP_ID, &why), -EPERM);
	assert_int_equal(pf_apps_remove(a, second, &why), -ENOENT);
	assert_int_equal(list(a).count, 2);
	pf_apps_close(a);
}

static void a_file_edited_by_hand_is_read_anew(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why = { 0 };
	struct pf_apps *a = NULL;
	struct stat st;
	uint32_t id = 0;

	assert_int_equal(pf_apps_open(&a, f->path, NULL), 0);
	put(f->path, full);
	assert_int_equal(list(a).count, 3);
	/* Broken: the good ones are served, nothing is written over it. */
	put(f->path, "{\"version\":1,\"apps\":[{\"title\":\"a\"},\n{\"title\":3}]}");
	assert_int_equal(list(a).count, 2);
	assert_int_equal(add(a, "{\"title\":\"x\"}", &id, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "apps.json:2:"));
	assert_int_equal(pf_apps_remove(a, list(a).ids[1], &why), -EBADMSG);
	put(f->path, full);
	assert_int_equal(add(a, "{\"title\":\"x\"}", &id, &why), 0);
	assert_int_equal(list(a).count, 4);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640); /* as its owner had it */
	unlink(f->path);
	assert_int_equal(list(a).count, 1);
	assert_int_equal(add(a, "{\"title\":\"x\"}", &id, &why), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	pf_apps_close(a);
}

static void is_bounded(void **state)
{
	struct pf_app *apps[PF_APPS_MAX];
	struct said s = { 0 };
	const struct pf_apps_sink sink = { say, &s };
	unsigned errors = 0, n;
	size_t len;
	char *text = NULL;
	FILE *m = open_memstream(&text, &len);

	fprintf(m, "{\"version\":1,\"apps\":[");
	for (unsigned i = 0; i < PF_APPS_MAX + 1; i++)
		fprintf(m, "%s{\"title\":\"a\"}", i ? "," : "");
	fprintf(m, "]}");
	fclose(m);
	n = pf_apps_parse(apps, text, len, &sink, &errors);
	assert_int_equal(n, PF_APPS_MAX);
	assert_int_equal(errors, 1);
	/* All of one title, all with numbers of their own. */
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(apps[i]->id, apps[j]->id);
	while (n)
		pf_app_unref(apps[--n]);
	free(text);
	/* A bomb of brackets. */
	text = malloc(100000);
	memset(text, '[', 100000);
	assert_int_equal(pf_apps_parse(apps, text, 100000, NULL, &errors), 0);
	assert_int_equal(errors, 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_every_field, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_are_stable, setup, teardown),
		cmocka_unit_test(errors_have_lines),
		cmocka_unit_test_setup_teardown(changes_reach_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_edited_by_hand_is_read_anew, setup, teardown),
		cmocka_unit_test(is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
