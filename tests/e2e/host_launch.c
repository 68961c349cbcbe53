/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Apps of the catalogue, launched by punktfunk/1 clients over loopback. Each app writes
 * down what happens to it. */
#include "tests/e2e/native_bed.h"

static void write_apps(struct fixture *f)
{
	char path[PF_PATH_BYTES], text[4096];
	int n;

	snprintf(path, sizeof(path), "%s/apps.json", f->dir);
	n = snprintf(text, sizeof(text),
		"{\"version\": 1, \"apps\": ["
		"{\"id\": 7, \"title\": \"Long\", \"command\": \"echo start >>%1$s/log; exec sleep "
		"600\", \"prep\": [{\"do\": \"echo do >>%1$s/log\", \"undo\": \"echo undo "
		">>%1$s/log\"}]},"
		"{\"id\": 8, \"title\": \"Short\", \"command\": \"echo short >>%1$s/log; while [ ! "
		"-e "
		"%1$s/go ]; do sleep 0.05; done\"},"
		"{\"id\": 9, \"title\": \"Stays\", \"command\": \"echo stays >>%1$s/log\", "
		"\"on_exit\": \"stay\"},"
		"{\"id\": 10, \"title\": \"Broken\", \"command\": \"true\", \"prep\": [{\"do\": "
		"\"false\"}]}"
		"]}",
		f->dir);
	assert_true((size_t)n < sizeof(text));
	assert_int_equal(pf_file_replace(path, 0600, text, (size_t)n, NULL), 0);
}

static size_t read_log(const struct fixture *f, char *buf, size_t cap)
{
	char path[PF_PATH_BYTES];
	size_t len = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/log", f->dir);
	in = fopen(path, "re");
	if (in) {
		len = fread(buf, 1, cap - 1, in);
		fclose(in);
	}
	buf[len] = 0;
	return len;
}

/* Waits until the apps have written this, all in all. */
static void await_log(const struct fixture *f, const char *want)
{
	char text[256];

	for (unsigned i = 0; i < 2000; i++) {
		(void)read_log(f, text, sizeof(text));
		if (!strcmp(text, want))
			return;
		usleep(10000);
	}
	fail_msg("the apps wrote \"%s\", not \"%s\"", text, want);
}

static PunktfunkConnection *launch(
	struct fixture *f, const PunktfunkIdentity *id, const char *app, PunktfunkReason *why)
{
	PunktfunkConnectOptions o = options(f, id);
	PunktfunkConnection *c = NULL;

	o.launch = app;
	*why = (PunktfunkReason){ .struct_size = sizeof(*why) };
	return punktfunk_connect(&o, &c, why) ? NULL : c;
}

static PunktfunkConnection *launched(
	struct fixture *f, const PunktfunkIdentity *id, const char *app)
{
	PunktfunkReason why;
	PunktfunkConnection *c = launch(f, id, app, &why);

	if (!c)
		fail_msg("launch %s: %s", app ? app : "nothing", why.text);
	return c;
}

static void is_refused(struct fixture *f, const PunktfunkIdentity *id, const char *app,
	uint32_t code, const char *word)
{
	PunktfunkReason why;

	assert_null(launch(f, id, app, &why));
	assert_int_equal(why.close_code, code);
	if (!strstr(why.text, word))
		fail_msg("\"%s\" does not say \"%s\"", why.text, word);
}

static void an_app_starts_once_and_waits_for_its_client(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkConnection *c;

	write_apps(f);
	serve(f);
	c = launched(f, a, "7");
	take_frames(c, 2);
	await_log(f, "do\nstart\n");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 1);

	/* Back to it, by its id and without. */
	c = launched(f, a, "7");
	take_frames(c, 2);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 2);
	c = launched(f, a, NULL);
	take_frames(c, 2);
	/* Another one must wait until this one is quit. */
	is_refused(f, a, "8", PUNKTFUNK_CLOSE_SETUP_FAILED, "Long is still there");
	take_frames(c, 2);
	await_log(f, "do\nstart\n");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	await_log(f, "do\nstart\nundo\n");
	punktfunk_identity_free(a);
}

/* The app Short is told to end; with it goes the session, the host's `count`th. */
static void short_ends(struct fixture *f, PunktfunkConnection *c, unsigned count)
{
	char go[PF_PATH_BYTES];
	PunktfunkEvent e;

	snprintf(go, sizeof(go), "%s/go", f->dir);
	assert_int_equal(pf_file_replace(go, 0600, "", 0, NULL), 0);
	e = take_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, PUNKTFUNK_CLOSE_APP_EXITED);
	assert_string_equal(e.text, "Short ended");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	assert_int_equal(ended(f, count).close_code, PUNKTFUNK_CLOSE_APP_EXITED);
}

static void the_session_ends_with_its_app(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkConnection *c;

	write_apps(f);
	serve(f);
	c = launched(f, a, "8");
	take_frames(c, 2);
	await_log(f, "short\n");
	short_ends(f, c, 1);

	/* Its desk is gone, too: the next launch is a new one. */
	c = launched(f, a, "9");
	take_frames(c, 2);
	await_log(f, "short\nstays\n");
	take_frames(c, 30); /* the desk goes on without it */
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	assert_int_equal(ended(f, 2).close_code, PUNKTFUNK_CLOSE_QUIT);
	punktfunk_identity_free(a);
}

/* One that only came back, and named no app, hears of its end, too. */
static void an_app_ends_for_who_came_back_without_its_name(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkConnection *c;

	write_apps(f);
	serve(f);
	c = launched(f, a, "8");
	take_frames(c, 2);
	await_log(f, "short\n");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	(void)ended(f, 1);
	c = launched(f, a, NULL);
	take_frames(c, 2);
	short_ends(f, c, 2);
	punktfunk_identity_free(a);
}

static void an_app_that_does_not_start_says_so(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	PunktfunkConnection *c;
	PunktfunkEvent e;

	write_apps(f);
	serve(f);
	c = launched(f, a, "10");
	e = take_event(c, PUNKTFUNK_EVENT_CLOSED);
	assert_int_equal(e.a, PUNKTFUNK_CLOSE_SETUP_FAILED);
	assert_non_null(strstr(e.text, "Broken does not start"));
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_NORMAL);
	punktfunk_identity_free(a);
}

static void who_may_launch_what(void **state)
{
	struct fixture *f = *state;
	PunktfunkIdentity *a = new_identity();
	struct pf_client client = {
		.plane = PF_PLANE_NATIVE, .grants = PF_GRANT_ALL & ~PF_GRANT_LAUNCH, .name = "child"
	};
	PunktfunkConnection *c;
	char log[16];

	write_apps(f);
	f->config.trust_on_first_use = false;
	serve(f);
	punktfunk_identity_fingerprint(a, client.fingerprint);
	assert_int_equal(on_loop(f, &client, add_client), 0);
	/* Whether it exists or not is none of its business. */
	is_refused(f, a, "7", PUNKTFUNK_CLOSE_LAUNCH_DENIED, "may not start apps");
	is_refused(f, a, "nope", PUNKTFUNK_CLOSE_LAUNCH_DENIED, "may not start apps");
	c = launched(f, a, NULL);
	take_frames(c, 1);
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	(void)ended(f, 1);

	client.grants = PF_GRANT_ALL;
	assert_int_equal(on_loop(f, &client, add_client), 0);
	is_refused(f, a, "steam:570", PUNKTFUNK_CLOSE_SETUP_FAILED, "no app \"steam:570\"");
	is_refused(f, a, "4294967303", PUNKTFUNK_CLOSE_SETUP_FAILED, "no app");
	is_refused(f, a, "7 ", PUNKTFUNK_CLOSE_SETUP_FAILED, "no app");
	is_refused(f, a, "\x1b[2J", PUNKTFUNK_CLOSE_SETUP_FAILED, "no app \"?[2J\"");
	assert_int_equal(read_log(f, log, sizeof(log)), 0);
	/* The desktop is an entry, too, and an app is none of it. */
	c = launched(f, a, "1");
	take_frames(c, 1);
	is_refused(f, a, "7", PUNKTFUNK_CLOSE_SETUP_FAILED, "the desktop is still there");
	punktfunk_connection_close(c, PUNKTFUNK_CLOSE_QUIT);
	punktfunk_identity_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_app_starts_once_and_waits_for_its_client, make, drop),
		cmocka_unit_test_setup_teardown(the_session_ends_with_its_app, make, drop),
		cmocka_unit_test_setup_teardown(
			an_app_ends_for_who_came_back_without_its_name, make, drop),
		cmocka_unit_test_setup_teardown(an_app_that_does_not_start_says_so, make, drop),
		cmocka_unit_test_setup_teardown(who_may_launch_what, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
