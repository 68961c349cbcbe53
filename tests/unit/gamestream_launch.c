/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "host/gamestream/launch.h"

#define KEY  "rikey=000102030405060708090a0b0c0d0e0F"
#define BASE KEY "&rikeyid=-77&appid=2&mode=1280x720x60&localAudioPlayMode=0"

static struct pf_gs_query q;

static int parse(struct pf_gs_launch *l, bool resume, const char *args)
{
	struct pf_reason why = { 0 };
	char target[1024];
	int r;

	snprintf(target, sizeof(target), "/launch?uniqueid=1&%s", args);
	assert_int_equal(pf_gs_query_parse(&q, target, strlen(target)), 0);
	r = pf_gs_launch_parse(l, &q, resume, &why);
	assert_int_equal(!!r, !!*why.text);
	return r;
}

/* What a stock client sends. */
static void stock_launch(void **state)
{
	struct pf_gs_launch l = { .grants = 5, .fingerprint = { 9 }, .peer = "p" };

	assert_int_equal(
		parse(&l, false,
			"appid=881448767&mode=2560x1440x120&additionalStates=1&sops=1"
			"&rikey=00112233445566778899AABBCCDDEEFF&rikeyid=-1234567&"
			"localAudioPlayMode=1"
			"&hdrMode=1&clientHdrCapVersion=0&clientHdrCapSupportedFlagsInUint32=0"
			"&clientHdrCapMetaDataId=NV_STATIC_METADATA_TYPE_1&clientHdrCapDisplayData="
			"0x0x0x0x0x0x0x0x0x0x0&surroundAudioInfo=4128774&remoteControllersBitmap=3"
			"&gcmap=3&gcpersist=1&corever=1"),
		0);
	assert_false(l.resume);
	assert_int_equal(l.grants, 5);
	assert_int_equal(l.fingerprint[0], 9);
	assert_string_equal(l.peer, "p");
	assert_int_equal(l.app_id, 881448767);
	assert_int_equal(l.width, 2560);
	assert_int_equal(l.height, 1440);
	assert_int_equal(l.refresh_mhz, 120000);
	assert_memory_equal(
		l.rikey, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
	assert_int_equal(l.rikeyid, -1234567);
	assert_true(l.hdr && l.sops && l.local_audio && l.gamepads_persist);
	assert_false(l.continuous_audio || l.virtual_display);
	assert_int_equal(l.channels, 6);
	assert_int_equal(l.channel_mask, 0x3f);
	assert_int_equal(l.gamepads, 3);
	assert_int_equal(l.corever, 1);
	assert_int_equal(l.scale_percent, 100);
}

static void bare_resume(void **state)
{
	struct pf_gs_launch l = { 0 };

	assert_int_equal(parse(&l, true, KEY "&rikeyid=2147483647"), 0);
	assert_true(l.resume);
	assert_int_equal(l.app_id, 0);
	assert_int_equal(l.width, 0);
	assert_int_equal(l.rikeyid, INT32_MAX);
	assert_int_equal(l.corever, 0);
	assert_int_equal(l.channels, 0);
}

static void modes(void **state)
{
	static const struct {
		const char *mode;
		uint32_t w, h, mhz; /* 0 = refused */
	} rows[] = {
		{ "1280x720x60", 1280, 720, 60000 },
		{ "1280x720x0", 1280, 720, 60000 },
		{ "1280x720x59.94", 1280, 720, 59940 },
		{ "1280x720x29.97003", 1280, 720, 29970 },
		{ "1280x720x119880", 1280, 720, 119880 },
		{ "1280x720x1000", 1280, 720, 1000 },
		{ "1280x720x480", 1280, 720, 480000 },
		{ "1280x720x481", 0, 0, 0 },
		{ "1280x720x999999", 0, 0, 0 },
		{ "1280x720x9999999", 0, 0, 0 },
		{ "1280x720x1000.5", 0, 0, 0 },
		{ "1280x720x60.", 0, 0, 0 },
		{ "1280x720x60a", 0, 0, 0 },
		{ "1280x720x-60", 0, 0, 0 },
		{ "1280x720", 0, 0, 0 },
		{ "1280x720x", 0, 0, 0 },
		{ "x720x60", 0, 0, 0 },
		{ "0x720x60", 0, 0, 0 },
		{ "99999x720x60", 0, 0, 0 },
		{ "4294968576x720x60", 0, 0, 0 },
		{ "1280x720x60x1", 0, 0, 0 },
		{ "", 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pf_gs_launch l = { .width = 5 };
		char args[256];
		int r;

		snprintf(args, sizeof(args), KEY "&rikeyid=0&appid=1&localAudioPlayMode=0&mode=%s",
			rows[i].mode);
		r = parse(&l, false, args);
		if (r != (rows[i].w ? 0 : -EINVAL) || l.width != (rows[i].w ? rows[i].w : 5) ||
			l.height != rows[i].h || l.refresh_mhz != rows[i].mhz)
			fail_msg("%s: %d %ux%u@%u", rows[i].mode, r, l.width, l.height,
				l.refresh_mhz);
	}
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"rikeyid=1&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		"rikey=&rikeyid=1&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		"rikey=0011&rikeyid=1&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		KEY "00&rikeyid=1&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=2147483648&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=x&appid=2&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=1&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=1&appid=0&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=1&appid=-2&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=1&appid=2147483648&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=1&appid=../etc/passwd&mode=1280x720x60&localAudioPlayMode=0",
		KEY "&rikeyid=1&appid=2&localAudioPlayMode=0",
		KEY "&rikeyid=1&appid=2&mode=1280x720x60",
		BASE "&sops=2",
		BASE "&hdrMode=yes",
		BASE "&corever=-1",
		BASE "&corever=99999999999",
		BASE "&surroundAudioInfo=3",
		BASE "&surroundAudioInfo=4294967296",
		BASE "&gcmap=-1",
		BASE "&scaleFactor=0",
		BASE "&scaleFactor=100000",
	};
	struct pf_gs_launch l = { 0 };

	assert_int_equal(parse(&l, false, BASE), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(&l, false, bad[i]) != -EINVAL)
			fail_msg("%s", bad[i]);
}

static void artemis(void **state)
{
	struct pf_gs_launch l = { 0 };

	assert_int_equal(parse(&l, false, BASE "&virtualDisplay=1&scaleFactor=150"), 0);
	assert_true(l.virtual_display);
	assert_int_equal(l.scale_percent, 150);
}

/* gamestream.md 11, row 12: a key that comes again is refused, or nonces repeat. */
static void row_12_rikey_is_used_once(void **state)
{
	struct pf_gs_keys *k = NULL;
	uint8_t key[16] = { 0 };

	assert_int_equal(pf_gs_keys_create(&k), 0);
	assert_int_equal(pf_gs_keys_take(k, key), 0);
	assert_int_equal(pf_gs_keys_take(k, key), -EEXIST);
	for (unsigned i = 1; i < PF_GS_KEYS_MAX; i++) {
		memcpy(key, &i, sizeof(i));
		assert_int_equal(pf_gs_keys_take(k, key), 0);
	}
	memset(key, 0, sizeof(key));
	assert_int_equal(pf_gs_keys_take(k, key), -EEXIST);
	/* Bounded: the oldest is forgotten first. */
	key[15] = 1;
	assert_int_equal(pf_gs_keys_take(k, key), 0);
	key[15] = 0;
	assert_int_equal(pf_gs_keys_take(k, key), 0);
	pf_gs_keys_destroy(k);
	pf_gs_keys_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stock_launch),
		cmocka_unit_test(bare_resume),
		cmocka_unit_test(modes),
		cmocka_unit_test(refuses),
		cmocka_unit_test(artemis),
		cmocka_unit_test(row_12_rikey_is_used_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
