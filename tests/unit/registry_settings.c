/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/registry/settings.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"

struct fixture {
	char *dir;
	struct pf_config config;
	struct pf_settings *s;
	unsigned applied;
};

/* The host would not start on it. */
#define TAKEN_PORT 4242

static int check(const struct pf_config *now, const struct pf_config *before,
	const struct pf_config *next, struct pf_reason *why)
{
	return next->port == TAKEN_PORT ? pf_reason_set(why, -EINVAL, "port: somebody has it") : 0;
}

static bool is_slow(const struct pf_config *before, const struct pf_config *next)
{
	return before->port != next->port;
}

static void applied(void *user)
{
	((struct fixture *)user)->applied++;
}

static void put(const struct fixture *f, const char *name, const char *text)
{
	char path[PF_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/host.conf.d", f->dir);
	(void)mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(pf_file_replace(path, 0600, text, strlen(text), NULL), 0);
}

/* The text of the console's file, "" without one; the caller's. */
static char *console(const struct fixture *f)
{
	char path[PF_PATH_BYTES];
	uint8_t *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/host.conf.d/" PF_SETTINGS_CONSOLE_FILE, f->dir);
	return pf_file_read(path, 65536, &text, &len, NULL) ? strdup("") : (char *)text;
}

static void begin(struct fixture *f, char *const *pairs, unsigned pair_count, const char *file)
{
	const struct pf_settings_params p = {
		.from = { .dir = f->dir, .file = file, .pairs = pairs, .pair_count = pair_count },
		.config = &f->config,
		.check = check,
		.is_slow = is_slow,
		.applied = applied,
		.user = f,
	};
	struct pf_settings_read read;

	assert_int_equal(pf_settings_read(&read, &p.from, NULL, NULL), 0);
	f->config = read.config;
	assert_int_equal(pf_settings_create(&f->s, &p), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(pf_rundir_create("/tmp", "pf-settings-", &f->dir, NULL), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	pf_settings_destroy(f->s);
	(void)pf_rundir_remove(f->dir);
	free(f->dir);
	free(f);
	return 0;
}

struct look {
	const char *name;
	enum pf_settings_source source;
	unsigned line;
	char now[64], next[64], console[64], fixed[256];
};

static void look_at(void *user, const struct pf_settings_item *i)
{
	struct look *l = user;

	if (strcmp(i->key->name, l->name))
		return;
	l->source = i->origin->source;
	l->line = i->origin->line;
	pf_config_format(i->now, i->key, l->now, sizeof(l->now));
	if (i->next)
		pf_config_format(i->next, i->key, l->next, sizeof(l->next));
	snprintf(l->console, sizeof(l->console), "%s", i->console ? i->console : "-");
	snprintf(l->fixed, sizeof(l->fixed), "%s", i->fixed);
}

static struct look look(const struct fixture *f, const char *name)
{
	struct look l = { .name = name };
	struct pf_reason problem = { 0 };

	assert_int_equal(pf_settings_each(f->s, look_at, &l, &problem), problem.code);
	return l;
}

static int change(struct fixture *f, const char *name, const char *value, struct pf_reason *why)
{
	struct pf_settings_change c = { name, value, { 0 } };
	int r = pf_settings_change(f->s, &c, 1, false, NULL, why);

	assert_int_equal(r == 0 || r == -EBADMSG || r == -EIO, c.why.code == 0);
	return r;
}

static void the_last_who_says_something_wins_and_is_named(void **state)
{
	char *const pairs[] = { (char *)"max_sessions", (char *)"7" };
	struct fixture *f = *state;
	struct look l;

	put(f, "host.conf", "# x\nport = 1000\nmax_sessions = 3\ncursor = no\n");
	put(f, "host.conf.d/10-a.conf", "desk_keep_alive_s = 5\n");
	put(f, "host.conf.d/" PF_SETTINGS_CONSOLE_FILE, "cursor = yes\nrefresh_max_hz = 60\n");
	put(f, "host.conf.d/95-b.conf", "\nrefresh_max_hz = 90\n");
	begin(f, pairs, 1, NULL);
	l = look(f, "port");
	assert_int_equal(l.source, PF_SETTINGS_FILE);
	assert_int_equal(l.line, 2);
	assert_string_equal(l.now, "1000");
	assert_string_equal(l.fixed, "");
	l = look(f, "cursor");
	assert_int_equal(l.source, PF_SETTINGS_CONSOLE);
	assert_string_equal(l.console, "yes");
	l = look(f, "refresh_max_hz");
	assert_int_equal(l.source, PF_SETTINGS_FILE);
	assert_string_equal(l.now, "90");
	assert_string_equal(l.console, "60");
	assert_non_null(strstr(l.fixed, "host.conf.d/95-b.conf:2"));
	l = look(f, "max_sessions");
	assert_int_equal(l.source, PF_SETTINGS_COMMAND_LINE);
	assert_string_equal(l.now, "7");
	assert_non_null(strstr(l.fixed, "command line"));
	assert_int_equal(look(f, "audio").source, PF_SETTINGS_DEFAULT);
}

static void a_change_is_in_the_file_and_in_force(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why;
	struct look l;
	char *text;

	put(f, "host.conf", "max_sessions = 3\n");
	begin(f, NULL, 0, NULL);
	assert_int_equal(change(f, "max_sessions", "5", &why), 0);
	assert_int_equal(f->config.max_sessions, 5);
	assert_int_equal(f->applied, 1);
	text = console(f);
	assert_non_null(strstr(text, "\nmax_sessions = 5\n"));
	free(text);
	/* One that needs a restart waits for it. */
	assert_int_equal(change(f, "port", "4321", &why), 0);
	l = look(f, "port");
	assert_string_equal(l.now, "9777");
	assert_string_equal(l.next, "4321");
	assert_int_equal(l.source, PF_SETTINGS_DEFAULT);
	/* Back to what the file and the default say. */
	assert_int_equal(change(f, "max_sessions", NULL, &why), 0);
	assert_int_equal(f->config.max_sessions, 3);
	assert_int_equal(look(f, "max_sessions").source, PF_SETTINGS_FILE);
	assert_int_equal(change(f, "port", NULL, &why), 0);
	assert_string_equal(look(f, "port").next, "");
	text = console(f);
	assert_null(strstr(text, " = "));
	free(text);
}

static void all_of_a_change_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct pf_settings_change c[] = { { "cursor", "no", { 0 } }, { "port", "66666", { 0 } },
		{ "nonsense", "1", { 0 } }, { "user", "root", { 0 } },
		{ "keyboard_layout", " de", { 0 } } };
	struct pf_reason why;
	char *text;

	begin(f, NULL, 0, NULL);
	assert_int_equal(pf_settings_change(f->s, c, 5, false, NULL, &why), -EINVAL);
	assert_int_equal(c[0].why.code, 0);
	assert_non_null(strstr(c[1].why.text, "0 to 65535"));
	assert_non_null(strstr(c[2].why.text, "nonsense"));
	assert_int_equal(c[3].why.code, -EACCES);
	assert_non_null(strstr(c[4].why.text, "blank"));
	assert_string_equal(why.text, c[1].why.text);
	/* - is for the command line. */
	assert_int_equal(change(f, "max-sessions", "1", &why), -EINVAL);
	assert_int_equal(change(f, "keyboard_layout", "us\nuser = root", &why), -EINVAL);
	/* Each by itself, but not together. */
	c[0] = (struct pf_settings_change){ "bitrate_max_kbps", "1000", { 0 } };
	c[1] = (struct pf_settings_change){ "cursor", "no", { 0 } };
	assert_int_equal(pf_settings_change(f->s, c, 2, false, NULL, &why), -EINVAL);
	assert_non_null(strstr(c[0].why.text, "bitrate_default_kbps"));
	assert_int_equal(c[1].why.code, 0);
	assert_int_equal(change(f, "port", "4242", &why), -EBUSY);
	assert_string_equal(why.text, "port: somebody has it");
	text = console(f);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(f->applied, 0);
	assert_true(f->config.cursor);
}

/* One at a time, beside the loop; what the files say by its end is what counts. */
static void a_slow_check_is_a_trial(void **state)
{
	struct fixture *f = *state;
	struct pf_settings_trial one = { 0 }, other = { 0 };
	struct pf_settings_change good = { "port", "4241", { 0 } }, bad = { "port", "4242", { 0 } },
				  quick = { "cursor", "no", { 0 } };
	struct pf_reason why = { 0 };

	begin(f, NULL, 0, NULL);
	assert_int_equal(pf_settings_change(f->s, &good, 1, false, &one, &why), -EINPROGRESS);
	assert_int_equal(f->applied, 0);
	assert_int_equal(pf_settings_change(f->s, &bad, 1, false, &other, &why), -EAGAIN);
	assert_non_null(strstr(bad.why.text, "in a moment"));
	/* Needs no trial; the one under way is of other files then. */
	assert_int_equal(pf_settings_change(f->s, &quick, 1, false, &other, &why), 0);
	pf_settings_trial_run(&one);
	assert_int_equal(pf_settings_change(f->s, &good, 1, false, &one, &why), -EINPROGRESS);
	pf_settings_trial_run(&one);
	assert_int_equal(pf_settings_change(f->s, &good, 1, false, &one, &why), 0);
	assert_int_equal(pf_settings_change(f->s, &bad, 1, false, &other, &why), -EINPROGRESS);
	pf_settings_trial_run(&other);
	assert_int_equal(pf_settings_change(f->s, &bad, 1, false, &other, &why), -EBUSY);
	assert_string_equal(bad.why.text, "port: somebody has it");
	assert_int_equal(pf_settings_change(f->s, &bad, 1, false, &other, &why), -EINPROGRESS);
	pf_settings_trial_give_up(f->s, &other);
	assert_int_equal(pf_settings_change(f->s, &bad, 1, false, &one, &why), -EINPROGRESS);
}

static void what_comes_later_cannot_be_changed(void **state)
{
	char *const pairs[] = { (char *)"port", (char *)"7" };
	struct fixture *f = *state;
	struct pf_reason why;
	char *text;

	put(f, "host.conf.d/95-b.conf", "cursor = no\n");
	begin(f, pairs, 1, NULL);
	assert_int_equal(change(f, "cursor", "yes", &why), -EEXIST);
	assert_non_null(strstr(why.text, "95-b.conf:1"));
	assert_int_equal(change(f, "port", "8", &why), -EEXIST);
	assert_non_null(strstr(why.text, "command line"));
	text = console(f);
	assert_string_equal(text, "");
	free(text);
	/* But what was set here before can be forgotten. */
	put(f, "host.conf.d/" PF_SETTINGS_CONSOLE_FILE, "cursor = yes\nmicrophone = no\n");
	assert_int_equal(change(f, "cursor", NULL, &why), 0);
	text = console(f);
	assert_null(strstr(text, "cursor"));
	assert_non_null(strstr(text, "microphone = no"));
	free(text);
}

static void a_broken_file_is_named_and_kept(void **state)
{
	struct fixture *f = *state;
	struct look l = { .name = "cursor" };
	struct pf_reason why = { 0 };
	char *text;

	begin(f, NULL, 0, NULL);
	put(f, "host.conf.d/" PF_SETTINGS_CONSOLE_FILE, "cursor = perhaps\n");
	assert_int_equal(change(f, "audio", "no", &why), -EBADMSG);
	assert_non_null(strstr(why.text, "90-console.conf:1"));
	assert_int_equal(pf_settings_each(f->s, look_at, &l, &why), -EBADMSG);
	assert_string_equal(l.now, "yes");
	assert_int_equal(pf_settings_reload(f->s), -EBADMSG);
	text = console(f);
	assert_string_equal(text, "cursor = perhaps\n");
	free(text);
}

static void one_file_alone_leaves_nothing_to_set(void **state)
{
	struct fixture *f = *state;
	struct pf_reason why;
	char path[PF_PATH_BYTES];

	put(f, "alone.conf", "max_sessions = 2\n");
	snprintf(path, sizeof(path), "%s/alone.conf", f->dir);
	begin(f, NULL, 0, path);
	assert_int_equal(f->config.max_sessions, 2);
	assert_int_equal(change(f, "cursor", "no", &why), -EEXIST);
	assert_non_null(strstr(why.text, "--config"));
}

static void a_disk_that_refuses_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct rlimit whole, full;
	struct pf_reason why = { 0 };
	char *text;

	begin(f, NULL, 0, NULL);
	assert_int_equal(change(f, "microphone", "no", &why), 0);
	/* Full, as far as this process may know: also for root. */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &whole), 0);
	full = (struct rlimit){ 100, whole.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_int_equal(change(f, "cursor", "no", &why), -EIO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &whole), 0);
	assert_non_null(strstr(why.text, "90-console.conf: File too large"));
	assert_true(f->config.cursor);
	assert_int_equal(f->applied, 1);
	text = console(f);
	assert_non_null(strstr(text, "\nmicrophone = no\n"));
	free(text);
	assert_int_equal(change(f, "cursor", "no", &why), 0);
}

/* A new key that takes text must be thought about: what can a stolen session do with it? */
static void every_text_is_guarded_or_known_to_be_harmless(void **state)
{
	static const char *const harmless[] = { "audio_options", "display_options", "encoder",
		"encoder_preset", "keyboard_layout" };
	size_t count;
	const struct pf_config_key *keys = pf_config_keys(&count);

	for (size_t i = 0; i < count; i++) {
		bool known = pf_settings_guard(&keys[i]) != NULL;

		for (size_t k = 0; k < sizeof(harmless) / sizeof(harmless[0]); k++)
			known |= !strcmp(harmless[k], keys[i].name);
		if (keys[i].type == PF_CONFIG_TEXT && !known)
			fail_msg("%s", keys[i].name);
	}
	assert_non_null(pf_settings_guard(pf_config_find("trust_on_first_use")));
	assert_non_null(pf_settings_guard(pf_config_find("mgmt_port")));
	assert_non_null(pf_settings_guard(pf_config_find("session_command")));
	assert_null(pf_settings_guard(pf_config_find("cursor")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_last_who_says_something_wins_and_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_change_is_in_the_file_and_in_force, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_of_a_change_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_slow_check_is_a_trial, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_comes_later_cannot_be_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_file_is_named_and_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_file_alone_leaves_nothing_to_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_disk_that_refuses_changes_nothing, set_up, tear_down),
		cmocka_unit_test(every_text_is_guarded_or_known_to_be_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
