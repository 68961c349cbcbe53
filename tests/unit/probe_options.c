/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "clients/probe/options.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "clients/probe/known.h"
#include "punktfunk_core.h"

static char said[2048];

/* Splits at blanks and parses. */
static int parse_for(struct pf_probe_options *o, enum pf_probe_command command, const char *line)
{
	static char copy[1024];
	char *argv[64], *save = NULL;
	FILE *err = fmemopen(said, sizeof(said), "w");
	int argc = 0, r;

	strcpy(copy, line);
	memset(said, 0, sizeof(said));
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	r = pf_probe_options_parse(o, command, argc, argv, err);
	fclose(err);
	return r;
}

static int parse(struct pf_probe_options *o, const char *line)
{
	return parse_for(o, PF_PROBE_CMD_CONNECT, line);
}

static void test_defaults(void **state)
{
	struct pf_probe_options o;

	assert_int_equal(parse(&o, "box --trust-first"), 0);
	assert_string_equal(o.host, "box");
	assert_int_equal(o.port, 0);
	assert_int_equal(o.width, 1280);
	assert_int_equal(o.height, 720);
	assert_int_equal(o.refresh_hz, 60);
	assert_int_equal(o.codec, PUNKTFUNK_CODEC_H264);
	assert_int_equal(o.channels, 2);
	assert_true(o.trust_first && !o.pinned && !o.json && o.png_at < 0);
	assert_true(o.max_not_shown < 0 && o.timeout == 10);
}

static void test_bench(void **state)
{
	struct pf_probe_options o;

	assert_int_equal(parse_for(&o, PF_PROBE_CMD_BENCH_CONNECT,
				 "box --trust-first --rounds 7 --reconnect --pause 0"),
		0);
	assert_true(o.rounds == 7 && o.reconnect && o.pause == 0);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_BENCH_MODE,
				 "box --trust-first --mode 1280x720@120 --to 1920x1080@60"),
		0);
	assert_true(o.width == 1280 && o.height == 720 && o.refresh_hz == 120);
	assert_true(o.to_width == 1920 && o.to_height == 1080 && o.to_refresh_hz == 60);
	assert_true(!o.rounds && o.pause < 0);
	/* Modes of one size look alike. */
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_BENCH_MODE,
				 "box --trust-first --mode 800x600@60 --to 800x600@30"),
		-1);
	assert_non_null(strstr(said, "differ in size"));
	assert_int_equal(
		parse_for(&o, PF_PROBE_CMD_BENCH_MODE, "box --trust-first --reconnect"), -1);
	assert_non_null(strstr(said, "not for bench-mode"));
	assert_int_equal(parse(&o, "box --trust-first --rounds 3"), -1);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_BENCH_CONNECT, "box --rounds 0"), -1);
}

static void test_all(void **state)
{
	struct pf_probe_options o;

	assert_int_equal(
		parse(&o, "--mode 5120x1440@240 10.1.2.3:9000 --bitrate=8000 --codec hevc "
			  "--audio-channels 6 --seconds 2.5 --frames 77 --timeout 3 "
			  "--pin-fingerprint "
			  "000102030405060708090a0b0c0d0e0f:101112131415161718191A1B1C1D1E1F "
			  "--identity id --name me --launch game --quit --dump d --mp4 m --wav w "
			  "--png p --png-at 1 --type hi --pointer-path --input-script s "
			  "--expect-content --mic-tone 900 --skip-held --even-out "
			  "--no-audio-copies --verify "
			  "--max-not-shown 4 --expect-tone 440,50 --reject-tone 660 --json"),
		0);
	assert_string_equal(o.host, "10.1.2.3");
	assert_int_equal(o.port, 9000);
	assert_int_equal(o.width, 5120);
	assert_int_equal(o.height, 1440);
	assert_int_equal(o.refresh_hz, 240);
	assert_int_equal(o.bitrate_kbps, 8000);
	assert_int_equal(o.codec, PUNKTFUNK_CODEC_HEVC);
	assert_int_equal(o.channels, 6);
	assert_true(o.seconds == 2.5 && o.timeout == 3 && o.png_at == 1);
	assert_int_equal(o.frames, 77);
	assert_true(o.pinned);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(o.fingerprint[i], i);
	assert_string_equal(o.identity, "id");
	assert_string_equal(o.name, "me");
	assert_string_equal(o.launch, "game");
	assert_string_equal(o.dump, "d");
	assert_string_equal(o.mp4, "m");
	assert_string_equal(o.wav, "w");
	assert_string_equal(o.png, "p");
	assert_string_equal(o.type, "hi");
	assert_string_equal(o.input_script, "s");
	assert_true(o.skip_held && o.even_out && o.no_audio_copies);
	assert_true(o.expect_content && o.quit && o.pointer_path && o.verify && o.json && !o.quiet);
	assert_int_equal(o.max_not_shown, 4);
	assert_true(o.expect_tone[0] == 440 && o.expect_tone[1] == 50 && o.expect_tone[2] == 0 &&
		    o.reject_tone == 660 && o.mic_tone == 900);
}

static void test_speed_test(void **state)
{
	struct pf_probe_options o;

	assert_int_equal(parse_for(&o, PF_PROBE_CMD_SPEED,
				 "box --trust-first --target 90000 --duration 250 --json"),
		0);
	assert_int_equal(o.target_kbps, 90000);
	assert_int_equal(o.duration_ms, 250);
	assert_true(o.json && o.trust_first);
	/* What it does not do, and what others do not. */
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_SPEED, "box --trust-first --mp4 x"), -1);
	assert_int_equal(parse(&o, "box --trust-first --target 90000"), -1);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_SPEED, "box --trust-first --duration 0"), -1);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_SPEED, "--trust-first"), -1);
	assert_non_null(strstr(said, "speed-test HOST"));
}

static void test_discover(void **state)
{
	struct pf_probe_options o;

	assert_int_equal(parse_for(&o, PF_PROBE_CMD_DISCOVER, ""), 0);
	assert_true(o.timeout == 2);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_DISCOVER, "--json --timeout 5"), 0);
	assert_true(o.json && o.timeout == 5);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_DISCOVER, "box"), -1);
	assert_non_null(strstr(said, "name none"));
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_DISCOVER, "--json --quiet"), -1);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_DISCOVER, "--mode 1x1@1"), -1);
}

static void test_hosts(void **state)
{
	struct pf_probe_options o;

	assert_int_equal(parse(&o, "[fe80::1]:12 --trust-first"), 0);
	assert_string_equal(o.host, "fe80::1");
	assert_int_equal(o.port, 12);
	assert_int_equal(parse(&o, "fe80::1 --trust-first"), 0);
	assert_string_equal(o.host, "fe80::1");
	assert_int_equal(o.port, 0);
	assert_int_equal(parse(&o, "[::1] --trust-first"), 0);
	assert_string_equal(o.host, "::1");
	assert_int_equal(parse(&o, "box:0 --trust-first"), -1);
	assert_int_equal(parse(&o, "box:65536 --trust-first"), -1);
	assert_int_equal(parse(&o, "box:-1 --trust-first"), -1);
	assert_int_equal(parse(&o, "box:x --trust-first"), -1);
	assert_int_equal(parse(&o, ":12 --trust-first"), -1);
	assert_int_equal(parse(&o, "[::1 --trust-first"), -1);
	assert_int_equal(parse(&o, "one two --trust-first"), -1);
}

/* Each refusal names what it refuses. */
static void test_faults(void **state)
{
	static const char *const bad[][2] = {
		{ "--trust-first", "HOST" },
		{ "box", "--pin-fingerprint" },
		{ "box --trust-first --nonsense", "--nonsense" },
		{ "box --trust-first=1", "--trust-first=1" },
		{ "box --trust-first --mode 3", "--mode" },
		{ "box --trust-first --mode 1280x720", "--mode" },
		{ "box --trust-first --mode 1280x720@60x", "--mode" },
		{ "box --trust-first --mode 0x720@60", "--mode" },
		{ "box --trust-first --bitrate 0", "--bitrate" },
		{ "box --trust-first --bitrate many", "--bitrate" },
		{ "box --trust-first --seconds nan", "--seconds" },
		{ "box --trust-first --seconds", "--seconds" },
		{ "box --trust-first --codec vp9", "--codec" },
		{ "box --trust-first --audio-channels 3", "--audio-channels" },
		{ "box --trust-first --audio-channels 22", "--audio-channels" },
		{ "box --pin-fingerprint abc", "--pin-fingerprint" },
		{ "box --trust-first --png-at 3", "--png" },
		{ "box --trust-first --json --quiet", "--quiet" },
		{ "box --trust-first --pin-fingerprint "
		  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
			"--trust-first" },
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pf_probe_options o;

		if (parse(&o, bad[i][0]) != -1)
			fail_msg("accepted: %s", bad[i][0]);
		if (!strstr(said, bad[i][1]))
			fail_msg("%s: said only %s", bad[i][0], said);
		assert_int_equal(said[strlen(said) - 1], '\n');
	}
}

static void test_pair(void **state)
{
	static const char *const bad[][2] = {
		{ "box", "--pin" },
		{ "--pin 1234", "HOST" },
		{ "box --pin 1234 --mode 1280x720@60", "--mode" },
		{ "box --pin 1234 --trust-first", "--trust-first" },
		{ "box --pin", "--pin" },
		{ "box --pin 1 --json --quiet", "--quiet" },
	};
	struct pf_probe_options o;

	assert_int_equal(
		parse_for(&o, PF_PROBE_CMD_PAIR, "box:9 --pin 0042 --identity id --name me"), 0);
	assert_string_equal(o.pin, "0042");
	assert_string_equal(o.identity, "id");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse_for(&o, PF_PROBE_CMD_PAIR, bad[i][0]), -1);
		assert_non_null(strstr(said, bad[i][1]));
	}
	assert_int_equal(parse(&o, "box --trust-first --pin 1234"), -1);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_REQUEST, "box --trust-first --identity id"), 0);
	assert_true(o.timeout > 180);
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_REQUEST, "box --identity id"), -1);
	assert_non_null(strstr(said, "--trust-first"));
	assert_int_equal(parse_for(&o, PF_PROBE_CMD_REQUEST, "box --trust-first --verify"), -1);
}

/* What pairing kept is what connecting takes. */
static void test_known_hosts(void **state)
{
	char dir[] = "/tmp/pf-known-XXXXXX", path[64];
	const uint8_t one[32] = { 1, 2 }, two[32] = { 0xff, 3 };
	struct pf_probe_options o;
	struct stat st;
	uint8_t fp[32];

	assert_non_null(mkdtemp(dir));
	setenv("XDG_DATA_HOME", dir, 1);
	assert_int_equal(pf_known_find(fp, "box", 0), -ENOENT);
	assert_false(pf_known_has(one));
	assert_int_equal(pf_known_put("box", 0, one), 0);
	assert_true(pf_known_has(one));
	assert_false(pf_known_has(two));
	assert_int_equal(pf_known_put("box", 7000, two), 0);
	assert_int_equal(pf_known_put("box2", 0, two), 0);
	assert_int_equal(pf_known_find(fp, "box", 9777), 0);
	assert_memory_equal(fp, one, 32);
	assert_int_equal(pf_known_put("box", 9777, two), 0);
	assert_int_equal(pf_known_find(fp, "box", 0), 0);
	assert_memory_equal(fp, two, 32);
	assert_int_equal(pf_known_find(fp, "box", 7000), 0);
	assert_int_equal(pf_known_find(fp, "box", 7001), -ENOENT);
	assert_int_equal(parse(&o, "box:7000"), 0);
	assert_true(o.pinned);
	assert_memory_equal(o.fingerprint, two, 32);
	snprintf(path, sizeof(path), "%s/punktfunk-probe/identity.pem", dir);
	assert_string_equal(o.identity, path);
	assert_int_equal(parse(&o, "box:7001"), -1);
	snprintf(path, sizeof(path), "%s/punktfunk-probe/known_hosts", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/punktfunk-probe", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* The manual page names every option that --help names, and no other. */
static void test_manual(void **state)
{
	static char manual[65536], help[16384];
	char path[512];
	FILE *f, *out = fmemopen(help, sizeof(help) - 1, "w");
	unsigned options = 0;

	pf_probe_options_help(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/docs/man/punktfunk-probe.1", getenv("PF_SOURCE_ROOT"));
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(manual, 1, sizeof(manual) - 1, f) > 1000);
	fclose(f);
	for (char *p = help; (p = strstr(p, "  --")) != NULL; p++, options++) {
		char roff[80] = "", *to = roff;

		for (const char *c = p + 2; *c && *c != ' ' && to < roff + 70; c++) {
			if (*c == '-')
				*to++ = '\\';
			*to++ = *c;
		}
		*to = '\0';
		if (!strstr(manual, roff))
			fail_msg("the manual page lacks %s", roff);
	}
	assert_true(options > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bench),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_speed_test),
		cmocka_unit_test(test_discover),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_known_hosts),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
