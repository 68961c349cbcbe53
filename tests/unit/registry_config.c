/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "host/registry/config.h"
#include "host/sys/files.h"
#include "host/sys/rundir.h"

struct seen {
	unsigned errors, warnings;
	unsigned line;	/* of the newest report */
	char file[256]; /* of it */
	char text[512];
};

static void note(void *user, bool is_error, const char *file, unsigned line, const char *text)
{
	struct seen *s = user;

	if (is_error)
		s->errors++;
	else
		s->warnings++;
	s->line = line;
	snprintf(s->file, sizeof(s->file), "%s", file ? file : "");
	snprintf(s->text, sizeof(s->text), "%s", text);
}

static unsigned parse(struct pf_config *c, const char *text, struct seen *s)
{
	const struct pf_config_sink sink = { note, s };

	memset(s, 0, sizeof(*s));
	return pf_config_parse(c, "host.conf", (const uint8_t *)text, strlen(text), &sink);
}

static void every_default_is_allowed_and_survives_a_round_trip(void **state)
{
	struct pf_config c, back;
	struct seen s;
	size_t count, len;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	(void)pf_config_keys(&count);
	assert_true(count > 20);
	pf_config_init(&c);
	assert_int_equal(c.port, 9777);
	assert_int_equal(c.fec_percent, PF_CONFIG_AUTO);
	assert_false(c.trust_on_first_use);
	c.port = 0;
	c.display_backend = PF_CONFIG_DISPLAY_PATTERN;
	strcpy(c.session_command, "foot -e sh -c 'echo a = b # c'");
	pf_config_write(&c, out);
	fclose(out);
	pf_config_init(&back);
	assert_int_equal(parse(&back, text, &s), 0);
	assert_int_equal(s.warnings, 0);
	assert_memory_equal(&c, &back, sizeof(c));
	free(text);
}

static void good_lines_are_applied(void **state)
{
	struct pf_config c;
	struct seen s;

	pf_config_init(&c);
	assert_int_equal(parse(&c,
				 "# comment\r\n\n  port=1234\t\r\n"
				 "display_backend = pattern\naudio = off\n"
				 "  # another\nfec_percent = 20\nsession_command = a=b # kept",
				 &s),
		0);
	assert_int_equal(s.warnings, 0);
	assert_int_equal(c.port, 1234);
	assert_int_equal(c.display_backend, PF_CONFIG_DISPLAY_PATTERN);
	assert_false(c.audio);
	assert_int_equal(c.fec_percent, 20);
	assert_string_equal(c.session_command, "a=b # kept");
}

static void a_list_of_words_becomes_bits_and_words_again(void **state)
{
	static const struct {
		const char *text;
		uint32_t bits;
		const char *words;
	} rows[] = {
		{ "h264", 1, "h264" },
		{ "h264,hevc,av1", 7, "h264,hevc,av1" },
		{ "av1 ,\th264,av1", 5, "h264,av1" },
		{ "hevc", 2, "hevc" },
	};
	const struct pf_config_key *key = pf_config_find("software-codecs");
	struct pf_reason why = { 0 };
	struct pf_config c;
	char text[64], small[8];

	pf_config_init(&c);
	assert_int_equal(c.software_codecs, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pf_config_set(&c, key->name, rows[i].text, &why), 0);
		assert_int_equal(c.software_codecs, rows[i].bits);
		pf_config_format(&c, key, text, sizeof(text));
		assert_string_equal(text, rows[i].words);
	}
	c.software_codecs = 7;
	pf_config_format(&c, key, small, sizeof(small));
	assert_string_equal(small, "h264,he");
}

static void classes_of_service_have_names(void **state)
{
	static const struct {
		const char *text;
		uint32_t value;
		const char *words;
	} rows[] = { { "off", 0, "off" }, { "CS0", 0, "off" }, { "0", 0, "off" },
		{ "ef", 46, "EF" }, { "46", 46, "EF" }, { "AF41", 34, "AF41" },
		{ "34", 34, "AF41" }, { "AF11", 10, "AF11" }, { "af43", 38, "AF43" },
		{ "CS5", 40, "CS5" }, { "CS7", 56, "CS7" }, { "63", 63, "63" }, { "1", 1, "1" },
		{ "42", 42, "42" }, { "auto", PF_CONFIG_AUTO, "auto" } };
	const struct pf_config_key *key = pf_config_find("dscp");
	struct pf_reason why = { 0 };
	struct pf_config c;
	char text[64];

	pf_config_init(&c);
	assert_int_equal(c.dscp, PF_CONFIG_AUTO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pf_config_set(&c, key->name, rows[i].text, &why), 0);
		assert_int_equal(c.dscp, rows[i].value);
		pf_config_format(&c, key, text, sizeof(text));
		assert_string_equal(text, rows[i].words);
	}
	for (uint32_t v = 0; v < 64; v++) {
		c.dscp = v;
		pf_config_format(&c, key, text, sizeof(text));
		c.dscp = 99;
		assert_int_equal(pf_config_set(&c, key->name, text, &why), 0);
		assert_int_equal(c.dscp, v);
	}
}

static void an_unknown_key_is_a_warning_with_its_place(void **state)
{
	struct pf_config c;
	struct seen s;

	pf_config_init(&c);
	assert_int_equal(parse(&c, "\nprot = 1\nport = 5\n", &s), 0);
	assert_int_equal(s.warnings, 1);
	assert_int_equal(s.line, 2);
	assert_string_equal(s.file, "host.conf");
	assert_non_null(strstr(s.text, "\"prot\""));
	assert_int_equal(c.port, 5);
	assert_int_equal(parse(&c, "port = 6\nport = 7\n", &s), 0);
	assert_int_equal(s.warnings, 1);
	assert_int_equal(c.port, 7);
}

static void a_bad_value_says_what_is_allowed(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "port = 65536", "0 to 65535" },
		{ "port = -1", "0 to 65535" },
		{ "port = 99999999999999999999", "0 to 65535" },
		{ "port = 0x10", "0 to 65535" },
		{ "port =", "0 to 65535" },
		{ "fec_percent = 91", "auto or 0 to 90" },
		{ "delivery = slow", "capped, burst, smooth" },
		{ "dscp = AF14", "AF11 to AF43" },
		{ "dscp = AF51", "AF11 to AF43" },
		{ "dscp = CS8", "CS0 to CS7" },
		{ "dscp = CS", "auto, off" },
		{ "dscp = 64", "0 to 63" },
		{ "dscp = EFG", "auto, off" },
		{ "dscp = ", "auto, off" },
		{ "audio = maybe", "yes or no" },
		{ "audio_channels = 4", "2, 6, 8" },
		{ "software_codecs = ", "one or more of h264, hevc, av1" },
		{ "software_codecs = h264,", "one or more of" },
		{ "software_codecs = h264,vp9", "one or more of" },
		{ "software_codecs = h264 hevc", "one or more of" },
		{ "software_codecs = 1", "one or more of" },
		{ "display_backend = kwin", "auto, wlroots, session, pattern, null" },
		{ "display_backend = ", "auto, wlroots" },
		{ "session_command = \x01", "text" },
		{ "just words", "KEY = VALUE" },
	};
	struct pf_config c, before;
	struct seen s;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pf_config_init(&c);
		before = c;
		assert_int_equal(parse(&c, rows[i].text, &s), 1);
		assert_int_equal(s.errors, 1);
		assert_int_equal(s.line, 1);
		if (!strstr(s.text, rows[i].words))
			fail_msg("%s: %s", rows[i].text, s.text);
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void hostile_text_stays_inside_its_bounds(void **state)
{
	struct pf_config c;
	struct seen s;
	const struct pf_config_sink sink = { note, &s };
	char *big = malloc(5000);

	pf_config_init(&c);
	memset(big, 'x', 5000);
	memcpy(big, "user = ", 7);
	memset(&s, 0, sizeof(s));
	assert_int_equal(pf_config_parse(&c, "f", (const uint8_t *)big, 5000, &sink), 1);
	memset(&s, 0, sizeof(s));
	/* The longest text that fits, and one more. */
	assert_int_equal(
		pf_config_parse(&c, "f", (const uint8_t *)big, 7 + PF_CONFIG_TEXT_BYTES - 1, &sink),
		0);
	assert_int_equal(strlen(c.user), PF_CONFIG_TEXT_BYTES - 1);
	assert_int_equal(
		pf_config_parse(&c, "f", (const uint8_t *)big, 7 + PF_CONFIG_TEXT_BYTES, &sink), 1);
	assert_int_equal(pf_config_parse(&c, "f", (const uint8_t *)"port\0=1", 7, &sink), 1);
	assert_int_equal(pf_config_parse(&c, "f", NULL, 0, &sink), 0);
	free(big);
}

static void command_line_names_take_dashes(void **state)
{
	struct pf_reason why = { 0 };
	struct pf_config c;

	pf_config_init(&c);
	assert_int_equal(pf_config_set(&c, "bitrate-default-kbps", "3000", &why), 0);
	assert_int_equal(c.bitrate_default_kbps, 3000);
	assert_int_equal(pf_config_set(&c, "bitrate", "3000", &why), -ENOENT);
	assert_int_equal(pf_config_set(&c, "port", "x", &why), -EINVAL);
	assert_non_null(strstr(why.text, "allowed"));
	assert_null(pf_config_find("port_"));
	assert_null(pf_config_find(""));
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[PF_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(pf_file_replace(path, 0600, text, strlen(text), NULL), 0);
}

static void files_come_in_order_and_the_last_wins(void **state)
{
	struct pf_config c;
	struct seen s = { 0 };
	const struct pf_config_sink sink = { note, &s };
	char *dir, path[PF_PATH_BYTES];

	assert_int_equal(pf_rundir_create("/tmp", "pf-config-", &dir, NULL), 0);
	pf_config_init(&c);
	assert_int_equal(pf_config_load(&c, dir, NULL, &sink), 0); /* nothing there */
	put(dir, "host.conf", "port = 1\nmax_sessions = 2\n");
	snprintf(path, sizeof(path), "%s/host.conf.d", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	put(path, "20-b.conf", "port = 3\n");
	put(path, "10-a.conf", "port = 2\nuser = u\nnope = 1\n");
	put(path, "30-c.conf.bak", "port = 4\n");
	assert_int_equal(pf_config_load(&c, dir, NULL, &sink), 0);
	assert_int_equal(s.warnings, 1);
	assert_non_null(strstr(s.file, "host.conf.d/10-a.conf"));
	assert_int_equal(c.port, 3);
	assert_int_equal(c.max_sessions, 2);
	assert_string_equal(c.user, "u");
	/* A file that was named must be there. */
	snprintf(path, sizeof(path), "%s/none.conf", dir);
	assert_int_equal(pf_config_load(&c, dir, path, &sink), 1);
	assert_non_null(strstr(s.text, "none.conf"));
	snprintf(path, sizeof(path), "%s/host.conf.d", dir);
	assert_int_equal(pf_config_load(&c, dir, path, &sink), 1);
	(void)pf_rundir_remove(dir);
	free(dir);
}

static void note_key(void *user, const char *key)
{
	strcat(user, key);
}

static void a_reload_leaves_what_needs_a_restart(void **state)
{
	struct pf_config c, next;
	char stays[256] = "";

	pf_config_init(&c);
	next = c;
	next.port = 1;
	next.max_sessions = 9;
	strcpy(next.session_command, "foot");
	pf_config_adopt(&c, &next, note_key, stays);
	assert_int_equal(c.port, 9777);
	assert_int_equal(c.max_sessions, 9);
	assert_string_equal(c.session_command, "foot");
	assert_string_equal(stays, "port");
}

static void the_manual_page_has_every_key_as_the_table(void **state)
{
	static const char begin[] = "begin settings (punktfunk-host config --man)\n";
	char path[PF_PATH_BYTES], *want = NULL;
	size_t want_len, len;
	FILE *out = open_memstream(&want, &want_len);
	uint8_t *page;
	char *part, *end;

	pf_config_write_man(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/docs/man/punktfunk-host.1", getenv("PF_SOURCE_ROOT"));
	assert_int_equal(pf_file_read(path, 1 << 20, &page, &len, NULL), 0);
	part = strstr((char *)page, begin);
	assert_non_null(part);
	part += sizeof(begin) - 1;
	end = strstr(part, ".\\\" end settings\n");
	assert_non_null(end);
	/* If this fails: put the output of `punktfunk-host config --man` there. */
	assert_int_equal((size_t)(end - part), want_len);
	assert_memory_equal(part, want, want_len);
	free(page);
	free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_default_is_allowed_and_survives_a_round_trip),
		cmocka_unit_test(good_lines_are_applied),
		cmocka_unit_test(a_list_of_words_becomes_bits_and_words_again),
		cmocka_unit_test(classes_of_service_have_names),
		cmocka_unit_test(an_unknown_key_is_a_warning_with_its_place),
		cmocka_unit_test(a_bad_value_says_what_is_allowed),
		cmocka_unit_test(hostile_text_stays_inside_its_bounds),
		cmocka_unit_test(command_line_names_take_dashes),
		cmocka_unit_test(files_come_in_order_and_the_last_wins),
		cmocka_unit_test(a_reload_leaves_what_needs_a_restart),
		cmocka_unit_test(the_manual_page_has_every_key_as_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
